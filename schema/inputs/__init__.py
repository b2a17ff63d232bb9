"""GraphQL inputs, derived from the commands' own input dataclasses: one declaration for Python and for clients."""

import types
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

import strawberry
from strawberry import scalars

from domain import actors, ids
from domain.errors import InvalidId
from schema.types.described import for_clients, summary
from schema.types.relay import decode_id
from services.inputs import JSON

TYPES_OF_ID: dict[object, tuple[str, ...]] = {
    ids.MarketId: ("Market",),
    ids.CustomerId: ("Customer",),
    ids.PropertyId: ("Property",),
    ids.ServiceId: ("Service",),
    ids.JobId: ("Job",),
    ids.AssignmentId: ("Assignment",),
    ids.SubmissionId: ("AvailabilitySubmission",),
    ids.SwapId: ("Swap",),
    ids.StandingBidId: ("StandingBid",),
    ids.NotificationId: ("Notification",),
    ids.TaskId: ("Task",),
    ids.StaffId: ("Staff",),
    ids.CleanerId: ("Cleaner",),
    ids.SessionId: ("Session",),
    ids.PaymentId: ("Payment",),
    ids.PaymentMethodId: ("PaymentMethod",),
    ids.PayoutId: ("Payout",),
    ids.RefundId: ("Refund",),
    ids.DisputeId: ("Dispute",),
    ids.InvoiceId: ("Invoice",),
    ids.PayrollExportId: ("PayrollExport",),
    ids.PhotoId: ("Photo",),
    ids.ChecklistItemId: ("ChecklistItem",),
    ids.ChecklistTemplateId: ("ChecklistTemplate",),
    ids.ServicePlanId: ("ServicePlan",),
    ids.PriceBookId: ("PriceBook",),
    ids.BookingDraftId: ("BookingDraft",),
    ids.QuoteId: ("Quote",),
    ids.QuoteRequestId: ("QuoteRequest",),
    actors.PersonId: ("Staff", "Cleaner"),
}
"""Which global ids an id of a command's input may be."""

KEY = "client_mutation_id"
KEY_DESCRIPTION = (
    "The same key answers with the same entity again instead of doing the work twice; with another input it is refused."
    " Kept 90 days. Commands that deal in secrets ignore it."
)


def input_type(source: type[Any], *, keyed: bool = True) -> type[Any]:
    """The GraphQL input of a command's input dataclass; `keyed` adds `clientMutationId`."""
    return _made(source, f"{source.__name__}Input", keyed)  # type: ignore[arg-type]  # a class is hashable


@cache
def _made(source: type[Any], name: str, keyed: bool) -> type[Any]:
    hints = get_type_hints(source)
    annotations: dict[str, Any] = {}
    namespace: dict[str, Any] = {}
    for field in fields(source):
        annotations[field.name] = _graphql(hints[field.name])
        namespace[field.name] = _field(field, hints[field.name])
    if keyed:
        annotations[KEY] = strawberry.ID | None
        namespace[KEY] = strawberry.field(description=KEY_DESCRIPTION, default=None)
    made = type(name, (), {**namespace, "__annotations__": annotations, "__module__": __name__})
    return strawberry.input(made, name=name, description=summary(source))


def _field(field: Field[Any], hint: Any) -> Any:
    description = for_clients(field.metadata["description"])
    if field.default is MISSING and type(None) in get_args(hint):
        return strawberry.field(description=description, default=None)
    if field.default is MISSING:
        return strawberry.field(description=description)
    return strawberry.field(description=description, default=field.default)


def _graphql(hint: Any) -> Any:
    """The GraphQL annotation of a Python one: ids become ID, nested dataclasses inputs."""
    if hint in TYPES_OF_ID:
        return strawberry.ID
    if hint is JSON:
        return scalars.JSON
    if is_dataclass(hint):
        return _made(hint, f"{hint.__name__}Input", False)  # type: ignore[arg-type, union-attr]
    if get_origin(hint) in {types.UnionType, Union}:
        return Union[tuple(_graphql(part) for part in get_args(hint))]  # noqa: UP007 (built from parts)
    if get_origin(hint) is list:
        return list[_graphql(get_args(hint)[0])]  # type: ignore[misc]
    return hint


def to_command(source: type[Any], given: Any) -> Any:
    """The command's input from the GraphQL one. Raises `InvalidId` with the path of a malformed or foreign-typed id."""
    return _read(source, given, ())


def _read(source: type[Any], given: Any, path: tuple[str, ...]) -> Any:
    hints = get_type_hints(source)
    return source(
        **{
            field.name: _value(hints[field.name], getattr(given, field.name), (*path, camel(field.name)))
            for field in fields(source)
        }
    )


def _value(hint: Any, value: Any, path: tuple[str, ...]) -> Any:
    if value is None:
        return None
    if get_origin(hint) in {types.UnionType, Union}:
        hint = next(part for part in get_args(hint) if part is not type(None))
    if hint in TYPES_OF_ID:
        return _id(hint, value, path)
    if is_dataclass(hint):
        return _read(hint, value, path)  # type: ignore[arg-type]
    if get_origin(hint) is list:
        return [_value(get_args(hint)[0], one, (*path, str(index))) for index, one in enumerate(value)]
    return value


def _id(kind: NewType | Callable[..., Any], value: str, path: tuple[str, ...]) -> Any:
    try:
        return kind(decode_id(value, *TYPES_OF_ID[kind]))
    except InvalidId:
        raise InvalidId(field=path) from None


def camel(name: str) -> str:
    """`swap_id` as clients write it: `swapId`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
