"""The enums of the contract: the trade's own words, with their transition tables as documentation (A17)."""

from domain.actors import Role, StaffRole
from domain.availability import WindowState
from domain.billing import Feature
from domain.booking import DRAFT_TRANSITIONS, BookingStep, DraftStatus
from domain.eligibility import ReasonCode
from domain.errors import Code
from domain.feeds import HandOverRole, JobGoneReason, ResyncReason
from domain.fieldwork.chain import EntryKind, Fault
from domain.fieldwork.phases import VISIT_TRANSITIONS, VisitPhase
from domain.fieldwork.photos import PHOTO_TRANSITIONS, PhotoRefusal, PhotoStatus
from domain.fieldwork.reliability import ReliabilityPart
from domain.fieldwork.requirements import EvidenceStatus, PhotoStage, RequirementCode
from domain.fieldwork.tracks import TrackFlag
from domain.importing import ImportOutcome
from domain.notifications import Channel, DeliveryStatus
from domain.onboarding import DocumentKind, PayoutAccountStatus
from domain.payments.ledger import Account
from domain.payments.ledger import EntryKind as LedgerKind
from domain.payments.ops import OP_TRANSITIONS, OpKind, OpState
from domain.payments.payouts import PAYOUT_TRANSITIONS, HoldReason, Participation, PayoutKind, PayoutStatus
from domain.payments.pipeline import MoneyRisk, MoneyStage
from domain.payments.states import (
    INVOICE_TRANSITIONS,
    REFUND_TRANSITIONS,
    SUBSCRIPTION_TRANSITIONS,
    Bearer,
    DisputeStatus,
    InvoiceStatus,
    MethodStatus,
    PaymentKind,
    ProviderMode,
    RefundStatus,
    SubscriptionStatus,
)
from domain.plans import PLAN_TRANSITIONS, Frequency, PlanStatus, Term
from domain.pricing import CustomReason, LineCode
from domain.quotes import QUOTE_REQUEST_TRANSITIONS, QUOTE_TRANSITIONS, QuoteRequestStatus, QuoteStatus
from domain.scheduling import (
    JOB_TRANSITIONS,
    PAYMENT_TRANSITIONS,
    AssignmentRole,
    Drain,
    HotTubService,
    JobStatus,
    Laundry,
    OnboardingState,
    PaymentStatus,
    Skill,
    transitions_markdown,
)
from domain.swaps import SWAP_TRANSITIONS, SwapKind, SwapOpener, SwapStatus
from domain.tasks import TaskState
from schema.types.described import enumerated

ENUMS = (
    enumerated(Role),
    enumerated(StaffRole),
    enumerated(WindowState),
    enumerated(ReasonCode),
    enumerated(Code),
    enumerated(HandOverRole),
    enumerated(ResyncReason),
    enumerated(JobGoneReason),
    enumerated(Channel),
    enumerated(DeliveryStatus),
    enumerated(AssignmentRole),
    enumerated(ImportOutcome),
    enumerated(JobStatus, more=transitions_markdown(JOB_TRANSITIONS)),
    enumerated(Laundry),
    enumerated(HotTubService),
    enumerated(LineCode),
    enumerated(CustomReason),
    enumerated(BookingStep),
    enumerated(DraftStatus, more=transitions_markdown(DRAFT_TRANSITIONS)),
    enumerated(QuoteStatus, more=transitions_markdown(QUOTE_TRANSITIONS)),
    enumerated(QuoteRequestStatus, more=transitions_markdown(QUOTE_REQUEST_TRANSITIONS)),
    enumerated(Drain),
    enumerated(OnboardingState),
    enumerated(DocumentKind),
    enumerated(PayoutAccountStatus),
    enumerated(VisitPhase, more=transitions_markdown(VISIT_TRANSITIONS)),
    enumerated(PhotoStage),
    enumerated(PhotoStatus, more=transitions_markdown(PHOTO_TRANSITIONS)),
    enumerated(PhotoRefusal),
    enumerated(EvidenceStatus),
    enumerated(RequirementCode),
    enumerated(EntryKind),
    enumerated(Fault),
    enumerated(ReliabilityPart),
    enumerated(TrackFlag),
    enumerated(PaymentStatus, more=transitions_markdown(PAYMENT_TRANSITIONS)),
    enumerated(Frequency),
    enumerated(Term),
    enumerated(PlanStatus, more=transitions_markdown(PLAN_TRANSITIONS)),
    enumerated(Skill),
    enumerated(SwapKind),
    enumerated(SwapOpener),
    enumerated(SwapStatus, more=transitions_markdown(SWAP_TRANSITIONS)),
    enumerated(MethodStatus),
    enumerated(PaymentKind),
    enumerated(PayoutKind),
    enumerated(PayoutStatus, more=transitions_markdown(PAYOUT_TRANSITIONS)),
    enumerated(HoldReason),
    enumerated(MoneyStage),
    enumerated(MoneyRisk),
    enumerated(Participation),
    enumerated(Account, name="LedgerAccount"),
    enumerated(LedgerKind, name="LedgerEntryKind"),
    enumerated(OpKind, name="MoneyOpKind"),
    enumerated(OpState, name="MoneyOpState", more=transitions_markdown(OP_TRANSITIONS)),
    enumerated(Bearer, name="RefundBearer"),
    enumerated(RefundStatus, more=transitions_markdown(REFUND_TRANSITIONS)),
    enumerated(DisputeStatus),
    enumerated(InvoiceStatus, more=transitions_markdown(INVOICE_TRANSITIONS)),
    enumerated(TaskState),
    enumerated(Feature),
    enumerated(ProviderMode),
    enumerated(SubscriptionStatus, more=transitions_markdown(SUBSCRIPTION_TRANSITIONS)),
)
"""Every enum of the contract; importing this module makes them known to the schema."""
