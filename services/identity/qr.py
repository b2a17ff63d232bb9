"""What a cleaner signs in with, as the office gives and takes it: the QR token and the chance to choose a PIN.

R10, R11, A8.
"""

from dataclasses import dataclass
from io import BytesIO

import segno
from sqlalchemy import select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, Role
from domain.credentials import first_pin_deadline
from domain.errors import Conflict
from domain.ids import CleanerId
from models import cleaner, credential
from services.identity.attempts import forgiven
from services.identity.people import change_credential, end_access, unlock
from services.identity.sessions import Because
from services.identity.tokens import new_qr_token, qr_login
from services.inputs import arg
from services.scheduling import tenant_policy


@dataclass(frozen=True, slots=True)
class IssueQr:
    """A QR token for a cleaner."""

    cleaner_id: CleanerId = arg("The cleaner; an earlier token of theirs is good for nothing from now on.")


@dataclass(frozen=True, slots=True)
class RevokeQr:
    """A cleaner whose QR code is lost or copied."""

    cleaner_id: CleanerId = arg("The cleaner; nobody can sign in as them until another token is issued.")


@dataclass(frozen=True, slots=True)
class ResetPin:
    """A cleaner who has forgotten the PIN."""

    cleaner_id: CleanerId = arg("The cleaner; they choose a new PIN within 24 hours.")


@dataclass(frozen=True, slots=True)
class UnlockCleaner:
    """A cleaner who is locked out."""

    cleaner_id: CleanerId = arg("The cleaner.")


@dataclass(frozen=True, slots=True, repr=False)
class QrIssued:
    """A cleaner's new QR token: told once, and never again."""

    cleaner_id: CleanerId
    qr_token: str

    def svg(self) -> str:
        """The code as an image that says nothing but the token: an SVG to be shown, printed, or put on a card."""
        picture = BytesIO()
        segno.make(self.qr_token, error="m", micro=False).save(picture, kind="svg", scale=8, border=4, xmldecl=False)
        return picture.getvalue().decode()


@command(*ADMINS, secret=True)
async def issue_qr(tx: Tx, input: IssueQr) -> QrIssued:
    """Give a cleaner a QR token, the first or another (R10): the old one and every session end (A8).

    Who has no PIN yet may choose one for 24 hours from now.
    """
    await _ensure_live(tx, input.cleaner_id)
    token = new_qr_token(tx.actor.tenant)
    login = qr_login(tx.secrets, token)
    deadline = first_pin_deadline(tx.now, (await tenant_policy(tx)).sign_in)
    if not await change_credential(tx, input.cleaner_id, login=login, secret_deadline=deadline, **forgiven()):
        await tx.insert(
            credential,
            person_id=input.cleaner_id,
            role=Role.CLEANER.value,
            login=login,
            secret_deadline=deadline,
        )
    await end_access(tx, input.cleaner_id, Because.QR_ROTATED)
    tx.audit("Cleaner", input.cleaner_id)
    return QrIssued(input.cleaner_id, token)


@command(*ADMINS, when_unpaid=True)
async def revoke_qr(tx: Tx, input: RevokeQr) -> CleanerId:
    """Take a cleaner's QR token away without giving another (A8): it is good for nothing, and every session ends.

    The PIN stays for the token that is issued next.
    """
    await _ensure_live(tx, input.cleaner_id)
    await _ensure_has_qr(tx, input.cleaner_id)
    # A login that nobody holds: made like any other, and forgotten.
    login = qr_login(tx.secrets, new_qr_token(tx.actor.tenant))
    await change_credential(tx, input.cleaner_id, login=login, secret_deadline=None)
    await end_access(tx, input.cleaner_id, Because.QR_REVOKED)
    tx.audit("Cleaner", input.cleaner_id)
    return input.cleaner_id


@command(*ADMINS, when_unpaid=True)
async def reset_pin(tx: Tx, input: ResetPin) -> CleanerId:
    """Return a cleaner to the state before the first sign-in: they choose a PIN within 24 hours, sessions end (A8)."""
    await _ensure_live(tx, input.cleaner_id)
    await _ensure_has_qr(tx, input.cleaner_id)
    deadline = first_pin_deadline(tx.now, (await tenant_policy(tx)).sign_in)
    await change_credential(tx, input.cleaner_id, secret_hash=None, secret_deadline=deadline, **forgiven())
    await end_access(tx, input.cleaner_id, Because.PIN_RESET)
    tx.audit("Cleaner", input.cleaner_id)
    return input.cleaner_id


@command(*ADMINS, when_unpaid=True)
async def unlock_cleaner(tx: Tx, input: UnlockCleaner) -> CleanerId:
    """Let a cleaner try again who is locked out after too many wrong PINs (A7)."""
    await _ensure_live(tx, input.cleaner_id)
    await unlock(tx, "Cleaner", input.cleaner_id)
    return input.cleaner_id


async def _ensure_live(tx: Tx, id: CleanerId) -> None:
    # Locked, so that two tokens issued at once come one after the other and the first one is dead.
    row = await tx.get(cleaner, id, "cleanerId", lock=True)
    if row.archived_at is not None:
        raise Conflict("This cleaner is archived.", field=("cleanerId",))


async def _ensure_has_qr(tx: Tx, id: CleanerId) -> None:
    if await tx.one(select(credential.c.login).where(tx.own(credential), credential.c.person_id == id)) is None:
        raise Conflict("This cleaner has no QR token yet; issue one.", field=("cleanerId",))
