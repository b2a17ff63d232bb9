"""A business's plan: tried, chosen, paid, due, ended and paid again, one subscription for each business (R178, A42)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from db.ids import new_id
from domain.actors import PLATFORM_TENANT, Actor, Role, StaffRole, TenantId
from domain.billing import PLANS
from domain.errors import Code
from domain.ids import MoneyOpId
from domain.payments.outcomes import Refusal
from services.billing import limits
from services.billing.choosing import (
    CancelPlanSubscription,
    ChoosePlan,
    cancel_plan_subscription,
    choose_plan,
)
from services.billing.second import PAID_TWICE, GiveBackPlan, give_back_plan
from services.billing.sign_up import SignUp, sign_up_business
from services.billing.subscriptions import AbsorbSubscriptions, absorb_subscriptions
from services.identity.cleaners import CreateCleaner, create_cleaner
from services.identity.staff import InviteStaff, invite_staff
from services.payments.accounts import ConnectProvider, connect_provider
from services.payments.alarms import raise_alarm
from services.payments.recorders import RecordOp, record_op
from services.scheduling import CreateJob, create_job
from tests.billing.house import GRACE, House, sign_up
from tests.fieldwork.site import command_of

DAY = timedelta(days=1)


async def test_a_business_that_signs_itself_up_is_on_trial_and_its_owner_invited(house: House) -> None:
    """A42, R8."""
    row = await house.plan()

    assert (row["status"], row["plan"], row["customer_id"]) == ("TRIALING", "team", None)
    assert row["trial_ends_at"] - row["created_at"] == timedelta(days=PLANS["team"].trial_days)
    assert not await house.is_read_only()
    assert await house.world.count("mailed_link", house.town.tenant, "purpose = 'invite'") == 1


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"plan": "gold"}, Code.INVALID, "plan"),
        ({"slug": "platform"}, Code.ALREADY_EXISTS, "slug"),
        ({"slug": "A b"}, Code.INVALID, "slug"),
        ({"owner_email": "nobody"}, Code.INVALID, "ownerEmail"),
        ({"zone": "Mars/Olympus"}, Code.INVALID, "zone"),
        ({"name": ""}, Code.INVALID, "name"),
    ],
)
async def test_a_sign_up_that_makes_no_sense_founds_nothing(
    house: House, changed: dict[str, str], code: Code, field: str
) -> None:
    form = {"slug": f"x-{new_id().hex[-12:]}", "name": "X", "owner_name": "O", "owner_email": "o@x.example"}
    tenant = TenantId(new_id())

    refusal = await house.refused(
        Actor.system(tenant), sign_up_business, SignUp(**{**form, "market_name": "Miami", **changed})
    )

    assert (refusal.code, refusal.field[:1]) == (code, (field,))
    assert await house.world.count("tenant", tenant) == 0


async def test_the_slug_of_another_business_is_taken(house: House) -> None:
    form = SignUp(house.site.other.slug, "X", "O", "o@x.example", "Miami")

    refusal = await house.refused(Actor.system(TenantId(new_id())), sign_up_business, form)

    assert (refusal.code, refusal.field) == (Code.ALREADY_EXISTS, ("slug",))


async def test_a_chosen_plan_is_paid_on_the_providers_page_and_the_rest_of_the_trial_stays_free(house: House) -> None:
    """R178, A42."""
    row = await house.choose()
    assert (row["status"], row["wanted_plan"]) == ("TRIALING", "team")
    assert row["checkout_url"].startswith("http")

    await house.pay()

    row = await house.plan()
    (subscription,) = house.subscriptions()
    assert (row["status"], row["subscription_id"]) == ("TRIALING", subscription["id"])
    assert (row["wanted_plan"], row["checkout_url"]) == (None, None)
    assert abs(row["paid_until"] - row["trial_ends_at"]) < DAY

    await house.move(15 * DAY)
    await house.told()
    row = await house.plan()
    assert (row["status"], row["past_due_at"]) == ("ACTIVE", None)
    assert row["paid_until"] > await house.site.now()


async def test_a_plan_chosen_many_times_at_once_has_one_customer_and_one_page(house: House) -> None:
    """Invariant 16."""
    await asyncio.gather(*(house.site.do(house.town.owner, choose_plan, ChoosePlan("team")) for _ in range(8)))
    assert await house.work() == []
    first = await house.plan()
    await house.choose()

    assert (await house.plan())["checkout_url"] == first["checkout_url"] is not None
    assert [len(await house.site.ops(kind)) for kind in ("PLAN_CUSTOMER", "PLAN_CHECKOUT")] == [1, 1]


async def test_two_pages_that_are_both_paid_leave_one_subscription_and_an_alarm(house: House) -> None:
    """Invariant 16: another plan was chosen while the first page was open in another window."""
    first = (await house.choose("team"))["checkout_url"]
    second = (await house.choose("business"))["checkout_url"]
    assert first != second

    await house.pay(first)
    await house.pay(second)

    (live,) = house.live()
    row = await house.plan()
    assert (row["subscription_id"], row["plan"]) == (live["id"], "team")
    assert [one["status"] for one in house.subscriptions()] == ["trialing", "canceled"]
    assert await _raised(house) == [("plan_paid_twice", False)], "nothing was paid in the trial"


async def _raised(house: House) -> list[tuple[str, bool]]:
    """The alarms of the business, and whether they stand."""
    rows = await house.site.rows("select * from money_alarm where tenant_id = $1 order by id", house.town.tenant)
    return [(row["kind"], row["cleared_at"] is None) for row in rows]


def _refunds(house: House) -> list[int]:
    """What went back out of the platform's account."""
    return [one["amount"] for one in house.sandbox.store.collection(house.platform, "refunds").values()]


@pytest.mark.parametrize("kind", [None, "drop_after", "error_before"])
async def test_what_was_paid_for_a_second_plan_goes_back_once(house: House, kind: str | None) -> None:
    """Invariant 16, R157: whatever befalls the refund; the alarm stands until then."""
    await house.move(15 * DAY)
    await house.watch()
    first = (await house.choose("team"))["checkout_url"]
    second = (await house.choose("business"))["checkout_url"]
    await house.pay(first)
    if kind is not None:
        house.sandbox.faults.add({"kind": kind, "method": "POST", "path": "/v1/refunds", "times": 1})
    house.finish(second, "pm_card_visa")
    await house.sandbox.courier.deliver_due(even_if_held=True, everything=True)
    await house.work()
    await house.work()

    for _ in range(3):
        await house.told()
        await house.watch()

    assert _refunds(house) == [29_900]
    assert [one["status"] for one in house.subscriptions()] == ["active", "canceled"]
    assert await _raised(house) == [("plan_paid_twice", False)]
    assert [op["state"] for op in await house.site.ops("PLAN_REFUND")] == ["SUCCEEDED"]


async def test_a_second_plan_that_becomes_the_businesss_own_is_neither_ended_nor_paid_back(house: House) -> None:
    """A42, R157: the first one ended before the second one's end was asked for; what is left is what is paid."""
    await house.move(15 * DAY)
    await house.watch()
    first, second = [(await house.choose(plan))["checkout_url"] for plan in ("team", "business")]
    await house.pay(first)
    house.finish(second, "pm_card_visa")
    one, other = house.subscriptions()

    async def told(*things: Any) -> None:
        seen = (await house.plan())["version"]
        assert await house.site.system(absorb_subscriptions, AbsorbSubscriptions(seen, things, GRACE))

    await told(one, other)
    assert await _raised(house) == [("plan_paid_twice", True)]
    await told({**one, "status": "canceled"}, other)

    row = await house.plan()
    assert (row["subscription_id"], row["status"]) == (other["id"], "ACTIVE")
    assert await _raised(house) == [("plan_paid_twice", False)]
    assert [op["state"] for op in await house.site.ops("PLAN_CHANGE")] == ["FAILED"]
    payment = {"id": "inpay_1", "status": "paid", "amount_paid": 2_900, "payment": {"payment_intent": "pi_1"}}
    given = GiveBackPlan(other["id"], [{"id": "in_1", "payments": {"data": [payment]}}])
    assert await house.site.system(give_back_plan, given) == 0
    assert await house.site.ops("PLAN_REFUND") == []
    assert [one["status"] for one in house.live()] == ["active", "active"]


async def test_a_refund_of_a_second_plan_that_is_refused_is_asked_for_again(house: House) -> None:
    """R157, R238: one step at a time, and another attempt once the first was refused."""
    payment = {"id": "inpay_1", "status": "paid", "amount_paid": 2_900, "payment": {"payment_intent": "pi_1"}}
    told = GiveBackPlan("sub_2", [{"id": "in_1", "payments": {"data": [payment]}}])
    assert await house.site.system(give_back_plan, told) == 0

    async def raised(tx: Any, subject: str) -> None:
        await raise_alarm(tx, PAID_TWICE, subject, {})

    await house.site.system(command_of(raised), "sub_2")
    for _ in range(2):
        assert await house.site.system(give_back_plan, told) == 1
    [op] = await house.site.ops("PLAN_REFUND")

    await house.site.system(record_op, RecordOp(MoneyOpId(op["id"]), Refusal("balance_insufficient")))
    assert await house.site.system(give_back_plan, told) == 1

    assert [(op["attempt"], op["state"]) for op in await house.site.ops("PLAN_REFUND")] == [
        (1, "FAILED"),
        (2, "PLANNED"),
    ]


async def test_a_page_whose_answer_was_lost_is_asked_for_once(house: House) -> None:
    """R157: dropped after the provider had made it; the same key brings the same page."""
    house.sandbox.faults.add({"kind": "drop_after", "method": "POST", "path": "/v1/checkout/sessions", "times": 1})

    await house.choose()
    await house.work()

    sessions = house.sandbox.store.collection(house.platform, "checkout_sessions")
    assert len(sessions) == 1
    assert (await house.plan())["checkout_url"] == next(iter(sessions.values()))["url"]


async def test_a_trial_that_ends_unpaid_falls_due_then_is_read_only_and_loses_nothing(house: House) -> None:
    """A42: reading and signing in go on, every change is refused, and paying opens everything again."""
    cleaner = await house.town.cleaner()
    await house.move(14 * DAY + timedelta(minutes=1))
    await house.watch()
    assert (await house.plan())["status"] == "PAST_DUE"
    assert not await house.is_read_only()
    await house.town.home()

    await house.move(GRACE)
    await house.watch()
    assert await house.is_read_only()
    form = CreateCleaner("Cleaner", email="c@x.example", market_ids=[house.town.market])
    assert await house.is_refused(Code.READ_ONLY, house.town.owner, create_cleaner, form)
    assert await house.world.session_of(house.town.tenant, Role.CLEANER, cleaner.person)

    await house.subscribe()
    assert not await house.is_read_only()
    assert (await house.plan())["status"] == "ACTIVE"
    await house.site.do(house.town.owner, create_cleaner, form)


async def test_a_card_that_fails_makes_the_plan_due_and_a_better_one_makes_it_whole(house: House) -> None:
    """R178: past due, read-only after the grace, and writable at once when the bill is paid."""
    await house.subscribe()
    await house.move(15 * DAY)
    await house.told()
    await house.outcome("generic_decline")
    await house.move(31 * DAY)
    await house.told()
    row = await house.plan()
    assert row["status"] == "PAST_DUE"
    assert row["paid_until"] <= await house.site.now()

    await house.move(GRACE)
    await house.watch()
    assert await house.is_read_only()

    await house.outcome("ok")
    url = (await house.choose())["checkout_url"]
    assert "/p/" in url or "portal" in url or "session" in url
    await house.move(5 * DAY)
    await house.told()
    assert (await house.plan())["status"] == "ACTIVE"
    assert not await house.is_read_only()
    assert len(house.live()) == 1


async def test_lost_webhooks_are_made_good_by_the_duty(house: House) -> None:
    """R178, R238: the provider tells nobody, and the plan is right all the same."""
    page = (await house.choose())["checkout_url"]
    house.sandbox.courier.held = True
    house.finish(page)
    for id in list(house.sandbox.store.collection(house.platform, "webhook_endpoints")):
        with house.sandbox.tx(house.platform, "test") as tx:
            tx.remove("webhook_endpoints", id)

    await house.watch()

    assert (await house.plan())["subscription_id"] == house.live()[0]["id"]


async def test_another_plan_changes_the_subscription_that_runs(house: House) -> None:
    await house.subscribe("team")

    await house.choose("business")

    row = await house.plan()
    (subscription,) = house.subscriptions()
    assert (row["plan"], row["wanted_plan"], row["checkout_url"]) == ("business", None, None)
    assert row["subscription_id"] == subscription["id"]


async def test_a_plan_that_is_ended_lasts_as_long_as_it_is_paid(house: House) -> None:
    """A42: access follows the latest paid period (invariant 16)."""
    await house.subscribe()
    await house.move(15 * DAY)
    await house.told()

    await house.site.do(await house.owner(), cancel_plan_subscription, CancelPlanSubscription())
    await house.work()
    row = await house.plan()
    assert (row["status"], row["ends_with_period"]) == ("ACTIVE", True)

    await house.move(20 * DAY)
    await house.told()
    await house.watch()
    assert not await house.is_read_only()

    await house.move(15 * DAY)
    await house.told()
    await house.watch()
    assert (await house.plan())["status"] == "CANCELED"
    assert await house.is_read_only()

    await house.subscribe()
    assert (await house.plan())["status"] == "ACTIVE"
    assert not await house.is_read_only()
    assert len(house.live()) == 1


async def test_an_end_that_was_planned_is_taken_back_by_choosing_the_plan_again(house: House) -> None:
    await house.subscribe()
    await house.site.do(await house.owner(), cancel_plan_subscription, CancelPlanSubscription())
    await house.work()
    assert house.live()[0]["cancel_at_period_end"] is True

    row = await house.choose("team")

    assert house.live()[0]["cancel_at_period_end"] is False
    assert row["ends_with_period"] is False


async def test_a_trial_that_is_ended_lasts_until_its_end(house: House) -> None:
    await house.site.do(await house.owner(), cancel_plan_subscription, CancelPlanSubscription())
    await house.watch()
    assert (await house.plan())["status"] == "CANCELED"
    assert not await house.is_read_only()

    await house.move(15 * DAY)
    await house.watch()
    assert await house.is_read_only()


async def test_a_business_that_the_platform_founded_is_on_no_plan_and_chooses_none(house: House) -> None:
    other = house.site.other

    assert await house.is_refused(Code.CONFLICT, other.owner, choose_plan, ChoosePlan("team"))
    assert await house.is_refused(Code.CONFLICT, other.owner, cancel_plan_subscription, CancelPlanSubscription())
    for _ in range(PLANS["starter"].seats or 0):
        await other.cleaner()


async def test_an_unknown_plan_and_people_who_may_not_choose_are_refused(house: House) -> None:
    dispatcher, cleaner = await house.town.dispatcher(), await house.town.cleaner()

    assert await house.is_refused(Code.INVALID, house.town.owner, choose_plan, ChoosePlan("gold"))
    assert await house.is_refused(Code.FORBIDDEN, dispatcher, choose_plan, ChoosePlan("team"))
    assert await house.is_refused(Code.FORBIDDEN, cleaner, choose_plan, ChoosePlan("team"))


async def test_the_last_seat_is_taken_once_and_one_more_is_refused(house: House) -> None:
    """A42: two who invite at once, and one seat left."""
    town = await sign_up(house.world, "starter")
    for number in range((PLANS["starter"].seats or 0) - 2):
        await house.world.run(town.owner, create_cleaner, CreateCleaner(f"C {number}", market_ids=[town.market]))
    forms = [InviteStaff(f"D {number}", f"d{number}@x.example", StaffRole.DISPATCHER) for number in range(4)]

    done = await asyncio.gather(
        *(house.world.run(town.owner, invite_staff, form) for form in forms), return_exceptions=True
    )

    refusals = [one for one in done if isinstance(one, Exception)]
    assert {getattr(one, "code", one) for one in refusals} == {Code.PLAN_LIMIT}
    assert len(refusals) == 3
    refusal = await house.refused(town.owner, create_cleaner, CreateCleaner("C", market_ids=[town.market]))
    assert refusal.details == {"limit": "seats", "included": 5, "plan": "starter"}


async def test_a_plan_with_too_few_seats_for_the_people_there_are_is_refused(house: House) -> None:
    for _ in range(PLANS["starter"].seats or 0):
        await house.town.cleaner()

    assert await house.is_refused(Code.PLAN_LIMIT, house.town.owner, choose_plan, ChoosePlan("starter"))


async def test_cleans_beyond_the_months_number_are_refused_and_those_of_the_next_month_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A42."""
    monkeypatch.setattr(limits, "PLANS", {**PLANS, "team": replace(PLANS["team"], jobs_a_month=2)})
    home, start = await house.town.home(), (await house.town.day(40)).replace(day=10)
    for days in (0, 1):
        await house.town.job(start + days * DAY, home=home)

    form = CreateJob(home, start + 2 * DAY, Decimal(3))
    assert await house.is_refused(Code.PLAN_LIMIT, house.town.owner, create_job, form)
    await house.town.job(start + 31 * DAY, home=home)


async def test_a_plan_without_cards_connects_no_account(house: House) -> None:
    town = await sign_up(house.world, "starter")

    refusal = await house.refused(town.owner, connect_provider, ConnectProvider("sk_test_x", []))

    assert (refusal.code, refusal.details["feature"]) == (Code.PLAN_LIMIT, "CARD_PAYMENTS")


async def test_the_plan_of_one_business_says_nothing_of_another(house: House) -> None:
    """R1, invariant 15: what is paid for one changes the other in nothing, and no step names it."""
    second = await sign_up(house.world)
    before = await house.site.row("tenant_subscription", second.tenant, "tenant_id")

    await house.subscribe()

    assert await house.site.row("tenant_subscription", second.tenant, "tenant_id") == before
    assert await house.world.count("money_op", second.tenant) == 0
    assert await house.world.count("webhook_event", second.tenant) == 0
    assert await house.world.count("webhook_event", PLATFORM_TENANT) > 0
