"""Generated operations: the compiled answer, the executor's over the same rows, and a naive oracle's must be equal."""

import base64
import json
import os
import random
import re
from typing import Any

import pytest
from graphql import execute, parse, validate

from domain.actors import Actor, Role
from resolvers.engine.engine import Request
from resolvers.engine.executor import RowExecutor
from tests.engine.conftest import TABLES, CountingPool, Toy, an_actor, number
from tests.engine.documents import Generated, Generator
from tests.engine.oracle import TYPES, Oracle, cursor, visible_rows

DOCUMENTS = int(os.environ.get("ENGINE_DOCUMENTS", "60"))
SEED = os.environ.get("ENGINE_SEED", "1")
FOREIGN = 2


def _values(chance: random.Random, rows: dict[str, list[dict[str, Any]]]) -> Any:
    """Arguments' leaves: existing and foreign ids, cursors of the right and of the wrong order, ties and extremes."""

    def an_id(name: str) -> str:
        usual = {"jobId": "job", "ownerId": "cleaner", "market": "market"}.get(name)
        table = usual if usual and chance.random() < 0.85 else chance.choice(list(TYPES))
        key = (
            chance.choice(rows[table])["id"]
            if rows[table] and chance.random() < 0.85
            else number(FOREIGN, TABLES.index(table), 1)
        )
        return base64.urlsafe_b64encode(f"{TYPES[table]}:{key}".encode()).decode() if chance.random() < 0.95 else "junk"

    def a_cursor(field_name: str) -> str:
        table = "swap" if field_name == "swap" else "job"
        order, column = chance.choice(
            [("created_at desc", "created_at")] * 4 + [("created_at", "created_at"), ("status desc", "status")]
            if table == "swap"
            else [("starts_at", "starts_at"), ("id", "id"), ("id", "id"), ("cents desc", "cents")]
        )
        row = chance.choice(rows[table])
        return cursor(order, row[column], row["id"]) if chance.random() < 0.95 else chance.choice(["", "WzFd", "%%%"])

    def value(type_name: str, name: str) -> Any:
        match type_name:
            case "ID":
                return an_id(name)
            case "Cursor":
                return a_cursor(name.partition(":")[2])
            case "Int" if name in {"first", "last"}:
                return (
                    chance.choice([1, 1, 2, 3, 5, 30, 100, 0, 101])
                    if chance.random() < 0.3
                    else chance.choice([1, 2, 3])
                )
            case "Int":
                return chance.choice([0, 5, 9900, 12050, 2**31 - 1])
            case "DateTime":
                return chance.choice([row["created_at"] for row in rows["swap"]]).isoformat()
            case "Boolean":
                return chance.random() < 0.5
        return chance.choice(["", "open", 'call "first"', "🧹", "100%", "nothing like it"])

    return value


def comparable(result: Any) -> tuple[str, list[Any]]:
    """The data with the types of its numbers, and the errors' paths and codes."""
    # Which of a field's two faults is named first is nobody's business.
    codes = [(str(e.path), (e.extensions or {}).get("code")) for e in result.errors or ()]
    errors = sorted((path, "INVALID" if code == "INVALID_ID" else code or "") for path, code in codes)
    return json.dumps(result.data, sort_keys=False, ensure_ascii=False), errors


async def _through_the_executor(api: Toy, text: str, variables: dict[str, Any], actor: Actor) -> Any:
    document = parse(text)
    prepared = api.engine.prepare(Request(text, document, None, variables), str(actor.role))
    assert prepared is not None
    answer = await api.engine.fetch(api.pool, prepared, actor)
    return execute(api.engine.schema, document, answer.shaped, variable_values=variables, executor_class=RowExecutor)


def _usable(api: Toy, made: Generated) -> bool:
    return not validate(api.engine.schema, parse(made.text))


@pytest.mark.parametrize("role", [Role.OWNER, Role.CLEANER])
async def test_generated_operations_are_answered_like_the_oracle(api: Toy, role: Role) -> None:
    actor = an_actor(1, role)
    rows = await visible_rows(api.pool, actor)
    oracle = Oracle(api.schema.as_str(), rows, actor)
    chance = random.Random(f"{role}-{SEED}")  # noqa: S311 - repeatable on purpose
    generator = Generator(api.engine.schema, chance, _values(chance, rows))
    compared = refused = 0

    while compared < DOCUMENTS * 3:
        made = generator.document()
        if not _usable(api, made):
            continue
        for variables in made.variables:
            expected = comparable(oracle.execute(made.text, variables))
            before = api.pool.statements
            result = await api.execute(made.text, variables, actor)
            assert comparable(result) == expected, (made.text, variables)
            assert api.pool.statements - before <= 1
            again = await _through_the_executor(api, made.text, variables, actor)
            assert comparable(again) == expected, (made.text, variables)
            compared += 1
            refused += bool(expected[1])

    assert refused < compared * 0.6


@pytest.mark.parametrize("wall", ["predicates", "policies"])
async def test_each_wall_alone_keeps_the_tenants_apart(api: Toy, wall: str) -> None:
    """Superusers see what the statement's predicates let through, the app role without them what policies do (R1)."""
    actor = an_actor(1, Role.OWNER)
    rows = await visible_rows(api.pool, actor)
    oracle = Oracle(api.schema.as_str(), rows, actor)
    chance = random.Random(f"{wall}-{SEED}")  # noqa: S311 - repeatable on purpose
    generator = Generator(api.engine.schema, chance, _values(chance, rows))
    pool = CountingPool(api.superuser.pool if wall == "predicates" else api.pool.pool)
    pool.rewrite = None if wall == "predicates" else _without_predicates

    for _ in range(DOCUMENTS):
        made = generator.document()
        if not _usable(api, made):
            continue
        result = await api.execute(made.text, made.variables[0], actor, pool)
        assert comparable(result) == comparable(oracle.execute(made.text, made.variables[0])), made.text
    assert pool.statements > DOCUMENTS / 3


def _without_predicates(text: str) -> str:
    bare = re.sub(r'\b[bt]\d+\."tenant_id" = \w+\."tenant_id"', "true", text)
    assert bare != text or 'FROM "' not in text
    return bare
