"""How much somebody's booking may cost: looking addresses up costs money, and each quote is kept (R27, R41)."""

from app.passwords import SourceLimiter

A_BOOKING_AT_ONCE = 20
A_BOOKING_A_MINUTE = 10


class VisitLimiter:
    """Nobody has to sign in to book: one booking (of who has signed in, all of theirs together) asks only so often, and
    so do all bookings of one network address.

    Counted in each process by itself, so that an installation lets through as many times more as it has processes.
    """

    def __init__(self, an_address: int = 100) -> None:
        self._of_one = SourceLimiter(burst=A_BOOKING_AT_ONCE, per_minute=A_BOOKING_A_MINUTE)
        self._from_one = SourceLimiter(burst=an_address, per_minute=an_address / 2)

    def ensure(self, booking: str, source: str) -> None:
        """Count one of this booking and network address. Raises `RateLimited` with the time to wait."""
        self._of_one.ensure(booking)
        self._from_one.ensure(source)
