"""The billing portal: its configurations and sessions. The page is in billing_pages.py."""

from sandbox.stripe import Json
from sandbox.stripe.hosted import link
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.routes import Ask, route
from sandbox.stripe.store import Tx

_CANCEL: Json = {
    "cancellation_reason": {"enabled": False, "options": ["too_expensive", "other"]},
    "enabled": True,
    "mode": "at_period_end",
    "proration_behavior": "none",
}
_UPDATE: Json = {
    "default_allowed_updates": [],
    "enabled": False,
    "proration_behavior": "none",
    "schedule_at_period_end": {"conditions": []},
    "trial_update_behavior": "end_trial",
}


@route("POST", "/v1/billing_portal/configurations", "billing_portal.ConfigurationCreateParams")
def create_configuration(tx: Tx, ask: Ask) -> Json:
    """What customers may do in the portal."""
    configuration = _make(tx, ask.params, is_default=not any(tx.where("portal_configurations")))
    return shown(tx, configuration)


@route("GET", "/v1/billing_portal/configurations", "billing_portal.ConfigurationListParams")
def list_configurations(tx: Tx, ask: Ask) -> Json:
    """Newest first; by activity."""
    found = tx.where("portal_configurations", active=ask.get("active"), is_default=ask.get("is_default"))
    return page(tx, ask, found)


@route("POST", "/v1/billing_portal/sessions", "billing_portal.SessionCreateParams")
def create_session(tx: Tx, ask: Ask) -> Json:
    """A page for one customer."""
    customer = tx.get("customers", ask.get("customer") or "", "customer")
    if ask.get("configuration"):
        configuration = tx.get("portal_configurations", ask.get("configuration"), "configuration")
    else:
        first = next(tx.where("portal_configurations", is_default=True), None)
        configuration = first or _make(tx, {"features": {}}, is_default=True)
    id = tx.new_id("bps")
    session = tx.put(
        "portal_sessions",
        {
            "id": id,
            "object": "billing_portal.session",
            "configuration": configuration["id"],
            "created": tx.now,
            "customer": customer["id"],
            "customer_account": None,
            "flow": None,
            "livemode": False,
            "locale": ask.get("locale"),
            "on_behalf_of": None,
            "return_url": ask.get("return_url") or configuration["default_return_url"],
            "url": link(tx, f"/p/session/{id}"),
        },
    )
    tx.emit("billing_portal.session.created", session)
    return shown(tx, session)


def _make(tx: Tx, given: Json, *, is_default: bool) -> Json:
    features, profile = given.get("features", {}), given.get("business_profile") or {}
    updates = features.get("customer_update") or {}
    configuration = tx.put(
        "portal_configurations",
        {
            "id": tx.new_id("bpc"),
            "object": "billing_portal.configuration",
            "active": True,
            "application": None,
            "business_profile": {
                "headline": profile.get("headline") or None,
                "privacy_policy_url": profile.get("privacy_policy_url"),
                "terms_of_service_url": profile.get("terms_of_service_url"),
            },
            "created": tx.now,
            "default_return_url": given.get("default_return_url") or None,
            "features": {
                "customer_update": {
                    "allowed_updates": updates.get("allowed_updates") or [],
                    "enabled": updates.get("enabled", False),
                },
                "invoice_history": {"enabled": (features.get("invoice_history") or {}).get("enabled", True)},
                "payment_method_update": {
                    "enabled": (features.get("payment_method_update") or {}).get("enabled", True)
                },
                "subscription_cancel": _CANCEL | _enabled(features, "subscription_cancel"),
                "subscription_update": _UPDATE | _enabled(features, "subscription_update"),
            },
            "is_default": is_default,
            "livemode": False,
            "login_page": {"enabled": False, "url": None},
            "metadata": merged_metadata({}, given.get("metadata")),
            "name": given.get("name") or None,
            "updated": tx.now,
        },
    )
    tx.emit("billing_portal.configuration.created", configuration)
    return configuration


def _enabled(features: Json, name: str) -> Json:
    given = features.get(name) or {}
    return {key: given[key] for key in ("enabled", "mode", "proration_behavior") if given.get(key) not in {None, ""}}
