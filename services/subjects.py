"""The keys of people: what is sealed under one can be read while it stands, and never again once it is destroyed."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.sealing import Place, fresh_key, open_sealed, seal
from db.tx import Tx
from domain.actors import Role
from domain.errors import Conflict
from models import subject_key


@dataclass(frozen=True, slots=True)
class DestroySubjectKey:
    """A subject whose secrets are to be erased: a customer, or whoever else has sealed ones."""

    subject_id: UUID


@command(Role.SYSTEM)
async def destroy_subject_key(tx: Tx, input: DestroySubjectKey) -> UUID:
    """Erase all that is sealed of a subject, by destroying their key; nothing can be sealed for them any more.

    Again, and for one who never had a key, it stays so. A backup has the key until it is too old to be kept: whoever
    restores one erases again.
    """
    destroyed = {"wrapped": None, "destroyed_at": tx.now}
    await tx.write(
        insert(subject_key)
        .values(tenant_id=tx.actor.tenant, subject_id=input.subject_id, created_at=tx.now, **destroyed)
        .on_conflict_do_update(
            index_elements=["tenant_id", "subject_id"],
            set_=destroyed,
            where=subject_key.c.destroyed_at.is_(None),
        )
    )
    tx.audit("Subject", input.subject_id)
    return input.subject_id


async def seal_for(tx: Tx, subject: UUID, place: Place, plain: str) -> bytes:
    """Seal a text under the subject's key, which is made if they have none yet. `Conflict` once it was destroyed."""
    key = await _key_of(tx, subject) or await _make_key(tx, subject)
    return seal(key, place, plain.encode())


async def open_for(tx: Tx, subject: UUID, place: Place, sealed: bytes) -> str | None:
    """The text that was sealed; None once the subject's key was destroyed."""
    row = await _row_of(tx, subject)
    if row is None or row.wrapped is None:
        return None
    return open_sealed(_unwrapped(tx, row), place, sealed).decode()


def open_with(tx: Tx, subject: UUID, wrapped: bytes | None, place: Place, sealed: bytes) -> str | None:
    """The same where the subject's wrapped key was read together with what is sealed under it."""
    if wrapped is None:
        return None
    key = open_sealed(tx.secrets.sealing, _place_of_key(tx, subject), wrapped)
    return open_sealed(key, place, sealed).decode()


async def _key_of(tx: Tx, subject: UUID) -> bytes | None:
    row = await _row_of(tx, subject)
    if row is not None and row.wrapped is None:
        raise Conflict("The secrets of this customer were erased.")
    return None if row is None else _unwrapped(tx, row)


async def _make_key(tx: Tx, subject: UUID) -> bytes:
    """A key for the subject; the other's, where two made one at once."""
    wrapped = seal(tx.secrets.sealing, _place_of_key(tx, subject), fresh_key())
    made = insert(subject_key).values(tenant_id=tx.actor.tenant, subject_id=subject, wrapped=wrapped, created_at=tx.now)
    await tx.write(made.on_conflict_do_nothing())
    key = await _key_of(tx, subject)
    assert key is not None  # noqa: S101 (it is there by now)
    return key


async def _row_of(tx: Tx, subject: UUID) -> Row[Any] | None:
    # Held: what is being sealed or opened must not lose its key meanwhile.
    found = select(subject_key).where(tx.own(subject_key), subject_key.c.subject_id == subject)
    return await tx.one(found.with_for_update(read=True))


def _unwrapped(tx: Tx, row: Row[Any]) -> bytes:
    return open_sealed(tx.secrets.sealing, _place_of_key(tx, row.subject_id), row.wrapped)


def _place_of_key(tx: Tx, subject: UUID) -> Place:
    return Place(tx.actor.tenant, "subject_key", "wrapped", subject)
