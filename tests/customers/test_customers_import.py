"""A business brings its customers in a file: a line is taken wholly or not at all, and twice is once (R22, R26)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import Invalid
from domain.ids import JobId
from domain.importing import COLUMNS, MOST_LINES, read_csv
from schema.types.relay import decode_id
from services.booking import CreateService, create_service
from tests.payments.site import ZONE, a_site
from tests.product.world import Api, Town, an_api, gid

IMPORT = """mutation ($csv: String!, $dry: Boolean! = false) { importCustomers(input: { csv: $csv, dryRun: $dry }) {
    report { isDryRun created updated unchanged refused
        lines { line outcome code field message customerId propertyId jobId } }
    errors { code field message } } }"""
HEADER = "Customer name,Email,Phone,Property name,Address,City,Postal code,Bedrooms,Bathrooms,Square_feet"
FULL = f"{HEADER},Laundry,Laundry loads,Hot tub service,Drain,Notes,Job starts at,Hours,Service"
TABLES = ("customer", "property", "job", "credential", "event", "audit", "task")


async def send(api: Api, who: Any, csv: str, *, dry: bool = False) -> Any:
    return (await api.data(who, IMPORT, csv=csv, dry=dry))["importCustomers"]


async def report(api: Api, town: Town, csv: str, *, dry: bool = False) -> Any:
    answer = await send(api, town.owner, csv, dry=dry)
    assert answer["errors"] == []
    return answer["report"]


def counts(said: Any) -> tuple[int, ...]:
    return tuple(said[name] for name in ("created", "updated", "unchanged", "refused"))


async def trace(town: Town) -> dict[str, int]:
    return {table: await town.world.count(table, town.tenant) for table in TABLES}


def home(number: int, name: str = "Customer One", email: str = "one@mail.example") -> str:
    return f"{name},{email},+13055550100,Home {number},{number} Ocean Drive,Miami,33139,3,2,2400"


async def whole_line(town: Town) -> str:
    await town.world.run(town.owner, create_service, CreateService("Turnover", Decimal("2.5")))
    start = (await town.day(4)).strftime("%Y-%m-%d 09:30")
    return f'{home(1)},in-unit,2,Standard,quarterly,"Key ""under"" the mat,\r\nleft",{start},,turnover'


async def test_a_line_brings_customer_home_and_job(api: Api, town: Town, other: Town) -> None:
    """R22, R25, R26, R31, R32: with byte order mark, CRLF, quotes and a line break inside; nothing of it elsewhere."""
    before = await trace(other)
    line = await whole_line(town)

    said = await report(api, town, f"\ufeff{FULL}\r\n{line}\r\n\r\n")

    assert counts(said) == (1, 0, 0, 0)
    made = said["lines"][0]
    job = await town.world.root.fetchrow("select * from job where tenant_id = $1", town.tenant)
    row = await town.world.root.fetchrow("select * from property where tenant_id = $1", town.tenant)
    assert made == {
        "line": 2, "outcome": "CREATED", "code": None, "field": None, "message": None,
        "customerId": gid("Customer", row["customer_id"]), "propertyId": gid("Property", row["id"]),
        "jobId": gid("Job", job["id"]),
    }  # fmt: skip
    assert (row["laundry"], row["laundry_loads"], row["hot_tub"]) == ("IN_UNIT", 2, True)
    assert (row["hot_tub_service"], row["hot_tub_drain"]) == ("STANDARD", "QUARTERLY")
    assert row["notes"] == 'Key "under" the mat,\nleft'
    assert row["geocoded_at"] is not None
    assert (job["price_cents"], float(job["expected_hours"])) == (19_500, 2.5)
    # 09:30 by the market's clocks (A25).
    assert job["starts_at"].hour in {13, 14}
    assert await town.world.count("credential", town.tenant, "role = 'customer'") == 1
    assert await trace(other) == before


async def test_the_same_file_again_changes_nothing(api: Api, town: Town) -> None:
    """R22: same email, same address, same start; no event and no audit line either."""
    csv = f"{FULL}\n{await whole_line(town)}\n"
    first = await report(api, town, csv)
    before = await trace(town)

    again = await report(api, town, csv.replace("1 Ocean Drive", " 1  ocean DRIVE ").replace("one@mail", "One@Mail"))

    assert counts(again) == (0, 0, 1, 0)
    ids = [{name: line[name] for name in ("customerId", "propertyId", "jobId")} for line in first["lines"]]
    assert ids == [{name: line[name] for name in ("customerId", "propertyId", "jobId")} for line in again["lines"]]
    assert await trace(town) == before


async def test_what_is_different_is_updated_and_what_is_left_out_stays(api: Api, town: Town) -> None:
    """R22, R26."""
    await report(api, town, f"{HEADER}\n{home(1)}\n")

    changed = f"{HEADER}\nCustomer One,one@mail.example,+13055550199,,1 Ocean Drive,,,4,,\n"
    said = await report(api, town, changed)

    assert counts(said) == (0, 1, 0, 0)
    row = await town.world.root.fetchrow("select * from property where tenant_id = $1", town.tenant)
    assert (row["bedrooms"], row["bathrooms"], row["name"], row["city"]) == (4, 2, "Home 1", "Miami")
    phones = await town.world.root.fetch("select phone from customer where tenant_id = $1", town.tenant)
    assert [each["phone"] for each in phones] == ["+13055550199"]


async def test_two_lines_of_one_customer_are_two_homes(api: Api, town: Town) -> None:
    """R26."""
    said = await report(api, town, f"{HEADER}\n{home(1)}\n{home(2)}\nCustomer Two,,,,,,,,,\nCustomer Two,,,,,,,,,\n")

    assert [line["outcome"] for line in said["lines"]] == ["CREATED", "CREATED", "CREATED", "UNCHANGED"]
    assert await town.world.count("customer", town.tenant) == 2
    assert await town.world.count("property", town.tenant) == 2


@pytest.mark.parametrize(
    ("line", "code", "field"),
    [
        (",x@mail.example,,,,,,,,", "INVALID", "customer name"),
        ("Customer,no address,,,,,,,,", "INVALID", "email"),
        ("Customer,,12,,,,,,,", "INVALID", "phone"),
        ("Customer,,,Home,,Miami,,,,", "INVALID", "address"),
        ("Customer,,,,5 Ocean Drive,,33139,1,1,900", "INVALID", "city"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,,1,900", "INVALID", "bedrooms"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,1,1,", "INVALID", "square feet"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,one,1,900", "INVALID", "bedrooms"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,51,1,900", "INVALID", "bedrooms"),
        ("Customer,,,,Nowhere 5,Miami,33139,1,1,900", "INVALID", "address"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,1,1,900,BASKET", "INVALID", "laundry"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,1,1,900,NONE,2", "INVALID", "laundry loads"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,1,1,900,,,NONE,MONTHLY", "INVALID", "drain"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,1,1,900,,,,,,2020-01-01 09:00,3", "INVALID", "job starts at"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,1,1,900,,,,,,2030-02-30 09:00,3", "INVALID", "job starts at"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,1,1,900,,,,,,2027-02-20,3", "INVALID", "job starts at"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,1,1,900,,,,,,,3", "INVALID", "hours"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,1,1,900,,,,,,2027-02-20T09:00Z,-3", "INVALID", "hours"),
        ("Customer,,,,5 Ocean Drive,Miami,33139,1,1,900,,,,,,2027-02-20T09:00Z,3,Unknown", "INVALID", "service"),
        ("Customer" + "," * 20, "INVALID", None),
    ],
)
async def test_a_bad_line_is_refused_with_its_column_and_loses_nothing_of_others(
    api: Api, town: Town, line: str, code: str, field: str | None
) -> None:
    """R19, R22: nothing of the bad line is kept, not even its customer; the lines around it are."""
    said = await report(api, town, f"{FULL}\n{home(1)}\n{line}\n{home(2)}\n")

    assert counts(said) == (2, 0, 0, 1)
    refused = said["lines"][1]
    assert (refused["line"], refused["outcome"], refused["code"], refused["field"]) == (3, "REFUSED", code, field)
    assert refused["message"]
    assert await town.world.count("customer", town.tenant) == 1
    assert await town.world.count("property", town.tenant) == 2
    assert await town.world.count("event", town.tenant, "type in ('CustomerChanged', 'PropertyChanged')") == 3


async def test_a_dry_run_reports_the_same_and_keeps_nothing(api: Api, town: Town) -> None:
    """R22: a later line finds whom an earlier one would have brought."""
    csv = f"{HEADER}\n{home(1)}\n{home(1)}\n,,,,,,,,,x\n"
    before = await trace(town)

    said = await report(api, town, csv, dry=True)

    assert (said["isDryRun"], counts(said)) == (True, (1, 0, 1, 1))
    assert await trace(town) == before
    assert counts(await report(api, town, csv)) == (1, 0, 1, 1)


@pytest.mark.parametrize(
    "csv",
    ["", "\n\n", "Name,Email\nA,b@c.example\n", "Email\nb@c.example\n", "Customer name,Shoe size\nA,44\n",
     "Customer name,customer_name\nA,B\n", 'Customer name\n"A\n', "Customer name\nA\0\n",
     "Customer name\n" + "A\n" * (MOST_LINES + 1), "Customer name\n" + "A" * 1024 * 1024],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_as_a_whole(csv: str) -> None:
    """R19: before anything of it is looked at."""
    with pytest.raises(Invalid) as refused:
        read_csv(csv)
    assert refused.value.field == ("csv",)


async def test_the_refusal_of_a_file_is_in_the_payload(api: Api, town: Town) -> None:
    """R19: and nothing is written."""
    before = await trace(town)

    answer = await send(api, town.owner, "Shoe size\n44\n")

    assert (answer["report"], answer["errors"][0]["code"], answer["errors"][0]["field"]) == (None, "INVALID", ["csv"])
    assert await trace(town) == before


async def test_only_the_office_imports(api: Api, town: Town) -> None:
    """R20: a dispatcher may; a cleaner and a visitor may not."""
    csv = f"{HEADER}\n{home(1)}\n"
    refused = await send(api, await town.cleaner(), csv)
    assert (refused["report"], refused["errors"][0]["code"]) == (None, "FORBIDDEN")
    assert (await api.ask(None, IMPORT, csv=csv))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await town.world.count("customer", town.tenant) == 0

    assert counts((await send(api, await town.dispatcher(), csv))["report"]) == (1, 0, 0, 0)


async def test_a_line_waits_where_the_look_up_is_away_and_comes_in_later(api: Api, town: Town) -> None:
    """R27: what needs no look-up is taken; a single home is an outage, with nothing written."""
    csv = f"{HEADER}\n{home(1)}\nCustomer Two,two@mail.example,,,,,,,,\n"
    async with an_api(town.world, GEOCODER_URL="http://127.0.0.1:9") as far:
        said = (await send(far, town.owner, csv))["report"]
        assert counts(said) == (1, 0, 0, 1)
        assert (said["lines"][0]["code"], said["lines"][0]["field"]) == ("UNAVAILABLE", "address")
        customer = said["lines"][1]["customerId"]
        form = {
            "customerId": customer, "marketId": gid("Market", town.market), "name": "Home", "address": "9 Far Street",
            "city": "Miami", "postalCode": "33139", "bedrooms": 1, "bathrooms": 1, "squareFeet": 900,
        }  # fmt: skip
        query = "mutation ($i: CreatePropertyInput!) { createProperty(input: $i) { property { id } errors { code } } }"
        answer = await far.ask(town.owner, query, i=form)
        assert answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert await town.world.count("property", town.tenant) == 0

    assert counts(await report(api, town, csv)) == (1, 0, 1, 0)


async def test_a_market_is_named_where_there_are_several(api: Api, town: Town) -> None:
    """A25: a home's business time is its market's."""
    from services.identity.business import CreateMarket, create_market

    await town.world.run(town.owner, create_market, CreateMarket("Panhandle", "America/Chicago"))

    said = await report(api, town, f"{HEADER},Market\n{home(1)},\n{home(2)},panhandle\n{home(3)},Elsewhere\n")

    assert [(line["outcome"], line["field"]) for line in said["lines"]] == [
        ("REFUSED", "market"), ("CREATED", None), ("REFUSED", "market"),
    ]  # fmt: skip


async def test_hundreds_of_lines_come_in_within_a_request_or_two(api: Api, town: Town) -> None:
    """R22: in portions; what there was no time for is told so, and the same file brings it in, nothing twice."""
    lines = [f"Customer {n},c{n}@mail.example,,,{n} Long Road,Miami,33139,2,1,900" for n in range(300)]
    csv, waiting = "\n".join([HEADER, *lines]), len(lines)

    while waiting:
        said = await report(api, town, csv)
        assert [line["line"] for line in said["lines"]] == list(range(2, 302))
        assert {line["code"] for line in said["lines"]} <= {None, "UNAVAILABLE"}
        assert said["refused"] < waiting
        waiting = said["refused"]

    assert counts(await report(api, town, csv)) == (0, 0, 300, 0)
    assert await town.world.count("property", town.tenant) == 300


async def test_two_lines_that_disagree_come_one_after_the_other(api: Api, town: Town) -> None:
    """R22: the last word stays, also where the first line says what was there before."""
    await report(api, town, f"{HEADER}\n{home(1)}\n")
    other = home(1).replace("0100", "0177")

    said = await report(api, town, f"{HEADER}\n{other}\n{home(1)}\n")

    assert counts(said) == (0, 2, 0, 0)
    assert await town.world.count("customer", town.tenant, "phone = '+13055550100'") == 1


def test_every_column_is_explained() -> None:
    """R245."""
    assert all(words.endswith(".") for words in COLUMNS.values())


async def test_an_imported_clean_that_is_near_is_held_at_once_and_a_later_one_by_its_night(
    api: Api, town: Town, other: Town
) -> None:
    """A1: as if the office had planned it; nothing waits for a night that is over."""
    async with a_site(town, other) as site:
        place = await site.home()
        row, whose = await site.row("property", place.property), await site.row("customer", place.customer)
        known = (
            f"{whose['name']},{whose['email']},{whose['phone']},,{row['address']},{row['city']},{row['postal_code']}"
        )
        # The run for tomorrow is over by then.
        await site.until_hour(22)
        today = (await site.now()).astimezone(ZONE).date()
        starts = [f"{today + timedelta(days=days)} 14:00" for days in (1, 6)]
        lines = [f"{known},,,,,,,,,{start},3," for start in starts]

        said = await report(api, town, "\n".join([FULL, *lines]))
        await site.settle()

        assert counts(said) == (2, 0, 0, 0)
        near, late = [decode_id(line["jobId"], "Job") for line in said["lines"]]
        assert (await site.status(JobId(near)), await site.payments(JobId(late))) == ("AUTHORIZED", [])
