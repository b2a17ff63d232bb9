"""Prices and price books: where their fields come from, what a clean costs, and the mutation that publishes prices."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import strawberry
from strawberry.types import Info

from db.runner import Call
from domain import pricing
from domain.actors import Actor
from domain.errors import Unauthenticated
from domain.plans import Term
from domain.price_book import DEFAULT_BOOK
from domain.price_book import PriceBook as Book
from models import price_book
from resolvers.common import OFFICE
from resolvers.context import Context
from resolvers.engine.sources import computed, sql
from resolvers.expose import expose
from resolvers.public_error import as_public
from resolvers.registry import registry
from schema.inputs import input_type, to_command
from schema.types.described import for_clients
from schema.types.prices import Price, PriceBook, PriceDifference, PriceLine, PriceReason, Prices
from services.booking import price_books as commands


def shown(price: pricing.Price) -> Price:
    """A price as clients see it."""
    return Price(
        currency=price.currency,
        lines=[
            PriceLine(
                code=line.code,
                label=line.label,
                quantity=line.quantity,
                unit_cents=line.unit_cents,
                amount_cents=line.amount_cents,
            )
            for line in price.lines
        ],
        base_cents=price.base_cents,
        square_feet_surcharge_cents=price.square_feet_surcharge_cents,
        laundry_cents=price.laundry_cents,
        hot_tub_cents=price.hot_tub_cents,
        discount_cents=price.discount_cents,
        total_cents=price.total_cents,
        is_custom_quote=price.is_custom_quote,
        custom_reasons=[PriceReason(code=code, message=pricing.REASON_WORDS[code]) for code in price.custom_reasons],
    )


def shown_price(price: Mapping[str, Any] | None) -> Price | None:
    """The price that is kept in a column `price`."""
    return None if price is None else shown(pricing.price_from_json(price))


def shown_differences(lines: list[dict[str, Any]]) -> list[PriceDifference]:
    """What has changed, from a refusal's details."""
    return [
        PriceDifference(
            code=pricing.LineCode(line["code"]),
            before_cents=line["beforeCents"],
            after_cents=line["afterCents"],
            message=line["message"],
        )
        for line in lines
    ]


def prices_of(rules: Mapping[str, Any]) -> Prices:
    """All prices of an edition; what it does not say is the product's own."""
    return Prices(**asdict(Book.from_json(rules)))


def rules_in_force(tenant_id: str) -> str:
    """The rules of the book in force; where none is published the product's own, in the business's currency (A30)."""
    currency = f"coalesce(t.settings -> 'pay' ->> 'currency', '{DEFAULT_BOOK.currency}')"
    return f"""coalesce(
        (SELECT b.rules FROM price_book b WHERE b.tenant_id = {tenant_id} ORDER BY b.edition DESC LIMIT 1),
        (SELECT jsonb_build_object('currency', {currency}) FROM tenant t WHERE t.tenant_id = {tenant_id}))"""


async def asker(context: Context, tenant: str | None) -> Actor:
    """Who asks: whoever the credential names, else somebody at the page of the business with this slug (R1).

    Raises `Unauthenticated` where neither is given, `NotFound` where there is no such business, `RateLimited`.
    """
    if context.actor is not None:
        return context.actor
    if tenant is None:
        raise Unauthenticated
    return await context.services.auth.visitor(tenant, context.source)


async def price(info: Info[Context, None], home: Any, term: Term | None = None, tenant: str | None = None) -> Price:
    """What a clean of such a home costs now, line by line, for everybody; nothing is promised by it, and nothing kept.

    Without a credential name the business by its slug.
    """
    context = info.context
    with as_public():
        wish = commands.TellPrice(to_command(commands.QuotedHome, home), term)
        who = await asker(context, tenant)
        call = Call(who, commands.tell_price, wish, request_id=context.request_id)
        return shown(await context.services.runner.run(call))


def _price() -> Any:
    price.__annotations__["home"] = input_type(commands.QuotedHome, keyed=False)
    field: Any = strawberry.field(resolver=price, description=for_clients(price.__doc__ or ""))
    words = {
        "home": "The home.",
        "term": "For how long one would sign up.",
        "tenant": "The slug of the business; for who has no credential.",
    }
    for argument in field.arguments:
        argument.description = words[argument.python_name]
    return field


PRICE = _price()

_RULES = sql(lambda stamp: rules_in_force(stamp.tenant_id), dict)
PRICES = computed(prices_of, rules=_RULES).only(*OFFICE)

registry.sources(
    PriceBook,
    price_book,
    prices=computed(prices_of),
    is_in_force=sql(
        lambda row: (
            f"""NOT EXISTS (SELECT FROM price_book later WHERE later.tenant_id = {row.tenant_id}
                AND later.edition > {row.edition})"""
        )
    ),
)

MUTATIONS = {"publish_price_book": expose(commands.publish_price_book, PriceBook)}
