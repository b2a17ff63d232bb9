"""Amounts of money: integer cents, rounded half-up in one place, split without losing a cent (R261, A9, A43)."""

from collections.abc import Mapping, Sequence

from domain.errors import Invalid

MOST_CENTS = 99_999_999
"""The largest amount that the card networks take in one charge."""

LEAST_CHARGE_CENTS = 50
"""The smallest amount that providers take from a card; what is less cannot be paid by one."""

CURRENCIES: Mapping[str, int] = {
    "aud": 2,
    "brl": 2,
    "cad": 2,
    "chf": 2,
    "czk": 2,
    "dkk": 2,
    "eur": 2,
    "gbp": 2,
    "hkd": 2,
    "inr": 2,
    "jod": 3,
    "jpy": 0,
    "krw": 0,
    "kwd": 3,
    "mxn": 2,
    "nok": 2,
    "nzd": 2,
    "pln": 2,
    "sek": 2,
    "sgd": 2,
    "thb": 2,
    "usd": 2,
    "vnd": 0,
    "zar": 2,
}
"""How many digits of the minor unit each currency has. Only those with two are supported: a cent is a hundredth."""

FieldName = str | tuple[str, ...]


def half_up(numerator: int, denominator: int) -> int:
    """The quotient as a whole number, halves away from zero, so that a contra entry is exactly the negative (R261)."""
    if denominator <= 0:
        raise ValueError("The denominator must be more than 0.")
    size = (2 * abs(numerator) + denominator) // (2 * denominator)
    return size if numerator >= 0 else -size


def percent(cents: int, hundredths_of_percent: int) -> int:
    """A part of an amount, in cents: 200 hundredths are 2 %, rounded half-up (R261)."""
    return half_up(cents * hundredths_of_percent, 10_000)


def share(cents: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split by weight, by largest remainder: the parts sum to `cents`, none is off by a whole cent, none is negative.

    The earlier of two equal remainders is rounded up, so that the same order gives the same parts.
    """
    total = sum(weights)
    if cents < 0 or total <= 0 or min(weights) < 0:
        raise ValueError("An amount is shared by weights that are not negative and not all 0.")
    parts = [cents * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: -(cents * weights[place] % total))
    for place in by_remainder[: cents - sum(parts)]:
        parts[place] += 1
    return tuple(parts)


def ensure_cents(value: object, field: FieldName, least: int = 0, most: int = MOST_CENTS) -> int:
    """The amount, if it is a whole number of cents between the two; `Invalid` for anything else (A9)."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        message = f"This must be a whole number of cents from {least} to {most}."
        raise Invalid(message, field=_path(field))
    return value


def ensure_currency(code: object, field: FieldName = "currency") -> str:
    """The currency's code in lower case, if we know it and its amounts have cents; `Invalid` otherwise (A43)."""
    if not isinstance(code, str) or code not in CURRENCIES:
        raise Invalid('This must be the code of a known currency in lower case, as "usd".', field=_path(field))
    if CURRENCIES[code] != 2:
        raise Invalid(f"Amounts in {code} have no cents; such currencies are not supported.", field=_path(field))
    return code


def written(cents: int) -> str:
    """The amount for people: 19500 is 195.00, without the currency."""
    size = abs(cents)
    return f"{'-' if cents < 0 else ''}{size // 100:,}.{size % 100:02}"


def _path(field: FieldName) -> tuple[str, ...]:
    return (field,) if isinstance(field, str) else field
