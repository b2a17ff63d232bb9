"""Finding a tenant by the name that people type: the one question asked before there is a tenant to stamp."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.actors import TenantId
from domain.errors import Unavailable

LONGEST_SLUG = 63


async def tenant_by_slug(engine: AsyncEngine, slug: str) -> TenantId | None:
    """The tenant of this slug, or None. Raises `Unavailable`."""
    if len(slug) > LONGEST_SLUG or "\0" in slug or not slug.isascii():
        return None
    try:
        async with engine.connect() as connection:
            found: UUID | None = await connection.scalar(text("select tenant_by_slug(:slug)"), {"slug": slug})
    except (DBAPIError, OSError) as error:
        raise Unavailable("The database does not answer.") from error
    return TenantId(found) if found else None
