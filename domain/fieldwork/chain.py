"""The evidence chain: every fact of a job's proof, each sealed over the one before, so that none can change unseen.

An entry's hash is sha256 over the previous hash and the entry as canonical JSON: keys sorted, no spaces, UTF-8, times
in UTC with microseconds. Whoever has the entries can compute it again, in any language, without us.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

FORMAT = "cleanshift-evidence-1"


class EntryKind(StrEnum):
    """What a fact of the packet is about; stored and exported, so a name never changes its meaning."""

    PACKET_OPENED = "PACKET_OPENED"
    INSTRUCTIONS_OPENED = "INSTRUCTIONS_OPENED"
    INSTRUCTIONS_ACKNOWLEDGED = "INSTRUCTIONS_ACKNOWLEDGED"
    CHECKED_IN = "CHECKED_IN"
    CHECK_IN_OVERRIDDEN = "CHECK_IN_OVERRIDDEN"
    WORK_STARTED = "WORK_STARTED"
    WORK_FINISHED = "WORK_FINISHED"
    ITEM_TICKED = "ITEM_TICKED"
    ITEM_REOPENED = "ITEM_REOPENED"
    PHOTO_STORED = "PHOTO_STORED"
    PHOTO_REFUSED = "PHOTO_REFUSED"
    TRACK_RECEIVED = "TRACK_RECEIVED"
    CHECKED_OUT = "CHECKED_OUT"
    NO_ACCESS_REPORTED = "NO_ACCESS_REPORTED"
    SUBMITTED = "SUBMITTED"
    COMPLETED = "COMPLETED"
    OVERRIDDEN = "OVERRIDDEN"


class Fault(StrEnum):
    """What a check of the chain can find."""

    ENTRY_CHANGED = "ENTRY_CHANGED"
    """An entry, or its place, is not what its hash was made over."""
    ENTRY_MISSING = "ENTRY_MISSING"
    """A number in the sequence is not there."""
    TAIL_MISSING = "TAIL_MISSING"
    """The chain ends before its head says so."""
    HEAD_CHANGED = "HEAD_CHANGED"
    """The head is not the last entry's hash, or not the one that the audit log wrote down."""
    PHOTO_CHANGED = "PHOTO_CHANGED"
    """A photo's bytes, or what is said of it, are not those that the chain names."""
    PHOTO_MISSING = "PHOTO_MISSING"
    """A photo that the chain names is not there."""
    TRACK_CHANGED = "TRACK_CHANGED"
    """Points of a track are not those that the chain names, or are gone."""
    CHECKLIST_CHANGED = "CHECKLIST_CHANGED"
    """The checklist says something else than the chain."""
    VISIT_CHANGED = "VISIT_CHANGED"
    """A visit's times or places are not those that the chain names."""
    OUTCOME_CHANGED = "OUTCOME_CHANGED"
    """What was required, or what was judged of it, is not what the chain led to."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact: what the payload says, when the device claims it was, when the server received it, and from whom."""

    seq: int
    kind: str
    payload: Mapping[str, Any]
    captured_at: datetime | None
    received_at: datetime
    skew_ms: int | None
    flags: tuple[str, ...]
    actor_id: UUID
    actor_role: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written down; `seq` is the entry's, if it is about one."""

    fault: Fault
    seq: int | None
    message: str


def genesis(tenant: UUID, job: UUID) -> bytes:
    """What a job's first entry is chained to."""
    return hashlib.sha256(f"{FORMAT}|{tenant}|{job}".encode()).digest()


def canonical(value: Mapping[str, Any]) -> bytes:
    """JSON in exactly one form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def plain(value: Any) -> Any:
    """A JSON value as it comes back from a database whose numbers know no negative zero: else its hash would not."""
    if isinstance(value, float):
        return value + 0.0
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def document(entry: Entry) -> dict[str, Any]:
    """The entry as the JSON object that is hashed and exported."""
    return {
        "seq": entry.seq,
        "kind": entry.kind,
        "payload": dict(entry.payload),
        "capturedAt": _instant(entry.captured_at),
        "receivedAt": _instant(entry.received_at),
        "skewMs": entry.skew_ms,
        "flags": list(entry.flags),
        "actorId": str(entry.actor_id),
        "actorRole": entry.actor_role,
    }


def seal(previous: bytes, entry: Entry) -> bytes:
    """The entry's hash."""
    return hashlib.sha256(previous + canonical(document(entry))).digest()


def check_chain(start: bytes, links: Sequence[tuple[Entry, bytes]], head: bytes, count: int) -> tuple[Problem, ...]:
    """Everything wrong with the chain itself: changed, missing, moved and cut-off entries; `links` by `seq`."""
    return (*_check_links(start, links), *_check_end(links, head, count))


def _check_links(start: bytes, links: Iterable[tuple[Entry, bytes]]) -> Iterable[Problem]:
    previous, expected = start, 1
    for entry, stored in links:
        if entry.seq != expected:
            yield Problem(Fault.ENTRY_MISSING, expected, f"Entry {expected} is not there.")
        elif seal(previous, entry) != stored:
            yield Problem(Fault.ENTRY_CHANGED, entry.seq, f"Entry {entry.seq} is not what was sealed.")
        previous, expected = stored, entry.seq + 1


def _check_end(links: Sequence[tuple[Entry, bytes]], head: bytes, count: int) -> Iterable[Problem]:
    last = links[-1][0].seq if links else 0
    if last < count:
        yield Problem(Fault.TAIL_MISSING, last + 1, f"The chain had {count} entries and ends at {last}.")
    elif (links[-1][1] if links else b"") != head:
        yield Problem(Fault.HEAD_CHANGED, None, "The head is not the last entry's hash.")


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")
