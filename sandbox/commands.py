"""The commands of `main.py`, over real servers where they are named and over the data folder's own where not."""

import asyncio

from app.command_line import ensure_servable, token, url_of, with_auth, work
from app.migrate import migrate
from app.server import serve
from app.settings import ConfigurationError, Settings
from db.runner import Call, Runner
from domain.actors import PLATFORM_TENANT, Actor, Role
from sandbox.servers import servers_for
from services.identity.business import InviteOps, invite_ops


def serve_api(settings: Settings) -> None:
    """Serve the API."""
    with servers_for(settings) as served:
        asyncio.run(ensure_servable(served))
        serve(served)


def run_worker(settings: Settings) -> None:
    """Do the scheduled work."""
    with servers_for(settings) as served:
        asyncio.run(work(served))


def migrate_database(settings: Settings, *, new_epoch: bool, ops_email: str | None) -> str:
    """Bring the database up to date; its revision. With an address, invite an ops user of the platform."""
    with servers_for(settings) as served:
        found = asyncio.run(migrate(url_of(served.database_owner_url, "DATABASE_OWNER_URL"), new_epoch=new_epoch))
        if ops_email:
            asyncio.run(with_auth(served, lambda runner, _auth: _invite(runner, ops_email)))
        return found


async def _invite(runner: Runner, email: str) -> None:
    await runner.run(Call(Actor.system(PLATFORM_TENANT), invite_ops, InviteOps("Ops", email)))


def print_token(settings: Settings, tenant: str, role: Role, user: str | None) -> str:
    """An access token."""
    if settings.environment == "production":
        raise ConfigurationError("Tokens are not given out in production.")
    with servers_for(settings) as served:
        return token(served, tenant, role, user)
