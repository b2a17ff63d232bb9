"""The checklist is worked item by item, each tick with its time in the chain (R110, R116)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.errors import IllegalTransition
from domain.fieldwork.chain import EntryKind
from domain.fieldwork.phases import AT_WORK, VisitPhase
from domain.ids import ChecklistItemId
from models import checklist_item
from services.cards import job_progressed
from services.checks import text
from services.fieldwork.chain import append
from services.fieldwork.holding import Held, hold_own_part
from services.fieldwork.steps import ensure_workable
from services.fieldwork.told import Device
from services.gate import ensure_onboarded
from services.inputs import arg

AFTER_CHECK_OUT = "AFTER_CHECK_OUT"
"""Flags a tick that reached the server when its cleaner had left: kept, and seen to be late."""


@dataclass(frozen=True, slots=True)
class TickItem:
    """An item that is done, or that is not done after all."""

    item_id: ChecklistItemId = arg("An item of a job that the acting cleaner is at work on.")
    done: bool = arg("Whether it is done.")
    note: str | None = arg("What the office should know, at most 500 characters; as it was unless told.", default=None)
    device: Device | None = arg("The device's own clock.", default=None)


@command(Role.CLEANER, when_unpaid=True)
async def tick_item(tx: Tx, input: TickItem) -> ChecklistItemId:
    """Tick an item of one's job, or take the tick back, while at work (R110, R116).

    A tick that was made offline and comes after the check-out is kept and flagged, until the job is proven. Telling
    again what is so already changes nothing.
    """
    await ensure_onboarded(tx)
    note = text(input.note, "note", least=0, most=500)
    known = await tx.get(checklist_item, input.item_id, "itemId")
    held = await hold_own_part(tx, known.job_id)
    ensure_workable(held.job)
    flags = _flags(held)
    async with tx.as_system():
        before = await tx.get(checklist_item, input.item_id, "itemId")
        after = _after(tx, before, input.done, note)
        if after:
            await tx.change(checklist_item, before.id, **after)
            kind = EntryKind.ITEM_TICKED if input.done else EntryKind.ITEM_REOPENED
            payload = {**_said(before), "note": after.get("note", before.note), "flags": flags}
            await append(tx, held.job.id, kind, payload, input.device)
            await job_progressed(tx, held.job.id)
    return input.item_id


def _flags(held: Held) -> list[str]:
    """What is odd about a tick at this point; raises `IllegalTransition` for whoever is not at work (R104)."""
    phase = None if held.visit is None else VisitPhase(held.visit.phase)
    if phase in AT_WORK:
        return []
    if phase is VisitPhase.DONE:
        return [AFTER_CHECK_OUT]
    raise IllegalTransition(
        "The checklist is worked between the start of the work and the check-out.",
        details={"from": phase, "allowed": sorted(AT_WORK)},
    )


def _after(tx: Tx, before: Row[Any], done: bool, note: str | None) -> dict[str, Any]:
    """The columns that become different; none where all is so already."""
    values: dict[str, Any] = {}
    if done != (before.done_at is not None):
        values = {"done_at": tx.now, "done_by": tx.actor.cleaner_id} if done else {"done_at": None, "done_by": None}
    if note is not None and note != before.note:
        values["note"] = note
    return values


def _said(item: Row[Any]) -> dict[str, Any]:
    return {"itemId": str(item.id), "place": item.place, "zone": item.zone, "label": item.label}
