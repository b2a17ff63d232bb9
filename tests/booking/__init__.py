"""Booking: prices, quotes, the eight steps, and the first clean that is paid with them."""
