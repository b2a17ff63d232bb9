"""The rows of one made-up business of any size, the same for the same seed and day.

Every cleaner works one shift on five days a week, a fifth of them past, the rest still to come, so that nobody is in
two places at once and most of the market can be taken by somebody. Homes ask only for skills that their cleaners have.
"""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from domain.availability import DEFAULT_EPOCH
from domain.scheduling import Laundry, OnboardingState, Skill
from sandbox.bulk_business import Business, Place, Row, Rows, Size
from sandbox.bulk_shifts import add_availability, add_shifts

MARKETS = (("East", "America/New_York", 25.77, -80.19), ("West", "America/Chicago", 30.42, -87.22))


def rows_of(number: int, size: Size, now: datetime, seed: int) -> tuple[UUID, Rows]:
    """The tenant's id, and the rows of each table but for the tenant's id in them."""
    # A generator of test data, not of secrets.
    business = Business(number, size, now, Random(f"{seed}/{number}"))  # noqa: S311
    tenant = business.new_id()
    for role in ("owner", "admin", "dispatcher"):
        business.add("staff", name=f"{role.capitalize()} 1", email=f"{role}@{business.slug}.example", role=role)
    places = _places(business)
    add_shifts(business, places)
    for place in places:
        add_availability(business, place)
    return tenant, business.rows


def _places(business: Business) -> list[Place]:
    size = business.size
    wanted = MARKETS if min(size.cleaners, size.properties) > 1 else MARKETS[:1]
    markets = [business.add("market", name=name, zone=zone, window_epoch=DEFAULT_EPOCH) for name, zone, *_ in wanted]
    homes = [_home(business, index, markets) for index in range(size.properties)]
    skills: dict[UUID, frozenset[Skill]] = {}
    cleaners = [_cleaner(business, index, skills) for index in range(size.cleaners)]
    count = len(markets)
    places = [
        Place(market, homes[index::count], cleaners[index::count], skills) for index, market in enumerate(markets)
    ]
    for place in places:
        for one in place.cleaners:
            business.put("cleaner_market", cleaner_id=one["id"], market_id=place.market["id"])
    for one in places[0].cleaners[::10] if count > 1 else []:
        business.put("cleaner_market", cleaner_id=one["id"], market_id=markets[1]["id"])
    return places


def _home(business: Business, index: int, markets: list[Row]) -> Row:
    place = index % len(markets)
    if index % 2 == 0:
        name, address = f"Customer {index // 2 + 1}", f"customer-{index // 2 + 1}@{business.slug}.example"
        business.add("customer", name=name, email=address)
    nth = index // len(markets)
    laundry = Laundry.IN_UNIT if nth % 4 == 3 else Laundry.NONE
    bedrooms = business.random.randint(1, 5)
    return business.add(
        "property",
        customer_id=business.rows["customer"][-1]["id"],
        market_id=markets[place]["id"],
        name=f"Home {index + 1}",
        address=f"{100 + index} Harbor Street",
        city="Miami" if place == 0 else "Pensacola",
        postal_code=f"{33101 + index % 90 if place == 0 else 32501 + index % 9:05}",
        latitude=MARKETS[place][2] + business.random.uniform(-0.1, 0.1),
        longitude=MARKETS[place][3] + business.random.uniform(-0.1, 0.1),
        bedrooms=bedrooms,
        bathrooms=max(1, bedrooms - 1),
        square_feet=600 + 450 * bedrooms,
        laundry=laundry.value,
        laundry_loads=2 if laundry is Laundry.IN_UNIT else 0,
        hot_tub=nth % 10 == 9,
    )


def _cleaner(business: Business, index: int, skills: dict[UUID, frozenset[Skill]]) -> Row:
    made = business.add(
        "cleaner",
        name=f"Cleaner {index + 1}",
        email=f"cleaner-{index + 1}@{business.slug}.example",
        home_latitude=MARKETS[index % 2][2] + business.random.uniform(-0.1, 0.1),
        home_longitude=MARKETS[index % 2][3] + business.random.uniform(-0.1, 0.1),
        onboarding=OnboardingState.COMPLETE.value,
        # The first is the first whom the command line's `token` finds.
        created_at=business.founded + timedelta(seconds=index),
    )
    has = {Skill.LAUNDRY: index % 8 < 6, Skill.HOT_TUB: index % 6 < 2}
    skills[made["id"]] = frozenset(skill for skill, mastered in has.items() if mastered)
    for skill in sorted(skills[made["id"]]):
        business.put("cleaner_skill", cleaner_id=made["id"], skill=skill.value)
    return made
