"""The words of work that happens later."""

from enum import StrEnum


class TaskState(StrEnum):
    """READY -> LEASED -> DONE; READY again after a failure, DEAD after the last; ops can retry a DEAD one."""

    READY = "READY"
    LEASED = "LEASED"
    DONE = "DONE"
    DEAD = "DEAD"
