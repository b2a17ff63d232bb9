"""Sessions: refresh rotation with reuse detection and grace, sign-out and revocation that hold at once."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.actors import NOBODY, Actor, Role, SessionId, StaffRole
from domain.errors import Forbidden, NotFound, Unauthenticated
from services.identity.cleaners import CreateCleaner, create_cleaner
from services.identity.forms import RefreshSession, SignIn, Tokens
from services.identity.sessions import RevokeSession, SignOut, revoke_session, sign_out
from services.identity.staff import ChangeStaffRole, change_staff_role
from tests.identity.house import PASSWORD, Business, Expect, House, an_id

HERE = "203.0.113.7"


async def signed_in(house: House, business: Business, role: Role = Role.OWNER) -> Tokens:
    return await house.auth.sign_in(SignIn(business.slug, business.emails[role], PASSWORD), HERE)


async def refresh(house: House, token: str) -> Tokens:
    return await house.auth.refresh_session(RefreshSession(token), HERE)


def ending(session: UUID) -> RevokeSession:
    return RevokeSession(SessionId(session))


async def is_alive(house: House, actor: Actor) -> bool:
    """Whether the stamp lets this actor run anything: what HTTP does with every request."""
    try:
        await house.run(actor, revoke_session, ending(NOBODY))
    except NotFound:
        return True
    except Unauthenticated:
        return False
    raise AssertionError


async def revocations(house: House, session: Any) -> list[dict[str, Any]]:
    rows = await house.root.fetch("select payload from event where type = 'SessionRevoked' and entity_id = $1", session)
    return [json.loads(row["payload"]) for row in rows]


async def test_each_refresh_gives_another_token_of_the_same_session(
    house: House, ours: Business, theirs: Business
) -> None:
    """R12, R228."""
    first = await signed_in(house, ours)
    second = await refresh(house, first.refresh_token)
    third = await refresh(house, second.refresh_token)

    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert first.session_id == second.session_id == third.session_id
    assert (third.role, third.person_id, third.tenant) == (Role.OWNER, ours.staff[Role.OWNER], ours.id)
    assert await is_alive(house, house.actor(third))


async def test_two_tabs_that_refresh_at_once_get_the_same_successor(house: House, ours: Business) -> None:
    """A6: honest races are not punished."""
    first = await signed_in(house, ours)

    answers = await asyncio.gather(*(refresh(house, first.refresh_token) for _ in range(10)))

    assert len({answer.refresh_token for answer in answers}) == 1
    assert await is_alive(house, house.actor(first))
    await refresh(house, answers[0].refresh_token)


async def test_a_repeat_after_the_successor_was_used_ends_the_family(
    house: House, ours: Business, theirs: Business
) -> None:
    """R13, R228, A6: within the grace period too; the refusal keeps what it wrote."""
    first = await signed_in(house, ours)
    second = await refresh(house, first.refresh_token)
    third = await refresh(house, second.refresh_token)

    with pytest.raises(Unauthenticated):
        await refresh(house, first.refresh_token)

    with pytest.raises(Unauthenticated):
        await refresh(house, third.refresh_token)
    assert not await is_alive(house, house.actor(third))
    (told,) = await revocations(house, first.session_id)
    assert told["people"] == [str(ours.staff[Role.OWNER])]
    assert await is_alive(house, ours.owner)
    assert await is_alive(house, theirs.owner)


async def test_a_repeat_after_the_grace_period_ends_the_family(house: House, ours: Business) -> None:
    """R13, A6: 30 seconds, and no longer."""
    first = await signed_in(house, ours)
    second = await refresh(house, first.refresh_token)
    await house.move_clock(ours.id, timedelta(seconds=25))
    assert (await refresh(house, first.refresh_token)).refresh_token == second.refresh_token
    await house.move_clock(ours.id, timedelta(seconds=6))

    with pytest.raises(Unauthenticated):
        await refresh(house, first.refresh_token)

    assert not await is_alive(house, house.actor(second))


async def test_a_session_idles_fourteen_days_and_lives_thirty(house: House, ours: Business, refused: Expect) -> None:
    """Refresh: idle 14 days, absolute 30; an expired token is refused and revokes nothing."""
    idle, kept = await signed_in(house, ours), await signed_in(house, ours)
    await house.move_clock(ours.id, timedelta(days=13))
    kept = await refresh(house, kept.refresh_token)
    await house.move_clock(ours.id, timedelta(days=1, seconds=1))
    await refused(Unauthenticated, refresh(house, idle.refresh_token))
    await house.move_clock(ours.id, timedelta(days=12))
    kept = await refresh(house, kept.refresh_token)
    assert await is_alive(house, house.actor(kept))
    await house.move_clock(ours.id, timedelta(days=4))
    await refused(Unauthenticated, refresh(house, kept.refresh_token))
    assert not await is_alive(house, house.actor(kept))


async def test_forged_and_foreign_refresh_tokens_change_nothing(
    house: House, ours: Business, theirs: Business, refused: Expect
) -> None:
    """R1, R3: nobody can end somebody else's session by guessing at its tokens."""
    token = (await signed_in(house, ours)).refresh_token
    kind, tenant, session, generation, mac = token.split(".")
    foreign = (await signed_in(house, theirs)).refresh_token.split(".")
    forged = [
        f"{kind}.{tenant}.{session}.{generation}.{'A' * 43}",
        f"{kind}.{tenant}.{session}.2.{mac}",
        f"{kind}.{foreign[1]}.{session}.{generation}.{mac}",
        f"{kind}.{tenant}.{foreign[2]}.{foreign[3]}.{foreign[4]}",
        f"{token}x",
        f"{token}.x",
        token.upper(),
        "rt1.x.y.1.z",
        "",
        "rt1." + "." * 60,
    ]
    for one in forged:
        await refused(Unauthenticated, refresh(house, one))
    await refresh(house, token)


async def test_sign_out_holds_over_http_at_once(house: House, ours: Business) -> None:
    """The access token is good for minutes yet, but the stamp asks for the session."""
    mine, other = await signed_in(house, ours), await signed_in(house, ours)
    actor = house.actor(mine)

    await house.run(actor, sign_out, SignOut())

    assert not await is_alive(house, actor)
    with pytest.raises(Unauthenticated):
        await refresh(house, mine.refresh_token)
    assert await is_alive(house, house.actor(other))
    assert len(await revocations(house, mine.session_id)) == 1


async def test_people_end_their_own_sessions_and_administrators_everybodys(
    house: House, ours: Business, theirs: Business, refused: Expect
) -> None:
    """R3: a colleague's session is unknown to who may not end it."""
    dispatcher = await house.hire(ours, Role.DISPATCHER)
    second = house.actor(await signed_in(house, ours, Role.DISPATCHER))
    for session in (ours.owner.session, theirs.owner.session, an_id()):
        refusal = await refused(NotFound, house.run(dispatcher, revoke_session, ending(session)))
        assert refusal.field == ("sessionId",)
    await refused(NotFound, house.run(ours.owner, revoke_session, ending(theirs.owner.session)))

    await house.run(dispatcher, revoke_session, ending(second.session))
    await house.run(ours.owner, revoke_session, ending(dispatcher.session))
    await house.run(ours.owner, revoke_session, ending(dispatcher.session))

    assert not await is_alive(house, second)
    assert not await is_alive(house, dispatcher)
    assert len(await revocations(house, dispatcher.session)) == 1
    assert await is_alive(house, theirs.owner)


async def test_a_token_of_a_former_role_is_refused(house: House, ours: Business, refused: Expect) -> None:
    """The stamp wants the session's own role: a demoted administrator acts as one no more."""
    admin = await house.hire(ours, Role.ADMIN)
    await house.run(ours.owner, change_staff_role, ChangeStaffRole(ours.staff[Role.ADMIN], StaffRole.DISPATCHER))

    await refused(Unauthenticated, house.run(admin, create_cleaner, CreateCleaner("New")))
    now = house.actor(await signed_in(house, ours, Role.ADMIN))
    assert now.role is Role.DISPATCHER
    pretender = Actor(now.tenant, Role.OWNER, now.person, now.session)
    await refused(Unauthenticated, house.run(pretender, create_cleaner, CreateCleaner("New")))


async def test_an_actor_of_another_tenants_session_is_nobody(house: House, ours: Business, theirs: Business) -> None:
    """R1."""
    crossed = Actor(theirs.id, ours.owner.role, ours.owner.person, ours.owner.session)
    assert not await is_alive(house, crossed)


async def test_anonymous_visitors_run_nothing_but_their_own_door(house: House, ours: Business, refused: Expect) -> None:
    """R20."""
    await refused(Forbidden, house.run(Actor.anonymous(ours.id), sign_out, SignOut()))
