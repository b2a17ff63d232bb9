"""Signing in: mutations that have no actor yet, or that hand out a secret once. Nothing of them is kept for replay."""

from collections.abc import Awaitable, Callable
from dataclasses import make_dataclass
from typing import Any

import strawberry
from strawberry.types import Info

from db.ids import new_id
from db.runner import Call
from domain.actors import Actor, Role, TenantId
from domain.errors import Refused, Unauthenticated
from resolvers.context import Context
from resolvers.expose import call_of, mutation
from schema.errors import UserError
from schema.inputs import camel, input_type, to_command
from schema.types.described import described
from schema.types.identity import Credentials
from schema.types.relay import encode_id
from services.identity import business, forms, qr
from services.ops import NoteOpsAction, note_ops_action

Signing = Callable[[Context, Any], Awaitable[Any]]
NEED_A_SESSION = frozenset({"create_tenant"})


def _person(role: Role) -> str:
    return {Role.CLEANER: "Cleaner", Role.CUSTOMER: "Customer"}.get(role, "Staff")


def _credentials(tokens: forms.Tokens) -> Credentials:
    return Credentials(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_in_seconds=tokens.expires_in_seconds,
        role=tokens.role,
        person_id=encode_id(_person(tokens.role), tokens.person_id),
        session_id=encode_id("Session", tokens.session_id),
    )


def _payload(name: str, field: str, kind: Any, description: str) -> type[Any]:
    title = "".join(word.capitalize() for word in name.split("_"))
    made = make_dataclass(f"{title}Payload", [(field, kind), ("errors", list[UserError])])
    typed = strawberry.type(made, description=f"The answer of {camel(name)}.")
    first, errors = typed.__strawberry_definition__.fields  # type: ignore[attr-defined]
    first.description = description
    errors.description = "Why it was refused; empty if it was done."
    return typed


def _secret(name: str, form: type[Any], doc: str, does: Signing, shape: tuple[str, Any, Any, str]) -> Any:
    """A mutation whose answer is a secret or nothing; refusals are data.

    A session that is over is an error of the request as everywhere, where one is needed at all (`NEED_A_SESSION`).
    """
    field, kind, refused, description = shape
    payload = _payload(name, field, kind, description)

    async def resolve(info: Info[Context, None], input: Any) -> Any:
        try:
            value = await does(info.context, input)
        except Refused as refusal:
            if name in NEED_A_SESSION and isinstance(refusal, Unauthenticated):
                raise
            return payload(**{field: refused, "errors": [UserError.of(refusal)]})
        return payload(**{field: value, "errors": []})

    resolve.__annotations__.update({"input": input_type(form, keyed=False), "return": payload})
    return mutation(resolve, name, doc)


def _signing(name: str, form: type[Any], doc: str) -> Any:
    """One of the ways to a session."""

    async def sign(context: Context, given: Any) -> Credentials:
        prove = getattr(context.services.auth, name)
        tokens = await prove(to_command(form, given), context.source, request_id=context.request_id)
        return _credentials(tokens)

    shape = ("credentials", Credentials | None, None, "What to keep; null if the sign-in was refused.")
    return _secret(name, form, doc, sign, shape)


async def _request_reset(context: Context, given: Any) -> bool:
    wish = to_command(forms.RequestPasswordReset, given)
    await context.services.auth.request_password_reset(wish, context.source, request_id=context.request_id)
    return True


async def _request_link(context: Context, given: Any) -> bool:
    wish = to_command(forms.RequestSignInLink, given)
    await context.services.auth.request_sign_in_link(wish, context.source, request_id=context.request_id)
    return True


@described
@strawberry.type
class IssueQrPayload:
    """The answer of issueQr: both are told this once and never again."""

    qr_token: str | None
    """The token for the QR code; null if it was refused."""
    qr_svg: str | None
    """The same as an image, an SVG document; null if it was refused."""
    errors: list[UserError]
    """Why it was refused; empty if it was done."""


async def issue_qr(info: Info[Context, None], input: Any) -> Any:
    """Issue a token and draw it; the command's own words are the field's."""
    try:
        issued = await info.context.services.runner.run(call_of(info.context, qr.issue_qr, input))
    except Unauthenticated:
        raise
    except Refused as refusal:
        return IssueQrPayload(qr_token=None, qr_svg=None, errors=[UserError.of(refusal)])
    return IssueQrPayload(qr_token=issued.qr_token, qr_svg=issued.svg(), errors=[])


def _issue_qr() -> Any:
    hints = {"input": input_type(qr.IssueQr, keyed=False), "return": IssueQrPayload}
    issue_qr.__annotations__.update(hints)
    return mutation(issue_qr, "issue_qr", qr.issue_qr.doc)


async def _create_tenant(context: Context, given: Any) -> str:
    """Ops found a business: the command runs as the installation under the new tenant's own stamp."""
    run = context.services.runner.run
    made = Actor.system(TenantId(new_id()))
    # Written first, and in the platform's own tenant: whoever asks must be of ops, and still be who they were.
    action = NoteOpsAction("create_tenant", "Tenant", made.tenant, made.tenant)
    await run(Call(context.signed_in, note_ops_action, action, request_id=context.request_id))
    wish = to_command(business.FoundBusiness, given)
    founded = await run(Call(made, business.found_business, wish, request_id=context.request_id))
    return encode_id("Staff", founded.owner_id)


@described
@strawberry.type
class ReauthenticatePayload:
    """The answer of reauthenticate."""

    ok: bool
    """Whether the socket goes on with the new credential."""
    errors: list[UserError]
    """Why not."""


async def reauthenticate(info: Info[Context, None], access_token: str) -> ReauthenticatePayload:
    """Go on with the open socket under a new access token of the same person; its subscriptions live on.

    Over HTTP there is nothing to renew: refused with UNAUTHENTICATED.
    """
    renew = info.context.reauthenticate
    if renew is None:
        return ReauthenticatePayload(ok=False, errors=[UserError.of(Unauthenticated("There is no open socket."))])
    await renew(access_token)
    return ReauthenticatePayload(ok=True, errors=[])


def _reauthenticate() -> Any:
    field = mutation(reauthenticate, "reauthenticate", reauthenticate.__doc__ or "")
    for argument in field.arguments:
        argument.description = "An access token of the same tenant and person."
    return field


MUTATIONS = {
    "sign_in": _signing("sign_in", forms.SignIn, "Sign in as staff: business, email, password. One a document (R9)."),
    "sign_in_with_pin": _signing(
        "sign_in_with_pin", forms.SignInWithPin, "Sign in as a cleaner: QR token and PIN. One a document (R10, R11)."
    ),
    "set_pin": _signing(
        "set_pin", forms.SetPin, "Choose a cleaner's first PIN within 24 hours of the QR token, and sign in (R11, A8)."
    ),
    "refresh_session": _signing(
        "refresh_session",
        forms.RefreshSession,
        "Buy a new pair of tokens. The same refresh token within 30 s answers with the same pair; later, it ends the"
        " session (R12, R13, A6).",
    ),
    "accept_invite": _signing(
        "accept_invite", forms.AcceptInvite, "Choose the first password by the invitation's link, and sign in."
    ),
    "reset_password": _signing(
        "reset_password", forms.ResetPassword, "Choose a new password by a mailed link; all other sessions end."
    ),
    "request_password_reset": _secret(
        "request_password_reset",
        forms.RequestPasswordReset,
        "Ask for a link to choose a new password; the answer does not tell whether there is such a person.",
        _request_reset,
        ("ok", bool, False, "True unless the request itself was refused."),
    ),
    "request_sign_in_link": _secret(
        "request_sign_in_link",
        forms.RequestSignInLink,
        "Ask for a link to sign in as a customer; the answer does not tell whether there is such a customer (R30).",
        _request_link,
        ("ok", bool, False, "True unless the request itself was refused."),
    ),
    "sign_in_with_link": _signing(
        "sign_in_with_link",
        forms.SignInWithLink,
        "Sign in as a customer by a mailed link, within 15 minutes and once. One a document (R30).",
    ),
    "issue_qr": _issue_qr(),
    "create_tenant": _secret(
        "create_tenant",
        business.FoundBusiness,
        "Found a business with its first market; its owner is invited by mail. For the platform's ops.",
        _create_tenant,
        ("owner_id", strawberry.ID | None, None, "The invited owner."),
    ),
    "reauthenticate": _reauthenticate(),
}
