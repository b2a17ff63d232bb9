"""Where people book: over HTTP alone, as a visitor, a customer or the office."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.actors import Actor
from domain.consent import CONSENT_VERSION
from domain.errors import Code
from schema.types.relay import decode_id
from tests.payments.site import Site
from tests.product.world import MIAMI, Api

ZONE = ZoneInfo("America/New_York")
CUSTOMER = {"name": "Visitor 1", "email": "visitor1@x.example", "phone": "+13055550123"}
HOME = {
    "address": "1 Ocean Drive",
    "city": "Miami",
    "postalCode": "33139",
    "bedrooms": 3,
    "bathrooms": 2,
    "squareFeet": 2400,
    "latitude": MIAMI[0],
    "longitude": MIAMI[1],
}
ADD_ONS: dict[str, Any] = {"laundry": "IN_UNIT", "laundryLoads": 2, "hotTub": "STANDARD", "drain": "QUARTERLY"}
TERMS = {"frequency": "WEEKLY", "term": "MONTHLY"}
GOLDEN: dict[str, Any] = {"bedrooms": 3, "bathrooms": 2, "squareFeet": 2400, **ADD_ONS}
"""R58: 195.00."""

LINES = "lines { code label quantity unitCents amountCents }"
PRICE = f"""currency {LINES} baseCents squareFeetSurchargeCents laundryCents hotTubCents discountCents totalCents
    isCustomQuote customReasons {{ code message }}"""
QUOTE = f"id status totalCents currency isGood isCustom expiresAt price {{ {PRICE} }}"
DRAFT = f"""id status nextStep expiresAt confirmedAt version
    steps {{ customer {{ name email phone }}
        property {{ address city bedrooms bathrooms squareFeet propertyId latitude }}
        addOns {{ laundry laundryLoads hotTub drain }} calendar {{ icalUrl firstOn startTime weekday }}
        terms {{ frequency term }} payment {{ consentVersion }} }}
    price {{ {PRICE} }} quote {{ {QUOTE} }} quoteRequests {{ id status quote {{ id totalCents }} reasons {{ code }} }}
    failure {{ message actionUrl at }}
    order {{ servicePlanId jobId startsAt address totalCents currency price {{ totalCents }} paidAt nextSteps }}"""
DIFFERENCES = "differences { code beforeCents afterCents message }"


@dataclass
class Booker:
    """Somebody with a booking and the credential that they have for it."""

    counter: "Counter"
    token: str
    draft: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.draft["id"])

    @property
    def key(self) -> UUID:
        """The draft's own id."""
        return decode_id(self.id, "BookingDraft")

    async def do(self, mutation: str, input: dict[str, Any], select: str) -> Any:
        """A mutation's payload."""
        return await self.counter.do(self.token, mutation, input, select)

    async def save(self, step: str, **said: Any) -> Any:
        """Save a step, which must be taken; the booking as it is then."""
        answer = await self.tries(step, **said)
        assert answer["errors"] == [], answer["errors"]
        self.draft = answer["bookingDraft"]
        return self.draft

    async def tries(self, step: str, **said: Any) -> Any:
        """Try to save a step."""
        return await self.do(f"saveBooking{step}", {"bookingDraftId": self.id, **said}, f"bookingDraft {{ {DRAFT} }}")

    async def look(self) -> Any:
        """The booking as it is now."""
        answer = await self.counter.ask(
            self.token, f"query ($id: ID!) {{ bookingDraft(id: $id) {{ {DRAFT} }} }}", id=self.id
        )
        self.draft = answer["data"]["bookingDraft"]
        return self.draft

    async def fill(self, *, card: str | None = None, home: dict[str, Any] | None = None, **terms: Any) -> Any:
        """Save every step: the golden home, tomorrow week at nine."""
        if self.draft["steps"]["customer"] is None:
            await self.save("Customer", **CUSTOMER)
        await self.save("Property", **{**HOME, **(home or {})})
        await self.save("AddOns", **ADD_ONS)
        await self.save("Calendar", firstOn=await self.counter.day(8), startTime="09:00")
        await self.save("Terms", **{**TERMS, **terms})
        return await self.pay_with(card or self.counter.site.fresh_method())

    async def pay_with(self, card: str) -> Any:
        """Give a card's token and agree to later charges."""
        return await self.save("Payment", paymentMethodId=card, consentVersion=CONSENT_VERSION)

    async def quoted(self) -> Any:
        """A price that is promised for what is saved."""
        answer = await self.do("quotePrice", {"bookingDraftId": self.id}, f"quote {{ {QUOTE} }}")
        assert answer["errors"] == [], answer["errors"]
        return answer["quote"]

    async def confirm(self, quote: str, cents: Any) -> Any:
        """Say yes; the whole payload."""
        said = {
            "bookingDraftId": self.id,
            "quoteId": quote,
            "totalCents": cents,
            "returnUrl": "https://cleanshift.test/book",
        }
        return await self.do("confirmBooking", said, f"bookingDraft {{ {DRAFT} }} quote {{ {QUOTE} }} {DIFFERENCES}")

    async def books(self) -> Any:
        """All of it: quote and yes; then what workers do. The booking as it is then."""
        quote = await self.quoted()
        answer = await self.confirm(quote["id"], quote["totalCents"])
        assert answer["errors"] == [], answer["errors"]
        await self.counter.site.settle()
        return await self.look()


@dataclass
class Counter:
    """One business's booking page."""

    api: Api
    site: Site

    async def ask(self, token: str | None, query: str, **variables: Any) -> Any:
        """The decoded answer, whoever asks."""
        return (await self.api.post(query, variables, token)).json()

    async def do(self, token: str | None, mutation: str, input: dict[str, Any], select: str) -> Any:
        """A mutation's payload."""
        kind = mutation[0].upper() + mutation[1:]
        payload = f"{{ {select} errors {{ code message field details }} }}"
        query = f"mutation ($input: {kind}Input!) {{ {mutation}(input: $input) {payload} }}"
        answer = await self.ask(token, query, input=input)
        assert "errors" not in answer, answer["errors"]
        return answer["data"][mutation]

    async def visitor(self, slug: str | None = None) -> Booker:
        """Somebody whom nobody knows."""
        answer = await self.do(
            None, "openBooking", {"tenant": slug or self.site.town.slug}, f"bookingToken bookingDraft {{ {DRAFT} }}"
        )
        assert answer["errors"] == [], answer["errors"]
        return Booker(self, answer["bookingToken"], answer["bookingDraft"])

    async def booker(self, who: Actor, **wish: Any) -> Booker:
        """Somebody who has signed in."""
        token = self.token(who)
        answer = await self.do(token, "openBooking", wish, f"bookingToken bookingDraft {{ {DRAFT} }}")
        assert answer["errors"] == [], answer["errors"]
        assert answer["bookingToken"] is None
        return Booker(self, token, answer["bookingDraft"])

    def token(self, who: Actor) -> str:
        return self.site.world.token(who)

    async def price(self, *, tenant: str | None = None, token: str | None = None, **home: Any) -> Any:
        """What everybody is told that a home costs."""
        wish = {**{k: v for k, v in GOLDEN.items() if k not in ADD_ONS}, **home}
        answer = await self.ask(
            token,
            f"query ($home: QuotedHomeInput!, $tenant: String) {{ price(home: $home, tenant: $tenant) {{ {PRICE} }} }}",
            home=wish,
            tenant=tenant or (None if token else self.site.town.slug),
        )
        assert "errors" not in answer, answer
        return answer["data"]["price"]

    async def day(self, days: int) -> str:
        """A day of the market's calendar, from today."""
        return ((await self.site.now()).astimezone(ZONE) + timedelta(days=days)).date().isoformat()

    def asked(self) -> int:
        """How often anything was asked of the provider."""
        return int(self.site.sandbox.journal.seq)


def codes(payload: Any) -> list[str]:
    """The codes of a payload's refusals."""
    return [error["code"] for error in payload["errors"]]


def one(payload: Any, code: Code) -> Any:
    """The payload's only refusal, which must have this code."""
    [error] = payload["errors"]
    assert error["code"] == code.value, error
    return error
