"""What the engine reads from the tables' own description."""

from sqlalchemy import Table


def quoted(name: str) -> str:
    """An identifier as SQL text."""
    return '"' + name.replace('"', '""') + '"'


def table_text(table: Table) -> str:
    """A table's qualified name as SQL text."""
    return quoted(table.name) if table.schema is None else f"{quoted(table.schema)}.{quoted(table.name)}"


def foreign_keys(table: Table) -> dict[str, tuple[Table, str]]:
    """Column -> (table, column) of every foreign key on one column, the tenant's part left out."""
    keys: dict[str, tuple[Table, str]] = {}
    for constraint in table.foreign_key_constraints:
        own = [element for element in constraint.elements if element.parent.name != "tenant_id"]
        if len(own) == 1:
            keys[own[0].parent.name] = (own[0].column.table, own[0].column.name)
    return keys


def has_tenant(table: Table) -> bool:
    """Whether the rows belong to tenants; a scan of such a table always joins on its parent's tenant."""
    return "tenant_id" in table.c
