"""Messages to people: who is told of what, each once by topic, person and channel (R184, A38).

Sending is not done here: each row has a task, so that a provider's failure never fails what it reports (R185).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, exists, literal, null, select, union_all, update
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import JSON, insert

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import CleanerId, Role
from domain.availability import Window, standing_reminder, window_at
from domain.eligibility import reasons_not_to_take
from domain.events import EventType
from domain.ids import MarketId, NotificationId, SwapId
from domain.notifications import CHANNELS, Channel, Content, DeliveryStatus, Message, NotificationKind, compose
from domain.scheduling import OnboardingState
from domain.swaps import SwapOpener, SwapStatus
from models import availability_submission, cleaner, cleaner_market, customer, market, notification, staff
from services.availability import calendar_of, window_of
from services.cards import swap_card
from services.swap_facts import swap_facts, viewer_facts, viewer_facts_sql
from services.windows import window_card

PAGE = 200
"""How many people one transaction notifies at most; the caller comes back for the next ones."""

_FACTS = sql_text(
    f"""SELECT taker.id, {viewer_facts_sql("taker.tenant_id", "taker.id", "CAST(:now AS timestamptz)")} AS facts
    FROM cleaner taker JOIN cleaner_market works ON works.tenant_id = taker.tenant_id AND works.cleaner_id = taker.id
    WHERE taker.tenant_id = :tenant AND works.market_id = :market AND taker.id > :after AND taker.archived_at IS NULL
    ORDER BY taker.id LIMIT {PAGE}"""
).columns(facts=JSON)

FIRST = UUID(int=0)
"""Where a walk through people by id begins."""


@dataclass(frozen=True, slots=True)
class QueueNotifications:
    """One message to several people; whoever has been told of this topic by this channel is not told again."""

    kind: NotificationKind
    topic_key: str
    card: Mapping[str, Any]
    people: Sequence[UUID]
    until: datetime | None = None
    """When the message loses its sense: what has not been sent by then is not sent any more."""


@dataclass(frozen=True, slots=True)
class NotifySwap:
    """A move of a swap that people should hear of."""

    event: EventType
    swap_id: SwapId
    version: int
    """The swap's version by the move."""
    people: tuple[UUID, ...] = ()
    """Whom it concerns beside the swap's parties: who lost a draw, who gave the shift back."""
    after: UUID = FIRST
    """Of an offer's many people, only those beyond this one."""


@dataclass(frozen=True, slots=True)
class NotifyWindow:
    """A change of a market's availability window."""

    market_id: MarketId
    at: datetime
    after: UUID = FIRST


@dataclass(frozen=True, slots=True)
class RemindOfDeadline:
    """A market whose cleaners may have forgotten to submit."""

    market_id: MarketId
    after: UUID = FIRST


@dataclass(frozen=True, slots=True)
class NotifyPinSet:
    """A first PIN was set."""

    cleaner_id: CleanerId
    at: str


@dataclass(frozen=True, slots=True)
class KeepLinkNotice:
    """A mailed link that is about to be sent."""

    kind: NotificationKind
    link_id: UUID
    person_id: UUID
    email: str


@dataclass(frozen=True, slots=True)
class PlanDelivery:
    """A notification that is to go out."""

    notification_id: NotificationId


@dataclass(frozen=True, slots=True)
class RecordDelivery:
    """What became of an attempt; no failure means that the provider has taken the message."""

    notification_id: NotificationId
    failure: str | None = None
    is_final: bool = False


@command(Role.SYSTEM)
async def notify_swap(tx: Tx, input: NotifySwap) -> UUID | None:
    """Tell those whom a swap's move concerns; where to go on if there are more of them."""
    card = await swap_card(tx, input.swap_id)
    if card is None:
        return None
    # What may happen twice to one swap is told twice, but each time once.
    topic = f"{input.event}:{input.swap_id}:{input.version}"
    if input.event is EventType.SWAP_OFFERED:
        return await _notify_market(tx, input, card, topic)
    for kind, people in (await _concerned(tx, input, card)).items():
        await queue(tx, QueueNotifications(kind, topic, card, people))
    return None


@command(Role.SYSTEM)
async def notify_window(tx: Tx, input: NotifyWindow) -> UUID | None:
    """Tell a market's cleaners how its window stands now (R92); where to go on if there are more of them."""
    place = await tx.get(market, input.market_id, "marketId")
    rows = await tx.all(_onboarded(tx, input.market_id, input.after))
    people = [row.id for row in rows]
    card = window_card(place, window_at(calendar_of(place), tx.now))
    topic = f"window:{place.id}:{input.at.isoformat()}"
    await queue(tx, QueueNotifications(NotificationKind.WINDOW_CHANGED, topic, card, people))
    return people[-1] if len(people) == PAGE else None


@command(Role.SYSTEM)
async def remind_of_deadline(tx: Tx, input: RemindOfDeadline) -> UUID | None:
    """Remind a market's cleaners who have not submitted for the coming two weeks (R84, R85); where to go on if more.

    Only the newest reminder that is still true goes out, once a person, channel, window and lead (A38), and none from
    the deadline on. The window as it stands now decides: the task may come late, the calendar may have been changed.
    """
    place = await tx.get(market, input.market_id, "marketId")
    window = window_of(place, tx.now)
    reminder = standing_reminder(window)
    if place.archived_at is not None or reminder is None:
        return None
    rows = await tx.all(_onboarded(tx, place.id, input.after).where(~_submitted(tx, place.id, window)))
    people = [row.id for row in rows]
    topic = f"reminder:{place.id}:{window.period_start}:{int(reminder.lead.total_seconds())}"
    card = window_card(place, window)
    await queue(tx, QueueNotifications(NotificationKind.WINDOW_REMINDER, topic, card, people, reminder.ends_at))
    return people[-1] if len(people) == PAGE else None


@command(Role.SYSTEM)
async def notify_pin_set(tx: Tx, input: NotifyPinSet) -> int:
    """Tell the phone on file that a PIN was set, in case its owner did not do it (A8)."""
    topic = f"pin:{input.cleaner_id}:{input.at}"
    return await queue(tx, QueueNotifications(NotificationKind.PIN_SET, topic, {}, [input.cleaner_id]))


@command(Role.SYSTEM)
async def keep_link_notice(tx: Tx, input: KeepLinkNotice) -> NotificationId | None:
    """Keep that a link is mailed, without the link itself; None if it has been sent already."""
    topic = f"link:{input.link_id}"
    content = Content("A link by mail", "The link itself is not kept.")
    await _insert(tx, [_row(tx, input.kind, topic, (input.person_id, Channel.EMAIL, input.email), content)])
    unsent = select(notification.c.id).where(
        tx.own(notification), notification.c.topic_key == topic, notification.c.status != DeliveryStatus.SENT
    )
    kept: UUID | None = await tx.scalar(unsent)
    return None if kept is None else NotificationId(kept)


@command(Role.SYSTEM)
async def plan_delivery(tx: Tx, input: PlanDelivery) -> Message | None:
    """The message to send; None if it was sent already."""
    row = await tx.get(notification, input.notification_id, "notificationId")
    if row.status == DeliveryStatus.SENT:
        return None
    return Message(row.id, Channel(row.channel), row.address, row.content["subject"], row.content["body"])


@command(Role.SYSTEM)
async def record_delivery(tx: Tx, input: RecordDelivery) -> NotificationId:
    """Keep what became of a message: SENT, FAILED if nobody will try again, else still QUEUED with its last failure."""
    sent = {"status": DeliveryStatus.SENT.value, "sent_at": tx.now, "failure": None}
    status = DeliveryStatus.FAILED if input.is_final else DeliveryStatus.QUEUED
    failed = {"status": status.value, "failure": input.failure}
    await tx.write(
        update(notification)
        # Sent stays sent, whatever a slower attempt of the same message reports.
        .where(
            tx.own(notification),
            notification.c.id == input.notification_id,
            notification.c.status != DeliveryStatus.SENT,
        )
        .values(**(failed if input.failure is not None else sent))
    )
    return input.notification_id


async def _notify_market(tx: Tx, input: NotifySwap, card: Mapping[str, Any], topic: str) -> UUID | None:
    """Tell whoever can take the shift, judged as the accept itself would (R82, A27b)."""
    if card["status"] != SwapStatus.PENDING:
        return None
    found = _FACTS.bindparams(tenant=tx.actor.tenant, market=UUID(card["market_id"]), after=input.after, now=tx.now)
    rows = await tx.all(found)
    takers = [row.id for row in rows if _can_take(card, row.facts, tx.now)]
    await queue(tx, QueueNotifications(NotificationKind.SWAP_OFFERED, topic, card, takers))
    return rows[-1].id if len(rows) == PAGE else None


def _can_take(card: Mapping[str, Any], facts: Mapping[str, Any], now: datetime) -> bool:
    me = viewer_facts(facts)
    return me is not None and not reasons_not_to_take(swap_facts(card), me.taker, me.policy.swaps, now)


async def _concerned(tx: Tx, input: NotifySwap, card: Mapping[str, Any]) -> dict[NotificationKind, list[UUID]]:
    """Who is told what of a move: the parties, those beside them, and the office where it has to decide."""
    owner, taker = _people_of(card["owner_id"]), _people_of(card["taker_id"])
    match input.event:
        case EventType.SWAP_ACCEPTED:
            others = [person for person in input.people if person not in taker]
            return {
                NotificationKind.SWAP_GIVEN: owner,
                NotificationKind.SWAP_TAKEN: taker,
                NotificationKind.SWAP_DRAWN: others,
            }
        case EventType.SWAP_REQUESTED:
            return {NotificationKind.SWAP_TO_APPROVE: await office(tx)}
        case EventType.SWAP_DECLINED:
            return {NotificationKind.SWAP_DECLINED: [*owner, *taker]}
        case EventType.SWAP_RETURNED:
            return {NotificationKind.SWAP_RETURNED: owner}
        case EventType.SWAP_WITHDRAWN:
            return {NotificationKind.SWAP_WITHDRAWN: owner}
        case EventType.SWAP_EXPIRED:
            watching = await office(tx) if card["opened_by"] == SwapOpener.OFFICE else []
            return {NotificationKind.SWAP_EXPIRED: owner, NotificationKind.SWAP_UNFILLED: watching}
        case _:
            return {}


def _people_of(*ids: str | None) -> list[UUID]:
    return [UUID(id) for id in ids if id]


async def office(tx: Tx) -> list[UUID]:
    """Everybody of the office who still works here."""
    rows = await tx.all(select(staff.c.id).where(tx.own(staff), staff.c.archived_at.is_(None)).order_by(staff.c.id))
    return [row.id for row in rows]


def _onboarded(tx: Tx, market_id: MarketId, after: UUID) -> Select[Any]:
    return (
        select(cleaner.c.id)
        .join(
            cleaner_market,
            (cleaner_market.c.tenant_id == cleaner.c.tenant_id) & (cleaner_market.c.cleaner_id == cleaner.c.id),
        )
        .where(
            tx.own(cleaner),
            cleaner_market.c.market_id == market_id,
            cleaner.c.id > after,
            cleaner.c.archived_at.is_(None),
            cleaner.c.onboarding == OnboardingState.COMPLETE,
        )
        .order_by(cleaner.c.id)
        .limit(PAGE)
    )


def _submitted(tx: Tx, market_id: MarketId, window: Window) -> ColumnElement[bool]:
    """That the cleaner has submitted for the window's two weeks; that they cannot work is an answer too."""
    return exists().where(
        tx.own(availability_submission),
        availability_submission.c.cleaner_id == cleaner.c.id,
        availability_submission.c.market_id == market_id,
        availability_submission.c.period_start == window.period_start,
    )


async def queue(tx: Tx, input: QueueNotifications) -> int:
    """Write a message and its task for each person and channel of the kind; how many are new (R184, A38)."""
    return await queue_all(tx, [input])


async def queue_all(tx: Tx, inputs: Sequence[QueueNotifications]) -> int:
    """The same of many messages, in as many statements as of one."""
    people = await _people(tx, list(dict.fromkeys(person for input in inputs for person in input.people)))
    untils: dict[UUID, datetime | None] = {}
    rows = []
    for input in inputs:
        content, addressed = compose(input.kind, input.card), frozenset(input.people)
        for person in people:
            for channel in CHANNELS[input.kind] if person.id in addressed else ():
                if (address := _address(person, channel)) is not None:
                    rows.append(_row(tx, input.kind, input.topic_key, (person.id, channel, address), content))
                    untils[rows[-1]["id"]] = input.until
    made = await _insert(tx, rows)
    for each in made:
        until = untils[each]
        told = {} if until is None else {"until": until.isoformat()}
        tx.later("deliver_notification", {"notification_id": str(each), **told}, dedupe_key=f"deliver:{each}")
    return len(made)


async def queue_to(tx: Tx, input: QueueNotifications, address: str) -> int:
    """The same by mail to somebody who is known by an address alone, as who has asked for a price; how many are new."""
    content = compose(input.kind, input.card)
    rows = [_row(tx, input.kind, input.topic_key, (one, Channel.EMAIL, address), content) for one in input.people]
    made = await _insert(tx, rows)
    for each in made:
        tx.later("deliver_notification", {"notification_id": str(each)}, dedupe_key=f"deliver:{each}")
    return len(made)


async def _people(tx: Tx, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    if not ids:
        return []
    cleaners = select(cleaner.c.id, cleaner.c.email, cleaner.c.phone, literal(True).label("has_app"))
    office = select(staff.c.id, staff.c.email, null().label("phone"), literal(False).label("has_app"))
    customers = select(customer.c.id, customer.c.email, customer.c.phone, literal(False).label("has_app"))
    return await tx.all(
        union_all(
            cleaners.where(tx.own(cleaner), cleaner.c.id.in_(ids), cleaner.c.archived_at.is_(None)),
            office.where(tx.own(staff), staff.c.id.in_(ids), staff.c.archived_at.is_(None)),
            customers.where(tx.own(customer), customer.c.id.in_(ids), customer.c.archived_at.is_(None)),
        )
    )


def _address(person: Row[Any], channel: Channel) -> str | None:
    match channel:
        case Channel.EMAIL:
            return person.email  # type: ignore[no-any-return]
        case Channel.SMS:
            return person.phone  # type: ignore[no-any-return]
        case Channel.PUSH:
            return str(person.id) if person.has_app else None


def _row(tx: Tx, kind: NotificationKind, topic: str, to: tuple[UUID, Channel, str], content: Content) -> dict[str, Any]:
    person, channel, address = to
    return {
        "tenant_id": tx.actor.tenant,
        "id": new_id(),
        "person_id": person,
        "channel": channel.value,
        "kind": kind.value,
        "topic_key": topic,
        "address": address,
        "content": {"subject": content.subject, "body": content.body},
        "status": DeliveryStatus.QUEUED.value,
        "created_at": tx.now,
    }


async def _insert(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """Insert what is not there yet; the ids of the new rows."""
    if not rows:
        return []
    statement = insert(notification).values(list(rows)).on_conflict_do_nothing()
    return [row.id for row in await tx.all(statement.returning(notification.c.id))]
