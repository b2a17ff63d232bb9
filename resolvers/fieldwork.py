"""Visits, checklists and evidence: where their fields come from, and their mutations.

What is missing is said by the same function that decides about money, over rows that are read in the one statement;
so a phone that has lost everything gets it back with one question (R124).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.photos import PhotoStatus
from domain.fieldwork.requirements import Facts, Missing, PhotoStage, VisitFacts, ZoneCount, missing
from gateways.links import BundlePermit
from models import assignment, checklist_item, checklist_template, cleaner, evidence, visit
from resolvers.common import OFFICE, is_set
from resolvers.engine.sources import computed, many, one, sql
from resolvers.expose import expose
from resolvers.lent import Lent
from resolvers.registry import registry
from schema.types.fieldwork import ChecklistItem, ChecklistTemplate, Evidence, Visit
from schema.types.filters import ChecklistTemplateFilter
from services.fieldwork import no_access, overrides, templates, ticking, visits

MOST_ITEMS = 200
MOST_VISITS = 50

_OFFICE = ", ".join(f"'{role}'" for role in OFFICE)

EVIDENCE = one(evidence, on="id", to="job_id")
"""A job's packet."""

VISITS = many(visit, via="job_id", order="begun_at asc", limit=MOST_VISITS)
"""Everybody's way through a job."""

CHECKLIST = many(checklist_item, via="job_id", order="place asc", limit=MOST_ITEMS)
"""What is to be done on a job."""

# A shift that changed hands may have the visit of who had it before.
VISIT = one(
    visit,
    on="id",
    to="assignment_id",
    where=lambda row: (
        f"""EXISTS (SELECT FROM {assignment.name} held WHERE held.tenant_id = {row.tenant_id}
            AND held.id = {row.assignment_id} AND held.cleaner_id = {row.cleaner_id})"""
    ),
)
"""The visit of whoever holds a shift."""

_PHOTOS = sql(
    lambda row: (
        f"""(SELECT coalesce(json_agg(json_build_array(counted.zone, counted.before, counted.after)), '[]') FROM (
            SELECT p.zone, count(*) FILTER (WHERE p.stage = '{PhotoStage.BEFORE}') AS before,
                count(*) FILTER (WHERE p.stage = '{PhotoStage.AFTER}') AS after
            FROM photo p WHERE p.tenant_id = {row.tenant_id} AND p.job_id = {row.job_id}
                AND p.status = '{PhotoStatus.STORED}' GROUP BY p.zone) counted)"""
    ),
    list,
)
_OPEN_ITEMS = sql(
    lambda row: (
        f"""(SELECT coalesce(json_agg(i.label ORDER BY i.place), '[]') FROM checklist_item i
            WHERE i.tenant_id = {row.tenant_id} AND i.job_id = {row.job_id} AND i.required AND i.done_at IS NULL)"""
    ),
    list,
)
_VISITED = sql(
    lambda row: (
        f"""(SELECT coalesce(json_agg(json_build_array(v.is_responsible AND v.phase <> '{VisitPhase.NO_ACCESS}',
                v.checked_in_at IS NOT NULL,
                v.check_in_latitude IS NOT NULL OR v.check_in_overridden, v.checked_out_at IS NOT NULL,
                v.check_out_latitude IS NOT NULL) ORDER BY v.begun_at, v.id), '[]') FROM visit v
            WHERE v.tenant_id = {row.tenant_id} AND v.job_id = {row.job_id})"""
    ),
    list,
)
# Where somebody checked in stands in the payloads: to be read by the office, and by who wrote it.
_ENTRIES = sql(
    lambda row, stamp: (
        f"""(SELECT coalesce(json_agg(json_build_object('seq', e.seq, 'kind', e.kind,
                'payload', CASE WHEN {stamp.role} IN ({_OFFICE})
                    OR e.actor_id = {stamp.actor_id} THEN e.payload END,
                'captured_at', e.captured_at, 'received_at', e.received_at, 'skew_ms', e.skew_ms,
                'flags', e.flags, 'actor_role', e.actor_role, 'hash', encode(e.hash, 'hex')) ORDER BY e.seq), '[]')
            FROM evidence_entry e WHERE e.tenant_id = {row.tenant_id} AND e.job_id = {row.job_id})"""
    ),
    list,
)


def still_missing(
    requirements: Sequence[Mapping[str, Any]],
    photos: Sequence[Sequence[Any]],
    open_items: Sequence[str],
    visited: Sequence[Sequence[bool]],
) -> tuple[Missing, ...]:
    """All that stands between a job and its proof (R112), over what was read with it."""
    facts = Facts(
        required=tuple(ZoneCount(**zone) for zone in requirements),
        photos=tuple(ZoneCount(*zone) for zone in photos),
        open_items=tuple(open_items),
        visits=tuple(VisitFacts(*one) for one in visited),
    )
    return missing(facts)


def entries(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The chain's entries with their times as times."""
    return [
        {**row, "captured_at": _instant(row["captured_at"]), "received_at": _instant(row["received_at"])}
        for row in rows
    ]


def bundle_url(tenant_id: UUID, job_id: UUID, lent: Lent) -> str:
    """A short-lived address of the job's bundle."""
    return lent.links.bundle(BundlePermit(str(tenant_id), str(job_id)))


def elapsed_seconds(started_at: datetime | None, finished_at: datetime | None, now: datetime) -> int:
    """What the timer shows (R108): from its start to its stop, or to now."""
    if started_at is None:
        return 0
    return max(0, int(((finished_at or now) - started_at).total_seconds()))


def check_in(
    check_in_latitude: float | None,
    check_in_longitude: float | None,
    check_in_accuracy_metres: float | None,
    check_in_distance_metres: float | None,
) -> Mapping[str, Any] | None:
    """Where a cleaner checked in (R118)."""
    return _spot(check_in_latitude, check_in_longitude, check_in_accuracy_metres, check_in_distance_metres)


def check_out(
    check_out_latitude: float | None,
    check_out_longitude: float | None,
    check_out_accuracy_metres: float | None,
    check_out_distance_metres: float | None,
) -> Mapping[str, Any] | None:
    """Where a cleaner checked out (R118)."""
    return _spot(check_out_latitude, check_out_longitude, check_out_accuracy_metres, check_out_distance_metres)


def _spot(
    latitude: float | None, longitude: float | None, accuracy: float | None, distance: float | None
) -> Mapping[str, Any] | None:
    if latitude is None:
        return None
    return {
        "latitude": latitude,
        "longitude": longitude,
        "accuracy_metres": accuracy,
        "distance_metres": distance,
    }


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


registry.sources(
    Visit,
    visit,
    elapsed_seconds=computed(elapsed_seconds),
    check_in=computed(check_in).only(*OFFICE, own="cleaner_id"),
    check_out=computed(check_out).only(*OFFICE, own="cleaner_id"),
)
registry.sources(
    Evidence,
    evidence,
    missing=computed(still_missing, photos=_PHOTOS, open_items=_OPEN_ITEMS, visited=_VISITED),
    entry_count=sql(lambda row: row.entries),
    head=sql(lambda row: f"encode({row.head}, 'hex')"),
    entries=computed(entries, rows=_ENTRIES),
    bundle_url=computed(bundle_url).only(*OFFICE),
    override_reason=sql(lambda row, stamp: f"CASE WHEN {stamp.role} IN ({_OFFICE}) THEN {row.override_reason} END"),
)
registry.sources(ChecklistItem, checklist_item, done_by=one(cleaner, on="done_by"))
registry.sources(ChecklistTemplate, checklist_template)
registry.filters(ChecklistTemplateFilter, is_archived=is_set("archived_at"))

MUTATIONS = {
    "open_instructions": expose(visits.open_instructions, Visit),
    "acknowledge_instructions": expose(visits.acknowledge_instructions, Visit),
    "check_in": expose(visits.check_in, Visit),
    "start_work": expose(visits.start_work, Visit),
    "tick_item": expose(ticking.tick_item, ChecklistItem),
    "finish_work": expose(visits.finish_work, Visit),
    "check_out": expose(visits.check_out, Visit),
    "report_no_access": expose(no_access.report_no_access, Visit),
    "submit_evidence": expose(overrides.submit_evidence, Evidence),
    "override_check_in": expose(overrides.override_check_in, Visit),
    "override_evidence": expose(overrides.override_evidence, Evidence),
    "create_checklist_template": expose(templates.create_checklist_template, ChecklistTemplate),
    "update_checklist_template": expose(templates.update_checklist_template, ChecklistTemplate),
    "archive_checklist_template": expose(templates.archive_checklist_template, ChecklistTemplate),
}
