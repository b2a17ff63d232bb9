"""One installation for all tests of payments; every test founds businesses of its own, always two of them."""

from collections.abc import AsyncIterator

import pytest

from tests.payments.desk import Desk
from tests.payments.site import Site, a_site
from tests.payouts.till import Till
from tests.product.conftest import alone, api, other, product_data, product_servers, town, world
from tests.product.world import Town

__all__ = ["alone", "api", "desk", "other", "product_data", "product_servers", "site", "town", "world"]


@pytest.fixture
async def site(town: Town, other: Town) -> AsyncIterator[Site]:
    """A business that takes cards, with a home whose owner has saved one; the other one has the same."""
    async with a_site(town, other) as made:
        yield made


@pytest.fixture
async def desk(site: Site) -> Desk:
    """The same business with cleaners who are paid by transfers, and an office that refunds."""
    return Desk(site, Till(site))
