"""Refunds and disputes: where their fields come from, and their mutations."""

from models import dispute, refund, staff
from resolvers.common import ADMINS
from resolvers.engine.sources import column, one, sql
from resolvers.expose import expose
from resolvers.registry import registry
from schema.types.disputes import Dispute
from schema.types.refunds import Refund
from services.payments import disputes, refunds

registry.sources(
    Refund,
    refund,
    reason=column().only(*ADMINS),
    bearer=column().only(*ADMINS),
    from_reserve_cents=column().only(*ADMINS),
    from_business_cents=column().only(*ADMINS),
    from_cleaners_cents=column().only(*ADMINS),
    requested_by=one(staff, on="requested_by"),
    approved_by=one(staff, on="approved_by"),
    provider_id=column().only(*ADMINS),
    failure_code=sql(lambda row: f"{row.failure} ->> 'code'").only(*ADMINS),
)
registry.sources(Dispute, dispute)

MUTATIONS = {
    "refund_payment": expose(refunds.refund_payment, Refund),
    "approve_refund": expose(refunds.approve_refund, Refund),
    "decline_refund": expose(refunds.decline_refund, Refund),
    "answer_dispute": expose(disputes.answer_dispute, Dispute),
}
