"""Conditions that several areas' filters share."""

from resolvers.engine.sources import Filter, where

OFFICE = ("owner", "admin", "dispatcher")
ADMINS = ("owner", "admin")


def is_set(column: str) -> Filter:
    """A yes-or-no filter: whether a column is set."""
    return where(lambda row, value: f"({getattr(row, column)} IS NOT NULL) = {value}")


def contains(*columns: str) -> Filter:
    """A search: any of the columns contains the words, in whatever case; `%` and `_` are ordinary characters."""
    return where(
        lambda row, value: "("
        + " OR ".join(f"position(lower({value}) in lower({getattr(row, column)})) > 0" for column in columns)
        + ")"
    )
