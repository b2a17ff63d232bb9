"""The root of every read."""

from datetime import date

import strawberry

from schema.types.audit import AuditEntry
from schema.types.availability import AvailabilitySubmission, AvailabilityWindow
from schema.types.billing import ProviderAccount, TenantSubscription
from schema.types.booking import Service
from schema.types.customers import Customer, Property
from schema.types.described import described
from schema.types.disputes import Dispute
from schema.types.drafts import BookingDraft
from schema.types.failures import Task
from schema.types.fieldwork import ChecklistTemplate
from schema.types.filters import (
    AssignmentFilter,
    AssignmentOrder,
    AuditFilter,
    AuditOrder,
    BookingDraftFilter,
    ChecklistTemplateFilter,
    CleanerFilter,
    CustomerFilter,
    DisputeFilter,
    DisputeOrder,
    FailedTaskFilter,
    FailedTaskOrder,
    InvoiceFilter,
    JobFilter,
    JobOrder,
    LedgerFilter,
    LedgerOrder,
    MarketFilter,
    MoneyAlarmFilter,
    MoneyAlarmOrder,
    MoneyOpFilter,
    NameOrder,
    NewestOrder,
    NotificationFilter,
    NotificationOrder,
    PaymentFilter,
    PaymentOrder,
    PayoutFilter,
    PayoutOrder,
    PayrollExportOrder,
    PriceBookOrder,
    PropertyFilter,
    QuoteFilter,
    QuoteRequestFilter,
    RefundFilter,
    ServiceFilter,
    ServicePlanFilter,
    ServicePlanOrder,
    StaffFilter,
    StandingBidFilter,
    StandingBidOrder,
    SubmissionFilter,
    SubmissionOrder,
    SwapFilter,
    SwapOrder,
)
from schema.types.identity import Cleaner, Market, Staff, Viewer
from schema.types.invoices import Invoice
from schema.types.ledger import AutomationRate, JobMoney, LedgerBalance, LedgerEntry, MoneyAlarm, MoneyOp
from schema.types.money_today import MoneyToday
from schema.types.notifications import Notification
from schema.types.onboarding import LegalText
from schema.types.payments import Payment
from schema.types.payouts import Payout, PayrollExport, PayStatement
from schema.types.plans import ServicePlan
from schema.types.prices import PriceBook, Prices
from schema.types.quotes import Quote, QuoteRequest
from schema.types.refunds import Refund
from schema.types.relay import Connection, Node, arguments, by_id, by_ids, paged
from schema.types.scheduling import Assignment, Job
from schema.types.swaps import StandingBid, Swap


@described
@strawberry.type
class Reads:
    """Everything that can be read: one statement an operation, only what the credential's tenant and role may see."""

    viewer: Viewer
    """Who asks."""
    node: Node | None = by_id("The object with this global id, or null if there is none that you may see.")
    nodes: list[Node | None] = by_ids("The objects with these global ids, in their order; at most 100.")
    markets: Connection[Market] = paged(MarketFilter, NameOrder, description="The business's markets.")
    staff: Connection[Staff] = paged(StaffFilter, NameOrder, description="The people of the office.")
    cleaners: Connection[Cleaner] = paged(CleanerFilter, NameOrder, description="The workers.")
    cleaner: Cleaner | None = by_id("One worker.")
    customers: Connection[Customer] = paged(CustomerFilter, NameOrder, description="The customers.")
    customer: Customer | None = by_id("One customer.")
    properties: Connection[Property] = paged(PropertyFilter, NameOrder, description="The homes.")
    property: Property | None = by_id("One home.")
    services: Connection[Service] = paged(ServiceFilter, NameOrder, description="What the business offers.")
    service: Service | None = by_id("One service.")
    jobs: Connection[Job] = paged(JobFilter, JobOrder, description="The cleans; a cleaner's own and those offered.")
    job: Job | None = by_id("One clean.")
    service_plans: Connection[ServicePlan] = paged(
        ServicePlanFilter, ServicePlanOrder, description="The cleaning plans; a customer's own."
    )
    service_plan: ServicePlan | None = by_id("One cleaning plan.")
    assignments: Connection[Assignment] = paged(
        AssignmentFilter,
        AssignmentOrder,
        description="The shifts; a cleaner's own, and those on a customer's own jobs.",
    )
    assignment: Assignment | None = by_id("One shift.")
    checklist_templates: Connection[ChecklistTemplate] = paged(
        ChecklistTemplateFilter, NameOrder, description="What is to be done where; for the office."
    )
    swaps: Connection[Swap] = paged(
        SwapFilter,
        SwapOrder,
        description="The swap market; for a cleaner the open swaps of their markets and their own.",
    )
    swap: Swap | None = by_id("One swap.")
    standing_bids: Connection[StandingBid] = paged(
        StandingBidFilter, StandingBidOrder, description="The cleaners' \"take any of these for me\"; a cleaner's own."
    )
    availability_window: AvailabilityWindow | None = arguments(
        description="A market's submission window as of now, or null if there is no such market for you. For office"
        " and cleaners.",
        words={"market_id": "The market's global id."},
        market_id=strawberry.ID,
    )
    availability_submissions: Connection[AvailabilitySubmission] = paged(
        SubmissionFilter, SubmissionOrder, description="What was submitted; a cleaner's own."
    )
    price_books: Connection[PriceBook] = paged(
        order=PriceBookOrder, description="The editions of the business's prices; for the office, empty for others."
    )
    price_book: PriceBook | None = by_id("One edition.")
    prices: Prices | None
    """The prices that are in force, the product's own where the business has published none. For the office,
    null for others."""
    quotes: Connection[Quote] = paged(
        QuoteFilter, NewestOrder, description="Promised prices; a customer's own, for the office all."
    )
    quote: Quote | None = by_id("One promised price.")
    quote_requests: Connection[QuoteRequest] = paged(
        QuoteRequestFilter, NewestOrder, description="Who wants the office to name a price; a customer's own."
    )
    quote_request: QuoteRequest | None = by_id("One of them.")
    booking_drafts: Connection[BookingDraft] = paged(
        BookingDraftFilter, NewestOrder, description="Bookings in the making; a customer's own, for the office all."
    )
    booking_draft: BookingDraft | None = by_id("One booking; also for who holds its token alone.")
    notifications: Connection[Notification] = paged(
        NotificationFilter,
        NotificationOrder,
        description="Messages to people and what became of them; yours, for the office all.",
    )
    payments: Connection[Payment] = paged(
        PaymentFilter,
        PaymentOrder,
        description="What customers pay; a customer's own, for owners and administrators all, empty for others.",
    )
    payment: Payment | None = by_id("One payment.")
    held_today: Connection[Payment] = paged(
        PaymentFilter,
        PaymentOrder,
        description="What is held for the cleans of their market's today; for owners and administrators.",
    )
    at_risk_jobs: Connection[Job] = paged(
        JobFilter,
        JobOrder,
        description="Cleans of these days that may not be paid; for owners and administrators, empty for others.",
    )
    payouts: Connection[Payout] = paged(
        PayoutFilter,
        PayoutOrder,
        description="What cleaners are paid; for administrators, and a cleaner's own.",
    )
    payout: Payout | None = by_id("One payout.")
    payroll_exports: Connection[PayrollExport] = paged(
        None, PayrollExportOrder, description="What was taken over into payroll; for owners and administrators."
    )
    statement: PayStatement | None = arguments(
        description="What a cleaner has earned in a period of at most 366 days: their own, or for administrators"
        " that of the cleaner they name.",
        words={
            "period_start": "Its first day, by the markets' clocks.",
            "period_end": "Its last day.",
            "cleaner_id": "Whose it is; yours unless told.",
        },
        period_start=date,
        period_end=date,
        cleaner_id=strawberry.ID | None,
    )
    legal_documents: list[LegalText] | None = arguments(
        description="The legal texts in force, one of each kind, as they are to be read before they are signed. For"
        " office and cleaners, null for others."
    )
    tenant_subscription: TenantSubscription | None
    """The business's plan with the platform; null for who is no owner or administrator, and where the platform bills
    the business nothing."""
    provider_account: ProviderAccount | None
    """The business's own account with the payment provider; null for who is no owner or administrator, and where it has
    connected none."""
    refunds: Connection[Refund] = paged(
        RefundFilter, NewestOrder, description="What goes back to customers; for administrators, and a customer's own."
    )
    refund: Refund | None = by_id("One refund.")
    disputes: Connection[Dispute] = paged(
        DisputeFilter, DisputeOrder, description="What customers' banks dispute; for owners and administrators."
    )
    dispute: Dispute | None = by_id("One dispute.")
    invoices: Connection[Invoice] = paged(
        InvoiceFilter, NewestOrder, description="Invoices and receipts; a customer's own, for administrators all."
    )
    invoice: Invoice | None = by_id("One invoice.")
    ledger: Connection[LedgerEntry] = paged(
        LedgerFilter, LedgerOrder, description="The business's books; for owners and administrators, empty for others."
    )
    ledger_balances: list[LedgerBalance] | None
    """What stands on each account, by currency; for owners and administrators."""
    money_ops: Connection[MoneyOp] = paged(
        MoneyOpFilter,
        NewestOrder,
        description="Every step at the payment provider; for owners and administrators, empty for others.",
    )
    money_alarms: Connection[MoneyAlarm] = paged(
        MoneyAlarmFilter,
        MoneyAlarmOrder,
        description="Money that is not as it must be; for owners and administrators, empty for others.",
    )
    job_money: JobMoney | None = arguments(
        description="Everything that happened to the money of a clean: every step, payment, payout, refund, dispute and"
        " entry in order of time. For owners and administrators; null where there is no such clean.",
        words={"job_id": "The clean's global id."},
        job_id=strawberry.ID,
    )
    automation_rate: AutomationRate | None = arguments(
        description="How many payments and payouts needed nobody of the office; for owners and administrators.",
        words={"days": "Of how many days back, 1 to 366; 30 unless told."},
        days=int | None,
    )
    money_today: MoneyToday | None = arguments(
        description="A market's day of money: its cleans step by step, what is at risk and why, and held pay with what"
        " to do. For owners and administrators; null where there is no such market for you.",
        words={"market_id": "The market's global id.", "day": "Another day than today, by the market's clock."},
        market_id=strawberry.ID,
        day=date | None,
    )
    audit_log: Connection[AuditEntry] = paged(
        AuditFilter, AuditOrder, description="Who did what; for owners and administrators, empty for everybody else."
    )
    failed_tasks: Connection[Task] = paged(
        FailedTaskFilter,
        FailedTaskOrder,
        description="Work that was given up; for owners and administrators, empty for everybody else.",
    )
