"""Money in any order, with everything going wrong that can, and the sixteen invariants when all is over (R157, R158).

MONEY_RUNS plays so many (40 unless told, 200 in CI), from the seed MONEY_SEED on: half of them here, half in the file
beside this one, so that two cores share them. A failure prints the smallest play that still breaks something, and the
command that plays its seed again.
"""

from collections.abc import AsyncIterator

import pytest

from tests.payments import witness
from tests.payments.plays import cases, moves_of, play, replay_events
from tests.payments.proving import RUNS, SEED, play_all
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
    await play_all(stage, range(SEED, SEED + RUNS, 2))


async def test_events_in_any_order_and_any_number_of_times_change_nothing(stage: Stage) -> None:
    """Invariant 11, R179, R183: everything is told once more, shuffled and twice, and all stays as it is."""
    told_again = 0
    for seed in range(SEED, SEED + max(2, RUNS // REPLAYED)):
        await play(stage, moves_of(seed), seed)
        before = await standing(stage)

        told_again += await replay_events(stage, seed)

        assert await standing(stage) == before, f"seed {seed}: what was told again has changed something"
        report = witness.judge(await cases(stage))
        assert not report.broken, f"seed {seed}: {report.broken}"
    print(f"\n{told_again} events were told again")
    assert told_again


async def standing(stage: Stage) -> list[tuple[object, ...]]:
    """All that money is, without when it was looked at."""
    found: list[tuple[object, ...]] = []
    for table, columns in {
        "payment": "id, status, captured_cents, refunded_cents, fee_cents, intent_id, charge_id, let_go, is_current",
        "payout": "id, status, amount_cents, reversed_cents, transfer_id, hold_reason",
        "refund": "id, status, provider_id",
        "dispute": "id, status, withdrawn_cents, fee_cents",
        "money_op": "id, state, provider_id",
        "ledger_entry": "id, source, provider_id",
        "ledger_posting": "entry_id, account, cents",
    }.items():
        rows = await stage.rows(f"select {columns} from {table} where tenant_id = any($1) order by 1, 2", stage.tenants)
        found += [(table, *row) for row in rows]
    return found
