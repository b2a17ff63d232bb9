"""Messages to people: channels, kinds, and the plain words that each kind is written in (R184 to R190, A38)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.availability import WindowState


class Channel(StrEnum):
    """How a message reaches a person (R184, R186)."""

    EMAIL = "EMAIL"
    SMS = "SMS"
    PUSH = "PUSH"


class DeliveryStatus(StrEnum):
    """What became of a message; FAILED is final and visible to the office (A38)."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


class NotificationKind(StrEnum):
    """What a message is about; each kind has its words and its channels."""

    SWAP_OFFERED = "SWAP_OFFERED"
    SWAP_GIVEN = "SWAP_GIVEN"
    SWAP_TAKEN = "SWAP_TAKEN"
    SWAP_WITHDRAWN = "SWAP_WITHDRAWN"
    SWAP_EXPIRED = "SWAP_EXPIRED"
    WINDOW_CHANGED = "WINDOW_CHANGED"
    PIN_SET = "PIN_SET"
    INVITE_LINK = "INVITE_LINK"
    RESET_LINK = "RESET_LINK"


CHANNELS: Mapping[NotificationKind, tuple[Channel, ...]] = {
    NotificationKind.SWAP_OFFERED: (Channel.PUSH,),
    NotificationKind.SWAP_GIVEN: (Channel.PUSH, Channel.EMAIL),
    NotificationKind.SWAP_TAKEN: (Channel.PUSH, Channel.EMAIL),
    NotificationKind.SWAP_WITHDRAWN: (Channel.PUSH,),
    NotificationKind.SWAP_EXPIRED: (Channel.PUSH,),
    NotificationKind.WINDOW_CHANGED: (Channel.PUSH,),
    NotificationKind.PIN_SET: (Channel.SMS,),
    NotificationKind.INVITE_LINK: (Channel.EMAIL,),
    NotificationKind.RESET_LINK: (Channel.EMAIL,),
}
"""By which channels each kind goes out; a person without such an address is skipped."""


@dataclass(frozen=True, slots=True)
class Content:
    """The words of one message."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message on its way to one address. Its id is the provider's idempotency key."""

    id: UUID
    channel: Channel
    to: str
    """An email address, a phone number in E.164, or for PUSH the person's id: all of their devices."""
    subject: str
    body: str


def compose(kind: NotificationKind, card: Mapping[str, Any]) -> Content:
    """The message's words from its card: a swap's, a window's, or for links `name` and `link`."""
    return _WORDS[kind](card)


def _swap_offered(card: Mapping[str, Any]) -> Content:
    return Content("A shift is on the market", f"{_shift(card)}. {card['owner_name']} is looking for cover.")


def _swap_given(card: Mapping[str, Any]) -> Content:
    return Content("Your shift has been taken", f"{card['taker_name']} works {_shift(card)} instead of you.")


def _swap_taken(card: Mapping[str, Any]) -> Content:
    return Content("The shift is yours", f"You took {_shift(card)} from {card['owner_name']}.")


def _swap_withdrawn(card: Mapping[str, Any]) -> Content:
    return Content("Your shift is off the market", f"You are still on for {_shift(card)}.")


def _swap_expired(card: Mapping[str, Any]) -> Content:
    return Content("Nobody took your shift", f"You are still on for {_shift(card)}.")


def _window_changed(card: Mapping[str, Any]) -> Content:
    deadline, grace = _moment(card["deadline_at"], card["zone"]), _moment(card["grace_ends_at"], card["zone"])
    match WindowState(card["state"]):
        case WindowState.OPEN:
            return Content("Submit your availability", f"The window of {card['market_name']} is open until {deadline}.")
        case WindowState.GRACE:
            return Content("Last call for your availability", f"The deadline has passed; late until {grace}.")
        case WindowState.CLOSED:
            opens = _moment(card["next_opens_at"], card["zone"])
            return Content("The availability window is closed", f"The next one opens on {opens}.")


def _pin_set(card: Mapping[str, Any]) -> Content:
    return Content("Your PIN was set", "A PIN for Cleanshift was set. If this was not you, call the office.")


def _invite(card: Mapping[str, Any]) -> Content:
    return Content("Your invitation", f"Hello {card['name']}, choose your password here: {card['link']}")


def _reset(card: Mapping[str, Any]) -> Content:
    return Content("Reset your password", f"Hello {card['name']}, choose a new password here: {card['link']}")


_WORDS: Mapping[NotificationKind, Callable[[Mapping[str, Any]], Content]] = {
    NotificationKind.SWAP_OFFERED: _swap_offered,
    NotificationKind.SWAP_GIVEN: _swap_given,
    NotificationKind.SWAP_TAKEN: _swap_taken,
    NotificationKind.SWAP_WITHDRAWN: _swap_withdrawn,
    NotificationKind.SWAP_EXPIRED: _swap_expired,
    NotificationKind.WINDOW_CHANGED: _window_changed,
    NotificationKind.PIN_SET: _pin_set,
    NotificationKind.INVITE_LINK: _invite,
    NotificationKind.RESET_LINK: _reset,
}


def _shift(card: Mapping[str, Any]) -> str:
    return f"the shift in {card['city']} on {_moment(card['starts_at'], card['zone'])}"


def _moment(instant: str, zone: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)):%A %d %B at %H:%M}"
