"""What clients may rely on when they read: pages, gates, ids, errors, one statement an operation."""

from domain.actors import Role
from tests.engine.conftest import Toy, an_actor


async def test_a_nested_read_is_one_statement(api: Toy) -> None:
    before = api.pool.statements

    result = await api.execute(
        """{ viewer { role me { name isMe } }
             swaps(first: 3) { totalCount edges { cursor node { id status canTake { ok reasons { code } }
               job { startsAt endsAt home { street facts { bedrooms pets } market { name } }
                     shifts { place cleaner { name skills rate rating } } }
               owner { owned(last: 2) { nodes { __typename note } } } } }
             pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    )

    assert result.errors is None
    assert len(result.data["swaps"]["edges"]) == 3
    assert api.pool.statements - before == 1


async def test_other_roles_fields_are_null_with_an_error(api: Toy) -> None:
    result = await api.execute("{ swaps(first: 1) { nodes { secret } } }", actor=an_actor(role=Role.CLEANER))

    assert result.data == {"swaps": {"nodes": [{"secret": None}]}}
    assert [error.path for error in result.errors] == [["swaps", "nodes", 0, "secret"]]
    assert [error.extensions["code"] for error in result.errors] == ["FORBIDDEN"]
