"""What the provider says of a payment, applied to our row: forward only, whoever brings the news (A2, R150).

The answer to a call, a webhook, a read and the reconciliation all come here. What comes twice, late or in another order
changes nothing: a state that was reached is not left for one before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.ids import PaymentId
from domain.payments.holding import IntentSeen, LetGo, decline_of, held_until, seen
from domain.payments.ops import OPEN_OPS, OpKind
from domain.payments.outcomes import Fault, Refusal
from domain.payments.states import PaymentKind
from domain.scheduling import LIVE_JOB_STATES, JobStatus, PaymentStatus
from models import job, payment
from services.booking.confirmation import booking_awaits, booking_declined
from services.payments.alarms import GIVEN_UP, clear_alarm, raise_alarm
from services.payments.captures import capture_proven, captured, still_held
from services.payments.declines import confirm_until, declined
from services.payments.expiry import lapsed
from services.payments.holds import start_over, take_over
from services.payments.intents import end_there, go_on, let_be_gone, read_later
from services.payments.ops import standing_op
from services.payments.patience import wanted_later
from services.payments.recording import NEVER_DONE, finish_standing
from services.payments.state import hold_payment, move_payment

TWO_INTENTS = "two_intents"
"""An alarm: the provider knows two payments where we have one."""
TO_CONFIRM = "Your bank wants you to confirm this payment."
NOT_PAID = "This payment was not made."
BEFORE_HOLD = frozenset({PaymentStatus.PENDING, PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION})
"""Not one that has lapsed: it is over, and whatever says that it stands was read before."""


@dataclass(frozen=True, slots=True)
class AbsorbPayment:
    """A payment as it was read at the provider."""

    payment: PaymentId
    thing: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FindIntent:
    """A payment whose provider is to be asked."""

    payment: PaymentId


@command(Role.SYSTEM)
async def absorb_payment(tx: Tx, input: AbsorbPayment) -> PaymentId:
    """Apply what was read of a payment."""
    await absorb_intent(tx, input.payment, input.thing)
    return input.payment


@command(Role.SYSTEM)
async def find_intent(tx: Tx, input: FindIntent) -> str | None:
    """The provider's id of a payment; None where it is not known there."""
    row = await tx.get(payment, input.payment)
    found: str | None = row.intent_id
    return found


async def absorb_intent(tx: Tx, subject: UUID, thing: Mapping[str, Any]) -> None:
    """Apply an intent to the payment that it is of."""
    row, said = await hold_payment(tx, subject), seen(thing)
    if row.intent_id not in {None, said.id}:
        await raise_alarm(tx, TWO_INTENTS, str(row.id), {"ours": row.intent_id, "theirs": said.id})
        return
    if row.intent_id is None:
        row = await move_payment(tx, row, intent_id=said.id)
        await finish_standing(tx, OpKind.INTENT, row.id, said.id)
    match said.status:
        case "requires_payment_method" | "requires_confirmation" | "requires_action" if (
            row.status == PaymentStatus.RELEASED
        ):
            # Given up here when the business left this account, to which it has come back.
            await end_there(tx, row)
        case "requires_payment_method" | "requires_confirmation":
            await _unconfirmed(tx, row, said)
        case "requires_action":
            await _awaits_customer(tx, row, said)
        case "requires_capture":
            await _authorized(tx, row, said)
        case "succeeded":
            await captured(tx, await _since_authorized(tx, row), said)
        case "canceled":
            await _canceled(tx, row, said)
        case _:
            # It is being processed: another word follows.
            return


async def refused_intent(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """A payment that the provider would not take note of."""
    row = await hold_payment(tx, subject)
    if row.intent_id is not None or row.status not in BEFORE_HOLD:
        return
    await _refused(tx, row, OpKind.INTENT, (refusal, fault))


async def refused_confirm(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """The card said no, or the payment is further than we thought: then what it is decides."""
    row = await hold_payment(tx, subject)
    if fault is Fault.STATE:
        if row.status in BEFORE_HOLD:
            await wanted_later(tx, row, OpKind.CONFIRM)
        await _read_state(tx, await hold_payment(tx, subject), refusal)
    elif row.status in BEFORE_HOLD:
        await _refused(tx, row, OpKind.CONFIRM, (refusal, fault))


async def refused_release(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """What cannot be let go is gone, or taken already: what the provider has decides. What stands is let go later."""
    row = await hold_payment(tx, subject)
    if refusal.code == NEVER_DONE:
        await go_on(tx, row)
        return
    await wanted_later(tx, row, OpKind.RELEASE)
    if fault is Fault.STATE:
        await _read_state(tx, await hold_payment(tx, subject), refusal)


async def _refused(tx: Tx, row: Row[Any], kind: OpKind, told: tuple[Refusal, Fault]) -> None:
    """The card is to blame, or nobody's card: then an alarm stands where the fault is ours, and it is asked later."""
    refusal, fault = told
    if fault is Fault.DECLINED:
        await _declined(tx, row, refusal)
    elif row.let_go is not None:
        await go_on(tx, row)
    else:
        await wanted_later(tx, row, kind)


async def _declined(tx: Tx, row: Row[Any], refusal: Refusal) -> None:
    await declined(tx, row, refusal)
    if row.kind == PaymentKind.PREPAID:
        now = await hold_payment(tx, row.id)
        await booking_declined(tx, now, now.decline["words"])
        # The booking goes on with another card, and another payment: of this one nothing may come any more.
        await let_be_gone(tx, await hold_payment(tx, row.id), LetGo.DECLINED)


async def _read_state(tx: Tx, row: Row[Any], refusal: Refusal) -> None:
    """The refusal tells how the thing stands where it is whole; else it is read."""
    told = refusal.object
    if told is not None and told.get("id") == row.intent_id and told.get("status") == "canceled":
        await absorb_intent(tx, row.id, told)
    else:
        read_later(tx, row.id)


async def _unconfirmed(tx: Tx, row: Row[Any], said: IntentSeen) -> None:
    """It is known and the card is to be asked; or the customer failed on their bank's page."""
    if row.let_go is not None or row.status == PaymentStatus.PENDING:
        await _go_now(tx, row)
        return
    if row.status != PaymentStatus.REQUIRES_ACTION or said.error is None or row.action_url is None:
        return
    asked = await standing_op(tx, OpKind.CONFIRM, row.id)
    if asked is None or asked.state in OPEN_OPS:
        # The step itself will be told, and decides.
        return
    await _declined(tx, row, decline_of(said.error))
    row = await hold_payment(tx, row.id)
    if row.kind == PaymentKind.HOLD and row.status == PaymentStatus.REQUIRES_ACTION:
        await start_over(tx, row)


async def _go_now(tx: Tx, row: Row[Any]) -> None:
    """What is next is asked for at once, unless the provider has just refused it: then it has its time."""
    if row.next_attempt_at is None:
        await go_on(tx, row)


async def _awaits_customer(tx: Tx, row: Row[Any], said: IntentSeen) -> None:
    """The customer's bank has a page for them, for a while: whoever leaves it does not keep others waiting."""
    if row.let_go is not None:
        await _go_now(tx, row)
    elif row.status in BEFORE_HOLD:
        until = row.action_until or await confirm_until(tx, row)
        waits = {"action_url": said.action_url, "action_until": until, "next_attempt_at": None}
        row = await move_payment(tx, row, PaymentStatus.REQUIRES_ACTION, **waits)
        if row.kind == PaymentKind.PREPAID:
            await booking_awaits(tx, row, TO_CONFIRM)


async def _authorized(tx: Tx, row: Row[Any], said: IntentSeen) -> None:
    """The hold stands: until when the provider says, and what is next depends on what became of the clean."""
    told = None if said.charge is None else said.charge.capture_before
    if row.status in {PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURE_PENDING}:
        if told is not None and told != row.capture_before:
            row = await move_payment(tx, row, capture_before=told)
        if row.let_go is not None:
            await _go_now(tx, row)
        else:
            await still_held(tx, row)
        return
    if row.status not in BEFORE_HOLD:
        return
    row = await move_payment(
        tx,
        row,
        PaymentStatus.AUTHORIZED,
        charge_id=None if said.charge is None else said.charge.id,
        capture_before=held_until(said.charge, tx.now),
        authorized_at=tx.now,
        alarmed_at=None,
        decline=None,
        next_attempt_at=None,
        action_until=None,
        action_url=None,
        return_url=None,
    )
    await finish_standing(tx, OpKind.CONFIRM, row.id, said.id)
    if row.let_go is not None:
        await go_on(tx, row)
        return
    await _stands(tx, await take_over(tx, row))


async def _stands(tx: Tx, row: Row[Any]) -> None:
    """What the clean has become meanwhile: proven, it is captured; called off, the hold is let go."""
    if row.job_id is None or row.let_go is not None:
        return
    clean = await tx.get(job, row.job_id)
    if clean.status == JobStatus.COMPLETED:
        await capture_proven(tx, row.job_id)
    elif clean.status not in LIVE_JOB_STATES:
        await let_be_gone(tx, row, _why_over(clean))


def _why_over(clean: Row[Any]) -> LetGo:
    reasons = {JobStatus.NO_SHOW: LetGo.MISSED, JobStatus.NO_ACCESS: LetGo.NO_ACCESS}
    return reasons.get(JobStatus(clean.status), LetGo.CANCELED)


async def _canceled(tx: Tx, row: Row[Any], said: IntentSeen) -> None:
    """It is gone at the provider: let go by us, lapsed by itself, or cancelled by somebody there."""
    await finish_standing(tx, OpKind.RELEASE, row.id, said.id)
    if row.status in {PaymentStatus.RELEASED, PaymentStatus.EXPIRED} or row.status not in _ALIVE:
        return
    await clear_alarm(tx, GIVEN_UP, str(row.id))
    for kind in (OpKind.CONFIRM, OpKind.CAPTURE):
        await finish_standing(tx, kind, row.id, said.id)
    if row.kind == PaymentKind.HOLD and (said.has_lapsed or row.status == PaymentStatus.CAPTURE_PENDING):
        row = await _since_authorized(tx, row)
        row = await move_payment(tx, row, PaymentStatus.EXPIRED, released_at=tx.now, next_attempt_at=None)
        await lapsed(tx, row)
        return
    why = row.let_go or LetGo.BY_HAND.value
    row = await move_payment(
        tx, row, PaymentStatus.RELEASED, released_at=tx.now, let_go=why, next_attempt_at=None, action_url=None
    )
    if row.kind == PaymentKind.PREPAID:
        await booking_declined(tx, row, NOT_PAID)


_ALIVE = frozenset({*BEFORE_HOLD, PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURE_PENDING})


async def _since_authorized(tx: Tx, row: Row[Any]) -> Row[Any]:
    """A hold of which we only hear now that it is over stood before."""
    if row.kind == PaymentKind.HOLD and row.status in {*BEFORE_HOLD, PaymentStatus.EXPIRED}:
        return await move_payment(tx, row, PaymentStatus.AUTHORIZED, authorized_at=tx.now)
    return row
