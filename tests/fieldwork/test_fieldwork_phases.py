"""The four phases of a visit, step by step: in order or not at all (R104 to R109, R114, R115, R124, A20, A40)."""

import json
from datetime import timedelta

import pytest

from domain.actors import Actor
from domain.errors import Code, OutsideGeofence
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.photos import PhotoStatus
from domain.fieldwork.requirements import PhotoStage
from domain.ids import AssignmentId
from services import scheduling
from services.fieldwork import overrides, visits
from services.fieldwork.told import Device, FixTold
from tests.fieldwork.site import Site, at_home, faults

NEXT = {
    None: "open",
    VisitPhase.INSTRUCTION: "acknowledge",
    VisitPhase.ARRIVAL: "check_in",
    VisitPhase.IN_PROGRESS: "finish",
    VisitPhase.COMPLETION: "check_out",
}
"""The one step that each phase allows, at its beginning."""
STEPS = ("open", "acknowledge", "check_in", "start", "finish", "check_out")


async def test_a_visit_goes_through_its_four_phases_and_completes_the_job(site: Site) -> None:
    """R104 to R119: each step leaves its time, its entry in the chain and its event; complete evidence completes."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)

    await site.reach(who, shift, VisitPhase.DONE)

    visit = await site.visit_of(shift, who)
    times = [
        visit[name]
        for name in ("begun_at", "instructed_at", "checked_in_at", "started_at", "finished_at", "checked_out_at")
    ]
    assert times == sorted(times)
    assert visit["phase"] == "DONE"
    assert await site.status(job) == ("COMPLETED", "COMPLETE")
    kinds = await site.kinds(job)
    assert [kind for kind in kinds if kind not in {"ITEM_TICKED", "PHOTO_STORED"}] == [
        "PACKET_OPENED",
        "INSTRUCTIONS_OPENED",
        "INSTRUCTIONS_ACKNOWLEDGED",
        "CHECKED_IN",
        "WORK_STARTED",
        "WORK_FINISHED",
        "CHECKED_OUT",
        "SUBMITTED",
        "COMPLETED",
    ]
    assert kinds.count("ITEM_TICKED") == len([item for item in await site.items(job) if item["required"]])
    events = await site.events(job)
    assert events[:3] == ["JobCreated", "CleanerAssigned", "JobProgressed"]
    assert events.count("JobStarted") == 1
    assert events[-1] == "JobCompleted"
    packet = await site.row("evidence", job, "job_id")
    assert (packet["submissions"], packet["complete_at_first"]) == (1, True)
    assert packet["submitted_at"] == packet["completed_at"] == (await site.row("job", job))["completed_at"]


@pytest.mark.parametrize("phase", [None, *VisitPhase])
async def test_a_step_that_is_not_the_next_one_is_refused_and_changes_nothing(
    site: Site, phase: VisitPhase | None
) -> None:
    """R104: each phase, each step: whatever is out of order, and whatever was done already."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    if phase is VisitPhase.NO_ACCESS:
        await _stay_outside(site, who, shift)
    elif phase is not None:
        await site.reach(who, shift, phase)
    over = phase in {VisitPhase.DONE, VisitPhase.NO_ACCESS}

    for step in STEPS:
        if NEXT.get(phase) == step:
            continue
        code = Code.CONFLICT if over else Code.ILLEGAL_TRANSITION
        if step == "start" and phase is VisitPhase.ARRIVAL:
            code = Code.EVIDENCE_INCOMPLETE
        async with site.refused(code):
            await getattr(site, step)(who, shift)


async def _stay_outside(site: Site, who: Actor, shift: AssignmentId) -> None:
    visit = await site.arrive(who, shift)
    await site.photo(visit, PhotoStage.ACCESS)
    await site.world.move_clock(site.town.tenant, timedelta(minutes=80))
    await site.no_access(who, shift)


async def test_a_step_with_the_same_key_answers_again_and_without_it_is_refused(site: Site) -> None:
    """R104, A39: a retry after a lost answer is not a second step."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)

    for step in ("open", "acknowledge", "check_in", "start", "finish", "check_out"):
        if step == "start":
            await site.photos(await site.visit_of(shift, who), PhotoStage.BEFORE)
        await getattr(site, step)(who, shift, key=f"once-{step}")
        before = await site.picture()
        await getattr(site, step)(who, shift, key=f"once-{step}")
        assert await site.picture() == before
        async with site.refused(Code.ILLEGAL_TRANSITION):
            await getattr(site, step)(who, shift)

    assert (await site.kinds(job)).count("CHECKED_OUT") == 1


async def test_a_step_that_is_sent_again_later_with_its_key_is_the_same_step(site: Site) -> None:
    """A39, A40: when it was sent tells of the clock, and is no part of what is wanted; when it happened is."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await site.open(who, shift)
    await site.acknowledge(who, shift)
    now = await site.world.now(site.town.tenant)
    await site.check_in(who, shift, device=Device(now, now), key="door")
    before = await site.picture()

    await site.check_in(who, shift, device=Device(now, now + timedelta(minutes=3)), key="door")
    assert await site.picture() == before
    async with site.refused(Code.IDEMPOTENCY_MISMATCH):
        await site.check_in(who, shift, device=Device(now - timedelta(minutes=3), now), key="door")


async def test_instructions_open_at_the_lead_before_the_start_and_say_when(site: Site) -> None:
    """R105: two hours before by default; the tenant says otherwise."""
    who = await site.town.cleaner()
    shift = await site.shift(who, minutes=121)
    starts_at = (await site.row("assignment", shift))["starts_at"]

    async with site.refused(Code.CONFLICT) as caught:
        await site.open(who, shift)
    assert caught[0].details["opensAt"] == (starts_at - timedelta(hours=2)).isoformat()

    await site.world.move_clock(site.town.tenant, timedelta(minutes=1))
    await site.open(who, shift)
    assert (await site.visit_of(shift, who))["phase"] == "INSTRUCTION"


async def test_a_job_that_was_moved_away_cannot_be_checked_in_to_before_its_new_time(site: Site) -> None:
    """R105, R106: what was opened for today does not open next week's door."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await site.reach(who, shift, VisitPhase.ARRIVAL)
    move = scheduling.UpdateJob(await site.job_of(shift), starts_at=await site.town.day(5))
    await site.do(site.town.owner, scheduling.update_job, move)

    async with site.refused(Code.CONFLICT) as caught:
        await site.check_in(who, shift)
    assert "opensAt" in caught[0].details


async def test_the_check_in_keeps_position_distance_and_time_and_starts_the_job(site: Site) -> None:
    """R106, R114, R129, A20: stored with the distance; the job is in progress from then on."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.ARRIVAL)

    await site.check_in(who, shift, at_home(100, accuracy=20))

    visit = await site.visit_of(shift, who)
    assert visit["phase"] == "ARRIVAL"
    assert visit["check_in_accuracy_metres"] == 20
    assert visit["check_in_distance_metres"] == pytest.approx(100, abs=1)
    assert await site.status(job) == ("IN_PROGRESS", "OPEN")
    entry = (await site.chain(job))[-1]
    assert (entry["kind"], entry["received_at"]) == ("CHECKED_IN", visit["checked_in_at"])
    assert (await site.events(job))[-1] == "JobStarted"


@pytest.mark.parametrize(
    ("fix", "flags"),
    [
        (at_home(161), '["OUTSIDE"]'),
        (at_home(0, accuracy=101), '["VAGUE"]'),
        (at_home(0, mock=True), '["MOCK"]'),
        (at_home(5_000, accuracy=300, mock=True), '["MOCK", "VAGUE", "OUTSIDE"]'),
    ],
)
async def test_a_check_in_from_elsewhere_is_refused_with_its_distance_and_leaves_only_an_audit_line(
    site: Site, fix: FixTold, flags: str
) -> None:
    """R106, A20: the office sees that somebody tried, and from how far."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await site.reach(who, shift, VisitPhase.ARRIVAL)
    before = await site.picture()

    with pytest.raises(OutsideGeofence) as refusal:
        await site.check_in(who, shift, fix, key="try")

    after = await site.picture()
    assert {table for table in before if before[table] != after[table]} == {"audit"}
    assert after["audit"][0] == before["audit"][0] + 1
    visit = await site.visit_of(shift, who)
    line = await site.world.root.fetchrow(
        "select action, entity_id, detail->>'flags' as flags from audit where tenant_id = $1 order by seq desc",
        site.town.tenant,
    )
    assert (line["action"], line["entity_id"], line["flags"]) == ("check_in", visit["id"], flags)
    assert refusal.value.details["radiusMetres"] == 150

    await site.check_in(who, shift, key="try again")
    assert (await site.visit_of(shift, who))["checked_in_at"] is not None


async def test_a_fix_that_is_nowhere_is_no_position_and_leaves_nothing(site: Site) -> None:
    """R19: beyond the poles, and an accuracy below zero or endless."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await site.reach(who, shift, VisitPhase.ARRIVAL)

    for fix in (
        FixTold(91, 0, 5),
        FixTold(0, 181, 5),
        FixTold(float("nan"), 0, 5),
        FixTold(0, 0, -1),
        FixTold(0, 0, float("inf")),
    ):
        async with site.refused(Code.INVALID):
            await site.check_in(who, shift, fix)


async def test_a_home_has_a_fence_of_its_own(site: Site) -> None:
    """R29, R106, A20: a large estate; and the tenant's radius where it has none."""
    who, estate = await site.town.cleaner(), await site.home(geofence_metres=500)
    at_estate = await site.shift(who, home=estate)
    await site.reach(who, at_estate, VisitPhase.ARRIVAL)
    await site.check_in(who, at_estate, at_home(505))

    two = await site.town.cleaner()
    await site.settings(geofenceMetres=50)
    plain = await site.shift(two)
    await site.reach(two, plain, VisitPhase.ARRIVAL)
    with pytest.raises(OutsideGeofence):
        await site.check_in(two, plain, at_home(100))


async def test_work_starts_once_every_zone_has_its_before_photo(site: Site) -> None:
    """R107: the answer lists what is missing, and only photos that the server has checked count."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await site.reach(who, shift, VisitPhase.ARRIVAL)

    async with site.refused(Code.EVIDENCE_INCOMPLETE) as caught:
        await site.start(who, shift)
    assert [one["code"] for one in caught[0].details["missing"]] == ["CHECK_IN", *["BEFORE_PHOTOS"] * 4]

    await site.check_in(who, shift)
    visit = await site.visit_of(shift, who)
    await site.photos(visit, PhotoStage.BEFORE, but=1)
    for state in ("REQUESTED", "UPLOADED", "REJECTED", "EXPIRED"):
        await site.photo(visit, PhotoStage.BEFORE, "living", status=PhotoStatus(state))
    async with site.refused(Code.EVIDENCE_INCOMPLETE) as caught:
        await site.start(who, shift)
    assert [(one["zone"], one["required"], one["present"]) for one in caught[0].details["missing"]] == [
        ("living", 1, 0)
    ]

    await site.photo(visit, PhotoStage.BEFORE, "living")
    await site.start(who, shift)
    assert (await site.visit_of(shift, who))["phase"] == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("fix", "flags"),
    [
        (at_home(), "[]"),
        (at_home(3_000), '["OUTSIDE"]'),
        (at_home(accuracy=5_000), '["VAGUE"]'),
        (at_home(mock=True), '["MOCK"]'),
    ],
)
async def test_a_check_out_from_elsewhere_is_kept_and_flagged(site: Site, fix: FixTold, flags: str) -> None:
    """R115, A20: who has driven off cannot go back in time; the distance stands in the chain."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.COMPLETION)
    await site.photos(await site.visit_of(shift, who), PhotoStage.AFTER)

    await site.check_out(who, shift, fix)

    said = await site.value(
        "select payload->>'flags' from evidence_entry where job_id = $1 and kind = 'CHECKED_OUT'", job
    )
    assert said == flags
    assert (await site.visit_of(shift, who))["check_out_distance_metres"] is not None
    assert await site.status(job) == ("COMPLETED", "COMPLETE")


async def test_a_phone_that_knows_no_position_lets_its_cleaner_leave_and_an_administrator_decides(site: Site) -> None:
    """R115, R121, A19: the departure counts, its position is missing, and sending it again does not mend that."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.COMPLETION)
    await site.photos(await site.visit_of(shift, who), PhotoStage.AFTER)

    await site.do(who, visits.check_out, visits.CheckOut(shift))

    visit, chain = await site.visit_of(shift, who), await site.chain(job)
    assert (visit["phase"], visit["checked_out_at"] is None, visit["check_out_latitude"]) == ("DONE", False, None)
    assert await site.status(job) == ("IN_PROGRESS", "INCOMPLETE")
    assert [row["kind"] for row in chain[-2:]] == ["CHECKED_OUT", "SUBMITTED"]
    assert json.loads(chain[-2]["payload"]).keys() == {"visitId", "assignmentId", "cleanerId"}
    assert [one["code"] for one in json.loads(chain[-1]["payload"])["missing"]] == ["CHECK_OUT_POSITION"]
    await site.submit(who, job)
    assert await site.status(job) == ("IN_PROGRESS", "INCOMPLETE")
    accepted = overrides.OverrideEvidence(job, "The customer saw them leave")
    await site.do(site.town.owner, overrides.override_evidence, accepted)
    assert await site.status(job) == ("COMPLETED", "OVERRIDDEN")
    assert await faults(site, job) == ()


async def test_the_devices_time_is_kept_beside_the_servers_and_flagged_where_it_is_odd(site: Site) -> None:
    """A40: a clock off by a day changes nothing but the flags; business time is the server's."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.ARRIVAL)
    now = await site.world.now(site.town.tenant)

    told = Device(now + timedelta(days=1), now + timedelta(days=1))
    await site.check_in(who, shift, device=told)
    entry, visit = (await site.chain(job))[-1], await site.visit_of(shift, who)
    assert entry["flags"] == ["CLOCK_SKEW"]
    assert entry["skew_ms"] == pytest.approx(86_400_000, abs=60_000)
    assert entry["captured_at"] == told.captured_at
    assert now <= visit["checked_in_at"] == entry["received_at"] < now + timedelta(minutes=1)

    await site.photos(visit, PhotoStage.BEFORE)
    await site.start(who, shift, Device(now - timedelta(hours=2), now))
    assert (await site.chain(job))[-1]["flags"] == ["LATE"]


async def test_nobody_else_can_take_a_step_of_a_visit(site: Site) -> None:
    """R3, R18: a colleague, another business's cleaner and a novice; the answer is the same as for no shift at all."""
    who, colleague, stranger = await site.town.cleaner(), await site.town.cleaner(), await site.other.cleaner()
    shift = await site.shift(who)
    await site.open(who, shift)

    for foreign in (colleague, stranger):
        for step in STEPS:
            async with site.refused(Code.NOT_FOUND):
                await getattr(site, step)(foreign, shift)
    await site.world.root.execute("update cleaner set onboarding = 'SKILLS' where id = $1", who.person)
    for step in STEPS:
        async with site.refused(Code.ONBOARDING_INCOMPLETE):
            await getattr(site, step)(who, shift)


async def test_a_cleaner_who_was_taken_off_cannot_go_on(site: Site) -> None:
    """R3: the shift has ended."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await site.reach(who, shift, VisitPhase.ARRIVAL)
    await site.do(site.town.owner, scheduling.release_cleaner, scheduling.ReleaseCleaner(shift))

    async with site.refused(Code.CONFLICT):
        await site.check_in(who, shift)


async def test_who_is_put_on_the_job_again_begins_again(site: Site) -> None:
    """R104: another assignment is another visit; the packet is the same one."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.ARRIVAL)
    await site.do(site.town.owner, scheduling.release_cleaner, scheduling.ReleaseCleaner(shift))

    again = await site.put(job, who)
    await site.reach(who, again, VisitPhase.DONE)

    assert await site.status(job) == ("COMPLETED", "COMPLETE")
    assert (await site.kinds(job)).count("PACKET_OPENED") == 1
