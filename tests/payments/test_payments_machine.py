"""Money in any order, with everything going wrong that can, and the sixteen invariants when all is over (R157, R158).

MONEY_RUNS plays so many (40 unless told, 200 in CI), chosen by MONEY_SEED: half of them here, half in the file beside
this one, so that two cores share them. A failure prints the smallest play that still breaks something, and the command
that plays it again.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.payments.machine import RUNS, SEED, MoneyMachine, Season, play_many
from tests.payments.plays import replay_events
from tests.payments.stage import Stage, a_stage
from tests.product.world import World

REPLAYED = 16
"""Of so many plays one is told everything once more at its end, in another order and twice."""


@pytest.fixture(scope="module")
async def stage(world: World) -> AsyncIterator[Stage]:
    async with a_stage(world) as made:
        yield made


async def test_money_is_right_after_whatever_has_happened(stage: Stage) -> None:
    """R157, R158, A2, A10 to A13: exactly once, proven, to whom it belongs; the books agree with the provider."""
    season = Season(stage, asyncio.get_running_loop())

    await play_many(season, (RUNS + 1) // 2, SEED)

    print(f"\n{season}")
    season.assert_all_happened()


class ToldAgain(MoneyMachine):
    """Plays at whose end all that was ever told is told once more."""

    def breaks(self) -> list[str]:
        stage, wait = self.season.stage, self.season.wait
        before = wait(standing(stage))
        self.season.counts["told again"] += wait(replay_events(stage, self.seed))
        changed = sorted(map(str, wait(standing(stage)) ^ before))
        return [f"what was told again has changed {changed[:5]}"] if changed else []


async def test_events_in_any_order_and_any_number_of_times_change_nothing(stage: Stage) -> None:
    """Invariant 11, R179, R183: everything is told once more, shuffled and twice, and all stays as it is."""
    season = Season(stage, asyncio.get_running_loop())

    await play_many(season, max(2, RUNS // REPLAYED), SEED + 2, machine=ToldAgain)

    assert season.counts["told again"]


async def standing(stage: Stage) -> set[tuple[object, ...]]:
    """All that money is, without when it was looked at."""
    found = set[tuple[object, ...]]()
    for table, columns in {
        "payment": "id, status, captured_cents, refunded_cents, fee_cents, intent_id, charge_id, let_go, is_current",
        "payout": "id, status, amount_cents, reversed_cents, transfer_id, hold_reason",
        "refund": "id, status, provider_id",
        "dispute": "id, status, withdrawn_cents, fee_cents",
        "money_op": "id, state, provider_id",
        "ledger_entry": "id, source, provider_id",
        "ledger_posting": "entry_id, account, cents",
    }.items():
        rows = await stage.rows(f"select {columns} from {table} where tenant_id = any($1)", stage.tenants)
        found |= {(table, *row) for row in rows}
    return found
