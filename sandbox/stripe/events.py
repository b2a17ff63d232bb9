"""Events, and which endpoints are told of them."""

from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from sandbox.stripe import Json
from sandbox.stripe.present import shown
from sandbox.stripe.store import Tx

API_VERSION = "2026-10-28.endive"
LISTENERS: dict[str, list[Callable[[Tx, Json], None]]] = {}
"""Resources that wait for an event of another one: told in the same transaction."""


def emit(tx: Tx, type: str, obj: Json, previous: Json | None = None) -> Json:
    """A snapshot event about `obj` as it is now, and a delivery for each endpoint that wants it."""
    # A copy by value: the event must not change when the object does.
    told: Json = {"object": orjson.loads(orjson.dumps(shown(tx, obj)))}
    if previous is not None:
        told["previous_attributes"] = previous
    event: Json = {
        "id": tx.new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": tx.now,
        "data": told,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": tx.cause.request_id, "idempotency_key": tx.cause.key},
        "type": type,
    }
    platform = platform_of(tx)
    if platform:
        event["account"] = tx.account
    tx.effects.append([type, obj["id"]])
    wanted = [
        *_endpoints(tx, type, connect=False),
        *(_endpoints(tx.on(platform), type, connect=True) if platform else []),
    ]
    event["pending_webhooks"] = len(wanted)
    tx.put("events", event)
    for account, collection, id in wanted:
        _queue(tx, account, event["id"], (collection, id))
    for listener in LISTENERS.get(type, ()):
        listener(tx, obj)
    return event


def emit_thin(tx: Tx, type: str, related: Json, changes: Json) -> Json:
    """A v2 event: it names what changed and carries no object. `related` is `{id, type, url}`."""
    event: Json = {
        "id": tx.new_id("evt"),
        "object": "v2.core.event",
        "type": type,
        "livemode": False,
        "created": _stamp(tx),
        "reason": {"type": "request", "request": {"id": tx.cause.request_id, "idempotency_key": tx.cause.key}}
        if tx.cause.request_id
        else None,
        "context": None,
        "related_object": related,
        "changes": None,
        "data": changes or None,
    }
    tx.effects.append([type, related["id"]])
    tx.put("thin_events", event)
    for account, collection, id in _thin_destinations(tx, type):
        _queue(tx, account, event["id"], (collection, id))
    return event


def platform_of(tx: Tx) -> str | None:
    """The platform that this (connected) account belongs to."""
    place = tx.store.whereabouts(tx.account)
    return place[0] if place and place[1] == "connected" else None


def _endpoints(tx: Tx, type: str, *, connect: bool) -> list[tuple[str, str, str]]:
    return [
        (tx.account, "webhook_endpoints", endpoint["id"])
        for endpoint in tx.store.collection(tx.account, "webhook_endpoints").values()
        if endpoint["status"] == "enabled" and endpoint.get("_connect", False) is connect and _wants(endpoint, type)
    ] + [
        (tx.account, "event_destinations", destination["id"])
        for destination in tx.store.collection(tx.account, "event_destinations").values()
        if destination["status"] == "enabled"
        and destination["event_payload"] == "snapshot"
        and _from(destination, connect=connect)
        and _wants(destination, type)
    ]


def _thin_destinations(tx: Tx, type: str) -> list[tuple[str, str, str]]:
    platform = platform_of(tx)
    return [
        (account, "event_destinations", destination["id"])
        for account, connect in ((tx.account, False), (platform, True))
        if account
        for destination in tx.store.collection(account, "event_destinations").values()
        if destination["status"] == "enabled"
        and destination["event_payload"] == "thin"
        and _from(destination, connect=connect)
        and _wants(destination, type)
    ]


def _from(destination: Json, *, connect: bool) -> bool:
    return ("other_accounts" if connect else "self") in (destination.get("events_from") or ["self"])


def _wants(endpoint: Json, type: str) -> bool:
    return type in endpoint["enabled_events"] or "*" in endpoint["enabled_events"]


def _queue(tx: Tx, account: str, event: str, endpoint: tuple[str, str]) -> None:
    tx.on(account).put(
        "deliveries",
        {
            "id": tx.new_id("dlv"),
            "event": event,
            "event_account": tx.account,
            "endpoint": endpoint[1],
            "endpoint_kind": endpoint[0],
            "attempts": 0,
            "next_at": tx.at,
            "status": "pending",
            "created": tx.at,
        },
    )


def _stamp(tx: Tx) -> str:
    return datetime.fromtimestamp(tx.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
