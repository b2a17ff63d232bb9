"""Jobs and shifts: where their fields come from, and their mutations."""

from typing import Any

from domain.scheduling import LIVE_JOB_STATES
from models import assignment, job
from resolvers.common import OFFICE, WORKFORCE
from resolvers.engine.sources import column, computed, many, one, sql, where
from resolvers.expose import expose
from resolvers.fieldwork import CHECKLIST, EVIDENCE, VISIT, VISITS
from resolvers.payments import PAYMENT_RISK, PAYMENTS
from resolvers.photos import PHOTOS
from resolvers.prices import shown_price
from resolvers.registry import registry
from resolvers.tracks import TRACKS
from schema.types.filters import AssignmentFilter, JobFilter
from schema.types.scheduling import Assignment, Job
from services import cancellations
from services import scheduling as commands


def _is_mine(row: Any, stamp: Any) -> str:
    return f"""EXISTS (SELECT FROM assignment own WHERE own.tenant_id = {row.tenant_id} AND own.job_id = {row.id}
        AND own.cleaner_id = {stamp.actor_id} AND own.released_at IS NULL)"""


def instructions(row: Any, stamp: Any) -> str:
    """A job's instructions for those who are on it, and for who is no cleaner."""
    return f"CASE WHEN {stamp.role} <> 'cleaner' OR {_is_mine(row, stamp)} THEN {row.instructions} END"


_ACTIVE = ", ".join(f"'{status}'" for status in sorted(LIVE_JOB_STATES))


def _is_active(row: Any) -> str:
    """A shift leaves its cleaner's active list when its job is over; it stays in the history (R126, A16)."""
    return f"""{row.released_at} IS NULL AND EXISTS (SELECT FROM job running WHERE running.tenant_id = {row.tenant_id}
        AND running.id = {row.job_id} AND running.status IN ({_ACTIVE}))"""


# The key between the two also carries the job's times, so convention does not find it.
registry.sources(
    Job,
    job,
    payment_status=column().only(*OFFICE),
    payment_risk=PAYMENT_RISK,
    payments=PAYMENTS,
    price_cents=column().only(*OFFICE, "customer"),
    currency=column().only(*OFFICE, "customer"),
    price=computed(shown_price).only(*OFFICE, "customer"),
    instructions=sql(instructions),
    assignments=many(assignment, via="job_id"),
    tracks=TRACKS,
    late_at=column().only(*WORKFORCE),
    missed_at=column().only(*WORKFORCE),
    visits=VISITS,
    checklist=CHECKLIST,
    evidence=EVIDENCE,
    photos=PHOTOS,
)
registry.sources(Assignment, assignment, job=one(job, on="job_id"), visit=VISIT)
registry.filters(
    JobFilter,
    is_mine=where(lambda row, stamp, value: f"{_is_mine(row, stamp)} = {value}"),
    is_active=where(lambda row, value: f"({row.status} IN ({_ACTIVE})) = {value}"),
)
registry.filters(
    AssignmentFilter,
    is_live=where(lambda row, value: f"({row.released_at} IS NULL) = {value}"),
    is_active=where(lambda row, value: f"({_is_active(row)}) = {value}"),
)

MUTATIONS = {
    "create_job": expose(commands.create_job, Job),
    "update_job": expose(commands.update_job, Job),
    "cancel_job": expose(cancellations.cancel_job, Job),
    "assign_cleaner": expose(commands.assign_cleaner, Assignment),
    "release_cleaner": expose(commands.release_cleaner, Job),
}
