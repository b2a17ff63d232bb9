"""The swap market: the states of a swap, when it ends, and what taking it would mean (R94 to R103, A22, A26 to A29)."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.actors import CleanerId
from domain.availability import Slot
from domain.errors import IllegalTransition, Invalid
from domain.geo import Position, travel_minutes
from domain.ids import MarketId
from domain.pay import Work, earnings_of
from domain.policy import STANDARD_TIER, TenantPolicy
from domain.scheduling import (
    AssignmentRole,
    JobStatus,
    Shift,
    Skill,
    hours_in_week,
    is_urgent,
    week_of,
)
from domain.wallclock import local_day


class SwapKind(StrEnum):
    """One-way (COVER) or one shift for another (TRADE) (A27)."""

    COVER = "COVER"
    """Somebody takes the shift, and nothing is given for it."""
    TRADE = "TRADE"
    """One shift for another, both at once or not at all."""


class SwapStatus(StrEnum):
    """Where a swap stands (A27b)."""

    PENDING = "PENDING"
    """On the market; its owner stays responsible."""
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    """Somebody wants it, and the office has to agree."""
    ACCEPTED = "ACCEPTED"
    """Taken: the shift is the taker's."""
    DECLINED = "DECLINED"
    """The office did not agree."""
    WITHDRAWN = "WITHDRAWN"
    """Its owner or the office took it off the market."""
    EXPIRED = "EXPIRED"
    """Nobody took it in time."""
    RETURNED = "RETURNED"
    """The taker gave it back when no time was left to list it again."""


SWAP_TRANSITIONS: Mapping[SwapStatus, frozenset[SwapStatus]] = {
    SwapStatus.PENDING: frozenset(
        {SwapStatus.AWAITING_APPROVAL, SwapStatus.ACCEPTED, SwapStatus.WITHDRAWN, SwapStatus.EXPIRED},
    ),
    # The time runs on while the office thinks, and the owner may still change their mind.
    SwapStatus.AWAITING_APPROVAL: frozenset(
        {SwapStatus.ACCEPTED, SwapStatus.DECLINED, SwapStatus.WITHDRAWN, SwapStatus.EXPIRED},
    ),
    SwapStatus.ACCEPTED: frozenset({SwapStatus.RETURNED}),
    SwapStatus.DECLINED: frozenset(),
    SwapStatus.WITHDRAWN: frozenset(),
    SwapStatus.EXPIRED: frozenset(),
    # Back on the market for others, if time is left (A29).
    SwapStatus.RETURNED: frozenset({SwapStatus.PENDING}),
}


# A week reaches seven days to either side at most, a rest one day, and a shift may last one.
_AROUND = timedelta(days=9)


@dataclass(frozen=True, slots=True)
class SwapFacts:
    """A swap and its shift, as far as the rules ask.

    `owner_id` is None where the office opened a cover for a job that nobody holds; `taker_id` is set from
    AWAITING_APPROVAL on. `zone` is the market's.
    """

    status: SwapStatus
    shift: Shift
    role: AssignmentRole
    owner_id: CleanerId | None
    taker_id: CleanerId | None
    market_id: MarketId
    zone: str
    opened_by_cleaner: bool
    opened_at: datetime
    expires_at: datetime
    skills: frozenset[Skill] = frozenset()
    job_is_urgent: bool = False
    laundry_loads: int = 0


@dataclass(frozen=True, slots=True)
class TakerFacts:
    """Who wants to take it.

    `shifts` are the live, non-backup assignments around the swap's shift: a week to either side is enough. The swap's
    own shift may be among them and is not counted twice.
    """

    cleaner_id: CleanerId
    market_ids: frozenset[MarketId]
    skills: frozenset[Skill]
    onboarded: bool
    archived: bool = False
    shifts: tuple[Shift, ...] = ()
    available: tuple[Slot, ...] = ()
    home: Position | None = None
    pay_tier: str = STANDARD_TIER

    def shifts_around(self, shift: Shift) -> tuple[Shift, ...]:
        """The taker's shifts but this one, by start: those of its week and the days around, and the nearest beyond.

        No rule looks further, and a list of many swaps is judged against a schedule of many weeks.
        """
        others = sorted(
            (s for s in self.shifts if s.assignment_id != shift.assignment_id), key=lambda s: (s.starts_at, s.ends_at)
        )
        first = bisect_left(others, shift.starts_at - _AROUND, key=lambda s: s.starts_at)
        last = bisect_right(others, shift.ends_at + _AROUND, key=lambda s: s.starts_at)
        return tuple(others[max(first - 1, 0) : last + 1])


@dataclass(frozen=True, slots=True)
class Preview:
    """What taking the shift would mean: cents earned, minutes of travel to it, hours of that week with it."""

    earnings_cents: int
    travel_minutes: int
    week_hours: Decimal


def expiry_of(starts_at: datetime, ends_at: datetime, lead: timedelta, *, opened_by_cleaner: bool) -> datetime:
    """When a swap ends by itself: a cleaner's the lead before the start, the office's at the job's end (A27)."""
    return starts_at - lead if opened_by_cleaner else ends_at


def ensure_can_offer(job: JobStatus, expires_at: datetime, now: datetime) -> None:
    """Refuse a shift that is not assigned or no-show, or one for which no time is left on the market (R94, A27)."""
    if job not in {JobStatus.ASSIGNED, JobStatus.NO_SHOW}:
        raise IllegalTransition(f"A shift of a job that is {job} cannot be offered.", field=("assignmentId",))
    if expires_at <= now:
        raise Invalid(
            "It is too late to offer this shift.", field=("assignmentId",), details={"until": expires_at.isoformat()}
        )


def earns_urgent_bonus(swap: SwapFacts, policy: TenantPolicy) -> bool:
    """Whether the taker is paid the urgent bonus: an urgent job, or a cover that was opened late (A22).

    What a cleaner offers late earns none unless the tenant opts in, or two cleaners swapping late would each earn it.
    """
    opened_late = is_urgent(swap.opened_at, swap.shift.starts_at, policy.scheduling.urgent_within)
    return swap.job_is_urgent or (opened_late and (policy.swaps.late_offer_bonus or not swap.opened_by_cleaner))


def week_hours_with(swap: SwapFacts, taker: TakerFacts) -> Decimal:
    """The taker's paid hours in the market-local week of the shift, the shift included."""
    shifts = (*taker.shifts_around(swap.shift), swap.shift)
    return hours_in_week(shifts, week_of(swap.zone, swap.shift.starts_at))


def preview(swap: SwapFacts, taker: TakerFacts, policy: TenantPolicy) -> Preview:
    """What taking the swap would mean for this cleaner; travel is from the day's previous shift, else from home."""
    work = Work(
        expected_hours=swap.shift.expected_hours,
        role=swap.role,
        urgent=earns_urgent_bonus(swap, policy),
        laundry_loads=swap.laundry_loads,
        tier=taker.pay_tier,
    )
    return Preview(
        earnings_cents=earnings_of(work, policy.pay).total_cents,
        travel_minutes=_travel_to(swap, taker, policy),
        week_hours=week_hours_with(swap, taker),
    )


def _travel_to(swap: SwapFacts, taker: TakerFacts, policy: TenantPolicy) -> int:
    day = local_day(swap.zone, swap.shift.starts_at)
    earlier = [
        s
        for s in taker.shifts_around(swap.shift)
        if s.ends_at <= swap.shift.starts_at and local_day(swap.zone, s.starts_at) == day
    ]
    if not earlier and taker.home is None:
        return 0
    origin = max(earlier, key=lambda s: s.ends_at).position if earlier else taker.home
    return travel_minutes(origin, swap.shift.position, policy.swaps.travel_kmh, policy.swaps.travel_overhead_minutes)
