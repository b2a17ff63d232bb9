"""Which servers a command works on: the named ones, or the data folder's own. Imports little, so that it is quick."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from app.settings import ConfigurationError, Settings
from sandbox.environment import Servers, open_environment

URLS = ("database_url", "database_feed_url", "database_ops_url", "database_owner_url", "redis_url")


@contextmanager
def servers_for(settings: Settings, *, needs: str = "database_url") -> Iterator[Settings]:
    """The settings with the addresses of running servers: the named ones, or the data folder's own.

    `needs` is the setting that the command cannot do without: that it is there names real servers as well.
    """
    if settings.has_servers or getattr(settings, needs) is not None:
        yield settings
        return
    if settings.environment == "production":
        raise ConfigurationError(f"Set {needs.upper()}: production runs no servers of its own.")
    with open_environment(settings.data.resolve(), redis=settings.redis and settings.redis_url is None) as servers:
        yield with_servers(settings, servers)


def with_servers(settings: Settings, servers: Servers) -> Settings:
    """The settings with these servers' addresses; a Redis that was named stays."""
    found: dict[str, str | None] = {name: getattr(servers, name) for name in URLS}
    found["redis_url"] = settings.redis_url or (servers.redis_url if settings.redis else None)
    # Said outright: our own servers are for development, so that nobody is warned of it.
    return settings.model_copy(update={**found, "environment": settings.environment})


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment in which a child process reads these very settings, but for the owner's address.

    Who serves or works has no use for it, and whoever breaks in there should not find it.
    """
    named = [name for name in URLS if name != "database_owner_url"]
    given = {name.upper(): value for name in named if (value := getattr(settings, name)) is not None}
    rest = {name: value for name, value in os.environ.items() if name.lower() not in URLS}
    redis = {} if settings.redis else {"REDIS": "off"}
    money = {
        "STRIPE_URL": settings.stripe_url,
        "STRIPE_KEY": settings.stripe_key,
        "STRIPE_WEBHOOK_SECRETS": ",".join(settings.stripe_webhook_secrets) or None,
    }
    # Without servers that the user has named, development is not an oversight.
    chosen = {"ENVIRONMENT": settings.environment} if "environment" in settings.model_fields_set else {}
    return {
        **rest,
        **given,
        **redis,
        **{name: value for name, value in money.items() if value is not None},
        **chosen,
        "PORT": str(settings.port),
        "DATA": str(settings.data.resolve()),
    }


def ensure_port_free(settings: Settings) -> None:
    """Refuse a taken port before anything is started; the API itself finds out too late for a clear word."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise ConfigurationError(
                f"Port {settings.port} cannot be used ({error.strerror}): choose another with PORT=."
            ) from error
