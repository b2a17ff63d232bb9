"""Lists of rows: connections by keyset, and plain lists with a declared limit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql.execution.collect_fields import FieldDetails

from resolvers.engine.bindings import Bound
from resolvers.engine.keyset import Order, decode_cursor, encode_cursor, is_backward, page_size
from resolvers.engine.level import Level
from resolvers.engine.parameters import ArgsText, Take, taking, taking_filter
from resolvers.engine.scope import RowText, Scope, written
from resolvers.engine.shape import Reader, Shaped, State, flat
from resolvers.engine.sources import Many
from resolvers.engine.tables import table_text
from resolvers.engine.values import KEY_TYPES, key_kind, python_leaf

if TYPE_CHECKING:
    from sqlalchemy import Table

    from resolvers.engine.compile import Compiler, Site

KEY = '"_key"'
"""The order's value in a page's rows; no column is called so."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """The order of a page as SQL: the key's expression in the table's row, and which way rows are read."""

    order: Order
    key: str | None
    kind: type
    descending: bool

    def clause(self, key: str | None, row_id: str) -> str:
        """ORDER BY over these expressions."""
        way = " DESC" if self.descending else ""
        return f"{row_id}{way}" if key is None else f"{key}{way}, {row_id}{way}"


@dataclass(slots=True)
class Page:
    """The rows of one page, and what lies around them."""

    rows: list[Any]
    has_next: bool
    has_previous: bool


Part = Callable[[Any, Page, State], Any]


def listed(compiler: "Compiler", site: "Site") -> Reader:
    """A plain list: the first rows up to the declared limit."""
    word, table = _many(site.bound)
    base, row, level, found = _names(compiler, table)
    sorting = _sorting(compiler, site, base, site.bound.orders[0], backward=False)
    rules = _rules(compiler, site, base)
    entity, grouped = compiler.under(site.bound, site.details)
    reader = _rows(level, compiler.entity(entity, row, level, grouped))
    site.level.join(_join(_Parts(table, base, row, level, found, sorting, rules, str(int(word.limit)))))
    index = site.level.add(f"{found}.j")
    return lambda values, state: [reader(item, state) for item in values[index] or ()]


def connection(compiler: "Compiler", site: "Site") -> Reader:
    """A page of a connection; raises `Refused` where the arguments contradict each other."""
    given = compiler.parameters.slots[_slot(site)].first
    backward = is_backward(dict(given))
    connection_type = site.bound.connection
    assert connection_type is not None  # noqa: S101 - the caller saw that it is a connection
    grouped = compiler.selection.under(connection_type, site.details)
    page = _PageCompiler(compiler, site, backward)
    parts = [(key, page.part(details)) for key, details in grouped.items()]
    page.close()
    return page.reader(parts)


class _PageCompiler:
    def __init__(self, compiler: "Compiler", site: "Site", backward: bool) -> None:
        self.compiler, self.site, self.backward = compiler, site, backward
        self.table = _many(site.bound)[1]
        self.base, self.row, self.level, self.found = _names(compiler, self.table)
        self.slot = _slot(site)
        self.given = compiler.parameters.slots[self.slot].first
        self.order = _chosen(site.bound, self.given)
        self.sorting = _sorting(compiler, site, self.base, self.order, backward=backward)
        self.index: int | None = None
        self._rules: list[str] | None = None
        self.parameters = compiler.parameters
        self.parameters.slots[self.slot].checks.append(_check_page)

    @property
    def rules(self) -> list[str]:
        """The list's conditions; written only if something is read under them, for each placeholder must be used."""
        if self._rules is None:
            own = _rules(self.compiler, self.site, self.base)
            self._rules = [*own, *_filter_rules(self.compiler, self.site, self.base)]
        return self._rules

    def part(self, details: list[FieldDetails]) -> Part:
        name = details[0].node.name.value
        type_name = self.site.bound.connection.name  # type: ignore[union-attr]
        match name:
            case "__typename":
                return lambda _values, _page, _state: type_name
            case "totalCount":
                return self._count()
            case "edges":
                return self._edges(details)
            case "nodes":
                return self._each(self._node(details))
        return self._page_info(details)

    def _count(self) -> Part:
        rules = f" WHERE {' AND '.join(self.rules)}" if self.rules else ""
        index = self.site.level.add(f"(SELECT count(*) FROM {table_text(self.table)} {self.base.alias}{rules})")
        return lambda values, _page, _state: values[index]

    def _node(self, details: list[FieldDetails]) -> Reader:
        self._use()
        entity, grouped = self.compiler.under(self.site.bound, details)
        return self.compiler.entity(entity, self.row, self.level, grouped)

    def _each(self, reader: Reader) -> Part:
        return lambda _values, page, state: [reader(row, state) for row in page.rows]

    def _edges(self, details: list[FieldDetails]) -> Part:
        self._use()
        edge = self.site.bound.connection.fields["edges"].type  # type: ignore[union-attr]
        type_ = _object_of(edge)
        fields: list[tuple[str, Reader]] = []
        for key, found in self.compiler.selection.under(type_, details).items():
            match found[0].node.name.value:
                case "node":
                    fields.append((key, self._node(found)))
                case "cursor":
                    fields.append((key, self._cursor()))
                case _:
                    fields.append((key, _constantly(type_.name)))

        def read(row: Any, state: State) -> Shaped:
            shaped = Shaped()
            shaped.typename = type_.name
            for key, reader in fields:
                shaped[key] = reader(row, state)
            return shaped

        return self._each(read)

    def _cursor(self) -> Reader:
        self._use()
        tag, row_id = self.order.tag, self.level.add(self.row.column("id"))
        if self.sorting.key is None:
            return lambda row, _state: encode_cursor(tag, row[row_id], row[row_id])
        key = self.level.add(python_leaf(self.sorting.kind).select(f"{self.row.alias}.{KEY}"))
        return lambda row, _state: encode_cursor(tag, row[key], row[row_id])

    def _page_info(self, details: list[FieldDetails]) -> Part:
        self._use()
        type_ = _object_of(self.site.bound.connection.fields["pageInfo"].type)  # type: ignore[union-attr]
        parts: list[tuple[str, Part]] = []
        for key, found in self.compiler.selection.under(type_, details).items():
            parts.append((key, self._page_fact(found[0].node.name.value, type_.name)))

        def read(values: Any, page: Page, state: State) -> Shaped:
            shaped = Shaped()
            shaped.typename = type_.name
            for key, part in parts:
                shaped[key] = part(values, page, state)
            return shaped

        return read

    def _page_fact(self, name: str, type_name: str) -> Part:
        match name:
            case "hasNextPage":
                return lambda _values, page, _state: page.has_next
            case "hasPreviousPage":
                return lambda _values, page, _state: page.has_previous
            case "startCursor" | "endCursor":
                cursor, at = self._cursor(), 0 if name == "startCursor" else -1
                return lambda _values, page, state: cursor(page.rows[at], state) if page.rows else None
        return lambda _values, _page, _state: type_name

    def _use(self) -> None:
        """The rows are needed: make the join, once."""
        if self.index is None:
            self.index = self.site.level.add(f"{self.found}.j")
            rules = [*self.rules, *self._cursor_rules()]
            limit = self.parameters.place(self.slot, "bigint", lambda given: page_size(dict(given)) + 1, instead=0)
            parts = _Parts(self.table, self.base, self.row, self.level, self.found, self.sorting, rules, limit)
            self.site.level.join(_join(parts))

    def _cursor_rules(self) -> list[str]:
        rules = []
        for name, is_behind in (("after", True), ("before", False)):
            if self.given.get(name) is None:
                continue
            sign = ">" if is_behind != self.order.descending else "<"
            rules.append(self._beyond(name, sign))
        return rules

    def _beyond(self, name: str, sign: str) -> str:
        row_id = self.base.column("id")
        id_place = self.parameters.place(self.slot, "uuid", self._cursor_part(name, 1))
        if self.sorting.key is None:
            return f"{row_id} {sign} {id_place}"
        key_place = self.parameters.place(self.slot, KEY_TYPES[self.sorting.kind], self._cursor_part(name, 0))
        return f"({self.sorting.key}, {row_id}) {sign} ({key_place}, {id_place})"

    def _cursor_part(self, name: str, part: int) -> Take:
        tag, kind = self.order.tag, self.sorting.kind
        return taking(name, lambda text: decode_cursor(text, tag, kind, name)[part])

    def close(self) -> None:
        """Filters and cursors are checked even where nothing is asked for."""
        checks = self.parameters.slots[self.slot].checks
        if self._rules is None:
            checks += [take for _, take, _ in _filters(self.site, self.given)]
        if self.index is None:
            checks += [self._cursor_part(name, 0) for name in ("after", "before") if self.given.get(name) is not None]

    def reader(self, parts: list[tuple[str, Part]]) -> Reader:
        index, slot, backward, wide = self.index, self.slot, self.backward, self.level.is_wide
        has_after, has_before = self.given.get("after") is not None, self.given.get("before") is not None
        type_name = self.site.bound.connection.name  # type: ignore[union-attr]

        def page_of(values: Any, state: State) -> Page:
            rows = (values[index] or []) if index is not None else []
            size = page_size(dict(state.arguments[slot]))
            more = len(rows) > size
            rows = rows[:size] if more else rows
            if backward:
                rows = rows[::-1]
            if wide:
                rows = [flat(row) for row in rows]
            return Page(rows, has_before, more) if backward else Page(rows, more, has_after)

        def read(values: Any, state: State) -> Shaped:
            page = page_of(values, state)
            shaped = Shaped()
            shaped.typename = type_name
            for key, part in parts:
                shaped[key] = part(values, page, state)
            return shaped

        return read


@dataclass(frozen=True, slots=True)
class _Parts:
    table: "Table"
    base: Scope
    row: Scope
    level: Level
    found: str
    sorting: Sorting
    rules: list[str]
    limit: str


def _join(parts: _Parts) -> Callable[[], str]:
    def text() -> str:
        sorting, base, row = parts.sorting, parts.base, parts.row
        array, joins = parts.level.array(), parts.level.joins()
        outer = sorting.clause(None if sorting.key is None else f"{row.alias}.{KEY}", row.column("id"))
        inner = sorting.clause(sorting.key, base.column("id"))
        key = "" if sorting.key is None else f", {sorting.key} AS {KEY}"
        where = f"WHERE {' AND '.join(parts.rules)}" if parts.rules else ""
        columns = ", ".join(f'{base.alias}."{name}"' for name in row.needed)
        return f"""LEFT JOIN LATERAL (SELECT json_agg({array} ORDER BY {outer}) AS j FROM (SELECT {columns}{key}
FROM {table_text(parts.table)} {base.alias} {where} ORDER BY {inner} LIMIT {parts.limit}) {row.alias}
{joins}) {parts.found} ON true"""

    return text


def _rules(compiler: "Compiler", site: "Site", base: Scope) -> list[str]:
    word, _ = _many(site.bound)
    rules = [] if word.across_tenants else compiler.tenant_rule(base, site.scope)
    if site.bound.via is not None:
        via, to = site.bound.via
        rules.append(f"{base.column(via)} = {site.scope.column(to)}")
    if word.where is not None:
        places: dict[str, Any] = {"row": RowText(base)}
        if site.slot is not None:
            places["args"] = ArgsText(compiler.parameters, site.slot)
        rules.append(f"({written(word.where, **places)})")
    return rules


def _filter_rules(compiler: "Compiler", site: "Site", base: Scope) -> list[str]:
    slot = _slot(site)
    return [
        text(base, compiler.parameters.place(slot, sql_type, take))
        for sql_type, take, text in _filters(site, compiler.parameters.slots[slot].first)
    ]


def _filters(site: "Site", given: Any) -> list[tuple[str, Any, Any]]:
    conditions = site.bound.conditions
    return [
        (conditions[name].sql_type, taking_filter(name, conditions[name].take), conditions[name].text)
        for name, value in (given.get("filter") or {}).items()
        if value is not None
    ]


def _sorting(compiler: "Compiler", site: "Site", base: Scope, order: Order, *, backward: bool) -> Sorting:
    descending = order.descending != backward
    if order.name == "id":
        return Sorting(order, None, key_kind(base.table.c["id"].type), descending)  # type: ignore[union-attr]
    named = site.bound.expressions.get(order.name)
    if named is not None:
        return Sorting(order, f"({written(named.write, row=RowText(base))})", named.kind or str, descending)
    column = base.table.c[order.name]  # type: ignore[union-attr]
    return Sorting(order, base.column(order.name), key_kind(column.type), descending)


def _chosen(bound: Bound, given: Any) -> Order:
    wanted = given.get("orderBy")
    return bound.orders[0] if wanted is None else Order.parse(str(wanted.value))


def _check_page(given: Any) -> None:
    page_size(dict(given))


def _names(compiler: "Compiler", table: "Table") -> tuple[Scope, Scope, Level, str]:
    base, row = Scope(compiler.alias("b"), table), Scope(compiler.alias("p"), table)
    return base, row, Level(), compiler.alias("a")


def _many(bound: Bound) -> "tuple[Many, Table]":
    word = bound.word
    assert isinstance(word, Many)  # noqa: S101 - the caller dispatched on the word
    assert word.table is not None  # noqa: S101 - bound with its table
    return word, word.table


def _slot(site: "Site") -> int:
    assert site.slot is not None  # noqa: S101 - a connection has arguments
    return site.slot


def _rows(level: Level, reader: Reader) -> Reader:
    def read(row: Any, state: State) -> Any:
        return reader(flat(row) if level.is_wide else row, state)

    return read


def _object_of(type_: Any) -> Any:
    while hasattr(type_, "of_type"):
        type_ = type_.of_type
    return type_


def _constantly(value: Any) -> Reader:
    return lambda _row, _state: value
