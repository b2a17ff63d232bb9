"""What a provider has told us: kept once, however often it comes, and worked off later by what is true then (R183)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import Role
from domain.errors import NotFound
from domain.payments.states import WebhookState
from domain.payments.webhooks import Notice
from models import webhook_event
from services.payments.absorbers import ABSORBERS
from services.payments.accounts import ProviderKeys, own_keys

HANDLE_TASK = "handle_webhook"


@dataclass(frozen=True, slots=True)
class KeepNotice:
    """A notice whose signature was right."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class FindNotice:
    """A notice that was kept."""

    id: UUID


@dataclass(frozen=True, slots=True)
class Kept:
    """A notice that is to be worked off, and with whose keys."""

    notice: Notice
    keys: ProviderKeys | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class AbsorbNotice:
    """A notice with the thing that it is about as it is now; None where nothing is to be done."""

    id: UUID
    kind: str | None = None
    thing: Mapping[str, Any] | None = None


@command(Role.SYSTEM)
async def keep_notice(tx: Tx, input: KeepNotice) -> bool:
    """Keep a notice and have it worked off; False where it is known already, and nothing has changed."""
    said = input.notice
    values = {
        "tenant_id": tx.actor.tenant,
        "id": new_id(),
        "event_id": said.event,
        "type": said.type,
        "kind": said.kind,
        "object_id": said.thing,
        "account_id": said.account,
        "state": WebhookState.RECEIVED.value,
        "received_at": tx.now,
    }
    fresh = insert(webhook_event).values(**values).on_conflict_do_nothing(index_elements=["tenant_id", "event_id"])
    made = await tx.one(fresh.returning(webhook_event.c.id))
    if made is not None:
        tx.later(HANDLE_TASK, {"event": str(made.id)}, dedupe_key=f"webhook:{made.id}")
    return made is not None


@command(Role.SYSTEM, secret=True)
async def find_notice(tx: Tx, input: FindNotice) -> Kept | None:
    """A notice that is still to be worked off, and the business's keys; None where it has been."""
    row = await _row(tx, input.id)
    if row.state != WebhookState.RECEIVED:
        return None
    return Kept(Notice(row.event_id, row.type, row.kind, row.object_id, row.account_id), await own_keys(tx))


@command(Role.SYSTEM)
async def absorb_notice(tx: Tx, input: AbsorbNotice) -> UUID:
    """Apply the thing to our rows, and mark the notice as worked off; one of no kind of ours is ignored."""
    row = await _row(tx, input.id, lock=True)
    if row.state != WebhookState.RECEIVED:
        return input.id
    absorb = None if input.thing is None or input.kind is None else ABSORBERS.get(input.kind)
    if absorb is not None and input.thing is not None:
        await absorb(tx, input.thing)
    state = WebhookState.IGNORED if absorb is None else WebhookState.DONE
    await tx.write(
        update(webhook_event)
        .where(tx.own(webhook_event), webhook_event.c.id == row.id)
        .values(state=state.value, handled_at=tx.now)
    )
    return input.id


@command(Role.SYSTEM)
async def settle_notice(tx: Tx, input: AbsorbNotice) -> UUID:
    """Mark a notice as worked off by somebody else; without a kind as ignored."""
    state = WebhookState.IGNORED if input.kind is None else WebhookState.DONE
    await tx.write(
        update(webhook_event)
        .where(tx.own(webhook_event), webhook_event.c.id == input.id)
        .where(webhook_event.c.state == WebhookState.RECEIVED)
        .values(state=state.value, handled_at=tx.now)
    )
    return input.id


async def _row(tx: Tx, id: UUID, *, lock: bool = False) -> Row[Any]:
    found = select(webhook_event).where(tx.own(webhook_event), webhook_event.c.id == id)
    row = await tx.one(found.with_for_update() if lock else found)
    if row is None:
        raise NotFound(field=("event",))
    return row
