"""What people fill in to prove who they are, and what they get for it.

Proving takes a slow hash, so these are not inputs of one command: `SignIns` looks the credential up in one transaction,
hashes in a thread outside of any, and records the outcome in a second one. None of these has a `repr`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.actors import Actor, Role, SessionId, TenantId
from services.inputs import arg


@dataclass(frozen=True, slots=True, repr=False)
class SignIn:
    """A staff member's sign-in (R9)."""

    tenant: str = arg("The slug of the business.")
    email: str = arg("The email address that was invited.")
    password: str = arg("The password.")
    device: str = arg("A name for this device, shown in the list of sessions; at most 200 characters.", default="")


@dataclass(frozen=True, slots=True, repr=False)
class SignInWithPin:
    """A cleaner's sign-in: what they have and what they know (R10, R11)."""

    qr_token: str = arg("The text of the cleaner's QR code.")
    pin: str = arg("The cleaner's PIN.")
    device: str = arg("A name for this device; at most 200 characters.", default="")


@dataclass(frozen=True, slots=True, repr=False)
class SetPin:
    """A cleaner's first sign-in, which chooses the PIN (R11, A8)."""

    qr_token: str = arg("The text of the cleaner's QR code.")
    pin: str = arg("6 to 8 digits that are not easy to guess (A7).")
    device: str = arg("A name for this device; at most 200 characters.", default="")


@dataclass(frozen=True, slots=True, repr=False)
class RefreshSession:
    """A new access token for an old refresh token (R12)."""

    refresh_token: str = arg("The refresh token that was given last; it is used up by this.")


@dataclass(frozen=True, slots=True, repr=False)
class AcceptInvite:
    """An invited staff member's first sign-in."""

    token: str = arg("The token of the invitation's link.")
    password: str = arg("The password to sign in with from now on, 10 to 200 characters.")
    device: str = arg("A name for this device; at most 200 characters.", default="")


@dataclass(frozen=True, slots=True, repr=False)
class ResetPassword:
    """A new password for who has lost theirs."""

    token: str = arg("The token of the mailed link.")
    password: str = arg("The new password, 10 to 200 characters.")
    device: str = arg("A name for this device; at most 200 characters.", default="")


@dataclass(frozen=True, slots=True, repr=False)
class RequestPasswordReset:
    """A wish for a mailed link to choose a new password."""

    tenant: str = arg("The slug of the business.")
    email: str = arg("The address that one signs in with.")


@dataclass(frozen=True, slots=True, repr=False)
class RequestSignInLink:
    """A customer's wish for a mailed link to sign in with (R30)."""

    tenant: str = arg("The slug of the business.")
    email: str = arg("The address that the business knows of the customer.")


@dataclass(frozen=True, slots=True, repr=False)
class SignInWithLink:
    """A customer's sign-in (R30)."""

    token: str = arg("The token of the mailed link.")
    device: str = arg("A name for this device; at most 200 characters.", default="")


@dataclass(frozen=True, slots=True, repr=False)
class SignedIn:
    """A session as it was opened or continued, with the refresh token that is good next."""

    tenant: TenantId
    session_id: SessionId
    person_id: UUID
    role: Role
    refresh_token: str


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """What a client keeps: a bearer token for `expires_in_seconds`, and the token that renews it."""

    access_token: str
    refresh_token: str
    expires_in_seconds: int
    tenant: TenantId
    session_id: SessionId
    person_id: UUID
    role: Role


class SignIns(Protocol):
    """Every way to a session. `source` is the network address that the request came from.

    All but `refresh_session` raise `RateLimited` for a source with too many attempts, and all raise `Invalid` with its
    field for what cannot be right.
    """

    async def sign_in(self, input: SignIn, source: str, *, request_id: str = "") -> Tokens:
        """Raises `BadCredentials` for every kind of wrong, or `Locked`."""

    async def sign_in_with_pin(self, input: SignInWithPin, source: str, *, request_id: str = "") -> Tokens:
        """Raises `BadCredentials`, `Locked`, or `PinNotSet` to who holds the right QR token."""

    async def set_pin(self, input: SetPin, source: str, *, request_id: str = "") -> Tokens:
        """Raises `WeakSecret`, `BadCredentials`, `PinAlreadySet`, or `PinNotSet` when the time for it is over."""

    async def refresh_session(self, input: RefreshSession, source: str, *, request_id: str = "") -> Tokens:
        """Raises `Unauthenticated`; a token used twice ends its session (R13, A6)."""

    async def accept_invite(self, input: AcceptInvite, source: str, *, request_id: str = "") -> Tokens:
        """Raises `WeakSecret` or `LinkInvalid`."""

    async def reset_password(self, input: ResetPassword, source: str, *, request_id: str = "") -> Tokens:
        """Raises `WeakSecret` or `LinkInvalid`; ends all other sessions of the person."""

    async def request_password_reset(self, input: RequestPasswordReset, source: str, *, request_id: str = "") -> None:
        """Never tells whether there is such a person."""

    async def request_sign_in_link(self, input: RequestSignInLink, source: str, *, request_id: str = "") -> None:
        """Never tells whether there is such a customer."""

    async def sign_in_with_link(self, input: SignInWithLink, source: str, *, request_id: str = "") -> Tokens:
        """Raises `LinkInvalid`."""

    async def visitor(self, tenant: str, source: str) -> Actor:
        """Somebody unknown at the page of a business, by its slug. Raises `NotFound`, `RateLimited`."""

    def booking_token(self, visitor: Actor, expires_at: datetime) -> str:
        """What a visitor comes back with to their booking."""
