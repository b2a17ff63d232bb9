"""The payment provider of this installation; in development the sandbox's, with the page that stands in for theirs.

Production has none yet: there `startPayoutOnboarding` is refused, rather than a provider made up.
"""

from collections.abc import Callable
from html import escape
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.settings import Settings
from db.runner import Call, Runner
from db.secrets import Secrets
from domain.actors import Actor, TenantId
from domain.ids import PayoutAccountId
from domain.onboarding import PayoutAccountStatus
from gateways.payout_accounts import SandboxAccount, SandboxPayouts
from services.onboarding.payouts import PayoutWish, notice_payout_change

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer", "content-security-policy": PAGE_POLICY}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Payouts (sandbox)</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:17px/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem}}
button{{font:inherit;padding:.6rem 1rem;margin:.3rem .3rem .3rem 0}}</style>
<h1>Payouts of {name}</h1><p>This page stands in for the payment provider's own. Nothing is asked, and nothing real
happens.</p><p id="status">Status: {status}. {wanted}</p>{forms}</html>"""
FORMS = """<form method="post"><button id="finish">Give everything and finish</button></form>
<form method="post" action="?leave=tax"><button id="leave">Finish without the tax form</button></form>"""


class Running(Protocol):
    """What the page needs of the process that serves it."""

    @property
    def runner(self) -> Runner:
        """Runs commands."""


def payout_accounts(settings: Settings, secrets: Secrets) -> SandboxPayouts | None:
    """The provider of cleaners' accounts; None where there is none."""
    if settings.environment != "development":
        return None
    return SandboxPayouts(settings.data / "payouts", secrets, settings.base_url)


class PayoutPage:
    """The sandbox provider's page, at an address that only the cleaner is shown."""

    def __init__(self, provider: Callable[[], SandboxPayouts | None], running: Callable[[], Running | None]) -> None:
        self._provider = provider
        self._running = running

    def route(self) -> Route:
        """Where it is."""
        return Route("/sandbox/payouts/{token}", self._serve, methods=["GET", "POST"])

    async def _serve(self, request: Request) -> Response:
        provider, running = self._provider(), self._running()
        account = await provider.by_token(request.path_params["token"]) if provider else None
        if provider is None or account is None or running is None:
            return HTMLResponse("This page is not valid any more; ask for a new one.", 404, HEADERS)
        if request.method == "GET":
            return HTMLResponse(_shown(account), 200, HEADERS)
        await provider.finish(account, leaves_out=request.query_params.get("leave") == "tax")
        wish = PayoutWish(PayoutAccountId(account.key))
        await running.runner.run(Call(Actor.system(TenantId(account.tenant)), notice_payout_change, wish))
        return RedirectResponse(request.url.path, 303, HEADERS)


def _shown(account: SandboxAccount) -> str:
    wanted = f"Still wanted: {', '.join(account.requirements)}." if account.requirements else ""
    forms = "" if account.status is PayoutAccountStatus.READY else FORMS
    name, status = escape(account.name), escape(account.status.lower())
    return PAGE.format(name=name, status=status, wanted=escape(wanted), forms=forms)
