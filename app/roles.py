"""The boot check: each process connects as roles that own nothing and can turn nothing off."""

from app.database import connected
from app.settings import ConfigurationError

_POWERS = """
select rolsuper, rolbypassrls, rolcreaterole, rolreplication,
    exists (select from pg_tables where schemaname = 'public' and tableowner = current_user) as owns,
    exists (select from pg_roles other
            where other.rolname <> current_user and pg_has_role(current_user, other.oid, 'member')) as belongs,
    current_user as name
from pg_roles where rolname = current_user"""

_TOO_MUCH = {
    "rolsuper": "is a superuser",
    "rolbypassrls": "bypasses row-level security",
    "rolcreaterole": "may create roles",
    "rolreplication": "may replicate",
    "owns": "owns tables",
    "belongs": "is a member of another role",
}

_MEANT = {
    "DATABASE_URL": "cleanshift_app",
    "DATABASE_FEED_URL": "cleanshift_feed",
    "DATABASE_OPS_URL": "cleanshift_ops",
}


async def ensure_powerless(url: str, setting: str = "DATABASE_URL") -> None:
    """Refuse to start as a superuser, an owner, a role that bypasses policies, or a member of any other role."""
    async with connected(url, setting) as connection:
        role = await connection.fetchrow(_POWERS)
    too_much = [words for flag, words in _TOO_MUCH.items() if role is None or role[flag]]
    if too_much:
        name = role["name"] if role else "?"
        raise ConfigurationError(
            f"The database role {name} {', '.join(too_much)}: connect as {_MEANT[setting]}, which has no power"
            f" ({setting})."
        )
