"""One installation for all tests of payouts; every test founds businesses of its own, always two of them."""

from collections.abc import AsyncIterator

import pytest

from tests.payments.site import a_site
from tests.payouts.till import Till
from tests.product.conftest import api, other, product_data, product_servers, town, world
from tests.product.world import Town

__all__ = ["api", "other", "product_data", "product_servers", "till", "town", "world"]


@pytest.fixture
async def till(town: Town, other: Town) -> AsyncIterator[Till]:
    """A business that pays its cleaners by transfers; the other one must not notice any of it."""
    async with a_site(town, other) as site:
        made = Till(site)
        await site.settings(payments={"payoutsMode": "TRANSFERS"})
        yield made
