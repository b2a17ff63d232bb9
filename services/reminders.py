"""Who works tomorrow is told the evening before, by SMS (R188): it reaches those too who do not look into their app."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.ids import MarketId
from domain.notifications import NotificationKind
from domain.scheduling import LIVE_JOB_STATES, AssignmentRole
from domain.wallclock import instant_of, local_day
from models import assignment, job, market
from models import property as home
from services.notifications import PAGE, QueueNotifications, queue_all

FIRST = UUID(int=0)
"""Where a walk through shifts by id begins."""
LATEST = timedelta(hours=3)
"""So long after its time a reminder still goes out: later it would wake people up."""


@dataclass(frozen=True, slots=True)
class RemindOfShifts:
    """A market whose cleaners are reminded of what they work on the day after `due_at`, a page at a time."""

    market: MarketId
    due_at: datetime
    after: UUID = FIRST


@command(Role.SYSTEM)
async def remind_of_shifts(tx: Tx, input: RemindOfShifts) -> UUID | None:
    """Remind cleaners of their shifts of the next day, by the market's calendar (R188); where to go on if more.

    Once a shift and its start (A38): run again, nobody hears twice, and one that was moved is told anew. A backup is
    not reminded: they come only if called. More than three hours late nobody is reminded any more.
    """
    until = input.due_at + LATEST
    if tx.now >= until:
        return None
    place = await tx.get(market, input.market)
    rows = await tx.all(_shifts(tx, place, input))
    await queue_all(tx, [_reminder(row, place.zone, until) for row in rows])
    return rows[-1].id if len(rows) == PAGE else None


def _shifts(tx: Tx, place: Row[Any], input: RemindOfShifts) -> Any:
    """A page of the shifts of the market's next day that are not over or given away."""
    tomorrow = local_day(place.zone, input.due_at) + timedelta(days=1)
    day = [instant_of(datetime.combine(tomorrow + timedelta(days=more), time(0)), place.zone) for more in (0, 1)]
    return (
        select(assignment.c.id, assignment.c.cleaner_id, job.c.starts_at, home.c.city)
        .join(job, and_(job.c.tenant_id == assignment.c.tenant_id, job.c.id == assignment.c.job_id))
        .join(home, and_(home.c.tenant_id == job.c.tenant_id, home.c.id == job.c.property_id))
        .where(
            tx.own(assignment),
            assignment.c.id > input.after,
            assignment.c.released_at.is_(None),
            assignment.c.role != AssignmentRole.BACKUP,
            job.c.market_id == place.id,
            job.c.status.in_(LIVE_JOB_STATES),
            job.c.starts_at >= day[0],
            job.c.starts_at < day[1],
        )
        .order_by(assignment.c.id)
        .limit(PAGE)
    )


def _reminder(row: Row[Any], zone: str, until: datetime) -> QueueNotifications:
    starts_at = row.starts_at.isoformat()
    card = {"city": row.city, "starts_at": starts_at, "zone": zone}
    people: Sequence[UUID] = [row.cleaner_id]
    topic = f"shift:{row.id}:{starts_at}"
    return QueueNotifications(NotificationKind.SHIFT_REMINDER, topic, card, people, until)
