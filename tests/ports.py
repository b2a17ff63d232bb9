"""Ports for the servers of the tests that must be told theirs before they start, and perhaps start again on it.

What the system chooses by itself (`bind` to 0, and the near end of every connection) may be somebody else's a moment
later. So these lie below where systems choose from, each worker of a run has a range of its own and walks it upwards,
and where it begins there is by its process, for other runs on the same machine.
"""

import socket
from os import environ, getpid

FIRST = 10_240
EACH = 1_024
WORKERS = 22
"""All of it ends at 32,768, where Linux begins to choose."""


class Range:
    """A worker's ports; each is given once, until all have been."""

    def __init__(self, worker: str, process: int) -> None:
        self._first = FIRST + EACH * (int(worker.removeprefix("gw") or 0) % WORKERS)
        self._next = process % EACH

    def take(self) -> int:
        """A port that nobody has."""
        for _ in range(EACH):
            port = self._first + self._next
            self._next = (self._next + 1) % EACH
            if _is_free(port):
                return port
        raise AssertionError("No port is left.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_ours = Range(environ.get("PYTEST_XDIST_WORKER", ""), getpid())


def free_port() -> int:
    """A port of 127.0.0.1 for a server that is about to start."""
    return _ours.take()
