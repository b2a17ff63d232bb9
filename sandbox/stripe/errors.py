"""The provider's refusals, as JSON bodies with their HTTP status."""

from typing import Any

from sandbox.stripe import Json


class StripeError(Exception):
    """One error answer.

    `keeps`: the effects of the request stay (a declined charge is a fact); otherwise they are undone.
    `stored`: the answer is kept under the idempotency key (execution began).
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        *,
        type: str = "invalid_request_error",
        keeps: bool = False,
        stored: bool = True,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.keeps = keeps
        self.stored = stored
        self.headers = headers or {}
        self.error: Json = {"type": type, "message": message, **{k: v for k, v in fields.items() if v is not None}}
        if code:
            self.error["code"] = code
            self.error["doc_url"] = f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}"

    @property
    def body(self) -> Json:
        """The answer's JSON."""
        return {"error": self.error}


def refused(message: str, code: str | None = None, **fields: Any) -> StripeError:
    """A 400 that the resource itself decided: stored under the key, nothing changed."""
    return StripeError(400, message, code, **fields)


def invalid(message: str, code: str | None = None, param: str | None = None) -> StripeError:
    """A 400 for a parameter, before execution began: not stored under the key."""
    return StripeError(400, message, code, param=param, stored=False)


def missing(kind: str, id: str, param: str = "id") -> StripeError:
    """`No such customer: 'cus_1'`: 404 for the object of the path, 400 for one named by a parameter."""
    return StripeError(
        404 if param in {"id", "intent"} else 400, f"No such {kind}: '{id}'", "resource_missing", param=param
    )
