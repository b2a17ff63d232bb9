"""The order of the tests: packages one after the other, those that take longest first, and in them their longest files.

What a package has set up (servers, browsers) ends with its last test, so that little runs beside the tests of others;
and whoever works beside others is not left alone with a long file at the end.
"""

from pathlib import Path

import pytest

PACKAGES = (
    "payments",
    "product",
    "browser",
    "soak",
    "subscriptions",
    "sandbox",
    "fieldwork",
    "payouts",
    "billing",
    "onboarding",
    "tasks",
    "engine",
)
"""Where one is missing here, it is only the balance that suffers; so it is with `LONGEST`."""
LONGEST = (
    "test_payments_machine.py",
    "test_payments_machine_more.py",
    "test_payments_crash.py",
    "test_payments_invariants.py",
    "test_payments_planted.py",
    "test_product_tenancy.py",
    "test_product_command_line.py",
    "test_product_interleavings.py",
    "test_product_workers.py",
    "test_product_reminders.py",
    "test_product_bad_input.py",
    "test_browser_moves.py",
    "test_browser_board.py",
    "test_browser_work.py",
    "test_browser_office.py",
    "test_soak_faults.py",
    "test_feeds_revocation.py",
    "test_feeds_slow.py",
    "test_feeds_fold.py",
    "test_sandbox_demo.py",
    "test_sandbox_day.py",
    "test_fieldwork_races.py",
    "test_payouts_held.py",
    "test_billing_over_http.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the packages, and the files in them, into this order; within a file the order stays."""
    packages = {name: place for place, name in enumerate(PACKAGES)}
    files = {name: place for place, name in enumerate(LONGEST)}

    def place(item: pytest.Item) -> tuple[int, str, int]:
        package = Path(item.path).parent.name
        return packages.get(package, len(packages)), package, files.get(Path(item.path).name, len(files))

    items.sort(key=place)
