"""Event destinations (v2): endpoints with their own secrets, told of thin events or of snapshots."""

from sandbox.stripe import Json
from sandbox.stripe.errors import StripeError, refused
from sandbox.stripe.events import API_VERSION
from sandbox.stripe.resources.account_states import iso
from sandbox.stripe.resources.accounts_v2 import v2_page
from sandbox.stripe.routes import Ask, route
from sandbox.stripe.store import Tx


@route("POST", "/v2/core/event_destinations", "v2.core.EventDestinationCreateParams")
def create_destination(tx: Tx, ask: Ask) -> Json:
    """A webhook endpoint; its secret and address are shown only where `include` names them."""
    if ask.params["type"] != "webhook_endpoint":
        raise refused("The sandbox delivers to webhook endpoints only.", "parameter_invalid")
    url = ask.get("webhook_endpoint", {}).get("url")
    if not url:
        raise refused("webhook_endpoint.url is required.", "parameter_missing")
    snapshot = ask.params["event_payload"] == "snapshot"
    doc: Json = {
        "id": tx.new_id("ed"),
        "object": "v2.core.event_destination",
        "created": iso(tx.now),
        "description": ask.get("description", ""),
        "enabled_events": ask.params["enabled_events"],
        "event_payload": ask.params["event_payload"],
        "events_from": ask.get("events_from", ["self"]),
        "livemode": False,
        "metadata": ask.get("metadata", {}),
        "name": ask.params["name"],
        "status": "enabled",
        "type": "webhook_endpoint",
        "updated": iso(tx.now),
        "_secret": tx.new_id("whsec"),
        "_url": url,
    }
    doc |= {"snapshot_api_version": ask.get("snapshot_api_version", API_VERSION)} if snapshot else {}
    tx.put("event_destinations", doc)
    return _shown(doc, ask)


@route("GET", "/v2/core/event_destinations", "v2.core.EventDestinationListParams")
def list_destinations(tx: Tx, ask: Ask) -> Json:
    """Newest first."""
    return v2_page(ask, [_shown(doc, ask) for doc in tx.where("event_destinations")])


@route("GET", "/v2/core/event_destinations/{id}", "v2.core.EventDestinationRetrieveParams")
def retrieve_destination(tx: Tx, ask: Ask) -> Json:
    """One destination."""
    doc = tx.find("event_destinations", ask.args["id"])
    if doc is None:
        raise StripeError(404, f"No such event destination: '{ask.args['id']}'", "not_found")
    return _shown(doc, ask)


def _shown(doc: Json, ask: Ask) -> Json:
    included = set(ask.get("include", ()))
    secret = {"signing_secret": doc["_secret"]} if "webhook_endpoint.signing_secret" in included else {}
    url = {"url": doc["_url"]} if "webhook_endpoint.url" in included else {}
    return {**{key: value for key, value in doc.items() if key[0] != "_"}, "webhook_endpoint": secret | url}
