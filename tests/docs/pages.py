"""The pages that are printed from the code: `.venv/bin/python -m tests.docs.pages` writes, a test compares them."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from domain.booking import DRAFT_TRANSITIONS, DraftStatus
from domain.errors import Code
from domain.fieldwork.phases import VISIT_TRANSITIONS, VisitPhase
from domain.fieldwork.photos import PHOTO_TRANSITIONS, PhotoStatus
from domain.payments.ops import OP_TRANSITIONS, OpState
from domain.payments.payouts import PAYOUT_TRANSITIONS, PayoutStatus
from domain.payments.states import (
    INVOICE_TRANSITIONS,
    REFUND_TRANSITIONS,
    SUBSCRIPTION_TRANSITIONS,
    InvoiceStatus,
    RefundStatus,
    SubscriptionStatus,
)
from domain.plans import PLAN_TRANSITIONS, PlanStatus
from domain.quotes import QUOTE_REQUEST_TRANSITIONS, QUOTE_TRANSITIONS, QuoteRequestStatus, QuoteStatus
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
    Code.NOT_CONFIGURED: "when the installation has a provider",
    Code.PRICE_CHANGED: "look at the new quote, then confirm that",
    Code.QUOTE_EXPIRED: "with the new quote",
    Code.CUSTOM_QUOTE_NEEDED: "once the office has named a price",
    Code.PAYMENT_STATE: "no, unless the payment's state changes",
    Code.REFUND_TOO_LARGE: "with at most `details.leftCents`",
    Code.PAYOUT_STATE: "no, unless the payout's state changes",
    Code.SECOND_APPROVER: "by somebody else of the administrators",
    Code.OUTSIDE_GEOFENCE: "with a better position, at the home",
    Code.EVIDENCE_INCOMPLETE: "once what is missing is there",
    Code.ACCESS_CODE_CLOSED: "from `opensAt` on",
    Code.SWAP_ALREADY_TAKEN: NO,
    Code.NOT_ELIGIBLE: "no, unless the schedule changes",
    Code.SHIFT_OVERLAP: "no, unless the schedule changes",
    Code.WINDOW_CLOSED: "when the next window opens",
    Code.READ_ONLY: "when the plan is paid: `choosePlan`",
    Code.PLAN_LIMIT: "with a larger plan: `choosePlan`",
}

EDGE = (
    ("BAD_REQUEST", "The body, the document or its variables are not right, or beyond a limit.", NO),
    ("INTERNAL", "A bug. All that is told of it is its `errorId`, which is in the log.", "once; then report the id"),
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
        "The token is bad, has expired or was revoked, or a new one is somebody else's.",
        "yes, with a fresh token (`refreshSession`)",
    ),
    (messages.UNKNOWN_PROTOCOL, "The subprotocol is not `graphql-transport-ws`.", NO),
    (messages.INIT_TIMEOUT, "No `connection_init` within 10 seconds.", "yes"),
    (messages.ID_TAKEN, "The id of an operation that still runs.", NO),
    (messages.INIT_AGAIN, "A second `connection_init`. A new token goes through the mutation `reauthenticate`.", NO),
)


ERRORS = """# Errors

An expected refusal of a mutation comes as data, in the payload's `errors: [UserError!]!`: `code`, `message`, `field`,
`retryable`, `retryAfterMs`, `details`. Branch on `code`; messages may change. Unless this page says otherwise, a
refusal has written nothing. Queries, subscriptions, and what is wrong with a request as a whole, answer with GraphQL
errors, whose `extensions.code` is one of the same codes or of the second table.

This page is printed from the code (`.venv/bin/python -m tests.docs.pages`).

## Codes

{codes}

A failed sign-in, the reuse of an old refresh token, and a check-in from elsewhere are refusals that are remembered:
what they wrote stays.

## Codes of GraphQL errors only

{edge}

With `accept: application/graphql-response+json` the status is 200 where there is data, 401 for `UNAUTHENTICATED`, 503
for `UNAVAILABLE`, 400 for all else. A client that only knows `application/json` gets 200 for errors of the last kind,
as long as the request itself could be read. A body over 1 MiB is 413.

## Close codes of the websocket

{closes}

An operation that is refused does not close the socket: it gets an `error` message, and its id is free again. A page of
a foreign origin, and any path but `/graphql`, is refused at the handshake (403). A client that does not read for ten
seconds is dropped without a close frame.
"""

STATES = """# States

Which state may follow which (A17, A27b). Any other move is refused with `ILLEGAL_TRANSITION`, or with the code that
says more (`SWAP_ALREADY_TAKEN` for who comes too late), and changes nothing (R73, R260). The same tables are in the
descriptions of the schema's enums.

This page is printed from the code (`.venv/bin/python -m tests.docs.pages`).

{machines}
"""


def errors_page() -> str:
    """`docs/errors.md`: every code, what it means, whether to try again."""
    words = field_docs(Code)
    return ERRORS.format(
        codes=_table(("code", "what it means", "try again?"), ((f"`{c}`", words[c.name], RETRY[c]) for c in Code)),
        edge=_table(("code", "what it means", "try again?"), ((f"`{code}`", *rest) for code, *rest in EDGE)),
        closes=_table(("code", "why", "connect again?"), ((str(code), *rest) for code, *rest in CLOSES)),
    )


def states_page() -> str:
    """`docs/states.md`: the published transition tables."""
    machines = (
        _machine("Job", JobStatus, JOB_TRANSITIONS),
        _machine("Payment of a job", PaymentStatus, PAYMENT_TRANSITIONS),
        _machine("Swap", SwapStatus, SWAP_TRANSITIONS),
        _machine("Visit: one cleaner's way through one job", VisitPhase, VISIT_TRANSITIONS),
        _machine("Photo", PhotoStatus, PHOTO_TRANSITIONS),
        _machine("Booking", DraftStatus, DRAFT_TRANSITIONS),
        _machine("Quote", QuoteStatus, QUOTE_TRANSITIONS),
        _machine("Quote request", QuoteRequestStatus, QUOTE_REQUEST_TRANSITIONS),
        _machine("Service plan", PlanStatus, PLAN_TRANSITIONS),
        _machine("Payout", PayoutStatus, PAYOUT_TRANSITIONS),
        _machine("Refund", RefundStatus, REFUND_TRANSITIONS),
        _machine("Invoice", InvoiceStatus, INVOICE_TRANSITIONS),
        _machine("Step at the payment provider", OpState, OP_TRANSITIONS),
        _machine("A business's own plan with the platform", SubscriptionStatus, SUBSCRIPTION_TRANSITIONS),
    )
    return STATES.format(machines="\n\n".join(machines))


def _machine(title: str, states: type[StrEnum], table: Mapping[Any, frozenset[Any]]) -> str:
    words = field_docs(states)
    rows = (
        (f"`{s}`", words[s.name], ", ".join(f"`{t}`" for t in states if t in table[s]) or "(final)") for s in states
    )
    return f"## {title}\n\n{_table(('state', 'what it means', 'may become'), rows)}"


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join((f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *lines))


PAGES: Mapping[str, Callable[[], str]] = {
    "errors.md": errors_page,
    "states.md": states_page,
    "rules.md": lambda: refreshed((DOCS / "rules.md").read_text()),
}

if __name__ == "__main__":
    for name, printed in PAGES.items():
        (DOCS / name).write_text(printed())
