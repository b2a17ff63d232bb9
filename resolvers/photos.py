"""Photos: where their fields come from, their signed addresses, and their mutations (R125, A18)."""

from datetime import datetime
from uuid import UUID

from domain.fieldwork.photos import Keys, PhotoStatus
from gateways.images import COPY_TYPE
from gateways.links import FilePermit, UploadPermit
from models import cleaner, job, photo, visit
from resolvers.common import OFFICE
from resolvers.engine.sources import column, computed, many, one, sql
from resolvers.expose import expose
from resolvers.lent import Lent
from resolvers.registry import registry
from schema.types.photos import Photo
from services.fieldwork import photos as commands

PHOTOS = many(photo, via="job_id")
"""The photos of a job."""

_SHA256 = sql(lambda row: f"encode({row.sha256}, 'hex')", str)


def upload_url(
    tenant_id: UUID,
    job_id: UUID,
    id: UUID,
    status: str,
    content_type: str,
    size_bytes: int,
    digest: str,
    expires_at: datetime,
    now: datetime,
    lent: Lent,
) -> str | None:
    """Where exactly the announced bytes may be put, once, until the photo expires."""
    if status != PhotoStatus.REQUESTED or now >= expires_at:
        return None
    keys = Keys(tenant_id, job_id, id)
    permit = UploadPermit(keys.incoming, keys.original, content_type, size_bytes, digest)
    return lent.links.upload(permit, expires_at - now)


def url(tenant_id: UUID, job_id: UUID, id: UUID, status: str, lent: Lent) -> str | None:
    """Where the copy that people are shown may be had."""
    return _file(Keys(tenant_id, job_id, id).served, f"{id}.jpg", status, lent)


def thumbnail_url(tenant_id: UUID, job_id: UUID, id: UUID, status: str, lent: Lent) -> str | None:
    """Where the small copy may be had."""
    return _file(Keys(tenant_id, job_id, id).thumb, f"{id}-small.jpg", status, lent)


def _file(key: str, name: str, status: str, lent: Lent) -> str | None:
    if status != PhotoStatus.STORED:
        return None
    return lent.links.file(FilePermit(key, COPY_TYPE, name))


registry.sources(
    Photo,
    photo,
    job=one(job, on="job_id"),
    visit=one(visit, on="visit_id"),
    cleaner=one(cleaner, on="cleaner_id"),
    sha256=_SHA256,
    flags=column().only(*OFFICE, own="cleaner_id"),
    claims=column().only(*OFFICE, own="cleaner_id"),
    upload_url=computed(upload_url, digest=_SHA256).only(own="cleaner_id"),
    url=computed(url),
    thumbnail_url=computed(thumbnail_url),
)

MUTATIONS = {
    "request_photo": expose(commands.request_photo, Photo),
    "confirm_photo": expose(commands.confirm_photo, Photo),
}
