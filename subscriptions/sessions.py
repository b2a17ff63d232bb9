"""One socket as the feeds know it, and its subscriptions: each no more than a place in the log."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.actors import Actor
from domain.errors import Refused
from domain.feeds import ResyncReason
from services.cursors import Place
from subscriptions.frames import error_message, next_message, next_prefix
from subscriptions.groups import Group
from subscriptions.outlet import Outlet
from subscriptions.plans import Plan
from subscriptions.standings import Standing

FORBIDDEN: Final = 4403


@dataclass(frozen=True, slots=True, eq=False)
class Renewal:
    """A snapshot is due, announced by a Resync where a reason is given. Each wish for one is an object of its own."""

    reason: ResyncReason | None = None


class Subscriber:
    """One subscription. While `live` it stands at its tenant's head (`seq` is where it joined), otherwise at `seq`."""

    __slots__ = ("after", "ended", "group", "id", "live", "plan", "prefix", "renewal", "sent", "seq", "session")

    def __init__(self, session: "Session", id: str, plan: Plan, after: Place | None) -> None:
        self.session = session
        self.id = id
        self.prefix = next_prefix(id)
        self.plan = plan
        self.after = after
        self.group: Group | None = None
        self.seq = 0
        self.sent: int | None = None
        """The place of the last frame's cursor."""
        self.live = False
        self.ended = False
        self.renewal: Renewal | None = None

    def leave_live(self, seq: int) -> None:
        """Stand at `seq` from now, behind the head."""
        self.live = False
        self.seq = seq
        if self.group is not None:
            self.group.live.discard(self)

    def send(self, *payloads: bytes) -> None:
        """Send these payloads as they are, in one write."""
        self.session.outlet.write([next_message(self.prefix, payload) for payload in payloads])


class Session:
    """A socket that has proven who it is. The hub reads and sends through it; `end` closes it."""

    __slots__ = (
        "actor",
        "catching_up",
        "closed",
        "expires_at",
        "on_end",
        "outlet",
        "stale",
        "standing",
        "subscribers",
    )

    def __init__(self, actor: Actor, expires_at: datetime, outlet: Outlet) -> None:
        self.actor = actor
        self.expires_at = expires_at
        self.outlet = outlet
        self.standing: Standing | None = None
        self.stale = False
        """The standing may not be true any more: nothing goes live before it is read again."""
        self.subscribers: dict[str, Subscriber] = {}
        self.catching_up: asyncio.Task[None] | None = None
        self.closed = False
        self.on_end: Callable[[int, str], None] = lambda _code, _reason: None
        """Set by the socket: sends the close frame."""

    def end(self, code: int, reason: str) -> None:
        """Close the socket: from now nothing is sent."""
        if not self.closed:
            self.closed = True
            self.on_end(code, reason)

    def forbid(self) -> None:
        """The credential is over, revoked, or somebody else's."""
        self.end(FORBIDDEN, "Forbidden")

    def abort(self) -> None:
        """Drop a socket that does not read."""
        self.closed = True
        self.outlet.abort()

    def refuse(self, subscriber: Subscriber, refusal: Refused) -> None:
        """End one subscription with an error; its id is free again."""
        if not (subscriber.ended or self.closed):
            self.outlet.write([error_message(subscriber.id, [refused(refusal)])])


def refused(refusal: Refused) -> dict[str, object]:
    """A refusal as a GraphQL error."""
    extensions: dict[str, object] = {"code": refusal.code}
    if refusal.field:
        extensions["field"] = list(refusal.field)
    if refusal.retry_after_ms is not None:
        extensions["retryAfterMs"] = refusal.retry_after_ms
    return {"message": refusal.message, "extensions": extensions}
