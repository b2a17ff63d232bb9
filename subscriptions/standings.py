"""What is known of viewers, read once a person: an event that names somebody makes all their sockets ask at once.

Each socket's own session is verified in the same statement. Who asks while a read of the same person runs is answered
by the next one: the running one may have begun before what made them ask.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from db.stamp import STAMP, VERIFIED
from domain.actors import Actor, Role, TenantId
from domain.errors import Unauthenticated

Person = tuple[TenantId, UUID, Role]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a viewer as of `seq`, and which of their sessions hold. `now` is business time."""

    text: str | None
    """The facts as json, None where there are none. They stay text: every socket keeps them, few look at them."""
    seq: int
    now: datetime
    sessions: frozenset[UUID]

    @property
    def facts(self) -> Mapping[str, Any] | None:
        """The facts; None where nothing is known."""
        return None if self.text is None else orjson.loads(self.text)


Ask = Callable[[Actor, frozenset[UUID]], Coroutine[Any, Any, Standing | None]]
"""Reads the standing of a person with these sessions; None if none of them holds."""


def standing_statement(viewer_facts: str) -> str:
    """Parameters: the stamp's, and the sessions to verify; no row if none of them holds.

    Every session passes the stamp's own test, under an alias of its own.
    """
    return f"""select live.business_now, live.sessions, coalesce(head.seq, 0) as seq, ({viewer_facts})::text as found
    from {STAMP}
    join lateral (select max(every.business_now) as business_now, array_agg(every.session_id) as sessions
        from (select stamp.session_id, live.business_now
            from (select stamp.tenant_id, stamp.actor_id, stamp.role, one.id as session_id
                from unnest($5::uuid[]) one(id) offset 0) stamp {VERIFIED}) every
        having count(*) > 0 offset 0) live on true
    left join lateral (select h.seq from tenant_head h where h.tenant_id = stamp.tenant_id offset 0) head on true"""


@dataclass(slots=True, eq=False)
class Round:
    """One read of one person, for all who asked before it began."""

    actor: Actor
    sessions: set[UUID] = field(default_factory=set)
    answer: "asyncio.Task[Standing | None] | None" = None


class Standings:
    """Gathers who asks. At most one read a person runs at a time."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._running: dict[Person, asyncio.Task[Standing | None]] = {}
        self._gathering: dict[Person, Round] = {}

    async def of(self, actor: Actor) -> Standing:
        """The standing as of a moment after this call. Raises `Unauthenticated` if this session is over."""
        person = (actor.tenant, actor.person, actor.role)
        gathered = self._gathering.get(person)
        if gathered is None:
            gathered = self._gathering[person] = Round(actor)
            gathered.answer = asyncio.create_task(self._read(person, gathered))
            gathered.answer.add_done_callback(_looked_at)
        gathered.sessions.add(actor.session)
        assert gathered.answer is not None  # noqa: S101 (made with the round)
        standing = await asyncio.shield(gathered.answer)
        if standing is None or actor.session not in standing.sessions:
            raise Unauthenticated
        return standing

    async def _read(self, person: Person, gathered: Round) -> Standing | None:
        before = self._running.get(person)
        if before is not None:
            await asyncio.wait([before])
        assert gathered.answer is not None  # noqa: S101 (this task)
        del self._gathering[person]
        self._running[person] = gathered.answer
        try:
            return await self._ask(gathered.actor, frozenset(gathered.sessions))
        finally:
            del self._running[person]


def _looked_at(task: "asyncio.Task[Any]") -> None:
    """Those who asked may all have gone: then nobody is told of a failure."""
    if not task.cancelled():
        task.exception()
