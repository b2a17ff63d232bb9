"""Onboarding: where its fields come from, and its mutations."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.legal import TEXTS
from domain.onboarding import BUILT_IN, DocumentKind, text_digest
from domain.pay import unlocked_tiers
from domain.policy import TenantPolicy
from domain.scheduling import Skill
from gateways.links import DocumentPermit
from models import cleaner_profile, legal_document, payout_account, signed_document
from resolvers.common import WORKFORCE
from resolvers.engine.sources import Sql, column, computed, sql
from resolvers.expose import expose
from resolvers.lent import Lent
from resolvers.registry import registry
from schema.types.identity import Cleaner
from schema.types.onboarding import CleanerProfile, LegalDocument, PayoutAccount, SignedDocument
from services.onboarding import documents, payouts, profile, skills


def _hex(name: str) -> Sql:
    return sql(lambda row: f"encode({getattr(row, name)}, 'hex')")


def pdf_url(tenant_id: UUID, id: UUID, lent: Lent) -> str:
    """The address of a signed document's paper, which only who sees the row is given (R7)."""
    return lent.links.document(DocumentPermit(str(tenant_id), str(id)))


def pay_tiers(pay_tier: str, held: list[str], settings: Mapping[str, Any]) -> list[str]:
    """The tiers that a cleaner may be paid by (R133, A49)."""
    return list(unlocked_tiers(pay_tier, map(Skill, held), TenantPolicy.from_json(settings).pay))


def legal_documents(published: list[dict[str, Any]], signed: list[list[Any]]) -> list[Mapping[str, Any]]:
    """The text in force of each kind: the last one published, else the product's own."""
    latest = {one["kind"]: one for one in published}
    done = {(kind, edition) for kind, edition in signed}
    texts = [latest.get(kind.value) or _built_in(kind) for kind in DocumentKind]
    return [{**one, "viewer_has_signed": (one["kind"], one["edition"]) in done} for one in texts]


def _built_in(kind: DocumentKind) -> dict[str, Any]:
    text = TEXTS[kind]
    digest = text_digest(text.title, text.body).hex()
    return {
        "kind": kind.value,
        "edition": BUILT_IN,
        "title": text.title,
        "body": text.body,
        "digest": digest,
        "published_at": None,
    }


_PUBLISHED = sql(
    lambda stamp: (
        f"""(SELECT coalesce(json_agg(json_build_object('kind', d.kind, 'edition', d.edition, 'title', d.title,
            'body', d.body, 'digest', encode(d.digest, 'hex'), 'published_at', d.published_at AT TIME ZONE 'UTC')
            ORDER BY d.edition), '[]') FROM (SELECT DISTINCT ON (kind) * FROM legal_document every
            WHERE every.tenant_id = {stamp.tenant_id} ORDER BY kind, edition DESC) d)"""
    ),
    list,
)
_SIGNED = sql(
    lambda stamp: (
        f"""(SELECT coalesce(json_agg(json_build_array(s.kind, s.edition)), '[]') FROM signed_document s
            WHERE s.tenant_id = {stamp.tenant_id} AND s.cleaner_id = {stamp.actor_id})"""
    ),
    list,
)

LEGAL_DOCUMENTS = computed(legal_documents, published=_PUBLISHED, signed=_SIGNED).only(*WORKFORCE)

_KINDS = ", ".join(f"({place}, '{kind}')" for place, kind in enumerate(DocumentKind))


def documents_to_sign(row: Any) -> str:
    """The kinds whose edition in force a cleaner has not signed (R132)."""
    return f"""ARRAY(SELECT k.kind FROM (VALUES {_KINDS}) AS k (place, kind) WHERE NOT EXISTS (
        SELECT FROM signed_document s WHERE s.tenant_id = {row.tenant_id} AND s.cleaner_id = {row.id}
        AND s.kind = k.kind AND s.edition = (SELECT coalesce(max(d.edition), {BUILT_IN}) FROM legal_document d
            WHERE d.tenant_id = {row.tenant_id} AND d.kind = k.kind)) ORDER BY k.place)"""


registry.sources(CleanerProfile, cleaner_profile)
# Of whoever sees the account, the cleaner alone may open the provider's page.
registry.sources(
    PayoutAccount,
    payout_account,
    link=column().only(own="cleaner_id"),
    link_expires_at=column().only(own="cleaner_id"),
)
registry.sources(LegalDocument, legal_document, digest=_hex("digest"))
registry.sources(
    SignedDocument,
    signed_document,
    digest=_hex("digest"),
    pdf_digest=_hex("pdf_digest"),
    pdf_url=computed(pdf_url),
)

MUTATIONS = {
    "submit_profile": expose(profile.submit_profile, Cleaner),
    "start_payout_onboarding": expose(payouts.start_payout_onboarding, Cleaner),
    "sign_document": expose(documents.sign_document, SignedDocument),
    "certify_skills": expose(skills.certify_skills, Cleaner),
    "publish_legal_document": expose(documents.publish_legal_document, LegalDocument),
}
