"""`python -m sandbox.day`: a day of money from the booking to the refund, over GraphQL (R46 to R50, R137 to R177).

It brings the product up on a port and data of its own, books and prepays a first clean, holds a second one, proves
both, sees them captured, put by and paid out, gives a tip, takes a refund, and fails unless our books and the
provider's own journal say the same to the cent.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import typer

from sandbox.day_api import Failed, Person, Place, digest, open_place, shown, until
from sandbox.demo_pictures import room

SLUG, KEY = "demo", "sk_test_demo"
PASSWORD, PIN = "cleanshift-demo-1", "406182"
HERE = {"latitude": 25.7650, "longitude": -80.1936}
EMAIL = "customer-day@demo.example"
SETTINGS = {
    "booking": {"noticeMinutes": 0},
    "payments": {"payoutsMode": "TRANSFERS"},
    # The second clean begins after the first is over, and is worked at once all the same.
    "fieldwork": {"accessLeadMinutes": 720},
}
ACCOUNTS_AT_PROVIDER = "CASH"
LEAD = timedelta(minutes=3)
_numbers = count(1)


@dataclass(slots=True)
class Day:
    """Who takes part, and what has come of it so far."""

    place: Place
    owner: Person
    cleaner: Person
    cleaner_id: str
    market: str
    zone: ZoneInfo


def say(what: str, **facts: Any) -> None:
    """A line for whoever reads along."""
    typer.echo(f"{what:<34} {'  '.join(f'{name}={value}' for name, value in facts.items())}")


async def run() -> None:
    """The whole day. Raises `Failed` where anything is not as it must be."""
    async with open_place() as place:
        day = await _morning(place)
        customer, prepaid = await _book(day)
        await _clean(day, prepaid)
        held = await _hold_a_second(day, customer, prepaid)
        await _clean(day, held)
        for job in (prepaid, held):
            await _paid_out(day, job)
        await _tip(day, customer, held)
        await _refund(day, held)
        for job in (prepaid, held):
            await _tell(day, job)
        await _agree(day)


async def _morning(place: Place) -> Day:
    """The office opens; a new cleaner joins, with an account at the provider."""
    owner = await _signed_in(place, "signIn", tenant=SLUG, email="owner@demo.example", password=PASSWORD, device="day")
    await owner.do("updateTenant", "tenant { name }", settings=SETTINGS)
    market = (await owner.ask("{ markets(first: 1) { nodes { id name zone } } }"))["markets"]["nodes"][0]
    made = await owner.do("createCleaner", "cleaner { id }", name="Cleaner of the day", marketIds=[market["id"]])
    cleaner_id = made["cleaner"]["id"]
    qr = (await owner.do("issueQr", "qrToken", cleanerId=cleaner_id))["qrToken"]
    cleaner = await _signed_in(place, "setPin", qrToken=qr, pin=PIN, device="day")
    day = Day(place, owner, cleaner, cleaner_id, market["id"], ZoneInfo(market["zone"]))
    await _join(day)
    return day


async def _signed_in(place: Place, name: str, **given: Any) -> Person:
    said = await place.person().do(name, "credentials { accessToken }", **given)
    return place.person(said["credentials"]["accessToken"])


async def _join(day: Day) -> None:
    profile = {
        "legalName": "Cleaner of the Day",
        "birthDate": "1990-05-17",
        "address": "12 Ocean Drive",
        "city": "Miami",
        "postalCode": "33139",
        "emergencyContact": "Contact 1",
        "emergencyPhone": "+13055550123",
        "yearsOfExperience": 4,
        "about": "",
    }
    await day.cleaner.do("submitProfile", "cleaner { id }", **profile)
    await day.cleaner.do("startPayoutOnboarding", "cleaner { id }")
    account = await until("the provider's page", lambda: _payout_account(day, "link"))
    async with day.place.provider(KEY) as provider:
        # What the cleaner does on the provider's own page.
        await provider.post(f"/__sandbox/accounts/{account['accountId']}/onboarding", json={"choice": "complete"})
    ready = await until("the account's readiness", lambda: _payout_account(day, "readyAt"))
    for kind in ("CONTRACTOR_AGREEMENT", "W9", "LIABILITY_WAIVER"):
        texts = (await day.cleaner.ask("{ legalDocuments { kind edition } }"))["legalDocuments"]
        edition = next(text["edition"] for text in texts if text["kind"] == kind)
        signed = {"kind": kind, "edition": edition, "typedName": "Cleaner of the Day"}
        await day.cleaner.do("signDocument", "signedDocument { id }", **signed)
    joined = await day.cleaner.do(
        "certifySkills", "cleaner { onboarding missingStages }", skills=["LAUNDRY", "HOT_TUB"]
    )
    if joined["cleaner"]["missingStages"]:
        raise Failed(f"the cleaner has not joined: {joined}")
    say("cleaner joined", cleaner=day.cleaner_id, account=ready["accountId"])


async def _payout_account(day: Day, wanted: str) -> Any:
    query = "query($id: ID!) { cleaner(id: $id) { payoutAccount { accountId status link readyAt } } }"
    account = (await day.cleaner.ask(query, id=day.cleaner_id))["cleaner"]["payoutAccount"]
    return account if account and account[wanted] else None


def start_after(now: datetime, zone: ZoneInfo) -> datetime:
    """A minute soon after now whose day and time of day say when it is; in an hour that comes twice they do not.

    There they mean the first time, which may be over: then it is the minute after that hour.
    """
    start = (now + LEAD).astimezone(zone).replace(second=0, microsecond=0)
    while start.fold:
        start = (start.astimezone(UTC) + timedelta(minutes=1)).astimezone(zone)
    return start


async def _book(day: Day) -> tuple[Person, str]:
    """A customer books and prepays the first clean: they, signed in, and the job."""
    form = (await day.place.person().ask('{ bookingForm(tenant: "demo") { consentVersion } }'))["bookingForm"]
    opened = await day.place.person().do(
        "openBooking", "bookingToken bookingDraft { id }", tenant=SLUG, marketId=day.market
    )
    visitor, draft = day.place.person(opened["bookingToken"]), opened["bookingDraft"]["id"]
    start = start_after(datetime.now(UTC), day.zone)
    home = {"marketId": day.market, "address": "100 Biscayne Boulevard", "city": "Miami", "postalCode": "33132", **HERE}
    steps: Sequence[tuple[str, Mapping[str, Any]]] = (
        ("Customer", {"name": "Customer of the Day", "email": EMAIL, "phone": "+13055550199"}),
        ("Property", {**home, "bedrooms": 3, "bathrooms": 2, "squareFeet": 2400}),
        ("AddOns", {"laundry": "IN_UNIT", "laundryLoads": 2, "hotTub": "STANDARD", "drain": "QUARTERLY"}),
        ("Calendar", {"firstOn": start.date().isoformat(), "startTime": start.strftime("%H:%M")}),
        ("Terms", {"frequency": "WEEKLY", "term": "MONTHLY"}),
        ("Payment", {"paymentMethodId": "pm_card_visa", "consentVersion": form["consentVersion"]}),
    )
    for step, given in steps:
        await visitor.do(f"saveBooking{step}", "bookingDraft { nextStep }", bookingDraftId=draft, **given)
    quoted = (await visitor.do("quotePrice", "quote { id totalCents }", bookingDraftId=draft, term="MONTHLY"))["quote"]
    if quoted["totalCents"] != 19_500:
        raise Failed(f"the price of the example is 195.00: {quoted}")
    await _ensure_refused_at_another_price(visitor, draft, quoted)
    confirm = {"bookingDraftId": draft, "quoteId": quoted["id"], "totalCents": 19_500, "returnUrl": day.place.base}
    await visitor.do("confirmBooking", "bookingDraft { status }", **confirm)
    order = await until("the first clean's payment", lambda: _order(visitor, draft))
    say("booked and prepaid", plan=order["servicePlanId"], job=order["jobId"], cents=order["totalCents"])
    return await _customer(day), order["jobId"]


async def _ensure_refused_at_another_price(visitor: Person, draft: str, quoted: Mapping[str, Any]) -> None:
    given = {"bookingDraftId": draft, "quoteId": quoted["id"], "totalCents": 19_499, "returnUrl": "http://127.0.0.1/"}
    try:
        await visitor.do("confirmBooking", "bookingDraft { status }", **given)
    except Failed as refused:
        if "PRICE_CHANGED" in str(refused):
            say("refused at 194.99", code="PRICE_CHANGED")
            return
        raise
    raise Failed("194.99 was taken for 195.00")


async def _order(visitor: Person, draft: str) -> Any:
    query = "query($id: ID!) { bookingDraft(id: $id) { failure { message } order { servicePlanId jobId totalCents } } }"
    said = (await visitor.ask(query, id=draft))["bookingDraft"]
    if said["failure"]:
        raise Failed(f"the booking's payment: {said['failure']}")
    return said["order"]


async def _customer(day: Day) -> Person:
    """The customer signs in by the link that they are mailed."""
    await day.place.person().do("requestSignInLink", "ok", tenant=SLUG, email=EMAIL)

    async def link() -> str:
        return day.place.mailed(EMAIL)

    return await _signed_in(day.place, "signInWithLink", token=await until("the mailed link", link), device="day")


async def _hold_a_second(day: Day, customer: Person, first: str) -> str:
    """The office plans another clean, so soon that it is held at once."""
    home = (await day.owner.ask("query($id: ID!) { job(id: $id) { property { id } } }", id=first))["job"]["property"]
    start = datetime.now(day.zone) + timedelta(hours=10)
    planned = {"propertyId": home["id"], "startsAt": start.isoformat(), "expectedHours": "3.5", "isUrgent": True}
    made = await day.owner.do("createJob", "job { id priceCents }", instructions="", **planned)
    job: str = made["job"]["id"]

    async def hold() -> Any:
        return next((one for one in await _payments(day, job) if one["status"] == "AUTHORIZED"), None)

    held = await until("the hold", hold)
    say("held", job=job, intent=held["intentId"], cents=held["amountCents"], capture_before=held["captureBefore"])
    return job


async def _payments(day: Day, job: str) -> list[dict[str, Any]]:
    query = """query($id: ID!) { job(id: $id) { status paymentStatus payments(first: 10) { nodes {
        id kind status intentId chargeId amountCents capturedCents captureBefore } } } }"""
    nodes: list[dict[str, Any]] = (await day.owner.ask(query, id=job))["job"]["payments"]["nodes"]
    return nodes


async def _clean(day: Day, job: str) -> None:
    """The cleaner works the job from the instructions to the proof."""
    role = {"jobId": job, "cleanerId": day.cleaner_id, "role": "PRIMARY"}
    shift = (await day.owner.do("assignCleaner", "assignment { id }", **role))["assignment"]["id"]
    fix = {"latitude": HERE["latitude"] + 0.0001, "longitude": HERE["longitude"], "accuracyMetres": 9.0}
    await _step(day, "openInstructions", shift)
    await _step(day, "acknowledgeInstructions", shift)
    await _step(day, "checkIn", shift, fix=fix)
    query = """query($id: ID!) { job(id: $id) { checklist { id }
        evidence { requirements { zone before after } } } }"""
    wanted = (await day.cleaner.ask(query, id=job))["job"]
    await _photos(day, shift, "BEFORE", wanted["evidence"]["requirements"])
    await until("the before photos", lambda: _looked_at(day, job))
    await _step(day, "startWork", shift)
    for item in wanted["checklist"]:
        await day.cleaner.do("tickItem", "checklistItem { id }", itemId=item["id"], done=True)
    await _step(day, "finishWork", shift)
    await _photos(day, shift, "AFTER", wanted["evidence"]["requirements"])
    await until("the after photos", lambda: _looked_at(day, job))
    await _step(day, "checkOut", shift, fix=fix)

    async def captured() -> Any:
        said = (await day.owner.ask("query($id: ID!) { job(id: $id) { status } }", id=job))["job"]
        if said["status"] != "COMPLETED":
            return None
        return next((one for one in await _payments(day, job) if one["status"] == "CAPTURED"), None)

    paid = await until("the proof and the capture", captured)
    say("proven and captured", job=job, charge=paid["chargeId"], cents=paid["capturedCents"])


async def _step(day: Day, name: str, shift: str, **given: Any) -> None:
    await day.cleaner.do(name, "visit { phase }", assignmentId=shift, **given)


async def _photos(day: Day, shift: str, stage: str, zones: Sequence[Mapping[str, Any]]) -> None:
    for zone in zones:
        for _ in range(zone[stage.lower()]):
            body = room(zone["zone"], 7_000 + next(_numbers), tidy=stage == "AFTER")
            told = {"stage": stage, "zone": zone["zone"], "contentType": "image/jpeg", "sizeBytes": len(body)}
            asked = {"assignmentId": shift, "sha256": digest(body), **told}
            made = (await day.cleaner.do("requestPhoto", "photo { id uploadUrl }", **asked))["photo"]
            await day.cleaner.upload(made["uploadUrl"], body, "image/jpeg")
            await day.cleaner.do("confirmPhoto", "photo { id }", photoId=made["id"])


async def _looked_at(day: Day, job: str) -> bool:
    query = "query($id: ID!) { job(id: $id) { photos(first: 100) { nodes { status } } } }"
    nodes = (await day.cleaner.ask(query, id=job))["job"]["photos"]["nodes"]
    return all(one["status"] == "STORED" for one in nodes)


async def _paid_out(day: Day, job: str) -> None:
    query = """query($id: ID!) { job(id: $id) { payouts(first: 10) { nodes {
        id kind status amountCents baseCents urgentCents laundryCents transferId holdReason } } } }"""

    async def released() -> Any:
        nodes = (await day.owner.ask(query, id=job))["job"]["payouts"]["nodes"]
        return nodes if nodes and all(one["transferId"] for one in nodes) else None

    for payout in await until("the payout", released):
        say("paid out", job=job, payout=payout["id"], transfer=payout["transferId"], cents=payout["amountCents"])


async def _tip(day: Day, customer: Person, job: str) -> None:
    given = {"jobId": job, "amountCents": 1_000, "returnUrl": day.place.base}
    tip = (await customer.do("tipJob", "payment { id }", **given))["payment"]["id"]

    async def taken() -> Any:
        query = "query($id: ID!) { payment(id: $id) { status capturedCents } }"
        said = (await customer.ask(query, id=tip))["payment"]
        return said if said["status"] == "CAPTURED" else None

    paid = await until("the tip", taken)
    say("tipped", job=job, payment=tip, cents=paid["capturedCents"])
    await _paid_out(day, job)


async def _refund(day: Day, job: str) -> None:
    payment = next(one for one in await _payments(day, job) if one["kind"] == "HOLD")
    given = {"paymentId": payment["id"], "amountCents": 500, "reason": "A lamp was broken."}
    made = await day.owner.do("refundPayment", "refund { id }", bearer="RESERVE_FIRST", holdUnpaid=False, **given)

    async def gone() -> Any:
        query = """query($id: ID!) { refund(id: $id) { status amountCents providerId fromReserveCents
            fromBusinessCents } }"""
        said = (await day.owner.ask(query, id=made["refund"]["id"]))["refund"]
        return said if said["status"] == "SUCCEEDED" else None

    refund = await until("the refund", gone)
    say("refunded", job=job, refund=refund["providerId"], cents=refund["amountCents"])


async def _tell(day: Day, job: str) -> None:
    """Every step and every line of the books of one job."""
    query = """query($id: ID!) { jobMoney(jobId: $id) { currency capturedCents reserveCents payoutCents tipCents
        feeCents marginCents refundedCents lines { at what kind status amountCents providerId attempt reason
        postings { account cents } } } }"""
    money = (await day.owner.ask(query, id=job))["jobMoney"]
    lines = money.pop("lines")
    typer.echo(f"\nThe money of {job}: {shown(money)}")
    for line in lines:
        sides = "  ".join(f"{one['account']} {one['cents']:+}" for one in line["postings"])
        facts = (line["status"], line["amountCents"], line["providerId"], line["reason"], sides)
        typer.echo(
            f"  {line['at'][11:23]} {line['what']:<10} {line['kind']:<16} {' '.join(str(x) for x in facts if x)}"
        )


async def _agree(day: Day) -> None:
    """Our books and the provider's own journal, to the cent; and no alarm stands."""
    # What the day has begun elsewhere in the demo settles too before anything is compared.
    found = await until("the books and the provider to agree", lambda: _differences(day))
    say("\nour books and the journal agree", **found)
    alarms = (await day.owner.ask("{ moneyAlarms(first: 10) { nodes { kind clearedAt detail } } }"))["moneyAlarms"]
    standing = [one for one in alarms["nodes"] if one["clearedAt"] is None]
    if standing:
        raise Failed(f"alarms stand: {standing}")


async def _differences(day: Day) -> dict[str, Any] | None:
    """The figures once they agree; None as long as they do not."""
    balances = (await day.owner.ask("{ ledgerBalances { account currency cents } }"))["ledgerBalances"]
    ours = sum(one["cents"] for one in balances if one["account"] == ACCOUNTS_AT_PROVIDER)
    whole = sum(one["cents"] for one in balances)
    entries = await _entries(day)
    async with day.place.provider(KEY) as provider:
        said = (await provider.get("/v1/balance")).json()
        theirs = sum(part["amount"] for kind in ("available", "pending") for part in said[kind])
        moved = await _transactions(provider)
        statistics = (await provider.get("/__sandbox/statistics")).json()
    booked = {one["providerId"] for one in entries if one["providerId"]}
    missing = {one["id"] for one in moved} - booked
    if ours != theirs or whole != 0 or missing:
        return None
    return {
        "cash_cents": ours,
        "balance_transactions": len(moved),
        "entries": len(entries),
        "journal": shown(statistics),
    }


async def _entries(day: Day) -> list[dict[str, Any]]:
    query = """query($after: Cursor) { ledger(first: 100, after: $after) { nodes { source providerId }
        pageInfo { hasNextPage endCursor } } }"""
    entries: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await day.owner.ask(query, after=after))["ledger"]
        entries += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return entries
        after = page["pageInfo"]["endCursor"]


async def _transactions(provider: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        after = {"starting_after": found[-1]["id"]} if found else {}
        page = (await provider.get("/v1/balance_transactions", params={"limit": "100", **after})).json()
        found += page["data"]
        if not page["has_more"]:
            return found


def main() -> None:
    """Run the day; the exit status says whether everything agreed."""
    try:
        asyncio.run(run())
    except Failed as failure:
        sys.exit(f"The day failed: {failure}")
    typer.echo("The day is over; everything agrees.")


if __name__ == "__main__":
    main()
