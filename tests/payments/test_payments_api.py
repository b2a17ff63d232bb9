"""Payments and cards as clients see them: over HTTP, for each role, one statement an operation (R3, R235)."""

import json
from typing import Any

import pytest

from tests.payments.site import Site
from tests.product.world import Api, gid

BACK = "https://cleanshift.test/cards"
PAYMENTS = """{ payments(first: 5) { nodes { status kind amountCents currency capturedCents declineWords
    job { id } customer { name } method { brand last4 isDefault } } } }"""
PROVIDERS = "{ payments(first: 5) { nodes { intentId feeCents captureBefore } } }"


async def test_a_customer_saves_a_card_and_sees_it(site: Site, api: Api) -> None:
    """R38, R235, R264."""
    home = await site.home(card=None)
    form = {"method": site.fresh_method(), "consentVersion": "2026-11", "returnUrl": BACK}

    made = await api.do(home.who, "addPaymentMethod", form, "paymentMethod { id status isDefault }")
    await site.settle()
    seen = await api.data(
        home.who,
        "query ($id: ID!) { customer(id: $id) { paymentMethods { nodes { id status brand last4 isDefault } } } }",
        id=gid("Customer", home.customer),
    )

    assert (made["errors"], made["paymentMethod"]["status"]) == ([], "PENDING")
    assert seen["customer"]["paymentMethods"]["nodes"] == [
        {"id": made["paymentMethod"]["id"], "status": "ACTIVE", "brand": "visa", "last4": "4242", "isDefault": True}
    ]


@pytest.mark.parametrize(
    "url", ["https://evil.example/cards", "https://cleanshift.test.evil.example/", "http://cleanshift.test/"]
)
async def test_nobody_is_sent_back_to_a_strangers_page(site: Site, api: Api, url: str) -> None:
    """A36: a page behind the bank's would look like ours; refused wherever a client names one, and nothing is asked."""
    home = await site.home()
    job = await site.paid_job(home)
    before, asked = await site.picture(), site.sandbox.journal.seq
    unknown = gid("Payment", "01900000-0000-7000-8000-00000000dead")
    wishes: list[tuple[Any, str, dict[str, Any], str]] = [
        (home.who, "addPaymentMethod", {"method": site.fresh_method(), "consentVersion": "2026-11"}, "paymentMethod"),
        (home.who, "tipJob", {"jobId": gid("Job", job), "amountCents": 500}, "payment"),
        (home.who, "confirmPayment", {"paymentId": unknown}, "payment"),
        (None, "openPayment", {"token": "x"}, "payment"),
    ]
    asked += 1  # The card that the provider's field has handed out.

    for who, mutation, form, entity in wishes:
        answer = await api.do(who, mutation, {**form, "returnUrl": url}, f"{entity} {{ __typename }}")
        assert [(one["code"], one["field"]) for one in answer["errors"]] == [("INVALID", ["returnUrl"])], mutation

    assert (await site.picture(), site.sandbox.journal.seq) == (before, asked)


async def test_each_role_sees_of_a_payment_what_is_theirs(site: Site, api: Api) -> None:
    """The provider's names are for who runs the business; a dispatcher, a cleaner and a stranger see nothing."""
    home = await site.home()
    job = await site.paid_job(home)

    [owners] = (await api.data(site.town.owner, PAYMENTS))["payments"]["nodes"]
    [customers] = (await api.data(home.who, PAYMENTS))["payments"]["nodes"]

    assert (owners["status"], owners["capturedCents"]) == ("CAPTURED", 9_000)
    assert owners["job"]["id"] == gid("Job", job)
    assert (customers["status"], customers["method"]["last4"]) == ("CAPTURED", "4242")
    [there] = (await api.data(site.town.owner, PROVIDERS))["payments"]["nodes"]
    assert (there["intentId"][:3], there["feeCents"]) == ("pi_", 291)
    kept = await api.ask(home.who, PROVIDERS)
    assert {one["extensions"]["code"] for one in kept["errors"]} == {"FORBIDDEN"}
    assert kept["data"]["payments"]["nodes"] == [{"intentId": None, "feeCents": None, "captureBefore": None}]
    for who in (await site.town.dispatcher(), await site.town.cleaner(), (await site.home()).who, site.other.owner):
        assert (await api.data(who, PAYMENTS))["payments"]["nodes"] == []


async def test_the_office_sees_what_is_held_today_and_what_is_at_risk(site: Site, api: Api) -> None:
    """R144, R145, A31, A36."""
    declined, bare, mansion, fine = (
        await site.home(),
        await site.home(card=None),
        await site.home(bedrooms=7),
        await site.home(),
    )
    await site.outcome(declined.method, "insufficient_funds")
    jobs = {
        name: await site.job(home)
        for name, home in {"DECLINED": declined, "NO_CARD": bare, "NO_PRICE": mansion, "": fine}.items()
    }
    await site.hold_night(jobs[""])

    risky = "{ atRiskJobs(first: 10) { nodes { id paymentRisk } } }"
    seen = (await api.data(site.town.owner, risky))["atRiskJobs"]["nodes"]
    assert {one["paymentRisk"]: one["id"] for one in seen} == {
        name: gid("Job", job) for name, job in jobs.items() if name
    }
    for who in (await site.town.dispatcher(), declined.who, site.other.owner):
        assert (await api.data(who, risky))["atRiskJobs"]["nodes"] == []

    await site.until((await site.row("job", jobs[""]))["starts_at"])
    held = "{ heldToday(first: 10, filter: { status: [AUTHORIZED] }) { nodes { job { id } } } }"
    nodes = (await api.data(site.town.owner, held))["heldToday"]["nodes"]
    assert [one["job"]["id"] for one in nodes] == [gid("Job", jobs[""])]


async def test_a_declined_payment_tells_its_customer_in_words_and_the_office_the_code(site: Site, api: Api) -> None:
    """A36: nothing of theft."""
    home = await site.home()
    await site.outcome(home.method, "stolen_card")
    job = await site.job(home)
    await site.hold_night(job)
    words = "query ($id: ID!) { job(id: $id) { payments { nodes { id status declineWords } } } }"
    codes = words.replace("declineWords", "declineCode")

    [customers] = (await api.data(home.who, words, id=gid("Job", job)))["job"]["payments"]["nodes"]
    [owners] = (await api.data(site.town.owner, codes, id=gid("Job", job)))["job"]["payments"]["nodes"]

    assert customers["declineWords"] == "Your bank has declined the card."
    assert owners["declineCode"] == "stolen_card"
    refused = await api.do(site.town.owner, "retryPayment", {"paymentId": owners["id"]}, "payment { status }")
    assert [one["code"] for one in refused["errors"]] == ["PAYMENT_STATE"]


async def test_who_has_the_link_opens_the_payment_and_nobody_else(site: Site, api: Api) -> None:
    home = await site.home()
    await site.outcome(home.method, "authentication_required")
    job = await site.job(home)
    await site.hold_night(job)
    [mail] = [one for one in await site.notices("PAYMENT_TO_CONFIRM") if one["channel"] == "EMAIL"]
    token = json.loads(mail["content"])["body"].rpartition("#token=")[2]

    async def opened(token: str) -> Any:
        form = {"token": token, "returnUrl": BACK}
        return await api.do(None, "openPayment", form, "payment { status amountCents currency actionUrl }")

    first = await opened(token)
    await site.settle()
    second = await opened(token)

    assert first["payment"] == {"status": "REQUIRES_ACTION", "amountCents": 9_000, "currency": "usd", "actionUrl": None}
    assert second["payment"]["actionUrl"].startswith("https://stripe.sandbox/authenticate/")
    forged = token[:-4] + ("A" if token[-4] != "A" else "B") + token[-3:]
    for bad in ("", "x.y.z", forged, token.replace(site.town.tenant.hex, site.other.tenant.hex)):
        answer = await opened(bad)
        assert (answer["payment"], [one["code"] for one in answer["errors"]]) == (None, ["LINK_INVALID"])


async def test_the_office_lets_a_hold_go_and_takes_what_is_proven(site: Site, api: Api) -> None:
    job = await site.held_job()
    row = await site.payment(job)

    early = await api.do(site.town.owner, "captureProven", {"jobId": gid("Job", job)}, "job { id }")
    gone = await api.do(
        site.town.owner, "releaseHold", {"paymentId": gid("Payment", row["id"]), "reason": "Cash"}, "payment { letGo }"
    )
    await site.settle()

    assert [one["code"] for one in early["errors"]] == ["EVIDENCE_INCOMPLETE"]
    assert (gone["errors"], gone["payment"]["letGo"]) == ([], "BY_HAND")
    assert await site.status(job) == "RELEASED"
