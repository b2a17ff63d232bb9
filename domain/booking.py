"""A booking in the making: eight steps, each saved and checked by itself, in their order (R33 to R45, A31).

A draft keeps what each step says. A later step is refused while an earlier one is missing or does not hold any more,
and a step that changes takes back what was agreed on the strength of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from domain.booking_steps import (
    AddOnsStep,
    Bounds,
    CalendarStep,
    ConfirmationStep,
    CustomerStep,
    PaymentStep,
    PropertyStep,
    StepContent,
    TermsStep,
    ensure_first_clean,
)
from domain.errors import IllegalTransition, Invalid
from domain.plans import Frequency, Term
from domain.price_book import HomeFacts
from domain.quotes import (
    QUOTE_REQUEST_TRANSITIONS,
    QUOTE_TRANSITIONS,
    QuoteRequestStatus,
    QuoteStatus,
    ensure_quote_request_transition,
    ensure_quote_stands,
    ensure_quote_transition,
)
from domain.reading import Path, read, write
from domain.scheduling import ensure_transition

__all__ = [
    "CONTENT",
    "DRAFT_TRANSITIONS",
    "QUOTE_REQUEST_TRANSITIONS",
    "QUOTE_TRANSITIONS",
    "AddOnsStep",
    "BookingDraft",
    "BookingStep",
    "Bounds",
    "CalendarStep",
    "ConfirmationStep",
    "CustomerStep",
    "DraftStatus",
    "Frequency",
    "PaymentStep",
    "PropertyStep",
    "QuoteRequestStatus",
    "QuoteStatus",
    "StepContent",
    "Term",
    "TermsStep",
    "depends_on",
    "draft_from_json",
    "draft_to_json",
    "ensure_content",
    "ensure_draft_transition",
    "ensure_first_clean",
    "ensure_quote_request_transition",
    "ensure_quote_stands",
    "ensure_quote_transition",
    "ensure_step_allowed",
    "home_of",
    "next_step",
    "save_step",
    "step_from_json",
    "step_of",
]


class BookingStep(StrEnum):
    """The eight steps, in their order."""

    CUSTOMER = "CUSTOMER"
    """Who books (R33)."""
    PROPERTY = "PROPERTY"
    """Which home is cleaned (R34)."""
    ADD_ONS = "ADD_ONS"
    """Laundry and hot tub (R35)."""
    CALENDAR = "CALENDAR"
    """When (R36)."""
    TERMS = "TERMS"
    """How often, and for how long one signs up (R37)."""
    PAYMENT = "PAYMENT"
    """The card, of which only a token reaches us (R38)."""
    CONFIRMATION = "CONFIRMATION"
    """The price is checked, then paid (R39)."""
    SUCCESS = "SUCCESS"
    """What was ordered and what comes next (R40); nobody saves it, it follows from a confirmed booking."""


class DraftStatus(StrEnum):
    """Where a booking in the making stands."""

    OPEN = "OPEN"
    """It can be gone on with, step by step (R41)."""
    CONFIRMING = "CONFIRMING"
    """The payment is under way, and nothing can be changed."""
    CONFIRMED = "CONFIRMED"
    """Paid: there is an order."""
    CUSTOM_QUOTE = "CUSTOM_QUOTE"
    """The office was asked for a price (A31); once it is accepted, the booking can be confirmed with it."""
    EXPIRED = "EXPIRED"
    """Nobody went on with it for too long."""


DRAFT_TRANSITIONS: Mapping[DraftStatus, frozenset[DraftStatus]] = {
    DraftStatus.OPEN: frozenset({DraftStatus.CONFIRMING, DraftStatus.CUSTOM_QUOTE, DraftStatus.EXPIRED}),
    # A payment that is definitely refused gives the draft back (R49).
    DraftStatus.CONFIRMING: frozenset({DraftStatus.CONFIRMED, DraftStatus.OPEN}),
    DraftStatus.CONFIRMED: frozenset(),
    # The office's price is accepted, or the home was changed into one that the book has a price for.
    DraftStatus.CUSTOM_QUOTE: frozenset({DraftStatus.OPEN, DraftStatus.EXPIRED}),
    DraftStatus.EXPIRED: frozenset(),
}


def ensure_draft_transition(before: DraftStatus, after: DraftStatus) -> None:
    """Raise `IllegalTransition` unless a draft may move so (R260)."""
    ensure_transition(DRAFT_TRANSITIONS, before, after)


ContentT = TypeVar("ContentT", bound=StepContent)


@dataclass(frozen=True, slots=True)
class BookingDraft:
    """What has been saved so far; None for a step that nobody has come to, or that was taken back."""

    status: DraftStatus = DraftStatus.OPEN
    customer: CustomerStep | None = None
    property: PropertyStep | None = None
    add_ons: AddOnsStep | None = None
    calendar: CalendarStep | None = None
    terms: TermsStep | None = None
    payment: PaymentStep | None = None
    confirmation: ConfirmationStep | None = None

    def content_of(self, step: BookingStep) -> StepContent | None:
        """What the step says; None where it says nothing, as the last step always."""
        return None if step is BookingStep.SUCCESS else getattr(self, step.lower())


CONTENT: Mapping[BookingStep, type[StepContent]] = {
    BookingStep.CUSTOMER: CustomerStep,
    BookingStep.PROPERTY: PropertyStep,
    BookingStep.ADD_ONS: AddOnsStep,
    BookingStep.CALENDAR: CalendarStep,
    BookingStep.TERMS: TermsStep,
    BookingStep.PAYMENT: PaymentStep,
    BookingStep.CONFIRMATION: ConfirmationStep,
}

_TAKES_BACK: Mapping[BookingStep, frozenset[BookingStep]] = {
    # Whom to call is no part of what is paid for.
    BookingStep.CUSTOMER: frozenset(),
    BookingStep.PROPERTY: frozenset({BookingStep.CONFIRMATION}),
    BookingStep.ADD_ONS: frozenset({BookingStep.CONFIRMATION}),
    BookingStep.CALENDAR: frozenset({BookingStep.CONFIRMATION}),
    BookingStep.TERMS: frozenset({BookingStep.CONFIRMATION}),
    # After a decline another card pays the same price.
    BookingStep.PAYMENT: frozenset(),
    BookingStep.CONFIRMATION: frozenset(),
    BookingStep.SUCCESS: frozenset(),
}


def depends_on(step: BookingStep) -> frozenset[BookingStep]:
    """The later steps that fall when this one changes: a yes is to home, add-ons, date and terms together (R41)."""
    return _TAKES_BACK[step]


def step_of(content: StepContent) -> BookingStep:
    """Which step this is the content of."""
    return next(step for step, kind in CONTENT.items() if kind is type(content))


def step_from_json(step: BookingStep, value: Any, path: Path = ()) -> StepContent:
    """Read what a step says; `Invalid` names the bad field. The last step says nothing: `IllegalTransition`."""
    if step is BookingStep.SUCCESS:
        raise IllegalTransition("The last step follows from the order; it cannot be saved.", field=path)
    content: StepContent = read(CONTENT[step], value, path)
    return content


def ensure_content(content: ContentT, path: Path = ()) -> ContentT:
    """The content as it is kept, trimmed; `Invalid` names the field that does not hold."""
    return read(type(content), write(content), path)


def draft_to_json(draft: BookingDraft) -> dict[str, Any]:
    """What each saved step says, by its name; `draft_from_json` of it gives the same."""
    saved = ((step, draft.content_of(step)) for step in CONTENT)
    return {step.value: write(content) for step, content in saved if content is not None}


def draft_from_json(status: DraftStatus, steps: Mapping[str, Any]) -> BookingDraft:
    """The draft that was kept; a step that does not hold any more, by changed rules, counts as missing."""
    draft = BookingDraft(status)
    for step in CONTENT:
        if step.value in steps:
            try:
                content = step_from_json(step, steps[step.value])
            except Invalid:
                continue
            draft = _with(draft, step, content)
    return draft


def next_step(draft: BookingDraft) -> BookingStep:
    """The first step that is missing or does not hold; SUCCESS for a confirmed booking (R40, R41)."""
    if draft.status is DraftStatus.CONFIRMED:
        return BookingStep.SUCCESS
    return next((step for step in CONTENT if not _holds(draft.content_of(step))), BookingStep.CONFIRMATION)


def ensure_step_allowed(draft: BookingDraft, step: BookingStep) -> None:
    """Raise `IllegalTransition` while an earlier step is missing or does not hold, or the draft is not open (R41).

    A draft that waits for the office's price may still be changed up to its terms.
    """
    closed = draft.status is not DraftStatus.OPEN
    waiting = draft.status is DraftStatus.CUSTOM_QUOTE and step in _BEFORE_MONEY
    if step is BookingStep.SUCCESS:
        if draft.status is not DraftStatus.CONFIRMED:
            raise _out_of_turn("The booking is not confirmed yet.", draft)
        return
    if closed and not waiting:
        raise _out_of_turn(f"This booking cannot be changed any more: it is {draft.status}.", draft)
    order = list(CONTENT)
    if order.index(step) > order.index(next_step(draft)):
        raise _out_of_turn(f"Finish the step {next_step(draft)} first.", draft)


_BEFORE_MONEY = frozenset(
    {BookingStep.CUSTOMER, BookingStep.PROPERTY, BookingStep.ADD_ONS, BookingStep.CALENDAR, BookingStep.TERMS}
)


def _out_of_turn(message: str, draft: BookingDraft) -> IllegalTransition:
    missing = [step.value for step in CONTENT if not _holds(draft.content_of(step))]
    details = {"status": draft.status.value, "next": next_step(draft).value, "missing": missing}
    return IllegalTransition(message, field=("step",), details=details)


def save_step(draft: BookingDraft, content: StepContent) -> BookingDraft:
    """The draft with this step, which is checked; what was agreed on the strength of the old one is taken back (R41).

    The same again changes nothing. Raises `Invalid`, and `IllegalTransition` where the step's turn has not come.
    """
    step = step_of(content)
    ensure_step_allowed(draft, step)
    kept = ensure_content(content)
    if kept == draft.content_of(step):
        return draft
    for dependent in depends_on(step):
        draft = _with(draft, dependent, None)
    return _with(draft, step, kept)


def _with(draft: BookingDraft, step: BookingStep, content: StepContent | None) -> BookingDraft:
    changed: Mapping[str, Any] = {step.lower(): content}
    return replace(draft, **changed)


def _holds(content: StepContent | None) -> bool:
    if content is None:
        return False
    try:
        ensure_content(content)
    except Invalid:
        return False
    return True


def home_of(draft: BookingDraft) -> HomeFacts | None:
    """What the live price depends on, as far as it is known (R42); None before the home is."""
    if draft.property is None:
        return None
    home, add_ons = draft.property, draft.add_ons or AddOnsStep()
    chosen = {f.name: getattr(add_ons, f.name) for f in fields(add_ons)}
    return HomeFacts(home.bedrooms, home.bathrooms, home.square_feet, **chosen)
