"""The numbers of a business: rates, hours and limits are settings of tenant or market, with the rule's default (R259).

Settings are stored as JSON in which only the values that differ from the default need to stand.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Self, TypeVar

from domain.errors import Invalid
from domain.fieldwork.requirements import DEFAULT_ZONES, Scale, ZoneRule
from domain.scheduling import Skill

Path = tuple[str, ...]
Reader = Callable[[Any, Path], Any]
SettingsT = TypeVar("SettingsT")

DEFAULT_ZONE = "America/New_York"
STANDARD_TIER = "standard"


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def _read(cls: type[SettingsT], value: Any, path: Path) -> SettingsT:
    """Build settings from JSON; an unknown name and a bad value are refused with the path of the field."""
    if not isinstance(value, Mapping):
        raise Invalid("This must be an object.", field=path)
    known = {_camel(f.name): f for f in fields(cls)}  # type: ignore[arg-type]
    for name in value:
        if name not in known:
            raise Invalid("There is no such setting.", field=(*path, str(name)))
    chosen = {f.name: f.metadata["read"](value[name], (*path, name)) for name, f in known.items() if name in value}
    return cls(**chosen)


def _whole(low: int, high: int) -> dict[str, Reader]:
    def read(value: Any, path: Path) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise Invalid(f"This must be a whole number from {low} to {high}.", field=path)
        return value

    return {"read": read}


def _decimal(low: int, high: int) -> dict[str, Reader]:
    def read(value: Any, path: Path) -> Decimal:
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or not low <= number <= high:
            raise Invalid(f"This must be a number from {low} to {high}.", field=path)
        return number

    return {"read": read}


def _claim(value: Any, path: Path) -> bool:
    if not isinstance(value, bool):
        raise Invalid("This must be true or false.", field=path)
    return value


def _rates(value: Any, path: Path) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, Mapping) or len(value) > 50:
        raise Invalid("This must be an object of at most 50 tiers.", field=path)
    rate = _whole(0, 100_000)["read"]
    return tuple(sorted((str(tier), rate(cents, (*path, str(tier)))) for tier, cents in value.items()))


def _tiers(value: Any, path: Path) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping) or not value.keys() <= set(Skill):
        raise Invalid(f"This must be an object of {', '.join(Skill)} and their tiers.", field=path)
    for skill, tier in value.items():
        if not isinstance(tier, str) or not 0 < len(tier) <= 40:
            raise Invalid("The name of a tier has 1 to 40 characters.", field=(*path, skill))
    return tuple(sorted(value.items()))


def _zone(value: Any, path: Path) -> ZoneRule:
    if not isinstance(value, Mapping) or not value.keys() <= {"zone", "before", "after", "scale"}:
        raise Invalid("This must be an object of zone, before, after and scale.", field=path)
    name = value.get("zone")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 40:
        raise Invalid("The name of a zone has 1 to 40 characters.", field=(*path, "zone"))
    if value.get("scale", Scale.PROPERTY) not in list(Scale):
        raise Invalid(f"A zone scales by one of {', '.join(Scale)}.", field=(*path, "scale"))
    count = _whole(0, 50)["read"]
    before, after = (count(value.get(when, 1), (*path, when)) for when in ("before", "after"))
    return ZoneRule(name.strip(), before, after, Scale(value.get("scale", Scale.PROPERTY)))


def _zones(value: Any, path: Path) -> tuple[ZoneRule, ...]:
    if not isinstance(value, list) or len(value) > 30:
        raise Invalid("This must be a list of at most 30 zones.", field=path)
    zones = tuple(_zone(one, (*path, str(place))) for place, one in enumerate(value))
    if len({zone.zone for zone in zones}) < len(zones):
        raise Invalid("Each zone is named once.", field=path)
    return zones


def _zones_json(zones: tuple[ZoneRule, ...]) -> list[dict[str, Any]]:
    return [{**asdict(zone), "scale": zone.scale.value} for zone in zones]


def _currency(value: Any, path: Path) -> str:
    if not isinstance(value, str) or len(value) != 3 or not value.isascii() or not value.islower():
        raise Invalid('This must be a currency code in lower case, as "usd".', field=path)
    return value


def _section(cls: type[Any]) -> dict[str, Reader]:
    def read(value: Any, path: Path) -> Any:
        return _read(cls, value, path)

    return {"read": read}


@dataclass(frozen=True, slots=True)
class SwapPolicy:
    """When a cleaner may take a shift from the market, and until when (A22, A27, A27b).

    Whether the taker declared themselves available is not asked by default: whoever takes a shift thereby says so.
    """

    rest_hours: Decimal = field(default=Decimal(10), metadata=_decimal(0, 24))
    week_hours: Decimal = field(default=Decimal(40), metadata=_decimal(1, 168))
    travel_kmh: int = field(default=30, metadata=_whole(1, 200))
    travel_overhead_minutes: int = field(default=10, metadata=_whole(0, 240))
    cleaner_lead_minutes: int = field(default=120, metadata=_whole(0, 10_080))
    """How long before the start a swap that a cleaner opened expires."""
    availability_required: bool = field(default=False, metadata={"read": _claim})
    late_offer_bonus: bool = field(default=False, metadata={"read": _claim})
    """Whether a shift that a cleaner offers late earns the taker the urgent bonus (A22)."""
    approval_required: bool = field(default=False, metadata={"read": _claim})
    """Whether the office has to agree before a shift changes hands (A27b)."""
    return_minutes: int = field(default=10, metadata=_whole(0, 1_440))
    """How long after taking a shift its taker may give it back (A27b, A29)."""
    standing_bids: bool = field(default=False, metadata={"read": _claim})
    """Whether cleaners may say once "take any of these for me"."""
    draw_minutes: int = field(default=0, metadata=_whole(0, 60))
    """How long those who want a shift are collected before one is drawn; 0 means that the first takes it."""

    @property
    def cleaner_lead(self) -> timedelta:
        """`cleaner_lead_minutes` as a duration."""
        return timedelta(minutes=self.cleaner_lead_minutes)

    @property
    def return_grace(self) -> timedelta:
        """`return_minutes` as a duration."""
        return timedelta(minutes=self.return_minutes)

    @property
    def draw_wait(self) -> timedelta:
        """`draw_minutes` as a duration."""
        return timedelta(minutes=self.draw_minutes)


@dataclass(frozen=True, slots=True)
class SchedulingPolicy:
    """When a job counts as urgent (A22) and how far ahead one can be planned."""

    urgent_hours: int = field(default=24, metadata=_whole(0, 336))
    horizon_days: int = field(default=731, metadata=_whole(1, 3_660))

    @property
    def urgent_within(self) -> timedelta:
        """`urgent_hours` as a duration."""
        return timedelta(hours=self.urgent_hours)


@dataclass(frozen=True, slots=True)
class PayPolicy:
    """What cleaners earn, in cents of the tenant's currency (R160 to R163, A43, A49)."""

    currency: str = field(default="usd", metadata={"read": _currency})
    rate_cents: int = field(default=1_700, metadata=_whole(0, 100_000))
    """For an hour of the standard tier, and of a tier without a rate of its own."""
    tier_rate_cents: tuple[tuple[str, int], ...] = field(default=(), metadata={"read": _rates})
    skill_tiers: tuple[tuple[str, str], ...] = field(default=(), metadata={"read": _tiers})
    """The tier that a skill unlocks (R133, R265, A49); a skill without one unlocks none."""
    urgent_bonus_cents: int = field(default=1_000, metadata=_whole(0, 100_000))
    laundry_load_cents: int = field(default=500, metadata=_whole(0, 100_000))

    def rate_of(self, tier: str) -> int:
        """Cents for an hour of work in this tier."""
        return dict(self.tier_rate_cents).get(tier, self.rate_cents)


@dataclass(frozen=True, slots=True)
class SignInPolicy:
    """How many wrong guesses lock a sign-in, for how long, and how long one-time steps stay open (A6 to A8)."""

    failures_to_lock: int = field(default=5, metadata=_whole(1, 20))
    lock_minutes: int = field(default=15, metadata=_whole(1, 1_440))
    """The first lock; each further one lasts twice as long as the one before."""
    longest_lock_minutes: int = field(default=1_440, metadata=_whole(1, 10_080))
    first_pin_hours: int = field(default=24, metadata=_whole(1, 720))
    refresh_grace_seconds: int = field(default=30, metadata=_whole(0, 300))


@dataclass(frozen=True, slots=True)
class FieldworkPolicy:
    """What counts as having been there and having done it (A20, A21, A46, R28)."""

    geofence_metres: int = field(default=150, metadata=_whole(10, 10_000))
    """How near a check-in must be; a home may have a radius of its own."""
    accuracy_metres: int = field(default=100, metadata=_whole(5, 1_000))
    """The vaguest position that counts."""
    photo_zones: tuple[ZoneRule, ...] = field(default=DEFAULT_ZONES, metadata={"read": _zones, "write": _zones_json})
    access_lead_minutes: int = field(default=120, metadata=_whole(0, 1_440))
    """How long before the shift its instructions and the home's access code open."""
    access_trail_minutes: int = field(default=60, metadata=_whole(0, 1_440))
    """How long after the shift they close."""
    late_alert_minutes: int = field(default=30, metadata=_whole(1, 480))
    """How long after the start the office hears that nobody has checked in, and a cover is looked for (A46)."""
    no_show_minutes: int = field(default=90, metadata=_whole(1, 1_440))
    """How long after the start the job counts as a no-show."""
    no_access: bool = field(default=True, metadata={"read": _claim})
    """Whether "cannot get in" is an outcome that a cleaner may report."""
    no_access_wait_minutes: int = field(default=15, metadata=_whole(0, 240))
    """How long after the check-in it may be reported at the earliest."""
    live_location: bool = field(default=True, metadata={"read": _claim})
    """Whether the office and the customer may watch where the cleaner is while the job runs."""
    location_seconds: int = field(default=10, metadata=_whole(1, 300))
    """At most one live position of a cleaner in so long."""
    clock_skew_minutes: int = field(default=5, metadata=_whole(1, 1_440))
    """From which difference on a device's time is flagged (A40)."""
    punctual_minutes: int = field(default=10, metadata=_whole(0, 240))
    """How late a check-in still counts as punctual (A47)."""

    @property
    def access_lead(self) -> timedelta:
        """`access_lead_minutes` as a duration."""
        return timedelta(minutes=self.access_lead_minutes)

    @property
    def access_trail(self) -> timedelta:
        """`access_trail_minutes` as a duration."""
        return timedelta(minutes=self.access_trail_minutes)

    @property
    def late_alert(self) -> timedelta:
        """`late_alert_minutes` as a duration."""
        return timedelta(minutes=self.late_alert_minutes)

    @property
    def no_show(self) -> timedelta:
        """`no_show_minutes` as a duration."""
        return timedelta(minutes=self.no_show_minutes)

    @property
    def clock_skew(self) -> timedelta:
        """`clock_skew_minutes` as a duration."""
        return timedelta(minutes=self.clock_skew_minutes)


@dataclass(frozen=True, slots=True)
class TenantPolicy:
    """All settings of one business."""

    swaps: SwapPolicy = field(default_factory=SwapPolicy, metadata=_section(SwapPolicy))
    scheduling: SchedulingPolicy = field(default_factory=SchedulingPolicy, metadata=_section(SchedulingPolicy))
    pay: PayPolicy = field(default_factory=PayPolicy, metadata=_section(PayPolicy))
    sign_in: SignInPolicy = field(default_factory=SignInPolicy, metadata=_section(SignInPolicy))
    fieldwork: FieldworkPolicy = field(default_factory=FieldworkPolicy, metadata=_section(FieldworkPolicy))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read stored or submitted settings; `Invalid` names the bad field (`swaps`, `restHours`)."""
        return _read(cls, value, ())


Section = SwapPolicy | SchedulingPolicy | PayPolicy | SignInPolicy | FieldworkPolicy
"""The settings of one area."""


def to_json(
    settings: Section | TenantPolicy,
) -> dict[str, Any]:
    """The settings as JSON in full, every default written out; `from_json` of it gives the same settings."""
    return {_camel(f.name): f.metadata.get("write", _json_value)(getattr(settings, f.name)) for f in fields(settings)}


def _json_value(value: Any) -> Any:
    match value:
        case Decimal():
            return str(value)
        case tuple():
            return dict(value)
        case SwapPolicy() | SchedulingPolicy() | PayPolicy() | SignInPolicy() | FieldworkPolicy():
            return to_json(value)
        case _:
            return value
