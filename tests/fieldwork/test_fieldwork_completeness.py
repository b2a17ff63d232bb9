"""When a clean is proven: judged by the server with every departure, and told to whoever can mend it (R111 to R123)."""

from datetime import timedelta
from typing import Any

import pytest

from domain.actors import Actor
from domain.errors import Code
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import PhotoStage
from domain.ids import JobId
from domain.scheduling import AssignmentRole
from services.fieldwork.packet import missing_of
from services.fieldwork.proof import is_proven
from services.fieldwork.verdicts import NotifyEvidence, notify_evidence
from tests.fieldwork.site import Site, at_home, command_of

BATHS = [{"zone": "bathroom", "before": 1, "after": 2, "scale": "BATHROOM"}]


async def judged(site: Site, job: JobId) -> tuple[bool, list[str]]:
    """Whether money may be taken for the job, and what is missing, as the capture of money asks."""

    async def ask(tx: Any, input: Any) -> Any:
        return await is_proven(tx, job), [one.message for one in await missing_of(tx, job)]

    answer: tuple[bool, list[str]] = await site.do(Actor.system(site.town.tenant), command_of(ask), None)
    return answer


async def test_three_baths_need_six_photos_five_are_incomplete_and_six_complete(site: Site) -> None:
    """R111, R112, R113, R119, R122, R123: the vector, through commands."""
    await site.settings(photoZones=BATHS)
    who = await site.town.cleaner()
    shift = await site.shift(who, home=await site.home(bathrooms=3))
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.COMPLETION)
    visit = await site.visit_of(shift, who)
    await site.photo(visit, PhotoStage.AFTER, "bathroom", 5)

    await site.check_out(who, shift)

    assert await site.status(job) == ("IN_PROGRESS", "INCOMPLETE")
    assert await judged(site, job) == (False, ["5 of 6 after photos of bathroom."])
    assert (await site.events(job))[-1] == "JobSubmitted"

    await site.photo(visit, PhotoStage.AFTER, "bathroom")
    await site.submit(who, job)

    assert await site.status(job) == ("COMPLETED", "COMPLETE")
    assert await judged(site, job) == (True, [])
    packet = await site.row("evidence", job, "job_id")
    assert (packet["submissions"], packet["complete_at_first"]) == (2, False)
    assert packet["submitted_at"] < packet["completed_at"]


@pytest.mark.parametrize(
    ("leg", "missing"),
    [
        ("checklist", ["Not done: Bins are emptied"]),
        ("after", ["0 of 1 after photos of living."]),
    ],
)
async def test_each_leg_alone_keeps_a_job_from_being_complete(site: Site, leg: str, missing: list[str]) -> None:
    """R112, R120: everything but one thing."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.IN_PROGRESS)
    await site.tick_all(who, job, but=leg == "checklist")
    await site.finish(who, shift)
    await site.photos(await site.visit_of(shift, who), PhotoStage.AFTER, but=leg == "after")
    await site.check_out(who, shift)

    assert await site.status(job) == ("IN_PROGRESS", "INCOMPLETE")
    assert await judged(site, job) == (False, missing)


async def test_optional_items_may_be_left_open(site: Site) -> None:
    """R110: only required ones count."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.DONE)

    assert [item["required"] for item in await site.items(job) if item["done_at"] is None] == [False]
    assert await site.status(job) == ("COMPLETED", "COMPLETE")


async def test_what_must_be_shown_is_fixed_when_the_first_visit_begins(site: Site) -> None:
    """A21: a setting that is changed during the work does not move the goal."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.open(who, shift)
    await site.settings(photoZones=[{"zone": "attic", "before": 50, "after": 50}])

    await site.acknowledge(who, shift)
    await site.check_in(who, shift)
    await site.photos(await site.visit_of(shift, who), PhotoStage.BEFORE)
    await site.start(who, shift)
    await site.tick_all(who, job)
    await site.finish(who, shift)
    await site.photos(await site.visit_of(shift, who), PhotoStage.AFTER)
    await site.check_out(who, shift)

    assert await site.status(job) == ("COMPLETED", "COMPLETE")


async def incomplete(site: Site, who: Actor) -> tuple[Any, JobId]:
    """A shift that its cleaner has left without a single after photo."""
    shift = await site.shift(who)
    await site.reach(who, shift, VisitPhase.COMPLETION)
    await site.check_out(who, shift)
    return shift, await site.job_of(shift)


async def test_cleaner_and_office_are_told_what_is_missing_once_a_submission(site: Site) -> None:
    """R122, R123, A38: by the task that the submission leaves; nobody of the other business hears of it."""
    who = await site.town.cleaner()
    _, job = await incomplete(site, who)
    tasks = await site.world.root.fetch(
        "select payload from task where tenant_id = $1 and kind = 'notify_evidence'", site.town.tenant
    )
    assert len(tasks) == 1

    system, form = Actor.system(site.town.tenant), NotifyEvidence(job, 1)
    made = await site.do(system, notify_evidence, form)
    assert await site.do(system, notify_evidence, form) == 0

    rows = await site.world.root.fetch(
        "select kind, person_id, content->>'body' as body from notification where tenant_id = $1", site.town.tenant
    )
    assert made == len(rows)
    assert {(row["kind"], row["person_id"]) for row in rows} == {
        ("EVIDENCE_MISSING", who.person),
        ("EVIDENCE_INCOMPLETE", site.town.owner.person),
    }
    assert all("- 0 of 1 after photos of kitchen." in row["body"] for row in rows)
    assert await site.world.count("notification", site.other.tenant) == 0


async def test_nobody_is_told_of_what_has_come_meanwhile(site: Site) -> None:
    """R122: the task may run late."""
    who = await site.town.cleaner()
    shift, job = await incomplete(site, who)
    await site.photos(await site.visit_of(shift, who), PhotoStage.AFTER)
    await site.submit(who, job)

    assert await site.do(Actor.system(site.town.tenant), notify_evidence, NotifyEvidence(job, 1)) == 0
    assert await site.world.count("notification", site.town.tenant) == 0


async def test_evidence_is_submitted_again_only_by_the_crew_and_only_while_it_waits(site: Site) -> None:
    """R119, A19, R3: before there is any, while somebody works, by others, and when it is decided."""
    who, colleague, stranger = await site.town.cleaner(), await site.town.cleaner(), await site.other.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    async with site.refused(Code.NOT_FOUND):
        await site.submit(who, job)
    await site.open(who, shift)
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await site.submit(who, job)
    await site.acknowledge(who, shift)
    await site.check_in(who, shift)
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await site.submit(who, job)
    await site.photos(await site.visit_of(shift, who), PhotoStage.BEFORE)
    await site.start(who, shift)
    await site.finish(who, shift)
    await site.check_out(who, shift)
    for foreign in (colleague, stranger):
        async with site.refused(Code.NOT_FOUND):
            await site.submit(foreign, job)

    await site.submit(who, job)
    assert (await site.row("evidence", job, "job_id"))["submissions"] == 2
    await site.photos(await site.visit_of(shift, who), PhotoStage.AFTER)
    await site.tick_all(who, job)
    await site.submit(who, job)
    assert await site.status(job) == ("COMPLETED", "COMPLETE")
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await site.submit(who, job)


async def test_a_tick_that_comes_after_the_check_out_is_kept_and_flagged(site: Site) -> None:
    """A40, R127: made offline, received late: never dropped, and never unseen."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.IN_PROGRESS)
    await site.tick_all(who, job, but=1)
    await site.finish(who, shift)
    await site.photos(await site.visit_of(shift, who), PhotoStage.AFTER)
    await site.check_out(who, shift)
    last = [item for item in await site.items(job) if item["required"]][-1]

    await site.tick(who, last)
    flags = await site.value(
        "select payload->>'flags' from evidence_entry where job_id = $1 order by seq desc limit 1", job
    )
    assert flags == '["AFTER_CHECK_OUT"]'
    await site.submit(who, job)

    assert await site.status(job) == ("COMPLETED", "COMPLETE")
    async with site.refused(Code.CONFLICT):
        await site.tick(who, last, done=False)


# Several on one job


async def test_the_job_is_judged_when_the_last_of_its_crew_has_left(site: Site) -> None:
    """R74, R115, A11: primary and laundry lead, each with a visit of their own, one packet."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()
    job = await site.job()
    one, two = await site.put(job, primary), await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
    await site.reach(lead, two, VisitPhase.ARRIVAL)
    await site.check_in(lead, two)
    await site.reach(primary, one, VisitPhase.IN_PROGRESS)
    await site.start(lead, two)
    await site.tick_all(lead, job)
    await site.photos(await site.visit_of(one, primary), PhotoStage.AFTER)
    await site.finish(primary, one)
    await site.check_out(primary, one)
    assert await site.status(job) == ("IN_PROGRESS", "OPEN")

    await site.finish(lead, two)
    await site.check_out(lead, two)

    assert await site.status(job) == ("COMPLETED", "COMPLETE")
    assert (await site.kinds(job)).count("SUBMITTED") == 1
    assert (await site.events(job)).count("JobStarted") == 1


async def test_a_laundry_lead_alone_does_not_prove_a_job(site: Site) -> None:
    """R114, A11: somebody responsible has to come."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()
    job = await site.job()
    await site.put(job, primary)
    shift = await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)

    await site.reach(lead, shift, VisitPhase.DONE)

    assert await site.status(job) == ("IN_PROGRESS", "INCOMPLETE")
    assert await judged(site, job) == (False, ["Nobody responsible has checked in."])


@pytest.mark.parametrize("with_primary", [True, False])
async def test_a_backup_who_comes_stands_for_the_primary(site: Site, with_primary: bool) -> None:
    """A11: activated by the check-in, also where nobody else was found."""
    backup, job = await site.town.cleaner(), await site.job()
    if with_primary:
        await site.put(job, await site.town.cleaner())
    shift = await site.put(job, backup, AssignmentRole.BACKUP)

    await site.reach(backup, shift, VisitPhase.DONE)

    assert await site.status(job) == ("COMPLETED", "COMPLETE")
    visit = await site.visit_of(shift, backup)
    assert visit["is_responsible"]


async def test_who_had_the_job_completed_before_they_came_need_not_come(site: Site) -> None:
    """R126, A16: the job is over for the whole crew."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()
    job = await site.job()
    one, two = await site.put(job, primary), await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
    await site.reach(lead, two, VisitPhase.ARRIVAL)
    await site.reach(primary, one, VisitPhase.DONE)

    async with site.refused(Code.CONFLICT):
        await site.check_in(lead, two)


async def test_two_items_ticked_by_two_cleaners_are_both_in_the_chain(site: Site) -> None:
    """R116: whose tick it was stays known."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()
    job = await site.job()
    one, two = await site.put(job, primary), await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
    await site.reach(primary, one, VisitPhase.IN_PROGRESS)
    await site.reach(lead, two, VisitPhase.ARRIVAL)
    await site.check_in(lead, two)
    await site.start(lead, two)
    first, second, *_ = await site.items(job)

    await site.tick(primary, first)
    await site.tick(lead, second)
    await site.tick(lead, first)

    assert [item["done_by"] for item in (await site.items(job))[:2]] == [primary.person, lead.person]
    ticks = [row["actor_id"] for row in await site.chain(job) if row["kind"] == "ITEM_TICKED"]
    assert ticks == [primary.person, lead.person]


async def test_a_check_out_far_away_after_a_day_still_ends_the_visit(site: Site) -> None:
    """R115, A20: forgotten, and done from home the next day; the time is the server's."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await site.reach(who, shift, VisitPhase.COMPLETION)
    await site.photos(await site.visit_of(shift, who), PhotoStage.AFTER)
    await site.world.move_clock(site.town.tenant, timedelta(days=1))

    await site.check_out(who, shift, at_home(40_000))

    visit = await site.visit_of(shift, who)
    assert visit["checked_out_at"] - visit["finished_at"] >= timedelta(days=1)
    assert visit["check_out_distance_metres"] == pytest.approx(40_000, rel=0.01)
