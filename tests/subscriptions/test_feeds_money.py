"""Money, live, over real sockets of the product: who is shown what of a clean's payment and of its cleaner's pay."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from db.ids import new_id
from domain.actors import Actor, Role, SessionId, TenantId
from domain.errors import Forbidden
from domain.events import EventType
from domain.ids import PayoutId
from domain.payments.live import is_open_payment
from domain.payments.payouts import PAYOUT_TRANSITIONS, PayoutStatus
from domain.scheduling import PAYMENT_TRANSITIONS, PaymentStatus
from services.payments.state import SHOWN, payment_card
from services.payouts.holding import HoldPayout, hold_payout
from subscriptions.feeds import FRESH, Asked
from subscriptions.feeds.automation import AutomationFeed
from subscriptions.feeds.money import PaymentsFeed, PayoutsFeed
from tests.payments.site import Home, Site, a_site
from tests.product.contract import document, selection
from tests.product.walking import FEEDS, SCHEMA
from tests.product.world import World, gid
from tests.subscriptions.client import Client, Feed
from tests.subscriptions.folding import Fold

QUERIES = {
    name: document("subscription", name, FEEDS[name], FEEDS[name].args, selection(SCHEMA, FEEDS[name].type, 4))
    for name in ("payments", "payouts", "automation")
}
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def site(world: World) -> AsyncIterator[Site]:
    async with a_site(await world.found(), await world.found()) as made:
        yield made


class Watch:
    """Sockets of the people who look on, each with its feed."""

    def __init__(self, site: Site, port: int) -> None:
        self.site, self.port = site, port
        self.opened: list[tuple[Client, TenantId]] = []

    async def of(self, name: str, who: Actor) -> Feed:
        client = await Client.open(self.port, self.site.world.token(who))
        self.opened.append((client, who.tenant))
        feed = await client.subscribe(QUERIES[name])
        await client.until(lambda: bool(feed.frames) or feed.errors is not None)
        return feed

    async def settled(self, *feeds: Feed) -> None:
        """Wait until these feeds stand where their business's log stands now."""
        for client, tenant in self.opened:
            head = await self.site.value("select seq from tenant_head where tenant_id = $1", tenant)
            mine = [feed for feed in client.feeds.values() if any(feed is one for one in feeds)]
            await client.until(lambda mine=mine, head=head: all(_seq(one) >= head for one in mine))  # type: ignore[misc]


def _seq(feed: Feed) -> int:
    return int(feed.last.split(".")[1]) if feed.last else -1


@pytest.fixture
async def watch(site: Site, ports: list[int]) -> AsyncIterator[Watch]:
    made = Watch(site, ports[0])
    yield made
    for client, _ in made.opened:
        await client.close()


def states(feed: Feed, what: str = "payment") -> list[str]:
    """What has become of it, frame by frame, without repetitions."""
    found: list[str] = []
    for frame in feed.frames[1:]:
        state = "GONE" if frame["__typename"].endswith("Gone") else frame.get(what, {}).get("status")
        if state is not None and found[-1:] != [state]:
            found.append(state)
    return found


def held(name: str, *feeds: Feed) -> list[Any]:
    """What each client has in hand."""
    made = []
    for feed in feeds:
        fold = Fold(name)
        for frame in feed.frames:
            fold.take(frame)
        made.append(fold.held(NOW))
    return made


async def test_a_hold_is_followed_by_administrators_and_its_customer_until_it_is_taken_and_by_nobody_else(
    site: Site, watch: Watch
) -> None:
    """R137, R147, R239: the customer is not shown what is the office's own; other people get nothing at all."""
    home, neighbour = await site.home(), await site.home()
    office, customer = await watch.of("payments", site.town.owner), await watch.of("payments", home.who)
    silent = [await watch.of("payments", neighbour.who), await watch.of("payments", site.other.owner)]

    job = await site.paid_job(home)
    await watch.settled(office, customer, *silent)

    for feed in (office, customer):
        assert states(feed) == ["PENDING", "AUTHORIZED", "CAPTURE_PENDING", "GONE"]
        gone = next(frame for frame in feed.frames if frame["__typename"] == "PaymentGone")
        assert set(gone) == {"__typename", "cursor", "previous", "paymentId"}
        assert feed.holes == 0
    shown = next(frame["payment"] for frame in office.frames if "payment" in frame)
    assert (shown["jobId"], shown["amountCents"], shown["attempt"]) == (gid("Job", job), 9_000, 1)
    theirs = next(frame["payment"] for frame in customer.frames if "payment" in frame)
    assert theirs["amountCents"] == 9_000
    assert any(frame["payment"]["captureBefore"] for frame in office.frames if "payment" in frame)
    assert not any(frame["payment"]["captureBefore"] for frame in customer.frames if "payment" in frame)
    for feed in silent:
        assert {frame["__typename"] for frame in feed.frames} <= {"PaymentsSnapshot", "Heartbeat"}
        assert gid("Job", job) not in str(feed.frames)


async def test_a_payout_is_followed_by_administrators_and_its_cleaner_and_says_what_to_do_when_held(
    site: Site, watch: Watch
) -> None:
    """R164 to R166, R190: a cleaner without an account is told, and only of their own pay."""
    cleaner, colleague = await site.town.cleaner(), await site.town.cleaner()
    office, own = await watch.of("payouts", site.town.owner), await watch.of("payouts", cleaner)
    silent = [await watch.of("payouts", colleague), await watch.of("payouts", site.other.owner)]

    await site.paid_job(who=cleaner)
    made = await site.value("select id from payout where tenant_id = $1", site.town.tenant)
    await site.do(site.town.owner, hold_payout, HoldPayout(PayoutId(made), "The key is missing"))
    await watch.settled(office, own, *silent)

    for feed in (office, own):
        assert states(feed, "payout") == ["PENDING", "HELD"]
        card = [frame["payout"] for frame in feed.frames if "payout" in frame][-1]
        assert (card["id"], card["holdReason"]) == (gid("Payout", made), "BY_OFFICE")
        assert ("The key is missing" in card["whatToDo"]) == (feed is office)
        assert card["amountCents"] == card["baseCents"] + card["urgentCents"] + card["laundryCents"]
    for feed in silent:
        assert gid("Payout", made) not in str(feed.frames)


@pytest.mark.parametrize("role", ["dispatcher", "customer", "cleaner"])
async def test_who_has_no_business_with_it_is_refused(site: Site, watch: Watch, role: str) -> None:
    """R18: dispatchers see no money; a customer no pay, a cleaner no payment."""
    who = {
        "dispatcher": await site.town.dispatcher(),
        "customer": (await site.home()).who,
        "cleaner": await site.town.cleaner(),
    }[role]
    refused = {
        "dispatcher": {"payments", "payouts", "automation"},
        "customer": {"payouts", "automation"},
        "cleaner": {"payments", "automation"},
    }[role]

    for name in QUERIES:
        feed = await watch.of(name, who)
        codes = [error["extensions"]["code"] for error in feed.errors or []]
        assert codes == (["FORBIDDEN"] if name in refused else [])


async def test_at_every_step_snapshot_and_deltas_equal_a_fresh_snapshot(site: Site, watch: Watch) -> None:
    """A declined, a lapsed, a taken and a held one: who has looked on all the time has what a newcomer is shown."""
    homes = [await site.home(), await site.home("chargeCustomerFail")]
    cleaner = await site.town.cleaner()
    people: dict[str, list[Actor]] = {
        "payments": [site.town.owner, *(home.who for home in homes)],
        "payouts": [site.town.owner, cleaner],
    }
    living = {(name, who.person): await watch.of(name, who) for name, all_of in people.items() for who in all_of}

    for step in _steps(site, homes, cleaner):
        await step()
        await watch.settled(*living.values())
        for (name, person), feed in living.items():
            who = next(one for one in people[name] if one.person == person)
            # Its snapshot may be one that was shared a moment ago; what came since follows.
            fresh = await watch.of(name, who)
            await watch.settled(fresh)
            assert held(name, feed) == held(name, fresh)
            assert feed.holes == 0
    seen = {frame["__typename"] for feed in living.values() for frame in feed.frames}
    assert {"PaymentShown", "PaymentGone", "PayoutShown"} <= seen


def _steps(site: Site, homes: list[Home], cleaner: Actor) -> list[Callable[[], Awaitable[None]]]:
    async def planned() -> None:
        for home in homes:
            await site.job(home)
        await site.hold_night()

    async def proven() -> None:
        job = await site.value(
            "select job_id from payment where tenant_id = $1 and status = 'AUTHORIZED'", site.town.tenant
        )
        await site.prove(job, cleaner)

    async def due() -> None:
        await site.move(timedelta(hours=1))
        await site.drain()

    async def lapsed() -> None:
        await site.job(homes[0])
        await site.hold_night()
        await site.move(timedelta(days=8))
        await site.duty("hold_payments")

    return [planned, proven, due, lapsed]


async def test_how_much_goes_by_itself_is_told_anew_whenever_it_changes(site: Site, watch: Watch) -> None:
    """R241: after a clean that needed nobody, and after one that somebody had to see to; as the query tells it."""
    office, silent = await watch.of("automation", site.town.owner), await watch.of("automation", site.other.owner)
    rates = [_automation(office)]

    cleaner = await site.town.cleaner()
    await site.paid_job(who=cleaner)
    await watch.settled(office)
    rates.append(_automation(office))
    made = await site.value("select id from payout where tenant_id = $1", site.town.tenant)
    await site.do(site.town.owner, hold_payout, HoldPayout(PayoutId(made), "The key is missing"))
    await watch.settled(office, silent)
    rates.append(_automation(office))

    assert [(one["total"], one["untouched"]) for one in rates] == [(0, 0), (1, 1), (2, 1)]
    assert [one["days"] for one in rates] == [30, 30, 30]
    assert [(why["what"], why["count"]) for why in rates[-1]["reasons"]] == [("hold_payout", 1)]
    assert _automation(silent)["total"] == 0


def _automation(feed: Feed) -> Any:
    """The rate as the feed has told it last."""
    return [frame["automation"] for frame in feed.frames if "automation" in frame][-1]


async def test_a_night_of_holds_alone_reckons_no_rate_anew(site: Site, watch: Watch) -> None:
    """R137: what is merely held has come to nothing yet."""
    office = await watch.of("automation", site.town.owner)

    await site.held_job()
    await watch.settled(office)

    assert {frame["__typename"] for frame in office.frames[1:]} <= {"Heartbeat"}


# -- pure -------------------------------------------------------------------------------------------------------------


def a_card(status: str, **more: Any) -> Mapping[str, Any]:
    row = {**dict.fromkeys(SHOWN), "id": new_id(), "customer_id": new_id(), "status": status, "is_current": True}
    return payment_card(SimpleNamespace(**{**row, "decline": None, **more}))


def told(card: Mapping[str, Any]) -> Any:
    return SimpleNamespace(type=EventType.PAYMENT_CHANGED, card=card, entity_id=UUID(card["id"]))


@pytest.mark.parametrize("status", list(PaymentStatus))
def test_a_payment_in_any_state_is_either_shown_or_gone_with_its_id_alone(status: PaymentStatus) -> None:
    card = a_card(status)
    feed = PaymentsFeed()

    frames = [feed.delta(told(card), klass, None) for klass in (("office",), ("own", card["customer_id"]))]

    if is_open_payment(card):
        assert [frame["payment"]["id"] for frame in frames] == [card["id"]] * 2  # type: ignore[index]
    else:
        assert frames == [{"__typename": "PaymentGone", "payment_id": card["id"]}] * 2
    assert feed.delta(told(card), ("own", str(new_id())), None) is None


def test_nothing_that_is_settled_for_ever_stays_on_the_board() -> None:
    """What no state leads out of is under way no more; a lapsed hold leaves when another takes its place."""
    for status, ways in PAYMENT_TRANSITIONS.items():
        assert ways or not is_open_payment({"status": status, "is_current": True})
    assert is_open_payment({"status": PaymentStatus.EXPIRED, "is_current": True})
    assert not is_open_payment({"status": PaymentStatus.EXPIRED, "is_current": False})
    for state, on in PAYOUT_TRANSITIONS.items():
        feed = PayoutsFeed()
        frame = feed.delta(
            SimpleNamespace(type=EventType.PAYOUT_CHANGED, card={"id": "x", "status": state, "cleaner_id": "y"}),  # type: ignore[arg-type]
            ("office",),
            None,
        )
        assert on or frame == {"__typename": "PayoutGone", "payout_id": "x"}
        assert (frame["__typename"] == "PayoutGone") == (  # type: ignore[index]
            state in {PayoutStatus.PAID_OUT, PayoutStatus.REVERSED, PayoutStatus.CARRIED, PayoutStatus.EXPORTED}
        )


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.SYSTEM, Role.ANONYMOUS])
def test_the_class_of_anybody_else_is_a_refusal(role: Role) -> None:
    actor = Actor(TenantId(new_id()), role, new_id(), SessionId(new_id()))

    for feed in (PaymentsFeed(), PayoutsFeed(), AutomationFeed()):
        with contextlib.suppress(Forbidden):
            feed.klass(actor, None, Asked(NOW))
            raise AssertionError(role)


@pytest.mark.parametrize(
    ("asked", "days"), [({}, "30"), ({"days": None}, "30"), ({"days": 0}, "1"), ({"days": 999}, "366")]
)
def test_administrators_who_ask_for_the_same_days_are_one_class(asked: dict[str, Any], days: str) -> None:
    """R241: as many days as the query takes."""
    actor = Actor(TenantId(new_id()), Role.ADMIN, new_id(), SessionId(new_id()))
    assert AutomationFeed().klass(actor, None, Asked(NOW, asked)) == ("administrators", days)


@pytest.mark.parametrize("status", list(PaymentStatus))
def test_only_a_payment_that_is_counted_or_was_has_the_rate_reckoned_anew(status: PaymentStatus) -> None:
    on_the_way = {PaymentStatus.PENDING, PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURE_PENDING}
    feed, klass = AutomationFeed(), ("administrators", "30")

    assert (feed.delta(told(a_card(status, declines=0)), klass, None) is FRESH) == (status not in on_the_way)
    assert feed.delta(told(a_card(status, declines=1)), klass, None) is FRESH


@pytest.mark.parametrize("status", list(PayoutStatus))
def test_only_a_payout_that_may_be_counted_has_the_rate_reckoned_anew(status: PayoutStatus) -> None:
    settled = {PayoutStatus.IN_TRANSIT, PayoutStatus.PAID_OUT, PayoutStatus.FAILED, PayoutStatus.REVERSED}
    feed, klass = AutomationFeed(), ("administrators", "30")

    def shown(version: int) -> Any:
        card = {"id": "x", "status": status, "version": version}
        event: Any = SimpleNamespace(type=EventType.PAYOUT_CHANGED, card=card)
        return feed.delta(event, klass, None)

    assert (shown(2) is FRESH) == (status not in settled)
    assert (shown(1) is FRESH) == (status not in settled | {PayoutStatus.PENDING})
