"""A business on a working day: a job that starts in an hour, its cleaner, its customer, and those who look on."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from db.ids import new_id
from db.runner import Call
from domain.actors import Actor, CleanerId, Role
from domain.events import Event, EventType
from domain.ids import AssignmentId, JobId
from domain.scheduling import AssignmentRole
from services import scheduling
from services.fieldwork import overrides, ticking, visits
from services.fieldwork.told import FixTold
from services.identity import business
from tests.product.world import MIAMI, Town, World, gid
from tests.subscriptions.client import Client, Feed
from tests.subscriptions.town import EMIT, Emit

HOUR = timedelta(hours=1)
CARD = """{ id status startsAt expectedHours lateAt missedAt completedAt customerId marketId zone propertyName city
    evidenceStatus progress { itemsDone itemsTotal itemsOpen photosBefore photosAfterRequired }
    crew { assignmentId cleanerId cleanerName role visitId phase checkedInAt startedAt finishedAt checkedOutAt }
    version }"""
FRAMES = f"""{{ __typename ... on JobsSnapshot {{ cursor serverTime jobs {CARD} }}
    ... on JobShown {{ cursor previous event job {CARD} }} ... on JobGone {{ cursor previous jobId because }}
    ... on Heartbeat {{ cursor previous serverTime }} ... on Resync {{ reason }} }}"""
JOBS = f"""subscription Jobs($after: Cursor, $from: DateTime, $until: DateTime) {{
    jobs(after: $after, from: $from, until: $until) {FRAMES} }}"""
JOB = f"subscription Job($id: ID!, $after: Cursor) {{ job(id: $id, after: $after) {FRAMES} }}"
PLACE = "{ visitId cleanerId latitude longitude accuracyMetres at }"
WHERE = f"""subscription Where($id: ID!, $after: Cursor) {{ liveLocation(jobId: $id, after: $after) {{ __typename
    ... on LocationsSnapshot {{ cursor serverTime isRunning locations {PLACE} }}
    ... on LocationMoved {{ cursor previous location {PLACE} }} ... on LocationGone {{ cursor previous visitIds }}
    ... on LocationsEnded {{ cursor previous }} ... on Heartbeat {{ cursor previous serverTime }}
    ... on Resync {{ reason }} }} }}"""


@dataclass
class Site:
    """`shift` is the cleaner's on the job. The home needs one photo of after, and has the usual checklist."""

    town: Town
    cleaner: Actor
    colleague: Actor
    dispatcher: Actor
    customer: Actor
    neighbour: Actor
    """Another customer of the same business."""
    job: JobId
    shift: AssignmentId

    async def run(self, who: Actor, command: Any, input: Any) -> Any:
        return await self.town.world.run(who, command, input)

    async def client(self, port: int, who: Actor) -> Client:
        return await Client.open(port, self.town.world.token(who))

    @property
    def id(self) -> str:
        """The job's global id."""
        return gid("Job", self.job)

    async def assign(self, who: Actor, job: JobId | None = None, role: AssignmentRole = AssignmentRole.PRIMARY) -> Any:
        form = scheduling.AssignCleaner(job or self.job, CleanerId(who.person), role)
        return await self.run(self.town.owner, scheduling.assign_cleaner, form)

    async def release(self, shift: AssignmentId | None = None) -> None:
        await self.run(self.town.owner, scheduling.release_cleaner, scheduling.ReleaseCleaner(shift or self.shift))

    async def change(self, **values: Any) -> None:
        await self.run(self.town.owner, scheduling.update_job, scheduling.UpdateJob(self.job, **values))

    async def instruct(self, who: Actor | None = None, shift: AssignmentId | None = None) -> UUID:
        """Read the instructions; the visit."""
        who, shift = who or self.cleaner, shift or self.shift
        made = await self.run(who, visits.open_instructions, visits.OpenInstructions(shift))
        await self.run(who, visits.acknowledge_instructions, visits.AcknowledgeInstructions(shift))
        return UUID(str(made))

    async def arrive(self, who: Actor | None = None, shift: AssignmentId | None = None) -> UUID:
        """Read the instructions and check in; the visit."""
        made = await self.instruct(who, shift)
        await self.run(who or self.cleaner, visits.check_in, visits.CheckIn(shift or self.shift, FixTold(*MIAMI, 10)))
        return made

    async def work(self, who: Actor | None = None, shift: AssignmentId | None = None) -> None:
        await self.run(who or self.cleaner, visits.start_work, visits.StartWork(shift or self.shift))

    async def tick(self) -> None:
        """One more item."""
        item = await self.town.world.root.fetchval(
            "select id from checklist_item where job_id = $1 and done_at is null order by place", self.job
        )
        await self.run(self.cleaner, ticking.tick_item, ticking.TickItem(item, done=True))

    async def leave(self, who: Actor | None = None, shift: AssignmentId | None = None) -> None:
        """Stop the timer and check out; the photo of after is missing."""
        who, shift = who or self.cleaner, shift or self.shift
        await self.run(who, visits.finish_work, visits.FinishWork(shift))
        await self.run(who, visits.check_out, visits.CheckOut(shift, FixTold(*MIAMI, 10)))

    async def accept(self) -> None:
        """The owner accepts the clean as it is: it is completed."""
        await self.run(self.town.owner, overrides.override_evidence, overrides.OverrideEvidence(self.job, "Seen"))

    async def moved(self, visit: UUID, latitude: float) -> None:
        """The cleaner's device tells where it is."""
        now = await self.town.world.now(self.town.tenant)
        card = {
            "job_id": str(self.job), "visit_id": str(visit), "cleaner_id": str(self.cleaner.person),
            "customer_id": str(self.customer.person), "latitude": latitude, "longitude": MIAMI[1],
            "accuracy_metres": 12.5, "at": now.isoformat(),
        }  # fmt: skip
        await self.town.world.root.execute(
            """insert into live_location
                 (tenant_id, visit_id, job_id, customer_id, cleaner_id, latitude, longitude, accuracy_metres, at)
               values ($1, $2, $3, $4, $5, $6, $7, 12.5, $8)
               on conflict (tenant_id, visit_id) do update set latitude = excluded.latitude, at = excluded.at""",
            self.town.tenant, visit, self.job, self.customer.person, self.cleaner.person, latitude, MIAMI[1], now,
        )  # fmt: skip
        await self.emit(Event(EventType.CLEANER_MOVED, "Job", self.job, card))

    async def tick_over(self) -> None:
        """Something happens that concerns nobody's job."""
        await self.run(self.town.owner, business.update_tenant, business.UpdateTenant(name="Another name"))

    async def emit(self, *events: Event) -> None:
        await self.town.world.runner.run(Call(Actor.system(self.town.tenant), EMIT, Emit(events)))

    async def settled(self, client: Client, *feeds: Feed) -> None:
        """Wait until these feeds stand where the log stands now."""
        seq = await self.town.world.root.fetchval("select seq from tenant_head where tenant_id = $1", self.town.tenant)
        await client.until(lambda: all(feed.last is not None and _seq(feed.last) >= seq for feed in feeds))


def _seq(cursor: str) -> int:
    return int(cursor.split(".")[1])


async def a_site(world: World) -> Site:
    """A business with its job in an hour."""
    town = await world.found()
    settings = {"fieldwork": {"photoZones": [{"zone": "Kitchen", "before": 0, "after": 1}]}}
    await world.root.execute("update tenant set settings = $2 where tenant_id = $1", town.tenant, json.dumps(settings))
    cleaner, colleague = await town.cleaner(), await town.cleaner()
    home, other = await town.home(), await town.home()
    job = await town.job(await world.now(town.tenant) + HOUR, home=home)
    form = scheduling.AssignCleaner(job, CleanerId(cleaner.person), AssignmentRole.PRIMARY)
    shift = await world.run(town.owner, scheduling.assign_cleaner, form)
    customers = [
        await world.root.fetchval("select customer_id from property where id = $1", place) for place in (home, other)
    ]
    customer, neighbour = [await world.session_of(town.tenant, Role.CUSTOMER, new_one) for new_one in customers]
    return Site(town, cleaner, colleague, await town.dispatcher(), customer, neighbour, job, shift)


def stranger_id() -> str:
    """The global id of a job that nobody has."""
    return gid("Job", new_id())
