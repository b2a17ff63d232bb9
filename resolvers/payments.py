"""Payments and saved cards: where their fields come from, their mutations, and what is at risk."""

from typing import Any
from uuid import UUID

from strawberry.types import Info

from db.runner import Call
from domain.actors import Actor, TenantId
from domain.errors import LinkInvalid, Refused, Unauthenticated
from domain.payments.holding import AFTER_START
from domain.payments.pipeline import MoneyRisk
from domain.payments.states import CLEAN_KINDS, MethodStatus, PaymentKind
from domain.scheduling import LIVE_JOB_STATES, PaymentStatus
from models import job, payment, payment_method
from resolvers.common import ADMINS
from resolvers.context import Context
from resolvers.engine.sources import column, many, one, sql
from resolvers.expose import ensure_page_back, expose, mutation
from resolvers.registry import registry
from schema.errors import UserError
from schema.inputs import input_type, to_command
from schema.types.payments import OpenPaymentPayload, Payment, PaymentByLink, PaymentMethod
from schema.types.scheduling import Job
from services.payments import captures, cards, declines, links, releases

LOOK_AHEAD = "interval '48 hours'"
"""How near a clean is that is worth a warning."""


def _any(values: Any) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


_LIVE, _CLEAN = _any(LIVE_JOB_STATES), _any(CLEAN_KINDS)


def risk(row: Any, stamp: Any) -> str:
    """Why a clean of these days may not be paid (A36, R145); null for one that may, and where no cards are taken."""
    paid = f"""SELECT FROM payment p WHERE p.tenant_id = {row.tenant_id} AND p.job_id = {row.id} AND p.is_current
        AND p.kind IN ({_CLEAN})"""
    card = f"""SELECT FROM payment_method c WHERE c.tenant_id = {row.tenant_id} AND c.customer_id = {row.customer_id}
        AND c.is_default AND c.status = '{MethodStatus.ACTIVE}'"""
    return f"""CASE
        WHEN {row.prepaid} OR {row.status} NOT IN ({_LIVE}) OR {row.starts_at} > {stamp.now} + {LOOK_AHEAD} THEN NULL
        WHEN {row.payment_status} = '{PaymentStatus.FAILED}' THEN '{MoneyRisk.DECLINED}'
        WHEN {row.payment_status} = '{PaymentStatus.REQUIRES_ACTION}' THEN '{MoneyRisk.UNCONFIRMED}'
        WHEN {row.payment_status} = '{PaymentStatus.EXPIRED}' THEN '{MoneyRisk.LAPSED}'
        WHEN {row.payment_status} <> '{PaymentStatus.PENDING}' OR EXISTS ({paid}) OR NOT EXISTS (SELECT
            FROM provider_account a WHERE a.tenant_id = {row.tenant_id}) THEN NULL
        WHEN {row.price_cents} IS NULL THEN '{MoneyRisk.NO_PRICE}'
        WHEN NOT EXISTS ({card}) THEN '{MoneyRisk.NO_CARD}'
        WHEN {row.starts_at} < {stamp.now} THEN '{MoneyRisk.NOT_HELD}'
    END"""


def _at_risk(row: Any, stamp: Any) -> str:
    near = f"{row.starts_at} > {stamp.now} - interval '{AFTER_START.days} days'"
    return f"{stamp.role} IN ({_any(ADMINS)}) AND {near} AND ({risk(row, stamp)}) IS NOT NULL"


def _today(row: Any, stamp: Any) -> str:
    """Holds of cleans of their market's today."""
    return f"""{row.kind} = '{PaymentKind.HOLD}' AND {row.is_current} AND EXISTS (SELECT FROM job j
        JOIN market m ON m.tenant_id = j.tenant_id AND m.id = j.market_id
        WHERE j.tenant_id = {row.tenant_id} AND j.id = {row.job_id}
          AND (j.starts_at AT TIME ZONE m.zone)::date = ({stamp.now} AT TIME ZONE m.zone)::date)"""


AT_RISK_JOBS = many(job, where=_at_risk)
HELD_TODAY = many(payment, where=_today)
PAYMENTS = many(payment, via="job_id")
PAYMENT_RISK = sql(risk).only(*ADMINS)
METHODS = many(payment_method, via="customer_id")

# What a customer confirms is theirs alone; what the provider calls things concerns who runs the business.
registry.sources(
    Payment,
    payment,
    method=one(payment_method, on="method_id"),
    decline_words=sql(lambda row: f"{row.decline} ->> 'words'"),
    decline_code=sql(lambda row: f"coalesce({row.decline} ->> 'declineCode', {row.decline} ->> 'code')").only(*ADMINS),
    fee_cents=column().only(*ADMINS),
    capture_before=column().only(*ADMINS),
    intent_id=column().only(*ADMINS),
    charge_id=column().only(*ADMINS),
    action_url=column().only(own="customer_id"),
)
registry.sources(PaymentMethod, payment_method, action_url=column().only(own="customer_id"))


async def open_payment(info: Info[Context, None], input: Any) -> OpenPaymentPayload:
    """By the link alone: it names its business, and its signature is its proof; refusals are data."""
    wish = to_command(links.OpenPayment, input)
    context = info.context
    try:
        ensure_page_back(context, wish)
        actor = Actor.anonymous(TenantId(UUID(hex=wish.token.partition(".")[0])))
        call = Call(actor, links.open_payment, wish, request_id=context.request_id, origin=context.origin)
        shown = await context.services.runner.run(call)
    except (ValueError, Unauthenticated):
        return OpenPaymentPayload(payment=None, errors=[UserError.of(LinkInvalid(field=("token",)))])
    except Refused as refusal:
        return OpenPaymentPayload(payment=None, errors=[UserError.of(refusal)])
    return OpenPaymentPayload(payment=_shown(shown), errors=[])


def _shown(found: links.PaymentShown) -> PaymentByLink:
    return PaymentByLink(
        status=PaymentStatus(found.status),
        amount_cents=found.amount_cents,
        currency=found.currency,
        action_url=found.action_url,
        action_until=found.action_until,
    )


def _open() -> Any:
    open_payment.__annotations__["input"] = input_type(links.OpenPayment, keyed=False)
    return mutation(open_payment, "open_payment", links.open_payment.doc)


MUTATIONS = {
    "add_payment_method": expose(cards.add_payment_method, PaymentMethod),
    "remove_payment_method": expose(cards.remove_payment_method, PaymentMethod),
    "set_default_payment_method": expose(cards.set_default_payment_method, PaymentMethod),
    "open_payment": _open(),
    "confirm_payment": expose(declines.confirm_payment, Payment),
    "retry_payment": expose(declines.retry_payment, Payment),
    "release_hold": expose(releases.release_hold, Payment),
    "capture_proven": expose(captures.capture_held, Job, name="capture_proven"),
}
