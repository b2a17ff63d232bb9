"""`run(command, input)`: the only place that begins and commits.

It stamps the transaction, reads business time once, runs the command, writes tasks and receipt, and appends the
events in the commit's own round trip. Deadlocks and serialization failures are run again; violated constraints become
refusals.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db import constraints
from db.command import Command, Remembered
from db.engine import GONE, NOT_NOW
from db.secrets import Secrets
from db.stamp import OPEN, OPEN_BY_KEY, OPEN_NEW
from db.tx import Tx
from domain.actors import NOWHERE, Actor, Origin, Role, TenantId
from domain.errors import (
    Forbidden,
    IdempotencyMismatch,
    Invalid,
    ReadOnly,
    Refused,
    Unauthenticated,
    Unavailable,
)
from models import mutation_receipt

Input = TypeVar("Input")
Result = TypeVar("Result")
Payload = TypeVar("Payload")

ATTEMPTS = 5
RETRIED = {"40001", "40P01"}
KEY_LENGTH = 128

STAGE = "select set_config('app.staged', $1, true)"
# A task with this dedupe key may be waiting already: then it is the one.
STAGE_WITH_TASKS = f"""with tasks as (
    insert into task (tenant_id, id, kind, payload, run_at, dedupe_key, created_at)
    select $2, id, kind, payload, run_at, dedupe_key, created_at
    from jsonb_to_recordset($3::text::jsonb) staged(
        id uuid, kind text, payload jsonb, run_at timestamptz, dedupe_key text, created_at timestamptz)
    on conflict do nothing)
{STAGE}"""
"""By hand, and the same text for any number of tasks: what a compiler makes of many rows it makes anew each time."""


class AfterCommit(Protocol):
    """Told of every commit that left events or tasks, to wake who waits for them. Must not block or raise."""

    def __call__(self, tenant: TenantId, *, events: bool, tasks: bool) -> None:
        """This tenant has new events, new tasks, or both."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Input, Result]):
    """One wish: a command with its input, by whom, and under which key."""

    actor: Actor
    command: Command[Input, Result]
    input: Input
    key: str | None = None
    request_id: str = ""
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs commands against one database. `after_commit` is called once each commit that others should hear of."""

    engine: AsyncEngine
    secrets: Secrets
    after_commit: AfterCommit

    async def run(self, call: Call[Input, Result]) -> Result:
        """Run the command in one transaction; its result. Raises `Refused` with nothing written, or `Unavailable`."""
        return (await self.run_and_read(call, _nothing))[0]

    async def run_and_read(
        self, call: Call[Input, Result], read: Callable[[Tx, Result], Awaitable[Payload]]
    ) -> tuple[Result, Payload]:
        """Like `run`, and read something in the same transaction before it commits."""
        if call.actor.role not in call.command.roles:
            raise Forbidden
        if call.key is not None and not (1 <= len(call.key) <= KEY_LENGTH and call.key.isprintable()):
            message = f"A clientMutationId has 1 to {KEY_LENGTH} printable characters."
            raise Invalid(message, field=("clientMutationId",))
        try:
            return await self._attempts(call, read)
        except Refused:
            done = await self._granted_meanwhile(call, read)
            if done is None:
                raise
            return done

    async def _granted_meanwhile(
        self, call: Call[Input, Result], read: Callable[[Tx, Result], Awaitable[Payload]]
    ) -> tuple[Result, Payload] | None:
        """What a twin with the same key was granted while this one waited for it: then this one was refused only
        for what it has itself achieved. None if there is no such twin.
        """
        if call.key is None or call.command.secret:
            return None
        try:
            return await self._attempts(replace(call, command=replace(call.command, body=_not_granted)), read)
        except _NotGranted:
            return None

    async def _attempts(
        self, call: Call[Input, Result], read: Callable[[Tx, Result], Awaitable[Payload]]
    ) -> tuple[Result, Payload]:
        """Deadlocks and serialization failures are run again."""
        for attempt in range(ATTEMPTS):
            try:
                return await self._attempt(call, read)
            # The commit's own statement goes past SQLAlchemy, and so do its errors.
            except (DBAPIError, asyncpg.TransactionRollbackError) as error:
                if not _try_again(error) or attempt == ATTEMPTS - 1:
                    raise _meaning(error) from error
            except (PoolTimeoutError, *GONE, *NOT_NOW) as error:
                raise Unavailable("The database does not answer.") from error
        raise AssertionError

    async def _attempt(
        self, call: Call[Input, Result], read: Callable[[Tx, Result], Awaitable[Payload]]
    ) -> tuple[Result, Payload]:
        async with self.engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert isinstance(driver, asyncpg.Connection)  # noqa: S101 (narrows the driver's type)
            try:
                await driver.execute("BEGIN")
                tx = await self._stamped(connection, driver, call)
                outcome, payload = await self._body(tx, call, read)
                await _finish(tx, driver)
            except asyncio.CancelledError:
                # A reply may still be on its way: this connection must never be used again.
                await connection.invalidate()
                raise
            except BaseException:
                await _roll_back(connection, driver)
                raise
        self._tell(tx)
        if isinstance(outcome, Remembered):
            raise outcome.refusal
        return outcome, payload

    async def _stamped(self, connection: AsyncConnection, driver: Any, call: Call[Input, Result]) -> Tx:
        actor = call.actor
        opening = OPEN_BY_KEY if call.command.by_key else OPEN
        opened = await driver.fetchrow(opening, str(actor.tenant), str(actor.person), actor.role, str(actor.session))
        if opened is None and actor.role is Role.SYSTEM:
            # The tenant is about to be founded: there is no row yet that could tell its time.
            opened = await driver.fetchrow(
                OPEN_NEW, str(actor.tenant), str(actor.person), actor.role, str(actor.session)
            )
        if opened is None:
            raise Unauthenticated
        if opened["is_read_only"] and actor.role is not Role.SYSTEM and not call.command.when_unpaid:
            raise ReadOnly
        return Tx(
            connection,
            actor,
            opened["business_now"],
            call.request_id,
            self.secrets,
            call.command.name,
            origin=call.origin,
        )

    async def _body(
        self, tx: Tx, call: Call[Input, Result], read: Callable[[Tx, Result], Awaitable[Payload]]
    ) -> tuple[Any, Any]:
        keyed = call.key is not None and not call.command.secret
        done = await self._receipt(tx, call) if keyed else None
        outcome: Any = done if done is not None else await call.command.body(tx, call.input)
        if isinstance(outcome, Remembered):
            return outcome, None
        if keyed and done is None:
            await self._keep_receipt(tx, call, outcome)
        return outcome, await read(tx, outcome)

    async def _receipt(self, tx: Tx, call: Call[Input, Result]) -> UUID | None:
        """The entity that this key led to before, if it was used before with the same input."""
        row = await tx.one(
            select(mutation_receipt.c.entity_id, mutation_receipt.c.input_mac).where(
                tx.own(mutation_receipt),
                mutation_receipt.c.actor_id == tx.actor.person,
                mutation_receipt.c.command == call.command.name,
                mutation_receipt.c.key == call.key,
            )
        )
        if row is not None and row.input_mac != self._input_mac(call):
            raise IdempotencyMismatch(field=("clientMutationId",))
        return row.entity_id if row else None

    async def _keep_receipt(self, tx: Tx, call: Call[Input, Result], entity_id: Any) -> None:
        await tx.insert(
            mutation_receipt,
            actor_id=tx.actor.person,
            command=call.command.name,
            key=call.key,
            input_mac=self._input_mac(call),
            entity_id=entity_id,
            at=tx.now,
        )

    def _input_mac(self, call: Call[Input, Result]) -> bytes:
        return self.secrets.mac("mutation-input", call.command.name, repr(call.input))

    def _tell(self, tx: Tx) -> None:
        if tx.staged.events or tx.staged.tasks:
            self.after_commit(tx.actor.tenant, events=bool(tx.staged.events), tasks=bool(tx.staged.tasks))


class _NotGranted(Exception):
    """No receipt of this key."""


async def _not_granted(_tx: Tx, _input: object) -> Any:
    raise _NotGranted


async def _nothing(_tx: Tx, _result: object) -> None:
    return None


async def _roll_back(connection: AsyncConnection, driver: Any) -> None:
    """The driver was used past SQLAlchemy, which would put a dead connection back into its pool."""
    rolled_back = False
    try:
        if not driver.is_closed():
            await driver.execute("ROLLBACK")
            rolled_back = True
    except (*GONE, asyncpg.PostgresError):
        # What went wrong before is what the caller is told.
        pass
    finally:
        if not rolled_back:
            await connection.invalidate()


async def _finish(tx: Tx, driver: Any) -> None:
    """Write the tasks, then append and commit in one round trip, so that the head's lock is held for no longer."""
    staged = _staged(tx) if tx.staged.events or tx.staged.audit else ""
    if tx.staged.tasks:
        await driver.execute(STAGE_WITH_TASKS, staged, tx.actor.tenant, _json(tx.staged.tasks))
    elif staged:
        await driver.execute(STAGE, staged)
    await driver.execute("select log_append(); commit" if staged else "COMMIT")


def _staged(tx: Tx) -> str:
    events = [event.staged() for event in tx.staged.events]
    return _json({"events": events, "audit": tx.staged.audit, "request_id": tx.request_id, "at": tx.now})


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


def _try_again(error: DBAPIError | asyncpg.PostgresError) -> bool:
    """Lost races of the database's own, and two first uses of one idempotency key."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) in RETRIED or _constraint(error) == "mutation_receipt_pkey"


def _constraint(error: DBAPIError | asyncpg.PostgresError) -> str:
    cause = getattr(error.orig, "__cause__", None) if isinstance(error, DBAPIError) else error
    return getattr(cause, "constraint_name", None) or ""


def _meaning(error: DBAPIError | asyncpg.PostgresError) -> Exception:
    cause = getattr(error.orig, "__cause__", None) if isinstance(error, DBAPIError) else error
    if isinstance(cause, (*GONE, *NOT_NOW)) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return Unavailable("The database does not answer.")
    return constraints.refusal(_constraint(error)) or error
