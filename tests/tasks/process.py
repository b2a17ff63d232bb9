"""Processes that die: a worker that hangs inside a task, one that serves, and a commit whose process never rings.

Run as `process.py MODE FOLDER`; FOLDER holds `urls.json` and is where marks are left.
"""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from app.worker import WorkerParts, open_worker, run_worker, serve_worker
from db.command import command
from db.engine import write_engine
from db.runner import Call, Runner
from db.secrets import Secrets
from db.tx import Tx
from domain.actors import Actor, Role, TenantId
from gateways.messages import Outbox
from gateways.objects import FolderStore
from tasks.worker import Pace
from tests.tasks.waiting import BRISK

SHORT_LIVED = replace(BRISK, lease=5.0)
"""Whoever takes over from a worker of this pace need not wait long; whoever looks before that has time to."""


@dataclass(frozen=True)
class Leave:
    text: str


@command(Role.SYSTEM)
async def leave_a_task(tx: Tx, input: Leave) -> UUID:
    """Write a task of this test."""
    tx.later("mark", {"text": input.text})
    return tx.actor.tenant


def parts(folder: Path, pace: Pace) -> WorkerParts:
    urls = json.loads((folder / "urls.json").read_text())
    return WorkerParts(
        database_url=urls["app"],
        database_ops_url=urls["ops"],
        redis_url=urls["redis"],
        secrets=Secrets(b"k" * 32, b"s" * 32),
        messages=Outbox(folder / "outbox.jsonl"),
        public_url="http://cleanshift.test",
        after_commit=silence,
        objects=FolderStore.at(folder / "objects"),
        pace=pace,
    )


def silence(tenant: Any, *, events: bool, tasks: bool) -> None:
    return None


async def hang(folder: Path) -> None:
    """A worker whose task marks that it has begun, and never ends."""

    async def never(context: Any, tenant: Any, payload: Any) -> None:
        (folder / "begun").write_text(str(os.getpid()))
        await asyncio.Event().wait()

    async with open_worker(parts(folder, SHORT_LIVED)) as worker:
        worker.kinds, worker.duties = {"mark": never}, ()
        await run_worker(worker, None)


async def die_after_commit(folder: Path) -> None:
    """Commit a task and be gone before anybody is told."""

    def die(tenant: Any, *, events: bool, tasks: bool) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    urls = json.loads((folder / "urls.json").read_text())
    runner = Runner(write_engine(urls["app"]), Secrets(b"k" * 32, b"s" * 32), die)
    actor = Actor.system(TenantId(UUID(urls["tenant"])))
    await runner.run(Call(actor, leave_a_task, Leave("committed")))


async def serve(folder: Path) -> None:
    """The worker as it is; it looks only when it is woken, once it has begun."""
    await serve_worker(parts(folder, Pace(sweep=3600.0, tick=3600.0)))


async def serve_briskly(folder: Path) -> None:
    """The worker as it is, without patience."""
    await serve_worker(parts(folder, BRISK))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(
            {"hang": hang, "die": die_after_commit, "serve": serve, "brisk": serve_briskly}[sys.argv[1]](
                Path(sys.argv[2])
            )
        )
