"""What we rely on at the provider, ask by ask: the same tests against the sandbox and, with a test key, Stripe."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from domain.onboarding import PayoutAccountStatus
from domain.payments import asks
from domain.payments.ask import Ask, Thing, Verb
from domain.payments.outcomes import Answered, Fault, Refusal, StopReason, Unknown, fault_of, stop_of
from gateways.payout_accounts import AccountRefused, AccountWish
from gateways.stripe_accounts import AccountKind, AccountSettings, StripeAccounts
from tests.payments.contract import World, a_sandbox, providers_of

PAGES = {"refresh_url": "https://example.com/again", "return_url": "https://example.com/back"}
SETTINGS = AccountSettings("contract", PAGES["refresh_url"], PAGES["return_url"])


@pytest.fixture(params=["sandbox", "stripe"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A business at our sandbox, and at Stripe itself where STRIPE_TEST_KEY is set."""
    sandbox = a_sandbox() if request.param == "sandbox" else None
    providers, credentials = providers_of(request.param, sandbox)
    yield World(providers.of(credentials), sandbox)
    await providers.aclose()
    if sandbox is not None:
        drifts = [one for one in sandbox.contract.violations if one["side"] != "request"]
        assert drifts == []


def test_every_verb_is_under_contract() -> None:
    """Whatever can be asked is asked somewhere below, or in the world that the tests share."""
    here = Path(__file__)
    text = here.read_text() + (here.parent / "contract.py").read_text()
    assert [verb for verb in Verb if f"asks.{verb.lower()}(" not in text] == []


async def test_a_clean_is_held_and_captured_for_what_it_cost(world: World) -> None:
    """R138, R147: made known, confirmed without the customer, captured in part; each answer says what we store."""
    made = await world.intent()
    assert (made["status"], made["capture_method"]) == ("requires_confirmation", "manual")
    assert made["metadata"]["tenant_id"] == str(world.tenant)

    held = await world.done(asks.confirm_intent(made["id"], off_session=True))
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 19_500)
    until = held["latest_charge"]["payment_method_details"]["card"]["capture_before"]
    assert 4 * 86_400 < until - held["latest_charge"]["created"] <= 7 * 86_400

    taken = await world.done(asks.capture_intent(made["id"], amount_cents=18_000))
    assert (taken["status"], taken["amount_received"], taken["amount_capturable"]) == ("succeeded", 18_000, 0)
    fee = taken["latest_charge"]["balance_transaction"]
    assert (fee["amount"], fee["net"]) == (18_000, 18_000 - fee["fee"])
    read = await world.seen(Thing.INTENT, made["id"])
    assert read["latest_charge"]["balance_transaction"]["id"] == fee["id"]


async def test_the_same_key_does_it_once_and_another_amount_under_it_is_our_mistake(world: World) -> None:
    """R157."""
    made = await world.intent()
    await world.done(asks.confirm_intent(made["id"], off_session=True))
    key = f"contract:{uuid4()}"
    ask = asks.capture_intent(made["id"], amount_cents=19_500)
    first, again = await world.done(ask, key), await world.done(ask, key)
    assert first["latest_charge"]["id"] == again["latest_charge"]["id"]

    refusal = await world.refused(asks.capture_intent(made["id"], amount_cents=100), key)
    assert refusal.type == "idempotency_error"
    assert fault_of(refusal) is Fault.OURS


async def test_a_hold_is_let_go_and_cannot_be_captured_or_let_go_again(world: World) -> None:
    """R143: no refund comes of it; a second try is a matter of state, not of the card."""
    made = await world.intent()
    await world.done(asks.confirm_intent(made["id"], off_session=True))
    gone = await world.done(asks.cancel_intent(made["id"], reason="requested_by_customer"))
    assert (gone["status"], gone["amount_capturable"]) == ("canceled", 0)

    for ask in (
        asks.capture_intent(made["id"], amount_cents=19_500),
        asks.cancel_intent(made["id"], reason="requested_by_customer"),
        asks.confirm_intent(made["id"], off_session=True),
    ):
        refusal = await world.refused(ask)
        assert (refusal.code, fault_of(refusal)) == ("payment_intent_unexpected_state", Fault.STATE)
    assert [one async for one in world.provider.pages(Thing.REFUND, payment_intent=made["id"])] == []


async def test_what_was_captured_cannot_be_captured_again_under_another_key(world: World) -> None:
    """R150."""
    made = await world.intent()
    await world.done(asks.confirm_intent(made["id"], off_session=True))
    ask = asks.capture_intent(made["id"], amount_cents=19_500)
    await world.done(ask)
    assert fault_of(await world.refused(ask)) is Fault.STATE


async def test_more_than_was_held_cannot_be_captured(world: World) -> None:
    """A34."""
    made = await world.intent()
    await world.done(asks.confirm_intent(made["id"], off_session=True))
    refusal = await world.refused(asks.capture_intent(made["id"], amount_cents=19_501))
    assert fault_of(refusal) in {Fault.OURS, Fault.STATE}
    assert (await world.seen(Thing.INTENT, made["id"]))["status"] == "requires_capture"


async def test_a_decline_leaves_the_payment_open_for_another_card(world: World) -> None:
    """A36: the same payment is confirmed again, with another key."""
    made = await world.intent("pm_card_chargeCustomerFail")
    refusal = await world.refused(asks.confirm_intent(made["id"], off_session=True))
    assert (refusal.code, fault_of(refusal), stop_of(refusal)) == ("card_declined", Fault.DECLINED, None)
    assert refusal.object is not None
    assert (refusal.object["id"], refusal.object["status"]) == (made["id"], "requires_payment_method")

    other = await world.done(asks.attach_method("pm_card_mastercard", customer=made["customer"]))
    held = await world.done(asks.confirm_intent(made["id"], method=other["id"], off_session=True))
    assert held["status"] == "requires_capture"


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ("pm_card_visa_chargeDeclinedStolenCard", StopReason.CARD_UNUSABLE),
        ("pm_card_visa_chargeDeclinedLostCard", StopReason.CARD_UNUSABLE),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", None),
        ("pm_card_chargeDeclinedExpiredCard", StopReason.CARD_DATA),
        ("pm_card_chargeDeclinedProcessingError", None),
    ],
)
async def test_a_card_that_the_bank_will_not_have_is_refused_when_it_is_given(
    world: World, card: str, reason: StopReason | None
) -> None:
    customer, _ = await world.customer(None)
    refusal = await world.refused(asks.attach_method(card, customer=customer))
    assert (refusal.http_status, fault_of(refusal), stop_of(refusal)) == (402, Fault.DECLINED, reason)


async def test_a_card_that_wants_its_holder_is_refused_without_them_and_asks_for_them_when_they_are_there(
    world: World,
) -> None:
    """A36."""
    made = await world.intent("pm_card_authenticationRequired")
    refusal = await world.refused(asks.confirm_intent(made["id"], off_session=True))
    assert (fault_of(refusal), stop_of(refusal)) == (Fault.DECLINED, StopReason.AUTHENTICATION)
    assert refusal.object is not None

    method = refusal.object["last_payment_error"]["payment_method"]["id"]
    asked = await world.done(asks.confirm_intent(made["id"], method=method, return_url="https://example.com/back"))
    assert asked["status"] == "requires_action"
    await world.control(f"intents/{made['id']}/authenticate", ok=True)
    assert (await world.seen(Thing.INTENT, made["id"]))["status"] == "requires_capture"


async def test_a_first_payment_keeps_the_card_and_another_price_can_be_set_before_it(world: World) -> None:
    """R46, R264: what is held is taken at once, and the card stays with its customer."""
    customer, method = await world.customer()
    made = await world.done(
        asks.create_intent(
            amount_cents=19_500,
            currency="usd",
            customer=customer,
            metadata=world.marks(),
            capture="automatic",
            setup_usage="unscheduled",
            description="First clean",
        )
    )
    assert made["status"] == "requires_payment_method"
    changed = await world.done(asks.update_intent(made["id"], amount_cents=20_000, method=method))
    assert (changed["amount"], changed["status"]) == (20_000, "requires_confirmation")
    paid = await world.done(asks.confirm_intent(made["id"], return_url="https://example.com/back"))
    assert (paid["status"], paid["amount_received"], paid["setup_future_usage"]) == ("succeeded", 20_000, "off_session")
    kept = await world.seen(Thing.METHOD, method)
    assert kept["customer"] == customer


async def test_a_card_is_agreed_for_later_without_a_payment_and_taken_off(world: World) -> None:
    """R264."""
    customer, method = await world.customer()
    agreed = await world.done(
        asks.create_setup(
            customer=customer,
            usage="unscheduled",
            metadata=world.marks(),
            method=method,
            return_url="https://example.com/back",
        )
    )
    assert (agreed["status"], agreed["usage"]) == ("succeeded", "off_session")
    changed = await world.done(asks.update_customer(customer, phone="+15550100", default_method=method))
    assert changed["invoice_settings"]["default_payment_method"] == method
    gone = await world.done(asks.detach_method(method))
    assert gone["customer"] is None


async def test_money_goes_back_up_to_what_was_taken(world: World) -> None:
    """A35: a refund beyond what is left is refused, and nothing has moved."""
    charge = (await world.charged())["latest_charge"]["id"]

    def back(amount: int) -> Ask:
        return asks.create_refund(
            charge, amount_cents=amount, reason="requested_by_customer", metadata=world.marks(refund_id=uuid4())
        )

    first = await world.done(back(5_000))
    assert (first["amount"], first["charge"]) == (5_000, charge)
    assert first["balance_transaction"]["amount"] == -5_000
    assert (await world.refused(back(14_501))).http_status == 400
    await world.done(back(14_500))
    refusal = await world.refused(back(1))
    assert (refusal.code, fault_of(refusal)) == ("charge_already_refunded", Fault.STATE)
    listed = [one["amount"] async for one in world.provider.pages(Thing.REFUND, charge=charge)]
    assert sorted(listed) == [5_000, 14_500]


async def test_a_cleaner_is_paid_out_of_the_charge_and_no_more_than_it(world: World) -> None:
    """R168, R175: though the charge's money is still on its way; found again by its group and our mark."""
    destination = await world.account()
    paid = await world.charged()
    charge, group, payout = paid["latest_charge"]["id"], paid["transfer_group"], str(uuid4())

    def pay(amount: int) -> Ask:
        return asks.create_transfer(
            amount_cents=amount,
            currency="usd",
            destination=destination,
            charge=charge,
            group=group,
            metadata=world.marks(payout_id=payout, job_id=uuid4()),
        )

    made = await world.done(pay(7_950))
    assert (made["amount"], made["destination"], made["source_transaction"]) == (7_950, destination, charge)
    refusal = await world.refused(pay(19_500))
    assert refusal.http_status == 400
    listed = [one async for one in world.provider.pages(Thing.TRANSFER, transfer_group=group, destination=destination)]
    assert [(one["id"], one["metadata"]["payout_id"]) for one in listed] == [(made["id"], payout)]

    back = await world.done(
        asks.reverse_transfer(made["id"], amount_cents=950, metadata=world.marks(refund_id=uuid4()))
    )
    assert (back["object"], back["amount"], back["transfer"]) == ("transfer_reversal", 950, made["id"])
    assert (await world.seen(Thing.REVERSAL, f"{made['id']}/{back['id']}"))["amount"] == 950
    reversals = [one["id"] async for one in world.provider.pages(Thing.REVERSAL, transfer=made["id"])]
    assert reversals == [back["id"]]
    assert (await world.seen(Thing.TRANSFER, made["id"]))["amount_reversed"] == 950


async def test_an_account_that_is_not_ready_or_not_there_is_not_paid(world: World) -> None:
    """R172: held for the cleaner's account, not for anything of ours."""
    paid = await world.charged()
    new = await world.done(asks.create_account(name="Cleaner 8", country="us", currency="usd", metadata=world.marks()))
    for destination in (new["id"], "acct_1032D82eZvKYlo2C"):
        refusal = await world.refused(
            asks.create_transfer(
                amount_cents=7_950,
                currency="usd",
                destination=destination,
                charge=paid["latest_charge"]["id"],
                group=paid["transfer_group"],
                metadata=world.marks(payout_id=uuid4()),
            )
        )
        assert fault_of(refusal) is Fault.HELD, refusal


async def test_a_disputed_charge_is_answered_once_and_never_refunded(world: World) -> None:
    paid = await world.charged("pm_card_createDispute")
    dispute = await world.eventually(Thing.CHARGE, paid["latest_charge"]["id"], "dispute")
    refusal = await world.refused(
        asks.create_refund(
            paid["latest_charge"]["id"], amount_cents=100, reason="requested_by_customer", metadata=world.marks()
        )
    )
    assert fault_of(refusal) is Fault.STATE
    seen = await world.seen(Thing.DISPUTE, dispute)
    assert (seen["status"], seen["charge"]) == ("needs_response", paid["latest_charge"]["id"])
    assert seen["evidence_details"]["due_by"]
    answer = {"uncategorized_text": "winning_evidence", "service_date": "2026-11-21"}
    answered = await world.done(asks.submit_dispute(dispute, evidence=answer, metadata=world.marks(dispute_id=uuid4())))
    assert answered["status"] in {"under_review", "won"}


async def test_a_dispute_is_lost_by_our_own_will(world: World) -> None:
    paid = await world.charged("pm_card_createDispute")
    dispute = await world.eventually(Thing.CHARGE, paid["latest_charge"]["id"], "dispute")
    closed = await world.done(asks.close_dispute(dispute))
    assert closed["status"] == "lost"


async def test_a_business_is_on_a_plan_changes_it_and_leaves(world: World) -> None:
    """A42."""
    customer, method = await world.customer()
    await world.done(asks.update_customer(customer, default_method=method))
    product = await world.done(asks.create_product(name="Plan", metadata=world.marks()))
    prices = [
        await world.done(
            asks.create_price(
                product=product["id"], amount_cents=cents, currency="usd", metadata=world.marks(), interval="month"
            )
        )
        for cents in (4_900, 9_900)
    ]
    made = await world.done(
        asks.create_subscription(customer=customer, price=prices[0]["id"], metadata=world.marks(), trial_days=14)
    )
    assert (made["status"], made["metadata"]["tenant_id"]) == ("trialing", str(world.tenant))
    item = made["items"]["data"][0]
    assert item["current_period_end"]

    moved = await world.done(asks.update_subscription(made["id"], item=item["id"], price=prices[1]["id"]))
    assert moved["items"]["data"][0]["price"]["id"] == prices[1]["id"]
    ending = await world.done(asks.update_subscription(made["id"], ends_with_period=True))
    assert ending["cancel_at_period_end"] is True
    ended = await world.done(asks.cancel_subscription(made["id"]))
    assert ended["status"] == "canceled"
    listed = [one["id"] async for one in world.provider.pages(Thing.SUBSCRIPTION, customer=customer, status="all")]
    assert listed == [made["id"]]


async def test_a_business_is_led_to_the_providers_pages(world: World) -> None:
    """A42: to begin a plan, and to change its card."""
    customer, _ = await world.customer()
    product = await world.done(asks.create_product(name="Plan", metadata=world.marks()))
    price = await world.done(
        asks.create_price(
            product=product["id"], amount_cents=4_900, currency="usd", metadata=world.marks(), interval="month"
        )
    )
    page = await world.done(
        asks.create_checkout(
            customer=customer,
            price=price["id"],
            success_url="https://example.com/a",
            cancel_url="https://example.com/b",
            metadata=world.marks(),
            trial_days=14,
        )
    )
    assert (page["mode"], page["status"], page["client_reference_id"]) == ("subscription", "open", str(world.tenant))
    assert page["url"].startswith("http")
    portal = await world.send(asks.create_portal(customer=customer, return_url="https://example.com"))
    if isinstance(portal, Refusal) and world.sandbox is None:
        pytest.skip("this account has no settings for its portal")
    assert isinstance(portal, Answered)
    assert portal.object["url"].startswith("http")


async def test_the_provider_is_told_where_to_tell_us(world: World) -> None:
    made = await world.done(
        asks.create_webhook_endpoint(
            url=f"https://example.com/hooks/{uuid4()}",
            events=["charge.captured", "transfer.created"],
            metadata=world.marks(endpoint_id=uuid4()),
        )
    )
    assert made["secret"].startswith("whsec_")
    assert made["enabled_events"] == ["charge.captured", "transfer.created"]


async def test_what_has_happened_is_listed_with_its_object(world: World) -> None:
    charge = (await world.charged())["latest_charge"]["id"]
    kinds = {
        one["type"]
        async for one in world.provider.pages(Thing.EVENT, type="charge.succeeded")
        if one["data"]["object"]["id"] == charge
    }
    assert kinds == {"charge.succeeded"}
    assert (await world.seen(Thing.BALANCE))["object"] == "balance"


async def test_ids_that_are_not_there_read_as_nothing(world: World) -> None:
    for thing, id in (
        (Thing.CUSTOMER, "cus_none"),
        (Thing.INTENT, "pi_none"),
        (Thing.CHARGE, "ch_none"),
        (Thing.TRANSFER, "tr_none"),
        (Thing.SUBSCRIPTION, "sub_none"),
        (Thing.REFUND, "re_none"),
    ):
        assert await world.provider.read(thing, id) is None


@pytest.mark.parametrize("kind", AccountKind)
async def test_an_account_is_opened_finished_and_ready_when_its_capability_is(world: World, kind: AccountKind) -> None:
    """R131, R135, R136: asked twice it is one account; a link opens once; readiness comes and goes."""
    accounts = StripeAccounts(world.provider, replace(SETTINGS, kind=kind))
    wish = AccountWish(uuid4(), world.tenant, "Cleaner 9", "c9@example.com")
    opened, again = await accounts.open(wish), await accounts.open(wish)
    assert opened == again
    assert opened.status is PayoutAccountStatus.OPEN
    assert "bank account" in opened.requirements

    first, second = await accounts.link(opened.id), await accounts.link(opened.id)
    assert first.url != second.url
    assert first.lives.total_seconds() > 0

    states = {}
    for choice in ("documents", "complete"):
        await world.control(f"accounts/{opened.id}/onboarding", choice=choice)
        seen = await accounts.read(opened.id)
        states[choice] = (seen.status, seen.requirements)
    assert states == {
        "documents": (PayoutAccountStatus.RESTRICTED, ("proof of identity",)),
        "complete": (PayoutAccountStatus.READY, ()),
    }
    await world.control(f"accounts/{opened.id}", status="restricted")
    assert (await accounts.read(opened.id)).status is PayoutAccountStatus.RESTRICTED
    await world.control(f"accounts/{opened.id}/onboarding", choice="reject")
    rejected = await accounts.read(opened.id)
    assert rejected.status is PayoutAccountStatus.RESTRICTED
    assert rejected.requirements


async def test_an_account_of_the_first_kind_still_works_for_a_business_of_the_second(world: World) -> None:
    made = await world.done(asks.create_account_v1(country="us", metadata=world.marks(), email="c9@example.com"))
    link = await world.done(asks.create_account_link_v1(account=made["id"], **PAGES))
    assert link["url"].startswith("http")
    accounts = StripeAccounts(world.provider, SETTINGS)
    assert (await accounts.read(made["id"])).status is PayoutAccountStatus.OPEN
    assert (await accounts.link(made["id"])).url.startswith("http")
    await world.control(f"accounts/{made['id']}/onboarding", choice="complete")
    assert (await accounts.read(made["id"])).status is PayoutAccountStatus.READY


async def test_an_account_is_led_to_its_page(world: World) -> None:
    made = await world.done(asks.create_account(name="Cleaner 9", country="us", currency="usd", metadata=world.marks()))
    link = await world.done(asks.create_account_link(account=made["id"], **PAGES))
    assert link["url"].startswith("http")
    assert link["expires_at"] > link["created"]


async def test_a_cleaner_whose_name_has_changed_meanwhile_has_one_account_all_the_same(world: World) -> None:
    accounts = StripeAccounts(world.provider, SETTINGS)
    key = uuid4()
    opened = await accounts.open(AccountWish(key, world.tenant, "Cleaner 9", "c9@example.com"))
    again = await accounts.open(AccountWish(key, world.tenant, "Cleaner Nine", "nine@example.com"))
    assert opened.id == again.id


async def test_an_account_that_is_not_there_is_refused_in_words(world: World) -> None:
    accounts = StripeAccounts(world.provider, SETTINGS)
    with pytest.raises(AccountRefused):
        await accounts.read("acct_1032D82eZvKYlo2C")
    with pytest.raises(AccountRefused):
        await accounts.link("acct_1032D82eZvKYlo2C")


@pytest.mark.parametrize(
    "kind", ["drop_before", "drop_after", "hang_after", "error_before", "truncate", "conflict", "rate_limit"]
)
async def test_whatever_goes_wrong_on_the_way_the_same_key_brings_it_to_one_end(world: World, kind: str) -> None:
    """R157: unknown, then the same again: one charge."""
    made = await world.intent()
    ask, key = asks.confirm_intent(made["id"], off_session=True), f"contract:{uuid4()}"
    await world.control("faults", rules=[{"method": "POST", "path": "/v1/payment_intents/*/confirm", "kind": kind}])
    lost = await world.send(ask, key)
    assert isinstance(lost, Unknown)

    deadline = asyncio.get_running_loop().time() + 10
    while isinstance(outcome := await world.send(ask, key), Unknown):
        assert asyncio.get_running_loop().time() < deadline, outcome
    assert isinstance(outcome, Answered)
    assert outcome.object["status"] == "requires_capture"
    charges = [one async for one in world.provider.pages(Thing.CHARGE, payment_intent=made["id"])]
    assert len(charges) == 1


async def test_a_failure_that_is_stored_comes_back_and_is_looked_up(world: World) -> None:
    made = await world.intent()
    ask, key = asks.confirm_intent(made["id"], off_session=True), f"contract:{uuid4()}"
    await world.control("faults", rules=[{"path": "/v1/payment_intents/*/confirm", "kind": "error_after"}])
    first, again = await world.send(ask, key), await world.send(ask, key)
    assert isinstance(first, Unknown)
    assert isinstance(again, Unknown)
    assert (first.is_replayed, again.is_replayed) == (False, True)
    assert (await world.seen(Thing.INTENT, made["id"]))["status"] == "requires_capture"
