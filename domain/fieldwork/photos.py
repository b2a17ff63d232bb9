"""Photos as evidence: their life from announcement to storage, and what may be uploaded (R107, R109, R125, A18)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.errors import IllegalTransition, Invalid
from domain.fieldwork.phases import AT_WORK, VisitPhase
from domain.fieldwork.requirements import PhotoStage
from domain.geo import Position, distance_metres

CONTENT_TYPES = ("image/jpeg", "image/png", "image/webp")
MOST_BYTES = 10 * 1024 * 1024
MOST_PIXELS = 40_000_000
MOST_A_VISIT = 200
"""Photos that one visit may announce, those that never came included."""
UPLOAD_LASTS = timedelta(minutes=10)
MOST_ZONE_CHARACTERS = 40
SIMILAR_BITS = 4
"""Two pictures whose perceptual hashes differ in so few of their 64 bits show the same."""
PLAIN_BITS = 6
"""A hash with fewer ones, or fewer zeros, is that of a bare wall: it says nothing about sameness."""
FAR_IN_TIME = timedelta(hours=1)
FAR_METRES = 1_000


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
    # A confirmation may be lost: then the sweep decides about what came without one.
    PhotoStatus.REQUESTED: frozenset(PhotoStatus) - {PhotoStatus.REQUESTED},
    PhotoStatus.UPLOADED: frozenset({PhotoStatus.STORED, PhotoStatus.REJECTED, PhotoStatus.EXPIRED}),
    PhotoStatus.STORED: frozenset(),
    PhotoStatus.REJECTED: frozenset(),
    PhotoStatus.EXPIRED: frozenset(),
}
AWAITED = (PhotoStatus.REQUESTED, PhotoStatus.UPLOADED)
"""States of a photo about which nothing is decided yet."""


class PhotoRefusal(StrEnum):
    """Why a photo was refused after a look at it."""

    SIZE_MISMATCH = "SIZE_MISMATCH"
    """It is longer or shorter than announced."""
    HASH_MISMATCH = "HASH_MISMATCH"
    """Its bytes are not the announced ones."""
    NOT_AN_IMAGE = "NOT_AN_IMAGE"
    """No image, whatever it calls itself."""
    TYPE_MISMATCH = "TYPE_MISMATCH"
    """An image of another type than announced."""
    TOO_MANY_PIXELS = "TOO_MANY_PIXELS"
    """More than 40 megapixels."""
    TRUNCATED = "TRUNCATED"
    """It ends early, or is damaged."""
    POLYGLOT = "POLYGLOT"
    """An image that is a document or an archive as well."""
    UNREADABLE = "UNREADABLE"
    """It could not be read within the bounds of time and memory."""
    DUPLICATE = "DUPLICATE"
    """The same file shows the same job and stage already."""


class PhotoFlag(StrEnum):
    """What is odd about a photo that is kept all the same; the office sees it."""

    LATE = "LATE"
    """Announced after its cleaner had checked out, or long after it was taken."""
    REUSED = "REUSED"
    """The same file shows another job or stage, or it looks like a photo of another job or of its own stage."""
    EXIF_TIME_FAR = "EXIF_TIME_FAR"
    """The file claims to have been taken at another time than the device told."""
    EXIF_PLACE_FAR = "EXIF_PLACE_FAR"
    """The file claims to have been taken far from the home."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a device says it will upload. Raises `Invalid` for what is never taken."""

    content_type: str
    size_bytes: int
    sha256: bytes

    def __post_init__(self) -> None:
        if self.content_type in {"image/heic", "image/heif"}:
            raise Invalid("HEIC is not read here: send the photo as JPEG.", field=("contentType",))
        if self.content_type not in CONTENT_TYPES:
            raise Invalid(f"The type must be one of {', '.join(CONTENT_TYPES)}.", field=("contentType",))
        if not 1 <= self.size_bytes <= MOST_BYTES:
            raise Invalid(f"A photo has 1 to {MOST_BYTES} bytes.", field=("sizeBytes",))
        if len(self.sha256) != 32:
            raise Invalid("This must be a SHA-256 as 64 hexadecimal digits.", field=("sha256",))

    @classmethod
    def told(cls, content_type: str, size_bytes: int, sha256: str) -> "Announcement":
        """From a device's words."""
        is_hex = len(sha256) == 64 and sha256.isascii() and sha256.isalnum()
        try:
            digest = bytes.fromhex(sha256) if is_hex else b""
        except ValueError:
            digest = b""
        return cls(content_type.strip().lower(), size_bytes, digest)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at an image found; `look` is its perceptual hash, signed as PostgreSQL keeps it."""

    width: int
    height: int
    look: int
    claims: Mapping[str, Any] = field(default_factory=dict)
    """What its EXIF says: takenAt, offset, latitude, longitude, make, model, software; each only if it says so."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Where the bytes of one photo lie in the object store."""

    tenant: UUID
    job: UUID
    photo: UUID

    @property
    def incoming(self) -> str:
        """What was uploaded and nobody has looked at."""
        return f"incoming/{self._folder}"

    @property
    def original(self) -> str:
        """The very bytes that were checked; written once."""
        return f"{self._folder}/original"

    @property
    def served(self) -> str:
        """The copy that people are shown: encoded anew, without EXIF."""
        return f"{self._folder}/served"

    @property
    def thumb(self) -> str:
        """A small copy."""
        return f"{self._folder}/thumb"

    @property
    def all(self) -> tuple[str, ...]:
        """Every key of the photo."""
        return self.incoming, self.original, self.served, self.thumb

    @property
    def _folder(self) -> str:
        return f"{self.tenant}/{self.job}/{self.photo}"


def ensure_may_take(stage: PhotoStage, phase: VisitPhase, *, checked_in: bool) -> bool:
    """Whether a photo of this stage comes late. Raises `IllegalTransition` unless the visit's phase allows it (R104).

    Late is after the check-out; whether the job is proven by then, whoever asks must see to.
    """
    fits = {
        PhotoStage.BEFORE: phase is VisitPhase.ARRIVAL and checked_in,
        PhotoStage.ACCESS: phase is VisitPhase.ARRIVAL,
        PhotoStage.AFTER: phase in AT_WORK or phase is VisitPhase.DONE,
    }
    if not fits[stage]:
        raise IllegalTransition(_WHEN[stage], details={"phase": phase.value, "stage": stage.value})
    return phase is VisitPhase.DONE


_WHEN = {
    PhotoStage.BEFORE: "Before photos are taken between the check-in and the start of the work.",
    PhotoStage.ACCESS: "Photos of a barred way are taken on arrival, before the work starts.",
    PhotoStage.AFTER: "After photos are taken once the work has started.",
}


def looks_alike(one: int, other: int) -> bool:
    """Whether two perceptual hashes are of the same picture."""
    return not is_plain(one) and _ones(one ^ other) <= SIMILAR_BITS


def is_plain(look: int) -> bool:
    """Whether a hash says too little to compare by."""
    return not PLAIN_BITS <= _ones(look) <= 64 - PLAIN_BITS


def _ones(number: int) -> int:
    return (number & (2**64 - 1)).bit_count()


@dataclass(frozen=True, slots=True)
class Expected:
    """When and where a photo should have been taken; a local time in the EXIF is read by the home's own clock."""

    at: datetime
    zone: ZoneInfo
    place: Position


def odd_claims(claims: Mapping[str, Any], expected: Expected) -> tuple[PhotoFlag, ...]:
    """What of a file's own claims does not fit; a file that claims nothing is not odd."""
    odd = []
    taken = taken_at(claims, expected.zone)
    if taken is not None and abs(taken - expected.at) > FAR_IN_TIME:
        odd.append(PhotoFlag.EXIF_TIME_FAR)
    if "latitude" in claims and "longitude" in claims:
        place = Position(claims["latitude"], claims["longitude"])
        if distance_metres(place, expected.place) > FAR_METRES:
            odd.append(PhotoFlag.EXIF_PLACE_FAR)
    return tuple(odd)


def taken_at(claims: Mapping[str, Any], zone: ZoneInfo) -> datetime | None:
    """When the file claims to have been taken; None where it says nothing that makes sense."""
    if "takenAt" not in claims:
        return None
    try:
        local = datetime.fromisoformat(f"{claims['takenAt']}{claims.get('offset', '')}")
    except ValueError:
        return None
    return local if local.tzinfo is not None else local.replace(tzinfo=zone)
