"""Photos as evidence: their life from announcement to storage, and what may be uploaded (R125, A18)."""

from collections.abc import Mapping
from enum import StrEnum


class PhotoStatus(StrEnum):
    """Where a photo stands; only a STORED one counts as evidence."""

    REQUESTED = "REQUESTED"
    """Announced; its upload is awaited."""
    UPLOADED = "UPLOADED"
    """The device says that it is there; the server checks it."""
    STORED = "STORED"
    """Checked and kept."""
    REJECTED = "REJECTED"
    """Refused after a look at it; `refusal` says why. Take another."""
    EXPIRED = "EXPIRED"
    """It never came."""


PHOTO_TRANSITIONS: Mapping[PhotoStatus, frozenset[PhotoStatus]] = {
    PhotoStatus.REQUESTED: frozenset({PhotoStatus.UPLOADED, PhotoStatus.EXPIRED}),
    PhotoStatus.UPLOADED: frozenset({PhotoStatus.STORED, PhotoStatus.REJECTED, PhotoStatus.EXPIRED}),
    PhotoStatus.STORED: frozenset(),
    PhotoStatus.REJECTED: frozenset(),
    PhotoStatus.EXPIRED: frozenset(),
}
