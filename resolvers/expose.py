"""How a command becomes a mutation: `accept_swap = expose(swaps.accept_swap, Swap)` and nothing more.

Input, payload and description are derived from the command; the payload's selection is read in the command's own
transaction, before it commits. Expected refusals are data in `errors`; a missing sign-in is an error of the request.
"""

from collections.abc import Awaitable, Callable
from dataclasses import make_dataclass
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from db.command import Command
from db.runner import Call
from db.tx import Tx
from domain.errors import Refused, Unauthenticated
from resolvers.context import Context
from schema.errors import UserError
from schema.inputs import KEY, camel, input_type, to_command
from schema.types.described import for_clients

EXPOSED: dict[str, Command[Any, Any]] = {}
"""Every exposed command by its mutation's name."""


Guard = Callable[[Context], None]
"""Raises a `Refused` where this installation cannot do what is wanted, whoever asks."""


Before = Callable[[Context, Any], Awaitable[None]]
"""Finds out over the network what a command's input needs, before its transaction; raises `Refused`, `Unavailable`."""


async def at_once(_context: Context, _input: Any) -> None:
    """Nothing has to be found out before."""


def expose(
    command: Command[Any, Any],
    entity: type[Any],
    *,
    name: str | None = None,
    guard: Guard = lambda _context: None,
    before: Before = at_once,
) -> Any:
    """A mutation field that runs the command and answers with the entity it made or changed."""
    field_name = name or command.name
    payload = payload_type(field_name, entity)
    entity_field = _snake(entity.__name__)
    graphql_input = input_type(command.input_type, keyed=not command.secret)
    EXPOSED[camel(field_name)] = command

    async def resolve(info: Info[Context, None], input: Any) -> Any:
        """Run the command and read the selection of its entity in the same transaction."""

        async def read(tx: Tx, result: Any) -> Any:
            driver: Any = (await tx.connection.get_raw_connection()).driver_connection
            return await info.context.services.engine.read_payload(driver, info, entity.__name__, UUID(str(result)))

        try:
            call = call_of(info.context, command, input)
            if call.actor.role in command.roles:
                guard(info.context)
            await before(info.context, call.input)
            _, row = await info.context.services.runner.run_and_read(call, read)
        except Unauthenticated:
            raise
        except Refused as refusal:
            return payload(**{entity_field: None, "errors": [UserError.of(refusal)]})
        return payload(**{entity_field: row, "errors": []})

    resolve.__annotations__["input"] = graphql_input
    resolve.__annotations__["return"] = payload
    return mutation(resolve, field_name, command.doc)


def call_of(context: Context, command: Command[Any, Any], given: Any) -> Call[Any, Any]:
    """The wish that a GraphQL input expresses. Raises `Invalid` where somebody else's page is to be come back to."""
    wish = to_command(command.input_type, given)
    if context.signed_in.role in command.roles:
        ensure_page_back(context, wish)
    return Call(
        actor=context.signed_in,
        command=command,
        input=wish,
        key=getattr(given, KEY, None),
        request_id=context.request_id,
        origin=context.origin,
    )


def ensure_page_back(context: Context, wish: Any) -> None:
    """Raise `Invalid` where an input's `return_url` is no page that people may be sent back to."""
    url = getattr(wish, "return_url", None)
    if url is not None:
        context.services.pages.ensure(url, "returnUrl")


def payload_type(name: str, entity: type[Any]) -> type[Any]:
    """`AcceptSwapPayload { swap: Swap, errors: [UserError!]! }`."""
    title = "".join(word.capitalize() for word in name.split("_"))
    made = make_dataclass(f"{title}Payload", [(_snake(entity.__name__), entity | None), ("errors", list[UserError])])
    typed = strawberry.type(made, description=f"The answer of {camel(name)}: the entity, or why not.")
    described, errors = typed.__strawberry_definition__.fields  # type: ignore[attr-defined]
    described.description = f"The {entity.__name__} as it is now; null if the mutation was refused."
    errors.description = "Why it was refused; empty if it was done."
    return typed


def mutation(resolve: Any, name: str, doc: str) -> Any:
    """A mutation field over a resolver that takes one argument `input`."""
    resolve.__name__ = name
    field = strawberry.mutation(resolver=resolve, name=camel(name), description=for_clients(doc))
    for argument in field.arguments:
        argument.description = argument.description or "What is wanted."
    return field


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
