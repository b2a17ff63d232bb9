"""The pages that are printed from the code: `.venv/bin/python -m tests.docs.pages` writes them, a test compares them."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from domain.errors import Code
from domain.scheduling import JOB_TRANSITIONS, PAYMENT_TRANSITIONS, JobStatus, PaymentStatus
from domain.swaps import SWAP_TRANSITIONS, SwapStatus
from schema.types.described import field_docs
from subscriptions import messages
from tests.docs.rules import refreshed

DOCS = Path(__file__).parents[2] / "docs"

NO = "no"
AGAIN = "yes, the same request, a little later"
RETRY: Mapping[Code, str] = {
    Code.INVALID: NO,
    Code.INVALID_ID: NO,
    Code.NOT_FOUND: NO,
    Code.ALREADY_EXISTS: NO,
    Code.CONFLICT: "read the object again, then decide anew",
    Code.FORBIDDEN: NO,
    Code.UNAUTHENTICATED: "after `refreshSession` or a new sign-in",
    Code.IDEMPOTENCY_MISMATCH: "with a new key",
    Code.RATE_LIMITED: "yes, after `retryAfterMs`",
    Code.UNAVAILABLE: f"{AGAIN}; a mutation with its `clientMutationId`, so that it is not done twice",
    Code.ILLEGAL_TRANSITION: NO,
    Code.BAD_CREDENTIALS: NO,
    Code.LOCKED: "after `retryAfterMs`, with the right secret",
    Code.PIN_NOT_SET: "after `setPin`; when its time is over, after the office has reset the PIN",
    Code.PIN_ALREADY_SET: "no; sign in with the PIN",
    Code.WEAK_SECRET: "with another secret",
    Code.LINK_INVALID: "with a new link",
    Code.ONBOARDING_INCOMPLETE: "after onboarding",
    Code.SWAP_ALREADY_TAKEN: NO,
    Code.NOT_ELIGIBLE: "no, unless the schedule changes",
    Code.SHIFT_OVERLAP: "no, unless the schedule changes",
    Code.WINDOW_CLOSED: "when the next window opens",
}

EDGE = (
    ("BAD_REQUEST", "The body, the document or its variables are not right, or beyond a limit.", NO),
    ("INTERNAL", "A bug. Nothing is told but `errorId` (over HTTP), which is in the log.", "once; then report the id"),
)

CLOSES = (
    (messages.TOO_BIG, "A message of more than 256 KiB.", NO),
    (messages.INTERNAL_ERROR, "A bug; it is in the log.", "yes, with backoff"),
    (1012, "The server restarts.", "yes, at once: another process may be there"),
    (messages.TRY_LATER, "The database does not answer.", "yes, with backoff"),
    (messages.BAD_REQUEST, "A message that the protocol does not have, or one of a wrong form.", NO),
    (messages.UNAUTHORIZED, "`subscribe` came before the acknowledgement.", NO),
    (
        messages.FORBIDDEN,
        "The token is bad, has expired or was revoked, or the page's origin may not connect.",
        "yes, with a fresh token (`refreshSession`)",
    ),
    (4404, "There is no websocket at this path.", NO),
    (messages.UNKNOWN_PROTOCOL, "The subprotocol is not `graphql-transport-ws`.", NO),
    (messages.INIT_TIMEOUT, "No `connection_init` within 10 seconds.", "yes"),
    (messages.ID_TAKEN, "The id of an operation that still runs.", NO),
    (messages.INIT_AGAIN, "A second `connection_init`. A new token goes through the mutation `reauthenticate`.", NO),
)


def errors_page() -> str:
    """`docs/errors.md`: every code, what it means, whether to try again."""
    words = field_docs(Code)
    return "\n".join(
        (
            "# Errors",
            "",
            "An expected refusal of a mutation comes as data, in the payload's `errors: [UserError!]!`: `code`, `message`,",
            "`field`, `retryable`, `retryAfterMs`, `details`. Branch on `code`; messages may change. Unless the page says",
            "otherwise a refusal has written nothing. Queries, subscriptions and what is wrong with a request as a whole",
            "answer with GraphQL errors, whose `extensions.code` is one of the same codes or of the second table.",
            "",
            "This page is printed from the code (`.venv/bin/python -m tests.docs.pages`).",
            "",
            "## Codes",
            "",
            *_table(("code", "what it means", "try again?"), ((f"`{c}`", words[c.name], RETRY[c]) for c in Code)),
            "",
            "A failed sign-in, a counted guess and the reuse of an old refresh token are refusals that are remembered: what",
            "they wrote stays.",
            "",
            "## Codes of GraphQL errors only",
            "",
            *_table(("code", "what it means", "try again?"), ((f"`{code}`", *rest) for code, *rest in EDGE)),
            "",
            "With `accept: application/graphql-response+json` the status is 200 where there is data, 401 for",
            "`UNAUTHENTICATED`, 503 for `UNAVAILABLE`, 400 for all else. A client that only knows `application/json` gets 200",
            "for errors of the last kind. A body over 1 MiB is 413.",
            "",
            "## Close codes of the websocket",
            "",
            *_table(("code", "why", "connect again?"), ((str(code), *rest) for code, *rest in CLOSES)),
            "",
            "An operation that is refused does not close the socket: it gets an `error` message, and its id is free again.",
            "",
        )
    )


def states_page() -> str:
    """`docs/states.md`: the published transition tables."""
    machines: tuple[tuple[str, Any, Any], ...] = (
        ("Job", JobStatus, JOB_TRANSITIONS),
        ("Payment of a job", PaymentStatus, PAYMENT_TRANSITIONS),
        ("Swap", SwapStatus, SWAP_TRANSITIONS),
    )
    head = (
        "# States",
        "",
        "Which state may follow which (A17, A27b). Any other move is refused with `ILLEGAL_TRANSITION` and changes nothing",
        "(R73, R260). The same tables are in the descriptions of the schema's enums.",
        "",
        "This page is printed from the code (`.venv/bin/python -m tests.docs.pages`).",
        "",
    )
    return "\n".join((*head, *(line for machine in machines for line in _machine(*machine))))


def _machine(title: str, states: type[StrEnum], table: Mapping[StrEnum, frozenset[StrEnum]]) -> list[str]:
    words = field_docs(states)
    rows = ((f"`{s}`", words[s.name], ", ".join(f"`{t}`" for t in states if t in table[s]) or "(final)") for s in states)
    return [f"## {title}", "", *_table(("state", "what it means", "may become"), rows), ""]


def _table(head: tuple[str, ...], rows: Any) -> list[str]:
    lines = (f"| {' | '.join(row)} |" for row in rows)
    return [f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *lines]


PAGES: Mapping[str, Callable[[], str]] = {
    "errors.md": errors_page,
    "states.md": states_page,
    "rules.md": lambda: refreshed((DOCS / "rules.md").read_text()),
}

if __name__ == "__main__":
    for name, printed in PAGES.items():
        (DOCS / name).write_text(printed())
