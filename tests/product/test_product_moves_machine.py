"""The market's moves in any order, each against a plain model: what is granted, to whom, and what is left of it.

Overlapping offers, chains of swaps, a swapped shift offered again, trades, returns, covers, draws and bids, with the
clock moved on between them (A17, A22, A26 to A29). MACHINE=300 plays that many longer games instead of the suite's few.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Coroutine
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from db.ids import new_id
from domain.actors import Actor, CleanerId
from domain.errors import Refused
from domain.ids import PropertyId
from services import cancellations, scheduling, swaps
from tests.product.plain_market import Codes, PlainMarket
from tests.product.soundness import broken
from tests.product.world import Town

GAMES = int(os.environ.get("MACHINE", "0"))
PEOPLE = 4
MOST_JOBS = 7
TABLES = ("swap_ask", "swap_want", "swap", "assignment", "job", "standing_bid", "task")
ANY = st.integers(0, 2**16)
RARELY = st.sampled_from([False, False, True])
WANTS: st.SearchStrategy[list[int]] = st.one_of(st.just([]), st.lists(ANY, min_size=1, max_size=3))
SLOT = st.tuples(st.integers(1, 3), st.sampled_from([11, 13, 15, 18, 21]), st.sampled_from([2, 3, 6, 9]))


@dataclass
class Table:
    """Where the games are played: one business, its people, and the loop that the runner lives on."""

    town: Town
    home: PropertyId
    people: list[Actor]
    loop: asyncio.AbstractEventLoop

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def sql(self, statement: str, *given: Any) -> Any:
        return self.wait(self.town.world.root.fetch(statement, *given))


class MarketGame(RuleBasedStateMachine):
    """Every rule does one move in the model and over the real runner."""

    table: ClassVar[Table]
    met: ClassVar[Counter[tuple[str, str | None]]] = Counter()

    @initialize(approval=RARELY, draws=RARELY, bidding=RARELY, slots=st.lists(SLOT, min_size=4, max_size=5))
    def begin(self, approval: bool, draws: bool, bidding: bool, slots: list[tuple[int, int, int]]) -> None:
        table = self.table
        for name in TABLES:
            table.sql(f"delete from {name} where tenant_id = $1", table.town.tenant)
        chosen = {"approvalRequired": approval, "drawMinutes": 5 if draws else 0, "standingBids": bidding}
        set_back = "update tenant set settings = $2, clock_offset = default where tenant_id = $1"
        table.sql(set_back, table.town.tenant, json.dumps({"swaps": chosen}))
        self.market = PlainMarket(approval, draws, bidding)
        self.start = table.wait(table.town.day(1, 0))
        for number, slot in enumerate(slots):
            self.plan_for(slot, 4 * number + 1)

    # The office

    @precondition(lambda self: len(self.market.jobs) < MOST_JOBS)
    @rule(slot=SLOT, who=ANY)
    def plan_for(self, slot: tuple[int, int, int], who: int) -> None:
        """A job, and somebody on it where that can be."""
        start = self._at(slot)
        if start <= self.now:
            return
        form = scheduling.CreateJob(self.table.home, start, Decimal(slot[2]))
        self.market.plan(self._do(set(), None, scheduling.create_job, form), start, slot[2])
        if who % 4:
            self._assign(list(self.market.jobs)[-1], who)

    @precondition(lambda self: self.market.jobs)
    @rule(job=ANY, who=ANY)
    def assign(self, job: int, who: int) -> None:
        self._assign(self._job(job), who)

    def _assign(self, id: Any, who: int) -> None:
        person = self._person(who).person
        form = scheduling.AssignCleaner(id, CleanerId(person))
        codes = self.market.assign(id, person)
        shift = self._do(codes, None, scheduling.assign_cleaner, form)
        if not codes:
            self.market.assigned(id, person, shift)

    @precondition(lambda self: self._held)
    @rule(job=ANY)
    def release(self, job: int) -> None:
        id = self._pick(self._held, job)
        form = scheduling.ReleaseCleaner(self.market.jobs[id]["shift"])
        self._do(self.market.release(id), None, scheduling.release_cleaner, form)

    @precondition(lambda self: len(self._planned) > MOST_JOBS // 2)
    @rule(job=ANY)
    def cancel(self, job: int) -> None:
        id = self._job(job)
        self._do(self.market.cancel(id), None, cancellations.cancel_job, cancellations.CancelJob(id, "flooded"))

    @precondition(lambda self: self.market.jobs)
    @rule(job=ANY, slot=SLOT)
    def move(self, job: int, slot: tuple[int, int, int]) -> None:
        id, start = self._job(job), self._at(slot)
        form = scheduling.UpdateJob(id, starts_at=start)
        self._do(self.market.move(id, start, self.now), None, scheduling.update_job, form)

    @precondition(lambda self: self.market.jobs)
    @rule(job=ANY)
    def cover(self, job: int) -> None:
        id, now = self._job(job), self.now
        shift = self.market.jobs[id]["shift"]
        form = swaps.OpenCover(assignment_id=shift) if shift else swaps.OpenCover(job_id=id)
        codes = self.market.cover(id, now)
        made = self._do(codes, None, swaps.open_cover, form)
        if not codes:
            self.market.covered(made, id, now)

    @precondition(lambda self: self.market.approval and self.market.swaps)
    @rule(swap=ANY)
    def approve(self, swap: int) -> None:
        id = self._swap(swap, "AWAITING_APPROVAL")
        self._do(self.market.approve(id, self.now), None, swaps.approve_swap, swaps.ApproveSwap(id))

    @precondition(lambda self: self.market.approval and self.market.swaps)
    @rule(swap=ANY)
    def decline(self, swap: int) -> None:
        id = self._swap(swap, "AWAITING_APPROVAL")
        self._do(self.market.decline(id), None, swaps.decline_swap, swaps.DeclineSwap(id, "not today"))

    # The cleaners

    @precondition(lambda self: self._held)
    @rule(job=ANY, wants=WANTS)
    def offer(self, job: int, wants: list[int]) -> None:
        """A COVER, or a TRADE for some of the others' shifts."""
        free = [one for one in self._held if not self.market.listed(one)]
        id, now = self._pick(free if free and job % 5 else self._held, job), self.now
        owner, shift = self.market.jobs[id]["holder"], self.market.jobs[id]["shift"]
        others = [one for one in self._held if self.market.jobs[one]["holder"] != owner]
        named = list({self.market.jobs[self._pick(others, want)]["shift"] for want in wants if others})
        codes = self.market.offer(id, named, now)
        made = self._do(codes, owner, swaps.offer_swap, swaps.OfferSwap(shift, wants=named or None))
        if not codes:
            self.market.offered(made, id, named, now)

    @precondition(lambda self: self.market.swaps)
    @rule(swap=ANY, who=ANY)
    def accept(self, swap: int, who: int) -> None:
        id, now = self._swap(swap, "PENDING"), self.now
        could = [one for one in self.table.people if not deepcopy(self.market).accept(id, one.person, now)]
        person = self._pick(could, who).person if could and who % 4 else self._person(who).person
        self._do(self.market.accept(id, person, now), person, swaps.accept_swap, swaps.AcceptSwap(id))

    @precondition(lambda self: self._held)
    @rule(job=ANY, wants=WANTS, who=ANY, back=RARELY)
    def hand_on(self, job: int, wants: list[int], who: int, back: bool) -> None:
        """An offer, and whoever takes it, and perhaps regrets it: so that chains come about."""
        before = len(self.market.swaps)
        self.offer(job, wants)
        if len(self.market.swaps) > before:
            self.accept(1, who)
            if back:
                self.give_back(1, 1)

    @precondition(lambda self: self._held)
    @rule(job=ANY, who=ANY, back=RARELY)
    def trade_on(self, job: int, who: int, back: bool) -> None:
        """The same, for any shift of anybody else."""
        self.hand_on(job, list(range(len(self._held))), who, back)

    @precondition(lambda self: self.market.swaps)
    @rule(swap=ANY, who=ANY)
    def give_back(self, swap: int, who: int) -> None:
        """Mostly by the taker."""
        id = self._swap(swap, "ACCEPTED", "AWAITING_APPROVAL")
        taker = self.market.swaps[id]["taker"]
        person = taker if taker and who % 4 else self._person(who).person
        self._do(self.market.give_back(id, person, self.now), person, swaps.return_swap, swaps.ReturnSwap(id))

    @precondition(lambda self: self.market.swaps)
    @rule(swap=ANY, who=ANY)
    def withdraw(self, swap: int, who: int) -> None:
        id = self._swap(swap, "PENDING", "AWAITING_APPROVAL")
        person = self._person(who).person if who % 4 == 0 else self.market.swaps[id]["owner"]
        self._do(self.market.withdraw(id, person), person, swaps.withdraw_swap, swaps.WithdrawSwap(id))

    @precondition(lambda self: self.market.bidding and len(self.market.bidders) < 3)
    @rule(who=ANY)
    def bid(self, who: int) -> None:
        person = self._person(who).person
        form = swaps.PlaceStandingBid(self.table.town.market, [1, 2, 3, 4, 5, 6, 7])
        self.market.bidders[self._do(set(), person, swaps.place_standing_bid, form)] = person

    @precondition(lambda self: self.market.bidders)
    @rule(which=ANY)
    def bid_no_more(self, which: int) -> None:
        id = self._pick(self.market.bidders, which)
        form = swaps.WithdrawStandingBid(id)
        self._do(set(), self.market.bidders.pop(id), swaps.withdraw_standing_bid, form)

    # The system

    @precondition(lambda self: self.market.swaps and (self.market.draws or self.market.bidding))
    @rule(swap=ANY)
    def draw(self, swap: int) -> None:
        """Whoever is drawn is one of those who may be."""
        id, now = self._swap(swap, "PENDING"), self.now
        among = self.market.drawn_among(id, now)
        self._do(set(), Actor.system(self.table.town.tenant), swaps.draw_swap, swaps.DrawSwap(id))
        if among is None:
            return
        (row,) = self.table.sql("select taker_id from swap where id = $1", id)
        assert row["taker_id"] in (among or {None})
        self.market.drawn(id, row["taker_id"], now)

    @rule(minutes=st.sampled_from([5, 5, 11, 11, 120, 600]), swept=st.booleans())
    def time_goes_on(self, minutes: int, swept: bool) -> None:
        """With or without the task that expires what is over by then."""
        self.table.wait(self.table.town.world.move_clock(self.table.town.tenant, timedelta(minutes=minutes)))
        if swept:
            self.market.expire(self.now)
            self._do(set(), Actor.system(self.table.town.tenant), swaps.expire_due_swaps, swaps.ExpireDueSwaps())

    # What holds after each

    @invariant()
    def the_rows_are_the_models(self) -> None:
        if not hasattr(self, "market"):
            return
        tenant = self.table.town.tenant
        jobs = self.table.sql(
            """select j.id, j.status, a.cleaner_id, a.id from job j left join assignment a
            on a.tenant_id = j.tenant_id and a.job_id = j.id and a.released_at is null where j.tenant_id = $1""",
            tenant,
        )
        # Which assignment a vacancy's taker got, only the rows can tell.
        for id, _, person, shift in map(tuple, jobs):
            if person is not None and self.market.jobs[id]["shift"] is None:
                self.market.jobs[id]["shift"] = shift
        plain = {(id, job["status"], job["holder"], job["shift"]) for id, job in self.market.jobs.items()}
        assert {tuple(row) for row in jobs} == plain
        rows = self.table.sql("select id, status, owner_id, taker_id, given_id from swap where tenant_id = $1", tenant)
        listed = {
            (id, one["status"], one["owner"], one["taker"], one["given"]) for id, one in self.market.swaps.items()
        }
        assert {tuple(row) for row in rows} == listed

    def teardown(self) -> None:
        found = self.table.wait(broken(self.table.town))
        assert not found, found

    # How a move is made

    @property
    def now(self) -> datetime:
        now: datetime = self.table.wait(self.table.town.world.now(self.table.town.tenant))
        return now

    @property
    def _held(self) -> list[Any]:
        return [id for id, job in self.market.jobs.items() if job["holder"]]

    @property
    def _planned(self) -> list[Any]:
        return [id for id, job in self.market.jobs.items() if job["status"] != "CANCELED"]

    def _job(self, number: int) -> Any:
        """Mostly one that is not canceled."""
        return self._pick(self._planned if self._planned and number % 8 else self.market.jobs, number)

    def _at(self, slot: tuple[int, int, int]) -> datetime:
        at: datetime = self.start + timedelta(days=slot[0], hours=slot[1])
        return at

    def _person(self, number: int) -> Actor:
        return self.table.people[number // 4 % PEOPLE]

    def _pick(self, among: Any, number: int) -> Any:
        return list(among)[number % len(among)]

    def _swap(self, number: int, *mostly: str) -> Any:
        """Mostly the newest of these."""
        live = [id for id, swap in self.market.swaps.items() if swap["status"] in mostly]
        return live[-1 - number % min(2, len(live))] if live and number % 5 else self._pick(self.market.swaps, number)

    def _is_trade(self, form: Any) -> bool:
        swap = self.market.swaps.get(getattr(form, "swap_id", None))
        return swap is not None and swap["wants"] is not None

    def _do(self, codes: Codes, who: Any, command: Any, form: Any) -> Any:
        """Run it as this person, or as the office: granted, or refused with one of these codes."""
        actors = {actor.person: actor for actor in self.table.people}
        actor = self.table.town.owner if who is None else actors.get(who, who)
        run = self.table.town.world.run(actor, command, form, request_id=f"game:{new_id()}")
        try:
            made, code = self.table.wait(run), None
        except Refused as refusal:
            made, code = None, refusal.code.value
        allowed = code in codes if codes else code is None
        assert allowed, f"{command.name} was answered with {code} and not with {codes or 'granted'}"
        kind = " TRADE" if getattr(form, "wants", None) or self._is_trade(form) else ""
        self.met[command.name + kind, code] += 1
        return made


async def test_in_any_order_the_market_does_what_the_plain_model_says(town: Town, other: Town) -> None:
    """A17, A22, A26 to A29; the other business hears nothing of any of it."""
    people = [await town.cleaner() for _ in range(PEOPLE)]
    later = "update session set expires_at = now() + interval '1 year' where tenant_id = $1"
    await town.world.root.execute(later, town.tenant)
    elsewhere = await town.world.trace(other.tenant)
    MarketGame.table = Table(town, await town.home(), people, asyncio.get_running_loop())
    chosen = settings(
        max_examples=GAMES or 8,
        stateful_step_count=60 if GAMES else 30,
        deadline=None,
        database=None,
        derandomize=not GAMES,
        suppress_health_check=list(HealthCheck),
    )
    play: Callable[..., None] = run_state_machine_as_test

    await asyncio.to_thread(play, MarketGame, settings=chosen)

    print(*sorted(MarketGame.met.items(), key=str), sep="\n")
    assert await town.world.trace(other.tenant) == elsewhere
