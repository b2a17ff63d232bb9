"""Walks over the contract in a furnished business: what each field takes, and which own ids each mutation needs."""

import itertools
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from graphql import GraphQLField, GraphQLInputObjectType, GraphQLObjectType, coerce_input_value, get_named_type

from app.container import contract
from db.runner import Call
from domain.actors import Actor
from domain.errors import Code, Refused
from resolvers.expose import EXPOSED
from schema.inputs import to_command
from tests.product.contract import Path, Values, arguments, id_paths, operations, put
from tests.product.furnished import TABLES, House

SCHEMA = contract()._schema
QUERIES, MUTATIONS, FEEDS = [
    root.fields for root in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type) if root
]
NODES = [one.name for one in SCHEMA.get_implementations(SCHEMA.type_map["Node"]).objects]  # type: ignore[arg-type]
UNKNOWN = "01900000-0000-7000-8000-00000000dead"
SIGNING = {
    "signIn",
    "signInWithPin",
    "setPin",
    "refreshSession",
    "acceptInvite",
    "resetPassword",
    "requestPasswordReset",
    "requestSignInLink",
    "signInWithLink",
    "signUp",
    "openBooking",
    "openPayment",
}
"""Mutations of who has not signed in yet: they name a business by slug or secret and take no id."""


UNDER_WAY = {"disconnectProvider"}
"""What is refused with CONFLICT in a business that has money on its way, as the furnished one has."""


class Undone(Exception):
    """Ends a command that must leave nothing."""


async def values(house: House, chosen: dict[str, str] | None = None, naming: str = "") -> Values:
    """Values that are valid in this business, with its own ids; for `naming` see there."""
    ids = {kind: (await house.ids(kind) or [""])[0] for kind in (*TABLES, "Task")}
    start, end = ((await house.slots(14))[0].starts_at, (await house.slots(14))[0].ends_at)
    later = await house.town.day(12)
    now = (await house.world.now(house.town.tenant)).isoformat()
    first = house.has["plan's first day"]
    instants = {
        "CreatePropertyInput.hotTub": False,
        "UpdatePropertyInput.hotTub": False,
        "SkipCleanInput.on": (first + timedelta(weeks=2)).isoformat(),
        "UnskipCleanInput.on": (first + timedelta(weeks=1)).isoformat(),
        "fromOn": (first + timedelta(weeks=3)).isoformat(),
        "resumesOn": (first + timedelta(weeks=5)).isoformat(),
        "firstOn": (first + timedelta(weeks=4)).isoformat(),
        "SaveBookingCalendarInput.firstOn": (first - timedelta(weeks=2)).isoformat(),
        "ConfirmBookingInput.totalCents": house.has["price of ready quote"],
        "ExportPayrollInput.periodStart": (house.period_start - timedelta(weeks=5)).isoformat(),
        "PayStatement.periodStart": (house.period_start - timedelta(weeks=5)).isoformat(),
        "periodEnd": (house.period_start - timedelta(weeks=4)).isoformat(),
        "dueOn": first.isoformat(),
        "EndPlanInput.endsOn": (first + timedelta(weeks=20)).isoformat(),
        "AvailabilitySlotInput.startsAt": start.isoformat(),
        "AvailabilitySlotInput.endsAt": end.isoformat(),
        "startsAt": later.isoformat(),
        "startsAtFrom": "2020-01-01T00:00:00Z",
        "startsAtBefore": "2100-01-01T00:00:00Z",
        "periodStart": house.period_start.isoformat(),
        "freeOn": (house.period_start).isoformat(),
        "CoverSickCallInput.day": (await house.town.day(4)).date().isoformat(),
        "day": house.period_start.isoformat(),
        "fromDay": house.period_start.isoformat(),
        "untilDay": house.period_start.isoformat(),
        "birthDate": "1990-05-17",
        "RequestPhotoInput.zone": "kitchen",
        "at": now,
        "capturedAt": now,
        "sentAt": now,
        "typedName": f"{house.mark} LEGAL",
    }
    return Values(ids | (chosen or {}), instants, naming)


def places(field: GraphQLField) -> list[tuple[str, Path, str]]:
    """Each place of a field's arguments that takes an id: argument, path inside it, kind."""
    owner = get_named_type(field.type).name.removesuffix("Connection")
    found = []
    for name, one in field.args.items():
        for path, kind in id_paths(one.type, name, owner):
            found += [(name, path[1:], each) for each in (NODES if kind == "Node" else [kind])]
    return found


def fields_of(kind: str) -> dict[str, GraphQLField]:
    """The fields of an object type."""
    type_ = SCHEMA.type_map[kind]
    assert isinstance(type_, GraphQLObjectType)
    return type_.fields


def fitting(name: str, kind: str) -> list[str]:
    """The selections of a query field that can show an object of this kind."""
    every = list(operations(SCHEMA, name, QUERIES[name], 1))
    return [one for one in every if len(every) == 1 or f"... on {kind} " in one]


def as_input(given: Any, type_: Any) -> Any:
    """A coerced input as the command's reader takes it."""
    bare = get_named_type(type_)
    if isinstance(given, list):
        return [as_input(one, bare) for one in given]
    if isinstance(bare, GraphQLInputObjectType) and given is not None:
        fields = bare.fields
        return SimpleNamespace(**{_snake(name): as_input(given.get(name), fields[name].type) for name in fields})
    return given


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", lambda found: f"_{found[1].lower()}", name)


async def a_working_wish(house: House, name: str, naming: Path = ()) -> tuple[Actor, dict[str, Any]]:
    """Who may run an exposed mutation, and arguments with own ids with which it is done; it is undone again.

    `naming` is a place that must be among them, of an input that takes one id or another.
    """
    field, command, refusals = MUTATIONS[name], EXPOSED[name], set()
    type_ = field.args["input"].type.of_type
    plain = arguments(await values(house, naming=naming[0] if naming else ""), field)["input"]
    spots = [(path, kind) for _, path, kind in places(field) if path[0] in plain]
    people = ("owner", "cleaner", "customer", "neighbour")
    actors: list[Any] = [house.who[who] for who in people if house.who[who].role in command.roles]
    for actor, *chosen in itertools.product(actors, *[await house.ids(kind) for _, kind in spots]):
        given = plain
        for (path, _), id in zip(spots, chosen, strict=True):
            given = put(given, path, id, type_.name)
        wish = to_command(command.input_type, as_input(coerce_input_value(given, type_), type_))
        try:
            await house.world.runner.run_and_read(Call(actor, command, wish), _undo)
        except Undone:
            return actor, {"input": given}
        except Refused as refusal:
            if name in UNDER_WAY and refusal.code is Code.CONFLICT:
                return actor, {"input": given}
            refusals.add(f"{refusal.code} {refusal.field} {refusal.message}")
    raise AssertionError(f"{name} is refused with all own ids: {refusals}")


async def _undo(_tx: Any, _result: Any) -> None:
    raise Undone
