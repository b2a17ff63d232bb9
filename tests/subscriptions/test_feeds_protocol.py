"""The socket's manners: every broken message has its close code, and no socket outlives its credential."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from websockets.exceptions import InvalidStatus

from domain.actors import Actor, Role
from tests.subscriptions.client import PATIENCE, Client
from tests.subscriptions.conftest import StartApi
from tests.subscriptions.town import Business, token
from tests.subscriptions.toy import AVAILABILITY, MARKET, Wiring, open_socket

HELLO = {"query": "{ hello }"}
INIT = '{"type":"connection_init","payload":{"authorization":"Bearer %s"}}'


async def send_raw(client: Client, *messages: Any) -> int | None:
    """Send as it is; the code that the server closes with."""
    for message in messages:
        await client.connection.send(message)
    return await client.closed()


BROKEN: list[Any] = [
    "{", "[]", '"x"', "1", "null", "{}", '{"type":1}', '{"type":"unknown"}', b"\x00", '{"type":"ping","payload":1}',
    '{"type":"complete"}', '{"type":"complete","id":1}', '{"type":"subscribe","id":"1"}',
    '{"type":"subscribe","id":"","payload":{"query":"{ hello }"}}',
    '{"type":"subscribe","id":1,"payload":{"query":"{ hello }"}}',
    '{"type":"subscribe","id":[],"payload":{"query":"{ hello }"}}',
    '{"type":"subscribe","id":"1","payload":"x"}', '{"type":"subscribe","id":"1","payload":{}}',
    '{"type":"subscribe","id":"1","payload":{"query":1}}',
    '{"type":"subscribe","id":"1","payload":{"query":"{ hello }","variables":[]}}',
    '{"type":"subscribe","id":"1","payload":{"query":"{ hello }","operationName":1}}',
    '{"type":"subscribe","id":"1","payload":{"query":"{ hello }","extensions":1}}', "[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("message", BROKEN, ids=lambda message: str(message)[:60])
async def test_a_malformed_message_closes_with_4400(api: int, ours: Business, message: Any) -> None:
    client = await Client.open(api, token(await ours.cleaner()))

    assert await send_raw(client, message) == 4400


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (['{"type":"connection_init","payload":[]}'], 4400),
        (['{"type":"connection_init"}'], 4403),
        (['{"type":"connection_init","payload":{"authorization":"Bearer nonsense"}}'], 4403),
        (['{"type":"connection_init","payload":{"authorization":"Basic x"}}'], 4403),
        (['{"type":"connection_init","payload":{"authorization":1}}'], 4403),
        (['{"type":"subscribe","id":"1","payload":{"query":"{ hello }"}}'], 4401),
    ],
)
async def test_before_the_acknowledgement(api: int, messages: list[str], code: int) -> None:
    assert await send_raw(await Client.open(api, None), *messages) == code


async def test_a_second_init_closes_with_4429_and_a_taken_id_with_4409(api: int, ours: Business) -> None:
    one = await ours.cleaner()
    again, twice = await Client.open(api, token(one)), await Client.open(api, token(one))
    await twice.begun(MARKET)

    assert await send_raw(again, INIT % token(one)) == 4429
    taken = orjson.dumps({"type": "subscribe", "id": "1", "payload": HELLO}).decode()
    assert await send_raw(twice, taken) == 4409


async def test_without_the_subprotocol_4406(api: int) -> None:
    client = await Client.open(api, None, subprotocols=None)

    assert await client.closed() == 4406


async def test_who_does_not_initialise_in_time_is_closed_with_4408(start_api: StartApi) -> None:
    client = await Client.open(await start_api(init_seconds=0.2), None)

    assert await client.closed() == 4408


async def test_a_message_that_is_too_big_closes_with_1009(api: int, ours: Business) -> None:
    client = await Client.open(api, token(await ours.cleaner()))

    assert await send_raw(client, '{"type":"ping","payload":{"x":"%s"}}' % ("x" * 262_144)) == 1009


async def test_ping_is_answered_with_what_it_brought(api: int, ours: Business) -> None:
    client = await Client.open(api, token(await ours.cleaner()))

    await client.send({"type": "ping", "payload": {"n": 1}})
    await client.send({"type": "ping"})
    await client.until(lambda: {"type": "pong"} in client.replies)

    assert {"type": "pong", "payload": {"n": 1}} in client.replies
    await client.close()


async def test_queries_and_mutations_run_beside_subscriptions_and_bugs_are_masked(api: int, ours: Business) -> None:
    client = await Client.open(api, token(await ours.cleaner()))
    await client.begun(MARKET)

    assert await client.run("{ hello }") == {"data": {"hello": "cleaner"}}
    assert await client.run("{ nothing }") == [{"message": "No such field."}]
    assert await client.run("{ break }") == [{"message": "Internal error.", "extensions": {"code": "INTERNAL"}}]
    assert client.close_code is None
    await client.close()


@pytest.mark.parametrize(
    "query",
    [
        "{", "subscription { unwatched }", "subscription { nonsense }", "subscription { __typename }",
        "subscription { swapMarket { __typename } availability { __typename } }",
        "subscription { swapMarket @skip(if: false) { __typename } }",
        "subscription ($a: Int!) { swapMarket(after: $a) { __typename } }",
        "subscription { swapMarket(after: 1) { __typename } }",
        "subscription ($x: Int!) { swapMarket { __typename ... on Resync @skip(if: $x) { reason } } }",
        "fragment F on Query { hello }",
        "query A { hello } query B { hello }",
        "subscription { ...F } fragment F on Subscription { ...F }",
        "{ hello }" + " " * 70_000,
    ],
)  # fmt: skip
async def test_a_bad_operation_is_an_error_of_its_own_and_the_socket_lives(
    api: int, ours: Business, query: str
) -> None:
    client = await Client.open(api, token(await ours.cleaner()))

    errors = await client.run(query)

    assert errors
    assert {error["extensions"]["code"] for error in errors} == {"INVALID"}
    assert await client.run("{ hello }") == {"data": {"hello": "cleaner"}}
    await client.close()


async def test_the_51st_operation_is_refused_and_a_completed_one_makes_room(api: int, ours: Business) -> None:
    client = await Client.open(api, token(await ours.cleaner()))
    feeds = [await client.subscribe(MARKET) for _ in range(50)]
    await client.until(lambda: all(feed.frames for feed in feeds))

    refused = await client.run("{ hello }")
    await client.send({"type": "complete", "id": "1"})

    assert refused[0]["extensions"]["code"] == "RATE_LIMITED"
    assert await client.run("{ hello }") == {"data": {"hello": "cleaner"}}
    await ours.offer(await ours.cleaner())
    await client.until(lambda: all(len(feed.frames) == 2 for feed in feeds[1:]))
    assert len(feeds[0].frames) == 1
    await client.close()


async def test_a_running_operation_counts_until_it_ends_whoever_still_waits_for_it(
    start_api: StartApi, ours: Business
) -> None:
    api = await start_api()
    client, second = [await Client.open(api, token(await ours.cleaner())) for _ in range(2)]
    for _ in range(50):
        payload = {"query": "{ hello stall }"}
        await client.send({"type": "subscribe", "id": "again", "payload": payload})
        await client.send({"type": "complete", "id": "again"})

    refused = await client.run("{ hello }")
    assert refused[0]["extensions"]["code"] == "RATE_LIMITED"
    assert await second.run("{ hello release }") == {"data": {"hello": "cleaner"}}

    async with asyncio.timeout(PATIENCE):
        while (answer := await client.run("{ hello }")) == refused:
            pass
    assert answer == {"data": {"hello": "cleaner"}}
    assert [reply for reply in client.replies if reply.get("id") == "again"] == []
    await client.close()
    await second.close()


async def test_an_answer_belongs_to_the_operation_that_asked_and_not_to_its_id(
    start_api: StartApi, ours: Business
) -> None:
    api = await start_api()
    client, second = [await Client.open(api, token(await ours.cleaner())) for _ in range(2)]
    for query in ("{ stall nothing }", "{ hello stall }"):
        await client.send({"type": "subscribe", "id": "x", "payload": {"query": query}})
        if "nothing" in query:
            await client.send({"type": "complete", "id": "x"})
    assert await client.run("{ hello }")
    assert await second.run("{ hello release }")
    await client.until(lambda: any(reply.get("id") == "x" for reply in client.replies))

    mine = [reply for reply in client.replies if reply.get("id") == "x"]
    assert mine[0]["payload"] == {"data": {"hello": "cleaner"}}
    await client.close()
    await second.close()


async def test_a_socket_tells_the_log_who_it_was(wiring: Wiring, ours: Business, theirs: Business) -> None:
    """The line at a socket's end has its tenant and role, as a request's has."""
    one, acknowledged = await ours.cleaner(), asyncio.Event()
    init = orjson.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token(one)}"}}).decode()
    coming = iter([{"type": "websocket.connect"}, {"type": "websocket.receive", "text": init}])

    async def receive() -> Any:
        if (message := next(coming, None)) is None:
            await acknowledged.wait()
        return message or {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Any) -> None:
        if "connection_ack" in str(message):
            acknowledged.set()

    scope: dict[str, Any] = {"type": "websocket", "headers": [], "subprotocols": ["graphql-transport-ws"]}
    async with open_socket(wiring) as served, asyncio.timeout(PATIENCE):
        await served(scope, receive, send)

    assert (scope["actor"].tenant, scope["actor"].role) == (one.tenant, Role.CLEANER)


async def test_only_own_and_allowed_origins_may_connect(start_api: StartApi, ours: Business) -> None:
    port = await start_api(allowed_origins=["https://app.example"])
    one = token(await ours.cleaner())

    for good in (f"http://127.0.0.1:{port}", "https://app.example", "https://APP.example:443"):
        client = await Client.open(port, one, origin=good)
        assert client.acknowledged
        await client.close()
    for bad in ("https://evil.example", "null", f"http://127.0.0.1:{port + 1}"):
        with pytest.raises(InvalidStatus):
            await Client.open(port, one, origin=bad)


async def test_a_socket_ends_with_its_token(api: int, ours: Business) -> None:
    client = await Client.open(api, token(await ours.cleaner(), seconds=6))
    feed = await client.begun(MARKET)

    assert await client.closed() == 4403
    assert feed.kinds() == ["SwapMarketSnapshot"]


async def test_an_expired_token_and_a_revoked_session_do_not_begin(api: int, ours: Business) -> None:
    one = await ours.cleaner()
    assert (await Client.open(api, token(one, seconds=-1))).close_code == 4403

    await ours.revoke(one, tell=False)

    assert (await Client.open(api, token(one))).close_code == 4403


async def test_a_revoked_session_ends_its_sockets_and_no_others(api: int, ours: Business, theirs: Business) -> None:
    one, foreign = await ours.cleaner(), await theirs.cleaner()
    same_person = await ours.signed_in(Role.CLEANER, one.person)
    revoked, idle = await Client.open(api, token(one)), await Client.open(api, token(one))
    kept, alien = await Client.open(api, token(same_person)), await Client.open(api, token(foreign))
    await revoked.begun(MARKET)
    feed = await kept.begun(AVAILABILITY)

    await ours.revoke(one)

    assert [await revoked.closed(), await idle.closed()] == [4403, 4403]
    await ours.count(1)
    await kept.until(lambda: len(feed.frames) == 2)
    assert (kept.close_code, alien.close_code) == (None, None)
    await kept.close()
    await alien.close()


REAUTHENTICATE = "mutation ($token: String!) { reauthenticate(token: $token) }"


async def test_reauthenticating_prolongs_the_socket_and_its_subscriptions(api: int, ours: Business) -> None:
    one = await ours.cleaner()
    short, reference = await Client.open(api, token(one, seconds=6)), await Client.open(api, token(one, seconds=6))
    feed = await short.begun(MARKET)

    answer = await short.run(REAUTHENTICATE, token=token(one))

    assert answer["data"]["reauthenticate"]
    assert await reference.closed() == 4403
    await ours.offer(one)
    await short.until(lambda: len(feed.frames) == 2)
    assert (feed.holes, short.close_code) == (0, None)
    await short.close()


async def test_reauthenticating_as_somebody_else_closes_and_with_nonsense_changes_nothing(
    api: int, ours: Business, theirs: Business
) -> None:
    one = await ours.cleaner()
    others: list[Callable[[], Awaitable[Actor]]] = [ours.cleaner, theirs.cleaner]
    for other in others:
        client = await Client.open(api, token(one))
        await client.run(REAUTHENTICATE, token=token(await other()))
        assert await client.closed() == 4403

    client = await Client.open(api, token(one))
    refused = await client.run(REAUTHENTICATE, token="nonsense")
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await client.run("{ hello }") == {"data": {"hello": "cleaner"}}
    await client.close()


async def test_reauthenticating_with_another_role_moves_the_feed_to_its_class(api: int, ours: Business) -> None:
    office = await ours.signed_in(Role.OWNER)
    demoted = await ours.signed_in(Role.CUSTOMER, office.person)
    client = await Client.open(api, token(office))
    feed = await client.begun(MARKET)

    await client.run(REAUTHENTICATE, token=token(demoted))
    await client.until(lambda: feed.errors is not None)

    assert feed.errors is not None
    assert feed.errors[0]["extensions"]["code"] == "FORBIDDEN"
    await client.close()


async def test_a_server_that_shows_no_transport_serves_the_same_by_asgi(
    start_api: StartApi, ours: Business, theirs: Business
) -> None:
    port = await start_api(transport=False)
    one = await ours.cleaner()
    client = await Client.open(port, token(one))
    feed = await client.begun(AVAILABILITY)
    await theirs.count(1)

    for number in range(50):
        await ours.count(number)
    await client.until(lambda: len(feed.frames) == 51)

    assert [frame["window"]["number"] for frame in feed.frames[1:]] == list(range(50))
    assert feed.holes == 0
    assert await client.run("{ hello }") == {"data": {"hello": "cleaner"}}
    await client.close()
    soon_over = await Client.open(port, token(one, seconds=4))
    assert await soon_over.closed() == 4403
