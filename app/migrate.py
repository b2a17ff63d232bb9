"""Bringing a database to this version of the schema, and refusing to run on another one (R243)."""

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.database import connected
from app.settings import ConfigurationError

# Any number that nothing else locks: two migrations at once follow each other.
_LOCK = 7_310_042


async def migrate(owner_url: str, *, new_epoch: bool = False, to: str | None = None) -> str:
    """Bring the database up to date as its owner, or only to the revision `to`; the revision it has now.

    `new_epoch` turns every cursor handed out before into a Resync: say it after restoring a backup.
    """
    async with connected(owner_url, "DATABASE_OWNER_URL"):
        pass
    engine = create_async_engine(owner_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"select pg_advisory_xact_lock({_LOCK})"))
            await connection.run_sync(_ensure_known)
            await connection.run_sync(_upgrade, to or head())
            if new_epoch:
                await connection.execute(text("alter table tenant_head no force row level security"))
                await connection.execute(
                    text("update tenant_head set epoch = greatest(epoch + 1, :epoch)"), {"epoch": int(time.time())}
                )
                await connection.execute(text("alter table tenant_head force row level security"))
    finally:
        await engine.dispose()
    return to or head()


def head() -> str:
    """The newest revision that this version of the code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


async def ensure_current(app_url: str) -> None:
    """Refuse to start on a database of an older or newer schema, with one line that says what to do."""
    async with connected(app_url, "DATABASE_URL") as connection:
        exists = await connection.fetchval("select to_regclass('alembic_version') is not null")
        found = await connection.fetchval("select version_num from alembic_version") if exists else None
    if found == head():
        return
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is None or found in known:
        raise ConfigurationError("The database's schema is older than this version: run `main.py migrate` first.")
    raise ConfigurationError(
        f"The database has schema {found}, which is newer than this version ({head()}): run a newer Cleanshift."
    )


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, to: str) -> None:
    command.upgrade(_config(connection), to)
    connection.execute(text("grant select on alembic_version to cleanshift_app, cleanshift_ops"))


def _ensure_known(connection: Connection) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise ConfigurationError(
            f"The database has schema {found}, which is newer than this version ({head()}): run a newer Cleanshift."
        )
