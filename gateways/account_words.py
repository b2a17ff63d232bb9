"""What the provider wants of a cleaner, and why it stops an account, in words for people (R172)."""

from collections.abc import Mapping

WANTED: Mapping[str, str] = {
    "external_account": "bank account",
    "default_outbound_destination": "bank account",
    "verification.document": "proof of identity",
    "verification.additional_document": "a second proof of identity or address",
    "documents.primary_verification": "proof of identity",
    "documents.secondary_verification": "a second proof of identity or address",
    "ssn_last_4": "tax number",
    "id_number": "tax number",
    "id_numbers": "tax number",
    "tax_id": "tax number",
    "dob": "date of birth",
    "date_of_birth": "date of birth",
    "first_name": "legal name",
    "last_name": "legal name",
    "given_name": "legal name",
    "surname": "legal name",
    "address": "address",
    "email": "email address",
    "phone": "phone number",
    "tos_acceptance": "consent to the provider's terms",
    "terms_of_service": "consent to the provider's terms",
    "business_profile": "what the business does",
    "business_url": "what the business does",
    "mcc": "what the business does",
}
"""By the part of the provider's name that says it; the longest that occurs counts."""
REASONS: Mapping[str, str] = {
    "rejected": "The payment provider has rejected the account; only its own support can say more.",
    "listed": "The payment provider is comparing the account with its lists.",
    "under_review": "The payment provider is looking at the account.",
    "pending_verification": "The payment provider is checking what was given.",
    "past_due": "Something that the payment provider asked for is overdue.",
    "platform_paused": "The business has paused the account.",
    "unsupported": "The payment provider does not pay to this country or kind of account.",
}
OTHER = "The payment provider has stopped the account; its support can say why."


def requirement_words(name: str) -> str:
    """A requirement as `individual.verification.document` in words; one that we do not know by its last parts."""
    known = [part for part in WANTED if f".{part}." in f".{name}."]
    if known:
        return WANTED[max(known, key=len)]
    return " ".join(name.split(".")[-2:]).replace("_", " ")


def reason_words(code: str) -> str:
    """Why an account is stopped, in a sentence."""
    return next((words for part, words in REASONS.items() if part in code), OTHER)
