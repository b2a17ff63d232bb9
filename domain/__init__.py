"""The rules of the trade: pure functions over frozen facts. No I/O, no clock, no library that does either."""
