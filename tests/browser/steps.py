"""What the browser tests do again and again."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

from playwright.async_api import Locator, expect

from tests.browser.board import Visitor

PATIENCE = 60.0
PEOPLE_AND_HOMES = """query { viewer { serverTime } cleaners(first: 100) { nodes { id name } }
    properties(first: 100) { nodes { id name } } }"""
CREATE_JOB = """mutation($home: ID!, $at: DateTime!) {
    createJob(input: { propertyId: $home, startsAt: $at, expectedHours: "3" }) { job { id } } }"""
ASSIGN = """mutation($job: ID!, $cleaner: ID!) {
    assignCleaner(input: { jobId: $job, cleanerId: $cleaner }) { assignment { id } } }"""


WEEKS = 3
"""How far ahead the demo plans."""


async def offer(visitor: Visitor, note: str, wants: str | None = None) -> str:
    """Offer the first shift of "My week" that can be offered, through the page; its job.

    With `wants` as a TRADE for the shift on the market of which its choice says so.
    """
    button = visitor.page.locator("[data-does='offer']").first
    week = visitor.page.locator("#week [data-week]")
    await expect(week).not_to_be_empty()
    for _ in range(WEEKS):
        # The list comes with the week's answer; a shift that starts too soon has no button.
        with contextlib.suppress(AssertionError):
            await expect(button).to_be_visible(timeout=2_000)
            break
        shown = await week.inner_text()
        await visitor.page.get_by_role("button", name="The week after").click()
        await expect(week).not_to_have_text(shown)
    row = visitor.page.locator(".shift", has=button).first
    job = await row.get_attribute("data-job")
    await button.click()
    await visitor.page.get_by_label("A word for your colleagues").fill(note)
    if wants is not None:
        await visitor.page.get_by_text("I would take one of these for it").click()
        await visitor.page.locator("#offer .pick", has_text=wants).get_by_role("checkbox").check()
    await visitor.page.get_by_role("button", name="Offer it").click()
    await expect(visitor.job(str(job)).get_by_text("On offer")).to_be_visible()
    return str(job)


async def planned(office: Visitor, cleaner: str, days: int) -> str:
    """A shift of three hours at the Brickell for a cleaner, so many days ahead; the assignment."""
    known = await office.ask(PEOPLE_AND_HOMES)
    (who,) = [node["id"] for node in known["cleaners"]["nodes"] if node["name"].startswith(cleaner)]
    (home,) = [node["id"] for node in known["properties"]["nodes"] if node["name"] == "Brickell 19"]
    now = datetime.fromisoformat(known["viewer"]["serverTime"])
    starts = (now + timedelta(days=days)).replace(hour=16, minute=0, second=0, microsecond=0)
    job = await office.ask(CREATE_JOB, home=home, at=starts.isoformat())
    made = await office.ask(ASSIGN, job=job["createJob"]["job"]["id"], cleaner=who)
    return str(made["assignCleaner"]["assignment"]["id"])


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.02)


async def agree(one: Locator, other: Locator) -> None:
    """Wait until both show the same text, read one right after the other."""
    async with asyncio.timeout(PATIENCE):
        while await one.inner_text() != await other.inner_text():
            await asyncio.sleep(0.1)
