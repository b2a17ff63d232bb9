"""What a price depends on, and a business's prices, which are data; the defaults are the rules' own (R51, R59, A30)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from domain.errors import Invalid
from domain.reading import Path, cents, currency, one_of, read, whole, write
from domain.scheduling import Drain, HotTubService, Laundry

MOST_ROOMS = 50
MOST_LOADS = 50
MOST_SQUARE_FEET = 100_000


@dataclass(frozen=True, slots=True)
class HomeFacts:
    """What of a home and its add-ons the price depends on (R51)."""

    bedrooms: int = field(metadata=whole(1, MOST_ROOMS))
    bathrooms: int = field(metadata=whole(1, MOST_ROOMS))
    square_feet: int = field(metadata=whole(1, MOST_SQUARE_FEET))
    laundry: Laundry = field(default=Laundry.NONE, metadata=one_of(Laundry))
    laundry_loads: int = field(default=0, metadata=whole(0, MOST_LOADS))
    hot_tub: HotTubService = field(default=HotTubService.NONE, metadata=one_of(HotTubService))
    drain: Drain = field(default=Drain.NONE, metadata=one_of(Drain))

    @classmethod
    def from_json(cls, value: Mapping[str, Any], path: Path = ()) -> Self:
        """Read stored or submitted facts; `Invalid` names the bad field."""
        return read(cls, value, path)

    def to_json(self) -> dict[str, Any]:
        """The facts in full; `from_json` of it gives the same."""
        return write(self)

    def ensure(self, path: Path = ()) -> Self:
        """The same facts, if they can be a home's; `Invalid` names the field that cannot."""
        return self.from_json(self.to_json(), path)

    def check(self, path: Path) -> None:
        """Raise `Invalid` for laundry without loads, loads without laundry, and a drain without a service."""
        ensure_add_ons(self, path)


def ensure_add_ons(home: Any, path: Path = ()) -> None:
    """Raise `Invalid` where laundry and loads, or drain and hot tub service, contradict each other (R31, R32)."""
    if (home.laundry is Laundry.NONE) != (home.laundry_loads == 0):
        raise Invalid("Laundry has one load or more, and no laundry has none.", field=(*path, "laundryLoads"))
    if home.drain is not Drain.NONE and home.hot_tub is HotTubService.NONE:
        raise Invalid("A hot tub that is not serviced is not drained.", field=(*path, "drain"))


@dataclass(frozen=True, slots=True)
class PriceBook:
    """A business's prices (R59, A30). The largest of all still add up to what one charge can be."""

    currency: str = field(default="usd", metadata=currency())
    base_cents: int = field(default=4_500, metadata=cents(1_000_000))
    per_bedroom_cents: int = field(default=1_500, metadata=cents(100_000))
    per_bathroom_cents: int = field(default=1_500, metadata=cents(100_000))
    in_unit_load_cents: int = field(default=1_500, metadata=cents(100_000))
    off_site_load_cents: int = field(default=2_000, metadata=cents(100_000))
    free_square_feet: int = field(default=3_000, metadata=whole(0, 20_000))
    """Up to and with this area there is no surcharge (R54)."""
    surcharge_step_square_feet: int = field(default=500, metadata=whole(50, 10_000))
    surcharge_step_cents: int = field(default=2_500, metadata=cents(100_000))
    """For each step that is begun above the free area."""
    hot_tub_basic_cents: int = field(default=2_000, metadata=cents(1_000_000))
    hot_tub_standard_cents: int = field(default=3_000, metadata=cents(1_000_000))
    hot_tub_premium_cents: int = field(default=4_500, metadata=cents(1_000_000))
    drain_monthly_cents: int = field(default=3_000, metadata=cents(1_000_000))
    drain_quarterly_cents: int = field(default=1_500, metadata=cents(1_000_000))
    custom_from_bedrooms: int = field(default=6, metadata=whole(1, MOST_ROOMS + 1))
    """From so many bedrooms on the office names the price (A31)."""
    custom_from_bathrooms: int = field(default=5, metadata=whole(1, MOST_ROOMS + 1))
    custom_above_square_feet: int = field(default=8_000, metadata=whole(1, 20_000))
    """Above this area the office names the price; this area itself still has one."""
    annual_discount_hundredths: int = field(default=0, metadata=whole(0, 10_000))
    """What is taken off for who signs up for a year, in hundredths of a percent (A32)."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any], path: Path = ()) -> Self:
        """Read stored or submitted prices, of which only those that differ need to stand; `Invalid` names the field."""
        return read(cls, value, path)

    def to_json(self) -> dict[str, Any]:
        """The prices in full; `from_json` of it gives the same."""
        return write(self)

    def load_cents(self, laundry: Laundry) -> int:
        """For one load of laundry that is done there (R55, R56)."""
        rates = {Laundry.IN_UNIT: self.in_unit_load_cents, Laundry.OFF_SITE: self.off_site_load_cents}
        return rates.get(laundry, 0)

    def hot_tub_cents(self, service: HotTubService) -> int:
        """For this service of a hot tub at each clean (R57)."""
        rates = {
            HotTubService.BASIC: self.hot_tub_basic_cents,
            HotTubService.STANDARD: self.hot_tub_standard_cents,
            HotTubService.PREMIUM: self.hot_tub_premium_cents,
        }
        return rates.get(service, 0)

    def drain_cents(self, drain: Drain) -> int:
        """What draining a hot tub so often adds to each clean (R57)."""
        rates = {Drain.MONTHLY: self.drain_monthly_cents, Drain.QUARTERLY: self.drain_quarterly_cents}
        return rates.get(drain, 0)

    def steps_above(self, square_feet: int) -> int:
        """How many surcharge steps a home of this area has begun (R54)."""
        return -(-max(0, square_feet - self.free_square_feet) // self.surcharge_step_square_feet)


DEFAULT_BOOK = PriceBook()
