"""A snapshot that is asked for in the very turn in which its load ends: once this span the whole process."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

# In a process of its own: a loop that spins hears no timeout.
ASKED_AT_THE_END_OF_THE_LOAD = """
import asyncio
from types import SimpleNamespace as Made
from subscriptions.snapshots import Snapshots

async def main():
    loop = asyncio.get_running_loop()
    gate = loop.create_future()

    async def snapshot(_actor, _rows):
        await gate
        return Made(read_at=loop.time(), seq=0, epoch=1)

    watch = Made(snapshots={}, loading={}, head=0, epoch=1)
    group = Made(feed=Made(field="f", rows=lambda klass: ""), eyes=Made(klass="k"))
    subscriber = Made(seq=0, session=Made(actor=None, stale=False, closed=False))
    snapshots = Snapshots(Made(snapshot=snapshot), None)
    first = asyncio.create_task(snapshots.of(subscriber, group, watch))
    while not watch.loading:
        await asyncio.sleep(0)
    (load,) = watch.loading.values()

    async def late():
        while not load.done():
            await asyncio.sleep(0)
        return await snapshots.of(subscriber, group, watch)

    second = asyncio.create_task(late())
    gate.set_result(None)
    await asyncio.gather(first, second)
    print("both have their snapshot")

asyncio.run(main())
"""


def test_a_snapshot_asked_for_as_its_load_ends_does_not_spin_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKED_AT_THE_END_OF_THE_LOAD],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "both have their snapshot\n", done.stderr
