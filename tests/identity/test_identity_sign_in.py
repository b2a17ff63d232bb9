"""Signing in: staff by password, cleaners by QR token and PIN, and the lock against guessing."""

import asyncio
from datetime import timedelta

import pytest

from domain.actors import Role
from domain.errors import (
    BadCredentials,
    Forbidden,
    Invalid,
    Locked,
    NotFound,
    PinAlreadySet,
    PinNotSet,
    RateLimited,
    Unauthenticated,
    WeakSecret,
)
from services.identity.cleaners import ArchiveCleaner, CreateCleaner, archive_cleaner, create_cleaner
from services.identity.forms import AcceptInvite, RefreshSession, RequestPasswordReset, SetPin, SignIn, SignInWithPin
from services.identity.qr import IssueQr, ResetPin, UnlockCleaner, issue_qr, reset_pin, unlock_cleaner
from services.identity.sessions import SignOut, sign_out
from services.identity.staff import ArchiveStaff, UnlockStaff, archive_staff, unlock_staff
from tests.identity.house import PASSWORD, PIN, Business, Expect, House, an_id

HERE = "203.0.113.7"
WRONG_PIN = "918273"


async def test_staff_sign_in_by_tenant_email_and_password(house: House, ours: Business, theirs: Business) -> None:
    """R9: the token carries user, role and tenant."""
    tokens = await house.auth.sign_in(SignIn(ours.slug, f"  {ours.emails[Role.OWNER].upper()} ", PASSWORD), HERE)

    actor = house.actor(tokens)
    assert (actor.tenant, actor.person, actor.role) == (ours.id, ours.staff[Role.OWNER], Role.OWNER)
    assert tokens.expires_in_seconds == 600
    assert await house.value("select role from session where id = $1", actor.session) == "owner"


async def test_every_kind_of_wrong_staff_credential_has_one_answer(
    house: House, ours: Business, theirs: Business
) -> None:
    """R3, A7: unknown tenant, unknown or foreign email, wrong password, archived are the same."""
    await house.hire(ours, Role.ADMIN)
    await house.run(ours.owner, archive_staff, ArchiveStaff(ours.staff[Role.ADMIN]))
    attempts = [
        SignIn("no-such-business", ours.emails[Role.OWNER], PASSWORD),
        SignIn("no such business\0", ours.emails[Role.OWNER], PASSWORD),
        SignIn(ours.slug, "nobody@nowhere.example", PASSWORD),
        SignIn(ours.slug, theirs.emails[Role.OWNER], PASSWORD),
        SignIn(ours.slug, ours.emails[Role.OWNER], "wrong"),
        SignIn(ours.slug, ours.emails[Role.ADMIN], PASSWORD),
        SignIn(ours.slug, ours.qr, PASSWORD),
    ]
    answers = set()
    for attempt in attempts:
        with pytest.raises(BadCredentials) as caught:
            await house.auth.sign_in(attempt, str(an_id()))
        answers.add((caught.value.code, caught.value.message, caught.value.field, caught.value.retry_after_ms))

    assert len(answers) == 1


async def test_a_cleaner_sets_a_pin_once_and_signs_in_with_it(house: House, ours: Business, theirs: Business) -> None:
    """R10, R11, A5, A8: the QR token identifies, the first use sets the PIN, later ones need both."""
    made = await house.run(ours.owner, create_cleaner, CreateCleaner("New", phone="+13055550101"))
    qr = (await house.run(ours.owner, issue_qr, IssueQr(made))).qr_token
    with pytest.raises(PinNotSet):
        await house.auth.sign_in_with_pin(SignInWithPin(qr, PIN), HERE)

    first = house.actor(await house.auth.set_pin(SetPin(qr, PIN), HERE))
    again = house.actor(await house.auth.sign_in_with_pin(SignInWithPin(qr, PIN), HERE))

    assert (first.tenant, first.person, first.role) == (ours.id, made, Role.CLEANER)
    assert again.person == made
    assert again.session != first.session
    notices = await house.root.fetch(
        "select payload from task where tenant_id = $1 and kind = 'notify_pin_set'", ours.id
    )
    assert len(notices) == 1
    assert str(made) in notices[0]["payload"]


async def test_a_set_pin_cannot_be_set_again(house: House, ours: Business, refused: Expect) -> None:
    """A8: only the office can clear it."""
    await house.engage(ours)
    await refused(PinAlreadySet, house.auth.set_pin(SetPin(ours.qr, "739152"), HERE))


async def test_of_many_who_set_a_pin_at_once_one_wins(house: House, ours: Business) -> None:
    """A8."""
    made = await house.run(ours.owner, create_cleaner, CreateCleaner("New"))
    qr = (await house.run(ours.owner, issue_qr, IssueQr(made))).qr_token
    pins = ["849271", "739152", "502918", "918264", "640297"]

    tried = [house.auth.set_pin(SetPin(qr, pin), HERE) for pin in pins]
    outcomes = await asyncio.gather(*tried, return_exceptions=True)

    assert sum(isinstance(outcome, PinAlreadySet) for outcome in outcomes) == len(pins) - 1
    assert await house.value("select count(*) from session where person_id = $1", made) == 1
    winner = next(pin for pin, outcome in zip(pins, outcomes, strict=True) if not isinstance(outcome, Exception))
    await house.auth.sign_in_with_pin(SignInWithPin(qr, winner), HERE)


async def test_a_first_pin_can_be_set_for_a_day_and_after_a_reset_for_another(
    house: House, ours: Business, refused: Expect
) -> None:
    """A8: 24 hours from issue or reset; the reset ends sessions and returns to the first-login state."""
    cleaner = await house.engage(ours)
    await house.run(ours.owner, reset_pin, ResetPin(ours.cleaner))
    with pytest.raises(Unauthenticated):
        await house.run(cleaner, sign_out, SignOut())
    await refused(PinNotSet, house.auth.sign_in_with_pin(SignInWithPin(ours.qr, PIN), HERE))

    await house.move_clock(ours.id, timedelta(hours=24, seconds=1))
    await refused(PinNotSet, house.auth.set_pin(SetPin(ours.qr, "739152"), HERE))

    await house.run(ours.owner, reset_pin, ResetPin(ours.cleaner))
    await house.move_clock(ours.id, timedelta(hours=23))
    await house.auth.set_pin(SetPin(ours.qr, "739152"), HERE)


async def test_a_weak_pin_is_refused_with_its_field(house: House, ours: Business, refused: Expect) -> None:
    """A7: PINs that people guess first."""
    made = await house.run(ours.owner, create_cleaner, CreateCleaner("New"))
    qr = (await house.run(ours.owner, issue_qr, IssueQr(made))).qr_token
    for pin in ("123456", "111111", "19841984", "12345", "84927a"):
        refusal = await refused(WeakSecret, house.auth.set_pin(SetPin(qr, pin), HERE))
        assert refusal.field == ("pin",)


async def test_a_rotated_qr_token_is_dead_and_so_are_its_sessions(house: House, ours: Business) -> None:
    """A8: rotation kills sessions; the PIN stays."""
    cleaner = await house.engage(ours)
    old = ours.qr

    new = (await house.run(ours.owner, issue_qr, IssueQr(ours.cleaner))).qr_token

    with pytest.raises(Unauthenticated):
        await house.run(cleaner, sign_out, SignOut())
    with pytest.raises(BadCredentials):
        await house.auth.sign_in_with_pin(SignInWithPin(old, PIN), HERE)
    house.actor(await house.auth.sign_in_with_pin(SignInWithPin(new, PIN), HERE))
    revoked = await house.value(
        "select count(*) from event where tenant_id = $1 and type = 'SessionRevoked' and entity_id = $2",
        ours.id,
        cleaner.session,
    )
    assert revoked == 1


async def test_unknown_malformed_and_foreign_qr_tokens_answer_like_a_wrong_pin(
    house: House, ours: Business, theirs: Business
) -> None:
    """A7, R3."""
    await house.engage(ours)
    head, tenant, secret = ours.qr.split(".")
    foreign = theirs.qr.split(".")[1]
    tokens = [
        ours.qr,
        f"{head}.{tenant}.{'A' * 43}",
        f"{head}.{foreign}.{secret}",
        "nonsense",
        "",
        f"qr1.{'A' * 22}.{secret}",
    ]
    answers = set()
    for token in tokens:
        with pytest.raises(BadCredentials) as caught:
            await house.auth.sign_in_with_pin(SignInWithPin(token, WRONG_PIN), str(an_id()))
        answers.add((caught.value.code, caught.value.message, caught.value.field))
    assert len(answers) == 1


async def test_five_wrong_pins_lock_and_the_sixth_right_one_is_refused(
    house: House, ours: Business, refused: Expect
) -> None:
    """R14, R229, A7: the lock survives the refusal, lasts 15 minutes, and doubles."""
    await house.engage(ours)
    right = SignInWithPin(ours.qr, PIN)
    for minutes in (15, 30, 60):
        for _ in range(5):
            with pytest.raises(BadCredentials):
                await house.auth.sign_in_with_pin(SignInWithPin(ours.qr, WRONG_PIN), str(an_id()))

        locked = await refused(Locked, house.auth.sign_in_with_pin(right, HERE))
        assert (minutes * 60 - 60) * 1000 < locked.retry_after_ms <= minutes * 60_000
        await house.move_clock(ours.id, timedelta(minutes=minutes - 1))
        await refused(Locked, house.auth.sign_in_with_pin(right, HERE))
        await house.move_clock(ours.id, timedelta(minutes=1))
    await house.auth.sign_in_with_pin(right, HERE)


async def test_a_success_resets_the_count(house: House, ours: Business) -> None:
    """R15."""
    await house.engage(ours)
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(BadCredentials):
                await house.auth.sign_in_with_pin(SignInWithPin(ours.qr, WRONG_PIN), str(an_id()))
        await house.auth.sign_in_with_pin(SignInWithPin(ours.qr, PIN), HERE)
    assert await house.value("select failures from credential where person_id = $1", ours.cleaner) == 0


async def test_twenty_wrong_pins_at_once_count_as_five(house: House, ours: Business) -> None:
    """R14: parallel guesses cannot slip through; exactly five are looked at, then the lock holds."""
    await house.engage(ours)
    tried = [house.auth.sign_in_with_pin(SignInWithPin(ours.qr, WRONG_PIN), HERE) for _ in range(20)]
    outcomes = await asyncio.gather(*tried, return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["BadCredentials"] * 5 + ["Locked"] * 15
    row = await house.root.fetchrow(
        "select failures, locks, locked_until from credential where person_id = $1", ours.cleaner
    )
    assert row["failures"] == 0
    assert row["locks"] == 1
    assert row["locked_until"] is not None
    with pytest.raises(Locked):
        await house.auth.sign_in_with_pin(SignInWithPin(ours.qr, PIN), HERE)


async def test_an_unknown_login_is_locked_like_a_known_one(house: House, ours: Business) -> None:
    """A7: whether an email exists cannot be told from the answers, however often one asks."""

    async def answers(email: str) -> list[str]:
        names: list[str] = []
        for _ in range(7):
            with pytest.raises((BadCredentials, Locked)) as caught:
                await house.auth.sign_in(SignIn(ours.slug, email, "wrong password"), str(an_id()))
            names.append(caught.value.code)
        return names

    assert await answers("nobody@nowhere.example") == await answers(ours.emails[Role.OWNER])


async def test_an_administrator_unlocks_a_cleaner_and_a_colleague(house: House, ours: Business) -> None:
    """A7: unlock mutations."""
    await house.engage(ours)
    await house.hire(ours, Role.DISPATCHER)
    dispatcher = SignIn(ours.slug, ours.emails[Role.DISPATCHER], PASSWORD)
    for _ in range(5):
        with pytest.raises(BadCredentials):
            await house.auth.sign_in_with_pin(SignInWithPin(ours.qr, WRONG_PIN), str(an_id()))
        with pytest.raises(BadCredentials):
            await house.auth.sign_in(SignIn(ours.slug, dispatcher.email, "wrong"), str(an_id()))

    await house.run(ours.owner, unlock_cleaner, UnlockCleaner(ours.cleaner))
    await house.run(ours.owner, unlock_staff, UnlockStaff(ours.staff[Role.DISPATCHER]))

    await house.auth.sign_in_with_pin(SignInWithPin(ours.qr, PIN), HERE)
    await house.auth.sign_in(dispatcher, HERE)


async def test_a_network_address_that_keeps_guessing_is_shut_out(
    house: House, ours: Business, theirs: Business
) -> None:
    """A7: counted by address too, at this business alone, and others at other addresses are not hindered."""
    await house.engage(ours)
    address = "2001:db8:1:2::1"
    for turn in range(20):
        with pytest.raises(BadCredentials):
            await house.auth.sign_in(
                SignIn(ours.slug, f"nobody{turn}@nowhere.example", "wrong"), f"2001:db8:1:2::{turn + 1}"
            )

    right = SignInWithPin(ours.qr, PIN)
    with pytest.raises(RateLimited) as caught:
        await house.auth.sign_in_with_pin(right, address)
    assert caught.value.retry_after_ms is not None
    assert caught.value.retry_after_ms > 14 * 60_000
    await house.auth.sign_in_with_pin(right, "2001:db8:1:3::1")
    await house.auth.sign_in_with_pin(SignInWithPin(theirs.qr, PIN), address)


async def test_an_archived_cleaner_cannot_sign_in(house: House, ours: Business) -> None:
    """R23: and cannot choose a PIN either."""
    cleaner = await house.engage(ours)
    await house.run(ours.owner, archive_cleaner, ArchiveCleaner(ours.cleaner))

    with pytest.raises(BadCredentials):
        await house.auth.sign_in_with_pin(SignInWithPin(ours.qr, PIN), HERE)
    with pytest.raises(BadCredentials):
        await house.auth.set_pin(SetPin(ours.qr, PIN), HERE)
    with pytest.raises(Unauthenticated):
        await house.run(cleaner, sign_out, SignOut())


async def test_oversized_and_unwritable_fields_are_refused_by_name(
    house: House, ours: Business, refused: Expect
) -> None:
    """R19."""
    long = "x" * 10_000
    cases = [
        ("email", house.auth.sign_in(SignIn(ours.slug, long, PASSWORD), HERE)),
        ("password", house.auth.sign_in(SignIn(ours.slug, ours.emails[Role.OWNER], long), HERE)),
        ("device", house.auth.sign_in(SignIn(ours.slug, ours.emails[Role.OWNER], PASSWORD, long), HERE)),
        ("qrToken", house.auth.sign_in_with_pin(SignInWithPin(long, PIN), HERE)),
        ("pin", house.auth.sign_in_with_pin(SignInWithPin("qr1.x.y", long), HERE)),
        ("email", house.auth.sign_in(SignIn(ours.slug, "a\0@b.example", PASSWORD), HERE)),
        ("email", house.auth.request_password_reset(RequestPasswordReset(ours.slug, "a\0@b.example"), HERE)),
        ("password", house.auth.sign_in(SignIn(ours.slug, ours.emails[Role.OWNER], "\ud800"), HERE)),
        ("qrToken", house.auth.set_pin(SetPin("qr1.\ud800.y", PIN), HERE)),
        ("refreshToken", house.auth.refresh_session(RefreshSession("rt1.\ud800"), HERE)),
        ("token", house.auth.accept_invite(AcceptInvite("ml1.\ud800", PASSWORD), HERE)),
        ("device", house.auth.set_pin(SetPin("qr1.x.y", PIN, "a\0"), HERE)),
    ]
    for field, attempt in cases:
        assert (await refused(Invalid, attempt)).field == (field,)


async def test_a_foreign_cleaner_is_unknown_to_credential_commands(
    house: House, ours: Business, theirs: Business, refused: Expect
) -> None:
    """R3: not yours and does not exist are one answer."""
    for wanted in (theirs.cleaner, an_id()):
        for command, form in (
            (issue_qr, IssueQr(wanted)),
            (reset_pin, ResetPin(wanted)),
            (unlock_cleaner, UnlockCleaner(wanted)),
            (archive_cleaner, ArchiveCleaner(wanted)),
        ):
            refusal = await refused(NotFound, house.run(ours.owner, command, form))
            assert refusal.field == ("cleanerId",)


async def test_only_administrators_touch_credentials(house: House, ours: Business, refused: Expect) -> None:
    """The matrix: dispatchers and cleaners do not."""
    cleaner = await house.engage(ours)
    dispatcher = await house.hire(ours, Role.DISPATCHER)
    for actor in (cleaner, dispatcher):
        await refused(Forbidden, house.run(actor, issue_qr, IssueQr(ours.cleaner)))
        await refused(Forbidden, house.run(actor, reset_pin, ResetPin(ours.cleaner)))
