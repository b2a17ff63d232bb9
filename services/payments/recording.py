"""What came of a step: written down once, whoever brings the news first.

The answer to a call, a webhook and the reconciliation all end here or in a recorder's `absorb`, which applies what the
provider's object says to our rows, forward only: whatever comes twice, late or in another order changes nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Row, and_, exists, or_, select, update

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.errors import NotFound
from domain.ids import MoneyOpId
from domain.payments.ops import FORBIDDEN_WAITS, LOOK_UP_AGAIN, OPEN_OPS, REFUSED_STANDS, OpKind, OpState
from domain.payments.outcomes import (
    Answered,
    Fault,
    Outcome,
    Refusal,
    Unknown,
    fault_of,
    is_key_unknown,
    refuses_us,
)
from models import job, money_op
from services.payments.accounts import PLATFORM_OPS, hold_back
from services.payments.alarms import UNTIL_DONE, clear_about, clear_alarm, hold_alarm, raise_alarm

OUR_FAULT = "provider_refuses_us"
"""An alarm: steps of a kind are refused for a fault of ours; about the kind, until all of them are seen to."""
SINCE = "forbiddenSince"
"""In a step's failure: since when it is forbidden, and nothing else. Its first sending is taken back each time."""
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
    job: UUID | None = None
    """Of which clean the step is, where whoever sent it knows that."""


@dataclass(frozen=True, slots=True)
class NoteAbsent:
    """A step that was looked up and not found."""

    op: MoneyOpId


@command(Role.SYSTEM, by_key=True)
async def record_op(tx: Tx, input: RecordOp) -> MoneyOpId:
    """Write down what came of a step; of one that is finished already nothing changes.

    An answer is applied to our rows. A definite refusal ends the attempt and lets its recorder decide. Where it is
    unknown the step stays open: the same is sent again, with the same key. So it does where it is we who are refused:
    the step waits until the account answers us again.
    """
    op = await _held(tx, input.op, input.job)
    if op.state not in OPEN_OPS:
        return input.op
    match input.outcome:
        case Answered() as answer:
            await finish_op(tx, op, answer.object.get("id"), answer.request_id)
            await RECORDERS[OpKind(op.kind)].absorb(tx, op.subject_id, answer.object)
            await _done_at_last(tx, op)
        case Refusal() as refusal if refuses_us(refusal) and _waits(tx, op, refusal):
            await _wait(tx, op, refusal)
        case Refusal() as refusal:
            await _refuse(tx, op, refusal)
        case Unknown() as unknown:
            failure = {"code": unknown.reason.value, "message": unknown.message, **_still(op.failure)}
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
    tx.learnt.add(_finished(OpKind(op.kind), op.subject_id))


async def finish_standing(tx: Tx, kind: OpKind, subject: UUID, provider_id: str) -> None:
    """What another way has shown to be done need not be sent: its step is finished too."""
    if _finished(kind, subject) in tx.learnt:
        # Of one kind and subject one step stands, and it was finished a moment ago.
        return
    before = money_op.alias("before")
    async with tx.as_system(wholly=True):
        done = await tx.one(
            update(money_op)
            .where(
                tx.own(money_op),
                money_op.c.kind == kind,
                money_op.c.subject_id == subject,
                money_op.c.state.in_(OPEN_OPS),
                before.c.tenant_id == money_op.c.tenant_id,
                before.c.id == money_op.c.id,
            )
            .values(state=OpState.SUCCEEDED, finished_at=tx.now, provider_id=provider_id, failure=None)
            .returning(money_op.c.kind, money_op.c.subject_id, money_op.c.attempt, before.c.failure)
        )
    if done is not None:
        await _done_at_last(tx, done)


async def _done_at_last(tx: Tx, op: Row[Any]) -> None:
    """A step is done that was refused before, or an attempt before it: alarms about what it is about are over, and so
    is that of its kind, unless others are refused still. `op` is as it was before it was done.
    """
    if op.attempt == 1 and not _still(op.failure):
        return
    await clear_about(tx, UNTIL_DONE, str(op.subject_id))
    if await hold_alarm(tx, OUR_FAULT, op.kind) and not await _is_any_refused(tx, op.kind):
        await clear_alarm(tx, OUR_FAULT, op.kind)


async def _is_any_refused(tx: Tx, kind: str) -> bool:
    """Whether a step of a kind waits because we are refused, or failed for it not long ago and was not done since."""
    later = money_op.alias("later")
    done_since = exists().where(
        later.c.tenant_id == money_op.c.tenant_id,
        later.c.kind == money_op.c.kind,
        later.c.subject_id == money_op.c.subject_id,
        later.c.attempt > money_op.c.attempt,
        later.c.state == OpState.SUCCEEDED,
    )
    failed = and_(money_op.c.state == OpState.FAILED, money_op.c.finished_at > tx.now - REFUSED_STANDS, ~done_since)
    refused = select(money_op.c.id).where(
        tx.own(money_op),
        money_op.c.kind == kind,
        money_op.c.failure["fault"].astext == Fault.OURS,
        or_(money_op.c.state.in_(OPEN_OPS), failed),
    )
    async with tx.as_system(wholly=True):
        return await tx.one(refused.limit(1)) is not None


def _still(failure: Mapping[str, Any] | None) -> dict[str, str]:
    """That we were refused, kept for as long as the step is not answered."""
    return {"fault": Fault.OURS.value} if (failure or {}).get("fault") == Fault.OURS else {}


def _waits(tx: Tx, op: Row[Any], refusal: Refusal) -> bool:
    """A key that opens nothing is waited for as long as it takes, and so is what may have been done; what is merely
    forbidden may be so for this one thing alone, and does not wait for ever for somebody to hear of it.
    """
    return is_key_unknown(refusal) or op.tries > 1 or tx.now - _forbidden_since(tx, op) < FORBIDDEN_WAITS


def _forbidden_since(tx: Tx, op: Row[Any]) -> datetime:
    """When it was first sent and forbidden, however long ago it was planned; now where it never was."""
    said = (op.failure or {}).get(SINCE)
    return tx.now if said is None else datetime.fromisoformat(said)


async def _wait(tx: Tx, op: Row[Any], refusal: Refusal) -> None:
    """Who we are was refused, and the step not looked at: it is planned as before, and the sweep sends it again.

    One that was sent before may have been done by that: it stays unknown.
    """
    await _call_somebody(tx, op, refusal)
    if is_key_unknown(refusal) and op.kind not in PLATFORM_OPS:
        await hold_back(tx, refusal.message)
    never = {"state": OpState.PLANNED, "first_sent_at": None, "tries": 0}
    stands = never if op.tries == 1 else {"state": OpState.UNKNOWN}
    # Once the key opens something again, what it may not do is waited for anew.
    since = {} if is_key_unknown(refusal) else {SINCE: _forbidden_since(tx, op).isoformat()}
    await _set(tx, op.id, **stands, failure={**_failure(refusal), **since}, lease_owner=None, lease_until=None)


async def _refuse(tx: Tx, op: Row[Any], refusal: Refusal) -> None:
    fault = fault_of(refusal)
    await _set(
        tx,
        op.id,
        state=OpState.FAILED,
        finished_at=tx.now,
        failure=_failure(refusal),
        request_id=refusal.request_id,
        lease_owner=None,
        lease_until=None,
    )
    if fault is Fault.OURS:
        await _call_somebody(tx, op, refusal)
    await RECORDERS[OpKind(op.kind)].refused(tx, op.subject_id, refusal, fault)


async def _call_somebody(tx: Tx, op: Row[Any], refusal: Refusal) -> None:
    """A bug or a wrong key of ours: nobody's card and nobody's account is to be blamed for it."""
    await raise_alarm(tx, OUR_FAULT, op.kind, {"op": str(op.id), "code": refusal.code, "message": refusal.message})


def _failure(refusal: Refusal) -> dict[str, Any]:
    return {
        "code": refusal.code,
        "declineCode": refusal.decline_code,
        "message": refusal.message,
        "fault": fault_of(refusal).value,
    }


def _finished(kind: OpKind, subject: UUID) -> tuple[str, OpKind, UUID]:
    return ("finished", kind, subject)


async def _held(tx: Tx, id: MoneyOpId, of_job: UUID | None = None) -> Row[Any]:
    """The step, locked after its job: everybody locks the job, then what is paid for it, then the step."""
    await _lock_job(tx, id, of_job)
    return await tx.get(money_op, id, "op", lock=True)


async def _lock_job(tx: Tx, id: MoneyOpId, of_job: UUID | None) -> None:
    """Lock the clean that a step is of, if it is of one; it is read where it is not known."""
    if of_job is None:
        found = await tx.one(select(money_op.c.job_id).where(tx.own(money_op), money_op.c.id == id))
        if found is None:
            raise NotFound(field=("op",))
        of_job = found.job_id
    if of_job is not None:
        await tx.get(job, of_job, lock=True)


async def _set(tx: Tx, id: UUID, **values: Any) -> None:
    await tx.write(update(money_op).where(tx.own(money_op), money_op.c.id == id).values(**values))
