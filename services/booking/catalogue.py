"""The catalogue of services: what a business offers, and how long it takes (R24)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS
from domain.errors import Conflict
from domain.events import Event, EventType
from domain.ids import ServiceId
from domain.scheduling import ensure_hours
from models import service
from services.checks import changes, text
from services.inputs import arg


@dataclass(frozen=True, slots=True)
class CreateService:
    """Something that the business offers."""

    name: str = arg("Its name, at most 200 characters, unique in the business.")
    expected_hours: Decimal = arg("Hours per head, more than 0 and at most 24, at most two decimals.")
    description: str = arg("What it comprises, at most 5,000 characters.", default="")


@dataclass(frozen=True, slots=True)
class UpdateService:
    """What is to be different; what is left out stays. Jobs that are planned already keep their hours."""

    service_id: ServiceId = arg("The service to change.")
    name: str | None = arg("Its name.", default=None)
    expected_hours: Decimal | None = arg("Hours per head.", default=None)
    description: str | None = arg("What it comprises.", default=None)
    expected_version: int | None = arg("Refuse with CONFLICT if the service has another version.", default=None)


@dataclass(frozen=True, slots=True)
class ArchiveService:
    """What the business does not offer any more."""

    service_id: ServiceId = arg("The service to archive; jobs that are planned already stay.")


@command(*ADMINS)
async def create_service(tx: Tx, input: CreateService) -> ServiceId:
    """Add a service to the catalogue (R24)."""
    made = ServiceId(await tx.insert(service, **_values(input), created_at=tx.now))
    await _tell(tx, made)
    return made


@command(*ADMINS)
async def update_service(tx: Tx, input: UpdateService) -> ServiceId:
    """Change a service (R24); what is left out stays. CONFLICT for an archived one."""
    row = await tx.get(service, input.service_id, "serviceId", lock=True)
    if row.archived_at is not None:
        raise Conflict("This service is archived.", field=("serviceId",))
    await tx.change(service, input.service_id, input.expected_version, **changes(_values(input)))
    await _tell(tx, input.service_id)
    return input.service_id


@command(*ADMINS)
async def archive_service(tx: Tx, input: ArchiveService) -> ServiceId:
    """Take a service out of the catalogue (R24); nothing of it is deleted, and archiving twice changes nothing."""
    row = await tx.get(service, input.service_id, "serviceId", lock=True)
    if row.archived_at is None:
        await tx.change(service, input.service_id, archived_at=tx.now)
        await _tell(tx, input.service_id)
    return input.service_id


def _values(input: CreateService | UpdateService) -> dict[str, Any]:
    return {
        "name": text(input.name, "name", most=200),
        "expected_hours": None if input.expected_hours is None else ensure_hours(input.expected_hours),
        "description": text(input.description, "description", least=0, most=5000),
    }


async def _tell(tx: Tx, id: ServiceId) -> None:
    row = await tx.get(service, id)
    tx.audit("Service", id)
    card = {"id": str(id), "name": row.name, "expected_hours": str(row.expected_hours), "version": row.version}
    tx.emit(Event(EventType.SERVICE_CHANGED, "Service", id, card))
