"""The read engine: plans an operation, fetches it by one statement, and shapes the answer."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import orjson
import strawberry
from graphql import DocumentNode, GraphQLError, GraphQLSchema
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues

from db.engine import GONE, NOT_NOW
from domain.actors import Actor
from domain.errors import Code, Refused, Unauthenticated, Unavailable
from resolvers.engine.bindings import bind
from resolvers.engine.compile import Compiled, Compiler
from resolvers.engine.executor import RowExecutor
from resolvers.engine.payload import PayloadCompiler, PayloadField
from resolvers.engine.plans import DOCUMENT_FACTOR, Family, Plan, PlanCache, shape_of
from resolvers.engine.render import Renderer
from resolvers.engine.selection import Operation, Selection
from resolvers.engine.shape import Aliased, Shaped, State, flat, publish
from resolvers.engine.sources import Registry

CACHE_BYTES = 64 * 2**20


class Fetching(Protocol):
    """A pool or a connection of asyncpg."""

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first column of the first row, or None."""


@dataclass(frozen=True, slots=True)
class Stamps:
    """SQL texts of the root row: set and verified for a read, found there inside a write's transaction.

    `stamp` and `stamped` yield `stamp(tenant_id, actor_id, role, session_id)`, the first from $1 to $4 as text;
    `verified` and `timed` are joins that yield `live(business_now)`, the first no row for a session that ended.
    """

    stamp: str
    verified: str
    stamped: str
    timed: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read; `is_final` says that the executor has nothing to add."""

    shaped: Shaped
    is_final: bool


@dataclass(frozen=True, slots=True)
class Request:
    """One operation as a client sent it, its document parsed and validated."""

    text: str
    document: DocumentNode
    operation_name: str | None = None
    variables: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan and the variables it is to be run with."""

    plan: Plan
    variables: VariableValues


class Engine:
    """Answers queries, mutation payloads and deltas from one set of declarations.

    Raises `IncompleteSources` at once if the declarations do not fit the contract.
    """

    def __init__(
        self,
        registry: Registry,
        schema: strawberry.Schema,
        stamps: Stamps,
        *,
        actor_of: Callable[[Any], Actor] = lambda context: context.actor,
        cache_bytes: int = CACHE_BYTES,
        lent: Any = None,
    ) -> None:
        self.schema: GraphQLSchema = schema._schema  # noqa: SLF001 - strawberry has no public way to it
        if not issubclass(schema.execution_context_class, RowExecutor):
            raise TypeError("build the schema with execution_context_class=RowExecutor, which completes shaped rows")
        self.bindings = bind(registry, self.schema)
        self.stamps, self.actor_of, self.lent = stamps, actor_of, lent
        self._plans = PlanCache(cache_bytes)
        self._types = frozenset(self.bindings.entities)

    @property
    def cached_bytes(self) -> int:
        """About how much memory the plans keep."""
        return self._plans.weight

    def prepare(self, request: Request, role: str) -> Prepared | None:
        """The plan of a query for a role and the shape of its variables, compiled at first sight.

        None where the executor should answer: no such operation, no query, or variables that cannot be coerced.
        """
        key = (request.text, request.operation_name)
        family = self._plans.find(key)
        operation = family.operation if family else Operation.of(self.schema, request.document, request.operation_name)
        if operation is None or not operation.is_query:
            return None
        variables = operation.variables(request.variables)
        if isinstance(variables, list):
            return None
        family = family or Family(operation, DOCUMENT_FACTOR * len(request.text))
        return Prepared(self._variant(key, family, variables, role, self._compile), variables)

    async def fetch(self, pool: Fetching, prepared: Prepared, actor: Actor) -> Answer:
        """Run a plan's one statement and shape its answer.

        Raises `Unauthenticated` where the stamp yields no row, `Unavailable` where the database does not answer in
        time.
        """
        plan = prepared.plan
        filled = plan.compiled.parameters.fill(prepared.variables)
        state = State(filled.arguments, filled.errors, lent=self.lent)
        if plan.text is None:
            return Answer(plan.compiled.reader([], state), plan.compiled.is_complete)
        row = await fetched(pool, plan.text, [*stamp_values(actor), *filled.values])
        return self._shaped(plan.compiled, row, state)

    async def read_payload(self, connection: Fetching, info: Any, type_name: str, id: UUID | None) -> Aliased | None:
        """The object of a mutation's payload as its document selects it, read in the mutation's own transaction.

        `connection` is the transaction's own, stamped already; uncommitted changes are seen. Another tenant's id, and
        one that the actor may not see, is None.
        """
        if id is None:
            return None
        return (await self.read_payloads(connection, info, type_name, [id]))[0]

    async def read_payloads(
        self, connection: Fetching, info: Any, type_name: str, ids: Iterable[UUID]
    ) -> list[Aliased | None]:
        """Several objects of a payload, in the order of their ids."""
        keys = list(ids)
        info = getattr(info, "_raw_info", info)
        entity_field = PayloadField.of(self.bindings.entities[type_name], info)
        variables = VariableValues({}, info.variable_values)
        operation = Operation(self.schema, info.operation, _fragments(info))
        role = str(self.actor_of(info.context).role)
        key = (_source(info), _name(operation), entity_field.key, type_name)
        family = self._plans.find(key) or Family(operation, DOCUMENT_FACTOR * len(key[0]))
        plan = self._variant(key, family, variables, role, partial(self._compile_payload, entity_field))
        filled = plan.compiled.parameters.fill(variables)
        state = State(filled.arguments, filled.errors, lent=self.lent)
        if plan.text is None:
            return [None for _ in keys]
        row = await fetched(connection, plan.text, [keys, *filled.values])
        shaped = self._shaped(plan.compiled, row, state).shaped
        return [entity_field.at(shaped, index) for index in range(len(keys))]

    def renderer(
        self,
        document: DocumentNode,
        operation_name: str | None = None,
        variables: dict[str, Any] | None = None,
        role: str | None = None,
    ) -> Renderer:
        """Compile a subscription's selection for rendering many deltas; raises GraphQLError for bad variables."""
        operation = Operation.of(self.schema, document, operation_name)
        if operation is None:
            raise GraphQLError("Name one operation of the document.")
        coerced = operation.variables(variables)
        if isinstance(coerced, list):
            raise coerced[0]
        return Renderer(self.bindings, Selection(operation, coerced), role)

    def _variant(
        self,
        key: Hashable,
        family: Family,
        variables: VariableValues,
        role: str,
        compile_: Callable[[Selection, str], Plan],
    ) -> Plan:
        shape = (role, shape_of(family.operation, variables, self._types))
        plan = family.find(shape)
        if plan is None:
            plan = compile_(Selection(family.operation, variables), role)
            family.keep(shape, plan)
            self._plans.keep(key, family)
        return plan

    def _compile(self, selection: Selection, role: str) -> Plan:
        compiler = Compiler(self.bindings, selection, role)
        compiled = compiler.query()
        return Plan(
            self._text(compiled, self.stamps.stamp, self.stamps.verified) if compiler.uses_rows else None, compiled
        )

    def _compile_payload(self, entity_field: PayloadField, selection: Selection, role: str) -> Plan:
        compiler = PayloadCompiler(self.bindings, selection, role)
        compiled = compiler.payload(entity_field)
        return Plan(
            None if compiled is None else self._text(compiled, self.stamps.stamped, self.stamps.timed),
            compiled or compiler.nothing(),
        )

    def _text(self, compiled: Compiled, stamp: str, live: str) -> str:
        text = f"SELECT {compiled.root.array()}\nFROM {stamp}\n{live}\n{compiled.root.joins()}"
        if text.count(stamp) != 1 or text.count("set_config(") not in {0, 4}:
            raise AssertionError("the stamp must be there exactly once")
        return text

    def _shaped(self, compiled: Compiled, row: list[Any], state: State) -> Answer:
        values = flat(row) if compiled.root.is_wide else row
        if compiled.viewer_at is not None:
            facts, found = self.bindings.registry.facts, values[compiled.viewer_at]
            state.viewer = facts.read(found) if facts is not None and facts.read is not None else found
        if compiled.now_at is not None:
            state.now = datetime.fromisoformat(values[compiled.now_at]).replace(tzinfo=UTC)
        shaped = compiled.reader(values, state)
        return Answer(shaped, compiled.is_complete and not state.dirty)


async def fetched(pool: Fetching, text: str, values: list[Any]) -> list[Any]:
    """The one row of a stamped statement. Raises `Unauthenticated` where there is none, or `Unavailable`."""
    try:
        found = await pool.fetchval(text, *values)
    except (*GONE, *NOT_NOW) as error:
        raise Unavailable("The database did not answer in time.") from error
    if found is None:
        raise Unauthenticated
    row: list[Any] = orjson.loads(found) if isinstance(found, (str, bytes)) else found
    return row


def as_graphql_error(error: Refused | Unavailable) -> GraphQLError:
    """An error of the whole operation, with the code that clients branch on."""
    if isinstance(error, Refused):
        return GraphQLError(error.message, original_error=publish(error))
    return GraphQLError(str(error), original_error=error, extensions={"code": str(Code.UNAVAILABLE)})


def stamp_values(actor: Actor) -> tuple[str, str, str, str]:
    """The stamp's parameters, $1 to $4."""
    return str(actor.tenant), str(actor.person), str(actor.role), str(actor.session)


def _name(operation: Operation) -> str | None:
    return operation.node.name.value if operation.node.name is not None else None


def _fragments(info: Any) -> dict[str, Any]:
    return {name: FragmentDetails(node) for name, node in info.fragments.items()}


def _source(info: Any) -> str:
    return info.operation.loc.source.body if info.operation.loc is not None else str(id(info.operation))
