"""Messages to people: channels, kinds, and the plain words that each kind is written in (R184 to R190, A38)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.availability import WindowState
from domain.swaps import SwapOpener


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
    SWAP_UNFILLED = "SWAP_UNFILLED"
    SWAP_TO_APPROVE = "SWAP_TO_APPROVE"
    SWAP_DECLINED = "SWAP_DECLINED"
    SWAP_RETURNED = "SWAP_RETURNED"
    SWAP_DRAWN = "SWAP_DRAWN"
    EVIDENCE_MISSING = "EVIDENCE_MISSING"
    EVIDENCE_INCOMPLETE = "EVIDENCE_INCOMPLETE"
    NO_ACCESS = "NO_ACCESS"
    JOB_LATE = "JOB_LATE"
    JOB_MISSED = "JOB_MISSED"
    ACCESS_CODE_SHOWN = "ACCESS_CODE_SHOWN"
    WINDOW_CHANGED = "WINDOW_CHANGED"
    WINDOW_REMINDER = "WINDOW_REMINDER"
    PIN_SET = "PIN_SET"
    INVITE_LINK = "INVITE_LINK"
    RESET_LINK = "RESET_LINK"


CHANNELS: Mapping[NotificationKind, tuple[Channel, ...]] = {
    NotificationKind.SWAP_OFFERED: (Channel.PUSH,),
    NotificationKind.SWAP_GIVEN: (Channel.PUSH, Channel.EMAIL),
    NotificationKind.SWAP_TAKEN: (Channel.PUSH, Channel.EMAIL),
    NotificationKind.SWAP_WITHDRAWN: (Channel.PUSH,),
    NotificationKind.SWAP_EXPIRED: (Channel.PUSH,),
    NotificationKind.SWAP_UNFILLED: (Channel.EMAIL,),
    NotificationKind.SWAP_TO_APPROVE: (Channel.EMAIL,),
    NotificationKind.SWAP_DECLINED: (Channel.PUSH,),
    NotificationKind.SWAP_RETURNED: (Channel.PUSH, Channel.EMAIL),
    NotificationKind.SWAP_DRAWN: (Channel.PUSH,),
    NotificationKind.EVIDENCE_MISSING: (Channel.PUSH, Channel.EMAIL),
    NotificationKind.EVIDENCE_INCOMPLETE: (Channel.EMAIL,),
    NotificationKind.NO_ACCESS: (Channel.EMAIL,),
    NotificationKind.JOB_LATE: (Channel.PUSH, Channel.EMAIL),
    NotificationKind.JOB_MISSED: (Channel.PUSH, Channel.EMAIL),
    NotificationKind.ACCESS_CODE_SHOWN: (Channel.PUSH, Channel.EMAIL),
    NotificationKind.WINDOW_CHANGED: (Channel.PUSH,),
    NotificationKind.WINDOW_REMINDER: (Channel.PUSH,),
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
    who = card["owner_name"] if card["owner_name"] and card["opened_by"] == SwapOpener.CLEANER else "The office"
    return Content("A shift is on the market", f"{_sentence(_shift(card))} {who} is looking for cover.")


def _swap_given(card: Mapping[str, Any]) -> Content:
    in_return = " You work theirs in return: look at your schedule." if card["given_id"] else ""
    body = f"{card['taker_name']} works {_shift(card)} instead of you.{in_return}"
    return Content("Your shift has been taken", body)


def _swap_taken(card: Mapping[str, Any]) -> Content:
    whose = f" from {card['owner_name']}" if card["owner_name"] else ""
    return Content("The shift is yours", f"You took {_shift(card)}{whose}.")


def _swap_withdrawn(card: Mapping[str, Any]) -> Content:
    return Content("Your shift is off the market", f"Nobody is asked any more to take over {_shift(card)}.")


def _swap_expired(card: Mapping[str, Any]) -> Content:
    return Content("Nobody took your shift", f"You are still on for {_shift(card)}.")


def _swap_unfilled(card: Mapping[str, Any]) -> Content:
    return Content("Nobody took a shift", f"Its time on the market is over: nobody took {_shift(card)}.")


def _swap_to_approve(card: Mapping[str, Any]) -> Content:
    whose = f" from {card['owner_name']}" if card["owner_name"] else ""
    return Content("A swap awaits you", f"{card['taker_name']} would take {_shift(card)}{whose}: approve or decline.")


def _swap_declined(card: Mapping[str, Any]) -> Content:
    return Content("The swap was declined", f"The office did not agree: {_shift(card)} stays as it was.")


def _swap_returned(card: Mapping[str, Any]) -> Content:
    return Content("Your shift is back with you", f"Its taker gave it back: you are on for {_shift(card)}.")


def _swap_drawn(card: Mapping[str, Any]) -> Content:
    return Content("The draw went to somebody else", f"It is about {_shift(card)}: it has been taken.")


def _evidence_missing(card: Mapping[str, Any]) -> Content:
    body = f"{_sentence(_shift(card))} Until it is there you are not paid for it:\n{_listed(card['missing'])}"
    return Content("Your proof is not complete", body)


def _evidence_incomplete(card: Mapping[str, Any]) -> Content:
    return Content("A clean is not proven", f"{_sentence(_shift(card))} Missing:\n{_listed(card['missing'])}")


def _no_access(card: Mapping[str, Any]) -> Content:
    return Content("Nobody could get in", f"{_sentence(_shift(card))} The cleaner says: {card['note']}")


def _job_late(card: Mapping[str, Any]) -> Content:
    body = f"{_sentence(_shift(card))} Nobody has checked in, and somebody else is looked for."
    return Content("Nobody has come yet", body)


def _job_missed(card: Mapping[str, Any]) -> Content:
    return Content("A shift was missed", f"{_sentence(_shift(card))} Nobody has checked in: it counts as a no-show.")


def _access_code_shown(card: Mapping[str, Any]) -> Content:
    body = f"It is for {_shift(card)}. If this was not you, call the office."
    return Content("An access code was shown", body)


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


def _window_reminder(card: Mapping[str, Any]) -> Content:
    opens, deadline = (_moment(card[name], card["zone"]) for name in ("opens_at", "deadline_at"))
    # A day before the deadline the window of a market without lead days has not opened yet (A23).
    opening = f"opens on {opens} and is" if WindowState(card["state"]) is WindowState.CLOSED else "is"
    return Content(
        "Your availability is missing",
        f"The window of {card['market_name']} {opening} open until {deadline}. "
        f"You have not said yet when you can work from {_day(card['period_start'])} to {_day(card['period_end'])}.",
    )


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
    NotificationKind.SWAP_UNFILLED: _swap_unfilled,
    NotificationKind.SWAP_TO_APPROVE: _swap_to_approve,
    NotificationKind.SWAP_DECLINED: _swap_declined,
    NotificationKind.SWAP_RETURNED: _swap_returned,
    NotificationKind.SWAP_DRAWN: _swap_drawn,
    NotificationKind.EVIDENCE_MISSING: _evidence_missing,
    NotificationKind.EVIDENCE_INCOMPLETE: _evidence_incomplete,
    NotificationKind.NO_ACCESS: _no_access,
    NotificationKind.JOB_LATE: _job_late,
    NotificationKind.JOB_MISSED: _job_missed,
    NotificationKind.ACCESS_CODE_SHOWN: _access_code_shown,
    NotificationKind.WINDOW_CHANGED: _window_changed,
    NotificationKind.WINDOW_REMINDER: _window_reminder,
    NotificationKind.PIN_SET: _pin_set,
    NotificationKind.INVITE_LINK: _invite,
    NotificationKind.RESET_LINK: _reset,
}


def _shift(card: Mapping[str, Any]) -> str:
    return f"the shift in {card['city']} on {_moment(card['starts_at'], card['zone'])}"


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _moment(instant: str, zone: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)):%A %d %B at %H:%M}"


def _day(day: str) -> str:
    return f"{date.fromisoformat(day):%A %d %B}"
