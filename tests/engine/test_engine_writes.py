"""Payloads of mutations, deltas of feeds, and what is checked at start."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import strawberry
from graphql import parse
from strawberry.schema.config import StrawberryConfig

from resolvers.engine.bindings import IncompleteSources
from resolvers.engine.engine import Engine, Request
from resolvers.engine.executor import RowExecutor
from resolvers.engine.sources import Registry, column, many, sql
from schema.types.relay import SCALARS, Connection, Node, paged
from tests.engine import toy
from tests.engine.conftest import TABLES, Toy, number

TOUCH = """mutation($id: UUID!, $note: String!, $n: Int) { touch(id: $id, note: $note) {
    swap { __typename note owner { owned(first: $n) { totalCount } } } again: swap { ...S } errors } }
    fragment S on Swap { status canTake { ok } }"""
DELTA = """subscription { market { __typename
    ... on Opened { cursor swap { id status createdAt job { startsAt cents } %s } } ... on Closed { id } } }"""
OPENED = {
    "__typename": "Opened",
    "cursor": "1.7",
    "swap": {
        "id": "U3dhcDox",
        "status": "open",
        "created_at": "2026-06-01T09:00:00+00:00",
        "owner_id": "me",
        "job": {"id": "Sm9iOjE=", "starts_at": "2026-06-03T09:00:00+00:00", "cents": 9900},
    },
}


def swap_id(tenant: int = 1, index: int = 4) -> str:
    return str(number(tenant, TABLES.index("swap"), index))


async def test_a_payload_shows_the_uncommitted_row_as_each_alias_selects_it(api: Toy) -> None:
    result = await api.execute(TOUCH, {"id": swap_id(), "note": "new words", "n": 1})

    assert result.errors is None
    touched = result.data["touch"]
    assert touched["swap"]["note"] == "new words"
    assert touched["swap"]["__typename"] == "Swap"
    assert touched["swap"]["owner"]["owned"]["totalCount"] > 0
    assert set(touched["again"]) == {"status", "canTake"}


async def test_a_payload_of_another_tenants_row_is_null_and_nothing_is_written(api: Toy) -> None:
    result = await api.execute(TOUCH, {"id": swap_id(tenant=2), "note": "stolen", "n": 1})

    assert result.data["touch"]["swap"] is None
    async with api.superuser.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM swap WHERE note = 'stolen'") == 0


async def test_a_refused_argument_in_a_payload_is_an_error_at_its_path(api: Toy) -> None:
    result = await api.execute(TOUCH, {"id": swap_id(), "note": "x", "n": 0})

    assert [error.extensions["code"] for error in result.errors] == ["INVALID"]
    assert result.errors[0].path == ["touch", "swap", "owner", "owned"]
    assert result.data["touch"]["swap"] is None
    assert result.data["touch"]["again"] is not None


def test_a_delta_is_rendered_from_the_mapping_without_a_query(api: Toy) -> None:
    renderer = api.engine.renderer(parse(DELTA % "ageDays"))

    result = renderer.render(OPENED, now=datetime(2026, 6, 4, 10, tzinfo=UTC))

    assert result.errors is None
    assert result.data == {
        "market": {
            "__typename": "Opened",
            "cursor": "1.7",
            "swap": {
                "id": "U3dhcDox",
                "status": "OPEN",
                "createdAt": "2026-06-01T09:00:00+00:00",
                "job": {"startsAt": "2026-06-03T09:00:00+00:00", "cents": 9900},
                "ageDays": 3,
            },
        }
    }
    assert not renderer.needs_viewer
    assert renderer.render({"__typename": "Closed", "id": "x"}).data == {"market": {"__typename": "Closed", "id": "x"}}


def test_only_a_document_that_selects_the_viewers_fields_needs_the_viewer(api: Toy) -> None:
    renderer = api.engine.renderer(parse(DELTA % "canTake { ok reasons { code } }"))

    assert renderer.needs_viewer
    for viewer, may in (("me", False), ("you", True)):
        result: Any = renderer.render(OPENED, viewer={"id": viewer})
        assert result.data["market"]["swap"]["canTake"]["ok"] is may


def test_a_delta_without_a_required_value_is_an_error_at_its_path(api: Toy) -> None:
    renderer = api.engine.renderer(parse(DELTA % ""))

    result: Any = renderer.render({"__typename": "Opened", "cursor": "1", "swap": {"id": "x"}})

    assert result.data is None
    assert result.errors[0].path == ["market", "swap", "status"]


def _faulty(fields: dict[str, Any], declare: Callable[[Registry, Any], None]) -> None:
    thing: Any = strawberry.type(type("Swap", (Node,), {"__annotations__": fields, "__module__": __name__}))
    query = strawberry.type(
        type("Query", (), {"__annotations__": {"swaps": Connection[thing]}, "swaps": paged(), "__module__": __name__})
    )
    schema = strawberry.Schema(query, config=StrawberryConfig(scalar_map=SCALARS), execution_context_class=RowExecutor)
    registry = Registry()
    registry.sources(query, None)
    declare(registry, thing)
    Engine(registry, schema, toy.STAMPS)


@pytest.mark.parametrize(
    ("fields", "words", "fault"),
    [
        ({"refusals": str}, {}, "no source for Swap.refusals"),
        ({"note": str}, {"nope": column()}, "Swap has no field nope"),
        ({"note": str}, {"note": column().only("owner")}, "Swap.note is for some roles only, so it must be nullable"),
        ({"note": str}, {"note": sql(lambda row: f"{row.nowhere}")}, "swap has no column nowhere"),
        ({"note": str}, {"note": column("nowhere")}, "no source for Swap.note"),
        ({"swaps": Connection[toy.Job]}, {"swaps": many(toy.job)}, "no source for Swap.swaps"),
    ],
)
def test_a_declaration_that_does_not_fit_the_contract_is_named_at_start(
    fields: dict[str, Any], words: dict[str, Any], fault: str
) -> None:
    with pytest.raises(IncompleteSources, match=fault):
        _faulty(fields, lambda registry, thing: registry.sources(thing, toy.swap, **words))


def test_one_off_documents_do_not_evict_a_document_used_twice(api: Toy) -> None:
    schema, _ = toy.schema_and_engine()
    engine = Engine(toy.declare(), schema, toy.STAMPS, cache_bytes=400_000)
    proven = "{ swaps { nodes { id } } }"

    def prepared(text: str) -> Any:
        found = engine.prepare(Request(text, parse(text)), "owner")
        assert found is not None
        return found.plan

    prepared(proven)
    plan = prepared(proven)
    for place in range(300):
        prepared(f"{{ a{place}: swaps {{ nodes {{ id note }} totalCount }} }}")

    assert prepared(proven) is plan
    assert engine.cached_bytes <= 400_000
