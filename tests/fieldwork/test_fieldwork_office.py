"""What the office and the market may still do to a job that somebody has come to, and to one that nobody has."""

from datetime import timedelta
from typing import Any

import pytest

from domain.actors import Actor, CleanerId
from domain.errors import Code
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import PhotoStage
from domain.ids import AssignmentId, JobId
from domain.scheduling import AssignmentRole
from services import cancellations, scheduling, swaps
from services.fieldwork import tracks
from tests.fieldwork.site import Site, at_home, faults


async def running(site: Site, who: Actor) -> tuple[AssignmentId, JobId]:
    """A job that its cleaner has checked in to."""
    shift = await site.shift(who)
    await site.arrive(who, shift)
    return shift, await site.job_of(shift)


async def test_a_running_job_is_neither_changed_nor_moved_nor_emptied(site: Site) -> None:
    """R73: what was planned is what is being done."""
    shift, job = await running(site, await site.town.cleaner())
    for command, form in (
        (scheduling.update_job, scheduling.UpdateJob(job, instructions="More")),
        (scheduling.update_job, scheduling.UpdateJob(job, starts_at=await site.town.day(3))),
        (scheduling.release_cleaner, scheduling.ReleaseCleaner(shift)),
        (swaps.open_cover, swaps.OpenCover(assignment_id=shift)),
        (swaps.open_cover, swaps.OpenCover(job_id=job, role=AssignmentRole.LAUNDRY_LEAD)),
    ):
        async with site.refused(Code.CONFLICT):
            await site.do(site.town.owner, command, form)


async def test_a_started_shift_cannot_be_put_on_the_market(site: Site) -> None:
    """R94, R73: neither by its cleaner nor by a colleague on the same job."""
    who, lead = await site.town.cleaner(), await site.town.cleaner()
    shift, job = await running(site, who)
    await site.world.root.execute("update job set status = 'ASSIGNED' where id = $1", job)
    other = await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
    await site.world.root.execute("update job set status = 'IN_PROGRESS' where id = $1", job)

    for cleaner, its in ((who, shift), (lead, other)):
        async with site.refused(Code.ILLEGAL_TRANSITION):
            await site.do(cleaner, swaps.offer_swap, swaps.OfferSwap(its))


async def test_the_first_check_in_takes_the_jobs_shifts_off_the_market(site: Site) -> None:
    """A46, R73: the cover for who was late is not needed any more, and nobody can take it."""
    who, colleague = await site.town.cleaner(), await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    cover = await site.do(site.town.owner, swaps.open_cover, swaps.OpenCover(assignment_id=shift))
    vacancy = await site.do(
        site.town.owner, swaps.open_cover, swaps.OpenCover(job_id=job, role=AssignmentRole.LAUNDRY_LEAD)
    )

    await site.arrive(who, shift)

    assert {(await site.row("swap", one))["status"] for one in (cover, vacancy)} == {"WITHDRAWN"}
    assert (await site.events(cover))[-1] == "SwapWithdrawn"
    async with site.refused(Code.SWAP_ALREADY_TAKEN):
        await site.do(colleague, swaps.accept_swap, swaps.AcceptSwap(cover))


async def test_a_swap_that_awaits_the_office_cannot_be_approved_once_somebody_has_come(site: Site) -> None:
    """A27b, R73."""
    await site.world.root.execute(
        """update tenant set settings = '{"swaps": {"approvalRequired": true}}' where tenant_id = $1""",
        site.town.tenant,
    )
    who, colleague = await site.town.cleaner(), await site.town.cleaner()
    shift = await site.shift(who)
    cover = await site.do(site.town.owner, swaps.open_cover, swaps.OpenCover(assignment_id=shift))
    await site.do(colleague, swaps.accept_swap, swaps.AcceptSwap(cover))
    assert (await site.row("swap", cover))["status"] == "AWAITING_APPROVAL"

    await site.arrive(who, shift)

    async with site.refused(Code.CONFLICT):
        await site.do(site.town.owner, swaps.approve_swap, swaps.ApproveSwap(cover))


async def test_who_takes_a_shift_whose_instructions_were_open_begins_anew(site: Site) -> None:
    """R104, A26: the visit is its cleaner's; who gave the shift away cannot go on."""
    who, taker = await site.town.cleaner(), await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.ARRIVAL)
    cover = await site.do(site.town.owner, swaps.open_cover, swaps.OpenCover(assignment_id=shift))
    await site.do(taker, swaps.accept_swap, swaps.AcceptSwap(cover))

    async with site.refused(Code.NOT_FOUND):
        await site.check_in(who, shift)
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await site.check_in(taker, shift)
    await site.reach(taker, shift, VisitPhase.DONE)

    assert await site.status(job) == ("COMPLETED", "COMPLETE")
    assert await site.value("select count(*) from visit where assignment_id = $1", shift) == 2


async def test_a_running_job_can_be_canceled_and_nothing_of_it_is_lost(site: Site) -> None:
    """R73, R108, R117, A16, A17: the customer sends the cleaner home; the timer stops, nobody watches them any more."""
    who = await site.town.cleaner()
    shift, job = await running(site, who)
    await site.photos(await site.visit_of(shift, who), PhotoStage.BEFORE)
    await site.start(who, shift)
    point = tracks.PointTold(await site.soon(0), at_home().latitude, at_home().longitude, 8.0)
    await site.do(who, tracks.send_track, tracks.SendTrack(shift, 1, [point]))
    assert await site.value("select count(*) from live_location where job_id = $1", job) == 1

    await site.do(site.town.owner, cancellations.cancel_job, cancellations.CancelJob(job, "Guest fell ill"))

    assert await site.status(job) == ("CANCELED", "OPEN")
    assert "CHECKED_IN" in await site.kinds(job)
    assert await site.value("select count(*) from live_location where job_id = $1", job) == 0
    visit, entry = await site.visit_of(shift, who), (await site.chain(job))[-1]
    assert (entry["kind"], entry["actor_role"], entry["received_at"]) == (
        "WORK_FINISHED",
        "owner",
        visit["finished_at"],
    )
    assert await faults(site, job) == ()
    for step in ("start", "finish", "check_out"):
        async with site.refused(Code.CONFLICT):
            await getattr(site, step)(who, shift)


@pytest.mark.parametrize("phase", [VisitPhase.DONE, VisitPhase.NO_ACCESS])
async def test_a_job_that_is_over_stays_over(site: Site, phase: VisitPhase) -> None:
    """R73, A16."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    if phase is VisitPhase.DONE:
        await site.reach(who, shift, phase)
    else:
        await site.arrive(who, shift)
        await site.world.root.execute("update job set status = 'NO_ACCESS' where id = $1", job)
    forms: list[tuple[Any, Any, Code]] = [
        (scheduling.update_job, scheduling.UpdateJob(job, instructions="More"), Code.CONFLICT),
        (scheduling.release_cleaner, scheduling.ReleaseCleaner(shift), Code.CONFLICT),
        (cancellations.cancel_job, cancellations.CancelJob(job, "no"), Code.ILLEGAL_TRANSITION),
        (
            scheduling.assign_cleaner,
            scheduling.AssignCleaner(job, CleanerId((await site.town.cleaner()).person), AssignmentRole.BACKUP),
            Code.CONFLICT,
        ),
    ]
    for command, form, code in forms:
        async with site.refused(code):
            await site.do(site.town.owner, command, form)


async def test_help_can_be_sent_to_a_job_that_runs(site: Site) -> None:
    """R74, A11: who has fallen ill on the spot is helped out by a backup, and the clean can be proven."""
    ill, helper = await site.town.cleaner(), await site.town.cleaner()
    shift, job = await running(site, ill)

    theirs = await site.put(job, helper, AssignmentRole.BACKUP)
    await site.photos(await site.visit_of(shift, ill), PhotoStage.BEFORE)
    await site.start(ill, shift)
    await site.finish(ill, shift)
    await site.reach(helper, theirs, VisitPhase.COMPLETION)
    await site.check_out(ill, shift)
    assert (await site.status(job))[0] == "IN_PROGRESS"
    await site.photos(await site.visit_of(theirs, helper), PhotoStage.AFTER)
    await site.check_out(helper, theirs)

    assert await site.status(job) == ("COMPLETED", "COMPLETE")


async def test_a_missed_job_is_planned_anew_with_somebody_else(site: Site) -> None:
    """A46, R73: NO_SHOW to ASSIGNED, and then as any other."""
    gone, comes = await site.town.cleaner(), await site.town.cleaner()
    shift = await site.shift(gone)
    job = await site.job_of(shift)
    await site.world.root.execute("update job set status = 'NO_SHOW' where id = $1", job)

    await site.do(site.town.owner, scheduling.release_cleaner, scheduling.ReleaseCleaner(shift))
    assert (await site.status(job))[0] == "NO_SHOW"
    theirs = await site.put(job, comes)
    assert (await site.status(job))[0] == "ASSIGNED"
    await site.reach(comes, theirs, VisitPhase.DONE)

    assert await site.status(job) == ("COMPLETED", "COMPLETE")


async def test_a_visit_that_was_begun_does_not_hinder_a_cancellation(site: Site) -> None:
    """R73: nobody has come yet."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.ARRIVAL)
    await site.do(site.town.owner, cancellations.cancel_job, cancellations.CancelJob(job, "Sold"))
    await site.world.move_clock(site.town.tenant, timedelta(minutes=1))

    async with site.refused(Code.CONFLICT):
        await site.check_in(who, shift)
    assert (await site.status(job))[0] == "CANCELED"
