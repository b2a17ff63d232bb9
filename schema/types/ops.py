"""The scheduled work as the platform's ops see it: across tenants, and nothing of any tenant's business."""

from datetime import datetime

import strawberry

from domain.tasks import TaskState
from schema.types.described import described


@described
@strawberry.type
class Queue:
    """The tasks of one kind."""

    kind: str
    """What they do."""
    ready: int
    """Waiting."""
    leased: int
    """Being done."""
    dead: int
    """Given up after the last attempt."""
    oldest_due_at: datetime | None
    """Since when the one that waits longest has been due."""


@described
@strawberry.type
class WorkerStatus:
    """A worker process by its heartbeat."""

    id: str
    """Host, process and a random part."""
    started_at: datetime
    """When it began."""
    seen_at: datetime
    """Its last heartbeat."""
    running: int
    """Tasks it is doing."""
    done: int
    """Tasks it has done."""
    failed: int
    """Attempts that failed."""
    alive: bool
    """Whether the heartbeat is younger than 15 seconds."""


@described
@strawberry.type
class TaskStatus:
    """One task, without what it is about."""

    id: strawberry.ID
    """Its global id, for retryTask."""
    tenant_id: strawberry.ID
    """Whose it is."""
    kind: str
    """What it does."""
    state: TaskState
    """Where it stands."""
    attempts: int
    """How often it was tried."""
    run_at: datetime
    """When it is due, in the tenant's business time."""
    lease_until: datetime | None
    """Until when a worker holds it."""
    last_error: str | None
    """The kind of the last failure."""
    created_at: datetime
    """When it was written."""


@described
@strawberry.type
class DutyStatus:
    """A periodic duty of one market."""

    name: str
    """Its name, for runDutyNow."""
    schedule: str
    """When it is due, by the market's wall clock."""
    description: str
    """What it does."""
    market_id: strawberry.ID
    """The market."""
    tenant_id: strawberry.ID
    """Whose market."""
    last_run_at: datetime | None
    """The last due time that was noticed."""
    next_due_at: datetime | None
    """The next one."""


@described
@strawberry.type
class MoneyAlarmCount:
    """Alarms of one kind that stand, over all tenants; nothing of any tenant's business."""

    kind: str
    """Which rule is broken, or what stands still."""
    standing: int
    """How many stand."""
    tenants: int
    """In how many businesses."""
    since: datetime
    """Since when the oldest of them stands, in its tenant's business time."""


@described
@strawberry.type
class Ops:
    """The scheduled work of all tenants."""

    queues: list[Queue]
    """Tasks by kind."""
    workers: list[WorkerStatus]
    """Worker processes."""
    money: list[MoneyAlarmCount]
    """Alarms about money by kind."""
    duties: list[DutyStatus]
    """Periodic duties by market."""
