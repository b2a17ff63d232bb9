"""What a business pays the platform, one transaction each (A42)."""
