"""The people of an office: invited by mail, given roles, archived (R9, matrix of roles).

Administrators manage administrators and dispatchers; only an owner makes, changes or archives an owner, and the last
owner stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, Role, StaffRole
from domain.errors import Conflict, Forbidden
from domain.events import Event, EventType
from domain.ids import StaffId
from models import credential, staff
from services.billing.limits import ensure_seat
from services.checks import email, text
from services.identity.links import LinkPurpose, end_links, mail_link
from services.identity.people import change_credential, disable, end_access, unlock
from services.identity.sessions import Because
from services.inputs import arg


@dataclass(frozen=True, slots=True)
class InviteStaff:
    """A new colleague."""

    name: str = arg("Their name, at most 200 characters.")
    email: str = arg("Where the invitation goes, and what they sign in with.")
    role: StaffRole = arg("What they may do; only an owner can invite an owner.")


@dataclass(frozen=True, slots=True)
class ResendInvite:
    """A colleague whose invitation was lost."""

    staff_id: StaffId = arg("The colleague, who has not accepted yet.")


@dataclass(frozen=True, slots=True)
class UpdateStaff:
    """What is to be different about a colleague."""

    staff_id: StaffId = arg("The colleague.")
    name: str = arg("Their name, at most 200 characters.")
    expected_version: int | None = arg("Refuse with CONFLICT if the colleague has another version.", default=None)


@dataclass(frozen=True, slots=True)
class ChangeStaffRole:
    """Another role for a colleague."""

    staff_id: StaffId = arg("The colleague.")
    role: StaffRole = arg("The new role; they have to sign in again.")
    expected_version: int | None = arg("Refuse with CONFLICT if the colleague has another version.", default=None)


@dataclass(frozen=True, slots=True)
class ArchiveStaff:
    """A colleague who has left."""

    staff_id: StaffId = arg("The colleague; all their sessions end at once.")


@dataclass(frozen=True, slots=True)
class UnlockStaff:
    """A colleague who is locked out."""

    staff_id: StaffId = arg("The colleague.")


@command(*ADMINS)
async def invite_staff(tx: Tx, input: InviteStaff) -> StaffId:
    """Add a colleague and mail them a link, good for seven days, with which they choose their password."""
    _ensure_may_manage(tx, input.role)
    return await add_staff(tx, input.name, input.email, Role(input.role))


@command(*ADMINS)
async def resend_invite(tx: Tx, input: ResendInvite) -> StaffId:
    """Mail a new invitation; the old link ends. Refused with CONFLICT for who has accepted already."""
    row = await _manageable(tx, input.staff_id)
    chosen = select(credential.c.secret_hash).where(tx.own(credential), credential.c.person_id == row.id)
    if row.archived_at is not None or await tx.scalar(chosen) is not None:
        raise Conflict("There is nothing to invite this colleague to.", field=("staffId",))
    await mail_link(tx, row.id, LinkPurpose.INVITE)
    tx.audit("Staff", row.id)
    return StaffId(row.id)


@command(*ADMINS)
async def update_staff(tx: Tx, input: UpdateStaff) -> StaffId:
    """Rename a colleague."""
    await _manageable(tx, input.staff_id)
    await tx.change(staff, input.staff_id, input.expected_version, name=text(input.name, "name", most=200))
    await _tell(tx, input.staff_id)
    return input.staff_id


@command(*ADMINS)
async def change_staff_role(tx: Tx, input: ChangeStaffRole) -> StaffId:
    """Give a colleague another role. Their sessions end, so that nobody acts in a role that they have not any more."""
    _ensure_may_manage(tx, input.role)
    row = await _manageable(tx, input.staff_id)
    if row.archived_at is not None:
        raise Conflict("This colleague is archived.", field=("staffId",))
    if row.role == input.role:
        return input.staff_id
    await _ensure_owner_remains(tx, row)
    await tx.change(staff, row.id, input.expected_version, role=str(input.role))
    await change_credential(tx, row.id, role=str(input.role))
    await end_access(tx, row.id, Because.ROLE_CHANGED)
    await _tell(tx, input.staff_id, before=row.role)
    return input.staff_id


@command(*ADMINS, when_unpaid=True)
async def archive_staff(tx: Tx, input: ArchiveStaff) -> StaffId:
    """Archive a colleague: no sign-in any more, every session and open link ends."""
    row = await _manageable(tx, input.staff_id)
    if row.archived_at is None:
        await _ensure_owner_remains(tx, row)
        await tx.change(staff, row.id, archived_at=tx.now)
        await disable(tx, row.id)
        await end_links(tx, row.id)
        await _tell(tx, input.staff_id)
    return input.staff_id


@command(*ADMINS, when_unpaid=True)
async def unlock_staff(tx: Tx, input: UnlockStaff) -> StaffId:
    """Let a colleague try again who is locked out after too many wrong passwords (A7)."""
    row = await _manageable(tx, input.staff_id)
    await unlock(tx, "Staff", row.id)
    return input.staff_id


async def add_staff(tx: Tx, name: str, address: str, role: Role) -> StaffId:
    """Write down a member of staff who cannot sign in yet, and mail them an invitation."""
    login = email(address, "email")
    await ensure_seat(tx)
    row = {"name": text(name, "name", most=200), "email": login, "role": str(role), "created_at": tx.now}
    made = StaffId(await tx.insert(staff, **row))
    await tx.insert(credential, person_id=made, role=str(role), login=login)
    await mail_link(tx, made, LinkPurpose.INVITE)
    await _tell(tx, made)
    return made


def _ensure_may_manage(tx: Tx, role: str) -> None:
    if role == StaffRole.OWNER and tx.actor.role is not Role.OWNER:
        raise Forbidden("Only an owner can do this to an owner.", field=("role",))


async def _manageable(tx: Tx, id: StaffId) -> Row[Any]:
    """The colleague, locked, if the actor may manage them."""
    # All owners first, in order: two who remove each other at once must neither both succeed nor deadlock.
    await _lock_owners(tx)
    row = await tx.get(staff, id, "staffId", lock=True)
    _ensure_may_manage(tx, row.role)
    return row


async def _ensure_owner_remains(tx: Tx, leaving: Row[Any]) -> None:
    if leaving.role == StaffRole.OWNER and all(owner.id == leaving.id for owner in await _lock_owners(tx)):
        raise Conflict("A business needs an owner: make somebody else one first.", field=("staffId",))


async def _lock_owners(tx: Tx) -> Sequence[Row[Any]]:
    return await tx.all(
        select(staff.c.id)
        .where(tx.own(staff), staff.c.role == StaffRole.OWNER.value, staff.c.archived_at.is_(None))
        .order_by(staff.c.id)
        .with_for_update()
    )


async def _tell(tx: Tx, id: StaffId, *, before: str | None = None) -> None:
    row = await tx.get(staff, id)
    card = {
        "id": str(row.id),
        "name": row.name,
        "role": row.role,
        "archived": row.archived_at is not None,
        "version": row.version,
    }
    tx.audit("Staff", id, detail={"role": row.role, "before": before} if before else {"role": row.role})
    tx.emit(Event(EventType.STAFF_CHANGED, "Staff", id, card, (id,)))
