"""The outside world: a Protocol, a real and a sandbox implementation each."""
