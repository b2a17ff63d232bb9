"""What the office does to people's credentials: the ends of access that staff and cleaners share."""

from typing import Any
from uuid import UUID

from sqlalchemy import update

from db.tx import Tx
from models import credential, session
from services.identity.attempts import forgiven
from services.identity.sessions import Because, end_sessions


async def change_credential(tx: Tx, person_id: UUID, **values: Any) -> bool:
    """Change what proves a person; whether there is such a credential."""
    own = update(credential).where(tx.own(credential), credential.c.person_id == person_id)
    return await tx.write(own.values(**values)) > 0


async def end_access(tx: Tx, person_id: UUID, because: Because) -> None:
    """End every session of a person at once: the stamp refuses their tokens from this commit on."""
    await end_sessions(tx, session.c.person_id == person_id, because)


async def disable(tx: Tx, person_id: UUID) -> None:
    """Bar a person for good."""
    await change_credential(tx, person_id, disabled=True)
    await end_access(tx, person_id, Because.ARCHIVED)


async def unlock(tx: Tx, entity: str, person_id: UUID) -> None:
    """Forget a person's failures and locks (A7)."""
    await change_credential(tx, person_id, **forgiven())
    tx.audit(entity, person_id)
