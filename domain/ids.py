"""The ids of entities, each its own type, so that a swap's id cannot be passed for a job's."""

from typing import NewType
from uuid import UUID

from domain.actors import CleanerId, SessionId, StaffId, TenantId

MarketId = NewType("MarketId", UUID)
CustomerId = NewType("CustomerId", UUID)
PropertyId = NewType("PropertyId", UUID)
ServiceId = NewType("ServiceId", UUID)
JobId = NewType("JobId", UUID)
AssignmentId = NewType("AssignmentId", UUID)
SubmissionId = NewType("SubmissionId", UUID)
SwapId = NewType("SwapId", UUID)
StandingBidId = NewType("StandingBidId", UUID)
NotificationId = NewType("NotificationId", UUID)
TaskId = NewType("TaskId", UUID)
VisitId = NewType("VisitId", UUID)
EvidenceId = NewType("EvidenceId", UUID)
PhotoId = NewType("PhotoId", UUID)
ChecklistItemId = NewType("ChecklistItemId", UUID)
ChecklistTemplateId = NewType("ChecklistTemplateId", UUID)
TrackBatchId = NewType("TrackBatchId", UUID)
LegalDocumentId = NewType("LegalDocumentId", UUID)
SignedDocumentId = NewType("SignedDocumentId", UUID)
PayoutAccountId = NewType("PayoutAccountId", UUID)
CleanerProfileId = NewType("CleanerProfileId", UUID)

__all__ = [
    "AssignmentId",
    "ChecklistItemId",
    "ChecklistTemplateId",
    "CleanerId",
    "CleanerProfileId",
    "CustomerId",
    "EvidenceId",
    "JobId",
    "LegalDocumentId",
    "MarketId",
    "NotificationId",
    "PayoutAccountId",
    "PhotoId",
    "PropertyId",
    "ServiceId",
    "SessionId",
    "SignedDocumentId",
    "StaffId",
    "StandingBidId",
    "SubmissionId",
    "SwapId",
    "TaskId",
    "TenantId",
    "TrackBatchId",
    "VisitId",
]
