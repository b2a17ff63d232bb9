"""The installation of the product tests, for what is about customers."""

from tests.product.conftest import api, other, product_data, product_servers, town, world

__all__ = ["api", "other", "product_data", "product_servers", "town", "world"]
