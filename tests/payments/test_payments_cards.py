"""Saved cards and the agreement that later charges stand on (R38, R44, R235, R264)."""

import pytest

from domain.consent import CONSENT_VERSION, card_consent_text
from domain.errors import Code
from domain.ids import PaymentMethodId
from domain.payments.ask import Thing
from services.payments.cards import (
    AddPaymentMethod,
    RemovePaymentMethod,
    SetDefaultPaymentMethod,
    add_payment_method,
    remove_payment_method,
    set_default_payment_method,
)
from tests.payments.site import Site

BACK = "https://cleanshift.test/cards"


def _card(id: PaymentMethodId | None) -> PaymentMethodId:
    assert id is not None
    return id


async def test_a_card_is_saved_with_what_was_agreed_to(site: Site) -> None:
    """R264: version, text, address and time; at the provider it is kept for charges without its owner."""
    home = await site.home()

    row = await site.row("payment_method", home.card)

    assert (row["status"], row["is_default"], row["brand"], row["last4"]) == ("ACTIVE", True, "visa", "4242")
    agreed = (row["consent_version"], row["consent_text"], row["consent_address"])
    business = await site.value("select name from tenant where tenant_id = $1", site.town.tenant)
    assert agreed == (CONSENT_VERSION, card_consent_text(business), "203.0.113.7")
    assert row["consented_at"] is not None
    [setup] = site.things("setup_intents")
    assert (setup["usage"], setup["status"]) == ("off_session", "succeeded")
    [kept] = [one for one in site.things("payment_methods") if one["id"] == home.method]
    who = await site.row("customer", home.customer)
    assert kept["customer"] == who["provider_id"]


async def test_a_customer_becomes_known_to_the_provider_once(site: Site) -> None:
    """R44, R158: two cards, one customer, with our marks."""
    home = await site.home()

    await site.save_card(home, "mastercard")

    [known] = site.things("customers")
    assert known["metadata"]["customer_id"] == str(home.customer)
    assert known["email"].endswith("@x.example")


@pytest.mark.parametrize("version", ["", " ", "page-1", "2026-10"])
async def test_without_consent_to_the_text_in_force_nothing_is_saved(site: Site, version: str) -> None:
    """R264: the customer says which text they were shown; nobody agrees to another one than ours."""
    home, method = await site.home(card=None), site.fresh_method()

    async with site.refused(Code.INVALID) as refusals:
        await site.do(home.who, add_payment_method, AddPaymentMethod(method, version, BACK))

    assert refusals[0].field == ("consentVersion",)


@pytest.mark.parametrize("method", ["4242424242424242", "tok_visa", "pm_x/../y", ""])
async def test_card_numbers_and_other_things_never_come_here(site: Site, method: str) -> None:
    home = await site.home(card=None)

    async with site.refused(Code.INVALID):
        await site.do(home.who, add_payment_method, AddPaymentMethod(method, "2026-11", BACK))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/cards", "https://user@evil.example/"])
async def test_a_page_to_come_back_to_is_a_page(site: Site, url: str) -> None:
    home, method = await site.home(card=None), site.fresh_method()

    async with site.refused(Code.INVALID):
        await site.do(home.who, add_payment_method, AddPaymentMethod(method, "2026-11", url))


async def test_a_card_that_its_bank_will_not_have_kept_is_not_saved(site: Site) -> None:
    home = await site.home(card=None)

    await site.save_card(home, "chargeDeclined")

    row = await site.row("payment_method", home.card)
    assert (row["status"], row["is_default"], row["failure"]) == ("FAILED", False, "Your bank has declined the card.")


async def test_a_card_that_must_be_confirmed_is_saved_once_it_is(site: Site) -> None:
    home = await site.home(card=None)
    await site.save_card(home, "authenticationRequired")
    row = await site.row("payment_method", home.card)
    assert row["status"] == "PENDING"
    assert row["action_url"].startswith("https://stripe.sandbox/authenticate/")
    [setup] = [one for one in site.things("setup_intents") if one["payment_method"] == home.method]

    await site.control("POST", f"intents/{setup['id']}/authenticate", {"ok": True})
    await site.hear("setup_intent", Thing.SETUP, setup["id"])

    row = await site.row("payment_method", home.card)
    assert (row["status"], row["is_default"], row["action_url"]) == ("ACTIVE", True, None)


async def test_the_card_given_last_is_the_default_until_another_is_named(site: Site) -> None:
    home = await site.home()
    first = home.card
    await site.save_card(home, "mastercard")
    assert (await site.row("payment_method", home.card))["is_default"]

    await site.do(home.who, set_default_payment_method, SetDefaultPaymentMethod(_card(first)))

    assert (await site.row("payment_method", first))["is_default"]
    assert not (await site.row("payment_method", home.card))["is_default"]


async def test_a_card_is_not_taken_off_while_a_clean_is_held_on_it(site: Site) -> None:
    home = await site.home()
    await site.held_job(home)

    async with site.refused(Code.PAYMENT_STATE):
        await site.do(home.who, remove_payment_method, RemovePaymentMethod(_card(home.card)))


async def test_a_card_that_is_taken_off_is_forgotten_there_and_another_is_the_default(site: Site) -> None:
    home = await site.home()
    first = home.card
    await site.save_card(home, "mastercard")

    await site.do(home.who, remove_payment_method, RemovePaymentMethod(_card(home.card)))
    await site.settle()

    gone = await site.row("payment_method", home.card)
    assert (gone["status"], gone["is_default"]) == ("DETACHED", False)
    assert (await site.row("payment_method", first))["is_default"]
    [there] = [one for one in site.things("payment_methods") if one["id"] == home.method]
    assert there["customer"] is None


async def test_nobody_touches_another_customers_card(site: Site) -> None:
    mine, theirs = await site.home(), await site.home()

    for command, form in (
        (remove_payment_method, RemovePaymentMethod),
        (set_default_payment_method, SetDefaultPaymentMethod),
    ):
        async with site.refused(Code.NOT_FOUND):
            await site.do(mine.who, command, form(_card(theirs.card)))
    async with site.refused(Code.ALREADY_EXISTS):
        await site.do(mine.who, add_payment_method, AddPaymentMethod(theirs.method, "2026-11", BACK))


async def test_a_business_without_a_provider_saves_no_cards(site: Site) -> None:
    home, method = await site.home(card=None), site.fresh_method()
    await site.world.root.execute("delete from provider_account where tenant_id = $1", site.town.tenant)

    async with site.refused(Code.NOT_CONFIGURED):
        await site.do(home.who, add_payment_method, AddPaymentMethod(method, "2026-11", BACK))
