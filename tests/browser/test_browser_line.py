"""The board's line when the network or the server misbehaves: holes, silence, an ended token."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import WebSocketRoute, expect

from tests.browser.board import Visitor
from tests.browser.conftest import Visit
from tests.browser.steps import offer, planned, until

pytestmark = pytest.mark.browser

Passes = Callable[[dict[str, Any]], bool]


class Line:
    """The visitor's sockets, with somebody sitting on the wire."""

    def __init__(self) -> None:
        self.passes: Passes = lambda message: True
        self.subscribed: list[list[dict[str, Any]]] = []
        """The variables of the subscriptions, socket by socket."""
        self.open: WebSocketRoute | None = None

    @classmethod
    async def of(cls, visitor: Visitor) -> "Line":
        """Sit on every socket that the page opens from now on."""
        line = cls()
        await visitor.page.route_web_socket("**/graphql", line.sit)
        await visitor.page.reload()
        return line

    def sit(self, socket: WebSocketRoute) -> None:
        """Pass on what comes from the page, and what `passes` lets through of what comes from the server."""
        server = socket.connect_to_server()
        subscribed: list[dict[str, Any]] = []
        self.subscribed.append(subscribed)
        self.open = socket

        def up(text: str | bytes) -> None:
            message = json.loads(text)
            if message["type"] == "subscribe":
                subscribed.append(message["payload"]["variables"])
            server.send(text)

        socket.on_message(up)
        server.on_message(lambda text: socket.send(text) if self.passes(json.loads(text)) else None)


def _kind(message: dict[str, Any]) -> str:
    frame = ((message.get("payload") or {}).get("data") or {}).get("swapMarket") if message["type"] == "next" else None
    return str(frame["__typename"]) if frame else ""


async def test_a_frame_that_was_lost_on_the_way_is_noticed_and_fetched_behind_the_known_cursor(visit: Visit) -> None:
    """`previous` tells the hole: the feed is subscribed to anew on the same socket, and nothing stays missing."""
    office, watcher, owner = await visit("Owner 1"), await visit(), await visit("Cleaner 2")
    shift = await planned(office, "Cleaner 2")
    line = await Line.of(watcher)
    await watcher.sign_in("Cleaner 3")
    lost: list[str] = []
    is_lossy = True

    def lose_the_market(message: dict[str, Any]) -> bool:
        # Heartbeats too: they tell of the hole as well, and one may come at any time.
        if not is_lossy or not _kind(message):
            return True
        lost.append(_kind(message))
        return False

    line.passes = lose_the_market
    job = await offer(owner, shift, "Lost on the way")
    await until(lambda: "SwapListed" in lost)
    assert await watcher.page.get_by_text("Lost on the way").count() == 0
    is_lossy = False
    await owner.job(job).get_by_role("button", name="Withdraw").click()
    await expect(owner.job(job).get_by_text("On offer")).to_be_hidden()

    await until(lambda: len(line.subscribed[0]) == 3)
    assert line.subscribed[0][2]["after"]
    await watcher.is_("live")
    await expect(watcher.page.get_by_text("Lost on the way")).to_have_count(0)
    assert set(await watcher.cards()) == await watcher.open_swaps()
    assert len(line.subscribed) == 1


async def test_a_line_that_has_fallen_silent_is_taken_up_again(visit: Visit) -> None:
    """Three heartbeats missed: the socket is given up although nobody closed it, and the feeds go on."""
    visitor = await visit()
    await visitor.page.clock.install()
    line = await Line.of(visitor)
    await visitor.sign_in("Cleaner 3")

    line.passes = lambda _message: False
    await visitor.page.clock.fast_forward(46_000)
    await until(lambda: len(line.subscribed) > 1)
    line.passes = lambda _message: True
    await visitor.page.clock.fast_forward(46_000)

    await visitor.is_("live")
    await until(lambda: len(line.subscribed[-1]) == 2)
    assert all(variables["after"] for variables in line.subscribed[-1])


async def test_a_socket_ended_with_4403_comes_back_under_a_new_token(visit: Visit) -> None:
    """A7: 4403 is no sign-out: the token is renewed, and the feeds go on behind their cursors."""
    visitor = await visit()
    line = await Line.of(visitor)
    await visitor.sign_in("Cleaner 3")
    await visitor.page.evaluate("window.neverReloaded = true")
    assert line.open is not None

    async with visitor.page.expect_request(lambda request: "refreshSession" in (request.post_data or "")):
        await line.open.close(code=4403, reason="Token expired")

    await until(lambda: len(line.subscribed) == 2 and len(line.subscribed[1]) == 2)
    await visitor.is_("live")
    assert all(variables["after"] for variables in line.subscribed[1])
    await expect(visitor.page.locator("#name")).to_have_text("Cleaner 3 (Miami)")
    assert await visitor.page.evaluate("window.neverReloaded")
