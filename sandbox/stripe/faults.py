"""Faults by rule: which request goes wrong, and how."""

import random
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from sandbox.stripe import Json
from sandbox.stripe.errors import StripeError

KINDS = (
    "drop_before",
    "drop_after",
    "reset_before",
    "reset_after",
    "hang_before",
    "hang_after",
    "late",
    "error_before",
    "error_after",
    "rate_limit",
    "rate_limit_no_retry",
    "conflict",
    "slow",
    "truncate",
)
"""before: nothing was done; after: everything was done and kept. late: hangs, and is done `seconds` of the sandbox's
clock later, when its client has gone; its key is in flight until then."""
HANG_SECONDS = 100.0
SLOW_SECONDS = 1.0


@dataclass(frozen=True)
class Fault:
    """What happens to this request; `seconds` for hang, late and slow."""

    kind: str
    seconds: float


@dataclass
class Rule:
    """Which requests: by method, path (`*` matches anything), the nth of those, or by chance; at most `times`."""

    kind: str
    method: str
    path: str
    nth: int | None
    probability: float | None
    times: int | None
    seconds: float
    chance: random.Random
    seen: int = field(default=0)
    done: int = field(default=0)

    def strikes(self, method: str, path: str) -> bool:
        """Whether this rule takes this request; counts it."""
        if self.method not in ("*", method) or not fnmatchcase(path, self.path):
            return False
        self.seen += 1
        if self.times is not None and self.done >= self.times:
            return False
        if self.nth is not None and self.seen < self.nth:
            return False
        if self.probability is not None and self.chance.random() >= self.probability:
            return False
        self.done += 1
        return True


class Faults:
    """The rules of now. They are not in the journal: a restart is without faults."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.rules: list[Rule] = []

    def add(self, given: Json) -> Rule:
        """One rule: `{kind, method="*", path="*", nth, probability, seed, times, seconds}`.

        `times` defaults to 1, with a probability to no limit.
        """
        if given.get("kind") not in KINDS:
            raise StripeError(400, f"kind must be one of {', '.join(KINDS)}")
        seed = given.get("seed")
        rule = Rule(
            kind=given["kind"],
            method=given.get("method", "*"),
            path=given.get("path", "*"),
            nth=given.get("nth"),
            probability=given.get("probability"),
            times=given.get("times", None if given.get("probability") is not None else 1),
            seconds=given.get("seconds", SLOW_SECONDS if given["kind"] == "slow" else HANG_SECONDS),
            chance=self._chance if seed is None else random.Random(seed),  # noqa: S311 - repeated by seed
        )
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """No faults any more."""
        self.rules.clear()

    def pick(self, method: str, path: str) -> Fault | None:
        """The fault of this request, if a rule strikes."""
        for rule in self.rules:
            if rule.strikes(method, path):
                return Fault(rule.kind, rule.seconds)
        return None
