"""How the tests speak to a sandbox in process: by form, as curl would, and through the SDK."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import stripe

from sandbox.stripe import Json
from sandbox.stripe.edge import platform_id
from sandbox.stripe.resources import connected
from sandbox.stripe.resources.accounts import new_fields
from sandbox.stripe.sandbox import Sandbox
from sandbox.stripe.transport import SandboxTransport

START = 1_790_000_000
"""A Monday in September 2026, 13:33 UTC."""
DAY = 86_400
CONTRACT = os.environ.get("STRIPE_CONTRACT")
JOB = 19_500


class SdkTransport(stripe.HTTPClient):
    """The SDK's own port for HTTP clients, over httpx2."""

    name = "httpx2"

    def __init__(self, client: httpx2.AsyncClient) -> None:
        super().__init__()
        self._client = client

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        answer = await self._client.request(method, url, headers=dict(headers), content=post_data or None)
        return answer.content, answer.status_code, answer.headers

    async def close_async(self) -> None:
        await self._client.aclose()


class Driver:
    """One platform account of one sandbox."""

    def __init__(self, sandbox: Sandbox, name: str = "demo", transport: httpx2.AsyncBaseTransport | None = None):
        self.sandbox = sandbox
        self.account = platform_id(name)
        self.http = httpx2.AsyncClient(
            transport=transport or SandboxTransport(sandbox),
            base_url="http://stripe.test",
            headers={"authorization": f"Bearer sk_test_{name}"},
        )
        self.sdk = stripe.StripeClient(
            f"sk_test_{name}",
            http_client=SdkTransport(self.http),
            base_addresses={"api": "http://stripe.test"},
            max_network_retries=0,
        )

    async def send(self, path: str, key: str | None = None, **form: Any) -> httpx2.Response:
        """POST a form to /v1/<path>; nested fields as `a__b`, lists as `a__0`."""
        fields = {_bracketed(name): value for name, value in form.items()}
        return await self.http.post(f"/v1/{path}", data=fields, headers={"idempotency-key": key} if key else {})

    async def post(self, path: str, key: str | None = None, **form: Any) -> Json:
        """The same; it must succeed."""
        answer = await self.send(path, key, **form)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def refused(self, path: str, key: str | None = None, **form: Any) -> Json:
        """The same; it must be refused. The error, with its HTTP `status`; no effect may be journaled as an event."""
        answer = await self.send(path, key, **form)
        assert answer.status_code >= 400, answer.text
        return {**answer.json()["error"], "status": answer.status_code}

    async def get(self, path: str) -> Json:
        answer = await self.http.get(f"/v1/{path}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def control(self, path: str, body: Json | None = None) -> Json:
        answer = await self.http.post(f"/__sandbox/{path}", json=body or {})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def customer_with(self, card: str) -> tuple[str, str]:
        """A customer and their saved card."""
        customer = (await self.post("customers", name="Customer 1"))["id"]
        return customer, (await self.post(f"payment_methods/pm_card_{card}/attach", customer=customer))["id"]

    async def hold(self, card: str = "visa", amount: int = JOB, *, off_session: str = "true") -> Json:
        """An authorized intent, with its charge expanded."""
        customer, method = await self.customer_with(card)
        return await self.post(
            "payment_intents",
            amount=amount,
            currency="usd",
            customer=customer,
            payment_method=method,
            capture_method="manual",
            confirm="true",
            off_session=off_session,
            return_url="https://cleanshift.test/back",
            expand__0="latest_charge",
        )

    async def charge(self, amount: int = JOB, card: str = "visa") -> Json:
        """A captured charge."""
        intent = await self.hold(card, amount)
        await self.post(f"payment_intents/{intent['id']}/capture")
        return await self.get(f"charges/{intent['latest_charge']['id']}")

    def cleaner(self, **fields: Any) -> str:
        """A connected account that may take transfers."""
        ready = {"status": "active", "transfers": "active", "payouts_enabled": False}
        with self.sandbox.tx(self.account, "test") as tx:
            return str(connected.create(tx, **{**new_fields(tx, v2=False), **ready, **fields})["id"])

    def events(self) -> list[str]:
        """Event types so far, oldest first."""
        return [event["type"] for event in self.sandbox.store.collection(self.account, "events").values()]


def a_sandbox(**options: Any) -> Sandbox:
    """A frozen sandbox; with the contract where the environment names one."""
    contract = Path(CONTRACT) if CONTRACT else None
    return Sandbox(**{"seed": 7, "frozen_at": START, "contract": contract, **options})


def state(sandbox: Sandbox) -> Json:
    """Everything that a restart must bring back."""
    return {
        account: {name: dict(documents) for name, documents in collections.items() if documents}
        for account, collections in sandbox.store.accounts.items()
        if any(collections.values())
    }


def _bracketed(name: str) -> str:
    first, *rest = name.split("__")
    return first + "".join(f"[{word}]" for word in rest)
