"""Payouts that the business pays by its own payroll: taken over into a file, each once (A41).

A period is exported when it is over. The same period again gives the same file; what was held meanwhile comes into the
period in which it was set free.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Date, Row, and_, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import ADMINS, Role
from domain.errors import Conflict, Invalid, NotFound
from domain.ids import MarketId, PayrollExportId
from domain.payments.ledger import Account, EntryKind, Posting
from domain.payments.payouts import PayoutsMode, PayoutStatus
from domain.payments.payroll import PayLine, payroll_csv
from models import cleaner, job, market, payout, payroll_export
from services.inputs import arg
from services.payments.ledger import Entry, book_all
from services.payouts.carrying import own_tip
from services.payouts.state import tell_payout
from services.payouts.sweeping import is_under_way
from services.policies import tenant_policy

LONGEST = timedelta(days=366)
CHUNK = 500


@dataclass(frozen=True, slots=True)
class ExportPayroll:
    """A period that is to be paid by the business's own payroll."""

    period_start: date = arg("Its first day, by the clocks of the markets.")
    period_end: date = arg("Its last day; it must be over. At most 366 days.")
    market_id: MarketId | None = arg("Of one market alone; of all unless told.", default=None)


@dataclass(frozen=True, slots=True)
class ReadExport:
    """An export whose file is fetched."""

    export: PayrollExportId


@dataclass(frozen=True, slots=True)
class PayrollFile:
    """The file of an export."""

    name: str
    content: str


@command(*ADMINS)
async def export_payroll(tx: Tx, input: ExportPayroll) -> PayrollExportId:
    """Take over what cleaners are owed of a period into a CSV file, one line for each cleaner and clean (A41).

    Each payout is taken over once; the same period again gives the same file. For a business that pays by payroll.
    """
    policy = await tenant_policy(tx)
    await _ensure_period(tx, input)
    async with tx.as_system(wholly=True):
        made, is_new = await _claim(tx, input, policy.pay.currency)
        if not is_new:
            return made
        if policy.payments.payouts_mode is not PayoutsMode.PAYROLL:
            raise Conflict("This business pays its cleaners by transfers.")
        rows = await _take(tx, input, made, policy.pay.currency)
        await _write(tx, made, await _lines(tx, rows))
    for start in range(0, len(rows), CHUNK):
        await book_all(tx, [_entry(row) for row in rows[start : start + CHUNK]])
    for row in rows:
        tell_payout(tx, row)
    tx.audit("PayrollExport", made, detail={"payouts": len(rows)})
    return made


@command(Role.SYSTEM)
async def read_payroll(tx: Tx, input: ReadExport) -> PayrollFile:
    """The file as it was first given out. Raises `NotFound`."""
    row = await tx.one(select(payroll_export).where(tx.own(payroll_export), payroll_export.c.id == input.export))
    if row is None:
        raise NotFound
    return PayrollFile(f"payroll-{row.period_start}-{row.period_end}.csv", row.content)


async def _ensure_period(tx: Tx, input: ExportPayroll) -> None:
    if input.period_end < input.period_start or input.period_end - input.period_start >= LONGEST:
        raise Invalid("The period ends on or after its first day, within 366 days.", field=("periodEnd",))
    if input.market_id is not None:
        await tx.get(market, input.market_id, "marketId")
    one = () if input.market_id is None else (market.c.id == input.market_id,)
    zones = await tx.all(select(market.c.zone).where(tx.own(market), *one).distinct())
    if any(tx.now.astimezone(ZoneInfo(row.zone)).date() <= input.period_end for row in zones):
        raise Invalid("The period is not over yet.", field=("periodEnd",))


async def _claim(tx: Tx, input: ExportPayroll, currency: str) -> tuple[PayrollExportId, bool]:
    """The export of this period and whether it is a new one; who is second waits here for the first."""
    named = {"market_id": input.market_id, "period_start": input.period_start, "period_end": input.period_end}
    made = await tx.scalar(
        insert(payroll_export)
        .values(
            tenant_id=tx.actor.tenant,
            id=new_id(),
            **named,
            currency=currency,
            lines=0,
            total_cents=0,
            content="",
            made_by=tx.actor.person,
            created_at=tx.now,
        )
        .on_conflict_do_nothing(constraint="payroll_export_once")
        .returning(payroll_export.c.id)
    )
    if made is not None:
        return PayrollExportId(made), True
    same = (payroll_export.c[name].is_not_distinct_from(value) for name, value in named.items())
    there: UUID = await tx.scalar(select(payroll_export.c.id).where(tx.own(payroll_export), *same))
    return PayrollExportId(there), False


async def _take(tx: Tx, input: ExportPayroll, export: PayrollExportId, currency: str) -> Sequence[Row[Any]]:
    """Mark every payout of the period that waits, in one statement; which they are."""
    day = cast(func.timezone(market.c.zone, payout.c.due_at), Date)
    of_market = () if input.market_id is None else (job.c.market_id == input.market_id,)
    return await tx.all(
        update(payout)
        .where(
            tx.own(payout),
            payout.c.status == PayoutStatus.PENDING,
            payout.c.currency == currency,
            and_(job.c.tenant_id == payout.c.tenant_id, job.c.id == payout.c.job_id),
            and_(market.c.tenant_id == job.c.tenant_id, market.c.id == job.c.market_id),
            day.between(input.period_start, input.period_end),
            # What has been asked of the provider is paid there, or comes into a later export.
            ~is_under_way(tx),
            *of_market,
        )
        .values(status=PayoutStatus.EXPORTED.value, export_id=export, updated_at=tx.now, version=payout.c.version + 1)
        .returning(payout)
    )


async def _lines(tx: Tx, rows: Sequence[Row[Any]]) -> list[PayLine]:
    """One for each cleaner and clean, by name, day and job."""
    jobs = {row.job_id for row in rows}
    people = {row.cleaner_id for row in rows}
    places = job.join(market, and_(market.c.tenant_id == job.c.tenant_id, market.c.id == job.c.market_id))
    cleans = {
        row.id: row
        for row in await tx.all(
            select(job.c.id, job.c.starts_at, market.c.name, market.c.zone)
            .select_from(places)
            .where(tx.own(job), job.c.id.in_(jobs))
        )
    }
    names = {
        row.id: row.name
        for row in await tx.all(select(cleaner.c.id, cleaner.c.name).where(tx.own(cleaner), cleaner.c.id.in_(people)))
    }
    together: dict[tuple[UUID, UUID], list[Row[Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda one: one.id):
        together[row.cleaner_id, row.job_id].append(row)
    lines = [_line(parts, names[who], cleans[clean]) for (who, clean), parts in together.items()]
    return sorted(lines, key=lambda line: (line.cleaner, line.cleaner_id, line.day, line.job_id))


def _line(parts: Sequence[Row[Any]], name: str, clean: Row[Any]) -> PayLine:
    first = parts[0]
    return PayLine(
        cleaner_id=first.cleaner_id,
        cleaner=name,
        job_id=first.job_id,
        day=clean.starts_at.astimezone(ZoneInfo(clean.zone)).date(),
        market=clean.name,
        role=first.role,
        tier=first.tier,
        hours=Decimal(first.expected_hours),
        rate_cents=first.rate_cents,
        base_cents=sum(part.base_cents for part in parts),
        urgent_cents=sum(part.urgent_cents for part in parts),
        laundry_cents=sum(part.laundry_cents for part in parts),
        # What was carried over from a time of transfers is in no other line.
        tip_cents=sum(part.tip_cents + part.carried_cents for part in parts),
        currency=first.currency,
    )


async def _write(tx: Tx, export: PayrollExportId, lines: Sequence[PayLine]) -> None:
    await tx.write(
        update(payroll_export)
        .where(tx.own(payroll_export), payroll_export.c.id == export)
        .values(lines=len(lines), total_cents=sum(line.total_cents for line in lines), content=payroll_csv(lines))
    )


def _entry(row: Row[Any]) -> Entry:
    """It is not owed any more: the business pays it outside of this installation."""
    tips = own_tip(row)
    owed = (Posting(Account.PAYABLE, row.amount_cents - tips), Posting(Account.TIPS, tips))
    return Entry(
        EntryKind.PAYROLL,
        f"payroll:{row.id}",
        row.currency,
        (*owed, Posting(Account.PAYROLL, -row.amount_cents)),
        job=row.job_id,
        payment=row.payment_id,
        payout=row.id,
    )
