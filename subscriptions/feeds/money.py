"""Money, live: payments for administrators and the customer who pays, pay for administrators and its cleaner (R239)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import DateTime, Table

from domain.actors import ADMINS, Actor, Role
from domain.errors import Forbidden
from domain.events import EventType
from domain.payments.live import OPEN_PAYMENTS, OPEN_PAYOUTS, is_open_payment, is_open_payout
from models import payment, payout
from services.payments.state import SHOWN as SHOWN_OF_PAYMENT
from services.payments.state import payment_card
from services.payouts.state import SHOWN as SHOWN_OF_PAYOUT
from services.payouts.state import payout_card, told_to
from subscriptions.feeds import OFFICE_CLASS, Asked, Facts, Fresh, Klass, Value
from subscriptions.log import LogEvent
from subscriptions.reads import Rows, Snapshot

MOST: Final = 1_000
"""Of a snapshot: who has more under way asks for the rest page by page, and is told that there is more."""
_NOT_THE_CUSTOMERS: Final = {"capture_before": None}


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one feed of money is about: whose it is, what is shown of it, and until when it is under way."""

    table: Table
    columns: tuple[str, ...]
    card: Callable[[Any], dict[str, Any]]
    is_open: Callable[[Mapping[str, Any]], bool]
    open_states: frozenset[str]
    event: EventType
    role: Role
    """Who has one's own."""
    owner: str
    """The column that says whose it is."""

    @property
    def rows(self) -> str:
        """The open ones as JSON, the newest first, and one more than is shown."""
        states = ", ".join(f"'{state}'" for state in sorted(self.open_states))
        pairs = ", ".join(f"'{name}', m.{name}" for name in self.columns)
        return f"""select coalesce(json_agg(m.card order by m.id desc), '[]') from (
            select m.id, json_build_object({pairs}) as card from {self.table.name} m
            where m.tenant_id = stamp.tenant_id and m.status in ({states}){{own}}
            order by m.id desc limit {MOST + 1}) m"""

    def cards(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The cards of rows from JSON: the function that makes an event's card makes them too."""
        made = (self.card(SimpleNamespace(**self._typed(row))) for row in rows)
        return [card for card in made if self.is_open(card)]

    def _typed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        columns = self.table.c
        return {
            name: datetime.fromisoformat(value) if value and isinstance(columns[name].type, DateTime) else value
            for name, value in row.items()
        }


PAYMENTS: Final = Shelf(
    payment,
    (*SHOWN_OF_PAYMENT, "decline"),
    payment_card,
    is_open_payment,
    OPEN_PAYMENTS,
    EventType.PAYMENT_CHANGED,
    Role.CUSTOMER,
    "customer_id",
)
PAYOUTS: Final = Shelf(
    payout,
    (*SHOWN_OF_PAYOUT, "hold_note"),
    payout_card,
    is_open_payout,
    OPEN_PAYOUTS,
    EventType.PAYOUT_CHANGED,
    Role.CLEANER,
    "cleaner_id",
)


class _MoneyFeed:
    """What the two have in common. A class is the administrators', or one person's."""

    field = ""
    replays = True
    shelf: Shelf

    def klass(self, actor: Actor, facts: Facts, asked: Asked) -> Klass:
        """Administrators are one class, whose money it is are one each; nobody else may look on (R18)."""
        if actor.role in ADMINS:
            return OFFICE_CLASS
        if actor.role is not self.shelf.role:
            raise Forbidden
        return "own", str(actor.person)

    def until(self, klass: Klass) -> datetime | None:
        """Time changes nothing about who sees what."""
        return None

    def rows(self, klass: Klass) -> Rows:
        """What is under way; asks once more what the policies say."""
        own = "" if klass == OFFICE_CLASS else f" and m.{self.shelf.owner} = stamp.actor_id"
        return Rows(self.shelf.rows.replace("{own}", own))

    def part(self, event: LogEvent, person: UUID) -> str | None:
        """Nobody is shown anything else than their class."""
        return None

    def _concerns(self, event: LogEvent, klass: Klass) -> bool:
        if event.type != self.shelf.event:
            return False
        return klass == OFFICE_CLASS or event.card[self.shelf.owner] == klass[1]


class PaymentsFeed(_MoneyFeed):
    """Payments under way: holds, captures, declines and what waits for the customer (R137 to R150, R189)."""

    field = "payments"
    shelf = PAYMENTS

    def snapshot(self, klass: Klass, snapshot: Snapshot) -> Value:
        """What is under way, the newest first."""
        cards = [_seen_by(klass, card) for card in self.shelf.cards(snapshot.rows[:MOST])]
        return {"__typename": "PaymentsSnapshot", "payments": cards, "has_more": len(snapshot.rows) > MOST}

    def delta(self, event: LogEvent, klass: Klass, part: str | None) -> Value | Fresh | None:
        """The payment as it is now, or that it is under way no more."""
        if not self._concerns(event, klass):
            return None
        if not is_open_payment(event.card):
            return {"__typename": "PaymentGone", "payment_id": event.card["id"]}
        return {"__typename": "PaymentShown", "payment": _seen_by(klass, event.card)}


class PayoutsFeed(_MoneyFeed):
    """Pay on its way to cleaners: due, held with what to do, transferred (R164 to R177, R190)."""

    field = "payouts"
    shelf = PAYOUTS

    def snapshot(self, klass: Klass, snapshot: Snapshot) -> Value:
        """What is under way, the newest first."""
        cards = [_told_to(klass, card) for card in self.shelf.cards(snapshot.rows[:MOST])]
        return {"__typename": "PayoutsSnapshot", "payouts": cards, "has_more": len(snapshot.rows) > MOST}

    def delta(self, event: LogEvent, klass: Klass, part: str | None) -> Value | Fresh | None:
        """The payout as it is now, or that it is under way no more."""
        if not self._concerns(event, klass):
            return None
        if not is_open_payout(event.card):
            return {"__typename": "PayoutGone", "payout_id": event.card["id"]}
        return {"__typename": "PayoutShown", "payout": _told_to(klass, event.card)}


def _seen_by(klass: Klass, card: Mapping[str, Any]) -> dict[str, Any]:
    """A payment's card without what is the office's own to know."""
    return dict(card) if klass == OFFICE_CLASS else {**card, **_NOT_THE_CUSTOMERS}


def _told_to(klass: Klass, card: Mapping[str, Any]) -> dict[str, Any]:
    """A payout's card with what its reader can do about it (R190)."""
    if klass == OFFICE_CLASS:
        return dict(card)
    return {**card, "what_to_do": told_to(Role.CLEANER, card["hold_reason"], None)}
