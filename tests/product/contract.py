"""Documents made from the contract itself, so that what is added to it is asked about without being remembered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)

Path = tuple[str, ...]
NEVER = {"clientMutationId", "expectedVersion"}
"""Fields of inputs that no generated value can be right for; they have tests of their own."""

_OF_HOME = "address city postalCode marketId bedrooms bathrooms squareFeet latitude longitude"
EITHER: dict[str, tuple[frozenset[str], ...]] = {
    "OpenCoverInput": (frozenset({"jobId"}), frozenset({"assignmentId"})),
    "QuotePriceInput": (frozenset({"bookingDraftId"}), frozenset({"propertyId"}), frozenset({"home"})),
    "RequestQuoteInput": (frozenset({"bookingDraftId"}), frozenset({"propertyId"})),
    "SaveBookingPropertyInput": (frozenset({"propertyId"}), frozenset(_OF_HOME.split())),
}
"""Fields of which an input takes one group: naming one leaves the other groups out."""
KINDS = {
    "market",
    "customer",
    "property",
    "service",
    "job",
    "assignment",
    "swap",
    "staff",
    "cleaner",
    "session",
    "task",
    "photo",
    "bookingDraft",
    "quote",
    "quoteRequest",
    "servicePlan",
    "priceBook",
    "payment",
    "refund",
    "dispute",
    "invoice",
    "paymentMethod",
    "payout",
}
NAMED = {
    "item": "ChecklistItem",
    "checklistTemplate": "ChecklistTemplate",
    "actor": "Staff",
    "standingBid": "StandingBid",
    "want": "Assignment",
    "give": "Assignment",
}
"""Ids that are called by what is done with them, and of what they are."""
WORDS: dict[str, Any] = {
    "plan": "business",
    "totalCents": 900,
    "currency": "usd",
    "csv": "Customer name\nWords",
    "waiveFee": False,
    "method": "pm_contract",
    "priceCents": 9_000,
    "unitCents": 900,
    "surchargeStepSquareFeet": 500,
    "freeSquareFeet": 3_000,
    "customAboveSquareFeet": 6_000,
    "customFromBedrooms": 6,
    "customFromBathrooms": 5,
    "annualDiscountHundredths": 500,
    "amountCents": 500,
    "paymentMethodId": "pm_contract",
    "address": "5 Words Street",
    "city": "Words",
    "postalCode": "33101",
    "RefundBearer": "BUSINESS",
    "startTime": "09:00",
    "icalUrl": "https://calendar.example/home.ics",
    "consentVersion": "2026-11",
    "returnUrl": "https://cleanshift.test/book",
    "hotTub": "NONE",
    "Frequency": "WEEKLY",
    "secretKey": "sk_test_1",
    "webhookSecrets": "whsec_1",
    "publishableKey": "pk_test_1",
    "zone": "America/Chicago",
    "email": "somebody@new.example",
    "ownerEmail": "owner@new.example",
    "phone": "+13055550123",
    "emergencyPhone": "+13055550124",
    "edition": 0,
    "slug": "a-new-slug",
    "payTier": "standard",
    "password": "correct horse battery",
    "pin": "483920",
    "duty": "sweep_swaps",
    "laundryLoads": 0,
    "epoch": "2026-01-04",
    "latestMinute": 1200,
    "leadDays": 3,
    "deadlineHour": 17,
    "graceMinutes": 30,
    "settings": {"swaps": {"restHours": 9}},
    "expectedHours": "2.5",
    "StaffRole": "DISPATCHER",
    "contentType": "image/jpeg",
    "sha256": "ab" * 32,
    "isMock": False,
    # Where the homes of these businesses are.
    "geofenceMetres": 150,
    "latitude": 25.7617,
    "longitude": -80.1918,
}
BY_TYPE: dict[str, Any] = {"String": "Words", "Int": 3, "Float": 25.5, "Boolean": True, "Decimal": "2.5"}


class CannotFill(AssertionError):
    """Something was added to the contract that the generator has no value for: give it one here."""


def kind_of(name: str, owner: str) -> str:
    """Whose id an argument or input field of type ID is."""
    if name in {"id", "ids"}:
        return owner
    word = name.removesuffix("s").removesuffix("Id")
    if word in NAMED:
        return NAMED[word]
    if word not in KINDS:
        raise CannotFill(f"whose id is {owner}.{name}?")
    return word[0].upper() + word[1:]


@dataclass
class Values:
    """Valid values for arguments and inputs: ids by kind, instants by the place that they are for."""

    ids: Mapping[str, str]
    instants: Mapping[str, Any]
    """By `Input.field`, else by field."""
    naming: str = ""
    """A field that must be among them, of an input that takes one or another."""

    def of(self, type_: Any, name: str, owner: str) -> Any:
        if is_non_null_type(type_):
            return self.of(type_.of_type, name, owner)
        if is_list_type(type_):
            return [self.of(type_.of_type, name, owner)]
        if isinstance(type_, GraphQLInputObjectType):
            given: dict[str, Any] = {}
            left_out = set(beside(type_.name, self.naming)) | NEVER
            for field, one in type_.fields.items():
                if field not in left_out:
                    given[field] = self.of(one.type, field, type_.name)
                    left_out |= beside(type_.name, field)
            return given
        if isinstance(type_, GraphQLEnumType):
            return WORDS.get(type_.name) or next(iter(type_.values))
        if type_.name == "ID":
            return self._id(name, owner)
        return self._plain(type_, name, owner)

    def _id(self, name: str, owner: str) -> str:
        kind = kind_of(name, owner)
        if kind not in self.ids:
            raise CannotFill(f"there is no {kind} for {owner}.{name}")
        return self.ids[kind]

    def _plain(self, type_: GraphQLNamedType, name: str, owner: str) -> Any:
        for key in (f"{owner}.{name}", name):
            if key in self.instants:
                return self.instants[key]
        if name in WORDS:
            return WORDS[name]
        if type_.name not in BY_TYPE:
            raise CannotFill(f"a {type_.name} for {owner}.{name}")
        return BY_TYPE[type_.name]


def id_paths(type_: Any, name: str, owner: str, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Where inside an argument ids stand, and of what they are."""
    bare = get_named_type(type_)
    here = (*path, name)
    if bare.name == "ID" and name not in NEVER:
        yield here, kind_of(name, owner)
    if isinstance(bare, GraphQLInputObjectType):
        for field, one in bare.fields.items():
            yield from id_paths(one.type, field, bare.name, here)


def beside(owner: str, field: str) -> frozenset[str]:
    """Which fields of an input are left out where this one is given."""
    groups = EITHER.get(owner, ())
    others = [one for one in groups if field not in one]
    return frozenset().union(*others) if len(others) < len(groups) else frozenset()


def put(value: Any, path: Path, id: str, owner: str = "") -> Any:
    """The value, of this input, with another id at a place in it."""
    if isinstance(value, list):
        return [put(one, path, id) for one in value] if path else [id]
    if not path:
        return id
    kept = {name: one for name, one in value.items() if name not in beside(owner, path[0])}
    return {**kept, path[0]: put(value.get(path[0]), path[1:], id)}


def only(path: Path, type_: Any, id: str) -> Any:
    """A value in which nothing but one id is given: `{"marketId": id}` for a filter."""
    while is_non_null_type(type_):
        type_ = type_.of_type
    if is_list_type(type_):
        return [only(path, type_.of_type, id)]
    if not path:
        return id
    return {path[0]: only(path[1:], type_.fields[path[0]].type, id)}


def selection(schema: GraphQLSchema, type_: Any, deep: int, seen: tuple[str, ...] = ()) -> str:
    """Every field of a type, `deep` objects down; lists by their nodes, the outermost also by edges."""
    bare = get_named_type(type_)
    if is_leaf_type(bare):
        return ""
    if isinstance(bare, GraphQLUnionType | GraphQLInterfaceType):
        each = [f"... on {one.name} {selection(schema, one, deep, seen)}" for one in schema.get_possible_types(bare)]
        return "{ __typename " + " ".join(each) + " }"
    assert isinstance(bare, GraphQLObjectType)
    return "{ __typename " + " ".join(_fields(schema, bare, deep, seen)) + " }"


def _fields(schema: GraphQLSchema, type_: GraphQLObjectType, deep: int, seen: tuple[str, ...]) -> Iterator[str]:
    wrapper = type_.name.endswith(("Connection", "Edge")) or type_.name == "PageInfo"
    for name, field in type_.fields.items():
        if any(is_required_argument(one) for one in field.args.values()):
            raise CannotFill(f"the arguments of {type_.name}.{name}, inside a selection")
        bare = get_named_type(field.type)
        if is_leaf_type(bare):
            yield name
        elif name == "edges" and len(seen) > 1:
            continue
        elif wrapper or deep > 0:
            page = "(first: 5)" if "first" in field.args else ""
            inner = selection(schema, bare, deep if wrapper else deep - 1, (*seen, type_.name))
            yield f"{name}{page} {inner}"


def operations(schema: GraphQLSchema, field_name: str, field: GraphQLField, deep: int) -> Iterator[str]:
    """The field's selections: one, or one for each type that an interface may stand for, since their fields clash."""
    bare = get_named_type(field.type)
    if isinstance(bare, GraphQLInterfaceType):
        for one in schema.get_possible_types(bare):
            yield f"{{ __typename ... on {one.name} {selection(schema, one, deep)} }}"
    else:
        yield selection(schema, bare, deep)


def document(kind: str, name: str, field: GraphQLField, given: Mapping[str, Any], selected: str) -> str:
    """An operation that asks one field with these arguments as variables."""
    used = [(arg, one) for arg, one in field.args.items() if arg in given]
    head = ", ".join(f"${arg}: {one.type}" for arg, one in used)
    call = ", ".join(f"{arg}: ${arg}" for arg, _ in used)
    return f"{kind} {f'({head})' if head else ''} {{ {name}{f'({call})' if call else ''} {selected} }}"


def arguments(values: Values, field: GraphQLField) -> dict[str, Any]:
    """A valid value for each argument that must be given."""
    owner = get_named_type(field.type).name
    return {name: values.of(one.type, name, owner) for name, one in field.args.items() if is_required_argument(one)}


def is_connection(field: GraphQLField) -> bool:
    """Whether the field is a list in pages."""
    return get_named_type(field.type).name.endswith("Connection")
