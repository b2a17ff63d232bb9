"""Stage 2: the account with the payment provider, through every fault of the way there (R131, R135, R136)."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.payouts import payout_accounts
from app.settings import Settings
from db.ids import new_id
from domain.actors import Actor
from domain.errors import NotFound, Unauthenticated, Unavailable
from domain.ids import PayoutAccountId
from domain.onboarding import PayoutAccountStatus
from gateways.payout_accounts import LINK_LIVES, WANTED, AccountRefused, AccountWish, SandboxPayouts
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
from tests.onboarding.desk import Desk
from tests.onboarding.providers import Troubled
from tests.product.world import Api, a_worker, an_api, gid
from tests.tasks.waiting import until

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
    assert row["account_id"] == f"sandbox_{row['id'].hex}"
    assert row["link"].startswith("http://cleanshift.test/sandbox/payouts/")
    assert timedelta(0) < row["link_expires_at"] - row["requested_at"] < LINK_LIVES + timedelta(minutes=1)
    assert "PAYOUTS" in (await desk.stage(who))[1]

    account = await desk.provider.by_token(row["link"].rpartition("/")[2])
    assert account is not None
    await desk.provider.finish(account, leaves_out=True)
    await _noticed(desk, row["id"])
    row = await desk.account(who)
    assert (row["status"], row["requirements"], row["ready_at"]) == ("RESTRICTED", [WANTED[-1]], None)
    assert "PAYOUTS" in (await desk.stage(who))[1]

    await desk.provider.finish(account)
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
    who, provider = await desk.newcomer(), Troubled(desk.provider, {name: [trouble] * 3})
    await _start(desk, who)
    for _ in range(3):
        assert len(await desk.work(provider)) == 1
        assert (await desk.account(who))["link"] is None
    assert await desk.work(provider) == []

    row = await desk.account(who)
    assert (row["status"], row["account_id"]) == ("OPEN", f"sandbox_{row['id'].hex}")
    assert provider.keys == {str(row["id"])}
    assert len(list(desk.provider.folder.glob("*.json"))) == 1
    assert provider.asked.count(name) == 4


async def test_what_was_done_already_is_not_done_again(desk: Desk) -> None:
    """R136: a task that is run twice leaves one account; the second time nothing but a newer page is different."""
    who, provider = await desk.newcomer(), Troubled(desk.provider)
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
    who, provider = await desk.newcomer(), Troubled(desk.provider, {"open": ["refused"]})
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
    assert len(list(desk.provider.folder.glob("*.json"))) == 2
    for one in (who, twin):
        row = await desk.account(one)
        assert (row["status"], row["account_id"]) == ("OPEN", f"sandbox_{row['id'].hex}")


async def test_the_same_news_twice_changes_nothing_the_second_time(desk: Desk) -> None:
    """R136: "answers twice" is one row, one event; what was ready once stays done even if more is wanted later."""
    who, system = await desk.newcomer(), Actor.system(desk.town.tenant)
    await desk.payable(who)
    account = PayoutAccountId((await desk.account(who))["id"])
    ready = RecordPayoutAccount(account, f"sandbox_{account.hex}", PayoutAccountStatus.READY)
    before = await desk.everything()
    for _ in range(2):
        await desk.run(system, record_payout_account, ready)
    assert await desk.everything() == before

    wanted = RecordPayoutAccount(account, None, PayoutAccountStatus.RESTRICTED, ("a newer passport",))
    await desk.run(system, record_payout_account, wanted)
    row = await desk.account(who)
    assert (row["status"], row["account_id"], row["requirements"]) == (
        "RESTRICTED",
        f"sandbox_{account.hex}",
        ["a newer passport"],
    )
    assert row["ready_at"] is not None
    assert "PAYOUTS" not in (await desk.stage(who))[1]


async def test_an_account_is_looked_at_again_when_its_page_ends(desk: Desk) -> None:
    """R136: the cleaner may have finished and nobody told us."""
    who = await desk.newcomer()
    await _start(desk, who)
    await desk.done()
    row = await desk.account(who)
    account = await desk.provider.by_token(row["link"].rpartition("/")[2])
    assert account is not None
    await desk.provider.finish(account)
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
        assert [row[0] for row in rows if "/sandbox/payouts/" in row[0]] == []


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


async def test_without_a_provider_the_mutation_says_so_and_nothing_is_kept(desk: Desk) -> None:
    """R131: in production, as long as none is connected; the sandbox's page is not there either."""
    who = await desk.newcomer()
    async with an_api(desk.world, ENVIRONMENT="production") as production:
        before = await desk.everything()
        said = await production.do(who, "startPayoutOnboarding", {}, "cleaner { id }")
        assert said["cleaner"] is None
        assert [one["code"] for one in said["errors"]] == ["NOT_CONFIGURED"]
        assert await desk.everything() == before
        assert (await production.http.get("/sandbox/payouts/x")).status_code == 404
    assert payout_accounts(Settings(environment="production", data=Path("/nowhere")), desk.world.runner.secrets) is None
    await _start(desk, who)
    (problem,) = await _work_without_provider(desk)
    assert isinstance(problem, Unavailable)


async def _work_without_provider(desk: Desk) -> list[Exception]:
    desk.tools = replace(desk.tools, payouts=None)
    return await desk.work()


async def test_a_cleaner_finishes_on_the_sandboxes_page_and_the_stage_is_done(desk: Desk, api: Api) -> None:
    """R131, R136: through API, worker and page, as in `make run`."""
    who = await desk.newcomer(name="Ann <b>")
    asked = {"id": gid("Cleaner", who.person)}

    async def account(**wanted: object) -> dict[str, object]:
        async def is_there() -> dict[str, object] | None:
            found = (await api.data(who, QUERY, **asked))["cleaner"]["payoutAccount"]
            fits = all(bool(found[name]) if want is True else found[name] == want for name, want in wanted.items())
            return found if fits else None

        found: dict[str, object] = await until(is_there)
        return found

    async with a_worker(desk.world, PUBLIC_URL=f"http://127.0.0.1:{api.port}"):
        said = await api.do(who, "startPayoutOnboarding", {}, f"cleaner {{ payoutAccount {{ {FIELDS} }} }}")
        assert said["cleaner"]["payoutAccount"]["status"] == "REQUESTED"
        page = str((await account(link=True))["link"])
        shown = await api.http.get(page)
        assert shown.status_code == 200
        assert "Ann &lt;b&gt;" in shown.text
        assert "script" not in shown.headers["content-security-policy"]
        assert (await api.http.post(f"{page}?leave=tax")).status_code == 303
        await account(status="RESTRICTED", requirements=[WANTED[-1]])
        done = await api.http.post(page)
        assert (done.status_code, done.headers["location"]) == (303, page.removeprefix(f"http://127.0.0.1:{api.port}"))
        assert await account(status="READY", link=None)
        assert "<form" not in (await api.http.get(page)).text
    assert "PAYOUTS" not in (await desk.stage(who))[1]


async def test_the_sandboxes_page_is_nobodys_who_was_not_given_its_address(desk: Desk, api: Api) -> None:
    """R1: with any letter changed, or too old, there is no page, and nothing happens."""
    who = await desk.newcomer()
    await _start(desk, who)
    await desk.done()
    token = (await desk.account(who))["link"].rpartition("/")[2]
    assert await desk.provider.by_token(token) is not None
    forged = [token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in (0, 9, 30, 50)]
    for bad in ("", "x", "A" * 500, "ä", *forged):
        assert await desk.provider.by_token(bad) is None, bad
    late = SandboxPayouts(
        desk.provider.folder, desk.provider.secrets, "", lambda: datetime.now(UTC) + LINK_LIVES + timedelta(seconds=1)
    )
    assert await late.by_token(token) is None
    before = await desk.everything()
    assert (await api.http.post("/sandbox/payouts/" + "A" * 54)).status_code == 404
    assert await desk.everything() == before


async def test_the_sandbox_keeps_whole_files_and_knows_no_accounts_that_it_did_not_open(desk: Desk) -> None:
    """R136: many who open one key at once get one account; a stranger's id is a definite no."""
    wish = AccountWish(PayoutAccountId(new_id()), desk.town.tenant, "Ann", None)
    accounts = await asyncio.gather(*(desk.provider.open(wish) for _ in range(20)))
    assert len({one.id for one in accounts}) == 1
    files = list(desk.provider.folder.iterdir())
    assert [json.loads(file.read_bytes())["name"] for file in files] == ["Ann"]
    for stranger in ("sandbox_" + "0" * 32, "acct_1", "", "sandbox_../../etc/passwd"):
        with pytest.raises(AccountRefused):
            await desk.provider.read(stranger)


async def test_a_session_that_has_ended_asks_for_no_account(desk: Desk) -> None:
    """R9: the stamp is asked first."""
    who = await desk.newcomer()
    await desk.world.root.execute("update session set revoked_at = now() where id = $1", who.session)
    await desk.refused(Unauthenticated, _start(desk, who))
