"""What a cleaner earns for one job, in integer cents (R160 to R163, R261, A12, A49)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from domain.policy import STANDARD_TIER, PayPolicy
from domain.scheduling import AssignmentRole, Skill


@dataclass(frozen=True, slots=True)
class Work:
    """One cleaner's part in a job: the paid hours, the role, and what adds to the base."""

    expected_hours: Decimal
    role: AssignmentRole
    urgent: bool = False
    laundry_loads: int = 0
    tier: str = STANDARD_TIER


@dataclass(frozen=True, slots=True)
class Earnings:
    """The three parts that a payout keeps apart, in cents (R163)."""

    base_cents: int
    urgent_cents: int
    laundry_cents: int

    @property
    def total_cents(self) -> int:
        """Base, urgent bonus and laundry bonus together."""
        return self.base_cents + self.urgent_cents + self.laundry_cents


def earnings_of(work: Work, policy: PayPolicy) -> Earnings:
    """Hours by the tier's rate, rounded half-up once; the laundry bonus is the laundry lead's alone (R160 to R162)."""
    base = work.expected_hours * policy.rate_of(work.tier)
    leads_laundry = work.role is AssignmentRole.LAUNDRY_LEAD
    return Earnings(
        base_cents=int(base.quantize(Decimal(1), ROUND_HALF_UP)),
        urgent_cents=policy.urgent_bonus_cents if work.urgent else 0,
        laundry_cents=work.laundry_loads * policy.laundry_load_cents if leads_laundry else 0,
    )


def unlocked_tiers(given: str, skills: Iterable[Skill], policy: PayPolicy) -> tuple[str, ...]:
    """The tiers that a cleaner may be paid by: the given one, and what their skills unlock (R133, R265, A49)."""
    by_skill = dict(policy.skill_tiers)
    return tuple(dict.fromkeys([given, *sorted(by_skill[skill] for skill in skills if skill in by_skill)]))
