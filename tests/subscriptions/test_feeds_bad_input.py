"""What no client should send: each gets its answer, the process lives, and a bystander misses nothing."""

import asyncio
import base64
import contextlib
import json
import os
import struct
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from websockets.frames import Frame, Opcode

from db.ids import new_id
from domain.actors import Role
from services.cursors import Cursors, Place
from tests.subscriptions.client import PATIENCE, Client, Feed
from tests.subscriptions.town import Business, token
from tests.subscriptions.toy import AVAILABILITY, MARKET, SECRETS

CURSORS = Cursors(SECRETS)


@pytest.fixture
async def bystander(api: int, theirs: Business) -> AsyncIterator[None]:
    """Somebody of another business, who gets what is theirs before and after."""
    client = await Client.open(api, token(await theirs.cleaner()))
    feed = await client.begun(AVAILABILITY)
    await theirs.count(1)
    yield
    await theirs.count(2)
    await client.frames(feed, 3)
    assert [frame["window"]["number"] for frame in feed.frames[1:]] == [1, 2]
    assert (feed.holes, client.close_code) == (0, None)
    await client.close()


class Wire:
    """A websocket without a library's good manners."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int) -> "Wire":
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        wanted = {
            "Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "graphql-transport-ws",
        }  # fmt: skip
        head = "".join(f"{name}: {value}\r\n" for name, value in wanted.items())
        writer.write(f"GET /graphql HTTP/1.1\r\n{head}\r\n".encode())
        async with asyncio.timeout(PATIENCE):
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        return cls(reader, writer)

    async def message(self) -> tuple[int, bytes]:
        """The next frame's opcode and payload; pings of the server are passed over."""
        while True:
            async with asyncio.timeout(PATIENCE):
                first, second = await self._reader.readexactly(2)
                size = second
                if second in {126, 127}:
                    length = await self._reader.readexactly(2 if second == 126 else 8)
                    size = int.from_bytes(length, "big")
                payload = await self._reader.readexactly(size)
            if first & 15 != Opcode.PING:
                return first & 15, payload

    async def closed(self) -> int:
        """The code that the server closes with, whatever it says before."""
        while True:
            opcode, payload = await self.message()
            if opcode == Opcode.CLOSE:
                self.writer.close()
                return int(struct.unpack("!H", payload[:2])[0])


def frame(opcode: Opcode, payload: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin=fin).serialize(mask=True)


PING = b'{"type":"ping","payload":{"n":"\xc3\xa4"}}'
BROKEN: dict[str, tuple[bytes, int]] = {
    "binary": (frame(Opcode.BINARY, PING), 4400),
    "binary in parts": (frame(Opcode.BINARY, PING[:9], fin=False) + frame(Opcode.CONT, PING[9:]), 4400),
    "not UTF-8": (frame(Opcode.TEXT, b'{"type":"ping\xff"}'), 1007),
    "UTF-8 that breaks off": (frame(Opcode.TEXT, PING[:32]), 1007),
    "a surrogate as UTF-8": (frame(Opcode.TEXT, b'"\xed\xa0\x80"'), 1007),
    "a lone surrogate as JSON": (frame(Opcode.TEXT, b'{"type":"\\ud800"}'), 4400),
    "a continuation of nothing": (frame(Opcode.CONT, PING), 1002),
    "a message inside of another": (frame(Opcode.TEXT, PING, fin=False) + frame(Opcode.TEXT, PING), 1002),
    "not masked": (Frame(Opcode.TEXT, PING).serialize(mask=False), 1002),
    "compressed without having said so": (b"\xc1" + frame(Opcode.TEXT, PING)[1:], 1002),
    "an unknown opcode": (b"\x83\x80\x00\x00\x00\x00", 1002),
    "a control frame in parts": (b"\x09\x80\x00\x00\x00\x00", 1002),
    "a control frame that is too long": (b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + b"x" * 126, 1002),
    "a close code that does not exist": (frame(Opcode.CLOSE, b"\x00\x01"), 1002),
    "a close reason that is not UTF-8": (frame(Opcode.CLOSE, b"\x03\xe8\xff"), 1007),
    "a terabyte announced": (b"\x81\xff" + (2**40).to_bytes(8, "big") + b"\x00" * 4, 1009),
    "too big in parts": (
        frame(Opcode.TEXT, b"x" * 200_000, fin=False) + frame(Opcode.CONT, b"x" * 200_000, fin=False), 1009,
    ),
    "a number that is none": (frame(Opcode.TEXT, b'{"type":"ping","payload":{"n":NaN}}'), 4400),
    "nested without end": (frame(Opcode.TEXT, b'{"a":' * 50_000), 4400),
    "nested deeper than can be answered": (
        frame(Opcode.TEXT, b'{"type":"ping","payload":{"n":%s1%s}}' % (b"[" * 500, b"]" * 500)), 4400,
    ),
    "two values": (frame(Opcode.TEXT, b'{"type":"ping"}{"type":"ping"}'), 4400),
    "a type that is a list": (frame(Opcode.TEXT, b'{"type":["ping"]}'), 4400),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.usefixtures("bystander")
async def test_a_broken_frame_closes_with_its_code(api: int, what: str) -> None:
    sent, code = BROKEN[what]
    wire = await Wire.open(api)

    wire.writer.write(sent)

    assert await wire.closed() == code


@pytest.mark.usefixtures("bystander")
async def test_a_message_in_many_parts_with_pings_between_is_one_message(api: int) -> None:
    wire = await Wire.open(api)

    for place, byte in enumerate(PING):
        opcode = Opcode.TEXT if place == 0 else Opcode.CONT
        wire.writer.write(frame(opcode, bytes((byte,)), fin=place == len(PING) - 1) + frame(Opcode.PING, b""))
    opcode, payload = Opcode.PONG, b""
    while opcode == Opcode.PONG:
        opcode, payload = await wire.message()  # type: ignore[assignment]

    assert orjson.loads(payload) == {"type": "pong", "payload": {"n": "ä"}}
    wire.writer.close()


@pytest.mark.usefixtures("bystander")
async def test_half_a_handshake_and_half_a_frame_hold_nobody_up(api: int, ours: Business) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", api)
    writer.write(b"GET /graphql HTTP/1.1\r\nUpgr")
    wire = await Wire.open(api)
    wire.writer.write(frame(Opcode.TEXT, PING)[:7])

    client = await Client.open(api, token(await ours.cleaner()))
    assert await client.run("{ hello }") == {"data": {"hello": "cleaner"}}

    await client.close()
    for one in (writer, wire.writer):
        one.transport.abort()


async def begin(client: Client, variables: Any) -> Feed:
    """A subscription with variables that not every encoder would write."""
    id, feed = new_id().hex, Feed()
    client.feeds[id] = feed
    payload = {"query": MARKET, "variables": variables}
    await client.connection.send(json.dumps({"id": id, "type": "subscribe", "payload": payload}))
    return feed


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.usefixtures("bystander")
async def test_variables_that_the_operation_does_not_declare_mean_nothing(api: int, ours: Business) -> None:
    """However deep or large: they are neither looked at nor do they keep watchers of the same apart."""
    client = await Client.open(api, token(await ours.cleaner()))

    feeds = [await begin(client, {"junk": junk}) for junk in (nested(400), "x" * 100_000, {"a": nested(300)})]
    await client.until(lambda: all(feed.frames for feed in feeds))
    await ours.offer(await ours.cleaner())
    await client.until(lambda: all(len(feed.frames) == 2 for feed in feeds))

    assert client.close_code is None
    await client.close()


@pytest.mark.parametrize(
    "query",
    [
        "subscription { swapMarket(before: 1) { __typename } }",
        'subscription { swapMarket(after: "x", after: "y") { __typename } }',
        'subscription { swapMarket(after: "x", market: "y") { __typename } }',
        "subscription { swapMarket { cursor } }",
        "subscription { swapMarket { ... on SwapListed { swap { secret } } } }",
        "subscription { swapMarket { ... on Query { hello } } }",
        "subscription { swapMarket }",
        "subscription { one: swapMarket { __typename } two: swapMarket { __typename } }",
        "subscription { ...A } fragment A on Subscription { swapMarket { __typename } availability { __typename } }",
        "subscription { ... on Subscription { swapMarket { __typename } availability { __typename } } }",
        "subscription { ...A } fragment A on Subscription { ...A }",
        "subscription { __schema { types { name } } }",
        "subscription A { swapMarket { __typename } } subscription B { availability { __typename } }",
        "subscription ($a: Cursor, $a: Cursor) { swapMarket(after: $a) { __typename } }",
        "subscription { swapMarket(after: $a) { __typename } }",
        "subscription ($a: Nothing) { swapMarket(after: $a) { __typename } }",
        "subscription { swapMarket @nothing { __typename } }",
        "subscription { swapMarket { __typename @include(if: 1) } }",
    ],
)
@pytest.mark.usefixtures("bystander")
async def test_what_the_contract_does_not_have_is_an_error_of_its_own(api: int, ours: Business, query: str) -> None:
    client = await Client.open(api, token(await ours.cleaner()))

    errors = await client.run(query)

    assert {error["extensions"]["code"] for error in errors} == {"INVALID"}
    assert await client.run("{ hello }") == {"data": {"hello": "cleaner"}}
    await client.close()


@pytest.mark.usefixtures("bystander")
async def test_cursors_of_every_wrong_kind_are_refused_and_the_socket_goes_on(
    api: int, ours: Business, theirs: Business
) -> None:
    client = await Client.open(api, token(await ours.cleaner()))
    good = CURSORS.write(ours.tenant, Place(7, 0, "00000000"))
    bad: list[Any] = [
        "x" * 100_000, good * 2, good.upper() + "X", good[:-1], f" {good}", good.replace(".", ","), "-1.-1.0.0", "\0",
        "7.0.00000000." + "0" * 22, f"{'9' * 19}.1.00000000.{'0' * 22}",
        CURSORS.write(theirs.tenant, Place(7, 0, "00000000")), 0, -1, 1.5, True, [], [good], {}, {"epoch": 7},
    ]  # fmt: skip

    for cursor in bad:
        feed = await client.subscribe(MARKET, after=cursor)
        await client.until(lambda feed=feed: feed.errors is not None)  # type: ignore[misc]
        assert feed.errors is not None
        assert feed.errors[0]["extensions"]["code"] == "INVALID"
        assert feed.frames == []

    await client.begun(MARKET)
    await client.close()


@pytest.mark.parametrize(("epoch", "seq"), [(7, 10**18 - 1), (10**18 - 1, 0), (0, 0), (10**18 - 1, 10**18 - 1)])
@pytest.mark.usefixtures("bystander")
async def test_a_cursor_from_beyond_the_world_begins_again(api: int, ours: Business, epoch: int, seq: int) -> None:
    client = await Client.open(api, token(await ours.cleaner()))
    view = CURSORS.read(ours.tenant, (await client.begun(MARKET)).frames[0]["cursor"]).view

    feed = await client.subscribe(MARKET, after=CURSORS.write(ours.tenant, Place(epoch, seq, view)))
    await client.frames(feed, 2)
    await ours.offer(await ours.cleaner())
    await client.frames(feed, 3)

    assert feed.kinds() == ["Resync", "SwapMarketSnapshot", "SwapListed"]
    await client.close()


@pytest.mark.parametrize(
    ("role", "first"), [(Role.CLEANER, ["Resync", "AvailabilitySnapshot"]), (Role.OWNER, [])], ids=["cleaner", "owner"]
)
@pytest.mark.usefixtures("bystander")
async def test_a_cursor_of_another_feed_is_continued_or_begins_again_and_nothing_is_missed(
    api: int, ours: Business, role: Role, first: list[str]
) -> None:
    actor = await ours.cleaner() if role is Role.CLEANER else await ours.signed_in(role)
    client = await Client.open(api, token(actor))
    cursor = (await client.begun(MARKET)).frames[0]["cursor"]

    feed = await client.subscribe(AVAILABILITY, after=cursor)
    # A snapshot that came later would hold what is counted, instead of telling it.
    await client.frames(feed, len(first))
    for number in (1, 2):
        await ours.count(number)
    await client.until(lambda: len([one for one in feed.frames if "window" in one]) == 2)

    assert feed.kinds()[:-2] == first
    assert [one["window"]["number"] for one in feed.frames[-2:]] == [1, 2]
    assert feed.errors is None
    await client.close()


async def test_sockets_that_break_off_in_the_middle_of_everything_leave_nothing_behind(
    api: int, ours: Business, theirs: Business
) -> None:
    one, watcher = await ours.cleaner(), await Client.open(api, token(await theirs.cleaner()))

    for _ in range(30):
        client = await Client.open(api, token(one))
        with contextlib.suppress(Exception):
            for query in (MARKET, AVAILABILITY):
                await client.subscribe(query)
        client.cut()
        await client._reading
    census = (await watcher.run("{ census }"))["data"]
    async with asyncio.timeout(PATIENCE):
        while (now := (await watcher.run("{ census }"))["data"])["tasks"] > 14 or now["sockets"] > 5:
            census = now

    assert census["waiting"] < 2**20
    await watcher.close()
