"""The evidence chain: whatever is changed, left out, put in, moved or cut off is found, and nothing else is."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.fieldwork.chain import Entry, EntryKind, Fault, canonical, genesis, plain, seal
from domain.fieldwork.verification import Anchor, KeptPhoto, Outcome, Packet, photo_bytes, verify

TENANT, JOB, VISIT, PHOTO, BATCH, ITEM = (UUID(int=number) for number in range(1, 7))
BEGUN = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
CHECKLIST = [{"place": 1, "zone": "kitchen", "label": "Sink", "required": True}]
PLACE = {"latitude": 25.77, "longitude": -80.19, "accuracyMetres": 12.0}
STEPS: tuple[tuple[EntryKind, dict[str, Any]], ...] = (
    (EntryKind.PACKET_OPENED, {"requirements": [], "checklist": CHECKLIST}),
    (EntryKind.INSTRUCTIONS_OPENED, {"visitId": str(VISIT)}),
    (EntryKind.INSTRUCTIONS_ACKNOWLEDGED, {"visitId": str(VISIT)}),
    (EntryKind.CHECKED_IN, {"visitId": str(VISIT), **PLACE}),
    (
        EntryKind.PHOTO_STORED,
        {
            "photoId": str(PHOTO),
            "sha256": "ab" * 32,
            "sizeBytes": 9,
            "stage": "BEFORE",
            "zone": "kitchen",
            "visitId": str(VISIT),
        },
    ),
    (EntryKind.WORK_STARTED, {"visitId": str(VISIT)}),
    (EntryKind.TRACK_RECEIVED, {"batchId": str(BATCH), "digest": "cd" * 32}),
    (EntryKind.ITEM_TICKED, {"itemId": str(ITEM)}),
    (EntryKind.WORK_FINISHED, {"visitId": str(VISIT)}),
    (EntryKind.CHECKED_OUT, {"visitId": str(VISIT), **PLACE}),
    (EntryKind.SUBMITTED, {"missing": []}),
    (EntryKind.COMPLETED, {}),
)
TIMES = ("begun_at", "instructed_at", "checked_in_at", "started_at", "finished_at", "checked_out_at")


def _at(seq: int) -> datetime:
    return BEGUN + timedelta(minutes=seq)


def _links() -> list[tuple[Entry, bytes]]:
    link, made = genesis(TENANT, JOB), []
    for seq, (kind, payload) in enumerate(STEPS, start=1):
        entry = Entry(seq, kind, payload, _at(seq), _at(seq), 0, (), UUID(int=9), "cleaner")
        link = seal(link, entry)
        made.append((entry, link))
    return made


def _packet() -> Packet:
    links = _links()
    times = dict(zip(TIMES, map(_at, (2, 3, 4, 6, 9, 10)), strict=True))
    place = {
        f"{when}_{column}": value
        for when in ("check_in", "check_out")
        for column, value in (("latitude", 25.77), ("longitude", -80.19), ("accuracy_metres", 12.0))
    }
    return Packet(
        tenant=TENANT,
        job_id=JOB,
        outcome=Outcome("COMPLETE", [], 1, True, None, None),
        links=links,
        head=links[-1][1],
        count=len(links),
        photos=[KeptPhoto(PHOTO, VISIT, bytes.fromhex("ab" * 32), 9, "BEFORE", "kitchen")],
        tracks={BATCH: bytes.fromhex("cd" * 32)},
        checklist=[{**CHECKLIST[0], "id": ITEM, "done_at": _at(8), "done_by": UUID(int=9)}],
        visits={VISIT: {**times, **place}},
        anchors=[Anchor(len(links), links[-1][1])],
    )


def _faults(packet: Packet) -> set[Fault]:
    return {problem.fault for problem in verify(packet)}


def _without(packet: Packet, seq: int) -> Packet:
    return replace(packet, links=[link for link in packet.links if link[0].seq != seq])


def _rewritten(packet: Packet) -> Packet:
    """A forger with the whole database: an entry is changed and everything after it is sealed anew."""
    link, made = genesis(TENANT, JOB), []
    for entry, _ in packet.links:
        forged = replace(entry, received_at=entry.received_at - timedelta(hours=1)) if entry.seq == 1 else entry
        link = seal(link, forged)
        made.append((forged, link))
    return replace(packet, links=made, head=link)


def _judged(packet: Packet, **values: Any) -> Packet:
    return replace(packet, outcome=replace(packet.outcome, **values))


def _visit(packet: Packet, **values: object) -> Packet:
    return replace(packet, visits={VISIT: {**packet.visits[VISIT], **values}})


TAMPERINGS: dict[str, tuple[Callable[[Packet], Packet], Fault]] = {
    "an entry is left out": (lambda p: _without(p, 5), Fault.ENTRY_MISSING),
    "the first entry is left out": (lambda p: _without(p, 1), Fault.ENTRY_MISSING),
    "the tail is cut off": (lambda p: replace(p, links=p.links[:-2]), Fault.TAIL_MISSING),
    "tail and head are cut off": (
        lambda p: replace(p, links=p.links[:-2], head=p.links[-3][1], count=len(p.links) - 2),
        Fault.HEAD_CHANGED,
    ),
    "two entries change places": (
        lambda p: replace(p, links=[p.links[1], p.links[0], *p.links[2:]]),
        Fault.ENTRY_MISSING,
    ),
    "the head is another": (lambda p: replace(p, head=b"x" * 32), Fault.HEAD_CHANGED),
    "all is sealed anew": (_rewritten, Fault.HEAD_CHANGED),
    "the chain is another job's": (lambda p: replace(p, job_id=UUID(int=77)), Fault.ENTRY_CHANGED),
    "a photo is gone": (lambda p: replace(p, photos=[]), Fault.PHOTO_MISSING),
    "a photo is another": (
        lambda p: replace(p, photos=[replace(p.photos[0], sha256=b"z" * 32)]),
        Fault.PHOTO_CHANGED,
    ),
    "a photo is moved to another zone": (
        lambda p: replace(p, photos=[replace(p.photos[0], zone="bathroom")]),
        Fault.PHOTO_CHANGED,
    ),
    "a photo is smuggled in": (
        lambda p: replace(p, photos=[*p.photos, replace(p.photos[0], id=UUID(int=78))]),
        Fault.PHOTO_CHANGED,
    ),
    "a track has other points": (lambda p: replace(p, tracks={BATCH: b"y" * 32}), Fault.TRACK_CHANGED),
    "a track is gone": (lambda p: replace(p, tracks={}), Fault.TRACK_CHANGED),
    "a track is smuggled in": (
        lambda p: replace(p, tracks={**p.tracks, UUID(int=79): b"y" * 32}),
        Fault.TRACK_CHANGED,
    ),
    "an item is ticked behind its back": (
        lambda p: replace(p, checklist=[{**p.checklist[0], "done_at": None}]),
        Fault.CHECKLIST_CHANGED,
    ),
    "an item is not required any more": (
        lambda p: replace(p, checklist=[{**p.checklist[0], "required": False}]),
        Fault.CHECKLIST_CHANGED,
    ),
    "an item is gone": (lambda p: replace(p, checklist=[]), Fault.CHECKLIST_CHANGED),
    "a check-in is earlier": (lambda p: _visit(p, checked_in_at=BEGUN), Fault.VISIT_CHANGED),
    "a check-in is elsewhere": (lambda p: _visit(p, check_in_latitude=25.0), Fault.VISIT_CHANGED),
    "an item was ticked by another": (
        lambda p: replace(p, checklist=[{**p.checklist[0], "done_by": UUID(int=8)}]),
        Fault.CHECKLIST_CHANGED,
    ),
    "a photo is another visit's": (
        lambda p: replace(p, photos=[replace(p.photos[0], visit_id=UUID(int=8))]),
        Fault.PHOTO_CHANGED,
    ),
    "less was required": (lambda p: _judged(p, requirements=[{"zone": "hall"}]), Fault.OUTCOME_CHANGED),
    "it was accepted by nobody": (
        lambda p: _judged(p, status="OVERRIDDEN", override_reason="Fine"),
        Fault.OUTCOME_CHANGED,
    ),
    "it was submitted more often": (lambda p: _judged(p, submissions=2), Fault.OUTCOME_CHANGED),
    "it was not complete at first": (lambda p: _judged(p, complete_at_first=False), Fault.OUTCOME_CHANGED),
    "nobody could get in": (
        lambda p: _judged(p, status="NO_ACCESS", no_access_note="Locked"),
        Fault.OUTCOME_CHANGED,
    ),
    "the audit log has forgotten it": (lambda p: replace(p, anchors=[]), Fault.HEAD_CHANGED),
    "it is complete before anybody has left": (
        lambda p: replace(p, links=p.links[:-2], head=p.links[-3][1], count=len(p.links) - 2, anchors=[]),
        Fault.OUTCOME_CHANGED,
    ),
    "a visit is gone": (lambda p: replace(p, visits={}), Fault.VISIT_CHANGED),
    "a visit is smuggled in": (
        lambda p: replace(p, visits={**p.visits, UUID(int=80): p.visits[VISIT]}),
        Fault.VISIT_CHANGED,
    ),
}


def test_an_untouched_packet_stands() -> None:
    """R127, R247: nothing is found where nothing was done."""
    assert verify(_packet()) == ()


@pytest.mark.parametrize("how", TAMPERINGS)
def test_each_kind_of_tampering_is_found(how: str) -> None:
    """R127, R247: by its own name, and only where it was done."""
    tamper, fault = TAMPERINGS[how]
    assert fault in _faults(tamper(_packet()))


def test_bytes_that_are_others_or_gone_are_found() -> None:
    """R127: the object store is asked as well; a photo whose bytes were not read is not judged."""
    packet = _packet()
    assert photo_bytes(packet, {PHOTO: bytes.fromhex("ab" * 32)}) == ()
    assert photo_bytes(packet, {}) == ()
    assert [problem.fault for problem in photo_bytes(packet, {PHOTO: b"q" * 32})] == [Fault.PHOTO_CHANGED]
    assert [problem.fault for problem in photo_bytes(packet, {PHOTO: None})] == [Fault.PHOTO_MISSING]


def test_any_of_a_thousand_random_edits_of_the_entries_is_found() -> None:
    """R247: whichever field of whichever entry or hash is touched."""
    chance = random.Random(4)  # noqa: S311 (a test repeats itself)
    edits: list[Callable[[Entry], Entry]] = [
        lambda entry: replace(entry, kind=chance.choice([kind for kind in EntryKind if kind != entry.kind])),
        lambda entry: replace(entry, payload={**entry.payload, "note": chance.random()}),
        lambda entry: replace(entry, captured_at=entry.received_at - timedelta(seconds=chance.randint(1, 9_999))),
        lambda entry: replace(entry, received_at=entry.received_at + timedelta(microseconds=chance.randint(1, 9_999))),
        lambda entry: replace(entry, skew_ms=chance.randint(1, 9_999)),
        lambda entry: replace(entry, flags=("LATE",)),
        lambda entry: replace(entry, actor_id=UUID(int=chance.getrandbits(100))),
        lambda entry: replace(entry, actor_role="owner"),
    ]
    for _ in range(1_000):
        packet = _packet()
        links = list(packet.links)
        place = chance.randrange(len(links))
        entry, link = links[place]
        links[place] = (entry, chance.randbytes(32)) if chance.random() < 0.1 else (chance.choice(edits)(entry), link)
        assert _faults(replace(packet, links=links)), links[place]


def test_canonical_json_has_one_form_and_refuses_what_has_none() -> None:
    """Keys in order, no spaces, letters as they are; a NaN has no form that two sides would agree on."""
    assert canonical({"b": 1.5, "a": "é"}) == '{"a":"é","b":1.5}'.encode()
    with pytest.raises(ValueError, match=r"NaN|nan|float"):
        canonical({"a": float("nan")})


def test_a_negative_zero_is_sealed_as_the_zero_that_databases_keep() -> None:
    """R127: a camera on the equator must not make its chain look changed."""
    told = {"claims": {"latitude": -0.0, "longitude": -0.5}, "points": [-0.0, (1, "a")], "flag": True}
    assert canonical(plain(told)) == b'{"claims":{"latitude":0.0,"longitude":-0.5},"flag":true,"points":[0.0,[1,"a"]]}'
