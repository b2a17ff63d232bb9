"""A mutation's payload: the entity under it, read by id inside the mutation's own transaction."""

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType, get_named_type
from graphql.execution.collect_fields import FieldDetails

from resolvers.engine.bindings import Bindings, Entity
from resolvers.engine.compile import Compiled, Compiler, presence, selected, table_of
from resolvers.engine.level import Level
from resolvers.engine.parameters import Parameters
from resolvers.engine.scope import Scope
from resolvers.engine.selection import Selection
from resolvers.engine.shape import Aliased, Field, Reader, Shaped, flat, object_reader
from resolvers.engine.tables import table_text


@dataclass(frozen=True, slots=True)
class PayloadField:
    """Where in a mutation's document an entity is selected."""

    entity: Entity
    type: GraphQLObjectType
    details: list[FieldDetails]
    key: str

    @classmethod
    def of(cls, entity: Entity, info: Any) -> "PayloadField":
        """From the resolve info of the mutation's field."""
        payload = get_named_type(info.return_type)
        return cls(entity, payload, [FieldDetails(node, None) for node in info.field_nodes], str(info.path.key))

    def at(self, shaped: Shaped, index: int) -> Aliased | None:
        """One of the rows that were read, as each alias selected it."""
        rows = {key: found[index] for key, found in shaped.items() if found[index] is not None}
        return Aliased(rows) if rows else None


class PayloadCompiler(Compiler):
    """Compiles the entity's selection with the ids as the first parameter and the transaction's own stamp."""

    def __init__(self, bindings: Bindings, selection: Selection, role: str) -> None:
        super().__init__(bindings, selection, role)
        self.parameters = Parameters(selection.variables, 1)

    def payload(self, found: PayloadField) -> Compiled | None:
        """The statement, or None where the document does not ask for the entity."""
        fields = [
            Field(key, reader=self._rows(found.entity, details))
            for key, details in self.selection.under(found.type, found.details).items()
            if self._leads_to(found, details)
        ]
        return self.finish(object_reader(fields, found.type.name)) if fields else None

    def nothing(self) -> Compiled:
        """A payload without the entity."""
        return self.finish(object_reader([], ""))

    def _leads_to(self, found: PayloadField, details: list[FieldDetails]) -> bool:
        definition = found.type.fields.get(details[0].node.name.value)
        return definition is not None and get_named_type(definition.type).name == found.entity.type.name

    def _rows(self, entity: Entity, details: list[FieldDetails]) -> Reader:
        table, level, name = table_of(entity), Level(), self.alias("a")
        base, row = Scope(self.alias("b"), table), Scope(self.alias("p"), table)
        rules = [
            *self.tenant_rule(base, self.stamp),
            f"{base.column('id' if 'id' in table.c else 'tenant_id')} = ids.id",
        ]
        present = level.add(row.column(presence(table)))
        reader = self.entity(entity, row, level, self.selection.under(entity.type, details))
        self.root.join(
            lambda: (
                f"""LEFT JOIN LATERAL (SELECT json_agg({level.array()} ORDER BY ids.place) AS j
FROM unnest($1::uuid[]) WITH ORDINALITY ids(id, place)
LEFT JOIN LATERAL (SELECT {selected(row, base)} FROM {table_text(table)} {base.alias}
WHERE {" AND ".join(rules)} OFFSET 0) {row.alias} ON true {level.joins()}) {name} ON true"""
            )
        )
        index = self.root.add(f"{name}.j")

        def read(values: Any, state: Any) -> list[Any]:
            rows = [flat(item) if level.is_wide else item for item in values[index] or ()]
            return [None if item[present] is None else reader(item, state) for item in rows]

        return read
