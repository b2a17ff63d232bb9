"""The three kinds of failure: `Refused` (expected, typed), `Unavailable` (retried), and everything else, which is a bug.

A refusal carries a stable code, a sentence for people, and the field it speaks of. Codes are part of the contract.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """Stable names of everything a client may be refused for; clients branch on these, never on messages."""

    INVALID = "INVALID"
    INVALID_ID = "INVALID_ID"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    CONFLICT = "CONFLICT"
    FORBIDDEN = "FORBIDDEN"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    RATE_LIMITED = "RATE_LIMITED"
    UNAVAILABLE = "UNAVAILABLE"
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    BAD_CREDENTIALS = "BAD_CREDENTIALS"
    LOCKED = "LOCKED"
    PIN_NOT_SET = "PIN_NOT_SET"
    PIN_ALREADY_SET = "PIN_ALREADY_SET"
    WEAK_SECRET = "WEAK_SECRET"
    LINK_INVALID = "LINK_INVALID"
    ONBOARDING_INCOMPLETE = "ONBOARDING_INCOMPLETE"
    SWAP_ALREADY_TAKEN = "SWAP_ALREADY_TAKEN"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    SHIFT_OVERLAP = "SHIFT_OVERLAP"
    WINDOW_CLOSED = "WINDOW_CLOSED"


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


class SwapAlreadyTaken(Refused):
    """The one answer for taken, expired, foreign and unknown swaps alike (R98)."""

    code = Code.SWAP_ALREADY_TAKEN
    message = "Swap was already taken or expired."
