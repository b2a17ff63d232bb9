"""Which provider of payments this installation reaches: Stripe, for whoever has keys to it."""

from gateways.payments import Providers
from gateways.stripe_api import StripeProviders


def payment_providers(a_second: float | None) -> Providers:
    """Providers by credentials, at a pace (0 or None: at none); made and let go of in the event loop that uses them."""
    return StripeProviders(a_second=a_second or None)
