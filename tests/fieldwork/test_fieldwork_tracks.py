"""Tracks and the live position: kept once and as they came, judged, chained, and forgotten in time (R117, A20, A40)."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from domain.actors import Actor
from domain.errors import Code
from domain.fieldwork.geofence import Fix
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import PhotoStage
from domain.fieldwork.tracks import Point, as_json, digest_of
from domain.geo import Position
from domain.ids import AssignmentId, JobId, TrackBatchId
from domain.scheduling import AssignmentRole
from services.cancellations import CancelJob, cancel_job
from services.fieldwork import tracks
from services.fieldwork.overrides import OverrideEvidence, override_evidence
from services.fieldwork.told import Device
from services.fieldwork.tracks import PointTold, SendTrack
from tasks.arrivals import _SCRUB
from tests.fieldwork.site import METRE, Site, faults
from tests.product.world import MIAMI, Api, gid

HOUR = timedelta(hours=1)


async def points(site: Site, *metres: float, ago: float = 60, step: float = 30, **more: Any) -> list[PointTold]:
    """Positions so many metres north of the home, the last so many seconds ago, `step` apart."""
    now = await site.world.now(site.town.tenant)
    first = now - timedelta(seconds=ago + step * (len(metres) - 1))
    return [
        PointTold(first + timedelta(seconds=step * n), MIAMI[0] + away * METRE, MIAMI[1], 8.0, **more)
        for n, away in enumerate(metres)
    ]


async def send(site: Site, who: Actor, form: SendTrack) -> TrackBatchId:
    made: TrackBatchId = await site.do(who, tracks.send_track, form)
    return made


async def a_worker(site: Site) -> tuple[Actor, AssignmentId, JobId]:
    """A cleaner who has checked in an hour ago, by a business clock that was moved since."""
    cleaner = await site.town.cleaner()
    shift = await site.shift(cleaner)
    await site.arrive(cleaner, shift)
    await site.world.move_clock(site.town.tenant, HOUR)
    return cleaner, shift, await site.job_of(shift)


async def batch(site: Site, id: TrackBatchId) -> Any:
    return await site.row("track_batch", id)


async def moves(site: Site, job: JobId) -> list[Any]:
    rows = await site.world.root.fetch(
        "select seq, payload, at from event where type = 'CleanerMoved' and entity_id = $1 order by seq", job
    )
    return [json.loads(row["payload"]) for row in rows]


async def live(site: Site, job: JobId) -> list[Any]:
    return list(await site.world.root.fetch("select * from live_location where job_id = $1", job))


async def test_a_batch_is_kept_as_it_came_judged_and_chained(site: Site) -> None:
    """R117, R127, A40: the chain names its digest, its number and how far it is believed."""
    cleaner, shift, job = await a_worker(site)
    told = await points(site, 0, 5, 10, 4)
    sent = await site.world.now(site.town.tenant)

    id = await send(site, cleaner, SendTrack(shift, 1, told, Device(told[-1].at, sent)))

    kept = await batch(site, id)
    seen = json.loads(kept["points"])
    assert [(datetime.fromisoformat(one["at"]), one["mock"]) for one in seen] == [(one.at, False) for one in told]
    assert [round((one["latitude"] - MIAMI[0]) / METRE) for one in seen] == [0, 5, 10, 4]
    assert (kept["plausibility"], kept["flags"], kept["sequence"]) == (100, [], 1)
    assert (kept["first_at"], kept["last_at"]) == (told[0].at, told[-1].at)
    assert bytes(kept["digest"]) == digest_of(seen)
    entry = (await site.chain(job))[-1]
    assert entry["kind"] == "TRACK_RECEIVED"
    assert json.loads(entry["payload"]) == {
        "batchId": str(id),
        "visitId": str(kept["visit_id"]),
        "cleanerId": str(cleaner.person),
        "sequence": 1,
        "points": 4,
        "digest": bytes(kept["digest"]).hex(),
        "plausibility": 100,
        "flags": [],
    }
    assert abs(entry["skew_ms"]) < 60_000


async def test_the_same_batch_again_is_the_same_and_another_under_its_number_is_refused(site: Site) -> None:
    """R117, A39: also at once, and after the job is over; nothing is written twice."""
    cleaner, shift, job = await a_worker(site)
    form = SendTrack(shift, 1, await points(site, 0, 5))
    twice = await asyncio.gather(*(send(site, cleaner, form) for _ in range(4)))
    assert len(set(twice)) == 1
    before = await site.picture()
    assert await send(site, cleaner, form) == twice[0]
    assert await site.picture() == before
    assert (await site.kinds(job)).count("TRACK_RECEIVED") == 1

    async with site.refused(Code.CONFLICT) as refusal:
        await send(site, cleaner, replace(form, points=await points(site, 0, 6)))
    assert refusal[0].field == ("sequence",)
    await site.do(site.town.owner, cancel_job, CancelJob(job, "flooded"))
    assert await send(site, cleaner, form) == twice[0]


async def test_what_speaks_against_a_track_is_flagged_and_nothing_is_dropped(site: Site) -> None:
    """R117, A20, A40: mocks, jumps within and between batches, a clock that is off by a day, somewhere else."""
    cleaner, shift, _ = await a_worker(site)
    calm = await points(site, 0, 5, ago=600)
    day = [replace(one, at=one.at + timedelta(days=1)) for one in calm]
    told: list[tuple[list[PointTold], list[str]]] = [
        (calm, []),
        (await points(site, 40_000, ago=580), ["TELEPORT", "IMPOSSIBLE_SPEED", "FAR_FROM_HOME"]),
        (await points(site, 0, ago=10, is_mock=True), ["MOCK", "IMPOSSIBLE_SPEED"]),
        (day, ["CLOCK"]),
        ([replace(one, accuracy_metres=900.0) for one in await points(site, 0, 5, ago=5)], ["VAGUE"]),
    ]
    for sequence, (sent, flags) in enumerate(told, start=1):
        kept = await batch(site, await send(site, cleaner, SendTrack(shift, sequence, sent)))
        assert set(flags) <= set(kept["flags"]), sequence
        assert (kept["plausibility"] == 100) is (not flags)
        assert len(json.loads(kept["points"])) == len(sent)


async def test_what_comes_after_the_check_out_is_kept_and_flagged(site: Site) -> None:
    """A40: late facts are not dropped."""
    cleaner, shift, job = await a_worker(site)
    await site.world.root.execute("update visit set phase = 'COMPLETION' where assignment_id = $1", shift)
    told = await points(site, 0, 5, ago=600)
    await site.check_out(cleaner, shift)
    assert await site.status(job) == ("IN_PROGRESS", "INCOMPLETE")

    kept = await batch(site, await send(site, cleaner, SendTrack(shift, 1, told)))
    assert (kept["flags"], kept["plausibility"]) == (["LATE"], 100)
    assert await moves(site, job) == []
    assert await live(site, job) == []


@pytest.mark.parametrize("over", ["COMPLETED", "OVERRIDDEN", "CANCELED", "NO_ACCESS"])
async def test_what_comes_after_the_job_is_over_is_kept_and_flagged_and_not_shown(site: Site, over: str) -> None:
    """A40, R117, R127: made where there was no signal; the anchored head stays what an earlier entry says."""
    cleaner = await site.town.cleaner()
    shift = await site.shift(cleaner)
    job = await site.job_of(shift)
    await site.reach(cleaner, shift, VisitPhase.ARRIVAL if over == "NO_ACCESS" else VisitPhase.IN_PROGRESS)
    if over == "NO_ACCESS":
        await site.check_in(cleaner, shift)
        await site.photo(await site.visit_of(shift, cleaner), PhotoStage.ACCESS)
    await site.world.move_clock(site.town.tenant, timedelta(minutes=90))
    match over:
        case "COMPLETED":
            await site.tick_all(cleaner, job)
            await site.finish(cleaner, shift)
            await site.photos(await site.visit_of(shift, cleaner), PhotoStage.AFTER)
            await site.check_out(cleaner, shift)
        case "OVERRIDDEN":
            await site.do(site.town.owner, override_evidence, OverrideEvidence(job, "Seen on site"))
        case "CANCELED":
            await site.do(site.town.owner, cancel_job, CancelJob(job, "flooded"))
        case "NO_ACCESS":
            await site.no_access(cleaner, shift)

    kept = await batch(site, await send(site, cleaner, SendTrack(shift, 1, await points(site, 0, 5, ago=5))))

    assert (kept["flags"], kept["plausibility"]) == (["LATE"], 100)
    entry = (await site.chain(job))[-1]
    assert (entry["kind"], json.loads(entry["payload"])["flags"]) == ("TRACK_RECEIVED", ["LATE"])
    assert (await moves(site, job), await live(site, job)) == ([], [])
    assert (await site.status(job))[0] == ("COMPLETED" if over == "OVERRIDDEN" else over)
    assert await faults(site, job) == ()
    for stranger in (await site.town.cleaner(), await site.other.cleaner()):
        async with site.refused(Code.NOT_FOUND):
            await send(site, stranger, SendTrack(shift, 2, await points(site, 0)))


async def test_only_who_has_checked_in_to_their_own_shift_tells_where_they_are(site: Site) -> None:
    """R3, R18, R117."""
    cleaner = await site.town.cleaner()
    shift = await site.shift(cleaner)
    told = await points(site, 0)
    for step in (None, VisitPhase.INSTRUCTION, VisitPhase.ARRIVAL):
        if step is VisitPhase.INSTRUCTION:
            await site.open(cleaner, shift)
        if step is VisitPhase.ARRIVAL:
            await site.acknowledge(cleaner, shift)
        async with site.refused(Code.ILLEGAL_TRANSITION):
            await send(site, cleaner, SendTrack(shift, 1, told))
    await site.check_in(cleaner, shift)
    for stranger in (await site.town.cleaner(), await site.other.cleaner()):
        async with site.refused(Code.NOT_FOUND):
            await send(site, stranger, SendTrack(shift, 1, told))
    await site.world.root.execute("update cleaner set onboarding = 'SKILLS' where id = $1", cleaner.person)
    async with site.refused(Code.ONBOARDING_INCOMPLETE):
        await send(site, cleaner, SendTrack(shift, 1, told))


async def test_bad_batches_are_refused_with_the_path_of_the_field(site: Site) -> None:
    """R19, R117."""
    cleaner, shift, _ = await a_worker(site)
    good = await points(site, 0, 5, 10)
    cases: list[tuple[SendTrack, tuple[str, ...]]] = [
        (SendTrack(shift, 0, good), ("sequence",)),
        (SendTrack(shift, 1, []), ("points",)),
        (SendTrack(shift, 1, good * 167), ("points",)),
        (SendTrack(shift, 1, good[::-1]), ("points", "1", "at")),
        (SendTrack(shift, 1, [good[0], replace(good[1], latitude=91.0)]), ("points", "1", "latitude")),
        (SendTrack(shift, 1, [replace(good[0], longitude=float("nan"))]), ("points", "0", "longitude")),
        (SendTrack(shift, 1, [replace(good[0], accuracy_metres=-1.0)]), ("points", "0", "accuracyMetres")),
        (SendTrack(shift, 1, [replace(good[0], at=good[0].at.replace(tzinfo=None))]), ("points", "0", "at")),
    ]
    for form, field in cases:
        async with site.refused(Code.INVALID) as refusal:
            await send(site, cleaner, form)
        assert refusal[0].field == field


async def test_the_newest_position_is_live_and_told_at_most_once_in_ten_seconds(site: Site) -> None:
    """R117: one row a visit, and an event for each time that it changes."""
    cleaner, shift, job = await a_worker(site)
    await send(site, cleaner, SendTrack(shift, 1, await points(site, 0, 7, ago=5)))
    row = (await live(site, job))[0]
    assert round((row["latitude"] - MIAMI[0]) / METRE) == 7

    told = await moves(site, job)
    assert told == [
        {
            "card": {
                "visit_id": str(row["visit_id"]),
                "job_id": str(job),
                "customer_id": str(row["customer_id"]),
                "cleaner_id": str(cleaner.person),
                "latitude": row["latitude"],
                "longitude": row["longitude"],
                "accuracy_metres": 8.0,
                "at": row["at"].isoformat(),
            },
            "people": [],
        }
    ]
    await send(site, cleaner, SendTrack(shift, 2, await points(site, 20, ago=0)))
    assert len(await moves(site, job)) == 1
    await site.world.move_clock(site.town.tenant, timedelta(seconds=11))
    await send(site, cleaner, SendTrack(shift, 4, await points(site, 30, ago=0)))
    assert len(await moves(site, job)) == 2

    await site.world.move_clock(site.town.tenant, timedelta(seconds=11))
    overtaken = await points(site, 0, ago=0)
    await send(site, cleaner, SendTrack(shift, 3, overtaken))
    assert len(await moves(site, job)) == 2
    assert round(((await live(site, job))[0]["latitude"] - MIAMI[0]) / METRE) == 30


async def test_a_position_that_is_old_or_made_up_is_not_live_and_a_wrong_clock_does_not_matter(site: Site) -> None:
    """A40: what counts is how long before its sending it was seen, by the same clock."""
    cleaner, shift, job = await a_worker(site)
    sent = await site.world.now(site.town.tenant)
    await send(site, cleaner, SendTrack(shift, 1, await points(site, 0, ago=600), Device(None, sent)))
    await send(site, cleaner, SendTrack(shift, 2, await points(site, 0, ago=1, is_mock=True)))
    assert await live(site, job) == []

    off = timedelta(days=1)
    wrong = [replace(one, at=one.at + off) for one in await points(site, 3, ago=5)]
    await send(site, cleaner, SendTrack(shift, 3, wrong, Device(None, (await site.soon(0)) + off)))
    assert len(await live(site, job)) == 1


async def test_a_business_may_do_without_live_positions(site: Site) -> None:
    """R117: the track is kept all the same."""
    cleaner, shift, job = await a_worker(site)
    await site.settings(liveLocation=False)
    await send(site, cleaner, SendTrack(shift, 1, await points(site, 0, ago=5)))
    assert (await live(site, job), await moves(site, job)) == ([], [])


async def test_whoever_leaves_is_not_watched_any_more(site: Site) -> None:
    """R117: the live position goes with the check-out, in the same transaction."""
    cleaner = await site.town.cleaner()
    shift = await site.shift(cleaner)
    job = await site.job_of(shift)
    await site.reach(cleaner, shift, VisitPhase.COMPLETION)
    await send(site, cleaner, SendTrack(shift, 1, await points(site, 0, ago=0)))
    assert len(await live(site, job)) == 1
    await site.check_out(cleaner, shift)
    assert await live(site, job) == []


async def test_a_live_position_is_seen_by_office_and_customer_of_a_running_job_and_no_colleague(site: Site) -> None:
    """R20, R117: by the database's own walls; a colleague on the same job does not watch either."""
    cleaner, shift, job = await a_worker(site)
    await send(site, cleaner, SendTrack(shift, 1, await points(site, 0, ago=5)))
    helper = await site.town.cleaner()
    customer = (await site.row("job", job))["customer_id"]

    async def seen_by(role: str, person: Any) -> int:
        async with site.world.runner.engine.connect() as connection:
            await connection.exec_driver_sql("begin")
            await connection.exec_driver_sql(
                "select set_config('app.tenant_id', $1, true), set_config('app.actor_id', $2, true),"
                " set_config('app.role', $3, true)",
                (str(site.town.tenant), str(person), role),
            )
            found = (await connection.exec_driver_sql("select count(*) from live_location")).scalar()
            await connection.exec_driver_sql("rollback")
            return int(found or 0)

    assert await seen_by("dispatcher", site.town.owner.person) == 1
    assert await seen_by("customer", customer) == 1
    assert await seen_by("cleaner", cleaner.person) == 1
    assert await seen_by("cleaner", helper.person) == 0
    assert await seen_by("customer", (await site.world.root.fetchval("select uuidv7()"))) == 0
    assert await seen_by("integrator", customer) == 0
    await site.world.root.execute("update job set status = 'COMPLETED' where id = $1", job)
    assert await seen_by("customer", customer) == 0


async def test_positions_leave_the_log_after_an_hour_and_the_live_table_with_them(site: Site) -> None:
    """R117: by the role that keeps the log short, which may take positions away and write nothing else."""
    cleaner, shift, job = await a_worker(site)
    await send(site, cleaner, SendTrack(shift, 1, await points(site, 0, ago=5)))
    others = await site.world.count("event", site.town.tenant, "type <> 'CleanerMoved'")
    system = Actor.system(site.town.tenant)
    ops = await asyncpg.connect(site.world.servers.database_ops_url)
    try:
        now = await site.world.now(site.town.tenant)
        assert await ops.execute(_SCRUB, site.town.tenant, now - HOUR) == "UPDATE 0"
        assert await site.do(system, tracks.forget_locations, tracks.ForgetLocations()) == 0
        assert (await moves(site, job))[0]["card"]["latitude"]
        for forged in (
            """update event set payload = '{"card": {"latitude": 1}, "people": []}' where tenant_id = $1""",
            "update event set payload = '{}' where tenant_id = $1",
            "update event set type = 'SwapOffered' where tenant_id = $1",
            "update event set at = at - interval '1 day' where tenant_id = $1",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await ops.execute(forged, site.town.tenant)

        assert await ops.execute(_SCRUB, site.other.tenant, now + HOUR) == "UPDATE 0"
        assert await ops.execute(_SCRUB, site.town.tenant, now + HOUR) == "UPDATE 1"
        assert await moves(site, job) == [{"card": {}, "people": []}]
        assert await ops.execute(_SCRUB, site.town.tenant, now + HOUR) == "UPDATE 0"
    finally:
        await ops.close()
    kept = await site.world.count("event", site.town.tenant, "type <> 'CleanerMoved' and payload <> '{}'::jsonb")
    assert kept == others
    await site.world.move_clock(site.town.tenant, HOUR + timedelta(minutes=1))
    assert await site.do(system, tracks.forget_locations, tracks.ForgetLocations()) == 1
    assert await live(site, job) == []


async def test_over_the_api_a_track_is_sent_and_read_by_whom_the_matrix_names(api: Api, site: Site) -> None:
    """R20, R117: the office and its cleaner, the customer once the job is over; a colleague on the job not."""
    cleaner, shift, job = await a_worker(site)
    backup = await site.town.cleaner()
    await site.world.root.execute(
        """insert into assignment (tenant_id, id, job_id, customer_id, cleaner_id, role, starts_at, ends_at, created_at)
           select tenant_id, uuidv7(), id, customer_id, $2, $3, starts_at, ends_at, now() from job where id = $1""",
        job,
        backup.person,
        AssignmentRole.BACKUP,
    )
    told = await points(site, 0, 5)
    sent = {
        "assignmentId": gid("Assignment", shift),
        "sequence": 1,
        "points": [
            {"at": one.at.isoformat(), "latitude": one.latitude, "longitude": one.longitude, "accuracyMetres": 8.0}
            for one in told
        ],
    }
    shown = """trackBatch { id sequence plausibility flags digest firstAt receivedAt
        visit { id phase } cleaner { id } points { at latitude longitude accuracyMetres isMock } }"""
    answer = (await api.do(cleaner, "sendTrack", sent, shown))["trackBatch"]
    assert answer["plausibility"] == 100
    assert [one["isMock"] for one in answer["points"]] == [False, False]
    assert datetime.fromisoformat(answer["points"][0]["at"]).astimezone(UTC) == told[0].at
    kept = json.loads(await site.value("select points from track_batch where job_id = $1", job))
    assert answer["digest"] == digest_of(kept).hex()

    query = "query ($id: ID!) { job(id: $id) { tracks { totalCount nodes { id sequence } } } }"
    seen = {}
    for name, who in (("office", site.town.owner), ("own", cleaner), ("backup", backup), ("other", site.other.owner)):
        found = (await api.data(who, query, id=gid("Job", job)))["job"]
        seen[name] = found and found["tracks"]["totalCount"]
    assert seen == {"office": 1, "own": 1, "backup": 0, "other": None}


def test_kept_points_survive_the_database_digit_by_digit() -> None:
    """R127: seven decimals of a degree, no negative zero."""
    odd = Point(datetime(2027, 1, 1, tzinfo=UTC), Fix(Position(-0.00000001, 179.123456789), 0.001))
    kept = as_json([odd])[0]
    assert json.dumps(kept["latitude"]) == "0.0"
    assert kept["longitude"] == 179.1234568
    assert kept["accuracy"] == 0.0
