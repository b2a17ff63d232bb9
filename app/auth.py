"""From a credential to an `Actor`: tokens verified, secrets proven, sessions opened (A5, R17).

Proving is two transactions around one slow hash: find what must match, hash in a thread while nothing is held open,
record how it went. Who does not exist costs the same work as who does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from app.passwords import Passwords, SourceLimiter
from app.tokens import TokenSigner, TokenVerifier, Verified, utc_now
from db.command import Command
from db.ids import new_id
from db.runner import Call, Runner
from db.tenants import tenant_by_slug
from domain.actors import NOBODY, PLATFORM_TENANT, Actor, Role, TenantId
from domain.credentials import PASSWORD_LENGTHS, PIN_LENGTHS, ensure_strong_password, ensure_strong_pin
from domain.errors import BadCredentials, Forbidden, Invalid, LinkInvalid, NotFound, Unauthenticated
from domain.ids import BookingDraftId
from services.checks import text
from services.identity import tokens
from services.identity.attempts import Tried
from services.identity.command_line import PersonWanted, open_session_for
from services.identity.customers import LinkEntry, SignInWish
from services.identity.customers import request_sign_in_link as mail_sign_in_link
from services.identity.customers import sign_in_with_link as enter_with_link
from services.identity.forms import (
    AcceptInvite,
    RefreshSession,
    RequestPasswordReset,
    RequestSignInLink,
    ResetPassword,
    SetPin,
    SignedIn,
    SignIn,
    SignInWithLink,
    SignInWithPin,
    Tokens,
)
from services.identity.links import LinkClaim, LinkPurpose, Redemption, ResetWish, find_link, redeem_link
from services.identity.links import request_password_reset as mail_reset
from services.identity.sessions import rotate_refresh_token
from services.identity.sign_in import (
    CleanerLogin,
    FirstPin,
    Outcome,
    StaffLogin,
    find_cleaner_login,
    find_first_pin,
    find_staff_login,
    record_first_pin,
    record_sign_in,
)

Input = TypeVar("Input")
Result = TypeVar("Result")

NO_TENANT = TenantId(NOBODY)
MOST_EMAIL = 254
MOST_SLUG = 63
MOST_DEVICE = 200


@dataclass(frozen=True, slots=True, repr=False)
class Auth:
    """Everything that turns credentials into actors; implements `services.identity.forms.SignIns`."""

    runner: Runner
    signer: TokenSigner
    verifier: TokenVerifier
    passwords: Passwords
    limiter: SourceLimiter
    production: bool = True
    now: Callable[[], datetime] = utc_now
    visits: SourceLimiter = field(default_factory=SourceLimiter)
    """Of who opens a public page: who only looks takes no attempt from who signs in."""

    def actor_of(self, authorization: str | None) -> Actor | None:
        """The actor of an `Authorization` header, None where there is none. Raises `Unauthenticated` for a bad one."""
        verified = self.verified(authorization)
        return verified.actor if verified else None

    def verified(self, authorization: str | None) -> Verified | None:
        """Like `actor_of`, with the token's end: a socket does not outlive it."""
        if not authorization:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated
        if token.strip().startswith(f"{tokens.BOOKING}."):
            return self._visitor_of(token.strip())
        return self.verifier.verify(token.strip(), self.now())

    async def visitor(self, tenant: str, source: str) -> Actor:
        """Somebody unknown at a business's own page, who is known by nothing yet: what they do next is their first.

        Raises `NotFound` where there is no such business, `RateLimited` for a source that asks too often.
        """
        self.visits.ensure(source)
        _ensure_writable(tenant, "tenant", MOST_SLUG)
        found = await tenant_by_slug(self.runner.engine, tenant)
        if found is None or found == PLATFORM_TENANT:
            raise NotFound("There is no such business.", field=("tenant",))
        return Actor(found, Role.ANONYMOUS, new_id())

    def booking_token(self, visitor: Actor, expires_at: datetime) -> str:
        """What the visitor comes back with to the booking that they have opened (R41)."""
        claim = tokens.BookingClaim(visitor.tenant, BookingDraftId(visitor.person), expires_at)
        return tokens.booking_token(self.runner.secrets, claim)

    def _visitor_of(self, token: str) -> Verified:
        claim = tokens.booking_claim(self.runner.secrets, token)
        if claim is None or claim.expires_at <= self.now():
            raise Unauthenticated
        return Verified(Actor(claim.tenant, Role.ANONYMOUS, claim.draft), claim.expires_at)

    async def sign_in(self, input: SignIn, source: str, *, request_id: str = "") -> Tokens:
        """Sign a staff member in (R9). Raises `BadCredentials`, `Locked`, `RateLimited`."""
        _ensure_writable(input.email, "email", MOST_EMAIL)
        _ensure_writable(input.password, "password", PASSWORD_LENGTHS.stop - 1)
        attempt = self._attempt(source, request_id, await tenant_by_slug(self.runner.engine, input.tenant))
        tried = await attempt.find(find_staff_login, StaffLogin(input.email, source))
        return await self._prove(attempt, tried, input.password, input.device)

    async def sign_in_with_pin(self, input: SignInWithPin, source: str, *, request_id: str = "") -> Tokens:
        """Sign a cleaner in (R11). Raises `BadCredentials`, `Locked`, `RateLimited`, `PinNotSet`."""
        _ensure_writable(input.qr_token, "qrToken", tokens.LONGEST_TOKEN)
        _ensure_writable(input.pin, "pin", PIN_LENGTHS.stop - 1)
        attempt = self._attempt(source, request_id, tokens.tenant_of(input.qr_token, tokens.QR))
        tried = await attempt.find(find_cleaner_login, CleanerLogin(input.qr_token, source))
        return await self._prove(attempt, tried, input.pin, input.device)

    async def set_pin(self, input: SetPin, source: str, *, request_id: str = "") -> Tokens:
        """Choose a cleaner's first PIN, and sign them in (R11, A8)."""
        _ensure_writable(input.qr_token, "qrToken", tokens.LONGEST_TOKEN)
        device = _device(input.device)
        ensure_strong_pin(input.pin)
        attempt = self._attempt(source, request_id, tokens.tenant_of(input.qr_token, tokens.QR))
        tried = await attempt.find(find_first_pin, CleanerLogin(input.qr_token, source))
        if tried is None:
            raise BadCredentials
        chosen = FirstPin(tried, await self.passwords.hash(input.pin), device)
        return self._tokens(await attempt.run(record_first_pin, chosen))

    async def refresh_session(self, input: RefreshSession, source: str, *, request_id: str = "") -> Tokens:
        """Continue a session with its next refresh token (R12, R13, A6). Raises `Unauthenticated`."""
        _ensure_writable(input.refresh_token, "refreshToken", tokens.LONGEST_TOKEN)
        # Not limited by address: there is nothing to guess, and a whole office renews from one.
        attempt = self._visitor(request_id, tokens.tenant_of(input.refresh_token, tokens.REFRESH))
        return self._tokens(await attempt.run(rotate_refresh_token, input))

    async def accept_invite(self, input: AcceptInvite, source: str, *, request_id: str = "") -> Tokens:
        """Choose the first password by an invitation's link, and sign in."""
        return await self._redeem(input, LinkPurpose.INVITE, source, request_id)

    async def reset_password(self, input: ResetPassword, source: str, *, request_id: str = "") -> Tokens:
        """Choose a new password by a mailed link; every other session ends."""
        return await self._redeem(input, LinkPurpose.RESET, source, request_id)

    async def request_password_reset(self, input: RequestPasswordReset, source: str, *, request_id: str = "") -> None:
        """Mail a link to whoever signs in with this address; the caller learns nothing of who that is."""
        _ensure_writable(input.email, "email", MOST_EMAIL)
        attempt = self._attempt(source, request_id, await tenant_by_slug(self.runner.engine, input.tenant))
        await attempt.find(mail_reset, ResetWish(input.email))

    async def request_sign_in_link(self, input: RequestSignInLink, source: str, *, request_id: str = "") -> None:
        """Mail a link to every customer of this address (R30); the caller learns nothing of who that is."""
        _ensure_writable(input.email, "email", MOST_EMAIL)
        attempt = self._attempt(source, request_id, await tenant_by_slug(self.runner.engine, input.tenant))
        await attempt.find(mail_sign_in_link, SignInWish(input.email))

    async def sign_in_with_link(self, input: SignInWithLink, source: str, *, request_id: str = "") -> Tokens:
        """Sign a customer in by a mailed link (R30). Raises `LinkInvalid`, `RateLimited`."""
        _ensure_writable(input.token, "token", tokens.LONGEST_TOKEN)
        entry = LinkEntry(input.token, _device(input.device))
        attempt = self._attempt(source, request_id, tokens.tenant_of(input.token, tokens.LINK))
        signed_in = await attempt.find(enter_with_link, entry)
        if signed_in is None:
            raise LinkInvalid(field=("token",))
        return self._tokens(signed_in)

    async def issue_token(self, tenant: str, role: Role, user: str | None = None) -> Tokens:
        """For the command line: a session of the first such person, or of `user` (email, name or id).

        Raises `Forbidden` in production, `NotFound` where there is no such tenant or person.
        """
        if self.production:
            raise Forbidden("Tokens are not given out in production.")
        found = PLATFORM_TENANT if role is Role.OPS else await tenant_by_slug(self.runner.engine, tenant)
        if found is None:
            raise NotFound("There is no such tenant.", field=("tenant",))
        call = Call(Actor.system(found), open_session_for, PersonWanted(role, user))
        return self._tokens(await self.runner.run(call))

    def _attempt(self, source: str, request_id: str, tenant: TenantId | None) -> "_Attempt":
        self.limiter.ensure(source)
        return self._visitor(request_id, tenant)

    def _visitor(self, request_id: str, tenant: TenantId | None) -> "_Attempt":
        # Who names no tenant is looked for in one that nobody has: the same work for the same answer.
        return _Attempt(self.runner, Actor.anonymous(tenant or NO_TENANT), request_id)

    async def _prove(self, attempt: "_Attempt", tried: Tried | None, secret: str, device: str) -> Tokens:
        named = _device(device)
        proven = await self.passwords.verify(tried.secret_hash if tried else None, secret)
        if tried is None:
            raise BadCredentials
        return self._tokens(await attempt.run(record_sign_in, Outcome(tried, proven, named)))

    async def _redeem(
        self, input: AcceptInvite | ResetPassword, purpose: LinkPurpose, source: str, request_id: str
    ) -> Tokens:
        _ensure_writable(input.token, "token", tokens.LONGEST_TOKEN)
        device = _device(input.device)
        attempt = self._attempt(source, request_id, tokens.tenant_of(input.token, tokens.LINK))
        claim = LinkClaim(input.token, purpose)
        owner = await attempt.find(find_link, claim)
        if owner is None:
            raise LinkInvalid(field=("token",))
        ensure_strong_password(input.password, owner.email)
        secret_hash = await self.passwords.hash(input.password)
        return self._tokens(await attempt.run(redeem_link, Redemption(claim, secret_hash, device)))

    def _tokens(self, signed_in: SignedIn) -> Tokens:
        actor = Actor(signed_in.tenant, signed_in.role, signed_in.person_id, signed_in.session_id)
        return Tokens(
            self.signer.sign(actor),
            signed_in.refresh_token,
            int(self.signer.lifetime.total_seconds()),
            signed_in.tenant,
            signed_in.session_id,
            signed_in.person_id,
            signed_in.role,
        )


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Somebody unknown at one tenant's door."""

    runner: Runner
    actor: Actor
    request_id: str

    async def run(self, command: Command[Input, Result], input: Input) -> Result:
        return await self.runner.run(Call(self.actor, command, input, request_id=self.request_id))

    async def find(self, command: Command[Input, Result], input: Input) -> Result | None:
        """Like `run`; None where the tenant does not exist, which only its stamp finds out."""
        try:
            return await self.run(command, input)
        except Unauthenticated:
            return None


def _device(name: str) -> str:
    """Checked before a hash is spent on the request."""
    return text(name, "device", most=MOST_DEVICE, least=0)


def _ensure_writable(value: str, field: str, most: int) -> None:
    """Only what no credential can be is refused unseen: what is too short is simply wrong."""
    if len(value) > most:
        raise Invalid(f"This has at most {most} characters.", field=(field,))
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise Invalid("This has characters that cannot be stored.", field=(field,))
