"""A file is no way around what a business's plan includes (R22, A42)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.billing import PLANS
from domain.errors import Code
from domain.importing import ImportOutcome, read_csv
from services.billing import limits
from services.importing import ImportLines, import_lines
from tests.billing.house import House

COLUMNS = "customer name,address,city,postal code,bedrooms,bathrooms,square feet,latitude,longitude,job starts at,hours"


async def test_an_imported_clean_beyond_the_months_number_is_refused_by_its_line(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A42, R22: the plan counts them as every other, and nothing of the line is taken."""
    monkeypatch.setattr(limits, "PLANS", {**PLANS, "team": replace(PLANS["team"], jobs_a_month=1)})
    start = (await house.town.day(40)).replace(day=10)
    days = [(start + timedelta(days=n)).isoformat() for n in (1, 2)]
    lines = [
        f"Customer {n},{n} One Street,Miami,33139,2,1,900,25.77,-80.19,{day},3" for n, day in enumerate(days, start=1)
    ]

    wish = ImportLines(read_csv("\n".join([COLUMNS, *lines])))
    first, second = await house.site.do(house.town.owner, import_lines, wish)

    assert (first.outcome, second.outcome) == (ImportOutcome.CREATED, ImportOutcome.REFUSED)
    assert second.code is Code.PLAN_LIMIT
    assert await house.world.count("job", house.town.tenant) == 1
    assert await house.world.count("customer", house.town.tenant, "name = 'Customer 2'") == 0
