"""The three kinds of failure: `Refused` (expected, typed), `Unavailable` (retried), and the rest, which is a bug.

A refusal carries a stable code, a sentence for people, and the field it speaks of. Codes are part of the contract.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """Stable names of everything a client may be refused for; clients branch on these, never on messages."""

    INVALID = "INVALID"
    """A value that no state of the world would make acceptable; `field` names it."""
    INVALID_ID = "INVALID_ID"
    """Not an id of this schema, or the id of another type."""
    NOT_FOUND = "NOT_FOUND"
    """There is no such object, or it is not yours: the answer is the same for both."""
    ALREADY_EXISTS = "ALREADY_EXISTS"
    """A value that must be unique, or a step that can be taken once, is taken."""
    CONFLICT = "CONFLICT"
    """The object has changed since it was read, or its present state stands against it."""
    FORBIDDEN = "FORBIDDEN"
    """The actor's role may not do or read this."""
    UNAUTHENTICATED = "UNAUTHENTICATED"
    """There is no credential, or it has expired, was revoked, or is for a role that its person no longer has."""
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    """The `clientMutationId` was used before with another input."""
    RATE_LIMITED = "RATE_LIMITED"
    """Too much at once; `retryAfterMs` says when to come back."""
    UNAVAILABLE = "UNAVAILABLE"
    """The database or a provider does not answer in time; a mutation may or may not have been done."""
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    """The present state does not allow this step; where a table says which it allows, `details` lists them."""
    BAD_CREDENTIALS = "BAD_CREDENTIALS"
    """An unknown login, a wrong secret or a disabled person: the answer is the same for all."""
    LOCKED = "LOCKED"
    """Too many wrong secrets in a row; `retryAfterMs` says when the next may be tried."""
    PIN_NOT_SET = "PIN_NOT_SET"
    """The QR token is right, but its cleaner has no PIN yet, or the time to choose the first one is over."""
    PIN_ALREADY_SET = "PIN_ALREADY_SET"
    """The cleaner has chosen a PIN already; only the office can clear it."""
    WEAK_SECRET = "WEAK_SECRET"  # noqa: S105 (a code)
    """The PIN or password is too easy to guess; the message says why."""
    LINK_INVALID = "LINK_INVALID"
    """A mailed link that is unknown, used or too old."""
    ONBOARDING_INCOMPLETE = "ONBOARDING_INCOMPLETE"
    """The cleaner has not finished onboarding, and nothing of jobs and market is open before that."""
    OUTSIDE_GEOFENCE = "OUTSIDE_GEOFENCE"
    """Not at the place, or the position is too vague to tell; `details` has distance and radius in metres."""
    EVIDENCE_INCOMPLETE = "EVIDENCE_INCOMPLETE"
    """Something that this step needs is not shown yet; `details.missing` lists it all."""
    ACCESS_CODE_CLOSED = "ACCESS_CODE_CLOSED"
    """The code of a home is shown from 2 hours before the shift to 1 hour after it; `details` says when."""
    NOT_CONFIGURED = "NOT_CONFIGURED"
    """This installation lacks what it would need for this, as a payment provider; nothing was done."""
    PRICE_CHANGED = "PRICE_CHANGED"
    """The price is another than the one that was seen; `details.lines` explains it, `details.quote` is the new one."""
    QUOTE_EXPIRED = "QUOTE_EXPIRED"
    """The quote's time is over, or it was replaced or used; ask for a new one."""
    CUSTOM_QUOTE_NEEDED = "CUSTOM_QUOTE_NEEDED"
    """The price book has no price for this home; `details.reasons` says why, and the office names one on request."""
    PAYMENT_STATE = "PAYMENT_STATE"
    """The payment's state does not allow this: already captured, already refunded, disputed, not held."""
    REFUND_TOO_LARGE = "REFUND_TOO_LARGE"
    """More than is left of the charge; `details.leftCents` says what is."""
    PAYOUT_STATE = "PAYOUT_STATE"
    """The payout's state does not allow this: already paid, or its reason still stands."""
    SECOND_APPROVER = "SECOND_APPROVER"
    """Above the limit of one person: somebody else of the administrators has to agree."""
    READ_ONLY = "READ_ONLY"
    """The business's plan is unpaid: everything can be read, nothing changed, and nothing is lost."""
    PLAN_LIMIT = "PLAN_LIMIT"
    """The business's plan does not include this; `details` says what it includes."""
    SWAP_ALREADY_TAKEN = "SWAP_ALREADY_TAKEN"
    """The swap is taken, expired, foreign or unknown: the answer is the same for all, and nothing has changed."""
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    """The rules forbid this cleaner to take the shift; `details.reasons` lists every reason."""
    SHIFT_OVERLAP = "SHIFT_OVERLAP"
    """The cleaner would be in two places at once."""
    WINDOW_CLOSED = "WINDOW_CLOSED"
    """The availability window is closed; `details` names the next one."""


class Refused(Exception):
    """Expected: the answer is no. Becomes a `UserError` in the payload and rolls the transaction back."""

    code: Code = Code.INVALID
    message: str = "The request was refused."
    retryable: bool = False

    def __init__(
        self,
        message: str | None = None,
        *,
        field: tuple[str, ...] = (),
        retry_after_ms: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.message = message or type(self).message
        self.field = field
        self.retry_after_ms = retry_after_ms
        self.details = dict(details or {})
        super().__init__(self.message)


class Unavailable(Exception):
    """A provider or the database did not answer; whoever called tries again later."""


class Invalid(Refused):
    """A value that no state of the world would make acceptable (R19); always names its field."""

    code = Code.INVALID
    message = "The value is not valid."


class InvalidId(Refused):
    """Not an id of this schema, or the id of another type."""

    code = Code.INVALID_ID
    message = "This is not an id of the expected type."


class NotFound(Refused):
    """Does not exist, or is not yours: the same answer for both (R3)."""

    code = Code.NOT_FOUND
    message = "There is no such object."


class AlreadyExists(Refused):
    """A value that must be unique inside the tenant is taken."""

    code = Code.ALREADY_EXISTS
    message = "This already exists."


class Conflict(Refused):
    """Somebody changed the object since it was read; read it again and decide anew (A28)."""

    code = Code.CONFLICT
    message = "The object has changed since you read it."


class Forbidden(Refused):
    """The actor's role may not do this."""

    code = Code.FORBIDDEN
    message = "Your role may not do this."


class Unauthenticated(Refused):
    """No credential, or one that is expired or revoked."""

    code = Code.UNAUTHENTICATED
    message = "Sign in first."


class IdempotencyMismatch(Refused):
    """A `clientMutationId` came again with another input."""

    code = Code.IDEMPOTENCY_MISMATCH
    message = "This clientMutationId was used before with another input."


class RateLimited(Refused):
    """Too much at once; `retry_after_ms` says when to come back."""

    code = Code.RATE_LIMITED
    message = "Too many requests."
    retryable = True


class IllegalTransition(Refused):
    """A state machine was asked for a move that its table does not have (R73, R260)."""

    code = Code.ILLEGAL_TRANSITION
    message = "This step is not possible from the present state."


class OnboardingIncomplete(Refused):
    """A cleaner has no access to jobs and market before onboarding is complete (R18)."""

    code = Code.ONBOARDING_INCOMPLETE
    message = "Complete your onboarding first."


class NotConfigured(Refused):
    """Whoever runs this installation has to connect a provider first; nothing is made up in its place."""

    code = Code.NOT_CONFIGURED
    message = "This installation is not connected to a provider for this."


class SwapAlreadyTaken(Refused):
    """The one answer for taken, expired, foreign and unknown swaps alike (R98)."""

    code = Code.SWAP_ALREADY_TAKEN
    message = "Swap was already taken or expired."


class NotEligible(Refused):
    """The cleaner may not take this shift; `details["reasons"]` has every reason's code and message (R82, A27b)."""

    code = Code.NOT_ELIGIBLE
    message = "You cannot take this shift."


class AvailabilityWindowClosed(Refused):
    """Availability came outside the submission window; message and details name the next one (R90)."""

    code = Code.WINDOW_CLOSED
    message = "The availability window is closed."


class BadCredentials(Refused):
    """The one answer for an unknown login, a wrong secret and a disabled person alike."""

    code = Code.BAD_CREDENTIALS
    message = "These credentials are not right."


class Locked(Refused):
    """Too many wrong secrets in a row; `retry_after_ms` says when the next may be tried (R14, A7)."""

    code = Code.LOCKED
    message = "Too many wrong attempts; try again later."
    retryable = True


class PinNotSet(Refused):
    """The QR token is right, but its cleaner has no PIN yet (R11), or the time to set the first one is over (A8)."""

    code = Code.PIN_NOT_SET
    message = "Set your PIN first."


class PinAlreadySet(Refused):
    """The first PIN was chosen already; only the office can clear it (A8)."""

    code = Code.PIN_ALREADY_SET
    message = "A PIN is already set; sign in with it."


class LinkInvalid(Refused):
    """The one answer for a mailed link that is unknown, used or too old."""

    code = Code.LINK_INVALID
    message = "This link is not valid any more; ask for a new one."


class WeakSecret(Refused):
    """A PIN or password that is too easy to guess (A7)."""

    code = Code.WEAK_SECRET
    message = "This is too easy to guess."


class OutsideGeofence(Refused):
    """The position is not at the home, too vague, or made up; `details` has distance and radius in metres (A20)."""

    code = Code.OUTSIDE_GEOFENCE
    message = "You are not at the home."


class EvidenceIncomplete(Refused):
    """Something is not shown yet; `details["missing"]` lists code, message, zone, required and present (R112, R123)."""

    code = Code.EVIDENCE_INCOMPLETE
    message = "Something is still missing."


class AccessCodeClosed(Refused):
    """The code of a home is not shown now; `details` has `opensAt` and `closesAt` (R28)."""

    code = Code.ACCESS_CODE_CLOSED
    message = "The access code is not shown at this time."


class ShiftOverlap(Refused):
    """The cleaner would be in two places at once."""

    code = Code.SHIFT_OVERLAP
    message = "The cleaner already has a shift at that time."


class PriceChanged(Refused):
    """A submitted price differs; nothing was asked of the provider (R43, R222, A33)."""

    code = Code.PRICE_CHANGED
    message = "Price validation failed."


class QuoteExpired(Refused):
    """The quote cannot be used any more."""

    code = Code.QUOTE_EXPIRED
    message = "This quote has expired; ask for a new one."


class CustomQuoteNeeded(Refused):
    """The home needs a price by the office (A31); `details["reasons"]` lists why."""

    code = Code.CUSTOM_QUOTE_NEEDED
    message = "We will name a price for this home; please ask for a quote."


class PaymentState(Refused):
    """The payment does not allow this (R149, R150); `details` has its status."""

    code = Code.PAYMENT_STATE
    message = "The payment's state does not allow this."


class RefundTooLarge(Refused):
    """More than is left of the charge; `details["leftCents"]` says what is."""

    code = Code.REFUND_TOO_LARGE
    message = "This is more than is left of the payment."


class PayoutState(Refused):
    """The payout does not allow this (R171)."""

    code = Code.PAYOUT_STATE
    message = "Payout already processed."


class SecondApprover(Refused):
    """Somebody else has to agree."""

    code = Code.SECOND_APPROVER
    message = "Somebody else has to approve this."


class ReadOnly(Refused):
    """The business's plan is unpaid (A42)."""

    code = Code.READ_ONLY
    message = "The plan of this business is unpaid: it can be read and not changed until it is paid."


class PlanLimit(Refused):
    """The business's plan does not include this (A42); `details` says what it includes."""

    code = Code.PLAN_LIMIT
    message = "The plan of this business does not include this."
