"""What is checked before anything starts. Imports little, so that a refusal comes at once."""

from app.migrate import ensure_current
from app.roles import ensure_powerless
from app.settings import ConfigurationError, Settings


async def ensure_servable(settings: Settings) -> None:
    """Refuse, in one line, a database of another schema, a role with too much power, or one that does not answer."""
    url = url_of(settings.database_url, "DATABASE_URL")
    try:
        await ensure_current(url)
        await ensure_powerless(url)
    except OSError as error:
        raise ConfigurationError(
            f"The database does not answer ({error.__class__.__name__}): check DATABASE_URL."
        ) from error


def url_of(url: str | None, name: str) -> str:
    """The address, or a `ConfigurationError` that names the setting."""
    if url is None:
        raise ConfigurationError(f"Set {name}: where DATABASE_URL is set, the others must be too.")
    return url
