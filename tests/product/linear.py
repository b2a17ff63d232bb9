"""Is a history of concurrent operations that of one thing, done one at a time? (Wing and Gong's search, Lowe's memory.)

An operation takes effect at one instant between its invocation and its response. A history is linearizable if there is
an order of such instants in which every answer is the one that a sequential model gives.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

NEVER = float("inf")


@dataclass(frozen=True)
class Operation:
    """What somebody did: between two readings of a logical clock, with what they were answered.

    Of an unknown outcome nobody heard: it took effect at some time after its invocation, or never did.
    """

    who: Any
    what: str
    about: Any
    answer: Any
    invoked: int
    returned: float = NEVER

    @property
    def is_unknown(self) -> bool:
        """Whether nobody knows if it took effect."""
        return self.returned == NEVER

    def __str__(self) -> str:
        return f"{self.invoked}-{self.returned} {self.who} {self.what} {self.about} -> {self.answer}"


Model = Callable[[Any, Operation], Iterable[Hashable]]
"""Every state in which an operation may leave a state, if its answer fits there; of an unknown one, by any answer."""


class NotLinearizable(AssertionError):
    """No order explains the history; says how far the best one comes and what does not fit after it."""

    def __init__(self, order: Sequence[Operation], stuck: Iterable[Operation]) -> None:
        lines = [str(op) for op in order] + [f"does not fit: {op}" for op in stuck]
        super().__init__("\n".join(lines))


def find_order(history: Sequence[Operation], model: Model, start: Hashable) -> list[Operation]:
    """An order that explains every answer, operations of unknown outcome only where they are needed.

    Raises `NotLinearizable`.
    """
    ops = sorted(history, key=lambda op: op.invoked)
    known = sum(1 << at for at, op in enumerate(ops) if not op.is_unknown)
    stack: list[tuple[int, Any, Any]] = [(0, start, None)]
    seen: set[tuple[int, Hashable]] = set()
    best: tuple[int, Any] = (0, None)
    while stack:
        done, state, path = stack.pop()
        if done & known == known:
            return _unwind(ops, path)
        best = max(best, (done.bit_count(), path), key=lambda one: one[0])
        for at, after in _moves(ops, done, state, model):
            config = (done | 1 << at, after)
            if config not in seen:
                seen.add(config)
                stack.append((*config, (at, path)))
    order = _unwind(ops, best[1])
    reached = sum(1 << ops.index(op) for op in order)
    raise NotLinearizable(order, (ops[at] for at in _eligible(ops, reached)))


def _moves(ops: Sequence[Operation], done: int, state: Any, model: Model) -> list[tuple[int, Hashable]]:
    """Which operations may be next, and what they leave behind.

    One that changes nothing is taken at once: whatever explains the rest explains it with this one first.
    """
    found: list[tuple[int, Hashable]] = []
    for at in _eligible(ops, done):
        after = list(model(state, ops[at]))
        if after == [state] and not ops[at].is_unknown:
            return [(at, state)]
        found += ((at, one) for one in after)
    return found


def _eligible(ops: Sequence[Operation], done: int) -> Iterator[int]:
    """The operations that were invoked before any other of those left had returned."""
    left = [at for at in range(len(ops)) if not done >> at & 1]
    first = min((ops[at].returned for at in left), default=NEVER)
    return (at for at in left if ops[at].invoked < first)


def _unwind(ops: Sequence[Operation], path: Any) -> list[Operation]:
    order: list[Operation] = []
    while path is not None:
        at, path = path
        order.append(ops[at])
    return order[::-1]
