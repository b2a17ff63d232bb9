"""Connected accounts as v1 shows them (whichever version made them), and the platform's own account."""

from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.hosted import link
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.resources import connected
from sandbox.stripe.resources.account_states import capability, due, move, standing, tell
from sandbox.stripe.routes import Ask, route, view
from sandbox.stripe.store import Tx

_EMPTY_NEEDS: Json = {
    "alternatives": [],
    "current_deadline": None,
    "currently_due": [],
    "disabled_reason": None,
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}
_EXPRESS = {
    "type": "application",
    "is_controller": True,
    "fees": {"payer": "application_express"},
    "losses": {"payments": "application"},
    "requirement_collection": "stripe",
    "stripe_dashboard": {"type": "express"},
}


@route("POST", "/v1/accounts", "AccountCreateParams")
def create_account(tx: Tx, ask: Ask) -> Json:
    """An account of the old kind; `type=express`, or controller properties that mean the same."""
    if ask.get("type") and ask.get("controller"):
        raise invalid("You may not provide both `type` and `controller`.", param="type")
    doc = connected.create(tx, **new_fields(tx, v2=False))
    doc = tx.put("connected", _with(tx, doc, ask))
    return _shown(tx, doc)


@route("GET", "/v1/accounts/{account}", "AccountRetrieveParams")
def retrieve_account(tx: Tx, ask: Ask) -> Json:
    """One connected account, or the platform itself under its own id."""
    if ask.args["account"] == tx.account:
        return platform(tx)
    return _shown(tx, reachable(tx, ask.args["account"]))


@route("GET", "/v1/account", "AccountRetrieveCurrentParams")
def retrieve_own_account(tx: Tx, ask: Ask) -> Json:
    """The account that the key (or the Stripe-Account header) belongs to."""
    return platform(tx)


@route("POST", "/v1/accounts/{account}", "AccountUpdateParams")
def update_account(tx: Tx, ask: Ask) -> Json:
    """Change what is given."""
    before = reachable(tx, ask.args["account"])
    after = tx.put("connected", _with(tx, before, ask))
    tell(tx, before, after)
    return _shown(tx, after)


@route("GET", "/v1/accounts", "AccountListParams")
def list_accounts(tx: Tx, ask: Ask) -> Json:
    """Newest first; closed ones are not listed."""
    return page(tx, ask, (doc for doc in tx.where("connected") if doc["status"] != "closed"))


@route("DELETE", "/v1/accounts/{account}", "AccountDeleteParams")
def delete_account(tx: Tx, ask: Ask) -> Json:
    """Close a connected account; the platform loses access to it."""
    doc = reachable(tx, ask.args["account"])
    move(tx, doc["id"], "closed")
    tx.on(doc["id"]).emit(
        "account.application.deauthorized", {"id": f"ca_{doc['id'][5:]}", "object": "application", "name": None}
    )
    return {"id": doc["id"], "object": "account", "deleted": True}


@route("GET", "/v1/accounts/{account}/capabilities", "AccountListCapabilitiesParams")
def list_capabilities(tx: Tx, ask: Ask) -> Json:
    """The one capability that we know of: transfers."""
    doc = reachable(tx, ask.args["account"])
    return {"object": "list", "url": ask.path, "has_more": False, "data": [capability(doc)]}


@route("GET", "/v1/accounts/{account}/capabilities/{capability}", "AccountRetrieveCapabilityParams")
def retrieve_capability(tx: Tx, ask: Ask) -> Json:
    """`transfers`; there is no other."""
    doc = reachable(tx, ask.args["account"])
    if ask.args["capability"] != "transfers":
        raise StripeError(
            404, f"No such capability: '{ask.args['capability']}'", "resource_missing", param="capability"
        )
    return capability(doc)


@route("POST", "/v1/accounts/{account}/login_links", "AccountCreateLoginLinkParams")
def create_login_link(tx: Tx, ask: Ask) -> Json:
    """A link to the Express dashboard, once onboarding was begun."""
    doc = reachable(tx, ask.args["account"])
    if not doc["_submitted"]:
        raise invalid("Cannot create a login link for an account that has not completed onboarding.")
    return {"object": "login_link", "created": tx.now, "url": link(tx, f"/express/{doc['id']}")}


@view("account")
def v1_view(tx: Tx, doc: Json) -> Json:
    """The v1 form of a connected account; what is already in that form stays as it is."""
    if "_requested" not in doc:
        return doc
    bank, state = doc["_bank"], standing(doc)
    needs = {
        **_EMPTY_NEEDS,
        "currently_due": due(doc),
        "eventually_due": due(doc),
        "past_due": due(doc),
        "pending_verification": [*state.pending],
        "disabled_reason": state.disabled_reason,
    }
    return {
        "id": doc["id"],
        "object": "account",
        "business_profile": {"mcc": None, "name": doc["_name"], "product_description": None, "url": doc.get("_url")},
        "business_type": doc["_business_type"],
        "capabilities": {"transfers": doc["transfers"]} if doc["_requested"] else {},
        "charges_enabled": False,
        "controller": _EXPRESS,
        "country": doc["country"],
        "created": doc["created"],
        "default_currency": "usd",
        "details_submitted": doc["_submitted"],
        "email": doc["_email"],
        "external_accounts": {
            "object": "list",
            "data": [bank] if bank else [],
            "has_more": False,
            "url": f"/v1/accounts/{doc['id']}/external_accounts",
        },
        "future_requirements": dict(_EMPTY_NEEDS),
        "metadata": doc["metadata"],
        "payouts_enabled": doc["payouts_enabled"],
        "requirements": needs,
        "settings": _settings(doc["_name"]),
        "tos_acceptance": {"date": doc["created"] if doc["_submitted"] else None},
        "type": "express",
    }


def platform(tx: Tx) -> Json:
    """The platform's own account: everything allowed."""
    return {
        "id": tx.account,
        "object": "account",
        "business_profile": {"mcc": None, "name": "Sandbox platform", "product_description": None, "url": None},
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "metadata": {},
        "payouts_enabled": True,
        "settings": _settings("Sandbox platform"),
        "type": "standard",
    }


def reachable(tx: Tx, id: str) -> Json:
    """A connected account of this platform that is open; raises the provider's 403 for all others."""
    doc = tx.find("connected", id)
    if doc is None or doc["status"] == "closed":
        raise StripeError(
            403,
            f"The provided key does not have access to account '{id}' (or that account does not exist). "
            "Application access may have been revoked.",
            "account_invalid",
        )
    return doc


def new_fields(tx: Tx, *, v2: bool) -> dict[str, Any]:
    """Our own keys of a connected account, as they begin."""
    return {
        "status": "new",
        "transfers": "inactive",
        "payouts_enabled": False,
        "country": "US",
        "metadata": {},
        "_v2": v2,
        "_requested": False,
        "_submitted": False,
        "_bank": None,
        "_bank_failed": False,
        "_name": None,
        "_email": None,
        "_business_type": None,
    }


def _shown(tx: Tx, doc: Json) -> Json:
    return shown(tx, doc)


def _with(tx: Tx, doc: Json, ask: Ask) -> Json:
    profile, individual = ask.get("business_profile", {}), ask.get("individual", {})
    person = " ".join(filter(None, (individual.get("first_name"), individual.get("last_name"))))
    wanted = ask.get("capabilities", {}).get("transfers", {}).get("requested", doc["_requested"])
    return {
        **doc,
        "country": ask.get("country", doc["country"]),
        "metadata": merged_metadata(doc["metadata"], ask.params.get("metadata")),
        "transfers": standing(doc).transfers if wanted else "inactive",
        "_requested": wanted,
        "_name": profile.get("name") or person or doc["_name"],
        "_url": profile.get("url") or doc.get("_url"),
        "_email": ask.get("email", doc["_email"]),
        "_business_type": ask.get("business_type", doc["_business_type"]),
    }


def _settings(name: str | None) -> Json:
    return {
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": name, "timezone": "Etc/UTC"},
        "payments": {
            "statement_descriptor": None,
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
        },
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": 2, "interval": "daily"},
            "statement_descriptor": None,
        },
    }
