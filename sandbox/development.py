"""`make run`: servers, schema, payments sandbox, API and worker under one supervisor, the demo, a first query."""

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

import structlog
import typer

from app.boot import ensure_servable
from app.migrate import migrate
from app.settings import Settings
from sandbox.environment import ensure_running
from sandbox.payments import payments_sandbox
from sandbox.servers import ensure_port_free, environment_of, servers_for
from sandbox.supervisor import Child, supervise

MAIN = Path(__file__).parent.parent / "main.py"


def develop(settings: Settings) -> None:
    """Run everything until Ctrl-C or SIGTERM; nothing is left behind."""
    ensure_port_free(settings)
    with servers_for(settings) as named, payments_sandbox(named) as (served, beside):
        asyncio.run(_prepare(served))
        # The demo is looked after while the API starts: a restart is not to wait for it.
        threading.Thread(target=_seed, args=(served,), daemon=True).start()
        keep = None if settings.has_servers else (lambda: ensure_running(settings.data.resolve(), redis=settings.redis))
        code = supervise([*beside, _child(served, "serve"), _child(served, "worker")], each_second=keep)
    sys.exit(code)


async def _prepare(settings: Settings) -> None:
    if settings.database_owner_url is not None:
        await migrate(settings.database_owner_url)
    await ensure_servable(settings)


def _seed(settings: Settings) -> None:
    """Make sure of the demo and print the welcome; what goes wrong ends everything."""
    # Imported here, because it brings the whole application with it, which the children are loading meanwhile.
    from sandbox.seeding import seed_and_welcome

    try:
        typer.echo(asyncio.run(seed_and_welcome(settings)))
    except Exception:  # noqa: BLE001 (the edge of a thread: nobody else would hear of it)
        structlog.get_logger("demo").exception("demo_not_seeded")
        os.kill(os.getpid(), signal.SIGTERM)


def _child(settings: Settings, name: str) -> Child:
    return Child(name, [sys.executable, str(MAIN), name], environment_of(settings))
