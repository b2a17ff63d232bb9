"""How customers come in: by a link to the address that the business knows of them, and by no secret of their own (R30).

Whoever reads the mail is the customer. So a new address ends the old one's access, and there is no access without one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.tx import Tx
from domain.actors import NOBODY, Role
from domain.errors import LinkInvalid
from domain.ids import CustomerId
from models import credential, customer, mailed_link
from services.identity.attempts import count_wish
from services.identity.forms import SignedIn
from services.identity.links import LinkClaim, LinkPurpose, end_links, is_good, mail_link
from services.identity.people import disable, end_access
from services.identity.sessions import Because, open_session

MOST_LINKS = 5
"""One address may be several customers', as each booking of a stranger's makes one: so many are mailed at once."""


@dataclass(frozen=True, slots=True, repr=False)
class SignInWish:
    """The address of somebody who says that they are a customer."""

    email: str


@dataclass(frozen=True, slots=True, repr=False)
class LinkEntry:
    """A mailed sign-in as it was opened."""

    token: str
    device: str = ""


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def request_sign_in_link(tx: Tx, input: SignInWish) -> None:
    """Mail a link to every customer of this address, not more often than sign-ins may fail (R30, A7).

    For an address that nobody has, the same rows are written for nobody: neither answer nor work tell who exists.
    """
    address = input.email.strip().lower()
    if not await count_wish(tx, f"customer:{address}"):
        return
    for person_id in await _customers_at(tx, address) or [NOBODY]:
        await mail_link(tx, person_id, LinkPurpose.SIGN_IN)
        tx.audit("Customer", person_id)


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def sign_in_with_link(tx: Tx, input: LinkEntry) -> SignedIn:
    """Use a mailed sign-in up; a session of the customer begins. Raises `LinkInvalid` for every link that is not good.

    Other sessions of theirs go on: another device is no reason to end them.
    """
    claim = LinkClaim(input.token, LinkPurpose.SIGN_IN)
    # The UPDATE is the lock: of two uses at once one finds the link unused.
    good = update(mailed_link).where(*is_good(tx, claim)).values(used_at=tx.now)
    used = await tx.one(good.returning(mailed_link.c.person_id))
    if used is None or not await _may_enter(tx, used.person_id):
        raise LinkInvalid(field=("token",))
    tx.audit("Customer", used.person_id)
    return await open_session(tx, used.person_id, Role.CUSTOMER, input.device)


async def open_access(tx: Tx, customer_id: UUID) -> None:
    """Let a customer sign in by mailed links from now on (R30): where the office enters an address, and when they pay.

    May be called by whoever's command, and again.
    """
    row = {"tenant_id": tx.actor.tenant, "person_id": customer_id, "role": str(Role.CUSTOMER)}
    opened = insert(credential).values(**row, login=f"customer:{customer_id}")
    async with tx.as_system(wholly=True):
        await tx.write(
            opened.on_conflict_do_update(index_elements=["tenant_id", "person_id"], set_={"disabled": False})
        )


async def change_address(tx: Tx, customer_id: CustomerId, address: str | None) -> None:
    """Who had the old address is out: sessions and open links end, and the new one, if there is any, comes in."""
    async with tx.as_system(wholly=True):
        await end_links(tx, customer_id)
        await end_access(tx, customer_id, Because.ADDRESS_CHANGED)
    if address is not None:
        await open_access(tx, customer_id)


async def close_access(tx: Tx, customer_id: CustomerId) -> None:
    """No sign-in any more: every session and open link ends."""
    async with tx.as_system(wholly=True):
        await disable(tx, customer_id)
        await end_links(tx, customer_id)


async def _customers_at(tx: Tx, address: str) -> Sequence[UUID]:
    known = (
        select(customer.c.id)
        .join(credential, (credential.c.tenant_id == customer.c.tenant_id) & (credential.c.person_id == customer.c.id))
        .where(
            tx.own(customer),
            func.lower(customer.c.email) == address,
            customer.c.archived_at.is_(None),
            credential.c.role == Role.CUSTOMER.value,
            credential.c.disabled.is_(False),
        )
        .order_by(customer.c.created_at.desc(), customer.c.id)
        .limit(MOST_LINKS)
    )
    # Who is nobody yet may not read customers; what is found is mailed, and not told.
    async with tx.as_system():
        return [row.id for row in await tx.all(known)]


async def _may_enter(tx: Tx, person_id: UUID) -> bool:
    known = select(credential.c.person_id).where(
        tx.own(credential),
        credential.c.person_id == person_id,
        credential.c.role == Role.CUSTOMER.value,
        credential.c.disabled.is_(False),
    )
    return await tx.scalar(known) is not None
