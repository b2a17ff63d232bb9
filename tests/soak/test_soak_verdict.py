"""The judge finds what it should: a soak whose counts are 0 proves nothing if they could not be anything else."""

import asyncio

import pytest

from db.ids import new_id
from domain.actors import Actor, Role, TenantId
from tests.soak.faults import FAULTS
from tests.soak.folding import Market
from tests.soak.followers import Follower, Line, Seen
from tests.soak.proxy import Proxy
from tests.soak.schedule import chance_of, schedule
from tests.soak.sieve import Sieve
from tests.soak.verdict import Counts, Happened, of_a_follower

HAPPENED = [
    Happened(1, "CleanerChanged", "somebody", "", None, None),
    Happened(2, "SwapOffered", "a", "", None, None),
    Happened(3, "SwapOffered", "b", "", None, None),
    Happened(4, "SwapWithdrawn", "a", "", None, None),
]
BEGUN = Seen("snapshot", 1)
A, B, GONE = Seen("SwapListed", 2, "a"), Seen("SwapListed", 3, "b"), Seen("SwapGone", 4, "a")


def shown(*seen: Seen) -> Counts:
    """The counts of a follower who was shown this."""
    somebody = Actor(TenantId(new_id()), Role.OWNER, new_id(), new_id())
    follower = Follower("somebody", somebody, Market(), Line([], str), chance_of(1))
    follower.seen = list(seen)
    return of_a_follower(follower, HAPPENED)


@pytest.mark.parametrize(
    ("seen", "wrong"),
    [
        ((BEGUN, A, B, GONE), {}),
        ((BEGUN, A, Seen("snapshot", 3), GONE), {}),
        ((BEGUN, A, GONE), {"lost": 1}),
        ((BEGUN, A, B), {"lost": 1}),
        ((BEGUN,), {"lost": 3}),
        ((BEGUN, A, B, B, GONE), {"duplicate": 1}),
        ((BEGUN, B, A, GONE), {"disordered": 1}),
        ((BEGUN, A, Seen("SwapListed", 3, "other"), GONE), {"foreign": 1}),
        ((BEGUN, A, Seen("SwapGone", 3, "b"), GONE), {"foreign": 1}),
        ((BEGUN, Seen("SwapListed", 1, "a"), A, B, GONE), {"foreign": 1}),
        ((BEGUN, Seen("snapshot", 4), B), {"lost": 0, "foreign": 1}),
    ],
)
def test_each_wrong_is_counted(seen: tuple[Seen, ...], wrong: dict[str, int]) -> None:
    assert shown(*seen).wrong() == {name: times for name, times in wrong.items() if times}


def test_the_same_seed_makes_the_same_faults_and_another_seed_others() -> None:
    one, again, other = schedule(10, 1, list(FAULTS)), schedule(10, 1, list(FAULTS)), schedule(10, 2, list(FAULTS))

    assert one == again != other
    assert {injection.fault for injection in one} == set(FAULTS)
    assert any(injection.is_long for injection in one)
    assert max(injection.at for injection in one) < 600


def frame(text: bytes) -> bytes:
    """A server's text frame."""
    head = bytes([0x81, len(text)]) if len(text) < 126 else b"\x81\x7e" + len(text).to_bytes(2, "big")
    return head + text


def test_one_delta_is_lost_and_the_heartbeat_behind_it_shows_the_hole() -> None:
    """In whatever pieces the bytes come; what is no websocket is let through."""
    delta = frame(b'{"previous":"1"}')
    beat = frame(b'{"__typename":"Heartbeat","previous":"2"}' + b" " * 200)
    head = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
    stream = head + beat + delta + beat + delta
    for size in (1, 7, len(stream)):
        sieve = Sieve()
        sieve.lose_one()
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert b"".join(sieve.passed(piece) for piece in pieces) == head + beat + beat + delta
        assert (sieve.lost, sieve.has_hole) == (1, False)
    plain = Sieve()
    plain.lose_one()
    assert plain.passed(b"HTTP/1.1 200 OK\r\n\r\n" + delta) == b"HTTP/1.1 200 OK\r\n\r\n" + delta


async def test_what_waited_behind_a_silent_proxy_arrives_and_what_was_forgotten_does_not() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(100):
            writer.write(said)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Proxy(server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"one")
        assert await reader.read(100) == b"one"
        proxy.mute()
        writer.write(b"two")
        proxy.resume()
        assert await reader.read(100) == b"two"

        proxy.mute()
        proxy.forget()
        writer.write(b"three")
        other, its = await asyncio.open_connection("127.0.0.1", proxy.port)
        its.write(b"new")
        assert await other.read(100) == b"new"
        proxy.cut()
        assert await reader.read(100) == b""
        for each in (writer, its):
            each.close()
