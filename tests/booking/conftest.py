"""A running API, two businesses that take cards at the sandbox, and somebody who books."""

from collections.abc import AsyncIterator

import pytest

from tests.booking.counter import Counter
from tests.payments.site import Site, a_site
from tests.product.conftest import api, other, product_data, product_servers, town, world
from tests.product.world import Api, Town

__all__ = ["api", "other", "product_data", "product_servers", "town", "world"]


@pytest.fixture
async def site(town: Town, other: Town) -> AsyncIterator[Site]:
    """The business and its money, beside another one."""
    async with a_site(town, other) as made:
        yield made


@pytest.fixture
async def counter(api: Api, site: Site) -> Counter:
    """Where people book, over HTTP alone."""
    return Counter(api, site)
