"""What the browser tests do again and again.

They bring their own shifts: which of the demo's are still to come, can be offered or are free to take depends on the
hour and the weekday at which they run, and on which test has had what before.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from playwright.async_api import Locator, expect

from tests.browser.board import Visitor

PATIENCE = 60.0
MOST_WEEKS = 12
BEHIND_THE_DEMO = 22
"""The demo's two weeks begin on the Monday after today: from the 22nd day on nobody has anything to do."""
_days_ahead = count(BEHIND_THE_DEMO)

PEOPLE_AND_HOMES = """query { viewer { serverTime } cleaners(first: 100) { nodes { id name } }
    properties(first: 100) { nodes { id name market { zone } } } }"""
CREATE_JOB = """mutation($home: ID!, $at: DateTime!) {
    createJob(input: { propertyId: $home, startsAt: $at, expectedHours: "3" }) { job { id } } }"""
ASSIGN = """mutation($job: ID!, $cleaner: ID!) {
    assignCleaner(input: { jobId: $job, cleanerId: $cleaner }) { assignment { id } } }"""
OFFER = """mutation($shift: ID!, $note: String!, $wants: [ID!]) {
    offerSwap(input: { assignmentId: $shift, note: $note, wants: $wants }) { swap { id } } }"""
WEEK_IN_WORDS = """async ([instant, zone]) => {
    const { addDays, dayOf, daysInWords, mondayOf } = await import("/web/clock.js");
    const monday = mondayOf(dayOf(instant, zone));
    return daysInWords(monday, addDays(monday, 6));
}"""


@dataclass(frozen=True)
class Shift:
    """A shift that was planned for a test."""

    id: str
    job: str
    starts_at: str
    zone: str


async def planned(office: Visitor, cleaner: str, home: str = "Ocean Drive 4B") -> Shift:
    """A shift of three hours for a cleaner, on a day some weeks ahead that no other planned shift has.

    Not at a home of Customer 2 unless told: their page, which the tests of money read, shows the latest few cleans.
    """
    known = await office.ask(PEOPLE_AND_HOMES)
    (who,) = [node["id"] for node in known["cleaners"]["nodes"] if node["name"].startswith(cleaner)]
    (place,) = [node for node in known["properties"]["nodes"] if node["name"] == home]
    now = datetime.fromisoformat(known["viewer"]["serverTime"])
    day = now + timedelta(days=next(_days_ahead))
    # Mid-morning all over the United States.
    at = day.replace(hour=16, minute=0, second=0, microsecond=0).isoformat()
    job = (await office.ask(CREATE_JOB, home=place["id"], at=at))["createJob"]["job"]["id"]
    made = await office.ask(ASSIGN, job=job, cleaner=who)
    return Shift(made["assignCleaner"]["assignment"]["id"], job, at, place["market"]["zone"])


async def offered(owner: Visitor, shift: Shift, note: str, wants: list[Shift] | None = None) -> str:
    """Put a shift on the market, not through the page; its swap."""
    wanted = None if wants is None else [one.id for one in wants]
    made = await owner.ask(OFFER, shift=shift.id, note=note, wants=wanted)
    return str(made["offerSwap"]["swap"]["id"])


async def offer(visitor: Visitor, shift: Shift, note: str, wants: Shift | None = None) -> str:
    """Offer a shift in "My week", through the page; its job. With `wants` as a TRADE for that one on the market."""
    await _turn_to_its_week(visitor, shift)
    await visitor.job(shift.job).locator("[data-does='offer']").click()
    await visitor.page.get_by_label("A word for your colleagues").fill(note)
    if wants is not None:
        await visitor.page.get_by_text("I would take one of these for it").click()
        await visitor.page.locator(f"#offer .pick input[value='{wants.id}']").check()
    await visitor.page.get_by_role("button", name="Offer it").click()
    await expect(visitor.job(shift.job).get_by_text("On offer")).to_be_visible()
    return shift.job


async def _turn_to_its_week(visitor: Visitor, shift: Shift) -> None:
    title = visitor.page.locator("#week [data-week]")
    wanted = await visitor.page.evaluate(WEEK_IN_WORDS, [shift.starts_at, shift.zone])
    await expect(title).not_to_be_empty()
    for _ in range(MOST_WEEKS):
        shown = await title.inner_text()
        if shown.endswith(wanted):
            return
        await visitor.page.get_by_role("button", name="The week after").click()
        await expect(title).not_to_have_text(shown)
    raise AssertionError(f"{wanted} does not come: {shown}")


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
