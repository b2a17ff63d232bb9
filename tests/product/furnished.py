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
from domain.plans import Frequency, Term
from domain.scheduling import AssignmentRole, Laundry, Skill
from services import availability, booking, customers, plans, scheduling, swaps
from services.booking import drafts, price_books, quotes, requests, steps
from services.identity import business, cleaners, staff
from services.identity.qr import IssueQr, issue_qr
from services.inputs import JSON
from services.onboarding import documents, payouts, profile, skills
from services.payments import accounts
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

    async def fingerprint(self) -> dict[str, str]:
        """A hash of every row of every table of this business."""
        tables = await self.world.root.fetch(
            """select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
               where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1"""
        )
        return {
            row["relname"]: await self.world.root.fetchval(
                f"""select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {row["relname"]} t
                    where tenant_id = $1""",
                self.town.tenant,
            )
            for row in tables
        }

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
    await _bookings(house)
    await _plans(house)
    await _work(house)
    await _payments(house)
    await _backs(house)
    await running(house)
    await tracked(house)
    await photographed(house)
    await worked(house)
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
        new_id(),
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


async def _payments(house: House) -> None:
    """A card of the customer's, and a payment of theirs with everything that a payment can have."""
    mark, tenant, root = house.mark, house.town.tenant, house.world.root
    method, paid = house.has.setdefault("card", new_id()), house.has.setdefault("payment", new_id())
    await root.execute(
        """insert into payment_method (tenant_id, id, customer_id, status, method_id, brand, last4, expires_month,
               expires_year, is_default, consent_version, consent_text, usage, consented_at, created_at, failure,
               action_url)
           values ($1, $2, $3, 'ACTIVE', $4, 'visa', '4242', 12, 2030, true, '2026-11', $5, 'unscheduled', now(), now(),
               $5, $6)""",
        tenant,
        method,
        house.has["customer"],
        f"pm_{mark}_{house.town.slug}",
        f"{mark} agrees",
        f"https://bank.example/{mark}",
    )
    await root.execute(
        """insert into payment (tenant_id, id, customer_id, job_id, method_id, kind, status, currency, amount_cents,
               intent_id, charge_id, capture_before, why_less, let_go, decline, declines, next_attempt_at, action_url,
               action_until, authorized_at, captured_at, released_at, created_at)
           values ($1, $2, $3, $4, $5, 'TIP', 'REQUIRES_ACTION', 'usd', 900, $6, $7, now(), $8, $8,
               jsonb_build_object('code', $8::text, 'words', $8::text), 1, now() + interval '1 year', $9,
               now() + interval '1 year', now(), now(), now(), now())""",
        tenant,
        paid,
        house.has["customer"],
        house.has["job of own shift"],
        method,
        f"pi_{mark}_{house.town.slug}",
        f"ch_{mark}_{house.town.slug}",
        mark,
        f"https://bank.example/{mark}",
    )


async def _backs(house: House) -> None:
    """What follows a payment: money back, a dispute, an invoice, and the books, steps and alarms about them."""
    mark, tenant, root = house.mark, house.town.tenant, house.world.root
    names = ("refund", "dispute", "invoice", "entry", "step", "alarm")
    ids = {name: house.has.setdefault(name, new_id()) for name in names}
    about = (house.has["payment"], house.has["job of own shift"], house.has["customer"])
    await root.execute(
        """insert into refund (tenant_id, id, payment_id, job_id, customer_id, status, amount_cents, currency, reason,
               bearer, requested_by, approved_by, provider_id, failure, created_at, finished_at)
           values ($1, $2, $3, $4, $5, 'FAILED', 100, 'usd', $6, 'BUSINESS', $7, $8, $9,
               jsonb_build_object('code', $6::text), now(), now())""",
        tenant,
        ids["refund"],
        *about,
        mark,
        house.who["owner"].person,
        house.who["admin"].person,
        f"re_{mark}_{house.town.slug}",
    )
    await root.execute(
        """insert into dispute (tenant_id, id, payment_id, job_id, customer_id, status, provider_id, reason,
               amount_cents, currency, draft, due_by, answered_at, opened_at, closed_at)
           values ($1, $2, $3, $4, $5, 'WON', $6, $7, 100, 'usd', $7, now(), now(), now(), now())""",
        tenant,
        ids["dispute"],
        *about,
        f"dp_{mark}_{house.town.slug}",
        mark,
    )
    await root.execute(
        """insert into invoice (tenant_id, id, customer_id, job_id, number, status, currency, lines, total_cents,
               due_on, issued_at, paid_at, created_at)
           values ($1, $2, $3, $4, 1, 'OPEN', 'usd', jsonb_build_array(jsonb_build_object('label', $5::text,
               'quantity', 1, 'unit_cents', 900, 'total_cents', 900)), 900, '2027-03-01', now(), now(), now())""",
        tenant,
        ids["invoice"],
        about[2],
        about[1],
        mark,
    )
    await root.execute(
        """with entry as (insert into ledger_entry (tenant_id, id, kind, source, currency, job_id, payment_id,
                   provider_id, reason, at)
               values ($1, $2, 'CAPTURE', $3, 'usd', $4, $5, $3, $6, now()) returning tenant_id, id)
           insert into ledger_posting (tenant_id, entry_id, account, cents)
           select tenant_id, id, account, cents from entry, (values ('CASH', 9), ('REVENUE', -9)) side (account, cents)""",
        tenant,
        ids["entry"],
        f"txn_{mark}_{house.town.slug}",
        about[1],
        about[0],
        mark,
    )
    await root.execute(
        """insert into money_op (tenant_id, id, kind, subject_id, job_id, attempt, idem_key, ask, ask_hash, state,
               first_sent_at, provider_id, request_id, failure, created_at, finished_at)
           values ($1, $2, 'REFUND', $3, $4, 1, $5, '{"verb": "CREATE_REFUND", "params": {"amount": 100}}', '\\x00',
               'FAILED', now(), $5, $5, jsonb_build_object('code', $6::text, 'message', $6::text), now(), now())""",
        tenant,
        ids["step"],
        ids["refund"],
        about[1],
        f"req_{mark}_{house.town.slug}",
        mark,
    )
    await root.execute(
        """insert into money_alarm (tenant_id, id, kind, subject, detail, raised_at, seen_at, cleared_at)
           values ($1, $2, 'two_intents', $3, jsonb_build_object('rule', $3::text), now(), now(), now())""",
        tenant,
        ids["alarm"],
        mark,
    )


async def _plans(house: House) -> None:
    """A plan of the customer's that begins later than its jobs are made; a day of it is skipped, and a month paused."""
    run, home = house.world.run, PropertyId(house.has["home of customer"])
    today = (await house.world.now(house.town.tenant)).astimezone(ZONE).date()
    first = house.has["plan's first day"] = today + timedelta(days=40)
    wish = plans.CreatePlan(home, Frequency.WEEKLY, first, "09:00", Term.ANNUAL)
    made = house.has["plan"] = await run(house.town.owner, plans.create_plan, wish)
    await run(house.town.owner, plans.skip_clean, plans.SkipClean(made, first + timedelta(weeks=1)))
    # One whose days come from a calendar, of which nothing is known yet.
    await house.world.root.execute(
        """insert into service_plan select (jsonb_populate_record(p, jsonb_build_object(
               'id', $2::uuid, 'first_on', null, 'at_minute', null, 'ends_on', null))).*
           from service_plan p where p.tenant_id = $1""",
        house.town.tenant,
        house.has.setdefault("calendar plan", new_id()),
    )
    pause = plans.PausePlan(made, first + timedelta(weeks=10), first + timedelta(weeks=14))
    await run(house.who["customer"], plans.pause_plan, pause)
    told = await house.world.root.fetch(
        "select id from notification where tenant_id = $1 and kind = 'PLAN_CHANGED' order by id", house.town.tenant
    )
    house.has["skip message"], house.has["pause message"] = (row["id"] for row in told)


async def _bookings(house: House) -> None:
    """A price book; a booking of the customer's with its price; a price by the office, asked for and named."""
    run, owner, who, mark = house.world.run, house.town.owner, house.who["customer"], house.mark
    book = price_books.PublishPriceBook(base_cents=5_000, note=f"{mark} spring")
    house.has["price book"] = await run(owner, price_books.publish_price_book, book)
    made = house.has["booking"] = await run(who, drafts.open_booking, drafts.OpenBooking(market_id=house.market))
    home = PropertyId(house.has["home of customer"])
    await run(who, steps.save_booking_property, steps.SaveBookingProperty(made, property_id=home))
    house.has["quote"] = await run(who, quotes.quote_price, quotes.QuotePrice(booking_draft_id=made))
    wish = requests.RequestQuote(property_id=home, note=f"{mark} dogs")
    house.has["quote request"] = await run(who, requests.request_quote, wish)
    named = requests.NameQuote(house.has["quote request"], 42_000, f"{mark} offer")
    house.has["named quote"] = await run(owner, requests.name_quote, named)
    house.has["price message"] = await house.world.root.fetchval(
        "select id from notification where tenant_id = $1 and kind = 'QUOTE_NAMED'", house.town.tenant
    )


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
