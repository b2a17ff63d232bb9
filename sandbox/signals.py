"""Signals turned into orderly ends: a process that keeps servers must always come to the line that stops them."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

ENDING = (signal.SIGTERM, signal.SIGHUP)
"""What ends a process at once unless it decides otherwise; Ctrl-C (SIGINT) raises KeyboardInterrupt already."""


@contextmanager
def handled(signums: Iterable[signal.Signals], handler: Callable[[int], object]) -> Iterator[None]:
    """Call `handler` with each of these signals, and put back the earlier handlers afterwards.

    Does nothing outside of the main thread, where Python takes no signals.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    earlier = {signum: signal.getsignal(signum) for signum in signums} if in_main_thread else {}
    # A handler that was not set from Python reads as None and could not be put back.
    earlier = {signum: before for signum, before in earlier.items() if before is not None}
    for each in earlier:
        signal.signal(each, lambda signum, _frame: handler(signum))
    try:
        yield
    finally:
        for each, before in earlier.items():
            signal.signal(each, before)


@contextmanager
def unwinding() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind the stack like Ctrl-C does, unless somebody has already decided about them.

    One is enough: those that follow are ignored until the block has ended, so that none cuts its clearing up short.
    """
    undecided = [signum for signum in ENDING if signal.getsignal(signum) is signal.SIG_DFL]

    def unwind(signum: int) -> None:
        for each in undecided:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + signum)

    with handled(undecided, unwind):
        yield


@contextmanager
def postponed() -> Iterator[None]:
    """Ending signals, Ctrl-C too, wait until the block is done: a second one must not leave a server behind."""
    arrived: list[int] = []
    try:
        with handled((signal.SIGINT, *ENDING), arrived.append):
            yield
    finally:
        for signum in arrived[:1]:
            signal.raise_signal(signum)
