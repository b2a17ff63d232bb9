"""Tests of what cleaners are paid, against the provider's sandbox in process."""
