"""`make run`: servers, schema, demo business, API and worker under one supervisor, and a first query to try."""

import asyncio
import socket
import sys
from pathlib import Path

import typer

from app.command_line import ensure_servable, url_of, with_auth
from app.migrate import migrate
from app.settings import ConfigurationError, Settings
from sandbox.commands import environment_of, servers_for
from sandbox.demo import Demo, seed_demo
from sandbox.environment import ensure_running
from sandbox.supervisor import Child, supervise
from sandbox.welcome import welcome

MAIN = Path(__file__).parent.parent / "main.py"


def develop(settings: Settings) -> None:
    """Run everything until Ctrl-C or SIGTERM; nothing is left behind."""
    _ensure_free(settings)
    with servers_for(settings) as served:
        demo = asyncio.run(_prepare(served))
        typer.echo(welcome(served, demo))
        keep = None if settings.has_servers else (lambda: ensure_running(settings.data.resolve(), redis=settings.redis))
        code = supervise([_child(served, "serve"), _child(served, "worker")], each_second=keep)
    sys.exit(code)


async def _prepare(settings: Settings) -> Demo:
    if settings.database_owner_url is not None:
        await migrate(url_of(settings.database_owner_url, "DATABASE_OWNER_URL"))
    await ensure_servable(settings)
    return await with_auth(settings, lambda runner, auth: seed_demo(runner, auth, settings.data))


def _child(settings: Settings, name: str) -> Child:
    return Child(name, [sys.executable, str(MAIN), name], environment_of(settings))


def _ensure_free(settings: Settings) -> None:
    """Refuse a taken port before anything is started; the API itself finds out too late for a clear word."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise ConfigurationError(
                f"Port {settings.port} cannot be used ({error.strerror}): choose another with PORT=."
            ) from error
