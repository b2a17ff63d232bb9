"""What an operation selects, collected by graphql-core: fragments, directives and merging as the executor has them."""

from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues, get_variable_values

Grouped = dict[str, list[FieldDetails]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a parsed and validated document."""

    schema: GraphQLSchema
    node: OperationDefinitionNode
    fragments: dict[str, FragmentDetails]

    @classmethod
    def of(cls, schema: GraphQLSchema, document: DocumentNode, name: str | None) -> "Operation | None":
        """The operation that a request means, or None where it means none or several."""
        named = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        if name is not None:
            named = [node for node in named if node.name is not None and node.name.value == name]
        if len(named) != 1:
            return None
        fragments = {
            node.name.value: FragmentDetails(node)
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        return cls(schema, named[0], fragments)

    @property
    def is_query(self) -> bool:
        """Whether the engine answers it."""
        return self.node.operation is OperationType.QUERY

    def variables(self, raw: dict[str, Any] | None) -> VariableValues | list[GraphQLError]:
        """The request's variables, coerced by graphql-core, or what is wrong with them."""
        return get_variable_values(self.schema, self.node.variable_definitions or (), raw or {})


@dataclass(frozen=True, slots=True)
class Selection:
    """An operation under given variables."""

    operation: Operation
    variables: VariableValues

    def root(self, type_: GraphQLObjectType) -> Grouped:
        """The root fields by response key."""
        operation = self.operation
        return collect_fields(
            operation.schema, operation.fragments, self.variables, type_, operation.node
        ).grouped_field_set

    def under(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> Grouped:
        """The fields of a value of this type under a field, by response key."""
        operation = self.operation
        return collect_subfields(
            operation.schema, operation.fragments, self.variables, operation.node, type_, details
        ).grouped_field_set
