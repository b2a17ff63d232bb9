"""What is known of viewers: which of their sessions hold, and what decides what they are shown.

What decides their class is little, and one statement reads it for all of a tenant who ask at once. It runs as the
tenant itself, for row-level security looks at one person a statement. All else that is known of somebody is read for
them alone, under their own stamp, and only where a document asks for it: it costs many times as much.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from db.stamp import STAMP, VERIFIED
from domain.actors import Actor, Role, TenantId

Person = tuple[TenantId, UUID, Role]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a viewer as of `seq`. `now` is business time."""

    text: str | None
    """The facts as json, None where there are none. They stay text: every socket keeps them, few look at them."""
    seq: int
    now: datetime
    is_whole: bool = True
    """Whether these are all the facts, or only those that decide the viewer's class."""

    @property
    def facts(self) -> Mapping[str, Any] | None:
        """The facts; None where nothing is known."""
        return None if self.text is None else orjson.loads(self.text)


def person_of(actor: Actor) -> Person:
    """Who it is, whatever the session."""
    return actor.tenant, actor.person, actor.role


_HEAD: Final = """left join lateral (select h.seq from tenant_head h where h.tenant_id = stamp.tenant_id
        offset 0) head on true"""


def _live(person: str, role: str, sessions: str) -> str:
    """Those of the sessions that hold, with business time; no row if none does.

    Every session passes the stamp's own test, under an alias of its own.
    """
    return f"""join lateral (select max(every.business_now) as business_now, array_agg(every.session_id) as sessions
        from (select stamp.session_id, live.business_now
            from (select stamp.tenant_id, {person} as actor_id, {role} as role, one.id as session_id
                from unnest({sessions}) one(id) offset 0) stamp {VERIFIED}) every
        having count(*) > 0 offset 0) live on true"""


def whole_statement(viewer_facts: str) -> str:
    """One person's facts. Parameters: the stamp's, and the sessions to verify; no row if none of them holds."""
    return f"""select live.business_now, live.sessions, coalesce(head.seq, 0) as seq, ({viewer_facts})::text as found
    from {STAMP} {_live("stamp.actor_id", "stamp.role", "$5::uuid[]")} {_HEAD}"""


# The tenant itself sees all of its rows: whose they are is this statement's own condition.
_CLASS_FACTS: Final = """select json_build_object('onboarding', me.onboarding,
        'markets', (select coalesce(json_agg(cm.market_id order by cm.market_id), '[]') from cleaner_market cm
            where cm.tenant_id = me.tenant_id and cm.cleaner_id = me.id))::text
    from cleaner me where me.tenant_id = stamp.tenant_id and me.id = asked.person and asked.role = 'cleaner'"""

CLASS_STATEMENT: Final = f"""select asked.person, asked.role, live.business_now, live.sessions,
        coalesce(head.seq, 0) as seq, ({_CLASS_FACTS}) as found
    from {STAMP}
    join lateral (select one.person, one.role, array_agg(one.session) as sessions
        from unnest($5::uuid[], $6::text[], $7::uuid[]) one(person, role, session)
        where stamp.tenant_id is not null group by one.person, one.role offset 0) asked on true
    {_live("asked.person", "asked.role", "asked.sessions")} {_HEAD}"""
"""What decides the classes of people of one tenant. Parameters: the stamp's for the tenant itself, then persons, their
roles and sessions, one for each who asks; no row for those of whom no session holds.
"""


def columns(asked: Collection[Actor]) -> tuple[list[UUID], list[str], list[UUID]]:
    """The last three parameters of `CLASS_STATEMENT`."""
    return [one.person for one in asked], [str(one.role) for one in asked], [one.session for one in asked]


def told(asked: Iterable[Actor], rows: Iterable[tuple[Person, Collection[UUID], Standing]]) -> dict[Actor, Standing]:
    """Each who asked with their person's standing; those are left out whose own session does not hold."""
    found = {person: (frozenset(sessions), standing) for person, sessions, standing in rows}
    answers: dict[Actor, Standing] = {}
    for one in asked:
        sessions, standing = found.get(person_of(one), (frozenset[UUID](), None))
        if standing is not None and one.session in sessions:
            answers[one] = standing
    return answers
