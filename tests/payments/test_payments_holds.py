"""Holds the evening before: who is held, when, once, and with how many statements (R137 to R146, A1, A2, A10)."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from domain.actors import NOBODY, TenantId
from domain.availability import MarketCalendar
from domain.ids import JobId, MarketId
from domain.payments.holding import ChargeSeen, held_until, is_hold_hour
from domain.policy import PaymentsPolicy
from domain.wallclock import instant_of
from services import scheduling
from services.payments.holds import PlanHolds, Turns, plan_holds
from services.scheduling import UpdateJob
from tasks.clock import MarketClock
from tasks.duties import DUTIES
from tests.payments.site import ZONE, Home, Site


async def _day_after(site: Site, days: int, hour: int = 14) -> datetime:
    day = (await site.now()).astimezone(ZONE).date() + timedelta(days=days)
    return datetime.combine(day, time(hour), ZONE)


async def test_tomorrows_clean_is_held_in_the_evening_at_its_frozen_price(site: Site) -> None:
    """R137 to R139, R141, R142, R158, R159, A1: one intent, manual capture, off session, with our marks."""
    home = await site.home()
    job = await site.job(home, await _day_after(site, 3))
    await site.until(await _day_after(site, 2, 10))
    await site.until_hour(20)

    await site.duty("hold_payments")

    row, [intent] = await site.payment(job), site.intents_of(job)
    assert (row["status"], row["amount_cents"], row["attempt"], row["is_current"]) == ("AUTHORIZED", 9_000, 1, True)
    assert (intent["status"], intent["amount"], intent["capture_method"]) == ("requires_capture", 9_000, "manual")
    marks = intent["metadata"]
    assert (marks["job_id"], marks["customer_id"]) == (str(job), str(home.customer))
    assert (marks["payment_id"], marks["tenant_id"]) == (str(row["id"]), str(site.town.tenant))
    shown = await site.row("job", job)
    assert (shown["payment_status"], shown["payment_intent_id"]) == ("AUTHORIZED", intent["id"])
    assert intent["payment_method_options"]["card"]["stored_credential_usage"] == "unscheduled"
    # A2: on this card the hold of a merchant lives 4 days and 18 hours, not 7.
    lives = row["capture_before"] - row["authorized_at"]
    assert timedelta(days=4, hours=17) < lives <= timedelta(days=4, hours=18)


async def test_running_it_again_holds_nothing_twice(site: Site) -> None:
    """R146, A1: the evening, the night and every sweep between them."""
    job = await site.held_job()

    for _ in range(2):
        await site.duty("hold_payments")
    await site.until_hour(1)
    await site.duty("hold_payments")

    assert len(site.intents_of(job)) == len(await site.payments(job)) == 1


async def test_at_night_all_of_tomorrow_is_held_and_at_other_hours_what_is_within_the_lead(site: Site) -> None:
    """R140, A1: at 01:00 today and tomorrow; else 36 hours ahead."""
    home = await site.home()
    await site.until_hour(0)
    late, near = await _day_after(site, 1, 23), await _day_after(site, 1, 11)
    first, second = await site.job(home, late), await site.job(home, near)

    await site.duty("hold_payments")
    assert (await site.status(first), await site.status(second)) == ("PENDING", "AUTHORIZED")

    await site.until_hour(1)
    await site.duty("hold_payments")
    assert await site.status(first) == "AUTHORIZED"


async def test_a_late_booking_is_held_at_once(site: Site) -> None:
    """A1: what is booked after the night's run does not wait for another."""
    home = await site.home()

    job = await site.job(home, (await site.now()) + timedelta(hours=3))
    await site.settle()

    assert await site.status(job) == "AUTHORIZED"


async def test_a_clean_that_is_moved_near_is_held_at_once(site: Site) -> None:
    home = await site.home()
    job = await site.job(home, await _day_after(site, 9))

    form = UpdateJob(job, starts_at=(await site.now()) + timedelta(hours=5))
    await site.do(site.town.owner, scheduling.update_job, form)
    await site.settle()

    assert await site.status(job) == "AUTHORIZED"


async def test_a_hold_that_would_not_live_until_the_moved_clean_is_let_go_and_taken_anew_in_time(site: Site) -> None:
    """A2, R266: moved beyond the window, nothing is blocked on the card until its own night."""
    job = await site.held_job()
    form = UpdateJob(job, starts_at=(await site.now()) + timedelta(days=8))
    await site.do(site.town.owner, scheduling.update_job, form)
    await site.settle()
    assert [one["status"] for one in site.intents_of(job)] == ["canceled"]
    assert await site.status(job) == "RELEASED"

    await site.move(timedelta(days=7))
    await site.duty("hold_payments")

    assert [one["status"] for one in site.intents_of(job)] == ["canceled", "requires_capture"]
    assert await site.status(job) == "AUTHORIZED"
    assert [row["is_current"] for row in await site.payments(job)] == [False, True]


@pytest.mark.parametrize(("card", "lives"), [("visa", {"days": 4, "hours": 18}), ("mastercard", {"days": 7})])
async def test_a_hold_lives_as_long_as_the_provider_says_of_its_card(
    site: Site, card: str, lives: dict[str, float]
) -> None:
    """R142, A2: by the charge, to the second; never seven days because somebody once said so."""
    job = await site.held_job(await site.home(card))

    [charge] = site.things("charges")
    told = charge["payment_method_details"]["card"]["capture_before"]
    row = await site.payment(job)
    assert row["capture_before"].timestamp() == told
    assert abs(row["capture_before"] - row["authorized_at"] - timedelta(**lives)) < timedelta(minutes=1)


def test_a_hold_whose_end_nobody_tells_is_taken_to_live_as_short_as_any_r142_a2() -> None:
    now = datetime(2026, 11, 20, 1, tzinfo=UTC)

    assert held_until(None, now) == held_until(ChargeSeen("ch_1"), now) == now + timedelta(days=4, hours=18)
    assert held_until(ChargeSeen("ch_1", now + timedelta(days=30)), now) == now + timedelta(days=30)


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("America/New_York", date(2026, 10, 30)),  # the clocks go back on the third day
        ("America/New_York", date(2027, 3, 12)),  # they go forward
        ("Asia/Kathmandu", date(2026, 11, 20)),  # 5:45 hours ahead
    ],
)
def test_the_run_falls_due_at_eight_and_at_one_of_every_day_by_the_markets_clock(zone: str, first: date) -> None:
    """R140, A1, A25: each hour once a day; the hour that the clocks show twice is run twice, which does no harm."""
    [duty] = [one for one in DUTIES if one.name == "hold_payments"]
    begin, end = (instant_of(datetime.combine(first + timedelta(days=day), time(0)), zone) for day in (0, 5))
    calendar = MarketCalendar(zone)
    clock = MarketClock(TenantId(NOBODY), MarketId(NOBODY), calendar, begin, begin)

    due = [at.astimezone(ZoneInfo(zone)) for at in duty.schedule(clock, begin - timedelta(seconds=1), end)]

    runs = [at for at in due if is_hold_hour(at, zone, PaymentsPolicy().hold_hours)]
    days = [first + timedelta(days=day) for day in range(5)]
    assert {(at.date(), at.hour, at.minute) for at in runs} == {(day, hour, 0) for day in days for hour in (1, 20)}
    twice = [at for at in runs if at.fold]
    assert len(runs) == 10 + len(twice)
    assert len(twice) == (1 if first == date(2026, 10, 30) else 0)
    assert max(later - sooner for sooner, later in pairwise(at.astimezone(UTC) for at in due)) == timedelta(minutes=15)


async def test_prepaid_and_unpriced_cleans_and_those_without_a_card_are_not_held(site: Site) -> None:
    """A10, A31: and for want of a card customer and administrators hear of it (R145)."""
    prepaid = await site.job(await site.home())
    await site.world.root.execute("update job set prepaid = true, payment_status = 'CAPTURED' where id = $1", prepaid)
    mansion = await site.job(await site.home(bedrooms=7))
    bare = await site.job(await site.home(card=None))

    await site.hold_night()

    for job in (prepaid, mansion, bare):
        assert site.intents_of(job) == []
        assert await site.payments(job) == []
    assert len(await site.notices("CARD_NEEDED")) == 2  # by mail and SMS
    assert len(await site.notices("HOLD_FAILED")) == 1


async def test_a_business_without_a_provider_holds_nothing(site: Site) -> None:
    """A41."""
    job = await site.job(await site.home())
    await site.world.root.execute("delete from provider_account where tenant_id = $1", site.town.tenant)

    await site.hold_night()

    assert await site.payments(job) == []


async def test_a_price_that_was_not_known_is_frozen_when_it_is_held(site: Site) -> None:
    """R43, R138: what is held is what the book says then, and it stays."""
    job = await site.job(await site.home())
    await site.world.root.execute("update job set price_cents = null, price = null, currency = null where id = $1", job)

    await site.hold_night()

    row = await site.row("job", job)
    assert (row["price_cents"], row["currency"]) == (9_000, "usd")
    assert (await site.payment(job))["amount_cents"] == 9_000


async def test_a_night_is_planned_with_as_many_statements_for_forty_cleans_as_for_four(site: Site) -> None:
    """R144: no query a job."""
    counts = []
    for many in (4, 40):
        home: Home = await site.home()
        day = await _day_after(site, 6, 0)
        jobs: list[JobId] = [await site.job(home, day + timedelta(minutes=5 * at)) for at in range(many)]
        tomorrow = await site.now() + timedelta(days=1)
        await site.world.root.execute(
            "update job set starts_at = $2, ends_at = $2::timestamptz + interval '3 hours' where id = any($1)",
            jobs,
            tomorrow,
        )
        with Counted(site) as statements:
            await site.system(plan_holds, PlanHolds(site.town.market, await site.now()))
        counts.append(len(statements))
        assert len(await site.rows("select id from payment where job_id = any($1)", jobs)) == many

    assert counts[0] == counts[1]


class Counted:
    def __init__(self, site: Site) -> None:
        self.engine = site.world.runner.engine.sync_engine
        self.seen: list[str] = []

    def __enter__(self) -> list[str]:
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self.seen

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.seen.append(statement)


@pytest.mark.parametrize("kind", ["drop_after", "error_after", "rate_limit"])
async def test_an_answer_that_is_lost_makes_no_second_hold(site: Site, kind: str) -> None:
    """R157: the same key again, whatever became of the first call."""
    job = await site.job(await site.home())
    for path in ("/v1/payment_intents", "/v1/payment_intents/*/confirm"):
        site.fault(kind, path)

    await site.hold_night()
    for _ in range(4):
        await site.drain()

    assert [one["status"] for one in site.intents_of(job)] == ["requires_capture"]
    assert await site.status(job) == "AUTHORIZED"
    assert len(await site.ops("INTENT")) == len(await site.ops("CONFIRM")) == 1


async def test_the_other_business_is_not_touched(site: Site) -> None:
    before = await site.rows("select * from money_op where tenant_id = $1", site.other.tenant)

    await site.held_job()

    assert await site.rows("select * from money_op where tenant_id = $1", site.other.tenant) == before


def test_a_night_of_thousands_takes_turns_so_that_nobody_else_waits_r144() -> None:
    """The first few go at once; then so many a second, over all pages; 0 leaves no gaps."""
    turns = Turns(10, 250)
    assert Turns(10, 0).wait(19) == timedelta()
    assert turns.wait(0) == timedelta(seconds=23)
    assert turns.wait(249) == timedelta(seconds=47.9)
    assert Turns(0, 9_750).wait(249) == timedelta()
