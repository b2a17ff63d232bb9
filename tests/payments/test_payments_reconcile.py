"""Every night: the provider's lists against our rows, both ways; what was missed is made good (R237, R239)."""

from datetime import timedelta

import pytest

from domain.errors import Unavailable
from domain.payments import asks
from domain.payments.outcomes import Answered
from gateways.payments import Credentials, Provider
from tests.payments.desk import Desk


async def _reconcile(desk: Desk) -> list[str]:
    for problem in await desk.site.duty("reconcile_money"):
        raise problem
    return await desk.site.alarms()


def _there(desk: Desk) -> Provider:
    assert desk.site.tools.providers is not None
    return desk.site.tools.providers.of(Credentials(f"sk_test_{desk.site.town.slug}"))


async def test_where_all_agrees_nothing_is_written(desk: Desk) -> None:
    """A clean, a payout, a refund: nothing differs, nothing changes but notices that were never sent to us."""
    _, paid, _ = await desk.paid()
    await desk.refund(paid, 1_000)
    await desk.site.settle()
    await _reconcile(desk)
    books, asked = await desk.site.books(), desk.site.sandbox.journal.seq
    versions = await desk.site.rows("select id, version from payment union all select id, version from payout")

    assert await _reconcile(desk) == []

    assert await desk.site.books() == books
    assert desk.site.sandbox.journal.seq == asked
    assert await desk.site.rows("select id, version from payment union all select id, version from payout") == versions


async def test_what_no_webhook_told_is_made_good(desk: Desk) -> None:
    """R179: a dispute, and a refund made by hand, of which nobody told us."""
    job, paid, _ = await desk.paid()
    ask = asks.create_refund(
        paid["charge_id"],
        amount_cents=700,
        reason="duplicate",
        metadata={"op_id": "hand", "made_by": "hand", "tenant_id": str(desk.site.town.tenant)},
    )
    await _there(desk).send(ask, "by-hand")
    await desk.site.control("POST", f"charges/{paid['charge_id']}/dispute", {"amount": 500})

    alarms = await _reconcile(desk)

    assert alarms == ["refund_by_hand"]
    assert await desk.site.status(job) == "DISPUTED"
    assert (await desk.site.books())["CASH"] == desk.site.balance()
    assert len(await desk.site.rows("select * from dispute where job_id = $1", job)) == 1


async def test_money_of_nobody_is_an_alarm(desk: Desk) -> None:
    """R239: a charge at the provider that no payment of ours knows of: named, with its balance transaction."""
    home = await desk.site.home()
    customer = (await desk.site.row("customer", home.customer))["provider_id"]
    marks = {"op_id": "hand", "made_by": "hand", "tenant_id": str(desk.site.town.tenant)}
    ask = asks.create_intent(
        amount_cents=5_000, currency="usd", customer=customer, method=home.method, capture="automatic", metadata=marks
    )
    made = await _there(desk).send(ask, "strange-1")
    assert isinstance(made, Answered)
    await _there(desk).send(asks.confirm_intent(made.object["id"], off_session=True), "strange-2")

    assert await _reconcile(desk) == ["cash_differs", "payment_of_nobody", "unbooked_transaction"]
    assert await desk.site.rows("select * from money_alarm where tenant_id = $1", desk.site.other.tenant) == []


async def test_an_entry_that_the_provider_knows_nothing_of_is_an_alarm(desk: Desk) -> None:
    """The other side: booked here, and not there."""
    _, paid, _ = await desk.paid()
    root = desk.site.world.root
    [entry] = await desk.site.rows("select * from ledger_entry where payment_id = $1 and kind = 'CAPTURE'", paid["id"])
    await root.execute("set session_replication_role = replica")
    await root.execute("update ledger_entry set provider_id = 'txn_made_up' where id = $1", entry["id"])
    await root.execute(
        "update ledger_posting set cents = cents + 5 where entry_id = $1 and account = 'CASH'", entry["id"]
    )
    await root.execute("set session_replication_role = origin")

    assert await _reconcile(desk) == ["booked_not_there", "cash_differs", "unbooked_transaction"]


async def test_the_business_own_bank_payout_is_booked(desk: Desk) -> None:
    """Invariant 9: each balance transaction has its entry; money at the bank is no cash at the provider."""
    await desk.paid()
    await desk.site.move(timedelta(days=5))

    assert await _reconcile(desk) == []
    assert (await desk.site.books())["CASH"] == desk.site.balance()


async def test_a_business_without_a_provider_is_left_alone(desk: Desk) -> None:
    """A41."""
    await desk.site.world.root.execute("delete from provider_account where tenant_id = $1", desk.site.town.tenant)

    assert await _reconcile(desk) == []


async def test_a_provider_that_does_not_let_us_look_is_tried_again(desk: Desk) -> None:
    """R238: the task comes again; nothing is cleared meanwhile."""
    desk.site.sandbox.faults.add({"kind": "error_before", "method": "GET", "path": "/v1/events", "times": 5})

    with pytest.raises(Unavailable):
        await desk.site.attempt("reconcile_money", {})


async def test_what_cannot_be_absorbed_is_named_and_the_rest_goes_on(desk: Desk) -> None:
    """R239: a row that cannot have come to what the provider says stops nobody else's news."""
    _, broken, _ = await desk.paid()
    _, paid, _ = await desk.paid()
    root = desk.site.world.root
    await root.execute("update payment set status = 'RELEASED', captured_cents = 0 where id = $1", broken["id"])
    ask = asks.create_refund(
        paid["charge_id"],
        amount_cents=700,
        reason="duplicate",
        metadata={"op_id": "hand", "made_by": "hand", "tenant_id": str(desk.site.town.tenant)},
    )
    await _there(desk).send(ask, "by-hand")

    # Notices that were missed are worked off too: the one of the broken row is not.
    await desk.site.duty("reconcile_money")

    assert {"not_absorbed", "refund_by_hand"} <= set(await desk.site.alarms())
    named = await desk.site.value("select subject from money_alarm where kind = 'not_absorbed'")
    assert named == broken["intent_id"]
    await root.execute("update payment set status = 'CAPTURED', captured_cents = $2 where id = $1", broken["id"], 19500)
    await desk.site.duty("reconcile_money")
    assert "not_absorbed" not in await desk.site.alarms()
