"""Messages on their way: plan in a transaction, send without one, record in another (R184 to R187, A38)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.actors import CleanerId, TenantId
from domain.errors import Unavailable
from domain.ids import MarketId, NotificationId
from domain.notifications import Channel, Message, NotificationKind, compose
from gateways.messages import DeliveryRefused
from services.identity.links import LinkPurpose, MailedLink, ReadMailedLink, read_mailed_link
from services.notifications import (
    KeepLinkNotice,
    NotifyPinSet,
    PlanDelivery,
    RecordDelivery,
    keep_link_notice,
    notify_pin_set,
    plan_delivery,
    record_delivery,
)
from services.reminders import RemindOfShifts, remind_of_shifts
from tasks.context import TaskContext

LINK_KINDS = {
    LinkPurpose.INVITE: NotificationKind.INVITE_LINK,
    LinkPurpose.RESET: NotificationKind.RESET_LINK,
    LinkPurpose.SIGN_IN: NotificationKind.SIGN_IN_LINK,
}


async def deliver(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Send one notification, if it has not been sent and has not lost its sense meanwhile."""
    notice = NotificationId(UUID(payload["notification_id"]))
    if "until" in payload and context.now >= datetime.fromisoformat(payload["until"]):
        await context.run(record_delivery, RecordDelivery(notice, "It was too late to send it.", is_final=True))
        return
    message = await context.run(plan_delivery, PlanDelivery(notice))
    if message is not None:
        await _send(context, message)


async def mail_link(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Mail an invitation, a password reset or a customer's sign-in. The link is made here and kept nowhere."""
    link = await context.run(read_mailed_link, ReadMailedLink(UUID(payload["link_id"])))
    if link is None:
        return
    kind = LINK_KINDS[link.purpose]
    notice = await context.run(keep_link_notice, KeepLinkNotice(kind, link.link_id, link.person_id, link.email))
    if notice is not None:
        content = compose(kind, {"name": link.name, "business": link.business, "link": _url(context, link)})
        await _send(context, Message(notice, Channel.EMAIL, link.email, content.subject, content.body))


async def tell_pin_set(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell the phone on file that a PIN was set (A8)."""
    await context.run(notify_pin_set, NotifyPinSet(CleanerId(UUID(payload["cleaner_id"])), payload["at"]))


async def remind_of_work(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Remind a market's cleaners of what they work on the day after, page by page (R188)."""
    wish = RemindOfShifts(MarketId(UUID(payload["market_id"])), datetime.fromisoformat(payload["due_at"]))
    while (after := await context.run(remind_of_shifts, wish)) is not None:
        wish = replace(wish, after=after)


async def _send(context: TaskContext, message: Message) -> None:
    """Send and record; a provider that does not answer is asked again by the task's next attempt, with the same id."""
    sent = NotificationId(message.id)
    try:
        await context.tools.messages.send(message)
    except DeliveryRefused as refusal:
        await context.run(record_delivery, RecordDelivery(sent, str(refusal), is_final=True))
    except Unavailable as failure:
        await context.run(record_delivery, RecordDelivery(sent, str(failure), is_final=context.is_last_attempt))
        raise
    else:
        await context.run(record_delivery, RecordDelivery(sent))


def _url(context: TaskContext, link: MailedLink) -> str:
    # Behind the #, so that the token is in no server's log and in no Referer.
    return f"{context.tools.public_url}/{link.purpose}#token={link.token}"
