"""Checklists: templates by home and service, and the copy that each job gets (R108, R110, R116)."""

from typing import Any

from sqlalchemy import Row, or_, select

from db.tx import Tx
from domain.fieldwork.checklists import Item, default_items
from domain.fieldwork.requirements import Size
from domain.scheduling import Laundry
from models import checklist_item, checklist_template
from models import property as home


async def copy_checklist(tx: Tx, job_row: Row[Any]) -> list[dict[str, Any]]:
    """Give the job its checklist: of its home and service, or of either, or of all jobs, or the one for its size.

    As the system: whoever works through a list may not write one.
    """
    items = await _items_for(tx, job_row)
    rows = [
        {"place": place, "zone": item.zone, "label": item.label, "required": item.required}
        for place, item in enumerate(items, start=1)
    ]
    for row in rows:
        await tx.insert(checklist_item, job_id=job_row.id, customer_id=job_row.customer_id, **row)
    return rows


async def _items_for(tx: Tx, job_row: Row[Any]) -> tuple[Item, ...]:
    columns = checklist_template.c
    fitting = (
        select(columns["items"])
        .where(
            tx.own(checklist_template),
            columns.archived_at.is_(None),
            or_(columns.property_id.is_(None), columns.property_id == job_row.property_id),
            or_(columns.service_id.is_(None), columns.service_id == job_row.service_id),
        )
        .order_by(columns.property_id.is_(None), columns.service_id.is_(None))
        .limit(1)
    )
    template = await tx.one(fitting)
    if template is not None:
        return tuple(Item(**item) for item in template[0])
    where = await tx.get(home, job_row.property_id)
    return default_items(Size(where.bedrooms, where.bathrooms, where.hot_tub, where.laundry != Laundry.NONE))
