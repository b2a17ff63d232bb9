"""From one release's database to the next: nothing is lost, and what is kept means the same (R243)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.migrate import migrate
from db.ids import new_id
from sandbox.environment import Servers
from tests.product.databases import an_empty_database

STARTS = datetime(2027, 1, 4, 14, tzinfo=UTC)
HOUSES = ("ours", "theirs")

_ROWS = """
insert into tenant (tenant_id, slug, name, created_at) values ('{tenant}', '{slug}', 'Business', now());
insert into tenant_head (tenant_id, epoch, seq, audit_seq) values ('{tenant}', 7, 3, 1);
insert into market (tenant_id, id, name, zone, window_epoch, created_at)
    values ('{tenant}', '{market}', 'Miami', 'America/New_York', '2026-01-04', now());
insert into cleaner (tenant_id, id, name, onboarding, created_at)
    values ('{tenant}', '{cleaner}', 'Cleaner 1', 'COMPLETE', now());
insert into customer (tenant_id, id, name, created_at) values ('{tenant}', '{customer}', 'Customer 1', now());
insert into property (tenant_id, id, customer_id, market_id, name, address, city, postal_code, latitude, longitude,
        bedrooms, bathrooms, square_feet, laundry, created_at)
    values ('{tenant}', '{home}', '{customer}', '{market}', 'Home 1', '1 Ocean Drive', 'Miami', '33139', 25.7, -80.2,
        2, 1, 900, 'NONE', now());
insert into job (tenant_id, id, property_id, customer_id, market_id, starts_at, ends_at, expected_hours, status,
        payment_status, created_at)
    values ('{tenant}', '{job}', '{home}', '{customer}', '{market}', '{starts}', '{ends}', 3, 'ASSIGNED', 'PENDING',
        now());
insert into assignment (tenant_id, id, job_id, cleaner_id, role, starts_at, ends_at, created_at)
    values ('{tenant}', '{assignment}', '{job}', '{cleaner}', 'PRIMARY', '{starts}', '{ends}', now());
insert into swap (tenant_id, id, kind, status, job_id, assignment_id, market_id, owner_id, role, opened_at, expires_at)
    values ('{tenant}', '{swap}', 'COVER', 'PENDING', '{job}', '{assignment}', '{market}', '{cleaner}', 'PRIMARY',
        now(), '{starts}');
insert into audit (tenant_id, seq, action, entity, entity_id, detail, actor_id, actor_role, request_id, at, hash)
    values ('{tenant}', 1, 'offer_swap', 'Swap', '{swap}', '{{}}', '{cleaner}', 'cleaner', 'r', now(), '\\x01');
"""


@pytest.fixture
async def older(product_servers: Servers) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """An empty database beside the others: its owner's address, and a superuser's connection to it."""
    async with an_empty_database(product_servers, "cleanshift_older") as made:
        yield made


def _house(slug: str) -> dict[str, Any]:
    ids = {name: new_id() for name in ("tenant", "market", "cleaner", "customer", "home", "job", "assignment", "swap")}
    return {**ids, "slug": slug, "starts": STARTS, "ends": STARTS + timedelta(hours=3)}


async def test_a_database_of_the_first_schema_is_brought_up_to_date_with_all_that_is_in_it(
    older: tuple[str, asyncpg.Connection],
) -> None:
    """R243: every row stays, each assignment learns its job's customer, and every cursor of before draws anew."""
    url, root = older
    assert await migrate(url, to="0001") == "0001"
    houses = [_house(slug) for slug in HOUSES]
    for house in houses:
        await root.execute(_ROWS.format(**house))

    await migrate(url)

    for house in houses:
        kept = await root.fetchrow("select * from assignment where tenant_id = $1", house["tenant"])
        assert (kept["id"], kept["customer_id"]) == (house["assignment"], house["customer"])
        swap = await root.fetchrow("select * from swap where tenant_id = $1", house["tenant"])
        assert (swap["id"], swap["opened_by"], swap["urgent_bonus"]) == (house["swap"], "CLEANER", False)
        head = await root.fetchrow("select epoch, seq from tenant_head where tenant_id = $1", house["tenant"])
        assert tuple(head) == (9, 3)
        assert await root.fetchval("select count(distinct id) from audit where tenant_id = $1", house["tenant"]) == 1
    forced = "select count(*) from pg_class where relkind = 'r' and relrowsecurity and not relforcerowsecurity"
    assert await root.fetchval(forced) == 0


async def test_bringing_it_up_to_date_again_changes_nothing(older: tuple[str, asyncpg.Connection]) -> None:
    """R243: two processes may both try."""
    url, root = older
    await migrate(url)
    before = await root.fetchval("select count(*) from pg_class")
    await migrate(url)
    assert await root.fetchval("select count(*) from pg_class") == before
