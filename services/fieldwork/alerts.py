"""Who is told when nobody comes (A46), and when a home's access code was looked at (R28); never with the code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, OFFICE, Role
from domain.fieldwork.arrivals import ArrivalStep
from domain.ids import JobId
from domain.notifications import NotificationKind
from domain.scheduling import AssignmentRole
from models import access_code_view, assignment, job, market, no_show, staff
from models import property as home
from services.notifications import QueueNotifications, office, queue

KINDS = {ArrivalStep.LATE: NotificationKind.JOB_LATE, ArrivalStep.MISSED: NotificationKind.JOB_MISSED}


@dataclass(frozen=True, slots=True)
class NotifyAbsence:
    """A job at which nobody was, at an instant that is part of the message's topic."""

    job_id: JobId
    step: ArrivalStep
    at: str


@dataclass(frozen=True, slots=True)
class NotifyAccessCode:
    """A look at a home's access code."""

    view_id: UUID


@command(Role.SYSTEM)
async def notify_absence(tx: Tx, input: NotifyAbsence) -> int:
    """Tell the office, and whoever should be there (A46); how many messages are new."""
    people = await (_waited_for(tx, input.job_id) if input.step is ArrivalStep.LATE else _missing(tx, input.job_id))
    topic = f"absence:{input.step}:{input.job_id}:{input.at}"
    card = await _card(tx, input.job_id)
    return await queue(tx, QueueNotifications(KINDS[input.step], topic, card, [*await office(tx), *people]))


@command(Role.SYSTEM)
async def notify_access_code(tx: Tx, input: NotifyAccessCode) -> int:
    """Tell whoever was shown a code, in case it was somebody else; of the office's looks also who runs it (R28)."""
    view = await tx.get(access_code_view, input.view_id)
    people = {view.viewer_id: None}
    if view.viewer_role in OFFICE:
        people |= dict.fromkeys(await _admins(tx))
    card = await _card(tx, view.job_id)
    kind = NotificationKind.ACCESS_CODE_SHOWN
    return await queue(tx, QueueNotifications(kind, f"code:{view.id}", card, list(people)))


async def _card(tx: Tx, job_id: UUID) -> Mapping[str, Any]:
    """Which shift it is about: city and start in its own zone."""
    row = await tx.get(job, job_id)
    where, place = await tx.get(home, row.property_id), await tx.get(market, row.market_id)
    return {"city": where.city, "starts_at": row.starts_at.isoformat(), "zone": place.zone}


async def _waited_for(tx: Tx, job_id: UUID) -> list[UUID]:
    live = select(assignment.c.cleaner_id).where(
        tx.own(assignment),
        assignment.c.job_id == job_id,
        assignment.c.released_at.is_(None),
        assignment.c.role == AssignmentRole.PRIMARY,
    )
    return [row.cleaner_id for row in await tx.all(live)]


async def _missing(tx: Tx, job_id: UUID) -> list[UUID]:
    rows = await tx.all(select(no_show.c.cleaner_id).where(tx.own(no_show), no_show.c.job_id == job_id))
    return [row.cleaner_id for row in rows]


async def _admins(tx: Tx) -> list[UUID]:
    live = staff.c.archived_at.is_(None) & staff.c.role.in_(ADMINS)
    return [row.id for row in await tx.all(select(staff.c.id).where(tx.own(staff), live).order_by(staff.c.id))]
