"""The market as plain dictionaries: what each move must answer and leave behind, told without the product's own rules.

One role a job, one home, one market: what differs between them is asked elsewhere. Every move returns the codes with
one of which it must be refused (none: it must be granted) and, if granted, is then done here as well.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
LEAD, GRACE, DRAW = timedelta(hours=2), timedelta(minutes=10), timedelta(minutes=5)
REST, WAY = timedelta(hours=10), timedelta(minutes=10)
WEEK = 40
OPEN = ("PENDING", "AWAITING_APPROVAL")
PLANNED = ("UNASSIGNED", "ASSIGNED")
Row = dict[str, Any]
Codes = set[str]
GRANTED: Codes = set()


@dataclass
class PlainMarket:
    """Jobs by id: start, end, hours, status, and the holder with the assignment. Swaps by id. Who asked, who bids."""

    approval: bool
    draws: bool
    bidding: bool
    jobs: dict[Any, Row] = field(default_factory=dict)
    swaps: dict[Any, Row] = field(default_factory=dict)
    asked: set[tuple[Any, Any]] = field(default_factory=set)
    bidders: dict[Any, Any] = field(default_factory=dict)
    """Bids by id: whose they are."""

    # What is asked of a schedule

    def of(self, person: Any, *without: Any) -> list[Row]:
        """The person's jobs but these."""
        return [job for id, job in self.jobs.items() if job["holder"] == person and id not in without]

    def job_of(self, shift: Any) -> Any:
        return next((id for id, job in self.jobs.items() if shift is not None and job["shift"] == shift), None)

    def is_double(self, person: Any, new: Row, *without: Any) -> bool:
        """Whether they would be in two places at once."""
        return any(one["start"] < new["end"] and new["start"] < one["end"] for one in self.of(person, *without))

    def may_work(self, person: Any, job_id: Any, *without: Any) -> bool:
        """A26, A27b: no overlap, 10 minutes of way, 10 hours of rest, 40 hours a week."""
        new = self.jobs[job_id]
        mine = self.of(person, job_id, *without)
        ways = [*(one["start"] - new["end"] for one in mine), *(new["start"] - one["end"] for one in mine)]
        on_time = not any(timedelta(0) <= gap < WAY for gap in ways)
        week = sum(one["hours"] for one in (*mine, new) if _monday(one) == _monday(new))
        return not self.is_double(person, new, job_id, *without) and on_time and week <= WEEK and _rested(mine, new)

    # The office

    def plan(self, id: Any, start: datetime, hours: int) -> None:
        empty = {"status": "UNASSIGNED", "holder": None, "shift": None, "origin": None}
        self.jobs[id] = {"start": start, "end": start + timedelta(hours=hours), "hours": hours, **empty}

    def assign(self, id: Any, person: Any) -> Codes:
        job = self.jobs[id]
        if job["status"] not in PLANNED:
            return {"CONFLICT"}
        taken = {"ALREADY_EXISTS"} if job["holder"] else set()
        return taken | ({"SHIFT_OVERLAP"} if self.is_double(person, job) else set())

    def assigned(self, id: Any, person: Any, shift: Any) -> None:
        self._take_off(id)
        self.jobs[id].update(status="ASSIGNED", holder=person, shift=shift, origin=None)

    def release(self, id: Any) -> Codes:
        if self.jobs[id]["status"] not in PLANNED:
            return {"CONFLICT"}
        self._take_off(id)
        self.jobs[id].update(status="UNASSIGNED", holder=None, shift=None, origin=None)
        return GRANTED

    def cancel(self, id: Any) -> Codes:
        if self.jobs[id]["status"] == "CANCELED":
            return {"ILLEGAL_TRANSITION"}
        self._take_off(id)
        self.jobs[id].update(status="CANCELED", holder=None, shift=None, origin=None)
        return GRANTED

    def move(self, id: Any, start: datetime, now: datetime) -> Codes:
        job = self.jobs[id]
        there = {**job, "start": start, "end": start + timedelta(hours=job["hours"])}
        if job["status"] not in PLANNED:
            return {"CONFLICT"}
        if start == job["start"]:
            return GRANTED
        if start <= now:
            return {"INVALID"}
        if job["holder"] and self.is_double(job["holder"], there, id):
            return {"SHIFT_OVERLAP"}
        job.update(start=start, end=there["end"])
        for swap in self.swaps.values():
            if swap["job"] == id and swap["status"] in (*OPEN, "ACCEPTED"):
                swap["expires"] = max(self._end(id, swap["office"]), now)
        return GRANTED

    def cover(self, id: Any, now: datetime) -> Codes:
        job = self.jobs[id]
        if job["status"] not in PLANNED or job["end"] <= now:
            return {"CONFLICT"}
        return GRANTED if job["holder"] or not self.listed(id) else {"ALREADY_EXISTS"}

    def covered(self, swap: Any, id: Any, now: datetime) -> None:
        self._take_off(id)
        self._list(swap, id, now, office=True)

    def approve(self, id: Any, now: datetime) -> Codes:
        swap = self.swaps[id]
        if swap["status"] != "AWAITING_APPROVAL":
            return {"CONFLICT"}
        if now >= swap["expires"]:
            return {"SWAP_ALREADY_TAKEN"}
        if swap["wants"] is None:
            if not self.may_work(swap["taker"], swap["job"]):
                return {"NOT_ELIGIBLE"}
        elif swap["given"] not in self.gifts(swap, swap["taker"], now):
            return {"NOT_ELIGIBLE"}
        self._hand_over(id, now)
        return GRANTED

    def decline(self, id: Any) -> Codes:
        if self.swaps[id]["status"] != "AWAITING_APPROVAL":
            return {"CONFLICT"}
        self.swaps[id]["status"] = "DECLINED"
        return GRANTED

    # The cleaners

    def offer(self, id: Any, wants: list[Any], now: datetime) -> Codes:
        if any(self.jobs[self.job_of(want)]["start"] <= now for want in wants):
            return {"NOT_FOUND"}
        if self._end(id, office=False) <= now:
            return {"INVALID"}
        return {"ALREADY_EXISTS"} if self.listed(id) else GRANTED

    def offered(self, swap: Any, id: Any, wants: list[Any], now: datetime) -> None:
        self._list(swap, id, now, office=False, wants=frozenset(wants) or None)

    def withdraw(self, id: Any, person: Any) -> Codes:
        """`person` None: the office."""
        swap = self.swaps[id]
        if person is not None and swap["owner"] != person:
            return {"NOT_FOUND"}
        if swap["status"] not in OPEN or (person is not None and swap["office"]):
            return {"CONFLICT"}
        swap["status"] = "WITHDRAWN"
        return GRANTED

    def accept(self, id: Any, person: Any, now: datetime) -> Codes:
        swap = self.swaps[id]
        if swap["status"] != "PENDING" or now >= swap["expires"]:
            return {"SWAP_ALREADY_TAKEN"}
        gifts = self.gifts(swap, person, now) if swap["wants"] is not None else []
        fits = bool(gifts) if swap["wants"] is not None else self.may_work(person, swap["job"])
        if swap["owner"] == person or not fits:
            return {"NOT_ELIGIBLE"}
        if swap["draws"]:
            self.asked.add((id, person))
            return GRANTED
        self._take(id, person, next(iter(gifts), None), now)
        return GRANTED

    def gifts(self, swap: Row, person: Any, now: datetime) -> list[Any]:
        """What the person could give for a trade, so that both may work what they get; the earliest first."""
        mine = sorted((job["start"], id) for id, job in self.jobs.items() if job["holder"] == person)
        wanted = [id for _, id in mine if self.jobs[id]["shift"] in swap["wants"]]
        return [
            self.jobs[id]["shift"]
            for id in wanted
            if self.jobs[id]["end"] > now
            and self.may_work(person, swap["job"], id)
            and self.may_work(swap["owner"], id, swap["job"])
        ]

    def give_back(self, id: Any, person: Any, now: datetime) -> Codes:
        swap = self.swaps[id]
        if swap["status"] == "PENDING" and swap["draws"] and (id, person) in self.asked:
            self.asked.discard((id, person))
            return GRANTED
        if swap["taker"] != person:
            return {"NOT_FOUND"}
        if swap["status"] not in ("AWAITING_APPROVAL", "ACCEPTED"):
            return {"ILLEGAL_TRANSITION"}
        if swap["status"] == "ACCEPTED" and (refused := self._hand_back(id, now)):
            return refused
        self.asked.discard((id, person))
        relisted = now < swap["expires"]
        swap["status"] = "PENDING" if relisted else "RETURNED"
        if relisted:
            swap.update(taker=None, given=None)
        return GRANTED

    def drawn_among(self, id: Any, now: datetime) -> set[Any] | None:
        """One of whom a draw must give it to; None where it must change nothing."""
        swap = self.swaps[id]
        if swap["status"] != "PENDING" or swap["wants"] is not None or (swap["draws"] and now < swap["draws"]):
            return None
        wanting = {who for of, who in self.asked if of == id}
        wanting |= set(self.bidders.values()) if self.bidding else set()
        if now >= swap["expires"]:
            return set()
        return {who for who in wanting if who != swap["owner"] and self.may_work(who, swap["job"])}

    def drawn(self, id: Any, winner: Any, now: datetime) -> None:
        self.swaps[id]["draws"] = None
        if winner is not None:
            self._take(id, winner, None, now)

    def expire(self, now: datetime) -> None:
        for swap in self.swaps.values():
            if swap["status"] in OPEN and swap["expires"] <= now:
                swap["status"] = "EXPIRED"

    # What moves do

    def listed(self, job: Any) -> Any:
        return next((id for id, swap in self.swaps.items() if swap["job"] == job and swap["status"] in OPEN), None)

    def _end(self, job: Any, office: bool) -> datetime:
        end: datetime = self.jobs[job]["end"] if office else self.jobs[job]["start"] - LEAD
        return end

    def _list(self, id: Any, job: Any, now: datetime, *, office: bool, wants: Any = None) -> None:
        expires = self._end(job, office)
        draws = now + DRAW if self.draws and wants is None and now + DRAW < expires else None
        listed = {"job": job, "shift": self.jobs[job]["shift"], "owner": self.jobs[job]["holder"], "status": "PENDING"}
        times = {"expires": expires, "draws": draws, "office": office}
        self.swaps[id] = {**listed, **times, "taker": None, "given": None, "closed": None, "wants": wants}

    def _take_off(self, job: Any) -> None:
        for swap in self.swaps.values():
            if swap["job"] == job and swap["status"] in OPEN:
                swap["status"] = "WITHDRAWN"

    def _take(self, id: Any, person: Any, given: Any, now: datetime) -> None:
        self.swaps[id].update(taker=person, given=given, draws=None, status="AWAITING_APPROVAL")
        if not self.approval:
            self._hand_over(id, now)

    def _hand_over(self, id: Any, now: datetime) -> None:
        swap = self.swaps[id]
        swap.update(status="ACCEPTED", closed=now)
        job = self.jobs[swap["job"]]
        if swap["given"] is not None:
            other = self.job_of(swap["given"])
            self._take_off(other)
            self.jobs[other].update(holder=swap["owner"], origin=(id, self.jobs[other]["origin"]))
        job.update(holder=swap["taker"], status="ASSIGNED", origin=(id, job["origin"]))

    def _hand_back(self, id: Any, now: datetime) -> Codes:
        """Only the last swap that moved a shift can be undone, and only while nobody would be in two places."""
        swap = self.swaps[id]
        jobs = [swap["job"], *([self.job_of(swap["given"])] if swap["given"] else [])]
        if now >= swap["closed"] + GRACE:
            return {"CONFLICT"}
        if any(job is None or not self.jobs[job]["origin"] or self.jobs[job]["origin"][0] != id for job in jobs):
            return {"CONFLICT"}
        mine, *theirs = jobs
        if swap["owner"] and self.is_double(swap["owner"], self.jobs[mine], mine, *theirs):
            return {"SHIFT_OVERLAP"}
        if theirs and self.is_double(swap["taker"], self.jobs[theirs[0]], mine, *theirs):
            return {"SHIFT_OVERLAP"}
        for job in jobs:
            self._take_off(job)
            self.jobs[job]["origin"] = self.jobs[job]["origin"][1]
        self.jobs[mine]["holder"] = swap["owner"]
        if swap["owner"] is None:
            self.jobs[mine].update(status="UNASSIGNED", shift=None, origin=None)
        for job in theirs:
            self.jobs[job]["holder"] = swap["taker"]
        return GRANTED


def _day(job: Row) -> Any:
    return job["start"].astimezone(ZONE).date()


def _monday(job: Row) -> Any:
    return _day(job) - timedelta(days=_day(job).weekday())


def _rested(mine: list[Row], new: Row) -> bool:
    """Ten hours between the last of a day and the first of the next working day, where the new one is either."""
    days = sorted({_day(job) for job in (*mine, new)})
    for one, two in pairwise(days):
        last = max((job for job in (*mine, new) if _day(job) == one), key=lambda job: job["end"])
        first = min((job for job in (*mine, new) if _day(job) == two), key=lambda job: job["start"])
        if new in (last, first) and timedelta(0) <= first["start"] - last["end"] < REST:
            return False
    return True
