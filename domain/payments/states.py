"""The states of payments' own rows, and which may follow which (R73, R260)."""

from collections.abc import Mapping
from enum import StrEnum


class PaymentKind(StrEnum):
    """What a customer pays for."""

    PREPAID = "PREPAID"
    """The first clean, at once when it is booked (R46, A10)."""
    HOLD = "HOLD"
    """A clean: held on the card the evening before, captured on proof (R138, R147)."""
    TIP = "TIP"
    """A tip after the clean, with the customer present (A34)."""
    INVOICE = "INVOICE"
    """An invoice, by its link (R181)."""


CLEAN_KINDS = (PaymentKind.PREPAID, PaymentKind.HOLD)
"""Payments for the clean itself: of one job at most one of them is current."""


class MethodStatus(StrEnum):
    """Where a saved card stands."""

    PENDING = "PENDING"
    """Given, and not yet with the provider's customer."""
    ACTIVE = "ACTIVE"
    FAILED = "FAILED"
    """The provider would not have it; the customer gives another."""
    DETACHED = "DETACHED"


class RefundStatus(StrEnum):
    """Where a refund stands (R213, A35)."""

    REQUESTED = "REQUESTED"
    """Above the limit of one person: a second one has to agree."""
    DECLINED = "DECLINED"
    """The second one did not agree."""
    RESERVED = "RESERVED"
    """Put by in the books, and on its way to the provider."""
    PENDING = "PENDING"
    """The provider has it, and the customer's bank not yet."""
    SUCCEEDED = "SUCCEEDED"
    """The provider has sent it."""
    FAILED = "FAILED"
    """The provider refused it, or the bank sent it back; what was put by is free again."""


REFUND_TRANSITIONS: Mapping[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.REQUESTED: frozenset({RefundStatus.RESERVED, RefundStatus.DECLINED}),
    RefundStatus.DECLINED: frozenset(),
    RefundStatus.RESERVED: frozenset({RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    RefundStatus.PENDING: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    # A bank may send a refund back days after the provider said that it had gone.
    RefundStatus.SUCCEEDED: frozenset({RefundStatus.FAILED}),
    RefundStatus.FAILED: frozenset(),
}


class Bearer(StrEnum):
    """Who bears what a customer gets back (A35)."""

    RESERVE_FIRST = "RESERVE_FIRST"
    """The reserve, and the business what is beyond it; cleaners keep their pay (A13)."""
    BUSINESS = "BUSINESS"
    CLEANERS = "CLEANERS"
    """The cleaners' pay for the job is taken back as far as they have it; reserve and business bear the rest."""


class DisputeStatus(StrEnum):
    """Where a dispute stands, as the provider says."""

    INQUIRY = "INQUIRY"
    """The bank asks; no money has moved."""
    NEEDS_RESPONSE = "NEEDS_RESPONSE"
    UNDER_REVIEW = "UNDER_REVIEW"
    WON = "WON"
    LOST = "LOST"
    CLOSED = "CLOSED"
    """An inquiry that came to nothing, or one that was prevented."""


OPEN_DISPUTES = (DisputeStatus.INQUIRY, DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW)


class InvoiceStatus(StrEnum):
    """Where an invoice stands (R180)."""

    DRAFT = "DRAFT"
    """Drawn up by the office; its customer does not see it yet."""
    OPEN = "OPEN"
    """The customer's, to be paid."""
    PAID = "PAID"
    """Paid, or from the first the receipt of what a card has paid."""
    VOID = "VOID"
    """Taken back; its number stays taken."""


INVOICE_TRANSITIONS: Mapping[InvoiceStatus, frozenset[InvoiceStatus]] = {
    InvoiceStatus.DRAFT: frozenset({InvoiceStatus.OPEN, InvoiceStatus.VOID}),
    InvoiceStatus.OPEN: frozenset({InvoiceStatus.PAID, InvoiceStatus.VOID}),
    InvoiceStatus.PAID: frozenset(),
    InvoiceStatus.VOID: frozenset(),
}


class WebhookState(StrEnum):
    """What has become of what a provider told us."""

    RECEIVED = "RECEIVED"
    DONE = "DONE"
    IGNORED = "IGNORED"
    """Of a kind that we do not act on."""


class SubscriptionStatus(StrEnum):
    """Where a business's own plan with the platform stands (A42)."""

    TRIALING = "TRIALING"
    """On trial: nothing has to be paid yet."""
    ACTIVE = "ACTIVE"
    """Paid for."""
    PAST_DUE = "PAST_DUE"
    """The last payment has failed, and is tried again."""
    CANCELED = "CANCELED"
    """It has ended."""


SUBSCRIPTION_TRANSITIONS: Mapping[SubscriptionStatus, frozenset[SubscriptionStatus]] = {
    SubscriptionStatus.TRIALING: frozenset(
        {SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE, SubscriptionStatus.CANCELED}
    ),
    SubscriptionStatus.ACTIVE: frozenset({SubscriptionStatus.PAST_DUE, SubscriptionStatus.CANCELED}),
    SubscriptionStatus.PAST_DUE: frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.CANCELED}),
    # Who pays again is welcome back, with everything as it was.
    SubscriptionStatus.CANCELED: frozenset({SubscriptionStatus.ACTIVE}),
}


class ProviderMode(StrEnum):
    """Which of a provider's worlds a business's keys open."""

    TEST = "TEST"
    LIVE = "LIVE"
