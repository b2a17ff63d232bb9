"""Becomes another program that Linux kills when the process that started it dies: `tether.py PARENT_PID PROGRAM ...`.

A program of its own, because code between fork and exec of a process with threads may block for ever.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, argv: list[str]) -> None:
    """Tie this process to `parent` and become the program; `exec` keeps both process id and tie."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the tie was there.
    if os.getppid() == parent:
        os.execvp(argv[0], argv)  # noqa: S606 - no shell is what we want


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
