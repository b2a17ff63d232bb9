"""One installation for all tests of plans and webhooks; every test founds businesses of its own, always two of them."""

from collections.abc import AsyncIterator

import pytest

from tests.billing.house import House, a_house
from tests.product.conftest import alone, other, product_data, product_servers, town, world
from tests.product.world import Town

__all__ = ["alone", "house", "other", "product_data", "product_servers", "town", "world"]


@pytest.fixture
async def house(town: Town, other: Town) -> AsyncIterator[House]:
    """A business that has signed itself up, another beside it, and the platform's own account in the sandbox."""
    async with a_house(town, other) as made:
        yield made
