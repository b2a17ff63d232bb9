"""One installation for all onboarding tests; every test founds businesses of its own, always two of them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateways.payout_accounts import SandboxPayouts
from tasks.context import Tools
from tests.onboarding.desk import Desk
from tests.product.conftest import api, other, product_data, product_servers, town, world
from tests.product.world import Town

__all__ = ["api", "desk", "other", "product_data", "product_servers", "town", "world"]


@pytest.fixture
async def desk(town: Town, other: Town, tmp_path: Path) -> Desk:
    """Newcomers of one business, the payment provider's sandbox, and another business that must not notice."""
    world = town.world
    nothing: Any = SimpleNamespace()
    provider = SandboxPayouts(tmp_path / "payouts", world.runner.secrets, "http://cleanshift.test")
    tools = Tools(world.runner, nothing, nothing, "http://cleanshift.test", nothing, payouts=provider)
    made = Desk(town, other, provider, tools)
    for place in (town, other):
        # Who pays by payroll asks for no account.
        await world.root.execute(
            """update tenant set settings = settings || '{"payments": {"payoutsMode": "TRANSFERS"}}'
               where tenant_id = $1""",
            place.tenant,
        )
    await made.newcomer(other)
    return made
