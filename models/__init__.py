"""Tables, constraints and row-level policies, side by side, by area."""

from models.availability import availability, availability_submission
from models.base import metadata, walls
from models.booking import service
from models.customers import customer, property  # noqa: A004 (the trade's word)
from models.fieldwork import (
    access_code,
    access_code_view,
    checklist_item,
    checklist_template,
    evidence,
    evidence_entry,
    live_location,
    no_show,
    photo,
    reliability,
    subject_key,
    track_batch,
    visit,
)
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
from models.onboarding import cleaner_profile, legal_document, payout_account, signed_document
from models.scheduling import assignment, job
from models.spine import audit, duty_run, event, mutation_receipt, task, tenant_head, worker
from models.swaps import standing_bid, swap, swap_ask, swap_want

__all__ = [
    "access_code",
    "access_code_view",
    "assignment",
    "audit",
    "availability",
    "availability_submission",
    "checklist_item",
    "checklist_template",
    "cleaner",
    "cleaner_market",
    "cleaner_profile",
    "cleaner_skill",
    "credential",
    "customer",
    "duty_run",
    "event",
    "evidence",
    "evidence_entry",
    "job",
    "legal_document",
    "live_location",
    "mailed_link",
    "market",
    "metadata",
    "mutation_receipt",
    "no_show",
    "notification",
    "payout_account",
    "photo",
    "property",
    "refresh_token",
    "reliability",
    "service",
    "session",
    "sign_in_source",
    "signed_document",
    "staff",
    "standing_bid",
    "subject_key",
    "swap",
    "swap_ask",
    "swap_want",
    "task",
    "tenant",
    "tenant_head",
    "track_batch",
    "visit",
    "walls",
    "worker",
]
