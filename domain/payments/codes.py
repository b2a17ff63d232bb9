"""The provider's codes by what they mean for us: the one table from which every refusal is judged (R170, R172, A36)."""

from collections.abc import Mapping

HELD_CODES = frozenset(
    {
        "account_closed",
        "account_invalid",
        "capability_not_active",
        "capability_not_enabled",
        "insufficient_capabilities_for_transfer",
        "no_account",
        "transfers_not_allowed",
    }
)
"""The destination cannot be paid (R172)."""
RETRY_CODES = frozenset(
    {
        "never_done",  # our own: sent long ago, and nowhere to be found
        "balance_insufficient",
        "card_decline_rate_limit_exceeded",
        "payment_intent_rate_limit_exceeded",
        "payment_method_provider_timeout",
    }
)
"""Not now, and nothing is wrong with whom it is for."""
STATE_CODES = frozenset(
    {
        "capture_charge_authorization_expired",
        "charge_already_captured",
        "charge_already_refunded",
        "charge_disputed",
        "charge_expired_for_capture",
        "charge_not_refundable",
        "intent_invalid_state",
        "payment_intent_unexpected_state",
        "payment_method_unexpected_state",
        "refund_disputed_payment",
        "resource_already_exists",
        "setup_intent_unexpected_state",
        "status_transition_invalid",
    }
)
"""The object is further than we thought, or elsewhere."""
DECLINE_CODES = frozenset(
    {
        "authentication_required",
        "card_declined",
        "expired_card",
        "expired_payment_method",
        "incorrect_cvc",
        "incorrect_number",
        "incorrect_zip",
        "insufficient_funds",
        "invalid_cvc",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "invalid_number",
        "payment_intent_authentication_failure",
        "payment_intent_payment_attempt_failed",
        "payment_method_customer_decline",
        "payment_method_provider_decline",
        "processing_error",
        "setup_attempt_failed",
        "setup_intent_authentication_failure",
    }
)
"""The card, or who holds it, said no."""
UNUSABLE = frozenset(
    {
        "card_not_supported",
        "fraudulent",
        "highest_risk_level",
        "invalid_account",
        "lost_card",
        "merchant_blacklist",
        "not_permitted",
        "pickup_card",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "security_violation",
        "service_not_allowed",
        "stolen_card",
        "stop_payment_order",
        "testmode_decline",
        "transaction_not_allowed",
    }
)
"""Of these a card does not recover: it is not asked again."""
CARD_DATA = frozenset(
    {
        "expired_card",
        "expired_payment_method",
        "incorrect_address",
        "incorrect_cvc",
        "incorrect_number",
        "incorrect_pin",
        "incorrect_zip",
        "invalid_cvc",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "invalid_number",
        "invalid_pin",
        "new_account_information_available",
    }
)
"""What the customer can put right."""
AUTHENTICATION = frozenset(
    {
        "authentication_not_handled",
        "authentication_required",
        "offline_pin_required",
        "online_or_offline_pin_required",
        "payment_intent_authentication_failure",
        "setup_intent_authentication_failure",
    }
)
"""What only the customer can do, present."""
SAID_PLAINLY: Mapping[str, str] = {
    "authentication_required": "Your bank wants you to confirm this payment.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The security code of the card is wrong.",
    "incorrect_number": "The number of the card is wrong.",
    "incorrect_zip": "The postal code does not belong to the card.",
    "insufficient_funds": "The card has not enough money on it.",
    "processing_error": "The card could not be asked just now.",
}
"""What may be told to a customer; of every other code only that the bank has declined."""
