"""What happens between finding a credential and recording the outcome, and what happens twice."""

from datetime import timedelta

import pytest

from domain.actors import Actor, Role, StaffRole
from domain.errors import BadCredentials, Conflict, Locked, RateLimited, Unauthenticated
from services.identity import tokens
from services.identity.business import ArchiveMarket, CreateMarket, archive_market, create_market
from services.identity.cleaners import ArchiveCleaner, CreateCleaner, archive_cleaner, create_cleaner
from services.identity.forms import RefreshSession, SetPin, SignIn, SignInWithPin
from services.identity.qr import IssueQr, ResetPin, issue_qr, reset_pin
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
from services.identity.staff import (
    ArchiveStaff,
    ChangeStaffRole,
    ResendInvite,
    UpdateStaff,
    archive_staff,
    change_staff_role,
    resend_invite,
    update_staff,
)
from services.identity.tokens import RefreshClaim
from tests.identity.house import PASSWORD, PIN, Business, Expect, House, an_id

HERE = "203.0.113.7"


async def wrong_pin(house: House, business: Business, source: str = "") -> None:
    with pytest.raises(BadCredentials):
        await house.auth.sign_in_with_pin(SignInWithPin(business.qr, "918273"), source or str(an_id()))


async def test_the_right_pin_that_was_hashed_while_others_locked_is_refused(
    house: House, ours: Business, refused: Expect
) -> None:
    """R14: the lock is asked again in the statement that forgives."""
    await house.engage(ours)
    door = Actor.anonymous(ours.id)
    tried = await house.run(door, find_cleaner_login, CleanerLogin(ours.qr, HERE))
    for _ in range(5):
        await wrong_pin(house, ours)

    locked = await refused(Locked, house.run(door, record_sign_in, Outcome(tried, proven=True)))
    assert locked.retry_after_ms > 0


@pytest.mark.parametrize("meanwhile", [reset_pin, issue_qr, archive_cleaner])
async def test_a_credential_that_changed_meanwhile_opens_nothing(
    house: House, ours: Business, refused: Expect, meanwhile: object
) -> None:
    """A8: reset, rotated or archived between the two steps."""
    await house.engage(ours)
    door = Actor.anonymous(ours.id)
    tried = await house.run(door, find_cleaner_login, CleanerLogin(ours.qr, HERE))
    form = {reset_pin: ResetPin, issue_qr: IssueQr, archive_cleaner: ArchiveCleaner}[meanwhile]
    await house.run(ours.owner, meanwhile, form(ours.cleaner))

    await refused(BadCredentials, house.run(door, record_sign_in, Outcome(tried, proven=True)))


async def test_a_role_that_changed_meanwhile_is_not_given(house: House, ours: Business, refused: Expect) -> None:
    """R9: a session never has a role that its person has lost."""
    await house.hire(ours, Role.ADMIN)
    door = Actor.anonymous(ours.id)
    tried = await house.run(door, find_staff_login, StaffLogin(ours.emails[Role.ADMIN], HERE))
    await house.run(ours.owner, change_staff_role, ChangeStaffRole(ours.staff[Role.ADMIN], StaffRole.DISPATCHER))

    await refused(BadCredentials, house.run(door, record_sign_in, Outcome(tried, proven=True)))


async def test_a_first_pin_needs_the_token_that_is_good_when_it_is_recorded(
    house: House, ours: Business, refused: Expect
) -> None:
    """A8: and a token of a tenant that does not exist is an unknown one."""
    made = await house.run(ours.owner, create_cleaner, CreateCleaner("New"))
    qr = (await house.run(ours.owner, issue_qr, IssueQr(made))).qr_token
    door = Actor.anonymous(ours.id)
    tried = await house.run(door, find_first_pin, CleanerLogin(qr, HERE))
    await house.run(ours.owner, issue_qr, IssueQr(made))

    await refused(BadCredentials, house.run(door, record_first_pin, FirstPin(tried, "hash")))
    await refused(BadCredentials, house.auth.set_pin(SetPin(qr, PIN), HERE))
    await refused(BadCredentials, house.auth.set_pin(SetPin(tokens.new_qr_token(an_id()), PIN), HERE))


async def test_a_generation_that_was_never_given_out_is_refused(house: House, ours: Business, refused: Expect) -> None:
    """R13: even with the right key."""
    claim = RefreshClaim(ours.owner.session, 7)  # type: ignore[arg-type]
    token = tokens.refresh_token(house.runner.secrets, ours.id, claim)
    await refused(Unauthenticated, house.run(Actor.anonymous(ours.id), rotate_refresh_token, RefreshSession(token)))


async def test_a_network_address_is_forgiven_after_a_quiet_day(house: House, ours: Business) -> None:
    """A7: and its lock ends by itself before that."""
    await house.engage(ours)
    for turn in range(20):
        with pytest.raises(BadCredentials):
            await house.auth.sign_in(SignIn(ours.slug, f"nobody{turn}@nowhere.example", "wrong"), HERE)
    right = SignInWithPin(ours.qr, PIN)
    with pytest.raises(RateLimited):
        await house.auth.sign_in_with_pin(right, HERE)
    await house.move_clock(ours.id, timedelta(minutes=15))
    await house.auth.sign_in_with_pin(right, HERE)
    await wrong_pin(house, ours, HERE)
    await house.move_clock(ours.id, timedelta(days=1))
    await wrong_pin(house, ours, HERE)

    rows = await house.root.fetch(
        "select failures, locks from sign_in_source where tenant_id = $1 and source like 'address:%'", ours.id
    )
    assert [(row["failures"], row["locks"]) for row in rows] == [(1, 0)]


async def test_what_is_archived_stays_so_and_saying_it_again_changes_nothing(
    house: House, ours: Business, refused: Expect
) -> None:
    """No event and no version for nothing; what is gone cannot be given tokens, roles or invitations."""
    await house.hire(ours, Role.DISPATCHER)
    person = ours.staff[Role.DISPATCHER]
    cleaner = await house.run(ours.owner, create_cleaner, CreateCleaner("New"))
    market = await house.run(ours.owner, create_market, CreateMarket("Boise", "America/Boise"))
    await refused(Conflict, house.run(ours.owner, reset_pin, ResetPin(cleaner)))
    same = ChangeStaffRole(person, StaffRole.DISPATCHER)
    ending = [
        (change_staff_role, same),
        (archive_staff, ArchiveStaff(person)),
        (archive_cleaner, ArchiveCleaner(cleaner)),
        (archive_market, ArchiveMarket(market)),
    ]
    for command, form in ending:
        await house.run(ours.owner, command, form)
    before = await house.everything()
    for command, form in ending[1:]:
        await house.run(ours.owner, command, form)
    assert await house.everything() == before

    for command, form in (
        (issue_qr, IssueQr(cleaner)),
        (reset_pin, ResetPin(cleaner)),
        (change_staff_role, ChangeStaffRole(person, StaffRole.ADMIN)),
        (resend_invite, ResendInvite(person)),
    ):
        await refused(Conflict, house.run(ours.owner, command, form))


async def test_a_colleague_is_renamed(house: House, ours: Business) -> None:
    """A28: versions count; a new name is no reason to sign in again."""
    admin = await house.hire(ours, Role.ADMIN)
    await house.run(ours.owner, update_staff, UpdateStaff(ours.staff[Role.ADMIN], " Renamed ", expected_version=1))

    row = await house.root.fetchrow("select name, version from staff where id = $1", ours.staff[Role.ADMIN])
    assert (row["name"], row["version"]) == ("Renamed", 2)
    await house.run(admin, update_staff, UpdateStaff(ours.staff[Role.ADMIN], "Again"))
    await house.auth.sign_in(SignIn(ours.slug, ours.emails[Role.ADMIN], PASSWORD), HERE)
