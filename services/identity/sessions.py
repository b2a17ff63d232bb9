"""Sessions: opened by a sign-in, continued by rotation, ended by their owner, an administrator, or a theft.

R12, R13, R228, A6.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, update

from db.command import Remembered, command
from db.ids import new_id
from db.tx import Tx
from domain.actors import ADMINS, SIGNED_IN, Role, SessionId
from domain.errors import NotFound, Unauthenticated
from domain.events import Event, EventType
from models import refresh_token, session
from services.checks import text
from services.identity import tokens
from services.identity.forms import RefreshSession, SignedIn
from services.identity.tokens import RefreshClaim
from services.inputs import arg
from services.scheduling import tenant_policy

LONGEST = timedelta(days=30)
IDLE = timedelta(days=14)
_KNOWN_ROLES = sorted(SIGNED_IN)


class Because(StrEnum):
    """Why a session ended before its time."""

    SIGNED_OUT = "signed out"
    REVOKED = "revoked"
    REUSED = "refresh token used twice"
    QR_ROTATED = "QR token rotated"
    QR_REVOKED = "QR token revoked"
    PIN_RESET = "PIN reset"
    PASSWORD_RESET = "password reset"  # noqa: S105 (a reason)
    ROLE_CHANGED = "role changed"
    ADDRESS_CHANGED = "address changed"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class SignOut:
    """The end of the session that says so."""


@dataclass(frozen=True, slots=True)
class RevokeSession:
    """The end of a session."""

    session_id: SessionId = arg("The session to end: one's own, or as an administrator anybody's.")


async def open_session(tx: Tx, person_id: UUID, role: Role, device: str = "") -> SignedIn:
    """Open a session of at most 30 days with its first refresh token."""
    named = text(device, "device", most=200, least=0)
    opened = SessionId(new_id())
    await tx.insert(
        session,
        id=opened,
        person_id=person_id,
        role=str(role),
        created_at=tx.now,
        seen_at=tx.now,
        expires_at=tx.now + LONGEST,
        device=named,
    )
    tx.audit("Session", opened, detail={"person": str(person_id), "role": role})
    token = await _issue(tx, RefreshClaim(opened, 1), tx.now + LONGEST)
    return SignedIn(tx.actor.tenant, opened, person_id, role, token)


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def rotate_refresh_token(tx: Tx, input: RefreshSession) -> SignedIn | Remembered:
    """Give the successor of a refresh token; the token itself is used up (R12).

    A repeat within the grace period gets the same successor while that is unused; any other ends the session (R13, A6).
    """
    claim = tokens.refresh_claim(tx.secrets, tx.actor.tenant, input.refresh_token)
    if claim is None:
        raise Unauthenticated
    # Lock the family first: two tabs with one token must come one after the other.
    family = await _live_family(tx, claim.session_id)
    presented = await _generation(tx, claim)
    successor = RefreshClaim(claim.session_id, claim.generation + 1)
    if presented.used_at is None:
        token = await _rotate(tx, presented, successor, family.expires_at)
    elif await _is_honest_repeat(tx, presented.used_at, successor):
        token = tokens.refresh_token(tx.secrets, tx.actor.tenant, successor)
    else:
        await end_sessions(tx, session.c.id == family.id, Because.REUSED)
        tx.audit("Session", family.id, reason=Because.REUSED)
        return Remembered(Unauthenticated())
    return SignedIn(tx.actor.tenant, claim.session_id, family.person_id, Role(family.role), token)


@command(*_KNOWN_ROLES, when_unpaid=True)
async def sign_out(tx: Tx, input: SignOut) -> SessionId:
    """End the acting session: its tokens are refused from now on, over HTTP and on open sockets."""
    await end_sessions(tx, session.c.id == tx.actor.session, Because.SIGNED_OUT)
    tx.audit("Session", tx.actor.session)
    return SessionId(tx.actor.session)


@command(*_KNOWN_ROLES, when_unpaid=True)
async def revoke_session(tx: Tx, input: RevokeSession) -> SessionId:
    """End a session: one's own, or as an administrator anybody's. Ending an ended one changes nothing."""
    named = await tx.get(session, input.session_id, "sessionId")
    if named.person_id != tx.actor.person and tx.actor.role not in ADMINS:
        raise NotFound(field=("sessionId",))
    if await end_sessions(tx, session.c.id == input.session_id, Because.REVOKED):
        tx.audit("Session", input.session_id)
    return input.session_id


async def end_sessions(tx: Tx, which: ColumnElement[bool], because: Because) -> int:
    """End these sessions and tell their sockets; how many there were."""
    ended = await tx.all(
        update(session)
        .where(tx.own(session), which, session.c.revoked_at.is_(None))
        .values(revoked_at=tx.now, revoked_because=str(because))
        .returning(session.c.id, session.c.person_id)
    )
    for row in ended:
        card = {"id": str(row.id), "because": str(because)}
        tx.emit(Event(EventType.SESSION_REVOKED, "Session", row.id, card, (row.person_id,)))
    return len(ended)


async def _live_family(tx: Tx, id: SessionId) -> Row[Any]:
    family = await tx.one(select(session).where(tx.own(session), session.c.id == id).with_for_update())
    if family is None or family.revoked_at is not None or family.expires_at <= tx.now:
        raise Unauthenticated
    return family


async def _generation(tx: Tx, claim: RefreshClaim) -> Row[Any]:
    token = tokens.refresh_token(tx.secrets, tx.actor.tenant, claim)
    known = select(refresh_token).where(
        tx.own(refresh_token),
        refresh_token.c.session_id == claim.session_id,
        refresh_token.c.generation == claim.generation,
        refresh_token.c.token_hash == tokens.stored(tx.secrets, token),
    )
    row = await tx.one(known)
    if row is None:
        raise Unauthenticated
    return row


async def _rotate(tx: Tx, presented: Row[Any], successor: RefreshClaim, end: datetime) -> str:
    if presented.expires_at <= tx.now:
        raise Unauthenticated
    await tx.write(
        update(refresh_token).where(tx.own(refresh_token), refresh_token.c.id == presented.id).values(used_at=tx.now)
    )
    await tx.write(update(session).where(tx.own(session), session.c.id == successor.session_id).values(seen_at=tx.now))
    return await _issue(tx, successor, end)


async def _is_honest_repeat(tx: Tx, used_at: datetime, successor: RefreshClaim) -> bool:
    """Whether this is a lost answer or a second tab, and no thief: recent, and nobody has used what came of it."""
    grace = timedelta(seconds=(await tenant_policy(tx)).sign_in.refresh_grace_seconds)
    if tx.now - used_at > grace:
        return False
    unused = select(func.count()).where(
        tx.own(refresh_token),
        refresh_token.c.session_id == successor.session_id,
        refresh_token.c.generation == successor.generation,
        refresh_token.c.used_at.is_(None),
    )
    return bool(await tx.scalar(unused))


async def _issue(tx: Tx, claim: RefreshClaim, end: datetime) -> str:
    """Write down a generation, by its hash; its token."""
    token = tokens.refresh_token(tx.secrets, tx.actor.tenant, claim)
    await tx.insert(
        refresh_token,
        session_id=claim.session_id,
        generation=claim.generation,
        token_hash=tokens.stored(tx.secrets, token),
        created_at=tx.now,
        expires_at=min(tx.now + IDLE, end),
    )
    return token
