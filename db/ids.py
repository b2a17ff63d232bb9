"""New ids: UUIDv7, so that rows made together lie together."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new id, ordered by the time it was made."""
    return uuid7()
