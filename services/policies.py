"""A business's own numbers, defaults filled in (R259)."""

from sqlalchemy import select

from db.tx import Tx
from domain.policy import TenantPolicy
from models import tenant


async def tenant_policy(tx: Tx) -> TenantPolicy:
    """The tenant's own numbers, defaults filled in."""
    return TenantPolicy.from_json(await tx.scalar(select(tenant.c.settings).where(tx.own(tenant))))
