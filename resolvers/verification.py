"""`verifyEvidence`: the chain computed anew, rows compared with it, and the photos' bytes read from the store."""

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from db.runner import Call
from domain.fieldwork.chain import Problem
from domain.fieldwork.photos import Keys
from domain.fieldwork.verification import Packet, photo_bytes, verify
from domain.ids import JobId
from gateways.objects import ObjectMissing, ObjectStore
from resolvers.context import Context
from resolvers.public_error import as_public
from schema.types.described import for_clients
from schema.types.relay import decode_id
from schema.types.verification import EvidenceProblem, EvidenceReport
from services.fieldwork.verify import ReadPacket, read_packet


async def verify_evidence(info: Info[Context, None], job_id: strawberry.ID, photos: bool = True) -> EvidenceReport:
    """Check that a job's evidence still says what was written down; for whoever may see that evidence (R127, R247)."""
    context = info.context
    with as_public():
        wanted = ReadPacket(JobId(decode_id(job_id, "Job")))
        packet = await context.services.runner.run(
            Call(context.signed_in, read_packet, wanted, request_id=context.request_id)
        )
    digests = await _digests(context.services.links.store, packet) if photos else {}
    return _report(packet, (*verify(packet), *photo_bytes(packet, digests)), len(digests))


async def _digests(store: ObjectStore, packet: Packet) -> dict[UUID, bytes | None]:
    return {
        photo.id: await _digest(store, Keys(packet.tenant, packet.job_id, photo.id).original) for photo in packet.photos
    }


async def _digest(store: ObjectStore, key: str) -> bytes | None:
    digest = hashlib.sha256()
    try:
        async for chunk in store.read(key):
            digest.update(chunk)
    except ObjectMissing:
        return None
    return digest.digest()


def _report(packet: Packet, problems: tuple[Problem, ...], photos_read: int) -> EvidenceReport:
    return EvidenceReport(
        is_intact=not problems,
        problems=[EvidenceProblem(fault=one.fault, entry=one.seq, message=one.message) for one in problems],
        entries=packet.count,
        head=packet.head.hex(),
        photos_read=photos_read,
        checked_at=datetime.now(UTC),
    )


def _field() -> Any:
    field: Any = strawberry.field(resolver=verify_evidence, description=for_clients(verify_evidence.__doc__ or ""))
    words = {"job_id": "The job.", "photos": "Whether the photos' bytes are read too, which takes its time."}
    for argument in field.arguments:
        argument.description = words[argument.python_name]
    return field


VERIFY_EVIDENCE = _field()
