"""What one client may take: how much it says in a second, and how many sockets it holds."""

from collections import Counter
from collections.abc import Hashable
from typing import Final

from domain.actors import Actor
from domain.errors import RateLimited
from subscriptions.ports import Limits

MESSAGE_BYTES_A_TOKEN: Final = 4_096
DOCUMENT_CHARACTERS_A_TOKEN: Final = 100
"""A document that nobody has sent before is parsed, validated and compiled: that is most of what a client can cost."""


class Bucket:
    """Tokens that come back with time. What is spent beyond them is a debt, and the debt is a measure of a flood."""

    __slots__ = ("_at", "_last", "_left", "_rate", "_size")

    def __init__(self, rate: float, size: float, now: float) -> None:
        self._rate = rate
        self._size = size
        self._left = size
        self._last = 0.0
        self._at = now

    def take(self, tokens: float, now: float) -> None:
        """Spend tokens; `now` is in seconds."""
        self._left = min(self._size, self._left + (now - self._at) * self._rate) - tokens
        self._at, self._last = now, tokens

    @property
    def is_hurried(self) -> bool:
        """Whether more than half is spent: others are to be let go first."""
        return self._left < self._size / 2

    @property
    def is_flooded(self) -> bool:
        """Whether the debt is as large as the bucket."""
        return self._left < -self._size

    @property
    def wait_seconds(self) -> float:
        """How long until what was spent last can be spent again; 0 if there is no debt."""
        return (self._last - self._left) / self._rate if self._left < 0 else 0.0


class Places:
    """How many sockets each holder has, of as many as are allowed to each."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[Hashable] = Counter()

    def take(self, holder: Hashable) -> bool:
        """Take a place; False if this holder has all that are allowed."""
        if self._taken[holder] >= self._most:
            return False
        self._taken[holder] += 1
        return True

    def leave(self, holder: Hashable) -> None:
        """Give a place back."""
        self._taken[holder] -= 1
        if not self._taken[holder]:
            del self._taken[holder]


class Crowd:
    """Who is here: a socket has a place at its network address, and once it is known whose it is, two more."""

    def __init__(self, limits: Limits) -> None:
        self._addresses = Places(limits.sockets_an_address)
        self._tenants = Places(limits.sockets_a_tenant)
        self._people = Places(limits.sockets_a_person)

    def come(self, address: Hashable) -> bool:
        """A socket from this address; False if there are too many of them."""
        return self._addresses.take(address)

    def go(self, address: Hashable) -> None:
        """The socket from this address is gone."""
        self._addresses.leave(address)

    def admit(self, actor: Actor) -> None:
        """The socket is this person's. Raises `RateLimited` if they, or all of their tenant, have too many."""
        if not self._people.take((actor.tenant, actor.person)):
            raise RateLimited("Too many sockets of one person")
        if not self._tenants.take(actor.tenant):
            self._people.leave((actor.tenant, actor.person))
            raise RateLimited("Too many sockets of one business")

    def leave(self, actor: Actor) -> None:
        """This person has one socket less."""
        self._people.leave((actor.tenant, actor.person))
        self._tenants.leave(actor.tenant)
