"""Checklist templates: what a business wants done, by home and service (R108, R110)."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS
from domain.errors import Conflict, Invalid
from domain.fieldwork.checklists import MOST_ITEMS, Item
from domain.ids import ChecklistTemplateId, PropertyId, ServiceId
from models import checklist_template, service
from models import property as home
from services.checks import changes, text
from services.inputs import arg


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """One thing to do."""

    zone: str = arg("Where it is done, at most 40 characters.")
    label: str = arg("What is to be done, at most 200 characters.")
    required: bool = arg("Whether a job is not proven without it.", default=True)


@dataclass(frozen=True, slots=True)
class CreateChecklistTemplate:
    """What is to be done in one home, or with one service, or everywhere."""

    name: str = arg("What the office calls it, at most 200 characters.")
    items: list[TemplateLine] = arg("Its lines in their order, 1 to 200, each once.")
    property_id: PropertyId | None = arg("The home it is for; every home unless told.", default=None)
    service_id: ServiceId | None = arg("The service it is for; every service unless told.", default=None)


@dataclass(frozen=True, slots=True)
class UpdateChecklistTemplate:
    """What is to be different; what is left out stays. Jobs whose work has begun keep their list."""

    checklist_template_id: ChecklistTemplateId = arg("The template to change.")
    name: str | None = arg("What the office calls it.", default=None)
    items: list[TemplateLine] | None = arg("All of its lines anew.", default=None)
    expected_version: int | None = arg("Refuse with CONFLICT if the template has another version.", default=None)


@dataclass(frozen=True, slots=True)
class ArchiveChecklistTemplate:
    """A template that is not used any more."""

    checklist_template_id: ChecklistTemplateId = arg("The template to archive; jobs whose work has begun keep it.")


@command(*ADMINS)
async def create_checklist_template(tx: Tx, input: CreateChecklistTemplate) -> ChecklistTemplateId:
    """Write a checklist for a home, a service, both, or every job (R108); ALREADY_EXISTS where there is one."""
    if input.property_id is not None:
        _ensure_in_use(await tx.get(home, input.property_id, "propertyId", share=True), "propertyId")
    if input.service_id is not None:
        _ensure_in_use(await tx.get(service, input.service_id, "serviceId", share=True), "serviceId")
    made = await tx.insert(
        checklist_template,
        **_values(input),
        property_id=input.property_id,
        service_id=input.service_id,
        created_at=tx.now,
    )
    tx.audit("ChecklistTemplate", made)
    return ChecklistTemplateId(made)


@command(*ADMINS)
async def update_checklist_template(tx: Tx, input: UpdateChecklistTemplate) -> ChecklistTemplateId:
    """Change a checklist for the jobs to come (R108). CONFLICT for an archived one."""
    row = await tx.get(checklist_template, input.checklist_template_id, "checklistTemplateId", lock=True)
    _ensure_in_use(row, "checklistTemplateId")
    await tx.change(checklist_template, row.id, input.expected_version, **changes(_values(input)))
    tx.audit("ChecklistTemplate", row.id)
    return input.checklist_template_id


@command(*ADMINS)
async def archive_checklist_template(tx: Tx, input: ArchiveChecklistTemplate) -> ChecklistTemplateId:
    """Take a checklist out of use; nothing of it is deleted, and archiving twice changes nothing."""
    row = await tx.get(checklist_template, input.checklist_template_id, "checklistTemplateId", lock=True)
    if row.archived_at is None:
        await tx.change(checklist_template, row.id, archived_at=tx.now)
        tx.audit("ChecklistTemplate", row.id)
    return input.checklist_template_id


def _values(input: CreateChecklistTemplate | UpdateChecklistTemplate) -> dict[str, Any]:
    return {
        "name": text(input.name, "name", most=200),
        "items": None if input.items is None else [asdict(item) for item in _items(input.items)],
    }


def _items(lines: list[TemplateLine]) -> list[Item]:
    if not 1 <= len(lines) <= MOST_ITEMS:
        raise Invalid(f"A checklist has 1 to {MOST_ITEMS} lines.", field=("items",))
    items = [_item(line, place) for place, line in enumerate(lines)]
    seen: set[tuple[str, str]] = set()
    for place, item in enumerate(items):
        if (item.zone, item.label) in seen:
            raise Invalid("Each line stands once.", field=("items", str(place)))
        seen.add((item.zone, item.label))
    return items


def _item(line: TemplateLine, place: int) -> Item:
    try:
        return Item(text(line.zone, "zone", most=40), text(line.label, "label", most=200), line.required)
    except Invalid as error:
        raise Invalid(error.message, field=("items", str(place), *error.field)) from None


def _ensure_in_use(row: Row[Any], field: str) -> None:
    if row.archived_at is not None:
        raise Conflict("This is archived.", field=(field,))
