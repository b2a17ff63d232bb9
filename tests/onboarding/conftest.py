"""One installation for all onboarding tests; every test founds businesses of its own, always two of them."""

from collections.abc import AsyncIterator

import pytest

from tests.onboarding.desk import Desk
from tests.payments.site import a_site
from tests.product.conftest import alone, api, other, product_data, product_servers, town, world
from tests.product.world import Town

__all__ = ["alone", "api", "desk", "other", "product_data", "product_servers", "town", "world"]


@pytest.fixture
async def desk(town: Town, other: Town) -> AsyncIterator[Desk]:
    """Newcomers of one business, its account with the provider's sandbox, and another business that must not notice."""
    async with a_site(town, other) as site:
        made = Desk(site)
        for place in (town, other):
            # Who pays by payroll asks for no account.
            await made.pays(place, "TRANSFERS")
        await made.newcomer(other)
        yield made
