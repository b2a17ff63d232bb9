"""The enums of the contract: the trade's own words, with their transition tables as documentation (A17)."""

from domain.actors import Role, StaffRole
from domain.availability import WindowState
from domain.eligibility import ReasonCode
from domain.errors import Code
from domain.feeds import HandOverRole, JobGoneReason, ResyncReason
from domain.fieldwork.chain import EntryKind, Fault
from domain.fieldwork.phases import VISIT_TRANSITIONS, VisitPhase
from domain.fieldwork.photos import PHOTO_TRANSITIONS, PhotoRefusal, PhotoStatus
from domain.fieldwork.reliability import ReliabilityPart
from domain.fieldwork.requirements import EvidenceStatus, PhotoStage, RequirementCode
from domain.fieldwork.tracks import TrackFlag
from domain.notifications import Channel, DeliveryStatus
from domain.onboarding import DocumentKind, PayoutAccountStatus
from domain.scheduling import (
    JOB_TRANSITIONS,
    PAYMENT_TRANSITIONS,
    AssignmentRole,
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
    enumerated(JobStatus, more=transitions_markdown(JOB_TRANSITIONS)),
    enumerated(Laundry),
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
    enumerated(Skill),
    enumerated(SwapKind),
    enumerated(SwapOpener),
    enumerated(SwapStatus, more=transitions_markdown(SWAP_TRANSITIONS)),
    enumerated(TaskState),
)
"""Every enum of the contract; importing this module makes them known to the schema."""
