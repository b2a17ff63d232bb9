"""The QR code: given as an image, replaced, and taken away (R10, A8)."""

from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import segno

from domain.actors import Actor
from domain.errors import BadCredentials, Conflict, Forbidden, NotFound, Unauthenticated
from domain.ids import CleanerId
from services.identity.cleaners import ArchiveCleaner, CreateCleaner, archive_cleaner, create_cleaner
from services.identity.forms import SetPin, SignInWithPin
from services.identity.qr import IssueQr, RevokeQr, issue_qr, revoke_qr
from tests.onboarding.desk import Desk
from tests.product.world import Api, gid

PIN = "849271"


async def _in(desk: Desk, token: str) -> Actor:
    tokens = await desk.world.auth.sign_in_with_pin(SignInWithPin(token, PIN), "127.0.0.1")
    actor = desk.world.auth.actor_of(f"Bearer {tokens.access_token}")
    assert actor is not None
    return actor


async def test_a_token_comes_with_its_picture_which_says_nothing_else(desk: Desk, api: Api) -> None:
    """R10: an SVG of its own, the same for the same token; told once, and kept nowhere."""
    who = await desk.newcomer()
    said = await api.do(desk.town.owner, "issueQr", {"cleanerId": gid("Cleaner", who.person)}, "qrToken qrSvg")
    picture = said["qrSvg"]
    assert ET.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 (our own)
    expected = BytesIO()
    segno.make(said["qrToken"], error="m", micro=False).save(expected, kind="svg", scale=8, border=4, xmldecl=False)
    assert picture == expected.getvalue().decode()
    for forbidden in ("script", "href", "Newcomer", said["qrToken"]):
        assert forbidden not in picture

    refused = await api.do(
        await desk.town.dispatcher(), "issueQr", {"cleanerId": gid("Cleaner", who.person)}, "qrToken qrSvg"
    )
    assert (refused["qrToken"], refused["qrSvg"], refused["errors"][0]["code"]) == (None, None, "FORBIDDEN")


async def test_a_token_that_is_taken_away_is_good_for_nothing_and_the_next_one_has_the_same_pin(desk: Desk) -> None:
    """A8: sessions end at once; the PIN stays for the token that is issued next."""
    who = CleanerId((await desk.newcomer()).person)
    first = (await desk.run(desk.town.owner, issue_qr, IssueQr(who))).qr_token
    await desk.world.auth.set_pin(SetPin(first, PIN), "127.0.0.1")
    session = await _in(desk, first)

    await desk.run(desk.town.owner, revoke_qr, RevokeQr(who))
    with pytest.raises(BadCredentials):
        await _in(desk, first)
    with pytest.raises(BadCredentials):
        await desk.world.auth.set_pin(SetPin(first, PIN), "127.0.0.1")
    with pytest.raises(Unauthenticated):
        await desk.certify(session)
    because = await desk.world.root.fetchval("select revoked_because from session where id = $1", session.session)
    assert because == "QR token revoked"
    # Said again it is as true as before.
    await desk.run(desk.town.owner, revoke_qr, RevokeQr(who))

    second = (await desk.run(desk.town.owner, issue_qr, IssueQr(who))).qr_token
    assert (await _in(desk, second)).person == who
    with pytest.raises(BadCredentials):
        await _in(desk, first)


async def test_a_first_pin_cannot_be_chosen_with_a_token_that_was_taken_away(desk: Desk) -> None:
    """A8: whoever found the card before it was first used."""
    who = CleanerId((await desk.newcomer()).person)
    token = (await desk.run(desk.town.owner, issue_qr, IssueQr(who))).qr_token
    await desk.run(desk.town.owner, revoke_qr, RevokeQr(who))
    with pytest.raises(BadCredentials):
        await desk.world.auth.set_pin(SetPin(token, PIN), "127.0.0.1")


async def test_tokens_are_taken_away_by_administrators_of_the_business_alone(desk: Desk) -> None:
    """A8, R20: refused, nothing is written and the token stays good."""
    cleaner = await desk.newcomer()
    who = CleanerId(cleaner.person)
    refusals: list[tuple[Any, Actor]] = [
        (Forbidden, await desk.town.dispatcher()),
        (Forbidden, cleaner),
        (NotFound, desk.other.owner),
    ]
    for kind, actor in refusals:
        await desk.refused(kind, desk.run(actor, revoke_qr, RevokeQr(who)))
    bare = await desk.run(desk.town.owner, create_cleaner, CreateCleaner("No code yet"))
    await desk.refused(Conflict, desk.run(desk.town.owner, revoke_qr, RevokeQr(bare)))
    await desk.run(desk.town.owner, archive_cleaner, ArchiveCleaner(who))
    await desk.refused(Conflict, desk.run(desk.town.owner, revoke_qr, RevokeQr(who)))
