"""What came of a step: written down once, whoever brings the news first.

The answer to a call, a webhook and the reconciliation all end here or in a recorder's `absorb`, which applies what the
provider's object says to our rows, forward only: whatever comes twice, late or in another order changes nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Row, select, update

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.errors import NotFound
from domain.ids import MoneyOpId
from domain.payments.ops import LOOK_UP_AGAIN, OPEN_OPS, OpKind, OpState
from domain.payments.outcomes import Answered, Fault, Outcome, Refusal, Unknown, fault_of
from models import job, money_op
from services.payments.alarms import raise_alarm

OUR_FAULT = "provider_refuses_us"
NEVER_DONE = "never_done"
"""Our own code of a step that was sent and is not to be found: it may be attempted anew."""


class Recorder(Protocol):
    """What a kind of step means for our rows."""

    async def absorb(self, tx: Tx, subject: UUID, thing: Mapping[str, Any]) -> None:
        """Apply the provider's object; again, late or out of order changes nothing."""
        ...

    async def refused(self, tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
        """It was definitely not done: decide what happens next."""
        ...


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorder made of two functions."""

    absorbs: Callable[[Tx, UUID, Mapping[str, Any]], Awaitable[None]]
    refuses: Callable[[Tx, UUID, Refusal, Fault], Awaitable[None]]

    async def absorb(self, tx: Tx, subject: UUID, thing: Mapping[str, Any]) -> None:
        """See `Recorder`."""
        await self.absorbs(tx, subject, thing)

    async def refused(self, tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
        """See `Recorder`."""
        await self.refuses(tx, subject, refusal, fault)


RECORDERS: dict[OpKind, Recorder] = {}
"""Filled by `services.payments.recorders`, the one table of them."""


@dataclass(frozen=True, slots=True)
class RecordOp:
    """What the provider has said of a step."""

    op: MoneyOpId
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class NoteAbsent:
    """A step that was looked up and not found."""

    op: MoneyOpId


@command(Role.SYSTEM)
async def record_op(tx: Tx, input: RecordOp) -> MoneyOpId:
    """Write down what came of a step; of one that is finished already nothing changes.

    An answer is applied to our rows. A definite refusal ends the attempt and lets its recorder decide. Where it is
    unknown the step stays open: the same is sent again, with the same key.
    """
    op = await _held(tx, input.op)
    if op.state not in OPEN_OPS:
        return input.op
    match input.outcome:
        case Answered() as answer:
            await finish_op(tx, op, answer.object.get("id"), answer.request_id)
            await RECORDERS[OpKind(op.kind)].absorb(tx, op.subject_id, answer.object)
        case Refusal() as refusal:
            await _refuse(tx, op, refusal)
        case Unknown() as unknown:
            failure = {"code": unknown.reason.value, "message": unknown.message}
            await _set(tx, op.id, state=OpState.UNKNOWN, failure=failure, lease_owner=None, lease_until=None)
    return input.op


@command(Role.SYSTEM)
async def note_absent(tx: Tx, input: NoteAbsent) -> bool:
    """A step that is too old to be sent again was not found at the provider; whether that is certain now.

    Certain is what was not found twice, ten minutes apart: then it was never done, and the recorder decides anew.
    """
    op = await _held(tx, input.op)
    if op.state not in OPEN_OPS:
        return True
    if op.looked_up_at is not None and tx.now - op.looked_up_at < LOOK_UP_AGAIN:
        return False
    if op.lookups == 0:
        await _set(tx, op.id, state=OpState.UNKNOWN, lookups=1, looked_up_at=tx.now, lease_owner=None, lease_until=None)
        return False
    await _refuse(tx, op, Refusal(code=NEVER_DONE, message="It was looked up twice and is not there."))
    return True


async def finish_op(tx: Tx, op: Row[Any], provider_id: str | None, request_id: str | None) -> None:
    """Mark a step as done, with the provider's ids."""
    done = {"state": OpState.SUCCEEDED, "finished_at": tx.now, "failure": None}
    freed = {"lease_owner": None, "lease_until": None}
    await _set(tx, op.id, **done, **freed, provider_id=provider_id, request_id=request_id)


async def finish_standing(tx: Tx, kind: OpKind, subject: UUID, provider_id: str) -> None:
    """What another way has shown to be done need not be sent: its step is finished too."""
    async with tx.as_system(wholly=True):
        await tx.write(
            update(money_op)
            .where(
                tx.own(money_op),
                money_op.c.kind == kind,
                money_op.c.subject_id == subject,
                money_op.c.state.in_(OPEN_OPS),
            )
            .values(state=OpState.SUCCEEDED, finished_at=tx.now, provider_id=provider_id, failure=None)
        )


async def _refuse(tx: Tx, op: Row[Any], refusal: Refusal) -> None:
    fault = fault_of(refusal)
    failure = {
        "code": refusal.code,
        "declineCode": refusal.decline_code,
        "message": refusal.message,
        "fault": fault.value,
    }
    await _set(
        tx,
        op.id,
        state=OpState.FAILED,
        finished_at=tx.now,
        failure=failure,
        request_id=refusal.request_id,
        lease_owner=None,
        lease_until=None,
    )
    if fault is Fault.OURS:
        # A bug or a wrong key of ours: nobody's card and nobody's account is to be blamed for it.
        await raise_alarm(tx, OUR_FAULT, op.kind, {"op": str(op.id), "code": refusal.code, "message": refusal.message})
    await RECORDERS[OpKind(op.kind)].refused(tx, op.subject_id, refusal, fault)


async def _held(tx: Tx, id: MoneyOpId) -> Row[Any]:
    """The step, locked after its job: everybody locks the job, then what is paid for it, then the step."""
    found = select(money_op).where(tx.own(money_op), money_op.c.id == id)
    row = await tx.one(found)
    if row is None:
        raise NotFound(field=("op",))
    if row.job_id is not None:
        await tx.get(job, row.job_id, lock=True)
    held = await tx.one(found.with_for_update())
    assert held is not None  # noqa: S101 (steps are never deleted)
    return held


async def _set(tx: Tx, id: UUID, **values: Any) -> None:
    await tx.write(update(money_op).where(tx.own(money_op), money_op.c.id == id).values(**values))
