"""Cleaners, markets and the business itself, as the office keeps them."""

import time
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.actors import Actor, Role, TenantId
from domain.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from domain.scheduling import AssignmentRole, Skill
from services.cancellations import CancelJob, cancel_job
from services.customers import CreateCustomer, CreateProperty, create_customer, create_property
from services.identity.business import (
    ArchiveMarket,
    CreateMarket,
    FoundBusiness,
    UpdateMarket,
    UpdateTenant,
    archive_market,
    create_market,
    found_business,
    update_market,
    update_tenant,
)
from services.identity.cleaners import (
    ArchiveCleaner,
    CompleteOnboarding,
    CreateCleaner,
    SetCleanerMarkets,
    SetCleanerSkills,
    UpdateCleaner,
    archive_cleaner,
    complete_onboarding,
    create_cleaner,
    set_cleaner_markets,
    set_cleaner_skills,
    update_cleaner,
)
from services.identity.links import FindInvitation, find_invitation
from services.identity.sessions import SignOut, sign_out
from services.identity.sign_in import StaffLogin, find_staff_login
from services.inputs import JSON
from services.scheduling import AssignCleaner, CreateJob, assign_cleaner, create_job
from tests.identity.house import Business, Expect, House, an_id

NAN = float("nan")


async def cards(house: House, business: Business, type: str) -> list[Any]:
    rows = await house.root.fetch(
        "select payload->'card' as card from event where tenant_id = $1 and type = $2 order by seq", business.id, type
    )
    return [row["card"] for row in rows]


async def test_the_office_creates_and_changes_a_cleaner(house: House, ours: Business, theirs: Business) -> None:
    """R23: dispatchers too; numbers and addresses are kept in one form."""
    dispatcher = await house.hire(ours, Role.DISPATCHER)
    form = CreateCleaner(
        "  Cleaner  ",
        "Clean@Example.COM",
        "+1 (305) 555-0100",
        [ours.market, ours.market],
        [Skill.LAUNDRY],
        home_latitude=25.7,
        home_longitude=-80.2,
    )
    made = await house.run(dispatcher, create_cleaner, form)
    await house.run(dispatcher, update_cleaner, UpdateCleaner(made, name="Renamed", expected_version=1))

    row = await house.root.fetchrow("select * from cleaner where id = $1", made)
    assert (row["name"], row["email"], row["phone"]) == ("Renamed", "clean@example.com", "+13055550100")
    assert (row["onboarding"], row["version"], row["pay_tier"], row["tenant_id"]) == ("INVITED", 2, "standard", ours.id)
    assert len(await cards(house, ours, "CleanerChanged")) == 2
    audits = "select count(*) from audit where tenant_id = $1 and entity_id = $2"
    assert await house.value(audits, ours.id, made) == 2


async def test_what_cleaners_earn_is_for_administrators(house: House, ours: Business, refused: Expect) -> None:
    """The matrix: dispatchers write cleaners but not their pay; a tier must be one of the settings (A49)."""
    dispatcher = await house.hire(ours, Role.DISPATCHER)
    made = await house.run(dispatcher, create_cleaner, CreateCleaner("New"))
    for command, form in (
        (create_cleaner, CreateCleaner("New", pay_tier="standard")),
        (update_cleaner, UpdateCleaner(made, pay_tier="standard")),
    ):
        assert (await refused(Forbidden, house.run(dispatcher, command, form))).field == ("payTier",)
    unknown = UpdateCleaner(made, pay_tier="gold")
    assert (await refused(Invalid, house.run(ours.owner, update_cleaner, unknown))).field == ("payTier",)

    await house.run(ours.owner, update_tenant, UpdateTenant(settings=JSON({"pay": {"tierRateCents": {"gold": 2500}}})))
    await house.run(ours.owner, update_cleaner, unknown)
    assert await house.value("select pay_tier from cleaner where id = $1", made) == "gold"


async def test_markets_skills_and_onboarding_are_announced(house: House, ours: Business) -> None:
    """R18: viewer facts are events, so that feeds follow them; saying the same again is none."""
    made = await house.run(ours.owner, create_cleaner, CreateCleaner("New"))
    market = await house.run(ours.owner, create_market, CreateMarket("Denver", "America/Denver"))

    await house.run(ours.owner, set_cleaner_markets, SetCleanerMarkets(made, [ours.market, market]))
    await house.run(ours.owner, set_cleaner_markets, SetCleanerMarkets(made, [market]))
    await house.run(ours.owner, set_cleaner_skills, SetCleanerSkills(made, [Skill.HOT_TUB]))
    for _ in range(2):
        await house.run(ours.owner, complete_onboarding, CompleteOnboarding(made, "Known for years."))

    rows = await house.root.fetch(
        "select payload from event where tenant_id = $1 and type = 'CleanerChanged' order by seq", ours.id
    )
    assert len(rows) == 5
    assert f'"people": ["{made}"]' in rows[-1]["payload"]
    held = await house.root.fetch("select market_id from cleaner_market where cleaner_id = $1", made)
    assert [row["market_id"] for row in held] == [market]
    assert await house.value("select onboarding from cleaner where id = $1", made) == "COMPLETE"


async def test_bad_words_about_a_cleaner_are_refused_by_field(
    house: House, ours: Business, theirs: Business, refused: Expect
) -> None:
    """R19, R3: foreign markets and cleaners are unknown ones."""
    made = await house.run(ours.owner, create_cleaner, CreateCleaner("New"))
    cases = [
        (Invalid, ("name",), create_cleaner, CreateCleaner("x" * 201)),
        (Invalid, ("name",), create_cleaner, CreateCleaner("a\0b")),
        (Invalid, ("email",), create_cleaner, CreateCleaner("A", email="nowhere")),
        (Invalid, ("phone",), create_cleaner, CreateCleaner("A", phone="12")),
        (Invalid, ("homeLongitude",), create_cleaner, CreateCleaner("A", home_latitude=1.0)),
        (
            Invalid,
            ("homeLatitude",),
            create_cleaner,
            CreateCleaner("A", home_latitude=NAN, home_longitude=1.0),
        ),
        (NotFound, ("marketIds", "1"), create_cleaner, CreateCleaner("A", market_ids=[ours.market, theirs.market])),
        (NotFound, ("marketIds", "0"), set_cleaner_markets, SetCleanerMarkets(made, [an_id()])),
        (Invalid, ("marketIds",), set_cleaner_markets, SetCleanerMarkets(made, [an_id() for _ in range(101)])),
        (Conflict, ("expectedVersion",), set_cleaner_skills, SetCleanerSkills(made, [Skill.LAUNDRY], 9)),
        (Conflict, ("expectedVersion",), update_cleaner, UpdateCleaner(made, name="B", expected_version=9)),
        (Invalid, (), update_cleaner, UpdateCleaner(made)),
    ]
    for wanted in (theirs.cleaner, an_id()):
        cases += [
            (NotFound, ("cleanerId",), update_cleaner, UpdateCleaner(wanted, name="B")),
            (NotFound, ("cleanerId",), set_cleaner_markets, SetCleanerMarkets(wanted, [ours.market])),
            (NotFound, ("cleanerId",), set_cleaner_skills, SetCleanerSkills(wanted, [])),
            (NotFound, ("cleanerId",), complete_onboarding, CompleteOnboarding(wanted, "Known for years.")),
            (NotFound, ("cleanerId",), archive_cleaner, ArchiveCleaner(wanted)),
        ]
    for kind, field, command, form in cases:
        assert (await refused(kind, house.run(ours.owner, command, form))).field == field


async def test_a_cleaner_with_shifts_is_not_archived_and_the_answer_lists_them(
    house: House, ours: Business, refused: Expect
) -> None:
    """R23: what is held must be given to somebody first; then the cleaner is out at once."""
    cleaner = await house.engage(ours)
    customer = await house.run(ours.owner, create_customer, CreateCustomer("Customer"))
    where = CreateProperty(customer, ours.market, "Home", "1 Way", "Miami", "33101", 25.7, -80.2, 2, 1, 900)
    home = await house.run(ours.owner, create_property, where)
    starts_at: datetime = await house.value("select date_trunc('hour', now() + interval '3 days')")
    job = await house.run(ours.owner, create_job, CreateJob(home, starts_at, Decimal(2)))
    await house.run(ours.owner, assign_cleaner, AssignCleaner(job, ours.cleaner, AssignmentRole.PRIMARY))

    refusal = await refused(Conflict, house.run(ours.owner, archive_cleaner, ArchiveCleaner(ours.cleaner)))

    assert f"{starts_at:%Y-%m-%d %H:%M}" in refusal.message
    assert len(refusal.details["assignmentIds"]) == 1
    await refused(Conflict, house.run(ours.owner, archive_market, ArchiveMarket(ours.market)))
    await house.run(ours.owner, cancel_job, CancelJob(job, "not needed"))
    await house.run(ours.owner, archive_cleaner, ArchiveCleaner(ours.cleaner))
    with pytest.raises(Unauthenticated):
        await house.run(cleaner, sign_out, SignOut())
    await refused(Conflict, house.run(ours.owner, update_cleaner, UpdateCleaner(ours.cleaner, name="X")))
    await house.run(ours.owner, archive_market, ArchiveMarket(ours.market))


async def test_cleaners_and_dispatchers_do_not_run_the_business(house: House, ours: Business, refused: Expect) -> None:
    """The matrix: tenant and markets are written by administrators."""
    cleaner = await house.engage(ours)
    dispatcher = await house.hire(ours, Role.DISPATCHER)
    for actor in (cleaner, dispatcher, Actor.anonymous(ours.id)):
        await refused(Forbidden, house.run(actor, create_market, CreateMarket("X", "America/Denver")))
        await refused(Forbidden, house.run(actor, update_tenant, UpdateTenant(name="X")))
        await refused(Forbidden, house.run(actor, archive_cleaner, ArchiveCleaner(ours.cleaner)))
    await refused(Forbidden, house.run(cleaner, create_cleaner, CreateCleaner("X")))


async def test_a_market_has_a_zone_of_a_place_and_a_calendar_that_makes_sense(
    house: House, ours: Business, theirs: Business, refused: Expect
) -> None:
    """A25, A23."""
    made = await house.run(ours.owner, create_market, CreateMarket("Denver", "America/Denver", lead_days=2))
    await house.run(
        ours.owner, update_market, UpdateMarket(made, deadline_hour=20, grace_minutes=30, expected_version=1)
    )
    row = await house.root.fetchrow("select * from market where id = $1", made)
    assert (row["window_lead_days"], row["window_deadline_hour"], row["window_grace_minutes"]) == (2, 20, 30)
    assert (row["window_epoch"], row["zone"], row["version"]) == (date(2026, 1, 4), "America/Denver", 2)

    cases = [
        (Invalid, ("zone",), create_market, CreateMarket("X", "EST")),
        (Invalid, ("zone",), create_market, CreateMarket("X", "Mars/Olympus")),
        (Invalid, ("epoch",), create_market, CreateMarket("X", "America/Denver", date(2026, 1, 5))),
        (Invalid, ("leadDays",), create_market, CreateMarket("X", "America/Denver", lead_days=14)),
        (AlreadyExists, ("name",), create_market, CreateMarket("Denver", "America/Denver")),
        (Invalid, ("graceMinutes",), update_market, UpdateMarket(made, grace_minutes=500)),
        (Conflict, ("expectedVersion",), update_market, UpdateMarket(made, name="X", expected_version=1)),
        (Invalid, (), update_market, UpdateMarket(made)),
        (NotFound, ("marketId",), update_market, UpdateMarket(theirs.market, name="X")),
        (NotFound, ("marketId",), archive_market, ArchiveMarket(theirs.market)),
    ]
    for kind, field, command, form in cases:
        assert (await refused(kind, house.run(ours.owner, command, form))).field == field


async def test_settings_change_by_section_and_are_checked_whole(house: House, ours: Business, refused: Expect) -> None:
    """R259: the field that is wrong is named."""
    await house.run(ours.owner, update_tenant, UpdateTenant(settings=JSON({"swaps": {"restHours": 9}})))
    await house.run(ours.owner, update_tenant, UpdateTenant("New Name", JSON({"swaps": {"weekHours": 45}}), 2))

    row = await house.root.fetchrow("select name, version, settings::text from tenant where tenant_id = $1", ours.id)
    assert (row["name"], row["version"]) == ("New Name", 3)
    assert '"restHours": 9' in row["settings"]
    assert '"weekHours": 45' in row["settings"]
    cases = [
        (Invalid, ("settings", "swaps", "restHours"), UpdateTenant(settings=JSON({"swaps": {"restHours": "soon"}}))),
        (Invalid, ("settings", "nonsense"), UpdateTenant(settings=JSON({"nonsense": {}}))),
        (Invalid, ("settings", "swaps"), UpdateTenant(settings=JSON({"swaps": 1}))),
        (Invalid, ("name",), UpdateTenant(name="")),
        (Invalid, (), UpdateTenant()),
        (Conflict, ("expectedVersion",), UpdateTenant(name="X", expected_version=2)),
    ]
    for kind, field, form in cases:
        assert (await refused(kind, house.run(ours.owner, update_tenant, form))).field == field


async def test_a_business_is_founded_whole_or_not_at_all(house: House, ours: Business, refused: Expect) -> None:
    """R8: tenant, log, market and owner in one transaction, under the new tenant's own stamp."""
    good = {"slug": "fresh-start", "name": "N", "owner_name": "O", "owner_email": "o@example.com", "market_name": "M"}
    cases = [
        (AlreadyExists, ("slug",), {"slug": ours.slug}),
        (Invalid, ("slug",), {"slug": "No Slug"}),
        (Invalid, ("ownerEmail",), {"owner_email": "o"}),
        (Invalid, ("zone",), {"zone": "Nowhere"}),
        (Invalid, ("name",), {"name": ""}),
    ]
    for kind, field, wrong in cases:
        form = FoundBusiness(**(good | wrong))
        refusal = await refused(kind, house.run(Actor.system(TenantId(an_id())), found_business, form))
        assert refusal.field == field

    founded = await house.run(Actor.system(TenantId(an_id())), found_business, FoundBusiness(**good))
    head = await house.root.fetchrow("select * from tenant_head where tenant_id = $1", founded.tenant_id)
    assert head["seq"] == await house.value("select count(*) from event where tenant_id = $1", founded.tenant_id)
    assert abs(head["epoch"] - time.time()) < 3600
    await refused(Forbidden, house.run(ours.owner, found_business, FoundBusiness(**good)))


async def test_a_tenant_that_does_not_exist_admits_nobody_but_its_founder(house: House, refused: Expect) -> None:
    """R1: an unknown tenant is no way in."""
    nowhere = TenantId(an_id())
    owner = Actor(nowhere, Role.OWNER, an_id(), an_id())
    await refused(Unauthenticated, house.run(owner, create_market, CreateMarket("X", "America/Denver")))
    await refused(Unauthenticated, house.run(Actor.anonymous(nowhere), find_staff_login, StaffLogin("a@b.example", "")))
    await refused(NotFound, house.run(Actor.system(nowhere), find_invitation, FindInvitation(an_id())))
