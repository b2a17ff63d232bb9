"""The test cards: what each does when it is attached, set up, and charged."""

from dataclasses import dataclass, replace

from sandbox.stripe import Json
from sandbox.stripe.clock import DAY, HOUR
from sandbox.stripe.store import digest


@dataclass(frozen=True)
class Decline:
    """Why an issuer says no; `advice` and `network` as the provider passes them on."""

    code: str
    decline_code: str | None
    message: str
    advice: str | None = None
    network: str | None = None
    is_blocked: bool = False

    def fields(self) -> Json:
        """The error's fields beside its message."""
        return {
            "decline_code": self.decline_code,
            "advice_code": self.advice,
            "network_decline_code": self.network,
        }


_DECLINED = "Your card was declined."
DECLINES = {
    "generic_decline": Decline("card_declined", "generic_decline", _DECLINED, "try_again_later", "05"),
    "insufficient_funds": Decline(
        "card_declined", "insufficient_funds", "Your card has insufficient funds.", "try_again_later", "51"
    ),
    "lost_card": Decline("card_declined", "lost_card", _DECLINED, "do_not_try_again", "41"),
    "stolen_card": Decline("card_declined", "stolen_card", _DECLINED, "do_not_try_again", "43"),
    "pickup_card": Decline("card_declined", "pickup_card", _DECLINED, "do_not_try_again", "04"),
    "revocation_of_authorization": Decline(
        "card_declined", "revocation_of_authorization", _DECLINED, "do_not_try_again", "R1"
    ),
    "do_not_honor": Decline("card_declined", "do_not_honor", _DECLINED, "try_again_later", "05"),
    "try_again_later": Decline("card_declined", "try_again_later", _DECLINED, "try_again_later", "91"),
    "card_velocity_exceeded": Decline(
        "card_declined",
        "card_velocity_exceeded",
        "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
        "try_again_later",
        "61",
    ),
    "fraudulent": Decline("card_declined", "fraudulent", _DECLINED, "do_not_try_again", None, is_blocked=True),
    "expired_card": Decline("expired_card", None, "Your card has expired.", "confirm_card_data", "54"),
    "incorrect_cvc": Decline("incorrect_cvc", None, "Your card's security code is incorrect.", "confirm_card_data"),
    "processing_error": Decline(
        "processing_error",
        None,
        "An error occurred while processing your card. Try again in a little bit.",
        "try_again_later",
    ),
    "authentication_required": Decline(
        "authentication_required",
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    ),
}


@dataclass(frozen=True)
class Card:
    """One test card. `declines`: each charge; `attaches`: whether it can be saved at all.

    `authentication`: None, "always" (every off-session attempt is refused) or "setup" (fine later, if set up).
    `after`: what happens to a charge: dispute, inquiry, bypass_pending, refund_pending, refund_fails.
    """

    last4: str
    brand: str = "visa"
    funding: str = "credit"
    declines: str | None = None
    attaches: bool = True
    authentication: str | None = None
    after: str | None = None


_VISA = Card("4242")
CARDS = {
    "visa": _VISA,
    "visa_debit": Card("5556", funding="debit"),
    "mastercard": Card("4444", "mastercard"),
    "mastercard_debit": Card("8210", "mastercard", funding="debit"),
    "mastercard_prepaid": Card("5100", "mastercard", funding="prepaid"),
    "amex": Card("0005", "amex"),
    "discover": Card("1117", "discover"),
    "chargeDeclined": Card("0002", declines="generic_decline", attaches=False),
    "chargeDeclinedInsufficientFunds": Card("9995", declines="insufficient_funds", attaches=False),
    "chargeDeclinedLostCard": Card("9987", declines="lost_card", attaches=False),
    "chargeDeclinedStolenCard": Card("9979", declines="stolen_card", attaches=False),
    "chargeDeclinedExpiredCard": Card("0069", declines="expired_card", attaches=False),
    "chargeDeclinedIncorrectCvc": Card("0127", declines="incorrect_cvc", attaches=False),
    "chargeDeclinedProcessingError": Card("0119", declines="processing_error", attaches=False),
    "chargeDeclinedVelocityLimitExceeded": Card("6975", declines="card_velocity_exceeded", attaches=False),
    "chargeDeclinedFraudulent": Card("0019", declines="fraudulent"),
    "radarBlock": Card("0019", declines="fraudulent"),
    "chargeCustomerFail": Card("0341", declines="generic_decline"),
    "authenticationRequired": Card("3184", authentication="always"),
    "authenticationRequiredOnSetup": Card("3155", authentication="setup"),
    "authenticationRequiredChargeDeclinedInsufficientFunds": Card(
        "8260", authentication="always", declines="insufficient_funds"
    ),
    "createDispute": Card("0259", after="dispute"),
    "createDisputeInquiry": Card("1976", after="inquiry"),
    "bypassPending": Card("0077", after="bypass_pending"),
    "pendingRefund": Card("7726", after="refund_pending"),
    "refundFail": Card("5126", after="refund_fails"),
}
"""By the name after `pm_card_` or `tok_`; `visa_` before `charge...` is left out."""

NUMBERS = {
    "4242424242424242": "visa",
    "4000056655665556": "visa_debit",
    "5555555555554444": "mastercard",
    "378282246310005": "amex",
    "6011111111111117": "discover",
    "4000000000000002": "chargeDeclined",
    "4000000000009995": "chargeDeclinedInsufficientFunds",
    "4000000000009987": "chargeDeclinedLostCard",
    "4000000000009979": "chargeDeclinedStolenCard",
    "4000000000000069": "chargeDeclinedExpiredCard",
    "4000000000000127": "chargeDeclinedIncorrectCvc",
    "4000000000000119": "chargeDeclinedProcessingError",
    "4000000000000341": "chargeCustomerFail",
    "4000000000000019": "radarBlock",
    "4000002760003184": "authenticationRequired",
    "4000002500003155": "authenticationRequiredOnSetup",
    "4000008260003178": "authenticationRequiredChargeDeclinedInsufficientFunds",
    "4000000000000259": "createDispute",
    "4000000000001976": "createDisputeInquiry",
    "4000000000000077": "bypassPending",
    "4000000000007726": "pendingRefund",
    "4000000000005126": "refundFail",
}

CUSTOMER_HOLD = 7 * DAY
MERCHANT_HOLD = {"visa": 4 * DAY + 18 * HOUR}
"""How long a hold lives that the merchant began; other brands as for customers."""


def card_named(name: str) -> Card | None:
    """The card of `pm_card_<name>` or `tok_<name>`."""
    return CARDS.get(name) or CARDS.get(name.removeprefix("visa_").removeprefix("mastercard_"))


def card_of(method: Json) -> Card:
    """What a stored payment method does now: its test card, changed by the control API perhaps."""
    card = CARDS[method["_card"]]
    override = method.get("_outcome")
    if override is None:
        return card
    if override["outcome"] == "ok":
        return replace(card, declines=None, authentication=None)
    if override["outcome"] == "authentication_required":
        return replace(card, declines=None, authentication="always")
    return replace(card, declines=override["outcome"], authentication=None)


def hold_seconds(brand: str, merchant_initiated: bool) -> int:
    """How long an authorization lives."""
    return MERCHANT_HOLD.get(brand, CUSTOMER_HOLD) if merchant_initiated else CUSTOMER_HOLD


def card_fields(name: str, year: int) -> Json:
    """The `card` of a payment method."""
    card = CARDS[name]
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": card.brand,
        "exp_month": 12,
        "exp_year": year + 4,
        "fingerprint": digest("fingerprint", name, length=16),
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
