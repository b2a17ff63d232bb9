"""That one cannot get in, as an outcome of its own: with patience, a photo and a note, by the tenant's policy."""

import json
from datetime import timedelta
from typing import Any

from domain.actors import Actor
from domain.errors import Code
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.photos import PhotoStatus
from domain.fieldwork.requirements import PhotoStage
from domain.ids import AssignmentId, JobId
from domain.scheduling import AssignmentRole
from services.fieldwork import no_access
from services.fieldwork.verdicts import NotifyNoAccess, notify_no_access
from tests.fieldwork.site import Site, at_home, faults


async def stand(site: Site, who: Actor, shift: AssignmentId, minutes: int = 15) -> Any:
    """Before the closed door, so long after the start, with a photo of it."""
    visit = await site.arrive(who, shift)
    await site.photo(visit, PhotoStage.ACCESS, "door")
    await until(site, visit["job_id"], minutes)
    return visit


async def until(site: Site, job: JobId, minutes: int) -> None:
    """So many minutes after the job's start, or from now where it has begun."""
    begins_in = (await site.row("job", job))["starts_at"] - await site.world.now(site.town.tenant)
    await site.world.move_clock(site.town.tenant, max(begins_in, timedelta()) + timedelta(minutes=minutes))


async def test_who_cannot_get_in_says_so_and_the_job_ends(site: Site) -> None:
    """R73, R127: position and note are kept, the chain is anchored, the office alerted once."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await stand(site, who, shift)

    await site.no_access(who, shift, "Rang for a while", fix=at_home(20))

    assert await site.status(job) == ("NO_ACCESS", "NO_ACCESS")
    visit, packet = await site.visit_of(shift, who), await site.row("evidence", job, "job_id")
    assert (visit["phase"], packet["no_access_note"]) == ("NO_ACCESS", "Rang for a while")
    assert visit["checked_out_at"] is not None
    assert visit["check_out_distance_metres"] > 0
    assert (await site.kinds(job))[-2:] == ["NO_ACCESS_REPORTED", "CHECKED_OUT"]
    assert (await site.events(job))[-1] == "JobNotAccessible"
    anchored = await site.value(
        "select detail->>'head' from audit where tenant_id = $1 and entity = 'Evidence' order by seq desc limit 1",
        site.town.tenant,
    )
    assert anchored == packet["head"].hex()

    system = Actor.system(site.town.tenant)
    assert await site.do(system, notify_no_access, NotifyNoAccess(job)) == 1
    assert await site.do(system, notify_no_access, NotifyNoAccess(job)) == 0
    row = await site.world.root.fetchrow("select * from notification where tenant_id = $1", site.town.tenant)
    assert (row["kind"], row["person_id"]) == ("NO_ACCESS", site.town.owner.person)
    assert "Rang for a while" in json.loads(row["content"])["body"]


async def test_it_takes_a_check_in_a_wait_a_photo_and_a_note(site: Site) -> None:
    """R104, R107: each of them alone is refused, with what is missing or when it is possible."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await site.no_access(who, shift)
    await site.open(who, shift)
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await site.no_access(who, shift)
    await site.acknowledge(who, shift)
    async with site.refused(Code.EVIDENCE_INCOMPLETE) as caught:
        await site.no_access(who, shift)
    assert [one["code"] for one in caught[0].details["missing"]] == ["CHECK_IN"]
    await site.check_in(who, shift)
    visit = await site.visit_of(shift, who)
    async with site.refused(Code.CONFLICT) as caught:
        await site.no_access(who, shift)
    starts_at = (await site.row("job", visit["job_id"]))["starts_at"]
    assert caught[0].details["possibleAt"] == (starts_at + timedelta(minutes=15)).isoformat()
    await until(site, visit["job_id"], 15)
    await site.photo(visit, PhotoStage.ACCESS, status=PhotoStatus.UPLOADED)
    await site.photo(visit, PhotoStage.BEFORE)
    async with site.refused(Code.EVIDENCE_INCOMPLETE) as caught:
        await site.no_access(who, shift)
    assert [one["code"] for one in caught[0].details["missing"]] == ["ACCESS_PHOTO"]
    await site.photo(visit, PhotoStage.ACCESS)
    for note in ("", "x" * 1001):
        async with site.refused(Code.INVALID):
            await site.no_access(who, shift, note)

    await site.no_access(who, shift)
    async with site.refused(Code.CONFLICT):
        await site.no_access(who, shift)


async def test_nobody_ends_a_job_before_it_has_begun(site: Site) -> None:
    """R104, R105: an hour early before a closed door, the wait counts from the start; late, from the check-in."""
    early, late = await site.town.cleaner(), await site.town.cleaner()
    one, two = await site.shift(early), await site.shift(late)
    await site.photo(await site.arrive(early, one), PhotoStage.ACCESS)
    await site.world.move_clock(site.town.tenant, timedelta(minutes=59))
    async with site.refused(Code.CONFLICT):
        await site.no_access(early, one)
    await until(site, await site.job_of(one), 10)
    visit = await site.arrive(late, two)
    await site.photo(visit, PhotoStage.ACCESS)
    await site.world.move_clock(site.town.tenant, timedelta(minutes=6))
    async with site.refused(Code.CONFLICT) as caught:
        await site.no_access(late, two)
    assert caught[0].details["possibleAt"] == (visit["checked_in_at"] + timedelta(minutes=15)).isoformat()

    await site.no_access(early, one)

    assert await site.status(await site.job_of(one)) == ("NO_ACCESS", "NO_ACCESS")


async def test_a_phone_that_knows_no_position_reports_it_all_the_same(site: Site) -> None:
    """R121: the departure has no position, and the job ends so."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await stand(site, who, shift)

    await site.do(who, no_access.report_no_access, no_access.ReportNoAccess(shift, "Nobody opens"))

    assert await site.status(job) == ("NO_ACCESS", "NO_ACCESS")
    visit = await site.visit_of(shift, who)
    assert (visit["checked_out_at"] is None, visit["check_out_latitude"]) == (False, None)
    assert await faults(site, job) == ()


async def test_a_business_may_not_know_this_outcome_and_may_ask_for_another_wait(site: Site) -> None:
    """R259: settings of the tenant."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await stand(site, who, shift, minutes=1)
    await site.settings(noAccess=False)
    async with site.refused(Code.CONFLICT):
        await site.no_access(who, shift)
    await site.settings(noAccessWaitMinutes=1)

    await site.no_access(who, shift)

    assert (await site.status(await site.job_of(shift)))[0] == "NO_ACCESS"


async def test_who_has_been_inside_cannot_report_it(site: Site) -> None:
    """R104."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await site.reach(who, shift, VisitPhase.IN_PROGRESS)
    await site.photo(await site.visit_of(shift, who), PhotoStage.ACCESS)
    await until(site, await site.job_of(shift), 20)
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await site.no_access(who, shift)


async def test_the_job_ends_so_only_when_everybody_who_came_stood_outside(site: Site) -> None:
    """R74: primary and laundry lead before the same door."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()
    job = await site.job()
    one, two = await site.put(job, primary), await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
    await stand(site, primary, one)
    await stand(site, lead, two)

    await site.no_access(primary, one)
    assert await site.status(job) == ("IN_PROGRESS", "OPEN")
    await site.no_access(lead, two)
    assert await site.status(job) == ("NO_ACCESS", "NO_ACCESS")


async def test_where_a_colleague_got_in_the_clean_is_judged_as_a_clean(site: Site) -> None:
    """R112, R115: the one outside went home, the other one worked."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()
    job = await site.job()
    one, two = await site.put(job, primary), await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
    await stand(site, lead, two)
    await site.reach(primary, one, VisitPhase.DONE)
    assert await site.status(job) == ("IN_PROGRESS", "OPEN")

    await site.no_access(lead, two)

    assert await site.status(job) == ("COMPLETED", "COMPLETE")


async def test_a_colleague_who_has_not_come_yet_need_not_come(site: Site) -> None:
    """R126: the job is over."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()
    job = await site.job()
    one, two = await site.put(job, primary), await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
    await site.reach(lead, two, VisitPhase.ARRIVAL)
    await stand(site, primary, one)
    await site.no_access(primary, one)

    async with site.refused(Code.CONFLICT):
        await site.check_in(lead, two)
    assert await site.status(job) == ("NO_ACCESS", "NO_ACCESS")


async def test_who_does_the_laundry_does_not_end_the_job_before_who_cleans_has_come(site: Site) -> None:
    """A11: the primary may have the key; the job goes on, and ends so once they stand outside as well."""
    primary, washer = await site.town.cleaner(), await site.town.cleaner()
    job = await site.job()
    one, two = await site.put(job, primary), await site.put(job, washer, AssignmentRole.LAUNDRY_LEAD)
    await stand(site, washer, two)
    await site.no_access(washer, two)
    assert await site.status(job) == ("IN_PROGRESS", "OPEN")

    await stand(site, primary, one)
    await site.no_access(primary, one)
    assert await site.status(job) == ("NO_ACCESS", "NO_ACCESS")
