"""Photos as clients see them: what was announced, what was found, and short-lived addresses of the bytes."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from domain.fieldwork.photos import PhotoRefusal, PhotoStatus
from domain.fieldwork.requirements import PhotoStage
from schema.types.described import described, enumerated
from schema.types.identity import Cleaner
from schema.types.relay import Node

if TYPE_CHECKING:
    from schema.types.fieldwork import Visit
    from schema.types.scheduling import Job


@described
@strawberry.type
class Photo(Node):
    """A photo of a clean: announced, uploaded, checked by the server. A customer sees what is kept, once it is over."""

    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")]
    """The job that it shows."""
    visit: Annotated["Visit", strawberry.lazy("schema.types.fieldwork")] | None
    """The visit in which it was announced; null for who may not see it."""
    cleaner: Cleaner | None
    """Who took it; null for who may not know."""
    stage: PhotoStage
    """What it shows."""
    zone: str
    """Of which room, as the evidence names its zones."""
    status: PhotoStatus
    """Where it stands; only a STORED one counts."""
    refusal: PhotoRefusal | None
    """Why it was refused; null unless REJECTED."""
    content_type: str
    """What its bytes are, as announced."""
    size_bytes: int
    """How many there are, as announced."""
    sha256: str
    """Their SHA-256 in hexadecimal, as announced; of a STORED photo the server has found the same."""
    width: int | None
    """In pixels, as one looks at it; null unless STORED."""
    height: int | None
    """In pixels, as one looks at it; null unless STORED."""
    flags: list[str] | None
    """What is odd about it although it is kept, as REUSED or LATE; for the office and for who took it."""
    claims: JSON | None
    """What its EXIF says of time, place and camera, which anybody can write; for the office and for who took it."""
    captured_at: datetime | None
    """When it was taken, by the device's clock."""
    requested_at: datetime
    """When it was announced."""
    expires_at: datetime
    """Until when it can be uploaded."""
    uploaded_at: datetime | None
    """When the device said that it is there."""
    stored_at: datetime | None
    """When the server had checked it."""
    upload_url: str | None
    """Where its bytes are to be PUT, with the announced content type; null unless REQUESTED and yours. Relative to this
    server's address if it begins with a slash."""
    url: str | None
    """A copy without EXIF, as JPEG, for ten minutes; null unless STORED. Relative if it begins with a slash."""
    thumbnail_url: str | None
    """A small copy, at most 400 pixels wide and high; as `url`."""
    version: int
    """Counts changes."""


@described
@strawberry.input
class PhotoFilter:
    """Which photos."""

    stage: list[PhotoStage] | None = None
    """Only those of one of these stages."""
    zone: list[str] | None = None
    """Only those of one of these zones."""
    status: list[PhotoStatus] | None = None
    """Only those in one of these states."""


@enumerated
class PhotoOrder(Enum):
    """The order of photos."""

    REQUESTED_AT_ASC = "requested_at asc"
    """In the order in which they were announced."""
    REQUESTED_AT_DESC = "requested_at desc"
    """The newest first."""
