"""The demo that everybody can sign in to, and businesses of any size for benchmarks."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import orjson
import pytest
from argon2 import PasswordHasher

from app.auth import Auth
from app.passwords import Passwords, SourceLimiter
from app.tokens import SigningKey, TokenSigner, TokenVerifier
from db.engine import write_engine
from db.runner import Runner
from db.secrets import Secrets
from domain.actors import Actor, CleanerId, Role, TenantId
from domain.eligibility import ReasonCode, reasons_not_to_take
from domain.errors import BadCredentials, Forbidden
from domain.geo import Position
from domain.ids import AssignmentId, MarketId
from domain.policy import SwapPolicy
from domain.scheduling import AssignmentRole, Shift, required_skills
from domain.swaps import SwapFacts, SwapKind, SwapOpener, SwapStatus, TakerFacts, expiry_of
from gateways.objects import FolderStore
from models import ddl
from sandbox import SandboxError, demo_day
from sandbox.bulk import seed_bulk
from sandbox.bulk_business import Size
from sandbox.bulk_rows import rows_of
from sandbox.demo import Demo, read_demo, seed_demo
from sandbox.demo_plan import COLORADO, FLORIDA, PASSWORD, PIN
from sandbox.demo_rounds import free_monday, planned_shifts
from sandbox.environment import Servers, open_environment, remove_environment
from sandbox.stamped import stamped
from services.cards import SWAP_CARD, SWAP_CARD_FROM
from services.identity.forms import SignIn, SignInWithPin, Tokens
from services.swap_facts import STAMPED_VIEWER_FACTS, swap_facts, viewer_facts

SEED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
HERE = "127.0.0.1"
OF_RULES = {
    ReasonCode.SKILL_MISSING,
    ReasonCode.OVERLAP,
    ReasonCode.REST_TOO_SHORT,
    ReasonCode.WEEK_HOURS_EXCEEDED,
    ReasonCode.TRAVEL_TOO_LONG,
}
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
"""Six days before the clocks go forward in Florida."""


MIAMI = MarketId(UUID(int=0))


class Interrupted(BaseException):
    """The process dies here."""


@dataclass
class Installation:
    """An empty database, and what a process of the installation has."""

    url: str
    root: asyncpg.Connection
    runner: Runner
    auth: Auth
    data: Path

    async def seed(self) -> Demo:
        return await seed_demo(self.runner, self.auth, self.data, FolderStore.at(self.data / "objects"))

    async def sign_in(self, tenant: str, email: str) -> Tokens:
        return await self.auth.sign_in(SignIn(tenant, email, PASSWORD), HERE)

    async def everything(self) -> dict[str, list[str]]:
        """Every row of every table as text."""
        tables = await self.root.fetch(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )
        return {
            name: sorted(row[0] for row in await self.root.fetch(f'select t::text from "{name}" t'))
            for (name,) in tables
        }

    async def tenant(self, slug: str) -> TenantId:
        return TenantId(await self.root.fetchval("select tenant_id from tenant where slug = $1", slug))

    async def pending(self, slug: str) -> int:
        """Open swaps that have time left by the tenant's own clock."""
        return await self.root.fetchval(
            """select count(*) from swap join tenant using (tenant_id)
               where slug = $1 and status = 'PENDING' and expires_at > now() + clock_offset""",
            slug,
        )

    async def market(self, actor: Actor) -> dict[UUID, set[ReasonCode]]:
        """Every open swap that this cleaner sees, and the reasons why they cannot take it."""
        app = await asyncpg.connect(self.url)
        try:
            async with stamped(app, actor) as now:
                me = viewer_facts(orjson.loads(await app.fetchval(STAMPED_VIEWER_FACTS)))
                cards = await app.fetch(
                    f"select {SWAP_CARD} from {SWAP_CARD_FROM} where s.tenant_id = $1 and s.status = 'PENDING'"
                    " and s.expires_at > $2",
                    actor.tenant,
                    now,
                )
        finally:
            await app.close()
        assert me is not None
        facts = [swap_facts(orjson.loads(card)) for (card,) in cards]
        return {
            swap.shift.assignment_id: {one.code for one in reasons_not_to_take(swap, me.taker, me.policy.swaps, now)}
            for swap in facts
        }

    async def market_of(self, demo: Demo, label: str) -> dict[UUID, set[ReasonCode]]:
        who = next(one for one in demo.cleaners if one.label == label)
        tokens = await self.auth.sign_in_with_pin(SignInWithPin(who.qr_token, who.pin), HERE)
        return await self.market(_actor(tokens))


def _actor(tokens: Tokens) -> Actor:
    return Actor(tokens.tenant, tokens.role, tokens.person_id, tokens.session_id)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    folder = Path(tempfile.mkdtemp(prefix="cleanshift-demo-"))
    try:
        with open_environment(folder, redis=False, durable=False) as running:
            asyncio.run(_create_schema(running.database_owner_url))
            yield running
        remove_environment(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _create_schema(url: str) -> None:
    owner = await asyncpg.connect(url)
    for statement in ddl.statements():
        await owner.execute(statement)
    await owner.close()


@pytest.fixture
async def installation(servers: Servers, tmp_path: Path) -> AsyncIterator[Installation]:
    async with _open_installation(servers, "cleanshift", tmp_path) as made:
        await made.root.execute("truncate tenant, worker cascade")
        yield made


@dataclass
class Seeded:
    """An installation with the demo in it, for tests that only look."""

    installation: Installation
    demo: Demo
    open_sessions: int
    """How many the seeding has left."""


@pytest.fixture(scope="module")
async def seeded(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Seeded]:
    superuser = await asyncpg.connect(servers.superuser_url)
    await superuser.execute("create database seeded template cleanshift")
    await superuser.close()
    async with _open_installation(servers, "seeded", tmp_path_factory.mktemp("seeded")) as made:
        await made.root.execute("truncate tenant, worker cascade")
        demo = await made.seed()
        yield Seeded(made, demo, await made.root.fetchval("select count(*) from session where revoked_at is null"))


@asynccontextmanager
async def _open_installation(servers: Servers, database: str, data: Path) -> AsyncIterator[Installation]:
    url = urlsplit(servers.database_url)._replace(path=f"/{database}").geturl()
    root = await asyncpg.connect(servers.superuser_url, database=database)
    engine = write_engine(url)
    runner = Runner(engine, Secrets(b"k" * 32, b"s" * 32), _nobody)
    auth = _auth(runner)
    yield Installation(url, root, runner, auth, data)
    auth.passwords.close()
    await root.close()
    await engine.dispose()


def _auth(runner: Runner, *, production: bool = False) -> Auth:
    key = SigningKey.from_seed(SEED)
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords = Passwords(runner.secrets, hasher=cheap)
    limiter = SourceLimiter(burst=10_000)
    return Auth(runner, TokenSigner(key), TokenVerifier([key.public]), passwords, limiter, production=production)


def _nobody(tenant: TenantId, *, events: bool, tasks: bool) -> None:
    return None


def _takable(market: dict[UUID, set[ReasonCode]]) -> set[UUID]:
    return {shift for shift, reasons in market.items() if not reasons}


async def test_everybody_of_both_demo_businesses_and_the_platform_can_sign_in(seeded):
    """R9, R11, A4."""
    installation, demo = seeded.installation, seeded.demo

    for one in demo.staff:
        tokens = await installation.sign_in(one.tenant, one.email)
        assert (tokens.role, tokens.tenant) == (one.role, await installation.tenant(one.tenant))
    for who in demo.cleaners:
        tokens = await installation.auth.sign_in_with_pin(SignInWithPin(who.qr_token, who.pin), HERE)
        assert (tokens.role, tokens.tenant) == (Role.CLEANER, await installation.tenant(who.tenant))
    assert demo.tenants == ("demo", "other")
    assert {one.role for one in demo.staff} == {"owner", "admin", "dispatcher", "ops"}
    assert [sum(one.tenant == slug for one in demo.cleaners) for slug in demo.tenants] == [9, 6]
    with pytest.raises(BadCredentials):
        await installation.sign_in("other", "owner@demo.example")


async def test_seeding_again_changes_no_row_and_gives_the_same_logins(installation):
    first = await installation.seed()
    before = await installation.everything()

    again = await installation.seed()

    assert await installation.everything() == before
    assert again == first
    assert read_demo(installation.data) == first.as_json()
    assert (installation.data / "demo.json").stat().st_mode & 0o777 == 0o600


async def test_no_session_of_the_seeding_is_left_open(seeded):
    assert await seeded.installation.root.fetchval("select count(*) from session") > 0
    assert seeded.open_sessions == 0


async def test_a_lost_file_of_logins_leads_to_new_qr_tokens_and_the_pins_stay(installation):
    """A8: only hashes of the old tokens are kept, so there is no other way."""
    first = await installation.seed()
    jobs = (await installation.everything())["job"]
    (installation.data / "demo.json").unlink()

    again = await installation.seed()

    assert {one.label for one in again.cleaners} == {one.label for one in first.cleaners}
    assert not {one.qr_token for one in again.cleaners} & {one.qr_token for one in first.cleaners}
    assert await installation.market_of(again, "Cleaner 1 (Miami)")
    with pytest.raises(BadCredentials):
        await installation.auth.sign_in_with_pin(SignInWithPin(first.cleaners[0].qr_token, PIN), HERE)
    assert (await installation.everything())["job"] == jobs


@pytest.mark.parametrize("commits", [1, 3, 20, 90])
async def test_a_seeding_that_died_is_finished_by_the_next_one(installation, commits):
    left = [commits]

    def die(tenant: TenantId, *, events: bool, tasks: bool) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted

    dying = Runner(installation.runner.engine, installation.runner.secrets, die)
    with pytest.raises(Interrupted):
        await seed_demo(dying, _auth(dying), installation.data, FolderStore.at(installation.data / "objects"))
    demo = await installation.seed()

    assert len(demo.staff) == 7
    for one in demo.staff:
        assert (await installation.sign_in(one.tenant, one.email)).role == one.role
    for who in demo.cleaners:
        assert await installation.auth.sign_in_with_pin(SignInWithPin(who.qr_token, who.pin), HERE)
    for plan in (FLORIDA, COLORADO):
        assert await installation.pending(plan.slug) >= 3
        names = await installation.root.fetch(
            "select name from cleaner where tenant_id = $1", await installation.tenant(plan.slug)
        )
        assert sorted(row["name"] for row in names) == sorted(one.label for one in plan.cleaners)


async def test_two_cleaners_can_race_for_three_shifts_and_each_meets_every_rule(seeded):
    """A26, A27b: what the database shows to each of them under its own policies."""
    installation, demo = seeded.installation, seeded.demo

    first = await installation.market_of(demo, "Cleaner 1 (Miami)")
    second = await installation.market_of(demo, "Cleaner 2 (Miami)")

    assert len(_takable(first) & _takable(second)) >= 3
    for market in (first, second):
        assert {code for reasons in market.values() for code in reasons} == OF_RULES
        assert all(len(reasons) <= 1 for reasons in market.values())
    denver = await installation.market_of(demo, "Cleaner 1 (Denver)")
    assert len(_takable(denver)) >= 3
    assert not set(denver) & (set(first) | set(second))


@pytest.mark.parametrize("day", range(14))
def test_the_promise_holds_on_whatever_day_the_demo_starts(day):
    """A22, A27b; over the night in which the clocks go forward, too."""
    for hour in range(24):
        now = MONDAY + timedelta(days=day, hours=hour, minutes=17)
        shifts = planned_shifts(FLORIDA, now, free_monday(now, [], "America/New_York"))
        markets = [_reasons(number, shifts, now) for number in (1, 2)]

        common = [index for index, reasons in markets[0].items() if not reasons and not markets[1][index]]
        assert len(common) >= 3
        assert all(now + timedelta(hours=2) < shifts[index].starts_at for index in common)
        for market in markets:
            assert {code for reasons in market.values() for code in reasons} >= OF_RULES


def _reasons(number: int, shifts: list[Any], now: datetime) -> dict[int, set[ReasonCode]]:
    """The reasons against each offer of Miami for this cleaner, straight from plan and rules."""
    cleaner = next(one for one in FLORIDA.cleaners if one.number == number)
    ids = {one.number: CleanerId(UUID(int=one.number)) for one in FLORIDA.cleaners}
    as_shift = {
        index: Shift(
            AssignmentId(UUID(int=100 + index)),
            one.starts_at,
            one.starts_at + timedelta(seconds=int(one.hours * 3600)),
            one.hours,
            Position(*one.home.position),
        )
        for index, one in enumerate(shifts)
    }
    taker = TakerFacts(
        ids[number],
        frozenset({MIAMI}),
        frozenset(cleaner.skills),
        onboarded=True,
        shifts=tuple(as_shift[index] for index, one in enumerate(shifts) if one.cleaner == number),
    )
    return {
        index: {one.code for one in reasons_not_to_take(_offer(shifts, index, as_shift, now), taker, SwapPolicy(), now)}
        for index in as_shift
        if shifts[index].offered is not None and shifts[index].home.market == "Miami"
    }


def _offer(shifts: list[Any], index: int, as_shift: dict[int, Shift], now: datetime) -> SwapFacts:
    planned, shift = shifts[index], as_shift[index]
    opened_by = SwapOpener.OFFICE if planned.by_office else SwapOpener.CLEANER
    wants = {
        as_shift[place].assignment_id
        for place, one in enumerate(shifts)
        if (one.cleaner, one.starts_at) in planned.wants
    }
    return SwapFacts(
        SwapStatus.PENDING,
        shift,
        AssignmentRole.PRIMARY,
        None if planned.cleaner is None else CleanerId(UUID(int=planned.cleaner)),
        None,
        MIAMI,
        "America/New_York",
        opened_by=opened_by,
        opened_at=now,
        expires_at=expiry_of(shift.starts_at, shift.ends_at, timedelta(hours=2), opened_by),
        kind=SwapKind.TRADE if wants else SwapKind.COVER,
        wants=frozenset(wants),
        skills=required_skills(has_hot_tub=planned.home.hot_tub, laundry=planned.home.laundry),
    )


async def test_the_demo_shows_every_way_to_put_a_shift_on_the_market(seeded):
    """A22, A27: offers, a TRADE that both racers can take, an urgent cover and a vacancy of the office."""
    installation, demo = seeded.installation, seeded.demo

    rows = await installation.root.fetch(
        """select s.kind, s.opened_by, s.owner_id is null as is_vacant, j.is_urgent, count(*) as of_them
           from swap s join tenant t using (tenant_id) join job j on j.tenant_id = s.tenant_id and j.id = s.job_id
           where t.slug = 'demo' and s.opened_by || s.kind <> 'CLEANERCOVER' group by 1, 2, 3, 4"""
    )
    special = {tuple(row)[:4]: row["of_them"] for row in rows}
    vacancies = special.pop(("COVER", "OFFICE", True, False), 0) + special.pop(("COVER", "OFFICE", True, True), 0)
    assert vacancies == 1
    assert special.pop(("COVER", "OFFICE", False, True)) == 1
    assert [(kind, opener) for kind, opener, *_ in special] == [("TRADE", "CLEANER")]
    (trade,) = await installation.root.fetch("select assignment_id from swap where kind = 'TRADE'")
    for label in ("Cleaner 1 (Miami)", "Cleaner 2 (Miami)"):
        assert trade["assignment_id"] in _takable(await installation.market_of(demo, label))


async def test_one_business_has_standing_bids_and_the_other_draws_and_lets_its_office_agree(installation):
    """A27b, A29: set once; what a visitor sets afterwards stays."""
    await installation.seed()
    settings = "select slug, settings->'swaps' as swaps from tenant where slug in ('demo', 'other') order by slug"

    demo, other = await installation.root.fetch(settings)
    assert orjson.loads(demo["swaps"]) == {"standingBids": True}
    assert orjson.loads(other["swaps"]) == {"approvalRequired": True, "drawMinutes": 3}
    waiting = "select bool_and(draws_at is not null) from swap join tenant using (tenant_id) where slug = $1"
    assert await installation.root.fetchval(waiting, "other")
    assert not await installation.root.fetchval(waiting, "demo")

    await installation.root.execute(
        """update tenant set settings = '{"swaps": {"drawMinutes": 1}}' where slug = 'other'"""
    )
    await installation.seed()
    _, other = await installation.root.fetch(settings)
    assert orjson.loads(other["swaps"]) == {"drawMinutes": 1}


async def test_when_the_market_has_run_dry_another_round_is_added_in_that_business_only(installation):
    """R100: three weeks on, every offer of the first round is over."""
    demo = await installation.seed()
    other = str(await installation.tenant("other"))
    others = [row for row in (await installation.everything())["swap"] if other in row]
    await installation.root.execute("update tenant set clock_offset = '23 days' where slug = 'demo'")
    assert await installation.pending("demo") == 0

    await installation.seed()

    first = await installation.market_of(demo, "Cleaner 1 (Miami)")
    assert len(_takable(first)) >= 3
    assert {code for reasons in first.values() for code in reasons} == OF_RULES
    swaps = (await installation.everything())["swap"]
    assert [row for row in swaps if other in row] == others
    before = await installation.everything()
    await installation.seed()
    assert await installation.everything() == before


async def test_what_visitors_have_taken_away_does_not_keep_the_demo_from_starting(installation):
    await installation.seed()
    await installation.root.execute("update swap set status = 'WITHDRAWN'")
    await installation.root.execute("delete from cleaner_skill")
    await installation.root.execute("update property set archived_at = now() where name = 'Key House'")

    demo = await installation.seed()

    assert await installation.pending("demo") >= 3
    assert await installation.market_of(demo, "Cleaner 2 (Miami)")


async def test_every_job_of_the_demos_day_is_there_however_long_the_ones_before_it_took(installation, monkeypatch):
    """The last begins in seconds, and a job is never planned for what is past."""
    work = demo_day._work

    async def take_long(*about: Any) -> None:
        await work(*about)
        await installation.root.execute("update tenant set clock_offset = clock_offset + interval '2 minutes'")

    monkeypatch.setattr(demo_day, "_work", take_long)

    await installation.seed()

    soon = """select p.name from job j join property p on p.tenant_id = j.tenant_id and p.id = j.property_id
        join tenant t on t.tenant_id = j.tenant_id
        where t.slug = 'demo' and j.starts_at between now() and now() + clock_offset + interval '1 hour'"""
    begins = {row["name"] for row in await installation.root.fetch(soon)}
    assert begins >= {visit.home for visit in FLORIDA.day}


async def test_the_demo_is_refused_in_production_and_nothing_is_written(installation):
    before = await installation.everything()

    production = _auth(installation.runner, production=True)
    objects = FolderStore.at(installation.data / "objects")
    with pytest.raises(Forbidden):
        await seed_demo(installation.runner, production, installation.data, objects)

    assert await installation.everything() == before
    assert read_demo(installation.data) is None


async def _bulk(installation: Installation, tenants: int, size: Size) -> list[str]:
    return await seed_bulk(
        installation.url,
        tenants=tenants,
        cleaners=size.cleaners,
        properties=size.properties,
        jobs=size.jobs,
        swaps=size.swaps,
        progress=False,
    )


async def _counts(installation: Installation, slug: str) -> dict[str, int]:
    tenant = await installation.tenant(slug)
    return {
        name: await installation.root.fetchval(f'select count(*) from "{name}" where tenant_id = $1', tenant)
        for name in ("cleaner", "property", "job", "swap")
    }


async def test_businesses_in_bulk_have_the_size_that_was_asked_for_and_make_sense(installation):
    """R70 to R75, R94: as the commands would have left them; the constraints have looked at every row."""
    made = await _bulk(installation, 2, Size(12, 30, 200, 40))

    assert made == ["bulk-1", "bulk-2"]
    for slug in made:
        assert await _counts(installation, slug) == {"cleaner": 12, "property": 30, "job": 200, "swap": 40}
        assert await installation.pending(slug) == 40
        with_owner = await installation.root.fetchval(
            """select count(*) from swap s join assignment a on a.tenant_id = s.tenant_id and a.id = s.assignment_id
               join job j on j.tenant_id = s.tenant_id and j.id = s.job_id and j.id = a.job_id
               join property p on p.tenant_id = j.tenant_id and p.id = j.property_id
               join cleaner_market m on m.tenant_id = s.tenant_id and m.cleaner_id = s.owner_id
                   and m.market_id = s.market_id
               where s.tenant_id = $1 and a.cleaner_id = s.owner_id and j.market_id = s.market_id
                 and p.market_id = j.market_id and p.customer_id = j.customer_id and j.status = 'ASSIGNED'
                 and j.ends_at = j.starts_at + j.expected_hours * interval '1 hour'""",
            await installation.tenant(slug),
        )
        assert with_owner == 40


async def test_cleaners_of_a_bulk_business_get_tokens_and_find_shifts_that_they_can_take(installation):
    await _bulk(installation, 2, Size(12, 30, 200, 40))

    for slug in ("bulk-1", "bulk-2"):
        tokens = await installation.auth.issue_token(slug, Role.CLEANER)
        market = await installation.market(_actor(tokens))
        assert tokens.tenant == await installation.tenant(slug)
        assert _takable(market)
        assert {code for reasons in market.values() for code in reasons} <= {*OF_RULES, ReasonCode.OWN_SHIFT}
        assert (await installation.auth.issue_token(slug, Role.OWNER)).role is Role.OWNER
        assert (await installation.auth.issue_token(slug, Role.CUSTOMER)).role is Role.CUSTOMER


async def test_what_is_there_in_bulk_stays_as_it_is_and_more_is_added(installation):
    await _bulk(installation, 1, Size(3, 4, 20, 5))
    before = (await installation.everything())["job"]

    made = await _bulk(installation, 2, Size(3, 4, 20, 5))

    assert made == ["bulk-2"]
    assert set(before) < set((await installation.everything())["job"])


@pytest.mark.parametrize(
    "size", [Size(1, 1, 10, 10), Size(0, 1, 3, 0), Size(3, 0, 0, 0), Size(1, 5, 6, 1), Size(7, 2, 30, 29)]
)
async def test_odd_sizes_are_made_as_they_were_asked_for(installation, size):
    made = await _bulk(installation, 1, size)

    assert await _counts(installation, made[0]) == {
        "cleaner": size.cleaners,
        "property": size.properties,
        "job": size.jobs,
        "swap": size.swaps,
    }


@pytest.mark.parametrize("size", [Size(4, 0, 3, 0), Size(0, 4, 3, 1), Size(4, 4, 3, 4)])
async def test_numbers_that_do_not_go_together_are_refused_and_nothing_is_written(installation, size):
    before = await installation.everything()

    with pytest.raises(SandboxError) as refused:
        await _bulk(installation, 1, size)

    assert "\n" not in str(refused.value)
    assert await installation.everything() == before


def test_the_same_seed_on_the_same_day_makes_the_same_rows():
    now = datetime(2026, 10, 31, 9, 30, tzinfo=UTC)

    made = [rows_of(number, Size(5, 9, 60, 12), now, seed) for number, seed in ((1, 7), (1, 7), (2, 7), (1, 8))]

    assert made[0] == made[1]
    assert len({tenant for tenant, _ in made}) == 3
    assert made[0][1] != made[3][1]


def test_nobody_works_more_hours_in_a_week_than_a_shift_can_be_added_to():
    _, rows = rows_of(1, Size(10, 20, 400, 80), datetime(2026, 10, 31, 9, 30, tzinfo=UTC), 7)
    hours = {job["id"]: job["expected_hours"] for job in rows["job"]}
    worked: dict[tuple[Any, Any], Decimal] = {}
    for one in rows["assignment"]:
        week = (one["cleaner_id"], one["starts_at"].isocalendar()[:2])
        worked[week] = worked.get(week, Decimal(0)) + hours[one["job_id"]]

    assert max(worked.values()) <= 28
