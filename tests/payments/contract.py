"""The two providers that a contract test runs against: our sandbox always, Stripe where there is a test key."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from domain.payments import asks
from domain.payments.ask import Ask, Thing, metadata
from domain.payments.outcomes import Answered, Outcome, Refusal
from gateways.payments import Credentials, Provider
from gateways.stripe_api import StripeProviders
from sandbox.stripe.sandbox import Sandbox
from sandbox.stripe.transport import SandboxTransport

KEY = "STRIPE_TEST_KEY"
ACCOUNT = "STRIPE_TEST_ACCOUNT"
"""A connected account of the key's, ready to be paid: onboarding needs a person at Stripe's own pages."""


@dataclass
class World:
    """One business at a provider; `sandbox` is None at Stripe itself."""

    provider: Provider
    sandbox: Sandbox | None = None
    tenant: UUID = field(default_factory=uuid4)

    async def send(self, ask: Ask, key: str | None = None) -> Outcome:
        return await self.provider.send(ask, key or f"contract:{uuid4()}")

    async def done(self, ask: Ask, key: str | None = None) -> Mapping[str, Any]:
        outcome = await self.send(ask, key)
        assert isinstance(outcome, Answered), outcome
        assert outcome.request_id
        return outcome.object

    async def refused(self, ask: Ask, key: str | None = None) -> Refusal:
        outcome = await self.send(ask, key)
        assert isinstance(outcome, Refusal), outcome
        return outcome

    async def seen(self, thing: Thing, id: str = "") -> Mapping[str, Any]:
        found = await self.provider.read(thing, id)
        assert found is not None
        return found

    async def eventually(self, thing: Thing, id: str, name: str) -> Any:
        """A field of a thing once it is there: what follows a payment may take Stripe a moment."""
        deadline = asyncio.get_running_loop().time() + 30
        while not (value := (await self.seen(thing, id)).get(name)):
            assert asyncio.get_running_loop().time() < deadline, f"{id} has no {name}"
            await asyncio.sleep(0 if self.sandbox else 1)
        return value

    def marks(self, **ours: UUID | str) -> dict[str, str]:
        return metadata(self.tenant, uuid4(), **ours or {"payment_id": uuid4()})

    async def customer(self, card: str | None = "pm_card_visa") -> tuple[str, str]:
        """A customer, and the card that they gave."""
        made = await self.done(asks.create_customer(metadata=self.marks(), name="Customer 7", email="c7@example.com"))
        if card is None:
            return made["id"], ""
        method = await self.done(asks.attach_method(card, customer=made["id"]))
        return made["id"], method["id"]

    async def intent(self, card: str = "pm_card_visa", amount: int = 19_500, **more: Any) -> Mapping[str, Any]:
        """A payment that is made known."""
        customer, method = await self.customer(card)
        wanted = {"stored_usage": "unscheduled", "transfer_group": f"job_{uuid4()}"} | more
        return await self.done(
            asks.create_intent(
                amount_cents=amount,
                currency="usd",
                customer=customer,
                method=method,
                metadata=self.marks(payment_id=uuid4(), job_id=uuid4()),
                **wanted,
            )
        )

    async def charged(self, card: str = "pm_card_visa", amount: int = 19_500) -> Mapping[str, Any]:
        """A payment whose money is taken."""
        made = await self.intent(card, amount, capture="automatic")
        return await self.done(asks.confirm_intent(made["id"], off_session=True))

    async def account(self) -> str:
        """A connected account that can be paid."""
        if self.sandbox is None:
            ready = os.environ.get(ACCOUNT)
            if not ready:
                pytest.skip(f"{ACCOUNT} is not set: nobody is at Stripe's own onboarding pages")
            return ready
        made = await self.done(
            asks.create_account(name="Cleaner 7", country="us", currency="usd", metadata=self.marks())
        )
        await self.control(f"accounts/{made['id']}/onboarding", choice="complete")
        return str(made["id"])

    async def control(self, path: str, **body: Any) -> Any:
        """Have the sandbox do what people and banks do; at Stripe nobody can be told to."""
        if self.sandbox is None:
            pytest.skip("only in the sandbox can this be made to happen")
        async with httpx2.AsyncClient(transport=SandboxTransport(self.sandbox)) as client:
            answer = await client.post(f"http://stripe.sandbox/__sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


def a_sandbox() -> Sandbox:
    folder = os.environ.get("STRIPE_CONTRACT")
    return Sandbox(seed=5, contract=Path(folder) if folder else None)


def providers_of(kind: str, sandbox: Sandbox | None) -> tuple[StripeProviders, Credentials]:
    """Of the sandbox in process, or Stripe itself; skips where there is no key for it."""
    if sandbox is not None:
        return StripeProviders(transport=SandboxTransport(sandbox)), Credentials("sk_test_contract")
    key = os.environ.get(KEY)
    if not key:
        pytest.skip(f"{KEY} is not set: not run against Stripe itself")
    if "_test_" not in key:
        pytest.fail(f"{KEY} is no test key")
    return StripeProviders(), Credentials(key)
