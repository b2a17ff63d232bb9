"""Stripe's own library over our own HTTP: what every kind of answer, and none, is taken for (R157, R170)."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from inspect import iscoroutinefunction, signature
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import stripe

from domain.errors import Unavailable
from domain.payments import asks
from domain.payments.ask import TARGETED, Ask, Thing, Verb
from domain.payments.outcomes import Answered, Doubt, Fault, Refusal, Unknown, fault_of
from gateways.payments import Credentials, Provider, RefusedByProvider
from gateways.stripe_api import API_VERSION, METHODS, SHELVES, StripeProviders, outcome_of
from tests.payments.wires import Wire, a_wire, said

ASK = asks.capture_intent("pi_1", amount_cents=19_500)
PAID = {"id": "pi_1", "object": "payment_intent", "amount": 19_500, "latest_charge": {"id": "ch_1", "object": "charge"}}


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with a_wire() as wire:
        yield wire


@pytest.fixture
async def provider(wire: Wire) -> AsyncIterator[Provider]:
    providers = StripeProviders(seconds=20)
    yield providers.of(Credentials("sk_test_one", base_url=wire.url))
    await providers.aclose()


@pytest.fixture
async def impatient(wire: Wire) -> AsyncIterator[Provider]:
    """For answers that never come: the same, waiting for two seconds."""
    providers = StripeProviders(seconds=2)
    yield providers.of(Credentials("sk_test_one", base_url=wire.url))
    await providers.aclose()


async def _sent(provider: Provider, wire: Wire, *answers: bytes | str, ask: Ask = ASK) -> Any:
    wire.answers += answers
    return await provider.send(ask, "key-1")


async def test_an_ask_goes_out_once_with_its_key_version_and_whole_cents(provider: Provider, wire: Wire) -> None:
    """R157."""
    outcome = await _sent(provider, wire, said(200, PAID))

    assert outcome == Answered(PAID, "req_1")
    assert type(outcome.object) is type(outcome.object["latest_charge"]) is dict
    ((line, headers, body),) = wire.requests
    assert line == "POST /v1/payment_intents/pi_1/capture HTTP/1.1"
    assert body == "amount_to_capture=19500&expand[0]=latest_charge.balance_transaction"
    assert headers["idempotency-key"] == "key-1"
    assert headers["stripe-version"] == API_VERSION == stripe.api_version
    assert headers["authorization"] == "Bearer sk_test_one"
    assert "stripe-account" not in headers


async def test_nested_marks_and_truths_are_sent_as_the_provider_reads_them(provider: Provider, wire: Wire) -> None:
    ask = Ask(
        Verb.CREATE_SUBSCRIPTION, None, {"items": [{"price": "p"}], "off_session": True, "metadata": {"a": "ä&="}}
    )
    await _sent(provider, wire, said(200, {"id": "sub_1", "object": "subscription"}), ask=ask)
    assert wire.requests[0][2] == "items[0][price]=p&off_session=true&metadata[a]=%C3%A4%26%3D"


async def test_an_ask_of_the_second_kind_goes_out_as_json(provider: Provider, wire: Wire) -> None:
    ask = asks.create_account_link(account="acct_1", refresh_url="https://us.test/r", return_url="https://us.test/b")
    answer = {"object": "v2.core.account_link", "url": "https://x.test", "expires_at": "2026-11-22T00:00:00.000Z"}
    outcome = await _sent(provider, wire, said(200, answer), ask=ask)
    assert outcome.object["expires_at"] == "2026-11-22T00:00:00.000Z"
    assert json.loads(wire.requests[0][2]) == ask.params
    assert wire.requests[0][1]["idempotency-key"] == "key-1"


def _error(**error: Any) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "message": "No.", **error}}


async def test_a_decline_is_a_refusal_with_everything_the_bank_said(provider: Provider, wire: Wire) -> None:
    error: dict[str, Any] = {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "advice_code": "try_again_later",
        "network_decline_code": "51",
        "payment_intent": {"id": "pi_1", "object": "payment_intent", "status": "requires_payment_method"},
    }
    outcome = await _sent(provider, wire, said(402, _error(**error)))
    assert outcome == Refusal(
        code="card_declined",
        decline_code="insufficient_funds",
        advice_code="try_again_later",
        network_decline_code="51",
        message="No.",
        http_status=402,
        object=error["payment_intent"],
        request_id="req_1",
        type="card_error",
    )


@pytest.mark.parametrize(
    ("status", "error", "fault"),
    [
        (400, {"code": "balance_insufficient"}, Fault.RETRY),
        (400, {"code": "parameter_unknown", "param": "amuont"}, Fault.OURS),
        (400, {"type": "idempotency_error"}, Fault.OURS),
        (401, {}, Fault.OURS),
        (403, {}, Fault.OURS),
        (404, {"code": "resource_missing", "param": "intent"}, Fault.OURS),
        (400, {"code": "charge_already_captured"}, Fault.STATE),
        (424, {}, Fault.RETRY),
    ],
)
async def test_a_readable_no_is_definite(
    provider: Provider, wire: Wire, status: int, error: dict[str, str], fault: Fault
) -> None:
    outcome = await _sent(provider, wire, said(status, _error(**error)))
    assert isinstance(outcome, Refusal)
    assert (outcome.http_status, outcome.code, fault_of(outcome)) == (status, error.get("code"), fault)
    assert len(wire.requests) == 1


async def test_a_readable_no_of_the_second_kind_is_definite(provider: Provider, wire: Wire) -> None:
    ask = asks.create_account_link(account="acct_1", refresh_url="https://us.test", return_url="https://us.test")
    error = {"type": "not_cancelable", "code": "account_closed"}
    outcome = await _sent(provider, wire, said(400, _error(**error)), ask=ask)
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.type) == ("account_closed", "not_cancelable")


@pytest.mark.parametrize(
    ("answer", "doubt"),
    [
        (said(409, _error(code="idempotency_key_in_use")), Doubt.CONFLICT),
        (said(429, _error(code="rate_limit")), Doubt.RATE_LIMITED),
        (said(429, _error(code="lock_timeout")), Doubt.RATE_LIMITED),
        (said(400, _error(code="rate_limit")), Doubt.RATE_LIMITED),
        (said(500, _error(type="api_error")), Doubt.SERVER_ERROR),
        (said(503, b"<html>bad gateway</html>"), Doubt.SERVER_ERROR),
        (said(500, {"error": None}), Doubt.SERVER_ERROR),
        (said(200, PAID, cut=9), Doubt.UNREADABLE),
        (said(200, []), Doubt.UNREADABLE),
        (said(200, b""), Doubt.UNREADABLE),
        (said(200, b"[" * 100_000), Doubt.UNREADABLE),
        (said(200, b"\xff"), Doubt.UNREADABLE),
        (said(200, PAID, content_encoding="gzip"), Doubt.UNREADABLE),
        (said(402, _error(code="card_declined"), cut=5), Doubt.UNREADABLE),
        (said(400, {"error": "invalid_grant"}), Doubt.UNREADABLE),
        (said(404, b"<html>no such page of the proxy</html>"), Doubt.UNREADABLE),
        (said(302, {}, location="https://elsewhere.test"), Doubt.UNREADABLE),
        (said(200, PAID, content_length="100000"), Doubt.TIMEOUT),
        (b"cut HTTP/1.1 200 nonsense\r\n\r\n", Doubt.CONNECTION),
        (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{", Doubt.UNREADABLE),
        ("reset", Doubt.CONNECTION),
        ("hang", Doubt.TIMEOUT),
        ("drip", Doubt.TIMEOUT),
    ],
)
async def test_whatever_is_no_readable_answer_is_unknown_and_not_asked_again_by_itself(
    provider: Provider, impatient: Provider, wire: Wire, answer: bytes | str, doubt: Doubt
) -> None:
    """R157: whether it was done nobody knows; one request went out."""
    outcome = await _sent(impatient if doubt is Doubt.TIMEOUT else provider, wire, answer)
    assert isinstance(outcome, Unknown)
    assert outcome.reason is doubt
    assert len(wire.requests) == 1


def test_an_error_of_the_library_itself_is_no_answer() -> None:
    assert outcome_of(stripe.APIError("Odd.")) == Unknown(Doubt.UNREADABLE, message="Odd.")


async def test_nobody_there_is_unknown(wire: Wire) -> None:
    providers = StripeProviders(seconds=20)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    outcome = await providers.of(Credentials("sk_test_one", base_url=f"http://127.0.0.1:{port}")).send(ASK, "key-1")
    assert outcome == Unknown(Doubt.CONNECTION, message="connection failed: ConnectError")
    await providers.aclose()


@pytest.mark.parametrize(("header", "wait"), [("7", 7), ("0.5", 0.5), ("soon", None), ("-1", None), ("inf", None)])
async def test_the_wait_that_the_provider_wants_is_told(
    provider: Provider, wire: Wire, header: str, wait: float | None
) -> None:
    outcome = await _sent(provider, wire, said(429, _error(), retry_after=header))
    assert outcome.retry_after == (None if wait is None else timedelta(seconds=wait))


async def test_a_failure_that_the_provider_repeats_is_told(provider: Provider, wire: Wire) -> None:
    """The stored 500 comes back under its key for ever: it is looked up, not asked for."""
    first = await _sent(provider, wire, said(500, _error()))
    again = await _sent(provider, wire, said(500, _error(), idempotent_replayed="true"))
    assert (first.is_replayed, again.is_replayed) == (False, True)


async def test_who_gives_up_waiting_lets_go_of_the_connection_and_the_next_call_works(
    provider: Provider, wire: Wire
) -> None:
    """A cancelled call ends as cancelled; what became of it is then unknown."""
    call = asyncio.create_task(_sent(provider, wire, "hang"))
    await asyncio.wait_for(wire.asked.wait(), 60)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(wire.gone.wait(), 60)

    assert isinstance(await _sent(provider, wire, said(200, PAID)), Answered)


async def test_many_calls_share_few_connections_and_each_business_has_its_own_key(wire: Wire) -> None:
    providers = StripeProviders(seconds=60)
    wire.answers += [said(200, PAID)] * 30
    several = [providers.of(Credentials(f"sk_test_{number}", base_url=wire.url)) for number in range(3)]
    outcomes = await asyncio.gather(*(several[number % 3].send(ASK, f"key-{number}") for number in range(30)))
    assert all(isinstance(outcome, Answered) for outcome in outcomes)
    pairs = {(headers["authorization"], headers["idempotency-key"]) for _, headers, _ in wire.requests}
    assert pairs == {(f"Bearer sk_test_{number % 3}", f"key-{number}") for number in range(30)}
    await providers.aclose()


async def test_a_notice_of_the_provider_does_not_undo_a_call(provider: Provider, wire: Wire) -> None:
    """The library would make a warning of it, after the money has moved."""
    assert isinstance(await _sent(provider, wire, said(200, PAID, stripe_notice="Upgrade!")), Answered)


async def test_a_thing_is_read_with_what_belongs_to_it(provider: Provider, wire: Wire) -> None:
    wire.answers.append(said(200, PAID))
    assert await provider.read(Thing.INTENT, "pi_1", account="acct_7") == PAID
    line, headers, _ = wire.requests[0]
    assert line.startswith("GET /v1/payment_intents/pi_1?expand[0]=latest_charge.balance_transaction ")
    assert headers["stripe-account"] == "acct_7"
    assert "idempotency-key" not in headers


async def test_the_balance_and_a_reversal_are_read_at_their_places(provider: Provider, wire: Wire) -> None:
    wire.answers += [said(200, {"object": "balance"}), said(200, {"id": "trr_1", "object": "transfer_reversal"})]
    await provider.read(Thing.BALANCE)
    await provider.read(Thing.REVERSAL, "tr_1/trr_1")
    paths = [line.split()[1] for line, _, _ in wire.requests]
    assert paths == ["/v1/balance", "/v1/transfers/tr_1/reversals/trr_1"]


@pytest.mark.parametrize("code", ["resource_missing", "not_found"])
async def test_what_is_not_there_reads_as_nothing(provider: Provider, wire: Wire, code: str) -> None:
    wire.answers.append(said(404, _error(code=code)))
    assert await provider.read(Thing.CHARGE, "ch_1") is None


async def test_a_read_that_is_refused_or_unanswered_says_so(provider: Provider, wire: Wire) -> None:
    wire.answers += [said(401, _error()), said(404, _error()), said(500, _error()), "reset"]
    for _ in range(2):
        with pytest.raises(RefusedByProvider, match=r"No\."):
            await provider.read(Thing.CHARGE, "ch_1")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await provider.read(Thing.CHARGE, "ch_1")


async def test_a_list_is_read_to_its_end_a_page_at_a_time(provider: Provider, wire: Wire) -> None:
    for ids, more in ((("tr_3", "tr_2"), True), (("tr_1",), False)):
        rows = [{"id": id, "object": "transfer"} for id in ids]
        wire.answers.append(said(200, {"object": "list", "url": "/v1/transfers", "has_more": more, "data": rows}))
    found = [one["id"] async for one in provider.pages(Thing.TRANSFER, transfer_group="job_3")]
    assert found == ["tr_3", "tr_2", "tr_1"]
    paths = [line.split()[1] for line, _, _ in wire.requests]
    assert paths[0] == "/v1/transfers?limit=100&transfer_group=job_3"
    assert "starting_after=tr_2" in paths[1]
    assert "transfer_group=job_3" in paths[1]


async def test_a_list_of_the_second_kind_follows_its_pages(provider: Provider, wire: Wire) -> None:
    for id, following in (("acct_2", "/v2/core/accounts?page=2"), ("acct_1", None)):
        rows = [{"id": id, "object": "v2.core.account"}]
        wire.answers.append(said(200, {"data": rows, "next_page_url": following, "previous_page_url": None}))
    assert [one["id"] async for one in provider.pages(Thing.ACCOUNT)] == ["acct_2", "acct_1"]
    assert wire.requests[1][0].split()[1] == "/v2/core/accounts?page=2"


async def test_a_list_that_breaks_off_raises_instead_of_ending(provider: Provider, wire: Wire) -> None:
    rows = [{"id": "tr_3", "object": "transfer"}]
    page = {"object": "list", "url": "/v1/transfers/tr_1/reversals", "has_more": True, "data": rows}
    wire.answers += [said(200, page), "reset"]
    with pytest.raises(Unavailable):
        _ = [one async for one in provider.pages(Thing.REVERSAL, transfer="tr_1")]


def test_every_verb_and_thing_has_its_call_in_the_library() -> None:
    """A verb about an object takes its id first; every thing that can be listed and read has both calls."""
    client = stripe.StripeClient("sk_test_one", http_client=stripe.HTTPClient())
    assert set(METHODS) == set(Verb)
    assert set(SHELVES) == set(Thing)
    for verb, name in METHODS.items():
        call = attrgetter(name)(client)
        assert iscoroutinefunction(call), name
        assert len(signature(call).parameters) == (3 if verb in TARGETED else 2), name
    for thing, shelf in SHELVES.items():
        service = attrgetter(shelf.service)(client)
        assert iscoroutinefunction(service.retrieve_async)
        assert thing is Thing.BALANCE or iscoroutinefunction(service.list_async)


async def test_the_library_keeps_no_file_about_this_machine_and_tells_nothing_of_it(
    provider: Provider, wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    await _sent(provider, wire, said(200, PAID))
    agent = json.loads(wire.requests[0][1]["x-stripe-client-user-agent"])
    assert "telemetry_id" not in agent
    assert "platform" not in agent
    assert list(tmp_path.iterdir()) == []


def test_a_secret_key_is_not_in_what_is_logged_of_it() -> None:
    assert "sk_live" not in repr(Credentials("sk_live_secret", "acct_1"))
