"""What every follower saw and every writer was told, against what the database says happened. All counts must be 0."""

import asyncio
import hashlib
import json
from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import asyncpg

from tests.soak.cluster import Cluster, looking
from tests.soak.folding import State
from tests.soak.followers import Follower, Seen
from tests.soak.storm import LOOK_SECONDS, WAITING, Storm, Weather
from tests.soak.writers import global_id

EVENTS = """select seq, type, entity, entity_id, actor_id, payload -> 'card' ->> 'note' as note,
    payload -> 'card' ->> 'cleaner_id' as cleaner_id from event where tenant_id = $1 order by seq"""
LINES = """select seq, actor_id, actor_role, request_id, at, hash, jsonb_build_object('action', action, 'entity',
    entity, 'entity_id', entity_id::text, 'reason', reason, 'detail', detail)::text as line
    from audit where tenant_id = $1 order by seq"""
HEAD = "select seq, audit_seq, audit_hash from tenant_head where tenant_id = $1"
HOLDERS = "select id, cleaner_id from assignment where tenant_id = $1"
DEAD = "select id::text || ' ' || kind from task where tenant_id = $1 and state = 'DEAD'"
WAITS = f"select task.id from task join tenant using (tenant_id) where tenant_id = $1 and {WAITING}"
STILL = "select id::text || ' ' || kind from task where id = any($1) and state in ('READY', 'LEASED')"
LEFT_SECONDS = 30.0
"""What falls due while it is judged is done within this; what is not was left over."""
NOTICES = "select id, status from notification where tenant_id = $1"
UNTOLD = """select e.entity_id from event e where e.tenant_id = $1 and e.type = 'SwapAccepted'
    and (select count(distinct n.person_id) from notification n where n.tenant_id = e.tenant_id
        and n.topic_key = 'SwapAccepted:' || e.entity_id || ':' || (e.payload #>> '{card,version}')) <> 2"""
TERMINAL = ("SwapAccepted", "SwapWithdrawn", "SwapExpired")


@dataclass(slots=True)
class Counts:
    """Everything that can have gone wrong, counted."""

    lost: int = 0
    """Events that a follower should have been shown and was not."""
    duplicate: int = 0
    disordered: int = 0
    foreign: int = 0
    """Frames of no event that this viewer should see, or about another thing."""
    holes: int = 0
    """`previous` was not what came before, though no message had been made away with."""
    resyncs: int = 0
    complaints: int = 0
    """Errors and refusals that a good client met on its socket."""
    folds: int = 0
    """Followers whose picture is not what somebody sees who begins now."""
    log_holes: int = 0
    writes_lost: int = 0
    """Granted wishes without their event."""
    writes_doubled: int = 0
    writes_ghost: int = 0
    """Refused wishes that were done all the same."""
    winners: int = 0
    """Swaps with more than one end, or whose shift is not with its last taker."""
    wrong_answers: int = 0
    """Answers that no client should get: an internal error, a good token refused."""
    audit: int = 0
    """Lines that break the chain."""
    tasks_left: int = 0
    tasks_dead: int = 0
    messages_lost: int = 0
    messages_doubled: int = 0
    deaths: int = 0
    """Processes that ended though nobody had killed them."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def wrong(self) -> dict[str, int]:
        """What is not 0."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name))}


@dataclass(frozen=True, slots=True)
class Happened:
    """One event as the database has it."""

    seq: int
    type: str
    about: str
    actor: str
    note: str | None
    cleaner: str | None

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        about = global_id(row["entity"], row["entity_id"])
        return cls(row["seq"], row["type"], about, str(row["actor_id"]), row["note"], row["cleaner_id"])


@dataclass(slots=True)
class Judgement:
    """The counts, and what is known about what is wrong."""

    counts: Counts
    notes: list[str] = field(default_factory=list)

    def add(self, counts: Counts, about: str) -> None:
        """Count more, with a note of whatever is not 0."""
        self.counts += counts
        if counts.wrong():
            self.notes.append(f"{about}: {counts.wrong()}")


async def judged(weather: Weather) -> Judgement:
    """The counts of all storms, once everything has settled and while the followers still follow."""
    cluster = weather.cluster
    judgement = Judgement(Counts(deaths=len(cluster.deaths)), list(cluster.deaths))
    holes = sum(one.holes for one in weather.followers)
    judgement.add(Counts(holes=max(0, holes - weather.vanished)), "all followers")
    async with looking(cluster.servers) as root:
        for storm in weather.storms:
            await _judge(root, storm, cluster, judgement)
    return judgement


async def _judge(root: asyncpg.Connection, storm: Storm, cluster: Cluster, judgement: Judgement) -> None:
    events = [Happened.of(row) for row in await root.fetch(EVENTS, storm.tenant)]
    for follower in storm.followers:
        judgement.add(of_a_follower(follower, events), f"{follower.name} {follower.complaints[:3]}")
        fresh = await follower.fresh(cluster.apis[0].port)
        judgement.add(Counts(folds=fresh != follower.fold.state), f"{follower.name} {_difference(follower, fresh)}")
    judgement.add(_of_the_writers(storm, events), f"writers {storm.ledger.wrong_answers[:3]}")
    judgement.add(Counts(winners=await _misplaced(root, storm)), "shifts that are with somebody else")
    head = await root.fetchrow(HEAD, storm.tenant)
    holes = abs(head["seq"] - len(events)) + _breaks([one.seq for one in events])
    broken = _broken(await root.fetch(LINES, storm.tenant), storm, head["audit_hash"])
    judgement.add(Counts(log_holes=holes, audit=broken), "log")
    left, dead = await _left_over(root, storm), [row[0] for row in await root.fetch(DEAD, storm.tenant)]
    judgement.add(Counts(tasks_left=len(left), tasks_dead=len(dead)), f"tasks {left[:3]} {dead[:3]}")
    untold = [row["entity_id"] for row in await root.fetch(UNTOLD, storm.tenant)]
    judgement.add(Counts(messages_lost=len(untold)), f"hand-overs that not both parties were told of {untold[:3]}")
    judgement.add(_of_the_messages(await root.fetch(NOTICES, storm.tenant), cluster.data), "messages")


async def _left_over(root: asyncpg.Connection, storm: Storm) -> list[str]:
    waits = [row["id"] for row in await root.fetch(WAITS, storm.tenant)]
    try:
        async with asyncio.timeout(LEFT_SECONDS):
            while await root.fetch(STILL, waits):
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        pass
    return [row[0] for row in await root.fetch(STILL, waits)]


def _difference(follower: Follower, fresh: State) -> list[Any]:
    """What the follower knows, and what it should know, where they differ."""
    known = follower.fold.state
    return [(known.get(key), fresh.get(key)) for key in known.keys() | fresh.keys() if known.get(key) != fresh.get(key)]


def of_a_follower(follower: Follower, events: Sequence[Happened]) -> Counts:
    """What one client was shown, against what it should have been."""
    visible = [one for one in events if _is_visible(one, follower)]
    total = Counts(resyncs=follower.resyncs, complaints=len(follower.complaints))
    stretches = _stretches(follower.seen)
    for (begun, deltas), following in zip(stretches, [*stretches[1:], None], strict=True):
        # What came between the last delta and the next snapshot is in the snapshot.
        until = deltas[-1].seq if deltas and following else begun if following else events[-1].seq
        total += _of_a_stretch(deltas, {one.seq: one for one in visible if begun < one.seq <= until}, follower)
    return total


def _of_a_stretch(deltas: Sequence[Seen], wanted: dict[int, Happened], follower: Follower) -> Counts:
    """The deltas between two snapshots."""
    shown = [one.seq for one in deltas]
    return Counts(
        lost=len(wanted.keys() - set(shown)),
        duplicate=len(shown) - len(set(shown)),
        disordered=sum(later < earlier for earlier, later in pairwise(shown)),
        foreign=sum(not _shows(one, wanted.get(one.seq), follower) for one in deltas),
    )


def _shows(frame: Seen, event: Happened | None, follower: Follower) -> bool:
    return event is not None and frame.about == event.about and frame.kind in follower.fold.kinds[event.type]


def _stretches(seen: Iterable[Seen]) -> list[tuple[int, list[Seen]]]:
    """The place of each snapshot, with the deltas that followed it."""
    made: list[tuple[int, list[Seen]]] = []
    for one in seen:
        if one.kind == "snapshot":
            made.append((one.seq, []))
        else:
            made[-1][1].append(one)
    return made


def _is_visible(event: Happened, follower: Follower) -> bool:
    """One market a town, so that its cleaners see every swap; of the submissions they see their own."""
    if event.type not in follower.fold.kinds:
        return False
    is_personal = event.type == "AvailabilitySubmitted" and follower.actor.role == "cleaner"
    return not is_personal or event.cleaner == str(follower.actor.person)


def _breaks(seqs: Sequence[int]) -> int:
    return sum(later != earlier + 1 for earlier, later in pairwise([0, *seqs]))


def _of_the_writers(storm: Storm, events: Sequence[Happened]) -> Counts:
    """Every granted wish was done once, no refused one was."""
    ledger = storm.ledger
    offered = Tally(one.note for one in events if one.type == "SwapOffered" and one.note)
    ended = Tally((one.type, one.about, one.actor) for one in events if one.type in TERMINAL)
    filed = Tally((one.type, one.actor) for one in events if one.type == "AvailabilitySubmitted")
    total = Counts(wrong_answers=len(ledger.wrong_answers))
    for wish in ledger.done("offerSwap"):
        _count(total, offered[wish.key])
    total.writes_ghost += sum(offered[wish.key] for wish in ledger.refused("offerSwap"))
    for mutation, type in (("acceptSwap", "SwapAccepted"), ("withdrawSwap", "SwapWithdrawn")):
        done = {(type, wish.about, str(wish.actor.person)) for wish in ledger.done(mutation)}
        for key in done:
            _count(total, ended[key])
        refused = {(type, wish.about, str(wish.actor.person)) for wish in ledger.refused(mutation)} - done
        total.writes_ghost += sum(ended[key] for key in refused)
    granted = Tally(("AvailabilitySubmitted", str(one.actor.person)) for one in ledger.done("submitAvailability"))
    total.writes_lost += (granted - filed).total()
    total.writes_doubled += (filed - granted).total()
    ends = Tally(one.about for one in events if one.type in TERMINAL)
    total.winners = sum(times > 1 for times in ends.values())
    return total


def _count(total: Counts, times: int) -> None:
    total.writes_lost += times == 0
    total.writes_doubled += times > 1


async def _misplaced(root: asyncpg.Connection, storm: Storm) -> int:
    """Shifts that are with somebody else than the answers said."""
    rows = await root.fetch(HOLDERS, storm.tenant)
    holders = {global_id("Assignment", row["id"]): row["cleaner_id"] for row in rows}
    return sum(holders[shift.assignment] != shift.holder.person for shift in storm.shifts)


def _broken(lines: Sequence[asyncpg.Record], storm: Storm, last: bytes) -> int:
    """Lines whose hash does not follow from the line before and their own words."""
    link, wrong = b"", 0
    for line in lines:
        said = (line["line"], line["actor_id"], line["actor_role"], line["request_id"], line["at"].isoformat())
        text = "|".join(str(part) for part in (storm.tenant, line["seq"], *said))
        link = hashlib.sha256(link + text.encode()).digest()
        wrong += line["hash"] != link
    return wrong + (link != last) + _breaks([line["seq"] for line in lines])


def _of_the_messages(notices: Sequence[asyncpg.Record], data: Path) -> Counts:
    """Every notification was sent, and lies in the outbox once."""
    outbox = data / "outbox.jsonl"
    lines = outbox.read_text().splitlines() if outbox.exists() else []
    sent = Tally(json.loads(line)["id"] for line in lines)
    times = [sent[str(row["id"])] for row in notices]
    unsent = sum(row["status"] != "SENT" for row in notices)
    return Counts(messages_lost=times.count(0) + unsent, messages_doubled=sum(one > 1 for one in times))
