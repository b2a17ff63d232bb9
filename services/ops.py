"""What the platform's own people do, kept in the platform tenant's audit log (A4)."""

from dataclasses import dataclass
from uuid import UUID

from db.command import command
from db.tx import Tx
from domain.actors import Role


@dataclass(frozen=True, slots=True)
class NoteOpsAction:
    """An intervention by ops in some tenant's work."""

    action: str
    """The name of what ops did: retry_task, run_duty_now."""
    subject: str
    """The kind of the thing it was done to, and below its id and tenant."""
    subject_id: UUID
    tenant_id: UUID
    detail: str = ""
    """What else identifies it, without any of the tenant's business."""


@dataclass(frozen=True, slots=True)
class ProveOps:
    """Nothing is wanted but the proof."""


@command(Role.OPS)
async def prove_ops(tx: Tx, input: ProveOps) -> UUID:
    """Show that the acting ops user's session still holds: the ops pool itself is stamped with nobody."""
    return tx.actor.person


@command(Role.OPS)
async def note_ops_action(tx: Tx, input: NoteOpsAction) -> UUID:
    """Write an intervention into the platform's audit log; it is written before the intervention itself is made."""
    detail = {"action": input.action, "tenantId": str(input.tenant_id), "detail": input.detail}
    tx.audit(input.subject, input.subject_id, detail=detail)
    return input.subject_id
