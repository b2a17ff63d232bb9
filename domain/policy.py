"""The numbers of a business: rates, hours and limits are settings of tenant or market, with the rule's default (R259).

Settings are stored as JSON in which only the values that differ from the default need to stand.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Self

from domain.errors import Invalid
from domain.fieldwork.requirements import DEFAULT_ZONES, Scale, ZoneRule
from domain.payments.payouts import Participation, PayoutsMode, TipSplit
from domain.reading import Path, cents, claim, currency, decimal, one_of, read, section, whole, whole_list, write
from domain.scheduling import Skill

DEFAULT_ZONE = "America/New_York"
STANDARD_TIER = "standard"


def _rates(value: Any, path: Path) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, Mapping) or len(value) > 50:
        raise Invalid("This must be an object of at most 50 tiers.", field=path)
    rate = whole(0, 100_000)["read"]
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
    count = whole(0, 50)["read"]
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


@dataclass(frozen=True, slots=True)
class SwapPolicy:
    """When a cleaner may take a shift from the market, and until when (A22, A27, A27b).

    Whether the taker declared themselves available is not asked by default: whoever takes a shift thereby says so.
    """

    rest_hours: Decimal = field(default=Decimal(10), metadata=decimal(0, 24))
    week_hours: Decimal = field(default=Decimal(40), metadata=decimal(1, 168))
    travel_kmh: int = field(default=30, metadata=whole(1, 200))
    travel_overhead_minutes: int = field(default=10, metadata=whole(0, 240))
    cleaner_lead_minutes: int = field(default=120, metadata=whole(0, 10_080))
    """How long before the start a swap that a cleaner opened expires."""
    availability_required: bool = field(default=False, metadata=claim())
    late_offer_bonus: bool = field(default=False, metadata=claim())
    """Whether a shift that a cleaner offers late earns the taker the urgent bonus (A22)."""
    approval_required: bool = field(default=False, metadata=claim())
    """Whether the office has to agree before a shift changes hands (A27b)."""
    return_minutes: int = field(default=10, metadata=whole(0, 1_440))
    """How long after taking a shift its taker may give it back (A27b, A29)."""
    standing_bids: bool = field(default=False, metadata=claim())
    """Whether cleaners may say once "take any of these for me"."""
    draw_minutes: int = field(default=0, metadata=whole(0, 60))
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

    urgent_hours: int = field(default=24, metadata=whole(0, 336))
    horizon_days: int = field(default=731, metadata=whole(1, 3_660))

    @property
    def urgent_within(self) -> timedelta:
        """`urgent_hours` as a duration."""
        return timedelta(hours=self.urgent_hours)


@dataclass(frozen=True, slots=True)
class PayPolicy:
    """What cleaners earn, in cents of the tenant's currency (R160 to R163, A43, A49)."""

    currency: str = field(default="usd", metadata=currency())
    rate_cents: int = field(default=1_700, metadata=whole(0, 100_000))
    """For an hour of the standard tier, and of a tier without a rate of its own."""
    tier_rate_cents: tuple[tuple[str, int], ...] = field(default=(), metadata={"read": _rates})
    skill_tiers: tuple[tuple[str, str], ...] = field(default=(), metadata={"read": _tiers})
    """The tier that a skill unlocks (R133, R265, A49); a skill without one unlocks none."""
    urgent_bonus_cents: int = field(default=1_000, metadata=whole(0, 100_000))
    laundry_load_cents: int = field(default=500, metadata=whole(0, 100_000))

    def rate_of(self, tier: str) -> int:
        """Cents for an hour of work in this tier."""
        return dict(self.tier_rate_cents).get(tier, self.rate_cents)


@dataclass(frozen=True, slots=True)
class SignInPolicy:
    """How many wrong guesses lock a sign-in, for how long, and how long one-time steps stay open (A6 to A8)."""

    failures_to_lock: int = field(default=5, metadata=whole(1, 20))
    lock_minutes: int = field(default=15, metadata=whole(1, 1_440))
    """The first lock; each further one lasts twice as long as the one before."""
    longest_lock_minutes: int = field(default=1_440, metadata=whole(1, 10_080))
    first_pin_hours: int = field(default=24, metadata=whole(1, 720))
    refresh_grace_seconds: int = field(default=30, metadata=whole(0, 300))


@dataclass(frozen=True, slots=True)
class FieldworkPolicy:
    """What counts as having been there and having done it (A20, A21, A46, R28)."""

    geofence_metres: int = field(default=150, metadata=whole(10, 10_000))
    """How near a check-in must be; a home may have a radius of its own."""
    accuracy_metres: int = field(default=100, metadata=whole(5, 1_000))
    """The vaguest position that counts."""
    photo_zones: tuple[ZoneRule, ...] = field(default=DEFAULT_ZONES, metadata={"read": _zones, "write": _zones_json})
    access_lead_minutes: int = field(default=120, metadata=whole(0, 1_440))
    """How long before the shift its instructions and the home's access code open."""
    access_trail_minutes: int = field(default=60, metadata=whole(0, 1_440))
    """How long after the shift they close."""
    late_alert_minutes: int = field(default=30, metadata=whole(1, 480))
    """How long after the start the office hears that nobody has checked in, and a cover is looked for (A46)."""
    no_show_minutes: int = field(default=90, metadata=whole(1, 1_440))
    """How long after the start the job counts as a no-show."""
    no_access: bool = field(default=True, metadata=claim())
    """Whether "cannot get in" is an outcome that a cleaner may report."""
    no_access_wait_minutes: int = field(default=15, metadata=whole(0, 240))
    """How long after the check-in it may be reported at the earliest."""
    live_location: bool = field(default=True, metadata=claim())
    """Whether the office and the customer may watch where the cleaner is while the job runs."""
    location_seconds: int = field(default=10, metadata=whole(1, 300))
    """At most one live position of a cleaner in so long."""
    clock_skew_minutes: int = field(default=5, metadata=whole(1, 1_440))
    """From which difference on a device's time is flagged (A40)."""
    punctual_minutes: int = field(default=10, metadata=whole(0, 240))
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
class BookingPolicy:
    """How long what a customer is told or saves stands, and how soon cleans are booked (R33 to R45)."""

    quote_minutes: int = field(default=60, metadata=whole(1, 10_080))
    """How long a price from the book is promised (A33)."""
    offer_days: int = field(default=14, metadata=whole(1, 365))
    """How long a price that the office named stands (A31)."""
    draft_days: int = field(default=30, metadata=whole(1, 365))
    """How long a booking that nobody goes on with is kept (R41)."""
    notice_minutes: int = field(default=120, metadata=whole(0, 43_200))
    """How soon the first clean may be, at the earliest."""
    plan_days: int = field(default=35, metadata=whole(1, 366))
    """How far ahead the cleans of a plan become jobs (R63)."""

    @property
    def quote_life(self) -> timedelta:
        """`quote_minutes` as a duration."""
        return timedelta(minutes=self.quote_minutes)

    @property
    def offer_life(self) -> timedelta:
        """`offer_days` as a duration."""
        return timedelta(days=self.offer_days)

    @property
    def draft_life(self) -> timedelta:
        """`draft_days` as a duration."""
        return timedelta(days=self.draft_days)

    @property
    def notice(self) -> timedelta:
        """`notice_minutes` as a duration."""
        return timedelta(minutes=self.notice_minutes)


@dataclass(frozen=True, slots=True)
class CancellationPolicy:
    """What a clean that could not happen costs the customer (A50); nothing by default."""

    free_hours: int = field(default=24, metadata=whole(0, 720))
    """Until so long before the start a clean is called off for nothing."""
    late_fee_percent: int = field(default=0, metadata=whole(0, 100))
    no_access_fee_percent: int = field(default=0, metadata=whole(0, 100))
    """For a clean for which somebody came and could not get in."""


@dataclass(frozen=True, slots=True)
class PaymentsPolicy:
    """When money is held, taken, put by and paid out (R137 to R177, A1 to A3, A11 to A13, A34 to A36, A41, A50)."""

    hold_hours: tuple[int, ...] = field(default=(20, 1), metadata=whole_list(0, 23, most=6))
    """The hours of the market's day at which holds are taken: the evening before, and once more at night (A1)."""
    hold_lead_hours: int = field(default=36, metadata=whole(1, 96))
    """So long before its start at most a clean is held; whatever comes into it later is held at once (A1)."""
    holds_a_second: int = field(default=10, metadata=whole(0, 1_000))
    """How many cleans of a night are held in a second, so that nobody else's work waits for them; 0: all at once."""
    retry_hours: tuple[int, ...] = field(default=(20, 1, 8), metadata=whole_list(0, 23, most=6))
    """The hours of the market's day at which a declined card is asked again; at most four times in all (A36)."""
    alarm_hours: int = field(default=24, metadata=whole(1, 96))
    """How long before a hold lapses the office hears of it (A2)."""
    decide_hours: int = field(default=12, metadata=whole(1, 96))
    """How long before it lapses somebody has to decide: take what is proven, or hold anew (A2)."""
    renew_lapsing: bool = field(default=True, metadata=claim())
    """Whether it is then held anew by itself; else an administrator decides."""
    cutoff_hours: int = field(default=0, metadata=whole(0, 96))
    """How long before its start a clean is called off that no card pays for; 0: never by itself (A36)."""
    reserve_hundredths: int = field(default=200, metadata=whole(0, 10_000))
    """What is put by of each captured clean, in hundredths of a percent: 200 are 2 % (R151)."""
    tip_reserve: bool = field(default=False, metadata=claim())
    """Whether tips are also put by of (A34)."""
    tip_split: TipSplit = field(default=TipSplit.EQUALLY, metadata=one_of(TipSplit))
    payouts_mode: PayoutsMode = field(default=PayoutsMode.PAYROLL, metadata=one_of(PayoutsMode))
    participation: Participation = field(default=Participation.PARTICIPATED, metadata=one_of(Participation))
    minimum_payout_cents: int = field(default=100, metadata=cents(100_000))
    """What is less is carried over to the next payout (R167)."""
    payout_delay_minutes: int = field(default=0, metadata=whole(0, 43_200))
    """How long after the capture cleaners are paid (A3)."""
    business_hours_only: bool = field(default=False, metadata=claim())
    """Whether cleaners are paid Monday to Friday from 9 to 17 only (R174)."""
    refund_approval_cents: int = field(default=20_000, metadata=cents(10_000_000))
    """Above it a second person has to agree to a refund."""
    cancellation: CancellationPolicy = field(default_factory=CancellationPolicy, metadata=section(CancellationPolicy))

    def check(self, path: Path) -> None:
        """Raise `Invalid` where the office would hear of a lapsing hold only after it has to decide."""
        if self.decide_hours > self.alarm_hours:
            raise Invalid("This must not be more than alarmHours.", field=(*path, "decideHours"))

    @property
    def hold_lead(self) -> timedelta:
        """`hold_lead_hours` as a duration."""
        return timedelta(hours=self.hold_lead_hours)

    @property
    def payout_delay(self) -> timedelta:
        """`payout_delay_minutes` as a duration."""
        return timedelta(minutes=self.payout_delay_minutes)


@dataclass(frozen=True, slots=True)
class TenantPolicy:
    """All settings of one business."""

    swaps: SwapPolicy = field(default_factory=SwapPolicy, metadata=section(SwapPolicy))
    scheduling: SchedulingPolicy = field(default_factory=SchedulingPolicy, metadata=section(SchedulingPolicy))
    pay: PayPolicy = field(default_factory=PayPolicy, metadata=section(PayPolicy))
    sign_in: SignInPolicy = field(default_factory=SignInPolicy, metadata=section(SignInPolicy))
    fieldwork: FieldworkPolicy = field(default_factory=FieldworkPolicy, metadata=section(FieldworkPolicy))
    booking: BookingPolicy = field(default_factory=BookingPolicy, metadata=section(BookingPolicy))
    payments: PaymentsPolicy = field(default_factory=PaymentsPolicy, metadata=section(PaymentsPolicy))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read stored or submitted settings; `Invalid` names the bad field (`swaps`, `restHours`)."""
        return read(cls, value)


Section = (
    SwapPolicy
    | SchedulingPolicy
    | PayPolicy
    | SignInPolicy
    | FieldworkPolicy
    | BookingPolicy
    | CancellationPolicy
    | PaymentsPolicy
)
"""The settings of one area."""


def to_json(settings: Section | TenantPolicy) -> dict[str, Any]:
    """The settings as JSON in full, every default written out; `from_json` of it gives the same settings."""
    return write(settings)
