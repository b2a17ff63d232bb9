"""What identity leaves behind when it is over: sessions, links and sources that nobody will ask for again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, or_, select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from models import mailed_link, refresh_token, session, sign_in_source

KEPT = timedelta(days=30)
"""How long it is kept after its end, for whoever looks into what happened."""
PORTION = 1_000
"""How many rows of a table one transaction deletes at most."""


@dataclass(frozen=True, slots=True)
class PruneIdentity:
    """The tenant's dead sessions, links and sources."""


@command(Role.SYSTEM)
async def prune_identity(tx: Tx, input: PruneIdentity) -> bool:
    """Delete what has been over for 30 days, at most 1,000 rows a table; whether there may be more."""
    oldest = tx.now - KEPT
    dead = await _some(tx, session, session.c.id, or_(session.c.revoked_at < oldest, session.c.expires_at < oldest))
    if dead:
        await tx.write(delete(refresh_token).where(tx.own(refresh_token), refresh_token.c.session_id.in_(dead)))
        await tx.write(delete(session).where(tx.own(session), session.c.id.in_(dead)))
    links = await _some(tx, mailed_link, mailed_link.c.id, mailed_link.c.expires_at < oldest)
    if links:
        await tx.write(delete(mailed_link).where(tx.own(mailed_link), mailed_link.c.id.in_(links)))
    unseen = sign_in_source.c.seen_at < oldest
    sources = await _some(tx, sign_in_source, sign_in_source.c.source, unseen)
    if sources:
        # One that was seen meanwhile stays.
        await tx.write(
            delete(sign_in_source).where(tx.own(sign_in_source), sign_in_source.c.source.in_(sources), unseen)
        )
    return PORTION in {len(dead), len(links), len(sources)}


async def _some(tx: Tx, table: Table, key: ColumnElement[Any], over: ColumnElement[bool]) -> list[Any]:
    rows = await tx.all(select(key.label("key")).where(tx.own(table), over).order_by(key).limit(PORTION))
    return [row.key for row in rows]
