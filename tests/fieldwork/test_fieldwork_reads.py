"""What the phone, the office and the customer read of a visit: one question gives everything back (R124, R126, R20)."""

from datetime import timedelta
from typing import Any

import pytest

from domain.actors import Actor, Role
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import PhotoStage
from domain.ids import AssignmentId
from domain.scheduling import AssignmentRole
from services.fieldwork import templates
from services.fieldwork.packet import missing_of
from services.fieldwork.templates import TemplateLine
from tests.fieldwork.site import Site, at_home, command_of
from tests.product.world import Api, gid

RESTORE = """query ($id: ID!) { assignment(id: $id) {
    visit { phase begunAt instructedAt checkedInAt checkInOverridden startedAt finishedAt elapsedSeconds checkedOutAt
        checkIn { latitude longitude accuracyMetres distanceMetres } checkOut { distanceMetres } version }
    job { status checklist { id place zone label required doneAt note }
        evidence { status submissions requirements { zone before after } entryCount head
            missing { code message zone required present } } } } }"""

WATCH = """query ($id: ID!) { job(id: $id) { status
    visits { phase checkedInAt checkedOutAt checkIn { latitude } checkOut { latitude } cleaner { name } isResponsible }
    checklist { label }
    evidence { status missing { code } entries { seq kind payload receivedAt flags skewMs actorRole hash } } } }"""


async def restored(api: Api, who: Actor, shift: AssignmentId) -> Any:
    """What a phone that has lost everything asks."""
    return (await api.data(who, RESTORE, id=gid("Assignment", shift)))["assignment"]


async def test_a_phone_that_lost_everything_gets_it_back_after_every_step(api: Api, site: Site) -> None:
    """R124: phase, timer, position, checklist, photos and what is missing, in one question."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    before = await restored(api, who, shift)
    assert before == {"visit": None, "job": {"status": "ASSIGNED", "checklist": [], "evidence": None}}

    await site.open(who, shift)
    found = await restored(api, who, shift)
    assert found["visit"]["phase"] == "INSTRUCTION"
    assert found["visit"]["instructedAt"] is None
    assert found["job"]["evidence"]["requirements"][1] == {"zone": "bathroom", "before": 1, "after": 2}
    codes = [one["code"] for one in found["job"]["evidence"]["missing"]]
    required = [item for item in found["job"]["checklist"] if item["required"]]
    assert codes == ["CHECK_IN", *["BEFORE_PHOTOS"] * 4, *["CHECKLIST"] * len(required), *["AFTER_PHOTOS"] * 4]

    await site.acknowledge(who, shift)
    assert (await restored(api, who, shift))["visit"]["phase"] == "ARRIVAL"

    await site.check_in(who, shift, at_home(30))
    found = await restored(api, who, shift)
    assert found["job"]["status"] == "IN_PROGRESS"
    assert found["visit"]["checkIn"]["distanceMetres"] == pytest.approx(30, abs=0.5)
    assert "CHECK_IN" not in [one["code"] for one in found["job"]["evidence"]["missing"]]

    await site.photos(await site.visit_of(shift, who), PhotoStage.BEFORE)
    await site.start(who, shift)
    await site.world.move_clock(site.town.tenant, timedelta(minutes=90))
    found = await restored(api, who, shift)
    assert found["visit"]["phase"] == "IN_PROGRESS"
    assert 5400 <= found["visit"]["elapsedSeconds"] < 5460

    await site.tick(who, (await site.items(job))[0], note="Scratch")
    found = await restored(api, who, shift)
    assert found["job"]["checklist"][0]["note"] == "Scratch"
    assert found["job"]["checklist"][0]["doneAt"] is not None
    assert [item["doneAt"] for item in found["job"]["checklist"][1:]] == [None] * (len(required))

    await site.tick_all(who, job)
    await site.finish(who, shift)
    stopped = await restored(api, who, shift)
    await site.world.move_clock(site.town.tenant, timedelta(minutes=10))
    found = await restored(api, who, shift)
    assert found["visit"]["phase"] == "COMPLETION"
    assert found["visit"]["elapsedSeconds"] == stopped["visit"]["elapsedSeconds"]
    assert [(one["zone"], one["required"]) for one in found["job"]["evidence"]["missing"]] == [
        ("kitchen", 1),
        ("bathroom", 2),
        ("bedroom", 2),
        ("living", 1),
        (None, 1),
    ]

    await site.photos(await site.visit_of(shift, who), PhotoStage.AFTER)
    await site.check_out(who, shift)
    found = await restored(api, who, shift)
    assert (found["visit"]["phase"], found["job"]["status"]) == ("DONE", "COMPLETED")
    assert found["job"]["evidence"]["missing"] == []
    assert found["job"]["evidence"]["entryCount"] == len(await site.chain(job))
    assert found["job"]["evidence"]["head"] == (await site.chain(job))[-1]["hash"].hex()


async def test_what_is_missing_is_the_same_for_crew_and_office_and_what_the_capture_asks(api: Api, site: Site) -> None:
    """R112, R124: a laundry lead's phone knows that the primary has checked in."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()
    job = await site.job()
    one, two = await site.put(job, primary), await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
    await site.reach(primary, one, VisitPhase.IN_PROGRESS)
    await site.reach(lead, two, VisitPhase.ARRIVAL)
    await site.check_in(lead, two)

    async def ask(tx: Any, input: Any) -> Any:
        return [(found.code.value, found.zone) for found in await missing_of(tx, job)]

    expected = await site.do(Actor.system(site.town.tenant), command_of(ask), None)
    query = "query ($id: ID!) { job(id: $id) { evidence { missing { code zone } } } }"
    for who in (primary, lead, site.town.owner, await site.town.dispatcher()):
        found = (await api.data(who, query, id=gid("Job", job)))["job"]["evidence"]["missing"]
        assert [(each["code"], each["zone"]) for each in found] == expected


async def customer_of(site: Site, job: Any) -> Actor:
    person = await site.value("select customer_id from job where id = $1", job)
    return await site.world.session_of(site.town.tenant, Role.CUSTOMER, person)


async def test_a_customer_sees_when_somebody_came_and_the_proof_once_the_job_is_over(api: Api, site: Site) -> None:
    """R20, A18: times yes, positions never; checklist and evidence when the job is over."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    customer = await customer_of(site, job)
    await site.reach(who, shift, VisitPhase.COMPLETION)

    found = (await api.data(customer, WATCH, id=gid("Job", job)))["job"]
    (visit,) = found["visits"]
    assert (visit["phase"], visit["checkIn"]) == ("COMPLETION", None)
    assert visit["checkedInAt"] is not None
    assert (found["checklist"], found["evidence"]) == ([], None)

    await site.photos(await site.visit_of(shift, who), PhotoStage.AFTER)
    await site.check_out(who, shift)
    found = (await api.data(customer, WATCH, id=gid("Job", job)))["job"]
    assert found["visits"][0]["checkOut"] is None
    assert found["evidence"]["status"] == "COMPLETE"
    assert found["evidence"]["missing"] == []
    entries = found["evidence"]["entries"]
    assert [one["seq"] for one in entries] == list(range(1, len(entries) + 1))
    assert {one["payload"] for one in entries} == {None}
    assert len(found["checklist"]) == len(await site.items(job))


async def test_positions_are_the_offices_and_ones_own(api: Api, site: Site) -> None:
    """R4, R20: a colleague on the same job sees that one came, and not from where."""
    primary, lead = await site.town.cleaner(), await site.town.cleaner()
    job = await site.job()
    one, two = await site.put(job, primary), await site.put(job, lead, AssignmentRole.LAUNDRY_LEAD)
    await site.arrive(primary, one)
    await site.arrive(lead, two)

    async def seen(who: Actor) -> tuple[list[bool], set[str]]:
        found = (await api.data(who, WATCH, id=gid("Job", job)))["job"]
        entries = found["evidence"]["entries"]
        shown = {str(entry["seq"]) for entry in entries if entry["payload"] is not None}
        return [visit["checkIn"] is not None for visit in found["visits"]], shown

    every = {str(row["seq"]) for row in await site.chain(job)}
    own = {str(row["seq"]) for row in await site.chain(job) if row["actor_id"] == primary.person}
    assert await seen(site.town.owner) == ([True, True], every)
    assert await seen(primary) == ([True, False], own)
    assert (await seen(lead))[0] == [False, True]


async def test_nobody_else_sees_anything_of_it(api: Api, site: Site) -> None:
    """R3, R5: a colleague who is not on it, another customer, the other business; also by the objects' own ids."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.DONE)
    neighbour = await customer_of(site, await site.job())
    ids = {
        "Visit": (await site.visit_of(shift, who))["id"],
        "Evidence": (await site.row("evidence", job, "job_id"))["id"],
        "ChecklistItem": (await site.items(job))[0]["id"],
        "Assignment": shift,
    }
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }"
    asked = [gid(kind, id) for kind, id in ids.items()]

    mine = await api.data(who, query, ids=asked)
    assert [node["id"] for node in mine["nodes"]] == asked
    for stranger in (await site.town.cleaner(), neighbour, site.other.owner, await site.other.cleaner()):
        assert (await api.data(stranger, query, ids=asked))["nodes"] == [None] * 4


async def test_a_job_that_is_over_leaves_the_active_list_and_stays_in_the_history(api: Api, site: Site) -> None:
    """R126, A16: completed, and where nobody could get in."""
    who = await site.town.cleaner()
    done, waiting = await site.shift(who), await site.shift(who, minutes=2000)
    closed = await site.shift(who, minutes=4000)
    await site.reach(who, done, VisitPhase.DONE)
    await site.world.root.execute("update job set status = 'NO_ACCESS' where id = $1", await site.job_of(closed))
    query = """query ($active: Boolean) { assignments(filter: {isActive: $active}) { nodes { id } totalCount }
        jobs(filter: {isActive: $active, isMine: true}) { nodes { id } } }"""

    async def listed(active: bool | None) -> tuple[set[str], set[str]]:
        found = await api.data(who, query, active=active)
        return tuple({node["id"] for node in found[name]["nodes"]} for name in ("assignments", "jobs"))  # type: ignore[return-value]

    shifts = {
        shift: (gid("Assignment", shift), gid("Job", await site.job_of(shift))) for shift in (done, waiting, closed)
    }
    assert await listed(True) == ({shifts[waiting][0]}, {shifts[waiting][1]})
    assert await listed(False) == tuple({shifts[one][place] for one in (done, closed)} for place in (0, 1))
    assert await listed(None) == tuple({pair[place] for pair in shifts.values()} for place in (0, 1))


async def test_a_refusal_tells_the_phone_what_is_missing_and_how_far_it_is(api: Api, site: Site) -> None:
    """R112, A20: as data in the payload, with stable codes."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await site.reach(who, shift, VisitPhase.ARRIVAL)
    fix = {"latitude": 0.0, "longitude": 0.0, "accuracyMetres": 5.0}
    form = {"assignmentId": gid("Assignment", shift), "fix": fix}

    refused = await api.do(who, "checkIn", form, "visit { id } more: errors { details }")
    assert [error["code"] for error in refused["errors"]] == ["OUTSIDE_GEOFENCE"]
    assert refused["more"][0]["details"]["distanceMetres"] > 8_000_000
    start = {"assignmentId": gid("Assignment", shift)}
    refused = await api.do(who, "startWork", start, "visit { id } more: errors { details }")
    assert [error["code"] for error in refused["errors"]] == ["EVIDENCE_INCOMPLETE"]
    assert refused["more"][0]["details"]["missing"][0]["code"] == "CHECK_IN"


async def test_a_step_answers_with_the_visit_as_it_is_now(api: Api, site: Site) -> None:
    """R124: no second question is needed."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    id = {"assignmentId": gid("Assignment", shift)}
    select = "visit { phase job { status evidence { missing { code } } } }"
    opened = await api.do(who, "openInstructions", id, select)
    assert (opened["errors"], opened["visit"]["phase"]) == ([], "INSTRUCTION")
    await api.do(who, "acknowledgeInstructions", id, select)
    home = {"latitude": at_home().latitude, "longitude": at_home().longitude, "accuracyMetres": 5.0}
    device = {"capturedAt": "2026-01-01T10:00:00+00:00", "sentAt": "2026-01-01T10:00:00+00:00"}
    arrived = await api.do(who, "checkIn", {**id, "fix": home, "device": device}, select)
    assert arrived["visit"]["job"]["status"] == "IN_PROGRESS"


async def test_checklist_templates_are_read_by_the_office_alone(api: Api, site: Site) -> None:
    """R1, R20, R108."""
    form = templates.CreateChecklistTemplate("For all", [TemplateLine("attic", "Dust is gone", required=False)])
    made = await site.do(site.town.owner, templates.create_checklist_template, form)
    query = """{ checklistTemplates(filter: {isArchived: false}) { nodes { id name property { id } service { id }
        items { zone label required } archivedAt } } }"""

    for who in (site.town.owner, await site.town.dispatcher()):
        assert (await api.data(who, query))["checklistTemplates"]["nodes"] == [
            {
                "id": gid("ChecklistTemplate", made),
                "name": "For all",
                "property": None,
                "service": None,
                "items": [{"zone": "attic", "label": "Dust is gone", "required": False}],
                "archivedAt": None,
            }
        ]
    for nobody in (await site.town.cleaner(), site.other.owner):
        assert (await api.data(nobody, query))["checklistTemplates"]["nodes"] == []
