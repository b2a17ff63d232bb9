"""What the day is run with: the product as a process of its own, and people who speak to it over GraphQL."""

import asyncio
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from gateways.stripe_api import API_VERSION
from sandbox.environment import remove_environment

ROOT = Path(__file__).parent.parent
START_SECONDS = 240.0
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.2
STOP_SECONDS = 30.0


class Failed(Exception):
    """The day did not go as it must; the message says where."""


@dataclass(frozen=True, slots=True)
class Place:
    """The running product."""

    http: httpx2.AsyncClient
    data: Path
    base: str

    def person(self, token: str | None = None) -> "Person":
        """Somebody with this credential, or without any."""
        return Person(self.http, token)

    def mailed(self, address: str) -> str:
        """The token of the last link that was mailed to an address; empty where there is none yet."""
        outbox = self.data / "outbox.jsonl"
        lines = outbox.read_text().splitlines() if outbox.exists() else []
        found = [re.search(r"token=([\w.~-]+)", line) for line in lines if address in line]
        tokens = [match[1] for match in found if match]
        return tokens[-1] if tokens else ""

    def provider(self, key: str) -> httpx2.AsyncClient:
        """The payment provider, as the business's own account sees it."""
        port = (self.data / "stripe" / "port").read_text().strip()
        headers = {"authorization": f"Bearer {key}", "stripe-version": API_VERSION}
        return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30, trust_env=False)


@dataclass(slots=True)
class Person:
    """Whoever sends operations, and sees refusals as a failure of the day."""

    http: httpx2.AsyncClient
    token: str | None = field(default=None, repr=False)

    async def ask(self, document: str, **variables: Any) -> Any:
        """One operation's data."""
        headers = {} if self.token is None else {"authorization": f"Bearer {self.token}"}
        body = {"query": document, "variables": variables}
        said = (await self.http.post("/graphql", json=body, headers=headers)).json()
        if said.get("errors"):
            raise Failed(f"{document[:60]}: {said['errors']}")
        return said["data"]

    async def do(self, name: str, selection: str, /, **given: Any) -> Any:
        """One mutation's payload; its input type is named after it."""
        type = f"{name[0].upper()}{name[1:]}Input"
        document = f"mutation($input: {type}!) {{ {name}(input: $input) {{ {selection} errors {{ code message }} }} }}"
        payload = (await self.ask(document, input=given))[name]
        if payload["errors"]:
            raise Failed(f"{name}: {payload['errors']}")
        return payload

    async def upload(self, url: str, body: bytes, content_type: str) -> None:
        """Put a file where it is wanted."""
        answer = await self.http.put(url, content=body, headers={"content-type": content_type})
        if answer.status_code not in {200, 201}:
            raise Failed(f"an upload: {answer.status_code} {answer.text}")


async def until(what: str, look: Callable[[], Awaitable[Any]]) -> Any:
    """What `look` finds as soon as it finds something."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        found = await look()
        if found:
            return found
        if asyncio.get_running_loop().time() > deadline:
            raise Failed(f"{what} did not happen within {PATIENCE_SECONDS:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)


def digest(body: bytes) -> str:
    """The hash that a phone announces."""
    return hashlib.sha256(body).hexdigest()


@asynccontextmanager
async def open_place() -> AsyncIterator[Place]:
    """The product on a port and data of its own, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="cleanshift-day-") as name:
        data, port = Path(name), _free_port()
        environment = {**os.environ, "PORT": str(port), "DATA": str(data), "LOG_FORMAT": "json"}
        with (data / "day.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
                [sys.executable, "main.py", "dev"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        base = f"http://127.0.0.1:{port}"
        try:
            async with httpx2.AsyncClient(base_url=base, timeout=60, trust_env=False) as http:
                await _until_ready(http, process, data)
                yield Place(http, data, base)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(process.wait, STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait)
            # As root its cluster lies outside of the folder.
            await asyncio.to_thread(remove_environment, data)


async def _until_ready(http: httpx2.AsyncClient, process: "subprocess.Popen[bytes]", data: Path) -> None:
    """Until it serves, and the demo is there."""
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while True:
        log = (data / "day.log").read_text(errors="replace")
        if process.poll() is not None or asyncio.get_running_loop().time() > deadline:
            raise Failed(f"the product did not start: {log[-2000:]}")
        if "Cleanshift is running" in log and await _answers(http):
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _answers(http: httpx2.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == 200
    except httpx2.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def shown(value: Any) -> str:
    """A value as one line."""
    return json.dumps(value, default=str, sort_keys=True)
