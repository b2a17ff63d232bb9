"""Plans, sign-up and the business's account as clients meet them: over HTTP, with the API as a process (A41, A42)."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from app.settings import ConfigurationError, Settings
from db.ids import new_id
from domain.payments.ops import CALLED
from sandbox.failpoints import failpoint
from sandbox.payments import PLATFORM_KEY, payments_sandbox
from services.billing.choosing import ChoosePlan, choose_plan
from tests.billing.house import sign_up
from tests.ports import free_port
from tests.product.world import PATIENCE, Api, Town, World, a_worker, an_api

PLANS = "{ plans { name priceCents currency seats jobsAMonth trialDays features } }"
ACCOUNT = """mutation ($input: ConnectProviderInput!) { connectProvider(input: $input) {
    providerAccount { mode accountId publishableKey webhookPath problem checkedAt version } errors { code field } } }"""
MINE = "{ providerAccount { mode webhookPath publishableKey } tenantSubscription { plan } }"
SIGN_UP = "mutation ($input: SignUpInput!) { signUp(input: $input) { ok errors { code field } } }"


@pytest.fixture
async def billing(world: World) -> AsyncIterator[Api]:
    """An API process of an installation that bills plans."""
    more = {"STRIPE_WEBHOOK_SECRETS": "whsec_a,whsec_b", "SIGN_UPS_AN_ADDRESS": "5"}
    async with an_api(world, STRIPE_KEY=PLATFORM_KEY, **more) as running:
        yield running


def a_form(**changed: Any) -> dict[str, Any]:
    slug = f"w-{new_id().hex[-12:]}"
    form = {"slug": slug, "name": "W", "ownerName": "Owner 1", "ownerEmail": f"o@{slug}.example"}
    return {**form, "marketName": "Miami", **changed}


async def test_strangers_see_the_plans_and_sign_up_seldom_from_one_address(billing: Api) -> None:
    """A42: the sixth at once from one network address waits, and founds nothing."""
    plans = (await billing.data(None, PLANS))["plans"]
    assert [plan["name"] for plan in plans] == ["starter", "team", "business"]
    assert all(type(plan["priceCents"]) is int for plan in plans)

    answers = [(await billing.data(None, SIGN_UP, input=a_form()))["signUp"] for _ in range(5)]
    assert answers == [{"ok": True, "errors": []}] * 5
    form = a_form()
    late = (await billing.data(None, SIGN_UP, input=form))["signUp"]

    assert (late["ok"], late["errors"][0]["code"]) == (False, "RATE_LIMITED")
    assert await billing.world.root.fetchval("select count(*) from tenant where slug = $1", form["slug"]) == 0


async def test_an_installation_without_a_key_bills_nothing_and_says_so(world: World, town: Town) -> None:
    """NOT_CONFIGURED, never a crash."""
    async with an_api(world, STRIPE_KEY="") as api:
        assert (await api.data(None, PLANS))["plans"] == []
        refused = (await api.data(None, SIGN_UP, input=a_form()))["signUp"]
        chosen = await api.do(town.owner, "choosePlan", {"plan": "team"}, "tenantSubscription { id }")
        door = await api.http.post("/webhooks/platform", json={"object": "event"})

    assert refused["errors"][0]["code"] == chosen["errors"][0]["code"] == "NOT_CONFIGURED"
    assert door.status_code == 400


async def test_keys_are_shown_to_nobody_and_the_account_to_administrators_alone(
    billing: Api, town: Town, other: Town
) -> None:
    """R4, R231, A41: neither in an answer nor in the database."""
    keys = {"secretKey": "sk_test_veryhidden", "webhookSecrets": ["whsec_veryhidden"], "publishableKey": "pk_test_x"}
    made = (await billing.data(town.owner, ACCOUNT, input=keys))["connectProvider"]

    assert made["errors"] == []
    account = made["providerAccount"]
    assert (account["mode"], account["publishableKey"], account["problem"]) == ("TEST", "pk_test_x", None)
    assert account["webhookPath"].startswith("/webhooks/stripe/wh1.")
    for who in (await town.dispatcher(), await town.cleaner(), other.owner):
        seen = (await billing.ask(who, MINE))["data"]
        assert (seen["providerAccount"], seen["tenantSubscription"]) == (None, None)
    row = await billing.world.root.fetchrow("select * from provider_account where tenant_id = $1", town.tenant)
    assert b"veryhidden" not in row["secret_key"] + row["webhook_secrets"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"secretKey": "pk_test_1"}, "secretKey"),
        ({"secretKey": ""}, "secretKey"),
        ({"secretKey": "sk_" + "x" * 300}, "secretKey"),
        ({"webhookSecrets": ["whsec"] * 5}, "webhookSecrets"),
        ({"webhookSecrets": ["x" * 301]}, "webhookSecrets"),
    ],
)
async def test_keys_that_make_no_sense_are_refused(
    billing: Api, town: Town, changed: dict[str, Any], field: str
) -> None:
    keys = {"secretKey": "sk_test_1", "webhookSecrets": ["whsec_1"], **changed}
    made = (await billing.data(town.owner, ACCOUNT, input=keys))["connectProvider"]

    assert made["errors"][0] == {"code": "INVALID", "field": [field]}
    assert await billing.world.count("provider_account", town.tenant) == 0


async def test_a_business_that_can_only_be_read_is_read_as_ever(billing: Api, town: Town) -> None:
    """A42."""
    await town.job()
    query = "{ jobs(first: 5) { totalCount } viewer { tenant { name } } }"
    before = await billing.data(town.owner, query)
    await billing.world.root.execute("update tenant set is_read_only = true where tenant_id = $1", town.tenant)

    assert await billing.data(town.owner, query) == before
    made = await billing.do(town.owner, "createMarket", {"name": "X", "zone": "America/Denver"}, "market { id }")
    assert made["errors"][0]["code"] == "READ_ONLY"


def test_production_refuses_the_sandbox_and_failpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    production = Settings(environment="production")
    monkeypatch.setenv("STRIPE_URL", "http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="STRIPE_URL"):
        Settings.read(environment="production")
    with pytest.raises(ConfigurationError, match="FAILPOINT"):
        failpoint(production, "called:1")


@pytest.mark.parametrize("said", ["called", "called:0", "nowhere:1", "called:x", ":", "called:-1"])
def test_a_failpoint_that_names_no_place_is_refused(said: str) -> None:
    with pytest.raises(ConfigurationError):
        failpoint(Settings(), said)


@pytest.mark.usefixtures("alone")
async def test_a_worker_dies_at_its_failpoint_and_the_step_is_done_by_the_next_one(world: World) -> None:
    """R158: by SIGKILL, before anything was sent."""
    town = await sign_up(world)
    await world.run(town.owner, choose_plan, ChoosePlan("team"))

    async with a_worker(world, FAILPOINT="before_send:1") as worker:
        await until(lambda: _gone(worker))
        assert worker.returncode == -signal.SIGKILL

    assert await world.count("money_op", town.tenant, "state = 'PLANNED' and first_sent_at is null") == 1
    async with a_worker(world):
        await until(lambda: world.count("money_op", town.tenant, "first_sent_at is not null"))


async def _gone(worker: subprocess.Popen[bytes]) -> bool:
    return worker.poll() is not None


async def until(reached: Callable[[], Awaitable[object]]) -> None:
    """Look until it is so; fails after a minute."""
    async with asyncio.timeout(PATIENCE):
        while not await reached():
            await asyncio.sleep(0.1)


def test_a_failpoint_lets_everything_pass_before_its_turn() -> None:
    at_boundary = failpoint(Settings(), "called:3")

    at_boundary(CALLED)
    at_boundary(CALLED)


def test_of_two_runs_over_one_folder_the_second_uses_the_first_ones_sandbox(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, port=free_port())

    with payments_sandbox(settings) as (first, ours), payments_sandbox(settings) as (second, theirs):
        assert [child.name for child in ours] == ["stripe"]
        assert theirs == []
        assert second.stripe_url == first.stripe_url
        assert second.stripe_webhook_secrets == first.stripe_webhook_secrets
    with payments_sandbox(settings) as (again, _):
        assert again.stripe_webhook_secrets == first.stripe_webhook_secrets
        assert "DATABASE_URL" not in ours[0].env
    with payments_sandbox(settings.model_copy(update={"stripe_key": "sk_test_own"})) as (named, none):
        assert (named.stripe_url, none) == (None, [])
