"""The control API under /__sandbox/: what tests and people do that no client of the provider can."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sandbox.stripe import Json
from sandbox.stripe.edge import platform_id
from sandbox.stripe.errors import StripeError
from sandbox.stripe.faults import KINDS
from sandbox.stripe.routes import CONTROLS, control

if TYPE_CHECKING:
    from sandbox.stripe.sandbox import Sandbox

_PAGE = 1000


def find(method: str, path: str) -> tuple[Callable[..., Any], dict[str, str]]:
    """The action of a request below /__sandbox/."""
    # Fixed words win over templates.
    for (known, template), handler in sorted(CONTROLS.items(), key=lambda item: item[0][1].count("{")):
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
        if found and known == method:
            return handler, found.groupdict()
    raise StripeError(404, f"No control action {method} /__sandbox/{path}")


def query(text: str) -> Json:
    """A query's fields."""
    return dict(parse_qsl(text))


@control("GET", "health")
def health(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """Whether it runs."""
    return {"ok": True, "journal": sandbox.journal.seq, "contract": sandbox.contract.is_given}


@control("GET", "clock")
def read_clock(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """`{now, offset, frozen_at}`."""
    return {"now": sandbox.clock.now(), **sandbox.clock.state()}


@control("POST", "clock")
def move_clock(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """`{set: unix}` or `{advance_seconds: n}`; `{freeze: true|false}` stops and starts it."""
    if "freeze" in body:
        sandbox.freeze(body["freeze"])
    if "set" in body:
        sandbox.set_clock(body["set"])
    if "advance_seconds" in body:
        sandbox.advance(body["advance_seconds"])
    return {"now": sandbox.clock.now(), **sandbox.clock.state()}


@control("POST", "faults")
def add_faults(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """`{rules: [{kind, method, path, nth, probability, seed, times, seconds}]}`, added to those there are."""
    for rule in body.get("rules", []):
        sandbox.faults.add(rule)
    return {"rules": len(sandbox.faults.rules), "kinds": list(KINDS)}


@control("GET", "faults")
def read_faults(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """The rules, and how often each has struck."""
    rules = [
        {"kind": rule.kind, "method": rule.method, "path": rule.path, "seen": rule.seen, "done": rule.done}
        for rule in sandbox.faults.rules
    ]
    return {"rules": rules, "kinds": list(KINDS)}


@control("DELETE", "faults")
def clear_faults(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """No faults any more."""
    sandbox.faults.clear()
    return {"rules": []}


@control("POST", "webhooks")
async def webhooks(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """Any of `{hold, shuffle: bool, duplicate: 0..1, replay: "all" | [event ids], rotate: endpoint id, deliver: true}`.

    `deliver` sends all that waits, also when held and whatever its retry time.
    """
    courier = sandbox.courier
    answer: Json = {}
    if "hold" in body:
        courier.held = bool(body["hold"])
    if "shuffle" in body:
        courier.shuffled = bool(body["shuffle"])
    if "duplicate" in body:
        courier.duplicated = float(body["duplicate"])
    if "replay" in body:
        answer["replayed"] = courier.replay(None if body["replay"] == "all" else body["replay"])
    if "rotate" in body:
        answer["secret"] = courier.rotate(body["rotate"])
    if body.get("deliver"):
        answer["delivered"] = await courier.deliver_due(even_if_held=True, everything=True)
    return {
        **answer,
        "hold": courier.held,
        "shuffle": courier.shuffled,
        "duplicate": courier.duplicated,
        "pending": len(courier.pending()),
    }


@control("GET", "journal")
def journal(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """`?after=<seq>&limit=<n>`: the lines that follow, and whether there are more."""
    limit = int(body.get("limit", _PAGE))
    lines = []
    for line in sandbox.journal.after(int(body.get("after", 0))):
        lines.append(line)
        if len(lines) > limit:
            break
    return {"lines": lines[:limit], "has_more": len(lines) > limit, "seq": sandbox.journal.seq}


@control("GET", "statistics")
def statistics(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """Requests validated, answers validated, violations."""
    return {
        **sandbox.edge.statistics,
        "contract": sandbox.contract.is_given,
        "contract_requests_validated": sandbox.contract.requests,
        "answers_validated": sandbox.contract.answers,
        "violations": sandbox.contract.violations,
    }


@control("GET", "settings")
def read_settings(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """auto_payout, rate_cap, signature_clock."""
    return sandbox.settings


@control("POST", "settings")
def change_settings(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """Change some of them."""
    return sandbox.configure(body)


@control("GET", "platforms/{name}")
def platform(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """The account behind `sk_test_<name>`."""
    return {"id": platform_id(args["name"])}


@control("POST", "settle")
def settle(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """Make all pending money available now, without moving the clock; `{account}` for one account only."""
    settled = 0
    for account, collections in list(sandbox.store.accounts.items()):
        if body.get("account", account) != account:
            continue
        waiting = [due for due in collections.get("timers", {}).values() if due["kind"] == "settle_transaction"]
        for due in waiting:
            sandbox.run_now(account, due["id"])
            settled += 1
    return {"settled": settled}
