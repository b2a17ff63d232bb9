"""Checklists: templates of the office, the copy that a job gets, and ticking it item by item (R108, R110, R116)."""

from decimal import Decimal
from typing import Any

import pytest

from db.ids import new_id
from domain.actors import Actor
from domain.errors import Code
from domain.fieldwork.phases import VisitPhase
from domain.ids import ChecklistTemplateId
from services import booking, customers, scheduling
from services.fieldwork import templates
from services.fieldwork.templates import TemplateLine
from tests.fieldwork.site import Site

ONE = [TemplateLine("attic", "Dust is gone")]


async def template(site: Site, name: str, **more: Any) -> ChecklistTemplateId:
    form = templates.CreateChecklistTemplate(name, [TemplateLine("attic", name)], **more)
    made: ChecklistTemplateId = await site.do(site.town.owner, templates.create_checklist_template, form)
    return made


async def list_of(site: Site, who: Actor, shift: Any) -> list[tuple[str, str, bool]]:
    await site.open(who, shift)
    rows = await site.items(await site.job_of(shift))
    assert [row["place"] for row in rows] == list(range(1, len(rows) + 1))
    return [(row["zone"], row["label"], row["required"]) for row in rows]


async def a_service(site: Site) -> Any:
    return await site.do(site.town.owner, booking.create_service, booking.CreateService("Deep clean", Decimal(3)))


async def shift_of_service(site: Site, who: Actor, home: Any, service: Any) -> Any:
    form = scheduling.CreateJob(home, await site.soon(), service_id=service)
    return await site.put(await site.do(site.town.owner, scheduling.create_job, form), who)


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({"all", "service", "home", "both"}, "both"),
        ({"all", "service", "home"}, "home"),
        ({"all", "service"}, "service"),
        ({"all"}, "all"),
    ],
)
async def test_the_most_specific_template_counts(site: Site, there: set[str], expected: str) -> None:
    """R108: of home and service, of the home, of the service, of all jobs."""
    who, home, service = await site.town.cleaner(), await site.home(), await a_service(site)
    keys = {
        "all": {},
        "service": {"service_id": service},
        "home": {"property_id": home},
        "both": {"property_id": home, "service_id": service},
    }
    for name in sorted(there):
        await template(site, name, **keys[name])

    shift = await shift_of_service(site, who, home, service)

    assert await list_of(site, who, shift) == [("attic", expected, True)]


async def test_a_template_of_another_home_service_or_business_does_not_count(site: Site) -> None:
    """R1, R108: nor an archived one; then the list for the home's size is used."""
    who = await site.town.cleaner()
    await template(site, "other home", property_id=await site.home())
    await template(site, "service", service_id=await a_service(site))
    gone = await template(site, "gone")
    form = templates.ArchiveChecklistTemplate(gone)
    await site.do(site.town.owner, templates.archive_checklist_template, form)
    foreign = templates.CreateChecklistTemplate("foreign", ONE)
    await site.do(site.other.owner, templates.create_checklist_template, foreign)

    labels = [label for _, label, _ in await list_of(site, who, await site.shift(who))]

    assert "Floors are vacuumed and mopped" in labels
    assert not {"other home", "service", "gone", "Dust is gone"} & set(labels)


async def test_a_job_keeps_the_list_that_it_began_with(site: Site) -> None:
    """R110: the goal does not move, whatever the office writes meanwhile."""
    who = await site.town.cleaner()
    made = await template(site, "old")
    shift = await site.shift(who)
    assert await list_of(site, who, shift) == [("attic", "old", True)]

    lines = [TemplateLine("cellar", "new", required=False)]
    form = templates.UpdateChecklistTemplate(made, "New", lines)
    await site.do(site.town.owner, templates.update_checklist_template, form)

    assert [row["label"] for row in await site.items(await site.job_of(shift))] == ["old"]
    other = await site.town.cleaner()
    assert await list_of(site, other, await site.shift(other)) == [("cellar", "new", False)]


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([], ("items",)),
        ([TemplateLine("attic", f"Line {number}") for number in range(201)], ("items",)),
        ([TemplateLine("attic", "twice"), TemplateLine("attic", " twice ")], ("items", "1")),
        ([TemplateLine("attic", " ")], ("items", "0", "label")),
        ([TemplateLine("", "no zone")], ("items", "0", "zone")),
        ([TemplateLine("attic", "x" * 201)], ("items", "0", "label")),
        ([TemplateLine("z" * 41, "long zone")], ("items", "0", "zone")),
        ([TemplateLine("attic", "be\x07ep")], ("items", "0", "label")),
    ],
)
async def test_a_list_that_is_none_is_refused_with_the_place_of_its_fault(
    site: Site, lines: list[TemplateLine], field: tuple[str, ...]
) -> None:
    """R19."""
    async with site.refused(Code.INVALID) as caught:
        form = templates.CreateChecklistTemplate("Bad", lines)
        await site.do(site.town.owner, templates.create_checklist_template, form)
    assert caught[0].field == field


async def test_there_is_one_template_for_each_home_and_service(site: Site) -> None:
    """ALREADY_EXISTS, until the other is archived."""
    home = await site.home()
    first = await template(site, "first", property_id=home)
    await template(site, "for all")
    for more in ({"property_id": home}, {}):
        async with site.refused(Code.ALREADY_EXISTS):
            await template(site, "second", **more)

    form = templates.ArchiveChecklistTemplate(first)
    for _ in range(2):
        await site.do(site.town.owner, templates.archive_checklist_template, form)
    await template(site, "second", property_id=home)
    async with site.refused(Code.CONFLICT):
        change = templates.UpdateChecklistTemplate(first, "Again")
        await site.do(site.town.owner, templates.update_checklist_template, change)


async def test_templates_are_the_administrators_and_for_what_is_there(site: Site) -> None:
    """R3, R20: not a dispatcher's; not for a home that is unknown, another business's, or archived."""
    dispatcher, theirs = await site.town.dispatcher(), await site.other.home()
    async with site.refused(Code.FORBIDDEN):
        form = templates.CreateChecklistTemplate("Mine", ONE)
        await site.do(dispatcher, templates.create_checklist_template, form)
    for missing in (theirs, new_id()):
        async with site.refused(Code.NOT_FOUND):
            await template(site, "theirs", property_id=missing)
    home = await site.home()
    await site.do(site.town.owner, customers.archive_property, customers.ArchiveProperty(home))
    async with site.refused(Code.CONFLICT):
        await template(site, "archived", property_id=home)
    made = await template(site, "mine")
    async with site.refused(Code.NOT_FOUND):
        change = templates.UpdateChecklistTemplate(made, "Foreign")
        await site.do(site.other.owner, templates.update_checklist_template, change)


# Ticking


async def test_an_item_is_ticked_noted_and_reopened(site: Site) -> None:
    """R116, R127: each with its entry in the chain, and who did it."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.reach(who, shift, VisitPhase.IN_PROGRESS)
    item = (await site.items(job))[0]

    await site.tick(who, item, note="Stain stays")
    row = await site.row("checklist_item", item["id"])
    assert (row["done_by"], row["note"]) == (who.person, "Stain stays")
    assert row["done_at"] is not None
    await site.tick(who, item, done=False)
    row = await site.row("checklist_item", item["id"])
    assert (row["done_at"], row["done_by"], row["note"]) == (None, None, "Stain stays")

    assert [kind for kind in await site.kinds(job) if kind.startswith("ITEM")] == ["ITEM_TICKED", "ITEM_REOPENED"]


async def test_telling_again_what_is_so_writes_nothing(site: Site) -> None:
    """R116: a colleague was faster, or the device sends it twice."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await site.reach(who, shift, VisitPhase.IN_PROGRESS)
    item = (await site.items(await site.job_of(shift)))[0]
    await site.tick(who, item)

    before = await site.picture()
    await site.tick(who, item)
    assert await site.picture() == before


@pytest.mark.parametrize("phase", [VisitPhase.INSTRUCTION, VisitPhase.ARRIVAL])
async def test_the_list_is_not_worked_before_the_work(site: Site, phase: VisitPhase) -> None:
    """R104, R108."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await site.reach(who, shift, phase)

    async with site.refused(Code.ILLEGAL_TRANSITION):
        await site.tick(who, (await site.items(await site.job_of(shift)))[0])


async def test_items_that_are_none_or_anothers_are_not_found(site: Site) -> None:
    """R3: unknown, of another job, of another business, of a job that one was taken off."""
    who, colleague, stranger = await site.town.cleaner(), await site.town.cleaner(), await site.other.cleaner()
    shift, theirs = await site.shift(who), await site.shift(colleague)
    for one, its in ((who, shift), (colleague, theirs)):
        await site.reach(one, its, VisitPhase.IN_PROGRESS)
    mine = (await site.items(await site.job_of(shift)))[0]

    for who_asks, item in (
        (who, {"id": new_id()}),
        (who, (await site.items(await site.job_of(theirs)))[0]),
        (stranger, mine),
        (colleague, mine),
    ):
        async with site.refused(Code.NOT_FOUND):
            await site.tick(who_asks, item)
    await site.world.root.execute("update assignment set released_at = now() where id = $1", shift)
    async with site.refused(Code.NOT_FOUND):
        await site.tick(who, mine)


async def test_a_note_too_long_is_refused(site: Site) -> None:
    """R19."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    await site.reach(who, shift, VisitPhase.IN_PROGRESS)
    async with site.refused(Code.INVALID):
        await site.tick(who, (await site.items(await site.job_of(shift)))[0], note="x" * 501)
