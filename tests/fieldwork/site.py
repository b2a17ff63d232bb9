"""A home where the work is done, and who does it: drives visits through the runner, and looks at what they leave."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from secrets import token_bytes
from typing import Any

import pytest

from db.command import Command
from db.ids import new_id
from domain.actors import Actor, CleanerId, Role, StaffRole
from domain.errors import Code, Refused
from domain.fieldwork.chain import EntryKind, Problem
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.photos import PhotoStatus
from domain.fieldwork.requirements import PhotoStage
from domain.fieldwork.verification import verify
from domain.ids import AssignmentId, ChecklistItemId, JobId, PropertyId, VisitId
from domain.scheduling import AssignmentRole
from services import scheduling
from services.fieldwork import no_access, overrides, templates, ticking, visits
from services.fieldwork.chain import append
from services.fieldwork.told import Device, FixTold
from services.fieldwork.verify import ReadPacket, read_packet
from services.identity import staff
from tests.product.world import MIAMI, Town, World

METRE = 1 / 111_195
"""Of latitude, in degrees, near enough."""

WRITTEN = (
    "event",
    "audit",
    "task",
    "visit",
    "evidence",
    "evidence_entry",
    "checklist_item",
    "photo",
    "track_batch",
    "live_location",
    "access_code",
    "access_code_view",
    "subject_key",
    "no_show",
    "reliability",
    "swap",
    "assignment",
    "job",
    "mutation_receipt",
)


def at_home(metres: float = 0, accuracy: float = 10, *, mock: bool = False) -> FixTold:
    """A fix so far north of the home."""
    return FixTold(MIAMI[0] + metres * METRE, MIAMI[1], accuracy, mock)


@dataclass
class Site:
    """One business's fieldwork, beside another business that must not notice any of it."""

    town: Town
    other: Town

    @property
    def world(self) -> World:
        return self.town.world

    async def do(self, who: Actor, command: Any, input: Any, **more: Any) -> Any:
        return await self.world.run(who, command, input, **more)

    async def row(self, table: str, id: Any, key: str = "id") -> Any:
        return await self.world.root.fetchrow(f"select * from {table} where {key} = $1", id)

    async def value(self, sql: str, *given: Any) -> Any:
        return await self.world.root.fetchval(sql, *given)

    async def settings(self, **values: Any) -> None:
        await self.world.root.execute(
            "update tenant set settings = $2 where tenant_id = $1", self.town.tenant, json.dumps({"fieldwork": values})
        )

    async def bare(self) -> None:
        """Cleans that need no photos, and have one optional line to tick."""
        await self.settings(photoZones=[])
        form = templates.CreateChecklistTemplate("Bare", [templates.TemplateLine("door", "Locked", required=False)])
        await self.do(self.town.owner, templates.create_checklist_template, form)

    async def soon(self, minutes: int = 60) -> datetime:
        return (await self.world.now(self.town.tenant)) + timedelta(minutes=minutes)

    async def home(self, **columns: Any) -> PropertyId:
        """A home of two bedrooms and a bathroom, unless told."""
        made = await self.town.home()
        for name, value in columns.items():
            await self.world.root.execute(f"update property set {name} = $2 where id = $1", made, value)
        return made

    async def job(self, minutes: int = 60, home: PropertyId | None = None) -> JobId:
        """A job that starts so soon that its instructions can be opened."""
        form = scheduling.CreateJob(home or await self.home(), await self.soon(minutes), Decimal(3))
        made: JobId = await self.do(self.town.owner, scheduling.create_job, form)
        return made

    async def put(self, job: JobId, who: Actor, role: AssignmentRole = AssignmentRole.PRIMARY) -> AssignmentId:
        """This cleaner on the job."""
        form = scheduling.AssignCleaner(job, CleanerId(who.person), role)
        made: AssignmentId = await self.do(self.town.owner, scheduling.assign_cleaner, form)
        return made

    async def shift(self, who: Actor, minutes: int = 60, home: PropertyId | None = None) -> AssignmentId:
        return await self.put(await self.job(minutes, home), who)

    async def job_of(self, shift: AssignmentId) -> JobId:
        return JobId(await self.value("select job_id from assignment where id = $1", shift))

    async def visit_of(self, shift: AssignmentId, who: Actor) -> Any:
        return await self.world.root.fetchrow(
            "select * from visit where assignment_id = $1 and cleaner_id = $2", shift, who.person
        )

    async def items(self, job: JobId) -> list[Any]:
        return list(await self.world.root.fetch("select * from checklist_item where job_id = $1 order by place", job))

    async def chain(self, job: JobId) -> list[Any]:
        return list(await self.world.root.fetch("select * from evidence_entry where job_id = $1 order by seq", job))

    async def kinds(self, job: JobId) -> list[str]:
        return [row["kind"] for row in await self.chain(job)]

    async def events(self, id: Any) -> list[str]:
        rows = await self.world.root.fetch("select type from event where entity_id = $1 order by seq", id)
        return [row["type"] for row in rows]

    async def status(self, job: JobId) -> tuple[str, str | None]:
        """Of the job, and of its packet."""
        packet = await self.value("select status from evidence where job_id = $1", job)
        return str((await self.row("job", job))["status"]), packet

    async def admin(self) -> Actor:
        """An administrator beside the owner, signed in."""
        form = staff.InviteStaff("Admin 1", f"admin@{self.town.slug}.example", StaffRole.ADMIN)
        made = await self.do(self.town.owner, staff.invite_staff, form)
        return await self.world.session_of(self.town.tenant, Role.ADMIN, made)

    # The steps

    async def open(self, who: Actor, shift: AssignmentId, **more: Any) -> VisitId:
        made: VisitId = await self.do(who, visits.open_instructions, visits.OpenInstructions(shift), **more)
        return made

    async def acknowledge(self, who: Actor, shift: AssignmentId, **more: Any) -> None:
        await self.do(who, visits.acknowledge_instructions, visits.AcknowledgeInstructions(shift), **more)

    async def check_in(
        self, who: Actor, shift: AssignmentId, fix: FixTold | None = None, device: Device | None = None, **more: Any
    ) -> None:
        await self.do(who, visits.check_in, visits.CheckIn(shift, fix or at_home(), device), **more)

    async def start(self, who: Actor, shift: AssignmentId, device: Device | None = None, **more: Any) -> None:
        await self.do(who, visits.start_work, visits.StartWork(shift, device), **more)

    async def finish(self, who: Actor, shift: AssignmentId, device: Device | None = None, **more: Any) -> None:
        await self.do(who, visits.finish_work, visits.FinishWork(shift, device), **more)

    async def check_out(
        self, who: Actor, shift: AssignmentId, fix: FixTold | None = None, device: Device | None = None, **more: Any
    ) -> None:
        await self.do(who, visits.check_out, visits.CheckOut(shift, fix or at_home(), device), **more)

    async def tick(self, who: Actor, item: Any, *, done: bool = True, note: str | None = None, **more: Any) -> None:
        form = ticking.TickItem(ChecklistItemId(item["id"]), done, note, more.pop("device", None))
        await self.do(who, ticking.tick_item, form, **more)

    async def tick_all(self, who: Actor, job: JobId, *, but: int = 0) -> None:
        """Every required item, but the last so many."""
        required = [item for item in await self.items(job) if item["required"] and item["done_at"] is None]
        for item in required[: len(required) - but]:
            await self.tick(who, item)

    async def no_access(self, who: Actor, shift: AssignmentId, note: str = "Rang twice", **more: Any) -> None:
        form = no_access.ReportNoAccess(shift, note, more.pop("fix", None) or at_home())
        await self.do(who, no_access.report_no_access, form, **more)

    async def submit(self, who: Actor, job: JobId) -> None:
        await self.do(who, overrides.submit_evidence, overrides.SubmitEvidence(job))

    async def photo(
        self,
        visit: Any,
        stage: PhotoStage,
        zone: str = "kitchen",
        many: int = 1,
        status: PhotoStatus = PhotoStatus.STORED,
    ) -> None:
        """So many photos that the server has looked at, and written down."""
        for _ in range(many):
            id, digest = new_id(), token_bytes(32)
            await self.world.root.execute(
                """insert into photo (tenant_id, id, job_id, visit_id, customer_id, cleaner_id, stage, zone, status,
                       content_type, size_bytes, sha256, requested_at, expires_at)
                   select tenant_id, $2, job_id, id, customer_id, cleaner_id, $3, $4, $5, 'image/jpeg', 1,
                       $6, now(), now() from visit where id = $1""",
                visit["id"],
                id,
                stage.value,
                zone,
                status.value,
                digest,
            )
            if status is PhotoStatus.STORED:
                said = {"photoId": str(id), "visitId": str(visit["id"]), "sha256": digest.hex(), "sizeBytes": 1}
                await self.chained(visit, {**said, "stage": stage.value, "zone": zone})

    async def chained(self, visit: Any, said: dict[str, Any]) -> None:
        """What the worker writes down of a photo."""

        async def write(tx: Any, input: Any) -> None:
            await append(tx, visit["job_id"], EntryKind.PHOTO_STORED, said)

        await self.do(Actor.system(self.town.tenant), command_of(write), None)

    async def photos(self, visit: Any, stage: PhotoStage, *, but: int = 0) -> None:
        """All the photos of a stage that the job must show, but so many of them."""
        required = json.loads(await self.value("select requirements from evidence where job_id = $1", visit["job_id"]))
        wanted = [zone["zone"] for zone in required for _ in range(zone[stage.value.lower()])]
        for zone in wanted[: len(wanted) - but]:
            await self.photo(visit, stage, zone)

    async def arrive(self, who: Actor, shift: AssignmentId) -> Any:
        """To the door, checked in; the visit."""
        await self.open(who, shift)
        await self.acknowledge(who, shift)
        await self.check_in(who, shift)
        return await self.visit_of(shift, who)

    async def reach(self, who: Actor, shift: AssignmentId, phase: VisitPhase) -> None:
        """Do all that leads to a phase, completely: in DONE the clean is proven."""
        steps = list(VisitPhase)
        job = await self.job_of(shift)
        for step in steps[: steps.index(phase) + 1]:
            match step:
                case VisitPhase.INSTRUCTION:
                    await self.open(who, shift)
                case VisitPhase.ARRIVAL:
                    await self.acknowledge(who, shift)
                case VisitPhase.IN_PROGRESS:
                    await self.check_in(who, shift)
                    await self.photos(await self.visit_of(shift, who), PhotoStage.BEFORE)
                    await self.start(who, shift)
                case VisitPhase.COMPLETION:
                    await self.tick_all(who, job)
                    await self.finish(who, shift)
                case VisitPhase.DONE:
                    await self.photos(await self.visit_of(shift, who), PhotoStage.AFTER)
                    await self.check_out(who, shift)

    @asynccontextmanager
    async def refused(self, code: Code) -> AsyncIterator[list[Refused]]:
        """The block is refused with this code, and not a row of either business is different."""
        before = await self.picture()
        caught: list[Refused] = []
        with pytest.raises(Refused) as refusal:
            yield caught
        caught.append(refusal.value)
        assert refusal.value.code is code, (refusal.value.code, refusal.value)
        assert await self.picture() == before

    async def picture(self) -> dict[str, tuple[int, int]]:
        """Every row of both businesses that fieldwork writes."""
        return await self.town.world.picture(self.town.tenant, self.other.tenant, tables=WRITTEN)


async def faults(site: Site, job: JobId) -> tuple[Problem, ...]:
    """What the chain of a job's proof has against what is kept of it."""
    return verify(await site.do(Actor.system(site.town.tenant), read_packet, ReadPacket(job)))


def command_of(ask: Any) -> Command[Any, Any]:
    """Questions of services that are no commands, inside a transaction of the system."""
    return Command(ask.__name__, frozenset(Role), ask, type(None), object, secret=True)
