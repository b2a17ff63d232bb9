"""Money: the provider's gateway, its contract, and what is built on both."""
