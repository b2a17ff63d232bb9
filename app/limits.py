"""The plain limits on documents: each with a clear error, all reckoned in one pass over a validated document.

Fragments are measured once each, however often they are spread, so that nested fragments cannot blow the reckoning up.
"""

from collections.abc import Collection
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    validate,
)
from graphql.validation.validate import ValidationAbortedError

DOCUMENT_BYTES = 64 * 1024
TOKENS = 5_000
DEPTH = 10
ALIASES = 15
ROOT_FIELDS = 10
FAULTS = 100
ONCE = frozenset(
    {"signIn", "signInWithPin", "setPin", "refreshSession", "acceptInvite", "resetPassword", "signInWithLink"}
)
"""Mutations of which a document may hold one: a batch of guesses must not pass as one request."""


@dataclass(frozen=True, slots=True)
class Size:
    """How deep a selection goes, how many aliases it holds, and how many guarded mutations."""

    depth: int = 0
    aliases: int = 0
    guarded: int = 0

    def beside(self, other: "Size") -> "Size":
        """Both, as siblings."""
        return Size(max(self.depth, other.depth), self.aliases + other.aliases, self.guarded + other.guarded)


def checked(schema: GraphQLSchema, document: DocumentNode, *, hide_suggestions: bool = False) -> list[GraphQLError]:
    """The specification's errors, and where there are none those of the limits.

    `hide_suggestions` is for a closed schema: guesses at what was meant would give its names away (R256).
    """
    errors = validate(schema, document, max_errors=FAULTS, hide_suggestions=hide_suggestions)
    return [_told(error) for error in errors] or excesses(document)


def _told(error: GraphQLError) -> GraphQLError:
    if not isinstance(error, ValidationAbortedError):
        return error
    return GraphQLError(f"The document has more than {FAULTS} faults, or nests too deeply: the rest is not checked.")


def excesses(document: DocumentNode) -> list[GraphQLError]:
    """What is beyond the limits; the document must have passed validation, so its fragments have no cycles."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    measure = _Measure(fragments)
    found: list[GraphQLError] = []
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            found += _judged(operation, measure)
    return found


def root_fields(document: DocumentNode, operation: OperationDefinitionNode) -> set[str]:
    """The names (not aliases) of the operation's root fields, also through fragments; the document must be valid."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    found: set[str] = set()
    spread: set[str] = set()
    waiting = [operation.selection_set]
    while waiting:
        for one in waiting.pop().selections:
            if isinstance(one, FieldNode):
                found.add(one.name.value)
            elif isinstance(one, InlineFragmentNode):
                waiting.append(one.selection_set)
            elif isinstance(one, FragmentSpreadNode) and one.name.value not in spread:
                spread.add(one.name.value)
                waiting.append(fragments[one.name.value].selection_set)
    return found


def _judged(operation: OperationDefinitionNode, measure: "_Measure") -> Collection[GraphQLError]:
    size = measure.of(operation.selection_set)
    limits = (
        (size.depth, DEPTH, "levels deep"),
        (size.aliases, ALIASES, "aliases"),
        (measure.roots(operation.selection_set), ROOT_FIELDS, "root fields"),
        (size.guarded, 1, "sign-in fields"),
    )
    return [
        GraphQLError(f"The operation has {found} {what}; at most {most} are allowed.", [operation])
        for found, most, what in limits
        if found > most
    ]


class _Measure:
    """Sizes of selections, those of fragments remembered."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._sizes: dict[str, Size] = {}
        self._roots: dict[str, int] = {}

    def of(self, selected: SelectionSetNode | None) -> Size:
        total = Size()
        for one in selected.selections if selected else ():
            if isinstance(one, FieldNode):
                inner = self.of(one.selection_set)
                total = total.beside(
                    Size(
                        0 if one.name.value.startswith("__") else inner.depth + 1,
                        inner.aliases + (one.alias is not None),
                        inner.guarded + (one.name.value in ONCE),
                    )
                )
            elif isinstance(one, FragmentSpreadNode):
                total = total.beside(self._spread(one.name.value))
            else:
                total = total.beside(self.of(one.selection_set))  # type: ignore[attr-defined]
        return total

    def roots(self, selected: SelectionSetNode) -> int:
        count = 0
        for one in selected.selections:
            if isinstance(one, FieldNode):
                count += 1
            elif isinstance(one, FragmentSpreadNode):
                name = one.name.value
                if name not in self._roots:
                    self._roots[name] = self.roots(self._fragments[name].selection_set)
                count += self._roots[name]
            else:
                count += self.roots(one.selection_set)  # type: ignore[attr-defined]
        return count

    def _spread(self, name: str) -> Size:
        if name not in self._sizes:
            self._sizes[name] = self.of(self._fragments[name].selection_set)
        return self._sizes[name]
