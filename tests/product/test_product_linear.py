"""The checker of histories, on histories made by hand: what one register, or one shift, could have answered."""

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.product.linear import NEVER, NotLinearizable, Operation, find_order


def register(state: int, op: Operation) -> Iterator[int]:
    """A number that is read and written."""
    if op.what == "write":
        yield op.about
    elif op.is_unknown or op.answer == state:
        yield state


def once(state: Any, op: Operation) -> Iterator[Any]:
    """A thing that one may take and give back."""
    free = state is None
    ok = free if op.what == "take" else state == op.who
    if op.is_unknown or op.answer is ok:
        yield (op.who if op.what == "take" else None) if ok else state


def history(*rows: tuple[Any, str, Any, Any, int, float]) -> list[Operation]:
    return [Operation(*row) for row in rows]


def explained(ops: list[Operation], model: Any, start: Any) -> bool:
    try:
        order = find_order(ops, model, start)
    except NotLinearizable:
        return False
    states = {start}
    for op in order:
        states = {after for state in states for after in model(state, op)}
    assert states
    for one, two in itertools.combinations(order, 2):
        assert not two.returned < one.invoked
    return True


GOOD = {
    "one after the other": history(("a", "write", 1, None, 1, 2), ("b", "read", None, 1, 3, 4)),
    "a read beside a write sees either": history(("a", "write", 1, None, 1, 4), ("b", "read", None, 0, 2, 3)),
    "or the other": history(("a", "write", 1, None, 1, 4), ("b", "read", None, 1, 2, 3)),
    "two writes at once in the order that the readers saw": history(
        ("a", "write", 1, None, 1, 6),
        ("b", "write", 2, None, 2, 7),
        ("c", "read", None, 2, 3, 4),
        ("c", "read", None, 1, 5, 8),
    ),
    "an unknown write that happened": history(("a", "write", 1, None, 1, NEVER), ("b", "read", None, 1, 5, 6)),
    "an unknown write that never did": history(("a", "write", 1, None, 1, NEVER), ("b", "read", None, 0, 5, 6)),
    "an unknown write that happened late": history(
        ("a", "write", 1, None, 1, NEVER), ("b", "read", None, 0, 5, 6), ("b", "read", None, 1, 7, 8)
    ),
}
BAD = {
    "a stale read": history(("a", "write", 1, None, 1, 2), ("b", "read", None, 0, 3, 4)),
    "a value from nowhere": history(("a", "write", 1, None, 1, 2), ("b", "read", None, 7, 3, 4)),
    "back in time": history(("a", "write", 1, None, 1, 8), ("b", "read", None, 1, 2, 3), ("b", "read", None, 0, 4, 5)),
    "two readers who disagree": history(
        ("a", "write", 1, None, 1, 9),
        ("b", "write", 2, None, 2, 10),
        ("c", "read", None, 1, 3, 5),
        ("c", "read", None, 2, 11, 12),
        ("d", "read", None, 1, 13, 14),
    ),
    "a value before it was written": history(("b", "read", None, 1, 1, 2), ("a", "write", 1, None, 3, 4)),
    "an unknown write undone": history(
        ("a", "write", 1, None, 1, NEVER), ("b", "read", None, 1, 5, 6), ("b", "read", None, 0, 7, 8)
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_history_that_one_register_could_have_is_explained(name: str) -> None:
    assert explained(GOOD[name], register, 0)


@pytest.mark.parametrize("name", BAD)
def test_a_history_that_no_register_could_have_is_not(name: str) -> None:
    assert not explained(BAD[name], register, 0)


def test_a_shift_taken_by_two_is_found_out() -> None:
    """R97: both were told that it is theirs."""
    two = history(("a", "take", None, True, 1, 4), ("b", "take", None, True, 2, 3))
    assert not explained(two, once, None)
    between = history(("a", "give", None, True, 2, 5))
    assert explained([*two, *between], once, None)


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(NotLinearizable, match=r"does not fit: 3-4 b read None -> 0"):
        find_order(BAD["a stale read"], register, 0)


@pytest.mark.parametrize("seed", range(20))
def test_what_truly_happened_is_always_explained(seed: int) -> None:
    """Random takings and givings back in one true order, each told with some time around its instant."""
    dice = random.Random(seed)  # noqa: S311 (no secret)
    ops: list[Operation] = []
    owner = None
    until: dict[int, int] = {}
    for instant in range(0, 1200, 10):
        who = dice.choice([one for one in range(8) if until.get(one, -1) < instant])
        what = dice.choice(["take", "give"])
        ok = owner is None if what == "take" else owner == who
        owner = (who if what == "take" else None) if ok else owner
        since = max(until.get(who, -1) + 1, instant - dice.randint(0, 40))
        until[who] = instant + dice.randint(1, 9)
        ops.append(Operation(who, what, None, ok, since, until[who]))

    assert explained(ops, once, None)
