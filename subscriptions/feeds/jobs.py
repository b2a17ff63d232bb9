"""Jobs, live: the office's board, a cleaner's own jobs, a customer's, and any one of them (R126, R202, A16, A46)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from domain.actors import OFFICE, Actor, Role
from domain.errors import Forbidden, Invalid, OnboardingIncomplete
from domain.events import EventType
from domain.feeds import JobGoneReason
from domain.scheduling import LIVE_JOB_STATES, JobStatus, OnboardingState
from schema.types.relay import decode_id
from services.cards import JOB_CARD, JOB_CARD_FROM
from subscriptions.feeds import FRESH, Asked, Facts, Fresh, Klass, Value
from subscriptions.log import LogEvent
from subscriptions.reads import Rows, Snapshot

JOB_EVENTS: Final = frozenset(
    {
        EventType.JOB_CREATED,
        EventType.JOB_CHANGED,
        EventType.JOB_CANCELED,
        EventType.JOB_STARTED,
        EventType.JOB_PROGRESSED,
        EventType.JOB_LATE,
        EventType.JOB_MISSED,
        EventType.JOB_SUBMITTED,
        EventType.JOB_COMPLETED,
        EventType.JOB_NOT_ACCESSIBLE,
        EventType.CLEANER_ASSIGNED,
        EventType.CLEANER_RELEASED,
    }
)
"""All of these carry the job's card, and nothing else does."""
LONGEST: Final = timedelta(days=31)
DAY: Final = timedelta(days=1)
DAYS_BACK: Final = 1
DAYS_ON: Final = 3
"""Without days of its own the office watches from the UTC day before today's to the one after tomorrow's: whatever the
market, its own today and tomorrow are among them."""
TOLD: Final = frozenset({JobStatus.COMPLETED, JobStatus.NO_ACCESS})
"""From then on a customer sees the proof."""
OFFICE_VIEWER, CLEANER_VIEWER, CUSTOMER_VIEWER = "office", "cleaner", "customer"
_DAILY: Final = "daily"
_LIVE = ", ".join(f"'{status}'" for status in sorted(LIVE_JOB_STATES))
_CARDS = f"""select coalesce(json_agg({JOB_CARD} order by j.starts_at, j.id), '[]') from {JOB_CARD_FROM}
    where j.tenant_id = stamp.tenant_id"""
_OWN = {
    OFFICE_VIEWER: "",
    CLEANER_VIEWER: """ and exists (select from assignment own where own.tenant_id = j.tenant_id
        and own.job_id = j.id and own.cleaner_id = stamp.actor_id and own.released_at is null)""",
    CUSTOMER_VIEWER: " and j.customer_id = stamp.actor_id",
}
_IN_DAYS = """ and ($5::timestamptz is null or j.starts_at >= $5::timestamptz)
    and ($6::timestamptz is null or j.starts_at < $6::timestamptz)"""
_STILL_TO_DO = f" and j.status in ({_LIVE})"


class JobsFeed:
    """The office sees every job of some days, whatever became of it; who cleans or is cleaned for, what is to be done.

    A class is: what the viewer is, who (the office is one), their markets, from when, and until when.
    """

    field = "jobs"
    replays = True

    def klass(self, actor: Actor, facts: Facts, asked: Asked) -> Klass:
        """The office by days, everybody else by person; refused to who is neither (R18)."""
        begins, ends = _days(asked, is_office=actor.role in OFFICE)
        return (*viewer_class(actor, facts), _text(begins), _text(ends), *_daily(asked))

    def until(self, klass: Klass) -> datetime | None:
        """The office's own days go on at midnight in UTC."""
        if klass[0] != OFFICE_VIEWER or klass[-1] != _DAILY:
            return None
        return datetime.fromisoformat(klass[3]) + (DAYS_BACK + 1) * DAY

    def rows(self, klass: Klass) -> Rows:
        """The cards, the one that starts first, first."""
        still = "" if klass[0] == OFFICE_VIEWER else _STILL_TO_DO
        return Rows(_CARDS + _OWN[klass[0]] + still + _IN_DAYS, (_instant(klass[3]), _instant(klass[4])))

    def snapshot(self, klass: Klass, snapshot: Snapshot) -> Value:
        """The jobs as this class sees them."""
        return {"__typename": "JobsSnapshot", "jobs": [seen_by(klass, card) for card in snapshot.rows]}

    def part(self, event: LogEvent, person: UUID) -> str | None:
        """Nobody is shown anything else than their class."""
        return None

    def delta(self, event: LogEvent, klass: Klass, part: str | None) -> Value | Fresh | None:
        """The job as it is now, or that it is gone; what is written on many cards at once draws all anew."""
        if event.type not in JOB_EVENTS:
            return FRESH if redraws(event, klass) else None
        if not is_concerned(event, klass):
            return None
        if (reason := _gone(event, klass)) is not None:
            return {"__typename": "JobGone", "job_id": event.card["id"], "because": reason}
        return shown(event, klass) if _is_in_days(event.card, klass) else None


class JobFeed:
    """One job, also when it is over. A class is: what the viewer is, who, their markets, and the job."""

    field = "job"
    replays = True

    def klass(self, actor: Actor, facts: Facts, asked: Asked) -> Klass:
        """The office is one class, everybody else is by person; refused to who is neither (R18)."""
        return (*viewer_class(actor, facts), str(decode_id(asked.arguments["id"], "Job")))

    def until(self, klass: Klass) -> datetime | None:
        """Time changes nothing about who sees what."""
        return None

    def rows(self, klass: Klass) -> Rows:
        """The card, or none."""
        return Rows(f"{_CARDS}{_OWN[klass[0]]} and j.id = $5::uuid", (UUID(klass[-1]),))

    def snapshot(self, klass: Klass, snapshot: Snapshot) -> Value:
        """The job as this class sees it; none is no refusal, for who may see it may change."""
        return {"__typename": "JobsSnapshot", "jobs": [seen_by(klass, card) for card in snapshot.rows]}

    def part(self, event: LogEvent, person: UUID) -> str | None:
        """Nobody is shown anything else than their class."""
        return None

    def delta(self, event: LogEvent, klass: Klass, part: str | None) -> Value | Fresh | None:
        """The job as it is now; gone for a cleaner who is not on it any more."""
        if event.type not in JOB_EVENTS:
            return FRESH if redraws(event, klass) else None
        if str(event.entity_id) != klass[-1] or not is_concerned(event, klass):
            return None
        if _is_released(event.card, klass):
            return {"__typename": "JobGone", "job_id": klass[-1], "because": JobGoneReason.RELEASED}
        return shown(event, klass)


def viewer_class(actor: Actor, facts: Facts) -> Klass:
    """What a viewer is to jobs, who they are, and a cleaner's markets."""
    if actor.role in OFFICE:
        return OFFICE_VIEWER, "", ""
    if actor.role is Role.CUSTOMER:
        return CUSTOMER_VIEWER, str(actor.person), ""
    if actor.role is not Role.CLEANER or facts is None:
        raise Forbidden
    if facts["onboarding"] != OnboardingState.COMPLETE:
        raise OnboardingIncomplete
    return CLEANER_VIEWER, str(actor.person), " ".join(sorted(facts["markets"]))


def is_concerned(event: LogEvent, klass: Klass) -> bool:
    """Whether the job of an event is, or was just now, this class's to see."""
    viewer, person = klass[:2]
    if viewer == CLEANER_VIEWER:
        return _is_on(event.card, person) or UUID(person) in event.people
    return viewer == OFFICE_VIEWER or event.card["customer_id"] == person


def redraws(event: LogEvent, klass: Klass) -> bool:
    """Whether an event changes what is written on cards that it does not carry: names, and the home's size."""
    viewer, person = klass[:2]
    match event.type:
        case EventType.MARKET_CHANGED:
            return viewer != CLEANER_VIEWER or str(event.entity_id) in klass[2]
        case EventType.PROPERTY_CHANGED if viewer == CLEANER_VIEWER:
            return UUID(person) in event.people
        case EventType.PROPERTY_CHANGED:
            return viewer == OFFICE_VIEWER or event.card["customer_id"] == person
        case EventType.CLEANER_CHANGED:
            return bool(event.card.get("renamed")) and (viewer != CLEANER_VIEWER or str(event.entity_id) == person)
        case _:
            return False


def shown(event: LogEvent, klass: Klass) -> Value:
    """The job of an event as this class sees it, and what happened to it."""
    happened = None if klass[0] == CUSTOMER_VIEWER else event.type
    return {"__typename": "JobShown", "event": happened, "job": seen_by(klass, event.card)}


def seen_by(klass: Klass, card: Mapping[str, Any]) -> dict[str, Any]:
    """A card without what is not this class's to know, be it from the log or from a snapshot."""
    viewer, person, markets = klass[:3]
    if viewer == CLEANER_VIEWER:
        own = [one for one in card["crew"] if one["cleaner_id"] == person]
        hidden = {} if card["market_id"] in markets.split() else {"market_id": None, "market_name": None, "zone": None}
        return {**card, "customer_id": None, "crew": own, **hidden}
    if viewer == CUSTOMER_VIEWER:
        hidden = {} if card["status"] in TOLD else {"evidence_status": None, "progress": None}
        return {**card, "late_at": None, "missed_at": None, **hidden}
    return dict(card)


def _daily(asked: Asked) -> Klass:
    return () if asked.arguments.get("from") or asked.arguments.get("until") else (_DAILY,)


def _days(asked: Asked, *, is_office: bool) -> tuple[datetime | None, datetime | None]:
    """From when to when jobs start that are asked for; the office, which has many, always looks at some days."""
    begins, ends = (_aware(asked.arguments.get(name), name) for name in ("from", "until"))
    if is_office and begins is None and ends is None:
        today = asked.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today - DAYS_BACK * DAY, today + DAYS_ON * DAY
    if is_office and begins is None and ends is not None:
        begins = ends - LONGEST
    if is_office and begins is not None and ends is None:
        ends = begins + LONGEST
    if begins and ends and not timedelta() < ends - begins <= LONGEST:
        raise Invalid(f"Between the two lie at most {LONGEST.days} days.", field=("until",))
    return begins, ends


def _aware(at: datetime | None, field: str) -> datetime | None:
    if at is None:
        return None
    if at.tzinfo is None:
        raise Invalid("Say the time with its UTC offset.", field=(field,))
    return at.astimezone(UTC)


def _text(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _is_on(card: Mapping[str, Any], person: str) -> bool:
    return any(one["cleaner_id"] == person for one in card["crew"])


def _is_released(card: Mapping[str, Any], klass: Klass) -> bool:
    return klass[0] == CLEANER_VIEWER and not _is_on(card, klass[1])


def _gone(event: LogEvent, klass: Klass) -> JobGoneReason | None:
    """Why the job is not this class's any more. That it never was is known to be so only where it cannot have moved."""
    card = event.card
    if klass[0] != OFFICE_VIEWER and card["status"] not in LIVE_JOB_STATES:
        return JobGoneReason.OVER
    if _is_released(card, klass):
        return JobGoneReason.RELEASED
    moved = event.type == EventType.JOB_CHANGED and not _is_in_days(card, klass)
    return JobGoneReason.MOVED if moved else None


def _is_in_days(card: Mapping[str, Any], klass: Klass) -> bool:
    begins, ends = _instant(klass[3]), _instant(klass[4])
    if begins is None and ends is None:
        return True
    starts_at = datetime.fromisoformat(card["starts_at"])
    return (begins is None or starts_at >= begins) and (ends is None or starts_at < ends)
