"""How much of the money goes by itself, live: the share that needed nobody of the office (R241, A37).

A share is of everything: no event tells what it becomes. So an event that may change it has it reckoned anew, by one
statement for all who look on; what happens meanwhile is in the next one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.actors import ADMINS, Actor
from domain.errors import Forbidden
from domain.events import EventType
from domain.payments.payouts import PayoutStatus
from domain.scheduling import PaymentStatus
from resolvers.ledger import MOST_DAYS, USUAL_DAYS, automation, automation_found
from subscriptions.feeds import FRESH, Asked, Facts, Fresh, Klass, Value
from subscriptions.log import LogEvent
from subscriptions.reads import Rows, Snapshot

_FOUND: Final = automation_found("stamp.tenant_id", "live.business_now", "$5::int")
_AT_THE_BANK: Final = frozenset(
    {PayoutStatus.IN_TRANSIT, PayoutStatus.PAID_OUT, PayoutStatus.FAILED, PayoutStatus.REVERSED}
)
_ON_THE_WAY: Final = frozenset({PaymentStatus.PENDING, PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURE_PENDING})


class AutomationFeed:
    """The share of the last days. A class is the administrators', for so many days."""

    field = "automation"
    replays = False

    def klass(self, actor: Actor, facts: Facts, asked: Asked) -> Klass:
        """Administrators who ask for the same days are one class; nobody else sees how the business does (R18)."""
        if actor.role not in ADMINS:
            raise Forbidden
        days = asked.arguments.get("days")
        return "administrators", str(min(max(USUAL_DAYS if days is None else days, 1), MOST_DAYS))

    def until(self, klass: Klass) -> datetime | None:
        """Time changes nothing about who sees what."""
        return None

    def rows(self, klass: Klass) -> Rows:
        """What came of the payments and payouts of these days, and whose hands they went through."""
        return Rows(_FOUND, (int(klass[1]),))

    def snapshot(self, klass: Klass, snapshot: Snapshot) -> Value:
        """The share as it is."""
        return {"__typename": "AutomationSnapshot", "automation": automation(snapshot.rows)}

    def part(self, event: LogEvent, person: UUID) -> str | None:
        """Nobody is shown anything else than their class."""
        return None

    def delta(self, event: LogEvent, klass: Klass, part: str | None) -> Value | Fresh | None:
        """All anew where a payment or payout has come to something; the business's own time may have been moved."""
        match event.type:
            case EventType.PAYMENT_CHANGED if _may_count_payment(event.card):
                return FRESH
            case EventType.PAYOUT_CHANGED if _may_count_payout(event.card):
                return FRESH
            case EventType.TENANT_CHANGED:
                return FRESH
            case _:
                return None


def _may_count_payment(card: Mapping[str, Any]) -> bool:
    """Whether it is one that is counted, or may have been a moment ago: a night's holds alone are not."""
    return card["status"] not in _ON_THE_WAY or card["declines"] > 0 or card["captured_at"] is not None


def _may_count_payout(card: Mapping[str, Any]) -> bool:
    """The same of a payout: one that has just come into being is not, nor what a bank does with it later."""
    is_new = card["status"] == PayoutStatus.PENDING and card["version"] == 1
    return not is_new and card["status"] not in _AT_THE_BANK
