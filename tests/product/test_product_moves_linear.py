"""Sixteen racers on two overlapping shifts: whatever they are answered, somebody could have been answered one by one.

Each racer does at random what the market lets people do; every invocation and every answer is stamped by one logical
clock, and the history is laid before `linear`, with a sequential model of the market (R96 to R101, A26 to A29).
RACES=20 plays more histories than the suite does.
"""

import asyncio
import itertools
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from db.runner import Call
from domain.actors import Actor, CleanerId
from domain.errors import Refused, Unavailable
from domain.ids import AssignmentId, JobId, SwapId
from services import scheduling, swaps
from tests.product.linear import NEVER, Operation, find_order
from tests.product.planting import Garden
from tests.product.soundness import broken
from tests.product.world import Town

SEED = 20261122
RACERS = 16
TURNS = 20
SENSE = 0.9
"""How often a racer does what makes sense to them."""
RACES = int(os.environ.get("RACES", "1"))
OPEN = ("PENDING", "AWAITING_APPROVAL")
Answer = tuple[str, Any]
RACED = UUID(int=1)


@dataclass(frozen=True)
class Offer:
    """A swap of one of the two shifts."""

    id: SwapId
    owner: Any
    status: str = "PENDING"
    taker: Any = None


@dataclass(frozen=True)
class Place:
    """One of the two jobs: whose it is by which assignment, its offers, and by which of them it has moved."""

    shift: AssignmentId | None
    holder: Any
    offers: tuple[Offer, ...] = ()
    moves: tuple[SwapId, ...] = ()

    @property
    def listed(self) -> Offer | None:
        return next((offer for offer in self.offers if offer.status in OPEN), None)

    def offer(self, id: SwapId) -> Offer | None:
        return next((offer for offer in self.offers if offer.id == id), None)

    def put(self, offer: Offer, **values: Any) -> "Place":
        others = tuple(one for one in self.offers if one.id != offer.id)
        return replace(self, offers=(*others, offer), **values)

    def cleared(self, **values: Any) -> "Place":
        """Nothing on the market any more."""
        offers = tuple(replace(one, status="WITHDRAWN") if one.status in OPEN else one for one in self.offers)
        return replace(self, offers=offers, **values)


Board = tuple[Place, Place]
Step = tuple[set[str], Place | None]
"""With which codes it is refused; or none and what it leaves behind."""


@dataclass(frozen=True)
class Market:
    """The market as it would be if everybody came one after the other."""

    needs_approval: bool

    def __call__(self, board: Board, op: Operation) -> Iterator[Board]:
        at, subject = op.about
        place, busy = board[at], board[1 - at].holder
        codes, after = getattr(self, f"_{op.what}")(place, busy, op, subject)
        kind, value = op.answer or ("unknown", None)
        if kind == "refused" and value not in codes:
            return
        if kind == "done" and after is None:
            return
        changed = place if after is None or kind == "refused" else after
        yield (changed, board[1]) if at == 0 else (board[0], changed)

    def _offer(self, place: Place, _busy: Any, op: Operation, shift: AssignmentId) -> Step:
        if shift != place.shift or op.who != place.holder:
            return {"NOT_FOUND"}, None
        if place.listed:
            return {"ALREADY_EXISTS"}, None
        # Of an unknown outcome the id was never told: nobody else can act on it.
        made = op.answer[1] if op.answer else SwapId(shift)
        return set(), place.put(Offer(made, op.who))

    def _accept(self, place: Place, busy: Any, op: Operation, id: SwapId) -> Step:
        offer = place.offer(id)
        if offer is None or offer.status != "PENDING":
            return {"SWAP_ALREADY_TAKEN"}, None
        if op.who in (offer.owner, busy):
            return {"NOT_ELIGIBLE"}, None
        if self.needs_approval:
            return set(), place.put(replace(offer, status="AWAITING_APPROVAL", taker=op.who))
        return set(), self._moved(place, replace(offer, taker=op.who))

    def _moved(self, place: Place, offer: Offer) -> Place:
        done = replace(offer, status="ACCEPTED")
        return place.put(done, holder=offer.taker, moves=(*place.moves, offer.id))

    def _approve(self, place: Place, busy: Any, _op: Operation, id: SwapId) -> Step:
        offer = place.offer(id)
        if offer is None:
            return {"NOT_FOUND"}, None
        if offer.status != "AWAITING_APPROVAL":
            return {"CONFLICT", "SWAP_ALREADY_TAKEN"}, None
        if offer.taker == busy:
            return {"NOT_ELIGIBLE"}, None
        return set(), self._moved(place, offer)

    def _decline(self, place: Place, _busy: Any, _op: Operation, id: SwapId) -> Step:
        offer = place.offer(id)
        if offer is None:
            return {"NOT_FOUND"}, None
        if offer.status != "AWAITING_APPROVAL":
            return {"CONFLICT"}, None
        return set(), place.put(replace(offer, status="DECLINED"))

    def _withdraw(self, place: Place, _busy: Any, op: Operation, id: SwapId) -> Step:
        offer = place.offer(id)
        if offer is None or offer.owner != op.who:
            return {"NOT_FOUND"}, None
        if offer.status not in OPEN:
            return {"CONFLICT"}, None
        return set(), place.put(replace(offer, status="WITHDRAWN"))

    def _give_back(self, place: Place, busy: Any, op: Operation, id: SwapId) -> Step:
        offer = place.offer(id)
        if offer is None or offer.taker != op.who:
            return {"NOT_FOUND"}, None
        again = replace(offer, status="PENDING", taker=None)
        if offer.status == "AWAITING_APPROVAL":
            return set(), place.put(again)
        if offer.status != "ACCEPTED":
            return {"ILLEGAL_TRANSITION", "CONFLICT"}, None
        if place.moves[-1:] != (id,):
            return {"CONFLICT"}, None
        if offer.owner == busy:
            return {"SHIFT_OVERLAP"}, None
        return set(), place.cleared(holder=offer.owner, moves=place.moves[:-1]).put(again)

    def _release(self, place: Place, _busy: Any, _op: Operation, shift: AssignmentId) -> Step:
        if shift != place.shift:
            return {"CONFLICT"}, None
        # Its swaps can only be given back in vain from now on.
        return set(), place.cleared(shift=None, holder=None, moves=())

    def _assign(self, place: Place, busy: Any, op: Operation, person: Any) -> Step:
        codes = {"ALREADY_EXISTS"} if place.shift else set()
        if person == busy:
            codes |= {"SHIFT_OVERLAP"}
        made = op.answer[1] if op.answer and op.answer[0] == "done" else None
        return codes, None if codes else replace(place, shift=made, holder=person, moves=())


@dataclass
class Race:
    """Racers who share what they have heard of, and write down what they do."""

    town: Town
    office: Actor
    people: list[Actor]
    jobs: list[JobId]
    dice: random.Random
    shifts: list[list[AssignmentId]]
    offers: list[list[SwapId]] = field(default_factory=lambda: [[], []])
    told: dict[Any, int] = field(default_factory=dict)
    """Whom the office has just put on which job."""
    history: list[Operation] = field(default_factory=list)
    clock: Any = field(default_factory=itertools.count)

    async def run(self, turns: int) -> None:
        async with asyncio.TaskGroup() as group:
            for at, who in enumerate(self.people):
                group.create_task(self._racer(who, turns, at if at < 2 else None))
            group.create_task(self._clerk(turns))

    async def _racer(self, who: Actor, turns: int, held: int | None) -> None:
        """Somebody who remembers what they hold, by which swap they got it, and what they have offered."""
        got: SwapId | None = None
        for _ in range(turns):
            held = self.told.pop(who.person, held)
            at = self.dice.randrange(2) if held is None else held
            ready = "accept" if held is None else self.dice.choice(["offer", "offer", "offer", "give_back", "withdraw"])
            what = (
                ready if self.dice.random() < SENSE else self.dice.choice(["offer", "accept", "give_back", "withdraw"])
            )
            known = [*self.offers[at][-2:], *([got] if got and what == "give_back" else [])]
            if what == "offer" or not known:
                await self._do(who, "offer", at, self.shifts[at][-1])
            else:
                # Mostly the newest, sometimes what is long over.
                answer = await self._do(who, what, at, known[-1] if self.dice.random() < SENSE else known[0])
                if answer and answer[0] == "done" and what in ("accept", "give_back"):
                    held, got = (at, answer[1]) if what == "accept" else (None, None)

    async def _clerk(self, turns: int) -> None:
        for _ in range(turns):
            at = self.dice.randrange(2)
            what = self.dice.choice([*["approve"] * 5, "decline", "release", *["assign"] * 3])
            if what == "release":
                await self._do(self.office, what, at, self.shifts[at][-1])
            elif what == "assign":
                await self._do(self.office, what, at, self.dice.choice(self.people).person)
            else:
                await self._do(self.office, what, at, (self.offers[at] or self.shifts[at])[-1])

    async def _do(self, who: Actor, what: str, at: int, subject: Any) -> Answer | None:
        invoked = next(self.clock)
        answer = await self._answer(who, what, at, subject)
        if answer and answer[0] == "done":
            heard: dict[str, list[list[Any]]] = {"offer": self.offers, "assign": self.shifts}
            heard.get(what, [[], []])[at].append(answer[1])
            if what == "assign":
                self.told[subject] = at
        returned = next(self.clock) if answer else NEVER
        self.history.append(Operation(who.person, what, (at, subject), answer, invoked, returned))
        return answer

    async def _answer(self, who: Actor, what: str, at: int, subject: Any) -> Answer | None:
        command, form = self._form(what, at, subject)
        try:
            return "done", await self.town.world.runner.run(Call(who, command, form))
        except Refused as refusal:
            return "refused", refusal.code.value
        except Unavailable:
            return None

    def _form(self, what: str, at: int, subject: Any) -> tuple[Any, Any]:
        match what:
            case "offer":
                return swaps.offer_swap, swaps.OfferSwap(subject)
            case "accept":
                return swaps.accept_swap, swaps.AcceptSwap(subject)
            case "give_back":
                return swaps.return_swap, swaps.ReturnSwap(subject)
            case "withdraw":
                return swaps.withdraw_swap, swaps.WithdrawSwap(subject)
            case "approve":
                return swaps.approve_swap, swaps.ApproveSwap(subject)
            case "decline":
                return swaps.decline_swap, swaps.DeclineSwap(subject, "not today")
            case "release":
                return scheduling.release_cleaner, scheduling.ReleaseCleaner(subject)
            case _:
                return scheduling.assign_cleaner, scheduling.AssignCleaner(self.jobs[at], CleanerId(subject))


@pytest.mark.parametrize("needs_approval", [False, True], ids=["the first has it", "the office approves"])
async def test_sixteen_racers_are_answered_as_if_one_by_one(town: Town, other: Town, needs_approval: bool) -> None:
    """R96 to R101, A26 to A29: and the business is consistent after all of it; the other one heard nothing."""
    world = town.world
    chosen = json.dumps({"swaps": {"approvalRequired": needs_approval, "returnMinutes": 1440}})
    await world.root.execute("update tenant set settings = $2 where tenant_id = $1", town.tenant, chosen)
    people = [await town.cleaner() for _ in range(RACERS)]
    garden = Garden(town, await town.home())
    elsewhere = await world.trace(other.tenant)
    for number in range(RACES):
        start = await garden.monday()
        planted = [await garden.shift(who, start) for who in people[:2]]
        dice = random.Random(SEED + number)  # noqa: S311 (no secret)
        race = Race(town, town.owner, people, [one.job for one in planted], dice, [[one.assignment] for one in planted])
        first, second = (Place(one.assignment, one.owner.person) for one in planted)

        await race.run(TURNS)

        done = [op for op in race.history if op.answer and op.answer[0] == "done"]
        print(f"{len(race.history)} operations, {Counter(op.what for op in done)} not refused, seed {SEED + number}")
        find_order(race.history, Market(needs_approval), (first, second))
        assert done
        assert await broken(town) == []
    assert await world.trace(other.tenant) == elsewhere


def test_the_model_itself_finds_a_shift_that_two_have_taken() -> None:
    """R97: a history in which the market had answered two takers alike."""
    swap = SwapId(AssignmentId(RACED))
    board = (Place(AssignmentId(RACED), "owner", (Offer(swap, "owner"),)), Place(None, None))
    won = ("done", swap)
    taken = [Operation(who, "accept", (0, swap), won, at, at + 2) for at, who in enumerate(("one", "two"))]
    back = Operation("one", "give_back", (0, swap), won, 1, 3)

    assert find_order([*taken, back], Market(needs_approval=False), board)
    with pytest.raises(AssertionError, match="does not fit"):
        find_order(taken, Market(needs_approval=False), board)
