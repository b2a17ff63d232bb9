"""A connection to a named database, or one line that says why there is none. Imports little."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.settings import ConfigurationError, DatabaseAway

CONNECT_SECONDS = 10
_AWAY = (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
_UNDERSTOOD = frozenset({"host", "port"})
"""What may follow the `?`: the two drivers that read an address agree on no more."""


@asynccontextmanager
async def connected(url: str, name: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect to the address that the setting `name` gives, for the boot's few questions.

    `ConfigurationError`, which never holds the password, if that fails or the role may not ask them; `DatabaseAway`
    where trying again later may help.
    """
    _ensure_address(url, name)
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
        try:
            yield connection
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        kind = DatabaseAway if isinstance(error, _AWAY) else ConfigurationError
        raise kind(f"{_fault(error)}: check {name}.") from error


def _ensure_address(url: str, name: str) -> None:
    try:
        parsed = make_url(url)
        sound = parsed.drivername == "postgresql" and set(parsed.query) <= _UNDERSTOOD
    except (ArgumentError, ValueError):
        sound = False
    if not sound:
        raise ConfigurationError(f"{name} must be an address like postgresql://role:password@host:port/database.")


def _fault(error: Exception) -> str:
    """What went wrong. The driver's own words are not repeated: of an address it misreads they may quote the secret."""
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError():
            return "The database refuses the role or its password"
        case asyncpg.InvalidCatalogNameError():
            return "The server has no such database"
        case _ if isinstance(error, _AWAY):
            return f"The database does not answer ({error.__class__.__name__})"
        case asyncpg.PostgresError():
            return f"The database refuses the role ({error.__class__.__name__})"
        case _:
            return "The address of the database cannot be read"
