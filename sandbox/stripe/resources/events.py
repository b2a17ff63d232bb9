"""Events, kept for thirty days, snapshot (v1) and thin (v2)."""

from datetime import datetime

from sandbox.stripe import Json
from sandbox.stripe.clock import DAY
from sandbox.stripe.errors import missing
from sandbox.stripe.present import page, shown
from sandbox.stripe.routes import Ask, route, view
from sandbox.stripe.store import Tx

KEPT_FOR = 30 * DAY
_V2_PAGE = 20


@route("GET", "/v1/events/{id}", "EventRetrieveParams")
def retrieve_event(tx: Tx, ask: Ask) -> Json:
    """One."""
    event = tx.get("events", ask.args["id"])
    if event["created"] < tx.now - KEPT_FOR:
        raise missing("event", event["id"])
    return shown(tx, event)


@route("GET", "/v1/events", "EventListParams")
def list_events(tx: Tx, ask: Ask) -> Json:
    """By type (`charge.*`), types, created, delivery_success."""
    types = [ask.get("type")] if ask.get("type") else ask.get("types", [])
    delivered = ask.get("delivery_success")
    rows = (
        event
        for event in tx.where("events")
        if event["created"] >= tx.now - KEPT_FOR
        and (not types or any(_is_a(event["type"], type) for type in types))
        and (delivered is None or (event["pending_webhooks"] == 0) == delivered)
    )
    return page(tx, ask, rows)


@route("GET", "/v2/core/events/{id}", "v2.core.EventRetrieveParams")
def retrieve_thin_event(tx: Tx, ask: Ask) -> Json:
    """One thin event, with its data."""
    return shown(tx, tx.get("thin_events", ask.args["id"]))


@route("GET", "/v2/core/events", "v2.core.EventListParams")
def list_thin_events(tx: Tx, ask: Ask) -> Json:
    """By object_id, types, created; `page` is the place in the list."""
    created, types = ask.get("created", {}), ask.get("types", [])
    rows = [
        event
        for event in tx.where("thin_events")
        if (not ask.get("object_id") or event["related_object"]["id"] == ask.get("object_id"))
        and (not types or event["type"] in types)
        and _created_within(event, created)
    ]
    place, limit = int(ask.get("page", 0)), ask.get("limit", _V2_PAGE)
    following = f"/v2/core/events?page={place + limit}&limit={limit}" if len(rows) > place + limit else None
    before = f"/v2/core/events?page={max(0, place - limit)}&limit={limit}" if place else None
    return {
        "data": [shown(tx, event) for event in rows[place : place + limit]],
        "next_page_url": following,
        "previous_page_url": before,
    }


@view("v2.core.event")
def sent_thin_event(tx: Tx, event: Json) -> Json:
    """v2 leaves out what is not there; v1 would send null."""
    reason = event["reason"] and {**event["reason"], "request": _present(event["reason"]["request"])}
    return _present({**event, "reason": reason})


def _present(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _is_a(type: str, wanted: str) -> bool:
    return type == wanted or (wanted.endswith("*") and type.startswith(wanted[:-1]))


def _created_within(event: Json, bounds: Json) -> bool:
    at = datetime.fromisoformat(event["created"])
    compare = {"gt": at.__gt__, "gte": at.__ge__, "lt": at.__lt__, "lte": at.__le__}
    return all(compare[name](datetime.fromisoformat(value)) for name, value in bounds.items())
