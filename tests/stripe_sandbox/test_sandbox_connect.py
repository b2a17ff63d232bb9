"""Connect in the sandbox: accounts of both versions, the onboarding page, readiness, and bank payouts."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import stripe

from sandbox.stripe.transport import SandboxTransport
from tests.stripe_sandbox.desk import DAY, Desk

RECIPIENT = ["configuration.recipient", "requirements", "identity", "defaults"]
CAPABILITY = "v2.core.account[configuration.recipient].capability_status_updated"
REQUIREMENTS = "v2.core.account[requirements].updated"


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    assert desk.violations == []


def a_cleaner(desk: Desk, **more: Any) -> str:
    return desk.post(
        "/v2/core/accounts",
        contact_email="cleaner7@example.com",
        display_name="Cleaner 7",
        dashboard="express",
        identity={"country": "us", "entity_type": "individual"},
        configuration={"recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}},
        defaults={"responsibilities": {"fees_collector": "application", "losses_collector": "application"}},
        include=RECIPIENT,
        **more,
    )["id"]


def a_link(desk: Desk, account: str) -> str:
    case = {"refresh_url": "https://acme.example/again", "return_url": "https://acme.example/back"}
    made = desk.post(
        "/v2/core/account_links",
        account=account,
        use_case={"type": "account_onboarding", "account_onboarding": case},
    )
    assert made["account"] == account
    return made["url"]


def transfers(desk: Desk, account: str) -> str:
    shown = desk.get(f"/v2/core/accounts/{account}", include=["configuration.recipient"])
    return shown["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"]["status"]


def test_a_new_recipient_is_restricted_until_the_page_was_completed(desk: Desk) -> None:
    account = a_cleaner(desk, metadata={"cleaner": "7"})

    before = desk.get(f"/v2/core/accounts/{account}", include=RECIPIENT)
    reply = desk.press(a_link(desk, account), "complete")

    assert before["requirements"]["entries"]
    assert before["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"] == {
        "status": "restricted",
        "status_details": [{"code": "requirements_past_due", "resolution": "provide_info"}],
    }
    assert reply.location == "https://acme.example/back"
    assert transfers(desk, account) == "active"
    after = desk.get(f"/v1/accounts/{account}")
    assert after["capabilities"] == {"transfers": "active"}
    assert after["payouts_enabled"]
    assert after["requirements"]["currently_due"] == []
    assert desk.told(account) == [
        "v2.core.account.created",
        CAPABILITY,
        REQUIREMENTS,
        "v2.core.account_link.returned",
    ]
    assert desk.told(account=account) == ["capability.updated", "account.updated"]


def test_without_include_configuration_and_requirements_are_left_out(desk: Desk) -> None:
    shown = desk.get(f"/v2/core/accounts/{a_cleaner(desk)}")

    assert not {"configuration", "requirements", "identity", "defaults"} & shown.keys()


def test_a_link_is_single_use_and_its_second_visit_leads_to_the_refresh_url(desk: Desk) -> None:
    account = a_cleaner(desk)
    url = a_link(desk, account)

    first, second = desk.open(url), desk.open(url)

    assert first.status == 200
    assert "Cleaner 7" in first.html
    assert second.location == "https://acme.example/again"
    assert transfers(desk, account) == "restricted"


def test_a_link_dies_after_five_minutes_by_the_clock(desk: Desk) -> None:
    url = a_link(desk, a_cleaner(desk))

    desk.sandbox.advance(300)

    assert desk.open(url).location == "https://acme.example/again"


def test_the_page_counts_once_even_if_its_button_is_pressed_again(desk: Desk) -> None:
    account = a_cleaner(desk)
    url = a_link(desk, account)
    desk.press(url, "complete")

    again = desk.open(url, choice="reject", visit="visit_guessed")

    assert again.location == "https://acme.example/again"
    assert transfers(desk, account) == "active"


def test_missing_documents_show_as_due_and_rejection_is_for_good(desk: Desk) -> None:
    papers, rejected = a_cleaner(desk), a_cleaner(desk)

    desk.press(a_link(desk, papers), "documents")
    desk.press(a_link(desk, rejected), "reject")

    due = desk.get(f"/v1/accounts/{papers}")["requirements"]
    assert due["currently_due"] == ["individual.verification.document"]
    assert due["disabled_reason"] == "requirements.past_due"
    assert desk.get(f"/v1/accounts/{rejected}")["requirements"]["disabled_reason"] == "rejected.other"
    with pytest.raises(Exception, match="for good"):
        desk.control(f"accounts/{rejected}", status="active")


def test_a_later_restriction_stops_transfers_and_heals(desk: Desk) -> None:
    account = a_cleaner(desk)
    desk.control(f"accounts/{account}/onboarding", choice="complete")
    charge = desk.charge()

    desk.control(f"accounts/{account}", status="restricted")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        desk.post("/v1/transfers", amount=7950, currency="usd", destination=account, source_transaction=charge)
    desk.control(f"accounts/{account}", status="active")
    paid = desk.post("/v1/transfers", amount=7950, currency="usd", destination=account, source_transaction=charge)

    assert refused.value.code == "insufficient_capabilities_for_transfer"
    assert paid["amount"] == 7950
    assert desk.told(account).count(CAPABILITY) == 3


def test_a_closed_account_is_told_and_no_longer_reachable_in_v1(desk: Desk) -> None:
    account = a_cleaner(desk)

    closed = desk.post(f"/v2/core/accounts/{account}/close", applied_configurations=["recipient"])

    assert closed["closed"]
    assert "v2.core.account.closed" in desk.told(account)
    with pytest.raises(stripe.PermissionError) as refused:
        desk.get(f"/v1/accounts/{account}")
    # The SDK leaves `code` empty on a 403.
    assert refused.value.error is not None
    assert refused.value.error.code == "account_invalid"
    assert [doc["id"] for doc in desk.get("/v2/core/accounts", closed=True)["data"]] == [account]


def test_express_needs_the_platform_to_bear_fees_and_losses(desk: Desk) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        desk.post(
            "/v2/core/accounts",
            dashboard="express",
            identity={"country": "us"},
            configuration={"recipient": {}},
            defaults={"responsibilities": {"fees_collector": "stripe", "losses_collector": "stripe"}},
        )

    assert refused.value.code == "account_controller_express_dash_without_application_losses_or_fees"
    assert desk.get("/v2/core/accounts")["data"] == []


def test_v2_links_no_longer_take_configurations(desk: Desk) -> None:
    account = a_cleaner(desk)
    case = {"refresh_url": "https://acme.example/again", "configurations": ["recipient"]}

    with pytest.raises(stripe.InvalidRequestError):
        desk.post(
            "/v2/core/account_links",
            account=account,
            use_case={"type": "account_onboarding", "account_onboarding": case},
        )


def test_an_old_account_goes_the_same_way_in_v1(desk: Desk) -> None:
    account = desk.post(
        "/v1/accounts",
        type="express",
        country="US",
        email="old@example.com",
        capabilities={"transfers": {"requested": True}},
        individual={"first_name": "Cleaner", "last_name": "Eight"},
    )
    made = desk.post(
        "/v1/account_links",
        account=account["id"],
        type="account_onboarding",
        refresh_url="https://acme.example/again",
        return_url="https://acme.example/back",
    )

    desk.press(made["url"], "complete")

    assert account["capabilities"] == {"transfers": "inactive"}
    assert account["requirements"]["disabled_reason"] == "requirements.past_due"
    assert desk.get(f"/v1/accounts/{account['id']}")["capabilities"]["transfers"] == "active"
    capability = desk.get(f"/v1/accounts/{account['id']}/capabilities/transfers")
    assert capability["status"] == "active"
    assert desk.told(account=account["id"]) == ["capability.updated", "account.updated"]
    assert desk.post(f"/v1/accounts/{account['id']}/login_links")["url"]
    assert desk.delete(f"/v1/accounts/{account['id']}")["deleted"]
    assert "account.application.deauthorized" in desk.told(account=account["id"])
    assert desk.get("/v1/accounts")["data"] == []


def test_a_foreign_platform_cannot_see_or_pay_the_account(desk: Desk) -> None:
    account = a_cleaner(desk)
    other = Desk("rival", desk.sandbox)

    with pytest.raises(stripe.PermissionError):
        other.get(f"/v1/accounts/{account}")
    with pytest.raises(stripe.InvalidRequestError):
        other.get(f"/v2/core/accounts/{account}")
    with pytest.raises(stripe.PermissionError):
        other.get("/v1/balance", on=account)

    assert other.get("/v1/account")["id"] != desk.get("/v1/account")["id"]


def test_money_of_a_transfer_reaches_the_bank_when_it_is_available(desk: Desk) -> None:
    account = a_cleaner(desk)
    desk.control(f"accounts/{account}/onboarding")
    desk.post("/v1/transfers", amount=7950, currency="usd", destination=account, source_transaction=desk.charge())

    before = desk.get("/v1/payouts", on=account)["data"]
    desk.sandbox.advance(10 * DAY)

    assert before == []
    [payout] = desk.get("/v1/payouts", on=account)["data"]
    assert (payout["amount"], payout["status"], payout["automatic"]) == (7950, "paid", True)
    assert desk.get("/v1/balance", on=account)["available"][0]["amount"] == 0
    told = desk.told(account=account)
    assert told.index("payout.created") < told.index("payout.paid")


def test_a_failed_bank_payout_brings_the_money_back_and_stops_payouts_not_transfers(desk: Desk) -> None:
    account = a_cleaner(desk)
    desk.control(f"accounts/{account}/onboarding")
    desk.control(f"accounts/{account}/bank", works=False)
    desk.post("/v1/transfers", amount=7950, currency="usd", destination=account, source_transaction=desk.charge())

    desk.sandbox.advance(10 * DAY)

    [payout] = desk.get("/v1/payouts", on=account)["data"]
    shown = desk.get(f"/v1/accounts/{account}")
    assert (payout["status"], payout["failure_code"]) == ("failed", "account_closed")
    assert desk.get("/v1/balance", on=account)["available"][0]["amount"] == 7950
    assert (shown["payouts_enabled"], shown["capabilities"]["transfers"]) == (False, "active")
    assert shown["requirements"]["currently_due"] == ["external_account"]
    assert "account.external_account.updated" in desk.told(account=account)

    desk.control(f"accounts/{account}/bank", works=True)
    desk.sandbox.advance(10 * DAY)

    assert [row["status"] for row in desk.get("/v1/payouts", on=account)["data"]] == ["paid", "failed"]


async def test_the_onboarding_page_is_served_to_browsers(desk: Desk) -> None:
    account = a_cleaner(desk)
    url = a_link(desk, account)

    async with httpx2.AsyncClient(transport=SandboxTransport(desk.sandbox)) as browser:
        page = await browser.get(url)
        visit = page.text.split('name="visit" value="')[1].split('"')[0]
        back = await browser.post(url, data={"visit": visit, "choice": "complete"})

    assert page.headers["content-type"].startswith("text/html")
    assert (back.status_code, back.headers["location"]) == (303, "https://acme.example/back")
    assert transfers(desk, account) == "active"


def test_thin_events_go_to_destinations_with_a_secret_of_their_own(desk: Desk) -> None:
    made = desk.post(
        "/v2/core/event_destinations",
        name="accounts",
        type="webhook_endpoint",
        event_payload="thin",
        enabled_events=[CAPABILITY, REQUIREMENTS],
        webhook_endpoint={"url": "https://acme.example/thin"},
        include=["webhook_endpoint.signing_secret"],
    )
    account = a_cleaner(desk)

    desk.control(f"accounts/{account}/onboarding")

    [told] = [row for row in desk.get("/v2/core/events")["data"] if row["type"] == CAPABILITY]
    assert told["related_object"] == {"id": account, "type": "v2.core.account", "url": f"/v2/core/accounts/{account}"}
    assert "data" not in told or "updated_capability" in told["data"]
    queued = [*desk.sandbox.store.collection(desk.account, "deliveries").values()]
    assert made["webhook_endpoint"]["signing_secret"].startswith("whsec_")
    assert len(queued) == 2
    assert {delivery["endpoint"] for delivery in queued} == {made["id"]}
    shown = desk.get(f"/v2/core/event_destinations/{made['id']}")
    assert "signing_secret" not in shown["webhook_endpoint"]


async def test_both_kinds_of_endpoint_are_told_each_signed_with_its_own_secret(desk: Desk) -> None:
    thin = desk.post(
        "/v2/core/event_destinations",
        name="accounts",
        type="webhook_endpoint",
        event_payload="thin",
        enabled_events=[CAPABILITY],
        webhook_endpoint={"url": "https://acme.example/thin"},
        include=["webhook_endpoint.signing_secret"],
    )["webhook_endpoint"]["signing_secret"]
    connect = desk.post(
        "/v1/webhook_endpoints",
        url="https://acme.example/connect",
        connect=True,
        enabled_events=["account.updated", "payout.paid", "payout.failed"],
    )["secret"]
    received: list[tuple[str, bytes, str]] = []

    async def send(url: str, body: bytes, headers: dict[str, str]) -> int:
        received.append((url, body, headers["stripe-signature"]))
        return 200

    desk.sandbox.courier.send = send
    account = a_cleaner(desk)
    desk.control(f"accounts/{account}/onboarding")
    desk.post("/v1/transfers", amount=7950, currency="usd", destination=account, source_transaction=desk.charge())
    desk.sandbox.advance(10 * DAY)
    await desk.sandbox.courier.deliver_due()

    [note] = [
        desk.client.parse_event_notification(body, signed, thin) for url, body, signed in received if "thin" in url
    ]
    told = [desk.client.construct_event(body, signed, connect) for url, body, signed in received if "connect" in url]
    assert isinstance(
        note, stripe.events.V2CoreAccountIncludingConfigurationRecipientCapabilityStatusUpdatedEventNotification
    )
    assert note.related_object.id == account
    assert note.fetch_related_object().id == account
    assert note.fetch_event().data.updated_capability == "stripe_balance.stripe_transfers"
    assert [(event.type, event.account) for event in told] == [("account.updated", account), ("payout.paid", account)]


def test_accounts_are_changed_in_either_version(desk: Desk) -> None:
    account = a_cleaner(desk)
    transfers_off = {"stripe_balance": {"stripe_transfers": {"requested": False}}}

    desk.post(f"/v1/accounts/{account}", metadata={"cleaner": "8"}, email="new@example.com")
    desk.post(f"/v2/core/accounts/{account}", display_name="Cleaner 8")
    desk.control(f"accounts/{account}", status="pending")
    waiting = desk.get(f"/v2/core/accounts/{account}", include=RECIPIENT)
    desk.control(f"accounts/{account}", status="active")
    desk.post(f"/v2/core/accounts/{account}", configuration={"recipient": {"capabilities": transfers_off}})

    shown = desk.get(f"/v1/accounts/{account}")
    assert (shown["email"], shown["metadata"]) == ("new@example.com", {"cleaner": "8"})
    assert shown["business_profile"]["name"] == "Cleaner 8"
    assert waiting["requirements"]["entries"][0]["awaiting_action_from"] == "stripe"
    assert waiting["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"] == {
        "status": "pending",
        "status_details": [{"code": "requirements_pending_verification", "resolution": "no_resolution"}],
    }
    assert shown["capabilities"] == {}
    assert desk.get(f"/v1/accounts/{account}/capabilities")["data"][0]["status"] == "unrequested"


def test_a_payout_by_hand_needs_a_bank_account_and_money(desk: Desk) -> None:
    account = a_cleaner(desk)
    with pytest.raises(stripe.InvalidRequestError) as not_allowed:
        desk.post("/v1/payouts", on=account, amount=100, currency="usd")
    desk.control(f"accounts/{account}/onboarding")
    with pytest.raises(stripe.InvalidRequestError) as no_money:
        desk.post("/v1/payouts", on=account, amount=100, currency="usd")
    charge = desk.charge(20_000, "pm_card_bypassPending")

    own = desk.post("/v1/payouts", amount=5_000, currency="usd", metadata={"week": "1"})
    done = desk.control(f"payouts/{own['id']}", outcome="paid")
    back = desk.control(f"payouts/{own['id']}", outcome="failed")

    assert not_allowed.value.code == "payouts_not_allowed"
    assert no_money.value.code == "balance_insufficient"
    assert charge
    assert (own["status"], done["status"], back["status"]) == ("pending", "paid", "failed")
    assert desk.get(f"/v1/payouts/{own['id']}")["failure_balance_transaction"]
    assert desk.get("/v1/balance")["available"][0]["amount"] == 20_000 - 610
    assert desk.told(own["id"]) == ["payout.created", "payout.paid", "payout.failed"]


def test_links_need_an_account_that_is_open_and_addresses_to_return_to(desk: Desk) -> None:
    account = a_cleaner(desk)
    with pytest.raises(stripe.InvalidRequestError):
        desk.post("/v1/account_links", account=account, type="account_onboarding", refresh_url="https://a.example")
    url = a_link(desk, account)
    desk.post(f"/v2/core/accounts/{account}/close")

    with pytest.raises(stripe.InvalidRequestError):
        a_link(desk, account)

    assert desk.open(url).status == 410
    assert desk.open("https://stripe.sandbox/connect/onboarding/acctlink_none").status == 410
