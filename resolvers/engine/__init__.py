"""Compiled reads: declarations in `sources`, one SQL statement an operation, an answer shaped from its rows."""
