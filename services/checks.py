"""Checks of single values that more than one use case makes; each refusal names its field (R19, R230).

They take None for "not given" and give it back, so that the same check serves creating and changing.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, overload

import phonenumbers

from domain.errors import Invalid

Number = TypeVar("Number", int, float)

# One @, no white space, a dot in the domain; whether it is somebody's is found out by writing to it.
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
MOST_EMAIL = 254


@overload
def text(value: str, field: str, *, most: int, least: int = 1) -> str: ...
@overload
def text(value: str | None, field: str, *, most: int, least: int = 1) -> str | None: ...
def text(value: str | None, field: str, *, most: int, least: int = 1) -> str | None:
    """The text without white space around it; `Invalid` if it is too short, too long, or holds control characters."""
    if value is None:
        return None
    trimmed = value.strip()
    if not least <= len(trimmed) <= most:
        raise Invalid(f"This must have {least} to {most} characters.", field=(field,))
    if any(character < " " and character not in "\n\t" for character in trimmed):
        raise Invalid("This must not contain control characters.", field=(field,))
    return trimmed


def email(value: str | None, field: str) -> str | None:
    """The address in lower case; `Invalid` if it cannot be one."""
    if value is None:
        return None
    address = value.strip().lower()
    if len(address) > MOST_EMAIL or not _EMAIL.fullmatch(address):
        raise Invalid("This is not an email address.", field=(field,))
    return address


def phone(value: str | None, field: str) -> str | None:
    """The number in E.164; `Invalid` if it cannot be dialled from everywhere."""
    if value is None:
        return None
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        raise Invalid("Write the phone number in international form, as +13055550100.", field=(field,)) from None
    if not phonenumbers.is_possible_number(number):
        raise Invalid("This is not a possible phone number.", field=(field,))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@overload
def within(value: Number, field: str, least: Number, most: Number) -> Number: ...
@overload
def within(value: Number | None, field: str, least: Number, most: Number) -> Number | None: ...
def within(value: Number | None, field: str, least: Number, most: Number) -> Number | None:
    """The number, if it lies between the two, both included (a NaN never does)."""
    if value is not None and not least <= value <= most:
        raise Invalid(f"This must be {least} to {most}.", field=(field,))
    return value


def changes(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that were given; `Invalid` if none was."""
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        raise Invalid("Nothing is to be changed.")
    return given
