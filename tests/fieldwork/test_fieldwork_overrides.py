"""What administrators accept although it is not shown: with a reason, audited, chained, anchored (A19, A20)."""

import json
from datetime import timedelta
from typing import Any

import pytest

from domain.actors import Actor, CleanerId, Role
from domain.errors import Code, Conflict
from domain.fieldwork.arrivals import ArrivalStep
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import PhotoStage
from domain.ids import AssignmentId, JobId
from domain.scheduling import AssignmentRole
from services.fieldwork import overrides
from services.fieldwork.arrivals import NoteAbsence, note_absence
from services.fieldwork.reliability import RateCleaner, rate_cleaner
from services.fieldwork.tracks import PointTold, SendTrack, send_track
from tests.fieldwork.site import Site, at_home, faults


async def let_in(site: Site, who: Any, shift: AssignmentId, reason: str = "The customer called") -> None:
    await site.do(who, overrides.override_check_in, overrides.OverrideCheckIn(shift, reason))


async def accept(site: Site, who: Any, job: JobId, reason: str = "Seen on site") -> None:
    await site.do(who, overrides.override_evidence, overrides.OverrideEvidence(job, reason))


async def lines(site: Site, action: str) -> list[Any]:
    return list(
        await site.world.root.fetch(
            "select entity, reason, detail from audit where tenant_id = $1 and action = $2 order by seq",
            site.town.tenant,
            action,
        )
    )


async def test_an_overridden_check_in_counts_and_says_that_it_was_overridden(site: Site) -> None:
    """A20, R121: without a position; the job runs, and can be proven."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.ARRIVAL)

    await let_in(site, site.town.owner, shift)

    visit = await site.visit_of(shift, who)
    assert (visit["check_in_overridden"], visit["check_in_latitude"], visit["phase"]) == (True, None, "ARRIVAL")
    assert await site.status(job) == ("IN_PROGRESS", "OPEN")
    entry = (await site.chain(job))[-1]
    assert (entry["kind"], entry["actor_role"], entry["actor_id"]) == (
        "CHECK_IN_OVERRIDDEN",
        "owner",
        site.town.owner.person,
    )
    assert [(line["entity"], line["reason"]) for line in await lines(site, "override_check_in")] == [
        ("Visit", "The customer called"),
        ("Job", None),
    ]
    await site.photos(visit, PhotoStage.BEFORE)
    await site.start(who, shift)
    await site.tick_all(who, job)
    await site.finish(who, shift)
    await site.photos(visit, PhotoStage.AFTER)
    await site.check_out(who, shift)
    assert await site.status(job) == ("COMPLETED", "COMPLETE")


async def test_a_check_in_is_overridden_once_at_the_door_and_by_administrators(site: Site) -> None:
    """R20, R104, A20: not before the instructions, not twice, not after; not by a dispatcher or another business."""
    who, dispatcher = await site.town.cleaner(), await site.town.dispatcher()
    shift = await site.shift(who)
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await let_in(site, site.town.owner, shift)
    await site.open(who, shift)
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await let_in(site, site.town.owner, shift)
    await site.acknowledge(who, shift)
    for nobody in (dispatcher, who):
        async with site.refused(Code.FORBIDDEN):
            await let_in(site, nobody, shift)
    async with site.refused(Code.NOT_FOUND):
        await let_in(site, site.other.owner, shift)
    for reason in ("", " ", "x" * 501):
        async with site.refused(Code.INVALID):
            await let_in(site, site.town.owner, shift, reason)
    await let_in(site, site.town.owner, shift)
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await let_in(site, site.town.owner, shift)
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await site.check_in(who, shift)


async def test_who_comes_after_the_no_show_is_let_in_by_an_administrator(site: Site) -> None:
    """A46, A47, R73: the job counts as missed; with a reason it runs after all, and only who came has not missed it."""
    who, washer = await site.town.cleaner(), await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.put(job, washer, AssignmentRole.LAUNDRY_LEAD)
    system = Actor.system(site.town.tenant)
    await site.world.move_clock(site.town.tenant, timedelta(minutes=155))
    assert await site.do(system, note_absence, NoteAbsence(job)) is ArrivalStep.MISSED
    for person in (who.person, washer.person):
        await site.do(system, rate_cleaner, RateCleaner(CleanerId(person)))
    assert await missed(site) == {who.person: 1, washer.person: 1}
    await site.reach(who, shift, VisitPhase.ARRIVAL)
    with pytest.raises(Conflict) as refusal:
        await site.check_in(who, shift)
    assert refusal.value.details == {"status": "NO_SHOW"}

    await let_in(site, site.town.owner, shift)

    assert await site.status(job) == ("IN_PROGRESS", "OPEN")
    gone = await site.world.root.fetch("select cleaner_id from no_show where job_id = $1", job)
    assert [row["cleaner_id"] for row in gone] == [washer.person]
    anew = "select count(*) from task where kind = 'rate_cleaner' and dedupe_key = $1"
    assert await site.value(anew, f"rate:{who.person}:came:{job}") == 1
    assert await site.value(anew, f"rate:{washer.person}:came:{job}") == 0
    for person in (who.person, washer.person):
        await site.do(system, rate_cleaner, RateCleaner(CleanerId(person)))
    assert await missed(site) == {who.person: 0, washer.person: 1}


async def missed(site: Site) -> dict[Any, int]:
    """How many no-shows count against each cleaner."""
    rows = await site.world.root.fetch(
        "select cleaner_id, parts from reliability where tenant_id = $1", site.town.tenant
    )
    return {
        row["cleaner_id"]: sum(part["count"] for part in json.loads(row["parts"]) if part["name"] == "NO_SHOWS")
        for row in rows
    }


async def test_no_cleaner_and_no_office_takes_a_no_show_back(site: Site) -> None:
    """A46: by the database's own walls; what is certified goes through the override alone."""
    who = await site.town.cleaner()
    job = await site.job_of(await site.shift(who))
    await site.world.root.execute(
        "insert into no_show (tenant_id, job_id, cleaner_id, at) values ($1, $2, $3, now())",
        site.town.tenant,
        job,
        who.person,
    )
    for role, person in (("cleaner", who.person), ("owner", site.town.owner.person), ("dispatcher", who.person)):
        async with site.world.runner.engine.connect() as connection:
            await connection.exec_driver_sql(
                "select set_config('app.tenant_id', $1, true), set_config('app.actor_id', $2, true),"
                " set_config('app.role', $3, true)",
                (str(site.town.tenant), str(person), role),
            )
            gone = await connection.exec_driver_sql("delete from no_show")
            assert gone.rowcount == 0, role
            await connection.rollback()
    assert await site.value("select count(*) from no_show where job_id = $1", job) == 1


async def test_an_administrator_accepts_a_clean_as_it_is(site: Site) -> None:
    """A19, R113, R127: what was missing stays written down, and the head is in the audit log."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.COMPLETION)
    await site.check_out(who, shift)
    assert await site.status(job) == ("IN_PROGRESS", "INCOMPLETE")

    await accept(site, site.town.owner, job)

    assert await site.status(job) == ("COMPLETED", "OVERRIDDEN")
    packet = await site.row("evidence", job, "job_id")
    assert (packet["override_reason"], packet["complete_at_first"]) == ("Seen on site", False)
    chain = await site.chain(job)
    assert [row["kind"] for row in chain[-2:]] == ["OVERRIDDEN", "COMPLETED"]
    assert len(json.loads(chain[-2]["payload"])["missing"]) == 4
    said = await lines(site, "override_evidence")
    assert [(line["entity"], line["reason"]) for line in said] == [
        ("Evidence", "Seen on site"),
        ("Evidence", None),
        ("Job", None),
    ]
    anchored = json.loads(said[1]["detail"])
    assert (anchored["entries"], anchored["head"]) == (len(chain), chain[-1]["hash"].hex())
    assert (await site.events(job))[-1] == "JobCompleted"
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await accept(site, site.town.owner, job)
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await site.submit(who, job)


async def test_a_clean_is_accepted_only_while_it_runs_and_by_administrators(site: Site) -> None:
    """R20, R73, A19."""
    who, dispatcher = await site.town.cleaner(), await site.town.dispatcher()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await accept(site, site.town.owner, job)
    await site.arrive(who, shift)
    for nobody in (dispatcher, who):
        async with site.refused(Code.FORBIDDEN):
            await accept(site, nobody, job)
    async with site.refused(Code.NOT_FOUND):
        await accept(site, site.other.owner, job)
    async with site.refused(Code.INVALID):
        await accept(site, site.town.owner, job, " ")


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
async def test_a_cleaner_whose_phone_died_is_not_waited_for(site: Site, role: Role) -> None:
    """A19, R108, R117: accepted while the visit is still open; no step of it is possible any more, the timer stops."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.IN_PROGRESS)
    administrator = site.town.owner if role is Role.OWNER else await site.admin()
    now = await site.soon(0)
    point = PointTold(now, at_home().latitude, at_home().longitude, 8.0)
    await site.do(who, send_track, SendTrack(shift, 1, [point]))
    assert await site.value("select count(*) from live_location where job_id = $1", job) == 1

    await accept(site, administrator, job)

    assert await site.status(job) == ("COMPLETED", "OVERRIDDEN")
    assert await site.value("select count(*) from live_location where job_id = $1", job) == 0
    visit, chain = await site.visit_of(shift, who), await site.chain(job)
    assert [row["kind"] for row in chain[-3:]] == ["WORK_FINISHED", "OVERRIDDEN", "COMPLETED"]
    assert (chain[-3]["actor_id"], chain[-3]["received_at"]) == (administrator.person, visit["finished_at"])
    assert (visit["phase"], visit["checked_out_at"]) == ("IN_PROGRESS", None)
    assert await faults(site, job) == ()
    for step in ("finish", "check_out"):
        async with site.refused(Code.CONFLICT):
            await getattr(site, step)(who, shift)
