"""What a business puts by of each captured clean, for refunds and disputes (R151 to R153)."""

from domain.money import percent

RESERVE_HUNDREDTHS = 200


def reserve_of(service_cents: int, hundredths: int = RESERVE_HUNDREDTHS) -> int:
    """Cents of the captured price of the clean, tips left out, in hundredths of a percent, half-up (R151, A13)."""
    return percent(service_cents, hundredths)
