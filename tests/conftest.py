"""Long files first: whoever works beside others is not left alone with one at the end."""

from pathlib import Path

import pytest

LONGEST = (
    "test_product_moves_interleaved.py",
    "test_product_tenancy.py",
    "test_browser_moves.py",
    "test_soak_faults.py",
    "test_sandbox_demo.py",
    "test_feeds_fold.py",
    "test_product_bad_input.py",
    "test_product_command_line.py",
    "test_feeds_races.py",
    "test_browser_board.py",
    "test_feeds_protocol.py",
    "test_product_moves.py",
    "test_product_moves_machine.py",
    "test_product_interleavings.py",
    "test_feeds_bounds.py",
    "test_feeds_slow.py",
    "test_feeds_revocation.py",
    "test_product_catalogue.py",
    "test_product_matrix.py",
)
"""The longest before the others; where a file is missing here, it is only the balance that suffers."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of `LONGEST` first; within a file the order stays."""
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(Path(item.path).name, len(rank)))
