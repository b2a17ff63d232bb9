"""The walls as the database itself has them: policies, keys, grants, trusted functions, printed schema (R2, R6)."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from app.migrate import migrate
from app.roles import ensure_powerless
from app.settings import ConfigurationError
from db.ids import new_id
from domain.actors import NOBODY, Role
from domain.swaps import SWAP_TRANSITIONS, SwapStatus
from models import ddl, metadata, walls
from models.functions import DEFINER_READS, FUNCTIONS, TRIGGERS, TRUSTED_TRIGGERS
from sandbox.environment import Servers
from sandbox.roles import DATABASE
from services import swaps
from tests.product.databases import an_empty_database
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
    """R2: owned by a role that can do nothing else, a fixed search path, and callable by their callers alone.

    What a table itself sees to has no power at all, but for the balance of the books, and nobody calls it.
    """
    rows = await world.root.fetch(
        """select p.oid::regprocedure::text as name, p.proowner::regrole::text as owner,
            p.prosecdef as trusted, p.proconfig,
            array(select distinct coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC')
                  from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a order by 1) as callers
           from pg_proc p where p.pronamespace = 'public'::regnamespace
             and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')"""
    )

    assert {row["name"] for row in rows} == {*FUNCTIONS, *TRIGGERS}
    for row in rows:
        trusted = row["name"] in FUNCTIONS or row["name"] in TRUSTED_TRIGGERS
        owner, callers = "definer" if trusted else "owner", FUNCTIONS.get(row["name"], ("", ()))[1]
        assert row["trusted"] is trusted, row["name"]
        assert row["owner"] == f"cleanshift_{owner}"
        assert row["proconfig"] == ["search_path=pg_catalog, public, pg_temp"]
        assert set(row["callers"]) - {row["owner"]} == set(callers), row["name"]


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

    assert set(await granted(world, "cleanshift_definer")) == set(DEFINER_READS)
    assert feed == {"event": {"SELECT"}, "tenant_head": {"SELECT"}}
    assert set(await tables(world)) - set(app) <= {"worker", "duty_run"}
    for table in APP_WRITES_NOT & set(app):
        assert app[table] == {"SELECT"}, table
    assert app["tenant_head"] == {"SELECT", "INSERT"}
    assert app["task"] == {"SELECT", "INSERT"}
    assert app["notification"] == {"SELECT", "INSERT", "UPDATE"}
    assert app["swap"] == {"SELECT", "INSERT", "update", "DELETE"}
    assert app["swap_want"] == app["swap_ask"] == {"SELECT", "INSERT", "DELETE"}
    assert app["standing_bid"] == set(EVERY_VERB)
    assert all(may <= set(EVERY_VERB) for table, may in app.items() if table != "swap")
    fixed = ("id", "job_id", "assignment_id", "market_id", "owner_id", "role", "kind", "opened_at", "opened_by",
             "urgent_bonus")  # fmt: skip
    for column in fixed:
        may = "select has_column_privilege('cleanshift_app', 'swap', $1, 'UPDATE')"
        assert not await world.root.fetchval(may, column), column
    business = {"tenant", "market", "staff", "cleaner", "customer", "property", "job", "assignment", "swap", "audit",
                "swap_want", "swap_ask", "standing_bid", "availability", "availability_submission", "notification",
                "credential", "session", "refresh_token"}  # fmt: skip
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
            now = datetime.now(UTC).isoformat()
            for name, value in (("tenant_id", tenant), ("actor_id", person), ("role", role), ("now", now)):
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


@asynccontextmanager
async def undone(connection: Any) -> AsyncIterator[None]:
    """A piece of the transaction, undone at its end."""
    piece = connection.transaction()
    await piece.start()
    yield
    await piece.rollback()


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


ROWS = {("swap", "given_id"): "kind = 'TRADE' and taker_id is not null"}
"""Rows in which a reference may stand at all, by what is looked at first: what a row says of itself."""
WRITTEN_ONCE = {"swap_want", "swap_ask"}
"""Tables of references alone, which are made and taken away."""


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
            table, column = row["on_table"], row["column_name"]
            one = f"ctid = (select ctid from {table} where {ROWS.get((table, column), 'true')} limit 1)"
            statement = f"update {table} set {column} = $1 where {one}"
            if table in WRITTEN_ONCE:
                copied = ", ".join("$1::uuid" if name == column else name for name in await _columns(world, table))
                statement = f"insert into {table} select {copied} from {table} limit 1"
            reached = await attempt(connection, statement, target)
            tried += reached == "ForeignKeyViolationError"
            assert reached in {"ForeignKeyViolationError", "InsufficientPrivilegeError", "UPDATE 0"}, (row, reached)
            assert reached == "ForeignKeyViolationError" or (table, column) not in ROWS, row
            assert reached == "ForeignKeyViolationError" or table not in WRITTEN_ONCE, row
    assert tried >= 14


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
                assert table in {"event", "tenant_head", "task", "duty_run", "mutation_receipt", "money_alarm"}, table


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
        assert await connection.fetchval("select hand_over($1)", theirs.has["taken swap"]) is False
        assert await connection.fetchval("select hand_over($1)", ours.has["colleague's swap"]) is False
        event = {"type": "SwapOffered", "entity": "Swap", "entity_id": str(new_id()), "payload": {}}
        staged = {"events": [event], "audit": [], "request_id": "r", "at": "2026-01-01T00:00:00Z"}
        await connection.execute("select set_config('app.staged', $1, true)", orjson.dumps(staged).decode())
        head = await connection.fetchval("select log_append()")
        assert head == 1 + await world.root.fetchval(
            "select seq from tenant_head where tenant_id = $1", ours.town.tenant
        )
    assert await theirs.fingerprint() == before


async def test_a_swap_is_listed_again_for_who_gave_it_back_while_time_is_left_and_for_nobody_else(
    product_servers: Servers, ours: House, theirs: House
) -> None:
    """R2, A29: only RETURNED, only by its taker, only before its end; and it is as if nobody had taken it."""
    before = await theirs.fingerprint()
    given, relist = ours.has["awaited swap"], "select relist($1)"
    async with as_role(product_servers.database_url, ours.town.tenant, ours.who["cleaner"].person, "cleaner") as mine:
        for word in ("awaited swap", "taken swap", "own swap", "vacancy"):
            assert await mine.fetchval(relist, ours.has[word]) is None, word
        assert await mine.fetchval(relist, theirs.has["awaited swap"]) is None
        assert await attempt(mine, "update swap set status = 'RETURNED' where id = $1", given) == "UPDATE 1"
        for name, value in (
            ("actor_id", ours.who["colleague"].person), ("actor_id", ours.town.owner.person),
            ("tenant_id", theirs.town.tenant), ("now", "2126-01-01T00:00:00Z"),
        ):  # fmt: skip
            async with undone(mine):
                await mine.execute("select set_config($1, $2, true)", f"app.{name}", str(value))
                assert await mine.fetchval(relist, given) is None, name
        assert await mine.fetchval(relist, given) is True
        row = await mine.fetchrow("select status, taker_id, given_id, closed_at from swap where id = $1", given)
        assert tuple(row) == ("PENDING", None, None, None)
        assert await mine.fetchval(relist, given) is None
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
        "relist(uuid)": f"select relist('{NOBODY}')",
        "crew_of_actor()": "select crew_of_actor()",
    }
    assert set(calls) == set(FUNCTIONS)
    async with as_role(getattr(product_servers, url)) as connection:
        for signature, call in calls.items():
            if f"cleanshift_{role}" not in FUNCTIONS[signature][1]:
                assert await attempt(connection, call) == "InsufficientPrivilegeError", signature


REFUSED, FALSE = "InsufficientPrivilegeError", "CheckViolationError"


TERMS = ("expires_at = expires_at + interval '1 day'", "note = 'mine'", "draws_at = now()")
"""Changes of what a swap is offered for: no party's to make, whatever else they do with it."""


async def test_a_cleaners_stamp_takes_no_shift_that_nobody_offered(
    product_servers: Servers, town: Town, other: Town
) -> None:
    """R2, R96: straight SQL as the application; a swap is taken or withdrawn as it is, and nothing else of it moves."""
    owner, victim, thief, accomplice = [await town.cleaner() for _ in range(4)]
    swap, kept = await town.offer(owner), await town.shift(victim, await town.day(6))
    job = await town.world.root.fetchval("select job_id from assignment where id = $1", kept)
    foreign = await other.offer(await other.cleaner())
    before = await town.world.trace(town.tenant)
    async with as_role(product_servers.database_url, town.tenant, thief.person, "cleaner") as connection:
        for change in (
            f"assignment_id = '{kept}'", f"owner_id = '{victim.person}'", "job_id = job_id", "urgent_bonus = true",
            "opened_by = 'OFFICE'", "kind = 'TRADE'", f"status = 'ACCEPTED', taker_id = '{victim.person}'",
            "status = 'WITHDRAWN'",
        ):  # fmt: skip
            assert await attempt(connection, f"update swap set {change} where id = $1", swap) == REFUSED, change
        taking = f"status = 'ACCEPTED', taker_id = '{thief.person}'"
        for change in (f"taker_id = '{thief.person}'", *TERMS, *(f"{taking}, {one}" for one in TERMS)):
            assert await attempt(connection, f"update swap set {change} where id = $1", swap) == FALSE, change
        made = f"""insert into swap (tenant_id, id, kind, status, job_id, assignment_id, market_id, role, owner_id,
                opened_by, opened_at, expires_at)
            select s.tenant_id, $1, kind, $2, '{job}', '{kept}', market_id, role, $3, $4, opened_at, expires_at
            from swap s where s.id = '{swap}'"""
        assert await attempt(connection, made, new_id(), "ACCEPTED", thief.person, "CLEANER") == REFUSED
        assert await attempt(connection, made, new_id(), "PENDING", victim.person, "CLEANER") == REFUSED
        assert await attempt(connection, made, new_id(), "PENDING", thief.person, "OFFICE") == REFUSED
        take = "update swap set status = 'ACCEPTED', taker_id = $2 where id = $1"
        own = new_id()
        assert await attempt(connection, made, own, "PENDING", thief.person, "CLEANER") == "INSERT 0 1"
        assert await attempt(connection, take, own, thief.person) == FALSE
        async with undone(connection):
            await connection.execute("select set_config('app.actor_id', $1, true)", str(accomplice.person))
            assert await attempt(connection, take, own, accomplice.person) == "UPDATE 1"
            assert await connection.fetchval("select hand_over($1)", own) is False
        assert await attempt(connection, take, foreign, thief.person) == "UPDATE 0"
        assert await attempt(connection, take, swap, thief.person) == "UPDATE 1"
        assert await connection.fetchval("select hand_over($1)", swap) is True
        for change in ("closed_at = closed_at + interval '1 day'", f"given_id = '{kept}'", "version = version"):
            assert await attempt(connection, f"update swap set {change} where id = $1", swap) == FALSE, change
    async with as_role(product_servers.database_url, town.tenant, owner.person, "cleaner") as connection:
        for change in (*TERMS, *(f"status = 'WITHDRAWN', {one}" for one in TERMS)):
            assert await attempt(connection, f"update swap set {change} where id = $1", swap) == FALSE, change
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
        assert await connection.fetchval("select hand_over($1)", swap) is False
        # Of the two shifts neither: the one that was offered is not what the row names.
        assert await connection.fetchval("select count(*) from assignment where cleaner_id = $1", taker.person) == 0
    assert await world.root.fetchval("select cleaner_id from assignment where id = $1", kept) == owner.person


async def test_a_trade_hands_over_nothing_for_a_shift_that_is_not_its_takers_or_not_wanted(
    product_servers: Servers, town: Town, other: Town
) -> None:
    """R2, A27: both sides or none, whatever a taker's straight SQL says is given; and nothing of another business."""
    owner, thief, victim = [await town.cleaner() for _ in range(3)]
    theirs, worthless = await town.shift(victim, await town.day(5)), await town.shift(thief, await town.day(6))
    foreign = await other.shift(await other.cleaner(), await other.day(5))
    mine = await town.shift(owner)
    trade = await town.world.run(owner, swaps.offer_swap, swaps.OfferSwap(mine, wants=[theirs]))
    take = "update swap set status = 'ACCEPTED', taker_id = $2, given_id = $3 where id = $1"
    held = "select array_agg(id) from assignment where cleaner_id = $1 and released_at is null"
    async with as_role(product_servers.database_url, town.tenant, thief.person, "cleaner") as connection:
        for given, answer in ((None, False), (worthless, False), (theirs, False), (mine, False)):
            async with undone(connection):
                assert await attempt(connection, take, trade, thief.person, given) == "UPDATE 1"
                assert await connection.fetchval("select hand_over($1)", trade) is answer, given
                assert await connection.fetchval(held, thief.person) == [worthless], given
        assert await attempt(connection, take, trade, thief.person, foreign) == "ForeignKeyViolationError"
        naming = "insert into swap_want values ($1, $2, $3)"
        assert await attempt(connection, naming, town.tenant, trade, worthless) == REFUSED
        assert await attempt(connection, "delete from swap_want where swap_id = $1", trade) == "DELETE 0"
    assert await town.world.root.fetchval(held, thief.person) == [worthless]
    assert await town.world.root.fetchval(held, owner.person) == [mine]


async def test_a_shift_that_is_drawn_is_the_draws_to_give(product_servers: Servers, town: Town, other: Town) -> None:
    """R2, A29: no cleaner's SQL takes it first, nor ends the draw, nor asks for somebody else; the system may."""
    owner, thief, asker = [await town.cleaner() for _ in range(3)]
    swap, foreign = await town.offer(owner), await other.offer(await other.cleaner())
    wait = "update swap set draws_at = expires_at where id = any($1)"
    await town.world.root.execute(wait, [swap, foreign])
    asking = "insert into swap_ask values ($1, $2, $3, now())"
    await town.world.root.execute(asking, town.tenant, swap, asker.person)
    async with as_role(product_servers.database_url, town.tenant, thief.person, "cleaner") as connection:
        for status in ("ACCEPTED", "AWAITING_APPROVAL"):
            for more in ("", ", draws_at = null", ", draws_at = now()"):
                take = f"update swap set status = '{status}', taker_id = $2 {more} where id = $1"
                assert await attempt(connection, take, swap, thief.person) == FALSE, take
                assert await attempt(connection, take, foreign, thief.person) == "UPDATE 0", take
        assert await attempt(connection, "update swap set draws_at = null where id = $1", swap) == FALSE
        assert await attempt(connection, asking, town.tenant, swap, owner.person) == REFUSED
        assert await attempt(connection, asking, town.tenant, swap, thief.person) == "INSERT 0 1"
        assert await connection.fetchval("select array_agg(cleaner_id) from swap_ask") == [thief.person]
        assert await attempt(connection, "delete from swap_ask") == "DELETE 1"
    async with as_role(product_servers.database_url, town.tenant, NOBODY, "system") as connection:
        take = "update swap set status = 'ACCEPTED', taker_id = $2, draws_at = null where id = $1"
        assert await attempt(connection, take, swap, asker.person) == "UPDATE 1"
    assert await town.world.count("swap_ask", town.tenant) == 1


MADE = """insert into swap (tenant_id, id, kind, status, job_id, assignment_id, market_id, role, owner_id, taker_id,
        opened_at, expires_at)
    select tenant_id, $2, kind, $3, job_id, assignment_id, market_id, role, owner_id, $4, opened_at, expires_at
    from swap where id = $1"""
MAY_MOVE = {
    "owner": {("PENDING", "WITHDRAWN"), ("AWAITING_APPROVAL", "WITHDRAWN")},
    "taker": {("ACCEPTED", "RETURNED"), ("AWAITING_APPROVAL", "RETURNED")},
}
"""What each party may do by changing the status alone; taking a swap says also by whom."""
MAY_TOUCH = {
    "owner": {"PENDING", "AWAITING_APPROVAL"},
    "taker": {"PENDING", "AWAITING_APPROVAL", "ACCEPTED"},
    "colleague": {"PENDING"},
}
"""In which states a cleaner can try at all: as whose shift it is, as who took it, as somebody of the market."""


@pytest.mark.parametrize("who", ["system", "office", "owner", "taker", "colleague", "customer", "anonymous"])
async def test_a_swap_goes_only_where_the_rules_let_it_go(
    product_servers: Servers, town: Town, other: Town, who: str
) -> None:
    """A27b: straight SQL, every pair of states; a move that is none is refused to the system too."""
    people = {name: (await town.cleaner()).person for name in ("owner", "taker", "colleague")}
    owner = await town.world.session_of(town.tenant, Role.CLEANER, people["owner"])
    model, theirs = await town.offer(owner), await other.offer(await other.cleaner())
    await town.world.root.execute("update swap set status = 'WITHDRAWN' where id = $1", model)
    role = "cleaner" if who in people else "dispatcher" if who == "office" else who
    async with as_role(product_servers.database_url, town.tenant, people.get(who, NOBODY), "system") as connection:
        for before, after in itertools.permutations(SwapStatus, 2):
            async with undone(connection):
                made, taker = new_id(), people["taker"] if before in TAKEN else None
                await connection.execute(MADE, model, made, before, taker)
                await connection.execute("select set_config('app.role', $1, true)", role)
                change = f"update swap set status = '{after}' where id = $1"
                reached = await attempt(connection, change, made)
                assert reached == moved(who, before, after), (before, after)
                assert await attempt(connection, change, theirs) == "UPDATE 0"
    assert await town.world.count("swap", town.tenant) == 1


TAKEN = {SwapStatus.AWAITING_APPROVAL, SwapStatus.ACCEPTED, SwapStatus.DECLINED, SwapStatus.RETURNED}
"""States in which a swap has a taker."""


def moved(who: str, before: SwapStatus, after: SwapStatus) -> str:
    """What becomes of an attempt to bring a swap from one state to another."""
    if who not in {"system", "office"} and before not in MAY_TOUCH.get(who, ()):
        return "UPDATE 0"
    if after not in SWAP_TRANSITIONS[before]:
        return FALSE
    # Who asked and is the taker for it must not also be the office that agrees.
    if who not in {"system", "office"} and (before, after) == ("AWAITING_APPROVAL", "ACCEPTED"):
        return FALSE
    return "UPDATE 1" if who in {"system", "office"} or (before, after) in MAY_MOVE.get(who, ()) else REFUSED


async def test_a_move_that_is_none_is_refused_to_the_databases_own_keeper(world: World, town: Town) -> None:
    """A27b: the trigger asks nobody's role."""
    swap = await town.offer(await town.cleaner())
    for after in ("DECLINED", "RETURNED"):
        with pytest.raises(asyncpg.CheckViolationError, match=f"from PENDING to {after}"):
            await world.root.execute(f"update swap set status = '{after}' where id = $1", swap)
    assert await world.root.fetchval("select status from swap where id = $1", swap) == "PENDING"


async def test_a_standing_bid_is_its_cleaners_and_the_offices(
    product_servers: Servers, ours: House, theirs: House
) -> None:
    """R2: straight SQL; nobody bids for a colleague, and nobody touches another business's bids."""
    before = await theirs.fingerprint()
    copy = """insert into standing_bid select tenant_id, $2, $3, market_id, weekdays, earliest_minute, latest_minute,
        from_day, until_day, placed_at, withdrawn_at, version from standing_bid where id = $1"""
    one, colleague = ours.who["cleaner"].person, ours.who["colleague"].person
    bids = {name: ours.has[f"bid of {name}"] for name in ("cleaner", "colleague")}
    end = "update standing_bid set withdrawn_at = now() where id = $1"
    async with as_role(product_servers.database_url, ours.town.tenant, one, "cleaner") as connection:
        assert await attempt(connection, copy, bids["cleaner"], new_id(), colleague) == REFUSED
        assert await attempt(connection, copy, bids["cleaner"], new_id(), one) == "INSERT 0 1"
        assert await attempt(connection, f"update standing_bid set cleaner_id = '{colleague}'") == REFUSED
        for id, count in ((bids["cleaner"], 1), (bids["colleague"], 0), (theirs.has["bid of cleaner"], 0)):
            assert await attempt(connection, end, id) == f"UPDATE {count}"
    async with as_role(product_servers.database_url, ours.town.tenant, NOBODY, "dispatcher") as connection:
        for id, count in ((bids["cleaner"], 1), (bids["colleague"], 1), (theirs.has["bid of cleaner"], 0)):
            assert await attempt(connection, end, id) == f"UPDATE {count}"
    async with as_role(product_servers.database_url, ours.town.tenant, one, "customer") as connection:
        assert await attempt(connection, end, bids["cleaner"]) == "UPDATE 0"
    assert await theirs.fingerprint() == before


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
    "triggers": """select tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), tgenabled::text from pg_trigger
        where not tgisinternal""",
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


async def test_the_migrated_database_is_the_one_that_the_models_describe(product_servers: Servers) -> None:
    """R243: the first migration is a printed copy; what one says the other says too."""
    async with (
        an_empty_database(product_servers, "cleanshift_printed") as (_, printed),
        an_empty_database(product_servers, "cleanshift_migrated") as (owner_url, migrated),
    ):
        await printed.execute("set session authorization cleanshift_owner")
        for statement in ddl.statements():
            await printed.execute(statement)
        await printed.execute("reset session authorization")
        await migrate(owner_url)
        for what, query in CATALOGUE.items():
            described = {tuple(row) for row in await printed.fetch(query)}
            found = {tuple(row) for row in await migrated.fetch(query) if row[0] != "alembic_version"}
            assert found - described == set(), what
            assert described - found == set(), what
            assert described or what == "column grants"
