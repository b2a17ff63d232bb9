"""The swap market: the states of a swap, when it ends, and what taking it would mean (R94 to R103, A22, A26 to A29)."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.actors import CleanerId
from domain.availability import Slot
from domain.errors import Conflict, IllegalTransition, Invalid
from domain.geo import Position, travel_minutes
from domain.ids import AssignmentId, MarketId
from domain.pay import Work, earnings_of
from domain.policy import STANDARD_TIER, TenantPolicy
from domain.scheduling import (
    AssignmentRole,
    JobStatus,
    Shift,
    Skill,
    ensure_transition,
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
    """The taker gave it back when no time was left to list it again; it is its owner's as before."""


class SwapOpener(StrEnum):
    """Who put a shift on the market; it decides how long it stays there and what it earns (A22, A27)."""

    CLEANER = "CLEANER"
    """The cleaner whose shift it is."""
    OFFICE = "OFFICE"
    """The office: a cover for somebody who cannot come, or for a job that nobody is on."""


OPEN_SWAP_STATES = frozenset({SwapStatus.PENDING, SwapStatus.AWAITING_APPROVAL})
"""Not decided yet: one such swap at most for a shift."""


SWAP_TRANSITIONS: Mapping[SwapStatus, frozenset[SwapStatus]] = {
    SwapStatus.PENDING: frozenset(
        {SwapStatus.AWAITING_APPROVAL, SwapStatus.ACCEPTED, SwapStatus.WITHDRAWN, SwapStatus.EXPIRED},
    ),
    # The time runs on while the office thinks, and owner and taker may still change their minds.
    SwapStatus.AWAITING_APPROVAL: frozenset(
        {
            SwapStatus.ACCEPTED,
            SwapStatus.DECLINED,
            SwapStatus.WITHDRAWN,
            SwapStatus.EXPIRED,
            SwapStatus.RETURNED,
        },
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
    AWAITING_APPROVAL on. `zone` is the market's. Of a TRADE, `wants` are the shifts of which its owner would take one.
    """

    status: SwapStatus
    shift: Shift
    role: AssignmentRole
    owner_id: CleanerId | None
    taker_id: CleanerId | None
    market_id: MarketId
    zone: str
    opened_by: SwapOpener
    opened_at: datetime
    expires_at: datetime
    kind: SwapKind = SwapKind.COVER
    wants: frozenset[AssignmentId] = frozenset()
    urgent_bonus: bool = False
    """Whether its taker earns the urgent bonus although the job is not urgent; decided when it was opened."""
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

    def __post_init__(self) -> None:
        """Put the shifts in order, once: every rule asks for those around a time."""
        object.__setattr__(self, "shifts", tuple(sorted(self.shifts, key=lambda s: (s.starts_at, s.ends_at))))

    def shifts_around(self, shift: Shift) -> tuple[Shift, ...]:
        """The taker's shifts but this one, by start: those of its week and the days around, and the nearest beyond.

        No rule looks further, and a list of many swaps is judged against a schedule of many weeks.
        """
        first = bisect_left(self.shifts, shift.starts_at - _AROUND, key=_start)
        last = bisect_right(self.shifts, shift.ends_at + _AROUND, key=_start)
        near = self.shifts[max(first - 1, 0) : last + 1]
        return tuple(other for other in near if other.assignment_id != shift.assignment_id)

    def without(self, given: AssignmentId | None) -> "TakerFacts":
        """The same person once this shift is somebody else's."""
        if given is None:
            return self
        return replace(self, shifts=tuple(shift for shift in self.shifts if shift.assignment_id != given))


def _start(shift: Shift) -> datetime:
    return shift.starts_at


@dataclass(frozen=True, slots=True)
class Preview:
    """What taking the shift would mean: cents earned, minutes of travel to it, hours of that week with it."""

    earnings_cents: int
    travel_minutes: int
    week_hours: Decimal


def ensure_swap_transition(before: SwapStatus, after: SwapStatus) -> None:
    """Raise `IllegalTransition` unless a swap may move so (A27b)."""
    ensure_transition(SWAP_TRANSITIONS, before, after)


def expiry_of(starts_at: datetime, ends_at: datetime, lead: timedelta, opened_by: SwapOpener) -> datetime:
    """When a swap ends by itself: a cleaner's the lead before the start, the office's at the job's end (A27)."""
    return starts_at - lead if opened_by is SwapOpener.CLEANER else ends_at


def ensure_can_offer(job: JobStatus, expires_at: datetime, now: datetime) -> None:
    """Refuse a shift that is not assigned or no-show, or one for which no time is left on the market (R94, A27)."""
    if job not in {JobStatus.ASSIGNED, JobStatus.NO_SHOW}:
        raise IllegalTransition(f"A shift of a job that is {job} cannot be offered.", field=("assignmentId",))
    if expires_at <= now:
        raise Invalid(
            "It is too late to offer this shift.", field=("assignmentId",), details={"until": expires_at.isoformat()}
        )


def ensure_can_return(status: SwapStatus, closed_at: datetime | None, grace: timedelta, now: datetime) -> None:
    """Refuse to give a shift back that was not taken, or was taken longer ago than the grace (A27b, A29).

    What still awaits the office's approval may be given back at any time. Raises `Conflict`.
    """
    ensure_swap_transition(status, SwapStatus.RETURNED)
    if status is SwapStatus.ACCEPTED and (closed_at is None or now >= closed_at + grace):
        minutes = grace // timedelta(minutes=1)
        raise Conflict(
            f"A shift can be given back within {minutes} min after it was taken; offer it on the market instead.",
            field=("swapId",),
        )


def status_after_return(expires_at: datetime, now: datetime) -> SwapStatus:
    """Back on the market for others if time is left, otherwise the end (A27b, A29)."""
    return SwapStatus.PENDING if now < expires_at else SwapStatus.RETURNED


def late_offer_earns_bonus(opened_by: SwapOpener, starts_at: datetime, now: datetime, policy: TenantPolicy) -> bool:
    """Whether the taker of a shift that a cleaner opens now earns the urgent bonus (A22).

    Only late, and only where the tenant opts in, or two cleaners swapping late would each earn it. What the office
    opens late makes the job itself urgent.
    """
    late = is_urgent(now, starts_at, policy.scheduling.urgent_within)
    return late and opened_by is SwapOpener.CLEANER and policy.swaps.late_offer_bonus


def earns_urgent_bonus(swap: SwapFacts) -> bool:
    """Whether the taker is paid the urgent bonus: an urgent job, or an offer that was late enough (A22)."""
    return swap.job_is_urgent or swap.urgent_bonus


def shifts_to_give(swap: SwapFacts, taker: TakerFacts) -> tuple[AssignmentId | None, ...]:
    """What the taker could give, the earliest first: nothing (None) for a COVER, a wanted shift for a TRADE."""
    if swap.kind is SwapKind.COVER:
        return (None,)
    wanted = (shift for shift in taker.shifts if shift.assignment_id in swap.wants)
    return tuple(shift.assignment_id for shift in sorted(wanted, key=lambda shift: shift.starts_at))


def week_hours_with(swap: SwapFacts, others: Sequence[Shift]) -> Decimal:
    """Paid hours in the market-local week of the shift: those of the taker's other shifts, and the shift's own."""
    return hours_in_week((*others, swap.shift), week_of(swap.zone, swap.shift.starts_at))


def preview(swap: SwapFacts, taker: TakerFacts, policy: TenantPolicy) -> Preview:
    """What taking the swap would mean for this cleaner; travel is from the day's previous shift, else from home.

    Of a TRADE, what it would mean once the first shift that could be given is given.
    """
    taker = taker.without(next(iter(shifts_to_give(swap, taker)), None))
    others = taker.shifts_around(swap.shift)
    work = Work(
        expected_hours=swap.shift.expected_hours,
        role=swap.role,
        urgent=earns_urgent_bonus(swap),
        laundry_loads=swap.laundry_loads,
        tier=taker.pay_tier,
    )
    return Preview(
        earnings_cents=earnings_of(work, policy.pay).total_cents,
        travel_minutes=_travel_to(swap, others, taker.home, policy),
        week_hours=week_hours_with(swap, others),
    )


def _travel_to(swap: SwapFacts, others: Sequence[Shift], home: Position | None, policy: TenantPolicy) -> int:
    day = local_day(swap.zone, swap.shift.starts_at)
    earlier = [s for s in others if s.ends_at <= swap.shift.starts_at and local_day(swap.zone, s.starts_at) == day]
    if not earlier and home is None:
        return 0
    origin = max(earlier, key=lambda s: s.ends_at).position if earlier else home
    return travel_minutes(origin, swap.shift.position, policy.swaps.travel_kmh, policy.swaps.travel_overhead_minutes)
