"""Cleaning plans go on by themselves and are changed by office and customer (R45, R63 to R65, R203, A25, A50)."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from domain.actors import Actor, Role
from domain.errors import Conflict, Forbidden, IllegalTransition, Invalid, NotFound, Refused
from domain.ids import PropertyId, ServicePlanId
from domain.plans import Frequency, Term
from services import plans
from services.customers import ArchiveCustomer, archive_customer
from services.plans.generation import FIRST, TendPlans, tend_plans
from services.scheduling import UpdateJob, update_job
from tests.payments.site import Site
from tests.product.world import Api, Town, gid

ZONE = ZoneInfo("America/New_York")
WRITTEN = ("event", "audit", "task", "job", "service_plan", "service_plan_skip", "notification")


async def today(town: Town) -> date:
    return (await town.world.now(town.tenant)).astimezone(ZONE).date()


async def planned(town: Town, home: PropertyId | None = None, **more: Any) -> ServicePlanId:
    """A weekly plan at nine o'clock, from tomorrow on."""
    first = more.pop("first_on", await today(town) + timedelta(days=1))
    wish = plans.CreatePlan(
        home or await town.home(),
        more.pop("frequency", Frequency.WEEKLY),
        first,
        more.pop("start_time", "09:00"),
        **more,
    )
    made: ServicePlanId = await town.world.run(town.owner, plans.create_plan, wish)
    return made


async def jobs(town: Town, plan: ServicePlanId, status: str = "UNASSIGNED") -> list[Any]:
    rows: list[Any] = await town.world.root.fetch(
        "select * from job where tenant_id = $1 and plan_id = $2 and status = $3 order by starts_at",
        town.tenant,
        plan,
        status,
    )
    return rows


async def days(town: Town, plan: ServicePlanId) -> list[date]:
    return [row["planned_on"] for row in await jobs(town, plan)]


async def row_of(town: Town, plan: ServicePlanId) -> Any:
    return await town.world.root.fetchrow(
        "select * from service_plan where tenant_id = $1 and id = $2", town.tenant, plan
    )


async def customer_of(town: Town, plan: ServicePlanId) -> Actor:
    return await town.world.session_of(town.tenant, Role.CUSTOMER, (await row_of(town, plan))["customer_id"])


async def tend(town: Town) -> None:
    """What the daily duty does."""
    after: Any = FIRST
    while after is not None:
        after = await town.world.run(Actor.system(town.tenant), tend_plans, TendPlans(town.market, after))


async def trace(town: Town) -> dict[str, int]:
    return {table: await town.world.count(table, town.tenant) for table in WRITTEN}


async def refused(town: Town, kind: type[Refused], who: Actor, command: Any, wish: Any) -> Refused:
    """The refusal, having seen that it left nothing."""
    before = await trace(town)
    with pytest.raises(kind) as caught:
        await town.world.run(who, command, wish)
    assert await trace(town) == before
    return caught.value


def weekly(first: date, count: int) -> Iterator[date]:
    return (first + timedelta(weeks=number) for number in range(count))


async def test_a_plan_makes_the_jobs_of_the_coming_weeks_at_its_frozen_price(town: Town, other: Town) -> None:
    """R45, R60, R63: five weeks ahead, each with the price that was agreed on; another business has none of it."""
    first = await today(town) + timedelta(days=1)
    plan = await planned(town, first_on=first, expected_hours=None)

    made = await jobs(town, plan)

    assert [row["planned_on"] for row in made] == list(weekly(first, 5))
    assert {(row["price_cents"], row["currency"], row["expected_hours"]) for row in made} == {
        (9_000, "usd", made[0]["expected_hours"])
    }
    assert {row["starts_at"].astimezone(ZONE).strftime("%H:%M") for row in made} == {"09:00"}
    assert await town.world.count("event", town.tenant, "type = 'JobCreated'") == 5
    assert await town.world.count("job", other.tenant) == 0


async def test_running_it_again_makes_nothing_twice(town: Town) -> None:
    """R64: by the duty, by two of them at once, and after the job was moved to another day."""
    plan = await planned(town)
    before = await days(town, plan)
    moved = (await jobs(town, plan))[1]
    await town.world.run(
        town.owner, update_job, UpdateJob(moved["id"], starts_at=moved["starts_at"] + timedelta(days=1))
    )

    await asyncio.gather(tend(town), tend(town))
    assert await days(town, plan) == before

    await town.world.move_clock(town.tenant, timedelta(days=7))
    await tend(town)
    assert len(await jobs(town, plan)) == len(before) + 1
    assert len(set(await days(town, plan))) == len(before) + 1


@pytest.mark.parametrize(
    ("now", "first", "start_time", "expected"),
    [
        (  # The clocks go forward on 14 March 2027 at two: nine stays nine.
            datetime(2027, 3, 5, 15, tzinfo=UTC),
            date(2027, 3, 7),
            "09:00",
            ["2027-03-07T14:00", "2027-03-14T13:00", "2027-03-21T13:00"],
        ),
        (  # Half past two does not exist on that day: the instant of the jump.
            datetime(2027, 3, 5, 15, tzinfo=UTC),
            date(2027, 3, 7),
            "02:30",
            ["2027-03-07T07:30", "2027-03-14T07:00", "2027-03-21T06:30"],
        ),
        (  # They go back on 7 November 2027: half past one comes twice, and the first counts.
            datetime(2027, 10, 29, 15, tzinfo=UTC),
            date(2027, 10, 31),
            "01:30",
            ["2027-10-31T05:30", "2027-11-07T05:30", "2027-11-14T06:30"],
        ),
    ],
)
async def test_cleans_keep_the_time_that_the_clocks_show(
    town: Town, now: datetime, first: date, start_time: str, expected: list[str]
) -> None:
    """A25, R63: local wall time across both changes of the clocks."""
    await town.world.move_clock(town.tenant, now - await town.world.now(town.tenant))
    town.owner = await town.world.session_of(town.tenant, Role.OWNER)

    plan = await planned(town, first_on=first, start_time=start_time)

    starts = [f"{row['starts_at'].astimezone(UTC):%Y-%m-%dT%H:%M}" for row in await jobs(town, plan)]
    assert starts[:3] == expected


async def test_a_pause_calls_off_what_falls_into_it_and_ends_by_itself(town: Town) -> None:
    """A50: jobs in the pause are canceled, those before and after stay; the plan is ACTIVE again after it."""
    first = await today(town) + timedelta(days=1)
    plan = await planned(town, first_on=first)
    who = await customer_of(town, plan)
    pause = plans.PausePlan(plan, first + timedelta(days=3), first + timedelta(days=20))

    await town.world.run(who, plans.pause_plan, pause)

    assert await days(town, plan) == [first, first + timedelta(weeks=3), first + timedelta(weeks=4)]
    assert len(await jobs(town, plan, "CANCELED")) == 2
    assert (await row_of(town, plan))["status"] == "ACTIVE"
    assert await town.world.count("event", town.tenant, "type = 'PlanChanged'") == 2

    await town.world.move_clock(town.tenant, timedelta(days=5))
    await tend(town)
    assert (await row_of(town, plan))["status"] == "PAUSED"
    await town.world.move_clock(town.tenant, timedelta(days=17))
    await tend(town)
    row = await row_of(town, plan)
    assert (row["status"], row["paused_on"], row["resumes_on"]) == ("ACTIVE", None, None)


async def test_a_plan_that_is_resumed_has_its_days_again(town: Town) -> None:
    """A50, R64: the days that were called off get a job again, and only one."""
    first = await today(town) + timedelta(days=1)
    plan = await planned(town, first_on=first)
    await town.world.run(town.owner, plans.pause_plan, plans.PausePlan(plan, await today(town)))
    assert await days(town, plan) == []
    assert (await row_of(town, plan))["status"] == "PAUSED"

    await town.world.run(town.owner, plans.resume_plan, plans.ResumePlan(plan))

    assert await days(town, plan) == list(weekly(first, 5))
    assert (await row_of(town, plan))["status"] == "ACTIVE"
    error = await refused(town, IllegalTransition, town.owner, plans.resume_plan, plans.ResumePlan(plan))
    assert error.field == ("servicePlanId",)


async def test_a_clean_is_skipped_and_taken_back(town: Town) -> None:
    """A50: only a day of the plan that is still to come; skipping it twice is skipping it once."""
    first = await today(town) + timedelta(days=1)
    plan = await planned(town, first_on=first)
    who, second = await customer_of(town, plan), first + timedelta(weeks=1)

    for _ in range(2):
        await town.world.run(who, plans.skip_clean, plans.SkipClean(plan, second))
    assert await days(town, plan) == [day for day in weekly(first, 5) if day != second]
    assert await town.world.count("service_plan_skip", town.tenant) == 1
    await tend(town)
    assert second not in await days(town, plan)

    await town.world.run(who, plans.unskip_clean, plans.UnskipClean(plan, second))
    assert await days(town, plan) == list(weekly(first, 5))

    for day in (second + timedelta(days=1), first - timedelta(days=7), first - timedelta(days=365)):
        error = await refused(town, Invalid, who, plans.skip_clean, plans.SkipClean(plan, day))
        assert error.field == ("on",)
    error = await refused(town, Invalid, who, plans.unskip_clean, plans.UnskipClean(plan, second))
    assert error.field == ("on",)


async def test_a_clean_that_has_begun_is_not_skipped(town: Town) -> None:
    """A50: what runs is the office's to cancel."""
    first = await today(town) + timedelta(days=1)
    plan = await planned(town, first_on=first)
    await town.world.root.execute(
        "update job set status = 'IN_PROGRESS' where tenant_id = $1 and planned_on = $2", town.tenant, first
    )

    error = await refused(town, Conflict, town.owner, plans.skip_clean, plans.SkipClean(plan, first))

    assert error.details == {"status": "IN_PROGRESS"}


async def test_a_plan_ends_at_once_or_after_its_last_clean(town: Town) -> None:
    """A50: at once it is CANCELED and nothing of it is left; on a day it goes on until then and is ENDED."""
    first = await today(town) + timedelta(days=1)
    plan, later = await planned(town, first_on=first), await planned(town, first_on=first)

    await town.world.run(town.owner, plans.end_plan, plans.EndPlan(plan, "They move away."))
    last = first + timedelta(weeks=2)
    await town.world.run(await customer_of(town, later), plans.end_plan, plans.EndPlan(later, "We move.", last))

    assert await days(town, plan) == []
    assert (await row_of(town, plan))["status"] == "CANCELED"
    assert await days(town, later) == list(weekly(first, 3))
    await town.world.move_clock(town.tenant, timedelta(days=20))
    await tend(town)
    assert (await row_of(town, later))["status"] == "ENDED"
    assert (await row_of(town, later))["ended_at"] is not None
    for command, wish in (
        (plans.end_plan, plans.EndPlan(plan, "Again.")),
        (plans.skip_clean, plans.SkipClean(plan, first)),
        (plans.pause_plan, plans.PausePlan(later, await today(town))),
        (plans.renew_plan, plans.RenewPlan(later)),
    ):
        await refused(town, IllegalTransition, town.owner, command, wish)


async def test_a_year_ends_by_itself_and_is_renewed_by_a_word(town: Town) -> None:
    """R65: a term is never renewed by itself; one that has no end has nothing to renew."""
    first = await today(town) + timedelta(days=1)
    yearly, monthly = await planned(town, first_on=first, term=Term.ANNUAL), await planned(town, term=Term.MONTHLY)
    end = (await row_of(town, yearly))["ends_on"]
    assert end >= first + timedelta(days=364)

    await town.world.run(await customer_of(town, yearly), plans.renew_plan, plans.RenewPlan(yearly))

    renewed = (await row_of(town, yearly))["ends_on"]
    assert renewed >= end + timedelta(days=365)
    await refused(town, Conflict, town.owner, plans.renew_plan, plans.RenewPlan(monthly))
    await town.world.move_clock(town.tenant, timedelta(days=(renewed - first).days + 3))
    await tend(town)
    assert (await row_of(town, yearly))["status"] == "ENDED"


async def test_once_is_one_clean_and_then_over(town: Town) -> None:
    """R45."""
    plan = await planned(town, frequency=Frequency.ONCE)
    assert len(await jobs(town, plan)) == 1

    await town.world.move_clock(town.tenant, timedelta(days=3))
    await tend(town)

    assert (await row_of(town, plan))["status"] == "ENDED"
    assert len(await jobs(town, plan)) == 1


async def test_another_customers_plan_is_not_there(town: Town, other: Town) -> None:
    """R1, R3: for another customer of the business, and for another business's office, it does not exist."""
    plan = await planned(town)
    stranger, foreign = await customer_of(town, await planned(town)), other.owner
    day = await today(town)

    for who in (stranger, foreign):
        for command, wish in (
            (plans.pause_plan, plans.PausePlan(plan, day)),
            (plans.resume_plan, plans.ResumePlan(plan)),
            (plans.skip_clean, plans.SkipClean(plan, day)),
            (plans.unskip_clean, plans.UnskipClean(plan, day)),
            (plans.end_plan, plans.EndPlan(plan, "Mine.")),
            (plans.renew_plan, plans.RenewPlan(plan)),
        ):
            await refused(town, NotFound, who, command, wish)
    cleaner = await town.cleaner()
    await refused(town, Forbidden, cleaner, plans.skip_clean, plans.SkipClean(plan, day))


async def test_the_fee_is_the_offices_to_waive(town: Town) -> None:
    """A50: a customer who asks for it is refused."""
    plan = await planned(town)
    who, first = await customer_of(town, plan), (await days(town, plan))[0]

    error = await refused(town, Forbidden, who, plans.skip_clean, plans.SkipClean(plan, first, waive_fee=True))

    assert error.field == ("waiveFee",)
    await town.world.run(town.owner, plans.skip_clean, plans.SkipClean(plan, first, waive_fee=True))


async def test_days_that_are_over_or_make_no_sense_are_refused(town: Town) -> None:
    """R19."""
    plan, day = await planned(town), await today(town)
    yesterday = day - timedelta(days=1)

    for command, wish, field in (
        (plans.pause_plan, plans.PausePlan(plan, yesterday), "fromOn"),
        (plans.pause_plan, plans.PausePlan(plan, day, day), "resumesOn"),
        (plans.end_plan, plans.EndPlan(plan, "Why.", yesterday), "endsOn"),
        (plans.end_plan, plans.EndPlan(plan, " "), "reason"),
    ):
        error = await refused(town, Invalid, town.owner, command, wish)
        assert error.field == (field,)
    home = await town.home()
    for more, field in (
        ({"first_on": yesterday}, "firstOn"),
        ({"first_on": day + timedelta(days=3_000)}, "firstOn"),
        ({"start_time": "9 o'clock"}, "startTime"),
        ({"price_cents": 12}, "priceCents"),
        ({"price_cents": -5}, "priceCents"),
    ):
        before = await trace(town)
        with pytest.raises(Invalid) as caught:
            await planned(town, home, **more)
        assert caught.value.field == (field,)
        assert await trace(town) == before


async def test_a_custom_home_needs_a_price_by_the_office(town: Town) -> None:
    """A31: without one nothing is planned; the office's own stands."""
    home = await town.home()
    await town.world.root.execute("update property set bedrooms = 6 where id = $1", home)
    with pytest.raises(Refused) as caught:
        await planned(town, home)
    assert caught.value.code == "CUSTOM_QUOTE_NEEDED"

    plan = await planned(town, home, price_cents=35_000)

    assert {row["price_cents"] for row in await jobs(town, plan)} == {35_000}


async def test_a_customer_with_a_plan_is_not_archived(town: Town) -> None:
    """R22: their plan would go on."""
    plan = await planned(town)
    await town.world.run(town.owner, plans.pause_plan, plans.PausePlan(plan, await today(town)))
    customer = (await row_of(town, plan))["customer_id"]

    await refused(town, Conflict, town.owner, archive_customer, ArchiveCustomer(customer))


async def test_the_customer_is_told_of_every_change(town: Town) -> None:
    """A50, R184: once by mail, where there is an address."""
    plan = await planned(town)
    customer = (await row_of(town, plan))["customer_id"]
    await town.world.root.execute("update customer set email = 'one@mail.example' where id = $1", customer)

    await town.world.run(town.owner, plans.pause_plan, plans.PausePlan(plan, await today(town)))

    told = await town.world.root.fetch("select * from notification where tenant_id = $1", town.tenant)
    assert [(row["kind"], row["channel"], row["person_id"]) for row in told] == [("PLAN_CHANGED", "EMAIL", customer)]
    assert "There are no cleans from" in orjson.loads(told[0]["content"])["body"]


async def test_the_customer_sees_their_schedule(api: Api, town: Town, other: Town) -> None:
    """R203: plan and coming days, also beyond the jobs that are made; a skipped day is no clean."""
    first = await today(town) + timedelta(days=1)
    plan = await planned(town, first_on=first)
    await planned(town)
    await planned(other)
    who = await customer_of(town, plan)
    skip = {"servicePlanId": gid("ServicePlan", plan), "on": (first + timedelta(weeks=1)).isoformat()}
    fields = (
        "servicePlan { id status startTime skippedDays occurrences(first: 8) { on startsAt } price { totalCents } }"
    )

    answer = await api.do(who, "skipClean", skip, fields)

    shown = answer["servicePlan"]
    kept = [day for day in weekly(first, 9) if day.isoformat() != skip["on"]]
    assert [one["on"] for one in shown["occurrences"]] == [day.isoformat() for day in kept]
    assert (shown["startTime"], shown["skippedDays"], shown["price"]["totalCents"]) == ("09:00", [skip["on"]], 9_000)
    listed = await api.data(who, "{ servicePlans { nodes { id jobs { totalCount } } } }")
    assert listed["servicePlans"]["nodes"] == [{"id": shown["id"], "jobs": {"totalCount": 5}}]


async def test_a_late_skip_costs_the_fee_of_the_policy(site: Site) -> None:
    """A50: of the hold a part is taken and the rest let go; in time, or waived, all of it is let go."""
    await site.settings(payments={"cancellation": {"freeHours": 240, "lateFeePercent": 50}})
    town, home = site.town, await site.home()
    plan = await planned(town, home.property, first_on=await today(town) + timedelta(days=1))
    await site.settle()
    first, later = (await jobs(town, plan))[:2]
    who = await customer_of(town, plan)
    cents = (await site.payment(first["id"]))["amount_cents"]
    assert await site.status(first["id"]) == "AUTHORIZED"

    await town.world.run(who, plans.skip_clean, plans.SkipClean(plan, first["planned_on"]))
    await town.world.run(town.owner, plans.skip_clean, plans.SkipClean(plan, later["planned_on"], waive_fee=True))
    await site.settle()

    payment = await site.payment(first["id"])
    assert (payment["status"], payment["captured_cents"]) == ("CAPTURED", cents // 2)
    assert await site.payments(later["id"]) == []
