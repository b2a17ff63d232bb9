"""One installation for all fieldwork tests; every test founds businesses of its own, always two of them."""

import pytest

from tests.fieldwork.site import Site
from tests.product.conftest import alone, api, other, product_data, product_servers, town, world
from tests.product.world import Town

__all__ = ["alone", "api", "other", "product_data", "product_servers", "site", "town", "world"]


@pytest.fixture
async def site(town: Town, other: Town) -> Site:
    """The work of one business; the other one has a job of its own."""
    await other.shift(await other.cleaner())
    return Site(town, other)
