"""Jobs and who does them: states and their transitions, shifts, the market's days and weeks (R70 to R75, A17, A22)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from domain.errors import IllegalTransition, Invalid
from domain.geo import Position
from domain.ids import AssignmentId
from domain.wallclock import instant_of, local_day

URGENT_WITHIN = timedelta(hours=24)
HORIZON_DAYS = 731
LONGEST_SHIFT_HOURS = Decimal(24)


class JobStatus(StrEnum):
    """Where a job stands (R71, A17)."""

    UNASSIGNED = "UNASSIGNED"
    """Nobody is responsible for it yet."""
    ASSIGNED = "ASSIGNED"
    """A cleaner is responsible for it."""
    IN_PROGRESS = "IN_PROGRESS"
    """Somebody is at work."""
    COMPLETED = "COMPLETED"
    """Done and proven."""
    CANCELED = "CANCELED"
    """It will not take place; it is kept, never deleted."""
    NO_SHOW = "NO_SHOW"
    """Nobody came; it may still be covered or planned anew."""
    NO_ACCESS = "NO_ACCESS"
    """Somebody came and could not get in; photo and note are kept."""


class PaymentStatus(StrEnum):
    """Where a job's money stands (R72, A17)."""

    PENDING = "PENDING"
    """Nothing has been asked of the customer's card."""
    AUTHORIZED = "AUTHORIZED"
    """The amount is held on the card."""
    CAPTURE_PENDING = "CAPTURE_PENDING"
    """The capture was asked for and is not confirmed yet."""
    CAPTURED = "CAPTURED"
    """The money is taken."""
    FAILED = "FAILED"
    """The card was declined."""
    REQUIRES_ACTION = "REQUIRES_ACTION"
    """The customer has to confirm with their bank."""
    EXPIRED = "EXPIRED"
    """The hold has lapsed."""
    RELEASED = "RELEASED"
    """The hold was let go without a charge."""
    REFUNDED = "REFUNDED"
    """All of it was given back."""
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    """A part of it was given back."""
    DISPUTED = "DISPUTED"
    """The customer's bank has taken it back for the time being."""


class AssignmentRole(StrEnum):
    """What a cleaner is on a job (R74)."""

    PRIMARY = "PRIMARY"
    """The one who is responsible for the clean."""
    BACKUP = "BACKUP"
    """Stands by in case somebody does not come."""
    LAUNDRY_LEAD = "LAUNDRY_LEAD"
    """Also sees to the laundry."""


class Skill(StrEnum):
    """What a job may demand of its cleaner (R80, R133)."""

    HOT_TUB = "HOT_TUB"
    LAUNDRY = "LAUNDRY"


class Laundry(StrEnum):
    """Where a property's laundry is done (R31)."""

    NONE = "NONE"
    IN_UNIT = "IN_UNIT"
    OFF_SITE = "OFF_SITE"


class HotTubService(StrEnum):
    """What is done to a property's hot tub at each clean (R32, R51)."""

    NONE = "NONE"
    BASIC = "BASIC"
    STANDARD = "STANDARD"
    PREMIUM = "PREMIUM"


class Drain(StrEnum):
    """How often a hot tub is drained and filled anew (R32, R51)."""

    NONE = "NONE"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"


class OnboardingState(StrEnum):
    """The stage that a cleaner has to finish next (R130 to R133); the gate opens at COMPLETE (R134)."""

    INVITED = "INVITED"
    PROFILE = "PROFILE"
    PAYOUTS = "PAYOUTS"
    DOCUMENTS = "DOCUMENTS"
    SKILLS = "SKILLS"
    COMPLETE = "COMPLETE"


JOB_TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.UNASSIGNED: frozenset({JobStatus.ASSIGNED, JobStatus.CANCELED}),
    JobStatus.ASSIGNED: frozenset({JobStatus.UNASSIGNED, JobStatus.IN_PROGRESS, JobStatus.CANCELED, JobStatus.NO_SHOW}),
    JobStatus.IN_PROGRESS: frozenset({JobStatus.COMPLETED, JobStatus.CANCELED, JobStatus.NO_ACCESS}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.CANCELED: frozenset(),
    # Another attempt is another job.
    JobStatus.NO_ACCESS: frozenset(),
    # A cover stays open until the job's end (A27), and the office may plan the job anew.
    JobStatus.NO_SHOW: frozenset({JobStatus.ASSIGNED, JobStatus.UNASSIGNED, JobStatus.CANCELED}),
}

PAYMENT_TRANSITIONS: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.PENDING: frozenset(
        {
            PaymentStatus.AUTHORIZED,
            PaymentStatus.CAPTURED,  # the first clean is charged at once (R46, A10)
            PaymentStatus.FAILED,
            PaymentStatus.REQUIRES_ACTION,
            PaymentStatus.RELEASED,
        }
    ),
    PaymentStatus.AUTHORIZED: frozenset(
        {
            PaymentStatus.CAPTURE_PENDING,
            PaymentStatus.CAPTURED,
            PaymentStatus.EXPIRED,
            PaymentStatus.RELEASED,
        }
    ),
    PaymentStatus.CAPTURE_PENDING: frozenset(
        {
            PaymentStatus.CAPTURED,
            PaymentStatus.AUTHORIZED,  # the capture was definitely refused and the hold still stands
            PaymentStatus.FAILED,
            PaymentStatus.EXPIRED,
        }
    ),
    PaymentStatus.CAPTURED: frozenset(
        {PaymentStatus.REFUNDED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.DISPUTED},
    ),
    # The retry ladder and the customer's new card lead out of both (A36).
    PaymentStatus.FAILED: frozenset(
        {PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED, PaymentStatus.REQUIRES_ACTION, PaymentStatus.RELEASED},
    ),
    PaymentStatus.REQUIRES_ACTION: frozenset(
        {PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED, PaymentStatus.FAILED, PaymentStatus.RELEASED},
    ),
    # A hold that lapsed is taken anew (A2).
    PaymentStatus.EXPIRED: frozenset(
        {PaymentStatus.AUTHORIZED, PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION, PaymentStatus.RELEASED},
    ),
    # A no-show's hold is released and the job may still be covered or planned anew.
    PaymentStatus.RELEASED: frozenset({PaymentStatus.PENDING}),
    # A bank may send a refund back days later.
    PaymentStatus.REFUNDED: frozenset(
        {PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.DISPUTED},
    ),
    PaymentStatus.PARTIALLY_REFUNDED: frozenset(
        {
            PaymentStatus.CAPTURED,
            PaymentStatus.PARTIALLY_REFUNDED,
            PaymentStatus.REFUNDED,
            PaymentStatus.DISPUTED,
        },
    ),
    # A dispute that is won gives the money back, one that is lost leaves it refunded.
    PaymentStatus.DISPUTED: frozenset(
        {PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED},
    ),
}

LIVE_JOB_STATES = frozenset({JobStatus.UNASSIGNED, JobStatus.ASSIGNED, JobStatus.IN_PROGRESS})

StateT = TypeVar("StateT", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Shift:
    """One cleaner's live part in a job: aware start and end, the hours that are paid, and where it is."""

    assignment_id: AssignmentId
    starts_at: datetime
    ends_at: datetime
    expected_hours: Decimal
    position: Position | None = None

    def overlaps(self, other: "Shift") -> bool:
        """Whether the two share any time; one may start the instant the other ends."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


@dataclass(frozen=True, slots=True)
class MarketWeek:
    """Monday to Sunday by a market's wall clock, with its first instant and the first one after it in UTC."""

    starts_on: date
    starts_at: datetime
    ends_at: datetime


def ensure_transition(table: Mapping[StateT, frozenset[StateT]], before: StateT, after: StateT) -> None:
    """Raise `IllegalTransition` for a move that the table does not have; staying is a move too (R260)."""
    if after not in table[before]:
        raise IllegalTransition(
            f"This cannot go from {before} to {after}.",
            details={
                "from": before.value,
                "to": after.value,
                "allowed": [s.value for s in type(before) if s in table[before]],
            },
        )


def ensure_job_transition(before: JobStatus, after: JobStatus) -> None:
    """Raise `IllegalTransition` unless a job may move so (R73)."""
    ensure_transition(JOB_TRANSITIONS, before, after)


def transitions_markdown(table: Mapping[StateT, frozenset[StateT]]) -> str:
    """The table for the schema's documentation (A17), states in the order of their enum."""
    rows = [
        f"| {before} | {', '.join(s for s in type(before) if s in after) or '(final)'} |"
        for before, after in table.items()
    ]
    return "\n".join(["| from | to |", "| --- | --- |", *rows])


def required_skills(*, has_hot_tub: bool, laundry: Laundry) -> frozenset[Skill]:
    """What a property demands of every cleaner who works there (R80)."""
    skills = set()
    if has_hot_tub:
        skills.add(Skill.HOT_TUB)
    if laundry is not Laundry.NONE:
        skills.add(Skill.LAUNDRY)
    return frozenset(skills)


def is_urgent(opened_at: datetime, starts_at: datetime, threshold: timedelta = URGENT_WITHIN) -> bool:
    """Whether a job created or re-opened at `opened_at` starts less than the threshold later (A22)."""
    return starts_at - opened_at < threshold


def ensure_schedulable(
    starts_at: datetime, expected_hours: Decimal, now: datetime, horizon_days: int = HORIZON_DAYS
) -> None:
    """Refuse a job without a UTC offset, in the past, beyond the horizon (two years), or of impossible length."""
    if starts_at.tzinfo is None:
        raise Invalid("The start must have a UTC offset.", field=("startsAt",))
    if starts_at <= now:
        raise Invalid("The start must lie in the future.", field=("startsAt",))
    if starts_at > now + timedelta(days=horizon_days):
        raise Invalid(f"The start must lie within {horizon_days} days from now.", field=("startsAt",))
    ensure_hours(expected_hours)


def ensure_hours(expected_hours: Decimal) -> Decimal:
    """The hours, if they are more than 0, at most 24, and exact to two decimals; `Invalid` otherwise."""
    if not expected_hours.is_finite() or not 0 < expected_hours <= LONGEST_SHIFT_HOURS:
        message = f"The expected hours must be more than 0 and at most {LONGEST_SHIFT_HOURS}."
        raise Invalid(message, field=("expectedHours",))
    if expected_hours != round(expected_hours, 2):
        raise Invalid("Hours have at most two decimals.", field=("expectedHours",))
    return expected_hours


@lru_cache(maxsize=4_096)
def week_of(zone: str, instant: datetime) -> MarketWeek:
    """The market-local week, Monday to Sunday, that the instant falls into."""
    day = local_day(zone, instant)
    monday = day - timedelta(days=day.weekday())
    return MarketWeek(
        monday,
        instant_of(datetime.combine(monday, time.min), zone),
        instant_of(datetime.combine(monday + timedelta(days=7), time.min), zone),
    )


def hours_in_week(shifts: Iterable[Shift], week: MarketWeek) -> Decimal:
    """Paid hours of the shifts that start in the week; a shift over midnight counts where it starts (A27b)."""
    mine = (shift for shift in shifts if week.starts_at <= shift.starts_at < week.ends_at)
    return sum((shift.expected_hours for shift in mine), Decimal(0))
