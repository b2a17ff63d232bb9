"""The gate: which stages a cleaner has to finish, in whatever order, and what opens behind them (R18, R130 to R134)."""

import asyncio

from domain.actors import Actor, CleanerId, Role
from domain.errors import Conflict, Forbidden, Invalid, NotFound, OnboardingIncomplete
from domain.ids import AssignmentId, SwapId
from domain.onboarding import DocumentKind
from domain.scheduling import Skill
from services import availability, swaps
from services.identity.cleaners import ArchiveCleaner, CompleteOnboarding, archive_cleaner, complete_onboarding
from tests.onboarding.desk import Desk
from tests.product.world import Api, gid
from tests.subscriptions.client import Client
from tests.tasks.waiting import until

ALL = ["PROFILE", "PAYOUTS", "DOCUMENTS", "SKILLS"]
MARKET = "{ jobs { totalCount } swaps { totalCount } viewer { cleaner { onboarding missingStages } } }"
FEED = "subscription { swapMarket { __typename } }"


async def test_the_gate_opens_by_itself_after_the_last_stage_and_not_before(desk: Desk, api: Api) -> None:
    """R18, R134: each step moves the stage on; jobs, market and feed are there as soon as the last one is done."""
    who, holder = await desk.newcomer(), await desk.town.cleaner()
    await desk.town.offer(holder)
    steps = [desk.profile, desk.payable, desk.sign_all, desk.certify]
    assert await desk.stage(who) == ("INVITED", ALL)

    for done, step in enumerate(steps):
        assert await api.data(who, MARKET) == {
            "jobs": {"totalCount": 0},
            "swaps": {"totalCount": 0},
            "viewer": {"cleaner": {"onboarding": ALL[done] if done else "INVITED", "missingStages": ALL[done:]}},
        }
        await step(who)
    assert await desk.stage(who) == ("COMPLETE", [])
    seen = await api.data(who, MARKET)
    assert (seen["jobs"]["totalCount"], seen["swaps"]["totalCount"]) == (1, 1)
    told = await desk.world.root.fetch(
        """select payload #>> '{card,onboarding}' as stage from event where tenant_id = $1 and entity_id = $2
           and type = 'CleanerChanged' order by seq""",
        desk.town.tenant,
        who.person,
    )
    assert [row["stage"] for row in told][-1] == "COMPLETE"
    assert {row["stage"] for row in told} == {"INVITED", *ALL[1:], "COMPLETE"}


async def test_the_feed_is_refused_before_and_open_after(desk: Desk, api: Api) -> None:
    """R18: a subscription is no way around the gate, and needs no new sign-in behind it."""
    who = await desk.newcomer()
    socket = await Client.open(api.port, desk.world.token(who))
    refused = await socket.subscribe(FEED)
    await socket.until(lambda: bool(refused.errors))
    assert refused.errors
    assert refused.errors[0]["extensions"]["code"] == "ONBOARDING_INCOMPLETE"
    for step in (desk.profile, desk.payable, desk.sign_all, desk.certify):
        await step(who)

    async def is_open() -> bool:
        feed = await socket.subscribe(FEED)
        await socket.until(lambda: bool(feed.frames or feed.errors))
        return bool(feed.frames)

    # The process hears of the event as every feed does, and judges by it from then on.
    await until(is_open)
    await socket.close()


async def test_steps_may_come_in_any_order_and_the_stage_is_the_first_that_is_missing(desk: Desk) -> None:
    """R134: what is done later in the list does not hide what is missing before it."""
    who = await desk.newcomer()
    await desk.certify(who, Skill.HOT_TUB)
    assert await desk.stage(who) == ("PROFILE", ALL[:3])
    await desk.payable(who)
    assert await desk.stage(who) == ("PROFILE", ["PROFILE", "DOCUMENTS"])
    await desk.profile(who)
    assert await desk.stage(who) == ("DOCUMENTS", ["DOCUMENTS"])
    for kind in list(DocumentKind)[:2]:
        await desk.sign(who, kind)
        assert await desk.stage(who) == ("DOCUMENTS", ["DOCUMENTS"])
    await desk.sign(who, list(DocumentKind)[2])
    assert await desk.stage(who) == ("COMPLETE", [])


async def test_two_steps_at_once_are_both_counted(desk: Desk) -> None:
    """R134: whoever comes second sees what the first one did."""
    for _ in range(5):
        who = await desk.newcomer()
        await desk.profile(who)
        await asyncio.gather(
            desk.certify(who), *(desk.sign(who, kind) for kind in DocumentKind), desk.profile(who, city="Tampa")
        )
        assert await desk.stage(who) == ("PAYOUTS", ["PAYOUTS"])


async def test_every_refused_use_of_jobs_and_market_says_what_is_missing(desk: Desk) -> None:
    """R18: `details.missingStages`, and nothing is written, whatever is asked."""
    who, holder = await desk.newcomer(), await desk.town.cleaner()
    await desk.profile(who)
    swap = await desk.town.offer(holder)
    shift = AssignmentId(
        await desk.world.root.fetchval("select assignment_id from swap where id = $1", swap)  # the holder's own
    )
    slot = availability.AvailabilitySlot(await desk.town.day(12), await desk.town.day(12, 18))
    wishes = [
        (swaps.accept_swap, swaps.AcceptSwap(SwapId(swap))),
        (swaps.offer_swap, swaps.OfferSwap(shift)),
        (swaps.place_standing_bid, swaps.PlaceStandingBid(desk.town.market, [1])),
        (availability.submit_availability, availability.SubmitAvailability(desk.town.market, [slot])),
    ]
    for command, wish in wishes:
        refusal = await desk.refused(OnboardingIncomplete, desk.run(who, command, wish))
        assert refusal.details == {"stage": "PAYOUTS", "missingStages": ALL[1:]}


async def test_the_office_sees_what_is_missing_and_colleagues_do_not(desk: Desk, api: Api) -> None:
    """R20, R134: a dispatcher is told that documents are missing, though not shown any."""
    who, colleague, dispatcher = await desk.newcomer(), await desk.town.cleaner(), await desk.town.dispatcher()
    await desk.profile(who)
    query = "query ($id: ID!) { cleaner(id: $id) { name onboarding missingStages profile { legalName } } }"
    asked = {"id": gid("Cleaner", who.person)}

    for actor in (desk.town.owner, dispatcher, who):
        shown = (await api.data(actor, query, **asked))["cleaner"]
        assert (shown["onboarding"], shown["missingStages"]) == ("PAYOUTS", ALL[1:])
        assert shown["profile"]["legalName"] == "Ana María Núñez"
    hidden = (await api.ask(colleague, query, **asked))["data"]["cleaner"]
    assert hidden == {"name": "Newcomer", "onboarding": None, "missingStages": None, "profile": None}
    assert (await api.data(desk.other.owner, query, **asked))["cleaner"] is None


async def test_an_administrator_may_open_the_gate_with_a_reason_that_is_kept(desk: Desk, api: Api) -> None:
    """R18, R134: audited with what was missing, which stays on the list; later steps do not close it again."""
    who = await desk.newcomer()
    await desk.profile(who)
    wish = CompleteOnboarding(CleanerId(who.person), "Has worked here for years.")
    await desk.run(desk.town.owner, complete_onboarding, wish)
    assert await desk.stage(who) == ("COMPLETE", ALL[1:])

    line = await desk.world.root.fetchrow(
        "select * from audit where tenant_id = $1 and reason is not null order by seq desc limit 1", desk.town.tenant
    )
    assert (line["action"], line["reason"]) == ("complete_onboarding", "Has worked here for years.")
    assert line["actor_id"] == desk.town.owner.person
    assert '"PAYOUTS"' in line["detail"]
    assert (await api.data(who, MARKET))["viewer"]["cleaner"]["onboarding"] == "COMPLETE"

    # Said again it changes nothing; what is done afterwards only shortens the list.
    before = await desk.everything()
    await desk.run(desk.town.owner, complete_onboarding, wish)
    assert await desk.everything() == before
    await desk.certify(who)
    assert await desk.stage(who) == ("COMPLETE", ["PAYOUTS", "DOCUMENTS"])


async def test_nobody_else_opens_the_gate_and_nobody_without_a_reason(desk: Desk) -> None:
    """R18, R20: neither a dispatcher nor the cleaner, and of another business not even its owner."""
    who, dispatcher = await desk.newcomer(), await desk.town.dispatcher()
    wish = CompleteOnboarding(CleanerId(who.person), "Trust me.")
    for actor in (dispatcher, who):
        await desk.refused(Forbidden, desk.run(actor, complete_onboarding, wish))
    await desk.refused(NotFound, desk.run(desk.other.owner, complete_onboarding, wish))
    for empty in ("", "   ", "x" * 501):
        wish = CompleteOnboarding(CleanerId(who.person), empty)
        refusal = await desk.refused(Invalid, desk.run(desk.town.owner, complete_onboarding, wish))
        assert refusal.field == ("reason",)
    await desk.run(desk.town.owner, archive_cleaner, ArchiveCleaner(CleanerId(who.person)))
    wish = CompleteOnboarding(CleanerId(who.person), "Gone, though.")
    await desk.refused(Conflict, desk.run(desk.town.owner, complete_onboarding, wish))


async def test_steps_are_the_cleaners_own(desk: Desk) -> None:
    """R20: no office, no customer and no system takes a step for somebody."""
    staff = [desk.town.owner, await desk.town.dispatcher()]
    strangers = [Actor(desk.town.tenant, role) for role in (Role.CUSTOMER, Role.SYSTEM, Role.ANONYMOUS, Role.OPS)]
    for actor in [*staff, *strangers]:
        for step in (desk.profile, desk.sign_all, desk.certify, desk.payable):
            await desk.refused(Forbidden, step(actor))
