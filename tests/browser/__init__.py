"""The swap board in real browsers, on what `make run` brings up."""
