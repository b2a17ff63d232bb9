"""Payouts as clients read them: administrators all, a cleaner their own, nobody else any (R20, R177, R190, A41)."""

from datetime import timedelta

from domain.scheduling import AssignmentRole
from tests.payments.site import ZONE
from tests.payouts.till import Till
from tests.product.world import Api, gid

PRIMARY = AssignmentRole.PRIMARY
FIELDS = """kind status amountCents baseCents holdReason why whatToDo transferId accountId failureCode carriedInto
    job { id } cleaner { id } policy expectedHours rateCents tier role"""
PAYOUTS = f"{{ payouts {{ nodes {{ id {FIELDS} }} }} }}"
STATEMENT = """query ($start: Date!, $end: Date!, $who: ID) {
    statement(periodStart: $start, periodEnd: $end, cleanerId: $who)
    { currency baseCents tipCents earnedCents paidCents pendingCents heldCents reversedCents
      lines { payoutId jobId day kind status holdReason earnedCents } } }"""
EXPORT = "payrollExport { lines totalCents currency url market { id } periodStart periodEnd }"


async def test_a_payout_is_seen_by_its_cleaner_and_administrators_alone(till: Till, api: Api) -> None:
    """R20: the provider's words are administrators'; what to do is each one's own part."""
    who, colleague, home = await till.cleaner(None), await till.cleaner(), await till.site.home()
    job = await till.paid((who, PRIMARY), home=home)
    (mine,) = (await api.data(who, PAYOUTS.replace("accountId failureCode", "")))["payouts"]["nodes"]
    assert (mine["status"], mine["holdReason"], mine["job"]["id"]) == ("HELD", "NO_ACCOUNT", gid("Job", job))
    assert mine["whatToDo"].startswith("Set up payouts")
    (admins,) = (await api.data(till.site.town.owner, PAYOUTS))["payouts"]["nodes"]
    assert admins["whatToDo"].startswith("Ask the cleaner")
    others = (colleague, home.who, await till.site.town.dispatcher(), till.site.other.owner)
    for actor in others:
        assert (await api.data(actor, PAYOUTS))["payouts"]["nodes"] == []
    of_job = "query ($id: ID!) { job(id: $id) { payouts(filter: { status: [HELD] }) { nodes { id } } } }"
    found = (await api.data(till.site.town.owner, of_job, id=gid("Job", job)))["job"]["payouts"]["nodes"]
    assert [one["id"] for one in found] == [admins["id"]]


async def test_a_statement_adds_up(till: Till, api: Api) -> None:
    """R177: a cleaner's own, and for administrators the one they name; a period that makes no sense has none."""
    who, colleague = await till.cleaner(), await till.cleaner()
    await till.paid((who, PRIMARY), hours="3.5")
    today = (await till.site.now()).astimezone(ZONE).date()
    period = {"start": str(today - timedelta(days=30)), "end": str(today)}
    mine = (await api.data(who, STATEMENT, **period))["statement"]
    sums = ("currency", "baseCents", "tipCents", "earnedCents", "paidCents", "pendingCents", "heldCents")
    assert [mine[name] for name in sums] == ["usd", 5_950, 0, 5_950, 5_950, 0, 0]
    assert [(line["status"], line["day"]) for line in mine["lines"]] == [("RELEASED", str(today))]

    named = {**period, "who": gid("Cleaner", who.person)}
    assert (await api.data(till.site.town.owner, STATEMENT, **named))["statement"] == mine
    assert (await api.data(colleague, STATEMENT, **named))["statement"] is None
    assert (await api.data(till.site.other.owner, STATEMENT, **named))["statement"] is None
    assert (await api.data(who, STATEMENT, start=period["end"], end=period["start"]))["statement"] is None


async def test_the_file_of_an_export_is_fetched_at_its_short_lived_address(till: Till, api: Api) -> None:
    """A41: signed; with a letter changed there is nothing."""
    await till.site.settings(payments={"payoutsMode": "PAYROLL"})
    who = await till.cleaner(None)
    await till.paid((who, PRIMARY))
    await till.site.move(timedelta(days=1))
    today = (await till.site.now()).astimezone(ZONE).date()
    period = {"periodStart": str(today - timedelta(days=3)), "periodEnd": str(today - timedelta(days=1))}
    made = (await api.do(till.site.town.owner, "exportPayroll", period, EXPORT))["payrollExport"]
    assert (made["lines"], made["totalCents"], made["market"]) == (1, 5_100, None)
    file = await api.http.get(made["url"])
    assert (file.status_code, file.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert str(who.person) in file.text
    forged = made["url"][:-1] + ("A" if made["url"][-1] != "A" else "Q")
    assert (await api.http.get(forged)).status_code == 404
