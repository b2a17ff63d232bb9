"""What the resources register: routes, timers, views, includable fields and control actions, by decorators."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.store import Tx


@dataclass(frozen=True)
class Ask:
    """One request, decoded and checked: `params` are typed by the SDK's shapes, `args` come from the path."""

    method: str
    path: str
    params: Json
    args: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter; blank (unset) counts as `default`."""
        value = self.params.get(name, default)
        return default if value == "" else value


Handler = Callable[[Tx, Ask], Json]


@dataclass(frozen=True)
class Route:
    """One operation: method, path template, the SDK's parameter TypedDict by name, and who answers."""

    method: str
    template: str
    shape: str
    handler: Handler
    pattern: re.Pattern[str]
    is_v2: bool


ROUTES: list[Route] = []
TIMERS: dict[str, Callable[[Tx, str], None]] = {}
VIEWS: dict[str, Callable[[Tx, Json], Json]] = {}
INCLUDABLE: dict[tuple[str, str], Callable[[Tx, Json], Any]] = {}
CONTROLS: dict[tuple[str, str], Callable[..., Any]] = {}


def route(method: str, template: str, shape: str) -> Callable[[Handler], Handler]:
    """Register `handler(tx, ask)` for an operation; `shape` is a class of `stripe.params` (`v2.core.X` for v2)."""
    # Fixed words win over templates: /search before /{customer}.
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method, template, shape, handler, pattern, template.startswith("/v2/")))
        ROUTES.sort(key=lambda known: known.template.count("{"))
        return handler

    return register


def timer(kind: str) -> Callable[[Callable[[Tx, str], None]], Callable[[Tx, str], None]]:
    """Register `handler(tx, subject)`, run when a `tx.at_time(at, kind, subject)` is due; `tx.now` is the due time."""

    def register(handler: Callable[[Tx, str], None]) -> Callable[[Tx, str], None]:
        TIMERS[kind] = handler
        return handler

    return register


def view(kind: str) -> Callable[[Callable[[Tx, Json], Json]], Callable[[Tx, Json], Json]]:
    """Register `handler(tx, doc) -> sent`, where an object (by its `object` field) is shown otherwise than stored."""

    def register(handler: Callable[[Tx, Json], Json]) -> Callable[[Tx, Json], Json]:
        VIEWS[kind] = handler
        return handler

    return register


def includable(kind: str, field: str) -> Callable[[Callable[[Tx, Json], Any]], Callable[[Tx, Json], Any]]:
    """Register `handler(tx, shown object) -> value` for a field that is sent only where `expand[]` names it."""

    def register(handler: Callable[[Tx, Json], Any]) -> Callable[[Tx, Json], Any]:
        INCLUDABLE[kind, field] = handler
        return handler

    return register


def control(method: str, template: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register `handler(sandbox, args, body)` (plain or async) under /__sandbox/ and the template."""

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        CONTROLS[method, template] = handler
        return handler

    return register


def match(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The operation of a request, with the path's arguments."""
    for known in ROUTES:
        if known.method == method and (found := known.pattern.fullmatch(path)):
            return known, found.groupdict()
    return None
