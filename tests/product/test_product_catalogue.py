"""The walls as the database itself has them: policies, keys, grants, trusted functions, printed schema (R2, R6)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from app.roles import ensure_powerless
from app.settings import ConfigurationError
from db.ids import new_id
from domain.actors import NOBODY
from models import ddl, metadata, walls
from models.functions import FUNCTIONS
from sandbox.environment import Servers
from sandbox.roles import DATABASE, DATABASE_RULES
from tests.product.furnished import House, kept
from tests.product.world import Town, World

OF_THE_PLATFORM = {"alembic_version", "worker"}
"""Tables without a tenant: nothing of any business is in them."""
WITHOUT_TENANT_FIRST = {"tenant_slug_key"}
"""Unique across tenants on purpose: a slug is what somebody names who is nobody yet."""
LOGINS = ("cleanshift_app", "cleanshift_feed", "cleanshift_ops")
POWERS = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication")
APP_WRITES_NOT = {"event", "audit", "duty_run", "worker", "alembic_version"}
EVERY_VERB = ("SELECT", "INSERT", "UPDATE", "DELETE")


@pytest.fixture(scope="module")
async def theirs(world: World) -> House:
    return await kept(world, "Ibis3")


@pytest.fixture(scope="module")
async def ours(world: World) -> House:
    return await kept(world, "Egret4")


async def tables(world: World) -> list[str]:
    rows = await world.root.fetch("select tablename from pg_tables where schemaname = 'public' order by 1")
    return [row["tablename"] for row in rows]


async def tenant_tables(world: World) -> list[str]:
    return [name for name in await tables(world) if name not in OF_THE_PLATFORM]


async def test_every_table_is_walled_in_or_holds_nothing_of_a_tenant(world: World) -> None:
    """R2: row-level security on, forced on the owner too, a restrictive tenant wall, and somebody who may pass."""
    rows = await world.root.fetch(
        """select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
            (select pg_get_expr(p.polqual, c.oid) from pg_policy p
                where p.polrelid = c.oid and not p.polpermissive and p.polname = 'tenant_wall' and p.polcmd = '*'
                  and p.polroles = array['cleanshift_app'::regrole::oid]
                  and pg_get_expr(p.polqual, c.oid) = pg_get_expr(p.polwithcheck, c.oid)) as wall,
            (select count(*) from pg_policy p where p.polrelid = c.oid and p.polpermissive) as doors
           from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'f', 'm')"""
    )
    open_ones = {row["name"] for row in rows if row["wall"] is None}

    assert open_ones == OF_THE_PLATFORM
    assert set(walls) == set(metadata.tables) == {row["name"] for row in rows} - {"alembic_version"}
    for row in rows:
        if row["name"] not in OF_THE_PLATFORM:
            assert row["enabled"], row["name"]
            assert row["forced"], row["name"]
            assert row["doors"] > 0, row["name"]
            assert row["wall"].startswith("(tenant_id = "), row
            assert "app.tenant_id" in row["wall"], row


async def test_the_tenant_is_first_in_every_key_and_in_every_reference(world: World) -> None:
    """R2: neither a unique value nor a foreign key, which row-level security does not see, can cross tenants."""
    keys = await world.root.fetch(
        """select i.indrelid::regclass::text as on_table, i.indexrelid::regclass::text as name,
            (select attname from pg_attribute where attrelid = i.indrelid and attnum = i.indkey[0]) as first
           from pg_index i join pg_class c on c.oid = i.indrelid
           where c.relnamespace = 'public'::regnamespace and (i.indisunique or i.indisexclusion)"""
    )
    references = await world.root.fetch(
        """select conrelid::regclass::text as on_table, conname as name,
            (select attname from pg_attribute where attrelid = conrelid and attnum = conkey[1]) as first,
            (select attname from pg_attribute where attrelid = confrelid and attnum = confkey[1]) as to_first
           from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace"""
    )
    missing = await world.root.fetch(
        """select c.relname from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
           and not exists (select from pg_attribute a
               where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull)"""
    )

    assert {row["relname"] for row in missing} == OF_THE_PLATFORM
    across = {row["name"] for row in keys if row["first"] != "tenant_id" and row["on_table"] not in OF_THE_PLATFORM}
    assert across == WITHOUT_TENANT_FIRST
    assert references
    assert [row for row in references if (row["first"], row["to_first"]) != ("tenant_id", "tenant_id")] == []


async def test_no_view_looks_past_the_policies(world: World) -> None:
    """R2: a view runs with its owner's rights unless it says otherwise, so each must."""
    views = await world.root.fetch(
        """select relname, coalesce(reloptions, '{}') as options from pg_class
           where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace"""
    )
    assert [row["relname"] for row in views if "security_invoker=true" not in row["options"]] == []


async def test_the_trusted_functions_are_the_known_ones_and_nobody_elses(world: World) -> None:
    """R2: owned by a role that can do nothing else, a fixed search path, and callable by their callers alone."""
    rows = await world.root.fetch(
        """select p.oid::regprocedure::text as name, p.proowner::regrole::text as owner,
            p.prosecdef as trusted, p.proconfig,
            array(select distinct coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC')
                  from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a order by 1) as callers
           from pg_proc p where p.pronamespace = 'public'::regnamespace
             and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')"""
    )

    assert {row["name"] for row in rows} == set(FUNCTIONS)
    for row in rows:
        assert row["trusted"], row["name"]
        assert row["owner"] == "cleanshift_definer"
        assert row["proconfig"] == ["search_path=pg_catalog, public, pg_temp"]
        assert set(row["callers"]) - {"cleanshift_definer"} == set(FUNCTIONS[row["name"]][1]), row["name"]


async def test_no_role_that_connects_has_any_power(world: World) -> None:
    """R2: no superuser, none that bypasses policies or owns a table, and no member of anything."""
    for name in (*LOGINS, "cleanshift_owner", "cleanshift_definer"):
        role = await world.root.fetchrow("select * from pg_roles where rolname = $1", name)
        assert [power for power in POWERS if role[power]] == [], name
        assert role["rolcanlogin"] is (name != "cleanshift_definer")
        memberships = await world.root.fetch(
            "select roleid::regrole::text as what, inherit_option from pg_auth_members where member = $1", role["oid"]
        )
        # The owner may hand functions over to the definer, and gets none of its rights by that.
        belongs = [(row["what"], row["inherit_option"]) for row in memberships]
        assert belongs == ([("cleanshift_definer", False)] if name == "cleanshift_owner" else [])
        if name in LOGINS:
            owned = await world.root.fetchval("select count(*) from pg_class where relowner = $1", role["oid"])
            assert owned == 0
            assert not await world.root.fetchval("select has_schema_privilege($1, 'public', 'CREATE')", name)
            assert not await world.root.fetchval("select has_database_privilege($1, $2, 'TEMP')", name, DATABASE)


async def granted(world: World, role: str) -> dict[str, set[str]]:
    """What a role may do with each whole table, or with a column of it (in small letters)."""
    found: dict[str, set[str]] = {}
    for table in await tables(world):
        may = set()
        for verb in (*EVERY_VERB, "TRUNCATE", "REFERENCES", "TRIGGER"):
            if await world.root.fetchval("select has_table_privilege($1, $2, $3)", role, table, verb):
                may.add(verb)
            elif verb in {"SELECT", "INSERT", "UPDATE"} and await world.root.fetchval(
                "select has_any_column_privilege($1, $2, $3)", role, table, verb
            ):
                may.add(verb.lower())
        if may:
            found[table] = may
    return found


async def test_each_role_is_granted_what_it_needs_and_no_more(world: World) -> None:
    """R2, A4: the log is appended by its function alone, the feed reads two tables, and ops sees nobody's business."""
    app, feed, ops = [await granted(world, role) for role in LOGINS]

    assert feed == {"event": {"SELECT"}, "tenant_head": {"SELECT"}}
    assert set(await tables(world)) - set(app) <= {"worker", "duty_run"}
    for table in APP_WRITES_NOT & set(app):
        assert app[table] == {"SELECT"}, table
    assert app["tenant_head"] == {"SELECT", "INSERT"}
    assert app["task"] == {"SELECT", "INSERT"}
    assert app["notification"] == {"SELECT", "INSERT", "UPDATE"}
    assert app["swap"] == {"SELECT", "INSERT", "update", "DELETE"}
    assert all(may <= set(EVERY_VERB) for table, may in app.items() if table != "swap")
    fixed = ("id", "job_id", "assignment_id", "market_id", "owner_id", "role", "kind", "opened_at")
    for column in fixed:
        may = "select has_column_privilege('cleanshift_app', 'swap', $1, 'UPDATE')"
        assert not await world.root.fetchval(may, column), column
    business = {"tenant", "market", "staff", "cleaner", "customer", "property", "job", "assignment", "swap", "audit",
                "availability", "availability_submission", "notification", "credential", "session",
                "refresh_token"}  # fmt: skip
    assert not business & {table for table, may in ops.items() if may & {"SELECT", "select"}}
    assert "SELECT" not in ops["event"]
    for verb in ("payload", "type", "actor_id"):
        assert not await world.root.fetchval(
            "select has_column_privilege('cleanshift_ops', 'event', $1, 'SELECT')", verb
        )


async def test_the_boot_check_refuses_whoever_has_power(product_servers: Servers) -> None:
    """The application starts as the powerless role and as no other."""
    await ensure_powerless(product_servers.database_url)
    superuser = product_servers.superuser_url.rsplit("/", 1)[0] + f"/{DATABASE}"
    for url in (product_servers.database_owner_url, superuser):
        with pytest.raises(ConfigurationError, match=r"connect .*as cleanshift_app"):
            await ensure_powerless(url)


@asynccontextmanager
async def as_role(
    url: str, tenant: UUID | None = None, person: UUID = NOBODY, role: str = "owner"
) -> AsyncIterator[Any]:
    """A transaction of a database role under a stamp, undone at the end."""
    connection = await asyncpg.connect(url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        if tenant is not None:
            for name, value in (("tenant_id", tenant), ("actor_id", person), ("role", role)):
                await connection.execute("select set_config($1, $2, true)", f"app.{name}", str(value))
        yield connection
    finally:
        await connection.close()


async def attempt(connection: Any, statement: str, *args: Any) -> str:
    """How many rows a statement reached, or which of PostgreSQL's refusals it met; the transaction goes on."""
    try:
        async with connection.transaction():
            return str(await connection.execute(statement, *args))
    except asyncpg.PostgresError as error:
        return type(error).__name__


@pytest.mark.parametrize("role", ["owner", "dispatcher", "cleaner", "customer", "system", "anonymous", "ops"])
async def test_under_another_tenants_stamp_no_row_is_seen_or_changed(
    product_servers: Servers, world: World, ours: House, theirs: House, role: str
) -> None:
    """R2: straight SQL as the application, table by table, as a resolver that forgot every filter would."""
    before = await theirs.fingerprint()
    person = ours.who[role].person if role in ours.who else NOBODY
    async with as_role(product_servers.database_url, ours.town.tenant, person, role) as connection:
        for table in await tenant_tables(world):
            foreign, columns = theirs.town.tenant, await _columns(world, table)
            seen = await attempt(connection, f"select from {table} where tenant_id = $1", foreign)
            assert seen in {"SELECT 0", "InsufficientPrivilegeError"}, (table, seen)
            for statement in (
                f"update {table} set tenant_id = tenant_id where tenant_id = '{foreign}'",
                f"delete from {table} where tenant_id = '{foreign}'",
            ):
                reached = await attempt(connection, statement)
                assert reached in {"UPDATE 0", "DELETE 0", "InsufficientPrivilegeError"}, (table, reached)
            # A copy of one's own row, said to be the other's.
            copied = ", ".join("$1::uuid" if column == "tenant_id" else column for column in columns)
            reached = await attempt(connection, f"insert into {table} select {copied} from {table} limit 1", foreign)
            assert reached in {"INSERT 0 0", "InsufficientPrivilegeError"}, (table, reached)
            moved = await attempt(connection, f"update {table} set tenant_id = $1", foreign)
            assert moved in {"UPDATE 0", "InsufficientPrivilegeError"}, (table, moved)
    assert await theirs.fingerprint() == before


async def _columns(world: World, table: str) -> list[str]:
    rows = await world.root.fetch(
        "select attname from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped", table
    )
    return [row["attname"] for row in rows]


async def test_a_row_cannot_refer_to_another_tenants_row(
    product_servers: Servers, world: World, ours: House, theirs: House
) -> None:
    """R2: foreign keys are checked past row-level security, so they carry the tenant themselves."""
    references = await world.root.fetch(
        """select conrelid::regclass::text as on_table, confrelid::regclass::text as to_table,
            (select attname from pg_attribute where attrelid = conrelid and attnum = conkey[2]) as column_name
           from pg_constraint
           where contype = 'f' and connamespace = 'public'::regnamespace and cardinality(conkey) = 2"""
    )
    tried = 0
    async with as_role(
        product_servers.database_url, ours.town.tenant, ours.who["owner"].person, "system"
    ) as connection:
        for row in references:
            target = await world.root.fetchval(
                f"select id from {row['to_table']} where tenant_id = $1 limit 1", theirs.town.tenant
            )
            one = f"ctid = (select ctid from {row['on_table']} limit 1)"
            statement = f"update {row['on_table']} set {row['column_name']} = $1 where {one}"
            reached = await attempt(connection, statement, target)
            tried += reached == "ForeignKeyViolationError"
            assert reached in {"ForeignKeyViolationError", "InsufficientPrivilegeError", "UPDATE 0"}, (row, reached)
    assert tried >= 10


@pytest.mark.parametrize("url", ["database_url", "database_feed_url", "database_ops_url", "database_owner_url"])
async def test_without_a_stamp_the_application_and_the_owner_see_nothing(
    product_servers: Servers, world: World, theirs: House, url: str
) -> None:
    """R2: no settings, no rows; not even for the tables' owner, who is no superuser."""
    await theirs.canaries()
    async with as_role(getattr(product_servers, url)) as connection:
        for table in await tenant_tables(world):
            seen = await attempt(connection, f"select from {table}")
            if url in {"database_url", "database_owner_url"} or seen == "InsufficientPrivilegeError":
                assert seen in {"SELECT 0", "InsufficientPrivilegeError"}, (table, seen)
            else:
                assert table in {"event", "tenant_head", "task", "duty_run", "mutation_receipt"}, table


async def test_each_trusted_function_does_its_one_thing_for_its_callers(
    product_servers: Servers, world: World, ours: House, theirs: House
) -> None:
    """R2: across tenants they tell ids, zones and clocks; inside one they keep to the stamped tenant."""
    app, ops = product_servers.database_url, product_servers.database_ops_url
    async with as_role(app) as connection:
        assert await connection.fetchval("select tenant_by_slug($1)", theirs.town.slug) == theirs.town.tenant
        assert await connection.fetchval("select tenant_by_slug('no-such-slug')") is None
    async with as_role(ops) as connection:
        clocks = {row["tenant_id"] for row in await connection.fetch("select * from tenant_clocks()")}
        places = {row["market_id"] for row in await connection.fetch("select * from market_clocks()")}
        assert {ours.town.tenant, theirs.town.tenant} <= clocks
        assert {ours.market, theirs.market} <= places
    before = await theirs.fingerprint()
    async with as_role(app, ours.town.tenant, ours.who["cleaner"].person, "cleaner") as connection:
        assert await connection.fetchval("select hand_over($1)", theirs.has["taken swap"]) is None
        assert await connection.fetchval("select hand_over($1)", ours.has["colleague's swap"]) is None
        event = {"type": "SwapOffered", "entity": "Swap", "entity_id": str(new_id()), "payload": {}}
        staged = {"events": [event], "audit": [], "request_id": "r", "at": "2026-01-01T00:00:00Z"}
        await connection.execute("select set_config('app.staged', $1, true)", orjson.dumps(staged).decode())
        head = await connection.fetchval("select log_append()")
        assert head == 1 + await world.root.fetchval(
            "select seq from tenant_head where tenant_id = $1", ours.town.tenant
        )
    assert await theirs.fingerprint() == before


@pytest.mark.parametrize("url", ["database_url", "database_feed_url", "database_ops_url"])
async def test_a_trusted_function_refuses_whoever_is_not_its_caller(product_servers: Servers, url: str) -> None:
    """R2: EXECUTE is nobody's by default."""
    role = url.replace("database_url", "database_app_url").split("_")[1]
    calls = {
        "tenant_by_slug(text)": "select tenant_by_slug('a')",
        "market_clocks()": "select * from market_clocks()",
        "tenant_clocks()": "select * from tenant_clocks()",
        "log_append()": "select log_append()",
        "hand_over(uuid)": f"select hand_over('{NOBODY}')",
        "crew_of_actor()": "select crew_of_actor()",
    }
    assert set(calls) == set(FUNCTIONS)
    async with as_role(getattr(product_servers, url)) as connection:
        for signature, call in calls.items():
            if f"cleanshift_{role}" not in FUNCTIONS[signature][1]:
                assert await attempt(connection, call) == "InsufficientPrivilegeError", signature


REFUSED = "InsufficientPrivilegeError"


async def test_a_cleaners_stamp_takes_no_shift_that_nobody_offered(
    product_servers: Servers, town: Town, other: Town
) -> None:
    """R2, R96: straight SQL as the application; a swap is taken or withdrawn as it is, and nothing else of it moves."""
    owner, victim, thief = [await town.cleaner() for _ in range(3)]
    swap, kept = await town.offer(owner), await town.shift(victim, await town.day(6))
    foreign = await other.offer(await other.cleaner())
    before = await town.world.trace(town.tenant)
    async with as_role(product_servers.database_url, town.tenant, thief.person, "cleaner") as connection:
        for change in (
            f"assignment_id = '{kept}'", f"owner_id = '{victim.person}'", "job_id = job_id",
            "expires_at = expires_at + interval '1 day'", "note = 'mine'", f"taker_id = '{thief.person}'",
            f"status = 'ACCEPTED', taker_id = '{victim.person}'", "status = 'WITHDRAWN'",
        ):  # fmt: skip
            assert await attempt(connection, f"update swap set {change} where id = $1", swap) == REFUSED, change
        made = f"""insert into swap (tenant_id, id, kind, status, job_id, assignment_id, market_id, role, owner_id,
                opened_at, expires_at)
            select tenant_id, $1, kind, $2, job_id, '{kept}', market_id, role, $3, opened_at, expires_at
            from swap where id = '{swap}'"""
        assert await attempt(connection, made, new_id(), "ACCEPTED", thief.person) == REFUSED
        assert await attempt(connection, made, new_id(), "PENDING", victim.person) == REFUSED
        take = "update swap set status = 'ACCEPTED', taker_id = $2 where id = $1"
        own = new_id()
        assert await attempt(connection, made, own, "PENDING", thief.person) == "INSERT 0 1"
        assert await attempt(connection, take, own, thief.person) == "UPDATE 1"
        assert await connection.fetchval("select hand_over($1)", own) is None
        assert await attempt(connection, take, foreign, thief.person) == "UPDATE 0"
        assert await attempt(connection, take, swap, thief.person) == "UPDATE 1"
        assert await connection.fetchval("select hand_over($1)", swap) is not None
    async with as_role(product_servers.database_url, town.tenant, owner.person, "cleaner") as connection:
        later = "update swap set expires_at = expires_at + interval '1 day' where id = $1"
        assert await attempt(connection, later, swap) == REFUSED
        done = "update swap set status = 'WITHDRAWN', closed_at = now() where id = $1"
        assert await attempt(connection, done, swap) == "UPDATE 1"
        assert await attempt(connection, "update swap set status = 'PENDING' where id = $1", swap) == "UPDATE 0"
    assert await town.world.root.fetchval("select cleaner_id from assignment where id = $1", kept) == victim.person
    assert await town.world.trace(town.tenant) == before


async def test_a_swap_of_another_jobs_assignment_hands_nothing_over(
    product_servers: Servers, world: World, town: Town, other: Town
) -> None:
    """R101: whatever a row of the market says, the shift that changes hands is one of the swap's own job."""
    owner, taker = await town.cleaner(), await town.cleaner()
    swap, kept = await town.offer(owner), await town.shift(owner, await town.day(6))
    await other.offer(await other.cleaner())
    await world.root.execute("update swap set assignment_id = $2 where id = $1", swap, kept)
    async with as_role(product_servers.database_url, town.tenant, taker.person, "cleaner") as connection:
        take = "update swap set status = 'ACCEPTED', taker_id = $2 where id = $1"
        assert await attempt(connection, take, swap, taker.person) == "UPDATE 1"
        assert await connection.fetchval("select hand_over($1)", swap) is None
    assert await world.root.fetchval("select cleaner_id from assignment where id = $1", kept) == owner.person


async def test_a_row_that_may_be_locked_may_not_therefore_be_changed(
    product_servers: Servers, town: Town, other: Town
) -> None:
    """R2: to PostgreSQL a row lock is an UPDATE; cleaners lock themselves, and the office holds a market."""
    one, foreign = await town.cleaner(), await other.cleaner()
    async with as_role(product_servers.database_url, town.tenant, one.person, "cleaner") as connection:
        assert await attempt(connection, "select from cleaner where id = $1 for update", one.person) == "SELECT 1"
        assert await attempt(connection, "select from cleaner where id = $1 for update", foreign.person) == "SELECT 0"
        for change in ("pay_tier = 'premium'", "onboarding = 'INVITED'", "version = version"):
            assert await attempt(connection, f"update cleaner set {change} where id = $1", one.person) == REFUSED
    async with as_role(product_servers.database_url, town.tenant, NOBODY, "dispatcher") as connection:
        assert await attempt(connection, "select from market where id = $1 for share", town.market) == "SELECT 1"
        assert await attempt(connection, "select from market where id = $1 for share", other.market) == "SELECT 0"
        assert await attempt(connection, "update market set name = name where id = $1", town.market) == REFUSED


@pytest.mark.parametrize("role", ["owner", "dispatcher", "cleaner", "customer", "anonymous"])
async def test_only_the_system_writes_messages_and_founds_logs(
    product_servers: Servers, town: Town, other: Town, role: str
) -> None:
    """R2, R184."""
    one = await town.cleaner()
    row = f"""'{new_id()}', '{one.person}', 'EMAIL', 'SWAP_TAKEN', 'topic', 'a@b.example', '{{}}', 'QUEUED', now()"""
    message = f"""insert into notification (tenant_id, id, person_id, channel, kind, topic_key, address, content,
        status, created_at) values ('{town.tenant}', {row})"""
    head = f"insert into tenant_head (tenant_id, epoch) values ('{town.tenant}', 1)"
    async with as_role(product_servers.database_url, town.tenant, one.person, role) as connection:
        assert await attempt(connection, message) == REFUSED
        assert await attempt(connection, head) == REFUSED
    async with as_role(product_servers.database_url, town.tenant, NOBODY, "system") as connection:
        assert await attempt(connection, message) == "INSERT 0 1"
        assert await attempt(connection, message.replace(str(town.tenant), str(other.tenant))) == REFUSED


CATALOGUE = {
    "columns": """select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'""",
    "constraints": """select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
        where connamespace = 'public'::regnamespace""",
    "indexes": "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public'",
    "policies": """select tablename, policyname, permissive, roles::text, cmd, qual, with_check from pg_policies
        where schemaname = 'public'""",
    "walls": """select relname, relrowsecurity, relforcerowsecurity, relowner::regrole::text from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r'""",
    "functions": """select p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proowner::regrole::text,
        a.grantee::regrole::text, a.privilege_type
        from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        where p.pronamespace = 'public'::regnamespace
          and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')""",
    "grants": """select c.relname, a.grantee::regrole::text, a.privilege_type from pg_class c, aclexplode(c.relacl) a
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'""",
    "column grants": """select c.relname, t.attname, a.grantee::regrole::text, a.privilege_type
        from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
        where c.relnamespace = 'public'::regnamespace""",
}
"""Everything of a schema that matters, each as rows that two databases can be compared by."""


async def test_the_migrated_database_is_the_one_that_the_models_describe(
    product_servers: Servers, world: World
) -> None:
    """R243: the first migration is a printed copy; what one says the other says too."""
    base = product_servers.superuser_url.rsplit("/", 1)[0]
    await world.root.execute("create database cleanshift_printed owner cleanshift_owner")
    printed = await asyncpg.connect(f"{base}/cleanshift_printed")
    try:
        for rule in DATABASE_RULES:
            await printed.execute(rule.replace(f"DATABASE {DATABASE} ", "DATABASE cleanshift_printed "))
        await printed.execute("set session authorization cleanshift_owner")
        for statement in ddl.statements():
            await printed.execute(statement)
        await printed.execute("reset session authorization")
        for what, query in CATALOGUE.items():
            described = {tuple(row) for row in await printed.fetch(query)}
            migrated = {tuple(row) for row in await world.root.fetch(query) if row[0] != "alembic_version"}
            assert migrated - described == set(), what
            assert described - migrated == set(), what
            assert described or what == "column grants"
    finally:
        await printed.close()
        await world.root.execute("drop database cleanshift_printed")
