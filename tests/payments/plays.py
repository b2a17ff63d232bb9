"""Plays: what may happen to money in any order, and what must be true when it is all over.

A play is a list of moves; each names what it is about by numbers that are taken modulo what there is, so that any part
of a play is a play again.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from db.ids import new_id
from domain.actors import Actor, CleanerId
from domain.errors import Refused, Unavailable
from domain.ids import BookingDraftId, JobId, ServicePlanId
from domain.payments.states import Bearer
from domain.scheduling import AssignmentRole
from sandbox.stripe.errors import StripeError
from services import cancellations, scheduling
from services.fieldwork import arrivals, overrides
from services.payments import accounts, captures, declines, disconnecting, holds, invoices, refunds, releases
from services.payments.prepaid import FirstClean, charge_first_clean
from services.payouts import holding, tips
from tests.fieldwork.site import command_of
from tests.payments import witness
from tests.payments.site import UNPAID_PLAN
from tests.payments.stage import Stage, clean, replayed

FAULTS = (
    "drop_before",
    "drop_after",
    "hang_before",
    "hang_after",
    "late",
    "error_before",
    "error_after",
    "rate_limit",
    "rate_limit_no_retry",
    "conflict",
    "truncate",
)
PATHS = (
    *("/v1/*",) * 6,
    "/v1/payment_intents",
    "/v1/payment_intents/*/confirm",
    "/v1/payment_intents/*/capture",
    "/v1/payment_intents/*/cancel",
    "/v1/transfers",
    "/v1/refunds",
    "/v1/transfers/*/reversals",
    "/v1/*",
)
BOUNDARIES = ("before_send", "sent", "called", "recorded")
DECLINES = ("insufficient_funds", "lost_card", "processing_error", "authentication_required", "generic_decline")
STARTS = (3, 8, 20, 26, 34, 60, 120)
"""Hours until a clean."""


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happens."""

    name: str
    a: int = 0
    b: int = 0
    c: int = 0

    def __str__(self) -> str:
        return f"{self.name}({self.a},{self.b},{self.c})"

    @classmethod
    def read(cls, text: str) -> "Move":
        """The move that is written so."""
        name, _, numbers = text.rstrip(")").partition("(")
        return cls(name, *map(int, numbers.split(",")))


@dataclass
class Play:
    """One run on the stage, as it goes."""

    stage: Stage
    jobs: list[tuple[int, JobId]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    before: Counter[str] = field(default_factory=Counter)
    """What the stage had counted when it began."""

    def job(self, which: int) -> tuple[int, JobId] | None:
        return self.jobs[which % len(self.jobs)] if self.jobs else None

    def business(self, which: int) -> int:
        """A business in which something has happened."""
        return self.jobs[which % len(self.jobs)][0] if self.jobs else which % 2

    async def look_for_jobs(self) -> None:
        """Jobs that bookings have led to, once they are paid; the market's cleaners do them as any other."""
        if not self.counts["bookings"]:
            return
        tenants = {one.town.tenant: number for number, one in enumerate(self.stage.both)}
        known = [id for _, id in self.jobs]
        for row in await self.stage.rows(
            "select id, tenant_id from job where tenant_id = any($1) and not id = any($2) order by id",
            list(tenants),
            known,
        ):
            number = tenants[row["tenant_id"]]
            self.jobs.append((number, JobId(row["id"])))
            who = self.stage.both[number].cleaners[len(self.jobs) % 3]
            form = scheduling.AssignCleaner(JobId(row["id"]), CleanerId(who.person))
            await self.do(number, None, scheduling.assign_cleaner, form)

    async def do(self, number: int, who: Actor | None, command: Any, form: Any) -> Any:
        """What somebody wants; None where it was refused."""
        actor = who or self.stage.both[number].town.owner
        try:
            return await self.stage.world.run(actor, command, form)
        except (Refused, Unavailable) as refusal:
            self.counts["refused"] += 1
            self.counts[f"refused {getattr(refusal, 'code', 'UNAVAILABLE')}"] += 1
            return None

    async def row(self, sql: str, *given: Any) -> Any:
        return await self.stage.world.root.fetchrow(sql, *given)


Act = Callable[[Play, Move], Awaitable[None]]
ACTS: dict[str, Act] = {}


def act(function: Act) -> Act:
    """A move of this name."""
    ACTS[function.__name__] = function
    return function


# -- the business -----------------------------------------------------------------------------------------------------


@act
async def plan(play: Play, move: Move) -> None:
    """A clean, somebody on it, and perhaps a second one or a mere backup."""
    number = move.a % 2
    business = play.stage.both[number]
    home = business.homes[(move.a // 2) % len(business.homes)]
    start = (await play.stage.now()).replace(minute=0, second=0, microsecond=0)
    start += timedelta(hours=1 + STARTS[move.b % len(STARTS)])
    hours = Decimal(("1.5", "2", "3", "3.75")[move.c % 4])
    made = await play.do(number, None, scheduling.create_job, scheduling.CreateJob(home.property, start, hours))
    if made is None:
        return
    cents = 4_000 + (move.a * 7_919 + move.b * 104_729 + move.c * 31) % 26_000
    # Where it is so near that it was held at once, its price is frozen already.
    await play.row(
        "update job set price_cents = $2, currency = 'usd' where id = $1 and price_cents is null", made, cents
    )
    play.jobs.append((number, made))
    crew = [AssignmentRole.PRIMARY, *((), (AssignmentRole.BACKUP,), (AssignmentRole.LAUNDRY_LEAD,))[move.c % 3]]
    for place, role in enumerate(crew):
        who = business.cleaners[(move.b + place) % len(business.cleaners)]
        form = scheduling.AssignCleaner(made, CleanerId(who.person), role)
        await play.do(number, None, scheduling.assign_cleaner, form)


@act
async def hold(play: Play, move: Move) -> None:
    """The run that holds what is near, perhaps for both at once."""
    for number in range(2) if move.a % 3 else [move.b % 2]:
        await play.stage.duty("hold_payments", number)
    await play.stage.work(40, at_once=1 + move.c % 4)


@act
async def work_done(play: Play, move: Move) -> None:
    """Its time comes, the crew comes, and all is proven, or nearly all."""
    found = play.job(move.a)
    if found is None:
        return
    number, job = found
    row = await play.row("select status, starts_at from job where id = $1", job)
    if row["status"] != "ASSIGNED":
        return
    wait = row["starts_at"] - timedelta(minutes=20) - await play.stage.now()
    if wait > timedelta(0):
        await play.stage.move(wait)
        if move.c % 2:
            await play.stage.work(30)
    try:
        await clean(play.stage, number, job, complete=move.b % 5 != 0)
        play.counts["cleans"] += 1
    except Refused:
        play.counts["refused"] += 1
    if move.c % 3:
        await play.stage.work(20, at_once=1 + move.c % 4)


@act
async def accept_as_it_is(play: Play, move: Move) -> None:
    """An administrator accepts what is not complete."""
    found = play.job(move.a)
    if found is not None:
        form = overrides.OverrideEvidence(found[1], "seen on the phone")
        await play.do(found[0], None, overrides.override_evidence, form)


@act
async def capture(play: Play, move: Move) -> None:
    """The office wants the money taken, proven or not."""
    found = play.job(move.a)
    if found is not None:
        await play.do(found[0], None, captures.capture_held, captures.CaptureProven(found[1]))


@act
async def cancel(play: Play, move: Move) -> None:
    """A clean is called off, perhaps late."""
    found = play.job(move.a)
    if found is not None:
        form = cancellations.CancelJob(found[1], "flooded", waive_fee=bool(move.b % 2))
        await play.do(found[0], None, cancellations.cancel_job, form)


@act
async def miss(play: Play, move: Move) -> None:
    """Nobody comes."""
    found = play.job(move.a)
    if found is None:
        return
    row = await play.row("select status, starts_at from job where id = $1", found[1])
    if row["status"] != "ASSIGNED" or move.b % 2:
        return
    wait = row["starts_at"] + timedelta(minutes=40) - await play.stage.now()
    if wait > timedelta(0):
        await play.stage.move(wait)
    system = Actor.system(play.stage.both[found[0]].town.tenant)
    for _ in range(2):
        await play.do(found[0], system, arrivals.note_absence, arrivals.NoteAbsence(found[1]))


@act
async def shift(play: Play, move: Move) -> None:
    """A clean is moved to another time."""
    found = play.job(move.a)
    if found is None:
        return
    start = (await play.stage.now()).replace(minute=0, second=0, microsecond=0)
    form = scheduling.UpdateJob(found[1], starts_at=start + timedelta(hours=1 + STARTS[move.b % len(STARTS)]))
    await play.do(found[0], None, scheduling.update_job, form)


@act
async def let_go_by_hand(play: Play, move: Move) -> None:
    """The office lets a hold go."""
    found = play.job(move.a)
    if found is None:
        return
    row = await play.row("select id from payment where job_id = $1 and is_current", found[1])
    if row is not None:
        form = releases.ReleaseHold(row["id"], "asked for")
        await play.do(found[0], None, releases.release_hold, form)


@act
async def ask_again(play: Play, move: Move) -> None:
    """The office has a declined card asked again."""
    found = play.job(move.a)
    if found is None:
        return
    row = await play.row("select id from payment where job_id = $1 and is_current", found[1])
    if row is not None:
        await play.do(found[0], None, declines.retry_payment, declines.RetryPayment(row["id"]))


@act
async def payouts_by_hand(play: Play, move: Move) -> None:
    """The office holds, frees or retries a payout."""
    number = play.business(move.a)
    tenant = play.stage.both[number].town.tenant
    rows = await play.stage.rows("select id from payout where tenant_id = $1 order by id", tenant)
    if not rows:
        return
    id = rows[move.b % len(rows)]["id"]
    forms = (
        (holding.hold_payout, holding.HoldPayout(id, "to be looked at")),
        (holding.release_payout, holding.ReleasePayout(id, "looked at")),
        (holding.retry_payout, holding.RetryPayout(id)),
    )
    await play.do(number, None, *forms[move.c % 3])


@act
async def tip(play: Play, move: Move) -> None:
    """A customer is content."""
    found = play.job(move.a)
    if found is None:
        return
    business = play.stage.both[found[0]]
    row = await play.row("select customer_id from job where id = $1", found[1])
    who = next(home.who for home in business.homes if home.customer == row["customer_id"])
    await play.do(found[0], who, tips.tip_job, tips.TipJob(found[1], 100 + move.b * 13 % 3_000))


@act
async def give_back(play: Play, move: Move) -> None:
    """Money goes back to a customer, whoever bears it; a large sum needs two people."""
    found = play.job(move.a)
    if found is None:
        return
    rows = await play.stage.rows(
        "select id, captured_cents from payment where job_id = $1 and captured_cents > 0 order by id", found[1]
    )
    if not rows:
        return
    row = rows[move.b % len(rows)]
    part = (None, 1, 500, row["captured_cents"] // 2, row["captured_cents"] + 1)[move.b % 5]
    bearer = list(Bearer)[move.c % len(Bearer)]
    form = refunds.RefundPayment(row["id"], "not content", part, bearer, hold_unpaid=move.c % 4 == 0)
    await play.do(found[0], None, refunds.refund_payment, form)


@act
async def agree(play: Play, move: Move) -> None:
    """A second administrator agrees to a refund, or not; sometimes it is the first one who tries."""
    number = play.business(move.a)
    business = play.stage.both[number]
    rows = await play.stage.rows(
        "select id from refund where tenant_id = $1 and status = 'REQUESTED' order by id", business.town.tenant
    )
    if not rows:
        return
    id = rows[move.b % len(rows)]["id"]
    who = business.second if move.c % 4 else business.town.owner
    if move.c % 5 == 0:
        await play.do(number, who, refunds.decline_refund, refunds.DeclineRefund(id, "no"))
    else:
        await play.do(number, who, refunds.approve_refund, refunds.ApproveRefund(id))


@act
async def dispute(play: Play, move: Move) -> None:
    """A customer's bank takes money back, or only asks."""
    business = play.stage.both[play.business(move.a)]
    charges = [
        one
        for one in play.stage.sandbox.store.collection(business.account, "charges").values()
        if one["captured"] and not one["disputed"]
    ]
    if charges:
        body = {"inquiry": move.c % 3 == 0}
        await play.stage.control(f"charges/{charges[move.b % len(charges)]['id']}/dispute", body)
        play.counts["disputes"] += 1


@act
async def decide_dispute(play: Play, move: Move) -> None:
    """The bank decides."""
    business = play.stage.both[play.business(move.a)]
    open_ones = [
        one
        for one in play.stage.sandbox.store.collection(business.account, "disputes").values()
        if one["status"] not in {"won", "lost", "warning_closed", "prevented"}
    ]
    if not open_ones:
        return
    one = open_ones[move.b % len(open_ones)]
    said = ("warning_closed", "escalate") if one["status"].startswith("warning") else ("won", "lost")
    await play.stage.control(f"disputes/{one['id']}", {"outcome": said[move.c % 2]})


@act
async def two_at_once(play: Play, move: Move) -> None:
    """Two people want something of the same clean at the same moment."""
    found = play.job(move.a)
    if found is None:
        return
    number, job = found
    business = play.stage.both[number]
    system = Actor.system(business.town.tenant)
    paid = await play.row("select id from payment where job_id = $1 and is_current", job)
    owed = await play.row("select id from payout where job_id = $1 order by id limit 1", job)
    asked = await play.row("select id from refund where job_id = $1 and status = 'REQUESTED' limit 1", job)
    wishes: list[tuple[Actor | None, Any, Any]] = [
        (None, captures.capture_held, captures.CaptureProven(job)),
        (None, cancellations.cancel_job, cancellations.CancelJob(job, "flooded", waive_fee=bool(move.c % 2))),
        (system, command_of(holds.hold_now), job),
    ]
    if paid is not None:
        back = (None, refunds.refund_payment, refunds.RefundPayment(paid["id"], "not content", 4_000 + move.b % 500))
        wishes = [
            back,
            (business.second, *back[1:]),
            (None, releases.release_hold, releases.ReleaseHold(paid["id"], "x")),
        ]
        wishes = wishes[:2] if move.b % 2 else [*wishes, (None, captures.capture_held, captures.CaptureProven(job))]
    if owed is not None and move.b % 3 == 0:
        wishes += [
            (None, holding.release_payout, holding.ReleasePayout(owed["id"], "now")),
            (None, holding.hold_payout, holding.HoldPayout(owed["id"], "not now")),
        ]
    if asked is not None:
        agreed = (business.second, refunds.approve_refund, refunds.ApproveRefund(asked["id"]))
        wishes = [agreed, agreed]
    one = wishes[move.c % len(wishes)]
    other = wishes[(move.c + 1 + move.b % (len(wishes) - 1)) % len(wishes)]
    await asyncio.gather(play.do(number, *one), play.do(number, *other))


@act
async def book(play: Play, move: Move) -> None:
    """Somebody books: the first clean is paid at once, by a card that works, is declined, or asks for its owner."""
    number = move.a % 2
    business = play.stage.both[number]
    home, tenant, plan = business.homes[move.b % len(business.homes)], business.town.tenant, ServicePlanId(new_id())
    day = (await play.stage.now() + timedelta(days=1 + move.b % 3)).date()
    whose = (tenant, plan, home.customer, home.property, business.town.market, day)
    await play.row(UNPAID_PLAN, *whose)
    kind = ("visa", "visa", "visa", "chargeDeclined", "authenticationRequired")[move.c % 5]
    form = FirstClean(
        plan=plan,
        customer=home.customer,
        draft=BookingDraftId(new_id()),
        method_token=f"pm_card_{kind}",
        amount_cents=9_000,
        currency="usd",
        usage="recurring",
        consent_version="2026-11",
        consent_text="I agree.",
        consent_address="203.0.113.7",
        return_url="https://cleanshift.test/booking",
    )
    await play.do(number, Actor.system(tenant), command_of(charge_first_clean), form)
    play.counts["bookings"] += 1
    if move.c % 3:
        await play.stage.work(20)


@act
async def confirm(play: Play, move: Move) -> None:
    """A customer goes to their bank's page, and says yes or no there."""
    number = play.business(move.a)
    business = play.stage.both[number]
    rows = await play.stage.rows(
        "select id, customer_id, intent_id from payment where tenant_id = $1 and status = 'REQUIRES_ACTION'",
        business.town.tenant,
    )
    if not rows:
        return
    row = rows[move.b % len(rows)]
    who = next(home.who for home in business.homes if home.customer == row["customer_id"])
    form = declines.ConfirmPayment(row["id"], "https://cleanshift.test/back")
    await play.do(number, who, declines.confirm_payment, form)
    await play.stage.work(12)
    if row["intent_id"] is not None and move.c % 4:
        await play.stage.control(f"intents/{row['intent_id']}/authenticate", {"ok": bool(move.c % 3)})
        play.counts["authentications"] += 1


@act
async def invoice(play: Play, move: Move) -> None:
    """A clean is invoiced, and the invoice is issued, paid, or void."""
    found = play.job(move.a)
    if found is None:
        return
    number, job = found
    business = play.stage.both[number]
    clean = await play.row("select customer_id from job where id = $1", job)
    row = await play.row("select id, status from invoice where job_id = $1 and status <> 'VOID'", job)
    if row is None:
        form = invoices.CreateInvoice(clean["customer_id"], [], job)
        id = await play.do(number, None, invoices.create_invoice, form)
        if id is not None and move.b % 2:
            await play.do(number, None, invoices.issue_invoice, invoices.IssueInvoice(id))
            play.counts["invoices"] += 1
    elif move.c % 3 == 0:
        await play.do(number, None, invoices.void_invoice, invoices.VoidInvoice(row["id"], "wrong"))
    elif row["status"] == "DRAFT":
        await play.do(number, None, invoices.issue_invoice, invoices.IssueInvoice(row["id"]))
    else:
        who = next(home.who for home in business.homes if home.customer == clean["customer_id"])
        await play.do(number, who, invoices.pay_invoice, invoices.PayInvoice(row["id"]))


# -- the provider and the world ---------------------------------------------------------------------------------------


@act
async def work(play: Play, move: Move) -> None:
    """Workers do some of what is due, each task perhaps twice at the same time."""
    await play.stage.work(4 + move.a % 30, at_once=1 + move.b % 4, twice=move.c % 4 == 0)


@act
async def sweep(play: Play, move: Move) -> None:
    """What was left behind is found."""
    for name in ("sweep_money", "sweep_payouts"):
        await play.stage.duty(name, move.a % 2)
    await play.stage.work(10)


@act
async def time_goes_on(play: Play, move: Move) -> None:
    """Minutes, hours, or days."""
    minutes = (2, 11, 16, 61, 61, 240, 1_440, 1_500, 7_200)[move.a % 9]
    await play.stage.move(timedelta(minutes=minutes))


@act
async def fault(play: Play, move: Move) -> None:
    """Calls to come go wrong."""
    kind, path = FAULTS[move.a % len(FAULTS)], PATHS[move.b % len(PATHS)]
    rule = {"kind": kind, "method": "POST", "path": path, "times": 1 + move.c % 3, "nth": 1 + move.c % 2}
    play.stage.sandbox.faults.add({**rule, "seconds": 60.0 * (move.c % 40) if kind == "late" else 100.0})
    play.counts["fault rules"] += 1


@act
async def doom(play: Play, move: Move) -> None:
    """Workers to come die."""
    play.stage.doomed += [BOUNDARIES[(move.a + place * move.c) % 4] for place in range(1 + move.b % 2)]


@act
async def hear(play: Play, move: Move) -> None:
    """Webhooks come, in some order, some of them twice, or are lost for now."""
    courier = play.stage.sandbox.courier
    courier.held, courier.shuffled = move.a % 5 == 0, bool(move.b % 2)
    courier.duplicated = (0.0, 0.3, 1.0)[move.c % 3]
    await play.stage.deliver()


@act
async def lose(play: Play, move: Move) -> None:
    """What the provider has told so far has reached nobody, and is not told again."""
    for business in play.stage.both:
        with play.stage.sandbox.tx(business.account, "test: lost") as tx:
            for delivery in list(tx.where("deliveries", status="pending")):
                tx.change("deliveries", delivery["id"], status="failed")
                play.counts["events lost"] += 1


@act
async def hear_all_again(play: Play, move: Move) -> None:
    """The provider tells everything once more."""
    play.stage.sandbox.courier.replay()
    await play.stage.deliver(everything=True)


@act
async def card(play: Play, move: Move) -> None:
    """A customer's card says no from now on, or yes again."""
    business = play.stage.both[play.business(move.a)]
    method = business.homes[move.b % len(business.homes)].method
    said = (*DECLINES, "ok", "ok", "ok")[move.c % (len(DECLINES) + 3)]
    body = {"outcome": said, "times": 1 + move.c % 4} if said != "ok" else {"outcome": "ok"}
    await play.stage.control(f"payment_methods/{method}", body)
    play.counts["declining cards"] += said != "ok"


@act
async def account(play: Play, move: Move) -> None:
    """A cleaner's account is restricted, or is in order again."""
    business = play.stage.both[play.business(move.a)]
    status = ("restricted", "restricted", "active", "active", "pending")[move.c % 5]
    try:
        await play.stage.control(f"accounts/{business.accounts[move.b % len(business.accounts)]}", {"status": status})
    except StripeError:
        play.counts["refused"] += 1


@act
async def leave(play: Play, move: Move) -> None:
    """A business's key dies, and it leaves its account if it may; then it comes back with a key that opens it."""
    number = play.business(move.a)
    town = play.stage.both[number].town
    await play.do(number, None, accounts.connect_provider, accounts.ConnectProvider("sk_live_gone", ["whsec_gone"]))
    await play.stage.work(2 + move.b % 20)
    if await play.do(number, None, disconnecting.disconnect_provider, disconnecting.DisconnectProvider()):
        play.counts["accounts left"] += 1
    if move.c % 2:
        await play.stage.work(move.b % 20)
    form = accounts.ConnectProvider(f"sk_test_{town.slug}", [f"whsec_{town.slug}"], f"pk_test_{town.slug}")
    await play.do(number, None, accounts.connect_provider, form)


# -- plays ------------------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What came of a play."""

    report: witness.Report
    counts: Counter[str]
    trouble: list[str]

    @property
    def broken(self) -> list[str]:
        return [*self.trouble, *self.report.broken]


async def begin(stage: Stage, seed: int) -> Play:
    """A play in which nothing has happened yet."""
    await stage.set_back(seed)
    return Play(stage, before=Counter(stage.counts))


async def happen(play: Play, move: Move) -> None:
    """One thing more happens."""
    try:
        await ACTS[move.name](play, move)
    except StripeError:
        play.counts["refused"] += 1
    await play.look_for_jobs()
    play.counts["actions"] += 1
    play.counts[f"move {move.name}"] += 1


async def end(play: Play) -> Outcome:
    """Nothing goes wrong any more and all comes to rest; what has become of the money is judged."""
    stage, counts = play.stage, play.counts
    counts["faults"] += sum(rule.done for rule in stage.sandbox.faults.rules)
    await _mend(stage)
    await stage.quiet()
    found = await cases(stage)
    report = witness.judge(found)
    for case in found:
        counts.update(f"{row['kind']} {row['status']}" for row in case.rows["payment"])
        counts.update(f"payouts {row['status']}" for row in case.rows["payout"])
        counts.update(f"refunds {row['status']}" for row in case.rows["refund"])
        counts["steps"] += len(case.rows["money_op"])
    since = stage.counts - play.before
    counts.update(since)
    trouble = [f"a task raised {type(one).__name__}: {str(one)[:300]}" for one in stage.trouble]
    if since["never quiet"]:
        trouble.append("it never came to rest")
    return Outcome(report, counts, trouble)


async def play(stage: Stage, moves: Sequence[Move], seed: int) -> Outcome:
    """Play it from the beginning to the rest, and judge it."""
    run = await begin(stage, seed)
    for move in moves:
        await happen(run, move)
    return await end(run)


async def _mend(stage: Stage) -> None:
    """Cards and accounts are in order again: what is still wrong then is our own."""
    for business in stage.both:
        for home in business.homes:
            await stage.control(f"payment_methods/{home.method}", {"outcome": None})
        for id in business.accounts:
            await stage.control(f"accounts/{id}", {"status": "active"})


async def cases(stage: Stage, *, quiet: bool = True) -> list[witness.Case]:
    """Both businesses as they stand."""
    lines = list(stage.sandbox.journal.after(0))
    store = replayed(lines)
    rows = {one.town.tenant: await witness.read_rows(stage.world.root, one.town.tenant) for one in stage.both}
    named = {one.town.tenant: witness.ids_of(rows[one.town.tenant], store, one.account) for one in stage.both}
    return [
        witness.Case(
            tenant=one.town.tenant,
            account=one.account,
            lines=lines,
            store=store,
            rows=rows[one.town.tenant],
            others=frozenset().union(*(ids for tenant, ids in named.items() if tenant != one.town.tenant)),
            now=stage.sandbox.clock.now(),
            sent=stage.wire.sent,
            quiet=quiet,
        )
        for one in stage.both
    ]


async def replay_events(stage: Stage, seed: int) -> int:
    """Forget that anything was ever told, and hear all of it again: shuffled, and each thing twice; how many."""
    await stage.rows("delete from webhook_event where tenant_id = any($1)", stage.tenants)
    courier = stage.sandbox.courier
    stage.sandbox.random.seed(seed)
    courier.shuffled, courier.duplicated = True, 1.0
    courier.replay()
    many = await stage.deliver(everything=True)
    await stage.work()
    courier.shuffled, courier.duplicated = False, 0.0
    return many
