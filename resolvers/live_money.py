"""The cards of the live feeds of money: which of their words are ids."""

from resolvers.common import card_id
from resolvers.registry import registry
from schema.types.live_money import PaymentCard, PaymentGone, PayoutCard, PayoutGone

registry.card(
    PaymentCard,
    id=card_id("Payment", "id"),
    job_id=card_id("Job", "job_id"),
    customer_id=card_id("Customer", "customer_id"),
)
registry.card(PaymentGone, payment_id=card_id("Payment", "payment_id"))
registry.card(
    PayoutCard,
    id=card_id("Payout", "id"),
    job_id=card_id("Job", "job_id"),
    cleaner_id=card_id("Cleaner", "cleaner_id"),
    payment_id=card_id("Payment", "payment_id"),
)
registry.card(PayoutGone, payout_id=card_id("Payout", "payout_id"))
