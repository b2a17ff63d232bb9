"""Checklists: what is done where, and the list a home gets where its business has written none (R108, R110)."""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.fieldwork.requirements import Scale, Size

MOST_ITEMS = 200
"""Lines that a template may have."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do."""

    zone: str
    label: str
    required: bool = True


_BY_SCALE: tuple[tuple[Scale, Item], ...] = (
    (Scale.PROPERTY, Item("kitchen", "Worktops and sink are clean")),
    (Scale.PROPERTY, Item("kitchen", "Outsides of the appliances are wiped")),
    (Scale.PROPERTY, Item("kitchen", "Inside of the oven is clean", required=False)),
    (Scale.BATHROOM, Item("bathroom", "Shower, basin and toilet are clean")),
    (Scale.BATHROOM, Item("bathroom", "Towels are changed")),
    (Scale.BEDROOM, Item("bedroom", "The bed is made up with fresh linen")),
    (Scale.PROPERTY, Item("living", "Floors are vacuumed and mopped")),
    (Scale.PROPERTY, Item("living", "Bins are emptied")),
    (Scale.LAUNDRY, Item("laundry", "The laundry is done and put away")),
    (Scale.HOT_TUB, Item("hot_tub", "The hot tub is cleaned and covered")),
)


def default_items(size: Size) -> tuple[Item, ...]:
    """The list for a home of this size; rooms of which there are several are numbered."""
    return tuple(item for scale, each in _BY_SCALE for item in _times(each, size.count(scale)))


def _times(item: Item, many: int) -> Iterable[Item]:
    if many <= 1:
        return (item,) * many
    return (Item(item.zone, f"{item.label} ({number} of {many})", item.required) for number in range(1, many + 1))
