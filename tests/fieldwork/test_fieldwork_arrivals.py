"""Who does not come: alert, cover, no-show; once each, and never against somebody who is just checking in (A46)."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.actors import Actor
from domain.errors import Code, Conflict, Refused
from domain.fieldwork.arrivals import ArrivalStep
from domain.ids import AssignmentId, JobId, SwapId
from domain.scheduling import AssignmentRole
from services import swaps
from services.fieldwork.alerts import NotifyAbsence, notify_absence
from services.fieldwork.arrivals import FindAbsences, NoteAbsence, find_absences, note_absence
from services.fieldwork.told import Device
from services.scheduling import ReleaseCleaner, release_cleaner
from tests.fieldwork.site import Site, at_home


async def watch(site: Site) -> dict[JobId, ArrivalStep | None]:
    """What one round of the duty does."""
    system = Actor.system(site.town.tenant)
    found = await site.do(system, find_absences, FindAbsences(site.town.market))
    return {job: await site.do(system, note_absence, NoteAbsence(job)) for job in found}


async def wait(site: Site, minutes: float) -> None:
    await site.world.move_clock(site.town.tenant, timedelta(minutes=minutes))


async def an_absence(site: Site, minutes: float, **more: Any) -> tuple[Actor, AssignmentId, JobId]:
    """A shift that began so many minutes ago, and nobody has come."""
    cleaner = await site.town.cleaner()
    shift = await site.shift(cleaner, minutes=60, **more)
    await wait(site, 60 + minutes)
    return cleaner, shift, await site.job_of(shift)


async def open_swaps(site: Site, job: JobId) -> list[Any]:
    return list(await site.world.root.fetch("select * from swap where job_id = $1 and status = 'PENDING'", job))


async def tasks(site: Site, kind: str) -> list[dict[str, Any]]:
    rows = await site.world.root.fetch(
        "select payload from task where tenant_id = $1 and kind = $2 order by created_at", site.town.tenant, kind
    )
    return [json.loads(row["payload"]) for row in rows]


async def take(site: Site, who: Actor, swap: UUID) -> None:
    await site.do(who, swaps.accept_swap, swaps.AcceptSwap(SwapId(swap)))


async def missed_by(site: Site, job: JobId) -> set[UUID]:
    return {row["cleaner_id"] for row in await site.world.root.fetch("select * from no_show where job_id = $1", job)}


async def test_half_an_hour_late_alerts_the_office_and_opens_an_urgent_cover_once(site: Site) -> None:
    """A46, A22, A27: and not before; a second round changes nothing."""
    cleaner, shift, job = await an_absence(site, 29)
    assert await watch(site) == {}
    await wait(site, 2)

    assert await watch(site) == {job: ArrivalStep.LATE}

    row = await site.row("job", job)
    assert (row["status"], row["is_urgent"]) == ("ASSIGNED", True)
    assert row["late_at"] is not None
    (cover,) = await open_swaps(site, job)
    assert (cover["assignment_id"], cover["owner_id"], cover["opened_by"]) == (shift, cleaner.person, "OFFICE")
    assert cover["expires_at"] == row["ends_at"]
    assert (await site.events(job)).count("JobLate") == 1
    before = await site.picture()
    assert await watch(site) == {job: None}
    assert await site.picture() == before


async def test_who_is_late_and_comes_after_all_ends_the_search(site: Site) -> None:
    """A46, A27: the cover goes when the cleaner checks in, and nothing is counted as missed."""
    cleaner, shift, job = await an_absence(site, 31)
    await watch(site)
    await site.arrive(cleaner, shift)
    assert await open_swaps(site, job) == []
    await wait(site, 90)
    assert await watch(site) == {}
    assert (await site.status(job))[0] == "IN_PROGRESS"


async def test_an_hour_and_a_half_is_a_no_show_of_who_should_have_come(site: Site) -> None:
    """A46, A47: kept for good; the cover stays open until the job's end."""
    cleaner, _, job = await an_absence(site, -1)
    helper, washer = await site.town.cleaner(), await site.town.cleaner()
    await site.put(job, helper, AssignmentRole.BACKUP)
    await site.put(job, washer, AssignmentRole.LAUNDRY_LEAD)
    await wait(site, 32)
    await watch(site)
    await wait(site, 60)

    assert await watch(site) == {job: ArrivalStep.MISSED}

    row = await site.row("job", job)
    assert (row["status"], row["missed_at"] is not None) == ("NO_SHOW", True)
    assert await missed_by(site, job) == {cleaner.person, washer.person}
    assert len(await open_swaps(site, job)) == 1
    assert (await site.events(job)).count("JobMissed") == 1
    rated = {one["cleaner_id"] for one in await tasks(site, "rate_cleaner")}
    assert rated == {str(cleaner.person), str(washer.person)}
    assert await watch(site) == {}


async def test_a_check_in_that_comes_after_the_no_show_is_refused_and_what_it_claims_is_kept(site: Site) -> None:
    """A40, A46: made without a signal while there was time; whoever decides can read when and where it claims to be."""
    cleaner, shift, job = await an_absence(site, 10)
    await site.open(cleaner, shift)
    await site.acknowledge(cleaner, shift)
    captured = await site.soon(0)
    await wait(site, 85)
    assert await watch(site) == {job: ArrivalStep.MISSED}
    sent, before = await site.soon(0), await site.picture()

    with pytest.raises(Conflict) as refusal:
        await site.check_in(cleaner, shift, at_home(40, accuracy=20), Device(captured, sent))

    assert refusal.value.details == {"status": "NO_SHOW"}
    after = await site.picture()
    assert {table for table in before if before[table] != after[table]} == {"audit"}
    assert after["audit"][0] == before["audit"][0] + 1
    line = await site.world.root.fetchrow(
        "select action, entity_id, detail from audit where tenant_id = $1 order by seq desc", site.town.tenant
    )
    assert (line["action"], line["entity_id"]) == ("check_in", (await site.visit_of(shift, cleaner))["id"])
    said = json.loads(line["detail"])
    assert (said["refused"], said["status"], datetime.fromisoformat(said["capturedAt"])) == (
        "CONFLICT",
        "NO_SHOW",
        captured,
    )
    assert said["distanceMetres"] == pytest.approx(40, abs=1)
    assert (said["accuracyMetres"], said["longitude"], said["flags"]) == (20, at_home().longitude, [])
    assert abs(said["skewMs"]) < 60_000


async def test_who_was_put_on_the_job_just_now_has_missed_nothing(site: Site) -> None:
    """A46: a no-show of who was waited for an hour and a half, and not of who came to the crew five minutes ago."""
    cleaner, _, job = await an_absence(site, 85)
    await site.put(job, await site.town.cleaner(), AssignmentRole.LAUNDRY_LEAD)
    await wait(site, 6)
    assert await watch(site) == {job: ArrivalStep.MISSED}
    assert await missed_by(site, job) == {cleaner.person}


async def test_after_a_long_silence_of_the_workers_the_no_show_comes_with_its_cover(site: Site) -> None:
    """A46: both were due at once."""
    _, _, job = await an_absence(site, 100)
    assert await watch(site) == {job: ArrivalStep.MISSED}
    assert len(await open_swaps(site, job)) == 1
    assert (await site.row("job", job))["late_at"] is not None


async def test_a_backup_who_has_come_stands_in_and_nobody_is_missed(site: Site) -> None:
    """A11, A46."""
    _, _, job = await an_absence(site, 10)
    backup = await site.town.cleaner()
    await site.arrive(backup, await site.put(job, backup, AssignmentRole.BACKUP))
    await wait(site, 100)
    assert await watch(site) == {}


async def test_who_does_the_laundry_does_not_stand_in_for_who_cleans(site: Site) -> None:
    """A46: the office hears of it, the job goes on, and nothing is put on the market."""
    _, _, job = await an_absence(site, 10)
    washer = await site.town.cleaner()
    await site.arrive(washer, await site.put(job, washer, AssignmentRole.LAUNDRY_LEAD))
    await wait(site, 25)
    assert await watch(site) == {job: ArrivalStep.LATE}
    await wait(site, 100)
    assert await watch(site) == {job: None}
    assert (await site.status(job))[0] == "IN_PROGRESS"
    assert await open_swaps(site, job) == []


async def test_a_cover_that_is_taken_leads_back_and_its_taker_has_as_long_as_everybody(site: Site) -> None:
    """A46, R73: NO_SHOW to ASSIGNED; late and missed count from the taking on, and the first no-show stays."""
    cleaner, _, job = await an_absence(site, 100)
    await watch(site)
    (cover,) = await open_swaps(site, job)
    taker = await site.town.cleaner()
    await take(site, taker, cover["id"])
    assert (await site.status(job))[0] == "ASSIGNED"

    await wait(site, 25)
    assert await watch(site) == {job: None}
    await wait(site, 6)
    assert await watch(site) == {job: ArrivalStep.LATE}
    await wait(site, 48)
    # The job is over by now, and its last cover with it.
    assert await watch(site) == {job: None}
    await wait(site, 12)
    assert await watch(site) == {job: ArrivalStep.MISSED}
    assert await missed_by(site, job) == {cleaner.person, taker.person}


async def test_a_backup_can_take_the_cover(site: Site) -> None:
    """A46, A26: and is on the job in the primary's place."""
    _, shift, job = await an_absence(site, 31)
    backup = await site.town.cleaner()
    await site.put(job, backup, AssignmentRole.BACKUP)
    await watch(site)
    (cover,) = await open_swaps(site, job)
    await take(site, backup, cover["id"])
    assert (await site.row("assignment", shift))["cleaner_id"] == backup.person
    await site.arrive(backup, shift)
    assert (await site.status(job))[0] == "IN_PROGRESS"


async def test_an_own_offer_gives_way_to_the_cover_and_an_open_cover_stays(site: Site) -> None:
    """A22, A27: two listings of one shift are never open at once."""
    _, shift, job = await an_absence(site, 0)
    await site.do(site.town.owner, swaps.open_cover, swaps.OpenCover(shift))
    (before,) = await open_swaps(site, job)
    await wait(site, 31)
    assert await watch(site) == {job: ArrivalStep.LATE}
    (after,) = await open_swaps(site, job)
    assert after["id"] == before["id"]


async def test_a_primary_place_that_nobody_has_is_put_on_the_market(site: Site) -> None:
    """A46: where only the laundry is looked after."""
    _, shift, job = await an_absence(site, 5)
    washer = await site.town.cleaner()
    await site.put(job, washer, AssignmentRole.LAUNDRY_LEAD)
    await site.do(site.town.owner, release_cleaner, ReleaseCleaner(shift))
    await wait(site, 30)
    assert await watch(site) == {job: ArrivalStep.LATE}
    (cover,) = await open_swaps(site, job)
    assert (cover["assignment_id"], cover["role"]) == (None, "PRIMARY")
    await wait(site, 60)
    assert await watch(site) == {job: ArrivalStep.MISSED}
    assert len(await open_swaps(site, job)) == 1
    assert await missed_by(site, job) == {washer.person}


async def test_a_job_that_nobody_was_on_is_nobodys_no_show(site: Site) -> None:
    """A46: unassigned, canceled and other markets' jobs are not watched, nor what is long over."""
    await site.job()
    _, shift, _ = await an_absence(site, 100)
    await site.do(site.town.owner, release_cleaner, ReleaseCleaner(shift))
    assert await watch(site) == {}
    await an_absence(site, 49 * 60)
    assert await watch(site) == {}


async def test_a_short_job_that_is_over_when_the_alert_comes_has_no_cover(site: Site) -> None:
    """A46: there is nothing left to take over."""
    cleaner = await site.town.cleaner()
    shift = await site.shift(cleaner)
    job = await site.job_of(shift)
    await site.world.root.execute("update job set ends_at = starts_at + interval '20 minutes' where id = $1", job)
    await wait(site, 95)
    assert await watch(site) == {job: ArrivalStep.LATE}
    assert await open_swaps(site, job) == []


async def test_the_numbers_are_the_businesss_own(site: Site) -> None:
    """A46: all configurable."""
    await site.settings(lateAlertMinutes=5, noShowMinutes=10)
    _, _, job = await an_absence(site, 6)
    assert await watch(site) == {job: ArrivalStep.LATE}
    await wait(site, 5)
    assert await watch(site) == {job: ArrivalStep.MISSED}


async def test_office_and_cleaner_are_told_once_a_step(site: Site) -> None:
    """A46, R184: however often the task runs."""
    cleaner, _, _ = await an_absence(site, 31)
    dispatcher = await site.town.dispatcher()
    await watch(site)
    await wait(site, 60)
    await watch(site)
    for payload in (await tasks(site, "notify_absence")) * 2:
        form = NotifyAbsence(JobId(UUID(payload["job_id"])), ArrivalStep(payload["step"]), payload["at"])
        await site.do(Actor.system(site.town.tenant), notify_absence, form)
    told = await site.world.root.fetch(
        "select person_id, channel, kind from notification where tenant_id = $1 and kind like 'JOB_%'", site.town.tenant
    )
    for kind in ("JOB_LATE", "JOB_MISSED"):
        assert sorted((row["person_id"], row["channel"]) for row in told if row["kind"] == kind) == sorted(
            [
                (cleaner.person, "PUSH"),
                (cleaner.person, "EMAIL"),
                (dispatcher.person, "EMAIL"),
                (site.town.owner.person, "EMAIL"),
            ]
        )


async def come(site: Site, cleaner: Actor, shift: AssignmentId) -> Code | None:
    """Check in; the code of the refusal, None if it was done."""
    try:
        await site.check_in(cleaner, shift)
    except Refused as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize("round", range(8))
async def test_a_check_in_and_the_no_show_at_the_same_moment_leave_one_of_the_two(site: Site, round: int) -> None:
    """A46: whoever holds the job first decides, and nothing of the other is left."""
    cleaner, shift, job = await an_absence(site, 20)
    await site.open(cleaner, shift)
    await site.acknowledge(cleaner, shift)
    await wait(site, 75)
    absent = site.do(Actor.system(site.town.tenant), note_absence, NoteAbsence(job))

    if round % 2:
        step, refusal = await asyncio.gather(absent, come(site, cleaner, shift))
    else:
        refusal, step = await asyncio.gather(come(site, cleaner, shift), absent)

    status = (await site.status(job))[0]
    if status == "NO_SHOW":
        assert (step, refusal) == (ArrivalStep.MISSED, Code.CONFLICT)
        assert await missed_by(site, job) == {cleaner.person}
        assert "CHECKED_IN" not in await site.kinds(job)
    else:
        assert (status, step, refusal) == ("IN_PROGRESS", None, None)
        assert await missed_by(site, job) == set()
        assert "JobMissed" not in await site.events(job)


async def test_two_rounds_of_the_watch_at_once_do_it_once(site: Site) -> None:
    """A46: one alert, one cover, one no-show, whatever number of workers run."""
    _, _, job = await an_absence(site, 31)
    steps = await asyncio.gather(*(watch(site) for _ in range(4)))
    assert [step[job] for step in steps].count(ArrivalStep.LATE) == 1
    assert (await site.events(job)).count("JobLate") == 1
    assert len(await open_swaps(site, job)) == 1
    await wait(site, 60)
    steps = await asyncio.gather(*(watch(site) for _ in range(4)))
    assert [step.get(job) for step in steps].count(ArrivalStep.MISSED) == 1
    assert (await site.events(job)).count("JobMissed") == 1
