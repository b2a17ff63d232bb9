"""Payroll: whoever pays their people themselves takes the pay over, each payout once (A41)."""

import csv
import io
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from domain.errors import Code
from domain.payments.payroll import COLUMNS
from domain.scheduling import AssignmentRole
from services.payouts.payroll import ExportPayroll, ReadExport, export_payroll, read_payroll
from services.payouts.tips import TipJob, tip_job
from tests.payouts.till import Till

PRIMARY = AssignmentRole.PRIMARY
ZONE = ZoneInfo("America/New_York")


async def _by_payroll(till: Till) -> None:
    await till.site.settings(payments={"payoutsMode": "PAYROLL"})


async def _period(till: Till) -> tuple[date, date]:
    """From a week ago to yesterday, a day later."""
    await till.site.move(timedelta(days=1))
    today = (await till.site.now()).astimezone(ZONE).date()
    return today - timedelta(days=7), today - timedelta(days=1)


async def test_a_period_is_taken_over_once_and_gives_the_same_file_again(till: Till) -> None:
    """A41: one line for a cleaner and clean, tips in it; no transfer, no account, and the books."""
    await _by_payroll(till)
    who, home = await till.cleaner(None), await till.site.home()
    job = await till.paid((who, PRIMARY), hours="3.5", home=home)
    assert home.card is not None
    await till.site.do(home.who, tip_job, TipJob(job, 500, home.card, "https://cleanshift.test/x"))
    await till.site.settle()
    assert [row["status"] for row in await till.payouts()] == ["PENDING", "PENDING"]

    start, end = await _period(till)
    owner = till.site.town.owner
    made = await till.site.do(owner, export_payroll, ExportPayroll(start, end))
    file = await till.site.system(read_payroll, ReadExport(made))
    header, line = list(csv.reader(io.StringIO(file.content)))
    assert tuple(header) == COLUMNS
    said = dict(zip(header, line, strict=True))
    assert (said["cleaner_id"], said["job_id"]) == (str(who.person), str(job))
    assert (said["base_cents"], said["tip_cents"], said["total_cents"]) == ("5950", "500", "6450")
    assert (said["base"], said["total"], said["hours"], said["currency"]) == ("59.50", "64.50", "3.50", "usd")

    assert {row["status"] for row in await till.payouts()} == {"EXPORTED"}
    books = await till.site.books()
    assert (books["PAYABLE"], books["TIPS"], books["PAYROLL"]) == (0, 0, -6_450)
    assert till.journalled() == []
    before = await till.site.picture()
    assert await till.site.do(owner, export_payroll, ExportPayroll(start, end)) == made
    assert (await till.site.system(read_payroll, ReadExport(made))).content == file.content
    after = await till.site.picture()
    assert {name for name in after if after[name] != before[name]} <= {"audit"}

    wider = await till.site.do(owner, export_payroll, ExportPayroll(start - timedelta(days=7), end))
    assert (await till.site.row("payroll_export", wider))["lines"] == 0


async def test_a_period_that_is_not_over_or_makes_no_sense_is_refused(till: Till) -> None:
    """A41: what still can come into it would be lost."""
    await _by_payroll(till)
    today = (await till.site.now()).astimezone(ZONE).date()
    for start, end in (
        (today, today),
        (today - timedelta(days=1), today - timedelta(days=2)),
        (today - timedelta(days=400), today - timedelta(days=1)),
    ):
        async with till.site.refused(Code.INVALID):
            await till.site.do(till.site.town.owner, export_payroll, ExportPayroll(start, end))


async def test_who_pays_by_transfers_exports_nothing(till: Till) -> None:
    """A41: nobody is paid twice."""
    who = await till.cleaner(None)
    await till.paid((who, PRIMARY))
    start, end = await _period(till)
    async with till.site.refused(Code.CONFLICT):
        await till.site.do(till.site.town.owner, export_payroll, ExportPayroll(start, end))


async def test_the_file_is_administrators_alone(till: Till) -> None:
    """R20: no dispatcher, cleaner or other business."""
    await _by_payroll(till)
    start, end = await _period(till)
    for actor in (await till.site.town.dispatcher(), await till.cleaner(None)):
        async with till.site.refused(Code.FORBIDDEN):
            await till.site.do(actor, export_payroll, ExportPayroll(start, end))


async def test_what_was_held_for_an_account_is_free_once_the_business_pays_by_payroll(till: Till) -> None:
    """A41, A37: there is no account to wait for, and nothing too small."""
    await till.site.settings(pay={"rateCents": 30})
    who = await till.cleaner(None)
    await till.paid((who, PRIMARY), hours="1")
    assert (await till.payout(who))["status"] == "HELD"
    await _by_payroll(till)
    await till.sweep()
    assert (await till.payout(who))["status"] == "PENDING"
