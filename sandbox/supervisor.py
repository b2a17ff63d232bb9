"""Runs API and worker side by side: restarts what dies, ends everything together, leaves nothing behind.

Each child leads its own session, out of reach of the terminal's Ctrl-C, so that only the supervisor decides when it
ends. If the supervisor itself is killed, Linux kills its children (`sandbox/tether.py`); on other systems they stay.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from sandbox import GIVE_UP, tether
from sandbox.signals import ENDING

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
# A child that has lived this long did start well: its next death begins the pauses anew.
SETTLED_SECONDS = 10.0
STOP_SECONDS = 20.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep alive; `env` is its whole environment."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]


def supervise(children: Sequence[Child], *, each_second: Callable[[], object] | None = None) -> int:
    """Keep the children alive until SIGINT, SIGTERM or SIGHUP, then end them all and return 0.

    A child that dies is started again after 0.2 s, doubling to 5 s. One that exits with GIVE_UP ends all the others,
    and GIVE_UP is returned. Ending is SIGTERM, then after 20 s SIGKILL to the process group. `each_second` is called in
    a thread meanwhile (to restart servers that have died, say); what it raises ends everything and comes out.
    Call it from the main thread, outside of any event loop, and end the process soon after: signals stay ignored.
    """
    code = asyncio.run(_supervise(children, each_second))
    for signum in (signal.SIGINT, *ENDING):
        # The interpreter puts the default back for handlers of ours when it ends, but not for this.
        signal.signal(signum, signal.SIG_IGN)
    return code


async def _supervise(children: Sequence[Child], each_second: Callable[[], object] | None) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    _end_by_signal(loop, stopped)
    work = [asyncio.create_task(_keep_alive(child)) for child in children]
    if each_second:
        work.append(asyncio.create_task(_tick(each_second)))
    work.append(asyncio.create_task(_until(stopped)))
    done, others = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    # A cancelled task first ends its own child: all at the same time, and a further signal changes nothing.
    await asyncio.gather(*others, return_exceptions=True)
    return max(task.result() for task in done)


def _end_by_signal(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """Stop at the first signal, and from then on ignore them: an impatient second Ctrl-C must not break off the end.

    Not `loop.add_signal_handler`: it would put the default back, and the next signal would end us too early.
    """

    def handle(_signum: int, _frame: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stopped.set)

    for signum in (signal.SIGINT, *ENDING):
        signal.signal(signum, handle)


async def _until(stopped: asyncio.Event) -> int:
    await stopped.wait()
    return 0


async def _keep_alive(child: Child) -> int:
    """Start the child again and again; return only when it gives up."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        started = time.monotonic()
        code = await _run(child)
        if code == GIVE_UP:
            return GIVE_UP
        if time.monotonic() - started > SETTLED_SECONDS:
            pause = FIRST_PAUSE_SECONDS
        log.warning("child_died", child=child.name, exit_code=code, restart_in_seconds=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def _run(child: Child) -> int:
    """Run the child once; when this returns or is cancelled, nothing of its process group is left."""
    tie = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid())]
    process = await asyncio.create_subprocess_exec(*tie, *child.argv, env=dict(child.env), start_new_session=True)
    try:
        return await process.wait()
    except asyncio.CancelledError:
        await _end(process)
        raise
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _tick(each_second: Callable[[], object]) -> int:
    while True:
        await asyncio.sleep(1)
        await asyncio.to_thread(each_second)
