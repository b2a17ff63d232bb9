"""Visits, checklists and evidence as clients see them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from domain.actors import Role
from domain.fieldwork.chain import EntryKind
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import EvidenceStatus, RequirementCode
from schema.types.booking import Service
from schema.types.customers import Property
from schema.types.described import described
from schema.types.identity import Cleaner
from schema.types.relay import Node

if TYPE_CHECKING:
    from schema.types.scheduling import Assignment, Job


@described
@strawberry.type
class Spot:
    """Where a device was, as it told, and how far that is from the home."""

    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    accuracy_metres: float
    """The radius within which the device is likely to be."""
    distance_metres: float
    """From the middle of the home's fence."""


@described
@strawberry.type
class Visit(Node):
    """One cleaner's way through one job. Its times are the server's."""

    phase: VisitPhase
    """Where the cleaner stands."""
    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")]
    """The job."""
    assignment: Annotated["Assignment", strawberry.lazy("schema.types.scheduling")] | None
    """The shift; null for who may not see it."""
    cleaner: Cleaner | None
    """Whose visit it is; null for who may not know."""
    is_responsible: bool
    """Whether the cleaner came as primary or backup: then the check-in counts for the job."""
    begun_at: datetime
    """When the instructions were opened."""
    instructed_at: datetime | None
    """When they were acknowledged."""
    checked_in_at: datetime | None
    """When the cleaner arrived."""
    check_in_overridden: bool
    """Whether an administrator has accepted the arrival without a position."""
    check_in: Spot | None
    """Where the cleaner checked in; the office and the cleaner alone."""
    started_at: datetime | None
    """When the timer began to run."""
    finished_at: datetime | None
    """When the timer stopped."""
    elapsed_seconds: int
    """What the timer shows now, by the server's clock."""
    checked_out_at: datetime | None
    """When the cleaner left."""
    check_out: Spot | None
    """Where the cleaner checked out; the office and the cleaner alone."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class ZoneRequirement:
    """How many photos of a zone a clean has to show."""

    zone: str
    """The zone, as kitchen."""
    before: int
    """Photos of the state on arrival."""
    after: int
    """Photos of the work done."""


@described
@strawberry.type
class MissingEvidence:
    """One thing that still stands between a clean and its proof."""

    code: RequirementCode
    """What it is; branch on this."""
    message: str
    """The same for people."""
    zone: str | None
    """Of which zone."""
    required: int
    """How many are needed."""
    present: int
    """How many are there."""


@described
@strawberry.type
class EvidenceEntry:
    """One fact of the packet, chained to the one before: changed, it would show."""

    seq: int
    """Its place: dense, from 1."""
    kind: EntryKind
    """What it is about."""
    payload: JSON | None
    """What it says; the office all, everybody else what they wrote themselves."""
    captured_at: datetime | None
    """When it happened, as the device claims."""
    received_at: datetime
    """When the server received it."""
    skew_ms: int | None
    """The device's clock minus the server's."""
    flags: list[str]
    """What is odd about its time."""
    actor_role: Role
    """In which role it was written."""
    hash: str
    """sha256 over the entry before and this one, in hex."""


@described
@strawberry.type
class Evidence(Node):
    """A job's evidence packet: what has to be shown, what is missing, and the chained facts.

    For the office and the crew from the first visit on, for the customer once the job is over.
    """

    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")]
    """The job."""
    status: EvidenceStatus
    """Whether the job is proven; the server derives it."""
    requirements: list[ZoneRequirement]
    """Photos by zone, fixed with the first visit."""
    missing: list[MissingEvidence]
    """All that still stands between the job and its proof, as of now."""
    submissions: int
    """How often it was judged."""
    submitted_at: datetime | None
    """When it was judged first."""
    complete_at_first: bool | None
    """Whether nothing was missing then."""
    completed_at: datetime | None
    """When it was complete, or accepted."""
    override_reason: str | None
    """Why an administrator has accepted it as it is; for the office."""
    no_access_note: str | None
    """What was tried to get in."""
    entry_count: int
    """How many facts the chain has."""
    head: str
    """The hash of the last one, in hex; the audit log has it too once the job is over."""
    entries: list[EvidenceEntry]
    """The facts in their order."""
    bundle_url: str | None
    """Where the whole of it is to be had for ten minutes, as a zip that anybody can check; for the office."""
    created_at: datetime
    """When the first visit began."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class ChecklistItem(Node):
    """One thing to do on one job."""

    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")]
    """The job."""
    place: int
    """Its place in the list, from 1."""
    zone: str
    """Where it is done."""
    label: str
    """What is to be done."""
    required: bool
    """Whether the job is not proven without it."""
    done_at: datetime | None
    """When it was ticked; null while it is open."""
    done_by: Cleaner | None
    """Who ticked it; null for who may not know."""
    note: str
    """What the cleaner had to say about it."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class TemplateItem:
    """One line of a checklist template."""

    zone: str
    """Where it is done."""
    label: str
    """What is to be done."""
    required: bool
    """Whether a job is not proven without it."""


@described
@strawberry.type
class ChecklistTemplate(Node):
    """What is to be done, by home and service; the most specific one counts. For the office."""

    name: str
    """What the office calls it."""
    property: Property | None
    """The home it is for; null for every home."""
    service: Service | None
    """The service it is for; null for every service."""
    items: list[TemplateItem]
    """Its lines in their order."""
    archived_at: datetime | None
    """When it was taken out of use; jobs that have begun keep their copy."""
    created_at: datetime
    """When it was written."""
    version: int
    """Counts changes."""
