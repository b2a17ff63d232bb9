"""The demo's money: prices, cards on file, and pay by transfer. What follows is the product's own doing.

As soon as a card is kept, the workers hold what is near and take what is proven already: the day has a clean that is
held, one that is taken with its pay held until its cleaner has an account, and one whose card is declined.
"""

from typing import Any
from uuid import UUID

import httpx2

from app.auth import Auth
from app.settings import Settings
from db.runner import Runner
from db.tenants import tenant_by_slug
from domain.actors import Role
from domain.consent import CONSENT_VERSION
from domain.errors import Refused
from gateways.stripe_api import API_VERSION
from sandbox import SandboxError
from sandbox.demo_desk import Desk, Standing, standing
from sandbox.demo_payments import key_of
from sandbox.demo_people import email_of
from sandbox.demo_plan import BUSINESSES, BusinessPlan
from sandbox.stamped import looking
from services.booking.price_books import PublishPriceBook, publish_price_book
from services.identity.business import UpdateTenant, update_tenant
from services.inputs import JSON
from services.payments.cards import AddPaymentMethod, add_payment_method

VISA, MASTERCARD, DECLINED = "4242424242424242", "5555555555554444", "4000000000000341"
CARDS = {2: MASTERCARD, 4: DECLINED}
"""By the customer's number; everybody else pays by Visa."""


async def add_money(runner: Runner, auth: Auth, settings: Settings) -> None:
    """Make sure that the demo's businesses have prices and their customers cards; nothing where cards are not taken."""
    if settings.stripe_url is None:
        return
    async with httpx2.AsyncClient(base_url=settings.stripe_url, timeout=10, trust_env=False) as http:
        for plan in BUSINESSES:
            tenant = await tenant_by_slug(runner.engine, plan.slug)
            if tenant is not None:
                desk = Desk(runner, auth, tenant)
                await _add(desk, plan, http, settings.base_url)
                await desk.leave()


async def _add(desk: Desk, plan: BusinessPlan, http: httpx2.AsyncClient, base_url: str) -> None:
    here = await standing(desk.runner, desk.tenant)
    with_cards = await _have(desk, "select customer_id from payment_method where tenant_id = $1")
    if not await _have(desk, "select id from price_book where tenant_id = $1"):
        owner = here.staff[email_of("owner", plan)]["id"]
        await desk.run(owner, Role.OWNER, publish_price_book, PublishPriceBook())
        by_transfer = UpdateTenant(settings=JSON({"payments": {"payoutsMode": "TRANSFERS"}}))
        await desk.run(owner, Role.OWNER, update_tenant, by_transfer)
    for number in sorted({home.customer for home in plan.homes}):
        customer = _customer(here, plan, number)
        if customer is not None and customer not in with_cards:
            await _save_card(desk, customer, await _fresh(http, plan, CARDS.get(number, VISA)), base_url)


def _customer(here: Standing, plan: BusinessPlan, number: int) -> UUID | None:
    return here.customers.get(email_of(f"customer-{number}", plan))


async def _save_card(desk: Desk, customer: UUID, method: str, base_url: str) -> None:
    form = AddPaymentMethod(method, CONSENT_VERSION, return_url=f"{base_url}/pay")
    try:
        await desk.run(customer, Role.CUSTOMER, add_payment_method, form)
    except Refused:
        # Somebody has disconnected the provider, or changed the rules: the demo starts all the same, with less to see.
        return


async def _fresh(http: httpx2.AsyncClient, plan: BusinessPlan, number: str) -> str:
    """A card as the provider's own field hands it out."""
    headers = {"authorization": f"Bearer {key_of(plan)}", "stripe-version": API_VERSION}
    card = {"type": "card", "card[number]": number, "card[exp_month]": "12", "card[exp_year]": "2034"}
    answer = await http.post("/v1/payment_methods", data={**card, "card[cvc]": "123"}, headers=headers)
    said: dict[str, Any] = answer.json()
    if answer.status_code != 200:
        raise SandboxError(f"The payments sandbox refuses a card of the demo: {said}")
    return str(said["id"])


async def _have(desk: Desk, query: str) -> set[UUID]:
    async with looking(desk.runner.engine, desk.tenant) as (rows, _now):
        return {row[0] for row in await rows.fetch(query, desk.tenant)}
