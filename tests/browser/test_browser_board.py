"""Cleaners in browsers: they race for a shift, lose the network, and see each other's moves."""

import asyncio
import re

import pytest
from playwright.async_api import Request, Route, expect

from tests.browser.board import SECONDS, Visitor
from tests.browser.conftest import Visit
from tests.browser.steps import Shift, agree, offer, offered, planned, until

pytestmark = pytest.mark.browser

TAKEN = "Swap was already taken or expired."
LATE = SECONDS / 1000


def _is_accept(request: Request) -> bool:
    return "acceptSwap" in (request.post_data or "")


async def _hold_accepts(*visitors: Visitor) -> None:
    """Let accepts through only when there is one of each visitor: then all have been tapped while the swap was open."""
    barrier = asyncio.Barrier(len(visitors))

    async def through(route: Route) -> None:
        if _is_accept(route.request):
            async with asyncio.timeout(LATE):
                await barrier.wait()
        await route.continue_()

    for visitor in visitors:
        await visitor.page.route("**/graphql", through)


async def _on_the_market(visit: Visit, note: str) -> tuple[Shift, str]:
    """A shift that a colleague offers and everybody in Miami can take; its swap."""
    office, owner = await visit("Owner 1"), await visit("Cleaner 3")
    shift = await planned(office, "Cleaner 3")
    return shift, await offered(owner, shift, note)


async def test_of_two_cleaners_who_accept_at_once_one_has_the_shift_and_the_other_reads_why_not(visit: Visit) -> None:
    """R96 to R99, R102, R255: one winner; the loser is told the sentence, and nothing of theirs has changed."""
    shift, swap = await _on_the_market(visit, "Who is faster?")
    one, two, job = await visit("Cleaner 1"), await visit("Cleaner 2"), shift.job
    before = {visitor.page: await visitor.own_jobs() for visitor in (one, two)}
    await _hold_accepts(one, two)

    await asyncio.gather(*(visitor.card(swap).locator("[data-does='accept']").click() for visitor in (one, two)))

    words = [await visitor.said() for visitor in (one, two)]
    assert sorted(words) == sorted([TAKEN, "It is yours."])
    winner, loser = (one, two) if words[1] == TAKEN else (two, one)
    await expect(winner.job(job)).to_be_visible()
    await expect(loser.job(job)).to_have_count(0)
    await loser.is_told(TAKEN)
    await asyncio.gather(*(expect(visitor.card(swap)).to_have_count(0) for visitor in (one, two)))
    assert await winner.own_jobs() == before[winner.page] | {job}
    assert await loser.own_jobs() == before[loser.page]


async def test_a_board_that_was_offline_comes_back_without_a_reload_and_misses_nothing(visit: Visit) -> None:
    """R95, R102: what happened meanwhile is replayed behind the cursor; the board then shows what a query shows."""
    office, (_, taken) = await visit("Owner 1"), await _on_the_market(visit, "Taken while one was away")
    shift = await planned(office, "Cleaner 2")
    away, busy = await visit("Cleaner 1"), await visit("Cleaner 2")
    await away.page.evaluate("window.neverReloaded = true")
    await expect(away.card(taken)).to_be_visible()
    lines = len(away.sockets)

    await away.context.set_offline(True)
    await away.is_("offline")
    await expect(away.page.locator("#offline")).to_be_visible()
    await expect(away.page.locator("[data-does='accept']:enabled")).to_have_count(0)
    await busy.card(taken).locator("[data-does='accept']").click()
    await expect(busy.card(taken)).to_have_count(0)
    job = await offer(busy, shift, "While the other one was away")
    await away.context.set_offline(False)

    await away.is_("live")
    await expect(away.card(taken)).to_have_count(0)
    await expect(away.page.get_by_text("While the other one was away")).to_be_visible()
    assert set(await away.cards()) == await away.open_swaps()
    assert await away.page.evaluate("window.neverReloaded")
    resumed = [message["payload"]["variables"]["after"] for message in away.sent[-1] if message["type"] == "subscribe"]
    assert all(resumed), "the feeds went on behind their cursors"
    missed = [frame["__typename"] for socket in range(lines, len(away.sockets)) for frame in away.frames(socket)]
    assert "SwapMarketSnapshot" not in missed
    assert {"SwapGone", "SwapListed"} <= set(missed)
    await busy.job(job).get_by_role("button", name="Withdraw").click()
    await expect(away.page.get_by_text("While the other one was away")).to_have_count(0)


async def test_an_offer_shows_at_the_colleagues_live_and_leaves_when_it_is_withdrawn(visit: Visit) -> None:
    """R94, R95, R102: offered and withdrawn on one screen, seen on the other; the office sees it too."""
    owner, colleague, office = await visit("Cleaner 2"), await visit("Cleaner 3"), await visit("Dispatcher 1")
    shift = await planned(office, "Cleaner 2")

    job = await offer(owner, shift, "A wedding in the family")
    seen = [visitor.page.locator(".card", has_text="A wedding in the family") for visitor in (colleague, office)]
    await asyncio.gather(*(expect(card).to_be_visible() for card in seen))
    await expect(office.page.locator(".card [data-does='accept']")).to_have_count(0)
    await expect(owner.page.locator(".card", has_text="A wedding in the family")).to_contain_text("Your offer")
    await owner.job(job).get_by_role("button", name="Withdraw").click()

    await asyncio.gather(*(expect(card).to_have_count(0) for card in seen))
    await expect(owner.job(job).get_by_role("button", name="Offer")).to_be_enabled()
    assert job in await owner.own_jobs()


async def test_what_cannot_be_taken_says_every_reason_and_has_no_button_to_tap(visit: Visit) -> None:
    """R82, A27b: the reasons on the card are those of the API."""
    cleaner = await visit("Cleaner 1")
    asked = "query($id: ID!) { swap(id: $id) { viewerCanTake { ok reasons { message } } } }"
    refused = await cleaner.cards("[data-can='false']")
    foreign = [id for id in refused if await cleaner.card(id).locator("[data-does='accept']").count()]

    assert foreign
    for swap in foreign:
        can = (await cleaner.ask(asked, id=swap))["swap"]["viewerCanTake"]
        await expect(cleaner.card(swap).locator("[data-does='accept']")).to_be_disabled()
        assert await cleaner.card(swap).locator(".reasons li").all_inner_texts() == [
            one["message"] for one in can["reasons"]
        ]


async def test_the_countdown_runs_by_the_servers_clock_whatever_the_device_thinks(visit: Visit) -> None:
    """R84, R233: a phone whose clock is three days wrong counts down to the same deadline."""
    right, wrong = await visit("Cleaner 1"), await visit()
    wrong_by = 3 * 86_400_000
    await wrong.page.add_init_script(f"const now = Date.now; Date.now = () => now() + {wrong_by};")
    await wrong.page.reload()
    await wrong.sign_in("Cleaner 1")

    left = right.page.locator(".left").first
    await expect(left).not_to_be_empty()
    # Minutes go by while we look: the two agree as soon as both are read within one of them.
    await agree(left, wrong.page.locator(".left").first)


async def test_a_renewed_token_goes_to_the_open_socket_and_the_feed_lives_on(visit: Visit) -> None:
    """A6: the token is renewed before its end and told to the open socket, which is never closed."""
    visitor = await visit()

    async def short_lived(route: Route) -> None:
        answer = await route.fetch()
        text = await answer.text()
        await route.fulfill(response=answer, body=text.replace('"expiresInSeconds":600', '"expiresInSeconds":30'))

    async def through(route: Route) -> None:
        signs_in = "mutation SignInWithPin" in (route.request.post_data or "")
        await (short_lived(route) if signs_in else route.continue_())

    await visitor.page.route("**/graphql", through)
    await visitor.sign_in("Cleaner 3")

    def is_told() -> bool:
        replies = [message.get("payload") for message in visitor.received[0] if message["type"] == "next"]
        return {"data": {"reauthenticate": {"ok": True}}} in replies

    await until(is_told)
    await visitor.is_("live")
    assert len(visitor.sockets) == 1


async def test_a_session_that_was_revoked_ends_on_the_screen_too(visit: Visit) -> None:
    """R20: the board goes back to signing in, and keeps no token."""
    visitor = await visit("Cleaner 4")
    revoke = "mutation { signOut(input: {}) { errors { code } } }"

    assert (await visitor.ask(revoke))["signOut"]["errors"] == []

    await expect(visitor.page.get_by_text("Your session has ended")).to_be_visible()
    assert await visitor.page.evaluate("sessionStorage.length") == 0


async def test_a_cleaner_of_another_business_sees_none_of_these_shifts(visit: Visit) -> None:
    """R1: two businesses on one installation never meet."""
    ours, theirs = await visit("Cleaner 1"), await visit("Cleaner 1", "other")

    assert await ours.cards()
    assert await theirs.cards()
    assert not set(await ours.cards()) & set(await theirs.cards())


async def test_times_in_a_zone_that_is_not_the_cleaners_own_say_so(visit: Visit) -> None:
    """Who works in two zones reads which wall clock is meant, and at home nobody is bothered with it."""
    both, home = await visit("Cleaner 7"), await visit("Cleaner 1")
    named = re.compile(r"\b[EC][SD]T\b")

    assert any(named.search(text) for text in await both.page.locator(".card h4").all_inner_texts())
    assert not any(named.search(text) for text in await home.page.locator(".card h4").all_inner_texts())


async def test_the_board_fits_a_phone_and_needs_nothing_from_elsewhere(visit: Visit) -> None:
    """On 390 px nothing runs over, and under `default-src 'self'` nothing is refused."""
    phone = {"width": 390, "height": 844}
    visitor = await visit(viewport=phone, has_touch=True, is_mobile=True, color_scheme="dark")
    refused: list[str] = []
    visitor.page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)

    answer = await visitor.page.reload()
    assert answer is not None
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    await visitor.sign_in("Cleaner 1")
    for view in ("My week", "Availability", "Market"):
        await visitor.page.get_by_role("button", name=view, exact=True).tap()
        assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= phone["width"]
    assert refused == []


async def test_a_new_cleaner_chooses_a_pin_at_the_first_sign_in_and_is_told_why_the_market_is_closed(
    visit: Visit,
) -> None:
    """R10, R11, A8: the QR code fills in who it is, the form asks for a first PIN; no market before onboarding."""
    office, newcomer = await visit("Owner 1"), await visit()
    create = 'mutation { createCleaner(input: { name: "Newcomer" }) { cleaner { id } } }'
    made = (await office.ask(create))["createCleaner"]["cleaner"]["id"]
    issue = "mutation($id: ID!) { issueQr(input: { cleanerId: $id }) { qrToken } }"
    token = (await office.ask(issue, id=made))["issueQr"]["qrToken"]

    await newcomer.page.goto(f"/board?again#qr={token}")
    # The forms fold away when the demo's people have come.
    await expect(newcomer.page.locator(".business").first).to_be_visible()
    await newcomer.page.get_by_text("Sign in with your own account").click()
    form = newcomer.page.locator("form[data-as='cleaner']")
    await form.get_by_label("PIN").fill("582913")
    await form.get_by_role("button", name="Sign in").click()
    await expect(newcomer.page.get_by_text("Set your PIN first.")).to_be_visible()
    await form.get_by_role("button", name="Set PIN and sign in").click()

    await expect(newcomer.page.locator("#name")).to_have_text("Newcomer")
    await expect(newcomer.page.locator("#market .empty")).to_contain_text("onboarding")
    assert "qr=" not in newcomer.page.url
