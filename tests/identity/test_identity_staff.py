"""Colleagues: invited and helped by mailed links, given roles, archived; an owner always remains."""

import asyncio
from datetime import timedelta

import pytest

from domain.actors import NOBODY, PLATFORM_TENANT, Actor, Role, StaffRole
from domain.errors import (
    AlreadyExists,
    BadCredentials,
    Conflict,
    Forbidden,
    Invalid,
    LinkInvalid,
    Locked,
    NotFound,
    Unauthenticated,
    WeakSecret,
)
from services.identity.business import InviteOps, invite_ops
from services.identity.forms import AcceptInvite, RequestPasswordReset, ResetPassword, SignIn
from services.identity.links import LinkPurpose, ReadMailedLink, link_token, read_mailed_link
from services.identity.sessions import SignOut, sign_out
from services.identity.staff import (
    ArchiveStaff,
    ChangeStaffRole,
    InviteStaff,
    ResendInvite,
    UnlockStaff,
    UpdateStaff,
    archive_staff,
    change_staff_role,
    invite_staff,
    resend_invite,
    unlock_staff,
    update_staff,
)
from tests.identity.house import PASSWORD, Business, Expect, House, an_id

HERE = "203.0.113.7"
NEW_PASSWORD = "another fine secret"


async def reset_token(house: House, business: Business, email: str) -> str:
    await house.auth.request_password_reset(RequestPasswordReset(business.slug, email), HERE)
    link = await house.value(
        "select id from mailed_link where tenant_id = $1 and purpose = 'reset' order by id desc limit 1",
        business.id,
    )
    return link_token(house.runner.secrets, business.id, link)


async def test_an_invitation_sets_the_password_once_and_signs_in(house: House, ours: Business, refused: Expect) -> None:
    """The link is single use; its mail is staged by id alone."""
    form = InviteStaff(" Dispatcher  ", " Desk@Example.COM ", StaffRole.DISPATCHER)
    person = await house.run(ours.owner, invite_staff, form)
    token = await house.invited(ours.id, person)

    tokens = await house.auth.accept_invite(AcceptInvite(token, PASSWORD), HERE)

    assert (tokens.role, tokens.person_id, tokens.tenant) == (Role.DISPATCHER, person, ours.id)
    await house.auth.sign_in(SignIn(ours.slug, "desk@example.com", PASSWORD), HERE)
    refusal = await refused(LinkInvalid, house.auth.accept_invite(AcceptInvite(token, NEW_PASSWORD), HERE))
    assert refusal.field == ("token",)


async def test_an_invitation_used_by_many_at_once_is_used_once(house: House, ours: Business) -> None:
    person = await house.run(ours.owner, invite_staff, InviteStaff("New", "new@example.com", StaffRole.ADMIN))
    token = await house.invited(ours.id, person)

    tried = [house.auth.accept_invite(AcceptInvite(token, PASSWORD), HERE) for _ in range(8)]
    outcomes = await asyncio.gather(*tried, return_exceptions=True)

    assert sum(isinstance(outcome, LinkInvalid) for outcome in outcomes) == 7
    assert await house.value("select count(*) from session where person_id = $1", person) == 1


async def test_an_invitation_ends_after_seven_days_or_with_the_next_one(
    house: House, ours: Business, refused: Expect
) -> None:
    person = await house.run(ours.owner, invite_staff, InviteStaff("New", "late@example.com", StaffRole.ADMIN))
    first = await house.invited(ours.id, person)
    await house.move_clock(ours.id, timedelta(days=7))
    await refused(LinkInvalid, house.auth.accept_invite(AcceptInvite(first, PASSWORD), HERE))

    await house.run(ours.owner, resend_invite, ResendInvite(person))
    second = await house.invited(ours.id, person)
    await house.run(ours.owner, resend_invite, ResendInvite(person))
    third = await house.invited(ours.id, person)

    await refused(LinkInvalid, house.auth.accept_invite(AcceptInvite(second, PASSWORD), HERE))
    await house.auth.accept_invite(AcceptInvite(third, PASSWORD), HERE)
    await refused(Conflict, house.run(ours.owner, resend_invite, ResendInvite(person)))


async def test_links_that_are_forged_foreign_or_for_something_else_are_refused(
    house: House, ours: Business, theirs: Business, refused: Expect
) -> None:
    """R3: one answer for all."""
    person = await house.run(ours.owner, invite_staff, InviteStaff("New", "forged@example.com", StaffRole.ADMIN))
    token = await house.invited(ours.id, person)
    kind, _, link, mac = token.split(".")
    foreign = await house.run(theirs.owner, invite_staff, InviteStaff("X", "x@example.com", StaffRole.ADMIN))
    other = (await house.invited(theirs.id, foreign)).split(".")[1]
    ours_id = await house.value("select id from mailed_link where person_id = $1", person)
    wrong = [
        f"{kind}.{other}.{link}.{mac}",
        f"{token}x",
        "ml1.a.b.c",
        "",
        link_token(house.runner.secrets, ours.id, an_id()),
        link_token(house.runner.secrets, theirs.id, ours_id),
    ]
    for one in wrong:
        await refused(LinkInvalid, house.auth.accept_invite(AcceptInvite(one, PASSWORD), HERE))
    await refused(LinkInvalid, house.auth.reset_password(ResetPassword(token, PASSWORD), HERE))


async def test_a_weak_password_leaves_the_link_good(house: House, ours: Business, refused: Expect) -> None:
    """A7: too short, too common, or made of the address."""
    person = await house.run(ours.owner, invite_staff, InviteStaff("New", "marigold@example.com", StaffRole.ADMIN))
    token = await house.invited(ours.id, person)
    for weak in ("short", "password123", "my marigold flower", "x" * 201):
        refusal = await refused(WeakSecret, house.auth.accept_invite(AcceptInvite(token, weak), HERE))
        assert refusal.field == ("password",)
    await house.auth.accept_invite(AcceptInvite(token, PASSWORD), HERE)


async def test_a_password_reset_unlocks_and_ends_all_sessions(house: House, ours: Business, theirs: Business) -> None:
    """The way back in for who is locked out or robbed; the link lives for an hour."""
    email = ours.emails[Role.OWNER]
    for _ in range(5):
        with pytest.raises(BadCredentials):
            await house.auth.sign_in(SignIn(ours.slug, email, "wrong"), str(an_id()))
    token = await reset_token(house, ours, email)

    tokens = await house.auth.reset_password(ResetPassword(token, NEW_PASSWORD), HERE)

    assert tokens.person_id == ours.staff[Role.OWNER]
    with pytest.raises(Unauthenticated):
        await house.run(ours.owner, sign_out, SignOut())
    await house.auth.sign_in(SignIn(ours.slug, email, NEW_PASSWORD), HERE)
    with pytest.raises(BadCredentials):
        await house.auth.sign_in(SignIn(ours.slug, email, PASSWORD), HERE)
    late = await reset_token(house, ours, email)
    await house.move_clock(ours.id, timedelta(hours=1))
    with pytest.raises(LinkInvalid):
        await house.auth.reset_password(ResetPassword(late, PASSWORD), HERE)


async def test_asking_for_a_reset_tells_nobody_who_exists(house: House, ours: Business, theirs: Business) -> None:
    """Known, unknown and foreign addresses: the same answer and the same rows; an unknown business: nothing at all."""

    async def rows() -> dict[str, int]:
        return {name: len(lines) for name, lines in (await house.everything()).items()}

    grown = []
    for email in (ours.emails[Role.OWNER], "nobody@nowhere.example", theirs.emails[Role.OWNER]):
        before = await rows()
        await house.auth.request_password_reset(RequestPasswordReset(ours.slug, email), HERE)
        after = await rows()
        grown.append({name: after[name] - before[name] for name in after})
    assert grown[0] == grown[1] == grown[2]
    for link in await house.root.fetch(
        "select id from mailed_link where tenant_id = $1 and person_id = $2", ours.id, NOBODY
    ):
        assert await house.run(Actor.system(ours.id), read_mailed_link, ReadMailedLink(link["id"])) is None
    before = await rows()
    await house.auth.request_password_reset(RequestPasswordReset("no-such-business", "a@b.example"), HERE)
    assert await rows() == before


async def test_mails_to_one_address_are_limited(house: House, ours: Business) -> None:
    for _ in range(12):
        await house.auth.request_password_reset(RequestPasswordReset(ours.slug, ours.emails[Role.OWNER]), HERE)
    sent = await house.value("select count(*) from mailed_link where tenant_id = $1 and purpose = 'reset'", ours.id)
    assert sent == 5


async def test_the_mail_is_written_from_the_link(house: House, ours: Business, theirs: Business) -> None:
    """What the sending task reads, and only under the link's own tenant."""
    person = await house.run(ours.owner, invite_staff, InviteStaff("Mona", "mona@example.com", StaffRole.ADMIN))
    link = await house.value("select id from mailed_link where person_id = $1", person)

    mail = await house.run(Actor.system(ours.id), read_mailed_link, ReadMailedLink(link))

    assert (mail.purpose, mail.email, mail.name, mail.business) == (
        LinkPurpose.INVITE,
        "mona@example.com",
        "Mona",
        "Bright Homes",
    )
    assert mail.token == await house.invited(ours.id, person)
    assert await house.run(Actor.system(theirs.id), read_mailed_link, ReadMailedLink(link)) is None
    task = await house.root.fetch(
        "select payload from task where tenant_id = $1 and payload->>'link_id' = $2", ours.id, str(link)
    )
    assert len(task) == 1


async def test_only_owners_manage_owners(house: House, ours: Business, refused: Expect) -> None:
    """Administrators make administrators and dispatchers, and owners make owners."""
    admin = await house.hire(ours, Role.ADMIN)
    owner = ours.staff[Role.OWNER]
    await refused(Forbidden, house.run(admin, invite_staff, InviteStaff("X", "x@example.com", StaffRole.OWNER)))
    await refused(Forbidden, house.run(admin, change_staff_role, ChangeStaffRole(owner, StaffRole.ADMIN)))
    await refused(
        Forbidden, house.run(admin, change_staff_role, ChangeStaffRole(ours.staff[Role.ADMIN], StaffRole.OWNER))
    )
    await refused(Forbidden, house.run(admin, archive_staff, ArchiveStaff(owner)))
    await refused(Forbidden, house.run(admin, update_staff, UpdateStaff(owner, "X")))
    await house.run(admin, invite_staff, InviteStaff("X", "x@example.com", StaffRole.ADMIN))

    await house.run(ours.owner, change_staff_role, ChangeStaffRole(ours.staff[Role.ADMIN], StaffRole.OWNER))
    assert await house.value("select role from credential where person_id = $1", ours.staff[Role.ADMIN]) == "owner"


async def test_the_last_owner_stays(house: House, ours: Business, theirs: Business, refused: Expect) -> None:
    """Neither demoted nor archived; an owner of another business is of no help."""
    me = ours.staff[Role.OWNER]
    await refused(Conflict, house.run(ours.owner, change_staff_role, ChangeStaffRole(me, StaffRole.ADMIN)))
    await refused(Conflict, house.run(ours.owner, archive_staff, ArchiveStaff(me)))


async def test_two_owners_who_remove_each_other_at_once_leave_one(house: House, ours: Business) -> None:
    await house.hire(ours, Role.ADMIN)
    second = ours.staff[Role.ADMIN]
    await house.run(ours.owner, change_staff_role, ChangeStaffRole(second, StaffRole.OWNER))
    other = house.actor(await house.auth.sign_in(SignIn(ours.slug, ours.emails[Role.ADMIN], PASSWORD), HERE))

    outcomes = await asyncio.gather(
        house.run(ours.owner, archive_staff, ArchiveStaff(second)),
        house.run(other, archive_staff, ArchiveStaff(ours.staff[Role.OWNER])),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, Exception) for outcome in outcomes) == 1
    left = "select count(*) from staff where tenant_id = $1 and role = 'owner' and archived_at is null"
    assert await house.value(left, ours.id) == 1


async def test_an_archived_colleague_is_out_at_once(house: House, ours: Business) -> None:
    admin = await house.hire(ours, Role.ADMIN)
    email = ours.emails[Role.ADMIN]
    token = await reset_token(house, ours, email)

    await house.run(ours.owner, archive_staff, ArchiveStaff(ours.staff[Role.ADMIN]))

    with pytest.raises(Unauthenticated):
        await house.run(admin, sign_out, SignOut())
    with pytest.raises(BadCredentials):
        await house.auth.sign_in(SignIn(ours.slug, email, PASSWORD), HERE)
    with pytest.raises(LinkInvalid):
        await house.auth.reset_password(ResetPassword(token, PASSWORD), HERE)
    events = "select type from event where tenant_id = $1 and actor_id = $2 order by seq desc limit 2"
    types = {row["type"] for row in await house.root.fetch(events, ours.id, ours.owner.person)}
    assert types == {"SessionRevoked", "StaffChanged"}


async def test_bad_words_about_staff_are_refused_by_field(
    house: House, ours: Business, theirs: Business, refused: Expect
) -> None:
    """R19, R3, A28."""
    mine = ours.emails[Role.OWNER]
    cases = [
        (Invalid, "name", InviteStaff("x" * 201, "a@example.com", StaffRole.ADMIN)),
        (Invalid, "name", InviteStaff("   ", "a@example.com", StaffRole.ADMIN)),
        (Invalid, "email", InviteStaff("A", "not an address", StaffRole.ADMIN)),
        (Invalid, "email", InviteStaff("A", "a" * 300 + "@example.com", StaffRole.ADMIN)),
        (AlreadyExists, "email", InviteStaff("A", mine.upper(), StaffRole.ADMIN)),
    ]
    for kind, field, form in cases:
        assert (await refused(kind, house.run(ours.owner, invite_staff, form))).field == (field,)
    person = ours.staff[Role.OWNER]
    await refused(Conflict, house.run(ours.owner, update_staff, UpdateStaff(person, "New name", expected_version=7)))
    for wanted in (theirs.staff[Role.OWNER], an_id()):
        for command, wish in (
            (update_staff, UpdateStaff(wanted, "X")),
            (change_staff_role, ChangeStaffRole(wanted, StaffRole.ADMIN)),
            (archive_staff, ArchiveStaff(wanted)),
            (resend_invite, ResendInvite(wanted)),
            (unlock_staff, UnlockStaff(wanted)),
        ):
            assert (await refused(NotFound, house.run(ours.owner, command, wish))).field == ("staffId",)


async def test_the_platforms_people_live_in_the_platforms_tenant(house: House, ours: Business, refused: Expect) -> None:
    """Ops is a role of the platform's own tenant and of no business (A4)."""
    system = Actor.system(PLATFORM_TENANT)
    for address in ("ops1@example.com", "ops2@example.com"):
        founded = await house.run(system, invite_ops, InviteOps("Ops", address))
        actor = await house.join(PLATFORM_TENANT, founded.owner_id)
        assert actor.role is Role.OPS
    await refused(Forbidden, house.run(Actor.system(ours.id), invite_ops, InviteOps("Ops", "ops3@example.com")))
    with pytest.raises((BadCredentials, Locked)):
        await house.auth.sign_in(SignIn(ours.slug, "ops1@example.com", PASSWORD), HERE)
