"""Load by real mutations over HTTP: whoever does not learn what became of a wish asks again with the same key."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

import httpx2

from domain.actors import Actor
from schema.types.relay import encode_id
from tests.soak.followers import Device, Line

ANSWER_SECONDS = 3.0
AGAIN_SECONDS = 0.05, 0.2
PAUSE_SECONDS = 0.05, 0.4


@dataclass(slots=True, eq=False)
class Shift:
    """A shift as the harness knows it from the answers: who has it, and the swap that offers it."""

    assignment: str
    holder: Actor
    swap: str | None = None


@dataclass(slots=True)
class Wish:
    """One mutation under its key, and what became of it in the end."""

    key: str
    mutation: str
    actor: Actor
    about: str
    tries: int = 0
    made: str | None = None
    """The global id of what it made or changed; None if it was refused, or is not answered yet."""
    refusals: tuple[str, ...] = ()


@dataclass(slots=True)
class Ledger:
    """Every wish of a town's writers, and every answer that no client should ever get."""

    wishes: list[Wish] = field(default_factory=list)
    wrong_answers: list[Any] = field(default_factory=list)

    def done(self, mutation: str) -> list[Wish]:
        """The wishes of a kind that were granted."""
        return [wish for wish in self.wishes if wish.mutation == mutation and wish.made is not None]

    def refused(self, mutation: str) -> list[Wish]:
        """The wishes of a kind that were refused."""
        return [wish for wish in self.wishes if wish.mutation == mutation and wish.refusals]


@dataclass(slots=True)
class Counter:
    """Where wishes are brought: any API process, again and again, until there is an answer."""

    http: httpx2.AsyncClient
    line: Line
    ledger: Ledger
    chance: random.Random
    device: Device = field(default_factory=Device)

    async def bring(self, wish: Wish, input: dict[str, Any], entity: str) -> Wish:
        """The wish with its answer; whatever happens on the way, it is granted or refused once."""
        self.ledger.wishes.append(wish)
        kind = wish.mutation[0].upper() + wish.mutation[1:]
        query = f"""mutation ($input: {kind}Input!) {{
            {wish.mutation}(input: $input) {{ {entity} {{ id }} errors {{ code }} }} }}"""
        body = {"query": query, "variables": {"input": {**input, "clientMutationId": wish.key}}}
        while (payload := await self._asked(wish, body)) is None:
            await asyncio.sleep(self.chance.uniform(*AGAIN_SECONDS))
        wish.made = payload[entity]["id"] if payload[entity] else None
        wish.refusals = tuple(error["code"] for error in payload["errors"])
        return wish

    async def _asked(self, wish: Wish, body: dict[str, Any]) -> dict[str, Any] | None:
        """The payload; None if nobody knows whether it was done."""
        wish.tries += 1
        headers = {
            "authorization": f"Bearer {self.line.token(wish.actor)}",
            "accept": "application/graphql-response+json",
            **self.device.headers(),
        }
        address = f"http://127.0.0.1:{self.chance.choice(self.line.ports)}/graphql"
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self.http.post(address, json=body, headers=headers)
                found = answer.json()
        except (httpx2.TransportError, TimeoutError, ValueError):
            return None
        if "errors" not in found:
            payload: dict[str, Any] = found["data"][wish.mutation]
            return payload
        codes = {error.get("extensions", {}).get("code") for error in found["errors"]}
        if codes != {"UNAVAILABLE"}:
            self.ledger.wrong_answers.append(found["errors"])
        return None


@dataclass(slots=True)
class Writer:
    """A cleaner who never rests: offers, takes and withdraws shifts, and submits availability."""

    actor: Actor
    shifts: list[Shift]
    counter: Counter
    submission: dict[str, Any]
    """The input of `submitAvailability` without its key."""
    _number: int = 0
    _stopped: bool = False

    async def write(self) -> None:
        """Go on until stopped; ends with every wish answered."""
        while not self._stopped:
            await self._move()
            await asyncio.sleep(self.counter.chance.uniform(*PAUSE_SECONDS))

    def stop(self) -> None:
        """End with the present wish."""
        self._stopped = True

    async def _move(self) -> None:
        chance = self.counter.chance
        on_offer = [shift for shift in self.shifts if shift.swap and shift.holder != self.actor]
        own = [shift for shift in self.shifts if shift.holder == self.actor and not shift.swap]
        offered = [shift for shift in self.shifts if shift.holder == self.actor and shift.swap]
        luck = chance.random()
        if luck < 0.3:
            await self._submit()
        elif on_offer and luck < 0.65:
            await self._accept(chance.choice(on_offer))
        elif offered and luck < 0.75:
            await self._withdraw(chance.choice(offered))
        elif own:
            await self._offer(chance.choice(own))

    async def _offer(self, shift: Shift) -> None:
        wish = self._wish("offerSwap", shift.assignment)
        # The note tells which wish an event came from.
        done = await self.counter.bring(wish, {"assignmentId": shift.assignment, "note": wish.key}, "swap")
        if done.made and shift.holder == self.actor:
            shift.swap = done.made

    async def _accept(self, shift: Shift) -> None:
        swap = shift.swap
        assert swap is not None
        done = await self.counter.bring(self._wish("acceptSwap", swap), {"swapId": swap}, "swap")
        if done.made:
            shift.holder, shift.swap = self.actor, None

    async def _withdraw(self, shift: Shift) -> None:
        swap = shift.swap
        assert swap is not None
        done = await self.counter.bring(self._wish("withdrawSwap", swap), {"swapId": swap}, "swap")
        if done.made and shift.swap == swap:
            shift.swap = None

    async def _submit(self) -> None:
        wish = self._wish("submitAvailability", self.submission["marketId"])
        await self.counter.bring(wish, self.submission, "availabilitySubmission")

    def _wish(self, mutation: str, about: str) -> Wish:
        self._number += 1
        return Wish(f"{self.actor.person.hex[-12:]}-{self._number}", mutation, self.actor, about)


def global_id(kind: str, id: Any) -> str:
    """The id as clients see it."""
    return str(encode_id(kind, id))
