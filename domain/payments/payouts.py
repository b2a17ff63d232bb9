"""What cleaners are paid and when: the states of a payout, why one is held, who took part, how tips are split.

A payout is what one cleaner gets of one clean, or of one tip. It is released when it is transferred to the cleaner's
account with the provider; whether that account's bank then has it is another thing (R164 to R177, A3, A11, A14, A34).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.money import share
from domain.onboarding import PayoutAccountStatus
from domain.scheduling import AssignmentRole, ensure_transition
from domain.wallclock import instant_of

OPENS, CLOSES = time(9), time(17)
"""Business hours, Monday to Friday, for who pays out in them only (R174)."""


class PayoutsMode(StrEnum):
    """How a business pays its cleaners (A41)."""

    PAYROLL = "PAYROLL"
    """By its own payroll, from an export per period."""
    TRANSFERS = "TRANSFERS"
    """To each cleaner's account with the payment provider."""


class Participation(StrEnum):
    """Who of a crew is paid (A11)."""

    PARTICIPATED = "PARTICIPATED"
    """Who worked."""
    ALL_ASSIGNED = "ALL_ASSIGNED"
    """Everybody who was assigned, a backup who never came included (R154)."""


class TipSplit(StrEnum):
    """How a tip is split among those who took part (A34)."""

    EQUALLY = "EQUALLY"
    BY_HOURS = "BY_HOURS"


class PayoutKind(StrEnum):
    """What a payout is for."""

    CLEAN = "CLEAN"
    """The work on a clean (R154)."""
    TIP = "TIP"
    """A part of a customer's tip (A34)."""


class PayoutStatus(StrEnum):
    """Where a payout stands (R164)."""

    PENDING = "PENDING"
    """To be paid; nothing stands in its way."""
    HELD = "HELD"
    """Something stands in its way; `HoldReason` says what, and what to do about it."""
    RELEASED = "RELEASED"
    """Transferred to the cleaner's account with the provider (R169)."""
    IN_TRANSIT = "IN_TRANSIT"
    """On the way from there to the cleaner's bank."""
    PAID_OUT = "PAID_OUT"
    """The cleaner's bank has it."""
    FAILED = "FAILED"
    """The cleaner's bank sent it back; it lies in the account with the provider until the bank details are mended."""
    REVERSED = "REVERSED"
    """All of it was taken back."""
    CARRIED = "CARRIED"
    """Too small to be transferred: paid as a part of a later payout (R167)."""
    EXPORTED = "EXPORTED"
    """In a payroll export: the business pays it itself (A41)."""


PAYOUT_TRANSITIONS: Mapping[PayoutStatus, frozenset[PayoutStatus]] = {
    PayoutStatus.PENDING: frozenset(
        {PayoutStatus.RELEASED, PayoutStatus.HELD, PayoutStatus.CARRIED, PayoutStatus.EXPORTED}
    ),
    # Once its cause is gone, a held one becomes pending by an explicit act; one that was too small may be carried.
    PayoutStatus.HELD: frozenset({PayoutStatus.PENDING, PayoutStatus.CARRIED, PayoutStatus.EXPORTED}),
    PayoutStatus.RELEASED: frozenset(
        {PayoutStatus.IN_TRANSIT, PayoutStatus.PAID_OUT, PayoutStatus.FAILED, PayoutStatus.REVERSED}
    ),
    PayoutStatus.IN_TRANSIT: frozenset({PayoutStatus.PAID_OUT, PayoutStatus.FAILED, PayoutStatus.REVERSED}),
    # A bank may send money back days after it took it.
    PayoutStatus.PAID_OUT: frozenset({PayoutStatus.FAILED, PayoutStatus.REVERSED}),
    PayoutStatus.FAILED: frozenset({PayoutStatus.IN_TRANSIT, PayoutStatus.PAID_OUT, PayoutStatus.REVERSED}),
    PayoutStatus.REVERSED: frozenset(),
    PayoutStatus.CARRIED: frozenset(),
    PayoutStatus.EXPORTED: frozenset(),
}

LEFT_US = frozenset({PayoutStatus.RELEASED, PayoutStatus.IN_TRANSIT, PayoutStatus.PAID_OUT, PayoutStatus.FAILED})
"""States with a transfer of their own that stands."""


def ensure_payout_transition(before: PayoutStatus, after: PayoutStatus) -> None:
    """Raise `IllegalTransition` unless a payout may move so (R260); one that was released is never so again (R171)."""
    ensure_transition(PAYOUT_TRANSITIONS, before, after)


class HoldReason(StrEnum):
    """Why a payout is held (R165 to R167, R172)."""

    NO_ACCOUNT = "NO_ACCOUNT"
    ONBOARDING_INCOMPLETE = "ONBOARDING_INCOMPLETE"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    ACCOUNT_RESTRICTED = "ACCOUNT_RESTRICTED"
    ACCOUNT_INVALID = "ACCOUNT_INVALID"
    ACCOUNT_CLOSED = "ACCOUNT_CLOSED"
    DISPUTED = "DISPUTED"
    NOT_COVERED = "NOT_COVERED"
    BY_OFFICE = "BY_OFFICE"


@dataclass(frozen=True, slots=True)
class HoldWords:
    """A hold in words for people."""

    why: str
    what_to_do: str
    heals_itself: bool
    """Whether the next sweep may find the cause gone and set the payout free, without anybody of the office (A37)."""


HOLD_WORDS: Mapping[HoldReason, HoldWords] = {
    HoldReason.NO_ACCOUNT: HoldWords(
        "The cleaner has no payout account.",
        "Ask the cleaner to set up payouts in their app; they have been told. It is paid as soon as that is done.",
        heals_itself=True,
    ),
    HoldReason.ONBOARDING_INCOMPLETE: HoldWords(
        "The cleaner's payout account is not finished.",
        "Ask the cleaner to finish on the payment provider's pages; their app has the link. It is paid after that.",
        heals_itself=True,
    ),
    HoldReason.BELOW_MINIMUM: HoldWords(
        "It is less than the smallest amount that is paid out.",
        "Nothing: it is added to the cleaner's next payout.",
        heals_itself=True,
    ),
    HoldReason.ACCOUNT_RESTRICTED: HoldWords(
        "The payment provider has restricted the cleaner's account.",
        "Ask the cleaner what the provider wants of them; their app shows it. It is paid once the provider is content.",
        heals_itself=True,
    ),
    HoldReason.ACCOUNT_INVALID: HoldWords(
        "The payment provider does not know the cleaner's account.",
        "Connect the cleaner's payouts anew, then release the payout.",
        heals_itself=False,
    ),
    HoldReason.ACCOUNT_CLOSED: HoldWords(
        "The cleaner's account with the payment provider is closed.",
        "Ask the cleaner to set up payouts anew, then release the payout.",
        heals_itself=False,
    ),
    HoldReason.DISPUTED: HoldWords(
        "The customer's bank disputes the payment for this clean.",
        "Answer the dispute in time. Release this when it is closed, or if the cleaner is to be paid all the same.",
        heals_itself=False,
    ),
    HoldReason.NOT_COVERED: HoldWords(
        "What was taken for this clean does not cover its payouts.",
        "Look at the job's price, hours and bonuses. Release it to pay the rest from the business's own balance.",
        heals_itself=False,
    ),
    HoldReason.BY_OFFICE: HoldWords(
        "The office holds it.",
        "Release it when the matter is settled; the note says what it is.",
        heals_itself=False,
    ),
}


FOR_CLEANERS: Mapping[HoldReason, str] = {
    HoldReason.NO_ACCOUNT: "Set up payouts in your app; you are paid as soon as that is done.",
    HoldReason.ONBOARDING_INCOMPLETE: "Finish on the payment provider's pages; your app has the link.",
    HoldReason.BELOW_MINIMUM: "There is nothing to do: it is added to your next payout.",
    HoldReason.ACCOUNT_RESTRICTED: "Your app shows what the payment provider wants of you. Then you are paid.",
    HoldReason.ACCOUNT_INVALID: "Set up payouts anew in your app.",
    HoldReason.ACCOUNT_CLOSED: "Set up payouts anew in your app.",
}
"""What a cleaner can do about a hold; about every other one the office does."""


@dataclass(frozen=True, slots=True)
class PayoutFacts:
    """What decides whether a payout may go to the cleaner's account now."""

    amount_cents: int
    """All of it, with what is carried over from earlier ones."""
    account: PayoutAccountStatus | None
    """None where the cleaner never began to open one."""
    disputed: bool = False
    covered: bool = True
    """Whether the charge still covers it beside the other transfers from it."""


def reason_to_hold(facts: PayoutFacts, minimum_cents: int) -> HoldReason | None:
    """Why a payout cannot go now, the weightiest reason first; None where it can. Exactly the minimum passes (R167)."""
    by_account = {
        None: HoldReason.NO_ACCOUNT,
        PayoutAccountStatus.REQUESTED: HoldReason.ONBOARDING_INCOMPLETE,
        PayoutAccountStatus.OPEN: HoldReason.ONBOARDING_INCOMPLETE,
        PayoutAccountStatus.RESTRICTED: HoldReason.ACCOUNT_RESTRICTED,
        PayoutAccountStatus.READY: None,
    }
    if facts.disputed:
        return HoldReason.DISPUTED
    if reason := by_account[facts.account]:
        return reason
    if facts.amount_cents < minimum_cents:
        return HoldReason.BELOW_MINIMUM
    return None if facts.covered else HoldReason.NOT_COVERED


@dataclass(frozen=True, slots=True)
class Part:
    """One assignment's part in a job that is done, as far as it decides whether it is paid."""

    role: AssignmentRole
    checked_in: bool
    checked_out: bool
    overridden: bool = False
    """An administrator has accepted the job as it stands: a check-in or check-out that is missing is no hindrance."""


def took_part(part: Part, participation: Participation = Participation.PARTICIPATED) -> bool:
    """Whether the assignment is paid (A11): who checked in and out, never a mere backup.

    Where the evidence was overridden, also who was to come and shows no check-in; a backup only with a check-in, for
    that is what makes them stand in for somebody.
    """
    if participation is Participation.ALL_ASSIGNED:
        return True
    if part.checked_in:
        return part.checked_out or part.overridden
    return part.overridden and part.role is not AssignmentRole.BACKUP


def split_tip(tip_cents: int, hours: Sequence[Decimal], split: TipSplit = TipSplit.EQUALLY) -> tuple[int, ...]:
    """Each one's part of a tip, in the order of `hours`: all of it goes to who took part, to the cent (A34).

    Hours are exact to two decimals and more than 0, as a job's are. Raises `ValueError` where nobody took part.
    """
    weights = [1] * len(hours) if split is TipSplit.EQUALLY else [int(one * 100) for one in hours]
    return share(tip_cents, weights)


def due_at(captured_at: datetime, delay: timedelta, zone: str, *, business_hours_only: bool = False) -> datetime:
    """When a payout is to go: `delay` after the capture (A3), or in the next business hours after that (R174)."""
    earliest = captured_at + delay
    if not business_hours_only:
        return earliest
    local = earliest.astimezone(ZoneInfo(zone))
    day = local.date() if local.time() < CLOSES else local.date() + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return max(earliest, instant_of(datetime.combine(day, OPENS), zone))
