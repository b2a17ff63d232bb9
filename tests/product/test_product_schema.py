"""The contract as documents: everything described, nothing drifted, one statement a read (R245, R256)."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from graphql import GraphQLEnumType, is_introspection_type
from obstore.store import LocalStore

from app.container import contract
from app.execution import CHARACTERS_KEPT, INTROSPECTING, Executor, Operation
from db.ids import new_id
from db.secrets import Secrets
from domain.actors import Actor, Role, TenantId
from gateways.links import Links
from gateways.objects import FolderStore
from resolvers.context import Context, Services
from resolvers.engine.engine import Engine
from resolvers.lent import Lent
from tests.product.contract import arguments, document, is_connection, operations
from tests.product.furnished import House, kept
from tests.product.walking import QUERIES, values
from tests.product.world import World, gid

ENGINES: list[Engine] = []
SECRETS = Secrets(b"k" * 32, b"s" * 32)
LENT = Lent(Links(SECRETS, FolderStore(LocalStore())))
CONTRACT = contract(ENGINES, LENT)
SCHEMA = CONTRACT._schema
ROOT = Path(__file__).parent.parent.parent
OF_THE_DRIVER = ("current_setting('jit')", "typeinfo_tree")
"""How asyncpg asks for a type that it meets for the first time on a connection."""
NUMBER = re.compile(r"\([RA]\d+")


def words() -> dict[str, str | None]:
    """Every description of the contract by the place that it describes."""
    found: dict[str, str | None] = {}
    for name, type_ in SCHEMA.type_map.items():
        if is_introspection_type(type_):
            continue
        found[name] = type_.description
        if isinstance(type_, GraphQLEnumType):
            found |= {f"{name}.{value}": one.description for value, one in type_.values.items()}
        for field, one in getattr(type_, "fields", {}).items():
            found[f"{name}.{field}"] = one.description
            found |= {f"{name}.{field}({arg})": it.description for arg, it in getattr(one, "args", {}).items()}
    return found


def test_everything_in_the_contract_says_what_it_is() -> None:
    """R245, R256: types, fields, arguments, inputs and enum values, in words for clients."""
    said = words()
    assert [place for place, text in said.items() if not (text or "").strip()] == []
    assert [place for place, text in said.items() if NUMBER.search(text or "")] == []
    assert len(said) > 500


def test_the_kept_schema_is_the_one_that_is_served() -> None:
    """R256: a change of the contract is a change of `schema/schema.graphql`, seen in review."""
    assert (ROOT / "schema" / "schema.graphql").read_text().strip() == CONTRACT.as_str().strip()


class Counted:
    """A connection that counts what it sends, and fails on whatever the engine should not need."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.statements: list[str] = []
        connection.add_query_logger(lambda sent: self.statements.append(sent.query))

    async def fetchval(self, query: str, *args: Any) -> Any:
        return await self.connection.fetchval(query, *args)


@pytest.fixture(scope="module")
async def house(world: World) -> House:
    return await kept(world, "Egret4")


@pytest.fixture(scope="module")
async def counted(world: World) -> AsyncIterator[Counted]:
    connection = await asyncpg.connect(world.servers.database_url)
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads
        )
    yield Counted(connection)
    await connection.close()


async def asked(world: World, counted: Counted, actor: Actor, query: str, **variables: Any) -> tuple[Any, int]:
    """The answer, and how many statements it took."""
    services: Any = Services(world.runner, ENGINES[0], counted, world.auth, None)  # type: ignore[arg-type]
    context = Context(services, actor, "a-request", "127.0.0.1")
    counted.statements.clear()
    answer = await Executor(CONTRACT, open_introspection=True).execute(Operation(query, None, variables), context)
    # The driver tells its loggers in the loop's next turn.
    await asyncio.sleep(0)
    return answer, sum(not any(word in sent for word in OF_THE_DRIVER) for sent in counted.statements)


async def told(executor: Executor, actor: Actor | None, query: str, name: str | None = None, **more: Any) -> Any:
    """The answer to who asks without a database: of documents that read nothing of it, or are refused."""
    services: Any = Services(None, ENGINES[0], None, None, None)  # type: ignore[arg-type]
    context = Context(services, actor, "a-request", "127.0.0.1")
    read_only = bool(more.pop("read_only", False))
    return await executor.execute(Operation(query, name, more), context, read_only=read_only)


ASKING = {
    "the schema": "{ __schema { queryType { name } } }",
    "a type": '{ __type(name: "Swap") { name } }',
    "a type under another name": '{ serverTime: __type(name: "Swap") { name } }',
    "in a fragment": '{ ...a } fragment a on Query { ...b } fragment b on Query { __type(name: "Swap") { name } }',
    "in an inline fragment": '{ ... on Query { ... { __type(name: "Swap") { name } } } }',
    "in the operation that is named": 'query Q { __typename } query S { __type(name: "Swap") { name } }',
}


@pytest.mark.parametrize("how", list(ASKING))
async def test_a_closed_schema_tells_of_itself_to_a_few_roles_alone(how: str) -> None:
    """R256: however the question is put."""
    closed, opened = (Executor(CONTRACT, open_introspection=value) for value in (False, True))
    tenant = TenantId(new_id())
    name = "S" if "query S" in ASKING[how] else None
    for role in Role:
        answer = await told(closed, Actor(tenant, role, new_id()), ASKING[how], name)
        assert ("data" in answer) is (role in INTROSPECTING), (role, answer)
    refused = await told(closed, None, ASKING[how], name)
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "data" in await told(opened, None, ASKING[how], name)


async def test_a_closed_schema_lets_harmless_words_pass() -> None:
    """The word alone, in a comment or another operation of the document, is no question; nor is __typename."""
    closed = Executor(CONTRACT, open_introspection=False)
    query = "# __schema\nquery Q { __typename } query S { __schema { queryType { name } } }"
    assert await told(closed, None, query, "Q") == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ swapp { id } }", {}),
        ("{ swaps(frist: 3) { totalCount } }", {}),
        ("query ($s: SwapFilterr) { swaps(filter: $s) { totalCount } }", {}),
        ("query ($s: [JobStatus!]) { jobs(filter: {status: $s}) { totalCount } }", {"s": ["CANCELLED"]}),
        ("query ($f: JobFilter) { jobs(filter: $f) { totalCount } }", {"f": {"statuss": []}}),
    ],
)
async def test_a_closed_schema_suggests_no_names(query: str, variables: dict[str, Any]) -> None:
    """R256: neither for documents nor for the values of variables."""
    closed, opened = (Executor(CONTRACT, open_introspection=value) for value in (False, True))
    assert "Did you mean" in str(await told(opened, None, query, **variables))
    answer = await told(closed, None, query, **variables)
    assert answer["errors"]
    assert "Did you mean" not in str(answer)


async def test_only_the_operation_that_is_named_decides_whether_it_may_be_read_by_get() -> None:
    executor = Executor(CONTRACT, open_introspection=False)
    query = """query Q { __typename } mutation M { reauthenticate(accessToken: "x") { ok } }
        subscription S { swapMarket { __typename } }"""
    assert await told(executor, None, query, "Q", read_only=True) == {"data": {"__typename": "Query"}}
    for name, read_only in (("M", True), ("S", True), ("S", False)):
        refused = await told(executor, None, query, name, read_only=read_only)
        assert "data" not in refused
        assert refused["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_documents_are_remembered_within_bounds_and_only_of_who_has_a_credential() -> None:
    executor = Executor(CONTRACT, open_introspection=True)
    somebody = Actor(TenantId(new_id()), Role.CLEANER, new_id())
    await told(executor, None, "{ __typename }")
    assert len(executor._known) == 0
    for number in range(CHARACTERS_KEPT // 50_000 + 5):
        await told(executor, somebody, f"{{ __typename }} # {number} {'x' * 50_000}")
    assert sum(map(len, executor._known)) == executor._characters <= CHARACTERS_KEPT
    assert len(executor._known) > 10


async def test_a_document_with_too_many_faults_is_told_so() -> None:
    executor = Executor(CONTRACT, open_introspection=True)
    answer = await told(executor, None, "{" + " ".join(f"no{number}" for number in range(300)) + "}")
    assert len(answer["errors"]) == 101
    assert answer["errors"][-1]["message"].startswith("The document has more than 100 faults")
    assert "aborted" not in str(answer)


BESIDE = {"ops", "tasks", "verifyEvidence", "price", "bookingForm", "plans"}
"""Fields of the root that the engine does not answer: the control room, what commands tell, and what never changes."""
DEEP = {
    "the feed of swaps": """{ swaps(first: 50) { totalCount pageInfo { endCursor } edges { cursor node { id
        viewerCanTake { ok reasons { code } } viewerPreview { earningsCents }
        job { property { city market { name availabilityWindow { state } } } customer { name } }
        owner { name } taker { name } wantedAssignmentIds viewerHasAsked
        given { job { property { city } } cleaner { name } } } } } }""",
    "several roots": """{ viewer { role tenant { name } cleaner { name } sessions { totalCount nodes { id } }
        serverTime }
        jobs { totalCount nodes { id assignments { totalCount nodes { cleaner { name } } } } }
        cleaners { nodes { name } } markets { nodes { zone } } customers { totalCount }
        notifications { nodes { kind } }
        standingBids { totalCount nodes { weekdays cleaner { name } market { name } } } }""",
    "down and back up": """{ jobs(first: 20) { nodes { property { jobs(first: 5) { nodes { swaps { nodes { owner { name
        marketIds } } } } } } } } }""",
    "the same list under three names": """{ soon: jobs(first: 3) { nodes { id } } late: jobs(last: 3) { nodes { id
        assignments { nodes { cleaner { assignments { totalCount } } } } } }
        canceled: jobs(filter: {status: [CANCELED]}) { totalCount } }""",
    "fragments": """query { ...a swaps { ...list } } fragment a on Query { availabilitySubmissions { nodes {
        slots { startsAt } cleaner { name } market { name availabilityWindow { next { opensAt } } } } } }
        fragment list on SwapConnection { nodes { market { name } job { swaps { totalCount } } } }""",
}


@pytest.mark.parametrize("who", ["owner", "cleaner"])
@pytest.mark.parametrize("name", list(DEEP))
async def test_a_deep_query_is_one_statement(world: World, house: House, counted: Counted, name: str, who: str) -> None:
    """No N+1 at any depth: counted on the wire, over a business with rows on every level."""
    answer, statements = await asked(world, counted, house.who[who], DEEP[name])

    assert [error for error in answer.get("errors", ()) if error["extensions"]["code"] != "FORBIDDEN"] == []
    assert answer["data"]
    assert statements == 1


async def test_objects_by_their_ids_are_one_statement_together(world: World, house: House, counted: Counted) -> None:
    """Twenty objects of every kind, each with what belongs to it."""
    ids = [gid("Tenant", house.town.tenant)]
    for kind in ("Swap", "StandingBid", "Job", "Property", "Cleaner", "Customer", "Market", "Assignment"):
        ids += (await house.ids(kind))[:3]
    query = """query ($ids: [ID!]!, $id: ID!) { node(id: $id) { id } nodes(ids: $ids) { __typename
        ... on Swap { job { property { city } } given { cleaner { name } } }
        ... on Job { assignments { nodes { cleaner { name } } } }
        ... on Customer { properties { nodes { jobs { nodes { swaps { totalCount } } } } } } } }"""

    answer, statements = await asked(world, counted, house.who["owner"], query, ids=ids[1:], id=ids[2])

    assert "errors" not in answer
    assert len(answer["data"]["nodes"]) == len(ids) - 1
    assert statements == 1, [one[:300] for one in counted.statements]


async def test_every_generated_query_is_one_statement(world: World, house: House, counted: Counted) -> None:
    """Each field of the root, at depth: what is added later is counted too."""
    walked, own = 0, await values(house, {"Node": (await house.ids("Job"))[0]})
    for name, field in QUERIES.items():
        if name in BESIDE:
            continue
        for selected in operations(SCHEMA, name, field, 2):
            given = arguments(own, field)
            given |= {"first": 50} if is_connection(field) else {}
            _, statements = await asked(
                world, counted, house.who["owner"], document("query", name, field, given, selected), **given
            )
            assert statements == 1, (name, counted.statements)
            walked += 1
    assert walked >= len(QUERIES)
