"""The whole schema as SQL: tables, walls, functions. The migrations together make a database equal to it."""

from collections.abc import Iterator

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, SetColumnComment

from models import functions
from models.base import APP, DEFINER, FEED, OPS, Policy, metadata, walls

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def statements() -> Iterator[str]:
    """Every statement, in the order in which an empty database takes them."""
    yield f"grant usage on schema public to {APP}, {FEED}, {OPS}, {DEFINER}"
    for table in metadata.sorted_tables:
        yield from _create(table)
    for name, verbs in functions.DEFINER_READS.items():
        yield f"grant {verbs} on {name} to {DEFINER}"
    # Before the policies, which may ask them.
    yield from functions.statements()
    yield from functions.triggers()
    for table in metadata.sorted_tables:
        yield from _wall(table)


def _create(table: Table) -> Iterator[str]:
    yield str(CreateTable(table).compile(dialect=_DIALECT)).strip()
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        yield str(CreateIndex(index).compile(dialect=_DIALECT)).strip()
    for column in table.columns:
        if column.comment:
            yield str(SetColumnComment(column).compile(dialect=_DIALECT)).strip()


def _wall(table: Table) -> Iterator[str]:
    wall = walls[table.name]
    for grant in wall.grants:
        yield f"grant {grant.verbs} on {table.name} to {grant.to}"
    if wall.policies:
        yield f"alter table {table.name} enable row level security"
        yield f"alter table {table.name} force row level security"
    yield from (_policy(table.name, policy) for policy in wall.policies)


def _policy(table: str, policy: Policy) -> str:
    kind = "restrictive" if policy.restrictive else "permissive"
    using = f"using ({policy.rule})" if policy.verb != "INSERT" else ""
    check = f"with check ({policy.check or policy.rule})" if policy.verb in {"ALL", "INSERT", "UPDATE"} else ""
    return f"create policy {policy.name} on {table} as {kind} for {policy.verb} to {policy.to} {using} {check}".strip()
