"""One `main.py dev` on a folder of its own, one Chromium, and a signed-in page for whoever a test needs."""

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from os import environ
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.async_api import Browser, async_playwright

from app.migrate import migrate
from sandbox.environment import open_environment, remove_environment
from sandbox.stripe.sandbox import Sandbox
from tests.browser.board import Board, Visitor
from tests.clock import set_clocks, time_of_tests
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
READY_SECONDS = 240
WITHOUT = ("gpu", "quic", "background-networking", "component-update", "sync")
ARGUMENTS = ["--no-sandbox", "--no-first-run", *(f"--disable-{word}" for word in WITHOUT)]

Visit = Callable[..., Awaitable[Visitor]]


@pytest.fixture(scope="package")
def chromium() -> str:
    """Where Chromium is; without one there is nothing to test with."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the PATH")
    return found


@pytest.fixture(scope="package")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        await launched.close()


@pytest.fixture(scope="package")
async def board(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Board]:
    """The demo as `make run` brings it up."""
    place, port = tmp_path_factory.mktemp("board"), free_port()
    await asyncio.to_thread(_migrate, place / "data")
    with (place / "dev.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "main.py"),
            "dev",
            env={**environ, "PORT": str(port), "DATA": str(place / "data")},
            stdout=log,
            stderr=log,
        )
    try:
        made = Board(f"http://127.0.0.1:{port}", place / "data" / "outbox.jsonl")
        await _until_ready(made, process, place / "dev.log")
        yield made
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
        remove_environment(place / "data")


@pytest.fixture
async def visit(board: Board, browser: Browser) -> AsyncIterator[Visit]:
    """Opens the board in a browser of its own, signed in as one of the demo; no page may end with a script's error."""
    visitors: list[Visitor] = []
    async with AsyncExitStack() as stack:

        async def open_board(label: str | None = None, tenant: str = "demo", **options: object) -> Visitor:
            context = await browser.new_context(base_url=board.url, locale="en-US", **options)  # type: ignore[arg-type]
            stack.push_async_callback(context.close)
            visitor = await Visitor.open(context)
            visitors.append(visitor)
            if label is not None:
                await visitor.sign_in(label, tenant)
            return visitor

        yield open_board
        assert [str(error) for visitor in visitors for error in visitor.errors] == []


def _migrate(data: Path) -> None:
    """Set the clocks before the demo is made, the payment provider's too: its holds last by its own time."""
    with open_environment(data) as servers:
        asyncio.run(migrate(servers.database_owner_url))
        asyncio.run(set_clocks(servers.superuser_url))
    folder = data / "stripe"
    folder.mkdir(mode=0o700)
    # Kept in the folder, from which the sandbox that `main.py dev` starts takes it up.
    sandbox = Sandbox(folder=folder)
    sandbox.set_clock(time_of_tests().timestamp())
    sandbox.close()


async def _until_ready(board: Board, process: asyncio.subprocess.Process, log: Path) -> None:
    deadline = asyncio.get_running_loop().time() + READY_SECONDS
    # The demo is made while the API serves already; the welcome says that it is complete.
    while not (await asyncio.to_thread(_is_ready, board) and "A first subscription" in log.read_text()):
        assert process.returncode is None, log.read_text()
        assert asyncio.get_running_loop().time() < deadline, log.read_text()
        await asyncio.sleep(0.1)


def _is_ready(board: Board) -> bool:
    try:
        with urlopen(f"{board.url}/readyz", timeout=5) as answer:  # noqa: S310 (our own server on the loopback)
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
