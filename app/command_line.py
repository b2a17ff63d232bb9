"""What the commands of `main.py` do once their servers are known."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from app.auth import Auth
from app.boot import url_of
from app.container import AfterCommit, auth_of, calm_garbage_collection, signing_key
from app.logs import configure_logs
from app.providers import payment_providers
from app.settings import ConfigurationError, Keys, Settings
from app.storage import object_store
from app.waker import open_waker
from app.worker import WorkerParts, serve_worker
from db.engine import write_engine
from db.runner import Runner
from db.secrets import Secrets
from domain.actors import Role
from domain.errors import Refused
from domain.payments.ops import Boundary
from gateways.messages import Outbox
from subscriptions.wake import Wake
from tasks.context import pass_by

T = TypeVar("T")


async def work(settings: Settings, at_boundary: Callable[[Boundary], None] = pass_by) -> None:
    """Be a worker until SIGTERM. `at_boundary` is called between the parts of each step of money."""
    configure_logs(settings.log_format)
    keys = Keys.derive(settings.key())
    waker = open_waker(settings.redis_url)
    secrets = Secrets(keys.hashing, keys.sealing)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(waker.close)
        wake = await stack.enter_async_context(Wake(settings.redis_url))
        providers = payment_providers(settings.stripe_calls_a_second)
        stack.push_async_callback(providers.aclose)
        parts = WorkerParts(
            database_url=url_of(settings.database_url, "DATABASE_URL"),
            database_ops_url=url_of(settings.database_ops_url, "DATABASE_OPS_URL"),
            redis_url=settings.redis_url,
            secrets=secrets,
            messages=Outbox(outbox(settings)),
            public_url=public_url(settings),
            after_commit=AfterCommit(wake, waker),
            objects=object_store(settings),
            providers=providers,
            provider_url=settings.stripe_url,
            platform_key=settings.stripe_key,
            plan_grace=timedelta(days=settings.plan_grace_days),
            at_boundary=at_boundary,
        )
        calm_garbage_collection()
        await serve_worker(parts)


async def with_auth(settings: Settings, use: Callable[[Runner, Auth], Awaitable[T]]) -> T:
    """Run something with a runner and the ways to sign in, outside of a server; workers and feeds are woken."""
    keys = Keys.derive(settings.key())
    secrets = Secrets(keys.hashing, keys.sealing)
    engine = write_engine(url_of(settings.database_url, "DATABASE_URL"), size=4)
    waker = open_waker(settings.redis_url)
    try:
        async with Wake(settings.redis_url) as wake:
            runner = Runner(engine, secrets, AfterCommit(wake, waker))
            return await use(runner, auth_of(settings, signing_key(keys), secrets, runner))
    finally:
        await waker.close()
        await engine.dispose()


def token(settings: Settings, tenant: str, role: Role, user: str | None) -> str:
    """An access token for the command line. `ConfigurationError` in production and for who does not exist."""

    async def issue(_runner: Runner, auth: Auth) -> str:
        return (await auth.issue_token(tenant, role, user)).access_token

    try:
        return asyncio.run(with_auth(settings, issue))
    except Refused as refusal:
        raise ConfigurationError(refusal.message) from refusal


def outbox(settings: Settings) -> Path:
    """Where the sandbox's messages are recorded."""
    return settings.data / "outbox.jsonl"


def public_url(settings: Settings) -> str:
    """The address that links in messages begin with."""
    return settings.base_url
