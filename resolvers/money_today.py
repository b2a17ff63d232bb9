"""A market's day of money: one statement counts its cleans by step and names what is at risk and what is held."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from domain.payments.payouts import HOLD_WORDS, HoldReason, PayoutStatus
from domain.payments.pipeline import NO_MORE, RISK_WORDS, MoneyRisk, MoneyStage
from domain.payments.states import CLEAN_KINDS, MethodStatus
from domain.scheduling import LIVE_JOB_STATES, JobStatus, PaymentStatus
from resolvers.common import ADMINS
from resolvers.engine.sources import computed, sql
from schema.types.relay import encode_id
from services.payouts.state import what_to_do

MOST_JOBS, MOST_HELD = 500, 100
LATE = "interval '2 hours'"
"""How long after its end a clean that is not proven is at risk."""
SOON = "interval '24 hours'"


def _any(values: Any) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


_LIVE = _any(LIVE_JOB_STATES)
_TAKEN = _any((PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED))
_RISK = f"""CASE
    WHEN p.status = '{PaymentStatus.DISPUTED}' THEN '{MoneyRisk.DISPUTED}'
    WHEN j.status NOT IN ({_LIVE}, '{JobStatus.COMPLETED}') THEN NULL
    WHEN p.status = '{PaymentStatus.FAILED}' THEN '{MoneyRisk.DECLINED}'
    WHEN p.status = '{PaymentStatus.REQUIRES_ACTION}' THEN '{MoneyRisk.UNCONFIRMED}'
    WHEN p.status = '{PaymentStatus.EXPIRED}' THEN '{MoneyRisk.LAPSED}'
    WHEN p.status = '{PaymentStatus.AUTHORIZED}' AND p.capture_before < greatest(j.ends_at, now.at + {SOON})
        THEN '{MoneyRisk.LAPSING}'
    WHEN p.status = '{PaymentStatus.AUTHORIZED}' AND j.status IN ({_LIVE}) AND j.ends_at < now.at - {LATE}
        THEN '{MoneyRisk.UNPROVEN}'
    WHEN p.id IS NOT NULL OR NOT now.takes_cards OR j.payment_status <> '{PaymentStatus.PENDING}' THEN NULL
    WHEN j.price_cents IS NULL AND NOT now.has_prices THEN '{MoneyRisk.NO_PRICE}'
    WHEN NOT EXISTS (SELECT FROM payment_method c WHERE c.tenant_id = j.tenant_id AND c.customer_id = j.customer_id
        AND c.is_default AND c.status = '{MethodStatus.ACTIVE}') THEN '{MoneyRisk.NO_CARD}'
    WHEN j.starts_at < now.at THEN '{MoneyRisk.NOT_HELD}'
    END"""
_WAITS = _any((PayoutStatus.PENDING, PayoutStatus.HELD))
_PAID_OUT = f"""EXISTS (SELECT FROM payout o WHERE o.tenant_id = j.tenant_id AND o.payment_id = p.id)
    AND NOT EXISTS (SELECT FROM payout o WHERE o.tenant_id = j.tenant_id AND o.payment_id = p.id
        AND o.status IN ({_WAITS}))"""
_STAGE = f"""CASE
    WHEN r.risk IS NOT NULL THEN '{MoneyStage.AT_RISK}'
    WHEN j.payment_status = '{PaymentStatus.CAPTURE_PENDING}' THEN '{MoneyStage.CAPTURE_PENDING}'
    WHEN j.payment_status IN ({_TAKEN}) AND j.prepaid AND j.status IN ({_LIVE}) THEN '{MoneyStage.PREPAID}'
    WHEN j.payment_status IN ({_TAKEN}) AND {_PAID_OUT} THEN '{MoneyStage.PAID}'
    WHEN j.payment_status IN ({_TAKEN}) THEN '{MoneyStage.CAPTURED}'
    WHEN j.status NOT IN ({_LIVE}, '{JobStatus.COMPLETED}')
        OR j.payment_status IN ('{PaymentStatus.RELEASED}', '{PaymentStatus.REFUNDED}') THEN '{MoneyStage.LET_GO}'
    WHEN j.payment_status = '{PaymentStatus.AUTHORIZED}' THEN '{MoneyStage.HELD}'
    ELSE '{MoneyStage.TO_HOLD}' END"""


def _write(stamp: Any, args: Any) -> str:
    day = f"coalesce({args.bind('day', 'date')}, (now.at AT TIME ZONE now.zone)::date)" if args.given("day") else (
        "(now.at AT TIME ZONE now.zone)::date"
    )  # fmt: skip
    return f"""(WITH now AS MATERIALIZED (
            SELECT m.tenant_id, m.id, m.name, m.zone, {stamp.now} AS at,
                EXISTS (SELECT FROM provider_account a WHERE a.tenant_id = m.tenant_id) AS takes_cards,
                EXISTS (SELECT FROM price_book b WHERE b.tenant_id = m.tenant_id) AS has_prices,
                coalesce((SELECT t.settings -> 'pay' ->> 'currency' FROM tenant t
                    WHERE t.tenant_id = m.tenant_id), 'usd') AS currency
            FROM market m WHERE m.tenant_id = {stamp.tenant_id} AND m.id = {args.id("market_id", "Market")}),
        day AS MATERIALIZED (SELECT now.*, {day} AS day FROM now),
        clean AS MATERIALIZED (
            SELECT j.id, j.starts_at, j.status AS job_status, j.payment_status, p.id AS payment_id, p.capture_before,
                p.decline ->> 'words' AS declined, p.next_attempt_at IS NOT NULL AS is_asked_again, r.risk,
                {_STAGE} AS stage, u.name AS customer_name, h.name AS property_name,
                CASE WHEN p.captured_cents > 0 THEN p.captured_cents
                    ELSE coalesce(p.amount_cents, j.price_cents) END AS cents
            FROM day now
            JOIN job j ON j.tenant_id = now.tenant_id AND j.market_id = now.id
                AND j.starts_at >= now.day::timestamp AT TIME ZONE now.zone
                AND j.starts_at < (now.day + 1)::timestamp AT TIME ZONE now.zone
            JOIN property h ON h.tenant_id = j.tenant_id AND h.id = j.property_id
            JOIN customer u ON u.tenant_id = j.tenant_id AND u.id = j.customer_id
            LEFT JOIN payment p ON p.tenant_id = j.tenant_id AND p.job_id = j.id AND p.is_current
                AND p.kind IN ({_any(CLEAN_KINDS)})
            CROSS JOIN LATERAL (SELECT {_RISK} AS risk OFFSET 0) r
            WHERE j.status <> '{JobStatus.CANCELED}' OR p.id IS NOT NULL),
        held AS MATERIALIZED (
            SELECT o.id, o.job_id, o.cleaner_id, o.amount_cents, o.hold_reason, o.hold_note, o.due_at, o.created_at
            FROM day now JOIN payout o ON o.tenant_id = now.tenant_id AND o.status = '{PayoutStatus.HELD}'
            JOIN job j ON j.tenant_id = o.tenant_id AND j.id = o.job_id AND j.market_id = now.id)
        SELECT json_build_object('market_id', now.id, 'market_name', now.name, 'zone', now.zone, 'day', now.day,
            'currency', now.currency, 'takes_cards', now.takes_cards,
            'totals', (SELECT coalesce(json_agg(json_build_array(s.stage, s.many, s.cents)), '[]') FROM (
                SELECT c.stage, count(*) AS many, coalesce(sum(c.cents), 0)::bigint AS cents FROM clean c
                GROUP BY c.stage) s),
            'jobs', (SELECT coalesce(json_agg(c ORDER BY c.risk IS NULL, c.starts_at, c.id), '[]') FROM (
                SELECT * FROM clean c ORDER BY c.risk IS NULL, c.starts_at, c.id LIMIT {MOST_JOBS}) c),
            'held_count', (SELECT count(*) FROM held),
            'held_cents', (SELECT coalesce(sum(o.amount_cents), 0)::bigint FROM held o),
            'held', (SELECT coalesce(json_agg(o ORDER BY o.created_at, o.id), '[]') FROM (
                SELECT o.*, w.name AS cleaner_name FROM held o JOIN cleaner w ON w.tenant_id = now.tenant_id
                    AND w.id = o.cleaner_id ORDER BY o.created_at, o.id LIMIT {MOST_HELD}) o))
        FROM day now)"""


def money_today(found: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The day with words to its risks and holds; null where there is no such market for who asks."""
    if found is None:
        return None
    totals = {stage: (many, cents) for stage, many, cents in found["totals"]}
    steps = [(stage, *totals.get(stage.value, (0, 0))) for stage in MoneyStage]
    return {
        **found,
        "market_id": encode_id("Market", found["market_id"]),
        "day": date.fromisoformat(found["day"]),
        "stages": [{"stage": stage, "count": many, "cents": cents} for stage, many, cents in steps],
        "jobs": [_job(row) for row in found["jobs"]],
        "held_payouts": [_held(row) for row in found["held"]],
    }


def _job(row: Mapping[str, Any]) -> Mapping[str, Any]:
    words = RISK_WORDS[MoneyRisk(row["risk"])] if row["risk"] else None
    is_declined = row["risk"] == MoneyRisk.DECLINED
    said = _of_customer(row["declined"]) if is_declined else None
    todo = NO_MORE if is_declined and not row["is_asked_again"] else None
    return {
        **row,
        "job_id": encode_id("Job", row["id"]),
        "payment_id": encode_id("Payment", row["payment_id"]) if row["payment_id"] else None,
        "starts_at": datetime.fromisoformat(row["starts_at"]),
        "capture_before": _instant(row["capture_before"]),
        "why": said or (words.why if words else None),
        "what_to_do": todo or (words.what_to_do if words else None),
    }


def _of_customer(words: str | None) -> str | None:
    """What the customer was told, as somebody else reads it."""
    return words and words.replace("Your ", "The customer's ", 1)


def _held(row: Mapping[str, Any]) -> Mapping[str, Any]:
    words = HOLD_WORDS[HoldReason(row["hold_reason"])]
    return {
        **row,
        "payout_id": encode_id("Payout", row["id"]),
        "job_id": encode_id("Job", row["job_id"]),
        "cleaner_id": encode_id("Cleaner", row["cleaner_id"]),
        "due_at": datetime.fromisoformat(row["due_at"]),
        "why": words.why,
        "what_to_do": what_to_do(row["hold_reason"], row["hold_note"]),
        "heals_itself": words.heals_itself,
    }


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


MONEY_TODAY = computed(money_today, found=sql(_write, dict)).only(*ADMINS)
"""A market's day."""
