"""Links to onboarding (v1 and v2) and the page they lead to: single use, short-lived by the sandbox's clock."""

from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.hosted import Reply, Visit, choices, document, gone, hosted, link, redirect
from sandbox.stripe.resources.account_states import due, iso, move
from sandbox.stripe.resources.accounts import reachable
from sandbox.stripe.resources.accounts_v2 import reachable_v2
from sandbox.stripe.routes import Ask, control, route
from sandbox.stripe.store import Tx

LIFETIME = 300
"""Seconds that a link can be opened; once open, its page may be used for VISIT seconds."""
VISIT = 3600
BUTTONS = {"complete": "Complete", "documents": "Needs documents", "reject": "Reject"}
_STATES = {"complete": "active", "documents": "restricted", "reject": "rejected"}


@route("POST", "/v1/account_links", "AccountLinkCreateParams")
def create_link(tx: Tx, ask: Ask) -> Json:
    """A link for an account of either version; hosted onboarding needs both addresses."""
    doc = reachable(tx, ask.params["account"])
    for name in ("refresh_url", "return_url"):
        if not ask.get(name):
            raise invalid(f"Missing required param: {name}.", "parameter_missing", name)
    made = _make(tx, doc["id"], ask.params["refresh_url"], ask.params["return_url"], v2=False)
    return {
        "object": "account_link",
        "created": made["created"],
        "expires_at": made["expires_at"],
        "url": made["_url"],
    }


@route("POST", "/v2/core/account_links", "v2.core.AccountLinkCreateParams")
def create_link_v2(tx: Tx, ask: Ask) -> Json:
    """The same in v2: the addresses are inside the use case."""
    doc = reachable_v2(tx, ask.params["account"])
    if doc["status"] == "closed":
        raise StripeError(400, f"Account {doc['id']} is closed.", "account_closed")
    kind = ask.params["use_case"]["type"]
    case: Json | None = ask.params["use_case"].get(kind)
    if case is None:
        raise invalid(f"use_case.{kind} is required.", "parameter_missing", f"use_case.{kind}")
    made = _make(tx, doc["id"], case["refresh_url"], case.get("return_url"), v2=True)
    return {
        "object": "v2.core.account_link",
        "account": doc["id"],
        "created": iso(made["created"]),
        "expires_at": iso(made["expires_at"]),
        "livemode": False,
        "url": made["_url"],
        # Not in a request any more, but answers of this version may still carry it.
        "use_case": {"type": kind, kind: {"configurations": ["recipient"], **case}},
    }


@hosted("GET", "/connect/onboarding/{link}")
def open_onboarding(sandbox: Any, visit: Visit) -> Reply:
    """The onboarding page; an expired or already opened link leads to its refresh_url."""
    made = _find(sandbox, visit.args["link"])
    if made is None:
        return gone("Onboarding")
    account, doc = made
    with sandbox.tx(account, "page: onboarding opened") as tx:
        if doc["_opened_at"] is not None or tx.now >= doc["expires_at"]:
            return redirect(doc["_refresh_url"])
        person = tx.find("connected", doc["_account"])
        if person is None or person["status"] == "closed":
            return gone("Onboarding", "This account is closed.")
        secret = tx.new_id("visit")
        tx.change("account_links", doc["id"], _opened_at=tx.now, _visit=secret)
    name = person["_name"] or person["_email"] or person["id"]
    wanted = "".join(f"<li>{item}</li>" for item in due(person))
    form = choices(f"/connect/onboarding/{doc['id']}", "choice", BUTTONS, {"visit": secret})
    return document(f"Onboarding of {name}", f"<p>Stripe sandbox. Account {person['id']}.</p><ul>{wanted}</ul>{form}")


@hosted("POST", "/connect/onboarding/{link}")
def finish_onboarding(sandbox: Any, visit: Visit) -> Reply:
    """A button of the page: the account moves, the browser goes back to return_url. Each page counts once."""
    made = _find(sandbox, visit.args["link"])
    if made is None:
        return gone("Onboarding")
    account, doc = made
    choice = _STATES.get(visit.form.get("choice", ""))
    with sandbox.tx(account, "page: onboarding finished") as tx:
        live = doc["_visit"] is not None and visit.form.get("visit") == doc["_visit"]
        if not live or choice is None or tx.now >= doc["_opened_at"] + VISIT:
            return redirect(doc["_refresh_url"])
        tx.change("account_links", doc["id"], _visit=None)
        person = move(tx, doc["_account"], choice)
        if person["_v2"]:
            related = {"id": person["id"], "type": "v2.core.account", "url": f"/v2/core/accounts/{person['id']}"}
            tx.emit_thin("v2.core.account_link.returned", related, {"account_id": person["id"]})
    if doc["_return_url"]:
        return redirect(doc["_return_url"])
    return document("Onboarding", "<p>Done. You may close this page.</p>")


@control("POST", "accounts/{id}")
def set_status(sandbox: Any, args: dict[str, str], body: Json) -> Json:
    """`{status: active|restricted|rejected|pending|new|closed}`: what the provider decides, at any time."""
    return _moved(sandbox, args["id"], body.get("status", "active"))


@control("POST", "accounts/{id}/onboarding")
def complete_onboarding(sandbox: Any, args: dict[str, str], body: Json) -> Json:
    """`{choice: complete|documents|reject}`: the buttons of the page without a browser."""
    choice = body.get("choice", "complete")
    if choice not in _STATES:
        raise invalid(f"No such choice: {choice}", param="choice")
    return _moved(sandbox, args["id"], _STATES[choice])


def _moved(sandbox: Any, id: str, status: str) -> Json:
    place = sandbox.store.whereabouts(id)
    if place is None or place[1] != "connected":
        raise StripeError(404, f"No such account: '{id}'", "resource_missing")
    if status not in {"new", "pending", "active", "restricted", "rejected", "closed"}:
        raise invalid(f"No such status: {status}", param="status")
    with sandbox.tx(place[0], f"control: account {status}") as tx:
        doc = move(tx, id, status)
    return {"id": id, "status": doc["status"], "transfers": doc["transfers"], "payouts_enabled": doc["payouts_enabled"]}


def _make(tx: Tx, account: str, refresh_url: str, return_url: str | None, *, v2: bool) -> Json:
    id = tx.new_id("acctlink")
    return tx.put(
        "account_links",
        {
            "id": id,
            "object": "account_link",
            "created": tx.now,
            "expires_at": tx.now + LIFETIME,
            "_account": account,
            "_url": link(tx, f"/connect/onboarding/{id}"),
            "_refresh_url": refresh_url,
            "_return_url": return_url,
            "_opened_at": None,
            "_visit": None,
            "_v2": v2,
        },
    )


def _find(sandbox: Any, id: str) -> tuple[str, Json] | None:
    place = sandbox.store.whereabouts(id)
    if place is None or place[1] != "account_links":
        return None
    return place[0], sandbox.store.collection(*place)[id]
