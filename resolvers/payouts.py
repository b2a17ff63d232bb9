"""Payouts: where their fields come from, statements, and their mutations."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from domain.payments.payouts import HOLD_WORDS, LEFT_US, HoldReason, PayoutStatus
from gateways.links import PayrollPermit
from models import payout, payroll_export
from resolvers.common import ADMINS, WORKFORCE
from resolvers.engine.sources import column, computed, sql, where
from resolvers.expose import expose
from resolvers.lent import Lent
from resolvers.registry import registry
from schema.types.filters import PayoutFilter
from schema.types.payments import Payment
from schema.types.payouts import Payout, PayrollExport
from schema.types.relay import encode_id
from services.payouts import holding, payroll, tips
from services.payouts.state import told_to

MOST_LINES = 2_000
LONGEST_DAYS = 366
PARTS = ("base_cents", "urgent_cents", "laundry_cents", "tip_cents")
PAID = frozenset({*LEFT_US, PayoutStatus.EXPORTED, PayoutStatus.REVERSED})

_ROLE = sql(lambda stamp: stamp.role, str)


def why(hold_reason: str | None) -> str | None:
    """Why it is held, in words."""
    return None if hold_reason is None else HOLD_WORDS[HoldReason(hold_reason)].why


def what_to_do(hold_reason: str | None, hold_note: str | None, role: str) -> str | None:
    """What has to happen before it is paid, as whoever asks can help (R190)."""
    return told_to(role, hold_reason, hold_note)


def export_url(tenant_id: UUID, id: UUID, lent: Lent) -> str:
    """The address of an export's file, which only who sees the row is given."""
    return lent.links.payroll(PayrollPermit(str(tenant_id), str(id)))


def carried_into(into: UUID | None) -> str | None:
    """The global id of the payout that it is a part of."""
    return None if into is None else encode_id("Payout", into)


def statement(found: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A period's payouts added up; null where the period makes no sense, or nobody is named."""
    if found is None:
        return None
    rows: Sequence[Mapping[str, Any]] = found["lines"]
    sums = {part: sum(row[part] for row in rows) for part in PARTS}
    return {
        "period_start": date.fromisoformat(found["period_start"]),
        "period_end": date.fromisoformat(found["period_end"]),
        "currency": found["currency"],
        **sums,
        "earned_cents": sum(sums.values()),
        "paid_cents": sum(_amount(row) for row in rows if row["status"] in PAID),
        "pending_cents": sum(_amount(row) for row in rows if row["status"] == PayoutStatus.PENDING),
        "held_cents": sum(_amount(row) for row in rows if row["status"] == PayoutStatus.HELD),
        "reversed_cents": sum(row["reversed_cents"] for row in rows),
        "lines": [_line(row) for row in rows],
    }


def _amount(row: Mapping[str, Any]) -> int:
    return int(row["amount_cents"] - row["reversed_cents"])


def _line(row: Mapping[str, Any]) -> Mapping[str, Any]:
    ids = {"payout_id": encode_id("Payout", row["id"]), "job_id": encode_id("Job", row["job_id"])}
    return {**row, **ids, "day": date.fromisoformat(row["day"]), "earned_cents": sum(row[part] for part in PARTS)}


def _statement(stamp: Any, args: Any) -> str:
    start, end = args.bind("period_start", "date"), args.bind("period_end", "date")
    whose = args.id("cleaner_id", "Cleaner") if args.given("cleaner_id") else stamp.actor_id
    return f"""(SELECT json_build_object('period_start', {start}, 'period_end', {end},
            'currency', coalesce(t.settings -> 'pay' ->> 'currency', 'usd'), 'lines', coalesce((
                SELECT json_agg(one ORDER BY one.created_at, one.id) FROM (
                    SELECT p.id, p.job_id, p.created_at, (p.created_at AT TIME ZONE m.zone)::date AS day, p.kind,
                        p.status, p.hold_reason, p.base_cents, p.urgent_cents, p.laundry_cents, p.tip_cents,
                        p.amount_cents, p.reversed_cents
                    FROM payout p JOIN job j ON j.tenant_id = p.tenant_id AND j.id = p.job_id
                    JOIN market m ON m.tenant_id = j.tenant_id AND m.id = j.market_id
                    WHERE p.tenant_id = t.tenant_id AND p.cleaner_id = {whose}
                        AND (p.created_at AT TIME ZONE m.zone)::date BETWEEN {start} AND {end}
                    ORDER BY p.created_at, p.id LIMIT {MOST_LINES}) one), '[]'))
        FROM tenant t JOIN cleaner c ON c.tenant_id = t.tenant_id
        WHERE t.tenant_id = {stamp.tenant_id} AND c.id = {whose} AND {end} >= {start}
            AND {end} - {start} < {LONGEST_DAYS}
            AND ({stamp.role} IN ('owner', 'admin') OR {whose} = {stamp.actor_id}))"""


STATEMENT = computed(statement, found=sql(_statement, dict)).only(*WORKFORCE)
"""A cleaner's period, added up."""

registry.sources(
    Payout,
    payout,
    why=computed(why),
    what_to_do=computed(what_to_do, role=_ROLE),
    account_id=column().only(*ADMINS),
    carried_into=computed(carried_into, into=sql(lambda row: row.carried_into, UUID)),
    failure_code=sql(lambda row: f"{row.failure} ->> 'code'").only(*ADMINS),
)
registry.sources(PayrollExport, payroll_export, url=computed(export_url))
registry.filters(
    PayoutFilter,
    created_at_from=where(lambda row, value: f"{row.created_at} >= {value}"),
    created_at_before=where(lambda row, value: f"{row.created_at} < {value}"),
)

MUTATIONS = {
    "tip_job": expose(tips.tip_job, Payment),
    "retry_payout": expose(holding.retry_payout, Payout),
    "release_payout": expose(holding.release_payout, Payout),
    "hold_payout": expose(holding.hold_payout, Payout),
    "export_payroll": expose(payroll.export_payroll, PayrollExport),
}
