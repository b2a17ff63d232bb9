"""A clean as a test works it: planned through the API for half an hour from now, and done on the cleaner's page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from playwright.async_api import Locator, expect

from sandbox.demo_pictures import room
from sandbox.demo_plan import FLORIDA
from tests.browser.board import Visitor

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "permissions": ["geolocation"],
}
KNOWN = """query { viewer { serverTime } cleaners(first: 100) { nodes { id name } }
    properties(first: 100) { nodes { id name } } }"""
CREATE = """mutation($home: ID!, $at: DateTime!) { createJob(input: { propertyId: $home, startsAt: $at,
    expectedHours: "1", instructions: "The cat stays inside." }) { job { id } errors { message } } }"""
ASSIGN = """mutation($job: ID!, $cleaner: ID!) { assignCleaner(input: { jobId: $job, cleanerId: $cleaner }) {
    assignment { id } errors { message } } }"""
SHIFTS = """query($from: DateTime!, $before: DateTime!) { assignments(first: 100, filter: { isActive: true,
    startsAtFrom: $from, startsAtBefore: $before }) { nodes { id endsAt cleaner { id } } } }"""
RELEASE = """mutation($shift: ID!) { releaseCleaner(input: { assignmentId: $shift }) { errors { message } } }"""
BEGINS = """query($id: ID!) { viewer { serverTime } assignment(id: $id) { startsAt } }"""
AHEAD = timedelta(minutes=30)
LATER = timedelta(minutes=95)
"""For cleaners who have worked a clean of another file in the hour before; its instructions are open all the same."""
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"

_pictures = count(50_000)


@dataclass(frozen=True)
class Clean:
    """One shift, on the page of whoever works it."""

    visitor: Visitor
    job: str
    shift: str
    home: str

    async def open(self) -> None:
        """Choose it from the list."""
        await self.visitor.page.locator(f"#jobs [data-job='{self.job}']").click()
        await expect(self.step_button).to_be_visible()

    @property
    def step_button(self) -> Locator:
        return self.visitor.page.locator("#next-step")

    async def is_at(self, step: str) -> None:
        """Wait until this is the next step, and until nothing is wider than the phone."""
        await expect(self.step_button).to_have_attribute("data-step", step)
        assert await self.visitor.page.evaluate(FITS)

    async def does(self, step: str) -> None:
        """Take this step, which is the next one."""
        await self.is_at(step)
        await self.step_button.click()

    async def stands(self, metres: float) -> None:
        """Be so far north of the home."""
        latitude, longitude = next(one.position for one in FLORIDA.homes if one.name == self.home)
        place = {"latitude": latitude + metres / 111_320, "longitude": longitude, "accuracy": 8}
        await self.visitor.context.set_geolocation(place)  # type: ignore[arg-type]

    def zones(self, stage: str) -> Locator:
        return self.visitor.page.locator(f"#shift .zone[data-stage='{stage}']")

    async def takes(self, stage: str, zone: str, many: int) -> None:
        """Take so many photos of a zone at once."""
        async with self.visitor.page.expect_file_chooser() as choosing:
            await self.visitor.page.locator(f"#{stage}-{zone}-take").click()
        tidy = stage == "AFTER"
        files = [
            {"name": f"{zone}-{place}.jpg", "mimeType": "image/jpeg", "buffer": room(zone, next(_pictures), tidy=tidy)}
            for place in range(many)
        ]
        await (await choosing.value).set_files(files)  # type: ignore[arg-type]

    async def shows(self, stage: str) -> None:
        """Take all the photos of a stage that are wanted, and wait until the server has them."""
        zones = self.zones(stage)
        await expect(zones.first).to_be_visible()
        for place in range(await zones.count()):
            zone = zones.nth(place)
            there, wanted = map(int, (await zone.locator(".tally").inner_text()).split(" of "))
            if there < wanted:
                await self.takes(stage, str(await zone.get_attribute("data-zone")), wanted - there)
        await expect(self.visitor.page.locator(f"#shift .zone[data-stage='{stage}'][data-done='false']")).to_have_count(
            0
        )

    async def ticks(self) -> None:
        """Tick everything that is open."""
        boxes = self.visitor.page.locator("#shift .item input")
        await expect(boxes.first).to_be_visible()
        for place in range(await boxes.count()):
            await boxes.nth(place).check()

    async def arrives(self) -> None:
        """From the list to the check-in."""
        await self.stands(10)
        await self.open()
        for step in ("openInstructions", "acknowledgeInstructions", "checkIn"):
            await self.does(step)
        await self.is_at("startWork")

    async def begins(self) -> None:
        """Wait until the job's start, by the server's clock; it must be near."""
        asked = await self.visitor.ask(BEGINS, id=self.shift)
        starts_at, now = asked["assignment"]["startsAt"], asked["viewer"]["serverTime"]
        left = datetime.fromisoformat(starts_at) - datetime.fromisoformat(now)
        over = "(at) => performance.now() >= at"
        from_now = await self.visitor.page.evaluate("performance.now()") + left / timedelta(milliseconds=1)
        await self.visitor.page.wait_for_function(over, arg=from_now)

    async def works(self) -> None:
        """From the check-in to the end of the work."""
        await self.shows("BEFORE")
        await self.does("startWork")
        await self.is_at("finishWork")
        await self.ticks()
        await self.does("finishWork")

    async def proves(self) -> None:
        """From the end of the work to the proof."""
        await self.shows("AFTER")
        await self.does("checkOut")
        await expect(self.visitor.page.locator("[data-outcome='proven']")).to_be_visible()


async def planned_now(office: Visitor, cleaner: str, home: str, ahead: timedelta = AHEAD) -> tuple[str, str]:
    """A job of an hour that begins in half an hour unless told, and the shift of who is put on it."""
    known = await office.ask(KNOWN)
    (who,) = [node["id"] for node in known["cleaners"]["nodes"] if node["name"].startswith(f"{cleaner} ")]
    (place,) = [node["id"] for node in known["properties"]["nodes"] if node["name"] == home]
    begins = datetime.fromisoformat(known["viewer"]["serverTime"]) + ahead
    await _freed(office, who, begins)
    made = (await office.ask(CREATE, home=place, at=begins.isoformat()))["createJob"]
    assert not made["errors"], made
    job = made["job"]["id"]
    held = (await office.ask(ASSIGN, job=job, cleaner=who))["assignCleaner"]
    assert not held["errors"], held
    return job, held["assignment"]["id"]


async def _freed(office: Visitor, cleaner: str, begins: datetime) -> None:
    """Take the cleaner off what the demo has planned for that hour, whichever hour of the day it is."""
    ends = begins + timedelta(hours=1)
    wanted = {"from": (begins - timedelta(hours=24)).isoformat(), "before": ends.isoformat()}
    for one in (await office.ask(SHIFTS, **wanted))["assignments"]["nodes"]:
        if one["cleaner"]["id"] == cleaner and datetime.fromisoformat(one["endsAt"]) > begins:
            released = (await office.ask(RELEASE, shift=one["id"]))["releaseCleaner"]
            assert not released["errors"], released


async def to_page(visitor: Visitor, path: str, label: str, tenant: str = "demo") -> Visitor:
    """Go to one of the pages of fieldwork and sign in there as somebody of the demo."""
    await visitor.page.goto(path)
    await visitor.sign_in(label, tenant)
    return visitor
