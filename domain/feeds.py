"""The words of live feeds that clients read."""

from enum import StrEnum


class ResyncReason(StrEnum):
    """Why a feed cannot go on from the client's cursor and begins again with a snapshot."""

    EPOCH_CHANGED = "EPOCH_CHANGED"
    """The database was restored since the cursor was made."""
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    """The cursor is older than the log."""
    CURSOR_AHEAD = "CURSOR_AHEAD"
    """The cursor is ahead of the log."""
    VIEWER_CHANGED = "VIEWER_CHANGED"
    """What the viewer may see has changed since the cursor was made."""


class HandOverRole(StrEnum):
    """What the viewer is to a shift that changed hands."""

    GAVE = "GAVE"
    """The viewer offered it and is free of it."""
    TOOK = "TOOK"
    """The viewer took it and is responsible for it."""
    OFFICE = "OFFICE"
    """The viewer watches from the office."""


class JobGoneReason(StrEnum):
    """Why a job is not in a feed any more."""

    OVER = "OVER"
    """It is done, canceled, or was not to be done; it is kept, and `node` finds it (A16)."""
    RELEASED = "RELEASED"
    """The viewer is not on it any more."""
    MOVED = "MOVED"
    """It starts outside of the days that were asked for."""
