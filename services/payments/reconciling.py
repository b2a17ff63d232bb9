"""Our rows against the provider's lists, a page at a time: what agrees is left alone, what does not is looked at.

Each question is one statement a page, whatever is on it. What differs is applied by the same functions that webhooks
use; what nobody of ours has is an alarm, and so is money on the balance that no entry books (R239).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.payments.ledger import Account
from domain.payments.states import DisputeStatus, RefundStatus
from domain.scheduling import PaymentStatus
from models import dispute, ledger_entry, ledger_posting, payment, payout, refund, webhook_event
from services.payments.absorbers import ABSORBERS
from services.payments.alarms import Broken, keep_alarms

NOBODYS_PAYMENT = "payment_of_nobody"
"""An alarm: money was taken or is held at the provider, and no payment of ours knows of it."""
NOT_ABSORBED = "not_absorbed"
"""An alarm: the provider says of a thing what our row cannot have come to."""
UNBOOKED = "unbooked_transaction"
"""An alarm: a movement on the provider's balance that no entry books."""
NOT_THERE = "booked_not_there"
"""An alarm: an entry whose balance transaction the provider does not have."""
CASH_DIFFERS = "cash_differs"
"""An alarm: the books say that the provider has other money than it says itself."""
_TAKEN = {
    PaymentStatus.CAPTURED,
    PaymentStatus.PARTIALLY_REFUNDED,
    PaymentStatus.REFUNDED,
    PaymentStatus.DISPUTED,
}
_INTENTS: Mapping[str, frozenset[str]] = {
    "succeeded": frozenset(_TAKEN),
    "requires_capture": frozenset({PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURE_PENDING}),
    "canceled": frozenset({PaymentStatus.RELEASED, PaymentStatus.EXPIRED}),
    "requires_confirmation": frozenset({PaymentStatus.PENDING, PaymentStatus.FAILED}),
    "requires_payment_method": frozenset(
        {PaymentStatus.PENDING, PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION, PaymentStatus.EXPIRED}
    ),
    "requires_action": frozenset({PaymentStatus.REQUIRES_ACTION}),
}
_REFUNDS = {
    "pending": {RefundStatus.PENDING},
    "requires_action": {RefundStatus.PENDING},
    "succeeded": {RefundStatus.SUCCEEDED},
    "failed": {RefundStatus.FAILED},
    "canceled": {RefundStatus.FAILED},
}
_OPEN = {DisputeStatus.INQUIRY, DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW}
_LISTED = frozenset({"payment_intent", "refund", "transfer", "dispute"})
MOST = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Things of one kind as the provider lists them."""

    kind: str
    things: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class AbsorbListed:
    """One thing that differs from our row."""

    kind: str
    thing: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventsListed:
    """Notices that the provider keeps, by their ids."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Balances:
    """What the provider says that the business has, by currency; available and on the way."""

    cents: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class EntriesAfter:
    """Our entries with a balance transaction, a page of them."""

    since: Any
    after: Any


@dataclass(frozen=True, slots=True)
class NoteFound:
    """What a reconciliation has found of these kinds of alarms; what it has not found is mended."""

    kinds: tuple[str, ...]
    found: tuple[Broken, ...]


@command(Role.SYSTEM)
async def differing(tx: Tx, input: Page) -> tuple[str, ...]:
    """Which things of a page do not agree with our rows; those of another business are left out. One statement."""
    mine = [one for one in input.things if _is_ours(tx, one)]
    known = await _known(tx, input.kind, [str(one["id"]) for one in mine])
    return tuple(str(one["id"]) for one in mine if not _agrees(input.kind, one, known.get(str(one["id"]))))


@command(Role.SYSTEM)
async def absorb_listed(tx: Tx, input: AbsorbListed) -> bool:
    """Apply a thing to our rows as its webhook would; whether it is anybody's of ours now."""
    if not _is_ours(tx, input.thing):
        return False
    await ABSORBERS[input.kind](tx, input.thing)
    if input.kind not in _LISTED:
        return True
    known = await _known(tx, input.kind, [str(input.thing["id"])])
    return str(input.thing["id"]) in known


@command(Role.SYSTEM)
async def unbooked(tx: Tx, input: Page) -> tuple[str, ...]:
    """Which balance transactions of a page no entry books. One statement."""
    ids = [str(one["id"]) for one in input.things]
    found = select(ledger_entry.c.provider_id).where(tx.own(ledger_entry), ledger_entry.c.provider_id.in_(ids))
    booked = {row.provider_id for row in await tx.all(found)}
    return tuple(id for id in ids if id not in booked)


@command(Role.SYSTEM)
async def missed(tx: Tx, input: EventsListed) -> tuple[str, ...]:
    """Which notices never reached us. One statement."""
    found = select(webhook_event.c.event_id).where(tx.own(webhook_event), webhook_event.c.event_id.in_(input.ids))
    kept = {row.event_id for row in await tx.all(found)}
    return tuple(id for id in input.ids if id not in kept)


@command(Role.SYSTEM)
async def cash_differs(tx: Tx, input: Balances) -> Sequence[Broken]:
    """In which currencies the books' cash is not the provider's balance."""
    mine = (ledger_entry.c.tenant_id == ledger_posting.c.tenant_id) & (ledger_entry.c.id == ledger_posting.c.entry_id)
    rows = await tx.all(
        select(ledger_entry.c.currency, func.sum(ledger_posting.c.cents).label("cents"))
        .select_from(ledger_posting)
        .join(ledger_entry, mine)
        .where(tx.own(ledger_posting), ledger_posting.c.account == Account.CASH)
        .group_by(ledger_entry.c.currency)
    )
    ours = {row.currency: int(row.cents) for row in rows}
    both = sorted({*ours, *input.cents})
    pairs = [(currency, ours.get(currency, 0), input.cents.get(currency, 0)) for currency in both]
    return tuple(
        Broken(CASH_DIFFERS, currency, {"booksCents": books, "providerCents": there})
        for currency, books, there in pairs
        if books != there
    )


@command(Role.SYSTEM)
async def entries_after(tx: Tx, input: EntriesAfter) -> tuple[tuple[Any, str], ...]:
    """A page of our entries with the balance transactions that they book, by id."""
    rows = await tx.all(
        select(ledger_entry.c.id, ledger_entry.c.provider_id)
        .where(
            tx.own(ledger_entry),
            ledger_entry.c.id > input.after,
            ledger_entry.c.at >= input.since,
            ledger_entry.c.provider_id.is_not(None),
        )
        .order_by(ledger_entry.c.id)
        .limit(MOST)
    )
    return tuple((row.id, row.provider_id) for row in rows)


@command(Role.SYSTEM)
async def note_found(tx: Tx, input: NoteFound) -> int:
    """Raise alarms for what was found, and clear what was not; how many stand."""
    await keep_alarms(tx, input.kinds, input.found)
    return len(input.found)


def _is_ours(tx: Tx, thing: Mapping[str, Any]) -> bool:
    """Two businesses may share one account: each leaves the other's alone."""
    return (thing.get("metadata") or {}).get("tenant_id") in {None, str(tx.actor.tenant)}


async def _known(tx: Tx, kind: str, ids: Collection[str]) -> dict[str, tuple[str, int]]:
    """Our rows by the provider's ids: where they stand, and how much has gone back or was taken."""
    tables = {
        "payment_intent": (payment, payment.c.intent_id, payment.c.captured_cents),
        "refund": (refund, refund.c.provider_id, refund.c.amount_cents),
        "transfer": (payout, payout.c.transfer_id, payout.c.reversed_cents),
        "dispute": (dispute, dispute.c.provider_id, dispute.c.withdrawn_cents),
    }
    table, id, cents = tables[kind]
    rows = await tx.all(
        select(id.label("id"), table.c.status, cents.label("cents")).where(tx.own(table), id.in_(list(ids)))
    )
    return {row.id: (row.status, int(row.cents)) for row in rows}


def _agrees(kind: str, thing: Mapping[str, Any], row: tuple[str, int] | None) -> bool:
    """Whether our row says what the provider says."""
    if row is None:
        # What was begun and never came to anything at the provider moves nothing.
        return kind == "payment_intent" and not _matters(thing)
    status, cents = row
    match kind:
        case "payment_intent":
            is_all = status not in _TAKEN or cents == int(thing.get("amount_received") or 0)
            return status in _INTENTS.get(str(thing["status"]), frozenset()) and is_all
        case "refund":
            return status in _REFUNDS.get(str(thing["status"]), set())
        case "transfer":
            return cents == int(thing.get("amount_reversed") or 0)
        case _:
            is_open = str(thing["status"]).endswith(("needs_response", "under_review"))
            return is_open == (status in _OPEN) and not is_open


def _matters(thing: Mapping[str, Any]) -> bool:
    return bool(thing.get("amount_received")) or thing.get("status") == "requires_capture"
