"""Whether what is kept of a job is what its chain wrote down: photos, tracks, checklist, visits, and the anchored head.

`check_chain` asks whether the chain is whole; this asks whether the rows beside it still say the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.fieldwork.chain import Entry, EntryKind, Fault, Problem, check_chain, genesis
from domain.fieldwork.requirements import PROVEN, EvidenceStatus

VISIT_TIMES = {
    EntryKind.INSTRUCTIONS_OPENED: "begun_at",
    EntryKind.INSTRUCTIONS_ACKNOWLEDGED: "instructed_at",
    EntryKind.CHECKED_IN: "checked_in_at",
    EntryKind.CHECK_IN_OVERRIDDEN: "checked_in_at",
    EntryKind.WORK_STARTED: "started_at",
    EntryKind.WORK_FINISHED: "finished_at",
    EntryKind.CHECKED_OUT: "checked_out_at",
}
"""Which step of a visit each kind of entry wrote down."""
DECIDED = PROVEN | {EvidenceStatus.NO_ACCESS}
_PLACES = {EntryKind.CHECKED_IN: "check_in", EntryKind.CHECKED_OUT: "check_out"}


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head that the audit log wrote down when the chain had so many entries."""

    entries: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was required of a job, and what was judged of its proof: what the packet's row says."""

    status: str
    requirements: Sequence[Mapping[str, Any]]
    submissions: int
    complete_at_first: bool | None
    override_reason: str | None
    no_access_note: str | None


@dataclass(frozen=True, slots=True)
class KeptPhoto:
    """A stored photo: what its row says."""

    id: UUID
    visit_id: UUID
    sha256: bytes
    size_bytes: int
    stage: str
    zone: str


@dataclass(frozen=True, slots=True)
class Packet:
    """All that is kept of one job's proof; `links` by `seq`, rows as mappings of their columns."""

    tenant: UUID
    job_id: UUID
    outcome: Outcome
    links: Sequence[tuple[Entry, bytes]]
    head: bytes
    count: int
    photos: Sequence[KeptPhoto] = ()
    tracks: Mapping[UUID, bytes] = field(default_factory=dict)
    """The digest of each batch's points, computed from the points as they are now."""
    checklist: Sequence[Mapping[str, Any]] = ()
    visits: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)
    anchors: Sequence[Anchor] = ()


def verify(packet: Packet) -> tuple[Problem, ...]:
    """Everything that is not as it was written down; empty where the proof stands."""
    start = genesis(packet.tenant, packet.job_id)
    return (
        *check_chain(start, packet.links, packet.head, packet.count),
        *_check_anchors(packet),
        *_check_outcome(packet),
        *_check_photos(packet),
        *_check_tracks(packet),
        *_check_checklist(packet),
        *_check_visits(packet),
    )


def photo_bytes(packet: Packet, found: Mapping[UUID, bytes | None]) -> tuple[Problem, ...]:
    """Compare the sha256 of each photo's bytes, None where there are none, with what the chain names."""
    return tuple(
        Problem(Fault.PHOTO_MISSING, None, f"The bytes of photo {photo.id} are gone.")
        if found[photo.id] is None
        else Problem(Fault.PHOTO_CHANGED, None, f"The bytes of photo {photo.id} are not those that were stored.")
        for photo in packet.photos
        if photo.id in found and found[photo.id] != photo.sha256
    )


def _check_anchors(packet: Packet) -> Iterable[Problem]:
    by_seq = {entry.seq: link for entry, link in packet.links}
    for anchor in packet.anchors:
        if by_seq.get(anchor.entries) != anchor.head:
            yield Problem(Fault.HEAD_CHANGED, anchor.entries, "The audit log wrote down another hash for this entry.")


def _check_outcome(packet: Packet) -> Iterable[Problem]:
    """The row of the packet decides about money: it must be what the entries, one after the other, have led to."""
    kept = packet.outcome
    opened = next(iter(_of(packet, EntryKind.PACKET_OPENED)), None)
    if opened is None or opened.payload.get("requirements") != list(kept.requirements):
        yield Problem(Fault.OUTCOME_CHANGED, opened.seq if opened else None, "Something else was required.")
    submitted = _of(packet, EntryKind.SUBMITTED)
    first = not submitted[0].payload.get("missing") if submitted else None
    if (kept.submissions, kept.complete_at_first) != (len(submitted), first):
        yield Problem(Fault.OUTCOME_CHANGED, None, "It was not submitted so.")
    if (kept.status, kept.override_reason) != _led_to(packet, submitted):
        yield Problem(Fault.OUTCOME_CHANGED, None, f"The entries do not lead to {kept.status}.")
    if kept.no_access_note not in {
        None,
        *(each.payload.get("note") for each in _of(packet, EntryKind.NO_ACCESS_REPORTED)),
    }:
        yield Problem(Fault.OUTCOME_CHANGED, None, "Nobody has reported so that there was no way in.")
    if kept.status in DECIDED and not packet.anchors:
        yield Problem(Fault.HEAD_CHANGED, None, "The audit log knows nothing of this outcome.")


def _led_to(packet: Packet, submitted: Sequence[Entry]) -> tuple[str, str | None]:
    """The status, and the reason of an override, that the entries lead to."""
    overridden, completed = _of(packet, EntryKind.OVERRIDDEN), _of(packet, EntryKind.COMPLETED)
    if overridden:
        return EvidenceStatus.OVERRIDDEN, overridden[-1].payload.get("reason")
    if completed and submitted and not submitted[-1].payload.get("missing"):
        return EvidenceStatus.COMPLETE, None
    # A report of no access ends the job where nobody has got in; as long as somebody may, it is one fact among others.
    if packet.outcome.status == EvidenceStatus.NO_ACCESS and _of(packet, EntryKind.NO_ACCESS_REPORTED):
        return EvidenceStatus.NO_ACCESS, None
    return EvidenceStatus.INCOMPLETE if submitted else EvidenceStatus.OPEN, None


def _check_photos(packet: Packet) -> Iterable[Problem]:
    kept = {str(photo.id): photo for photo in packet.photos}
    named = {str(entry.payload.get("photoId")): entry for entry in _of(packet, EntryKind.PHOTO_STORED)}
    for id, entry in named.items():
        photo = kept.get(id)
        if photo is None:
            yield Problem(Fault.PHOTO_MISSING, entry.seq, f"Photo {id} is not there.")
            continue
        said = {"sha256": photo.sha256.hex(), "sizeBytes": photo.size_bytes, "stage": photo.stage, "zone": photo.zone}
        said["visitId"] = str(photo.visit_id)
        if any(entry.payload.get(name) != value for name, value in said.items()):
            yield Problem(Fault.PHOTO_CHANGED, entry.seq, f"Photo {id} is not the one that was stored.")
    for id in kept.keys() - named.keys():
        yield Problem(Fault.PHOTO_CHANGED, None, f"Photo {id} is in no entry.")


def _check_tracks(packet: Packet) -> Iterable[Problem]:
    kept = {str(id): digest.hex() for id, digest in packet.tracks.items()}
    named = {str(entry.payload.get("batchId")): entry for entry in _of(packet, EntryKind.TRACK_RECEIVED)}
    for id, entry in named.items():
        if kept.get(id) != entry.payload.get("digest"):
            yield Problem(Fault.TRACK_CHANGED, entry.seq, f"The points of track {id} are not those that came.")
    for id in kept.keys() - named.keys():
        yield Problem(Fault.TRACK_CHANGED, None, f"Track {id} is in no entry.")


def _check_checklist(packet: Packet) -> Iterable[Problem]:
    opened = next(iter(_of(packet, EntryKind.PACKET_OPENED)), None)
    written = {} if opened is None else {item["place"]: _line(item) for item in opened.payload.get("checklist", ())}
    kept = {item["place"]: _line(item) for item in packet.checklist}
    if written != kept:
        yield Problem(
            Fault.CHECKLIST_CHANGED, opened.seq if opened else None, "The checklist is not the one it began with."
        )
    done = {
        str(entry.payload.get("itemId")): entry.actor_id if entry.kind == EntryKind.ITEM_TICKED else None
        for entry in _of(packet, EntryKind.ITEM_TICKED, EntryKind.ITEM_REOPENED)
    }
    for item in packet.checklist:
        by = item["done_by"] if item["done_at"] is not None else None
        if done.get(str(item["id"])) != by:
            yield Problem(Fault.CHECKLIST_CHANGED, None, f"Item {item['place']} does not stand as it was left.")


def _line(item: Mapping[str, Any]) -> tuple[str, str, bool]:
    return item["zone"], item["label"], item["required"]


def _check_visits(packet: Packet) -> Iterable[Problem]:
    visits = {str(visit_id): row for visit_id, row in packet.visits.items()}
    stepped: set[tuple[str, str]] = set()
    for entry in _of(packet, *VISIT_TIMES):
        id, column = str(entry.payload.get("visitId")), VISIT_TIMES[EntryKind(entry.kind)]
        stepped.add((id, column))
        row = visits.get(id)
        if row is None or row[column] != entry.received_at or not _same_place(entry, row):
            yield Problem(Fault.VISIT_CHANGED, entry.seq, f"Visit {id} does not say what entry {entry.seq} says.")
    for visit_id, row in visits.items():
        for column in sorted(set(VISIT_TIMES.values())):
            if row[column] is not None and (visit_id, column) not in stepped:
                yield Problem(Fault.VISIT_CHANGED, None, f"Visit {visit_id} has a step that is in no entry.")


def _same_place(entry: Entry, row: Mapping[str, Any]) -> bool:
    prefix = _PLACES.get(EntryKind(entry.kind))
    if prefix is None:
        return True
    return all(
        entry.payload.get(name) == row[f"{prefix}_{column}"]
        for name, column in (
            ("latitude", "latitude"),
            ("longitude", "longitude"),
            ("accuracyMetres", "accuracy_metres"),
        )
    )


def _of(packet: Packet, *kinds: EntryKind) -> list[Entry]:
    return [entry for entry, _ in packet.links if entry.kind in kinds]
