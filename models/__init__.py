"""Tables, constraints and row-level policies, side by side, by area."""

from models.availability import availability, availability_submission
from models.base import metadata, walls
from models.booking import service
from models.customers import customer, property  # noqa: A004 (the trade's word)
from models.identity import (
    cleaner,
    cleaner_market,
    cleaner_skill,
    credential,
    mailed_link,
    market,
    refresh_token,
    session,
    sign_in_source,
    staff,
    tenant,
)
from models.notifications import notification
from models.scheduling import assignment, job
from models.spine import audit, duty_run, event, mutation_receipt, task, tenant_head, worker
from models.swaps import standing_bid, swap, swap_ask, swap_want

__all__ = [
    "assignment",
    "audit",
    "availability",
    "availability_submission",
    "cleaner",
    "cleaner_market",
    "cleaner_skill",
    "credential",
    "customer",
    "duty_run",
    "event",
    "job",
    "mailed_link",
    "market",
    "metadata",
    "mutation_receipt",
    "notification",
    "property",
    "refresh_token",
    "service",
    "session",
    "sign_in_source",
    "staff",
    "standing_bid",
    "swap",
    "swap_ask",
    "swap_want",
    "task",
    "tenant",
    "tenant_head",
    "walls",
    "worker",
]
