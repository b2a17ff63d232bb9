"""What can become of an ask, and what follows from each refusal (R170, R172, A36).

An outcome is an answer, a definite refusal (nothing has happened at the provider), or unknown (it may have happened).
Which of these it is the gateway says; what to do about a refusal is decided here, from the provider's codes alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

from domain.payments import codes
from domain.wallclock import instant_of

UNAUTHORIZED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Answered:
    """It was done: the object as the provider has it now."""

    object: Mapping[str, Any]
    request_id: str | None = None

    @property
    def id(self) -> str:
        """The provider's id of the object."""
        return str(self.object["id"])


@dataclass(frozen=True, slots=True)
class Refusal:
    """A definite no: a readable answer of the 4xx kind, other than 409 and 429."""

    code: str | None
    decline_code: str | None = None
    advice_code: str | None = None
    """What the card's bank advises: `try_again_later`, `confirm_card_data` or `do_not_try_again`."""
    network_decline_code: str | None = None
    message: str = ""
    http_status: int = 400
    object: Mapping[str, Any] | None = None
    """The object that the refusal is about, as it is now: the payment after a decline."""
    request_id: str | None = None
    type: str | None = None
    """The provider's kind of error, as `card_error` or `idempotency_error`."""
    param: str | None = None


class Doubt(StrEnum):
    """Why nobody knows what has become of an ask."""

    TIMEOUT = "TIMEOUT"
    CONNECTION = "CONNECTION"
    """It could not be sent, or the answer never came: which of the two cannot be told."""
    CONFLICT = "CONFLICT"
    """The same key is being worked on."""
    RATE_LIMITED = "RATE_LIMITED"
    SERVER_ERROR = "SERVER_ERROR"
    UNREADABLE = "UNREADABLE"
    """An answer that is broken off, or not in the provider's form."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether it was done: the same again, with the same key."""

    reason: Doubt
    retry_after: timedelta | None = None
    """Before this the provider does not want to be asked again."""
    is_replayed: bool = False
    """The provider repeats what it answered before: asking again brings nothing else."""
    message: str = ""
    request_id: str | None = None


Outcome = Answered | Refusal | Unknown


class Fault(StrEnum):
    """What a refusal means for whoever asked."""

    DECLINED = "DECLINED"
    """The card: the customer, or another attempt, has to help."""
    HELD = "HELD"
    """The account that the money should go to; the payout waits until it is in order."""
    RETRY = "RETRY"
    """Not now: another attempt later, with another key."""
    STATE = "STATE"
    """The object is not in the state that was thought: read it, and go on from what it says."""
    OURS = "OURS"
    """A mistake of ours or of the set-up: stop, and call somebody; nobody's money is held for it."""


def fault_of(refusal: Refusal) -> Fault:
    """What a refusal means. Whatever is not known by its code is ours, so that nobody is held for our mistake."""
    code = refusal.code or ""
    if is_key_used(refusal) or refuses_us(refusal):
        return Fault.OURS
    if code in codes.HELD_CODES or _is_missing(refusal, "destination"):
        return Fault.HELD
    if code in codes.RETRY_CODES or refusal.http_status == 424:
        return Fault.RETRY
    if code in codes.STATE_CODES:
        return Fault.STATE
    if code in codes.DECLINE_CODES or refusal.http_status == 402 or _is_missing(refusal, "payment_method"):
        return Fault.DECLINED
    return Fault.OURS


def refuses_us(refusal: Refusal) -> bool:
    """Whether it is we who are refused, by our key, and not what was asked: nothing was looked at, or kept of it.

    Not where the account that should be paid is the cause: some of the provider's calls refuse that with 403 too.
    """
    return refusal.http_status in UNAUTHORIZED and not (refusal.http_status == 403 and refusal.code in codes.HELD_CODES)


def is_key_unknown(refusal: Refusal) -> bool:
    """Whether the key opens nothing at all: whatever else is asked with it is refused as well."""
    return refusal.http_status == 401


def is_key_used(refusal: Refusal) -> bool:
    """Whether the key has asked for something else before: what that has made may be the very thing (R157)."""
    return refusal.type == "idempotency_error"


def _is_missing(refusal: Refusal, param: str) -> bool:
    return refusal.code == "resource_missing" and refusal.param == param


class StopReason(StrEnum):
    """Why a declined card is not asked again by itself."""

    CARD_UNUSABLE = "CARD_UNUSABLE"
    """The bank says never again: lost, stolen, closed, revoked. The customer gives another card."""
    CARD_DATA = "CARD_DATA"
    """Something about the card is wrong or too old: the customer corrects it."""
    AUTHENTICATION = "AUTHENTICATION"
    """The customer has to confirm it themselves."""
    ATTEMPTS_USED = "ATTEMPTS_USED"
    TOO_LATE = "TOO_LATE"
    """There is no time for another attempt before the clean starts."""


@dataclass(frozen=True, slots=True)
class Stop:
    """No further attempt by itself."""

    reason: StopReason


@dataclass(frozen=True, slots=True)
class Ladder:
    """When a declined card is asked again, by the wall clock of the market (A36)."""

    zone: str
    times: tuple[time, ...] = (time(20), time(1), time(8))
    most: int = 4
    """Attempts in all: the networks count them, and fine who goes on."""
    apart: timedelta = timedelta(hours=1)
    """A rung that comes sooner after a decline than this is left out: the card would say the same."""


def stop_of(refusal: Refusal) -> StopReason | None:
    """Why a decline is final; None for one that may pass by itself. The stricter of bank and network counts."""
    said = {refusal.code, refusal.decline_code} - {None}
    if said & codes.UNUSABLE or _is_missing(refusal, "payment_method"):
        return StopReason.CARD_UNUSABLE
    # Before the advice: not again without the customer, but with them it is the very thing to do.
    if said & codes.AUTHENTICATION:
        return StopReason.AUTHENTICATION
    if refusal.advice_code == "do_not_try_again":
        return StopReason.CARD_UNUSABLE
    if refusal.advice_code == "confirm_card_data" or said & codes.CARD_DATA:
        return StopReason.CARD_DATA
    return None


def next_attempt(
    declines_so_far: int, refusal: Refusal, starts_at: datetime, now: datetime, ladder: Ladder
) -> datetime | Stop:
    """When the card is asked again after its decline, or why not (A36).

    `declines_so_far` counts this one. The next rung is the first of the ladder's times, on the market's clock, that is
    far enough from now and before the clean starts.
    """
    final = stop_of(refusal)
    if final is not None:
        return Stop(final)
    if declines_so_far >= ladder.most:
        return Stop(StopReason.ATTEMPTS_USED)
    rung = _next_rung(now + ladder.apart, ladder)
    return rung if rung < starts_at else Stop(StopReason.TOO_LATE)


def _next_rung(earliest: datetime, ladder: Ladder) -> datetime:
    """The first rung from `earliest` on; those of the day before and after count too, for zones far from UTC."""
    day = earliest.date()
    days = (day + timedelta(days=offset) for offset in (-1, 0, 1, 2))
    rungs = (instant_of(datetime.combine(each, at), ladder.zone) for each in days for at in ladder.times)
    return min(rung for rung in rungs if rung >= earliest)


def words_for_customer(refusal: Refusal) -> str:
    """What a customer is told of a decline: nothing of loss, theft or fraud, which is between them and their bank."""
    plain = (codes.SAID_PLAINLY.get(code or "") for code in (refusal.decline_code, refusal.code))
    return next(filter(None, plain), "Your bank has declined the card.")
