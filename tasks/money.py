"""What follows from refunds, disputes, invoices and the check of the books."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.ids import RefundId
from domain.notifications import NotificationKind
from services.payments.invariants import CheckMoney, check_money
from services.payments.refunds import ResumeRefund, resume_refund
from services.payments.telling import TellMoney, tell_money
from tasks.context import TaskContext


async def tell(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell people of a refund, a dispute or an invoice."""
    await context.run(tell_money, TellMoney(NotificationKind(payload["kind"]), UUID(payload["subject"])))


async def tell_alarm(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell administrators that money is not as it must be (R239)."""
    await context.run(tell_money, TellMoney(NotificationKind.MONEY_ALARM, UUID(payload["alarm"])))


async def resume(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Ask again for a refund that could not be made for the moment."""
    await context.run(resume_refund, ResumeRefund(RefundId(UUID(payload["refund"]))))


async def check(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Judge the books by every rule that our own rows can show broken (R237)."""
    await context.run(check_money, CheckMoney())
