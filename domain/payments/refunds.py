"""Who bears what a customer gets back (R213, A13, A35)."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.money import share
from domain.payments.states import Bearer


@dataclass(frozen=True, slots=True)
class Burden:
    """The parts of a refund, in cents; together they are the refund."""

    reserve_cents: int
    business_cents: int
    cleaners_cents: int


def burden_of(amount_cents: int, bearer: Bearer, reserve_left: int, cleaners_have: int) -> Burden:
    """Split a refund among those who bear it: never more of the reserve than it has, nor of cleaners than they got.

    What nobody else bears is the business's own loss. Cleaners bear nothing unless an administrator says so (A13).
    """
    cleaners = min(amount_cents, max(cleaners_have, 0)) if bearer is Bearer.CLEANERS else 0
    rest = amount_cents - cleaners
    reserve = 0 if bearer is Bearer.BUSINESS else min(rest, max(reserve_left, 0))
    return Burden(reserve, rest - reserve, cleaners)


def taken_back(wanted_cents: int, haves: Sequence[int]) -> tuple[int, ...]:
    """How much of each cleaner's pay is taken back, by what each has; all that they have where that is not enough."""
    total = sum(haves)
    if total <= wanted_cents:
        return tuple(haves)
    return share(wanted_cents, haves)
