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
PriceBookId = NewType("PriceBookId", UUID)
BookingDraftId = NewType("BookingDraftId", UUID)
QuoteId = NewType("QuoteId", UUID)
QuoteRequestId = NewType("QuoteRequestId", UUID)
ServicePlanId = NewType("ServicePlanId", UUID)
PaymentMethodId = NewType("PaymentMethodId", UUID)
PaymentId = NewType("PaymentId", UUID)
PayoutId = NewType("PayoutId", UUID)
PayrollExportId = NewType("PayrollExportId", UUID)
RefundId = NewType("RefundId", UUID)
DisputeId = NewType("DisputeId", UUID)
InvoiceId = NewType("InvoiceId", UUID)
MoneyOpId = NewType("MoneyOpId", UUID)
LedgerEntryId = NewType("LedgerEntryId", UUID)
MoneyAlarmId = NewType("MoneyAlarmId", UUID)
SubscriptionId = NewType("SubscriptionId", UUID)

__all__ = [
    "AssignmentId",
    "BookingDraftId",
    "ChecklistItemId",
    "ChecklistTemplateId",
    "CleanerId",
    "CleanerProfileId",
    "CustomerId",
    "DisputeId",
    "EvidenceId",
    "InvoiceId",
    "JobId",
    "LedgerEntryId",
    "LegalDocumentId",
    "MarketId",
    "MoneyAlarmId",
    "MoneyOpId",
    "NotificationId",
    "PaymentId",
    "PaymentMethodId",
    "PayoutAccountId",
    "PayoutId",
    "PayrollExportId",
    "PhotoId",
    "PriceBookId",
    "PropertyId",
    "QuoteId",
    "QuoteRequestId",
    "RefundId",
    "ServiceId",
    "ServicePlanId",
    "SessionId",
    "SignedDocumentId",
    "StaffId",
    "StandingBidId",
    "SubmissionId",
    "SubscriptionId",
    "SwapId",
    "TaskId",
    "TenantId",
    "TrackBatchId",
    "VisitId",
]
