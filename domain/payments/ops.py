"""One step of money at the provider: what it is for, and where it stands.

An op is planned in the transaction that wants it, sent without one, and recorded in another. Its row keeps what was
asked, frozen; a definite refusal ends it, and whoever wants the same again makes another attempt with another key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class OpKind(StrEnum):
    """What a step is for; its subject is the row of ours that it is about."""

    CUSTOMER = "CUSTOMER"
    """A customer becomes known to the provider (R44); about the customer."""
    METHOD = "METHOD"
    """A card is saved for later (R264); about the payment method."""
    METHOD_GONE = "METHOD_GONE"
    """A saved card is taken off; about the payment method."""
    SETUP = "SETUP"
    """A card is agreed for later without a payment; about the payment method."""
    INTENT = "INTENT"
    """A payment is made known, and nothing is asked of the card yet; about the payment."""
    CONFIRM = "CONFIRM"
    """The card is asked: a hold, or a charge at once; about the payment, and repeated after a decline."""
    CAPTURE = "CAPTURE"
    """A hold becomes a charge; about the payment."""
    RELEASE = "RELEASE"
    """A hold, or a payment that never came to be, is let go; about the payment."""
    REFUND = "REFUND"
    """Money goes back; about the refund."""
    TRANSFER = "TRANSFER"
    """A cleaner is paid; about the payout."""
    REVERSAL = "REVERSAL"
    """A cleaner's pay is taken back; about the refund's part of a payout."""
    DISPUTE_EVIDENCE = "DISPUTE_EVIDENCE"
    """A dispute is answered; about the dispute."""
    PLAN_CUSTOMER = "PLAN_CUSTOMER"
    """A business becomes known to the platform's account; about its subscription."""
    PLAN_CHECKOUT = "PLAN_CHECKOUT"
    """The page on which a business pays for its plan; about the checkout."""
    PLAN_CHANGE = "PLAN_CHANGE"
    """A business's plan is changed or ended; about the change."""
    PLAN_REFUND = "PLAN_REFUND"
    """What a business paid for a second plan goes back to it; about the plan's invoice."""


class OpState(StrEnum):
    """Where a step stands."""

    PLANNED = "PLANNED"
    """Wanted, and not sent yet."""
    SENT = "SENT"
    """Sent, or about to be: whoever finds it so sends it again with the same key."""
    UNKNOWN = "UNKNOWN"
    """Sent, and nobody knows what became of it: the same again, or looked up once it is too old for that."""
    SUCCEEDED = "SUCCEEDED"
    """The provider has done it, and it is recorded."""
    FAILED = "FAILED"
    """Definitely refused, taken back before it was sent, or given up with its account: no money has moved by it."""


OP_TRANSITIONS: Mapping[OpState, frozenset[OpState]] = {
    OpState.PLANNED: frozenset({OpState.SENT, OpState.FAILED, OpState.SUCCEEDED}),
    # Back to where it was: the provider knew us not, and looked at nothing.
    OpState.SENT: frozenset({OpState.PLANNED, OpState.SENT, OpState.UNKNOWN, OpState.SUCCEEDED, OpState.FAILED}),
    OpState.UNKNOWN: frozenset({OpState.SENT, OpState.UNKNOWN, OpState.SUCCEEDED, OpState.FAILED}),
    OpState.SUCCEEDED: frozenset(),
    OpState.FAILED: frozenset(),
}

OPEN_OPS = (OpState.PLANNED, OpState.SENT, OpState.UNKNOWN)
STANDING_OPS = (*OPEN_OPS, OpState.SUCCEEDED)
"""Of one kind and subject there is at most one step in these states."""

LOOK_UP_AFTER = timedelta(hours=20)
"""Providers forget keys after 24 hours: what is unknown for so long is looked up, never sent again."""
FORBIDDEN_WAITS = timedelta(hours=6)
"""How long what our key may not do is tried, from its first such refusal on, before it counts as refused."""
REFUSED_STANDS = timedelta(days=5)
"""So long a step that failed by a fault of ours speaks against all being well, unless it was done since."""
LOOK_UP_AGAIN = timedelta(minutes=10)
"""Absent twice, so long apart, it was never done."""
LEASE = timedelta(seconds=40)
"""How long whoever sends a step has for it before somebody else may take it up; a call lasts 30 s at most."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A place between two steps at which a process may die, by name: tests end it there."""

    name: str


BEFORE_SEND = Boundary("before_send")
"""The op is planned, nobody has begun it."""
SENT = Boundary("sent")
"""It is marked as sent, the call has not been made."""
CALLED = Boundary("called")
"""The provider has answered, nothing is recorded."""
RECORDED = Boundary("recorded")
"""It is recorded, the task is not done."""
BOUNDARIES = (BEFORE_SEND, SENT, CALLED, RECORDED)
