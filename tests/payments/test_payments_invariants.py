"""The check of the books: each rule is broken once by hand, and is found (R237, R239)."""

import json

import pytest

from domain.payments.invariants import WORDS, Invariant
from services.payments.invariant_rules import RULES
from tests.payments.desk import Desk
from tests.product.world import Api
from tests.product.world import ops as ops_of

BREAKS: dict[Invariant, tuple[str, ...]] = {
    Invariant.CHARGED_ONCE: (
        """insert into payment (tenant_id, id, customer_id, job_id, kind, status, is_current, currency, amount_cents,
            captured_cents, created_at) select tenant_id, gen_random_uuid(), customer_id, job_id, 'HOLD', 'CAPTURED',
            false, currency, 19500, 19500, created_at from payment where id = :payment""",
    ),
    Invariant.CAPTURE_AS_AGREED: ("update payment set captured_cents = captured_cents - 1 where id = :payment",),
    Invariant.CAPTURE_PROVEN: ("update evidence set status = 'INCOMPLETE' where job_id = :job",),
    Invariant.PAID_ONCE: ("update payout set account_id = 'acct_somebody' where id = :payout",),
    Invariant.WITHIN_CHARGE: (
        "update payout set amount_cents = 20000, base_cents = base_cents + 20000 - amount_cents where id = :payout",
    ),
    Invariant.JOB_ADDS_UP: (
        "update payout set amount_cents = amount_cents + 1, laundry_cents = laundry_cents + 1 where id = :payout",
    ),
    Invariant.BUSINESS_ADDS_UP: ("""update payment set captured_cents = 19499 where id = :payment""",),
    Invariant.REFUNDS_WITHIN_CHARGE: ("update payment set refunded_cents = 5 where id = :payment",),
    Invariant.RESERVE_NOT_OVERDRAWN: (
        """update ledger_posting p set cents = -p.cents from ledger_entry e where e.id = p.entry_id
            and e.payment_id = :payment and p.account = 'RESERVE'""",
    ),
    Invariant.BOOKS_BALANCE: (
        """update ledger_posting p set cents = p.cents + 1 from ledger_entry e where e.id = p.entry_id
            and e.payment_id = :payment and e.kind = 'CAPTURE' and p.account = 'CASH'""",
    ),
    Invariant.EVERYTHING_BOOKED: (
        "update ledger_entry set source = 'transfer:tr_other' where payout_id = :payout and kind = 'TRANSFER'",
    ),
    Invariant.STEPS_FINISH: (
        """update money_op set state = 'UNKNOWN', first_sent_at = first_sent_at - interval '25 hours'
            where subject_id = :payment and kind = 'CAPTURE'""",
    ),
    Invariant.NOTICES_HANDLED: (
        """insert into webhook_event (tenant_id, id, event_id, type, state, received_at)
            values (:tenant, gen_random_uuid(), 'evt_1', 'refund.created', 'RECEIVED', now() - interval '2 days')""",
    ),
    Invariant.JOB_SHOWS_PAYMENT: ("update job set payment_status = 'AUTHORIZED' where id = :job",),
    Invariant.HOLDS_END: (
        """update payment set status = 'AUTHORIZED', capture_before = now() - interval '9 days' where id = :payment""",
    ),
    Invariant.HOLDS_EXPLAINED: ("update payout set hold_reason = 'BY_OFFICE' where id = :payout",),
    Invariant.WORKERS_PAID: ("update visit set checked_out_at = null where job_id = :job",),
    Invariant.OWN_MARKS: (
        """update money_op set ask = jsonb_set(ask, '{params,metadata,tenant_id}', to_jsonb(:other::text))
            where subject_id = :payment and kind = 'INTENT'""",
    ),
    Invariant.INVOICES_ADD_UP: (
        """insert into invoice (tenant_id, id, customer_id, number, status, currency, lines, total_cents, created_at)
            select tenant_id, gen_random_uuid(), customer_id, 99, 'OPEN', currency,
                '[{"label": "Clean", "total_cents": 100}]', 101, created_at from payment where id = :payment""",
    ),
}


async def test_nothing_is_found_where_all_is_well_and_every_rule_is_judged(desk: Desk) -> None:
    """A day in the life: nothing is broken. Each rule has its query, its words and its test."""
    await desk.paid()

    assert await desk.check() == []
    assert set(RULES) == set(WORDS) == set(BREAKS) == set(Invariant)


@pytest.mark.parametrize("rule", list(Invariant))
async def test_a_broken_row_raises_its_alarm_once_and_mending_it_clears_it(desk: Desk, rule: Invariant) -> None:
    """R237, R239: administrators hear of it once, and the other business not at all."""
    job, paid, who = await desk.paid()
    root, payout = desk.site.world.root, await desk.till.payout(who)
    names = {
        "payment": paid["id"],
        "job": job,
        "payout": payout["id"],
        "tenant": desk.site.town.tenant,
        "other": str(desk.site.other.tenant),
    }

    await root.execute("set session_replication_role = replica")
    for sql in BREAKS[rule]:
        used = [name for name in names if f":{name}" in sql]
        numbered = sql
        for place, name in enumerate(used, 1):
            numbered = numbered.replace(f":{name}", f"${place}")
        await root.execute(numbered, *(names[name] for name in used))
    await root.execute("set session_replication_role = origin")

    assert rule.value in await desk.check()
    assert rule.value in await desk.check()
    await desk.site.drain("notify_money_alarm")
    rows = await desk.site.rows(
        "select * from money_alarm where kind = $1 and tenant_id = $2", rule.value, desk.site.town.tenant
    )
    assert len(rows) == 1
    assert json.loads(rows[0]["detail"])["rule"] == WORDS[rule]
    assert len(await desk.site.notices("MONEY_ALARM")) >= 1
    assert await desk.site.rows("select * from money_alarm where tenant_id = $1", desk.site.other.tenant) == []


async def test_an_alarm_is_cleared_when_it_is_mended(desk: Desk) -> None:
    """R237."""
    job, _, _ = await desk.paid()
    await desk.site.world.root.execute("update job set payment_status = 'AUTHORIZED' where id = $1", job)
    assert await desk.check() == ["JOB_SHOWS_PAYMENT"]

    await desk.site.world.root.execute("update job set payment_status = 'CAPTURED' where id = $1", job)

    assert await desk.check() == []
    [row] = await desk.site.rows("select * from money_alarm where tenant_id = $1", desk.site.town.tenant)
    assert row["cleared_at"] is not None


async def test_the_check_takes_as_many_statements_for_many_rows_as_for_none(desk: Desk) -> None:
    """Set-based: three statements, whatever there is."""
    from sqlalchemy import event

    counted: list[str] = []
    engine = desk.site.world.runner.engine.sync_engine

    def count(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        counted.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    try:
        await desk.check()
        alone = len(counted)
        counted.clear()
        await desk.paid()
        await desk.paid()
        counted.clear()
        await desk.check()
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len(counted) == alone


async def test_ops_see_how_many_stand_and_nothing_of_the_business(desk: Desk, api: Api) -> None:
    """R237, R239: kind, count and since when; the role of the database may read nothing else of an alarm."""
    job, _, _ = await desk.paid()
    await desk.site.world.root.execute("update job set payment_status = 'AUTHORIZED' where id = $1", job)
    await desk.check()
    ops = await ops_of(desk.site.world)

    found = (await api.data(ops, "query { ops { money { kind standing tenants since } } }"))["ops"]["money"]

    mine = next(one for one in found if one["kind"] == "JOB_SHOWS_PAYMENT")
    assert mine["standing"] >= mine["tenants"] >= 1
    assert str(job) not in str(found)
    allowed = await desk.site.value("select has_column_privilege('cleanshift_ops', 'money_alarm', 'detail', 'select')")
    assert allowed is False
