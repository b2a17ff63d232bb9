"""Two transactions at one job, interleaved statement by statement: one step is taken once, and nothing is half done.

Whoever is refused has left nothing, nobody is a deadlock's victim, and the chain is whole after every schedule.
"""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from db.ids import new_id
from db.runner import Call
from domain.actors import Actor
from domain.fieldwork.chain import Entry, check_chain, genesis
from domain.fieldwork.phases import VisitPhase
from domain.ids import ChecklistItemId, JobId
from domain.scheduling import AssignmentRole
from services import cancellations, scheduling, swaps
from services.fieldwork import overrides, ticking, visits
from tests.fieldwork.site import Site, at_home
from tests.product.stepping import MANY, Side, Stage, schedules

SEED = 20261122
EVERY = 5
RANDOM = 8

Pair = tuple[Call[Any, Any], Call[Any, Any], JobId]
Outcome = tuple[str | None, str | None, str, str | None]
"""Both refusals' codes, and where the job and its packet stand."""


def call(who: Actor, command: Any, form: Any) -> Call[Any, Any]:
    return Call(who, command, form, request_id=f"{type(form).__name__}:{new_id()}")


async def play(site: Site, prepare: Callable[[], Awaitable[Pair]]) -> Counter[Outcome]:
    """Each schedule in which one is interrupted by the whole of the other, every so many, and random ones."""
    met: Counter[Outcome] = Counter()
    stage = Stage(site.world.runner, site.world.root)
    elsewhere = await site.world.trace(site.other.tenant)

    async def one(schedule: str) -> tuple[Side, Side]:
        a, b, job = await prepare()
        first, second = await stage.play(a, b, schedule)
        for side in (first, second):
            assert side.attempts == 1, schedule
            if side.refusal is not None:
                await ensure_no_trace(site, side)
        await ensure_whole(site, job)
        met[first.code, second.code, *await site.status(job)] += 1
        return first, second

    steps = (await one(""))[0].steps, (await one("B" * MANY))[1].steps
    for schedule in schedules(SEED, steps, RANDOM, EVERY):
        await one(schedule)
    assert await site.world.trace(site.other.tenant) == elsewhere
    return met


async def ensure_no_trace(site: Site, side: Side) -> None:
    where = f"request_id = '{side.call.request_id}'"
    assert [await site.world.count(table, site.town.tenant, where) for table in ("event", "audit")] == [0, 0]


async def ensure_whole(site: Site, job: JobId) -> None:
    """R127: the chain has no gap and no second end."""
    links = [
        (
            Entry(
                row["seq"],
                row["kind"],
                json.loads(row["payload"]),
                row["captured_at"],
                row["received_at"],
                row["skew_ms"],
                tuple(row["flags"]),
                row["actor_id"],
                row["actor_role"],
            ),
            row["hash"],
        )
        for row in await site.chain(job)
    ]
    packet = await site.row("evidence", job, "job_id")
    if packet is not None:
        assert check_chain(genesis(site.town.tenant, job), links, packet["head"], packet["entries"]) == ()


async def test_a_visit_is_begun_once(site: Site) -> None:
    """R104: two devices of one cleaner."""

    async def prepare() -> Pair:
        shift = await site.shift(who)
        form = visits.OpenInstructions(shift)
        return (
            call(who, visits.open_instructions, form),
            call(who, visits.open_instructions, form),
            await site.job_of(shift),
        )

    who = await site.town.cleaner()
    met = await play(site, freed(site, prepare))
    assert set(met) == {
        (None, "ILLEGAL_TRANSITION", "ASSIGNED", "OPEN"),
        ("ILLEGAL_TRANSITION", None, "ASSIGNED", "OPEN"),
    }


async def test_two_cleaners_open_one_packet(site: Site) -> None:
    """R118: the job has one packet and one checklist, whoever begins first."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()

    async def prepare() -> Pair:
        job = await site.job()
        shifts = await site.put(job, primary), await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
        forms = [visits.OpenInstructions(shift) for shift in shifts]
        return call(primary, visits.open_instructions, forms[0]), call(lead, visits.open_instructions, forms[1]), job

    assert set(await play(site, freed(site, prepare))) == {(None, None, "ASSIGNED", "OPEN")}
    lines = "select count(*) from checklist_item where tenant_id = $1 and place = 1 group by job_id"
    assert {row["count"] for row in await site.world.root.fetch(lines, site.town.tenant)} == {1}


async def test_one_checks_in_once(site: Site) -> None:
    """R104, R114."""
    who = await site.town.cleaner()

    async def prepare() -> Pair:
        shift = await site.shift(who)
        await site.reach(who, shift, VisitPhase.ARRIVAL)
        form = visits.CheckIn(shift, at_home())
        return call(who, visits.check_in, form), call(who, visits.check_in, form), await site.job_of(shift)

    met = await play(site, freed(site, prepare))
    assert set(met) == {
        (None, "ILLEGAL_TRANSITION", "IN_PROGRESS", "OPEN"),
        ("ILLEGAL_TRANSITION", None, "IN_PROGRESS", "OPEN"),
    }


async def test_the_job_starts_once_where_two_check_in_at_once(site: Site) -> None:
    """R71: the second only goes on with it."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()

    async def prepare() -> Pair:
        job = await site.job()
        one, two = await site.put(job, primary), await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
        await site.reach(primary, one, VisitPhase.ARRIVAL)
        await site.reach(lead, two, VisitPhase.ARRIVAL)
        forms = [visits.CheckIn(shift, at_home()) for shift in (one, two)]
        return call(primary, visits.check_in, forms[0]), call(lead, visits.check_in, forms[1]), job

    assert set(await play(site, freed(site, prepare))) == {(None, None, "IN_PROGRESS", "OPEN")}
    started = """select max(many) from (select count(*) as many from event
        where tenant_id = $1 and type = 'JobStarted' group by entity_id) started"""
    assert await site.value(started, site.town.tenant) == 1


async def test_a_check_in_and_a_cancellation_are_decided_one_after_the_other(site: Site) -> None:
    """R73: canceled before anybody came, or canceled while it runs; never half."""
    who = await site.town.cleaner()

    async def prepare() -> Pair:
        shift = await site.shift(who)
        job = await site.job_of(shift)
        await site.reach(who, shift, VisitPhase.ARRIVAL)
        come = call(who, visits.check_in, visits.CheckIn(shift, at_home()))
        return come, call(site.town.owner, cancellations.cancel_job, cancellations.CancelJob(job, "no")), job

    assert set(await play(site, freed(site, prepare))) == {
        (None, None, "CANCELED", "OPEN"),
        ("CONFLICT", None, "CANCELED", "OPEN"),
    }


async def test_a_check_in_and_a_release_are_decided_one_after_the_other(site: Site) -> None:
    """R73: who has come cannot be taken off any more."""
    who = await site.town.cleaner()

    async def prepare() -> Pair:
        shift = await site.shift(who)
        await site.reach(who, shift, VisitPhase.ARRIVAL)
        come = call(who, visits.check_in, visits.CheckIn(shift, at_home()))
        release = call(site.town.owner, scheduling.release_cleaner, scheduling.ReleaseCleaner(shift))
        return come, release, await site.job_of(shift)

    assert set(await play(site, freed(site, prepare))) == {
        (None, "CONFLICT", "IN_PROGRESS", "OPEN"),
        ("CONFLICT", None, "UNASSIGNED", "OPEN"),
    }


async def test_a_check_in_and_who_takes_the_shift_are_decided_one_after_the_other(site: Site) -> None:
    """A26, A46: the one who was late comes, or the one who took the cover has it."""
    who, taker = await site.town.cleaner(), await site.town.cleaner()

    async def prepare() -> Pair:
        shift = await site.shift(who)
        await site.reach(who, shift, VisitPhase.ARRIVAL)
        cover = await site.do(site.town.owner, swaps.open_cover, swaps.OpenCover(assignment_id=shift))
        come = call(who, visits.check_in, visits.CheckIn(shift, at_home()))
        return come, call(taker, swaps.accept_swap, swaps.AcceptSwap(cover)), await site.job_of(shift)

    met = await play(site, freed(site, prepare))
    assert set(met) <= {
        (None, "SWAP_ALREADY_TAKEN", "IN_PROGRESS", "OPEN"),
        ("NOT_FOUND", None, "ASSIGNED", "OPEN"),
    }
    assert len(met) == 2


async def test_the_last_to_leave_submits(site: Site) -> None:
    """R115, R119: two leave at once, the packet is judged once, and the job is complete."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()
    await site.bare()

    async def prepare() -> Pair:
        job = await site.job()
        one, two = await site.put(job, primary), await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
        await site.arrive(lead, two)
        await site.start(lead, two)
        await site.finish(lead, two)
        await site.reach(primary, one, VisitPhase.COMPLETION)
        forms = [visits.CheckOut(shift, at_home()) for shift in (one, two)]
        return call(primary, visits.check_out, forms[0]), call(lead, visits.check_out, forms[1]), job

    assert set(await play(site, freed(site, prepare))) == {(None, None, "COMPLETED", "COMPLETE")}
    assert await site.value("select max(submissions) from evidence where tenant_id = $1", site.town.tenant) == 1


async def test_a_check_out_and_an_administrator_who_accepts_complete_the_job_once(site: Site) -> None:
    """R73, A19."""
    who = await site.town.cleaner()
    await site.bare()

    async def prepare() -> Pair:
        shift = await site.shift(who)
        job = await site.job_of(shift)
        await site.reach(who, shift, VisitPhase.COMPLETION)
        leave = call(who, visits.check_out, visits.CheckOut(shift, at_home()))
        accept = overrides.OverrideEvidence(job, "Seen")
        return leave, call(site.town.owner, overrides.override_evidence, accept), job

    assert set(await play(site, freed(site, prepare))) == {
        (None, "ILLEGAL_TRANSITION", "COMPLETED", "COMPLETE"),
        ("CONFLICT", None, "COMPLETED", "OVERRIDDEN"),
    }


async def test_an_item_is_ticked_once_by_two_who_tick_it(site: Site) -> None:
    """R116: the second tick says what is so already."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()
    await site.bare()

    async def prepare() -> Pair:
        job = await site.job()
        one, two = await site.put(job, primary), await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
        for who, shift in ((primary, one), (lead, two)):
            await site.arrive(who, shift)
            await site.start(who, shift)
        form = ticking.TickItem(ChecklistItemId((await site.items(job))[0]["id"]), True)
        return call(primary, ticking.tick_item, form), call(lead, ticking.tick_item, form), job

    assert set(await play(site, freed(site, prepare))) == {(None, None, "IN_PROGRESS", "OPEN")}
    ticks = """select max(many) from (select count(*) as many from evidence_entry
        where tenant_id = $1 and kind = 'ITEM_TICKED' group by job_id) ticked"""
    assert await site.value(ticks, site.town.tenant) == 1


def freed(site: Site, prepare: Callable[[], Awaitable[Pair]]) -> Callable[[], Awaitable[Pair]]:
    """Each round begins with people who have nothing to do."""

    async def clean() -> Pair:
        await site.world.root.execute(
            "update assignment set released_at = now() where tenant_id = $1 and released_at is null", site.town.tenant
        )
        return await prepare()

    return clean
