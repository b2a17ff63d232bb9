"""What clients may rely on when they read: pages, gates, ids, errors, one statement an operation."""

import base64
from typing import Any

import orjson
import pytest

from domain.actors import Role
from schema.types.relay import encode_id
from tests.engine import toy
from tests.engine.conftest import TABLES, CountingPool, Toy, an_actor, number

NOBODY = number(7, 7, 7)


def an_id(table: str, index: int = 0, tenant: int = 1) -> str:
    return encode_id(table.capitalize(), number(tenant, TABLES.index(table), index))


def codes(result: Any) -> list[Any]:
    return [(error.path, error.extensions["code"]) for error in result.errors or ()]


async def walked(api: Toy, back: bool, order: str) -> list[str]:
    """Every swap's id, page by page."""
    size, place, info = ("last", "before", "startCursor") if back else ("first", "after", "endCursor")
    more = "hasPreviousPage" if back else "hasNextPage"
    text = f"""query($c: Cursor) {{ swaps({size}: 7, {place}: $c, orderBy: {order}) {{
        nodes {{ id }} pageInfo {{ more: {more} at: {info} }} }} }}"""
    found: list[str] = []
    cursor = None
    while True:
        page = (await api.execute(text, {"c": cursor})).data["swaps"]
        ids = [node["id"] for node in page["nodes"]]
        found = ids + found if back else found + ids
        if not page["pageInfo"]["more"]:
            return found
        cursor = page["pageInfo"]["at"]


async def test_a_nested_read_is_one_statement_at_any_depth(api: Toy) -> None:
    before = api.pool.statements

    result = await api.execute(
        """{ viewer { role me { name isMe } }
             swaps(first: 3) { totalCount edges { cursor node { id status canTake { ok reasons { code } }
               job { startsAt endsAt home { street facts { bedrooms pets } market { name } }
                     shifts { place cleaner { name skills rate rating } } }
               owner { owned(last: 2) { nodes { __typename job { home { jobs(first: 2) { totalCount } } } } } } } }
             pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    )

    assert result.errors is None
    assert len(result.data["swaps"]["edges"]) == 3
    assert api.pool.statements - before == 1


@pytest.mark.parametrize("order", ["NEWEST", "OLDEST", "BY_START", "BY_STATUS"])
async def test_pages_put_together_are_the_list_in_both_directions_in_spite_of_ties(api: Toy, order: str) -> None:
    """R263."""
    whole = (await api.execute(f"{{ swaps(first: 100, orderBy: {order}) {{ nodes {{ id }} }} }}")).data["swaps"][
        "nodes"
    ]

    forwards, backwards = await walked(api, False, order), await walked(api, True, order)

    assert forwards == [node["id"] for node in whole]
    assert backwards == forwards
    assert len(set(forwards)) == 60


async def test_an_empty_page_is_empty(api: Toy) -> None:
    text = """{ swaps(filter: {says: "no such words"}) {
        totalCount nodes { id } edges { cursor } pageInfo { hasNextPage endCursor } } }"""

    result = await api.execute(text)

    assert result.data["swaps"] == {
        "totalCount": 0,
        "nodes": [],
        "edges": [],
        "pageInfo": {"hasNextPage": False, "endCursor": None},
    }


@pytest.mark.parametrize(
    "arguments",
    [
        "first: 0",
        "first: -1",
        "first: 101",
        "last: 101",
        "first: 1, last: 1",
        'after: ""',
        'before: "junk"',
        'filter: {says: "a\\u0000b"}',
        'filter: {createdAtFrom: "2026-01-01T00:00:00"}',
        'filter: {createdAtFrom: "0001-01-01T00:00:00+14:00"}',
    ],
)
async def test_bad_arguments_are_refused_at_their_field(api: Toy, arguments: str) -> None:
    """R19, R230."""
    result = await api.execute(f"{{ swaps({arguments}) {{ nodes {{ id }} }} }}")

    assert result.data is None
    assert codes(result) == [(["swaps"], "INVALID")]
    assert result.errors[0].extensions["field"]


async def test_a_refused_field_leaves_its_nullable_siblings(api: Toy) -> None:
    result = await api.execute("query($id: ID!) { job(id: $id) { id } node(id: $id) { id } }", {"id": an_id("swap")})

    assert result.data["job"] is None
    assert result.data["node"] == {"id": an_id("swap")}
    assert codes(result) == [(["job"], "INVALID_ID")]


@pytest.mark.parametrize(
    "forged",
    [
        ["created_at", "2026-06-01T09:00:00", "x"],
        ["created_at desc", None, str(NOBODY)],
        ["created_at desc", [], str(NOBODY)],
        ["created_at desc", "infinity", str(NOBODY)],
        ["created_at desc", "2026-06-01T09:00:00", 5],
        {},
        7,
        "text",
        [],
    ],
)
async def test_forged_cursors_are_refused(api: Toy, forged: Any) -> None:
    cursor = base64.urlsafe_b64encode(orjson.dumps(forged)).decode()

    for arguments in (f'after: "{cursor}"', f'last: 2, before: "{cursor}"'):
        assert codes(await api.execute(f"{{ swaps({arguments}) {{ totalCount }} }}")) == [(["swaps"], "INVALID")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "junk",
        "U3dhcDo=",
        base64.b64encode(b"Swap:1").decode(),
        an_id("swap")[:-2],
        encode_id("Query", NOBODY),
        encode_id("Payload", NOBODY),
    ],
)
async def test_malformed_ids_and_ids_of_no_row_type_are_refused(api: Toy, text: str) -> None:
    result = await api.execute("query($i: ID!) { node(id: $i) { id } }", {"i": text})

    assert result.data == {"node": None}
    assert codes(result) == [(["node"], "INVALID_ID")]


async def test_foreign_and_unknown_ids_are_null_alike(api: Toy) -> None:
    ids = [an_id("swap", 1), an_id("swap", 1, tenant=2), encode_id("Job", NOBODY), an_id("market"), an_id("swap", 1)]

    result = await api.execute(
        "query($i: [ID!]!, $f: ID!) { nodes(ids: $i) { __typename id ... on Market { name } } node(id: $f) { id } }",
        {"i": ids, "f": an_id("swap", 1, tenant=2)},
    )

    assert result.errors is None
    assert result.data["node"] is None
    swap = {"__typename": "Swap", "id": ids[0]}
    assert result.data["nodes"] == [swap, None, None, {"__typename": "Market", "id": ids[3], "name": "Market 0"}, swap]


async def test_other_roles_fields_are_null_with_an_error_and_own_rows_are_open(api: Toy) -> None:
    """R20."""
    actor = an_actor(role=Role.CLEANER)

    result = await api.execute(
        "{ swaps(first: 2) { nodes { secret } } viewer { me { email } } cleaners { nodes { email isMe } } }",
        actor=actor,
    )

    assert result.data["swaps"] == {"nodes": [{"secret": None}, {"secret": None}]}
    assert codes(result) == [(["swaps", "nodes", place, "secret"], "FORBIDDEN") for place in (0, 1)]
    assert all(node["email"] is None for node in result.data["cleaners"]["nodes"] if not node["isMe"])
    owner = await api.execute("{ cleaners { nodes { email isMe } } }")
    mine = [node["email"] for node in owner.data["cleaners"]["nodes"] if node["isMe"]]
    assert [result.data["viewer"]["me"]["email"]] == mine


async def test_a_session_that_ended_is_unauthenticated_and_an_empty_list_is_not(api: Toy) -> None:
    gone = toy.actor(number(1, 99, 0), Role.OWNER, NOBODY, NOBODY)
    other_role = toy.actor(number(1, 99, 0), Role.OWNER, NOBODY, number(1, 98, 3))

    for actor in (gone, other_role):
        result = await api.execute("{ swaps { totalCount } }", actor=actor)
        assert result.data is None
        assert codes(result) == [(None, "UNAUTHENTICATED")]


async def test_a_statement_that_takes_too_long_is_unavailable(api: Toy) -> None:
    slow = CountingPool(api.pool.pool)
    slow.rewrite = lambda text: text.replace("SELECT json_build_array(", "SELECT json_build_array(pg_sleep(20), ", 1)
    async with api.pool.pool.acquire() as connection:
        await connection.execute("SET statement_timeout = '50ms'")
        slow.pool = connection
        result = await api.execute("{ swaps { totalCount } }", pool=slow)
        await connection.execute("RESET statement_timeout")

    assert codes(result) == [(None, "UNAVAILABLE")]


async def test_a_row_wider_than_a_hundred_columns_is_read(api: Toy) -> None:
    fields = " ".join(f"j{place}: jobs(filter: {{centsFrom: {place}}}) {{ totalCount }}" for place in range(230))

    result = await api.execute(f"{{ {fields} }}")

    assert result.errors is None
    assert {page["totalCount"] for page in result.data.values()} == {24}


async def test_no_text_of_a_client_reaches_the_statement(api: Toy) -> None:
    seen: list[str] = []
    pool = CountingPool(api.pool.pool)
    pool.rewrite = lambda text: seen.append(text) or text  # type: ignore[func-returns-value]

    await api.execute(
        '{ needle: swaps(filter: {says: "needle"}, first: 61) { needle2: nodes { needle3: id } } }', pool=pool
    )

    assert len(seen) == 1
    assert "needle" not in seen[0]
    assert "61" not in seen[0]


async def test_introspection_and_resolvers_of_the_root_go_beside_rows(api: Toy) -> None:
    result = await api.execute("{ version __schema { queryType { name } } viewer { role } __typename }")

    assert result.errors is None
    assert result.data == {
        "version": "toy",
        "__schema": {"queryType": {"name": "Query"}},
        "viewer": {"role": "owner"},
        "__typename": "Query",
    }


async def test_what_needs_no_row_needs_no_statement(api: Toy) -> None:
    before = api.pool.statements

    result = await api.execute("{ __typename version }")

    assert result.data == {"__typename": "Query", "version": "toy"}
    assert api.pool.statements == before


async def test_arguments_of_an_author_reach_the_expression(api: Toy) -> None:
    long = await api.execute(
        "query($n: Int) { mySwaps(atLeast: $n) { nodes { status } } all: mySwaps { totalCount } }", {"n": 5}
    )

    assert {node["status"] for node in long.data["mySwaps"]["nodes"]} <= {"TAKEN"}
    assert long.data["all"]["totalCount"] >= len(long.data["mySwaps"]["nodes"])
