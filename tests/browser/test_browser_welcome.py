"""Mailed links lead somewhere: people choose their passwords behind them, in a browser, and are let in."""

import asyncio
import json
import re

import pytest
from playwright.async_api import expect

from tests.browser.board import Board, Visitor
from tests.browser.conftest import Visit
from tests.browser.steps import PATIENCE

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
PASSWORD = "four calm herons wade"
OTHER = "seven loud geese march"
INVITE = """mutation($email: String!) {
  inviteStaff(input: { name: "Dispatcher 9", email: $email, role: DISPATCHER }) { errors { code } }
}"""


async def _mails(board: Board, email: str, count: int) -> list[str]:
    """The links mailed to an address, as soon as there are so many."""
    async with asyncio.timeout(PATIENCE):
        while len(found := await asyncio.to_thread(_links, board, email)) < count:
            await asyncio.sleep(0.1)
    return found


def _links(board: Board, email: str) -> list[str]:
    lines = board.outbox.read_text().splitlines() if board.outbox.exists() else []
    bodies = [message["body"] for message in map(json.loads, lines) if message["to"] == email]
    return [found for body in bodies for found in re.findall(r"http\S+#token=\S+", body)]


async def _invited(visit: Visit, board: Board, email: str) -> str:
    """The link of a new dispatcher's invitation."""
    office = await visit("Owner 1")
    assert (await office.ask(INVITE, email=email))["inviteStaff"]["errors"] == []
    return (await _mails(board, email, 1))[0]


async def _choose(visitor: Visitor, password: str, again: str | None = None) -> None:
    await visitor.page.get_by_label("New password").fill(password)
    await visitor.page.get_by_label("The same again").fill(password if again is None else again)
    await visitor.page.get_by_role("button", name="Set password and sign in").click()


async def _fill_in(visitor: Visitor, email: str) -> None:
    await visitor.page.goto("/board")
    # The forms fold away when the demo's people have come.
    await expect(visitor.page.locator(".business").first).to_be_visible()
    await visitor.page.get_by_text("Sign in with your own account").click()
    form = visitor.page.locator("form[data-as='staff']")
    await form.get_by_label("Business").fill("demo")
    await form.get_by_label("Email").fill(email)


async def _sign_in(visitor: Visitor, email: str, password: str) -> None:
    await _fill_in(visitor, email)
    form = visitor.page.locator("form[data-as='staff']")
    await form.get_by_label("Password", exact=True).fill(password)
    await form.get_by_role("button", name="Sign in").click()


async def _keeps_no_session(visitor: Visitor) -> bool:
    return bool(await visitor.page.evaluate("sessionStorage.length") == 0)


async def test_an_invitation_is_accepted_on_a_phone_and_its_link_works_once(visit: Visit, board: Board) -> None:
    """R9: mailed, opened, a password chosen, on the board signed in; the second use changes nothing."""
    email = "dispatcher9@demo.example"
    link = await _invited(visit, board, email)
    newcomer, late = await visit(viewport=PHONE, is_mobile=True), await visit()
    assert link.startswith(f"{board.url}/invite#token=")

    await newcomer.page.goto(link)
    await _choose(newcomer, PASSWORD)

    await expect(newcomer.page.locator("#done")).to_contain_text("Dispatcher 9, you are signed in as a dispatcher of ")
    assert "token" not in newcomer.page.url
    await newcomer.page.get_by_role("link", name="Go to the swap board").click()
    await newcomer.is_("live")
    await expect(newcomer.page.locator("#name")).to_have_text("Dispatcher 9")

    await late.page.goto(link)
    await _choose(late, OTHER)
    await expect(late.page.locator("#broken")).to_contain_text("It has been used already")
    assert await _keeps_no_session(late)
    await _sign_in(late, email, OTHER)
    await expect(late.page.get_by_text("These credentials are not right.")).to_be_visible()
    await _sign_in(late, email, PASSWORD)
    await late.is_("live")


async def test_a_password_that_will_not_do_is_explained_beside_its_field_and_the_link_stays_good(
    visit: Visit, board: Board
) -> None:
    """A7: too short, typed differently, too easy to guess: each in words, none of them uses the link up."""
    link = await _invited(visit, board, "dispatcher10@demo.example")
    newcomer = await visit(viewport=PHONE, is_mobile=True)
    await newcomer.page.goto(link)
    password, again = newcomer.page.locator("#password-fault"), newcomer.page.locator("#again-fault")

    await _choose(newcomer, "too short")
    await expect(password).to_have_text("A password has 10 to 200 characters; this one has 9.")
    await _choose(newcomer, PASSWORD, OTHER)
    await expect(again).to_have_text("The two are not the same.")
    await expect(password).to_be_empty()
    await _choose(newcomer, "password123")
    await expect(password).to_have_text("This password is too easy to guess.")
    await expect(newcomer.page.get_by_label("New password")).to_be_focused()
    assert await _keeps_no_session(newcomer)
    await newcomer.page.get_by_label("Show what I type").check()
    await expect(newcomer.page.get_by_label("New password")).to_have_attribute("type", "text")
    assert await newcomer.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    await _choose(newcomer, PASSWORD)
    await expect(newcomer.page.locator("#done")).to_be_visible()


async def test_a_forgotten_password_is_replaced_by_mail_and_the_answer_does_not_tell_who_exists(
    visit: Visit, board: Board
) -> None:
    """A7: known and unknown addresses read the same; the mailed link sets a new password, and the old one ends."""
    email, nobody = "dispatcher11@demo.example", "nobody@demo.example"
    invited, forgetful = await visit(), await visit()
    await invited.page.goto(await _invited(visit, board, email))
    await _choose(invited, PASSWORD)
    await expect(invited.page.locator("#done")).to_be_visible()

    answers = []
    for address in (nobody, email):
        await _fill_in(forgetful, address)
        await forgetful.page.get_by_role("button", name="Forgot your password?").click()
        await expect(forgetful.page.locator("[data-mailed]")).to_contain_text("is on its way")
        answers.append(await forgetful.page.locator("[data-mailed]").inner_text())
    assert answers[0] == answers[1]
    link = (await _mails(board, email, 2))[1]
    assert link.startswith(f"{board.url}/reset#token=")
    assert _links(board, nobody) == []

    await forgetful.page.goto(link)
    await _choose(forgetful, OTHER)
    await forgetful.page.get_by_role("link", name="Go to the swap board").click()
    await forgetful.is_("live")
    await invited.page.goto("/board")
    await expect(invited.page.get_by_text("Your session has ended")).to_be_visible()
    await _sign_in(invited, email, PASSWORD)
    await expect(invited.page.get_by_text("These credentials are not right.")).to_be_visible()


async def test_a_link_without_a_token_says_so_and_asks_for_no_password(visit: Visit) -> None:
    """A mail program that cuts the address off is no reason to type a password in vain."""
    visitor = await visit()

    for path in ("/invite", "/reset"):
        await visitor.page.goto(path)
        await expect(visitor.page.get_by_role("heading", name="This link cannot be used")).to_be_visible()
        await expect(visitor.page.get_by_label("New password")).to_be_hidden()
