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

__all__ = [
    "AssignmentId",
    "CleanerId",
    "CustomerId",
    "JobId",
    "MarketId",
    "NotificationId",
    "PropertyId",
    "ServiceId",
    "SessionId",
    "StaffId",
    "StandingBidId",
    "SubmissionId",
    "SwapId",
    "TaskId",
    "TenantId",
]
