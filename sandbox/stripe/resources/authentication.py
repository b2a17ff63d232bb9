"""What the customer's browser does: the bank's page, and confirming with a client secret (no secret key)."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sandbox.stripe import Json
from sandbox.stripe.attempts import authenticated
from sandbox.stripe.errors import StripeError, missing
from sandbox.stripe.hosted import Reply, Visit, choices, document, gone, hosted, redirect
from sandbox.stripe.present import shown
from sandbox.stripe.resources.intents import confirm_intent
from sandbox.stripe.resources.setup_intents import authenticated_setup, confirm_setup
from sandbox.stripe.routes import Ask, control

if TYPE_CHECKING:
    from sandbox.stripe.sandbox import Sandbox

_TITLE = "Confirm your payment"


@control("POST", "intents/{id}/authenticate")
def authenticate(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """`{ok: bool}`: the customer passes (or fails) the bank's page of a payment or setup intent."""
    return _authenticate(sandbox, args["id"], ok=bool(body.get("ok", True)))


@control("POST", "intents/{id}/confirm")
def confirm_in_browser(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """`{client_secret, payment_method, return_url}`: what the provider's script does on our page, on session.

    Answers the intent, also after a decline (then with `last_payment_error`); 402 bodies are the provider's.
    """
    account, collection, intent = _intent(sandbox, args["id"])
    if body.get("client_secret") != intent["client_secret"]:
        raise StripeError(400, "The client_secret does not match the intent.", param="client_secret")
    params = {name: body[name] for name in ("payment_method", "return_url", "setup_future_usage") if body.get(name)}
    params.setdefault("return_url", "https://stripe.sandbox/done")
    ask = Ask("POST", "", params, {"intent": intent["id"]})
    with sandbox.tx(account, "browser: confirm") as tx:
        return confirm_intent(tx, ask) if collection == "payment_intents" else confirm_setup(tx, ask)


@hosted("GET", "/authenticate/{secret}")
def show_page(sandbox: "Sandbox", visit: Visit) -> Reply:
    """The bank's page: complete or fail."""
    intent = _by_secret(sandbox, visit)
    if intent is None or intent["status"] != "requires_action":
        return gone(_TITLE)
    buttons = choices("", "outcome", {"complete": "Complete authentication", "fail": "Fail authentication"})
    return document(_TITLE, f"<p>Your bank asks you to confirm this.</p>{buttons}")


@hosted("POST", "/authenticate/{secret}")
def press_button(sandbox: "Sandbox", visit: Visit) -> Reply:
    """Go on to return_url, as the provider does."""
    intent = _by_secret(sandbox, visit)
    if intent is None or intent["status"] != "requires_action":
        return gone(_TITLE)
    back = intent["next_action"].get("redirect_to_url", {}).get("return_url")
    after = _authenticate(sandbox, intent["id"], ok=visit.form.get("outcome") == "complete")
    if not back:
        return document(_TITLE, "<p>Done. You may close this page.</p>")
    kind = after["object"]
    done = after["status"] in {"succeeded", "requires_capture", "processing"}
    words = {
        kind: after["id"],
        f"{kind}_client_secret": after["client_secret"],
        "redirect_status": "succeeded" if done else "failed",
    }
    return redirect(f"{back}{'&' if '?' in back else '?'}{urlencode(words)}")


def _authenticate(sandbox: "Sandbox", id: str, *, ok: bool) -> Json:
    account, collection, intent = _intent(sandbox, id)
    with sandbox.tx(account, "browser: authenticate") as tx:
        if intent["status"] != "requires_action":
            raise StripeError(400, f"Nothing to authenticate: the intent is {intent['status']}.")
        if collection == "payment_intents":
            return shown(tx, authenticated(tx, intent, ok=ok))
        return shown(tx, authenticated_setup(tx, intent, ok=ok))


def _intent(sandbox: "Sandbox", id: str) -> tuple[str, str, Json]:
    account, collection = sandbox.store.whereabouts(id) or ("", "")
    if collection not in {"payment_intents", "setup_intents"}:
        raise missing("payment_intent", id)
    return account, collection, sandbox.store.collection(account, collection)[id]


def _by_secret(sandbox: "Sandbox", visit: Visit) -> Json | None:
    secret = visit.args["secret"]
    try:
        _, _, intent = _intent(sandbox, secret.partition("_secret_")[0])
    except StripeError:
        return None
    return intent if intent["client_secret"] == secret else None
