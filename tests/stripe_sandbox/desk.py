"""A platform at its sandbox, in process: the real SDK's encoding, the control API, the pages, and what was told."""

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import stripe

from sandbox.stripe import control, hosted
from sandbox.stripe.edge import Request, platform_id
from sandbox.stripe.sandbox import Sandbox

NOON = 1_798_790_400
"""Friday 2027-01-01 08:00 UTC."""
DAY = 86_400
HOUR = 3_600


class _InProcess(stripe.HTTPClient):
    name = "in-process"

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self._sandbox = sandbox

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> tuple[str, int, Any]:
        split = urlsplit(url)
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        answer = self._sandbox.answer(Request(method.upper(), split.path, split.query, lower, body))
        return answer.body.decode(), answer.status, answer.headers

    def close(self) -> None:
        pass


class Desk:
    """One platform account of a sandbox with a frozen clock."""

    def __init__(self, name: str = "acme", sandbox: Sandbox | None = None) -> None:
        contract = os.environ.get("STRIPE_CONTRACT")
        self.sandbox = sandbox or Sandbox(seed=7, frozen_at=NOON, contract=Path(contract) if contract else None)
        self.account = platform_id(name)
        self.client = stripe.StripeClient(f"sk_test_{name}", http_client=_InProcess(self.sandbox))

    def post(self, path: str, on: str | None = None, **params: Any) -> dict[str, Any]:
        return self._ask("post", path, on, params)

    def get(self, path: str, on: str | None = None, **params: Any) -> dict[str, Any]:
        return self._ask("get", path, on, params)

    def delete(self, path: str, on: str | None = None, **params: Any) -> dict[str, Any]:
        return self._ask("delete", path, on, params)

    def control(self, path: str, **body: Any) -> dict[str, Any]:
        handler, args = control.find("POST", path)
        return handler(self.sandbox, args, body)

    def open(self, url: str, **form: str) -> hosted.Reply:
        split = urlsplit(url)
        reply = hosted.answer(self.sandbox, "POST" if form else "GET", split.path, {}, form)
        assert reply is not None, url
        return reply

    def press(self, url: str, choice: str) -> hosted.Reply:
        """Open a page and press one of its buttons."""
        page = self.open(url)
        assert page.status == 200, page
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.html))
        assert f'value="{choice}"' in page.html
        return self.open(url, choice=choice, **hidden)

    def told(self, about: str | None = None, account: str | None = None) -> list[str]:
        """Types of the events in order: all, or those about one object."""
        events = [
            *self.sandbox.store.collection(account or self.account, "events").values(),
            *self.sandbox.store.collection(account or self.account, "thin_events").values(),
        ]
        return [
            event["type"]
            for event in events
            if about is None or about in {((event["data"] or {}).get("object") or {}).get("id"), _related(event)}
        ]

    def customer(self, card: str | None = "pm_card_visa") -> str:
        made = self.post("/v1/customers", email="person@example.com")
        if card:
            method = self.post(f"/v1/payment_methods/{card}/attach", customer=made["id"])
            self.post(f"/v1/customers/{made['id']}", invoice_settings={"default_payment_method": method["id"]})
        return made["id"]

    def charge(self, amount: int = 20_000, card: str = "pm_card_visa") -> str:
        intent = self.post(
            "/v1/payment_intents",
            amount=amount,
            currency="usd",
            payment_method=card,
            confirm=True,
            off_session=True,
            customer=self.customer(None),
        )
        return intent["latest_charge"]

    @property
    def now(self) -> int:
        return int(self.sandbox.clock.now())

    @property
    def violations(self) -> list[dict[str, Any]]:
        return self.sandbox.contract.violations

    def _ask(self, method: str, path: str, on: str | None, params: dict[str, Any]) -> dict[str, Any]:
        options: dict[str, Any] = {"stripe_account": on} if on else {}
        return json.loads(self.client.raw_request(method, path, **params, **options).body)


def _related(event: dict[str, Any]) -> str | None:
    return (event.get("related_object") or {}).get("id")
