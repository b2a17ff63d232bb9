"""Holds on cards: what the provider says of a payment, how long a hold lives, and why one is let go (A2, A36, R143).

What is read here is the provider's object as plain JSON: of an answer, of a refusal, or read anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from domain.payments.outcomes import Ladder, Refusal
from domain.wallclock import local_day

DEFAULT_HOLD = timedelta(days=4, hours=18)
"""How long a hold is taken to live where the provider says nothing: the shortest that there is (A2)."""
AFTER_START = timedelta(days=1)
"""How long after its start a clean that has no hold is still looked after."""


class LetGo(StrEnum):
    """Why a payment is let go."""

    CANCELED = "CANCELED"
    MISSED = "MISSED"
    """Nobody came (R143); the clean may be planned anew, and is then held anew."""
    NO_ACCESS = "NO_ACCESS"
    """Somebody came and could not get in (A50)."""
    MOVED = "MOVED"
    """The clean was moved so far that the hold would not live until then."""
    REPLACED = "REPLACED"
    """Another hold stands for the same clean."""
    UNCONFIRMED = "UNCONFIRMED"
    """The customer did not confirm in time (A36)."""
    DECLINED = "DECLINED"
    """Of a first clean: the booking goes on with another card (R49)."""
    BY_HAND = "BY_HAND"
    PLAN_ENDED = "PLAN_ENDED"
    DISCONNECTED = "DISCONNECTED"
    """The business has left the account that it was known in; the clean may be held anew with another one."""


HELD_ANEW = frozenset({LetGo.MISSED, LetGo.MOVED, LetGo.DISCONNECTED})
"""After these the same clean may be held again."""


@dataclass(frozen=True, slots=True)
class ChargeSeen:
    """A charge as the provider has it; what is not told is None."""

    id: str
    capture_before: datetime | None = None
    transaction: str | None = None
    """The balance transaction that booked it."""
    fee_cents: int | None = None
    card: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class IntentSeen:
    """A payment as the provider has it."""

    id: str
    status: str
    received_cents: int
    charge: ChargeSeen | None
    method: str | None
    has_lapsed: bool
    """Of a cancelled one: it lapsed by itself, nobody cancelled it."""
    action_url: str | None
    error: Mapping[str, Any] | None


def seen(thing: Mapping[str, Any]) -> IntentSeen:
    """What a payment intent says that concerns us."""
    action = thing.get("next_action") or {}
    redirect = action.get("redirect_to_url") or {}
    return IntentSeen(
        id=str(thing["id"]),
        status=str(thing.get("status")),
        received_cents=int(thing.get("amount_received") or 0),
        charge=_charge(thing.get("latest_charge")),
        method=_id(thing.get("payment_method")),
        has_lapsed=thing.get("cancellation_reason") in {"expired", "automatic"},
        action_url=redirect.get("url"),
        error=thing.get("last_payment_error"),
    )


def held_until(charge: ChargeSeen | None, now: datetime) -> datetime:
    """When a hold lapses: as the provider says, and never taken to be longer than is certain (R142, A2)."""
    told = None if charge is None else charge.capture_before
    return told or now + DEFAULT_HOLD


def decline_of(error: Mapping[str, Any]) -> Refusal:
    """The decline that an intent remembers, as its refusal would have told it."""
    return Refusal(
        code=error.get("code"),
        decline_code=error.get("decline_code"),
        advice_code=error.get("advice_code"),
        network_decline_code=error.get("network_decline_code"),
        message=str(error.get("message") or ""),
        http_status=402,
        type=error.get("type"),
    )


def ladder_of(zone: str, hours: tuple[int, ...]) -> Ladder:
    """When a declined card is asked again, by a market's clock (A36)."""
    return Ladder(zone, tuple(time(hour) for hour in hours))


def is_hold_hour(at: datetime, zone: str, hours: tuple[int, ...]) -> bool:
    """Whether an instant is one of the market's hours at which holds are taken, by its own clock (R140, A1)."""
    wall = at.astimezone(ZoneInfo(zone))
    return wall.hour in hours and wall.minute == 0


def last_held(at: datetime, zone: str) -> datetime:
    """Up to when cleans are held by the run of this hour: the end of the market's tomorrow (A1).

    In the evening today's are held already, and at night both days are looked at: from now on covers either.
    """
    from_day = local_day(zone, at) + timedelta(days=2)
    return datetime.combine(from_day, time(0), ZoneInfo(zone)).astimezone(UTC)


def _charge(thing: Any) -> ChargeSeen | None:
    if thing is None:
        return None
    if isinstance(thing, str):
        return ChargeSeen(thing)
    card = (thing.get("payment_method_details") or {}).get("card")
    until = (card or {}).get("capture_before")
    booked = thing.get("balance_transaction")
    return ChargeSeen(
        id=str(thing["id"]),
        capture_before=None if until is None else datetime.fromtimestamp(until, UTC),
        transaction=_id(booked),
        fee_cents=int(booked["fee"]) if isinstance(booked, Mapping) else None,
        card=card,
    )


def _id(thing: Any) -> str | None:
    found = thing.get("id") if isinstance(thing, Mapping) else thing
    return None if found is None else str(found)
