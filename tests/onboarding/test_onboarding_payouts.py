"""Stage 2: the account with the payment provider, through every fault of the way there (R131, R135, R136)."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from domain.actors import Actor
from domain.errors import NotFound, Unauthenticated, Unavailable
from domain.ids import PayoutAccountId
from domain.onboarding import PayoutAccountStatus
from domain.payments.webhooks import HEARD_THIN
from services.onboarding.payouts import (
    PayoutWish,
    RecordPayoutAccount,
    RecordPayoutLink,
    StartPayoutOnboarding,
    notice_payout_change,
    plan_payout_account,
    record_payout_account,
    record_payout_link,
    start_payout_onboarding,
)
from services.payments.accounts import ConnectProvider, connect_provider
from tests.onboarding.desk import Desk
from tests.onboarding.providers import Troubled
from tests.product.world import PATIENCE, Api, a_worker, gid
from tests.stripe_sandbox.test_stripe_process import a_process, over
from tests.tasks.waiting import until

LINK_LIVES = timedelta(minutes=5)
WANTED = (
    "what the business does",
    "bank account",
    "date of birth",
    "legal name",
    "tax number",
    "consent to the provider's terms",
)
"""What the sandbox wants of somebody who is new."""
FIELDS = "status accountId requirements link linkExpiresAt requestedAt readyAt version"
QUERY = f"query ($id: ID!) {{ cleaner(id: $id) {{ missingStages payoutAccount {{ {FIELDS} }} }} }}"


async def _start(desk: Desk, who: Actor, **more: str) -> None:
    await desk.run(who, start_payout_onboarding, StartPayoutOnboarding(), **more)


async def test_an_account_is_asked_for_opened_finished_and_ready(desk: Desk) -> None:
    """R131, R135, R136: each state is kept with what is still wanted; ready is the stage."""
    who = await desk.newcomer()
    await _start(desk, who)
    row = await desk.account(who)
    assert (row["status"], row["account_id"], row["link"], row["ready_at"]) == ("REQUESTED", None, None, None)

    await desk.done()
    row = await desk.account(who)
    assert (row["status"], row["requirements"]) == ("OPEN", list(WANTED))
    assert [row["account_id"]] == desk.accounts()
    assert row["link"].startswith("https://stripe.sandbox/connect/onboarding/")
    assert timedelta(0) < row["link_expires_at"] - row["requested_at"] < LINK_LIVES + timedelta(minutes=1)
    assert "PAYOUTS" in (await desk.stage(who))[1]

    await desk.finish(who, "documents")
    await _noticed(desk, row["id"])
    row = await desk.account(who)
    assert (row["status"], row["requirements"], row["ready_at"]) == ("RESTRICTED", ["proof of identity"], None)
    assert "PAYOUTS" in (await desk.stage(who))[1]

    await desk.finish(who)
    await _noticed(desk, row["id"])
    row = await desk.account(who)
    assert (row["status"], row["requirements"], row["link"]) == ("READY", [], None)
    assert row["ready_at"] is not None
    assert "PAYOUTS" not in (await desk.stage(who))[1]


async def _noticed(desk: Desk, account: PayoutAccountId) -> None:
    await desk.run(Actor.system(desk.town.tenant), notice_payout_change, PayoutWish(account))
    await desk.done()


@pytest.mark.parametrize("name", ["open", "link"])
@pytest.mark.parametrize("trouble", ["lost", "late", "crash"])
async def test_a_provider_that_fails_before_or_after_is_asked_again_for_the_same_account(
    desk: Desk, name: str, trouble: str
) -> None:
    """R136: whichever step dies, however often, there is one account, and its page in the end."""
    who, provider = await desk.newcomer(), Troubled({name: [trouble] * 3})
    await _start(desk, who)
    for _ in range(3):
        assert len(await desk.work(provider)) == 1
        assert (await desk.account(who))["link"] is None
    assert await desk.work(provider) == []

    row = await desk.account(who)
    assert (row["status"], row["account_id"]) == ("OPEN", desk.accounts()[0])
    assert provider.keys == {str(row["id"])}
    assert len(desk.accounts()) == 1
    assert provider.asked.count(name) == 4


async def test_what_was_done_already_is_not_done_again(desk: Desk) -> None:
    """R136: a task that is run twice leaves one account; the second time nothing but a newer page is different."""
    who, provider = await desk.newcomer(), Troubled()
    await _start(desk, who)
    await desk.work(provider)
    first = await desk.account(who)
    await desk.world.root.execute(
        "update task set state = 'READY' where tenant_id = $1 and kind = 'open_payout_account'", desk.town.tenant
    )
    await desk.work(provider)
    again = await desk.account(who)
    assert (again["account_id"], again["status"], again["requested_at"]) == (
        first["account_id"],
        first["status"],
        first["requested_at"],
    )
    assert provider.asked == ["open", "link", "read", "link"]


async def test_a_definite_no_is_shown_and_can_be_tried_again(desk: Desk) -> None:
    """R131: not asked again by itself; the cleaner reads why, and asks anew."""
    who, provider = await desk.newcomer(), Troubled({"open": ["refused"]})
    await _start(desk, who)
    assert await desk.work(provider) == []
    row = await desk.account(who)
    assert (row["status"], row["requirements"]) == ("RESTRICTED", ["The country is not supported."])
    assert (row["account_id"], row["link"]) == (None, None)
    assert await desk.work(provider) == []
    assert provider.asked == ["open"]

    await _start(desk, who)
    assert await desk.work(provider) == []
    assert (await desk.account(who))["status"] == "OPEN"


async def test_a_page_that_is_lost_or_too_old_is_replaced_by_asking_again(desk: Desk) -> None:
    """R131: the old one is not shown any more from that moment on, and the account stays the same."""
    who = await desk.newcomer()
    await _start(desk, who)
    await desk.done()
    first = await desk.account(who)
    await desk.world.move_clock(desk.town.tenant, timedelta(hours=2))
    await _start(desk, who)
    assert (await desk.account(who))["link"] is None
    await desk.done()
    again = await desk.account(who)
    assert again["account_id"] == first["account_id"]
    assert again["link_expires_at"] > first["link_expires_at"] + timedelta(hours=1)


async def test_the_answer_to_an_earlier_wish_does_not_replace_the_later_ones_page(desk: Desk) -> None:
    """R131: a provider may let the earlier page die when it makes the later one."""
    who, system = await desk.newcomer(), Actor.system(desk.town.tenant)
    await _start(desk, who)
    wish = PayoutWish(PayoutAccountId((await desk.account(who))["id"]))
    early = await desk.run(system, plan_payout_account, wish)
    await _start(desk, who)
    late = await desk.run(system, plan_payout_account, wish)
    for plan, url in ((late, "https://late.example"), (early, "https://early.example")):
        said = RecordPayoutLink(wish.account, plan.requested_at, url, LINK_LIVES)
        await desk.run(system, record_payout_link, said)
    assert (await desk.account(who))["link"] == "https://late.example"


async def test_two_who_ask_at_once_have_one_account_and_one_key_is_one_wish(desk: Desk) -> None:
    """R136: a double tap, and a phone that sends again."""
    who, twin = await desk.newcomer(), await desk.newcomer()
    await asyncio.gather(*(_start(desk, who) for _ in range(6)))
    await asyncio.gather(*(_start(desk, twin, key="k") for _ in range(6)))
    assert await desk.world.count("payout_account", desk.town.tenant) == 2
    account = (await desk.account(twin))["id"]
    wanted = "kind = 'open_payout_account' and payload ->> 'account' = '" + str(account) + "'"
    assert await desk.world.count("task", desk.town.tenant, wanted) == 1
    now = await desk.world.now(desk.town.tenant)
    await asyncio.gather(*(desk.attempt(row, now) for row in [*await desk.waiting(now)] * 3))
    assert len(desk.accounts()) == 2
    for one in (who, twin):
        row = await desk.account(one)
        assert row["status"] == "OPEN"
        assert row["account_id"] in desk.accounts()


async def test_the_same_news_twice_changes_nothing_the_second_time(desk: Desk) -> None:
    """R136: "answers twice" is one row, one event; what was ready once stays done even if more is wanted later."""
    who, system = await desk.newcomer(), Actor.system(desk.town.tenant)
    await desk.payable(who)
    account = PayoutAccountId((await desk.account(who))["id"])
    known = desk.accounts()[0]
    ready = RecordPayoutAccount(account, known, PayoutAccountStatus.READY)
    before = await desk.everything()
    for _ in range(2):
        await desk.run(system, record_payout_account, ready)
    assert await desk.everything() == before

    wanted = RecordPayoutAccount(account, None, PayoutAccountStatus.RESTRICTED, ("a newer passport",))
    await desk.run(system, record_payout_account, wanted)
    row = await desk.account(who)
    assert (row["status"], row["account_id"], row["requirements"]) == (
        "RESTRICTED",
        known,
        ["a newer passport"],
    )
    assert row["ready_at"] is not None
    assert "PAYOUTS" not in (await desk.stage(who))[1]


async def test_an_account_is_looked_at_again_when_its_page_ends(desk: Desk) -> None:
    """R136: the cleaner may have finished and nobody told us."""
    who = await desk.newcomer()
    await _start(desk, who)
    await desk.done()
    await desk.finish(who)
    await desk.done()
    assert (await desk.account(who))["status"] == "OPEN"
    await desk.world.move_clock(desk.town.tenant, LINK_LIVES + timedelta(seconds=1))
    await desk.done()
    assert (await desk.account(who))["status"] == "READY"


async def test_an_account_is_for_the_cleaner_and_administrators_and_its_page_for_the_cleaner(
    desk: Desk, api: Api
) -> None:
    """R4, R20: no dispatcher, colleague or other business; and no event or audit line has the page's address."""
    who, colleague, dispatcher = await desk.newcomer(), await desk.town.cleaner(), await desk.town.dispatcher()
    await _start(desk, who)
    await desk.done()
    asked = {"id": gid("Cleaner", who.person)}
    own = (await api.data(who, QUERY, **asked))["cleaner"]["payoutAccount"]
    assert own["link"]
    assert (own["status"], own["requirements"]) == ("OPEN", list(WANTED))
    admins = (await api.data(desk.town.owner, QUERY, **asked))["cleaner"]["payoutAccount"]
    assert (admins["accountId"], admins["link"], admins["linkExpiresAt"]) == (own["accountId"], None, None)
    seen = (await api.ask(dispatcher, QUERY, **asked))["data"]["cleaner"]
    assert (seen["payoutAccount"], seen["missingStages"][0]) == (None, "PROFILE")
    assert (await api.ask(colleague, QUERY, **asked))["data"]["cleaner"]["payoutAccount"] is None
    assert (await api.ask(desk.other.owner, QUERY, **asked))["data"]["cleaner"] is None
    for actor, rows in ((who, 1), (desk.town.owner, 1), (dispatcher, 0), (colleague, 0), (desk.other.owner, 0)):
        async with desk.behind_the_walls(actor) as connection:
            assert await connection.fetchval("select count(*) from payout_account") == rows
    for table in ("event", "audit", "task"):
        rows = await desk.world.root.fetch(f"select t::text from {table} t where tenant_id = $1", desk.town.tenant)
        assert [row[0] for row in rows if "/connect/onboarding/" in row[0]] == []


async def test_no_step_behind_the_mutation_reaches_into_another_business(desk: Desk) -> None:
    """R3, R5: each of them, with the account of one business under the stamp of the other."""
    who, foreign = await desk.newcomer(), Actor.system(desk.other.tenant)
    await _start(desk, who)
    account = PayoutAccountId((await desk.account(who))["id"])
    for command, wish in (
        (plan_payout_account, PayoutWish(account)),
        (notice_payout_change, PayoutWish(account)),
        (record_payout_account, RecordPayoutAccount(account, "acct", PayoutAccountStatus.READY)),
        (record_payout_link, RecordPayoutLink(account, await desk.world.now(desk.other.tenant), "x", LINK_LIVES)),
    ):
        await desk.refused(NotFound, desk.run(foreign, command, wish))


async def test_without_a_provider_the_mutation_says_so_and_nothing_is_kept(desk: Desk, api: Api) -> None:
    """R131, A41: whichever way the business pays; and a wish that is older waits until one is connected again."""
    who, early = await desk.newcomer(), await desk.newcomer()
    await _start(desk, early)
    await desk.world.root.execute("delete from provider_account where tenant_id = $1", desk.town.tenant)
    for mode in ("TRANSFERS", "PAYROLL"):
        await desk.pays(desk.town, mode)
        before = await desk.everything()
        said = await api.do(who, "startPayoutOnboarding", {}, "cleaner { id }")
        assert said["cleaner"] is None
        assert [one["code"] for one in said["errors"]] == ["NOT_CONFIGURED"]
        assert await desk.everything() == before
    (problem,) = await desk.work()
    assert isinstance(problem, Unavailable)
    assert desk.accounts() == []

    await desk.site.connect()
    await desk.done()
    assert (await desk.account(early))["status"] == "OPEN"


async def test_whoever_is_paid_by_payroll_needs_no_account(desk: Desk) -> None:
    """A41: the stage is not asked for, and who lacked nothing else moves on when the business changes to it."""
    stuck, novice, invited = [await desk.newcomer() for _ in range(3)]
    for who in (stuck, novice):
        await desk.profile(who)
    await desk.sign_all(stuck)
    await desk.certify(stuck)
    assert [await desk.stage(who) for who in (stuck, novice)] == [
        ("PAYOUTS", ["PAYOUTS"]),
        ("PAYOUTS", ["PAYOUTS", "DOCUMENTS", "SKILLS"]),
    ]
    before, elsewhere = await desk.stage(invited), await desk.everything(desk.other)

    await desk.pays(desk.town, "PAYROLL")
    assert await desk.stage(stuck) == ("COMPLETE", [])
    assert await desk.stage(novice) == ("DOCUMENTS", ["DOCUMENTS", "SKILLS"])
    assert await desk.stage(invited) == before
    told = await desk.site.rows("select * from event where tenant_id = $1 order by seq", desk.town.tenant)
    assert str(stuck.person) in str(told[-2:])

    await desk.pays(desk.town, "TRANSFERS")
    assert await desk.stage(stuck) == ("COMPLETE", [])
    assert await desk.stage(novice) == ("PAYOUTS", ["PAYOUTS", "DOCUMENTS", "SKILLS"])
    assert await desk.everything(desk.other) == elsewhere


@pytest.mark.usefixtures("alone")
async def test_a_cleaner_finishes_on_the_providers_page_and_the_stage_is_done(
    desk: Desk, api: Api, tmp_path: Path
) -> None:
    """R131, R136: through API, worker, the provider's page and its notice, as in `make run`."""
    who = await desk.newcomer(name="Ann <b>")
    asked = {"id": gid("Cleaner", who.person)}

    async def account(**wanted: object) -> dict[str, object]:
        async def is_there() -> dict[str, object] | None:
            found = (await api.data(who, QUERY, **asked))["cleaner"]["payoutAccount"]
            fits = all(bool(found[name]) if want is True else found[name] == want for name, want in wanted.items())
            return found if fits else None

        # A notice that was not taken is sent again a minute later.
        found: dict[str, object] = await until(is_there, 3 * PATIENCE)
        return found

    async with a_process(tmp_path) as (_, port), over(port) as browser:
        address = f"http://127.0.0.1:{port}"
        await _hear(desk, address, f"http://127.0.0.1:{api.port}")
        async with a_worker(desk.world, PUBLIC_URL=f"http://127.0.0.1:{api.port}", STRIPE_URL=address):
            said = await api.do(who, "startPayoutOnboarding", {}, f"cleaner {{ payoutAccount {{ {FIELDS} }} }}")
            assert said["cleaner"]["payoutAccount"]["status"] == "REQUESTED"
            page = str((await account(link=True))["link"])
            assert page.startswith(f"{address}/connect/onboarding/")
            assert await _press(browser, page, "documents") == f"http://127.0.0.1:{api.port}/work?payouts=done"
            await account(status="RESTRICTED", requirements=["proof of identity"])

            # A page opens once; the provider sends whoever comes again to ours, which asks for another one.
            again = await browser.get(page)
            assert again.headers["location"] == f"http://127.0.0.1:{api.port}/work?payouts=again"
            assert (await api.http.get("/work?payouts=again")).status_code == 200
            said = await api.do(who, "startPayoutOnboarding", {}, f"cleaner {{ payoutAccount {{ {FIELDS} }} }}")
            assert said["cleaner"]["payoutAccount"]["link"] is None
            other = str((await account(link=True))["link"])
            assert other != page
            await _press(browser, other, "complete")
            assert await account(status="READY", link=None)
    assert "PAYOUTS" not in (await desk.stage(who))[1]


async def _hear(desk: Desk, address: str, ours: str) -> None:
    """The business's own account tells of its cleaners' accounts at the business's address, and we know its secret."""
    path = await desk.site.value("select webhook_path from provider_account where tenant_id = $1", desk.town.tenant)
    wish = {
        "name": "Cleanshift",
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "events_from": ["self", "other_accounts"],
        "enabled_events": list(HEARD_THIN),
        "webhook_endpoint": {"url": f"{ours}/webhooks/stripe/{path}"},
        "include": ["webhook_endpoint.signing_secret"],
    }
    key = f"sk_test_{desk.town.slug}"
    headers = {"authorization": f"Bearer {key}", "stripe-version": "2026-10-28.endive"}
    async with httpx2.AsyncClient(base_url=address, headers=headers, trust_env=False) as http:
        made = await http.post("/v2/core/event_destinations", json=wish)
    secret = made.json()["webhook_endpoint"]["signing_secret"]
    await desk.run(desk.town.owner, connect_provider, ConnectProvider(key, [secret]))


async def _press(browser: httpx2.AsyncClient, page: str, choice: str) -> str:
    """Open the provider's page and press a button; where the browser is led."""
    shown = await browser.get(page)
    assert shown.status_code == 200
    assert "Ann &lt;b&gt;" in shown.text
    (visit,) = re.findall(r'name="visit" value="([^"]+)"', shown.text)
    done = await browser.post(page, data={"choice": choice, "visit": visit})
    assert done.status_code == 303
    return str(done.headers["location"])


async def test_a_session_that_has_ended_asks_for_no_account(desk: Desk) -> None:
    """R9: the stamp is asked first."""
    who = await desk.newcomer()
    await desk.world.root.execute("update session set revoked_at = now() where id = $1", who.session)
    await desk.refused(Unauthenticated, _start(desk, who))
