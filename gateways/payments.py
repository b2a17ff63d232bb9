"""The payment provider: what it must promise to whoever sends, reads and lists (R157, A41).

`send` never raises for what the provider or the network does: every way that it can end is an `Outcome`. A call that is
cancelled from our side raises `CancelledError` as any other does, and what became of it is then unknown.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from domain.payments.ask import Ask, Thing
from domain.payments.outcomes import Outcome, Refusal

Object = Mapping[str, Any]
"""An object of the provider's as plain JSON."""


class RefusedByProvider(Exception):
    """The provider says no, and asking again would change nothing; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.message or refusal.code or f"status {refusal.http_status}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """With what a business is known to its provider."""

    secret_key: str = field(repr=False)
    account: str | None = None
    """The provider's id of the business's own account; the key alone says who asks, this one is for people."""
    base_url: str | None = None
    """Another address than the provider's own: the sandbox's."""


class Provider(Protocol):
    """One business's account with the provider."""

    async def send(self, ask: Ask, key: str) -> Outcome:
        """Ask once, under an idempotency key; never again by itself."""
        ...

    async def read(self, thing: Thing, id: str = "", *, account: str | None = None) -> Object | None:
        """The object as it stands; None where there is none of this id.

        `account` reads as one of the connected accounts. Raises `RefusedByProvider`, or `domain.errors.Unavailable`
        where nobody knows.
        """
        ...

    def pages(self, thing: Thing, *, account: str | None = None, **filters: Any) -> AsyncIterator[Object]:
        """Every object of the list that fits, newest first, a page at a time; raises as `read` does."""
        ...


class Providers(Protocol):
    """Providers by credentials; one pool of connections for all of them."""

    def of(self, credentials: Credentials) -> Provider:
        """The account that these credentials open."""
        ...

    async def aclose(self) -> None:
        """Let go of every connection."""
        ...
