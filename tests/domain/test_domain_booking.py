"""A booking's eight steps: each checked by itself, in their order, and taken back by what changes (R33 to R45, A31)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.booking import (
    CONTENT,
    DRAFT_TRANSITIONS,
    QUOTE_REQUEST_TRANSITIONS,
    QUOTE_TRANSITIONS,
    AddOnsStep,
    BookingDraft,
    BookingStep,
    Bounds,
    CalendarStep,
    ConfirmationStep,
    CustomerStep,
    DraftStatus,
    Frequency,
    PaymentStep,
    PropertyStep,
    QuoteRequestStatus,
    QuoteStatus,
    Term,
    TermsStep,
    depends_on,
    draft_from_json,
    draft_to_json,
    ensure_draft_transition,
    ensure_first_clean,
    ensure_quote_request_transition,
    ensure_quote_stands,
    ensure_quote_transition,
    ensure_step_allowed,
    home_of,
    next_step,
    save_step,
    step_from_json,
)
from domain.errors import IllegalTransition, Invalid, QuoteExpired
from domain.pricing import HomeFacts, price_of
from domain.scheduling import Drain, HotTubService, Laundry, ensure_transition

STEPS: dict[BookingStep, Any] = {
    BookingStep.CUSTOMER: CustomerStep("Customer 1", "customer1@example.com", "+13055550100"),
    BookingStep.PROPERTY: PropertyStep("1 Shore Road", "Orlando", "32801", 28.5, -81.4, 3, 2, 2_400),
    BookingStep.ADD_ONS: AddOnsStep(Laundry.IN_UNIT, 2, HotTubService.STANDARD, Drain.QUARTERLY),
    BookingStep.CALENDAR: CalendarStep(first_on=date(2026, 11, 24), at=time(9)),
    BookingStep.TERMS: TermsStep(Frequency.WEEKLY, Term.ANNUAL),
    BookingStep.PAYMENT: PaymentStep("pm_card_visa", "2026-11"),
    BookingStep.CONFIRMATION: ConfirmationStep(UUID(int=7), 19_500),
}
CHANGED: dict[BookingStep, Any] = {
    BookingStep.CUSTOMER: CustomerStep("Customer 1", "other@example.com", "+13055550100"),
    BookingStep.PROPERTY: replace(STEPS[BookingStep.PROPERTY], bedrooms=4),
    BookingStep.ADD_ONS: AddOnsStep(),
    BookingStep.CALENDAR: CalendarStep(ical_url="https://calendar.example.com/home.ics"),
    BookingStep.TERMS: TermsStep(Frequency.ONCE),
    BookingStep.PAYMENT: PaymentStep("pm_card_mastercard", "2026-11"),
    BookingStep.CONFIRMATION: ConfirmationStep(UUID(int=8), 21_000),
}
ORDER = list(CONTENT)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def draft_up_to(step: BookingStep | None) -> BookingDraft:
    """A draft in which this step and all before it are saved."""
    draft = BookingDraft()
    for one in ORDER[: 0 if step is None else ORDER.index(step) + 1]:
        draft = save_step(draft, STEPS[one])
    return draft


FULL = draft_up_to(BookingStep.CONFIRMATION)


def saved(draft):
    return {step for step in ORDER if draft.content_of(step) is not None}


def test_the_eight_steps_have_their_order_r33_to_r40():
    assert [step.value for step in BookingStep] == [
        *("CUSTOMER", "PROPERTY", "ADD_ONS", "CALENDAR", "TERMS", "PAYMENT", "CONFIRMATION", "SUCCESS")
    ]
    draft = BookingDraft()
    for step in ORDER:
        assert next_step(draft) is step
        draft = save_step(draft, STEPS[step])
    assert next_step(draft) is BookingStep.CONFIRMATION
    assert next_step(replace(draft, status=DraftStatus.CONFIRMED)) is BookingStep.SUCCESS


@pytest.mark.parametrize("missing", ORDER[:-1])
def test_a_later_step_is_refused_while_an_earlier_one_is_missing_r41(missing):
    gap: dict[str, Any] = {missing.lower(): None}
    draft = replace(FULL, **gap)

    for step in ORDER[: ORDER.index(missing) + 1]:
        ensure_step_allowed(draft, step)
    for step in ORDER[ORDER.index(missing) + 1 :]:
        with pytest.raises(IllegalTransition) as refusal:
            save_step(draft, CHANGED[step])
        assert refusal.value.details["missing"] == [missing.value]
        assert refusal.value.details["next"] == missing.value


def test_an_earlier_step_that_does_not_hold_any_more_counts_as_missing_r41():
    odd = replace(FULL, terms=TermsStep(Frequency.WEEKLY))

    assert next_step(odd) is BookingStep.TERMS
    with pytest.raises(IllegalTransition):
        ensure_step_allowed(odd, BookingStep.PAYMENT)


@pytest.mark.parametrize(
    ("step", "falls"),
    [
        (BookingStep.CUSTOMER, set()),
        (BookingStep.PROPERTY, {BookingStep.CONFIRMATION}),
        (BookingStep.ADD_ONS, {BookingStep.CONFIRMATION}),
        (BookingStep.CALENDAR, {BookingStep.CONFIRMATION}),
        (BookingStep.TERMS, {BookingStep.CONFIRMATION}),
        (BookingStep.PAYMENT, set()),
        (BookingStep.CONFIRMATION, set()),
    ],
)
def test_a_change_takes_back_exactly_what_was_agreed_on_the_strength_of_it_r41(step, falls):
    changed = save_step(FULL, CHANGED[step])

    assert depends_on(step) == falls
    assert saved(changed) == set(ORDER) - falls
    assert changed.content_of(step) == CHANGED[step]
    assert all(changed.content_of(one) == STEPS[one] for one in set(ORDER) - falls - {step})
    assert save_step(FULL, STEPS[step]) is FULL


@given(
    st.lists(st.sampled_from(ORDER).flatmap(lambda step: st.sampled_from([STEPS[step], CHANGED[step]])), max_size=20)
)
def test_whatever_is_saved_in_whatever_order_no_step_stands_on_a_gap_r41(contents):
    draft = BookingDraft()
    for content in contents:
        try:
            draft = save_step(draft, content)
        except IllegalTransition:
            continue
        reached = [draft.content_of(step) is not None for step in ORDER]
        assert reached == sorted(reached, reverse=True)
        assert draft_from_json(draft.status, draft_to_json(draft)) == draft  # resumed (R41)


@pytest.mark.parametrize("status", [DraftStatus.CONFIRMING, DraftStatus.CONFIRMED, DraftStatus.EXPIRED])
def test_a_draft_that_is_not_open_is_not_changed_r41(status):
    for step in ORDER:
        with pytest.raises(IllegalTransition) as refusal:
            save_step(replace(FULL, status=status), CHANGED[step])
        assert refusal.value.details["status"] == status.value


def test_a_draft_that_waits_for_the_offices_price_takes_neither_card_nor_yes_a31():
    waiting = replace(FULL, status=DraftStatus.CUSTOM_QUOTE)

    assert save_step(waiting, CHANGED[BookingStep.PROPERTY]).property == CHANGED[BookingStep.PROPERTY]
    for step in (BookingStep.PAYMENT, BookingStep.CONFIRMATION):
        with pytest.raises(IllegalTransition):
            ensure_step_allowed(waiting, step)


def test_success_follows_from_a_confirmed_booking_and_cannot_be_saved_r40():
    ensure_step_allowed(replace(FULL, status=DraftStatus.CONFIRMED), BookingStep.SUCCESS)
    with pytest.raises(IllegalTransition):
        ensure_step_allowed(FULL, BookingStep.SUCCESS)
    with pytest.raises(IllegalTransition):
        step_from_json(BookingStep.SUCCESS, {})


CUSTOMER = {"name": "Customer 1", "email": "customer1@example.com", "phone": "+13055550100"}
HOME = {"address": "1 Shore Road", "city": "Orlando", "postalCode": "32801", "latitude": 28.5, "longitude": -81.4}
HOME |= {"bedrooms": 3, "bathrooms": 2, "squareFeet": 2_400}
CARD = {"paymentMethodId": "pm_card_visa", "consentVersion": "2026-11"}


@pytest.mark.parametrize(
    ("step", "value", "name"),
    [
        ("CUSTOMER", {k: v for k, v in CUSTOMER.items() if k != "phone"}, "phone"),  # R33
        ("CUSTOMER", CUSTOMER | {"name": " "}, "name"),
        ("CUSTOMER", CUSTOMER | {"name": "a\x00b"}, "name"),
        ("CUSTOMER", CUSTOMER | {"email": "nobody"}, "email"),
        ("CUSTOMER", CUSTOMER | {"phone": "305 555 0100"}, "phone"),
        ("CUSTOMER", CUSTOMER | {"role": "OWNER"}, "role"),
        ("PROPERTY", {k: v for k, v in HOME.items() if k != "latitude"}, "latitude"),  # R34
        ("PROPERTY", HOME | {"latitude": 91}, "latitude"),
        ("PROPERTY", HOME | {"longitude": float("nan")}, "longitude"),
        ("PROPERTY", HOME | {"latitude": True}, "latitude"),
        ("PROPERTY", HOME | {"bedrooms": 0}, "bedrooms"),
        ("PROPERTY", HOME | {"bathrooms": 2.5}, "bathrooms"),
        ("PROPERTY", HOME | {"squareFeet": -1}, "squareFeet"),
        ("PROPERTY", HOME | {"propertyId": "mine"}, "propertyId"),
        ("PROPERTY", HOME | {"address": 5}, "address"),
        ("ADD_ONS", {"laundry": "SOMEWHERE"}, "laundry"),  # R35
        ("ADD_ONS", {"laundry": "IN_UNIT"}, "laundryLoads"),
        ("ADD_ONS", {"laundryLoads": 2}, "laundryLoads"),
        ("ADD_ONS", {"drain": "MONTHLY"}, "drain"),
        ("CALENDAR", {}, "firstOn"),  # R36
        ("CALENDAR", {"firstOn": "2026-11-31", "at": "09:00"}, "firstOn"),
        ("CALENDAR", {"firstOn": 20261124, "at": "09:00"}, "firstOn"),
        ("CALENDAR", {"firstOn": "2026-11-24"}, "at"),
        ("CALENDAR", {"firstOn": "2026-11-24", "at": "25:00"}, "at"),
        ("CALENDAR", {"firstOn": "2026-11-24", "at": "09:00Z"}, "at"),
        ("CALENDAR", {"at": "09:00", "icalUrl": "https://calendar.example.com/a.ics"}, "firstOn"),
        ("CALENDAR", {"icalUrl": "http://calendar.example.com/a.ics"}, "icalUrl"),
        ("CALENDAR", {"icalUrl": "webcal://calendar.example.com/a.ics"}, "icalUrl"),
        ("CALENDAR", {"icalUrl": "file:///etc/passwd"}, "icalUrl"),
        ("CALENDAR", {"icalUrl": "https://user:word@example.com/a.ics"}, "icalUrl"),
        ("CALENDAR", {"icalUrl": "https://[example/a.ics"}, "icalUrl"),
        ("CALENDAR", {"icalUrl": "https://example.com:99999/a.ics"}, "icalUrl"),
        ("CALENDAR", {"icalUrl": "https://exa mple.com/a.ics"}, "icalUrl"),
        ("CALENDAR", {"icalUrl": "https:///a.ics"}, "icalUrl"),
        ("TERMS", {}, "frequency"),  # R37
        ("TERMS", {"frequency": "DAILY"}, "frequency"),
        ("TERMS", {"frequency": "WEEKLY"}, "term"),
        ("TERMS", {"frequency": "ONCE", "term": "ANNUAL"}, "term"),
        ("TERMS", {"frequency": "WEEKLY", "term": "FOREVER"}, "term"),
        ("PAYMENT", CARD | {"paymentMethodId": "4242424242424242"}, "paymentMethodId"),  # R38
        ("PAYMENT", CARD | {"paymentMethodId": "pm_4242 "[:3]}, "paymentMethodId"),
        ("PAYMENT", CARD | {"consentVersion": ""}, "consentVersion"),
        ("CONFIRMATION", {"quoteId": str(UUID(int=7)), "totalCents": 194.99}, "totalCents"),  # R39
        ("CONFIRMATION", {"quoteId": str(UUID(int=7)), "totalCents": 0}, "totalCents"),
        ("CONFIRMATION", {"quoteId": "7", "totalCents": 19_500}, "quoteId"),
    ],
)
def test_each_step_is_checked_and_names_its_field_r19_r33_to_r39(step, value, name):
    with pytest.raises(Invalid) as refusal:
        step_from_json(BookingStep(step), value, ("content",))

    assert refusal.value.field == ("content", name)
    assert "4242" not in refusal.value.message


def test_what_is_no_object_is_no_step_r19():
    with pytest.raises(Invalid):
        step_from_json(BookingStep.TERMS, [])


def test_a_step_that_is_built_in_code_is_checked_as_one_that_was_sent_r41():
    draft = draft_up_to(BookingStep.CUSTOMER)

    with pytest.raises(Invalid) as refusal:
        save_step(draft, replace(STEPS[BookingStep.PROPERTY], square_feet=0))
    assert refusal.value.field == ("squareFeet",)
    tidy = CustomerStep("Customer 2", "two@example.com", "+13055550100")
    assert save_step(draft, replace(tidy, name="  Customer 2 ")).customer == tidy


def test_a_kept_step_that_does_not_hold_any_more_is_asked_for_again_r41():
    kept = draft_to_json(FULL)
    kept["TERMS"] = {"frequency": "DAILY"}

    draft = draft_from_json(DraftStatus.OPEN, kept)

    assert (draft.terms, next_step(draft)) == (None, BookingStep.TERMS)


def test_the_weekday_follows_from_the_first_day_r36():
    assert STEPS[BookingStep.CALENDAR].weekday == 1
    assert CHANGED[BookingStep.CALENDAR].weekday is None


def test_the_live_price_follows_what_is_known_so_far_r42():
    assert home_of(BookingDraft()) is None
    bare = HomeFacts(3, 2, 2_400)
    whole = HomeFacts(3, 2, 2_400, Laundry.IN_UNIT, 2, HotTubService.STANDARD, Drain.QUARTERLY)
    assert home_of(draft_up_to(BookingStep.PROPERTY)) == bare
    assert home_of(FULL) == whole
    assert (price_of(bare).total_cents, price_of(whole).total_cents) == (12_000, 19_500)


BOUNDS = Bounds(NOW, timedelta(hours=2), timedelta(days=731))


def test_the_first_clean_starts_by_the_markets_clocks_r36_a25():
    calendar = STEPS[BookingStep.CALENDAR]

    assert ensure_first_clean(calendar, "America/New_York", BOUNDS) == datetime(2026, 11, 24, 14, tzinfo=UTC)
    assert ensure_first_clean(calendar, "America/Los_Angeles", BOUNDS) == datetime(2026, 11, 24, 17, tzinfo=UTC)
    assert ensure_first_clean(CHANGED[BookingStep.CALENDAR], "America/New_York", BOUNDS) is None


@pytest.mark.parametrize(
    ("on", "at", "passes"),
    [
        (date(2026, 11, 22), time(9), True),
        (date(2026, 11, 22), time(8, 59), False),
        (date(2026, 11, 21), time(9), False),
        (date(2029, 1, 1), time(9), False),
    ],
)
def test_a_first_clean_too_soon_or_too_far_ahead_is_refused_r36(on, at, passes):
    calendar = CalendarStep(first_on=on, at=at)

    if passes:
        assert ensure_first_clean(calendar, "America/New_York", BOUNDS) == NOW + timedelta(hours=2)
        return
    with pytest.raises(Invalid) as refusal:
        ensure_first_clean(calendar, "America/New_York", BOUNDS)
    assert refusal.value.field == ("firstOn",)


def test_drafts_quotes_and_requests_move_only_as_their_tables_say_r260():
    """R49: a refused payment gives draft and quote back. A31: a request is answered, again after it expired."""
    tables: list[tuple[Any, Any, Any]] = [
        (DRAFT_TRANSITIONS, ensure_draft_transition, DraftStatus),
        (QUOTE_TRANSITIONS, ensure_quote_transition, QuoteStatus),
        (QUOTE_REQUEST_TRANSITIONS, ensure_quote_request_transition, QuoteRequestStatus),
    ]
    for table, ensure, states in tables:
        assert set(table) == set(states)
        for before in states:
            for after in states:
                if after in table[before]:
                    ensure(before, after)
                else:
                    with pytest.raises(IllegalTransition):
                        ensure(before, after)
    moves = {before.value: {after.value for after in found} for before, found in DRAFT_TRANSITIONS.items()}
    assert moves == {
        "OPEN": {"CONFIRMING", "CUSTOM_QUOTE", "EXPIRED"},
        "CONFIRMING": {"CONFIRMED", "OPEN"},
        "CONFIRMED": set(),
        "CUSTOM_QUOTE": {"OPEN", "EXPIRED"},
        "EXPIRED": set(),
    }
    ensure_transition(QUOTE_TRANSITIONS, QuoteStatus.ACCEPTED, QuoteStatus.OPEN)
    assert [s.value for s in sorted(QUOTE_REQUEST_TRANSITIONS[QuoteRequestStatus.REQUESTED])] == [
        *("DECLINED", "EXPIRED", "QUOTED")
    ]


def test_a_quote_stands_until_the_instant_it_expires_a33():
    ensure_quote_stands(QuoteStatus.OPEN, NOW, NOW - timedelta(microseconds=1))

    with pytest.raises(QuoteExpired):
        ensure_quote_stands(QuoteStatus.OPEN, NOW, NOW)
    for status in set(QuoteStatus) - {QuoteStatus.OPEN}:
        with pytest.raises(QuoteExpired) as refusal:
            ensure_quote_stands(status, NOW, NOW - timedelta(hours=1))
        assert refusal.value.details["status"] == status.value
