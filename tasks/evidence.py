"""Tasks of the evidence: telling people what is missing, and that nobody could get in (R122, R123)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.ids import JobId
from services.fieldwork.verdicts import NotifyEvidence, NotifyNoAccess, notify_evidence, notify_no_access
from tasks.context import TaskContext


async def notify_missing(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell cleaner and office what a submission lacks."""
    await context.run(notify_evidence, NotifyEvidence(JobId(UUID(payload["job_id"])), payload["submission"]))


async def alert_no_access(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell the office that nobody could get in."""
    await context.run(notify_no_access, NotifyNoAccess(JobId(UUID(payload["job_id"]))))
