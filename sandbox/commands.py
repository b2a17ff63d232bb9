"""The commands of `main.py`, over real servers where they are named and over the data folder's own where not.

What the application is made of is imported after the checks, so that a refusal does not wait for it.
"""

import asyncio

from app.boot import ensure_servable, url_of
from app.migrate import migrate
from app.settings import ConfigurationError, Settings
from domain.actors import PLATFORM_TENANT, Actor, Role
from sandbox.servers import ensure_port_free, servers_for


def serve_api(settings: Settings) -> None:
    """Serve the API."""
    ensure_port_free(settings)
    with servers_for(settings) as served:
        asyncio.run(ensure_servable(served))
        from app.server import serve

        serve(served)


def run_worker(settings: Settings) -> None:
    """Do the scheduled work."""
    with servers_for(settings) as served:
        asyncio.run(ensure_servable(served))
        from uvicorn.loops.auto import auto_loop_factory

        from app.command_line import work
        from sandbox.failpoints import failpoint_of_environment

        at_boundary = failpoint_of_environment(served)
        # The loop that the API runs on, too: a night of holds is thousands of short waits.
        with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
            runner.run(work(served) if at_boundary is None else work(served, at_boundary))


def migrate_database(settings: Settings, *, new_epoch: bool, ops_email: str | None) -> str:
    """Bring the database up to date; what to say of it. With an address, invite an ops user of the platform."""
    if ops_email and settings.database_owner_url is not None:
        # Before anything is changed: the invitation is written as the application, with the installation's key.
        url_of(settings.database_url, "DATABASE_URL")
        settings.key()
    with servers_for(settings, needs="database_owner_url") as served:
        found = asyncio.run(migrate(url_of(served.database_owner_url, "DATABASE_OWNER_URL"), new_epoch=new_epoch))
        if ops_email:
            asyncio.run(_invite(served, ops_email))
        return f"The database has schema {found}."


def print_token(settings: Settings, tenant: str, role: Role, user: str | None) -> str:
    """An access token."""
    if settings.environment == "production":
        raise ConfigurationError("Tokens are not given out in production.")
    with servers_for(settings) as served:
        asyncio.run(ensure_servable(served))
        from app.command_line import token

        return token(served, tenant, role, user)


async def _invite(settings: Settings, email: str) -> None:
    from app.command_line import with_auth
    from db.runner import Call
    from services.identity.business import InviteOps, invite_ops

    wish = Call(Actor.system(PLATFORM_TENANT), invite_ops, InviteOps("Ops", email))
    await with_auth(settings, lambda runner, _auth: runner.run(wish))
