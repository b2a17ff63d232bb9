"""Steps of money: begun in one transaction, sent without any, recorded in another (R157, R238).

Whatever dies in between, the step is found by the sweep and sent again with the same key: the provider does it once. A
step that has been unknown for most of a day is looked up instead, because the provider forgets keys.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.errors import Unavailable
from domain.ids import MoneyOpId
from domain.payments.ask import Ask, Thing, Verb
from domain.payments.ops import BEFORE_SEND, CALLED, RECORDED, SENT, Boundary
from domain.payments.outcomes import Answered, Outcome, Refusal, Unknown, is_key_used
from gateways.payments import Provider
from services.payments.expiry import WatchPayments, watch_payments
from services.payments.ops import BeginOp, FindOps, FindStale, Sending, begin_op, known_ops, resend_stale
from services.payments.recorders import NoteAbsent, RecordOp, note_absent, record_op
from services.payments.refunds import ResumeRefunds, resume_refunds
from tasks.context import TaskContext
from tasks.watching import ensure_all_well, look_after_each

FOUND_BY: Mapping[Verb, Thing] = {
    Verb.CREATE_CUSTOMER: Thing.CUSTOMER,
    Verb.CREATE_SETUP: Thing.SETUP,
    Verb.CREATE_INTENT: Thing.INTENT,
    Verb.CREATE_REFUND: Thing.REFUND,
    Verb.CREATE_TRANSFER: Thing.TRANSFER,
    Verb.CREATE_SUBSCRIPTION: Thing.SUBSCRIPTION,
    Verb.REVERSE_TRANSFER: Thing.REVERSAL,
    Verb.CREATE_CHECKOUT: Thing.CHECKOUT,
}
"""In which list a thing is found that a step may have made: by the step's id in its metadata."""

TARGETS: Mapping[Verb, Thing] = {
    Verb.UPDATE_CUSTOMER: Thing.CUSTOMER,
    Verb.ATTACH_METHOD: Thing.METHOD,
    Verb.DETACH_METHOD: Thing.METHOD,
    Verb.UPDATE_INTENT: Thing.INTENT,
    Verb.CONFIRM_INTENT: Thing.INTENT,
    Verb.CAPTURE_INTENT: Thing.INTENT,
    Verb.CANCEL_INTENT: Thing.INTENT,
    Verb.SUBMIT_DISPUTE: Thing.DISPUTE,
    Verb.CLOSE_DISPUTE: Thing.DISPUTE,
    Verb.UPDATE_SUBSCRIPTION: Thing.SUBSCRIPTION,
    Verb.CANCEL_SUBSCRIPTION: Thing.SUBSCRIPTION,
}
"""What is read to see whether a step at a thing that is there already was done."""


async def send(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Send one step and record what came of it. Raises `Unavailable` where nobody knows: the task comes again."""
    op = MoneyOpId(UUID(payload["op"]))
    _pass(context, BEFORE_SEND)
    sending = await context.run(begin_op, BeginOp(op, context.task.token))
    if sending is None:
        return
    provider = context.tools.provider_of(sending.keys)
    _pass(context, SENT)
    outcome = await (_looked_up(provider, sending) if sending.must_look_up else provider.send(sending.ask, sending.key))
    if isinstance(outcome, Unknown) and outcome.is_replayed:
        # It has kept a failure of its own under this key, and would repeat it for ever: only looking tells.
        outcome = await _found(provider, sending)
    elif isinstance(outcome, Refusal) and is_key_used(outcome):
        # Before another key is used: what this one has made may be what is wanted.
        outcome = await _made_by_key(context, provider, sending) or outcome
    _pass(context, CALLED)
    await settle(context, sending, outcome)
    _pass(context, RECORDED)


async def settle(context: TaskContext, sending: Sending, outcome: Outcome | None) -> None:
    """Record an outcome; None is of a step that was looked up and not found."""
    if outcome is None:
        if not await context.run(note_absent, NoteAbsent(sending.op)):
            raise Unavailable("It is not known yet whether this was done.")
        return
    await context.run(record_op, RecordOp(sending.op, outcome, sending.job))
    if isinstance(outcome, Unknown):
        raise Unavailable(f"The provider did not answer: {outcome.reason}.")


async def sweep(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Have every step sent again that nobody is at, and whatever else nobody is at any more taken up."""
    after_id: UUID | None = FindStale().after
    while after_id is not None:
        after_id = await context.run(resend_stale, FindStale(after_id))
    resting: UUID | None = ResumeRefunds().after
    while resting is not None:
        resting = await context.run(resume_refunds, ResumeRefunds(resting))
    ensure_all_well(await look_after_each(context, lambda seen: context.run(watch_payments, WatchPayments(seen))))


async def _looked_up(provider: Provider, sending: Sending) -> Outcome | None:
    """What the provider has of a step that is too old to be sent again; None where it has nothing.

    What is done to a thing that is there already may be sent all the same: its state decides, and not the key. And what
    makes nothing that could be found, as a link, does no harm when it is made anew.
    """
    found = await _found(provider, sending)
    ask = sending.ask
    if found is None and (ask.verb in TARGETS or ask.verb not in FOUND_BY):
        return await provider.send(ask, sending.key)
    return found


async def _found(provider: Provider, sending: Sending) -> Answered | None:
    """The thing at the provider that shows that the step was done; nothing is sent."""
    ask = sending.ask
    if ask.verb in TARGETS:
        thing = await provider.read(TARGETS[ask.verb], str(ask.target))
        return Answered(thing) if thing is not None and is_done(ask.verb, thing) else None
    if ask.verb in FOUND_BY:
        async for thing in _candidates(provider, sending):
            if (thing.get("metadata") or {}).get("op_id") == str(sending.op):
                return Answered(thing)
    return None


async def _made_by_key(context: TaskContext, provider: Provider, sending: Sending) -> Answered | None:
    """What a step's key has made that was used with other parameters; None where nothing is like what is asked for.

    It may carry the id of a step that our rows have lost, and is ours by all its other marks. One that a step made
    which we still know was made by that one's key. Nor is it what is wanted where it is of other cents.
    """
    ask = sending.ask
    if ask.verb in TARGETS or ask.verb not in FOUND_BY:
        return await _found(provider, sending)
    alike = [(_op_of(thing), thing) async for thing in _candidates(provider, sending) if is_alike(ask, thing)]
    known = await context.run(known_ops, FindOps(frozenset(op for op, _ in alike if op is not None)))
    made = [thing for op, thing in alike if op == sending.op or op not in known]
    return Answered(made[0]) if made else None


def _op_of(thing: Mapping[str, Any]) -> UUID | None:
    """Which step a thing at the provider says that it was made by."""
    try:
        return UUID((thing.get("metadata") or {}).get("op_id", ""))
    except ValueError:
        return None


def is_alike(ask: Ask, thing: Mapping[str, Any]) -> bool:
    """Whether a thing at the provider carries every mark of what is asked for, but for the step's own id, and is of the
    same money.
    """
    marks, money = thing.get("metadata") or {}, {"amount", "currency"} & ask.params.keys()
    is_marked = all(marks.get(name) == id for name, id in ask.params["metadata"].items() if name != "op_id")
    return is_marked and all(thing.get(name) == ask.params[name] for name in money)


def is_done(verb: Verb, thing: Mapping[str, Any]) -> bool:
    """Whether a thing at the provider shows that this was done to it."""
    match verb:
        case Verb.CONFIRM_INTENT:
            return thing.get("status") in {"requires_capture", "succeeded", "canceled", "requires_action"}
        case Verb.CAPTURE_INTENT | Verb.CANCEL_INTENT:
            return thing.get("status") in {"succeeded", "canceled"}
        case Verb.CANCEL_SUBSCRIPTION:
            return thing.get("status") == "canceled"
        case Verb.SUBMIT_DISPUTE:
            return bool((thing.get("evidence_details") or {}).get("submission_count"))
        case _:
            return False


async def _candidates(provider: Provider, sending: Sending) -> AsyncIterator[Mapping[str, Any]]:
    """Things that the step may have made, the fewest that the provider's lists can narrow them to."""
    thing = FOUND_BY[sending.ask.verb]
    params = {**sending.ask.params, **({"transfer": sending.ask.target} if thing is Thing.REVERSAL else {})}
    narrow = {
        Thing.INTENT: ("customer",),
        Thing.SETUP: ("customer",),
        Thing.REFUND: ("charge", "payment_intent"),
        Thing.TRANSFER: ("transfer_group",),
        Thing.REVERSAL: ("transfer",),
        Thing.SUBSCRIPTION: ("customer",),
        Thing.CHECKOUT: ("customer",),
    }.get(thing, ())
    filters = {name: params[name] for name in narrow if name in params}
    async for found in provider.pages(thing, **filters):
        yield found


def _pass(context: TaskContext, boundary: Boundary) -> None:
    context.tools.at_boundary(boundary)
