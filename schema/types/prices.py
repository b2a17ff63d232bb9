"""Prices as clients see them: whole cents, line by line."""

from datetime import datetime

import strawberry

from domain.pricing import CustomReason, LineCode
from schema.types.described import described
from schema.types.relay import Node


@described
@strawberry.type
class PriceLine:
    """One line of a price; what is taken off is negative."""

    code: LineCode
    """What it is for."""
    label: str
    """The same in words."""
    quantity: int
    """How many."""
    unit_cents: int
    """For one of them."""
    amount_cents: int
    """Quantity by unit."""


@described
@strawberry.type
class PriceReason:
    """Why the price book has no price for a home."""

    code: CustomReason
    """Which limit it is beyond."""
    message: str
    """The same in words."""


@described
@strawberry.type
class Price:
    """What one clean costs. Where the office has to name it, there are no lines and no total."""

    currency: str
    """The code of the currency, in lower case."""
    lines: list[PriceLine]
    """What it is made of; they add up to the total."""
    base_cents: int
    """The home itself."""
    square_feet_surcharge_cents: int
    """What a large area adds."""
    laundry_cents: int
    """All loads."""
    hot_tub_cents: int
    """Service and draining."""
    discount_cents: int
    """What is taken off."""
    total_cents: int | None
    """The four parts less the discount; null where the office has to name the price."""
    is_custom_quote: bool
    """Whether the office has to name the price."""
    custom_reasons: list[PriceReason]
    """Why it has to; empty where it has not."""


@described
@strawberry.type
class PriceDifference:
    """How one line of a price has changed; 0 where it is not there."""

    code: LineCode
    """Which line."""
    before_cents: int
    """What it was when the price was promised."""
    after_cents: int
    """What it is now."""
    message: str
    """The same in words."""


@described
@strawberry.type
class Prices:
    """All prices of an edition, in whole cents."""

    currency: str
    """The code of the currency, in lower case."""
    base_cents: int
    """For every clean."""
    per_bedroom_cents: int
    """For each bedroom."""
    per_bathroom_cents: int
    """For each bathroom."""
    in_unit_load_cents: int
    """For a load of laundry in the home."""
    off_site_load_cents: int
    """For a load of laundry away from the home."""
    free_square_feet: int
    """Up to and with this area there is no surcharge."""
    surcharge_step_square_feet: int
    """How large a step of the surcharge is."""
    surcharge_step_cents: int
    """For each step that is begun above the free area."""
    hot_tub_basic_cents: int
    """For the basic service of a hot tub."""
    hot_tub_standard_cents: int
    """For the standard service."""
    hot_tub_premium_cents: int
    """For the premium service."""
    drain_monthly_cents: int
    """What draining it monthly adds to each clean."""
    drain_quarterly_cents: int
    """What draining it quarterly adds to each clean."""
    custom_from_bedrooms: int
    """From so many bedrooms on the office names the price."""
    custom_from_bathrooms: int
    """From so many bathrooms on the office names the price."""
    custom_above_square_feet: int
    """Above this area the office names the price."""
    annual_discount_hundredths: int
    """What is taken off for a year's term, in hundredths of a percent."""


@described
@strawberry.type
class PriceBook(Node):
    """An edition of the business's prices; it never changes. For the office."""

    edition: int
    """1, 2, 3, ...; the last one is in force."""
    is_in_force: bool
    """Whether it is the last one."""
    prices: Prices
    """All of its prices."""
    note: str
    """Why they changed."""
    published_at: datetime
    """Since when it was in force."""
