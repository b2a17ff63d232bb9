"""Under which key a step of money is asked, and when it may be asked again (R157).

The one rule: what is unknown is asked again with the same key and the same parameters; what was definitely refused
needs a new attempt with a new key. A provider forgets keys after a day: what is unknown for longer is looked up.
"""

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from domain.payments.ops import LOOK_UP_AFTER
from domain.payments.outcomes import Answered, Fault, Outcome, Refusal, fault_of, is_key_used

LONGEST = 255


class Next(StrEnum):
    """What follows an outcome."""

    RECORD = "RECORD"
    """It was done: write it down."""
    SAME_KEY = "SAME_KEY"
    """Nobody knows: the same again, under the same key."""
    NEW_ATTEMPT = "NEW_ATTEMPT"
    """It was refused, and if it is wanted again then with a new key. Whether and when the `Fault` says."""
    LOOK_UP = "LOOK_UP"
    """Do not send: read the object, or find it by its list, and go on from what is there."""


def op_key(environment: str, tenant: UUID, kind: str, subject: UUID, attempt: int) -> str:
    """The key of one attempt: the same in every process, and another for another environment, business or attempt.

    At most 255 ASCII characters; `ValueError` for parts that could run into each other.
    """
    if type(attempt) is not int or attempt < 1:
        raise ValueError(f"the attempt {attempt!r}")
    for part in (environment, kind):
        if not part or not all(sign.isascii() and (sign.isalnum() or sign in "-_.") for sign in part):
            raise ValueError(f"{part!r} in a key")
    key = f"{environment}:{tenant}:{kind}:{subject}:{attempt}"
    if len(key) > LONGEST:
        raise ValueError(f"a key of {len(key)} characters")
    return key


def after(outcome: Outcome | None, age: timedelta) -> Next:
    """What follows; `age` is the time since the op was first sent, and None is the outcome of one who died over it.

    A stored failure of the server's comes back under its key for ever: it is looked up at once. So is an object whose
    state was not what we thought, and what a key has made that was used with other parameters.
    """
    if isinstance(outcome, Answered):
        return Next.RECORD
    if isinstance(outcome, Refusal):
        is_elsewhere = fault_of(outcome) is Fault.STATE or is_key_used(outcome)
        return Next.LOOK_UP if is_elsewhere else Next.NEW_ATTEMPT
    if age >= LOOK_UP_AFTER or (outcome is not None and outcome.is_replayed):
        return Next.LOOK_UP
    return Next.SAME_KEY
