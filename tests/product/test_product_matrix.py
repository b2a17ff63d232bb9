"""Who may see and do what inside a business: the matrix of roles as tables, walked for every role (R18, R20, A4)."""

import re
from typing import Any

import asyncpg
import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from db.command import COMMANDS
from domain.actors import PLATFORM_TENANT, Actor, Role
from resolvers.expose import EXPOSED
from sandbox.environment import Servers
from tests.product.contract import arguments, document, is_connection, put, selection
from tests.product.furnished import TABLES, House, kept, signed_in
from tests.product.walking import MUTATIONS, QUERIES, SCHEMA, SIGNING, UNKNOWN, fields_of, places, values
from tests.product.world import Api, World, gid, ops, put_first

LISTS = {
    "markets": "Market", "staff": "Staff", "cleaners": "Cleaner", "customers": "Customer", "properties": "Property",
    "jobs": "Job", "assignments": "Assignment", "swaps": "Swap", "standingBids": "StandingBid",
    "availabilitySubmissions": "AvailabilitySubmission", "notifications": "Notification", "services": "Service",
    "priceBooks": "PriceBook", "bookingDrafts": "BookingDraft", "quotes": "Quote", "quoteRequests": "QuoteRequest",
    "servicePlans": "ServicePlan", "payments": "Payment", "heldToday": "Payment", "atRiskJobs": "Job",
    "payouts": "Payout", "payrollExports": "PayrollExport",
    "refunds": "Refund", "disputes": "Dispute", "invoices": "Invoice", "ledger": "LedgerEntry", "moneyOps": "MoneyOp",
    "moneyAlarms": "MoneyAlarm",
    "auditLog": "AuditEntry", "failedTasks": "Task", "checklistTemplates": "ChecklistTemplate",
}  # fmt: skip
PEOPLE = {"Staff": ["owner", "admin", "dispatcher"], "Cleaner": ["cleaner", "colleague", "novice", "stranger"]}
BOOKS = {"refunds", "disputes", "invoices", "ledger", "moneyOps", "moneyAlarms", "payments", "payouts",
         "payrollExports", "heldToday", "atRiskJobs"}  # fmt: skip
"""Lists that are for administrators alone; customers have what is theirs to pay, cleaners what they are paid."""
NARROWED = {
    "failedTasks": {"dead task"},
    "heldToday": {"held payment", "declined payment", "unconfirmed payment", "captured payment", "disputed payment",
                  "proven payment"},
    "atRiskJobs": {"job of running shift", "job of reading shift", "job of arriving shift"},
}  # fmt: skip
"""Lists of what is so at present alone, for who runs the business."""
EVERYTHING = None
"""Every row of the business."""
OFFICE = ("owner", "admin", "dispatcher")
ALL_CLEANERS = {"cleaner", "colleague", "novice", "stranger"}
OFFERED = {"own swap", "colleague's swap", "trade", "drawn swap", "vacancy"}
"""What is on the market that cleaner and colleague share."""
DEALT = {"taken swap", "taken trade", "awaited swap"}
"""What the cleaner had of the colleague, or would have; nobody else's to see."""

STANDING_BY = {f"{word} shift" for word in ("waiting", "reading", "arriving", "working", "finishing", "left", "done")}
"""Where the cleaner is backup, each in another phase."""

SEEN: dict[str, dict[str, set[str] | None]] = {
    **{who: {**dict.fromkeys(LISTS, EVERYTHING), **NARROWED} for who in ("owner", "admin")},
    "dispatcher": {name: EVERYTHING for name in LISTS if name not in {"auditLog", "failedTasks", *BOOKS}},
    "cleaner": {
        "markets": {"market"},
        "services": {"service"},
        "cleaners": ALL_CLEANERS,
        "properties": {"home of customer", "home of neighbour", "home of guest"},
        "jobs": {"job of own shift", "job of running shift", "job of shift of own swap", "job of shift of taken swap",
                 "job of shift of taken trade", "job of shift of colleague's swap", "job of shift of trade",
                 "job of shift of awaited swap", "job of shift of drawn swap", "vacant job",
                 *(f"job of {word}" for word in STANDING_BY)},
        "assignments": {"own shift", "running shift", "shift of own swap", "shift of taken swap",
                        "shift of taken trade", *STANDING_BY},
        "swaps": OFFERED | DEALT,
        "standingBids": {"bid of cleaner"},
        "availabilitySubmissions": {"submission of cleaner"},
        "notifications": {"message to cleaner"},
        "payouts": {"payout"},
    },
    "colleague": {
        "markets": {"market"},
        "services": {"service"},
        "cleaners": ALL_CLEANERS,
        "properties": {"home of neighbour", "home of guest"},
        "jobs": {"job of colleague's shift", "job of shift of own swap", "job of shift of colleague's swap",
                 "job of given shift", "job of shift of trade", "job of shift of awaited swap",
                 "job of shift of drawn swap", "vacant job"},
        "assignments": {"colleague's shift", "shift of colleague's swap", "given shift", "shift of trade",
                        "shift of awaited swap", "shift of drawn swap"},
        "swaps": OFFERED | DEALT,
        "standingBids": {"bid of colleague"},
        "availabilitySubmissions": {"submission of colleague"},
        "notifications": {"message to colleague"},
        "payouts": {"colleague's payout"},
    },
    "stranger": {
        "markets": {"far market"},
        "services": {"service"},
        "cleaners": ALL_CLEANERS,
        "properties": {"home of far"},
        "jobs": {"job of shift of far swap"},
        "assignments": {"shift of far swap"},
        "swaps": {"far swap"},
    },
    "novice": {"markets": {"market"}, "services": {"service"}, "cleaners": ALL_CLEANERS},
    "customer": {
        "markets": {"market", "far market", "unused market"},
        "services": {"service"},
        "cleaners": {"cleaner"},
        "customers": {"customer"},
        "properties": {"home of customer"},
        "jobs": {"open job", "job of own shift", "job of running shift"},
        "assignments": {"own shift", "running shift"},
        "notifications": {"message to customer", "price message", "skip message", "pause message"},
        "bookingDrafts": {"booking"},
        "quotes": {"quote", "named quote"},
        "quoteRequests": {"quote request"},
        "servicePlans": {"plan", "calendar plan"},
        "payments": {"payment"},
        "refunds": {"refund"},
        "invoices": {"invoice"},
    },
    "integrator": {},
}  # fmt: skip
"""Which rows each person's lists have, by their words in the furniture; a list that is not named is empty."""

VACANCY = {"id", "kind", "status", "note", "role", "market", "openedBy", "urgentBonus", "openedAt", "expiresAt",
           "viewerHasAsked", "version"}  # fmt: skip
SWAP = VACANCY | {"owner"}
TRADE = SWAP | {"wantedAssignmentIds"}
TAKEN = {"taker", "closedAt"}
JUDGED = {"job", "viewerCanTake", "viewerPreview"}
"""What shows of a swap to a cleaner who sees its job."""
BID = {"id", "cleaner", "market", "weekdays", "earliestMinute", "latestMinute", "fromDay", "placedAt", "version"}
MARKET = {"id", "name", "zone", "windowEpoch", "windowLeadDays", "windowDeadlineHour", "windowGraceMinutes",
          "availabilityWindow", "version"}  # fmt: skip
HOME = {"id", "city", "bedrooms", "bathrooms", "squareFeet", "laundry", "laundryLoads", "hotTub", "hotTubService",
        "hotTubDrain", "requiredSkills",
        "market", "jobs", "version"}  # fmt: skip
WHERE = {"address", "postalCode", "latitude", "longitude", "notes"}
JOB = {"id", "startsAt", "endsAt", "expectedHours", "status", "isUrgent", "property", "market", "createdAt", "version"}
COSTS = {"priceCents", "currency", "price"}
PLAN = {"id", "status", "frequency", "term", "firstOn", "startTime", "endsOn", "expectedHours", "priceCents",
        "currency", "price", "isFirstCleanPrepaid", "pausedOn", "resumesOn", "plannedUntil", "skippedDays",
        "occurrences", "customer", "property", "market", "createdAt", "version"}  # fmt: skip
PAYMENT = {"id", "kind", "status", "isCurrent", "attempt", "job", "customer", "method", "currency", "amountCents",
           "tipCents", "capturedCents", "refundedCents", "whyLess", "letGo", "declineWords", "declines",
           "nextAttemptAt", "actionUntil", "authorizedAt", "capturedAt", "releasedAt", "createdAt",
           "version"}  # fmt: skip
PROVIDERS = {"feeCents", "declineCode", "captureBefore", "intentId", "chargeId"}
CARD = {"id", "status", "brand", "last4", "expiresMonth", "expiresYear", "isDefault", "consentVersion", "consentedAt",
        "failure", "createdAt", "version"}  # fmt: skip
SHIFT = {"id", "role", "startsAt", "endsAt", "job", "cleaner", "version"}
CLEANER = {"id", "name", "email", "phone", "payTier", "onboarding", "skills", "marketIds", "assignments", "version",
           "reliability", "missingStages", "profile", "payoutAccount", "signedDocuments", "documentsToSign",
           "certifiedAt",
           "payTiers"}  # fmt: skip
FOR_ADMINS = {"payTier", "payoutAccount", "signedDocuments", "documentsToSign", "payTiers"}
TEXT = {"id", "kind", "edition", "title", "body", "digest", "publishedAt"}
SIGNED = {
    "id",
    "kind",
    "edition",
    "title",
    "digest",
    "typedName",
    "signedAt",
    "address",
    "device",
    "pdfUrl",
    "pdfDigest",
}
PHOTO = {"id", "job", "visit", "cleaner", "stage", "zone", "status", "contentType", "sizeBytes", "sha256",
         "requestedAt", "expiresAt", "version"}  # fmt: skip
KEPT = PHOTO | {"width", "height", "claims", "flags", "uploadedAt", "storedAt", "url", "thumbnailUrl"}
PERIOD = {"id", "cleaner", "market", "periodStart", "submittedAt", "isLate", "isBypass", "slots", "version"}
MESSAGE = {"id", "kind", "channel", "personId", "status", "createdAt", "sentAt"}
TRACK = {"id", "job", "visit", "cleaner", "sequence", "points", "firstAt", "lastAt", "receivedAt", "plausibility",
         "digest"}  # fmt: skip
VISIT = {"id", "phase", "job", "assignment", "cleaner", "isResponsible", "begunAt", "instructedAt", "checkedInAt",
         "elapsedSeconds", "checkInOverridden", "version"}  # fmt: skip
PACKET = {"id", "job", "status", "requirements", "missing", "submissions", "entryCount", "head", "entries", "createdAt",
          "version"}  # fmt: skip
LINE = {"id", "job", "place", "zone", "label", "required", "note", "version"}
LIST = {"id", "name", "property", "service", "items", "createdAt", "version"}
REFUND = {"id", "status", "payment", "job", "customer", "amountCents", "currency", "createdAt", "finishedAt", "version"}
BEARS = {"reason", "bearer", "fromReserveCents", "fromBusinessCents", "fromCleanersCents", "requestedBy", "approvedBy",
         "providerId", "failureCode"}  # fmt: skip
DISPUTE = {"id", "status", "payment", "job", "customer", "providerId", "reason", "amountCents", "currency",
           "withdrawnCents", "feeCents", "draft", "dueBy", "answeredAt", "openedAt", "closedAt", "version"}  # fmt: skip
INVOICE = {"id", "number", "status", "customer", "job", "currency", "lines", "totalCents", "paidCents", "dueOn",
           "issuedAt", "paidAt", "createdAt", "pdfUrl", "payUrl", "version"}  # fmt: skip
ENTRY = {"id", "kind", "source", "currency", "job", "providerId", "reason", "at", "postings"}
STEP = {"id", "kind", "state", "attempt", "key", "job", "amountCents", "tries", "providerId", "requestId",
        "failureCode", "failureMessage", "createdAt", "firstSentAt", "finishedAt"}  # fmt: skip
ALARM = {"id", "kind", "rule", "subject", "detail", "raisedAt", "seenAt", "clearedAt"}
PAYOUT = {"id", "kind", "status", "job", "cleaner", "currency", "baseCents", "urgentCents", "laundryCents", "tipCents",
          "carriedCents", "amountCents", "reversedCents", "expectedHours", "rateCents", "tier", "role", "policy",
          "holdReason", "holdNote", "why", "whatToDo", "transferId", "carriedInto", "dueAt", "releasedAt", "createdAt",
          "updatedAt", "version"}  # fmt: skip
SUBSCRIPTION = {"id", "plan", "status", "isReadOnly", "checkoutUrl", "checkoutUntil", "paidUntil", "endsWithPeriod",
                "seatsTaken", "version"}  # fmt: skip
EXPORT = {"id", "periodStart", "periodEnd", "market", "currency", "lines", "totalCents", "url", "createdAt"}
BOOKING = {"id", "status", "steps", "nextStep", "price", "quote", "marketId", "market", "customer", "expiresAt",
           "createdAt", "version"}  # fmt: skip
QUOTE = {"id", "status", "home", "price", "totalCents", "currency", "isCustom", "isGood", "note", "expiresAt",
         "customer", "createdAt", "version"}  # fmt: skip
REQUEST = {"id", "status", "contact", "home", "note", "quote", "customer", "property", "createdAt", "answeredAt",
           "version"}  # fmt: skip
CUSTOMER = {"id", "name", "email", "phone", "properties", "version"}

FIELDS: list[tuple[str, str, tuple[str, ...], set[str]]] = [
    ("Market", "market", (*OFFICE, "cleaner", "novice"), MARKET),
    ("Market", "market", ("customer",), {"id", "name", "zone", "version"}),
    ("Service", "service", (*OFFICE, "cleaner", "novice", "customer"),
     {"id", "name", "description", "expectedHours", "version"}),
    ("PriceBook", "price book", OFFICE, {"id", "edition", "isInForce", "prices", "note", "publishedAt"}),
    ("BookingDraft", "booking", (*OFFICE, "customer"), BOOKING),
    ("Quote", "quote", (*OFFICE, "customer"), QUOTE | {"bookingDraft"}),
    ("Quote", "named quote", (*OFFICE, "customer"), QUOTE | {"property"}),
    ("QuoteRequest", "quote request", (*OFFICE, "customer"), REQUEST),
    ("ServicePlan", "plan", (*OFFICE, "customer"), PLAN),
    ("Staff", "admin", ("owner", "admin"), {"id", "name", "email", "role", "version"}),
    ("Staff", "admin", ("dispatcher",), {"id", "name", "version"}),
    ("Staff", "dispatcher", ("dispatcher",), {"id", "name", "email", "role", "version"}),
    ("Cleaner", "cleaner", ("owner", "admin", "cleaner"), CLEANER),
    ("Cleaner", "cleaner", ("dispatcher",), CLEANER - FOR_ADMINS),
    ("Cleaner", "cleaner", ("colleague", "novice", "stranger"), {"id", "name", "version"}),
    ("Cleaner", "cleaner", ("customer",), {"id", "name", "assignments", "version"}),
    ("LegalDocument", "waiver", (*OFFICE, *sorted(ALL_CLEANERS)), TEXT),
    ("SignedDocument", "signed waiver", ("owner", "admin", "cleaner"), SIGNED),
    ("Photo", "awaited photo", OFFICE, PHOTO),
    ("Photo", "awaited photo", ("cleaner",), PHOTO | {"uploadUrl"}),
    ("Photo", "kept photo", (*OFFICE, "cleaner"), KEPT),
    ("Customer", "customer", ("owner", "admin", "customer"), CUSTOMER | {"paymentMethods"}),
    ("Customer", "customer", ("dispatcher",), CUSTOMER),
    ("Property", "home of customer", OFFICE,
     HOME | WHERE | {"name", "customer", "hasAccessCode", "accessCodeViews", "price"}),
    ("Property", "home of customer", ("customer",), HOME | WHERE | {"name", "customer"}),
    ("Property", "home of customer", ("cleaner",), HOME | WHERE),
    ("Property", "home of guest", ("cleaner",), HOME),
    ("Visit", "visit", (*OFFICE, "cleaner"), VISIT | {"checkIn"}),
    ("Visit", "visit", ("customer",), VISIT),
    ("Evidence", "packet", OFFICE, PACKET | {"bundleUrl"}),
    ("Evidence", "packet", ("cleaner",), PACKET),
    ("ChecklistItem", "checklist item", (*OFFICE, "cleaner"), LINE),
    ("ChecklistTemplate", "template", OFFICE, LIST),
    ("TrackBatch", "track", (*OFFICE, "cleaner"), TRACK),
    ("Job", "job of own shift", ("owner", "admin"),
     JOB | COSTS | {"customer", "instructions", "paymentStatus", "assignments", "payments"}),
    ("Job", "job of own shift", ("dispatcher",),
     JOB | COSTS | {"customer", "instructions", "paymentStatus", "assignments"}),
    ("Job", "job of own shift", ("cleaner",), JOB | {"instructions", "assignments"}),
    ("Job", "job of shift of colleague's swap", ("cleaner",), JOB | {"swaps"}),
    ("Job", "job of own shift", ("customer",), JOB | COSTS | {"instructions", "customer", "assignments", "payments"}),
    ("Assignment", "own shift", (*OFFICE, "cleaner", "customer"), SHIFT),
    ("Payment", "payment", ("owner", "admin"), PAYMENT | PROVIDERS),
    ("Payment", "payment", ("customer",), PAYMENT | {"actionUrl"}),
    ("PaymentMethod", "card", ("owner", "admin"), CARD),
    ("PaymentMethod", "card", ("customer",), CARD | {"actionUrl"}),
    ("TenantSubscription", "subscription", ("owner", "admin"), SUBSCRIPTION),
    ("Payout", "payout", ("owner", "admin"), PAYOUT | {"accountId", "failureCode"}),
    ("Payout", "payout", ("cleaner",), PAYOUT),
    ("PayrollExport", "payroll export", ("owner", "admin"), EXPORT),
    ("Refund", "refund", ("owner", "admin"), REFUND | BEARS),
    ("Refund", "refund", ("customer",), REFUND),
    ("Dispute", "dispute", ("owner", "admin"), DISPUTE),
    ("Invoice", "invoice", ("owner", "admin", "customer"), INVOICE),
    ("LedgerEntry", "entry", ("owner", "admin"), ENTRY),
    ("MoneyOp", "step", ("owner", "admin"), STEP),
    ("MoneyAlarm", "alarm", ("owner", "admin"), ALARM),
    ("AvailabilitySubmission", "submission of cleaner", OFFICE, PERIOD | {"bypassReason"}),
    ("AvailabilitySubmission", "submission of cleaner", ("cleaner",), PERIOD),
    ("Swap", "taken swap", OFFICE, SWAP | TAKEN | {"job", "assignment"}),
    ("Swap", "taken swap", ("cleaner",), SWAP | TAKEN | JUDGED | {"assignment"}),
    ("Swap", "taken swap", ("colleague",), SWAP | TAKEN),
    ("Swap", "colleague's swap", ("cleaner",), SWAP | JUDGED),
    ("Swap", "trade", OFFICE, TRADE | {"job", "assignment"}),
    ("Swap", "trade", ("cleaner",), TRADE | JUDGED),
    ("Swap", "trade", ("colleague",), TRADE | JUDGED | {"assignment"}),
    ("Swap", "taken trade", OFFICE, TRADE | TAKEN | {"job", "assignment", "given"}),
    ("Swap", "taken trade", ("cleaner",), TRADE | TAKEN | JUDGED | {"assignment"}),
    ("Swap", "taken trade", ("colleague",), TRADE | TAKEN | {"given"}),
    ("Swap", "awaited swap", OFFICE, SWAP | {"job", "assignment", "taker"}),
    ("Swap", "awaited swap", ("cleaner",), SWAP | JUDGED | {"taker"}),
    ("Swap", "awaited swap", ("colleague",), SWAP | JUDGED | {"assignment", "taker"}),
    ("Swap", "drawn swap", OFFICE, SWAP | {"job", "assignment", "drawsAt"}),
    ("Swap", "drawn swap", ("cleaner",), SWAP | JUDGED | {"drawsAt"}),
    ("Swap", "vacancy", OFFICE, VACANCY | {"job"}),
    ("Swap", "vacancy", ("cleaner", "colleague"), VACANCY | JUDGED),
    ("StandingBid", "bid of cleaner", (*OFFICE, "cleaner"), BID),
    ("AuditEntry", "audit line", ("owner", "admin"),
     {"id", "seq", "action", "entity", "entityId", "reason", "detail", "actorId", "actorRole", "requestId", "at"}),
    ("Task", "dead task", ("owner", "admin"), {"id", "kind", "attempts", "lastError", "runAt", "finishedAt"}),
    ("Notification", "message to cleaner", OFFICE, MESSAGE),
    ("Notification", "message to cleaner", ("cleaner",), MESSAGE | {"subject", "body"}),
]  # fmt: skip
"""Which fields of an object have a value for whom; whoever is named in neither table does not find it at all."""

LETTERS = {
    "O": "owner",
    "A": "admin",
    "D": "dispatcher",
    "C": "cleaner",
    "U": "customer",
    "I": "integrator",
    "P": "ops",
    "V": "anonymous",
}
MAY = {
    "OA": "updateTenant createMarket updateMarket archiveMarket inviteStaff resendInvite updateStaff changeStaffRole"
    " archiveStaff unlockStaff completeOnboarding archiveCleaner resetPin unlockCleaner setAvailability issueQr"
    " revokeQr publishLegalDocument createChecklistTemplate updateChecklistTemplate archiveChecklistTemplate"
    " overrideCheckIn overrideEvidence"
    " createService updateService archiveService publishPriceBook captureProven"
    " choosePlan cancelPlanSubscription connectProvider disconnectProvider"
    " retryPayment releaseHold"
    " retryPayout releasePayout holdPayout exportPayroll"
    " refundPayment approveRefund declineRefund answerDispute createInvoice issueInvoice voidInvoice",
    "OAD": "createCleaner updateCleaner setCleanerMarkets setCleanerSkills createCustomer updateCustomer"
    " createPlan importCustomers nameQuote declineQuoteRequest"
    " archiveCustomer createProperty updateProperty archiveProperty createJob updateJob cancelJob assignCleaner"
    " releaseCleaner approveSwap declineSwap openCover coverSickCall setAccessCode removeAccessCode",
    "C": "submitProfile startPayoutOnboarding signDocument certifySkills submitAvailability offerSwap acceptSwap"
    " returnSwap placeStandingBid"
    " sendTrack requestPhoto confirmPhoto openInstructions acknowledgeInstructions checkIn startWork tickItem"
    " finishWork checkOut reportNoAccess submitEvidence",
    "OADC": "withdrawSwap withdrawStandingBid revealAccessCode",
    "OADCUIP": "signOut revokeSession reauthenticate",
    "OADUV": "openBooking saveBookingCustomer saveBookingProperty saveBookingAddOns saveBookingCalendar"
    " saveBookingTerms saveBookingPayment quotePrice confirmBooking requestQuote acceptQuote declineQuote",
    "OADU": "pausePlan resumePlan skipClean unskipClean endPlan renewPlan planFirstClean",
    "U": "addPaymentMethod removePaymentMethod setDefaultPaymentMethod confirmPayment payInvoice tipJob",
    "P": "createTenant retryTask runDutyNow",
}
"""Which roles may run which mutation; signing in is for who has no role yet."""
ROLES = {
    name: frozenset(Role(LETTERS[letter]) for letter in letters)
    for letters, names in MAY.items()
    for name in names.split()
}
GATED = {
    "openInstructions",
    "acknowledgeInstructions",
    "checkIn",
    "startWork",
    "tickItem",
    "finishWork",
    "checkOut",
    "reportNoAccess",
    "submitEvidence",
    "requestPhoto",
    "confirmPhoto",
    "sendTrack",
    "revealAccessCode",
    "offerSwap",
    "acceptSwap",
    "returnSwap",
    "withdrawSwap",
    "placeStandingBid",
    "submitAvailability",
}
"""What a cleaner may do once onboarding is complete (R18)."""
FOR_OPS = {"ops", "tasks"}
OPEN = {"plans"}
"""What the platform shows everybody: its price list."""


@pytest.fixture(scope="module")
async def house(world: World) -> House:
    return await kept(world, "Ibis3")


@pytest.fixture(scope="module")
async def people(world: World, house: House) -> dict[str, Actor]:
    """Somebody of every role, also of those that nobody signs in as yet."""
    return {
        **house.who,
        "integrator": await signed_in(house, Role.INTEGRATOR),
        "ops": await ops(world),
        # Who holds the token of a booking, and nothing else.
        "anonymous": Actor(house.town.tenant, Role.ANONYMOUS, house.has["booking"]),
    }


def signed(people: dict[str, Actor]) -> dict[str, Actor]:
    """Who has signed in: to a visitor most of the contract answers as to nobody."""
    return {who: actor for who, actor in people.items() if who != "anonymous"}


async def words(house: House, kind: str) -> dict[str, str]:
    """Global id to word, for every object of a kind."""
    named = {gid(kind, house.who[word].person): word for word in PEOPLE.get(kind, ())}
    named |= {gid(kind, id): word for word, id in house.has.items()}
    return {id: named.get(id, id) for id in await house.ids(kind)}


def codes(answer: Any) -> set[str]:
    """The codes of an answer's errors, of the request's and of the payloads'."""
    found = {error["extensions"]["code"] for error in answer.get("errors", ())}
    for payload in (answer.get("data") or {}).values():
        if isinstance(payload, dict):
            found |= {error["code"] for error in payload.get("errors", ())}
    return found


def test_the_table_has_every_mutation_and_every_list() -> None:
    """R20: whatever is added must say who may; every command declares its roles."""
    assert set(ROLES) | SIGNING == set(MUTATIONS)
    assert {name: command.roles for name, command in EXPOSED.items()} == {name: ROLES[name] for name in EXPOSED}
    assert {name for name, field in QUERIES.items() if is_connection(field)} == set(LISTS)
    assert {kind for kind, _, _, _ in FIELDS} | {"Session"} == set(TABLES)


def test_commands_that_are_not_exposed_are_for_nobody_who_signs_in() -> None:
    """R20: what no mutation shows runs as the installation or before sign-in, but for five that are named here."""
    hidden = {command.name: command.roles for command in COMMANDS.values() if command not in EXPOSED.values()}
    open_ones = {name for name, roles in hidden.items() if not roles <= {Role.SYSTEM, Role.ANONYMOUS}}
    assert all(command.roles for command in COMMANDS.values())
    assert open_ones == {
        "issue_qr", "reveal_access_code", "read_packet", "prove_ops", "note_ops_action",
        "tell_price", "read_booking_form", "see_booking", "see_quote", "find_unplaced_in_booking",
        "find_unplaced_property", "find_unplaced_change", "find_unplaced_lines", "import_lines", "keep_places",
    }  # fmt: skip
    assert COMMANDS["issue_qr"].roles == ROLES["issueQr"]
    assert COMMANDS["reveal_access_code"].roles == ROLES["revealAccessCode"]
    assert COMMANDS["read_packet"].roles == {*map(Role, OFFICE), Role.CLEANER, Role.CUSTOMER, Role.SYSTEM}
    assert COMMANDS["note_ops_action"].roles == COMMANDS["prove_ops"].roles == {Role.OPS}


@pytest.mark.parametrize("who", sorted(SEEN))
async def test_lists_have_the_rows_that_the_matrix_gives(
    api: Api, house: House, people: dict[str, Actor], who: str
) -> None:
    """R18, R20: by list, and the count beside it says no more."""
    for name, kind in LISTS.items():
        named = await words(house, kind)
        count, found = await listed(api, people[who], name)
        expected = SEEN[who].get(name, set())
        assert {named[id] for id in found} == (set(named.values()) if expected is None else expected), name
        assert count == len(found)


async def listed(api: Api, actor: Actor, name: str) -> tuple[int, list[str]]:
    """How many rows a list says it has, and the ids of those that its pages bring."""
    shown = "totalCount nodes { id } pageInfo { endCursor }"
    query = f"query ($c: Cursor) {{ {name}(first: 100, after: $c) {{ {shown} }} }}"
    found: list[str] = []
    page: Any = {"pageInfo": {"endCursor": None}, "totalCount": 1}
    while len(found) < page["totalCount"]:
        page = (await api.data(actor, query, c=page["pageInfo"]["endCursor"]))[name]
        found += [node["id"] for node in page["nodes"]]
        assert page["nodes"] or not page["totalCount"], name
    return page["totalCount"], found


@pytest.mark.parametrize(("kind", "word", "viewers", "shown"), FIELDS)
async def test_fields_have_values_for_whom_the_matrix_names(
    api: Api, house: House, people: dict[str, Actor], kind: str, word: str, viewers: tuple[str, ...], shown: set[str]
) -> None:
    """R4, R20: every field of the type; a value where the matrix has one, null or an empty list elsewhere."""
    id = next(id for id, name in (await words(house, kind)).items() if name == word)
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on {kind} {flat(kind)} }} }}"
    for who in viewers:
        answer = await api.ask(people[who], query, id=id)
        node = answer["data"]["node"]
        assert node is not None, who
        # A gate by role alone says so; one that depends on the row answers null.
        assert codes(answer) <= {"FORBIDDEN"}
        assert {error["path"][1] for error in answer.get("errors", ())} & shown == set()
        assert {name for name, value in node.items() if is_shown(value)} == shown, who
    told = {viewer for other, same, seers, _ in FIELDS for viewer in seers if (other, same) == (kind, word)}
    for who in set(SEEN) - told - who_list(kind, word):
        assert (await api.data(people[who], query, id=id))["node"] is None, who


def who_list(kind: str, word: str) -> set[str]:
    """Who sees the object in a list, by the other table; nobody where there is no list of its kind."""
    names = [one for one, of in LISTS.items() if of == kind]
    return {
        who
        for who, lists in SEEN.items()
        for name in names
        if lists.get(name, set()) is None or word in (lists.get(name) or set())
    }


def flat(kind: str) -> str:
    """Every field of a type: leaves, objects by one leaf, lists by their count."""
    asked = []
    for name, field in fields_of(kind).items():
        bare = get_named_type(field.type)
        if is_leaf_type(bare):
            asked.append(name)
        elif is_connection(field):
            asked.append(f"{name} {{ totalCount }}")
        else:
            assert isinstance(bare, GraphQLObjectType)
            leaf = next(one for one, sub in bare.fields.items() if is_leaf_type(get_named_type(sub.type)))
            asked.append(f"{name} {{ {leaf} }}")
    return "{ " + " ".join(asked) + " }"


def is_shown(value: Any) -> bool:
    return value["totalCount"] > 0 if isinstance(value, dict) and "totalCount" in value else value not in (None, [])


async def test_that_one_has_asked_for_a_shift_is_ones_own_to_see(
    api: Api, house: House, people: dict[str, Actor]
) -> None:
    """R20, A29: who else is in the draw is nobody's to know; of other swaps nobody has asked for any."""
    asked = {}
    for who in (*OFFICE, "cleaner", "colleague"):
        swaps = await api.data(people[who], "{ swaps(first: 100) { nodes { id viewerHasAsked } } }")
        named = await words(house, "Swap")
        asked[who] = {named[node["id"]] for node in swaps["swaps"]["nodes"] if node["viewerHasAsked"]}
    assert {who for who, named in asked.items() if named} == {"cleaner"}
    assert asked["cleaner"] == {"drawn swap"}


async def test_the_office_reads_the_settings_and_nobody_else(api: Api, people: dict[str, Actor]) -> None:
    """R4: numbers of the business are its office's; everybody sees their own sessions alone."""
    query = "{ viewer { role tenant { slug name settings } staff { id } cleaner { id } sessions { totalCount } } }"
    for who, actor in signed(people).items():
        answer = await api.ask(actor, query)
        viewer = answer["data"]["viewer"]
        assert codes(answer) == (set() if who in OFFICE else {"FORBIDDEN"})
        assert viewer["role"] == actor.role.upper()
        assert (viewer["tenant"]["settings"] is not None) is (who in OFFICE), who
        assert (viewer["staff"] is not None) is (actor.role in {*OFFICE, "ops"}), who
        assert (viewer["cleaner"] is not None) is (actor.role is Role.CLEANER), who
        assert viewer["sessions"]["totalCount"] >= 1


async def test_who_works_for_a_business_reads_its_terms(api: Api, people: dict[str, Actor]) -> None:
    """R4, R20: the currency and how its market is run, for staff and cleaners alone."""
    query = (
        "{ viewer { business { name currency swaps { approvalRequired drawMinutes returnMinutes standingBids } } } }"
    )
    terms = {"approvalRequired": False, "drawMinutes": 0, "returnMinutes": 10}
    for who, actor in signed(people).items():
        answer = await api.ask(actor, query)
        business = answer["data"]["viewer"]["business"]
        works = actor.role in {*OFFICE, "ops", Role.CLEANER}
        assert codes(answer) == (set() if works else {"FORBIDDEN"}), who
        assert (business is not None) is works, who
        if business is not None:
            assert business["currency"] == "usd"
            assert business["swaps"] == {**terms, "standingBids": actor.role != "ops"}, who


@pytest.mark.parametrize("who", sorted({*LETTERS.values(), "novice"}))
async def test_each_role_runs_its_own_mutations_and_is_forbidden_the_others(
    api: Api, house: House, people: dict[str, Actor], who: str
) -> None:
    """R19, R20: FORBIDDEN before anything is looked at or written; who may gets past that to the unknown id."""
    actor, own, before = people[who], await values(house), await house.fingerprint()
    for name, roles in ROLES.items():
        field = MUTATIONS[name]
        given, spots = arguments(own, field), places(field)
        for argument, path, kind in spots:
            owner = get_named_type(field.args[argument].type).name
            given[argument] = put(given[argument], path, gid(kind, UNKNOWN), owner)
        may = actor.role in roles
        if may and (not spots or name == "reauthenticate"):
            continue
        given.get("input", {}).pop("payTier", None)
        query = document("mutation", name, field, given, selection(SCHEMA, field.type, 1))
        found = codes(await api.ask(actor, query, **given))
        if not may:
            assert found == {"UNAUTHENTICATED" if who == "anonymous" else "FORBIDDEN"}, name
        elif who == "novice" and name in GATED:
            assert found == {"ONBOARDING_INCOMPLETE"}, name
        elif name == "acceptSwap":
            # R98: to a taker, a swap that never was is one that has gone.
            assert found == {"SWAP_ALREADY_TAKEN"}
        else:
            assert found, name
            assert found <= {"NOT_FOUND", "INVALID"}, (name, found)
    assert await house.fingerprint() == before


async def test_nobody_reads_or_writes_without_a_credential(api: Api, house: House) -> None:
    """R9, R17: every query and every mutation but the ways to sign in; unread is also what a bad token asks."""
    own, before = await values(house, {"Node": (await house.ids("Swap"))[0]}), await house.fingerprint()
    for kind, fields in (("query", QUERIES), ("mutation", MUTATIONS)):
        for name, field in fields.items():
            if name not in SIGNING | OPEN:
                given = arguments(own, field)
                query = document(
                    kind, name, field, given, "{ __typename }" if kind == "query" else "{ errors { code } }"
                )
                answer = await api.post(query, given)
                assert codes(answer.json()) == {"UNAUTHENTICATED"}, (name, answer.text)
                bad = await api.post(query, given, "no.such.token")
                assert (bad.status_code, codes(bad.json())) == (401, {"UNAUTHENTICATED"})
    assert await house.fingerprint() == before


async def test_the_control_room_is_open_to_ops_alone_and_shows_no_business(
    api: Api, world: World, house: House, people: dict[str, Actor]
) -> None:
    """A4: queues, tasks and duties of all tenants for ops; of any business ops sees nothing at all."""
    room = """{ ops { queues { kind dead } workers { id } duties { name marketId tenantId } }
        tasks(state: DEAD, first: 100) { id kind } }"""
    await put_first(world, house.has["dead task"])
    seen = await api.data(people["ops"], room)
    assert gid("Task", house.has["dead task"]) in {task["id"] for task in seen["tasks"]}
    assert gid("Market", house.market) in {duty["marketId"] for duty in seen["ops"]["duties"]}
    assert house.mark.lower() not in str(seen).lower()
    for who, actor in signed(people).items():
        if who != "ops":
            answer = await api.ask(actor, room)
            assert answer["data"] == {"ops": None, "tasks": None}
            assert codes(answer) == {"FORBIDDEN"}, who
    for name in set(LISTS) - {"staff", "notifications"}:
        assert (await api.data(people["ops"], f"{{ {name} {{ totalCount }} }}"))[name]["totalCount"] == 0, name
    assert await world.count("staff", PLATFORM_TENANT) >= 1


async def test_pay_is_for_administrators_to_set(api: Api, house: House, people: dict[str, Actor]) -> None:
    """R20: a dispatcher keeps the cleaners, but not what they earn."""
    before = await house.fingerprint()
    form = {"cleanerId": gid("Cleaner", people["cleaner"].person), "payTier": "standard"}
    answer = await api.do(people["dispatcher"], "updateCleaner", form, "cleaner { id }")
    assert [(error["code"], error["field"]) for error in answer["errors"]] == [("FORBIDDEN", ["payTier"])]
    assert await house.fingerprint() == before


SECRET = re.compile(
    r"hash|secret|accessCode$|password|token|pin$|login|paymentIntent|stripe|settingsRaw", re.IGNORECASE
)
TOLD_ONCE = {
    "Credentials.accessToken",
    "Credentials.refreshToken",
    # What is published so that nobody can change it.
    "EvidenceEntry.hash",
    "IssueQrPayload.qrToken",
    "Property.hasAccessCode",
    "OpenBookingPayload.bookingToken",
    "RevealAccessCodePayload.accessCode",
    "SetPinPayload.credentials",
    "SignInWithLinkPayload.credentials",
}


def test_no_field_of_an_answer_is_a_secret_but_those_told_once() -> None:
    """R4: unreachable by name: only what a sign-in and an issued QR code hand out."""
    shown = {
        f"{name}.{field}"
        for name, type_ in SCHEMA.type_map.items()
        if isinstance(type_, GraphQLObjectType) and name != "Mutation" and not name.startswith("__")
        for field in type_.fields
        if SECRET.search(field)
    }
    assert shown <= TOLD_ONCE


async def test_no_secret_is_in_what_a_write_leaves_behind(world: World, house: House) -> None:
    """R4: neither events nor audit lines nor messages hold a credential, a hash of one, or a link's token."""
    secrets = await world.root.fetch(
        """select secret_hash as word from credential where tenant_id = $1 and secret_hash is not null
           union all select login from credential where tenant_id = $1 and role = 'cleaner'
           union all select encode(token_hash, 'hex') from refresh_token where tenant_id = $1
           union all select encode(token_hash, 'hex') from mailed_link where tenant_id = $1""",
        house.town.tenant,
    )
    assert len(secrets) > 10
    for table in ("event", "audit", "task", "notification", "mutation_receipt"):
        rows = await world.root.fetch(f"select t::text as row from {table} t where tenant_id = $1", house.town.tenant)
        written = "".join(row["row"] for row in rows)
        assert [row["word"] for row in secrets if row["word"] in written] == [], table


OWN_ROWS = {
    "session": "person_id",
    "credential": "person_id",
    "cleaner_market": "cleaner_id",
    "cleaner_skill": "cleaner_id",
    "availability": "cleaner_id",
    "availability_submission": "cleaner_id",
    "assignment": "cleaner_id",
    "swap_ask": "cleaner_id",
    "standing_bid": "cleaner_id",
    "notification": "person_id",
    "mutation_receipt": "actor_id",
    "payment": "customer_id",
    "payment_method": "customer_id",
    "refund": "customer_id",
    "invoice": "customer_id",
    "payout": "cleaner_id",
}
"""Tables of which somebody outside of the office sees their own rows at most, and by which column."""
OWN_ROWS_OF_A_CUSTOMER = {**OWN_ROWS, "assignment": "customer_id"}
BOOKED = {"dispute", "ledger_entry", "ledger_posting", "money_op", "money_alarm", "webhook_event", "payroll_export",
          "provider_account"}  # fmt: skip
MONEY = BOOKED | {"payment", "payment_method", "refund", "invoice", "payout"}
"""Tables that administrators alone read of the office, and that nobody writes but through commands."""
NOT_OUTSIDE_THE_OFFICE = {"staff", "event", "audit", "task", "mailed_link", "refresh_token", "sign_in_source", *BOOKED}


@pytest.mark.parametrize("who", sorted(SEEN))
async def test_the_policies_alone_show_the_same(
    product_servers: Servers, house: House, people: dict[str, Actor], who: str
) -> None:
    """R2, R18: straight SQL under each role's stamp, as if every resolver had forgotten its gates."""
    actor = people[who]
    connection = await asyncpg.connect(product_servers.database_url)
    try:
        async with connection.transaction():
            for name, value in (("tenant_id", actor.tenant), ("actor_id", actor.person), ("role", str(actor.role))):
                await connection.execute("select set_config($1, $2, true)", f"app.{name}", str(value))
            for name, kind in LISTS.items():
                if name in NARROWED and kind != "Task":
                    continue
                named = await words(house, kind)
                found = {
                    named[gid(kind, row["id"])] for row in await connection.fetch(f"select id from {TABLES[kind]}")
                }
                expected = SEEN[who].get(name, set())
                assert found == (set(named.values()) if expected is None else expected), name
            if who not in OFFICE:
                for table, column in OWN_ROWS.items() if who != "customer" else OWN_ROWS_OF_A_CUSTOMER.items():
                    rows = await connection.fetch(f"select distinct {column} as whose from {table}")
                    assert {row["whose"] for row in rows} <= {actor.person}, table
                shown = {row["id"] for row in await connection.fetch("select id from swap")}
                wanted = {row["swap_id"] for row in await connection.fetch("select swap_id from swap_want")}
                trades = {house.has[word] for word in ("trade", "taken trade")}
                assert wanted == trades & shown
                for table in NOT_OUTSIDE_THE_OFFICE:
                    assert await connection.fetchval(f"select count(*) from {table}") == 0, table
            if who == "dispatcher":
                for table in ("audit", "mailed_link", "refresh_token", "task", *sorted(MONEY)):
                    assert await connection.fetchval(f"select count(*) from {table}") == 0, table
    finally:
        await connection.close()


@pytest.mark.parametrize("who", ["cleaner", "novice", "customer", "integrator", "dispatcher"])
async def test_the_policies_alone_let_nobody_write_what_is_not_theirs(
    product_servers: Servers, house: House, people: dict[str, Actor], who: str
) -> None:
    """R2: straight SQL again: whole tables are written over, and what changes is one's own at most."""
    actor, before = people[who], await house.fingerprint()
    closed = {"tenant", "market", "staff", "task", "event", "audit", "tenant_head", "notification", "mailed_link"}
    closed |= MONEY | {"price_book"}
    if who != "dispatcher":
        closed |= {"customer", "property", "job", "assignment", "cleaner_market", "cleaner_skill", "credential"}
        closed |= {"swap_want", "service_plan", "quote", "quote_request"}
    if who in {"novice", "customer", "integrator"}:
        closed |= {"swap", "swap_ask", "standing_bid"}
    connection = await asyncpg.connect(product_servers.database_url)
    try:
        for table in closed:
            for statement in (f"update {table} set tenant_id = tenant_id", f"delete from {table}"):
                transaction = connection.transaction()
                await transaction.start()
                for name, value in (("tenant_id", actor.tenant), ("actor_id", actor.person), ("role", str(actor.role))):
                    await connection.execute("select set_config($1, $2, true)", f"app.{name}", str(value))
                try:
                    reached = await connection.execute(statement)
                except asyncpg.InsufficientPrivilegeError:
                    reached = "refused 0"
                await transaction.rollback()
                assert reached.endswith(" 0"), (table, reached)
    finally:
        await connection.close()
    assert await house.fingerprint() == before
