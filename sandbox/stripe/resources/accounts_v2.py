"""Connected accounts as v2 makes and shows them: a recipient whose readiness is a capability's status."""

from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.errors import StripeError, refused
from sandbox.stripe.present import merged_metadata
from sandbox.stripe.resources import connected
from sandbox.stripe.resources.account_states import due, iso, move, standing, tell
from sandbox.stripe.resources.accounts import new_fields
from sandbox.stripe.routes import Ask, route
from sandbox.stripe.store import Tx

_BUSINESS_TYPES = {"company": "company", "individual": "individual", "government_entity": "government_entity"}
_DESCRIPTIONS = {"external_account": "configuration.recipient.default_outbound_destination"}
DEFAULT_PAGE = 20


@route("POST", "/v2/core/accounts", "v2.core.AccountCreateParams")
def create_account(tx: Tx, ask: Ask) -> Json:
    """Create; the Express dashboard needs the platform to bear fees and losses."""
    _ensure_makeable(ask)
    doc = connected.create(tx, **new_fields(tx, v2=True))
    doc = tx.put("connected", _with(doc, ask))
    tx.emit_thin("v2.core.account.created", _related(doc))
    return shown_v2(doc, ask)


@route("GET", "/v2/core/accounts/{id}", "v2.core.AccountRetrieveParams")
def retrieve_account(tx: Tx, ask: Ask) -> Json:
    """One account; configuration, identity, requirements and defaults only where `include` names them."""
    return shown_v2(reachable_v2(tx, ask.args["id"]), ask)


@route("POST", "/v2/core/accounts/{id}", "v2.core.AccountUpdateParams")
def update_account(tx: Tx, ask: Ask) -> Json:
    """Change what is given; capabilities may be requested or given back."""
    before = reachable_v2(tx, ask.args["id"])
    if before["status"] == "closed":
        raise refused(f"Account {before['id']} is closed.", "account_closed")
    after = tx.put("connected", _with(before, ask))
    tx.emit_thin("v2.core.account.updated", _related(after))
    tell(tx, before, after)
    return shown_v2(after, ask)


@route("POST", "/v2/core/accounts/{id}/close", "v2.core.AccountCloseParams")
def close_account(tx: Tx, ask: Ask) -> Json:
    """Close for good; the named configurations must be the applied ones."""
    doc = reachable_v2(tx, ask.args["id"])
    named = ask.get("applied_configurations")
    if named is not None and sorted(named) != _applied(doc):
        raise refused("applied_configurations must match the account's.", "configs_must_match_to_close")
    return shown_v2(move(tx, doc["id"], "closed"), ask)


@route("GET", "/v2/core/accounts", "v2.core.AccountListParams")
def list_accounts(tx: Tx, ask: Ask) -> Json:
    """Newest first, by pages; open ones unless `closed` says otherwise."""
    closed, wanted = bool(ask.get("closed", False)), set(ask.get("applied_configurations", ()))
    found = [
        doc
        for doc in tx.where("connected")
        if doc["_v2"] and (doc["status"] == "closed") == closed and wanted <= set(_applied(doc))
    ]
    return v2_page(ask, [shown_v2(doc, ask) for doc in found])


def v2_page(ask: Ask, rows: list[Json]) -> Json:
    """A v2 list: `page` is the place where it begins."""
    start, limit = int(ask.get("page", 0) or 0), int(ask.get("limit", DEFAULT_PAGE))
    following = f"{ask.path}?page={start + limit}&limit={limit}" if start + limit < len(rows) else None
    earlier = f"{ask.path}?page={max(0, start - limit)}&limit={limit}" if start else None
    return {"data": rows[start : start + limit], "next_page_url": following, "previous_page_url": earlier}


def shown_v2(doc: Json, ask: Ask) -> Json:
    """The v2 form; what `include` does not name is left out."""
    answer: Json = {
        "id": doc["id"],
        "object": "v2.core.account",
        "applied_configurations": _applied(doc),
        "closed": doc["status"] == "closed",
        "created": iso(doc["created"]),
        "dashboard": doc.get("_dashboard", "express"),
        "livemode": False,
        "metadata": doc["metadata"],
    }
    answer |= {"display_name": doc["_name"]} if doc["_name"] else {}
    answer |= {"contact_email": doc["_email"]} if doc["_email"] else {}
    included = set(ask.get("include", ()))
    if "configuration.recipient" in included and _applied(doc):
        answer["configuration"] = {"recipient": _recipient(doc)}
    if "requirements" in included:
        answer["requirements"] = _requirements(doc)
    if "future_requirements" in included:
        answer["future_requirements"] = {"entries": []}
    if "identity" in included:
        answer["identity"] = {"country": doc["country"].lower()} | (
            {"entity_type": doc["_business_type"]} if doc["_business_type"] else {}
        )
    if "defaults" in included:
        answer["defaults"] = doc.get("_defaults") or _defaults({})
    return answer


def reachable_v2(tx: Tx, id: str) -> Json:
    """A connected account that this platform made, closed ones too."""
    doc = tx.find("connected", id)
    if doc is None:
        raise StripeError(404, f"No such account: '{id}'", "not_found")
    return doc


def _ensure_makeable(ask: Ask) -> None:
    responsibilities = ask.get("defaults", {}).get("responsibilities", {})
    bears = {responsibilities.get("fees_collector"), responsibilities.get("losses_collector")}
    if ask.get("dashboard") == "express" and not bears <= {"application", "application_express"}:
        raise refused(
            "Accounts with an Express dashboard need the application to collect fees and bear losses.",
            "account_controller_express_dash_without_application_losses_or_fees",
        )
    if ask.get("configuration", {}).get("recipient") is not None and not ask.get("identity", {}).get("country"):
        raise refused("identity.country is required for this configuration.", "identity_country_required")


def _with(doc: Json, ask: Ask) -> Json:
    recipient = ask.get("configuration", {}).get("recipient")
    transfers: Any = ((recipient or {}).get("capabilities") or {}).get("stripe_balance", {}).get("stripe_transfers", {})
    wanted = transfers.get("requested", doc["_requested"])
    identity = ask.get("identity", {})
    defaults = ask.get("defaults")
    return {
        **doc,
        "country": str(identity.get("country", doc["country"])).upper(),
        "metadata": merged_metadata(doc["metadata"], ask.params.get("metadata")),
        "transfers": standing(doc).transfers if wanted else "inactive",
        "_requested": wanted,
        "_recipient": doc.get("_recipient", False) or recipient is not None,
        "_dashboard": ask.get("dashboard", doc.get("_dashboard", "none")),
        "_defaults": _defaults(defaults) if defaults else doc.get("_defaults"),
        "_name": ask.get("display_name", doc["_name"]),
        "_email": ask.get("contact_email", doc["_email"]),
        "_business_type": _BUSINESS_TYPES.get(identity.get("entity_type"), doc["_business_type"]),
    }


def _defaults(given: Json) -> Json:
    responsibilities = given.get("responsibilities", {})
    return {
        "currency": given.get("currency", "usd"),
        "responsibilities": {
            "fees_collector": responsibilities.get("fees_collector", "application"),
            "losses_collector": responsibilities.get("losses_collector", "application"),
            "requirements_collector": "stripe",
        },
    }


def _applied(doc: Json) -> list[str]:
    return ["recipient"] if doc.get("_recipient") or doc["_requested"] else []


def _recipient(doc: Json) -> Json:
    state = standing(doc)
    status = {"inactive": "restricted"}.get(state.transfers, state.transfers)
    details = [{"code": state.v2_code, "resolution": state.v2_resolution}] if state.v2_code else []
    both = {
        "payouts": {"status": status if doc["payouts_enabled"] else "restricted", "status_details": details},
        "stripe_transfers": {"status": status, "status_details": details},
    }
    return {"applied": True, "capabilities": {"stripe_balance": both} if doc["_requested"] else {}}


def _requirements(doc: Json) -> Json:
    entries = [
        {
            "awaiting_action_from": who,
            "description": _DESCRIPTIONS.get(name, name),
            "errors": [],
            "impact": {
                "restricts_capabilities": [
                    {
                        "capability": "stripe_balance.stripe_transfers",
                        "configuration": "recipient",
                        "deadline": {"status": deadline},
                    }
                ]
            },
            "minimum_deadline": {"status": deadline},
            "requested_reasons": [{"code": "routine_onboarding" if doc["status"] == "new" else "routine_verification"}],
        }
        for who, deadline, names in (
            ("user", "past_due", due(doc)),
            ("stripe", "eventually_due", standing(doc).pending),
        )
        for name in names
    ]
    summary: Json = {"summary": {"minimum_deadline": {"status": "past_due"}}} if due(doc) else {}
    return {"entries": entries, **summary}


def _related(doc: Json) -> Json:
    return {"id": doc["id"], "type": "v2.core.account", "url": f"/v2/core/accounts/{doc['id']}"}
