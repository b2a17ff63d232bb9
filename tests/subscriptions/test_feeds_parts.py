"""The small parts: frames, the ring, the way out without a transport, what is kept within a budget."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLError, GraphQLUnionType, build_schema, get_named_type
from websockets.frames import Frame, Opcode

from db.ids import new_id
from domain.actors import TenantId
from subscriptions.feeds.availability import AvailabilityFeed
from subscriptions.feeds.swaps import SwapMarketFeed
from subscriptions.frames import Shared, next_message, next_prefix, text_frame
from subscriptions.groups import Delta, RenderedDeltas
from subscriptions.log import Head, LogEvent
from subscriptions.outlet import AsgiOutlet
from subscriptions.plans import MOST_CHARACTERS, Planner, Request, Unacceptable
from subscriptions.watch import RING, Watch, is_dense
from tests.subscriptions.client import PATIENCE
from tests.subscriptions.toy import MARKET, SCHEMA, window_card


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 100_000])
def test_a_frame_is_what_the_websocket_library_would_write(size: int) -> None:
    message = b"x" * size

    assert text_frame(message) == Frame(Opcode.TEXT, message).serialize(mask=False)


def events(first: int, last: int) -> list[LogEvent]:
    return [LogEvent(seq, "X", UUID(int=1), "{}", (), datetime.now(UTC)) for seq in range(first, last + 1)]


def test_the_ring_ends_at_the_head_reaches_back_512_and_takes_older_ones_only_without_a_hole() -> None:
    watch = Watch(TenantId(new_id()))
    watch.begin(Head(1, 100, 1))
    assert watch.after(99, 10) is None

    watch.append(events(101, 110))
    watch.prepend(events(50, 90))
    assert watch.after(99, 10) is None
    watch.prepend(events(50, 105))
    assert [event.seq for event in watch.after(60, 3) or ()] == [61, 62, 63]
    watch.append(events(111, 1_000))

    assert (len(watch.ring), watch.head, watch.ring[0].seq) == (RING, 1_000, 1_000 - RING + 1)
    assert watch.after(1_000 - RING - 1, 10) is None


def test_a_hole_is_seen_wherever_it_is() -> None:
    assert is_dense(0, events(1, 5))
    assert is_dense(4, [])
    assert not is_dense(0, events(2, 5))
    assert not is_dense(0, [*events(1, 2), *events(4, 5)])


def test_rendered_deltas_stay_within_their_budget_and_the_newest_stay() -> None:
    kept = RenderedDeltas(most_bytes=10_000)

    for seq in range(100):
        kept.keep((0, seq, None), Delta(seq, (b"x" * 700,)))

    assert [seq for seq in range(100) if kept.get((0, seq, None))] == list(range(90, 100))


def test_documents_are_kept_within_a_budget() -> None:
    planner = Planner(SCHEMA, [SwapMarketFeed(), AvailabilityFeed(window_card)])
    padding = MOST_CHARACTERS // 20

    for number in range(40):
        planner.plan(Request("{ hello } #" + "x" * padding + str(number), None, {}))

    assert len(planner._known) <= 20


def test_limits_of_the_edge_are_asked_besides_the_specifications_rules() -> None:
    planner = Planner(SCHEMA, [SwapMarketFeed()], lambda _schema, _document: [GraphQLError("Too deep.")])

    with pytest.raises(Unacceptable) as caught:
        planner.plan(Request(MARKET, None, {}))

    assert caught.value.errors[0]["message"] == "Too deep."


def test_plans_that_differ_in_the_cursor_only_are_one_group_unless_the_variable_means_more() -> None:
    planner = Planner(SCHEMA, [SwapMarketFeed()])
    required = MARKET.replace("$after: Cursor", "$after: Cursor!")
    # The variable is used a second time.
    twice = MARKET.replace("($after: Cursor)", "($after: Cursor, $x: Boolean = false)").replace(
        "__typename\n", "__typename @skip(if: $x)\n"
    )

    for text in (MARKET, required):
        one, two = (planner.plan(Request(text, None, {"after": after})) for after in ("a", "b"))
        assert one is not None
        assert two is not None
        assert (one.key, one.after, two.after) == (two.key, "a", "b")
    skipping, showing = (planner.plan(Request(twice, None, {"after": "a", "x": skip})) for skip in (True, False))
    assert skipping is not None
    assert showing is not None
    assert skipping.key != showing.key


def test_every_feed_of_the_contract_can_begin_beat_begin_again_and_show_holes() -> None:
    contract = build_schema((Path(__file__).parents[2] / "schema" / "schema.graphql").read_text())
    assert contract.subscription_type is not None

    for name, field in contract.subscription_type.fields.items():
        union = get_named_type(field.type)
        assert isinstance(union, GraphQLUnionType), name
        members = {member.name: set(member.fields) for member in union.types}
        assert {"Heartbeat", "Resync"} < members.keys()
        assert sum(member.endswith("Snapshot") for member in members) == 1
        assert members.pop("Resync") == {"reason"}
        assert all("cursor" in fields for fields in members.values()), name
        deltas = [fields for member, fields in members.items() if "Snapshot" not in member]
        assert all("previous" in fields for fields in deltas), name
        assert "after" in field.args


class Peer:
    """An ASGI server whose client reads only when told to."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.reads = asyncio.Event()

    async def send(self, message: Any) -> None:
        await self.reads.wait()
        self.sent.append(message)


async def test_without_a_transport_messages_keep_their_order_and_a_close_comes_last() -> None:
    peer = Peer()
    outlet = AsgiOutlet(peer.send)
    peer.reads.set()

    outlet.write([b"1", b"2"])
    outlet.write([b"3"])
    await outlet.close(4403, "over")
    outlet.write([b"4"])

    assert [message.get("text", message.get("code")) for message in peer.sent] == ["1", "2", "3", 4403]


async def test_without_a_transport_a_peer_that_does_not_read_is_left() -> None:
    peer = Peer()
    opened: asyncio.Future[AsgiOutlet] = asyncio.get_running_loop().create_future()

    async def application() -> None:
        opened.set_result(AsgiOutlet(peer.send))
        await asyncio.Event().wait()

    serving = asyncio.create_task(application())
    async with asyncio.timeout(PATIENCE):
        outlet = await opened
        outlet.write([b"x" * 100_000])
        assert not outlet.writable
        assert not await outlet.room(0.05)
        outlet.abort()
        with pytest.raises(asyncio.CancelledError):
            await serving

    assert outlet.aborted
    assert peer.sent == []


def test_shared_messages_are_the_frames_of_each_operation_whatever_their_length():
    """What many are sent differs by the id alone: framed once, it is what framing each message gives."""
    for size in (1, 100, 200, 65_400, 70_000):
        payloads = [b"[" + b"1" * size + b"]", b"{}", b"[2]"]
        for id in ("1", "a longer id", 'quoted "id"'):
            prefix = next_prefix(id)
            shared = Shared(payloads, len(prefix))
            messages = [next_message(prefix, payload) for payload in payloads]
            assert shared.messages(prefix) == messages
            assert shared.frames(prefix) == b"".join(map(text_frame, messages))
