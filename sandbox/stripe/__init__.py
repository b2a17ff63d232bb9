"""A Stripe of our own for development and tests: its own process, its own store, its own journal.

It imports nothing of the product, so that its journal is an independent truth. Production never uses it.
"""

from typing import Any

Json = dict[str, Any]
"""One object of the API as it is stored and sent; keys that begin with `_` are ours and are never sent."""
