"""Jobs as their live feeds show them: the cards, the frames, and where cleaners are while they work."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from domain.feeds import JobGoneReason
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import EvidenceStatus
from domain.scheduling import AssignmentRole, JobStatus, Laundry
from schema.types.described import described
from schema.types.feeds import Heartbeat, Resync
from schema.types.relay import Cursor


@described
@strawberry.type
class CrewCard:
    """One cleaner's part in a job, and how far they are with it."""

    assignment_id: strawberry.ID
    """The shift."""
    cleaner_id: strawberry.ID
    """The cleaner."""
    cleaner_name: str
    """The cleaner's display name."""
    role: AssignmentRole
    """What the cleaner is on the job."""
    visit_id: strawberry.ID | None
    """The visit; null before it begins."""
    phase: VisitPhase | None
    """Where the cleaner stands in the work; null before the instructions were opened."""
    checked_in_at: datetime | None
    """When they arrived."""
    started_at: datetime | None
    """When the timer began to run."""
    finished_at: datetime | None
    """When the timer stopped."""
    checked_out_at: datetime | None
    """When they left."""


@described
@strawberry.type
class JobProgress:
    """How far the work and its proof are."""

    items_done: int
    """Checklist items that are done."""
    items_total: int
    """All items of the checklist."""
    items_open: int
    """Required items that are not done."""
    photos_before: int
    """Photos of before that the server has checked."""
    photos_before_required: int
    """How many are required, all zones together."""
    photos_after: int
    """Photos of after that the server has checked."""
    photos_after_required: int
    """How many are required, all zones together."""


@described
@strawberry.type
class JobCard:
    """What the feeds show of a job; `node` has the rest for whoever may see it."""

    id: strawberry.ID
    """The job's global id."""
    status: JobStatus
    """Where the work stands."""
    starts_at: datetime
    """When it starts."""
    ends_at: datetime
    """The start plus the expected hours."""
    expected_hours: Decimal
    """Hours per head, exact to two decimals."""
    is_urgent: bool
    """Whether the urgent bonus is paid."""
    late_at: datetime | None
    """When nobody had come yet and the alert went out (A46); null for the customer."""
    missed_at: datetime | None
    """When it became a no-show (A46); null for the customer."""
    completed_at: datetime | None
    """When it was completed."""
    canceled_at: datetime | None
    """When it was canceled."""
    customer_id: strawberry.ID | None
    """Whose home it is; null for a cleaner."""
    market_id: strawberry.ID | None
    """The market; null for a cleaner who does not work there."""
    market_name: str | None
    """The market's name; null for a cleaner who does not work there."""
    zone: str | None
    """The market's time zone; null for a cleaner who does not work there."""
    property_id: strawberry.ID
    """The home."""
    property_name: str
    """What the home is called."""
    city: str
    """The home's city."""
    bedrooms: int
    """The home's bedrooms."""
    bathrooms: int
    """The home's bathrooms."""
    square_feet: int
    """The home's area in square feet."""
    laundry: Laundry
    """Where its laundry is done."""
    laundry_loads: int
    """Loads of laundry."""
    hot_tub: bool
    """Whether there is a hot tub to service."""
    evidence_status: EvidenceStatus | None
    """Where the proof stands; null before the first visit, and for the customer until the job is over."""
    progress: JobProgress | None
    """How far work and proof are; null before the first visit, and for the customer until the job is over."""
    crew: list[CrewCard]
    """Who is on it, in the order in which they were put on it; a cleaner sees their own part."""
    version: int
    """Counts changes of the job itself."""


@described
@strawberry.type
class JobsSnapshot:
    """The jobs as of a place in the log; forget what was known before."""

    cursor: Cursor
    """Resume after this."""
    server_time: datetime
    """Business time on the server."""
    jobs: list[JobCard]
    """Every job of this feed, the one that starts first, first; of `job` that one, or none that the viewer may see."""


@described
@strawberry.type
class JobShown:
    """A job of this feed: new in it, or something about it has changed."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before; if it is not the one known, something is missing."""
    event: str | None
    """What happened, as JobLate, in the words of `events`; null for the customer."""
    job: JobCard
    """The job as it is now."""


@described
@strawberry.type
class JobGone:
    """A job does not belong to this feed any more."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before."""
    job_id: strawberry.ID
    """Which one."""
    because: JobGoneReason
    """Why."""


JobsFrame = Annotated[
    JobsSnapshot | JobShown | JobGone | Heartbeat | Resync,
    strawberry.union(
        "JobsFrame",
        description="One message of the feeds of jobs: a snapshot first, then changes, each with its cursor.",
    ),
]


@described
@strawberry.type
class LiveLocation:
    """Where a cleaner is, as their device told last."""

    visit_id: strawberry.ID
    """The visit."""
    cleaner_id: strawberry.ID
    """The cleaner."""
    latitude: float
    """Degrees north (WGS 84)."""
    longitude: float
    """Degrees east (WGS 84)."""
    accuracy_metres: float
    """The radius in metres within which the device is likely to be."""
    at: datetime
    """When; an old one is all that is known."""


@described
@strawberry.type
class LocationsSnapshot:
    """Where everybody at work on the job is; forget what was known before."""

    cursor: Cursor
    """Resume after this."""
    server_time: datetime
    """Business time on the server."""
    is_running: bool
    """Whether the job is being done now; until it is, and once it is over, nobody's place is shown."""
    locations: list[LiveLocation]
    """The last known place of each cleaner at work, by visit."""


@described
@strawberry.type
class LocationMoved:
    """A cleaner is somewhere else."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before; if it is not the one known, something is missing."""
    location: LiveLocation
    """Where."""


@described
@strawberry.type
class LocationGone:
    """Somebody has left: their place is not shown any more."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before."""
    visit_ids: list[strawberry.ID]
    """Every visit of the job that has ended."""


@described
@strawberry.type
class LocationsEnded:
    """The job is over: forget every place. Nothing more comes."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before."""


LiveLocationFrame = Annotated[
    LocationsSnapshot | LocationMoved | LocationGone | LocationsEnded | Heartbeat | Resync,
    strawberry.union(
        "LiveLocationFrame",
        description="One message of the feed of where a job's cleaners are: a snapshot first, then changes.",
    ),
]
