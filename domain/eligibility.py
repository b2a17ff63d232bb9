"""Who may take a shift from the swap market: every reason against it, with its numbers (R82, R232, A26, A27b).

The order of the reasons is that of `ReasonCode`, then of time, so that clients and tests can rely on it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.availability import Slot
from domain.errors import NotEligible, SwapAlreadyTaken
from domain.geo import travel_minutes
from domain.policy import SwapPolicy
from domain.scheduling import Shift, week_of
from domain.swaps import SwapFacts, SwapStatus, TakerFacts, shifts_to_give, week_hours_with
from domain.wallclock import local_day


class ReasonCode(StrEnum):
    """Why a cleaner cannot take a shift; the order in which reasons are given."""

    NOT_PENDING = "NOT_PENDING"
    EXPIRED = "EXPIRED"
    OWN_SHIFT = "OWN_SHIFT"
    CLEANER_ARCHIVED = "CLEANER_ARCHIVED"
    ONBOARDING_INCOMPLETE = "ONBOARDING_INCOMPLETE"
    MARKET_NOT_YOURS = "MARKET_NOT_YOURS"
    SKILL_MISSING = "SKILL_MISSING"
    OVERLAP = "OVERLAP"
    REST_TOO_SHORT = "REST_TOO_SHORT"
    WEEK_HOURS_EXCEEDED = "WEEK_HOURS_EXCEEDED"
    TRAVEL_TOO_LONG = "TRAVEL_TOO_LONG"
    UNAVAILABLE = "UNAVAILABLE"
    NOTHING_TO_GIVE = "NOTHING_TO_GIVE"
    OWNER_CANNOT_TAKE = "OWNER_CANNOT_TAKE"


@dataclass(frozen=True, slots=True)
class Reason:
    """One obstacle, in a word for programs and in a sentence for the cleaner."""

    code: ReasonCode
    message: str


_DAY = timedelta(days=1)
_GONE = frozenset({ReasonCode.NOT_PENDING, ReasonCode.EXPIRED})


def reasons_not_to_take(swap: SwapFacts, taker: TakerFacts, policy: SwapPolicy, now: datetime) -> tuple[Reason, ...]:
    """Every reason why this cleaner cannot take this swap now; none means that they can (R82, A27b).

    At approval the swap awaits it for this very taker, which counts as still to be had. Of a TRADE it is asked for each
    wanted shift that the taker could give; the reasons are those of the first where none would do.
    """
    gifts = shifts_to_give(swap, taker)
    if not gifts:
        alone = Reason(ReasonCode.NOTHING_TO_GIVE, "You have none of the shifts that its owner would take for it.")
        return (*_reasons(swap, taker, policy, now), alone)
    each = [_reasons(swap, taker.without(gift), policy, now) for gift in gifts]
    return next((found for found in each if not found), each[0])


def _reasons(swap: SwapFacts, taker: TakerFacts, policy: SwapPolicy, now: datetime) -> tuple[Reason, ...]:
    others = taker.shifts_around(swap.shift)
    return (
        *_of_the_swap(swap, taker, now),
        *_of_the_taker(swap, taker),
        *_overlaps(swap, others),
        *_rest(swap, others, policy),
        *_week(swap, others, policy),
        *_travel(swap, others, policy),
        *_availability(swap, taker, policy),
    )


def ensure_can_take(swap: SwapFacts, taker: TakerFacts, policy: SwapPolicy, now: datetime) -> None:
    """Raise `SwapAlreadyTaken` for a swap that is gone (R98), else `NotEligible` with every reason in its details."""
    _ensure_none(reasons_not_to_take(swap, taker, policy, now))


def ensure_owner_can_take(given: SwapFacts, owner: TakerFacts, policy: SwapPolicy, now: datetime) -> None:
    """Raise `NotEligible` if a TRADE's owner may not work the shift that they would get for theirs (A27, A27b).

    `given` is that shift as if it were on offer, `owner` the owner without their own. Why is the owner's own affair:
    the taker learns no more than that it is so.
    """
    if reasons_not_to_take(given, owner, policy, now):
        _ensure_none((Reason(ReasonCode.OWNER_CANNOT_TAKE, "Its owner cannot work the shift that you would give."),))


def _ensure_none(reasons: Sequence[Reason]) -> None:
    if any(reason.code in _GONE for reason in reasons):
        raise SwapAlreadyTaken(field=("swapId",))
    if reasons:
        raise NotEligible(
            " ".join(reason.message for reason in reasons),
            field=("swapId",),
            details={"reasons": [{"code": reason.code.value, "message": reason.message} for reason in reasons]},
        )


def _of_the_swap(swap: SwapFacts, taker: TakerFacts, now: datetime) -> Iterator[Reason]:
    awaits_this_taker = swap.status is SwapStatus.AWAITING_APPROVAL and swap.taker_id == taker.cleaner_id
    if swap.status is not SwapStatus.PENDING and not awaits_this_taker:
        yield Reason(ReasonCode.NOT_PENDING, "This swap is no longer open.")
    if now >= swap.expires_at:
        yield Reason(ReasonCode.EXPIRED, f"This swap ended on {_moment(swap.expires_at, swap.zone)}.")
    if swap.owner_id == taker.cleaner_id:
        yield Reason(ReasonCode.OWN_SHIFT, "This is your own shift.")


def _of_the_taker(swap: SwapFacts, taker: TakerFacts) -> Iterator[Reason]:
    if taker.archived:
        yield Reason(ReasonCode.CLEANER_ARCHIVED, "Your account is archived.")
    if not taker.onboarded:
        yield Reason(ReasonCode.ONBOARDING_INCOMPLETE, "Complete your onboarding first.")
    if swap.market_id not in taker.market_ids:
        yield Reason(ReasonCode.MARKET_NOT_YOURS, "The shift is in a market that you do not work in.")
    for skill in sorted(swap.skills - taker.skills):
        yield Reason(ReasonCode.SKILL_MISSING, f"The shift needs a skill that you do not have: {_words(skill)}.")


def _overlaps(swap: SwapFacts, others: Sequence[Shift]) -> Iterator[Reason]:
    for shift in others:
        if shift.overlaps(swap.shift):
            yield Reason(ReasonCode.OVERLAP, f"It overlaps your shift of {_span(shift, swap.zone)}.")


def _rest(swap: SwapFacts, others: Sequence[Shift], policy: SwapPolicy) -> Iterator[Reason]:
    """Rest is asked between the last shift of one market-local day and the first of the next working day."""
    new, day = swap.shift, local_day(swap.zone, swap.shift.starts_at)
    same: list[Shift] = []
    before: list[Shift] = []
    after: list[Shift] = []
    for shift in others:
        its_day = local_day(swap.zone, shift.starts_at)
        (same if its_day == day else before if its_day < day else after).append(shift)
    if before and all(new.starts_at < s.starts_at for s in same):
        last = max(before, key=lambda s: s.ends_at)
        rest = new.starts_at - last.ends_at
        yield from _short_rest(rest, policy, lambda: f"after your shift of {_span(last, swap.zone)}")
    if after and all(new.ends_at > s.ends_at for s in same):
        first = after[0]
        rest = first.starts_at - new.ends_at
        yield from _short_rest(rest, policy, lambda: f"before your shift of {_span(first, swap.zone)}")


def _short_rest(rest: timedelta, policy: SwapPolicy, where: Callable[[], str]) -> Iterator[Reason]:
    # An overlap has its own reason; a negative rest would only puzzle. Nobody asks for more than a day.
    if timedelta(0) <= rest < _DAY and (hours := _hours(rest)) < policy.rest_hours:
        yield Reason(
            ReasonCode.REST_TOO_SHORT,
            f"It leaves {_number(hours)} h of rest {where()}; at least {_number(policy.rest_hours)} h are required.",
        )


def _week(swap: SwapFacts, others: Sequence[Shift], policy: SwapPolicy) -> Iterator[Reason]:
    hours = week_hours_with(swap, others)
    if hours > policy.week_hours:
        monday = week_of(swap.zone, swap.shift.starts_at).starts_on
        yield Reason(
            ReasonCode.WEEK_HOURS_EXCEEDED,
            f"You would work {_number(hours)} h in the week of {monday}; "
            f"at most {_number(policy.week_hours)} h are allowed.",
        )


def _travel(swap: SwapFacts, others: Sequence[Shift], policy: SwapPolicy) -> Iterator[Reason]:
    earlier = [s for s in others if s.ends_at <= swap.shift.starts_at]
    later = [s for s in others if s.starts_at >= swap.shift.ends_at]
    if earlier:
        last = max(earlier, key=lambda s: s.ends_at)
        yield from _long_travel(last, swap.shift, policy, lambda: f"from your shift of {_span(last, swap.zone)}")
    if later:
        yield from _long_travel(swap.shift, later[0], policy, lambda: f"to your shift of {_span(later[0], swap.zone)}")


def _long_travel(first: Shift, second: Shift, policy: SwapPolicy, which: Callable[[], str]) -> Iterator[Reason]:
    needed = travel_minutes(first.position, second.position, policy.travel_kmh, policy.travel_overhead_minutes)
    gap = second.starts_at - first.ends_at
    if timedelta(minutes=needed) > gap:
        minutes = gap // timedelta(minutes=1)
        yield Reason(
            ReasonCode.TRAVEL_TOO_LONG, f"The way {which()} takes {needed} min and there are only {minutes} min."
        )


def _availability(swap: SwapFacts, taker: TakerFacts, policy: SwapPolicy) -> Iterator[Reason]:
    if policy.availability_required and not _covered(swap.shift, taker.available):
        yield Reason(ReasonCode.UNAVAILABLE, f"You did not say that you are available {_span(swap.shift, swap.zone)}.")


def _covered(shift: Shift, available: tuple[Slot, ...]) -> bool:
    """Whether the slots, which may touch each other, leave no part of the shift out."""
    reached = shift.starts_at
    for slot in sorted(available, key=lambda s: s.starts_at):
        if slot.starts_at <= reached:
            reached = max(reached, slot.ends_at)
    return reached >= shift.ends_at


def _hours(duration: timedelta) -> Decimal:
    return Decimal(duration // timedelta(microseconds=1)) / Decimal(3_600_000_000)


def _number(hours: Decimal) -> str:
    """At most two decimals, rounded down: 9.999 h of rest must not read as the 10 h that they are not."""
    return f"{hours.quantize(Decimal('0.01'), 'ROUND_DOWN'):f}".rstrip("0").rstrip(".")


def _moment(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def _span(shift: Shift, zone: str) -> str:
    return f"{_moment(shift.starts_at, zone)} to {shift.ends_at.astimezone(ZoneInfo(zone)):%H:%M}"


def _words(skill: str) -> str:
    return skill.replace("_", " ").lower()
