"""Webhook endpoints of an account; `connect` ones hear of its connected accounts instead."""

from sandbox.stripe import Json
from sandbox.stripe.courier import new_secret
from sandbox.stripe.errors import invalid
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.routes import Ask, route
from sandbox.stripe.store import Tx


@route("POST", "/v1/webhook_endpoints", "WebhookEndpointCreateParams")
def create_endpoint(tx: Tx, ask: Ask) -> Json:
    """The secret is told here, once."""
    secret = new_secret(tx)
    endpoint = tx.put(
        "webhook_endpoints",
        {
            "id": tx.new_id("we"),
            "object": "webhook_endpoint",
            "api_version": ask.get("api_version"),
            "application": None,
            "created": tx.now,
            "description": ask.get("description"),
            "enabled_events": ask.params["enabled_events"],
            "livemode": False,
            "metadata": merged_metadata({}, ask.params.get("metadata")),
            "status": "enabled",
            "url": _address(ask.params["url"]),
            "_connect": bool(ask.get("connect", False)),
            "_secrets": [{"secret": secret, "until": None}],
        },
    )
    return {**shown(tx, endpoint), "secret": secret}


@route("GET", "/v1/webhook_endpoints/{webhook_endpoint}", "WebhookEndpointRetrieveParams")
def retrieve_endpoint(tx: Tx, ask: Ask) -> Json:
    """One, without its secret."""
    return shown(tx, tx.get("webhook_endpoints", ask.args["webhook_endpoint"]))


@route("GET", "/v1/webhook_endpoints", "WebhookEndpointListParams")
def list_endpoints(tx: Tx, ask: Ask) -> Json:
    """All."""
    return page(tx, ask, tx.where("webhook_endpoints"))


@route("POST", "/v1/webhook_endpoints/{webhook_endpoint}", "WebhookEndpointUpdateParams")
def update_endpoint(tx: Tx, ask: Ask) -> Json:
    """Address, events, disabled."""
    endpoint = tx.get("webhook_endpoints", ask.args["webhook_endpoint"])
    changes: Json = {name: ask.get(name) for name in ("description", "enabled_events") if name in ask.params}
    if "url" in ask.params:
        changes["url"] = _address(ask.params["url"])
    if "disabled" in ask.params:
        changes["status"] = "disabled" if ask.params["disabled"] else "enabled"
    changes["metadata"] = merged_metadata(endpoint["metadata"], ask.params.get("metadata"))
    return shown(tx, tx.change("webhook_endpoints", endpoint["id"], **changes))


@route("DELETE", "/v1/webhook_endpoints/{webhook_endpoint}", "WebhookEndpointDeleteParams")
def delete_endpoint(tx: Tx, ask: Ask) -> Json:
    """Gone; what was queued for it is dropped."""
    endpoint = tx.get("webhook_endpoints", ask.args["webhook_endpoint"])
    tx.remove("webhook_endpoints", endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise invalid("Invalid URL: An explicit scheme (such as https) must be provided.", "url_invalid", "url")
    return url
