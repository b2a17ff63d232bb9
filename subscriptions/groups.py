"""Subscribers who are shown the same: each event is rendered and encoded once for all of them."""

import itertools
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from domain.actors import TenantId
from domain.feeds import ResyncReason
from services.cursors import Cursors, Place, office_view, view_of
from subscriptions.feeds import OFFICE_CLASS, Facts, Fresh, Klass, Value
from subscriptions.log import LogEvent
from subscriptions.plans import Plan, Renderer, Rendering, Template
from subscriptions.reads import Snapshot

if TYPE_CHECKING:
    from subscriptions.sessions import Subscriber

MOST_KEPT: Final = 256
MOST_DRAFTS: Final = 64
MOST_BYTES: Final = 32 * 2**20
ENTRY_BYTES: Final = 300
PREVIOUS: Final = os.urandom(16).hex()
"""Stands for `previous` while rendering: unguessable, so that no text of a client is ever taken for it."""
_MARK: Final = f'"{PREVIOUS}"'.encode()
CURSOR: Final = os.urandom(16).hex()
"""Stands likewise for the cursor where groups share what they render, for each has cursors of its own."""
_CURSOR_MARK: Final = f'"{CURSOR}"'.encode()

GroupKey = tuple[object, ...]
_generations = itertools.count()


@dataclass(frozen=True, slots=True)
class Eyes:
    """Through whose eyes a group looks: its class and, where the document asks for it, one viewer's facts."""

    klass: Klass
    role: str
    facts: Facts
    view: str

    @classmethod
    def of(cls, field: str, klass: Klass, role: str, facts: Facts) -> "Eyes":
        """The digest goes into every cursor: who comes back with other eyes needs a snapshot, not deltas."""
        is_office = klass == OFFICE_CLASS and facts is None
        view = office_view(role) if is_office else view_of(field, klass, role, facts)
        return cls(klass, role, facts, view)


class Position(Protocol):
    """Where the group's tenant stands now."""

    tenant: TenantId
    epoch: int


@dataclass(frozen=True, slots=True)
class Delta:
    """A rendered event: the payload, cut where `previous` stands."""

    seq: int
    pieces: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """What the personal groups of a class share of a frame: its value, and its template if it is a clean answer."""

    value: Value | Fresh | None
    template: Template | None


@dataclass(frozen=True, slots=True)
class Rendered:
    """What became of an event; None where a group is not shown it."""

    delta: Delta | Fresh | None

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        pieces = self.delta.pieces if isinstance(self.delta, Delta) else ()
        return ENTRY_BYTES + sum(len(piece) for piece in pieces)


class RenderedDeltas:
    """The process's rendered deltas, newest kept, within a budget of bytes: reconnect storms replay them."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._kept: OrderedDict[tuple[int, int, str | None], Rendered] = OrderedDict()
        self._most_bytes = most_bytes
        self._bytes = 0

    def get(self, key: tuple[int, int, str | None]) -> Rendered | None:
        """The delta of (generation of a group, event, part), if it is still here."""
        return self._kept.get(key)

    def keep(self, key: tuple[int, int, str | None], delta: Delta | Fresh | None) -> Rendered:
        """Keep a delta, and let the oldest go where the budget asks for it."""
        rendered = self._kept[key] = Rendered(delta)
        self._bytes += rendered.size
        while self._bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.size
        return rendered


class Group:
    """Renders for its members; `live` are those who stand at the tenant's head."""

    def __init__(self, key: GroupKey, plan: Plan, eyes: Eyes, circle: "Circle") -> None:
        self.key = key
        self.plan = plan
        self.feed = plan.document.feed
        self.eyes = eyes
        self.live: set[Subscriber] = set()
        self.members = 0
        self.until = self.feed.until(eyes.klass)
        """When its members are to look for their group anew."""
        self._position = circle.position
        self._tools = circle.tools
        self._rendering = circle.tools.rendering(plan, eyes.role)
        self._viewer = circle.tools.read_viewer(eyes.facts) if self._rendering.needs_viewer else None
        self._generation = next(_generations)
        self._shared = (plan.key, eyes.role, eyes.klass, self._position.tenant)
        self._cursors: dict[int, str] = {}
        self._snapshot: tuple[Snapshot, bytes] | None = None
        self._heartbeat: tuple[tuple[int, datetime], Delta] | None = None

    def forget(self) -> None:
        """Drop what was rendered: the log begins a new epoch."""
        self._generation = next(_generations)
        self._cursors.clear()
        self._snapshot = self._heartbeat = None

    def delta(self, event: LogEvent, part: str | None) -> Delta | Fresh | None:
        """The event as this group (and this part in the event) is shown it."""
        key = (self._generation, event.seq, part)
        found = self._tools.rendered.get(key)
        if found is None:
            found = self._tools.rendered.keep(key, self._rendered_delta(event, part))
        return found.delta

    def payload(self, delta: Delta, previous: int) -> bytes:
        """The delta for whoever's last frame had the cursor of `previous`."""
        if len(delta.pieces) == 1:
            return delta.pieces[0]
        return orjson.dumps(self.cursor(previous)).join(delta.pieces)

    def snapshot(self, snapshot: Snapshot) -> bytes:
        """The snapshot's payload, rendered once."""
        if self._snapshot is None or self._snapshot[0] is not snapshot:
            key = ("snapshot", snapshot.epoch, snapshot.seq, snapshot.read_at)
            draft = self._draft(key, lambda: self._snapshot_value(snapshot), snapshot.now)
            self._snapshot = snapshot, self._from_draft(draft, snapshot.seq, snapshot.now)
        return self._snapshot[1]

    def heartbeat(self, seq: int, previous: int, now: datetime) -> bytes:
        """A sign of life with the delivered cursor, rendered once for all that beat together.

        `previous` as in a delta: or a heartbeat would carry a client past what was lost on its way.
        """
        if self._heartbeat is None or self._heartbeat[0] != (seq, now):
            value: Value = {"__typename": "Heartbeat", "server_time": now, "previous": PREVIOUS}
            payload = self._rendered(value, seq, now)
            self._heartbeat = (seq, now), Delta(seq, tuple(payload.split(_MARK)))
        return self.payload(self._heartbeat[1], previous)

    def resync(self, reason: ResyncReason, now: datetime) -> bytes:
        """The announcement that a snapshot follows in place of what was missed."""
        return self._render({"__typename": "Resync", "reason": reason}, now)

    def cursor(self, seq: int) -> str:
        """The cursor of a place, through this group's eyes."""
        if seq not in self._cursors:
            if len(self._cursors) > MOST_KEPT:
                self._cursors.clear()
            place = Place(self._position.epoch, seq, self.eyes.view)
            self._cursors[seq] = self._tools.cursors.write(self._position.tenant, place)
        return self._cursors[seq]

    def _snapshot_value(self, snapshot: Snapshot) -> Value:
        return {**self.feed.snapshot(self.eyes.klass, snapshot), "server_time": snapshot.now}

    def _delta_value(self, event: LogEvent, part: str | None) -> Value | Fresh | None:
        value = self.feed.delta(event, self.eyes.klass, part)
        return value if value is None or isinstance(value, Fresh) else {**value, "previous": PREVIOUS}

    def _rendered_delta(self, event: LogEvent, part: str | None) -> Delta | Fresh | None:
        key = ("delta", self._position.epoch, event.seq, part)
        draft = self._draft(key, lambda: self._delta_value(event, part), event.at)
        if draft.value is None or isinstance(draft.value, Fresh):
            return draft.value
        return Delta(event.seq, tuple(self._from_draft(draft, event.seq, event.at).split(_MARK)))

    def _draft(self, key: tuple[object, ...], value: Callable[[], Value | Fresh | None], now: datetime) -> Draft:
        """The frame as far as all share it whom only their own facts tell apart."""
        if not self._rendering.needs_viewer:
            return Draft(value(), None)

        def make() -> Draft:
            made = value()
            if made is None or isinstance(made, Fresh):
                return Draft(made, None)
            return Draft(made, self._rendering.template({**made, "cursor": CURSOR}, now))

        return self._tools.draft((*self._shared, *key), make)

    def _from_draft(self, draft: Draft, seq: int, now: datetime) -> bytes:
        """The frame as this group reads it."""
        filled = draft.template.fill(self._viewer, now) if draft.template else None
        if filled is not None:
            return filled.replace(_CURSOR_MARK, orjson.dumps(self.cursor(seq)))
        assert draft.value is not None and not isinstance(draft.value, Fresh)  # noqa: S101, PT018 (there is a frame)
        return self._rendered(draft.value, seq, now)

    def _rendered(self, value: Value, seq: int, now: datetime) -> bytes:
        return self._render({**value, "cursor": self.cursor(seq)}, now)

    def _render(self, value: Value, now: datetime) -> bytes:
        return orjson.dumps(self._rendering.render(value, viewer=self._viewer, now=now).formatted)


class Tools:
    """What groups render with. `read_viewer` turns the facts' json into what computed fields receive."""

    def __init__(self, renderer: Renderer, cursors: Cursors, read_viewer: Callable[[Any], Any]) -> None:
        self.cursors = cursors
        self.rendered = RenderedDeltas()
        self.read_viewer = read_viewer
        self._renderer = renderer
        self._renderings: OrderedDict[tuple[object, str], Rendering] = OrderedDict()
        self._drafts: OrderedDict[tuple[object, ...], Draft] = OrderedDict()

    def draft(self, key: tuple[object, ...], make: Callable[[], Draft]) -> Draft:
        """The draft of this key, made once for all who share it; the last few are kept."""
        found = self._drafts.get(key)
        if found is None:
            found = self._drafts[key] = make()
            if len(self._drafts) > MOST_DRAFTS:
                self._drafts.popitem(last=False)
        return found

    def rendering(self, plan: Plan, role: str) -> Rendering:
        """The plan's selection as this role may see it, compiled once for all who ask the same."""
        key = (plan.key, role)
        if key not in self._renderings:
            document = plan.document
            self._renderings[key] = self._renderer.renderer(
                document.parsed, document.operation_name, plan.variables, role
            )
            if len(self._renderings) > MOST_KEPT:
                self._renderings.popitem(last=False)
        self._renderings.move_to_end(key)
        return self._renderings[key]


@dataclass(frozen=True, slots=True)
class Circle:
    """Where a group belongs."""

    position: Position
    tools: Tools
