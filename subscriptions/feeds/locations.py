"""Where the cleaners of a running job are: for the office and for that job's customer, and for nobody else (R201)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.actors import OFFICE, Actor, Role
from domain.errors import Forbidden
from domain.events import EventType
from domain.fieldwork.phases import OPEN_PHASES
from domain.scheduling import LIVE_JOB_STATES, JobStatus
from schema.types.relay import decode_id
from subscriptions.feeds import Asked, Facts, Fresh, Klass, Value
from subscriptions.feeds.jobs import CUSTOMER_VIEWER, JOB_EVENTS, OFFICE_VIEWER, is_concerned
from subscriptions.log import LogEvent
from subscriptions.reads import Rows, Snapshot

_OPEN = ", ".join(f"'{phase}'" for phase in sorted(OPEN_PHASES))
# Asks once more what the policy says: who sees a place is never decided in one place alone.
_ROWS: Final = f"""select json_build_object('status', j.status, 'locations', (
        select coalesce(json_agg(json_build_object(
            'visit_id', l.visit_id, 'cleaner_id', l.cleaner_id, 'latitude', l.latitude, 'longitude', l.longitude,
            'accuracy_metres', l.accuracy_metres, 'at', l.at) order by l.visit_id), '[]')
        from live_location l join visit v on v.tenant_id = l.tenant_id and v.id = l.visit_id
        where l.tenant_id = j.tenant_id and l.job_id = j.id and j.status = '{JobStatus.IN_PROGRESS}'
          and v.phase in ({_OPEN}) and v.checked_out_at is null))
    from job j where j.tenant_id = stamp.tenant_id and j.id = $5::uuid"""
_OF_CUSTOMER: Final = " and j.customer_id = stamp.actor_id"


class LiveLocationFeed:
    """A job's cleaners on the map. A class is: what the viewer is, who (the office is one), nothing, and the job.

    Where somebody was is nobody's business later: who comes back begins with where everybody is now.
    """

    field = "liveLocation"
    replays = False

    def klass(self, actor: Actor, facts: Facts, asked: Asked) -> Klass:
        """The office is one class, a customer their own; cleaners do not watch each other."""
        job = str(decode_id(asked.arguments["jobId"], "Job"))
        if actor.role in OFFICE:
            return OFFICE_VIEWER, "", "", job
        if actor.role is Role.CUSTOMER:
            return CUSTOMER_VIEWER, str(actor.person), "", job
        raise Forbidden

    def until(self, klass: Klass) -> datetime | None:
        """Time changes nothing about who sees what: that the job is over is an event."""
        return None

    def rows(self, klass: Klass) -> Rows:
        """The last known place of everybody who is at work, while the job runs."""
        return Rows(_ROWS if klass[0] == OFFICE_VIEWER else _ROWS + _OF_CUSTOMER, (UUID(klass[-1]),))

    def snapshot(self, klass: Klass, snapshot: Snapshot) -> Value:
        """The places; none for a job that is not running, or not this viewer's."""
        found = snapshot.rows or {"status": None, "locations": []}
        is_running = found["status"] == JobStatus.IN_PROGRESS
        return {"__typename": "LocationsSnapshot", "is_running": is_running, "locations": _places(*found["locations"])}

    def part(self, event: LogEvent, person: UUID) -> str | None:
        """Nobody is shown anything else than their class."""
        return None

    def delta(self, event: LogEvent, klass: Klass, part: str | None) -> Value | Fresh | None:
        """Somebody has moved, has left, or the job is over."""
        if str(event.entity_id) != klass[-1]:
            return None
        if event.type == EventType.CLEANER_MOVED and is_concerned(event, klass):
            return {"__typename": "LocationMoved", "location": _places(event.card)[0]}
        if event.type in JOB_EVENTS and is_concerned(event, klass):
            return _left(event.card)
        return None


def _places(*told: Mapping[str, Any]) -> list[Value]:
    """The database writes instants without trailing zeros, commands with them: clients are to read one form."""
    return [{**one, "at": datetime.fromisoformat(one["at"])} for one in told]


def _left(card: Mapping[str, Any]) -> Value | None:
    if card["status"] not in LIVE_JOB_STATES:
        return {"__typename": "LocationsEnded"}
    ended = [one["visit_id"] for one in card["crew"] if one["phase"] and one["phase"] not in OPEN_PHASES]
    return {"__typename": "LocationGone", "visit_ids": ended} if ended else None
