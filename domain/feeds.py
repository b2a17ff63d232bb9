"""The words of live feeds that clients read."""

from enum import StrEnum


class ResyncReason(StrEnum):
    """Why a feed cannot go on from the client's cursor and begins again with a snapshot."""

    EPOCH_CHANGED = "EPOCH_CHANGED"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    CURSOR_AHEAD = "CURSOR_AHEAD"
    VIEWER_CHANGED = "VIEWER_CHANGED"


class HandOverRole(StrEnum):
    """What the viewer is to a shift that changed hands."""

    GAVE = "GAVE"
    TOOK = "TOOK"
    OFFICE = "OFFICE"
