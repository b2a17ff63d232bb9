"""That secrets stay secret: nothing in clear in any table, no hash while a connection is held; and the command line."""

import base64
import contextlib
import re
from typing import Any

import pytest
from argon2 import PasswordHasher

from app.auth import Auth
from app.passwords import Passwords, SourceLimiter
from domain.actors import PLATFORM_TENANT, Actor, Role, StaffRole
from domain.errors import BadCredentials, Forbidden, Invalid, NotFound, Unauthenticated
from services.customers import CreateCustomer, create_customer
from services.identity.business import InviteOps, invite_ops
from services.identity.command_line import TOKEN_ROLES
from services.identity.forms import (
    AcceptInvite,
    RefreshSession,
    RequestPasswordReset,
    ResetPassword,
    SetPin,
    SignIn,
    SignInWithPin,
)
from services.identity.links import link_token
from services.identity.qr import IssueQr, issue_qr
from services.identity.sessions import SignOut, sign_out
from services.identity.staff import InviteStaff, invite_staff
from tests.identity.house import PASSWORD, PIN, Business, Expect, House, an_id

HERE = "203.0.113.99"


def spellings(secret: str) -> list[str]:
    """A secret as it could lie in a row: as text, or as the bytes that PostgreSQL prints in hexadecimal."""
    return [secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode()]


DIGEST = r"(?:\\x|\b)[0-9a-f]{64}\b"
ID = r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b"
TIME = r"\d\d:\d\d:\d\d\.\d{1,6}(?!\d)"
CHANCE = re.compile(f"{DIGEST}|{ID}|{TIME}")
"""A hash, an id or a time, as they stand in rows: six digits turn up in them by chance."""


def is_in(secret: str, lines: str) -> bool:
    """Whether a secret lies in these rows, in any spelling."""
    without_chance = CHANCE.sub("~", lines)
    return any(each in (without_chance if each == PIN else lines) for each in spellings(secret))


@pytest.mark.parametrize("secret", [PIN, PASSWORD])
def test_a_secret_is_found_wherever_it_lies_in_a_row(secret: str) -> None:
    """And the PIN's digits are no PIN in a hash, an id or a time."""
    digest, id, at = "ab" * 32, "0197a849-2710-7000-8000-0123456789ab", "2026-11-24 10:30:07.849270+00"
    row = f'({id},"\\\\x{digest}",{{}},"{at}")'
    for lying in (
        row.replace("{}", secret),
        row.replace("{}", f'"{{""pin"": ""{secret}""}}"'),
        row.replace("{}", f'"{at} {secret}"'),
        row.replace("{}", f'"\\\\x{secret.encode().hex()}"'),
        row.replace("{}", base64.b64encode(secret.encode()).decode()),
        row.replace("{}", f"b-{'ab' * 16}-{secret}"),
        f"{row}\n{secret}",
    ):
        assert is_in(secret, lying), lying
    for digits in (
        row.replace(digest, f"{digest[:-6]}{PIN}"),
        row.replace(digest, f"{PIN}{digest[6:]}"),
        row.replace(f'"\\\\x{digest}"', f"{PIN}{digest[6:]}"),
        row.replace("0123456789ab", f"012345{PIN}"),
        row.replace("{}", f"b-{'ab' * 13}{PIN}"),
        row.replace("849270", PIN),
        f'"{{""at"": ""2026-11-24T10:30:07.{PIN}+00:00""}}"',
    ):
        assert PIN in digits
        assert not is_in(secret, digits), digits


async def test_no_secret_is_in_any_table_in_clear(house: House, ours: Business) -> None:
    """R4, R231: after everything that deals in secrets, every row of every table is searched for each of them."""
    form = InviteStaff("New", "new@example.com", StaffRole.ADMIN)
    invitation = await house.invited(ours.id, await house.run(ours.owner, invite_staff, form))
    await house.auth.accept_invite(AcceptInvite(invitation, PASSWORD), HERE)
    await house.engage(ours)
    first_qr = ours.qr
    ours.qr = (await house.run(ours.owner, issue_qr, IssueQr(ours.cleaner))).qr_token
    cleaner = await house.auth.sign_in_with_pin(SignInWithPin(ours.qr, PIN), HERE)
    staff = await house.auth.sign_in(SignIn(ours.slug, ours.emails[Role.OWNER], PASSWORD), HERE)
    renewed = await house.auth.refresh_session(RefreshSession(staff.refresh_token), HERE)
    with pytest.raises(BadCredentials):
        await house.auth.sign_in(SignIn(ours.slug, ours.emails[Role.OWNER], "a very wrong guess"), HERE)
    await house.auth.request_password_reset(RequestPasswordReset(ours.slug, ours.emails[Role.OWNER]), HERE)
    link = await house.value("select id from mailed_link where tenant_id = $1 and purpose = 'reset'", ours.id)
    reset = link_token(house.runner.secrets, ours.id, link)
    await house.auth.reset_password(ResetPassword(reset, "a third fine secret"), HERE)

    secrets = [PASSWORD, PIN, "a very wrong guess", "a third fine secret", invitation, reset, first_qr, ours.qr, HERE]
    for tokens in (cleaner, staff, renewed):
        secrets += [tokens.access_token, tokens.refresh_token]
    secrets += [token.rsplit(".", 1)[1] for token in (invitation, reset, first_qr, ours.qr, renewed.refresh_token)]
    for table, rows in (await house.everything()).items():
        lines = "\n".join(rows)
        for secret in secrets:
            assert not is_in(secret, lines), table


class Witness(PasswordHasher):
    """A hasher that notes how many connections are in use while it works."""

    def __init__(self, house: House) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.pool: Any = house.runner.engine.pool
        self.held: list[int] = []

    def hash(self, password: Any, **more: Any) -> str:
        self.held.append(self.pool.checkedout())
        return super().hash(password, **more)

    def verify(self, hash: Any, password: Any) -> Any:
        self.held.append(self.pool.checkedout())
        return super().verify(hash, password)


def with_passwords(house: House, hasher: PasswordHasher, **changed: Any) -> Auth:
    known = house.auth
    parts: dict[str, Any] = {"production": False, "limiter": SourceLimiter(burst=1_000_000), "now": known.now} | changed
    passwords = Passwords(house.runner.secrets, hasher=hasher)
    return Auth(house.runner, known.signer, known.verifier, passwords, **parts)


async def test_no_connection_is_held_while_a_secret_is_hashed(house: House, ours: Business) -> None:
    """And who does not exist costs as many hashes as who does."""
    await house.engage(ours)
    witness = Witness(house)
    auth = with_passwords(house, witness)
    attempts = [
        auth.sign_in(SignIn(ours.slug, ours.emails[Role.OWNER], PASSWORD), HERE),
        auth.sign_in(SignIn(ours.slug, ours.emails[Role.OWNER], "wrong"), HERE),
        auth.sign_in(SignIn(ours.slug, "nobody@nowhere.example", "wrong"), HERE),
        auth.sign_in(SignIn("no-such-business", "nobody@nowhere.example", "wrong"), HERE),
        auth.sign_in_with_pin(SignInWithPin(ours.qr, "918273"), HERE),
        auth.sign_in_with_pin(SignInWithPin(ours.qr[:-1] + "_", "918273"), HERE),
        auth.sign_in_with_pin(SignInWithPin("nonsense", "918273"), HERE),
    ]
    for attempt in attempts:
        witness.held.clear()
        with contextlib.suppress(BadCredentials):
            await attempt
        assert witness.held == [0]
    auth.passwords.close()


async def test_the_command_line_opens_a_session_for_every_role(house: House, ours: Business, theirs: Business) -> None:
    """A session like any sign-in's: seen by the stamp, ended by sign-out."""
    await house.engage(ours)
    for role in (Role.ADMIN, Role.DISPATCHER):
        await house.hire(ours, role)
    customer = await house.run(ours.owner, create_customer, CreateCustomer("Customer One", "c1@example.com"))
    address = f"{an_id()}@example.com"
    await house.run(Actor.system(PLATFORM_TENANT), invite_ops, InviteOps("Ops", address))
    expected = ours.staff | {Role.CLEANER: ours.cleaner, Role.CUSTOMER: customer}

    for role in TOKEN_ROLES:
        actor = house.actor(await house.auth.issue_token(ours.slug, role))
        assert actor.role is role
        assert actor.tenant == (PLATFORM_TENANT if role is Role.OPS else ours.id)
        assert role is Role.OPS or actor.person == expected[role]
        await house.run(actor, sign_out, SignOut())
        with pytest.raises(Unauthenticated):
            await house.run(actor, sign_out, SignOut())
    for user in ("c1@example.com", "Customer One", str(customer)):
        assert (await house.auth.issue_token(ours.slug, Role.CUSTOMER, user)).person_id == customer


async def test_the_command_line_refuses_who_is_not_there_and_production(
    house: House, ours: Business, theirs: Business, refused: Expect
) -> None:
    for tenant, role, user in (
        (ours.slug, Role.CLEANER, None),
        (ours.slug, Role.CLEANER, str(theirs.cleaner)),
        (ours.slug, Role.OWNER, "nobody@nowhere.example"),
        ("no-such-business", Role.OWNER, None),
    ):
        await refused(NotFound, house.auth.issue_token(tenant, role, user))
    await refused(Invalid, house.auth.issue_token(ours.slug, Role.SYSTEM))
    production = with_passwords(house, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), production=True)
    await refused(Forbidden, production.issue_token(ours.slug, Role.OWNER))
    production.passwords.close()


async def test_an_authorization_header_is_a_bearer_token_or_nothing(house: House, ours: Business) -> None:
    tokens = await house.auth.sign_in(SignIn(ours.slug, ours.emails[Role.OWNER], PASSWORD), HERE)
    assert house.auth.actor_of(None) is None
    assert house.auth.actor_of("") is None
    assert house.auth.actor_of(f"bearer  {tokens.access_token} ") is not None
    for header in (tokens.access_token, f"Basic {tokens.access_token}", "Bearer", "Bearer x", "Bearer ä"):
        with pytest.raises(Unauthenticated):
            house.auth.actor_of(header)


def test_forms_do_not_print_their_secrets() -> None:
    """R4: not in logs either."""
    for form in (SignIn("t", "e", "hidden-one"), SignInWithPin("hidden-one", "hidden-one"), SetPin("q", "hidden-one")):
        assert "hidden-one" not in repr(form)
