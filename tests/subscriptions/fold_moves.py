"""Random writes to a business, each through the command that serves it: a table of moves.

A new move is one function and one line of `MOVES`. It picks what it works with from the business as it is, raises
`Nothing` where there is nothing to pick, and may be refused: both count for nothing.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.actors import Actor, CleanerId
from domain.availability import next_transition, period_containing
from domain.errors import Refused
from domain.ids import AssignmentId, ChecklistItemId, JobId, MarketId, PropertyId, SwapId
from domain.payments.payouts import PAYOUT_TRANSITIONS, PayoutStatus
from domain.scheduling import PAYMENT_TRANSITIONS, AssignmentRole, Laundry, PaymentStatus, Skill
from services import availability, cancellations, customers, scheduling, swaps
from services.fieldwork import overrides, ticking, tracks, visits
from services.fieldwork.told import FixTold
from services.identity import business, cleaners
from services.inputs import JSON
from services.windows import AnnounceWindow, announce_window
from tests.product.world import MIAMI, Town
from tests.subscriptions.money_moves import BEGIN_PAYMENT, BEGIN_PAYOUT, MOVE_PAYMENT, MOVE_PAYOUT

HOUR = timedelta(hours=1)
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "UTC")
FARTHEST = timedelta(days=24)
"""How far the clock is moved in all: the viewers' sessions must outlive it."""
ATTEMPTS_A_WRITE = 8
RARE = 20
"""The weight of a move that has not been done yet."""


class Nothing(Exception):
    """There is nothing that this move could be made with."""


@dataclass
class Scene:
    """One business, and who writes in it. `kept` stay with it; the clock is moved by whole hours only."""

    town: Town
    chance: random.Random
    markets: list[MarketId] = field(default_factory=list)
    actors: dict[UUID, Actor] = field(default_factory=dict)
    """Its cleaners who can sign in, by person."""
    kept: set[UUID] = field(default_factory=set)
    announced: datetime | None = None
    moved: timedelta = timedelta()
    done: Counter[str] = field(default_factory=Counter)
    is_restored: bool = False
    names: int = 0

    async def run(self, actor: Actor, command: Any, input: Any) -> Any:
        return await self.town.world.run(actor, command, input)

    async def office(self, command: Any, input: Any) -> Any:
        return await self.run(self.town.owner, command, input)

    async def system(self, command: Any, input: Any) -> Any:
        return await self.run(Actor.system(self.town.tenant), command, input)

    def further(self, row: Any, ways: Collection[Any]) -> tuple[UUID, Any]:
        """A row, and one of the states that it may go to."""
        if not ways:
            raise Nothing
        return row["id"], self.chance.choice(sorted(ways))

    async def now(self) -> datetime:
        return await self.town.world.now(self.town.tenant)

    async def rows(self, query: str) -> Sequence[Any]:
        """Rows of this business: the query's $1 is its id, and what it selects first gives the order."""
        return await self.town.world.root.fetch(f"{query} order by 1", self.town.tenant)

    async def some(self, query: str) -> Any:
        """One of the query's rows."""
        found = await self.rows(query)
        if not found:
            raise Nothing
        return self.chance.choice(found)

    async def whose(self, query: str) -> tuple[Any, Actor]:
        """One of the rows whose `cleaner_id` can act, with that cleaner."""
        found = [row for row in await self.rows(query) if row["cleaner_id"] in self.actors]
        if not found:
            raise Nothing
        row = self.chance.choice(found)
        return row, self.actors[row["cleaner_id"]]

    def word(self, kind: str) -> str:
        """A name that nothing had before."""
        self.names += 1
        return f"{kind} {self.names}"

    def place(self) -> tuple[float, float]:
        """Somewhere around the city, now and then too far to get to in time."""
        far = self.chance.choice((0.01, 0.05, 0.05, 0.6))
        return round(MIAMI[0] + self.chance.uniform(0, far), 4), round(MIAMI[1] - self.chance.uniform(0, far), 4)

    async def start(self) -> datetime:
        """When a shift could start, on the hour."""
        today = (await self.now()).replace(minute=0, second=0, microsecond=0)
        return today + self.chance.randrange(1, 12) * 24 * HOUR + self.chance.randrange(0, 10) * HOUR

    async def settle(self) -> None:
        """Do what falls due by the clock, as the workers do."""
        now = await self.now()
        system = Actor.system(self.town.tenant)
        for row in await self.rows("select id, * from market where tenant_id = $1 and archived_at is null"):
            calendar = availability.calendar_of(SimpleNamespace(**dict(row)))
            change = next_transition(calendar, self.announced or now)
            while change.at <= now:
                await self.run(system, announce_window, AnnounceWindow(MarketId(row["id"]), change.at))
                change = next_transition(calendar, change.at)
        await self.run(system, swaps.expire_due_swaps, swaps.ExpireDueSwaps())
        for row in await self.rows("select id from swap where tenant_id = $1 and status = 'PENDING'"):
            # Whose moment has not come, and who is wanted by nobody, stays as it is.
            with contextlib.suppress(Refused):
                await self.run(system, swaps.draw_swap, swaps.DrawSwap(SwapId(row["id"])))
        self.announced = now


async def plan(scene: Scene) -> None:
    home = await scene.some("select id from property where tenant_id = $1 and archived_at is null")
    hours = Decimal(scene.chance.choice(("2", "3", "4.25")))
    urgent = scene.chance.random() < 0.2
    form = scheduling.CreateJob(PropertyId(home["id"]), await scene.start(), hours, is_urgent=urgent)
    await scene.office(scheduling.create_job, form)


async def assign(scene: Scene) -> None:
    free = await scene.some(
        """select j.id, m.cleaner_id from job j join cleaner_market m using (tenant_id, market_id)
           where j.tenant_id = $1 and j.starts_at > now()
               and (j.status = 'UNASSIGNED' or (j.status = 'ASSIGNED' and hashtext(j.id::text) % 9 = 0))"""
    )
    role = scene.chance.choice((AssignmentRole.PRIMARY, AssignmentRole.PRIMARY, AssignmentRole.LAUNDRY_LEAD))
    form = scheduling.AssignCleaner(JobId(free["id"]), CleanerId(free["cleaner_id"]), role)
    await scene.office(scheduling.assign_cleaner, form)


async def release(scene: Scene) -> None:
    held = await scene.some("select id from assignment where tenant_id = $1 and released_at is null")
    await scene.office(scheduling.release_cleaner, scheduling.ReleaseCleaner(AssignmentId(held["id"])))


async def move_job(scene: Scene) -> None:
    job = await scene.some(_OF_A_PLANNED_JOB)
    change: dict[str, Any] = scene.chance.choice(
        (
            {"starts_at": await scene.start()},
            {"starts_at": job["starts_at"] + HOUR},
            {"expected_hours": Decimal(scene.chance.choice(("1.5", "2.75", "5")))},
            {"is_urgent": scene.chance.random() < 0.5},
            {"instructions": scene.word("Ring")},
        )
    )
    await scene.office(scheduling.update_job, scheduling.UpdateJob(JobId(job["id"]), **change))


async def cancel_job(scene: Scene) -> None:
    job = await scene.some(_OF_A_PLANNED_JOB)
    await scene.office(cancellations.cancel_job, cancellations.CancelJob(JobId(job["id"]), "Snow"))


_OF_A_PLANNED_JOB = "select id, starts_at from job where tenant_id = $1 and status in ('UNASSIGNED', 'ASSIGNED')"
_OPEN = """select id, owner_id as cleaner_id from swap where tenant_id = $1
    and status in ('PENDING', 'AWAITING_APPROVAL')"""


async def offer(scene: Scene) -> None:
    shift, who = await scene.whose(
        """select a.id, a.cleaner_id from assignment a where a.tenant_id = $1 and a.released_at is null
           and not exists (select from swap s where s.tenant_id = a.tenant_id and s.assignment_id = a.id
               and s.status in ('PENDING', 'AWAITING_APPROVAL'))"""
    )
    note = scene.chance.choice(("", scene.word("Dentist")))
    await scene.run(who, swaps.offer_swap, swaps.OfferSwap(AssignmentId(shift["id"]), note))


async def accept(scene: Scene) -> None:
    wanted, who = await scene.whose(
        """select s.id, m.cleaner_id from swap s join cleaner_market m using (tenant_id, market_id)
           where s.tenant_id = $1 and s.status = 'PENDING' and s.kind = 'COVER'
               and m.cleaner_id is distinct from s.owner_id"""
    )
    await scene.run(who, swaps.accept_swap, swaps.AcceptSwap(SwapId(wanted["id"])))


async def offer_trade(scene: Scene) -> None:
    """One shift for one of a colleague's."""
    pair, who = await scene.whose(
        """select a.id, a.cleaner_id, b.id as wanted from assignment a
           join assignment b on b.tenant_id = a.tenant_id and b.cleaner_id <> a.cleaner_id and b.job_id <> a.job_id
           where a.tenant_id = $1 and a.released_at is null and b.released_at is null
               and b.starts_at > a.ends_at and not exists (select from swap s where s.tenant_id = a.tenant_id
                   and s.assignment_id in (a.id, b.id) and s.status in ('PENDING', 'AWAITING_APPROVAL'))"""
    )
    form = swaps.OfferSwap(AssignmentId(pair["id"]), scene.word("Trade"), [AssignmentId(pair["wanted"])])
    await scene.run(who, swaps.offer_swap, form)


async def accept_trade(scene: Scene) -> None:
    wanted, who = await scene.whose(
        """select s.id, a.cleaner_id, a.id as given from swap s join swap_want w on w.tenant_id = s.tenant_id
               and w.swap_id = s.id join assignment a on a.tenant_id = w.tenant_id and a.id = w.assignment_id
           where s.tenant_id = $1 and s.status = 'PENDING'"""
    )
    form = swaps.AcceptSwap(SwapId(wanted["id"]), AssignmentId(wanted["given"]))
    await scene.run(who, swaps.accept_swap, form)


async def approve(scene: Scene) -> None:
    swap = await scene.some(_AWAITING)
    await scene.office(swaps.approve_swap, swaps.ApproveSwap(SwapId(swap["id"])))


async def decline(scene: Scene) -> None:
    swap = await scene.some(_AWAITING)
    await scene.office(swaps.decline_swap, swaps.DeclineSwap(SwapId(swap["id"]), "Too far"))


_AWAITING = "select id from swap where tenant_id = $1 and status = 'AWAITING_APPROVAL'"


async def give_back(scene: Scene) -> None:
    taken, who = await scene.whose(
        """select id, taker_id as cleaner_id from swap
           where tenant_id = $1 and status in ('ACCEPTED', 'AWAITING_APPROVAL')"""
    )
    await scene.run(who, swaps.return_swap, swaps.ReturnSwap(SwapId(taken["id"])))


async def cover_shift(scene: Scene) -> None:
    shift = await scene.some("select id from assignment where tenant_id = $1 and released_at is null")
    form = swaps.OpenCover(AssignmentId(shift["id"]), note=scene.word("Ill"))
    await scene.office(swaps.open_cover, form)


async def cover_job(scene: Scene) -> None:
    job = await scene.some(_OF_A_PLANNED_JOB)
    await scene.office(swaps.open_cover, swaps.OpenCover(job_id=JobId(job["id"])))


async def bid(scene: Scene) -> None:
    who, place = await _member(scene)
    form = swaps.PlaceStandingBid(place.id, scene.chance.sample(range(1, 8), 3))
    await scene.run(who, swaps.place_standing_bid, form)


async def end_bid(scene: Scene) -> None:
    placed = await scene.some("select id from standing_bid where tenant_id = $1 and withdrawn_at is null")
    await scene.office(swaps.withdraw_standing_bid, swaps.WithdrawStandingBid(placed["id"]))


async def withdraw(scene: Scene) -> None:
    swap, owner = await scene.whose(_OPEN)
    who = scene.chance.choice((owner, scene.town.owner))
    await scene.run(who, swaps.withdraw_swap, swaps.WithdrawSwap(SwapId(swap["id"])))


async def pass_time(scene: Scene) -> None:
    """Swaps expire, windows open and close."""
    by = scene.chance.randrange(1, 40) * HOUR
    if scene.moved + by > FARTHEST:
        raise Nothing
    scene.moved += by
    await scene.town.world.move_clock(scene.town.tenant, by)
    await scene.settle()


async def first_job(scene: Scene, who: Actor) -> UUID:
    """A clean of today, for this cleaner."""
    home = await scene.some(f"select id from property where tenant_id = $1 and market_id = '{scene.markets[0]}'")
    start = await scene.now() + HOUR
    made = await scene.office(scheduling.create_job, scheduling.CreateJob(PropertyId(home["id"]), start, Decimal(3)))
    await scene.office(scheduling.assign_cleaner, scheduling.AssignCleaner(made, CleanerId(who.person)))
    return UUID(str(made))


async def begin_work(scene: Scene) -> None:
    """Somebody whose shift is near reads the instructions and arrives."""
    near = await scene.now() + 2 * HOUR
    shift, who = await scene.whose(
        f"""select a.id, a.cleaner_id, p.latitude, p.longitude from assignment a
           join job j on j.tenant_id = a.tenant_id and j.id = a.job_id
           join property p on p.tenant_id = j.tenant_id and p.id = j.property_id
           where a.tenant_id = $1 and a.released_at is null and j.starts_at < '{near.isoformat()}'
               and j.status in ('ASSIGNED', 'IN_PROGRESS') and not exists (select from visit v
                   where v.tenant_id = a.tenant_id and v.assignment_id = a.id and v.cleaner_id = a.cleaner_id)"""
    )
    mine, there = AssignmentId(shift["id"]), FixTold(shift["latitude"], shift["longitude"], 10)
    await scene.run(who, visits.open_instructions, visits.OpenInstructions(mine))
    await scene.run(who, visits.acknowledge_instructions, visits.AcknowledgeInstructions(mine))
    await scene.run(who, visits.check_in, visits.CheckIn(mine, there))


async def work_on(scene: Scene) -> None:
    """A cleaner at work goes on to the next phase, at the end out of the door; the photos of after are missing."""
    here, who = await _visit(scene, "v.checked_in_at is not null and v.checked_out_at is null")
    mine, there = AssignmentId(here["assignment_id"]), FixTold(here["latitude"], here["longitude"], 10)
    match here["phase"]:
        case "ARRIVAL":
            await scene.run(who, visits.start_work, visits.StartWork(mine))
        case "IN_PROGRESS":
            await scene.run(who, visits.finish_work, visits.FinishWork(mine))
        case _:
            await scene.run(who, visits.check_out, visits.CheckOut(mine, there))


async def tick(scene: Scene) -> None:
    here, who = await _visit(scene, "v.phase in ('IN_PROGRESS', 'COMPLETION')")
    item = await scene.some(f"select id from checklist_item where tenant_id = $1 and job_id = '{here['job_id']}'")
    done = scene.chance.random() < 0.8
    await scene.run(who, ticking.tick_item, ticking.TickItem(ChecklistItemId(item["id"]), done=done))


async def walk(scene: Scene) -> None:
    """A device tells where it is; the clock has gone on for a minute, or nobody would be shown so soon again."""
    here, who = await _visit(scene, "v.checked_in_at is not null and v.checked_out_at is null")
    scene.names += 1
    await scene.town.world.move_clock(scene.town.tenant, timedelta(minutes=1))
    spot = tracks.PointTold(await scene.now(), here["latitude"] + scene.chance.uniform(0, 0.001), here["longitude"], 9)
    await scene.run(who, tracks.send_track, tracks.SendTrack(AssignmentId(here["assignment_id"]), scene.names, [spot]))


async def _visit(scene: Scene, which: str) -> tuple[Any, Actor]:
    return await scene.whose(
        f"""select v.id, v.assignment_id, v.cleaner_id, v.job_id, v.phase, p.latitude, p.longitude from visit v
           join job j on j.tenant_id = v.tenant_id and j.id = v.job_id
           join property p on p.tenant_id = j.tenant_id and p.id = j.property_id
           where v.tenant_id = $1 and j.status = 'IN_PROGRESS' and {which}"""
    )


async def accept_clean(scene: Scene) -> None:
    """The office accepts a clean as it is: it is completed."""
    job = await scene.some(
        """select j.id from job j where j.tenant_id = $1 and j.status = 'IN_PROGRESS' and exists (select from visit v
            where v.tenant_id = j.tenant_id and v.job_id = j.id and v.checked_out_at is not null)"""
    )
    form = overrides.OverrideEvidence(JobId(job["id"]), scene.word("Seen"))
    await scene.office(overrides.override_evidence, form)


async def a_clean(scene: Scene) -> None:
    """The clean of `first_job` from arrival to its end: by chance alone it may be canceled before anybody comes."""
    for move in (begin_work, walk, work_on, tick, walk, work_on, work_on, accept_clean):
        await move(scene)
        scene.done[move.__name__] += 1


async def a_swap(scene: Scene) -> None:
    """A shift goes on with the office's word, at the second time: chance alone may switch approval off before."""
    giver, taker = [await scene.town.cleaner(markets=[scene.markets[0]]) for _ in range(2)]
    whose = await scene.some("select customer_id from property where tenant_id = $1")
    form = customers.CreateProperty(
        whose["customer_id"], scene.markets[0], scene.word("Home"), "1 Road", "City", "1", *MIAMI, 2, 1, 900
    )
    home = await scene.office(customers.create_property, form)
    start = (await scene.now()).replace(minute=0) + 72 * HOUR
    job = await scene.office(scheduling.create_job, scheduling.CreateJob(home, start, Decimal(3)))
    shift = await scene.office(scheduling.assign_cleaner, scheduling.AssignCleaner(job, CleanerId(giver.person)))
    for move in (decline, approve):
        swap = await scene.run(giver, swaps.offer_swap, swaps.OfferSwap(shift, scene.word("Dentist")))
        await scene.run(taker, swaps.accept_swap, swaps.AcceptSwap(swap))
        await move(scene)
        scene.done.update((offer.__name__, accept.__name__, move.__name__))


async def rename_market(scene: Scene) -> None:
    form = business.UpdateMarket(scene.chance.choice(scene.markets), name=scene.word("Market"))
    await scene.office(business.update_market, form)


async def move_market(scene: Scene) -> None:
    form = business.UpdateMarket(scene.chance.choice(scene.markets), zone=scene.chance.choice(ZONES))
    await scene.office(business.update_market, form)


async def change_calendar(scene: Scene) -> None:
    deadline = scene.chance.randrange(10, 22)
    form = business.UpdateMarket(
        scene.chance.choice(scene.markets),
        lead_days=scene.chance.choice((0, 3, 13, 13)),
        deadline_hour=deadline,
        grace_minutes=scene.chance.choice((0, 60, 120)),
    )
    await scene.office(business.update_market, form)


async def open_market(scene: Scene) -> None:
    form = business.CreateMarket(scene.word("Market"), scene.chance.choice(ZONES), lead_days=13)
    await scene.office(business.create_market, form)


async def archive_market(scene: Scene) -> None:
    kept = ",".join(f"'{id}'" for id in scene.markets)
    market = await scene.some(
        f"select id from market where tenant_id = $1 and archived_at is null and id not in ({kept})"
    )
    await scene.office(business.archive_market, business.ArchiveMarket(MarketId(market["id"])))


async def set_markets(scene: Scene) -> None:
    who = await scene.some(_A_CLEANER)
    many = scene.chance.choice((0, 1, 1, 2, 2, 2))
    places = scene.chance.sample(scene.markets, many)
    await scene.office(cleaners.set_cleaner_markets, cleaners.SetCleanerMarkets(CleanerId(who["id"]), places))


async def set_skills(scene: Scene) -> None:
    who = await scene.some(_A_CLEANER)
    skills = scene.chance.sample(list(Skill), scene.chance.randrange(len(Skill) + 1))
    await scene.office(cleaners.set_cleaner_skills, cleaners.SetCleanerSkills(CleanerId(who["id"]), skills))


async def rename_cleaner(scene: Scene) -> None:
    who = await scene.some(_A_CLEANER)
    form = cleaners.UpdateCleaner(CleanerId(who["id"]), name=scene.word("Cleaner"))
    await scene.office(cleaners.update_cleaner, form)


async def move_cleaner(scene: Scene) -> None:
    who = await scene.some(_A_CLEANER)
    latitude, longitude = scene.place()
    tier = scene.chance.choice(("standard", "gold"))
    form = cleaners.UpdateCleaner(CleanerId(who["id"]), pay_tier=tier, home_latitude=latitude, home_longitude=longitude)
    await scene.office(cleaners.update_cleaner, form)


_A_CLEANER = "select id from cleaner where tenant_id = $1 and archived_at is null"


async def hire(scene: Scene) -> None:
    made = await scene.town.cleaner(markets=scene.chance.sample(scene.markets, scene.chance.choice((1, 2))))
    scene.actors[made.person] = made


async def onboard(scene: Scene) -> None:
    who = await scene.some(f"{_A_CLEANER} and onboarding <> 'COMPLETE'")
    await scene.office(
        cleaners.complete_onboarding, cleaners.CompleteOnboarding(CleanerId(who["id"]), "Known for years.")
    )


async def archive_cleaner(scene: Scene) -> None:
    kept = ",".join(f"'{id}'" for id in scene.kept)
    who = await scene.some(f"{_A_CLEANER} and id not in ({kept})")
    await scene.office(cleaners.archive_cleaner, cleaners.ArchiveCleaner(CleanerId(who["id"])))
    scene.actors.pop(who["id"], None)


async def submit(scene: Scene) -> None:
    who, place = await _member(scene)
    window = availability.window_of(place, await scene.now())
    form = availability.SubmitAvailability(place.id, _slots(scene, place, window.period_start))
    await scene.run(who, availability.submit_availability, form)


async def bypass(scene: Scene) -> None:
    who, place = await _member(scene)
    day = (await scene.now()).date() + timedelta(days=scene.chance.choice((-20, -14, -7, 0, 7, 14, 21)))
    start = period_containing(availability.calendar_of(place), day).starts_on
    slots = _slots(scene, place, start)
    form = availability.SetAvailability(CleanerId(who.person), place.id, day, slots, scene.word("Called"))
    await scene.office(availability.set_availability, form)


async def _member(scene: Scene) -> tuple[Actor, Any]:
    """A cleaner and a market that they work in."""
    row, who = await scene.whose(
        """select cm.cleaner_id, m.* from cleaner_market cm join market m on m.tenant_id = cm.tenant_id
           and m.id = cm.market_id where m.tenant_id = $1 and m.archived_at is null"""
    )
    return who, SimpleNamespace(**dict(row))


def _slots(scene: Scene, place: Any, first: Any) -> list[availability.AvailabilitySlot]:
    """A few mornings or afternoons of the two weeks, in no order."""
    made = []
    for day in scene.chance.sample(range(14), scene.chance.randrange(4)):
        midnight = datetime.combine(first + timedelta(days=day), datetime.min.time(), ZoneInfo(place.zone))
        start = midnight.replace(hour=scene.chance.choice((8, 13)))
        made.append(availability.AvailabilitySlot(start, start + 4 * HOUR))
    return made


async def change_rules(scene: Scene) -> None:
    wanted = scene.chance.choice(
        (
            {"swaps": {"restHours": scene.chance.choice((8, 10, 14))}},
            {"swaps": {"weekHours": scene.chance.choice((12, 30, 40))}},
            {"swaps": {"availabilityRequired": scene.chance.random() < 0.3}},
            {"swaps": {"travelOverheadMinutes": scene.chance.choice((10, 45))}},
            {"swaps": {"approvalRequired": scene.chance.random() < 0.4}},
            {"swaps": {"drawMinutes": scene.chance.choice((0, 0, 20))}},
            {"swaps": {"standingBids": scene.chance.random() < 0.8}},
            {"pay": {"tierRateCents": {"gold": scene.chance.choice((2500, 2600))}}},
        )
    )
    await scene.office(business.update_tenant, business.UpdateTenant(settings=JSON(wanted)))


async def rename_business(scene: Scene) -> None:
    await scene.office(business.update_tenant, business.UpdateTenant(name=scene.word("Business")))


async def rebuild_home(scene: Scene) -> None:
    home = await scene.some("select id from property where tenant_id = $1")
    latitude, longitude = scene.place()
    change: dict[str, Any] = scene.chance.choice(
        (
            {"bedrooms": scene.chance.randrange(1, 5), "city": scene.word("City")},
            {"latitude": latitude, "longitude": longitude},
            {"hot_tub": scene.chance.random() < 0.3},
            {"laundry": Laundry.IN_UNIT, "laundry_loads": scene.chance.randrange(3)},
            {"laundry": Laundry.NONE, "laundry_loads": 0},
        )
    )
    await scene.office(customers.update_property, customers.UpdateProperty(PropertyId(home["id"]), **change))


async def trim_log(scene: Scene) -> None:
    """What is long ago goes, as by retention: who comes back from before it begins again."""
    root, tenant = scene.town.world.root, scene.town.tenant
    statement = """with mark as (update tenant_head set first_seq = greatest(first_seq, seq - 30) where tenant_id = $1
            returning tenant_id, first_seq)
        delete from event using mark where event.tenant_id = mark.tenant_id and event.seq < mark.first_seq"""
    await root.execute(statement, tenant)


async def restore(scene: Scene) -> None:
    """A backup was restored, once: every cursor is void. More often, and nothing would live long."""
    if scene.is_restored:
        raise Nothing
    scene.is_restored = True
    statement = "update tenant_head set epoch = epoch + 1 where tenant_id = $1"
    await scene.town.world.root.execute(statement, scene.town.tenant)


async def begin_payment(scene: Scene) -> None:
    clean = await scene.some("select id, customer_id from job where tenant_id = $1")
    await scene.system(BEGIN_PAYMENT, clean)


async def move_a_payment(scene: Scene) -> None:
    row = await scene.some("select id, status from payment where tenant_id = $1")
    await scene.system(MOVE_PAYMENT, scene.further(row, PAYMENT_TRANSITIONS[PaymentStatus(row["status"])]))


async def begin_payout(scene: Scene) -> None:
    row = await scene.some(
        """select p.id, p.job_id, c.id as cleaner_id from payment p join cleaner c using (tenant_id)
           where p.tenant_id = $1 and not exists (select from payout o where o.payment_id = p.id)"""
    )
    await scene.system(BEGIN_PAYOUT, row)


async def move_a_payout(scene: Scene) -> None:
    row = await scene.some("select id, status from payout where tenant_id = $1")
    await scene.system(MOVE_PAYOUT, scene.further(row, PAYOUT_TRANSITIONS[PayoutStatus(row["status"])]))


@dataclass(frozen=True)
class Move:
    """A kind of write, and how often it comes beside the others."""

    make: Callable[[Scene], Awaitable[None]]
    weight: int

    @property
    def name(self) -> str:
        return self.make.__name__


MOVES: Sequence[Move] = (
    Move(plan, 12),
    Move(assign, 16),
    Move(release, 3),
    Move(move_job, 7),
    Move(cancel_job, 2),
    Move(offer, 20),
    Move(accept, 14),
    Move(withdraw, 4),
    Move(offer_trade, 7),
    Move(accept_trade, 8),
    Move(approve, 5),
    Move(decline, 3),
    Move(give_back, 4),
    Move(cover_shift, 3),
    Move(cover_job, 3),
    Move(bid, 3),
    Move(end_bid, 2),
    Move(pass_time, 3),
    Move(rename_market, 2),
    Move(move_market, 1),
    Move(change_calendar, 2),
    Move(open_market, 1),
    Move(archive_market, 1),
    Move(set_markets, 4),
    Move(set_skills, 4),
    Move(rename_cleaner, 2),
    Move(move_cleaner, 4),
    Move(hire, 2),
    Move(onboard, 1),
    Move(archive_cleaner, 2),
    Move(submit, 7),
    Move(bypass, 4),
    Move(change_rules, 5),
    Move(rename_business, 1),
    Move(rebuild_home, 4),
    Move(begin_work, 6),
    Move(work_on, 3),
    Move(tick, 4),
    Move(walk, 4),
    Move(accept_clean, 1),
    Move(begin_payment, 8),
    Move(move_a_payment, 12),
    Move(begin_payout, 6),
    Move(move_a_payout, 9),
    Move(trim_log, 1),
    Move(restore, 1),
)


async def write(scene: Scene, writes: int, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """Make so many random moves, one or two at once, with `meanwhile` beside each; `scene.done` counts them.

    What could not be done yet is tried more often, so that a few hundred writes see every move.
    """
    until = scene.done.total() + writes
    for _ in range(writes * ATTEMPTS_A_WRITE):
        weights = [move.weight if scene.done[move.name] else RARE for move in MOVES]
        moves = scene.chance.choices(MOVES, weights, k=scene.chance.choice((1, 2)))
        ended = await asyncio.gather(meanwhile(), *(_made(scene, move) for move in moves))
        scene.done.update(name for name in ended if name is not None)
        if scene.done.total() >= until:
            return


async def _made(scene: Scene, move: Move) -> str | None:
    try:
        await move.make(scene)
    except (Refused, Nothing):
        return None
    return move.name


async def furnish(scene: Scene) -> None:
    """A second market, homes in both, and a few shifts to begin with."""
    town = scene.town
    south = await scene.office(business.create_market, business.CreateMarket("South", "America/Chicago", lead_days=13))
    scene.markets = [town.market, south]
    rules = {
        "pay": {"tierRateCents": {"gold": 2400}},
        "swaps": {"standingBids": True, "approvalRequired": True},
        "fieldwork": {"photoZones": [{"zone": "Kitchen", "before": 0, "after": 1}]},
    }
    await scene.office(business.update_tenant, business.UpdateTenant(settings=JSON(rules)))
    now = await scene.now()
    # Everything in a calendar is on the hour: at ten past nothing falls due while the test runs.
    await town.world.move_clock(town.tenant, now.replace(minute=10, second=0, microsecond=0) + HOUR - now)
    scene.announced = await scene.now()
    whose = await scene.office(customers.create_customer, customers.CreateCustomer("Customer"))
    for market in (*scene.markets, *scene.markets):
        place = scene.place()
        form = customers.CreateProperty(whose, market, scene.word("Home"), "1 Road", "City", "1", *place, 2, 1, 900)
        await scene.office(customers.create_property, form)
