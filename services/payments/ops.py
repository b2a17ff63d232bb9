"""Steps at the provider: planned with what wants them, begun by whoever sends them (R157, R158).

Nothing here calls anybody. `plan_ops` writes the frozen asks in the business transaction; `begin_op` hands one out to
be sent, under a lease; `recording.record_op` writes down what came of it. What a process leaves behind when it dies is
taken up by the sweep, with the same key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import Role
from domain.errors import NotConfigured, Unavailable
from domain.ids import MoneyOpId
from domain.payments.ask import Ask, metadata
from domain.payments.keys import op_key
from domain.payments.ops import LEASE, LOOK_UP_AFTER, OPEN_OPS, STANDING_OPS, OpKind, OpState
from models import money_op
from services.payments.accounts import PLATFORM_OPS, ProviderKeys, ensure_tried, keys_of

SEND_TASK = "send_money"
ENVIRONMENT = "cleanshift"
"""The first part of every key: one provider account may serve more than this product."""
SWEEP_PAGE = 500
TASKS_WAIT = timedelta(minutes=20)
"""So long a task may wait for its turn in a night of thousands."""
TASKS_LAST = timedelta(minutes=5)
"""After so long a task has had its last attempt."""
FIRST = UUID(int=0)
"""Where a walk through steps by id begins."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something to be asked of the provider, about a row of ours."""

    kind: OpKind
    subject: UUID
    ask: Ask
    op: UUID = field(default_factory=new_id)
    """Its own id, made before: what is asked for carries it (`marks`)."""
    job: UUID | None = None
    wait: timedelta = timedelta()
    """How long its task waits for its turn: a night of thousands must not stand before everybody else's work."""


@dataclass(frozen=True, slots=True)
class BeginOp:
    """A step that is to be sent, by whom."""

    op: MoneyOpId
    owner: UUID
    """Of this attempt of the task: whoever else comes meanwhile is sent away."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A step as it is to be sent: what, under which key, with whose credentials."""

    op: MoneyOpId
    kind: OpKind
    subject: UUID
    ask: Ask
    key: str
    keys: ProviderKeys = field(repr=False)
    must_look_up: bool = False
    """It has been unknown for so long that the provider may have forgotten the key: find out, do not send."""
    job: UUID | None = None
    """Of which clean it is."""


@dataclass(frozen=True, slots=True)
class FindStale:
    """Steps that nobody is at."""

    after: UUID = FIRST


@dataclass(frozen=True, slots=True)
class FindOps:
    """Ids of steps as things at the provider carry them."""

    ids: frozenset[UUID]


def marks(tx: Tx, op: UUID, **ours: UUID | str) -> dict[str, str]:
    """The metadata of what a step makes at the provider (R158): our tenant, the step, and what it is about."""
    return metadata(tx.actor.tenant, op, **ours)


async def plan_op(tx: Tx, step: Step) -> MoneyOpId | None:
    """Plan one step; its id, or None where one of its kind and subject stands already."""
    planned = await plan_ops(tx, [step])
    return planned[0] if planned else None


async def plan_ops(tx: Tx, steps: Sequence[Step]) -> list[MoneyOpId]:
    """Plan many steps in a fixed number of statements; the ids of those that did not stand already.

    Each becomes a task of its own. What is asked is frozen here: whatever the code or the rows say later, the same is
    sent. A step that was definitely refused before is another attempt, with another key.
    """
    if not steps:
        return []
    async with tx.as_system(wholly=True):
        kept = await _keep(tx, [_row(tx, step, 1) for step in steps])
        # Nearly all are first attempts. Of the others one stands, or each was refused: then it is the next attempt.
        left = [step for step in steps if step.op not in kept]
        if left:
            before = await _attempts(tx, left)
            kept |= await _keep(tx, [_row(tx, step, before.get((step.kind, step.subject), 0) + 1) for step in left])
    ids = [MoneyOpId(step.op) for step in steps if step.op in kept]
    waits = {step.op: step.wait for step in steps}
    for id in ids:
        send_later(tx, id, run_at=tx.now + waits[id])
    return ids


def send_later(tx: Tx, op: UUID, *, again: str = "", run_at: datetime | None = None) -> None:
    """Have a step sent by a task; `again` names the occasion where it was tried before."""
    tx.later(SEND_TASK, {"op": str(op)}, dedupe_key=f"money:{op}{again}", run_at=run_at)


async def standing_op(tx: Tx, kind: OpKind, subject: UUID) -> Row[Any] | None:
    """The step of this kind that is under way or has succeeded."""
    async with tx.as_system(wholly=True):
        return await tx.one(
            select(money_op).where(
                tx.own(money_op),
                money_op.c.kind == kind,
                money_op.c.subject_id == subject,
                money_op.c.state.in_(STANDING_OPS),
            )
        )


async def attempts_of(tx: Tx, kind: OpKind, subject: UUID) -> int:
    """How often this was attempted; 0 where it never was."""
    last = func.coalesce(func.max(money_op.c.attempt), 0)
    mine = (tx.own(money_op), money_op.c.kind == kind, money_op.c.subject_id == subject)
    async with tx.as_system(wholly=True):
        return int(await tx.scalar(select(last).where(*mine)))


async def drop_planned(tx: Tx, kind: OpKind, subject: UUID, why: str) -> bool:
    """Take back a step that nobody has begun to send; False where it has been begun, or there is none."""
    async with tx.as_system(wholly=True):
        return bool(
            await tx.write(
                update(money_op)
                .where(
                    tx.own(money_op),
                    money_op.c.kind == kind,
                    money_op.c.subject_id == subject,
                    money_op.c.state == OpState.PLANNED,
                )
                .values(state=OpState.FAILED, finished_at=tx.now, failure={"code": "not_sent", "message": why})
            )
        )


_BEGIN = (
    update(money_op)
    .where(
        money_op.c.tenant_id == bindparam("tenant"),
        money_op.c.id == bindparam("op"),
        money_op.c.state.in_(OPEN_OPS),
        or_(
            money_op.c.lease_until.is_(None),
            money_op.c.lease_until < func.clock_timestamp(),
            money_op.c.lease_owner == bindparam("owner"),
        ),
    )
    .values(
        state=OpState.SENT,
        first_sent_at=func.coalesce(money_op.c.first_sent_at, bindparam("now", type_=money_op.c.first_sent_at.type)),
        tries=money_op.c.tries + 1,
        lease_owner=bindparam("owner"),
        lease_until=func.clock_timestamp() + LEASE,
    )
    .returning(money_op)
)


@command(Role.SYSTEM, secret=True, by_key=True)
async def begin_op(tx: Tx, input: BeginOp) -> Sending | None:
    """Mark a step as sent and hand it out, for as long as the lease lasts.

    None where it is finished. Raises `Unavailable` while somebody else is at it, who may have died: then the task comes
    again. Raises `NotConfigured` where the business has no provider (any more).
    """
    begun = await tx.one(_BEGIN, tenant=tx.actor.tenant, op=input.op, owner=input.owner, now=tx.now)
    if begun is None:
        left = select(money_op.c.state).where(tx.own(money_op), money_op.c.id == input.op)
        if await tx.scalar(left) in OPEN_OPS:
            raise Unavailable("Somebody else is at this step.")
        return None
    keys = await keys_of(tx, OpKind(begun.kind))
    if keys is None:
        raise NotConfigured
    return Sending(
        op=MoneyOpId(begun.id),
        kind=OpKind(begun.kind),
        subject=begun.subject_id,
        ask=Ask.from_json(begun.ask),
        key=begun.idem_key,
        keys=keys,
        must_look_up=is_too_old(begun.first_sent_at, tx.now),
        job=begun.job_id,
    )


@command(Role.SYSTEM)
async def resend_stale(tx: Tx, input: FindStale) -> UUID | None:
    """Have every open step sent again that nobody holds; where to go on if there are more.

    Their tasks may have given up after their last attempt, or been lost. Each gets one task a sweep; what has a task of
    its own yet, in all likelihood, is left to it. While the business's keys are held back these are tried, and nothing
    is sent with them.
    """
    waited = or_(money_op.c.created_at < tx.now - TASKS_WAIT, money_op.c.failure.is_not(None))
    idle = or_(
        and_(money_op.c.state == OpState.PLANNED, waited),
        and_(money_op.c.state == OpState.SENT, money_op.c.lease_until < func.clock_timestamp()),
        and_(money_op.c.state == OpState.UNKNOWN, money_op.c.first_sent_at < tx.now - TASKS_LAST),
    )
    if await ensure_tried(tx):
        idle = and_(idle, money_op.c.kind.in_(PLATFORM_OPS))
    rows = await tx.all(
        select(money_op.c.id)
        .where(tx.own(money_op), money_op.c.id > input.after, money_op.c.state.in_(OPEN_OPS), idle)
        .order_by(money_op.c.id)
        .limit(SWEEP_PAGE)
    )
    for row in rows:
        send_later(tx, row.id, again=f":{tx.now.isoformat(timespec='minutes')}")
    return rows[-1].id if len(rows) == SWEEP_PAGE else None


@command(Role.SYSTEM)
async def known_ops(tx: Tx, input: FindOps) -> frozenset[UUID]:
    """Which of these are steps of the business that its rows have."""
    rows = await tx.all(select(money_op.c.id).where(tx.own(money_op), money_op.c.id.in_(input.ids)))
    return frozenset(row.id for row in rows)


def is_too_old(first_sent_at: datetime | None, now: datetime) -> bool:
    """Whether a step was first sent so long ago that its key may be forgotten."""
    return first_sent_at is not None and now - first_sent_at >= LOOK_UP_AFTER


async def _keep(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Write down those steps of which none stands and no such attempt was made; their ids."""
    # One row by its own words: what is said of many is put together anew each time.
    values = rows[0] if len(rows) == 1 else rows
    made = await tx.all(insert(money_op).values(values).on_conflict_do_nothing().returning(money_op.c.id))
    return {row.id for row in made}


async def _attempts(tx: Tx, steps: Sequence[Step]) -> Mapping[tuple[str, UUID], int]:
    wanted = [(step.kind.value, step.subject) for step in steps]
    rows = await tx.all(
        select(money_op.c.kind, money_op.c.subject_id, func.max(money_op.c.attempt).label("last"))
        .where(tx.own(money_op), tuple_(money_op.c.kind, money_op.c.subject_id).in_(wanted))
        .group_by(money_op.c.kind, money_op.c.subject_id)
    )
    return {(row.kind, row.subject_id): row.last for row in rows}


def _row(tx: Tx, step: Step, attempt: int) -> dict[str, Any]:
    return {
        "tenant_id": tx.actor.tenant,
        "id": step.op,
        "kind": step.kind.value,
        "subject_id": step.subject,
        "job_id": step.job,
        "attempt": attempt,
        "idem_key": op_key(ENVIRONMENT, tx.actor.tenant, step.kind, step.subject, attempt),
        "ask": step.ask.to_json(),
        "ask_hash": step.ask.digest(),
        "state": OpState.PLANNED.value,
        "created_at": tx.now,
    }
