"""The boot check: the application connects as a role that owns nothing and can turn nothing off."""

import asyncpg

from app.settings import ConfigurationError

_POWERS = """
select rolsuper, rolbypassrls, rolcreaterole,
    exists (select from pg_tables t join pg_namespace n on n.nspname = t.schemaname
            where t.schemaname = 'public' and t.tableowner = current_user) as owns,
    exists (select from pg_roles other where other.rolname in
            ('cleanshift_owner', 'cleanshift_feed', 'cleanshift_ops', 'cleanshift_definer')
            and other.rolname <> current_user and pg_has_role(current_user, other.oid, 'member')) as belongs,
    current_user as name
from pg_roles where rolname = current_user"""


async def ensure_powerless(app_url: str) -> None:
    """Refuse to start as a superuser, an owner, a role that bypasses policies, or a member of another."""
    connection = await asyncpg.connect(app_url)
    try:
        role = await connection.fetchrow(_POWERS)
    finally:
        await connection.close()
    too_much = [
        word
        for flag, word in (
            ("rolsuper", "is a superuser"),
            ("rolbypassrls", "bypasses row-level security"),
            ("rolcreaterole", "may create roles"),
            ("owns", "owns tables"),
            ("belongs", "is a member of another of Cleanshift's roles"),
        )
        if role is None or role[flag]
    ]
    if too_much:
        name = role["name"] if role else "?"
        raise ConfigurationError(
            f"The database role {name} {', '.join(too_much)}: connect as cleanshift_app, which has none (DATABASE_URL)."
        )
