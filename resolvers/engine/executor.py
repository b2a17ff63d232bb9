"""Strawberry's executor over shaped rows: reads each field by its response key, without arguments, info or wrappers.

Leaves are in their final form already; what is left is what GraphQL demands of nulls and errors.
"""

from typing import Any

from graphql import (
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from resolvers.engine.shape import Aliased, Shaped

Details = list[FieldDetails]


class RowExecutor(StrawberryGraphQLCoreExecutionContext):
    """For `strawberry.Schema(execution_context_class=RowExecutor)`."""

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: Details,
        path: Path,
        position_context: Any,
    ) -> Any:
        """A field of a shaped row is there already; every other field goes the usual way."""
        if type(source) is not Shaped or path.key not in source:
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        definition = self.schema.get_field(parent_type, field_details_list[0].node.name.value)
        assert definition is not None  # noqa: S101 - the document was validated
        return self._guarded(definition.type, field_details_list, path, source[str(path.key)])

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Details,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """A mutation's payload may hold a row; it needs no check of its type."""
        if type(result) is Aliased:
            result = result.by_key[_response_key(path)]
        if type(result) is Shaped:
            return self.collect_and_execute_subfields(return_type, field_details_list, path, result, position_context)
        return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)

    def _guarded(self, type_: GraphQLOutputType, details: Details, path: Path, value: Any) -> Any:
        try:
            return self._finished(type_, details, path, value)
        except Exception as error:  # noqa: BLE001 - the executor's own edge: every field error is located here
            self.handle_field_error(error, type_, details, path)
            return None

    def _finished(self, type_: GraphQLOutputType, details: Details, path: Path, value: Any) -> Any:
        if isinstance(value, Exception):
            # A plan's own refusal is raised again and again: without this it would keep every request's frames.
            raise value.with_traceback(None)
        if isinstance(type_, GraphQLNonNull):
            completed = self._finished(type_.of_type, details, path, value)
            if completed is None:
                raise TypeError(f"Cannot return null for non-nullable field {details[0].node.name.value}.")
            return completed
        if value is None or is_leaf_type(type_):
            return value
        if isinstance(type_, GraphQLList):
            return [
                self._guarded(type_.of_type, details, path.add_key(index, None), item)
                for index, item in enumerate(value)
            ]
        runtime = type_ if isinstance(type_, GraphQLObjectType) else self.schema.type_map[value.typename]
        return self.collect_and_execute_subfields(runtime, details, path, value, None)  # type: ignore[arg-type]


def _response_key(path: Path) -> Any:
    place: Path | None = path
    while place is not None and isinstance(place.key, int):
        place = place.prev
    return place.key if place is not None else None
