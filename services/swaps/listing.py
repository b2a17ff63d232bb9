"""Putting a shift on the market: what cleaners' offers and the office's covers share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select

from db.tx import Tx
from domain.ids import AssignmentId, SwapId
from domain.policy import TenantPolicy
from domain.scheduling import AssignmentRole
from domain.swaps import (
    SwapKind,
    SwapOpener,
    SwapStatus,
    expiry_of,
    late_offer_earns_bonus,
)
from models import assignment, job, swap, swap_want


@dataclass(frozen=True, slots=True)
class Listing:
    """A shift that is about to be listed: `shift` has its job's columns, its owner and assignment if it has them."""

    shift: Row[Any]
    role: AssignmentRole
    opened_by: SwapOpener
    note: str
    assignment_id: UUID | None = None
    owner_id: UUID | None = None
    wants: tuple[AssignmentId, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)


def expiry(listing: Listing, policy: TenantPolicy) -> datetime:
    """When the listing would end by itself (A27)."""
    shift = listing.shift
    return expiry_of(shift.starts_at, shift.ends_at, policy.swaps.cleaner_lead, listing.opened_by)


async def list_shift(tx: Tx, listing: Listing, policy: TenantPolicy) -> SwapId:
    """Insert the swap with what follows from it later; its event is the caller's, once all is checked again."""
    expires_at = expiry(listing, policy)
    draws_at = _draws_at(tx, listing, policy, expires_at)
    shift = listing.shift
    made = SwapId(
        await tx.insert(
            swap,
            kind=SwapKind.TRADE if listing.wants else SwapKind.COVER,
            status=SwapStatus.PENDING,
            job_id=shift.job_id,
            assignment_id=listing.assignment_id,
            market_id=shift.market_id,
            role=listing.role,
            owner_id=listing.owner_id,
            opened_by=listing.opened_by,
            note=listing.note,
            urgent_bonus=late_offer_earns_bonus(listing.opened_by, shift.starts_at, tx.now, policy),
            opened_at=tx.now,
            draws_at=draws_at,
            expires_at=expires_at,
        )
    )
    await tx.insert_all(swap_want, [{"swap_id": made, "assignment_id": want} for want in listing.wants])
    tx.later("expire_swap", {"swap_id": str(made)}, run_at=expires_at)
    if draws_at is not None or (policy.swaps.standing_bids and not listing.wants):
        tx.later("draw_swap", {"swap_id": str(made)}, run_at=draws_at)
    return made


def _draws_at(tx: Tx, listing: Listing, policy: TenantPolicy, expires_at: datetime) -> datetime | None:
    """When it is drawn; None where there is no draw or no time for one, and for a TRADE, which names its takers."""
    drawn = tx.now + policy.swaps.draw_wait
    return None if listing.wants or not policy.swaps.draw_minutes or drawn >= expires_at else drawn


async def live_shift(tx: Tx, which: ColumnElement[bool]) -> Row[Any] | None:
    """The live assignment for which this holds, with what its job says: `status`, `market_id`, `is_urgent`."""
    return await tx.one(
        select(assignment, job.c.status, job.c.market_id, job.c.is_urgent)
        .join(job, (job.c.tenant_id == assignment.c.tenant_id) & (job.c.id == assignment.c.job_id))
        .where(tx.own(assignment), which, assignment.c.released_at.is_(None))
    )
