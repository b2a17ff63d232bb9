"""How a refusal looks to a client: data in the payload, never an exception of the transport."""

import strawberry
from strawberry.scalars import JSON

from domain.errors import Code, Refused
from schema.types.described import described


@described
@strawberry.type
class UserError:
    """An expected refusal. Nothing was written, except where the refusal itself is remembered (a failed sign-in)."""

    code: Code
    """The stable name; branch on this."""
    message: str
    """A sentence for people; its wording may change."""
    field: list[str]
    """The path of the input field that it speaks of; empty where it speaks of the whole."""
    retryable: bool
    """Whether the same request may succeed later, unchanged."""
    retry_after_ms: int | None
    """How many milliseconds to wait before trying again, where that is known."""
    details: JSON | None
    """More for programs, by code: all reasons of NOT_ELIGIBLE, the next window of WINDOW_CLOSED."""

    @classmethod
    def of(cls, refusal: Refused) -> "UserError":
        """The refusal as the client sees it."""
        return cls(
            code=refusal.code,
            message=refusal.message,
            field=list(refusal.field),
            retryable=refusal.retryable or refusal.retry_after_ms is not None,
            retry_after_ms=refusal.retry_after_ms,
            details=JSON(refusal.details) if refusal.details else None,
        )
