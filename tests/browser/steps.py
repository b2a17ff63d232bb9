"""What the browser tests do again and again."""

import asyncio
from collections.abc import Callable

from playwright.async_api import Locator, expect

from tests.browser.board import Visitor

PATIENCE = 60.0


async def offer(visitor: Visitor, note: str) -> str:
    """Offer the first shift of "My week" that can be offered, through the page; its job."""
    button = visitor.page.locator("[data-does='offer']").first
    row = visitor.page.locator(".shift", has=button).first
    job = await row.get_attribute("data-job")
    await button.click()
    await visitor.page.get_by_label("A word for your colleagues").fill(note)
    await visitor.page.get_by_role("button", name="Offer it").click()
    await expect(visitor.job(str(job)).get_by_text("On offer")).to_be_visible()
    return str(job)


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
