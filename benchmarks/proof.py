"""A whole clean over HTTP, from the instructions to the proof, several cleaners at a time; and packets verified."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx2
import orjson

from benchmarks.figures import Line, Report
from benchmarks.gauges import cpu_seconds, database_cpu_seconds
from benchmarks.http_load import Connection, Post
from benchmarks.installation import APP_ROLE, Installation, Server
from benchmarks.statements import counted_statements
from db.runner import Call
from domain.actors import Actor, CleanerId, Role, TenantId
from domain.fieldwork.verification import verify
from domain.ids import JobId
from schema.types.relay import encode_id
from services.fieldwork.templates import CreateChecklistTemplate, TemplateLine, create_checklist_template
from services.fieldwork.verify import ReadPacket, read_packet
from services.scheduling import AssignCleaner, CreateJob, assign_cleaner, create_job

BUSINESS = 3
"""Another than the other benchmarks'."""
ITEMS, PHOTOS, POINTS, BATCHES = 40, 12, 20, 10
BODY = bytes(range(256)) * 256

_STEP = """mutation($input: %sInput!) { %s(input: $input) { visit { id phase } errors { code message } } }"""
_STEPS = {
    "openInstructions": "OpenInstructions",
    "acknowledgeInstructions": "AcknowledgeInstructions",
    "checkIn": "CheckIn",
    "startWork": "StartWork",
    "finishWork": "FinishWork",
    "checkOut": "CheckOut",
}
STEP = {name: _STEP % (type, name) for name, type in _STEPS.items()}
TICK = (
    "mutation($input: TickItemInput!) { tickItem(input: $input) { checklistItem { doneAt } errors { code message } } }"
)
TRACK = "mutation($input: SendTrackInput!) { sendTrack(input: $input) { trackBatch { id } errors { code message } } }"
REQUEST = (
    "mutation($input: RequestPhotoInput!) { requestPhoto(input: $input) { photo { id uploadUrl } errors { code } } }"
)
CONFIRM = "mutation($input: ConfirmPhotoInput!) { confirmPhoto(input: $input) { photo { status } errors { code } } }"
ITEMS_OF = "query($id: ID!) { assignment(id: $id) { job { checklist { id } } } }"


@dataclass(frozen=True, slots=True)
class Pace:
    """So many cleans, so many at a time, and so many packets verified."""

    cleans: int
    at_once: int
    packets: int


@dataclass(frozen=True, slots=True)
class Shift:
    """One cleaner's, about to begin."""

    who: Actor
    token: str
    assignment: str
    job: JobId
    fix: dict[str, Any]


@dataclass(slots=True)
class Hands:
    """One cleaner's phone: posts mutations and counts them."""

    connection: Connection
    shift: Shift
    http: httpx2.AsyncClient
    mutations: int = 0

    async def ask(self, document: str, **variables: Any) -> Any:
        """One request's data."""
        said = orjson.loads(await self.connection.send(Post.of(self.shift.token, document, variables).wire()))
        assert "errors" not in said, said
        return said["data"]

    async def do(self, document: str, **given: Any) -> Any:
        """One mutation's payload, which must not be a refusal."""
        (payload,) = (await self.ask(document, input=given)).values()
        assert payload["errors"] == [], payload
        self.mutations += 1
        return payload

    async def step(self, name: str, **given: Any) -> None:
        """One step of the visit."""
        await self.do(STEP[name], assignmentId=self.shift.assignment, **given)

    async def photo(self, number: int, stage: str) -> None:
        """One photo: announced, uploaded and confirmed. Looking at it is the worker's."""
        body = number.to_bytes(4, "big") + BODY
        given = {"stage": stage, "zone": "kitchen", "contentType": "image/jpeg", "sizeBytes": len(body)}
        given["sha256"] = hashlib.sha256(body).hexdigest()
        made = (await self.do(REQUEST, assignmentId=self.shift.assignment, **given))["photo"]
        answer = await self.http.put(made["uploadUrl"], content=body, headers={"content-type": "image/jpeg"})
        assert answer.status_code == 201, answer.text
        await self.do(CONFIRM, photoId=made["id"])

    async def clean(self) -> None:
        """All of it."""
        await self.step("openInstructions")
        await self.step("acknowledgeInstructions")
        await self.step("checkIn", fix=self.shift.fix)
        for number in range(PHOTOS // 2):
            await self.photo(number, "BEFORE")
        await self.step("startWork")
        for number in range(BATCHES):
            await self.do(TRACK, assignmentId=self.shift.assignment, sequence=number + 1, points=self.points(number))
        items = (await self.ask(ITEMS_OF, id=self.shift.assignment))["assignment"]["job"]["checklist"]
        for item in items:
            await self.do(TICK, itemId=item["id"], done=True)
        await self.step("finishWork")
        for number in range(PHOTOS // 2, PHOTOS):
            await self.photo(number, "AFTER")
        await self.step("checkOut", fix=self.shift.fix)

    def points(self, batch: int) -> list[dict[str, Any]]:
        """A batch of a walk about the home, a point a second."""
        began = time.time() - BATCHES * POINTS
        return [
            {
                "at": _iso(began + batch * POINTS + place),
                "latitude": self.shift.fix["latitude"] + place * 1e-6,
                "longitude": self.shift.fix["longitude"],
                "accuracyMetres": 8.0,
            }
            for place in range(POINTS)
        ]


async def measure(place: Installation, pace: Pace, report: Report) -> None:
    """Cleans of one business, side by side, then its packets read and verified one after the other."""
    tenant = await place.tenant(BUSINESS)
    shifts = await _shifts(place, tenant, pace.cleans + 1)
    with place.ours() as server:
        await _alone(place, server, shifts.pop(), report)
        await _together(place, server, shifts, pace, report)
    await _verified(place, tenant, [shift.job for shift in shifts], pace.packets, report)


async def _alone(place: Installation, server: Server, shift: Shift, report: Report) -> None:
    async with counted_statements(place) as counted:
        mutations = await _clean(server, shift)
    report.add(
        "A clean: check-in, 40 items, 12 photos, 200 track points, check-out",
        [Line("mutations", f"{mutations}"), Line("statements a mutation", f"{counted.count / mutations:.1f}")],
    )


async def _together(place: Installation, server: Server, shifts: Sequence[Shift], pace: Pace, report: Report) -> None:
    left, mutations = iter(shifts), 0

    async def one_after_the_other() -> None:
        nonlocal mutations
        for shift in left:
            mutations += await _clean(server, shift)

    database, cpu, began = (
        database_cpu_seconds(place.postmaster, APP_ROLE),
        cpu_seconds(server.pid),
        time.perf_counter(),
    )
    await asyncio.gather(*(one_after_the_other() for _ in range(pace.at_once)))
    seconds = time.perf_counter() - began
    report.add(
        f"{len(shifts)} such cleans of one business, {pace.at_once} at a time",
        [
            Line("mutations a second, one server core", f"{mutations / seconds:,.0f}"),
            Line("server CPU a mutation, ms", f"{(cpu_seconds(server.pid) - cpu) * 1000 / mutations:.2f}"),
            Line(
                "PostgreSQL CPU a mutation, ms",
                f"{(database_cpu_seconds(place.postmaster, APP_ROLE) - database) * 1000 / mutations:.2f}",
            ),
        ],
    )


async def _clean(server: Server, shift: Shift) -> int:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as http:
        hands = Hands(await Connection.open(server.port), shift, http)
        await hands.clean()
        await hands.connection.close()
    return hands.mutations


async def _verified(place: Installation, tenant: TenantId, jobs: Sequence[JobId], many: int, report: Report) -> None:
    owner = await place.session(tenant, Role.OWNER)
    began, entries = time.perf_counter(), 0
    for number in range(many):
        packet = await place.runner.run(Call(owner, read_packet, ReadPacket(jobs[number % len(jobs)])))
        assert verify(packet) == ()
        entries += packet.count
    seconds = time.perf_counter() - began
    report.add(
        f"{many} packets read and verified, one after the other",
        [
            Line("packets a second", f"{many / seconds:,.0f}"),
            Line("entries a packet", f"{entries / many:.0f}"),
        ],
    )


async def _shifts(place: Installation, tenant: TenantId, many: int) -> list[Shift]:
    await place.root.execute(
        """update tenant set settings = jsonb_set(settings, '{fieldwork}', '{"photoZones":
            [{"zone": "kitchen", "before": 0, "after": 0}], "locationSeconds": 1}') where tenant_id = $1""",
        tenant,
    )
    owner = await place.session(tenant, Role.OWNER)
    items = [TemplateLine("kitchen", f"Step {number}") for number in range(1, ITEMS + 1)]
    await place.runner.run(Call(owner, create_checklist_template, CreateChecklistTemplate("All", items)))
    rows = await place.root.fetch(
        """select c.id as cleaner, p.id as home, p.latitude, p.longitude from (
            select c.id, min(m.market_id::text)::uuid as market_id, row_number() over (order by c.id) as place
            from cleaner c join cleaner_market m on m.tenant_id = c.tenant_id and m.cleaner_id = c.id
            where c.tenant_id = $1 group by c.id) c
        join lateral (select p.* from property p where p.tenant_id = $1 and p.market_id = c.market_id
            and not p.hot_tub and p.laundry = 'NONE' order by p.id limit 1) p on true
        where not exists (select from assignment a where a.tenant_id = $1 and a.cleaner_id = c.id
            and a.released_at is null and a.starts_at < now() + interval '6 hours' and a.ends_at > now())
        order by c.place limit $2""",
        tenant,
        many,
    )
    assert len(rows) == many, len(rows)
    return [await _shift(place, owner, row) for row in rows]


async def _shift(place: Installation, owner: Actor, row: Any) -> Shift:
    starts = await place.root.fetchval("select now()") + timedelta(minutes=5)
    job = await place.runner.run(Call(owner, create_job, CreateJob(row["home"], starts, Decimal(3))))
    shift = await place.runner.run(Call(owner, assign_cleaner, AssignCleaner(job, CleanerId(row["cleaner"]))))
    who = await place.session(owner.tenant, Role.CLEANER, row["cleaner"])
    fix = {"latitude": row["latitude"], "longitude": row["longitude"], "accuracyMetres": 8.0}
    return Shift(who, place.token(who), str(encode_id("Assignment", shift)), job, fix)


def _iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
