"""Periodic duties as data, and the tick that turns their due times into tasks, each once (A1, A4, A25).

Whatever number of workers tick, a due time is one row of `duty_run`, written by the same statement as its task. Ticks
look back, so that what fell due while no worker ran is still done.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import asyncpg
import structlog

from db.ids import new_id
from domain.actors import TenantId
from domain.availability import MarketCalendar
from domain.errors import Refused
from domain.ids import MarketId
from tasks.clock import MarketClock, Schedule, daily, every, window_reminders, window_transitions

LOOK_BACK = timedelta(hours=25)
"""The longest day, on which the clocks go back: each daily duty has a due time in it."""
LOOK_AHEAD = timedelta(minutes=10)

log = structlog.get_logger(__name__)


class CatchUp(StrEnum):
    """What becomes of due times that passed while no worker ran."""

    LATEST = "LATEST"
    """However many were missed, the duty runs once."""
    EACH = "EACH"
    """Each is run; those of one tick in no particular order."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that is to be done again and again, by the wall clock of each market."""

    name: str
    """Also the kind of its tasks; their payload is `market_id` and `due_at`."""
    schedule: Schedule
    schedule_words: str
    purpose: str
    catch_up: CatchUp = CatchUp.LATEST
    ahead: timedelta = timedelta(0)
    """How long before the due time the task is written, for what must happen at its very instant."""


DUTIES: tuple[Duty, ...] = (
    Duty(
        "announce_window",
        window_transitions,
        "whenever the availability window changes its state",
        "Announces that the availability window has opened, entered its grace period, or closed (R92).",
        ahead=LOOK_AHEAD,
    ),
    Duty(
        "remind_of_deadline",
        window_reminders,
        "24 hours, 2 hours and 15 minutes before the deadline of the availability window",
        "Reminds the cleaners who have not submitted their availability for the coming two weeks (R84, R85).",
    ),
    Duty(
        "remind_of_shifts",
        daily(hour=18),
        "daily at 18:00",
        "Reminds cleaners by SMS of what they work on the next day (R188).",
    ),
    Duty("sweep_swaps", every(minutes=5), "every 5 minutes", "Expires swaps whose own task was lost (R100)."),
    Duty(
        "sweep_photos",
        every(minutes=5),
        "every 5 minutes",
        "Checks photos that arrived and were never confirmed, and expires those that never came.",
    ),
    Duty(
        "watch_arrivals",
        every(minutes=1),
        "every minute",
        "Sees who has not come: alerts the office, looks for somebody else, counts no-shows (A46).",
    ),
    Duty(
        "scrub_positions",
        every(minutes=10),
        "every 10 minutes",
        "Forgets where cleaners were: in the log of events after an hour.",
    ),
    Duty(
        "rate_cleaners",
        daily(hour=4),
        "daily at 04:00",
        "Makes every cleaner's score of reliability anew: what happened has grown a day older (A47).",
    ),
    Duty(
        "hold_payments",
        every(minutes=15),
        "every 15 minutes; at 20:00 and 01:00 of the market (or its own hours) for the whole of tomorrow",
        "Holds the price of what is to be cleaned on the customers' cards, and looks after the holds (R140, A1, A2).",
    ),
    Duty(
        "tend_plans",
        daily(hour=2),
        "daily at 02:00",
        "Makes the jobs of the cleaning plans' coming weeks, and ends pauses and terms that are over (R63).",
    ),
    Duty(
        "sweep_money",
        every(minutes=5),
        "every 5 minutes",
        "Takes up every step of money that nobody is at, refunds too, and ends what was left on a bank's page (R238).",
    ),
    Duty(
        "watch_plan",
        every(minutes=30),
        "every 30 minutes",
        "Ends the business's trial when its time is over, and reads what its plan is at the provider (R178, A42).",
    ),
    Duty(
        "sweep_payouts",
        every(minutes=15),
        "every 15 minutes, every day",
        "Pays what cleaners are owed and is due, and frees what was held for a cause that is gone (R174 to R176, A3).",
    ),
    Duty(
        "check_money",
        every(minutes=60),
        "every hour",
        "Judges the books by every rule that our own rows can show broken, and raises and clears alarms (R237, R239).",
    ),
    Duty(
        "reconcile_money",
        daily(hour=3),
        "daily at 03:00",
        "Walks the provider's lists against our rows, both ways, and its balance against the books (R237, R239).",
    ),
    Duty("prune_log", daily(hour=3), "daily at 03:00", "Deletes events, receipts and tasks that are too old."),
)

_CLOCKS = """
select m.*, d.name as duty, (select max(r.due_at) from duty_run r where r.tenant_id = m.tenant_id
    and r.market_id = m.market_id and r.duty = d.name and r.due_at <= m.business_now) as noticed
from market_clocks() m cross join unnest($1::text[]) as d (name)
order by m.tenant_id, m.market_id"""

_NOTICE = """
with due as (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::uuid[])
        as due (tenant_id, market_id, duty, due_at, noticed_at, task_id)),
noticed as (
    insert into duty_run (tenant_id, market_id, duty, due_at, noticed_at, task_id)
    select tenant_id, market_id, duty, due_at, noticed_at, task_id from due
    on conflict do nothing returning task_id)
insert into task (tenant_id, id, kind, payload, run_at, created_at)
select due.tenant_id, due.task_id, due.duty, jsonb_build_object('market_id', due.market_id, 'due_at', due.due_at),
       due.due_at, due.noticed_at
from due join noticed on noticed.task_id = due.task_id"""


@dataclass(frozen=True, slots=True)
class DutyClock:
    """A duty in a market, and when it last fell due there (None: never)."""

    duty: Duty
    clock: MarketClock
    noticed: datetime | None

    def due_times(self) -> list[datetime]:
        """The due times that have no row yet, as far as one tick looks; some may have one after all."""
        now = self.clock.now
        since = max(self.noticed or self.clock.created_at, now - LOOK_BACK)
        due = list(self.duty.schedule(self.clock, since, now + self.duty.ahead))
        missed = [at for at in due if at <= now]
        if self.duty.catch_up is CatchUp.LATEST:
            due = missed[-1:] + due[len(missed) :]
        return due

    def next_due(self) -> datetime | None:
        """The first due time from now on; None if there is none within a month."""
        until = self.clock.now + timedelta(days=31)
        return next(iter(self.duty.schedule(self.clock, self.clock.now, until)), None)


async def duty_clocks(ops: asyncpg.Pool, duties: Sequence[Duty] = DUTIES) -> list[DutyClock]:
    """Every duty in every market of every tenant, as of now; markets whose calendar makes no sense are left out."""
    by_name = {duty.name: duty for duty in duties}
    rows = await ops.fetch(_CLOCKS, list(by_name))
    return [DutyClock(by_name[row["duty"]], clock, row["noticed"]) for row in rows if (clock := _market_clock(row))]


async def tick(ops: asyncpg.Pool, duties: Sequence[Duty] = DUTIES) -> int:
    """Write a task for each due time that has none yet; how many there were. Anybody may call it at any time."""
    rows = [row for one in await duty_clocks(ops, duties) for row in _rows(one)]
    if not rows:
        return 0
    status = await ops.execute(_NOTICE, *map(list, zip(*rows, strict=True)))
    return int(status.split()[-1])


def _rows(one: DutyClock) -> Iterator[tuple[Any, ...]]:
    for due_at in one.due_times():
        yield one.clock.tenant, one.clock.market, one.duty.name, due_at, one.clock.now, new_id()


def _market_clock(row: asyncpg.Record) -> MarketClock | None:
    try:
        calendar = MarketCalendar(
            row["zone"],
            row["window_epoch"],
            row["window_lead_days"],
            row["window_deadline_hour"],
            row["window_grace_minutes"],
        )
    except Refused as refusal:
        # One market's bad settings must not keep the others' duties from being done.
        log.warning("market_calendar_invalid", market_id=str(row["market_id"]), reason=refusal.message)
        return None
    return MarketClock(
        tenant=TenantId(row["tenant_id"]),
        market=MarketId(row["market_id"]),
        calendar=calendar,
        created_at=row["created_at"],
        now=row["business_now"],
    )
