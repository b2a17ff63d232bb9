"""Each test has a sandbox of its own, in process, its time frozen."""

from collections.abc import Iterator

import pytest

from sandbox.stripe.sandbox import Sandbox
from tests.stripe_sandbox.driving import Driver, a_sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """No answer may have drifted from the contract when a test ends."""
    sandbox = a_sandbox()
    yield sandbox
    drifts = [one for one in sandbox.contract.violations if one["side"] != "request"]
    assert drifts == []


@pytest.fixture
def stripe_api(sandbox: Sandbox) -> Driver:
    return Driver(sandbox)
