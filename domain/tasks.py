"""The words of work that happens later."""

from enum import StrEnum


class TaskState(StrEnum):
    """READY -> LEASED -> DONE; back to READY after a failure, DEAD after the last one; a DEAD task can be retried by ops."""

    READY = "READY"
    LEASED = "LEASED"
    DONE = "DONE"
    DEAD = "DEAD"
