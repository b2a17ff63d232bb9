"""Homes are found on the map by their address, and serviced as the office says (R27, R31, R32)."""

from typing import Any

import httpx2
import pytest

from domain.errors import Invalid, Unavailable
from domain.geo import Address, Position, distance_metres
from gateways.geocoding import Nominatim, SandboxGeocoder
from services.customers import CreateCustomer, CreateProperty, UpdateProperty, create_customer, update_property
from tests.product.world import Api, Town, gid

HOME = "property { id latitude longitude geocodedAt hotTub hotTubService hotTubDrain version }"
MIAMI = Position(25.7617, -80.1918)


async def form(town: Town, **more: Any) -> dict[str, Any]:
    whose = await town.world.run(town.owner, create_customer, CreateCustomer("Customer"))
    return {
        "customerId": gid("Customer", whose),
        "marketId": gid("Market", town.market),
        "name": "Home",
        "address": "1 Ocean Drive",
        "city": "Miami",
        "postalCode": "33139",
        "bedrooms": 3,
        "bathrooms": 2,
        "squareFeet": 2400,
        **more,
    }


def refusal(answer: Any) -> list[tuple[str, list[str]]]:
    assert answer["property"] is None
    return [(error["code"], error["field"]) for error in answer["errors"]]


async def test_a_home_without_coordinates_is_where_its_address_is(api: Api, town: Town, other: Town) -> None:
    """R27: looked up once, at creation; kept for the next home at the same address, in this business alone."""
    made = (await api.do(town.owner, "createProperty", await form(town), HOME))["property"]
    again = (await api.do(town.owner, "createProperty", await form(town, address="1  OCEAN drive"), HOME))["property"]

    assert distance_metres(Position(made["latitude"], made["longitude"]), MIAMI) < 10_000
    assert made["geocodedAt"] is not None
    assert (again["latitude"], again["longitude"]) == (made["latitude"], made["longitude"])
    assert await town.world.count("geocoded", town.tenant) == 1
    assert await town.world.count("geocoded", other.tenant) == 0


async def test_a_new_address_is_looked_up_and_another_name_is_not(api: Api, town: Town) -> None:
    """R27: on every change of the address; coordinates that the office gives are the office's."""
    made = (await api.do(town.owner, "createProperty", await form(town), HOME))["property"]

    named = await api.do(town.owner, "updateProperty", {"propertyId": made["id"], "name": "Beach"}, HOME)
    moved = await api.do(town.owner, "updateProperty", {"propertyId": made["id"], "address": "77 Other Street"}, HOME)
    placed = await api.do(
        town.owner, "updateProperty", {"propertyId": made["id"], "latitude": 25.5, "longitude": -80.5}, HOME
    )

    assert named["property"]["latitude"] == made["latitude"]
    assert moved["property"]["latitude"] != made["latitude"]
    assert (placed["property"]["latitude"], placed["property"]["geocodedAt"]) == (25.5, None)


async def test_an_address_that_is_nowhere_is_refused_and_nothing_is_written(api: Api, town: Town) -> None:
    """R27: `Invalid` on the address; half a position is refused for its other half."""
    wish = await form(town, address="Nowhere 1")
    before = await town.world.trace(town.tenant)

    assert refusal(await api.do(town.owner, "createProperty", wish, HOME)) == [("INVALID", ["address"])]
    half = await form(town, latitude=25.5)
    assert refusal(await api.do(town.owner, "createProperty", half, HOME)) == [("INVALID", ["longitude"])]

    after = await town.world.trace(town.tenant)
    assert {**after, "event": 0, "audit": 0} == {**before, "event": 0, "audit": 0}
    assert await town.world.count("property", town.tenant) == 0
    assert await town.world.count("geocoded", town.tenant) == 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"hotTubService": "STANDARD"}, "hotTubService"),
        ({"hotTub": True, "hotTubDrain": "MONTHLY"}, "hotTubDrain"),
        ({"laundryLoads": 2}, "laundryLoads"),
        ({"laundry": "IN_UNIT"}, "laundryLoads"),
    ],
)
async def test_what_does_not_go_together_is_refused(api: Api, town: Town, given: dict[str, Any], field: str) -> None:
    """R31, R32."""
    wish = await form(town, **given)

    assert refusal(await api.do(town.owner, "createProperty", wish, HOME)) == [("INVALID", [field])]
    assert await town.world.count("property", town.tenant) == 0


async def test_without_its_tub_a_home_has_none_to_be_serviced(api: Api, town: Town) -> None:
    """R32: flag, service and draining are kept; where the tub goes, so do they."""
    wish = await form(town, hotTub=True, hotTubService="STANDARD", hotTubDrain="QUARTERLY")
    made = (await api.do(town.owner, "createProperty", wish, HOME))["property"]
    assert (made["hotTub"], made["hotTubService"], made["hotTubDrain"]) == (True, "STANDARD", "QUARTERLY")

    gone = await api.do(town.owner, "updateProperty", {"propertyId": made["id"], "hotTub": False}, HOME)

    assert (gone["property"]["hotTubService"], gone["property"]["hotTubDrain"]) == ("NONE", "NONE")


async def test_a_job_keeps_its_price_when_the_home_changes(api: Api, town: Town) -> None:
    """R58, R60: 3/2/2400 with 2 loads in the home and a standard hot tub drained quarterly is 195.00, and stays so."""
    tub = {"hotTub": True, "hotTubService": "STANDARD", "hotTubDrain": "QUARTERLY"}
    wish = await form(town, laundry="IN_UNIT", laundryLoads=2, **tub)
    priced = "property { id price { totalCents } }"
    home = (await api.do(town.owner, "createProperty", wish, priced))["property"]
    start = (await town.day(3)).isoformat()
    select = "job { id priceCents currency price { totalCents lines { code amountCents } } }"
    made = await api.do(
        town.owner, "createJob", {"propertyId": home["id"], "startsAt": start, "expectedHours": "3"}, select
    )
    job = made["job"]
    assert (job["priceCents"], job["currency"], job["price"]["totalCents"]) == (19_500, "usd", 19_500)
    assert home["price"]["totalCents"] == 19_500

    changed = await api.do(town.owner, "updateProperty", {"propertyId": home["id"], "hotTub": False}, priced)

    assert changed["property"]["price"]["totalCents"] == 15_000
    kept = await api.data(town.owner, "query ($id: ID!) { job(id: $id) { priceCents } }", id=job["id"])
    assert kept["job"]["priceCents"] == 19_500


async def test_a_custom_home_has_no_price_and_cleaners_read_none(api: Api, town: Town) -> None:
    """R20, A31: six bedrooms are the office's to price; what a clean costs is not the cleaners' to know."""
    wish = await form(town, bedrooms=6)
    home = (await api.do(town.owner, "createProperty", wish, "property { id price { totalCents } }"))["property"]
    start = (await town.day(3)).isoformat()
    form_of_job = {"propertyId": home["id"], "startsAt": start, "expectedHours": "3"}
    made = await api.do(town.owner, "createJob", form_of_job, "job { id priceCents price { totalCents } }")
    assert home["price"] is None
    assert (made["job"]["priceCents"], made["job"]["price"]) == (None, None)

    cleaner = await town.cleaner()
    shift = await town.shift(cleaner)
    job = await town.world.root.fetchval("select job_id from assignment where id = $1", shift)
    query = "query ($id: ID!) { job(id: $id) { startsAt priceCents price { totalCents } } }"
    answer = await api.ask(cleaner, query, id=gid("Job", job))
    assert (answer["data"]["job"]["priceCents"], answer["data"]["job"]["price"]) == (None, None)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}


async def test_without_the_look_up_a_command_finds_no_place(town: Town) -> None:
    """R27: no transaction is open during a call, so what was not looked up before is not found."""
    home = await town.home()

    with pytest.raises(Invalid) as refused:
        await town.world.run(town.owner, update_property, UpdateProperty(home, address="5 Elsewhere"))

    assert refused.value.field == ("address",)
    assert CreateProperty.__dataclass_fields__["latitude"].default is not None


ADDRESS = Address("1 Main Street", "Tampa", "33602")


def answering(status: int, content: bytes) -> Nominatim:
    return Nominatim("http://geo.example/", httpx2.MockTransport(lambda _: httpx2.Response(status, content=content)))


async def test_the_server_is_asked_by_street_city_and_code() -> None:
    """R27: Nominatim's own parameters; the first match counts."""
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json=[{"lat": "27.95", "lon": "-82.45"}, {"lat": "1", "lon": "2"}])

    server = Nominatim("http://geo.example/", httpx2.MockTransport(answer))
    try:
        assert await server.locate(ADDRESS) == Position(27.95, -82.45)
    finally:
        await server.aclose()

    wanted = {"street": "1 Main Street", "city": "Tampa", "postalcode": "33602", "format": "jsonv2", "limit": "1"}
    assert dict(asked[0].url.params) == wanted


async def test_an_address_that_the_server_does_not_know_is_nowhere() -> None:
    """R27."""
    assert await answering(200, b"[]").locate(ADDRESS) is None


@pytest.mark.parametrize(
    ("status", "content"),
    [(500, b""), (429, b"[]"), (302, b""), (200, b"<html>"), (200, b"{}"), (200, b'[{"lat": "x", "lon": "1"}]'),
     (200, b'[{"lat": "91", "lon": "1"}]'), (200, b"[" + b" " * 300_000 + b"]")],
)  # fmt: skip
async def test_what_is_no_answer_is_an_outage(status: int, content: bytes) -> None:
    """R27: nobody is told that an address does not exist by a server that cannot say."""
    with pytest.raises(Unavailable):
        await answering(status, content).locate(ADDRESS)


async def test_the_sandbox_always_finds_an_address_at_the_same_place() -> None:
    """R27: near the middle of its city, known or not; and some are nowhere."""
    geocoder = SandboxGeocoder()

    there = await geocoder.locate(Address("1 Ocean Drive", "Miami", "33139"))
    assert there is not None
    assert there == await geocoder.locate(Address("1 ocean  drive", "MIAMI", "33139"))
    assert distance_metres(there, MIAMI) < 7_000
    assert await geocoder.locate(Address("2 Ocean Drive", "Miami", "33139")) != there
    one, two = [await geocoder.locate(Address(street, "Smallville", "1")) for street in ("1 A", "2 B")]
    assert one is not None and two is not None and distance_metres(one, two) < 15_000  # noqa: PT018
    assert await geocoder.locate(Address("Nowhere 7", "Miami", "33139")) is None
