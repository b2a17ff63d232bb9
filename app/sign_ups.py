"""How often businesses sign themselves up: seldom from one network address, and not in floods from many (A42)."""

from app.passwords import SourceLimiter

EVERYBODY = "0.0.0.0"


class SignUpLimiter:
    """A sign-up makes a business and sends a mail to whatever address is given: few are honest at once.

    Counted in each process by itself, so that an installation lets through as many times more as it has processes.
    """

    def __init__(self, at_once: int = 5) -> None:
        self._from_one = SourceLimiter(burst=at_once, per_minute=0.1)
        self._from_all = SourceLimiter(burst=max(100, at_once), per_minute=20)

    def ensure(self, source: str) -> None:
        """Count a sign-up from this network address. Raises `RateLimited` with the time to wait."""
        self._from_one.ensure(source)
        self._from_all.ensure(EVERYBODY)
