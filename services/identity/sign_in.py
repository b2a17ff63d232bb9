"""Signing in, in two steps around the slow hash: find what the secret must match, then record how it went.

Unknown, disabled and wrong are one and the same to the caller: same answer, same counting, same hash to wait for.
`Locked` is told for logins that exist and for those that do not. That a QR token has no PIN yet is told to its holder,
who needs to know, and nobody else can ask.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update

from db.command import Remembered, command
from db.tx import Tx
from domain.actors import Role
from domain.errors import BadCredentials, PinAlreadySet, PinNotSet
from domain.events import Event, EventType
from models import credential
from services.identity import tokens
from services.identity.attempts import Tried, admit, ensure_may_try, record_failure
from services.identity.forms import SignedIn
from services.identity.sessions import open_session

STAFF_LOGINS = (Role.OWNER, Role.ADMIN, Role.DISPATCHER, Role.OPS)
_TOO_LATE = "The time to set a first PIN is over; ask your office to reset it."


@dataclass(frozen=True, slots=True, repr=False)
class StaffLogin:
    """An email address as it was typed, and the network address it came from."""

    email: str
    source: str


@dataclass(frozen=True, slots=True, repr=False)
class CleanerLogin:
    """A QR token as it was scanned, and the network address it came from."""

    qr_token: str
    source: str


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """Whether the secret matched what was found."""

    tried: Tried
    proven: bool
    device: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class FirstPin:
    """The hash of the PIN that a cleaner has chosen."""

    tried: Tried
    secret_hash: str
    device: str = ""


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def find_staff_login(tx: Tx, input: StaffLogin) -> Tried:
    """What a staff member's password must match. Raises `Locked` or `RateLimited` (A7)."""
    login = input.email.strip().lower()
    row = await _credential(tx, login, STAFF_LOGINS)
    tried = _tried(row, login, input.source)
    await ensure_may_try(tx, tried)
    return tried


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def find_cleaner_login(tx: Tx, input: CleanerLogin) -> Tried:
    """What a cleaner's PIN must match. Raises `Locked`, `RateLimited`, or `PinNotSet` before the first one (R11)."""
    login = tokens.qr_login(tx.secrets, input.qr_token)
    row = await _credential(tx, login, (Role.CLEANER,))
    tried = _tried(row, login, input.source)
    await ensure_may_try(tx, tried)
    if row is not None and row.secret_hash is None and not row.disabled:
        raise PinNotSet(field=("qrToken",))
    return tried


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def record_sign_in(tx: Tx, input: Outcome) -> SignedIn | Remembered:
    """Open a session for who has proven themselves (R15); count a failure, and keep it, for who has not (R14)."""
    tried = input.tried
    if not input.proven or tried.person_id is None or tried.role is None:
        return Remembered(await record_failure(tx, tried))
    await admit(tx, tried)
    return await open_session(tx, tried.person_id, tried.role, input.device)


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def find_first_pin(tx: Tx, input: CleanerLogin) -> Tried:
    """Whether the holder of this QR token may choose a PIN. Raises `BadCredentials`, `PinAlreadySet` or `PinNotSet`."""
    login = tokens.qr_login(tx.secrets, input.qr_token)
    row = await _credential(tx, login, (Role.CLEANER,))
    tried = _tried(row, login, input.source)
    await ensure_may_try(tx, tried)
    _may_choose(tx, row)
    return tried


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def record_first_pin(tx: Tx, input: FirstPin) -> SignedIn:
    """Keep a cleaner's first PIN, tell the phone on file, and open a session (R11, A8). Of two at once one wins."""
    row = _may_choose(tx, await _credential(tx, input.tried.login, (Role.CLEANER,), lock=True))
    await tx.write(
        update(credential)
        .where(tx.own(credential), credential.c.person_id == row.person_id)
        .values(secret_hash=input.secret_hash, secret_deadline=None)
    )
    person = str(row.person_id)
    tx.audit("Cleaner", row.person_id)
    tx.emit(Event(EventType.PIN_SET, "Cleaner", row.person_id, {"id": person}, (row.person_id,)))
    tx.later("notify_pin_set", {"cleaner_id": person, "at": tx.now.isoformat()})
    return await open_session(tx, row.person_id, Role.CLEANER, input.device)


async def _credential(tx: Tx, login: str, roles: tuple[Role, ...], *, lock: bool = False) -> Row[Any] | None:
    known = select(credential).where(
        tx.own(credential), credential.c.login == login, credential.c.role.in_([str(role) for role in roles])
    )
    return await tx.one(known.with_for_update() if lock else known)


def _may_choose(tx: Tx, row: Row[Any] | None) -> Row[Any]:
    """The credential, if a first PIN may be set; to who holds the right QR token it is said why not."""
    if row is None or row.disabled:
        raise BadCredentials
    if row.secret_hash is not None:
        raise PinAlreadySet(field=("pin",))
    if row.secret_deadline is None or row.secret_deadline <= tx.now:
        raise PinNotSet(_TOO_LATE, field=("pin",))
    return row


def _tried(row: Row[Any] | None, login: str, source: str) -> Tried:
    if row is None:
        return Tried(login, source)
    return Tried(login, source, row.person_id, Role(row.role), None if row.disabled else row.secret_hash)
