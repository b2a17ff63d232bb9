"""What a clean's cleaners are paid by, settled when it is proven (R155, R160 to R163, A11, A49).

The money of a clean may come days after it, by a card that is asked again or by an invoice. What was earned is earned
then: no rate, bonus, tier or load that is changed later makes the work of that day dearer or cheaper.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Row, select

from db.tx import Tx
from domain.payments.payouts import Participation
from domain.policy import PayPolicy, to_json
from domain.reading import read
from domain.scheduling import Laundry
from models import assignment, cleaner
from models import property as home
from services.payouts.crew import Member
from services.policies import tenant_policy


@dataclass(frozen=True, slots=True)
class PayTerms:
    """The rates, who is paid, the loads of laundry, and each cleaner's tier."""

    pay: PayPolicy
    participation: Participation
    laundry_loads: int
    tiers: Mapping[UUID, str]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """As `to_json` has written them."""
        tiers = {UUID(id): tier for id, tier in value["tiers"].items()}
        pay = read(PayPolicy, value["pay"])
        return cls(pay, Participation(value["participation"]), value["laundryLoads"], tiers)

    def to_json(self) -> dict[str, Any]:
        """As they are kept with the job."""
        return {
            "pay": to_json(self.pay),
            "participation": self.participation.value,
            "laundryLoads": self.laundry_loads,
            "tiers": {str(id): tier for id, tier in self.tiers.items()},
        }

    def of(self, member: Member) -> Member:
        """Somebody of the crew, in the tier that they worked in."""
        return replace(member, tier=self.tiers.get(member.cleaner_id, member.tier))


async def terms_now(tx: Tx, clean: Row[Any]) -> PayTerms:
    """What a clean that is proven now is paid by."""
    policy = await tenant_policy(tx)
    async with tx.as_system(wholly=True):
        where = await tx.get(home, clean.property_id)
        who = select(cleaner.c.id, cleaner.c.pay_tier).join(
            assignment,
            (assignment.c.tenant_id == cleaner.c.tenant_id) & (assignment.c.cleaner_id == cleaner.c.id),
        )
        crew = await tx.all(who.where(tx.own(cleaner), assignment.c.job_id == clean.id).distinct())
    loads = where.laundry_loads if where.laundry != Laundry.NONE else 0
    return PayTerms(policy.pay, policy.payments.participation, loads, {one.id: one.pay_tier for one in crew})


async def terms_of(tx: Tx, clean: Row[Any]) -> PayTerms:
    """What a completed clean is paid by: as it was settled then. The job is locked or over."""
    if clean.pay_terms is not None:
        return PayTerms.from_json(clean.pay_terms)
    return await terms_now(tx, clean)
