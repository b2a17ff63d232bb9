"""The furniture of a business that is paid: bookings, plans, cards, payments, and what follows them."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from db.ids import new_id
from domain.consent import CONSENT_VERSION
from domain.ids import CustomerId, PropertyId
from domain.plans import Frequency, Term
from services import plans
from services.booking import drafts, price_books, quotes, requests, steps
from services.fieldwork.overrides import OverrideEvidence, override_evidence
from tests.product.world import MIAMI

if TYPE_CHECKING:
    from tests.product.furnished import House

ZONE = ZoneInfo("America/New_York")


async def paid(house: "House") -> None:
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


async def planned(house: "House") -> None:
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


async def booked(house: "House") -> None:
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
    await _more_bookings(house)


async def went_back(house: "House") -> None:
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
           select tenant_id, id, account, cents
           from entry, (values ('CASH', 9), ('REVENUE', -9)) side (account, cents)""",
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


async def _more_bookings(house: "House") -> None:
    """Two of the neighbour's: one of a home that no book has a price for, and one that is to be confirmed."""
    run, owner, mark = house.world.run, house.town.owner, house.mark
    whose = CustomerId(house.has["neighbour"])
    for word, rooms in (("large booking", 7), ("ready booking", 2)):
        made = house.has[word] = await run(owner, drafts.open_booking, drafts.OpenBooking(customer_id=whose))
        place = (f"3 {mark} Road", f"{mark} City", mark[:20], rooms, 1, 900, *MIAMI)
        await run(owner, steps.save_booking_property, steps.SaveBookingProperty(made, None, house.market, *place))
    first = (await house.world.now(house.town.tenant)).astimezone(ZONE).date() + timedelta(days=20)
    calendar = steps.SaveBookingCalendar(made, None, first, "09:00")
    await run(owner, steps.save_booking_add_ons, steps.SaveBookingAddOns(made))
    await run(owner, steps.save_booking_calendar, calendar)
    await run(owner, steps.save_booking_terms, steps.SaveBookingTerms(made, Frequency.WEEKLY, Term.MONTHLY))
    card = steps.SaveBookingPayment(made, f"pm_{mark}_booking", CONSENT_VERSION)
    await run(owner, steps.save_booking_payment, card)
    house.has["ready quote"] = await run(owner, quotes.quote_price, quotes.QuotePrice(booking_draft_id=made))
    house.has["price of ready quote"] = await house.world.root.fetchval(
        "select total_cents from quote where id = $1", house.has["ready quote"]
    )


async def charged(house: "House") -> None:
    """The neighbour's payments, each in another state, and what was paid out, asked back and billed of them."""
    run, owner, mark, has = house.world.run, house.town.owner, house.mark, house.has
    proven = OverrideEvidence(has["job of done shift"], f"{mark} was there")
    await run(owner, override_evidence, proven)
    card = await _row(house, "payment_method", "neighbour's card", **_card(house))
    for number, (word, (job, status, values)) in enumerate(_STATES.items()):
        await _row(
            house,
            "payment",
            word,
            job_id=has[f"job of {job} shift"],
            customer_id=has["neighbour"],
            method_id=card,
            kind="HOLD",
            status=status,
            currency="usd",
            amount_cents=9_000,
            intent_id=f"pi_{mark}_{number}",
            **values | {name: f"ch_{mark}_{number}" for name in ("charge_id",) if values.get("captured_cents")},
        )
        await house.world.root.execute(
            "update job set payment_status = $2 where id = $1", has[f"job of {job} shift"], status
        )
    await _paid_out(house)
    await _asked_back(house)


_STATES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "held payment": ("waiting", "AUTHORIZED", {}),
    "declined payment": ("reading", "FAILED", {}),
    "unconfirmed payment": ("arriving", "REQUIRES_ACTION", {}),
    "captured payment": ("working", "CAPTURED", {"captured_cents": 9_000}),
    "disputed payment": ("finishing", "DISPUTED", {"captured_cents": 9_000}),
    "proven payment": ("done", "AUTHORIZED", {}),
}
"""Of which shift's clean, how it stands, and what else is known of it."""


def _card(house: "House") -> dict[str, Any]:
    return {
        "customer_id": house.has["neighbour"],
        "status": "ACTIVE",
        "method_id": f"pm_{house.mark}_neighbour",
        "is_default": True,
    }


async def _paid_out(house: "House") -> None:
    """A payout of the cleaner's with everything that one can have, one of the colleague's, and a payroll's file."""
    has, mark = house.has, house.mark
    now = await house.world.now(house.town.tenant)
    export = await _row(
        house,
        "payroll_export",
        "payroll export",
        market_id=house.market,
        period_start=(now - timedelta(days=40)).date(),
        period_end=(now - timedelta(days=30)).date(),
        currency="usd",
        lines=1,
        total_cents=5_000,
        content=f"{mark} was paid",
        made_by=house.town.owner.person,
    )
    common = {
        "job_id": has["job of working shift"],
        "payment_id": has["captured payment"],
        "kind": "CLEAN",
        "currency": "usd",
        "base_cents": 5_000,
        "urgent_cents": 0,
        "laundry_cents": 0,
        "amount_cents": 5_000,
        "expected_hours": "2.50",
        "rate_cents": 2_000,
        "tier": "gold",
        "role": "BACKUP",
        "policy": "PARTICIPATED",
        "due_at": now + timedelta(hours=1),
        "updated_at": now,
    }
    other = await _row(
        house,
        "payout",
        "colleague's payout",
        **common,
        cleaner_id=house.who["colleague"].person,
        status="PENDING",
    )
    await _row(
        house,
        "payout",
        "payout",
        **common,
        cleaner_id=house.who["cleaner"].person,
        status="HELD",
        hold_reason="BY_OFFICE",
        hold_note=f"{mark} asks",
        account_id=f"acct_{mark}_cleaner",
        transfer_id=f"tr_{mark}",
        failure={"code": mark},
        carried_into=other,
        export_id=export,
        released_at=now,
    )


async def _asked_back(house: "House") -> None:
    """A refund that waits for a second person, a dispute that waits for an answer, and two more invoices."""
    has, mark = house.has, house.mark
    now = await house.world.now(house.town.tenant)
    whose = {"customer_id": has["neighbour"], "currency": "usd", "amount_cents": 600}
    await _row(
        house,
        "refund",
        "requested refund",
        **whose,
        payment_id=has["captured payment"],
        job_id=has["job of working shift"],
        status="REQUESTED",
        reason=f"{mark} broke it",
        bearer="BUSINESS",
        requested_by=house.who["admin"].person,
    )
    await _row(
        house,
        "dispute",
        "open dispute",
        **whose,
        payment_id=has["disputed payment"],
        job_id=has["job of finishing shift"],
        status="NEEDS_RESPONSE",
        provider_id=f"dp_{mark}_open",
        reason="general",
        draft=f"{mark} came",
        due_by=now + timedelta(days=9),
        opened_at=now,
    )
    line = {"label": f"{mark} soap", "quantity": 1, "unit_cents": 900, "total_cents": 900}
    bill = {"currency": "usd", "lines": [line], "total_cents": 900}
    await _row(house, "invoice", "draft invoice", **bill, customer_id=has["customer"], number=2, status="DRAFT")
    await _row(house, "invoice", "neighbour's invoice", **bill, customer_id=has["neighbour"], number=3, status="OPEN")


async def _row(house: "House", table: str, word: str, **values: Any) -> UUID:
    """A row that is written by hand, as only the provider's answers would write it."""
    made: UUID = house.has.setdefault(word, new_id())
    row = {"tenant_id": house.town.tenant, "id": made, **values}
    if table != "dispute":
        row.setdefault("created_at", await house.world.now(house.town.tenant))
    named = ", ".join(row)
    await house.world.root.execute(
        f"insert into {table} ({named}) select {named} from jsonb_populate_record(null::{table}, $1::jsonb)",
        orjson.dumps(row, default=str).decode(),
    )
    return made
