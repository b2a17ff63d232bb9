"""Messages to people: channels, kinds, and the plain words that each kind is written in (R184 to R190, A38)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.availability import WindowState
from domain.money import written
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
    SHIFT_REMINDER = "SHIFT_REMINDER"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    PAYMENT_TO_CONFIRM = "PAYMENT_TO_CONFIRM"
    CARD_NEEDED = "CARD_NEEDED"
    HOLD_FAILED = "HOLD_FAILED"
    HOLD_LAPSES = "HOLD_LAPSES"
    PAYOUT_HELD = "PAYOUT_HELD"
    PAYOUT_HELD_OFFICE = "PAYOUT_HELD_OFFICE"
    PAYOUT_PAID = "PAYOUT_PAID"
    REFUND_TO_APPROVE = "REFUND_TO_APPROVE"
    REFUND_MADE = "REFUND_MADE"
    REFUND_FAILED = "REFUND_FAILED"
    DISPUTE_OPENED = "DISPUTE_OPENED"
    DISPUTE_DUE = "DISPUTE_DUE"
    DISPUTE_CLOSED = "DISPUTE_CLOSED"
    INVOICE_ISSUED = "INVOICE_ISSUED"
    MONEY_ALARM = "MONEY_ALARM"
    BOOKING_CONFIRMED = "BOOKING_CONFIRMED"
    QUOTE_REQUESTED = "QUOTE_REQUESTED"
    QUOTE_NAMED = "QUOTE_NAMED"
    QUOTE_REFUSED = "QUOTE_REFUSED"
    PIN_SET = "PIN_SET"
    INVITE_LINK = "INVITE_LINK"
    RESET_LINK = "RESET_LINK"
    SIGN_IN_LINK = "SIGN_IN_LINK"
    PLAN_CHANGED = "PLAN_CHANGED"


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
    NotificationKind.SHIFT_REMINDER: (Channel.SMS,),
    NotificationKind.PAYMENT_DECLINED: (Channel.EMAIL, Channel.SMS),
    NotificationKind.PAYMENT_TO_CONFIRM: (Channel.EMAIL, Channel.SMS),
    NotificationKind.CARD_NEEDED: (Channel.EMAIL, Channel.SMS),
    NotificationKind.HOLD_FAILED: (Channel.EMAIL,),
    NotificationKind.HOLD_LAPSES: (Channel.EMAIL,),
    NotificationKind.PAYOUT_HELD: (Channel.PUSH, Channel.EMAIL),
    NotificationKind.PAYOUT_HELD_OFFICE: (Channel.EMAIL,),
    NotificationKind.PAYOUT_PAID: (Channel.PUSH,),
    NotificationKind.REFUND_TO_APPROVE: (Channel.EMAIL,),
    NotificationKind.REFUND_MADE: (Channel.EMAIL,),
    NotificationKind.REFUND_FAILED: (Channel.EMAIL,),
    NotificationKind.DISPUTE_OPENED: (Channel.EMAIL,),
    NotificationKind.DISPUTE_DUE: (Channel.EMAIL,),
    NotificationKind.DISPUTE_CLOSED: (Channel.EMAIL,),
    NotificationKind.INVOICE_ISSUED: (Channel.EMAIL,),
    NotificationKind.MONEY_ALARM: (Channel.EMAIL,),
    NotificationKind.BOOKING_CONFIRMED: (Channel.EMAIL,),
    NotificationKind.QUOTE_REQUESTED: (Channel.EMAIL,),
    NotificationKind.QUOTE_NAMED: (Channel.EMAIL,),
    NotificationKind.QUOTE_REFUSED: (Channel.EMAIL,),
    NotificationKind.PIN_SET: (Channel.SMS,),
    NotificationKind.INVITE_LINK: (Channel.EMAIL,),
    NotificationKind.RESET_LINK: (Channel.EMAIL,),
    NotificationKind.SIGN_IN_LINK: (Channel.EMAIL,),
    NotificationKind.PLAN_CHANGED: (Channel.EMAIL,),
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


def _shift_reminder(card: Mapping[str, Any]) -> Content:
    return Content("Your shift tomorrow", f"You are on for {_shift(card)}. If you cannot come, tell the office now.")


def _payment_declined(card: Mapping[str, Any]) -> Content:
    again = f" We try again {_moment(card['again'], card['zone'])}." if card["again"] else ""
    body = f"{_due(card)} {card['words']}{again} You can give another card here: {card['link']}"
    return Content("Your card was declined", body)


def _payment_to_confirm(card: Mapping[str, Any]) -> Content:
    return Content("Please confirm a payment", f"{_due(card)} Your bank wants you to confirm it: {card['link']}")


def _card_needed(card: Mapping[str, Any]) -> Content:
    body = f"It is about {_clean(card)}. No card is saved for it; please give one here: {card['link']}"
    return Content("We need a card from you", body)


def _hold_failed(card: Mapping[str, Any]) -> Content:
    return Content("A clean may not be paid", f"It is about {_clean(card)}. {card['why']}")


def _hold_lapses(card: Mapping[str, Any]) -> Content:
    until = _moment(card["capture_before"], card["zone"])
    return Content("A hold will lapse", f"{_due(card)} What is held lapses on {until} unless it is captured.")


def _payout_held(card: Mapping[str, Any]) -> Content:
    return Content("Your pay is held", f"{_pay(card)} {card['why']} {card['your_part']}")


def _payout_held_office(card: Mapping[str, Any]) -> Content:
    return Content("A payout is held", f"{_pay(card)} {card['why']} {card['what_to_do']}")


def _payout_paid(card: Mapping[str, Any]) -> Content:
    return Content("You have been paid", f"{_pay(card)} It is on its way to your bank.")


def _refund_to_approve(card: Mapping[str, Any]) -> Content:
    body = f"A refund of {_amount(card)} waits for a second person: {card['reason']}"
    return Content("A refund waits for your approval", body)


def _refund_made(card: Mapping[str, Any]) -> Content:
    body = f"Hello {card['name']}, {_amount(card)} is on its way back to your card. Your bank shows it in some days."
    return Content("Your refund is on its way", body)


def _refund_failed(card: Mapping[str, Any]) -> Content:
    body = f"A refund of {_amount(card)} could not be made, or came back. Nothing is put by for it any more."
    return Content("A refund has failed", body)


def _dispute_opened(card: Mapping[str, Any]) -> Content:
    until = f" Answer until {_moment(card['due_by'], 'UTC')} (UTC)." if card["due_by"] else ""
    body = f"A customer's bank disputes {_amount(card)} ({card['reason']}).{until} A draft of the answer is ready."
    return Content("A payment is disputed", body)


def _dispute_due(card: Mapping[str, Any]) -> Content:
    body = f"The dispute about {_amount(card)} is not answered, and can be only until"
    return Content("A dispute has to be answered", f"{body} {_moment(card['due_by'], 'UTC')} (UTC).")


def _dispute_closed(card: Mapping[str, Any]) -> Content:
    return Content("A dispute is decided", f"The dispute about {_amount(card)} is {str(card['status']).lower()}.")


def _invoice_issued(card: Mapping[str, Any]) -> Content:
    due = f", due on {card['due_on']}" if card["due_on"] else ""
    body = f"Hello {card['name']}, invoice {card['number']} is about {_amount(card)}{due}."
    return Content(f"Invoice {card['number']}", f"{body} You find it with your account.")


def _money_alarm(card: Mapping[str, Any]) -> Content:
    body = f"The check of the books has found something: {card['kind'].replace('_', ' ')}. The money page shows it."
    return Content("Money is not as it must be", body)


def _amount(card: Mapping[str, Any]) -> str:
    return f"{written(card['amount_cents'])} {card['currency']}"


def _booking_confirmed(card: Mapping[str, Any]) -> Content:
    paid = f"{written(card['total_cents'])} {card['currency']}"
    when = f" on {_moment(card['starts_at'], card['zone'])}" if card["starts_at"] else ""
    body = f"Hello {card['name']}, your first clean at {card['address']}{when} is booked and paid: {paid}.\n"
    return Content("Your clean is booked", body + _listed(card["next_steps"]))


def _quote_requested(card: Mapping[str, Any]) -> Content:
    return Content("A price is wanted", f"{card['name']} asks for a price.\n{_listed(card['reasons'])}")


def _quote_named(card: Mapping[str, Any]) -> Content:
    price = f"{written(card['total_cents'])} {card['currency']} for each clean"
    return Content("Your price", f"Hello {card['name']}, it is {price}. Open your booking to accept it. {card['note']}")


def _quote_refused(card: Mapping[str, Any]) -> Content:
    return Content("We have no price for your home", f"Hello {card['name']}, we cannot take it on. {card['note']}")


def _pin_set(card: Mapping[str, Any]) -> Content:
    return Content("Your PIN was set", "A PIN for Cleanshift was set. If this was not you, call the office.")


def _invite(card: Mapping[str, Any]) -> Content:
    return Content("Your invitation", f"Hello {card['name']}, choose your password here: {card['link']}")


def _reset(card: Mapping[str, Any]) -> Content:
    return Content("Reset your password", f"Hello {card['name']}, choose a new password here: {card['link']}")


def _sign_in(card: Mapping[str, Any]) -> Content:
    body = f"Hello {card['name']}, this link signs you in once, within 15 minutes: {card['link']}"
    return Content(f"Your link to {card['business']}", body)


def _plan_changed(card: Mapping[str, Any]) -> Content:
    return Content("Your cleaning plan has changed", card["said"])


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
    NotificationKind.SHIFT_REMINDER: _shift_reminder,
    NotificationKind.PAYMENT_DECLINED: _payment_declined,
    NotificationKind.PAYMENT_TO_CONFIRM: _payment_to_confirm,
    NotificationKind.CARD_NEEDED: _card_needed,
    NotificationKind.HOLD_FAILED: _hold_failed,
    NotificationKind.HOLD_LAPSES: _hold_lapses,
    NotificationKind.PAYOUT_HELD: _payout_held,
    NotificationKind.PAYOUT_HELD_OFFICE: _payout_held_office,
    NotificationKind.PAYOUT_PAID: _payout_paid,
    NotificationKind.REFUND_TO_APPROVE: _refund_to_approve,
    NotificationKind.REFUND_MADE: _refund_made,
    NotificationKind.REFUND_FAILED: _refund_failed,
    NotificationKind.DISPUTE_OPENED: _dispute_opened,
    NotificationKind.DISPUTE_DUE: _dispute_due,
    NotificationKind.DISPUTE_CLOSED: _dispute_closed,
    NotificationKind.INVOICE_ISSUED: _invoice_issued,
    NotificationKind.MONEY_ALARM: _money_alarm,
    NotificationKind.BOOKING_CONFIRMED: _booking_confirmed,
    NotificationKind.QUOTE_REQUESTED: _quote_requested,
    NotificationKind.QUOTE_NAMED: _quote_named,
    NotificationKind.QUOTE_REFUSED: _quote_refused,
    NotificationKind.PIN_SET: _pin_set,
    NotificationKind.INVITE_LINK: _invite,
    NotificationKind.RESET_LINK: _reset,
    NotificationKind.SIGN_IN_LINK: _sign_in,
    NotificationKind.PLAN_CHANGED: _plan_changed,
}


def _shift(card: Mapping[str, Any]) -> str:
    return f"the shift in {card['city']} on {_moment(card['starts_at'], card['zone'])}"


def _pay(card: Mapping[str, Any]) -> str:
    what = "a tip" if card["kind"] == "TIP" else "pay"
    return f"It is about {what} of {written(card['amount_cents'])} {card['currency']} for {_shift(card)}."


def _clean(card: Mapping[str, Any]) -> str:
    return f"the clean in {card['city']} on {_moment(card['starts_at'], card['zone'])}"


def _due(card: Mapping[str, Any]) -> str:
    return f"It is about {written(card['amount_cents'])} {card['currency']} for {_clean(card)}."


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _moment(instant: str, zone: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)):%A %d %B at %H:%M}"


def _day(day: str) -> str:
    return f"{date.fromisoformat(day):%A %d %B}"
