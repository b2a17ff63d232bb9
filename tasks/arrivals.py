"""Tasks about who comes: the watch over arrivals and its alerts (A46), who saw access codes (R28), positions (R117)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.fieldwork.arrivals import ArrivalStep
from domain.ids import JobId, MarketId
from services.fieldwork.alerts import NotifyAbsence, NotifyAccessCode, notify_absence, notify_access_code
from services.fieldwork.arrivals import FindAbsences, NoteAbsence, find_absences, note_absence
from services.fieldwork.tracks import ForgetLocations, forget_locations
from tasks.context import TaskContext

POSITIONS_KEPT = timedelta(hours=1)
"""How long the log of events still tells where somebody was."""

# What is left says that somebody moved, and not where: the role `ops` may do no more than this.
_SCRUB = """
update event set payload = '{"card": {}, "people": []}' where tenant_id = $1 and at < $2"""


async def watch(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """See who has not come in a market: alert, look for somebody else, count as missed (A46)."""
    for job_id in await context.run(find_absences, FindAbsences(MarketId(UUID(payload["market_id"])))):
        await context.run(note_absence, NoteAbsence(job_id))


async def tell_absence(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell the office and whoever should be there."""
    wish = NotifyAbsence(JobId(UUID(payload["job_id"])), ArrivalStep(payload["step"]), payload["at"])
    await context.run(notify_absence, wish)


async def tell_access_code(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell whoever was shown a home's access code."""
    await context.run(notify_access_code, NotifyAccessCode(UUID(payload["view_id"])))


async def scrub(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Forget where people were: in the log after an hour, and of visits that have ended without saying so."""
    await context.tools.ops.execute(_SCRUB, tenant, context.now - POSITIONS_KEPT)
    await context.run(forget_locations, ForgetLocations())
