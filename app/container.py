"""Everything one API process has, built once and in one place."""

import asyncio
import base64
import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import asyncpg
import strawberry
import structlog

from app.auth import Auth
from app.boot import url_of
from app.bundles import Press
from app.execution import Executor, Operation, Prepared
from app.geocoding import geocoder_of
from app.limits import checked
from app.passwords import Passwords, SourceLimiter
from app.settings import Keys, Settings
from app.sign_ups import SignUpLimiter
from app.storage import object_store
from app.tokens import SigningKey, TokenSigner, TokenVerifier
from app.visits import VisitLimiter
from app.waker import Waker, open_waker
from db.engine import read_pool, write_engine
from db.runner import Runner
from db.secrets import Secrets
from db.stamp import STAMP, STAMPED, TIMED, VERIFIED
from domain.actors import NOBODY, Actor, TenantId
from domain.availability import window_at
from domain.return_pages import ReturnPages
from gateways.links import Links
from resolvers import registry
from resolvers.context import Context, Services
from resolvers.engine.engine import Engine, Stamps
from resolvers.engine.extension import read_extension
from resolvers.lent import Lent
from schema.root import build_schema
from services.availability import calendar_of
from services.cursors import Cursors
from services.swap_facts import viewer_facts, viewer_facts_sql
from services.windows import window_card
from subscriptions.feeds import Feed
from subscriptions.feeds.automation import AutomationFeed
from subscriptions.feeds.availability import AvailabilityFeed
from subscriptions.feeds.jobs import JobFeed, JobsFeed
from subscriptions.feeds.locations import LiveLocationFeed
from subscriptions.feeds.money import PaymentsFeed, PayoutsFeed
from subscriptions.feeds.swaps import SwapMarketFeed
from subscriptions.hub import Hub, Parts
from subscriptions.log import Log
from subscriptions.plans import Planner
from subscriptions.reads import Reads
from subscriptions.socket import Connected, Limits, Ports, Socket
from subscriptions.wake import Wake
from tasks.control import Control

STAMPS = Stamps(STAMP, VERIFIED, STAMPED, TIMED)
_UNKNOWN = Actor.anonymous(TenantId(NOBODY))
"""Who reads without a credential: of a tenant that does not exist, so that the stamp yields no row."""


@dataclass(slots=True)
class Container:
    """One process's parts."""

    settings: Settings
    services: Services
    auth: Auth
    executor: Executor
    socket: Socket
    reads: asyncpg.Pool
    wake: Wake
    waker: Waker
    links: Links
    press: Press


class AfterCommit:
    """Wakes feeds and workers after a commit; never blocks, never raises."""

    def __init__(self, wake: Wake, waker: Waker) -> None:
        self._wake = wake
        self._waker = waker

    def __call__(self, tenant: TenantId, *, events: bool, tasks: bool) -> None:
        """A commit of this tenant left events or tasks."""
        if events:
            self._wake.publish(tenant)
        if tasks:
            self._waker.wake()


def feeds() -> list[Feed]:
    """Every live feed of the contract."""
    boards: list[Feed] = [SwapMarketFeed(), AvailabilityFeed(window_of_row), JobsFeed(), JobFeed(), LiveLocationFeed()]
    return [*boards, PaymentsFeed(), PayoutsFeed(), AutomationFeed()]


def contract(engines: list[Engine] | None = None, lent: Lent | None = None) -> strawberry.Schema:
    """The schema with its reads compiled; the engine that compiles them is put into the list."""
    made: list[Engine] = engines if engines is not None else []
    extension = read_extension(lambda: made[0], lambda context: context.services.reads)
    schema = build_schema([Prepared, extension])
    made.append(Engine(registry, schema, STAMPS, actor_of=lambda context: context.actor or _UNKNOWN, lent=lent))
    return schema


@asynccontextmanager
async def open_container(settings: Settings) -> AsyncIterator[Container]:
    """Connect, start the hub and the socket's ticker, and let everything go at the end."""
    keys = Keys.derive(settings.key())
    secrets = Secrets(keys.hashing, keys.sealing)
    links = Links(secrets, object_store(settings))
    engines: list[Engine] = []
    schema = contract(engines, Lent(links))
    async with AsyncExitStack() as stack:
        url = url_of(settings.database_url, "DATABASE_URL")
        writes = write_engine(url, size=settings.pool_size)
        stack.push_async_callback(writes.dispose)
        reads = await _pool(stack, url, settings.pool_size, "cleanshift-read")
        ops = await _pool(stack, url_of(settings.database_ops_url, "DATABASE_OPS_URL"), 2, "cleanshift-ops")
        wake = await stack.enter_async_context(Wake(settings.redis_url))
        waker = open_waker(settings.redis_url)
        stack.push_async_callback(waker.close)
        runner = Runner(writes, secrets, AfterCommit(wake, waker))
        signing = signing_key(keys)
        press = Press(runner, links, signing)
        auth = auth_of(settings, signing, secrets, runner)
        control = Control(ops, runner, waker.wake)
        geocoder = geocoder_of(settings)
        if geocoder is not None:
            stack.push_async_callback(geocoder.aclose)
        sign_ups = SignUpLimiter(settings.sign_ups_an_address) if settings.stripe_key is not None else None
        visits, pages = VisitLimiter(settings.visits_an_address), return_pages(settings)
        tools: dict[str, Any] = {"geocoder": geocoder, "sign_ups": sign_ups, "visits": visits, "pages": pages}
        services = Services(runner, engines[0], reads, auth, control, **tools)
        open_schema = settings.environment == "development"
        executor = Executor(schema, open_introspection=open_schema)
        log = Log(url_of(settings.database_feed_url, "DATABASE_FEED_URL"))
        stack.push_async_callback(log.close)
        facts = viewer_facts_sql("stamp.tenant_id", "stamp.actor_id", "live.business_now")
        parts = Parts(log, Reads(reads, facts), wake, engines[0], Cursors(secrets), viewer_facts)
        hub = await stack.enter_async_context(
            Hub(parts, poll_seconds=settings.poll_seconds, stall_seconds=settings.stall_seconds)
        )
        judge = partial(checked, hide_suggestions=not open_schema)
        planner = Planner(engines[0].schema, feeds(), judge)
        operations = SocketOperations(executor, services)
        ports = Ports(planner, auth.verifier, operations)
        socket = await stack.enter_async_context(Socket(hub, ports, limits_of(settings)))
        calm_garbage_collection()
        yield Container(settings, services, auth, executor, socket, reads, wake, waker, links, press)


def limits_of(settings: Settings) -> Limits:
    """What this installation lets its sockets do."""
    return Limits(
        heartbeat_seconds=settings.heartbeat_seconds,
        stall_seconds=settings.stall_seconds,
        sockets_a_person=settings.sockets_a_person,
        sockets_a_tenant=settings.sockets_a_tenant,
        sockets_an_address=settings.sockets_an_address,
        allowed_origins=frozenset(settings.allowed_origins),
    )


def return_pages(settings: Settings) -> ReturnPages:
    """Where people are sent back to: this installation's pages, and those of the origins that it was told of."""
    known = (settings.base_url, *settings.allowed_origins, *settings.return_origins)
    return ReturnPages.of(known, loopback=settings.environment == "development")


def calm_garbage_collection() -> None:
    """Leave what lives as long as the process out of collections: the longest pauses of feeds and workers are these."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class SocketOperations:
    """Queries and mutations on a socket: the same execution as over HTTP."""

    def __init__(self, executor: Executor, services: Services) -> None:
        self._executor = executor
        self._services = services

    async def execute(self, actor: Actor, connected: Connected, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The response, as over HTTP."""

        async def renew(token: str) -> None:
            await connected.reauthenticate(token)

        request_id = uuid4().hex
        source = f"socket of {actor.person}"
        context = Context(self._services, actor, request_id, source, reauthenticate=renew, origin=connected.origin)
        with structlog.contextvars.bound_contextvars(request_id=request_id, tenant=str(actor.tenant)):
            return await self._executor.execute(Operation.of(payload), context)


def window_of_row(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The card of a market's window from the market's row as JSON."""
    place = SimpleNamespace(**{**row, "window_epoch": date.fromisoformat(row["window_epoch"])})
    return window_card(place, window_at(calendar_of(place), now))


def signing_key(keys: Keys) -> SigningKey:
    """What this installation signs tokens and bundles with."""
    return SigningKey.from_seed(base64.urlsafe_b64encode(keys.signing).decode().rstrip("="))


def auth_of(settings: Settings, key: SigningKey, secrets: Secrets, runner: Runner) -> Auth:
    """The ways to sign in, with this installation's keys."""
    production = settings.environment == "production"
    verifier = TokenVerifier([key.public])
    visits = SourceLimiter(burst=settings.visits_an_address, per_minute=settings.visits_an_address)
    passwords = Passwords(secrets)
    return Auth(runner, TokenSigner(key), verifier, passwords, SourceLimiter(), production=production, visits=visits)


async def _pool(stack: AsyncExitStack, url: str, size: int, name: str) -> asyncpg.Pool:
    pool = await read_pool(url, size=size, name=name)
    stack.push_async_callback(_close, pool)
    return pool


async def _close(pool: asyncpg.Pool) -> None:
    try:
        async with asyncio.timeout(2):
            await pool.close()
    except TimeoutError:
        pool.terminate()
