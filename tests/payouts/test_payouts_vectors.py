"""What a clean pays whom: the golden vectors, who took part, and the books (R154, R160 to R163, A11, A12, A49)."""

from typing import Any

import pytest

from domain.scheduling import AssignmentRole
from tests.payouts.till import Till

PRIMARY, BACKUP, LEAD = AssignmentRole.PRIMARY, AssignmentRole.BACKUP, AssignmentRole.LAUNDRY_LEAD


async def test_three_and_a_half_hours_pay_59_50_and_are_transferred(till: Till) -> None:
    """R160, R168, R169, A14: 3.5 h x 17.00, a transfer with its charge, group and marks, and the books."""
    who = await till.cleaner()
    job = await till.paid((who, PRIMARY), hours="3.5")

    row = await till.payout(who)
    parts = ("base_cents", "urgent_cents", "laundry_cents", "tip_cents", "carried_cents", "amount_cents")
    assert [row[part] for part in parts] == [5_950, 0, 0, 0, 0, 5_950]
    assert (row["status"], row["rate_cents"], row["tier"], row["policy"]) == (
        "RELEASED",
        1_700,
        "standard",
        "PARTICIPATED",
    )
    (transfer,) = till.transfers()
    payment = await till.site.payment(job)
    assert (transfer["amount"], transfer["currency"]) == (5_950, "usd")
    assert transfer["destination"] == (await till.account(who))["account_id"] == row["account_id"]
    assert transfer["source_transaction"] == payment["charge_id"]
    assert transfer["transfer_group"] == str(job)
    marks = transfer["metadata"]
    assert (marks["payout_id"], marks["job_id"], marks["cleaner_id"]) == (str(row["id"]), str(job), str(who.person))
    assert row["transfer_id"] == transfer["id"]
    assert await till.site.entry(f"earned:{payment['id']}") == {"REVENUE": 5_950, "PAYABLE": -5_950}
    assert await till.site.entry(f"transfer:{transfer['id']}") == {"PAYABLE": 5_950, "CASH": -5_950}
    assert (await till.site.books())["CASH"] == till.site.balance()


async def test_an_urgent_laundry_lead_with_two_loads_gets_79_50(till: Till) -> None:
    """R161 to R163, A12: 59.50 + 10.00 + 10.00; the primary beside them gets the urgent bonus and no laundry."""
    lead, primary = await till.cleaner(), await till.cleaner()
    home = await till.site.home(laundry="IN_UNIT", laundry_loads=2)
    await till.paid((primary, PRIMARY), (lead, LEAD), hours="3.5", urgent=True, home=home)

    row = await till.payout(lead)
    assert (row["base_cents"], row["urgent_cents"], row["laundry_cents"]) == (5_950, 1_000, 1_000)
    assert (await till.payout(primary))["amount_cents"] == 6_950
    amounts = {made["destination"]: made["amount"] for made in till.journalled()}
    assert amounts[(await till.account(lead))["account_id"]] == 7_950
    assert sum(amounts.values()) == 14_900


async def test_a_higher_tier_is_paid_by_its_own_rate_which_is_kept(till: Till) -> None:
    """A49: the rate used stands on the payout, whatever the settings say later."""
    await till.site.settings(pay={"tierRateCents": {"gold": 2_350}})
    who = await till.cleaner(pay_tier="gold")
    await till.paid((who, PRIMARY), hours="2.5")
    await till.site.settings(pay={"tierRateCents": {"gold": 9_900}})

    row = await till.payout(who)
    assert (row["tier"], row["rate_cents"], row["base_cents"], row["expected_hours"]) == ("gold", 2_350, 5_875, 2.5)


async def test_what_was_earned_is_settled_by_the_proof_whatever_is_changed_before_the_money_comes(till: Till) -> None:
    """R155, R160 to R163, A11, A49: neither rates, bonus, loads, tier nor who is paid; the next clean pays anew."""
    primary, lead, idle = [await till.cleaner() for _ in range(3)]
    home = await till.site.home(laundry="IN_UNIT", laundry_loads=2)
    crew = ((primary, PRIMARY), (lead, LEAD), (idle, BACKUP))
    work: Any = {"hours": "3.5", "urgent": True, "home": home, "stays_away": [idle]}
    first = await till.clean(*crew, **work)

    dear = {"rateCents": 5_000, "urgentBonusCents": 9_000, "laundryLoadCents": 9_000}
    await till.site.settings(pay={**dear, "tierRateCents": {"gold": 6_000}}, payments={"participation": "ALL_ASSIGNED"})
    await till.site.world.root.execute("update property set laundry_loads = 9 where id = $1", home.property)
    await till.site.world.root.execute("update cleaner set pay_tier = 'gold' where id = $1", lead.person)
    await till.site.settle()
    second = await till.paid(*crew, **work)

    assert {one["cleaner_id"] for one in await till.payouts(first)} == {primary.person, lead.person}
    row = await till.payout(lead, first)
    assert (row["base_cents"], row["urgent_cents"], row["laundry_cents"]) == (5_950, 1_000, 1_000)
    assert (row["rate_cents"], row["tier"], row["policy"]) == (1_700, "standard", "PARTICIPATED")
    assert {one["cleaner_id"] for one in await till.payouts(second)} == {primary.person, lead.person, idle.person}
    anew = await till.payout(lead, second)
    assert (anew["base_cents"], anew["urgent_cents"], anew["laundry_cents"]) == (21_000, 9_000, 81_000)
    assert (anew["rate_cents"], anew["tier"], anew["policy"]) == (6_000, "gold", "ALL_ASSIGNED")


async def test_a_backup_who_never_came_is_not_paid_and_one_who_checked_in_is(till: Till) -> None:
    """R154, A11."""
    primary, idle, helping = [await till.cleaner() for _ in range(3)]
    first = await till.paid((primary, PRIMARY), (idle, BACKUP), stays_away=[idle])
    assert [row["cleaner_id"] for row in await till.payouts(first)] == [primary.person]

    second = await till.paid((primary, PRIMARY), (helping, BACKUP))
    assert {row["cleaner_id"] for row in await till.payouts(second)} == {primary.person, helping.person}


async def test_everybody_assigned_is_paid_where_the_business_says_so(till: Till) -> None:
    """R154, A11: the policy is kept on each row."""
    await till.site.settings(payments={"participation": "ALL_ASSIGNED"})
    primary, idle = await till.cleaner(), await till.cleaner()
    job = await till.paid((primary, PRIMARY), (idle, BACKUP), stays_away=[idle])
    rows = await till.payouts(job)
    assert {row["cleaner_id"] for row in rows} == {primary.person, idle.person}
    assert {row["policy"] for row in rows} == {"ALL_ASSIGNED"}


async def test_nobody_is_paid_before_the_clean_is_proven_and_its_money_taken(till: Till) -> None:
    """R113, R156: proven and not captured yet, there is no payout; with the capture there is."""
    who = await till.cleaner()
    job = await till.clean((who, PRIMARY))
    assert await till.site.status(job) == "CAPTURE_PENDING"
    assert await till.payouts() == []
    await till.site.settle("send_money")
    assert [row["status"] for row in await till.payouts()] == ["PENDING"]
    assert till.transfers() == []


async def test_payouts_that_the_price_does_not_cover_raise_an_alarm_and_wait_for_a_decision(till: Till) -> None:
    """A12: 3 h x 2 on 80.00 less 1.60; the first is covered and paid, the second is held."""
    first, second = await till.cleaner(), await till.cleaner()
    job = await till.paid((first, PRIMARY), (second, LEAD), cents=8_000)

    assert await till.site.alarms() == ["margin_negative"]
    rows = await till.payouts(job)
    assert [(row["status"], row["hold_reason"]) for row in rows] == [("RELEASED", None), ("HELD", "NOT_COVERED")]
    assert [made["amount"] for made in till.transfers()] == [5_100]


@pytest.mark.parametrize("twice", ["captured", "task"])
async def test_whatever_comes_twice_pays_once(till: Till, twice: str) -> None:
    """R171: the sweep, the same task, and the same transfer by another way change nothing."""
    who = await till.cleaner()
    await till.paid((who, PRIMARY))
    before = await till.site.picture()
    if twice == "task":
        await till.site.attempt("release_payout", {"payout": str((await till.payout(who))["id"])})
    else:
        payload = {"market_id": str(till.site.town.market), "due_at": "x"}
        await till.site.attempt("sweep_payouts", payload)
    assert await till.site.picture() == before
    assert len(till.journalled()) == 1
