"""What happens to money when an intent is confirmed, authenticated, captured, cancelled, or left to expire."""

from dataclasses import dataclass

from sandbox.stripe import Json
from sandbox.stripe.cards import CARDS, DECLINES, Card, Decline, card_of
from sandbox.stripe.errors import StripeError
from sandbox.stripe.hosted import link
from sandbox.stripe.present import shown
from sandbox.stripe.resources import charges
from sandbox.stripe.resources.payment_methods import attach
from sandbox.stripe.routes import timer
from sandbox.stripe.store import Tx

_CLOSED_WORDS = {
    "confirm": "You cannot confirm this PaymentIntent because it has a status of {status}.",
    "capture": "This PaymentIntent could not be captured because it has a status of {status}. Only a PaymentIntent "
    "with one of the following statuses may be captured: requires_capture.",
    "cancel": "You cannot cancel this PaymentIntent because it has a status of {status}. Only a PaymentIntent with one "
    "of the following statuses may be canceled: requires_payment_method, requires_capture, requires_reauthorization, "
    "requires_confirmation, requires_action, processing.",
    "update": "This PaymentIntent could not be updated because it has a status of {status}.",
}


@dataclass(frozen=True)
class Attempt:
    """How an intent is confirmed."""

    off_session: bool = False
    return_url: str | None = None
    error_on_requires_action: bool = False
    use_sdk: bool = False


def attempt(tx: Tx, intent: Json, how: Attempt) -> Json:
    """Charge or authorize; raises the card's refusal (its effects stay)."""
    if intent["payment_method"] is None:
        raise StripeError(
            400,
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken.",
            "payment_intent_unexpected_state",
            payment_intent=shown(tx, intent),
        )
    method = tx.get("payment_methods", intent["payment_method"], "payment_method")
    card = _spent(tx, method)
    if card.authentication is None or (card.authentication == "setup" and method["_set_up"] and how.off_session):
        return _charged(tx, intent, method, card, off_session=how.off_session)
    if how.off_session or how.error_on_requires_action:
        return _declined(tx, intent, method, DECLINES["authentication_required"], merchant_initiated=how.off_session)
    return _asks_for_action(tx, intent, how)


def authenticated(tx: Tx, intent: Json, *, ok: bool) -> Json:
    """The customer went through (or failed) the bank's page. Never raises for a refusal of the card."""
    method = tx.get("payment_methods", intent["payment_method"])
    intent = tx.change("payment_intents", intent["id"], next_action=None, status="requires_confirmation")
    if not ok:
        return _failed_to_authenticate(tx, intent, method)
    try:
        return _charged(tx, intent, method, card_of(method), off_session=False)
    except StripeError:
        return tx.get("payment_intents", intent["id"])


def capture_intent(tx: Tx, intent: Json, amount: int) -> Json:
    """Take the money of a hold."""
    charge = tx.get("charges", intent["latest_charge"])
    charges.capture_charge(tx, charge, amount, _card_of_charge(charge), event="charge.captured")
    intent = tx.change("payment_intents", intent["id"], status="succeeded", amount_received=amount, amount_capturable=0)
    tx.emit("payment_intent.succeeded", intent)
    return intent


def cancel_intent(tx: Tx, intent: Json, reason: str | None) -> Json:
    """Give the intent up; a hold is gone."""
    intent = tx.change(
        "payment_intents",
        intent["id"],
        status="canceled",
        amount_capturable=0,
        canceled_at=tx.now,
        cancellation_reason=reason,
        next_action=None,
    )
    tx.emit("payment_intent.canceled", intent)
    return intent


@timer("expire_hold")
def expire_hold(tx: Tx, intent_id: str) -> None:
    """A hold that nobody captured in time dies: the charge expires, the intent is cancelled."""
    intent = tx.get("payment_intents", intent_id)
    charge = tx.find("charges", intent["latest_charge"])
    if intent["status"] != "requires_capture" or charge is None:
        return
    # An earlier attempt's timer must not end a later hold.
    if charge["payment_method_details"]["card"]["capture_before"] > tx.at:
        return
    tx.emit("charge.expired", charge)
    cancel_intent(tx, intent, "expired")


def ensure_state(tx: Tx, intent: Json, allowed: tuple[str, ...], act: str) -> None:
    """Raise payment_intent_unexpected_state unless the intent is in one of these states."""
    if intent["status"] in allowed:
        return
    if act == "capture" and intent["status"] == "succeeded":
        message = "This PaymentIntent could not be captured because it has already been captured."
    else:
        message = _CLOSED_WORDS[act].format(status=intent["status"])
    raise state_error(tx, intent, message)


def state_error(tx: Tx, intent: Json, message: str) -> StripeError:
    """400 payment_intent_unexpected_state, with the intent in it."""
    return StripeError(400, message, "payment_intent_unexpected_state", payment_intent=shown(tx, intent))


def _spent(tx: Tx, method: Json) -> Card:
    """What the card does this time; an outcome set for n charges is counted down."""
    card = card_of(method)
    override = method.get("_outcome")
    if override and override["times"] is not None:
        left = override["times"] - 1
        tx.change("payment_methods", method["id"], _outcome={**override, "times": left} if left else None)
    return card


def _charged(tx: Tx, intent: Json, method: Json, card: Card, *, off_session: bool) -> Json:
    if card.declines:
        return _declined(tx, intent, method, DECLINES[card.declines], merchant_initiated=off_session)
    method = _keep_method(tx, intent, method)
    charge = charges.new_charge(tx, intent, method, decline=None, merchant_initiated=off_session)
    common = {"latest_charge": charge["id"], "last_payment_error": None, "next_action": None}
    if intent["capture_method"] == "manual":
        intent = tx.change(
            "payment_intents", intent["id"], status="requires_capture", amount_capturable=intent["amount"], **common
        )
        tx.at_time(charge["payment_method_details"]["card"]["capture_before"], "expire_hold", intent["id"])
        tx.emit("payment_intent.amount_capturable_updated", intent)
        return intent
    charges.capture_charge(tx, charge, intent["amount"], card, event="charge.succeeded")
    intent = tx.change("payment_intents", intent["id"], status="succeeded", amount_received=intent["amount"], **common)
    tx.emit("payment_intent.succeeded", intent)
    return intent


def _keep_method(tx: Tx, intent: Json, method: Json) -> Json:
    """Saved for later where the intent says so; a card that nobody owns is used up."""
    if intent["setup_future_usage"] and intent["customer"] and method["customer"] is None:
        method = attach(tx, method, intent["customer"])
    sets_up = method["_set_up"] or intent["setup_future_usage"] == "off_session"
    return tx.change("payment_methods", method["id"], _used=method["customer"] is None, _set_up=sets_up)


def _declined(tx: Tx, intent: Json, method: Json, decline: Decline, *, merchant_initiated: bool) -> Json:
    charge = charges.new_charge(tx, intent, method, decline=decline, merchant_initiated=merchant_initiated)
    error = StripeError(402, decline.message, decline.code, type="card_error", keeps=True, **decline.fields())
    error.error["charge"] = charge["id"]
    error.error["payment_method"] = shown(tx, method)
    intent = tx.change(
        "payment_intents",
        intent["id"],
        status="requires_payment_method",
        payment_method=None,
        latest_charge=charge["id"],
        last_payment_error=dict(error.error),
        next_action=None,
    )
    tx.emit("payment_intent.payment_failed", intent)
    error.error["payment_intent"] = shown(tx, intent)
    raise error


def _asks_for_action(tx: Tx, intent: Json, how: Attempt) -> Json:
    url = link(tx, f"/authenticate/{intent['client_secret']}")
    action: Json = {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": how.return_url}}
    if how.use_sdk or not how.return_url:
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}
    intent = tx.change(
        "payment_intents", intent["id"], status="requires_action", next_action=action, last_payment_error=None
    )
    tx.emit("payment_intent.requires_action", intent)
    return intent


def _failed_to_authenticate(tx: Tx, intent: Json, method: Json) -> Json:
    error: Json = {
        "type": "invalid_request_error",
        "code": "payment_intent_authentication_failure",
        "message": "We are unable to authenticate your payment method. Please choose a different payment method and "
        "try again.",
        "payment_method": shown(tx, method),
    }
    intent = tx.change(
        "payment_intents",
        intent["id"],
        status="requires_payment_method",
        payment_method=None,
        last_payment_error=error,
    )
    tx.emit("payment_intent.payment_failed", intent)
    return intent


def _card_of_charge(charge: Json) -> Card:
    return CARDS[charge["_card"]]
