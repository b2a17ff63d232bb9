"""The office's desk: who refunds, who agrees to it, and what the provider tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.actors import Actor, Role, StaffRole
from domain.ids import JobId, PaymentId, RefundId
from domain.scheduling import AssignmentRole
from services.identity.staff import InviteStaff, invite_staff
from services.payments.invariants import CheckMoney, check_money
from services.payments.refunds import RefundPayment, refund_payment
from tests.payments.site import Home, Site
from tests.payouts.till import Till


@dataclass
class Desk:
    """One business whose money goes back now and then."""

    site: Site
    till: Till

    async def admin(self) -> Actor:
        """Another administrator, signed in."""
        number = next(self.site.world.counter)
        form = InviteStaff(f"Administrator {number}", f"admin{number}@x.example", StaffRole.ADMIN)
        made = await self.site.do(self.site.town.owner, invite_staff, form)
        return await self.site.world.session_of(self.site.town.tenant, Role.ADMIN, made)

    async def paid(self, home: Home | None = None, *, cents: int = 19_500) -> tuple[JobId, Any, Actor]:
        """A clean that is captured and whose cleaner is paid; its payment, and the cleaner."""
        await self.site.settings(payments={"payoutsMode": "TRANSFERS"})
        who = await self.till.cleaner()
        job = await self.till.paid((who, AssignmentRole.PRIMARY), home=home, cents=cents)
        return job, await self.site.payment(job), who

    async def refund(self, row: Any, amount: int | None = None, *, who: Actor | None = None, **more: Any) -> RefundId:
        """An administrator refunds a payment."""
        form = RefundPayment(PaymentId(row["id"]), "The kitchen was forgotten.", amount, **more)
        made: RefundId = await self.site.do(who or self.site.town.owner, refund_payment, form)
        return made

    async def refund_row(self, id: UUID) -> Any:
        return await self.site.row("refund", id)

    async def dispute(self, row: Any, **body: Any) -> Mapping[str, Any]:
        """The customer's bank disputes a charge, and we hear of it."""
        made = await self.site.control("POST", f"charges/{row['charge_id']}/dispute", body)
        return await self.hears_dispute(made["id"])

    async def decide(self, dispute: Mapping[str, Any], outcome: str) -> Mapping[str, Any]:
        """The bank decides, and we hear of it."""
        await self.site.control("POST", f"disputes/{dispute['id']}", {"outcome": outcome})
        return await self.hears_dispute(dispute["id"])

    async def hears_dispute(self, id: str) -> Mapping[str, Any]:
        (thing,) = [one for one in self.site.things("disputes") if one["id"] == id]
        await self.till.hears("dispute", thing)
        return thing

    async def hears_refunds(self) -> None:
        """Every refund that the provider has is told."""
        for thing in self.site.things("refunds"):
            await self.till.hears("refund", thing)

    async def check(self) -> list[str]:
        """The check of the books; the alarms that stand after it."""
        await self.site.system(check_money, CheckMoney())
        return await self.site.alarms()
