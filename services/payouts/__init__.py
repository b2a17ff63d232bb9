"""What cleaners are paid, one transaction each."""
