"""Words that several areas' declarations share."""

from collections.abc import Mapping
from typing import Any

from resolvers.engine.sources import Computed, Filter, computed, where
from schema.types.relay import encode_id

OFFICE = ("owner", "admin", "dispatcher")
ADMINS = ("owner", "admin")
WORKFORCE = (*OFFICE, "cleaner")


def is_set(column: str) -> Filter:
    """A yes-or-no filter: whether a column is set."""
    return where(lambda row, value: f"({getattr(row, column)} IS NOT NULL) = {value}")


def contains(*columns: str) -> Filter:
    """A search: any of the columns contains the words, in whatever case; `%` and `_` are ordinary characters."""
    return where(
        lambda row, value: (
            "("
            + " OR ".join(f"position(lower({value}) in lower({getattr(row, column)})) > 0" for column in columns)
            + ")"
        )
    )


def card_id(type_name: str, key: str) -> Computed:
    """A card's plain id as a global one; null where the card has none."""

    def read(card: Mapping[str, Any]) -> str | None:
        return None if card[key] is None else encode_id(type_name, card[key])

    return computed(read)
