"""What happened, in the past tense: the events that the log keeps, feeds send, and integrators read.

An event carries the public card of what it happened to: the facts that everybody who may see the event may see,
enough to show it without asking again. `people` are those whom it concerns in person: parties of a swap, the owner of
a session.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID


class EventType(StrEnum):
    """The kinds of events, by what happened."""

    SWAP_OFFERED = "SwapOffered"
    SWAP_CHANGED = "SwapChanged"
    SWAP_REQUESTED = "SwapRequested"
    SWAP_ACCEPTED = "SwapAccepted"
    SWAP_DECLINED = "SwapDeclined"
    SWAP_RETURNED = "SwapReturned"
    SWAP_WITHDRAWN = "SwapWithdrawn"
    SWAP_EXPIRED = "SwapExpired"
    JOB_CREATED = "JobCreated"
    JOB_CHANGED = "JobChanged"
    JOB_CANCELED = "JobCanceled"
    JOB_STARTED = "JobStarted"
    JOB_PROGRESSED = "JobProgressed"
    JOB_LATE = "JobLate"
    JOB_MISSED = "JobMissed"
    JOB_SUBMITTED = "JobSubmitted"
    JOB_COMPLETED = "JobCompleted"
    JOB_NOT_ACCESSIBLE = "JobNotAccessible"
    CLEANER_MOVED = "CleanerMoved"
    CLEANER_ASSIGNED = "CleanerAssigned"
    CLEANER_RELEASED = "CleanerReleased"
    AVAILABILITY_SUBMITTED = "AvailabilitySubmitted"
    AVAILABILITY_WINDOW_CHANGED = "AvailabilityWindowChanged"
    STANDING_BID_CHANGED = "StandingBidChanged"
    CLEANER_CHANGED = "CleanerChanged"
    MARKET_CHANGED = "MarketChanged"
    CUSTOMER_CHANGED = "CustomerChanged"
    PROPERTY_CHANGED = "PropertyChanged"
    SERVICE_CHANGED = "ServiceChanged"
    PRICE_BOOK_PUBLISHED = "PriceBookPublished"
    BOOKING_CHANGED = "BookingChanged"
    QUOTE_CHANGED = "QuoteChanged"
    PLAN_CHANGED = "PlanChanged"
    PAYMENT_CHANGED = "PaymentChanged"
    PAYOUT_CHANGED = "PayoutChanged"
    REFUND_CHANGED = "RefundChanged"
    DISPUTE_CHANGED = "DisputeChanged"
    INVOICE_CHANGED = "InvoiceChanged"
    MONEY_ALARM_CHANGED = "MoneyAlarmChanged"
    SUBSCRIPTION_CHANGED = "SubscriptionChanged"
    STAFF_CHANGED = "StaffChanged"
    TENANT_CHANGED = "TenantChanged"
    SESSION_REVOKED = "SessionRevoked"
    PIN_SET = "PinSet"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one entity."""

    type: EventType
    entity: str
    entity_id: UUID
    card: Mapping[str, Any]
    """JSON values only, keyed by the card type's field names."""
    people: tuple[UUID, ...] = ()

    def staged(self) -> dict[str, Any]:
        """As `log_append` takes it."""
        return {
            "type": self.type,
            "entity": self.entity,
            "entity_id": str(self.entity_id),
            "payload": {"card": dict(self.card), "people": [str(person) for person in self.people]},
        }
