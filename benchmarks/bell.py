"""How the benchmarks of the live feeds make events: the product's runner with the smallest command there can be.

A command of the market takes a dozen statements, and hundreds of them a second would leave no core to listen with. This
one does the same but for the business: stamp, event, append and commit, wake-up.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from db.command import Command
from db.runner import Call
from db.tx import Tx
from domain.actors import Actor, Role
from domain.events import Event, EventType

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Said:
    """Cards to be announced as changed, each with a note that no other has."""

    cards: tuple[Mapping[str, Any], ...]

    @property
    def notes(self) -> list[str]:
        """By these each event is known again."""
        return [card["note"] for card in self.cards]


async def _say(tx: Tx, input: Said) -> None:
    for card in input.cards:
        tx.emit(Event(EventType.SWAP_CHANGED, "Swap", UUID(card["id"]), card))


# Not declared: the product's commands are walked by name.
SAY: Command[Said, None] = Command("say", frozenset({Role.SYSTEM}), _say, Said, type(None), secret=True)


def news(cards: Sequence[Mapping[str, Any]]) -> Said:
    """These cards with new notes, all of one length."""
    return Said(tuple({**card, "note": f"note-{next(_numbers):08}"} for card in cards))


def say(tenant: Any, said: Said) -> Call[Said, None]:
    """The wish to announce them."""
    return Call(Actor.system(tenant), SAY, said)
