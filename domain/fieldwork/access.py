"""When the access code of a home is shown to who works there (R28)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import AccessCodeClosed, Conflict
from domain.scheduling import AssignmentRole, JobStatus

AT_HAND = frozenset({JobStatus.ASSIGNED, JobStatus.IN_PROGRESS})
"""Before and after, nobody has anything to do in the home."""


@dataclass(frozen=True, slots=True)
class Access:
    """A cleaner's part in a job, as far as it decides whether they need the code now."""

    status: JobStatus
    role: AssignmentRole
    checked_in: bool
    starts_at: datetime
    ends_at: datetime


def ensure_open(access: Access, lead: timedelta, trail: timedelta, now: datetime) -> None:
    """Raise `AccessCodeClosed` outside of the shift, `lead` before it and `trail` after it (R28).

    `Conflict` for a job that is not to be done (any more), and for a backup who has not checked in: only then do they
    stand in for somebody (A11), and have to get in.
    """
    if access.status not in AT_HAND:
        raise Conflict("There is nothing to do in this home now.", field=("jobId",), details={"status": access.status})
    if access.role is AssignmentRole.BACKUP and not access.checked_in:
        raise Conflict("You stand by for this job: check in first.", field=("jobId",))
    opens_at, closes_at = access.starts_at - lead, access.ends_at + trail
    if not opens_at <= now < closes_at:
        seen = {"opensAt": opens_at.isoformat(), "closesAt": closes_at.isoformat()}
        raise AccessCodeClosed(field=("jobId",), details=seen)
