"""What must always be true of money, as far as our own rows can show it broken (R237, R239, A13).

Each rule is a kind of alarm: raised for every row that breaks it, cleared by the first check that finds it mended.
"""

from collections.abc import Mapping
from enum import StrEnum


class Invariant(StrEnum):
    """A rule of the books and of the rows that they are about."""

    CHARGED_ONCE = "CHARGED_ONCE"
    CAPTURE_AS_AGREED = "CAPTURE_AS_AGREED"
    CAPTURE_PROVEN = "CAPTURE_PROVEN"
    PAID_ONCE = "PAID_ONCE"
    WITHIN_CHARGE = "WITHIN_CHARGE"
    JOB_ADDS_UP = "JOB_ADDS_UP"
    BUSINESS_ADDS_UP = "BUSINESS_ADDS_UP"
    REFUNDS_WITHIN_CHARGE = "REFUNDS_WITHIN_CHARGE"
    RESERVE_NOT_OVERDRAWN = "RESERVE_NOT_OVERDRAWN"
    BOOKS_BALANCE = "BOOKS_BALANCE"
    EVERYTHING_BOOKED = "EVERYTHING_BOOKED"
    STEPS_FINISH = "STEPS_FINISH"
    NOTICES_HANDLED = "NOTICES_HANDLED"
    JOB_SHOWS_PAYMENT = "JOB_SHOWS_PAYMENT"
    HOLDS_END = "HOLDS_END"
    HOLDS_EXPLAINED = "HOLDS_EXPLAINED"
    WORKERS_PAID = "WORKERS_PAID"
    OWN_MARKS = "OWN_MARKS"
    INVOICES_ADD_UP = "INVOICES_ADD_UP"


WORDS: Mapping[Invariant, str] = {
    Invariant.CHARGED_ONCE: "A clean has at most one charge and one live hold; one that was paid before is never held.",
    Invariant.CAPTURE_AS_AGREED: "What is captured is what was agreed when it was booked, or less for a known reason.",
    Invariant.CAPTURE_PROVEN: "Nothing is captured of a hold without complete proof, but for a fee by policy.",
    Invariant.PAID_ONCE: "A payout has exactly one transfer if released, and none otherwise; to its own account.",
    Invariant.WITHIN_CHARGE: "What is transferred out of a charge is at most what was captured.",
    Invariant.JOB_ADDS_UP: "Captured is reserve, payouts, tips, fee and margin, to the cent.",
    Invariant.BUSINESS_ADDS_UP: "What the books say was captured is what the payments say.",
    Invariant.REFUNDS_WITHIN_CHARGE: "Refunds and lost disputes are at most what was captured; none while disputed.",
    Invariant.RESERVE_NOT_OVERDRAWN: "The reserve is never below nothing, and the parts of a refund are all of it.",
    Invariant.BOOKS_BALANCE: "The postings of each entry add up to zero.",
    Invariant.EVERYTHING_BOOKED: "Each movement of money has exactly one entry.",
    Invariant.STEPS_FINISH: "No step at the provider stands still.",
    Invariant.NOTICES_HANDLED: "What the provider tells is worked off within an hour.",
    Invariant.JOB_SHOWS_PAYMENT: "A clean shows the state of the payment that is current for it.",
    Invariant.HOLDS_END: "No hold outlives its clean by an hour, nor its own time; one that lapsed was decided on.",
    Invariant.HOLDS_EXPLAINED: "A held payout says why.",
    Invariant.WORKERS_PAID: "Who is paid has worked; the parts are those of the formula; laundry is paid once.",
    Invariant.OWN_MARKS: "No step of a business carries the mark of another.",
    Invariant.INVOICES_ADD_UP: "An invoice's total is that of its lines; none charges a clean that is paid already.",
}
