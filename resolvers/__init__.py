"""Where each field's value comes from, and the line that exposes each command: one file an area."""

import strawberry

from resolvers import (
    audit,
    availability,
    billing,
    booking,
    codes,
    customers,
    drafts,
    fieldwork,
    identity,
    importing,
    invoices,
    ledger,
    live_jobs,
    live_money,
    money_today,
    notifications,
    onboarding,
    ops,
    payments,
    payouts,
    photos,
    plans,
    prices,
    quotes,
    refunds,
    scheduling,
    sign_in,
    swaps,
    tracks,
)
from resolvers.engine.sources import same
from resolvers.events import EVENTS
from resolvers.ops import OPS, TASKS
from resolvers.registry import registry
from resolvers.verification import VERIFY_EVIDENCE
from schema.types.described import described
from schema.types.query import Reads

AREAS = (
    sign_in.MUTATIONS,
    identity.MUTATIONS,
    onboarding.MUTATIONS,
    customers.MUTATIONS,
    importing.MUTATIONS,
    booking.MUTATIONS,
    prices.MUTATIONS,
    drafts.MUTATIONS,
    quotes.MUTATIONS,
    plans.MUTATIONS,
    scheduling.MUTATIONS,
    fieldwork.MUTATIONS,
    tracks.MUTATIONS,
    codes.MUTATIONS,
    photos.MUTATIONS,
    availability.MUTATIONS,
    swaps.MUTATIONS,
    billing.MUTATIONS,
    payments.MUTATIONS,
    payouts.MUTATIONS,
    refunds.MUTATIONS,
    invoices.MUTATIONS,
    ops.MUTATIONS,
)
"""The mutations of each area, by name."""


@described
@strawberry.type(description="Everything that can be read: only what the credential's tenant and role may see.")
class Query(Reads):
    """The compiled reads; the event log, whose cursors are signed; and the control room, which looks across tenants."""

    price = prices.PRICE
    booking_form = drafts.BOOKING_FORM
    events = EVENTS
    ops = OPS
    plans = billing.PLANS_FIELD
    verify_evidence = VERIFY_EVIDENCE
    tasks = TASKS


registry.sources(
    Query,
    None,
    viewer=same(),
    prices=prices.PRICES,
    availability_window=availability.WINDOW,
    failed_tasks=audit.FAILED_TASKS,
    statement=payouts.STATEMENT,
    held_today=payments.HELD_TODAY,
    at_risk_jobs=payments.AT_RISK_JOBS,
    money_today=money_today.MONEY_TODAY,
    job_money=ledger.JOB_MONEY,
    ledger_balances=ledger.LEDGER_BALANCES,
    automation_rate=ledger.AUTOMATION_RATE,
    legal_documents=onboarding.LEGAL_DOCUMENTS,
    tenant_subscription=billing.TENANT_SUBSCRIPTION,
    provider_account=billing.PROVIDER_ACCOUNT,
)

__all__ = ["AREAS", "Query", "live_jobs", "live_money", "notifications", "registry"]
