"""A market's day as the office watches its money: stages, risks with words, held pay (R137 to R177, R190, R239)."""

from typing import Any

from domain.actors import Actor
from domain.ids import JobId, PayoutId
from domain.payments.pipeline import NO_MORE, RISK_WORDS, MoneyRisk, MoneyStage
from services.cancellations import CancelJob, cancel_job
from services.payouts.holding import HoldPayout, hold_payout
from tests.payments.site import ZONE, Site
from tests.product.world import Api, gid

DAY = """query ($market: ID!, $day: Date) { moneyToday(marketId: $market, day: $day) {
    marketName zone day currency takesCards heldCount heldCents stages { stage count cents }
    jobs { jobId paymentId customerName propertyName startsAt jobStatus paymentStatus stage cents risk why whatToDo
        captureBefore }
    heldPayouts { payoutId jobId cleanerId cleanerName amountCents holdReason why whatToDo healsItself dueAt } } }"""


async def the_day(api: Api, site: Site, who: Actor | None = None, **more: Any) -> Any:
    found = await api.data(who or site.town.owner, DAY, market=gid("Market", site.town.market), **more)
    return found["moneyToday"]


async def day_of(site: Site, job: JobId) -> str:
    """On which day of the market it is."""
    return str((await site.row("job", job))["starts_at"].astimezone(ZONE).date())


def steps(day: Any) -> dict[str, tuple[int, int]]:
    """What stands where."""
    return {one["stage"]: (one["count"], one["cents"]) for one in day["stages"] if one["count"]}


def test_every_risk_has_its_words() -> None:
    assert RISK_WORDS.keys() == set(MoneyRisk)


async def test_a_clean_goes_through_the_steps_of_its_day(site: Site, api: Api) -> None:
    """R137, R147, R160: to hold, held, taken with its pay held or on its way, each with what it comes to."""
    job = await site.job(await site.home())
    day = await day_of(site, job)
    assert steps(await the_day(api, site, day=day)) == {"TO_HOLD": (1, 9_000)}

    await site.hold_night()
    seen = await the_day(api, site, day=day)
    assert steps(seen) == {"HELD": (1, 9_000)}
    assert [stage["stage"] for stage in seen["stages"]] == [stage.value for stage in MoneyStage]
    (line,) = seen["jobs"]
    assert (line["jobId"], line["cents"], line["risk"]) == (gid("Job", job), 9_000, None)
    assert line["captureBefore"] is not None

    await site.prove(job)
    payout = PayoutId(await site.value("select id from payout where tenant_id = $1", site.town.tenant))
    await site.do(site.town.owner, hold_payout, HoldPayout(payout, "A key is missing"))
    seen = await the_day(api, site)
    assert (seen["day"], steps(seen)) == (day, {"CAPTURED": (1, 9_000)})
    (held,) = seen["heldPayouts"]
    assert (held["payoutId"], held["holdReason"], held["healsItself"]) == (gid("Payout", payout), "BY_OFFICE", False)
    assert "A key is missing" in held["whatToDo"]
    assert (seen["heldCount"], seen["heldCents"]) == (1, held["amountCents"])


async def test_what_may_go_wrong_is_named_first_with_what_to_do(site: Site, api: Api) -> None:
    """R145, R189, A36: a declined card, and a customer without one; a cancelled clean is let go."""
    declined = await site.job(await site.home("chargeCustomerFail"))
    await site.job(await site.home())
    bare = await site.job(await site.home(None))
    gone = await site.job(await site.home())
    day = await day_of(site, gone)
    await site.hold_night()
    await site.do(site.town.owner, cancel_job, CancelJob(gone, "The customer is away"))
    await site.drain()

    seen = await the_day(api, site, day=day)

    found = {line["jobId"]: (line["stage"], line["risk"]) for line in seen["jobs"]}
    assert found[gid("Job", declined)] == ("AT_RISK", "DECLINED")
    assert found[gid("Job", bare)] in {("AT_RISK", "NO_CARD"), ("AT_RISK", "NO_PRICE")}
    assert found[gid("Job", gone)] == ("LET_GO", None)
    assert [line["risk"] is None for line in seen["jobs"]] == [False, False, True, True]
    assert all(line["why"] and line["whatToDo"] for line in seen["jobs"] if line["risk"])
    [said] = [line["why"] for line in seen["jobs"] if line["jobId"] == gid("Job", declined)]
    assert said == "The customer's bank has declined the card."
    assert steps(seen)["HELD"] == (1, 9_000)


async def test_a_card_that_is_declined_for_good_is_not_said_to_be_asked_again(site: Site, api: Api) -> None:
    """A36: the office reads what the ladder does; another declined card beside it is asked again."""
    jobs = []
    for outcome in ("insufficient_funds", "lost_card"):
        home = await site.home()
        await site.outcome(home.method, outcome)
        jobs.append(await site.job(home))
    await site.hold_night()

    seen = await the_day(api, site, day=await day_of(site, jobs[0]))

    todo = {line["jobId"]: line["whatToDo"] for line in seen["jobs"]}
    assert [todo[gid("Job", job)] for job in jobs] == [RISK_WORDS[MoneyRisk.DECLINED].what_to_do, NO_MORE]


async def test_nobody_else_sees_a_day_of_money(site: Site, api: Api) -> None:
    """R18, R20: no dispatcher, no cleaner, no customer, and no other business."""
    job = await site.held_job(home := await site.home())
    market = gid("Market", site.town.market)
    for who in (await site.town.dispatcher(), await site.town.cleaner(), home.who):
        answer = await api.ask(who, DAY, market=market)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert answer["data"]["moneyToday"] is None
    other = await api.data(site.other.owner, DAY, market=market)
    assert other["moneyToday"] is None
    theirs = await api.data(site.other.owner, DAY, market=gid("Market", site.other.market))
    assert gid("Job", job) not in str(theirs)
