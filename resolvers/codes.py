"""Access codes of homes: their mutations, who has seen them, and the one answer that has a code in it (R28, R4)."""

from typing import Any
from uuid import UUID

from strawberry.types import Info

from domain.actors import Role
from domain.errors import Refused, Unauthenticated
from models import access_code_view
from resolvers.common import OFFICE
from resolvers.context import Context
from resolvers.engine.sources import computed, many, sql
from resolvers.expose import call_of, expose, mutation
from resolvers.registry import registry
from schema.errors import UserError
from schema.inputs import input_type
from schema.types.codes import AccessCodeView, RevealAccessCodePayload
from schema.types.customers import Property
from schema.types.relay import encode_id
from services.fieldwork import codes as commands


def viewer_of(viewer_id: UUID, viewer_role: str) -> str:
    """Who has seen it, as a global id."""
    return encode_id("Cleaner" if viewer_role == Role.CLEANER else "Staff", viewer_id)


HAS_CODE = sql(
    lambda row: (
        f"""EXISTS (SELECT FROM access_code kept
        JOIN subject_key theirs ON theirs.tenant_id = kept.tenant_id AND theirs.subject_id = {row.customer_id}
        WHERE kept.tenant_id = {row.tenant_id} AND kept.property_id = {row.id} AND theirs.wrapped IS NOT NULL)"""
    )
).only(*OFFICE)
"""Whether a home has a code that can still be read."""

VIEWS = many(access_code_view, via="property_id", order="at desc").only(*OFFICE)
"""The newest times that a home's code was shown."""

registry.sources(
    AccessCodeView,
    access_code_view,
    viewer_id=computed(viewer_of),
    viewer_name=sql(
        lambda row: (
            f"""coalesce(
            (SELECT c.name FROM cleaner c WHERE c.tenant_id = {row.tenant_id} AND c.id = {row.viewer_id}),
            (SELECT s.name FROM staff s WHERE s.tenant_id = {row.tenant_id} AND s.id = {row.viewer_id}))"""
        )
    ),
)


async def reveal_access_code(info: Info[Context, None], input: Any) -> RevealAccessCodePayload:
    """Show the code; refusals are data, a session that is over is an error of the request."""
    try:
        shown = await info.context.services.runner.run(call_of(info.context, commands.reveal_access_code, input))
    except Unauthenticated:
        raise
    except Refused as refusal:
        return RevealAccessCodePayload(access_code=None, errors=[UserError.of(refusal)])
    return RevealAccessCodePayload(access_code=shown.code, errors=[])


def _reveal() -> Any:
    reveal_access_code.__annotations__["input"] = input_type(commands.RevealAccessCode, keyed=False)
    return mutation(reveal_access_code, "reveal_access_code", commands.reveal_access_code.doc)


MUTATIONS = {
    "set_access_code": expose(commands.set_access_code, Property),
    "remove_access_code": expose(commands.remove_access_code, Property),
    "reveal_access_code": _reveal(),
}
