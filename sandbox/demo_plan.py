"""The demo businesses as tables: who works there, which homes they clean, and which shifts are on the market.

Times are market-local and relative: `week` 0 is the round's first whole week, Monday to Sunday, `day` 0 its Monday. In
each round Cleaner 1 and Cleaner 2 of Miami can take three of the offered shifts for certain; each of the others meets
one of the rules, so that the board shows every kind of reason (A27b). The market of `demo` also has a TRADE and covers
of the office; `other` draws its shifts and lets the office agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import time, timedelta
from decimal import Decimal
from enum import Enum, auto
from typing import Any

from domain.scheduling import Laundry, Skill

PASSWORD = "cleanshift-demo-1"  # noqa: S105 (documented, for development only)
PIN = "274951"
LEAST_PENDING = 3
"""With fewer open swaps than these a restart adds another round."""


@dataclass(frozen=True, slots=True)
class MarketPlan:
    """A market; `lead_days` is how long before its Sunday the availability window opens."""

    name: str
    zone: str
    lead_days: int = 0


@dataclass(frozen=True, slots=True)
class CleanerPlan:
    """A cleaner, named by number and markets, who starts from `home`."""

    number: int
    markets: tuple[str, ...]
    skills: tuple[Skill, ...]
    home: tuple[float, float]
    is_joining: bool = False
    """Whether everything that comes before the first job is still to be done."""

    @property
    def label(self) -> str:
        """As colleagues see them."""
        return f"Cleaner {self.number} ({' and '.join(self.markets)})"


@dataclass(frozen=True, slots=True)
class HomePlan:
    """A home; `customer` is the number of whose it is."""

    name: str
    market: str
    customer: int
    address: str
    city: str
    postal_code: str
    position: tuple[float, float]
    rooms: tuple[int, int, int]
    """Bedrooms, bathrooms, square feet."""
    laundry: Laundry = Laundry.NONE
    hot_tub: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A cleaner's visit that a TRADE would take in return."""

    cleaner: int
    week: int
    day: int
    at: time


@dataclass(frozen=True, slots=True)
class Visit:
    """A job, who is on it (nobody where `cleaner` is None), and whether they look for somebody else."""

    week: int
    day: int
    at: time
    hours: Decimal
    home: str
    cleaner: int | None = None
    offered: str | None = None
    """The note of the offer, which for a job without a cleaner is the office's; None keeps it off the market."""
    wants: tuple[Wanted, ...] = ()
    """What makes the offer a TRADE; planned before it."""


@dataclass(frozen=True, slots=True)
class SoonVisit:
    """A job within a day, urgent by itself (A22): at the next working hour that is at least four hours away."""

    hours: Decimal
    home: str
    cleaner: int | None = None
    offered: str | None = None
    by_office: bool = False
    """Whether the office looks for cover, and not the cleaner."""


class Reached(Enum):
    """How far a job of right now is."""

    NOTHING = auto()
    HALF = auto()
    """Under way: the before photos are there, half of the checklist is done."""
    PROOF = auto()


@dataclass(frozen=True, slots=True)
class DayVisit:
    """A job of right now; the demo's business hears after a minute that nobody comes to one."""

    starts_in: timedelta
    hours: Decimal
    home: str
    cleaner: int
    reached: Reached = Reached.NOTHING
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class BusinessPlan:
    """One demo business."""

    slug: str
    name: str
    markets: tuple[MarketPlan, ...]
    cleaners: tuple[CleanerPlan, ...]
    homes: tuple[HomePlan, ...]
    visits: tuple[Visit, ...]
    soon: tuple[SoonVisit, ...]
    settings: Mapping[str, Any]
    """What differs from the defaults."""
    day: tuple[DayVisit, ...] = ()


def _visit(
    week: int, when: str, hours: str, home: str, cleaner: int | None = None, offered: str | None = None
) -> Visit:
    return Visit(week, *_day_and_time(when), Decimal(hours), home, cleaner, offered)


def _trade(visit: Visit, *wants: tuple[int, int, str]) -> Visit:
    return replace(visit, wants=tuple(Wanted(cleaner, week, *_day_and_time(when)) for cleaner, week, when in wants))


def _day_and_time(when: str) -> tuple[int, time]:
    day, at = when.split()
    return _DAYS.index(day), time.fromisoformat(at)


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_BOTH = (Skill.HOT_TUB, Skill.LAUNDRY)
_LAUNDRY = (Skill.LAUNDRY,)

_FLORIDA_HOMES = (
    HomePlan("Ocean Drive 4B", "Miami", 1, "1420 Ocean Drive, Unit 4B", "Miami Beach", "33139",
             (25.7871, -80.1302), (2, 2, 1150)),
    HomePlan("Brickell 19", "Miami", 2, "950 Brickell Bay Drive, Unit 1904", "Miami", "33131",
             (25.7634, -80.1900), (1, 1, 820)),
    HomePlan("Midtown Loft", "Miami", 2, "3250 NE 1st Avenue, Unit 7", "Miami", "33137",
             (25.8075, -80.1931), (1, 2, 980)),
    HomePlan("Coral Villa", "Miami", 3, "2610 Alhambra Circle", "Coral Gables", "33134",
             (25.7478, -80.2713), (4, 3, 3100), hot_tub=True),
    HomePlan("Grove Cottage", "Miami", 3, "3480 Main Highway", "Coconut Grove", "33133",
             (25.7268, -80.2440), (3, 2, 1850), Laundry.IN_UNIT),
    HomePlan("Key House", "Miami", 4, "240 Harbor Drive", "Key Biscayne", "33149",
             (25.6903, -80.1711), (3, 3, 2400)),
    HomePlan("Redland Farmhouse", "Miami", 4, "24500 SW 162nd Avenue", "Homestead", "33031",
             (25.5387, -80.4559), (4, 2, 2600)),
    HomePlan("Gulf Breeze 12", "Pensacola", 5, "12 Bayshore Lane", "Gulf Breeze", "32561",
             (30.3571, -87.1639), (3, 2, 1700)),
    HomePlan("Palafox Flat", "Pensacola", 5, "118 S Palafox Street, Unit 3", "Pensacola", "32502",
             (30.4096, -87.2142), (1, 1, 760)),
    HomePlan("Perdido Dunes", "Pensacola", 6, "16300 Perdido Key Drive", "Pensacola", "32507",
             (30.2919, -87.4522), (4, 4, 2900), Laundry.OFF_SITE, hot_tub=True),
)  # fmt: skip

# Cleaner 1 and Cleaner 2 work at the same hours in different homes, so that both can race for the same offers.
_OWN_SHIFTS = (
    ("Wed 09:00", 0, "4", ("Brickell 19", "Ocean Drive 4B")),
    ("Thu 09:00", 0, "3", ("Ocean Drive 4B", "Brickell 19")),
    ("Sat 07:00", 0, "3", ("Key House", "Ocean Drive 4B")),
    ("Mon 08:00", 1, "8", ("Redland Farmhouse", "Key House")),
    ("Tue 08:00", 1, "8", ("Key House", "Redland Farmhouse")),
    ("Wed 08:00", 1, "8", ("Redland Farmhouse", "Key House")),
    ("Thu 08:00", 1, "8", ("Key House", "Redland Farmhouse")),
    ("Fri 09:00", 1, "4", ("Ocean Drive 4B", "Brickell 19")),
)

FLORIDA = BusinessPlan(
    slug="demo",
    name="Sunshine Cleaning",
    # Pensacola takes availability all the time but the last night, so that the demo can show a window that is open.
    markets=(MarketPlan("Miami", "America/New_York"), MarketPlan("Pensacola", "America/Chicago", lead_days=13)),
    cleaners=(
        CleanerPlan(1, ("Miami",), _LAUNDRY, (25.7743, -80.1937)),
        CleanerPlan(2, ("Miami",), (), (25.7907, -80.1420)),
        CleanerPlan(3, ("Miami",), _BOTH, (25.7580, -80.2510)),
        CleanerPlan(4, ("Miami",), _BOTH, (25.7320, -80.2370)),
        CleanerPlan(5, ("Pensacola",), _BOTH, (30.4213, -87.2169)),
        CleanerPlan(6, ("Pensacola",), _LAUNDRY, (30.3960, -87.2530)),
        CleanerPlan(7, ("Miami", "Pensacola"), _BOTH, (25.6700, -80.3500)),
        CleanerPlan(8, ("Miami",), (), (25.8100, -80.1990)),
        CleanerPlan(9, ("Miami",), (), (25.7700, -80.2050), is_joining=True),
    ),
    homes=_FLORIDA_HOMES,
    visits=(
        *(
            _visit(week, when, hours, homes[place], place + 1)
            for when, week, hours, homes in _OWN_SHIFTS
            for place in (0, 1)
        ),
        # Both can take these three, in any order.
        _visit(0, "Tue 10:00", "3", "Midtown Loft", 3, "My car is in the workshop."),
        _visit(0, "Fri 10:00", "4", "Key House", 4, "Dentist, sorry for the short notice."),
        _visit(1, "Sun 10:00", "3", "Brickell 19", 3, "Family visit."),
        # The laundry is for Cleaner 1 alone, the hot tub for neither.
        _visit(0, "Sun 10:00", "4", "Grove Cottage", 7, "Two loads of laundry, machines are new."),
        _visit(0, "Tue 15:00", "3", "Coral Villa", 4, "The hot tub needs service, too."),
        # Overlap, travel, rest, and the week's hours stand against these.
        _visit(0, "Wed 11:00", "3", "Midtown Loft", 3, "I have an exam."),
        _visit(0, "Thu 12:30", "3", "Redland Farmhouse", 7, "Too far for me that day."),
        _visit(0, "Fri 20:00", "3", "Brickell 19", 3, "Late check-in, keys are in the box."),
        _visit(1, "Sat 09:00", "6", "Midtown Loft", 4, "Long one, well paid."),
        # Both have shifts to give for this one.
        _trade(
            _visit(0, "Mon 13:00", "3", "Ocean Drive 4B", 3, "Thursday or the Friday after would suit me."),
            (1, 0, "Thu 09:00"),
            (1, 1, "Fri 09:00"),
            (2, 0, "Thu 09:00"),
            (2, 1, "Fri 09:00"),
        ),
        # Nobody is on this one; the office looks for somebody.
        _visit(0, "Thu 13:30", "2.5", "Midtown Loft", None, "New guests at five."),
        # Not on the market.
        _visit(0, "Wed 10:00", "5", "Coral Villa", 4),
        _visit(1, "Mon 09:00", "4", "Grove Cottage", 4),
        _visit(1, "Thu 09:00", "4", "Coral Villa", 3),
        _visit(1, "Tue 11:00", "3", "Midtown Loft", 7),
        _visit(0, "Sat 10:00", "3.25", "Key House"),
        _visit(1, "Wed 10:00", "4", "Grove Cottage"),
        # Pensacola, an hour behind.
        _visit(0, "Tue 09:00", "3", "Gulf Breeze 12", 5, "Doctor's appointment."),
        _visit(0, "Thu 13:00", "4", "Perdido Dunes", 5, "Laundry goes to the shop on the corner."),
        _visit(1, "Fri 10:00", "2", "Palafox Flat", 6, "Can somebody cover?"),
        _visit(0, "Wed 09:00", "3", "Palafox Flat", 6),
        _visit(1, "Thu 09:00", "4", "Perdido Dunes", 7),
        _visit(1, "Tue 09:00", "3", "Gulf Breeze 12", 6),
        _visit(0, "Fri 09:00", "3", "Gulf Breeze 12"),
    ),
    soon=(
        SoonVisit(Decimal(2), "Ocean Drive 4B", 4, "Urgent: I am not well."),
        SoonVisit(Decimal(2), "Brickell 19", 3, "Cleaner 3 has a fever.", by_office=True),
        SoonVisit(Decimal(3), "Midtown Loft"),
        SoonVisit(Decimal(2), "Palafox Flat", 6, "Urgent: flat tyre."),
    ),
    # Nobody who tries it should have to wait half an hour for an alert.
    settings={"swaps": {"standingBids": True}, "fieldwork": {"lateAlertMinutes": 1, "noAccessWaitMinutes": 0}},
    day=(
        DayVisit(
            timedelta(minutes=40),
            Decimal(2),
            "Midtown Loft",
            8,
            Reached.NOTHING,
            "New guests at five. Please leave the balcony door locked.",
        ),
        DayVisit(timedelta(minutes=10), Decimal(2), "Key House", 7, Reached.HALF, "The sofa had coffee on it."),
        DayVisit(timedelta(minutes=20), Decimal("1.5"), "Brickell 19", 3, Reached.PROOF),
        DayVisit(timedelta(seconds=20), Decimal(2), "Ocean Drive 4B", 4),
    ),
)

COLORADO = BusinessPlan(
    slug="other",
    name="Mile High Cleaning",
    markets=(MarketPlan("Denver", "America/Denver"),),
    cleaners=(
        CleanerPlan(1, ("Denver",), _LAUNDRY, (39.7420, -104.9850)),
        CleanerPlan(2, ("Denver",), (), (39.7560, -105.0100)),
        CleanerPlan(3, ("Denver",), _BOTH, (39.7180, -104.9510)),
        CleanerPlan(4, ("Denver",), _BOTH, (39.7690, -104.9730)),
        CleanerPlan(5, ("Denver",), _LAUNDRY, (39.6880, -104.9610)),
        CleanerPlan(6, ("Denver",), (), (39.7310, -105.0270)),
    ),
    homes=(
        HomePlan("LoDo Loft", "Denver", 1, "1650 Wynkoop Street, Unit 5C", "Denver", "80202",
                 (39.7525, -104.9995), (1, 1, 900)),
        HomePlan("Cherry Creek House", "Denver", 2, "320 Adams Street", "Denver", "80206",
                 (39.7209, -104.9489), (4, 3, 2900), Laundry.IN_UNIT),
        HomePlan("Wash Park Bungalow", "Denver", 2, "870 S Gilpin Street", "Denver", "80209",
                 (39.7004, -104.9672), (3, 2, 1750)),
        HomePlan("Highlands Duplex", "Denver", 3, "3320 Tejon Street", "Denver", "80211",
                 (39.7637, -105.0111), (2, 2, 1400)),
        HomePlan("Golden Chalet", "Denver", 3, "18900 Lookout Mountain Road", "Golden", "80401",
                 (39.7325, -105.2380), (3, 3, 2300), hot_tub=True),
    ),
    visits=(
        _visit(0, "Tue 10:00", "3", "LoDo Loft", 3, "Train is cancelled that morning."),
        _visit(0, "Thu 10:00", "4", "Wash Park Bungalow", 4, "Moving house."),
        _visit(0, "Fri 13:00", "4", "Golden Chalet", 3, "Hot tub cover is heavy."),
        _visit(1, "Wed 10:00", "3", "Highlands Duplex", 5, "Anyone?"),
        _visit(1, "Sat 09:00", "4", "Cherry Creek House", 4, "Three loads of laundry."),
        _visit(0, "Wed 09:00", "4", "Highlands Duplex", 1),
        _visit(0, "Wed 09:00", "3", "LoDo Loft", 2),
        _visit(1, "Mon 09:00", "5", "Cherry Creek House", 1),
        _visit(1, "Tue 13:00", "3", "Wash Park Bungalow", 6),
        _visit(0, "Thu 15:00", "3", "LoDo Loft"),
        _visit(1, "Fri 09:00", "3.5", "Wash Park Bungalow"),
    ),
    soon=(SoonVisit(Decimal(2), "LoDo Loft", 5, "Urgent: child is ill."),),
    settings={"swaps": {"approvalRequired": True, "drawMinutes": 3}},
)  # fmt: skip

BUSINESSES = (FLORIDA, COLORADO)
