"""Mailed links: an invitation, a password reset or a customer's sign-in, single use, for a while, never in clear.

The token is derived from the link's id, so the row holds its hash only, and the task that sends the mail makes it anew.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select, update

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import NOBODY, Role
from domain.errors import LinkInvalid, NotFound
from models import credential, customer, mailed_link, session, staff, tenant
from services.identity import tokens
from services.identity.attempts import count_wish, forgiven
from services.identity.forms import SignedIn
from services.identity.sessions import Because, end_sessions, open_session
from services.identity.sign_in import STAFF_LOGINS
from services.identity.tokens import link_token
from services.inputs import arg

__all__ = ["link_token"]


class LinkPurpose(StrEnum):
    """What a mailed link is good for."""

    INVITE = "invite"
    RESET = "reset"
    SIGN_IN = "sign-in"


LIFETIME = {
    LinkPurpose.INVITE: timedelta(days=7),
    LinkPurpose.RESET: timedelta(hours=1),
    LinkPurpose.SIGN_IN: timedelta(minutes=15),
}


@dataclass(frozen=True, slots=True, repr=False)
class LinkClaim:
    """A token out of a mail, and what it is meant to do."""

    token: str
    purpose: LinkPurpose


@dataclass(frozen=True, slots=True, repr=False)
class LinkOwner:
    """Whose link it is."""

    person_id: UUID
    email: str


@dataclass(frozen=True, slots=True, repr=False)
class Redemption:
    """A link with the hash of the password that its owner has chosen."""

    claim: LinkClaim
    secret_hash: str
    device: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class ResetWish:
    """The address of somebody who wants a new password."""

    email: str


@dataclass(frozen=True, slots=True)
class ReadMailedLink:
    """A link that is to be mailed."""

    link_id: UUID = arg("The link.")


@dataclass(frozen=True, slots=True)
class FindInvitation:
    """A person who was invited."""

    person_id: UUID = arg("The invited person.")


@dataclass(frozen=True, slots=True, repr=False)
class MailedLink:
    """Everything that a mail with a link says."""

    link_id: UUID
    purpose: LinkPurpose
    person_id: UUID
    name: str
    email: str
    business: str
    token: str
    expires_at: datetime


async def mail_link(tx: Tx, person_id: UUID, purpose: LinkPurpose) -> UUID:
    """Make a link and stage the mail that carries it; earlier ones of the same purpose end. The link's id."""
    await end_links(tx, person_id, mailed_link.c.purpose == str(purpose))
    link_id = new_id()
    await tx.insert(
        mailed_link,
        id=link_id,
        person_id=person_id,
        purpose=str(purpose),
        token_hash=tokens.stored(tx.secrets, link_token(tx.secrets, tx.actor.tenant, link_id)),
        created_at=tx.now,
        expires_at=tx.now + LIFETIME[purpose],
    )
    tx.later("send_mailed_link", {"link_id": str(link_id)})
    return link_id


async def end_links(tx: Tx, person_id: UUID, *which: ColumnElement[bool]) -> None:
    """Make these unused links of a person useless."""
    await tx.write(
        update(mailed_link)
        .where(tx.own(mailed_link), mailed_link.c.person_id == person_id, mailed_link.c.used_at.is_(None), *which)
        .values(used_at=tx.now)
    )


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def request_password_reset(tx: Tx, input: ResetWish) -> None:
    """Mail a link to whoever signs in with this address, not more often than sign-ins may fail (A7).

    For an address that nobody has, the same rows are written for nobody: neither answer nor work tell who exists.
    """
    login = input.email.strip().lower()
    person = await tx.one(
        select(credential.c.person_id).where(
            tx.own(credential),
            credential.c.login == login,
            credential.c.role.in_([str(role) for role in STAFF_LOGINS]),
            credential.c.disabled.is_(False),
        )
    )
    if await count_wish(tx, login):
        person_id = person.person_id if person else NOBODY
        await mail_link(tx, person_id, LinkPurpose.RESET)
        tx.audit("Staff", person_id)


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def find_link(tx: Tx, input: LinkClaim) -> LinkOwner:
    """Whose link this is. Raises `LinkInvalid` for unknown, used, old, and those of another purpose."""
    found = await tx.one(
        select(credential.c.person_id, credential.c.login)
        .select_from(mailed_link)
        .join(
            credential,
            (credential.c.tenant_id == mailed_link.c.tenant_id) & (credential.c.person_id == mailed_link.c.person_id),
        )
        .where(*is_good(tx, input), credential.c.disabled.is_(False))
    )
    if found is None:
        raise LinkInvalid(field=("token",))
    return LinkOwner(found.person_id, found.login)


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def redeem_link(tx: Tx, input: Redemption) -> SignedIn:
    """Use a link up: its owner's password is set, failures are forgiven, other sessions end, a new one begins."""
    # The UPDATE is the lock: of two uses at once one finds the link unused.
    used = await tx.one(
        update(mailed_link).where(*is_good(tx, input.claim)).values(used_at=tx.now).returning(mailed_link.c.person_id)
    )
    person = await _set_password(tx, used.person_id, input.secret_hash) if used else None
    if person is None:
        raise LinkInvalid(field=("token",))
    await end_links(tx, person.person_id)
    await end_sessions(tx, session.c.person_id == person.person_id, Because.PASSWORD_RESET)
    tx.audit("Staff", person.person_id, detail={"purpose": input.claim.purpose})
    return await open_session(tx, person.person_id, Role(person.role), input.device)


@command(Role.SYSTEM, secret=True)
async def read_mailed_link(tx: Tx, input: ReadMailedLink) -> MailedLink | None:
    """What to mail for a link; None if it is of nobody, used, or too old, and there is nothing to send."""
    row = await tx.one(
        select(mailed_link, tenant.c.name.label("business"))
        .join(tenant, tenant.c.tenant_id == mailed_link.c.tenant_id)
        .where(
            tx.own(mailed_link),
            mailed_link.c.id == input.link_id,
            mailed_link.c.used_at.is_(None),
            mailed_link.c.expires_at > tx.now,
        )
    )
    person = await _addressee(tx, row) if row else None
    if row is None or person is None:
        return None
    token = link_token(tx.secrets, tx.actor.tenant, row.id)
    return MailedLink(
        row.id, LinkPurpose(row.purpose), row.person_id, person.name, person.email, row.business, token, row.expires_at
    )


async def _addressee(tx: Tx, link: Row[Any]) -> Row[Any] | None:
    """Who is mailed a link, if they are still somebody here who has an address."""
    table = customer if link.purpose == LinkPurpose.SIGN_IN else staff
    known = select(table.c.name, table.c.email).where(
        tx.own(table), table.c.id == link.person_id, table.c.archived_at.is_(None), table.c.email.is_not(None)
    )
    return await tx.one(known)


@command(Role.SYSTEM, secret=True)
async def find_invitation(tx: Tx, input: FindInvitation) -> UUID:
    """The open invitation of a person, for who sets up a demo. Raises `NotFound`."""
    return await open_invitation(tx, input.person_id)


async def open_invitation(tx: Tx, person_id: UUID) -> UUID:
    """The link with which this person can choose the first password. Raises `NotFound`."""
    found: UUID | None = await tx.scalar(
        select(mailed_link.c.id).where(
            tx.own(mailed_link),
            mailed_link.c.person_id == person_id,
            mailed_link.c.purpose == LinkPurpose.INVITE.value,
            mailed_link.c.used_at.is_(None),
            mailed_link.c.expires_at > tx.now,
        )
    )
    if found is None:
        raise NotFound(field=("personId",))
    return found


def is_good(tx: Tx, claim: LinkClaim) -> tuple[ColumnElement[bool], ...]:
    """That a link is the claimed one and may still be used."""
    return (
        tx.own(mailed_link),
        mailed_link.c.token_hash == tokens.stored(tx.secrets, claim.token),
        mailed_link.c.purpose == str(claim.purpose),
        mailed_link.c.used_at.is_(None),
        mailed_link.c.expires_at > tx.now,
    )


async def _set_password(tx: Tx, person_id: UUID, secret_hash: str) -> Any:
    return await tx.one(
        update(credential)
        .where(tx.own(credential), credential.c.person_id == person_id, credential.c.disabled.is_(False))
        .values(secret_hash=secret_hash, secret_deadline=None, **forgiven())
        .returning(credential.c.person_id, credential.c.role)
    )
