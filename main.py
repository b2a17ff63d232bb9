"""The command line of Cleanshift, and `app` for an ASGI server: `uvicorn main:app`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.settings import ConfigurationError, Settings
from domain.actors import Role
from sandbox import SandboxError

cli = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
Port = Annotated[int | None, typer.Option(envvar="PORT", help="Where the API listens on the loopback.")]
Data = Annotated[Path | None, typer.Option(envvar="DATA", help="The folder of everything that is kept.")]
SIZE = "How many a tenant."


@cli.command()
def dev(port: Port = None, data: Data = None) -> None:
    """Run everything on this machine: PostgreSQL, Redis, migrations, demo business, API and worker."""
    from sandbox.development import develop

    develop(Settings.read(port=port, data=data))


@cli.command()
def serve(port: Port = None, data: Data = None) -> None:
    """Serve the API until SIGTERM."""
    from sandbox.commands import serve_api

    serve_api(Settings.read(port=port, data=data))


@cli.command()
def worker(port: Port = None, data: Data = None) -> None:
    """Do the scheduled work until SIGTERM."""
    from sandbox.commands import run_worker

    run_worker(Settings.read(port=port, data=data))


@cli.command()
def migrate(
    new_epoch: Annotated[
        bool, typer.Option("--new-epoch", help="After restoring a backup: every cursor becomes a Resync.")
    ] = False,
    ops_email: Annotated[str | None, typer.Option(help="Invite an ops user of the platform by mail.")] = None,
    data: Data = None,
) -> None:
    """Bring the database to this version's schema, as its owner (DATABASE_OWNER_URL)."""
    from sandbox.commands import migrate_database

    found = migrate_database(Settings.read(data=data), new_epoch=new_epoch, ops_email=ops_email)
    typer.echo(f"The database has schema {found}.")


@cli.command()
def seed(
    tenants: Annotated[
        int, typer.Option(help="How many businesses besides the demo; 0 for the demo alone.", min=0)
    ] = 0,
    cleaners: Annotated[int, typer.Option(help=SIZE, min=1)] = 40,
    properties: Annotated[int, typer.Option(help=SIZE, min=1)] = 200,
    jobs: Annotated[int, typer.Option(help=SIZE, min=1)] = 2000,
    swaps: Annotated[int, typer.Option(help=SIZE, min=0)] = 200,
    data: Data = None,
) -> None:
    """Make the demo business, and with --tenants as many more of any size."""
    from sandbox.seeding import Amounts, seed_database

    seed_database(Settings.read(data=data), Amounts(tenants, cleaners, properties, jobs, swaps))


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
    data: Data = None,
) -> None:
    """Print an access token; not in production."""
    from sandbox.commands import print_token

    typer.echo(print_token(Settings.read(data=data), tenant, role, user))


def main() -> None:
    """Run the command line; whatever is set up wrongly is one line."""
    try:
        cli()
    except (ConfigurationError, SandboxError) as error:
        # The supervisor's word for "no restart would help" (EX_CONFIG).
        typer.echo(f"cleanshift: {error}", err=True)
        sys.exit(78)


def __getattr__(name: str) -> object:
    if name != "app":
        raise AttributeError(name)
    from app.server import Application

    return Application(Settings.read())


if __name__ == "__main__":
    main()
