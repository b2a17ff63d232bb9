"""The books: where the fields of entries, steps and alarms come from, and one clean's money from first to last."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.payments.automation import ACTS_IN_SQL
from domain.payments.payouts import HOLD_WORDS, HoldReason, PayoutStatus
from domain.scheduling import PaymentStatus
from models import job, ledger_entry, money_alarm, money_op
from resolvers.common import ADMINS
from resolvers.engine.sources import computed, one, sql, where
from resolvers.registry import registry
from schema.types.filters import LedgerFilter, MoneyAlarmFilter, MoneyOpFilter
from schema.types.ledger import LedgerEntry, MoneyAlarm, MoneyOp
from schema.types.relay import encode_id

MOST_LINES = 1_000
USUAL_DAYS, MOST_DAYS = 30, 366
"""How far back the share that needed nobody is reckoned, unless told, and at most."""
TYPES = {
    "PAYMENT": "Payment",
    "STEP": "MoneyOp",
    "PAYOUT": "Payout",
    "REFUND": "Refund",
    "DISPUTE": "Dispute",
    "ENTRY": "LedgerEntry",
}
_STUCK = ", ".join(f"'{reason}'" for reason in HoldReason if not HOLD_WORDS[reason].heals_itself)
_AMOUNT = "coalesce({0} #>> '{{params,amount}}', {0} #>> '{{params,amount_to_capture}}')::bigint"

_STEPS_OF_PAYMENT = "'INTENT', 'CONFIRM', 'CAPTURE', 'RELEASE'"

# The first clean of a booking is paid before there is a job: what was done and booked then names the payment alone.
_PREPAID = "JOIN payment f ON f.tenant_id = x.tenant_id AND f.job_id = j.id AND x.job_id IS NULL"

_POSTINGS = """(SELECT coalesce(json_agg(json_build_object('account', p.account, 'cents', p.cents) ORDER BY p.account),
    '[]') FROM ledger_posting p WHERE p.tenant_id = {0}.tenant_id AND p.entry_id = {0}.id)"""


def postings(row: Any) -> str:
    """The sides of an entry."""
    return f"""(SELECT coalesce(json_agg(json_build_object('account', p.account, 'cents', p.cents) ORDER BY p.account),
        '[]') FROM ledger_posting p WHERE p.tenant_id = {row.tenant_id} AND p.entry_id = {row.id})"""


def _line(what: str, table: str, **columns: str) -> str:
    """One table's lines of a clean's money."""
    names = ("at", "kind", "status", "cents", "provider_id", "request_id", "attempt", "reason", "postings")
    none = {"cents": "null::bigint", "attempt": "null::int", "postings": "'[]'::json"}
    written = ", ".join(f"{columns.get(name, none.get(name, 'null::text'))} AS {name}" for name in names)
    return f"SELECT '{what}' AS what, x.id, {written} FROM job j JOIN {table} x ON x.tenant_id = j.tenant_id"


def _job_money(stamp: Any, args: Any) -> str:
    mine = f"WHERE j.tenant_id = {stamp.tenant_id} AND j.id = {args.id('job_id', 'Job')}"
    of_job = f"AND x.job_id = j.id {mine}"
    return f"""(SELECT json_build_object('id', j.id, 'currency', coalesce(j.currency, 'usd'),
            'captured', c.captured, 'refunded', c.refunded, 'reserve', b.reserve, 'tips', b.tips, 'earned', b.earned,
            'fees', b.fees, 'lines', (SELECT coalesce(json_agg(l ORDER BY l.at, l.id), '[]') FROM (
                SELECT * FROM ({_lines(mine, of_job)}) every ORDER BY every.at, every.id LIMIT {MOST_LINES}) l))
        FROM job j CROSS JOIN ({_booked(mine)}) b CROSS JOIN ({_paid(of_job)}) c {mine})"""


def _lines(mine: str, of_job: str) -> str:
    """What was asked, done and booked for the clean, one line each, in no order."""
    every = (
        f"{_payment_line()} {of_job}",
        f"{_step_line()} {of_job}",
        f"""{_step_line()} {_PREPAID} AND x.kind IN ({_STEPS_OF_PAYMENT})
                AND x.subject_id = f.id {mine}""",
        f"{_payout_line()} {of_job}",
        f"{_refund_line()} {of_job}",
        f"{_dispute_line()} {of_job}",
        f"{_entry_line()} {of_job}",
        f"{_entry_line()} {_PREPAID} AND x.payment_id = f.id {mine}",
    )
    return " UNION ALL ".join(every)


def _payment_line() -> str:
    return _line(
        "PAYMENT",
        "payment",
        at="x.created_at",
        kind="x.kind",
        status="x.status",
        cents="x.amount_cents",
        attempt="x.attempt",
        reason="coalesce(x.why_less, x.let_go, x.decline ->> 'code')",
        provider_id="coalesce(x.charge_id, x.intent_id)",
    )


def _step_line() -> str:
    return _line(
        "STEP",
        "money_op",
        at="x.created_at",
        kind="x.kind",
        status="x.state",
        attempt="x.attempt",
        cents=_AMOUNT.format("x.ask"),
        provider_id="x.provider_id",
        request_id="x.request_id",
        reason="coalesce(x.failure ->> 'code', x.failure ->> 'message')",
    )


def _payout_line() -> str:
    return _line(
        "PAYOUT",
        "payout",
        at="x.created_at",
        kind="x.kind",
        status="x.status",
        cents="x.amount_cents",
        provider_id="x.transfer_id",
        reason="coalesce(x.hold_reason, x.failure ->> 'code')",
    )


def _refund_line() -> str:
    return _line(
        "REFUND",
        "refund",
        at="x.created_at",
        kind="x.bearer",
        status="x.status",
        cents="x.amount_cents",
        provider_id="x.provider_id",
        reason="x.reason",
    )


def _dispute_line() -> str:
    return _line(
        "DISPUTE",
        "dispute",
        at="x.opened_at",
        kind="x.reason",
        status="x.status",
        cents="x.amount_cents",
        provider_id="x.provider_id",
    )


def _entry_line() -> str:
    return _line(
        "ENTRY",
        "ledger_entry",
        at="x.at",
        kind="x.kind",
        provider_id="x.provider_id",
        reason="coalesce(x.reason, x.source)",
        postings=_POSTINGS.format("x"),
    )


def _booked(mine: str) -> str:
    """What of the clean's captured money the books have put where."""
    return f"""SELECT coalesce(sum(-p.cents) FILTER (WHERE p.account = 'RESERVE' AND e.kind <> 'REFUND_RESERVED'), 0)
            AS reserve, coalesce(sum(-p.cents) FILTER (WHERE p.account = 'TIPS'), 0) AS tips,
        coalesce(sum(-p.cents) FILTER (WHERE p.account = 'PAYABLE'), 0) AS earned,
        coalesce(sum(p.cents) FILTER (WHERE p.account = 'FEES'), 0) AS fees
        FROM job j JOIN payment f ON f.tenant_id = j.tenant_id AND f.job_id = j.id
        JOIN ledger_entry e ON e.tenant_id = f.tenant_id AND e.payment_id = f.id
            AND e.kind IN ('CAPTURE', 'TIP', 'FEE', 'EARNED')
        JOIN ledger_posting p ON p.tenant_id = e.tenant_id AND p.entry_id = e.id {mine}"""


def _paid(of_job: str) -> str:
    """What customers have paid for the clean, and what has gone back to them."""
    return f"""SELECT coalesce(sum(x.captured_cents), 0) AS captured, coalesce(sum(x.refunded_cents), 0) AS refunded
        FROM job j JOIN payment x ON x.tenant_id = j.tenant_id {of_job}"""


def job_money(found: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """One clean's money; null where there is no such clean for who asks."""
    if found is None:
        return None
    parts = {"reserve_cents": "reserve", "payout_cents": "earned", "tip_cents": "tips", "fee_cents": "fees"}
    sums = {name: int(found[part]) for name, part in parts.items()}
    captured = int(found["captured"])
    return {
        "job_id": encode_id("Job", found["id"]),
        "currency": found["currency"],
        "captured_cents": captured,
        **sums,
        "margin_cents": captured - sum(sums.values()),
        "refunded_cents": int(found["refunded"]),
        "lines": [_shown(line) for line in found["lines"]],
    }


def _shown(line: Mapping[str, Any]) -> Mapping[str, Any]:
    id, at = encode_id(TYPES[line["what"]], line["id"]), datetime.fromisoformat(line["at"])
    return {**line, "id": id, "at": at, "amount_cents": line["cents"]}


def _balances(stamp: Any) -> str:
    return f"""(SELECT coalesce(json_agg(json_build_object('account', s.account, 'currency', s.currency,
        'cents', s.cents) ORDER BY s.currency, s.account), '[]') FROM (
            SELECT p.account, e.currency, sum(p.cents)::bigint AS cents FROM ledger_posting p
            JOIN ledger_entry e ON e.tenant_id = p.tenant_id AND e.id = p.entry_id
            WHERE p.tenant_id = {stamp.tenant_id} GROUP BY p.account, e.currency) s)"""


def _automation(stamp: Any, args: Any) -> str:
    return automation_found(stamp.tenant_id, stamp.now, args.bind("days", "int"))


def automation_found(tenant_id: str, now: str, asked: str) -> str:
    """What `automation` reckons with, by one statement; `asked` is of how many days back, or null."""
    days = f"least(greatest(coalesce({asked}, {USUAL_DAYS}), 1), {MOST_DAYS})"
    # One walk through what people did (`audit_by_people`), not one a row.
    acts = f"""SELECT a.entity_id, min(a.action) AS action FROM audit a WHERE a.tenant_id = {tenant_id}
        AND a.action IN ({ACTS_IN_SQL}) GROUP BY a.entity_id"""
    since = f"{now} - {days} * interval '1 day'"
    return f"""(SELECT json_build_object('days', {days}, 'total', count(*), 'touched', coalesce(json_agg(why)
            FILTER (WHERE why IS NOT NULL), '[]')) FROM (
        SELECT coalesce(h.action, CASE WHEN x.status = '{PaymentStatus.FAILED}' THEN 'DECLINED' END) AS why
        FROM payment x LEFT JOIN ({acts}) h ON h.entity_id = x.id
        WHERE x.tenant_id = {tenant_id} AND coalesce(x.captured_at, x.created_at) >= {since}
            AND (x.captured_at IS NOT NULL OR x.status = '{PaymentStatus.FAILED}')
        UNION ALL
        SELECT coalesce(h.action, CASE WHEN x.status = '{PayoutStatus.HELD}' AND x.hold_reason IN ({_STUCK})
            THEN x.hold_reason END) FROM payout x LEFT JOIN ({acts}) h ON h.entity_id = x.id
        WHERE x.tenant_id = {tenant_id} AND coalesce(x.released_at, x.created_at) >= {since}
            AND (x.released_at IS NOT NULL OR x.status = '{PayoutStatus.HELD}')) every)"""


def automation(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The share that needed nobody, and what the others needed (R241, A37)."""
    touched: Sequence[str] = found["touched"]
    total, untouched = found["total"], found["total"] - len(touched)
    counts = sorted(((touched.count(what), what) for what in set(touched)), key=lambda one: (-one[0], one[1]))
    return {
        "days": found["days"],
        "total": total,
        "untouched": untouched,
        "rate": untouched / total if total else 1.0,
        "reasons": [{"what": what, "count": count} for count, what in counts],
    }


JOB_MONEY = computed(job_money, found=sql(_job_money, dict)).only(*ADMINS)
LEDGER_BALANCES = sql(_balances).only(*ADMINS)
AUTOMATION_RATE = computed(automation, found=sql(_automation, dict)).only(*ADMINS)

registry.sources(LedgerEntry, ledger_entry, job=one(job, on="job_id"), postings=sql(postings))
registry.sources(
    MoneyOp,
    money_op,
    job=one(job, on="job_id"),
    key=sql(lambda row: row.idem_key),
    amount_cents=sql(lambda row: _AMOUNT.format(row.ask)),
    failure_code=sql(lambda row: f"{row.failure} ->> 'code'"),
    failure_message=sql(lambda row: f"{row.failure} ->> 'message'"),
)
registry.sources(MoneyAlarm, money_alarm, rule=sql(lambda row: f"{row.detail} ->> 'rule'"))
_OF_JOB = where(lambda row, value: f"{row.job_id} = {value}", id_of="Job")
registry.filters(MoneyOpFilter, job_id=_OF_JOB)
registry.filters(
    LedgerFilter,
    job_id=_OF_JOB,
    account=where(
        lambda row, value: (
            f"""EXISTS (SELECT FROM ledger_posting s WHERE s.tenant_id = {row.tenant_id}
            AND s.entry_id = {row.id} AND s.account = {value})"""
        )
    ),
)
registry.filters(MoneyAlarmFilter, is_open=where(lambda row, value: f"({row.cleared_at} IS NULL) = {value}"))
