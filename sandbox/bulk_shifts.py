"""The work of a made-up business: jobs done and to come, shifts on the market, and when everybody can work."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from domain.availability import MarketCalendar, period_containing
from domain.scheduling import AssignmentRole, JobStatus, PaymentStatus
from domain.swaps import SwapKind, SwapOpener, SwapStatus, expiry_of
from domain.wallclock import instant_of, local_day
from sandbox.bulk_business import Business, Place, Row

WORKDAYS = 5
URGENT = 0.03
LEAD = timedelta(hours=2)
LENGTHS = tuple(Decimal(hours) for hours in ("2", "2.5", "3", "3.5", "4"))
STARTS = (time(9), time(14))


@dataclass(frozen=True, slots=True)
class _Worker:
    """A cleaner at work: where, in which homes, and how many workers were counted before."""

    place: Place
    cleaner: Row
    homes: list[Row]
    index: int


def add_shifts(business: Business, places: list[Place]) -> None:
    """Jobs done, assigned, offered and nobody's; the cleaners take turns, one shift each a working day."""
    size = business.size
    workers = _workers(places)
    for index in range(size.past if workers else 0):
        _shift(business, workers[index % len(workers)], -1 - index // len(workers))
    to_come = size.jobs - size.past - size.unassigned
    offered = set(business.random.sample(range(to_come), size.swaps))
    for index in range(to_come):
        made = _shift(business, workers[index % len(workers)], index // len(workers))
        if index in offered:
            _offer(business, made)
    days = 1 + to_come // max(1, len(workers))
    for index in range(size.unassigned if workers else size.jobs):
        place = places[index % len(places)]
        home = place.homes[index // len(places) % len(place.homes)]
        _job(business, home, _start(business, place, index % days, index), JobStatus.UNASSIGNED)


def _workers(places: list[Place]) -> list[_Worker]:
    pairs = [(place, cleaner) for place in places for cleaner in place.cleaners]
    return [_Worker(place, cleaner, place.homes_for(cleaner), index) for index, (place, cleaner) in enumerate(pairs)]


def _shift(business: Business, worker: _Worker, turn: int) -> Row:
    """One worker's shift on a working day, counted from tomorrow, or from yesterday where the turn is negative."""
    starts_at = _start(business, worker.place, turn, turn + worker.index)
    status = JobStatus.ASSIGNED if turn >= 0 else JobStatus.COMPLETED
    made = _job(business, business.random.choice(worker.homes), starts_at, status)
    return business.add(
        "assignment",
        job_id=made["id"],
        customer_id=made["customer_id"],
        cleaner_id=worker.cleaner["id"],
        role=AssignmentRole.PRIMARY.value,
        starts_at=made["starts_at"],
        ends_at=made["ends_at"],
    )


def _start(business: Business, place: Place, turn: int, half: int) -> datetime:
    """Morning or afternoon of the working day: five days on, two off."""
    zone = place.market["zone"]
    week, day = divmod(turn if turn >= 0 else -1 - turn, WORKDAYS)
    away = timedelta(days=1 + 7 * week + day)
    today = local_day(zone, business.now)
    return instant_of(datetime.combine(today + away if turn >= 0 else today - away, STARTS[half % 2]), zone)


def _job(business: Business, home: Row, starts_at: datetime, status: JobStatus) -> Row:
    hours = business.random.choice(LENGTHS)
    ends_at = starts_at + timedelta(seconds=int(hours * 3600))
    done = status is JobStatus.COMPLETED
    return business.add(
        "job",
        property_id=home["id"],
        customer_id=home["customer_id"],
        market_id=home["market_id"],
        starts_at=starts_at,
        ends_at=ends_at,
        expected_hours=hours,
        status=status.value,
        payment_status=(PaymentStatus.CAPTURED if done else PaymentStatus.PENDING).value,
        is_urgent=business.random.random() < URGENT,
        completed_at=ends_at if done else None,
    )


def _offer(business: Business, shift: Row) -> None:
    opened_at = business.now - timedelta(minutes=business.random.randint(1, 2_880))
    expires_at = expiry_of(shift["starts_at"], shift["ends_at"], LEAD, SwapOpener.CLEANER)
    business.put(
        "swap",
        id=business.new_id(),
        kind=SwapKind.COVER.value,
        status=SwapStatus.PENDING.value,
        job_id=shift["job_id"],
        assignment_id=shift["id"],
        market_id=business.rows["job"][-1]["market_id"],
        owner_id=shift["cleaner_id"],
        role=shift["role"],
        opened_at=opened_at,
        expires_at=expires_at,
    )


def add_availability(business: Business, place: Place) -> None:
    """Everybody has said for the present two weeks that they can work in the daytime."""
    zone = place.market["zone"]
    period = period_containing(MarketCalendar(zone), local_day(zone, business.now))
    days = [period.starts_on + timedelta(days=ahead) for ahead in range(14)]
    slots = [(day, *(instant_of(datetime.combine(day, hour), zone) for hour in (time(8), time(19)))) for day in days]
    for one in place.cleaners:
        who = {"id": business.new_id(), "cleaner_id": one["id"]}
        business.put(
            "availability_submission",
            **who,
            market_id=place.market["id"],
            period_start=period.starts_on,
            submitted_at=business.founded,
            is_late=False,
        )
        for day, starts_at, ends_at in slots:
            if day.weekday() < WORKDAYS:
                slot = {"submission_id": who["id"], "day": day, "starts_at": starts_at, "ends_at": ends_at}
                business.put("availability", id=business.new_id(), cleaner_id=one["id"], **slot)
