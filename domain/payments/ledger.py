"""The books of a business: double entry in integer cents, append-only, a currency at a time (A13).

A posting is positive on the debit side and negative on the credit side; the postings of an entry add up to zero. What
was wrong is put right by another entry, never by a change.

The reserve moves by the three kinds of R152: a deduction when a clean is captured, a refund to its customer, and a
withdrawal when the customer's bank takes the money itself. The business does not take it out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Account(StrEnum):
    """Where money stands."""

    CASH = "CASH"
    """What the business has with its provider, available and on the way."""
    BANK = "BANK"
    """What the provider has paid out to the business's bank."""
    FEES = "FEES"
    """What the provider keeps."""
    REVENUE = "REVENUE"
    """What is the business's own of a clean: the price less reserve and the cleaners' pay."""
    RESERVE = "RESERVE"
    """Put by for refunds and disputes (R151 to R153)."""
    PAYABLE = "PAYABLE"
    """Owed to cleaners."""
    TIPS = "TIPS"
    """Owed to cleaners of what customers gave them (A34)."""
    REFUNDS_DUE = "REFUNDS_DUE"
    """Promised back to customers and not gone out yet."""
    LOSSES = "LOSSES"
    """Refunds and disputes beyond the reserve, borne by the business."""
    PAYROLL = "PAYROLL"
    """Paid to cleaners outside of this installation, by the business's own payroll (A41)."""
    RECEIVABLE = "RECEIVABLE"
    """Taken back from cleaners after a refund, or to be."""


class EntryKind(StrEnum):
    """What an entry is about; reserve movements are R152's deduction, refund and withdrawal."""

    CAPTURE = "CAPTURE"
    TIP = "TIP"
    FEE = "FEE"
    EARNED = "EARNED"
    """Reserve and pay are taken out of what was captured, once the clean is proven."""
    TRANSFER = "TRANSFER"
    REVERSAL = "REVERSAL"
    REFUND_RESERVED = "REFUND_RESERVED"
    REFUND = "REFUND"
    REFUND_FAILED = "REFUND_FAILED"
    DISPUTE = "DISPUTE"
    DISPUTE_WON = "DISPUTE_WON"
    BANK_PAYOUT = "BANK_PAYOUT"
    PAYROLL = "PAYROLL"
    RESERVE_WITHDRAWAL = "RESERVE_WITHDRAWAL"
    ADJUSTMENT = "ADJUSTMENT"
    """An administrator's correction, with a reason."""


@dataclass(frozen=True, slots=True)
class Posting:
    """Cents on one account: positive is debit, negative credit."""

    account: Account
    cents: int


def balanced(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The postings of one entry without those of nothing. Raises `ValueError` unless they add up to zero: a bug."""
    kept = tuple(posting for posting in postings if posting.cents)
    if any(type(posting.cents) is not int for posting in kept) or sum(posting.cents for posting in kept) != 0:
        message = f"an entry must balance: {kept}"
        raise ValueError(message)
    return kept
