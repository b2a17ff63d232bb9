"""Money that is not as it must be: raised once, seen again by each check, cleared when it is mended (R237, R239)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from db.ids import new_id
from db.tx import Tx
from domain.events import Event, EventType
from models import money_alarm

NOTIFY_TASK = "notify_money_alarm"
GIVEN_UP = "asked_in_vain"
"""An alarm: what a payment needs was refused so often that it is not asked for again by itself; about the payment."""
TRANSFER_REFUSED = "transfer_refused"
"""An alarm: a transfer was refused for a reason that no account and no moment explains; about the payout."""
UNTIL_DONE = (GIVEN_UP, TRANSFER_REFUSED)
"""Alarms about what a step is about: they are over when that is done by a later attempt, or settled otherwise."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that is not as it must be."""

    kind: str
    subject: str
    detail: Mapping[str, Any]


async def keep_alarms(tx: Tx, kinds: Sequence[str], found: Sequence[Broken]) -> None:
    """Raise an alarm for everything that was found, and clear those of these kinds that were not; two statements."""
    by_name = {(one.kind, one.subject): one for one in found}
    fresh = {key: new_id() for key in by_name}
    async with tx.as_system(wholly=True):
        kept = await tx.all(_upsert(tx, [(fresh[key], one) for key, one in by_name.items()])) if by_name else ()
        still = tuple_(money_alarm.c.kind, money_alarm.c.subject)
        gone = await tx.all(
            update(money_alarm)
            .where(
                tx.own(money_alarm),
                money_alarm.c.kind.in_(kinds),
                money_alarm.c.cleared_at.is_(None),
                still.not_in(list(by_name)),
            )
            .values(cleared_at=tx.now, version=money_alarm.c.version + 1)
            .returning(money_alarm.c.id, money_alarm.c.kind)
        )
    for row in kept:
        if row.id in fresh.values():
            _tell(tx, row.id, row.kind, is_cleared=False)
            tx.later(NOTIFY_TASK, {"alarm": str(row.id)}, dedupe_key=f"alarm:{row.id}")
    for row in gone:
        _tell(tx, row.id, row.kind, is_cleared=True)


def _upsert(tx: Tx, found: Sequence[tuple[Any, Broken]]) -> Any:
    rows = [
        {
            "tenant_id": tx.actor.tenant,
            "id": id,
            "kind": one.kind,
            "subject": one.subject,
            "detail": dict(one.detail),
            "raised_at": tx.now,
            "seen_at": tx.now,
        }
        for id, one in found
    ]
    made = insert(money_alarm).values(rows)
    return made.on_conflict_do_update(
        index_elements=["tenant_id", "kind", "subject"],
        index_where=text("cleared_at is null"),
        set_={"seen_at": tx.now, "detail": made.excluded.detail},
    ).returning(money_alarm.c.id, money_alarm.c.kind)


async def raise_alarm(tx: Tx, kind: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Raise an alarm, or note that it still stands; administrators hear of a new one."""
    async with tx.as_system(wholly=True):
        fresh = new_id()
        row = await tx.one(
            insert(money_alarm)
            .values(
                tenant_id=tx.actor.tenant,
                id=fresh,
                kind=kind,
                subject=subject,
                detail=dict(detail),
                raised_at=tx.now,
                seen_at=tx.now,
            )
            .on_conflict_do_update(
                index_elements=["tenant_id", "kind", "subject"],
                index_where=text("cleared_at is null"),
                set_={"seen_at": tx.now, "detail": dict(detail)},
            )
            .returning(money_alarm.c.id)
        )
    if row is not None and row.id == fresh:
        _tell(tx, row.id, kind, is_cleared=False)
        tx.later(NOTIFY_TASK, {"alarm": str(row.id)}, dedupe_key=f"alarm:{row.id}")


async def clear_alarms(tx: Tx, kind: str, still: Collection[str] = ()) -> None:
    """Clear the alarms of a kind whose subject is not among those that still stand."""
    async with tx.as_system(wholly=True):
        gone = await tx.all(
            update(money_alarm)
            .where(
                tx.own(money_alarm),
                money_alarm.c.kind == kind,
                money_alarm.c.cleared_at.is_(None),
                money_alarm.c.subject.not_in(list(still)),
            )
            .values(cleared_at=tx.now, version=money_alarm.c.version + 1)
            .returning(money_alarm.c.id)
        )
    for row in gone:
        _tell(tx, row.id, kind, is_cleared=True)


async def clear_alarm(tx: Tx, kind: str, subject: str) -> None:
    """Clear one alarm, if it stands."""
    await clear_about(tx, (kind,), subject)


async def clear_about(tx: Tx, kinds: Collection[str], *subjects: str) -> None:
    """Clear the alarms of these kinds that stand about these subjects; one statement."""
    async with tx.as_system(wholly=True):
        gone = await tx.all(
            update(money_alarm)
            .where(
                tx.own(money_alarm),
                money_alarm.c.kind.in_(kinds),
                money_alarm.c.cleared_at.is_(None),
                money_alarm.c.subject.in_(subjects),
            )
            .values(cleared_at=tx.now, version=money_alarm.c.version + 1)
            .returning(money_alarm.c.id, money_alarm.c.kind)
        )
    for row in gone:
        _tell(tx, row.id, row.kind, is_cleared=True)


async def hold_alarm(tx: Tx, kind: str, subject: str) -> bool:
    """Whether an alarm stands. It is held: of those who find out together whether it may be cleared, the last one sees
    what all others have done.
    """
    standing = (money_alarm.c.kind == kind, money_alarm.c.subject == subject, money_alarm.c.cleared_at.is_(None))
    async with tx.as_system(wholly=True):
        found = await tx.one(select(money_alarm.c.id).where(tx.own(money_alarm), *standing).with_for_update())
    return found is not None


async def open_subjects(tx: Tx, kind: str) -> Sequence[str]:
    """What the alarms of a kind that stand are about."""
    standing = (money_alarm.c.kind == kind, money_alarm.c.cleared_at.is_(None))
    async with tx.as_system(wholly=True):
        rows = await tx.all(select(money_alarm.c.subject).where(tx.own(money_alarm), *standing))
    return [row.subject for row in rows]


async def open_alarms(tx: Tx) -> int:
    """How many stand."""
    async with tx.as_system(wholly=True):
        rows = await tx.all(select(money_alarm.c.id).where(tx.own(money_alarm), money_alarm.c.cleared_at.is_(None)))
    return len(rows)


def _tell(tx: Tx, id: Any, kind: str, *, is_cleared: bool) -> None:
    card = {"id": str(id), "kind": kind, "is_cleared": is_cleared}
    tx.emit(Event(EventType.MONEY_ALARM_CHANGED, "MoneyAlarm", id, card))
