"""What a request may carry, taken from the installed SDK's own parameter types: one compiled checker a TypedDict.

The check coerces as well: a v1 form holds text only, so `amount` becomes an int here, or is refused.
"""

import functools
import re
import types
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal, Optional, Union

import stripe.params
import stripe.params.v2.core
import typing_extensions
from stripe._request_options import RequestOptions
from stripe._stripe_object import UntypedStripeObject

from sandbox.stripe.errors import StripeError, invalid

Check = Callable[[Any, str], Any]
"""(value as it came, its name as `a[b][0]`) -> the typed value; raises StripeError."""

_INTEGER = re.compile(r"-?\d{1,18}")
_NOT_PARAMETERS = frozenset(RequestOptions.__annotations__)
_NAMES = {"StripeContext": Any, "Mapping": Mapping, "Optional": Optional, "Union": Union}
"""What the options that every parameter type inherits refer to, but only their own module imports."""
_GONE = {"payment_method_types": "payment_method_types_no_longer_supported"}


@functools.cache
def shape(name: str, *, from_text: bool) -> Check:
    """The checker of `stripe.params.<name>`; `from_text` for forms and queries, else JSON."""
    at: Any = stripe.params
    for word in name.split("."):
        at = getattr(at, word)
    return _typed_dict(at, from_text)


@functools.cache
def _typed_dict(cls: Any, from_text: bool) -> Check:
    checks: dict[str, Check] = {}
    required = []
    hints = typing_extensions.get_type_hints(cls, localns=_NAMES, include_extras=True)
    for key, hint in hints.items():
        if key in _NOT_PARAMETERS:
            continue
        inner, is_required = _unwrapped(hint, cls)
        checks[key] = _lazy(inner, from_text)
        if is_required:
            required.append(key)

    def check(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid(f"Invalid {path or 'request'}: must be an object", None, path)
        typed = {}
        for key, given in value.items():
            known = checks.get(key)
            name = f"{path}[{key}]" if path else key
            if known is None:
                if not path and key in _GONE:
                    raise invalid(f"The parameter {key} is no longer supported.", _GONE[key], key)
                raise invalid(f"Received unknown parameter: {name}", "parameter_unknown", name)
            typed[key] = known(given, name)
        for key in required:
            if key not in typed:
                name = f"{path}[{key}]" if path else key
                raise invalid(f"Missing required param: {name}.", "parameter_missing", name)
        return typed

    return check


def _unwrapped(hint: Any, cls: Any) -> tuple[Any, bool]:
    origin = typing_extensions.get_origin(hint)
    if origin in (typing_extensions.NotRequired, typing.NotRequired):
        return typing_extensions.get_args(hint)[0], False
    if origin in (typing_extensions.Required, typing.Required):
        return typing_extensions.get_args(hint)[0], True
    return hint, bool(getattr(cls, "__total__", True))


def _lazy(hint: Any, from_text: bool) -> Check:
    """Compiled at first use: the account shapes alone are thousands of fields."""
    compiled: list[Check] = []

    def check(value: Any, path: str) -> Any:
        if not compiled:
            compiled.append(_compile(hint, from_text))
        return compiled[0](value, path)

    return check


def _compile(hint: Any, from_text: bool) -> Check:
    origin, arguments = typing_extensions.get_origin(hint), typing_extensions.get_args(hint)
    if origin in (typing_extensions.Annotated, typing.Annotated):
        return _compile(arguments[0], from_text)
    if origin in (Union, types.UnionType):
        return _union(arguments, from_text)
    if origin in (Literal, typing_extensions.Literal):
        return _enum(arguments)
    if origin in (list, typing.List):  # noqa: UP006 - the SDK's own spelling
        return _list(_lazy(arguments[0], from_text))
    if origin is dict or origin is UntypedStripeObject:
        return _mapping(_lazy(arguments[-1], from_text))
    if typing_extensions.is_typeddict(hint):
        return _typed_dict(hint, from_text)
    if hint is Any or hint is object:
        return lambda value, _path: value
    return _scalar(hint, from_text)


def _scalar(hint: Any, from_text: bool) -> Check:
    if hint is bool:
        return _boolean(from_text)
    if hint is int:
        return _integer(from_text)
    if hint is str or hint is Decimal:
        return _string
    if hint is float:
        return _number
    if hint is type(None):
        return _null
    # A file (uploads) or the like: nothing that the subset takes.
    return lambda value, _path: value


def _integer(from_text: bool) -> Check:
    def check(value: Any, path: str) -> int:
        if from_text and isinstance(value, str) and _INTEGER.fullmatch(value):
            return int(value)
        if not from_text and isinstance(value, int) and not isinstance(value, bool):
            return value
        raise invalid(f"Invalid integer: {value}", "parameter_invalid_integer", path)

    return check


def _boolean(from_text: bool) -> Check:
    def check(value: Any, path: str) -> bool:
        if from_text and value in ("true", "false"):
            return bool(value == "true")
        if not from_text and isinstance(value, bool):
            return value
        raise invalid(f"Invalid boolean: {value}", None, path)

    return check


def _string(value: Any, path: str) -> str:
    if isinstance(value, str):
        if value == "":
            # The provider tells an empty string from none: only where '' is an alternative does it mean "unset".
            raise invalid(
                f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; "
                f"however '{path}' cannot be unset. You should remove '{path}' from your request or supply a "
                "non-empty value.",
                "parameter_invalid_empty",
                path,
            )
        return value
    raise invalid(f"Invalid string: {value}", "parameter_invalid_string_empty" if value is None else None, path)


def _number(value: Any, path: str) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise invalid(f"Invalid number: {value}", None, path) from None


def _null(value: Any, path: str) -> None:
    if value is not None:
        raise invalid(f"Invalid null: {value}", None, path)


def _enum(values: tuple[Any, ...]) -> Check:
    allowed = frozenset(values)
    listed = ", ".join(str(value) for value in values if value != "")

    def check(value: Any, path: str) -> Any:
        if isinstance(value, (str, int, bool)) and value in allowed:
            return value
        raise invalid(f"Invalid {path}: must be one of {listed}", None, path)

    return check


def _list(item: Check) -> Check:
    def check(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise invalid(f"Invalid array: {path}", None, path)
        return [item(element, f"{path}[{place}]") for place, element in enumerate(value)]

    return check


def _mapping(item: Check) -> Check:
    def check(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid(f"Invalid object: {path}", None, path)
        # A blank value of a mapping (metadata) unsets its key.
        return {key: "" if element == "" else item(element, f"{path}[{key}]") for key, element in value.items()}

    return check


def _union(alternatives: tuple[Any, ...], from_text: bool) -> Check:
    enums = [alternative for alternative in alternatives if typing_extensions.get_origin(alternative) is Literal]
    values = tuple(value for enum in enums for value in typing_extensions.get_args(enum))
    if any(value != "" for value in values):
        # The SDK writes an enum as `Literal[...] | str`, to let later versions through; the provider does not.
        alternatives = tuple(alternative for alternative in alternatives if alternative is not str)
    nullable = from_text or type(None) in alternatives
    checks = [_lazy(alternative, from_text) for alternative in alternatives if alternative not in enums]
    only_blank = values == ("",)
    enum = _enum(values) if values else None

    def check(value: Any, path: str) -> Any:
        if value == "" and "" in values:
            return ""
        if value is None and nullable:
            return None
        problem: StripeError | None = None
        ordered = ([enum] if enum and not only_blank else []) + checks
        for alternative in ordered:
            try:
                return alternative(value, path)
            except StripeError as error:
                # The alternative that went deepest into the value is the one that was meant.
                if problem is None or len(error.error.get("param") or "") > len(problem.error.get("param") or ""):
                    problem = error
        raise problem or invalid(f"Invalid {path}", None, path)

    return check
