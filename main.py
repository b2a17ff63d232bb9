"""The command line of Cleanshift (PORT= and DATA= choose port and data folder), and `app` for an ASGI server."""

import gc
import sys
from typing import Annotated

import typer

from app.settings import ConfigurationError, DatabaseAway, Settings
from domain.actors import Role
from sandbox import GIVE_UP, TRY_AGAIN, SandboxError

cli = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
Size = Annotated[int, typer.Option(min=0, help="How many a tenant.")]


@cli.command()
def dev() -> None:
    """Run everything on this machine: PostgreSQL, Redis, migrations, demo business, API and worker."""
    from sandbox.development import develop

    develop(Settings.read())


@cli.command()
def serve() -> None:
    """Serve the API until SIGTERM."""
    from sandbox.commands import serve_api

    serve_api(Settings.read())


@cli.command()
def worker() -> None:
    """Do the scheduled work until SIGTERM."""
    from sandbox.commands import run_worker

    run_worker(Settings.read())


@cli.command()
def migrate(
    new_epoch: Annotated[bool, typer.Option("--new-epoch", help="After a restore: cursors become Resyncs.")] = False,
    ops_email: Annotated[str | None, typer.Option(help="Invite an ops user of the platform by mail.")] = None,
) -> None:
    """Bring the database to this version's schema, as its owner (DATABASE_OWNER_URL)."""
    from sandbox.commands import migrate_database

    typer.echo(migrate_database(Settings.read(), new_epoch=new_epoch, ops_email=ops_email))


@cli.command()
def seed(
    tenants: Annotated[int, typer.Option(min=0, help="Businesses besides the demo.")] = 0,
    cleaners: Size = 40,
    properties: Size = 200,
    jobs: Size = 2000,
    swaps: Size = 200,
) -> None:
    """Make the demo business, and with --tenants as many more of any size."""
    from sandbox.seeding import Amounts, seed_database

    seed_database(Settings.read(), Amounts(tenants, cleaners, properties, jobs, swaps))


@cli.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from app.container import contract

    typer.echo(contract().as_str())


@cli.command()
def token(
    tenant: Annotated[str, typer.Option(help="The business's slug.")] = "demo",
    role: Annotated[Role, typer.Option(help="owner, admin, dispatcher, cleaner, customer or ops.")] = Role.OWNER,
    user: Annotated[str | None, typer.Option(help="Email, name or id; the first of the role unless told.")] = None,
) -> None:
    """Print an access token; not in production."""
    from sandbox.commands import print_token

    typer.echo(print_token(Settings.read(), tenant, role, user))


def __getattr__(name: str) -> object:
    if name != "app":
        raise AttributeError(name)
    from app.server import Application

    return Application(Settings.read())


if __name__ == "__main__":
    # What is imported stays: looking it through after every 700 new objects costs a seventh of the start.
    gc.set_threshold(50_000)
    try:
        cli()
    except (ConfigurationError, SandboxError) as error:
        typer.echo(f"cleanshift: {error}", err=True)
        sys.exit(TRY_AGAIN if isinstance(error, DatabaseAway) else GIVE_UP)
