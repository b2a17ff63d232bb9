"""Bugs planted on purpose, to see that each is caught. The product knows nothing of them.

Each is put in where the product lets itself be put together: other providers, other task functions, other lines in its
tables of recorders and absorbers, another ear on the engine; and taken out again.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import event, select, update

from db.ids import new_id
from domain.payments.ask import Ask, Thing, Verb
from domain.payments.ledger import Account, EntryKind, Posting
from domain.payments.ops import BEFORE_SEND, CALLED, RECORDED, SENT, OpKind, OpState
from domain.payments.outcomes import Answered, Outcome, Refusal, Unknown
from domain.scheduling import AssignmentRole, PaymentStatus
from gateways.payments import Credentials, Object, Provider, Providers
from models import assignment, cleaner, job, money_op, payment
from services.payments import recorders
from services.payments.absorbers import ABSORBERS
from services.payments.ledger import Entry, book
from services.payments.ops import BeginOp, Sending, Step, begin_op, plan_op
from services.payments.recording import Recorder
from services.payments.state import tell_payment
from services.payouts.creation import NOTHING
from services.payouts.crew import Member
from services.payouts.rows import Share, insert_payouts
from tasks.context import TaskContext
from tests.fieldwork.site import command_of
from tests.payments.plays import FAULTS, Move
from tests.payments.stage import Stage

Plant = Callable[[Stage], Any]
PLANTS: dict[str, Plant] = {}


def plant(function: Callable[[Stage], Iterator[None]]) -> Callable[[Stage], Iterator[None]]:
    """A bug of this name."""
    PLANTS[function.__name__] = contextmanager(function)
    return function


@contextmanager
def line_in(table: MutableMapping[Any, Any], key: Any, value: Any) -> Iterator[None]:
    """Another line in one of the product's tables, for as long as the block lasts."""
    before = table[key]
    table[key] = value
    try:
        yield
    finally:
        table[key] = before


# -- at the provider's door -------------------------------------------------------------------------------------------

Send = Callable[[Provider, Ask, str], Any]
Seen = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def as_it_is(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    return thing


@dataclass(frozen=True)
class Other:
    """A provider that sends, or sees, differently."""

    inner: Provider
    sends: Send
    sees: Seen = as_it_is

    async def send(self, ask: Ask, key: str) -> Outcome:
        outcome: Outcome = await self.sends(self.inner, ask, key)
        return replace(outcome, object=self.sees(outcome.object)) if isinstance(outcome, Answered) else outcome

    async def read(self, thing: Thing, id: str = "", *, account: str | None = None) -> Object | None:
        found = await self.inner.read(thing, id, account=account)
        return None if found is None else self.sees(found)

    async def pages(self, thing: Thing, *, account: str | None = None, **filters: Any) -> AsyncIterator[Object]:
        async for found in self.inner.pages(thing, account=account, **filters):
            yield self.sees(found)


@dataclass(frozen=True)
class Others:
    """Such providers for everybody."""

    inner: Providers
    make: Callable[[Provider], Provider]
    credentials: Callable[[Credentials], Credentials] = lambda given: given

    def of(self, credentials: Credentials) -> Provider:
        return self.make(self.inner.of(self.credentials(credentials)))

    async def aclose(self) -> None:
        await self.inner.aclose()


@contextmanager
def sending(stage: Stage, sends: Send, sees: Seen = as_it_is) -> Iterator[None]:
    before = stage.tools
    assert before.providers is not None
    stage.tools = replace(before, providers=Others(before.providers, lambda inner: Other(inner, sends, sees)))
    try:
        yield
    finally:
        stage.tools = before


async def plainly(inner: Provider, ask: Ask, key: str) -> Outcome:
    return await inner.send(ask, key)


def with_params(ask: Ask, **changed: Any) -> Ask:
    params = {name: value for name, value in {**ask.params, **changed}.items() if value is not None}
    return Ask(ask.verb, ask.target, params)


@plant
def no_key(stage: Stage) -> Iterator[None]:
    """Each call has a key of its own, as the library makes them: a repetition is another payment."""

    async def send(inner: Provider, ask: Ask, key: str) -> Outcome:
        return await inner.send(ask, str(uuid4()))

    with sending(stage, send):
        yield


@plant
def key_for_another_amount(stage: Stage) -> Iterator[None]:
    """What is sent again is computed anew, and is something else under the same key."""
    sent: Counter[str] = Counter()

    async def send(inner: Provider, ask: Ask, key: str) -> Outcome:
        sent[key] += 1
        name = "amount" if "amount" in ask.params else "amount_to_capture"
        if sent[key] > 1 and name in ask.params:
            ask = with_params(ask, **{name: ask.params[name] - 1})
        return await inner.send(ask, key)

    with sending(stage, send):
        yield


@plant
def timeout_taken_for_refusal(stage: Stage) -> Iterator[None]:
    """What nobody knows is taken for done wrong, and tried with a new key."""

    async def send(inner: Provider, ask: Ask, key: str) -> Outcome:
        outcome = await inner.send(ask, key)
        if isinstance(outcome, Unknown):
            return Refusal(code="never_done", message="timeout", http_status=400)
        return outcome

    with sending(stage, send):
        yield


@plant
def hold_never_released(stage: Stage) -> Iterator[None]:
    """Letting go is noted, and not done."""

    async def send(inner: Provider, ask: Ask, key: str) -> Outcome:
        if ask.verb is Verb.CANCEL_INTENT:
            return Answered(await inner.read(Thing.INTENT, str(ask.target)) or {})
        return await inner.send(ask, key)

    with sending(stage, send):
        yield


@plant
def transfer_without_source(stage: Stage) -> Iterator[None]:
    """Cleaners are paid out of whatever is there."""

    async def send(inner: Provider, ask: Ask, key: str) -> Outcome:
        return await inner.send(with_params(ask, source_transaction=None), key)

    with sending(stage, send):
        yield


@plant
def transfer_to_the_wrong_cleaner(stage: Stage) -> Iterator[None]:
    """Everything goes to the account that was paid first."""
    first: dict[int, str] = {}

    async def send(inner: Provider, ask: Ask, key: str) -> Outcome:
        if ask.verb is Verb.CREATE_TRANSFER:
            business = next(n for n, one in enumerate(stage.both) if ask.params["destination"] in one.accounts)
            accounts = stage.both[business].accounts
            first.setdefault(business, accounts[(accounts.index(ask.params["destination"]) + 1) % len(accounts)])
            ask = with_params(ask, destination=first[business])
        return await inner.send(ask, key)

    with sending(stage, send):
        yield


@plant
def transfer_rounded_up(stage: Stage) -> Iterator[None]:
    """A cent more than was earned."""

    async def send(inner: Provider, ask: Ask, key: str) -> Outcome:
        if ask.verb is Verb.CREATE_TRANSFER:
            ask = with_params(ask, amount=ask.params["amount"] + 1)
        return await inner.send(ask, key)

    with sending(stage, send):
        yield


@plant
def fee_forgotten(stage: Stage) -> Iterator[None]:
    """What the provider keeps is not in the books."""

    def blind(thing: Mapping[str, Any]) -> Mapping[str, Any]:
        if isinstance(thing.get("latest_charge"), Mapping):
            return {**thing, "latest_charge": blind(thing["latest_charge"])}
        if isinstance(thing.get("balance_transaction"), Mapping):
            return {**thing, "balance_transaction": {**thing["balance_transaction"], "fee": 0}}
        return thing

    with sending(stage, plainly, blind):
        yield


@plant
def keys_of_the_wrong_business(stage: Stage) -> Iterator[None]:
    """One business's money is asked for with the other's key."""
    before = stage.tools
    assert before.providers is not None
    secret = f"sk_test_{stage.both[1].town.slug}"
    swapped = Others(before.providers, lambda inner: inner, lambda given: replace(given, secret_key=secret))
    stage.tools = replace(before, providers=swapped)
    try:
        yield
    finally:
        stage.tools = before


@plant
def float_cents(stage: Stage) -> Iterator[None]:
    """Amounts leave the house as fractions."""

    def garble(body: bytes) -> bytes:
        return re.sub(rb"(^|&)(amount|amount_to_capture)=(\d+)", rb"\1\2=\3.0", body)

    stage.wire.garble = garble
    try:
        yield
    finally:
        stage.wire.garble = None


# -- in the steps -----------------------------------------------------------------------------------------------------


@plant
def recorded_before_it_is_sent(stage: Stage) -> Iterator[None]:
    """The step is done in our books first, and sent then: whatever goes wrong in between never happens."""

    async def send(context: TaskContext, tenant: Any, payload: Mapping[str, Any]) -> None:
        op = UUID(payload["op"])
        tools = context.tools
        tools.at_boundary(BEFORE_SEND)
        begun: Sending | None = await context.run(begin_op, BeginOp(op, context.task.token))  # type: ignore[arg-type]
        if begun is None:
            return

        async def finish(tx: Any, input: Any) -> None:
            done = {"state": OpState.SUCCEEDED.value, "finished_at": tx.now, "lease_until": None}
            await tx.write(update(money_op).where(tx.own(money_op), money_op.c.id == op).values(**done))

        await context.run(command_of(finish), None)
        tools.at_boundary(SENT)
        outcome = await tools.provider_of(begun.keys).send(begun.ask, begun.key)
        tools.at_boundary(CALLED)

        if isinstance(outcome, Answered):
            thing = outcome.object

            async def absorb(tx: Any, input: Any) -> None:
                await recorders.RECORDERS[begun.kind].absorb(tx, begun.subject, thing)

            await context.run(command_of(absorb), None)
        tools.at_boundary(RECORDED)

    with line_in(stage.kinds, "send_money", send):
        yield


@plant
def missing_lock(stage: Stage) -> Iterator[None]:
    """Nobody waits for anybody: what two read at the same time, both believe."""

    def unlocked(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any) -> Any:
        words = re.sub(r"FOR (NO KEY )?(UPDATE|SHARE)( OF \w+)?", "", statement)
        return words.replace("pg_advisory_xact_lock(", "greatest("), parameters

    engine = stage.world.runner.engine.sync_engine
    event.listen(engine, "before_cursor_execute", unlocked, retval=True)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", unlocked)


@dataclass(frozen=True)
class AndThen:
    """A recorder that does something more."""

    inner: Recorder
    more: Callable[[Any, UUID, Mapping[str, Any]], Any]

    async def absorb(self, tx: Any, subject: UUID, thing: Mapping[str, Any]) -> None:
        await self.inner.absorb(tx, subject, thing)
        await self.more(tx, subject, thing)

    async def refused(self, tx: Any, subject: UUID, refusal: Any, fault: Any) -> None:
        await self.inner.refused(tx, subject, refusal, fault)


def also(kind: OpKind, more: Callable[[Any, UUID, Mapping[str, Any]], Any]) -> Any:
    return line_in(recorders.RECORDERS, kind, AndThen(recorders.RECORDERS[kind], more))


@plant
def capture_without_evidence(stage: Stage) -> Iterator[None]:
    """What is held is taken at once."""

    async def take(tx: Any, subject: UUID, thing: Mapping[str, Any]) -> None:
        if thing.get("status") != "requires_capture":
            return
        async with tx.as_system(wholly=True):
            row = await tx.get(payment, subject, lock=True)
            if row.status == PaymentStatus.AUTHORIZED:
                await tx.change(payment, row.id, status=PaymentStatus.CAPTURE_PENDING.value)
        params = {"amount_to_capture": row.amount_cents, "expand": ["latest_charge.balance_transaction"]}
        ask = Ask(Verb.CAPTURE_INTENT, row.intent_id, params)
        await plan_op(tx, Step(OpKind.CAPTURE, row.id, ask, job=row.job_id))

    with also(OpKind.CONFIRM, take):
        yield


@plant
def payout_to_a_backup(stage: Stage) -> Iterator[None]:
    """Whoever was on call is paid as if they had come."""

    async def pay(tx: Any, subject: UUID, thing: Mapping[str, Any]) -> None:
        async with tx.as_system(wholly=True):
            paid = await tx.get(payment, subject)
            if paid.job_id is None or not paid.captured_cents:
                return
            clean = await tx.get(job, paid.job_id)
            on_call = assignment.c.role == AssignmentRole.BACKUP.value
            rows = await tx.all(
                select(assignment, cleaner.c.pay_tier)
                .join(
                    cleaner, (cleaner.c.tenant_id == assignment.c.tenant_id) & (cleaner.c.id == assignment.c.cleaner_id)
                )
                .where(tx.own(assignment), assignment.c.job_id == clean.id, on_call)
            )
            shares = [
                Share(Member(one.cleaner_id, one.id, AssignmentRole.BACKUP, one.pay_tier), NOTHING, 2_000, 700)
                for one in rows
            ]
            await insert_payouts(tx, paid, clean, shares)

    with also(OpKind.CAPTURE, pay):
        yield


@plant
def refund_twice(stage: Stage) -> Iterator[None]:
    """A refund that went well is asked for once more."""

    async def again(tx: Any, subject: UUID, thing: Mapping[str, Any]) -> None:
        async with tx.as_system(wholly=True):
            first = await tx.one(
                select(money_op).where(
                    tx.own(money_op), money_op.c.kind == OpKind.REFUND, money_op.c.subject_id == subject
                )
            )
            done = update(money_op).where(tx.own(money_op), money_op.c.id == first.id)
            await tx.write(done.values(state=OpState.FAILED.value))
        if first.attempt == 1:
            await plan_op(tx, Step(OpKind.REFUND, subject, Ask.from_json(first.ask), new_id(), job=first.job_id))

    with also(OpKind.REFUND, again):
        yield


@plant
def payout_forgotten_in_the_books(stage: Stage) -> Iterator[None]:
    """The cleaner is paid, and the books do not say so."""

    async def contra(tx: Any, subject: UUID, thing: Mapping[str, Any]) -> None:
        cents = int(thing["amount"])
        back = (Posting(Account.CASH, cents), Posting(Account.PAYABLE, -cents))
        await book(tx, Entry(EntryKind.ADJUSTMENT, f"oops:{thing['id']}", "usd", back))

    with also(OpKind.TRANSFER, contra):
        yield


# -- in what is heard -------------------------------------------------------------------------------------------------


@plant
def double_webhook(stage: Stage) -> Iterator[None]:
    """What is told is booked each time that it is told."""
    told = ABSORBERS["payment_intent"]

    async def absorb(tx: Any, thing: Mapping[str, Any]) -> None:
        await told(tx, thing)
        cents = int(thing.get("amount_received") or 0)
        if cents:
            both = (Posting(Account.CASH, cents), Posting(Account.REVENUE, -cents))
            await book(tx, Entry(EntryKind.CAPTURE, f"capture:{thing['id']}:{new_id()}", "usd", both))

    with line_in(ABSORBERS, "payment_intent", absorb):
        yield


@plant
def stale_webhook_moves_back(stage: Stage) -> Iterator[None]:
    """What was true when the notice was written is taken for true now."""
    told = ABSORBERS["payment_intent"]

    async def absorb(tx: Any, thing: Mapping[str, Any]) -> None:
        await told(tx, thing)
        async with tx.as_system(wholly=True):
            mine = (
                tx.own(payment),
                payment.c.intent_id == thing["id"],
                payment.c.status == PaymentStatus.CAPTURED.value,
            )
            row = await tx.one(select(payment).where(*mine))
            if row is not None:
                await tx.change(payment, row.id, status=PaymentStatus.AUTHORIZED.value)
                tell_payment(tx, await tx.get(payment, row.id))

    with line_in(ABSORBERS, "payment_intent", absorb):
        yield


A_HOLD = (Move("plan", 0, 2, 1), Move("hold", 1, 0, 0))
PAID = (*A_HOLD, Move("work_done", 0, 1, 1), Move("work", 26, 3, 1), Move("work", 26, 3, 1))
LOST = (
    Move("plan", 0, 5, 1),
    Move("fault", FAULTS.index("drop_after"), 0, 0),
    Move("time_goes_on", 7),
    Move("hold", 1),
)
PROVOKED: dict[str, tuple[Move, ...]] = {
    "no_key": PAID,
    "key_for_another_amount": (*LOST, Move("time_goes_on", 3), Move("sweep", 0)),
    "timeout_taken_for_refusal": (*LOST, Move("time_goes_on", 3), Move("hold", 1), Move("sweep", 0)),
    "hold_never_released": (*A_HOLD, Move("work", 26, 3, 1), Move("cancel", 0, 1)),
    "recorded_before_it_is_sent": (Move("plan", 0, 2, 1), Move("doom", 1, 0, 0), Move("work", 26, 0, 1)),
    "missing_lock": (*PAID, Move("two_at_once", 0, 1, 0)),
    "refund_twice": (*PAID, Move("give_back", 0, 2, 1), Move("work", 26, 3, 1), Move("work", 26, 3, 1)),
}
"""What is played first for a bug that needs its occasion; the others are caught by a clean that is paid."""
