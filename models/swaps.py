"""The swap market: shifts that are looking for somebody else (R94 to R103)."""

from sqlalchemy import Column, Index, Text, text

from domain.scheduling import AssignmentRole
from domain.swaps import SwapKind, SwapStatus
from models.base import (
    ACTOR,
    APP,
    CLEANER,
    DEFINER,
    OFFICE,
    Grant,
    Policy,
    at,
    belongs_to,
    one_of,
    protect,
    ref,
    tenant_table,
    version,
)

# The policies read only this row and the reader's own markets: a swap carries its market, owner and taker,
# so that jobs and homes can ask about swaps without PostgreSQL going round in circles.
_IN_OWN_MARKET = f"""exists (select from cleaner_market own where own.tenant_id = swap.tenant_id
    and own.market_id = swap.market_id and own.cleaner_id = {ACTOR})"""

swap = protect(
    tenant_table(
        "swap",
        Column("kind", Text, nullable=False),
        Column("status", Text, nullable=False),
        ref("job_id"),
        ref("assignment_id"),
        ref("market_id"),
        ref("owner_id"),
        ref("taker_id", nullable=True),
        Column("role", Text, nullable=False, comment="What the taker will be on the job: the assignment's role."),
        Column("note", Text, nullable=False, server_default=text("''")),
        at("opened_at"),
        at("expires_at"),
        at("closed_at", nullable=True),
        version(),
        belongs_to("job_id", "job"),
        belongs_to("assignment_id", "assignment"),
        belongs_to("market_id", "market"),
        belongs_to("owner_id", "cleaner"),
        belongs_to("taker_id", "cleaner"),
        one_of("role", AssignmentRole),
        one_of("kind", SwapKind),
        one_of("status", SwapStatus),
        Index(
            "swap_once_pending",
            "tenant_id",
            "assignment_id",
            unique=True,
            postgresql_where=text("status in ('PENDING', 'AWAITING_APPROVAL')"),
        ),
        Index("swap_market_feed", "tenant_id", "market_id", "status", "expires_at", "id"),
        Index("swap_by_opened", "tenant_id", "opened_at", "id"),
        Index("swap_by_job", "tenant_id", "job_id"),
        Index("swap_by_owner", "tenant_id", "owner_id", "opened_at", "id"),
        Index("swap_by_taker", "tenant_id", "taker_id", "opened_at", "id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("parties", "SELECT", f"{CLEANER} and (owner_id = {ACTOR} or taker_id = {ACTOR})"),
    Policy("market", "SELECT", f"{CLEANER} and status = 'PENDING' and {_IN_OWN_MARKET}"),
    Policy("offer", "INSERT", f"{CLEANER} and owner_id = {ACTOR} and taker_id is null and status = 'PENDING'"),
    Policy(
        "withdraw",
        "UPDATE",
        f"{CLEANER} and owner_id = {ACTOR} and status = 'PENDING'",
        check=f"{CLEANER} and owner_id = {ACTOR} and status = 'WITHDRAWN' and taker_id is null",
    ),
    Policy(
        "accept",
        "UPDATE",
        f"{CLEANER} and status = 'PENDING' and taker_id is null and {_IN_OWN_MARKET}",
        check=f"{CLEANER} and status = 'ACCEPTED' and taker_id = {ACTOR}",
    ),
    Policy("handed_over", "SELECT", "true", to=DEFINER),
    # What a swap is about stays what it was: a policy cannot compare a row with what it was before.
    grants=(Grant(APP, "SELECT, INSERT, UPDATE (status, taker_id, closed_at, expires_at, version, note), DELETE"),),
)
"""One offer of a shift. Whoever changes `status` from PENDING first has won (R96)."""
