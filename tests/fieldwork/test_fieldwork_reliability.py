"""Scores from what really happened: each outcome moves its own part, and the office sees why (R81, A47)."""

import json
from datetime import timedelta
from typing import Any

from domain.actors import NOBODY, Actor, CleanerId
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import PhotoStage
from domain.ids import AssignmentId, JobId
from domain.scheduling import AssignmentRole
from services import swaps
from services.cancellations import CancelJob, cancel_job
from services.fieldwork.arrivals import NoteAbsence, note_absence
from services.fieldwork.reliability import FindCleanersToRate, RateCleaner, find_cleaners_to_rate, rate_cleaner
from tests.fieldwork.site import Site
from tests.product.world import Api, gid

PARTS = ("COMPLETION", "PUNCTUALITY", "EVIDENCE", "COMMITMENT", "NO_SHOWS")


async def rated(site: Site, who: Actor) -> tuple[int, dict[str, tuple[int, float | None]]]:
    """The score that is made now, and of each part the count and the share that went well."""
    await site.do(Actor.system(site.town.tenant), rate_cleaner, RateCleaner(CleanerId(who.person)))
    row = await site.row("reliability", who.person, "cleaner_id")
    parts = json.loads(row["parts"])
    assert [part["name"] for part in parts] == list(PARTS)
    shares = {part["name"]: None if part["value"] is None else round(part["value"], 2) for part in parts}
    return row["score"], {part["name"]: (part["count"], shares[part["name"]]) for part in parts}


async def wait(site: Site, minutes: float) -> None:
    await site.world.move_clock(site.town.tenant, timedelta(minutes=minutes))


async def rate_tasks(site: Site, who: Actor) -> int:
    return await site.world.count(
        "task", site.town.tenant, f"kind = 'rate_cleaner' and payload->>'cleaner_id' = '{who.person}'"
    )


async def a_clean(site: Site, who: Actor) -> JobId:
    """A shift, worked in time and proven at once."""
    shift = await site.shift(who)
    await site.reach(who, shift, VisitPhase.DONE)
    assert (await site.status(await site.job_of(shift)))[0] == "COMPLETED"
    return await site.job_of(shift)


async def missed(site: Site, shift: AssignmentId) -> None:
    await wait(site, 160)
    await site.do(Actor.system(site.town.tenant), note_absence, NoteAbsence(await site.job_of(shift)))


async def test_who_has_no_history_has_80(site: Site) -> None:
    """A47."""
    score, parts = await rated(site, await site.town.cleaner())
    assert score == 80
    assert set(parts.values()) == {(0, None)}


async def test_a_proven_clean_counts_in_every_part_and_asks_for_a_new_score(site: Site) -> None:
    """A47, R81: by a task that is written with the completion."""
    cleaner = await site.town.cleaner()
    assert await rate_tasks(site, cleaner) == 0
    await a_clean(site, cleaner)
    assert await rate_tasks(site, cleaner) == 1

    score, parts = await rated(site, cleaner)
    assert parts == {**dict.fromkeys(PARTS, (1, 1.0)), "NO_SHOWS": (0, None)}
    assert score == round(100 * 5 / 6)


async def test_ten_perfect_jobs_and_one_no_show(site: Site) -> None:
    """A47: 93, and then 81: the vectors, from rows. What the taker of the cover does changes nothing."""
    cleaner, taker = await site.town.cleaner(), await site.town.cleaner()
    job = await a_clean(site, cleaner)
    await copies(site, job, 9)
    await wait(site, 300)
    assert (await rated(site, cleaner))[0] == 93

    shift = await site.shift(cleaner)
    await missed(site, shift)
    score, parts = await rated(site, cleaner)
    assert score == 81
    assert (parts["NO_SHOWS"], parts["COMPLETION"], parts["PUNCTUALITY"]) == ((1, None), (11, 0.91), (10, 1.0))

    (cover,) = await site.world.root.fetch("select id from swap where assignment_id = $1 and status = 'PENDING'", shift)
    await site.do(taker, swaps.accept_swap, swaps.AcceptSwap(cover["id"]))
    await site.reach(taker, shift, VisitPhase.DONE)
    assert (await rated(site, cleaner))[0] == 81
    score, parts = await rated(site, taker)
    assert parts == {**dict.fromkeys(PARTS, (1, 1.0)), "NO_SHOWS": (0, None)}


async def copies(site: Site, job: JobId, many: int) -> None:
    """The same job again so many times, with its shift, visit and packet, an instant apart."""
    for number in range(1, many + 1):
        await site.world.root.execute(
            """with planned as (
                insert into job select (jsonb_populate_record(j, jsonb_build_object('id', uuidv7(),
                    'starts_at', j.starts_at - $2::int * interval '4 hours',
                    'ends_at', j.ends_at - $2::int * interval '4 hours'))).*
                from job j where j.id = $1 returning *),
            assigned as (
                insert into assignment (tenant_id, id, job_id, customer_id, cleaner_id, role, starts_at, ends_at,
                    created_at)
                select a.tenant_id, uuidv7(), p.id, a.customer_id, a.cleaner_id, a.role, p.starts_at, p.ends_at,
                    p.starts_at - interval '1 day'
                from assignment a, planned p where a.job_id = $1 returning *),
            visited as (
                insert into visit (tenant_id, id, job_id, assignment_id, customer_id, cleaner_id, phase, begun_at,
                    checked_in_at)
                select tenant_id, uuidv7(), job_id, id, customer_id, cleaner_id, 'DONE', starts_at, starts_at
                from assigned)
            insert into evidence (tenant_id, id, job_id, customer_id, status, requirements, complete_at_first,
                created_at)
            select tenant_id, uuidv7(), id, customer_id, 'COMPLETE', '[]', true, starts_at from planned""",
            job,
            number,
        )


async def test_eleven_minutes_late_is_not_punctual_and_ten_are(site: Site) -> None:
    """A47: by the tenant's own number."""
    cleaner = await site.town.cleaner()
    for minutes, share in ((60 + 9, 1.0), (60 + 11, 0.5)):
        shift = await site.shift(cleaner)
        await wait(site, minutes)
        await site.reach(cleaner, shift, VisitPhase.DONE)
        await wait(site, 300)
        _, parts = await rated(site, cleaner)
        assert abs((parts["PUNCTUALITY"][1] or 0) - share) < 0.02
    await site.settings(punctualMinutes=15)
    assert (await rated(site, cleaner))[1]["PUNCTUALITY"] == (2, 1.0)


async def test_evidence_that_is_complete_later_was_not_complete_at_first(site: Site) -> None:
    """A47: completed all the same."""
    cleaner = await site.town.cleaner()
    shift = await site.shift(cleaner)
    await site.reach(cleaner, shift, VisitPhase.COMPLETION)
    await site.check_out(cleaner, shift)
    await site.photos(await site.visit_of(shift, cleaner), PhotoStage.AFTER)
    await site.submit(cleaner, await site.job_of(shift))
    _, parts = await rated(site, cleaner)
    assert (parts["EVIDENCE"], parts["COMPLETION"]) == ((1, 0.0), (1, 1.0))


async def test_a_late_offer_costs_commitment_and_an_early_or_withdrawn_one_nothing(site: Site) -> None:
    """A47: less than 24 hours before the start; whether somebody takes it or not."""
    cleaner, taker = await site.town.cleaner(), await site.town.cleaner()
    early = await site.town.shift(cleaner, await site.town.day(3))
    await site.do(cleaner, swaps.offer_swap, swaps.OfferSwap(early))
    withdrawn = await site.shift(cleaner, minutes=60 * 5)
    swap = await site.do(cleaner, swaps.offer_swap, swaps.OfferSwap(withdrawn))
    await site.do(cleaner, swaps.withdraw_swap, swaps.WithdrawSwap(swap))
    assert (await rated(site, cleaner))[1]["COMMITMENT"] == (0, None)
    tasks = await rate_tasks(site, cleaner)

    late = await site.shift(cleaner, minutes=60 * 9)
    swap = await site.do(cleaner, swaps.offer_swap, swaps.OfferSwap(late))
    assert await rate_tasks(site, cleaner) == tasks + 1
    assert (await rated(site, cleaner))[1]["COMMITMENT"] == (1, 0.0)
    await site.do(taker, swaps.accept_swap, swaps.AcceptSwap(swap))
    assert (await rated(site, cleaner))[1]["COMMITMENT"] == (1, 0.0)
    assert (await rated(site, taker))[1]["COMMITMENT"] == (0, None)


async def test_who_is_relieved_after_the_start_did_not_complete_it_and_is_no_no_show(site: Site) -> None:
    """A46, A47: the cover was taken before the hour and a half was over; whoever took it late was in time."""
    cleaner, taker = await site.town.cleaner(), await site.town.cleaner()
    shift = await site.shift(cleaner)
    await wait(site, 60 + 31)
    job = await site.job_of(shift)
    await site.do(Actor.system(site.town.tenant), note_absence, NoteAbsence(job))
    (cover,) = await site.world.root.fetch("select id from swap where job_id = $1 and status = 'PENDING'", job)
    await site.do(taker, swaps.accept_swap, swaps.AcceptSwap(cover["id"]))
    await wait(site, 25)
    await site.reach(taker, shift, VisitPhase.DONE)

    _, parts = await rated(site, cleaner)
    assert parts == {
        "COMPLETION": (1, 0.0),
        "PUNCTUALITY": (0, None),
        "EVIDENCE": (0, None),
        "COMMITMENT": (1, 1.0),
        "NO_SHOWS": (0, None),
    }
    assert (await rated(site, taker))[1]["PUNCTUALITY"] == (1, 1.0)


async def test_a_backup_counts_only_where_they_came_and_the_primary_who_did_not_come_loses(site: Site) -> None:
    """A11, A47."""
    cleaner, backup, idle = [await site.town.cleaner() for _ in range(3)]
    shift = await site.shift(cleaner)
    job = await site.job_of(shift)
    place = await site.put(job, backup, AssignmentRole.BACKUP)
    await site.put(job, idle, AssignmentRole.BACKUP)
    await site.reach(backup, place, VisitPhase.DONE)
    assert (await rated(site, backup))[1]["COMPLETION"] == (1, 1.0)
    assert (await rated(site, cleaner))[1]["COMPLETION"] == (1, 0.0)
    assert (await rated(site, idle))[1]["COMPLETION"] == (0, None)


async def test_what_was_canceled_or_is_still_to_come_counts_nowhere(site: Site) -> None:
    """A47: that the customer does not want a clean is nobody's fault."""
    cleaner = await site.town.cleaner()
    await site.shift(cleaner)
    gone = await site.shift(cleaner, minutes=60 * 8)
    await site.do(cleaner, swaps.offer_swap, swaps.OfferSwap(gone))
    await site.do(site.town.owner, cancel_job, CancelJob(await site.job_of(gone), "flooded"))
    assert set((await rated(site, cleaner))[1].values()) == {(0, None)}


async def test_what_is_older_counts_less_and_after_90_days_not_at_all(site: Site) -> None:
    """A47: a no-show too."""
    cleaner = await site.town.cleaner()
    await missed(site, await site.shift(cleaner))
    today, _ = await rated(site, cleaner)
    await site.world.move_clock(site.town.tenant, timedelta(days=60))
    later, parts = await rated(site, cleaner)
    assert today < later < 80
    assert parts["NO_SHOWS"] == (1, None)
    await site.world.move_clock(site.town.tenant, timedelta(days=30))
    score, parts = await rated(site, cleaner)
    assert (score, set(parts.values())) == (80, {(0, None)})


async def test_a_day_later_everybody_of_a_market_is_rated_page_by_page(site: Site) -> None:
    """A47: working cleaners alone, of that market and business alone."""
    people = sorted([(await site.town.cleaner()).person for _ in range(3)])
    await site.world.root.execute("update cleaner set archived_at = now() where id = $1", people[1])
    system = Actor.system(site.town.tenant)
    found = await site.do(system, find_cleaners_to_rate, FindCleanersToRate(site.town.market, NOBODY))
    assert found == [people[0], people[2]]
    rest = await site.do(system, find_cleaners_to_rate, FindCleanersToRate(site.town.market, people[0]))
    assert rest == [people[2]]
    elsewhere = FindCleanersToRate(site.other.market, NOBODY)
    assert await site.do(system, find_cleaners_to_rate, elsewhere) == []


async def test_over_the_api_office_and_cleaner_see_every_part_and_nobody_else_any(api: Api, site: Site) -> None:
    """R20, R81, A47: also before anything has happened."""
    cleaner, colleague = await site.town.cleaner(), await site.town.cleaner()
    query = """query ($id: ID!) { cleaner(id: $id) { reliability { score formula computedAt
        parts { name weight value smoothed count explanation } } } }"""

    async def seen(who: Actor) -> Any:
        answer = await api.data(who, query, id=gid("Cleaner", cleaner.person))
        return answer["cleaner"] and answer["cleaner"]["reliability"]

    unknown = await seen(site.town.owner)
    assert (unknown["score"], unknown["formula"], unknown["computedAt"]) == (80, 1, None)
    await a_clean(site, cleaner)
    await rated(site, cleaner)
    for who in (site.town.owner, await site.town.dispatcher(), cleaner):
        made = await seen(who)
        assert (made["score"], made["formula"]) == (83, 1)
        assert made["computedAt"] is not None
        assert [part["name"] for part in made["parts"]] == list(PARTS)
        assert [part["weight"] for part in made["parts"]] == [0.4, 0.25, 0.2, 0.15, -10]
        assert made["parts"][0]["explanation"] == "1 of 1 jobs that you kept to their start were worked."
    assert await seen(colleague) is None
    assert await seen(site.other.owner) is None
