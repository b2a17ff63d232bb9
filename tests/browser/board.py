"""The board as somebody sees it: a browser context with the page open, and what went over its line."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Error, Locator, Page, WebSocket, expect

SECONDS = 30_000.0
expect.set_options(timeout=SECONDS)
ASK = """async ([query, variables]) => {
    const { accessToken } = JSON.parse(sessionStorage.getItem("cleanshift.session"));
    const headers = { "content-type": "application/json", authorization: `Bearer ${accessToken}` };
    const response = await fetch("/graphql", { method: "POST", headers, body: JSON.stringify({ query, variables }) });
    return response.json();
}"""
# What a card or a notice says is gone within seconds, sooner than a busy machine looks twice.
REMEMBER = """window.told = { ".said": [], ".notice span": [] };
addEventListener("DOMContentLoaded", () => {
    const look = () => {
        for (const [place, told] of Object.entries(window.told)) {
            for (const { textContent } of document.querySelectorAll(place)) {
                if (textContent && !told.includes(textContent)) told.push(textContent);
            }
        }
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
});"""
OPEN_SWAPS = "query { swaps(first: 100, filter: { status: [PENDING] }) { nodes { id } } }"
OWN_JOBS = "query { assignments(first: 100, filter: { isLive: true }) { nodes { job { id } } } }"


@dataclass(frozen=True)
class Board:
    """Where it runs, and the file of the messages that it sent."""

    url: str
    outbox: Path


@dataclass
class Visitor:
    """One person with a browser of their own."""

    context: BrowserContext
    page: Page
    errors: list[Error] = field(default_factory=list)
    sockets: list[WebSocket] = field(default_factory=list)
    sent: list[list[dict[str, Any]]] = field(default_factory=list)
    """What was sent, socket by socket."""
    received: list[list[dict[str, Any]]] = field(default_factory=list)

    @classmethod
    async def open(cls, context: BrowserContext) -> "Visitor":
        """The board's page before signing in."""
        context.set_default_timeout(SECONDS)
        visitor = cls(context, await context.new_page())
        visitor.page.on("pageerror", lambda error: visitor.errors.append(error))  # noqa: PLW0108 (a built-in cannot listen)
        visitor.page.on("websocket", visitor._listen)
        await visitor.page.add_init_script(REMEMBER)
        await visitor.page.goto("/board")
        return visitor

    async def sign_in(self, label: str, tenant: str = "demo") -> None:
        """Choose one of the demo's people, and wait until the board is live."""
        demo = await self.page.evaluate("async () => (await fetch('/demo.json')).json()")
        place = demo["tenants"].index(tenant)
        await self.page.locator(".business").nth(place).get_by_role("button", name=label).click()
        await self.is_("live")

    async def is_(self, state: str) -> None:
        """Wait until the line is in this state."""
        await expect(self.page.locator("#line")).to_have_attribute("data-state", state, timeout=3 * SECONDS)

    def card(self, swap: str) -> Locator:
        """A swap's card on the market."""
        return self.page.locator(f"[data-swap='{swap}']:not(.leaving)")

    def job(self, job: str) -> Locator:
        """A job's row in "My week"."""
        return self.page.locator(f"[data-job='{job}']")

    async def cards(self, extra: str = "") -> list[str]:
        """The swaps on the market as it is shown."""
        script = "(all) => all.map((one) => one.dataset.swap)"
        found: list[str] = await self.page.locator(f".card{extra}:not(.leaving)").evaluate_all(script)
        return found

    async def said(self) -> str:
        """The first sentence that a card has said since the page was loaded, however shortly."""
        return await self._told(".said", "")

    async def is_told(self, words: str) -> str:
        """The first notice since the page was loaded that has these words, however shortly it was shown."""
        return await self._told(".notice span", words)

    async def _told(self, place: str, words: str) -> str:
        async with asyncio.timeout(2 * SECONDS / 1000):
            while True:
                told: list[str] = await self.page.evaluate("(place) => window.told[place]", place)
                if found := next((text for text in told if words in text), None):
                    return found
                await asyncio.sleep(0.05)

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer of the API to this person."""
        answer: dict[str, Any] = await self.page.evaluate(ASK, [query, variables])
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def open_swaps(self) -> set[str]:
        """What a fresh query says is on the market."""
        return {node["id"] for node in (await self.ask(OPEN_SWAPS))["swaps"]["nodes"]}

    async def own_jobs(self) -> set[str]:
        """What a fresh query says is this person's work."""
        return {node["job"]["id"] for node in (await self.ask(OWN_JOBS))["assignments"]["nodes"]}

    def frames(self, socket: int) -> list[dict[str, Any]]:
        """What one socket has brought of the market."""
        payloads = [message["payload"]["data"] for message in self.received[socket] if message["type"] == "next"]
        return [payload["swapMarket"] for payload in payloads if payload and "swapMarket" in payload]

    def _listen(self, socket: WebSocket) -> None:
        sent: list[dict[str, Any]] = []
        received: list[dict[str, Any]] = []
        self.sockets.append(socket)
        self.sent.append(sent)
        self.received.append(received)
        socket.on("framesent", lambda text: sent.append(json.loads(text)))
        socket.on("framereceived", lambda text: received.append(json.loads(text)))
