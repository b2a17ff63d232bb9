"""A business with one of everything in it, a mark in each of its texts, and people of every role who are signed in."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from db.ids import new_id
from domain.actors import Actor, CleanerId, Role, StaffId, StaffRole
from domain.ids import AssignmentId, CustomerId, JobId, MarketId, PropertyId, SwapId
from domain.onboarding import DocumentKind
from domain.scheduling import AssignmentRole, Laundry, Skill
from services import availability, booking, customers, scheduling, swaps
from services.identity import business, cleaners, staff
from services.identity.qr import IssueQr, issue_qr
from services.inputs import JSON
from services.onboarding import documents, payouts, profile, skills
from services.payments import accounts
from tests.product.at_money import booked, charged, paid, planned, went_back
from tests.product.at_work import photographed, running, tracked, worked
from tests.product.world import MIAMI, Town, World, gid

ZONE = ZoneInfo("America/New_York")
TABLES = {
    "Market": "market",
    "Staff": "staff",
    "Cleaner": "cleaner",
    "Customer": "customer",
    "Property": "property",
    "Service": "service",
    "Job": "job",
    "Assignment": "assignment",
    "AvailabilitySubmission": "availability_submission",
    "Swap": "swap",
    "StandingBid": "standing_bid",
    "Notification": "notification",
    "LegalDocument": "legal_document",
    "SignedDocument": "signed_document",
    "Session": "session",
    "AuditEntry": "audit",
    "Task": "task",
    "TrackBatch": "track_batch",
    "Photo": "photo",
    "Visit": "visit",
    "Evidence": "evidence",
    "ChecklistItem": "checklist_item",
    "ChecklistTemplate": "checklist_template",
    "TenantSubscription": "tenant_subscription",
    "Payment": "payment",
    "PaymentMethod": "payment_method",
    "Payout": "payout",
    "PayrollExport": "payroll_export",
    "Refund": "refund",
    "Dispute": "dispute",
    "Invoice": "invoice",
    "LedgerEntry": "ledger_entry",
    "MoneyOp": "money_op",
    "MoneyAlarm": "money_alarm",
    "PriceBook": "price_book",
    "BookingDraft": "booking_draft",
    "Quote": "quote",
    "QuoteRequest": "quote_request",
    "ServicePlan": "service_plan",
}
"""Where the objects that have a global id live."""


@dataclass
class House:
    """One furnished business. `who` has its people by what they are here, `has` the ids of its things by a word."""

    town: Town
    mark: str
    market: MarketId = field(init=False)
    who: dict[str, Actor] = field(default_factory=dict)
    has: dict[str, Any] = field(default_factory=dict)
    period_start: date = field(init=False)

    @property
    def world(self) -> World:
        return self.town.world

    async def ids(self, kind: str) -> list[str]:
        """The global ids of every object of a kind, the oldest first."""
        if kind in {"Task", "Tenant"}:
            rows = await self.world.root.fetch("select id from task where tenant_id = $1 order by id", self.town.tenant)
        else:
            rows = await self.world.root.fetch(
                f"select id from {TABLES[kind]} where tenant_id = $1 order by id", self.town.tenant
            )
        return [gid(kind, row["id"]) for row in rows]

    async def canaries(self) -> set[str]:
        """Whatever must not show elsewhere: the mark, the slug, every id plain and global."""
        found = {self.mark.lower(), self.town.slug, str(self.town.tenant)}
        for kind, table in TABLES.items():
            rows = await self.world.root.fetch(f"select id from {table} where tenant_id = $1", self.town.tenant)
            found |= {str(row["id"]) for row in rows} | {gid(kind, row["id"]).lower() for row in rows}
        return found

    async def fingerprint(self) -> dict[str, tuple[int, int]]:
        """Every row of every table of this business, as `World.picture` has it."""
        return await self.world.picture(self.town.tenant)

    async def slots(self, hour: int = 9) -> list[availability.AvailabilitySlot]:
        """One stretch on the period's second day."""
        start = datetime.combine(self.period_start + timedelta(days=1), datetime.min.time(), ZONE).replace(hour=hour)
        return [availability.AvailabilitySlot(start, start + timedelta(hours=4))]


_KEPT: dict[str, House] = {}


async def kept(world: World, mark: str) -> House:
    """A business that several files read and nobody changes."""
    if mark not in _KEPT or _KEPT[mark].world is not world:
        _KEPT[mark] = await furnish(world, mark)
    return _KEPT[mark]


async def furnish(world: World, mark: str) -> House:
    """Found and fill a business; its business time is a Wednesday, so that the submission window is open."""
    house = House(await world.found(), mark)
    await _set_wednesday(house)
    await _settle(house)
    await _people(house)
    await _plan(house)
    await _papers(house)
    await _homes(house)
    await booked(house)
    await planned(house)
    await _work(house)
    await paid(house)
    await went_back(house)
    await running(house)
    await tracked(house)
    await photographed(house)
    await worked(house)
    await charged(house)
    await _trades(house)
    await _awaited(house)
    await _wanted(house)
    await _leftovers(house)
    return house


async def _set_wednesday(house: House) -> None:
    now = await house.world.now(house.town.tenant)
    wednesday = (now + timedelta(days=(2 - now.weekday()) % 7)).replace(hour=15, minute=0, second=0, microsecond=0)
    await house.world.move_clock(house.town.tenant, wednesday - now)


async def _plan(house: House) -> None:
    """The business is on the platform's largest plan, and has an account of its own with the provider."""
    mark, tenant = house.mark, house.town.tenant
    form = accounts.ConnectProvider(f"sk_test_{mark}", [f"whsec_{mark}"], f"pk_test_{mark}")
    await house.world.run(house.town.owner, accounts.connect_provider, form)
    await house.world.root.execute(
        "update provider_account set account_id = $2 where tenant_id = $1", tenant, f"acct_{mark}"
    )
    await house.world.root.execute(
        """insert into tenant_subscription (tenant_id, id, plan, status, customer_id, subscription_id, checkout_url,
             checkout_until, paid_until, created_at)
           values ($1, $2, 'business', 'ACTIVE', $3, $4, $5, now() + interval '30 days', now() + interval '30 days',
             now())""",
        tenant,
        house.has.setdefault("subscription", new_id()),
        f"cus_{mark}_{house.town.slug}",
        f"sub_{mark}_{house.town.slug}",
        f"https://pay.example/{mark}",
    )


async def _settle(house: House) -> None:
    run, owner, mark = house.world.run, house.town.owner, house.mark
    house.who["owner"] = owner
    await _settings(house)
    form = business.CreateMarket(f"{mark} Coast", "America/New_York", lead_days=13)
    house.market = house.has["market"] = await run(owner, business.create_market, form)
    house.has["far market"] = house.town.market
    await run(owner, staff.update_staff, staff.UpdateStaff(StaffId(owner.person), f"{mark} Owner"))
    row = await house.world.root.fetchrow("select * from market where id = $1", house.market)
    now = await house.world.now(house.town.tenant)
    house.period_start = availability.window_of(SimpleNamespace(**row), now).period.starts_on


async def _settings(house: House, **of_swaps: Any) -> None:
    """The business's numbers, with what is said here of swaps."""
    settings = JSON(
        {
            "pay": {"tierRateCents": {"gold": 2500}},
            "swaps": {"standingBids": True, **of_swaps},
            "fieldwork": {"photoZones": [{"zone": "kitchen", "before": 0, "after": 1}], "noAccessWaitMinutes": 0},
        }
    )
    form = business.UpdateTenant(f"{house.mark} Homes", settings)
    await house.world.run(house.town.owner, business.update_tenant, form)


async def _people(house: House) -> None:
    run, owner, town, mark = house.world.run, house.town.owner, house.town, house.mark
    for role in (StaffRole.ADMIN, StaffRole.DISPATCHER):
        form = staff.InviteStaff(f"{mark} {role}", f"{mark}-{role}@{town.slug}.example".lower(), role)
        made = await run(owner, staff.invite_staff, form)
        house.who[str(role)] = await house.world.session_of(town.tenant, Role(role), made)
    places = {"cleaner": house.market, "colleague": house.market, "novice": house.market, "stranger": town.market}
    for number, (name, place) in enumerate(places.items()):
        made = await run(
            owner,
            cleaners.create_cleaner,
            cleaners.CreateCleaner(
                f"{mark} {name}",
                email=f"{mark}-{name}@{town.slug}.example".lower(),
                phone=f"+1305555010{number}",
                market_ids=[place],
                skills=[Skill.HOT_TUB],
                pay_tier="gold",
                home_latitude=MIAMI[0],
                home_longitude=MIAMI[1],
            ),
        )
        if name != "novice":
            await run(owner, cleaners.complete_onboarding, cleaners.CompleteOnboarding(made, f"{mark} knows them"))
        await run(owner, issue_qr, IssueQr(made))
        house.who[name] = await house.world.session_of(town.tenant, Role.CLEANER, made)


async def _papers(house: House) -> None:
    """What the cleaner did to be let in, though an administrator was faster: all but two of the documents."""
    run, who, mark = house.world.run, house.who["cleaner"], house.mark
    text = documents.PublishLegalDocument(DocumentKind.LIABILITY_WAIVER, f"{mark} waiver", f"{mark} slips and falls")
    house.has["waiver"] = await run(house.town.owner, documents.publish_legal_document, text)
    born = date(1990, 5, 17)
    place = (f"7 {mark} Street", f"{mark} City", mark[:20], f"{mark} sister", "+13055550177", 4, f"{mark} and cats")
    await run(who, profile.submit_profile, profile.SubmitProfile(f"{mark} Legal", born, *place))
    await run(who, payouts.start_payout_onboarding, payouts.StartPayoutOnboarding())
    signature = documents.SignDocument(DocumentKind.LIABILITY_WAIVER, 1, f"{mark} legal")
    house.has["signed waiver"] = await run(who, documents.sign_document, signature)
    await run(who, skills.certify_skills, skills.CertifySkills([Skill.HOT_TUB]))


async def _homes(house: House) -> None:
    run, owner, mark = house.world.run, house.town.owner, house.mark
    places = {"customer": house.market, "neighbour": house.market, "guest": house.market, "far": house.town.market}
    for name, place in places.items():
        person = customers.CreateCustomer(f"{mark} {name}", f"{mark}-{name}@x.example".lower(), "+13055550190")
        who: CustomerId = await run(owner, customers.create_customer, person)
        home = customers.CreateProperty(
            who,
            place,
            f"{mark} home of {name}",
            f"1 {mark} Road",
            f"{mark} City",
            mark[:20],
            *MIAMI,
            2,
            1,
            900,
            laundry=Laundry.NONE,
            hot_tub=True,
            notes=f"{mark} key under the mat",
        )
        house.has[f"home of {name}"] = await run(owner, customers.create_property, home)
        house.has[name] = who
        house.who[name] = await house.world.session_of(house.town.tenant, Role.CUSTOMER, who)
    spare = customers.CreateCustomer(f"{mark} spare")
    house.has["spare"] = await run(owner, customers.create_customer, spare)
    unused = customers.CreateProperty(
        house.has["spare"], house.market, f"{mark} unused", f"9 {mark} Road", f"{mark} City", mark, *MIAMI, 2, 1, 900
    )
    house.has["unused home"] = await run(owner, customers.create_property, unused)
    offered = booking.CreateService(f"{mark} Deep clean", Decimal("2.5"), f"{mark} comprises all")
    house.has["service"] = await run(owner, booking.create_service, offered)
    form = business.CreateMarket(f"{mark} Unused", "America/Chicago")
    house.has["unused market"] = await run(owner, business.create_market, form)


async def _work(house: House) -> None:
    """Shifts: of cleaner and colleague, offered by each, taken from one by the other, and in the other market."""
    await _job(house, "open job", 3, "customer")
    await _shift(house, "own shift", 4, "customer", "cleaner")
    await _shift(house, "colleague's shift", 5, "neighbour", "colleague")
    await _offered(house, "own swap", 6, "cleaner")
    await _offered(house, "colleague's swap", 7, "colleague", home="guest")
    await _offered(house, "taken swap", 8, "colleague")
    await _accept(house, "taken swap")
    await _offered(house, "far swap", 9, "stranger", home="far")
    for name in ("cleaner", "colleague"):
        await _submission(house, name)


async def _job(house: House, word: str, days: int, home: str) -> JobId:
    form = scheduling.CreateJob(
        PropertyId(house.has[f"home of {home}"]),
        await house.town.day(days),
        Decimal(3),
        instructions=f"{house.mark} behind the shed",
    )
    made: JobId = await house.world.run(house.town.owner, scheduling.create_job, form)
    house.has[word] = made
    return made


async def _shift(house: House, word: str, days: int, home: str, who: str) -> AssignmentId:
    job = await _job(house, f"job of {word}", days, home)
    form = scheduling.AssignCleaner(job, CleanerId(house.who[who].person), AssignmentRole.PRIMARY)
    made: AssignmentId = await house.world.run(house.town.owner, scheduling.assign_cleaner, form)
    house.has[word] = made
    return made


async def _offered(
    house: House, word: str, days: int, who: str, *, home: str = "neighbour", wants: str | None = None
) -> None:
    shift = await _shift(house, f"shift of {word}", days, home, who)
    form = swaps.OfferSwap(shift, f"{house.mark} dentist", None if wants is None else [house.has[wants]])
    house.has[word] = await house.world.run(house.who[who], swaps.offer_swap, form)


async def _accept(house: House, word: str) -> None:
    """The cleaner wants a colleague's shift."""
    form = swaps.AcceptSwap(SwapId(house.has[word]))
    await house.world.run(house.who["cleaner"], swaps.accept_swap, form)


async def _trades(house: House) -> None:
    """Of the colleague, each for a shift of the cleaner: one that is done, and one that is to be had."""
    await _shift(house, "given shift", 11, "neighbour", "cleaner")
    await _offered(house, "taken trade", 10, "colleague", wants="given shift")
    await _accept(house, "taken trade")
    await _offered(house, "trade", 12, "colleague", home="guest", wants="own shift")


async def _awaited(house: House) -> None:
    """The cleaner wants two of the colleague's shifts: one awaits the office, one the draw, an hour from now."""
    await _settings(house, approvalRequired=True)
    await _offered(house, "awaited swap", 13, "colleague")
    await _accept(house, "awaited swap")
    await _settings(house, approvalRequired=False, drawMinutes=60)
    await _offered(house, "drawn swap", 14, "colleague", home="guest")
    await _accept(house, "drawn swap")
    await _settings(house, drawMinutes=0)


async def _wanted(house: House) -> None:
    """A job that lacks a cleaner, on the market; and what the two always take, so far ahead that nothing fits."""
    job = await _job(house, "vacant job", 15, "guest")
    cover = swaps.OpenCover(job_id=job, note=f"{house.mark} parking")
    house.has["vacancy"] = await house.world.run(house.town.owner, swaps.open_cover, cover)
    for name in ("cleaner", "colleague"):
        bid = swaps.PlaceStandingBid(house.market, [1, 7], from_day=house.period_start + timedelta(days=300))
        house.has[f"bid of {name}"] = await house.world.run(house.who[name], swaps.place_standing_bid, bid)


async def _submission(house: House, who: str) -> None:
    form = availability.SetAvailability(
        CleanerId(house.who[who].person), house.market, house.period_start, await house.slots(), f"{house.mark} called"
    )
    house.has[f"submission of {who}"] = await house.world.run(house.town.owner, availability.set_availability, form)


async def _leftovers(house: House) -> None:
    """What only workers write: messages, and a task that was given up."""
    root, tenant, mark = house.world.root, house.town.tenant, house.mark
    content = orjson.dumps({"subject": f"{mark} subject", "body": f"{mark} body"}).decode()
    for name in ("owner", "cleaner", "colleague", "customer"):
        made = house.has[f"message to {name}"] = new_id()
        await root.execute(
            """insert into notification (tenant_id, id, person_id, channel, kind, topic_key, address, content, status,
                   created_at, sent_at)
               values ($1, $2, $3, 'EMAIL', 'swap_accepted', $4, $5, $6::jsonb, 'SENT', now(), now())""",
            tenant,
            made,
            house.who[name].person,
            f"{mark}-{name}",
            f"{mark}@x.example",
            content,
        )
    house.has["dead task"] = new_id()
    await root.execute(
        """insert into task (tenant_id, id, kind, payload, run_at, state, attempts, last_error, created_at, finished_at)
           values ($1, $2, 'notify_swap', $3::jsonb, now(), 'DEAD', 9, 'KeyError at notify_swap:1', now(), now())""",
        tenant,
        house.has["dead task"],
        content,
    )
    await root.execute("update session set device = $2 where tenant_id = $1", tenant, f"{mark} phone")
    house.has["audit line"] = await root.fetchval(
        "select id from audit where tenant_id = $1 and reason = $2 order by seq limit 1", tenant, f"{mark} called"
    )


async def signed_in(house: House, role: Role, person: UUID | None = None) -> Actor:
    """A session in any role, also in one that nothing signs in as yet."""
    actor = Actor(house.town.tenant, role, person or new_id(), new_id())
    await house.world.root.execute(
        """insert into session (tenant_id, id, person_id, role, created_at, seen_at, expires_at)
           values ($1, $2, $3, $4, $5::timestamptz, $5, $5::timestamptz + interval '1 day')""",
        actor.tenant,
        actor.session,
        actor.person,
        str(role),
        (await house.world.now(actor.tenant)).astimezone(UTC),
    )
    return actor
