"""Stage 3: legal texts, their editions, and signatures under them (R132, A48).

Only the signer and the business's administrators reach a signature or its paper (R7, R234): the policies show the rows
to nobody else, and the file is opened by an address that only who sees the row can be given.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import ADMINS, Role
from domain.errors import AlreadyExists, Conflict, Invalid, NotFound, OnboardingIncomplete
from domain.ids import LegalDocumentId, SignedDocumentId
from domain.legal import TEXTS
from domain.onboarding import BUILT_IN, DocumentKind, is_same_name, text_digest
from domain.scheduling import OnboardingState
from models import cleaner_profile, legal_document, session, signed_document, tenant
from services.checks import text, within
from services.inputs import arg
from services.onboarding.stages import hold_own, move_on
from services.paper import Paper, printed

MOST_BODY = 50_000
MOST_EDITIONS = 1_000_000
MOST_DEVICE = 300


@dataclass(frozen=True, slots=True)
class PublishLegalDocument:
    """A text of the business to be signed from now on."""

    kind: DocumentKind = arg("Which of the documents.")
    title: str = arg("Its title, at most 200 characters.")
    body: str = arg("Its text, at most 50,000 characters; an empty line parts paragraphs.")


@dataclass(frozen=True, slots=True)
class SignDocument:
    """A signature: the typed name under an edition that was read."""

    kind: DocumentKind = arg("Which of the documents.")
    edition: int = arg("The edition that was read; refused with CONFLICT if another one is in force.")
    typed_name: str = arg("The signer's legal name as the profile has it, in whatever case and spacing.")


@dataclass(frozen=True, slots=True)
class OpenSignedDocument:
    """A signed document's paper, for whoever holds its address."""

    id: UUID


@dataclass(frozen=True, slots=True)
class Edition:
    """A legal text in force."""

    kind: DocumentKind
    number: int
    title: str
    body: str

    @property
    def digest(self) -> bytes:
        """sha256 of what is signed."""
        return text_digest(self.title, self.body)


@command(*ADMINS)
async def publish_legal_document(tx: Tx, input: PublishLegalDocument) -> LegalDocumentId:
    """Publish the next edition of a legal text; it is in force at once, and the earlier ones stay as they are.

    Who has signed an earlier one keeps an open gate, and is shown that this one is to be signed as well.
    """
    title, body = text(input.title, "title", most=200), text(input.body, "body", most=MOST_BODY)
    await _hold_texts(tx, publishing=True)
    number = (await _published(tx, input.kind)) + 1
    made = LegalDocumentId(
        await tx.insert(
            legal_document,
            kind=input.kind.value,
            edition=number,
            title=title,
            body=body,
            digest=text_digest(title, body),
            published_at=tx.now,
        )
    )
    tx.audit("LegalDocument", made, detail={"kind": input.kind.value, "edition": number})
    return made


@command(Role.CLEANER)
async def sign_document(tx: Tx, input: SignDocument) -> SignedDocumentId:
    """Sign the edition in force of a legal document, each once (R132).

    Kept are the typed name, the time, the network address, the device, the text's digest, and a PDF of it all.
    """
    typed = text(input.typed_name, "typedName", most=200)
    row = await hold_own(tx)
    await _hold_texts(tx)
    edition = await in_force(tx, input.kind)
    if edition.number != within(input.edition, "edition", 0, MOST_EDITIONS):
        raise Conflict("Another edition is in force; read that one.", field=("edition",), details=_named(edition))
    legal_name = await _legal_name(tx, row.id)
    if not is_same_name(typed, legal_name):
        raise Invalid("Type your legal name as your profile has it.", field=("typedName",))
    await _ensure_unsigned(tx, row.id, edition)
    made = await _keep(tx, edition, typed, legal_name)
    await move_on(tx, row)
    return made


@command(Role.SYSTEM)
async def open_signed_document(tx: Tx, input: OpenSignedDocument) -> bytes:
    """The paper of a signed document, as it was made when it was signed."""
    return bytes((await tx.get(signed_document, input.id)).pdf)


async def in_force(tx: Tx, kind: DocumentKind) -> Edition:
    """The last edition that was published of a kind; the product's own text where there is none."""
    own = select(legal_document).where(tx.own(legal_document), legal_document.c.kind == kind.value)
    row = await tx.one(own.order_by(legal_document.c.edition.desc()).limit(1))
    if row is None:
        return Edition(kind, BUILT_IN, TEXTS[kind].title, TEXTS[kind].body)
    return Edition(kind, row.edition, row.title, row.body)


async def _published(tx: Tx, kind: DocumentKind) -> int:
    last = select(func.max(legal_document.c.edition))
    found: int | None = await tx.scalar(last.where(tx.own(legal_document), legal_document.c.kind == kind.value))
    return found or BUILT_IN


async def _hold_texts(tx: Tx, *, publishing: bool = False) -> None:
    """Keep the texts in force as they are: signers beside each other, who publishes alone."""
    own = select(tenant.c.tenant_id).where(tx.own(tenant))
    async with tx.as_system():
        # Not FOR UPDATE: every row that is written names the tenant, and would wait for it.
        await tx.one(own.with_for_update(key_share=True) if publishing else own.with_for_update(read=True))


async def _legal_name(tx: Tx, cleaner_id: UUID) -> str:
    own = select(cleaner_profile.c.legal_name)
    found: str | None = await tx.scalar(own.where(tx.own(cleaner_profile), cleaner_profile.c.cleaner_id == cleaner_id))
    if found is None:
        missing = [OnboardingState.PROFILE.value]
        raise OnboardingIncomplete("Submit your profile first.", details={"missingStages": missing})
    return found


async def _ensure_unsigned(tx: Tx, cleaner_id: UUID, edition: Edition) -> None:
    own = select(signed_document.c.id).where(
        tx.own(signed_document),
        signed_document.c.cleaner_id == cleaner_id,
        signed_document.c.kind == edition.kind.value,
        signed_document.c.edition == edition.number,
    )
    if await tx.one(own) is not None:
        raise AlreadyExists("You have signed this edition.", field=("edition",))


async def _keep(tx: Tx, edition: Edition, typed: str, legal_name: str) -> SignedDocumentId:
    made = SignedDocumentId(new_id())
    values: dict[str, Any] = {
        "cleaner_id": tx.actor.cleaner_id,
        "kind": edition.kind.value,
        "edition": edition.number,
        "title": edition.title,
        "digest": edition.digest,
        "typed_name": typed,
        "signed_at": tx.now,
        "address": tx.origin.address or "unknown",
        "device": tx.origin.device[:MOST_DEVICE] or await _session_device(tx),
    }
    paper = _paper(made, edition, values, {"legal": legal_name, "business": (await _business(tx)).name})
    # A long text takes a while to be set, and the process has others to serve.
    pdf = await asyncio.to_thread(printed, paper)
    digest = hashlib.sha256(pdf).digest()
    await tx.insert(signed_document, id=made, **values, pdf=pdf, pdf_digest=digest)
    detail = {**_named(edition), "text": edition.digest.hex(), "pdf": digest.hex()}
    tx.audit("SignedDocument", made, detail={"kind": edition.kind.value, **detail})
    return made


def _paper(id: SignedDocumentId, edition: Edition, values: dict[str, Any], names: dict[str, str]) -> Paper:
    facts = [
        ("Signed by (typed)", values["typed_name"]),
        ("Legal name", names["legal"]),
        ("Business", names["business"]),
        ("Signed at", f"{values['signed_at'].astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"),
        ("Network address", values["address"]),
        ("Device", values["device"] or "not told"),
        ("Document", f"{edition.kind.value}, edition {edition.number}"),
        ("SHA-256 of title and text", edition.digest.hex()),
        ("Signature", str(id)),
    ]
    paragraphs = [part for part in edition.body.split("\n\n") if part.strip()]
    return Paper(edition.title, paragraphs, facts, values["signed_at"])


async def _business(tx: Tx) -> Row[Any]:
    row = await tx.one(select(tenant.c.name).where(tx.own(tenant)))
    if row is None:
        raise NotFound
    return row


async def _session_device(tx: Tx) -> str:
    """The name that the device gave itself at sign-in."""
    own = select(session.c.device).where(tx.own(session), session.c.id == tx.actor.session)
    return await tx.scalar(own) or ""


def _named(edition: Edition) -> dict[str, Any]:
    return {"edition": edition.number}
