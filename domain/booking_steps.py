"""What each step of a booking says, checked field by field (R33 to R39, A31)."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from domain.errors import Invalid
from domain.money import MOST_CENTS
from domain.plans import Frequency, Term
from domain.price_book import MOST_LOADS, MOST_ROOMS, MOST_SQUARE_FEET, ensure_add_ons
from domain.reading import Path, cents, day, degrees, identity, one_of, or_nothing, text, wall_time, whole
from domain.scheduling import Drain, HotTubService, Laundry
from domain.wallclock import instant_of

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_TOKEN = re.compile(r"pm_[A-Za-z0-9_]{1,200}")


@dataclass(frozen=True, slots=True)
class CustomerStep:
    """Who books (R33). The phone is in E.164 already."""

    name: str = field(metadata=text(200))
    email: str = field(metadata=text(254))
    phone: str = field(metadata=text(16))

    def check(self, path: Path) -> None:
        """Raise `Invalid` for what can be neither an email address nor a phone number."""
        if not _EMAIL.fullmatch(self.email):
            raise Invalid("This is not an email address.", field=(*path, "email"))
        if not _PHONE.fullmatch(self.phone):
            raise Invalid("Write the phone number in international form, as +13055550100.", field=(*path, "phone"))


@dataclass(frozen=True, slots=True)
class PropertyStep:
    """Which home is cleaned, found on the map (R34)."""

    address: str = field(metadata=text(300))
    city: str = field(metadata=text(100))
    postal_code: str = field(metadata=text(20))
    latitude: float = field(metadata=degrees(90))
    longitude: float = field(metadata=degrees(180))
    bedrooms: int = field(metadata=whole(1, MOST_ROOMS))
    bathrooms: int = field(metadata=whole(1, MOST_ROOMS))
    square_feet: int = field(metadata=whole(1, MOST_SQUARE_FEET))
    property_id: UUID | None = field(default=None, metadata=or_nothing(identity()))
    """One of the customer's homes that is known already; whose it is, the service checks."""


@dataclass(frozen=True, slots=True)
class AddOnsStep:
    """Laundry and hot tub (R35)."""

    laundry: Laundry = field(default=Laundry.NONE, metadata=one_of(Laundry))
    laundry_loads: int = field(default=0, metadata=whole(0, MOST_LOADS))
    hot_tub: HotTubService = field(default=HotTubService.NONE, metadata=one_of(HotTubService))
    drain: Drain = field(default=Drain.NONE, metadata=one_of(Drain))

    def check(self, path: Path) -> None:
        """Raise `Invalid` for laundry without loads, loads without laundry, and a drain without a service."""
        ensure_add_ons(self, path)


@dataclass(frozen=True, slots=True)
class CalendarStep:
    """When: the link to a calendar of bookings, or a first day and time, from which the weekday follows (R36).

    With a link, day and time of the first clean may be given as well; without one they must be.
    """

    ical_url: str | None = field(default=None, metadata=or_nothing(text(2_000)))
    """Kept; what it says is read elsewhere."""
    first_on: date | None = field(default=None, metadata=or_nothing(day()))
    at: time | None = field(default=None, metadata=or_nothing(wall_time()))
    """What the market's clocks show when a clean starts."""

    @property
    def weekday(self) -> int | None:
        """The day of the week of the cleans, Monday is 0; None where only the calendar's link is known."""
        return None if self.first_on is None else self.first_on.weekday()

    def check(self, path: Path) -> None:
        """Raise `Invalid` for a link that is not https, half a date, and nothing at all."""
        if self.ical_url is not None:
            _ensure_https(self.ical_url, (*path, "icalUrl"))
        if self.ical_url is None and self.first_on is None:
            raise Invalid("Give the link of a calendar, or the day of the first clean.", field=(*path, "firstOn"))
        if self.first_on is None and self.at is not None:
            raise Invalid("A time needs its day.", field=(*path, "firstOn"))
        if self.first_on is not None and self.at is None:
            raise Invalid("A day needs its time.", field=(*path, "at"))


def _ensure_https(url: str, path: Path) -> None:
    try:
        parts = urlsplit(url)
        port_is_sane = parts.port is None or parts.port > 0
    except ValueError:
        raise Invalid("This is not the link of a calendar.", field=path) from None
    plain = re.fullmatch(r"[\x21-\x7e]+", url)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or not plain or not port_is_sane:
        raise Invalid("The link of a calendar starts with https:// and names no user.", field=path)


@dataclass(frozen=True, slots=True)
class TermsStep:
    """How often, and for how long one signs up (R37, R45, R65)."""

    frequency: Frequency = field(metadata=one_of(Frequency))
    term: Term | None = field(default=None, metadata=or_nothing(one_of(Term)))
    """None for a single clean, which has no term."""

    def check(self, path: Path) -> None:
        """Raise `Invalid` for a single clean with a term, and a plan without one."""
        if (self.frequency is Frequency.ONCE) != (self.term is None):
            raise Invalid("A plan has a term, and a single clean has none.", field=(*path, "term"))


@dataclass(frozen=True, slots=True)
class PaymentStep:
    """The provider's token of a card (R38), and which text about later charges the customer agreed to (R264)."""

    payment_method_id: str = field(metadata=text(203))
    consent_version: str = field(metadata=text(100))

    def check(self, path: Path) -> None:
        """Raise `Invalid` for anything that is not a token, above all for a card's number."""
        if not _TOKEN.fullmatch(self.payment_method_id):
            # The value is not repeated: it may be the number of a card.
            raise Invalid("This is not a payment method's token.", field=(*path, "paymentMethodId"))


@dataclass(frozen=True, slots=True)
class ConfirmationStep:
    """The quote that the customer says yes to, and the price that they saw (R39, R43)."""

    quote_id: UUID = field(metadata=identity())
    total_cents: int = field(metadata=cents(MOST_CENTS, low=1))


StepContent = CustomerStep | PropertyStep | AddOnsStep | CalendarStep | TermsStep | PaymentStep | ConfirmationStep
"""What one step says."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which instants a first clean may be booked at `now`: `notice` and `horizon` from then."""

    now: datetime
    notice: timedelta
    horizon: timedelta


def ensure_first_clean(calendar: CalendarStep, zone: str, bounds: Bounds) -> datetime | None:
    """When the first clean starts, in UTC, by the market's clocks (A25); None where only a calendar's link is known.

    `Invalid` where it is too soon or too far ahead; a time that was right when it was saved may be over by now.
    """
    if calendar.first_on is None or calendar.at is None:
        return None
    starts_at = instant_of(datetime.combine(calendar.first_on, calendar.at), zone)
    if starts_at < bounds.now + bounds.notice:
        raise Invalid("The first clean cannot be so soon; choose a later day or time.", field=("firstOn",))
    if starts_at > bounds.now + bounds.horizon:
        raise Invalid(f"The first clean must lie within {bounds.horizon.days} days from now.", field=("firstOn",))
    return starts_at
