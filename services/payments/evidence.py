"""The proof of a clean in words, as a customer's bank is told it (R119 to R123, R213).

Drawn up from what was recorded at the time: who came when and how near, what was ticked, which photos with their
hashes, and what the customer agreed to. Nothing is in it that the packet of the clean does not show.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select

from db.tx import Tx
from domain.fieldwork.photos import PhotoStatus
from domain.money import written
from models import checklist_item, evidence, job, market, payment_method, photo, visit
from models import property as home

LONGEST = 20_000
"""What a provider takes of one text."""


async def draft_evidence(tx: Tx, paid: Row[Any]) -> str:
    """The answer to a dispute about a payment, drafted."""
    async with tx.as_system(wholly=True):
        lines = [_opening(paid)]
        if paid.job_id is not None:
            lines += [line async for line in _clean(tx, paid)]
        lines += await _consent(tx, paid)
    return "\n".join(lines)[:LONGEST]


def _opening(paid: Row[Any]) -> str:
    taken = f"{written(paid.captured_cents)} {paid.currency.upper()}"
    at = "" if paid.captured_at is None else f" on {paid.captured_at:%Y-%m-%d %H:%M} UTC"
    return f"The payment of {taken} was taken{at} for a cleaning service, after the service had been proven."


async def _clean(tx: Tx, paid: Row[Any]) -> Any:
    clean = await tx.get(job, paid.job_id)
    where, place = await tx.get(home, clean.property_id), await tx.get(market, clean.market_id)
    zone = ZoneInfo(place.zone)
    yield f"Place of service: {where.address}, {where.postal_code} {where.city}."
    yield f"Planned for {_wall(clean.starts_at, zone)}; reference {clean.id}."
    for line in _visits(await _of(tx, visit, clean), zone):
        yield line
    for line in _photos(await _of(tx, photo, clean), zone):
        yield line
    for line in _ticks(await _of(tx, checklist_item, clean), zone):
        yield line
    packet = await tx.one(select(evidence).where(tx.own(evidence), evidence.c.job_id == clean.id))
    if packet is not None:
        chain = f"{packet.entries} chained entries, the last with hash {packet.head.hex()}"
        yield f"The packet of evidence is {packet.status.lower().replace('_', ' ')}: {chain}."


def _visits(rows: Sequence[Row[Any]], zone: ZoneInfo) -> Iterator[str]:
    for row in rows:
        if row.checked_in_at is None:
            continue
        near = (
            "" if row.check_in_distance_metres is None else f", {row.check_in_distance_metres:.0f} m from the address"
        )
        left = "" if row.checked_out_at is None else f", out at {_wall(row.checked_out_at, zone)}"
        yield f"A cleaner checked in at {_wall(row.checked_in_at, zone)}{near} (GPS){left}."


def _photos(rows: Sequence[Row[Any]], zone: ZoneInfo) -> Iterator[str]:
    kept = [row for row in rows if row.status == PhotoStatus.STORED]
    yield f"{len(kept)} photos were received and checked by the server:"
    for row in kept:
        yield f"- {row.stage.lower()}, {row.zone}, {_wall(row.stored_at, zone)}, sha256 {row.sha256.hex()}"


def _ticks(rows: Sequence[Row[Any]], zone: ZoneInfo) -> Iterator[str]:
    done = [row for row in rows if row.done_at is not None]
    yield f"{len(done)} of {len(rows)} points of the checklist were done:"
    for row in done:
        yield f"- {row.zone}: {row.label}, {_wall(row.done_at, zone)}"


async def _consent(tx: Tx, paid: Row[Any]) -> list[str]:
    """What the customer agreed to, in the words that they saw."""
    if paid.method_id is None:
        return []
    card = await tx.get(payment_method, paid.method_id)
    if card.consented_at is None:
        return []
    at = f"{card.consented_at:%Y-%m-%d %H:%M} UTC from {card.consent_address or 'an unknown address'}"
    return [f"The cardholder agreed to later charges at {at} (text {card.consent_version}): {card.consent_text}"]


async def _of(tx: Tx, table: Any, clean: Row[Any]) -> Sequence[Row[Any]]:
    return await tx.all(select(table).where(tx.own(table), table.c.job_id == clean.id).order_by(table.c.id).limit(500))


def _wall(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
