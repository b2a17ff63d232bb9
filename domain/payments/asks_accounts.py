"""Asks about cleaners' accounts with the provider: made for them, and finished by them on its pages (R131, R135).

Accounts are of the provider's second kind (v2). The first kind stays for businesses whose platform was set up with it.
"""

from collections.abc import Mapping

from domain.payments.ask import Ask, Verb, checked, currency_code, given

SEEN = ("configuration.recipient", "requirements", "defaults", "identity")
"""The parts of an account that an answer of v2 holds only where they are asked for."""


def create_account(
    *, name: str, country: str, currency: str, metadata: Mapping[str, str], email: str | None = None
) -> Ask:
    """An account that a cleaner is paid to, with the provider's own small dashboard; we bear its fees and losses."""
    transfers = {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
    bears = {"fees_collector": "application", "losses_collector": "application"}
    params = {
        "display_name": name,
        "dashboard": "express",
        "identity": {"country": _country(country).lower(), "entity_type": "individual"},
        "configuration": {"recipient": transfers},
        "defaults": {"currency": currency_code(currency), "responsibilities": bears},
        "include": SEEN,
        "metadata": checked(metadata),
    }
    return Ask(Verb.CREATE_ACCOUNT, None, {**params, **given(contact_email=email)})


def create_account_v1(*, country: str, metadata: Mapping[str, str], email: str | None = None) -> Ask:
    """The same account of the first kind."""
    params = {
        "country": _country(country).upper(),
        "business_type": "individual",
        "controller": {
            "fees": {"payer": "application"},
            "losses": {"payments": "application"},
            "requirement_collection": "stripe",
            "stripe_dashboard": {"type": "express"},
        },
        "capabilities": {"transfers": {"requested": True}},
        "metadata": checked(metadata),
    }
    return Ask(Verb.CREATE_ACCOUNT_V1, None, {**params, **given(email=email)})


def create_account_link(*, account: str, refresh_url: str, return_url: str) -> Ask:
    """The provider's page for the cleaner: it opens once, and `refresh_url` is where who comes again is sent."""
    onboarding = {"refresh_url": refresh_url, "return_url": return_url}
    use = {"type": "account_onboarding", "account_onboarding": onboarding}
    return Ask(Verb.CREATE_ACCOUNT_LINK, None, {"account": account, "use_case": use})


def create_account_link_v1(*, account: str, refresh_url: str, return_url: str) -> Ask:
    """The same page for an account of the first kind."""
    params = {"account": account, "type": "account_onboarding", "refresh_url": refresh_url, "return_url": return_url}
    return Ask(Verb.CREATE_ACCOUNT_LINK_V1, None, params)


def _country(country: str) -> str:
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise ValueError(f"the country {country!r}")
    return country
