"""What customers see of those who clean for them: who comes to their own homes, by name (R4, R20)."""

from typing import Any

import pytest

from domain.actors import Actor, Role
from domain.swaps import SwapStatus
from models.functions import FUNCTIONS
from sandbox.environment import Servers
from services.customers import CreateCustomer, create_customer
from services.scheduling import ReleaseCleaner, release_cleaner
from services.swaps import AcceptSwap, accept_swap
from tests.product.furnished import House, kept
from tests.product.test_product_catalogue import as_role, attempt
from tests.product.world import Api, Town, World, gid

CREW = """{
    jobs(first: 100) { nodes { id assignments { nodes { id role releasedAt job { id } cleaner { id name } } } } }
    assignments(first: 100) { nodes { id cleaner { name } } } cleaners(first: 100) { nodes { id name } } }"""
HIDDEN = "email phone payTier onboarding skills marketIds archivedAt"
FOREIGN_KEY, DENIED = "ForeignKeyViolationError", "InsufficientPrivilegeError"


@pytest.fixture(scope="module")
async def ours(world: World) -> House:
    return await kept(world, "Ibis3")


@pytest.fixture(scope="module")
async def theirs(world: World) -> House:
    return await kept(world, "Egret4")


async def customer_of(town: Town, job: Any) -> Actor:
    """The customer whose home a job cleans, signed in."""
    who = await town.world.root.fetchval("select customer_id from job where id = $1", job)
    return await town.world.session_of(town.tenant, Role.CUSTOMER, who)


async def job_of(town: Town, shift: Any) -> Any:
    return await town.world.root.fetchval("select job_id from assignment where id = $1", shift)


def names(answer: dict[str, Any]) -> set[str]:
    return {node["cleaner"]["name"] for node in answer["assignments"]["nodes"]}


@pytest.mark.parametrize(
    ("who", "crew"),
    [
        ("customer", {"cleaner"}),
        ("neighbour", {"cleaner", "colleague"}),
        ("guest", {"colleague"}),
        ("far", {"stranger"}),
    ],
)
async def test_customers_see_the_names_of_those_who_come_to_them_and_of_nobody_else(
    api: Api, ours: House, theirs: House, who: str, crew: set[str]
) -> None:
    """R20: by job, by shift and by person, in either business; the names are the same as each list says."""
    for house in (ours, theirs):
        answer = await api.data(house.who[who], CREW)
        expected = {f"{house.mark} {name}" for name in crew}
        assert {node["name"] for node in answer["cleaners"]["nodes"]} == names(answer) == expected
        shifts = [shift for job in answer["jobs"]["nodes"] for shift in job["assignments"]["nodes"]]
        assert {shift["cleaner"]["name"] for shift in shifts} == expected
        assert {shift["id"] for shift in shifts} == {node["id"] for node in answer["assignments"]["nodes"]}
        for job in answer["jobs"]["nodes"]:
            assert all(shift["job"]["id"] == job["id"] for shift in job["assignments"]["nodes"])


async def test_of_a_cleaner_a_customer_reads_the_name_alone(api: Api, ours: House, theirs: House) -> None:
    """R4: by whatever way the person is reached; whoever does not come to them does not exist for them."""
    asking = ours.who["customer"]
    own, other = [gid("Cleaner", ours.who[name].person) for name in ("cleaner", "colleague")]
    foreign = gid("Cleaner", theirs.who["cleaner"].person)
    query = f"""query ($id: ID!, $shift: ID!) {{ node(id: $id) {{ ... on Cleaner {{ name {HIDDEN} }} }}
        shift: node(id: $shift) {{ ... on Assignment {{ cleaner {{ name {HIDDEN} }} }} }} }}"""
    seen = await api.data(asking, query, id=own, shift=gid("Assignment", ours.has["own shift"]))
    for person in (seen["node"], seen["shift"]["cleaner"]):
        assert person.pop("name") == f"{ours.mark} cleaner"
        assert set(person.values()) == {None}
    for person, shift in (
        (other, gid("Assignment", ours.has["colleague's shift"])),
        (foreign, gid("Assignment", theirs.has["own shift"])),
    ):
        assert await api.data(asking, query, id=person, shift=shift) == {"node": None, "shift": None}


@pytest.mark.parametrize("filter", ["skill: HOT_TUB", "marketId: $market"])
async def test_no_filter_tells_a_customer_what_a_field_hides(api: Api, ours: House, filter: str) -> None:
    """R4: a cleaner who has the skill and works there is found by neither."""
    declared = "($market: ID!)" if "$market" in filter else ""
    query = f"query {declared} {{ cleaners(filter: {{{filter}}}) {{ totalCount nodes {{ id }} }} }}"
    given = {"market": gid("Market", ours.market)} if declared else {}
    assert (await api.data(ours.town.owner, query, **given))["cleaners"]["totalCount"] > 0
    assert (await api.data(ours.who["customer"], query, **given))["cleaners"] == {"totalCount": 0, "nodes": []}


async def test_of_a_market_a_customer_reads_name_and_zone(api: Api, ours: House) -> None:
    """R20: how the window runs is the workforce's; the root field says no more than the market."""
    query = """query ($id: ID!) {
        node(id: $id) { ... on Market { name zone windowEpoch windowLeadDays windowDeadlineHour windowGraceMinutes
            archivedAt availabilityWindow { state } } }
        availabilityWindow(marketId: $id) { state } }"""
    answer = await api.ask(ours.who["customer"], query, id=gid("Market", ours.market))
    market = answer["data"]["node"]
    assert (market.pop("name"), market.pop("zone")) == (f"{ours.mark} Coast", "America/New_York")
    assert set(market.values()) == {None}
    assert answer["data"]["availabilityWindow"] is None
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}
    read = await api.data(ours.who["cleaner"], query, id=gid("Market", ours.market))
    assert None not in (read["node"]["windowEpoch"], read["node"]["availabilityWindow"], read["availabilityWindow"])


async def test_a_taken_shift_shows_its_taker_and_a_released_one_stays_as_history(
    api: Api, town: Town, other: Town
) -> None:
    """R99: the customer's crew is whoever has the shift now; who was taken off is still named on it (A16)."""
    owner, taker = await town.cleaner(), await town.cleaner()
    shift = await town.shift(owner)
    swap = await town.offer(owner, await town.day(9))
    asking = await customer_of(town, await job_of(town, shift))
    offered = await town.world.root.fetchrow("select assignment_id, job_id from swap where id = $1", swap)
    host = await customer_of(town, offered["job_id"])
    await other.shift(await other.cleaner())

    await town.world.run(taker, accept_swap, AcceptSwap(swap))
    assert await town.world.root.fetchval("select status from swap where id = $1", swap) == SwapStatus.ACCEPTED
    crew = {node["id"]: node["cleaner"]["id"] for node in await shifts_of(api, host)}
    assert crew[gid("Assignment", offered["assignment_id"])] == gid("Cleaner", taker.person)

    await town.world.run(town.owner, release_cleaner, ReleaseCleaner(shift))
    found = {node["id"]: node for node in await shifts_of(api, asking)}
    gone = found[gid("Assignment", shift)]
    assert gone["releasedAt"] is not None
    assert gone["cleaner"]["id"] == gid("Cleaner", owner.person)


async def shifts_of(api: Api, asking: Actor) -> list[dict[str, Any]]:
    answer = await api.data(asking, CREW)
    return [shift for job in answer["jobs"]["nodes"] for shift in job["assignments"]["nodes"]]


async def test_a_customer_who_has_no_job_sees_no_cleaner(api: Api, town: Town, other: Town) -> None:
    for place in (town, other):
        await place.shift(await place.cleaner())
    made = await town.world.run(town.owner, create_customer, CreateCustomer("Customer 9"))
    asking = await town.world.session_of(town.tenant, Role.CUSTOMER, made)
    empty: dict[str, Any] = {"nodes": []}
    assert await api.data(asking, CREW) == {"jobs": empty, "assignments": empty, "cleaners": empty}


async def test_seeing_the_crew_is_not_choosing_it(
    api: Api, product_servers: Servers, ours: House, theirs: House
) -> None:
    """R20: through the contract it is forbidden, straight SQL reaches nothing, and nothing is written."""
    before = await ours.fingerprint(), await theirs.fingerprint()
    asking, shift = ours.who["customer"], ours.has["own shift"]
    job = gid("Job", ours.has["job of own shift"])
    wishes = {
        "assignCleaner": {"jobId": job, "cleanerId": gid("Cleaner", ours.who["cleaner"].person), "role": "BACKUP"},
        "releaseCleaner": {"assignmentId": gid("Assignment", shift)},
        "updateCleaner": {"cleanerId": gid("Cleaner", ours.who["cleaner"].person), "name": "Mine"},
    }
    for mutation, form in wishes.items():
        answer = await api.do(asking, mutation, form, "__typename")
        assert [error["code"] for error in answer["errors"]] == ["FORBIDDEN"], mutation
    async with as_role(product_servers.database_url, asking.tenant, asking.person, "customer") as connection:
        assert await attempt(connection, "select from assignment where id = $1", shift) == "SELECT 1"
        for statement in (
            "update assignment set version = version",
            "delete from assignment",
            "update cleaner set name = name",
            "delete from cleaner",
        ):
            assert (await attempt(connection, statement)).endswith(" 0"), statement
        copied = "insert into assignment select * from assignment where id = $1"
        assert await attempt(connection, copied, shift) == DENIED
    assert (await ours.fingerprint(), await theirs.fingerprint()) == before


async def test_a_shift_belongs_to_its_jobs_customer_and_to_no_other(
    product_servers: Servers, world: World, ours: House, theirs: House
) -> None:
    """R2: the copy that the policy reads is kept equal by the database, whatever a command forgets."""
    before = await ours.fingerprint()
    async with as_role(product_servers.database_url, ours.town.tenant, role="system") as connection:
        change = "update assignment set customer_id = $2 where id = $1"
        for other in (ours.has["neighbour"], theirs.has["customer"]):
            assert await attempt(connection, change, ours.has["own shift"], other) == FOREIGN_KEY
        moved = "update job set customer_id = $2 where id = $1"
        assert await attempt(connection, moved, ours.has["job of own shift"], ours.has["neighbour"]) == "UPDATE 1"
        follows = "select customer_id from assignment where id = $1"
        assert await connection.fetchval(follows, ours.has["own shift"]) == ours.has["neighbour"]
    assert await ours.fingerprint() == before


@pytest.mark.parametrize("role", ["owner", "dispatcher", "cleaner", "system", "anonymous", "customer"])
async def test_the_crew_is_told_to_its_customer_under_that_stamp_alone(
    product_servers: Servers, ours: House, theirs: House, role: str
) -> None:
    """R2: the trusted function looks past assignments' policies, so it asks tenant, person and role itself."""
    assert "crew_of_actor()" in FUNCTIONS
    person = ours.who["customer"].person
    crew = "select crew_of_actor()"
    async with as_role(product_servers.database_url, ours.town.tenant, person, role) as connection:
        expected = [ours.who["cleaner"].person] if role == "customer" else []
        assert await connection.fetchval(crew) == expected
    async with as_role(product_servers.database_url, theirs.town.tenant, person, role) as connection:
        assert await connection.fetchval(crew) == []
    async with as_role(product_servers.database_url) as connection:
        assert await connection.fetchval(crew) == []
