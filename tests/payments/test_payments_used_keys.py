"""A key that was used with other parameters: what it has made is looked for before another key is used (R157, R158).

So it is where our rows are older than what the provider has, as after a restore: a step is planned anew, of the same
subject and attempt, and its key has done already what is wanted, for a step that our rows have lost.
"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from db.ids import new_id
from domain.errors import Unavailable
from domain.ids import JobId
from domain.payments.ask import Ask
from domain.payments.outcomes import Answered
from domain.scheduling import AssignmentRole
from gateways.payments import Credentials
from services.payments.holds import hold_now
from tests.fieldwork.site import command_of
from tests.payments.desk import Desk
from tests.payments.site import Site

AGAIN = timedelta(minutes=11)


async def _key_is_used(site: Site, kind: str, *, marks: dict[str, str] | None = None, **params: Any) -> dict[str, Any]:
    """The key of the step of this kind that is planned has asked for the same already, with another step's id."""
    op = next(op for op in await site.ops(kind) if op["state"] == "PLANNED")
    ask = Ask.from_json(json.loads(op["ask"]))
    if "metadata" in ask.params:
        params["metadata"] = {**ask.params["metadata"], "op_id": str(new_id()), **(marks or {})}
    assert site.tools.providers is not None
    provider = site.tools.providers.of(Credentials(f"sk_test_{site.town.slug}"))
    made = await provider.send(replace(ask, params={**ask.params, **params}), op["idem_key"])
    assert isinstance(made, Answered), made
    return dict(made.object)


async def _planned(site: Site) -> JobId:
    """A clean whose hold is planned, and not sent."""
    job = await site.job(await site.home())
    await site.until((await site.row("job", job))["starts_at"] - timedelta(hours=20))
    await site.system(command_of(hold_now), job)
    return job


async def test_a_payment_that_the_key_has_made_known_is_taken_for_the_answer(site: Site) -> None:
    """R157, R158: by all its marks but the step's own; there is no second one beside it, and nobody is called."""
    job = await _planned(site)
    made = await _key_is_used(site, "INTENT")

    await site.settle()

    assert (await site.payment(job))["intent_id"] == made["id"]
    assert [one["id"] for one in site.intents_of(job)] == [made["id"]]
    assert [(op["attempt"], op["state"], op["provider_id"]) for op in await site.ops("INTENT")] == [
        (1, "SUCCEEDED", made["id"])
    ]
    assert (await site.status(job), await site.alarms()) == ("AUTHORIZED", [])
    assert await site.rows("select * from payment where tenant_id = $1", site.other.tenant) == []


@pytest.mark.parametrize("what", ["payment", "tenant", "cents", "step of ours"])
async def test_what_is_not_like_what_is_asked_for_is_not_taken_for_the_answer(site: Site, what: str) -> None:
    """R157, R237: it is another payment's or business's, of other cents, or made by a step's key that we still know:
    then somebody is called, and another key asks later.
    """
    job = await _planned(site)
    [customer, *_] = await site.ops("CUSTOMER")
    ways: dict[str, dict[str, Any]] = {
        "payment": {"marks": {"payment_id": str(new_id())}},
        "tenant": {"marks": {"tenant_id": str(site.other.tenant)}},
        "cents": {"amount": 1_234},
        "step of ours": {"marks": {"op_id": str(customer["id"])}},
    }
    strange = await _key_is_used(site, "INTENT", **ways[what])

    await site.settle()
    [op] = await site.ops("INTENT")
    assert (op["state"], json.loads(op["failure"])["fault"]) == ("FAILED", "OURS")
    assert ((await site.payment(job))["intent_id"], await site.alarms()) == (None, ["provider_refuses_us"])

    await site.move(AGAIN)
    await site.settle()
    assert await site.status(job) == "AUTHORIZED"
    assert (await site.payment(job))["intent_id"] != strange["id"]
    assert [op["attempt"] for op in await site.ops("INTENT")] == [1, 2]
    assert await site.alarms() == []


async def test_no_other_key_is_used_while_nobody_can_look(site: Site) -> None:
    """R157: the step stays as it is, and is looked for again."""
    job = await _planned(site)
    made = await _key_is_used(site, "INTENT")
    site.fault("error_before", "/v1/payment_intents", method="GET")

    [problem] = await site.drain("send_money")
    assert isinstance(problem, Unavailable)
    assert [(op["attempt"], op["state"]) for op in await site.ops("INTENT")] == [(1, "SENT")]

    await site.world.root.execute("update money_op set lease_until = null where tenant_id = $1", site.town.tenant)
    await site.settle()
    assert (await site.payment(job))["intent_id"] == made["id"]


async def test_a_refund_that_the_key_has_made_is_not_made_again(desk: Desk) -> None:
    """R157, R213: the money has gone back once, and the books say so."""
    _, paid, _ = await desk.paid()
    refund = await desk.refund(paid, 1_000)
    made = await _key_is_used(desk.site, "REFUND", reason="duplicate")

    await desk.site.settle()

    row = await desk.refund_row(refund)
    assert (row["status"], row["provider_id"]) == ("SUCCEEDED", made["id"])
    assert [one["amount"] for one in desk.site.things("refunds")] == [1_000]
    assert (await desk.site.books())["CASH"] == desk.site.balance()
    assert await desk.site.alarms() == []


async def test_a_transfer_that_the_key_has_made_is_not_made_again_wherever_it_went(desk: Desk) -> None:
    """R157, R168: to an account that was the cleaner's, say; it is paid out of the same clean."""
    site, till = desk.site, desk.till
    await site.settings(payments={"payoutsMode": "TRANSFERS"})
    who, other = await till.cleaner(), await till.cleaner()
    await till.clean((who, AssignmentRole.PRIMARY))
    await site.settle("send_money")
    await site.settle("release_payout")
    was = (await till.account(other))["account_id"]
    made = await _key_is_used(site, "TRANSFER", destination=was)

    await site.settle()

    row = await till.payout(who)
    assert (row["status"], row["transfer_id"], row["account_id"]) == ("RELEASED", made["id"], was)
    assert len(site.things("transfers")) == 1
    assert (await site.books())["CASH"] == site.balance()


async def test_a_capture_that_the_key_has_made_is_what_was_captured(site: Site) -> None:
    """R157, A10: the hold is read, and it is taken already: less than is wanted now, and that is said."""
    job = await site.held_job()
    await site.prove(job, hold=False)
    await _key_is_used(site, "CAPTURE", amount_to_capture=5_000)

    await site.settle()

    row = await site.payment(job)
    assert (row["status"], row["captured_cents"], row["why_less"]) == ("CAPTURED", 5_000, "AT_PROVIDER")
    assert [op["state"] for op in await site.ops("CAPTURE")] == ["SUCCEEDED"]
    assert (await site.books())["CASH"] == site.balance()
