"""Payments that need somebody, each by itself: one that cannot be helped keeps no other waiting (R237, R238)."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from domain.errors import Refused
from services.payments.expiry import FIRST, LookAfter, look_after
from tasks.context import TaskContext


async def look_after_each(
    context: TaskContext, found_after: Callable[[UUID], Awaitable[Sequence[LookAfter]]]
) -> list[Refused]:
    """Look after all that is found, page by page; what was refused of it."""
    refused: list[Refused] = []
    found = await found_after(FIRST)
    while found:
        for one in found:
            try:
                await context.run(look_after, one)
            except Refused as refusal:
                refused.append(refusal)
        found = await found_after(found[-1].payment)
    return refused


def ensure_all_well(refused: Sequence[Refused]) -> None:
    """Raise the first of what was refused: the rest has had its turn, and the task is seen to have failed."""
    if refused:
        raise refused[0]
