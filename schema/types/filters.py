"""Filters and orders of the lists (R263).

A field that is null or left out demands nothing; all that are given must hold.
"""

from datetime import date, datetime
from enum import Enum

import strawberry

from domain.booking import DraftStatus
from domain.notifications import DeliveryStatus
from domain.payments.ledger import Account
from domain.payments.ledger import EntryKind as LedgerKind
from domain.payments.ops import OpKind, OpState
from domain.payments.payouts import HoldReason, PayoutKind, PayoutStatus
from domain.payments.states import DisputeStatus, InvoiceStatus, PaymentKind, RefundStatus
from domain.plans import PlanStatus
from domain.quotes import QuoteRequestStatus, QuoteStatus
from domain.scheduling import AssignmentRole, JobStatus, OnboardingState, PaymentStatus, Skill
from domain.swaps import SwapKind, SwapOpener, SwapStatus
from schema.types.described import described, enumerated


@described
@strawberry.input
class MarketFilter:
    """Which markets."""

    is_archived: bool | None = None
    """Only closed ones, or only open ones."""


@described
@strawberry.input
class StaffFilter:
    """Which people of the office."""

    is_archived: bool | None = None
    """Only those who left, or only those who did not."""


@described
@strawberry.input
class CleanerFilter:
    """Which cleaners."""

    market_id: strawberry.ID | None = None
    """Only those who work in this market."""
    skill: Skill | None = None
    """Only those who have this skill."""
    onboarding: OnboardingState | None = None
    """Only those at this stage."""
    is_archived: bool | None = None
    """Only those who left, or only those who did not."""
    free_on: date | None = None
    """Only those who submitted availability for this market-local day and have no shift on it."""
    search: str | None = None
    """Only those whose name contains this, in whatever case."""


@described
@strawberry.input
class CustomerFilter:
    """Which customers."""

    is_archived: bool | None = None
    """Only archived ones, or only the others."""
    search: str | None = None
    """Only those whose name or email contains this, in whatever case."""


@described
@strawberry.input
class PropertyFilter:
    """Which homes."""

    customer_id: strawberry.ID | None = None
    """Only those of this customer."""
    market_id: strawberry.ID | None = None
    """Only those in this market."""
    is_archived: bool | None = None
    """Only archived ones, or only the others."""


@described
@strawberry.input
class ServiceFilter:
    """Which services."""

    is_archived: bool | None = None
    """Only those that are not offered any more, or only those that are."""


@described
@strawberry.input
class ChecklistTemplateFilter:
    """Which checklist templates."""

    property_id: strawberry.ID | None = None
    """Only those for this home."""
    service_id: strawberry.ID | None = None
    """Only those for this service."""
    is_archived: bool | None = None
    """Only those that are not used any more, or only those that are."""


@described
@strawberry.input
class JobFilter:
    """Which jobs."""

    status: list[JobStatus] | None = None
    """Only those in one of these states."""
    market_id: strawberry.ID | None = None
    """Only those in this market."""
    property_id: strawberry.ID | None = None
    """Only those of this home."""
    starts_at_from: datetime | None = None
    """Only those that start then or later."""
    starts_at_before: datetime | None = None
    """Only those that start earlier."""
    is_urgent: bool | None = None
    """Only urgent ones, or only the others."""
    is_mine: bool | None = None
    """Only those that the acting cleaner is on, or only the others that they see."""
    is_active: bool | None = None
    """Only those that are still to be done or under way, or only those that are over."""


@described
@strawberry.input
class ServicePlanFilter:
    """Which cleaning plans."""

    status: list[PlanStatus] | None = None
    """Only those that stand so."""
    customer_id: strawberry.ID | None = None
    """Only those of this customer."""
    property_id: strawberry.ID | None = None
    """Only those for this home."""
    market_id: strawberry.ID | None = None
    """Only those in this market."""


@enumerated
class ServicePlanOrder(Enum):
    """The order of cleaning plans."""

    CREATED_AT_DESC = "created_at desc"
    """The newest first."""
    CREATED_AT_ASC = "created_at asc"
    """The oldest first."""


@described
@strawberry.input
class AssignmentFilter:
    """Which shifts."""

    is_live: bool | None = None
    """Only those that still hold, or only those that were ended."""
    is_active: bool | None = None
    """Only those that still hold and whose job is to be done or under way, or only the others."""
    role: AssignmentRole | None = None
    """Only those in this role."""
    starts_at_from: datetime | None = None
    """Only those that start then or later."""
    starts_at_before: datetime | None = None
    """Only those that start earlier."""


@described
@strawberry.input
class SwapFilter:
    """Which swaps."""

    status: list[SwapStatus] | None = None
    """Only those in one of these states."""
    kind: SwapKind | None = None
    """Only those of this kind."""
    market_id: strawberry.ID | None = None
    """Only those in this market."""
    is_mine: bool | None = None
    """Only those that the acting cleaner offered or took, or only the others."""
    opened_by: SwapOpener | None = None
    """Only those that a cleaner, or the office, put on the market."""
    can_take: bool | None = None
    """Only open ones that the acting cleaner may take now by every rule, or only the others."""


@described
@strawberry.input
class StandingBidFilter:
    """Which standing bids."""

    market_id: strawberry.ID | None = None
    """Only those for this market."""
    cleaner_id: strawberry.ID | None = None
    """Only those of this cleaner."""
    is_withdrawn: bool | None = None
    """Only those that were withdrawn, or only those that hold."""


@described
@strawberry.input
class SubmissionFilter:
    """Which availability submissions."""

    market_id: strawberry.ID | None = None
    """Only those for this market."""
    cleaner_id: strawberry.ID | None = None
    """Only those of this cleaner."""
    period_start: date | None = None
    """Only those for the two weeks that start on this Monday."""
    is_late: bool | None = None
    """Only late ones, or only the others."""


@described
@strawberry.input
class NotificationFilter:
    """Which messages."""

    status: DeliveryStatus | None = None
    """Only those in this state."""
    kind: str | None = None
    """Only those of this kind."""


@enumerated
class NameOrder(Enum):
    """The order of people and places."""

    NAME_ASC = "name asc"
    """By name."""
    CREATED_AT_DESC = "created_at desc"
    """The newest first."""
    CREATED_AT_ASC = "created_at asc"
    """The oldest first."""


@enumerated
class JobOrder(Enum):
    """The order of jobs."""

    STARTS_AT_ASC = "starts_at asc"
    """The earliest start first."""
    STARTS_AT_DESC = "starts_at desc"
    """The latest start first."""
    CREATED_AT_DESC = "created_at desc"
    """The newest first."""


@enumerated
class AssignmentOrder(Enum):
    """The order of shifts."""

    STARTS_AT_ASC = "starts_at asc"
    """The earliest start first."""
    STARTS_AT_DESC = "starts_at desc"
    """The latest start first."""


@enumerated
class SwapOrder(Enum):
    """The order of swaps."""

    OPENED_AT_DESC = "opened_at desc"
    """The newest offer first."""
    EXPIRES_AT_ASC = "expires_at asc"
    """The one that ends first, first."""
    JOB_STARTS_AT_ASC = "job_starts_at asc"
    """The earliest shift first."""


@enumerated
class StandingBidOrder(Enum):
    """The order of standing bids."""

    PLACED_AT_DESC = "placed_at desc"
    """The newest first."""


@enumerated
class SubmissionOrder(Enum):
    """The order of availability submissions."""

    SUBMITTED_AT_DESC = "submitted_at desc"
    """The newest first."""
    PERIOD_START_ASC = "period_start asc"
    """The earliest two weeks first."""


@enumerated
class NotificationOrder(Enum):
    """The order of messages."""

    CREATED_AT_DESC = "created_at desc"
    """The newest first."""


@described
@strawberry.input
class AuditFilter:
    """Which entries of the audit log."""

    entity: str | None = None
    """Only those about this type, as Swap."""
    action: str | None = None
    """Only those of this action, as offer_swap."""
    actor_id: strawberry.ID | None = None
    """Only those of this person: a cleaner, somebody of the office or a customer."""
    at_from: datetime | None = None
    """Only those of then or later."""
    at_before: datetime | None = None
    """Only earlier ones."""


@described
@strawberry.input
class FailedTaskFilter:
    """Which of the tasks that were given up."""

    kind: str | None = None
    """Only those of this kind."""


@enumerated
class AuditOrder(Enum):
    """The order of the audit log."""

    SEQ_DESC = "seq desc"
    """The newest first."""
    SEQ_ASC = "seq asc"
    """The oldest first."""


@enumerated
class FailedTaskOrder(Enum):
    """The order of tasks that were given up."""

    FINISHED_AT_DESC = "finished_at desc"
    """The last one given up first."""
    FINISHED_AT_ASC = "finished_at asc"
    """The first one given up first."""


@described
@strawberry.input
class PaymentFilter:
    """Which payments."""

    status: list[PaymentStatus] | None = None
    """Only those in one of these states."""
    kind: list[PaymentKind] | None = None
    """Only those of one of these kinds."""
    customer_id: strawberry.ID | None = None
    """Only those of this customer."""
    job_id: strawberry.ID | None = None
    """Only those of this clean."""
    is_current: bool | None = None
    """Only those that their clean is paid with, or only those that another has replaced."""
    created_at_from: datetime | None = None
    """Only those that were planned then or later."""
    created_at_before: datetime | None = None
    """Only those that were planned earlier."""


@enumerated
class PaymentOrder(Enum):
    """The order of payments."""

    CREATED_AT_DESC = "created_at desc"
    """The newest first."""
    CREATED_AT_ASC = "created_at asc"
    """The oldest first."""


@described
@strawberry.input
class PayoutFilter:
    """Which payouts."""

    status: list[PayoutStatus] | None = None
    """Only those in one of these states."""
    hold_reason: list[HoldReason] | None = None
    """Only those that are held for one of these reasons."""
    kind: PayoutKind | None = None
    """Only pay for cleans, or only tips."""
    cleaner_id: strawberry.ID | None = None
    """Only those of this cleaner."""
    job_id: strawberry.ID | None = None
    """Only those of this clean."""
    created_at_from: datetime | None = None
    """Only those that were earned then or later."""
    created_at_before: datetime | None = None
    """Only those that were earned earlier."""


@enumerated
class PayoutOrder(Enum):
    """The order of payouts."""

    CREATED_AT_DESC = "created_at desc"
    """The newest first."""
    CREATED_AT_ASC = "created_at asc"
    """The oldest first."""
    DUE_AT_ASC = "due_at asc"
    """The one that is due first, first."""


@enumerated
class PayrollExportOrder(Enum):
    """The order of payroll exports."""

    CREATED_AT_DESC = "created_at desc"
    """The newest first."""


@enumerated
class PriceBookOrder(Enum):
    """The order of price books."""

    EDITION_DESC = "edition desc"
    """The newest first."""


@described
@strawberry.input
class QuoteFilter:
    """Which quotes."""

    status: list[QuoteStatus] | None = None
    """Only those in one of these states."""
    customer_id: strawberry.ID | None = None
    """Only those for this customer."""
    is_custom: bool | None = None
    """Only those that the office named, or only the others."""


@described
@strawberry.input
class QuoteRequestFilter:
    """Which requests for a price."""

    status: list[QuoteRequestStatus] | None = None
    """Only those in one of these states."""
    customer_id: strawberry.ID | None = None
    """Only those of this customer."""


@described
@strawberry.input
class BookingDraftFilter:
    """Which bookings."""

    status: list[DraftStatus] | None = None
    """Only those in one of these states."""
    customer_id: strawberry.ID | None = None
    """Only those of this customer."""
    market_id: strawberry.ID | None = None
    """Only those in this market."""


@enumerated
class NewestOrder(Enum):
    """The order of what comes in one after the other."""

    CREATED_AT_DESC = "created_at desc"
    """The newest first."""
    CREATED_AT_ASC = "created_at asc"
    """The oldest first."""


@described
@strawberry.input
class RefundFilter:
    """Which refunds."""

    status: list[RefundStatus] | None = None
    """Only those in one of these states."""
    payment_id: strawberry.ID | None = None
    """Only those of this payment."""
    job_id: strawberry.ID | None = None
    """Only those of this clean."""
    customer_id: strawberry.ID | None = None
    """Only those of this customer."""


@described
@strawberry.input
class DisputeFilter:
    """Which disputes."""

    status: list[DisputeStatus] | None = None
    """Only those in one of these states."""
    job_id: strawberry.ID | None = None
    """Only those of this clean."""


@enumerated
class DisputeOrder(Enum):
    """The order of disputes."""

    OPENED_AT_DESC = "opened_at desc"
    """The newest first."""


@described
@strawberry.input
class LedgerFilter:
    """Which entries of the books."""

    kind: list[LedgerKind] | None = None
    """Only those about one of these."""
    account: Account | None = None
    """Only those that move this account."""
    job_id: strawberry.ID | None = None
    """Only those of this clean."""
    at_from: datetime | None = None
    """Only those that were booked then or later."""
    at_before: datetime | None = None
    """Only those that were booked earlier."""


@enumerated
class LedgerOrder(Enum):
    """The order of entries."""

    AT_DESC = "at desc"
    """The newest first."""
    AT_ASC = "at asc"
    """The oldest first."""


@described
@strawberry.input
class MoneyOpFilter:
    """Which steps at the provider."""

    kind: list[OpKind] | None = None
    """Only those for one of these."""
    state: list[OpState] | None = None
    """Only those in one of these states."""
    job_id: strawberry.ID | None = None
    """Only those of this clean."""


@described
@strawberry.input
class MoneyAlarmFilter:
    """Which alarms."""

    is_open: bool | None = None
    """Only those that stand, or only those that were cleared."""
    kind: str | None = None
    """Only those of this kind."""


@enumerated
class MoneyAlarmOrder(Enum):
    """The order of alarms."""

    RAISED_AT_DESC = "raised_at desc"
    """The newest first."""


@described
@strawberry.input
class InvoiceFilter:
    """Which invoices."""

    status: list[InvoiceStatus] | None = None
    """Only those in one of these states."""
    customer_id: strawberry.ID | None = None
    """Only those of this customer."""
    job_id: strawberry.ID | None = None
    """Only those of this clean."""
