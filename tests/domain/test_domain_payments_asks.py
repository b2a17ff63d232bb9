"""What may be asked of the payment provider, and how it is frozen (R138, R157 to R159, R168)."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payments import asks
from domain.payments.ask import MAX_CENTS, TARGETED, Ask, Verb, checked, metadata

TENANT, OP, JOB, PAYOUT = (UUID(int=number) for number in (1, 2, 3, 4))
MARKS = metadata(TENANT, OP, payment_id=UUID(int=9), job_id=JOB)
PAYOUT_MARKS = metadata(TENANT, OP, payout_id=PAYOUT, job_id=JOB)


def _intent(**more: Any) -> Ask:
    plain: dict[str, Any] = {"amount_cents": 19_500, "currency": "USD", "customer": "cus_1", "metadata": MARKS}
    return asks.create_intent(**plain | more)


def _transfer(amount: Any = 5_950, marks: dict[str, str] = PAYOUT_MARKS) -> Ask:
    return asks.create_transfer(
        amount_cents=amount, currency="usd", destination="acct_1", charge="ch_1", group="job_3", metadata=marks
    )


AMOUNTS: list[Callable[[Any], Ask]] = [
    lambda amount: _intent(amount_cents=amount),
    lambda amount: asks.update_intent("pi_1", amount_cents=amount),
    lambda amount: asks.capture_intent("pi_1", amount_cents=amount),
    lambda amount: asks.create_refund("ch_1", amount_cents=amount, reason="requested_by_customer", metadata=MARKS),
    _transfer,
    lambda amount: asks.reverse_transfer("tr_1", amount_cents=amount, metadata=MARKS),
    lambda amount: asks.create_price(product="prod_1", amount_cents=amount, currency="usd", metadata=MARKS),
]


@pytest.mark.parametrize("ask", AMOUNTS)
@pytest.mark.parametrize("amount", [195.0, Decimal("195.00"), "19500", True, None])
def test_an_amount_that_is_no_whole_number_of_cents_cannot_be_asked(ask: Callable[[Any], Ask], amount: Any) -> None:
    if amount is None and ask is AMOUNTS[1]:
        return
    with pytest.raises(TypeError):
        ask(amount)


@pytest.mark.parametrize("ask", AMOUNTS)
@pytest.mark.parametrize("amount", [-1, MAX_CENTS + 1])
def test_a_negative_or_absurd_amount_cannot_be_asked(ask: Callable[[Any], Ask], amount: int) -> None:
    with pytest.raises(ValueError, match="cents"):
        ask(amount)


def test_nothing_at_all_can_be_a_price_but_not_a_payment() -> None:
    free = asks.create_price(product="prod_1", amount_cents=0, currency="usd", metadata=MARKS)
    assert free.params["unit_amount"] == 0
    with pytest.raises(ValueError, match="0 cents"):
        _intent(amount_cents=0)


def test_a_nightly_hold_is_made_known_unconfirmed_and_confirmed_without_the_customer() -> None:
    """R138: manual capture in cents, with the stored card's use said; nothing of it asks the card yet."""
    made = _intent(method="pm_1", stored_usage="unscheduled", transfer_group="job_3", description="Clean")
    assert made.to_json() == {
        "verb": "CREATE_INTENT",
        "target": None,
        "params": {
            "amount": 19_500,
            "currency": "usd",
            "customer": "cus_1",
            "capture_method": "manual",
            "allowed_payment_method_types": ["card"],
            "payment_method": "pm_1",
            "transfer_group": "job_3",
            "description": "Clean",
            "payment_method_options": {"card": {"stored_credential_usage": "unscheduled"}},
            "metadata": MARKS,
        },
    }

    confirmed = asks.confirm_intent("pi_1", off_session=True)
    assert confirmed.params == {"off_session": True, "expand": ["latest_charge.balance_transaction"]}


def test_a_first_payment_keeps_the_card_with_what_it_will_be_used_for() -> None:
    made = _intent(capture="automatic", setup_usage="recurring")
    assert made.params["setup_future_usage"] == "off_session"
    assert made.params["payment_method_options"] == {"card": {"setup_credential_usage": "recurring"}}
    assert "payment_method_options" not in _intent().params
    with pytest.raises(ValueError, match="not both"):
        _intent(setup_usage="recurring", stored_usage="recurring")


def test_a_confirmation_says_whether_the_customer_is_there() -> None:
    present = asks.confirm_intent("pi_1", method="pm_2", return_url="https://us.test/back")
    assert "off_session" not in present.params
    assert (present.params["payment_method"], present.params["return_url"]) == ("pm_2", "https://us.test/back")
    both: list[dict[str, Any]] = [{}, {"off_session": True, "return_url": "https://us.test"}]
    for impossible in both:
        with pytest.raises(ValueError, match="absent"):
            asks.confirm_intent("pi_1", **impossible)


def test_a_setup_is_confirmed_at_once_only_with_a_card_and_a_page_to_come_back_to() -> None:
    plain = asks.create_setup(customer="cus_1", usage="unscheduled", metadata=MARKS)
    assert "confirm" not in plain.params
    assert plain.params["usage"] == "off_session"
    whole = asks.create_setup(
        customer="cus_1", usage="unscheduled", metadata=MARKS, method="pm_1", return_url="https://us.test"
    )
    assert whole.params["confirm"] is True
    with pytest.raises(ValueError, match="together"):
        asks.create_setup(customer="cus_1", usage="unscheduled", metadata=MARKS, method="pm_1")


def test_a_transfer_names_its_charge_group_and_payout() -> None:
    """R168: in cents, to the cleaner's account, with our payout's id; always out of a charge."""
    params = _transfer().params
    assert (params["source_transaction"], params["transfer_group"], params["destination"]) == (
        "ch_1",
        "job_3",
        "acct_1",
    )
    assert params["metadata"]["payout_id"] == str(PAYOUT)
    with pytest.raises(ValueError, match="payout_id"):
        _transfer(marks=MARKS)


def test_an_account_is_a_recipient_whose_fees_and_losses_are_ours() -> None:
    """R131: v2, with the express dashboard; the same of the first kind."""
    new = asks.create_account(name="Cleaner 7", country="us", currency="usd", metadata=MARKS, email="c7@a.test")
    assert new.params["configuration"]["recipient"]["capabilities"] == {
        "stripe_balance": {"stripe_transfers": {"requested": True}}
    }
    assert new.params["defaults"]["responsibilities"] == {
        "fees_collector": "application",
        "losses_collector": "application",
    }
    old = asks.create_account_v1(country="us", metadata=MARKS)
    assert (old.params["country"], old.params["capabilities"]) == ("US", {"transfers": {"requested": True}})
    assert old.params["controller"]["stripe_dashboard"] == {"type": "express"}
    assert "email" not in old.params
    with pytest.raises(ValueError, match="country"):
        asks.create_account_v1(country="USA", metadata=MARKS)


def test_links_of_both_kinds_carry_our_pages() -> None:
    pages = {"account": "acct_1", "refresh_url": "https://us.test/again", "return_url": "https://us.test/back"}
    new, old = asks.create_account_link(**pages), asks.create_account_link_v1(**pages)
    assert new.params["use_case"]["account_onboarding"] == {key: pages[key] for key in ("refresh_url", "return_url")}
    assert old.params == {**pages, "type": "account_onboarding"}


def test_a_plan_is_subscribed_changed_ended_and_paid_for_on_a_page() -> None:
    """A42."""
    made = asks.create_subscription(customer="cus_1", price="price_1", metadata=MARKS, trial_days=14, method="pm_1")
    assert (made.params["items"], made.params["trial_period_days"]) == ([{"price": "price_1", "quantity": 1}], 14)
    moved = asks.update_subscription("sub_1", item="si_1", price="price_2", ends_with_period=False)
    assert moved.params["items"] == [{"id": "si_1", "price": "price_2"}]
    assert moved.params["cancel_at_period_end"] is False
    assert asks.update_subscription("sub_1", ends_with_period=True).params == {"cancel_at_period_end": True}
    assert asks.cancel_subscription("sub_1").verb is Verb.CANCEL_SUBSCRIPTION
    page = asks.create_checkout(
        customer="cus_1",
        price="price_1",
        success_url="https://us.test/a",
        cancel_url="https://us.test/b",
        metadata=MARKS,
    )
    assert page.params["subscription_data"] == {"metadata": MARKS}
    assert page.params["client_reference_id"] == str(TENANT)
    assert asks.create_portal(customer="cus_1", return_url="https://us.test").params["customer"] == "cus_1"
    product = asks.create_product(name="Plan", metadata=MARKS)
    assert product.params["name"] == "Plan"
    monthly = asks.create_price(product="p", amount_cents=1, currency="usd", metadata=MARKS, interval="month")
    assert monthly.params["recurring"] == {"interval": "month"}
    endpoint = asks.create_webhook_endpoint(url="https://us.test/hook", events=["charge.captured"], metadata=MARKS)
    assert endpoint.params["connect"] is False


def test_customers_cards_and_disputes_are_asked_as_the_provider_takes_them() -> None:
    assert asks.create_customer(metadata=MARKS, email="c@a.test").params == {"email": "c@a.test", "metadata": MARKS}
    changed = asks.update_customer("cus_1", phone="+1", default_method="pm_1")
    assert changed.params == {"phone": "+1", "invoice_settings": {"default_payment_method": "pm_1"}}
    assert asks.attach_method("pm_1", customer="cus_1").target == "pm_1"
    assert asks.detach_method("pm_1").params == {}
    assert asks.cancel_intent("pi_1", reason="abandoned").params["cancellation_reason"] == "abandoned"
    answered = asks.submit_dispute("dp_1", evidence={"uncategorized_text": "Photos."}, metadata=MARKS)
    assert answered.params["submit"] is True
    assert asks.close_dispute("dp_1").target == "dp_1"
    updated = asks.update_intent("pi_1", method="pm_2", metadata=MARKS, description="Other")
    assert updated.params == {"payment_method": "pm_2", "description": "Other", "metadata": MARKS}


@pytest.mark.parametrize(
    "empty",
    [
        lambda: asks.update_customer("cus_1"),
        lambda: asks.update_intent("pi_1"),
        lambda: asks.update_subscription("sub_1"),
        lambda: asks.update_subscription("sub_1", item="si_1"),
        lambda: asks.submit_dispute("dp_1", evidence={}, metadata=MARKS),
        lambda: asks.create_webhook_endpoint(url="https://us.test", events=[], metadata=MARKS),
        lambda: asks.create_subscription(customer="c", price="p", metadata=MARKS, trial_days=0),
        lambda: _intent(currency="dollars"),
        lambda: _intent(currency="u$d"),
        lambda: Ask(Verb.CREATE_INTENT, "pi_1", {}),
        lambda: Ask(Verb.CAPTURE_INTENT, None, {}),
        lambda: Ask(Verb.CAPTURE_INTENT, "", {}),
        lambda: Ask(Verb.CREATE_PRODUCT, None, {"name": "a\x00b"}),
        lambda: metadata(TENANT, OP),
        lambda: checked({"payment_id": "1", "job_id": "2", "tenant_id": "3"}),
        lambda: metadata(TENANT, OP, note="x" * 501),
        lambda: metadata(TENANT, OP, **{"a[b]": "1"}),
        lambda: metadata(TENANT, OP, **{f"k{number}": "1" for number in range(49)}),
    ],
)
def test_what_the_provider_would_refuse_is_not_asked(empty: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        empty()


class _Row:
    """As an ORM's: the provider's library would send its id in its place."""

    id = 7


@pytest.mark.parametrize("value", [1.5, Decimal(1), None, _Row(), b"x", {1: "a"}, {"deep": [{"er": 1.5}]}, {1, 2}])
def test_a_parameter_is_a_whole_number_a_word_a_truth_a_list_or_a_map(value: Any) -> None:
    with pytest.raises(TypeError):
        Ask(Verb.CREATE_PRODUCT, None, {"name": value})


def test_what_is_frozen_does_not_follow_the_map_that_it_was_made_of() -> None:
    given_params: dict[str, Any] = {"evidence": {"a": "1"}, "list": [1]}
    ask = Ask(Verb.SUBMIT_DISPUTE, "dp_1", given_params)
    given_params["evidence"]["a"] = "2"
    ask.to_json()["params"]["list"].append(2)
    assert ask.params == {"evidence": {"a": "1"}, "list": [1]}
    assert len({ask, Ask(Verb.SUBMIT_DISPUTE, "dp_1", ask.params)}) == 1


JSON = st.recursive(
    st.integers(min_value=-(2**53), max_value=2**53)
    | st.booleans()
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), JSON, max_size=4), st.sampled_from(Verb))
def test_what_was_frozen_comes_back_the_same_with_the_same_digest(params: dict[str, Any], verb: Verb) -> None:
    """R157: through JSON and back, in whatever order the database returns the keys."""
    ask = Ask(verb, "id_1" if verb in TARGETED else None, params)
    shuffled = json.loads(json.dumps(ask.to_json(), sort_keys=True))
    back = Ask.from_json(dict(reversed(shuffled.items())))
    assert back == ask
    assert back.digest() == ask.digest()
    assert len(ask.digest()) == 32


def test_another_amount_target_or_verb_is_another_digest() -> None:
    seen = {
        asks.capture_intent("pi_1", amount_cents=1).digest(),
        asks.capture_intent("pi_1", amount_cents=2).digest(),
        asks.capture_intent("pi_2", amount_cents=1).digest(),
        Ask(Verb.UPDATE_INTENT, "pi_1", asks.capture_intent("pi_1", amount_cents=1).params).digest(),
        Ask(Verb.UPDATE_INTENT, "pi_1", {"a": True}).digest(),
        Ask(Verb.UPDATE_INTENT, "pi_1", {"a": 1}).digest(),
        Ask(Verb.UPDATE_INTENT, "pi_1", {"a": "1"}).digest(),
    }
    assert len(seen) == 7


def test_metadata_names_the_tenant_the_step_and_our_own_ids() -> None:
    """R158."""
    id = uuid4()
    assert metadata(TENANT, OP, payout_id=id) == {"tenant_id": str(TENANT), "op_id": str(OP), "payout_id": str(id)}
