"""What is checked before anything starts. Imports little, so that a refusal comes at once."""

from app.migrate import ensure_current
from app.roles import ensure_powerless
from app.settings import ConfigurationError, Settings


async def ensure_servable(settings: Settings) -> None:
    """Refuse in one line a missing or wrong address or key, another schema, and a role with power (R243)."""
    settings.key()
    ensure_redis_address(settings.redis_url)
    url = url_of(settings.database_url, "DATABASE_URL")
    others = {
        "DATABASE_FEED_URL": url_of(settings.database_feed_url, "DATABASE_FEED_URL"),
        "DATABASE_OPS_URL": url_of(settings.database_ops_url, "DATABASE_OPS_URL"),
    }
    await ensure_current(url)
    await ensure_powerless(url)
    for name, other in others.items():
        await ensure_powerless(other, name)


def url_of(url: str | None, name: str) -> str:
    """The address, or a `ConfigurationError` that names the setting."""
    if url is None:
        raise ConfigurationError(f"Set {name}: where servers of your own are named, this one must be too.")
    return url


def ensure_redis_address(url: str | None) -> None:
    """Refuse an address that is none. A Redis that is merely away is no fault: everything works without it (R253)."""
    if url is None:
        return
    # Imported here: without Redis nothing needs it.
    from redis.asyncio import ConnectionPool

    try:
        ConnectionPool.from_url(url)
    except ValueError:
        raise ConfigurationError("REDIS_URL must be an address like redis://host:port/0.") from None
