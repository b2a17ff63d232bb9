"""The till: cleaners with accounts at the provider, cleans that are paid for, and what came of it on both sides."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from db.command import Command
from db.tx import Tx
from domain.actors import Actor, Role
from domain.fieldwork.phases import VisitPhase
from domain.ids import JobId, PayoutAccountId, PayoutId
from domain.scheduling import AssignmentRole, Skill
from sandbox.stripe import Json
from services.onboarding.payouts import (
    PayoutWish,
    StartPayoutOnboarding,
    notice_payout_change,
    start_payout_onboarding,
)
from services.payments.absorbers import ABSORBERS
from tests.fieldwork.site import Site as Fieldwork
from tests.payments.site import Home, Site

PRICE = 19_500
"""Cents of a clean, unless told."""


@dataclass
class Till:
    """One business that pays cleaners."""

    site: Site

    # -- cleaners --------------------------------------------------------------------------------------------------

    async def cleaner(self, status: str | None = "active", **columns: Any) -> Actor:
        """A cleaner with an account of this status at the provider; None: they never began to open one."""
        who = await self.site.town.cleaner(*Skill)
        for name, value in columns.items():
            await self.site.world.root.execute(f"update cleaner set {name} = $2 where id = $1", who.person, value)
        if status is not None:
            await self.open_account(who)
            if status != "new":
                await self.account_becomes(who, status)
        return who

    async def open_account(self, who: Actor) -> None:
        """The cleaner asks for an account, and the provider opens it."""
        await self.site.do(who, start_payout_onboarding, StartPayoutOnboarding())
        await self.site.settle("open_payout_account")

    async def account_becomes(self, who: Actor, status: str, *, heard: bool = True) -> None:
        """What the provider says of the account from now on: active, restricted, rejected; and that we hear of it."""
        row = await self.account(who)
        await self.site.control("POST", f"accounts/{row['account_id']}", {"status": status})
        if heard:
            await self.site.system(notice_payout_change, PayoutWish(PayoutAccountId(row["id"])))
            await self.site.settle("refresh_payout_account")

    async def account(self, who: Actor) -> Any:
        return await self.site.row("payout_account", who.person, "cleaner_id")

    # -- cleans ----------------------------------------------------------------------------------------------------

    async def clean(
        self,
        *crew: tuple[Actor, AssignmentRole],
        cents: int = PRICE,
        hours: str = "3",
        urgent: bool = False,
        home: Home | None = None,
        stays_away: Sequence[Actor] = (),
    ) -> JobId:
        """A clean that is held, done and proven by this crew, and not captured yet. Who stays away never comes."""
        job = await self.site.held_job(home, cents=cents, hours=hours)
        await self.site.settings(fieldwork={"photoZones": []})
        if urgent:
            await self.site.world.root.execute("update job set is_urgent = true where id = $1", job)
        field = Fieldwork(self.site.town, self.site.other)
        shifts = [(who, await field.put(job, who, role)) for who, role in crew]
        await self.site.until((await self.site.row("job", job))["starts_at"] - timedelta(minutes=30))
        there = [(who, shift) for who, shift in shifts if who not in stays_away]
        for who, shift in there:
            await field.reach(who, shift, VisitPhase.COMPLETION)
        for who, shift in there:
            await field.check_out(who, shift)
        return job

    async def paid(self, *crew: tuple[Actor, AssignmentRole], **more: Any) -> JobId:
        """The same, captured, and with all that follows."""
        job = await self.clean(*crew, **more)
        await self.site.settle()
        assert await self.site.status(job) == "CAPTURED", await self.site.payments(job)
        return job

    async def sweep(self, by: timedelta = timedelta(minutes=15)) -> None:
        """Time passes until the next sweep, and it is done with what follows."""
        await self.site.move(by)
        for problem in await self.site.duty("sweep_payouts"):
            raise problem

    # -- what there is -----------------------------------------------------------------------------------------------

    async def payouts(self, job: JobId | None = None) -> list[Any]:
        """The business's payouts, the first one first; of one job if told."""
        rows = await self.site.rows("select * from payout where tenant_id = $1 order by id", self.site.town.tenant)
        return [row for row in rows if job in {None, row["job_id"]}]

    async def payout(self, who: Actor, job: JobId | None = None) -> Any:
        """The one payout of a cleaner (of a job)."""
        (row,) = [row for row in await self.payouts(job) if row["cleaner_id"] == who.person]
        return row

    async def id_of(self, who: Actor, job: JobId | None = None) -> PayoutId:
        return PayoutId((await self.payout(who, job))["id"])

    def transfers(self) -> list[Json]:
        """What the provider has transferred, by its own store."""
        return self.site.things("transfers")

    def journalled(self) -> list[Json]:
        """Every transfer that the sandbox's journal knows of, as it was first made."""
        made: dict[str, Json] = {}
        for line in self.site.sandbox.journal.after(0):
            for _, collection, id, thing in line["puts"]:
                if collection == "transfers":
                    made.setdefault(id, thing)
        return list(made.values())

    async def acts(self, id: UUID) -> list[str]:
        """The statuses of a payout, as the audit log has them, in order."""
        rows = await self.site.rows(
            "select detail ->> 'status' as status from audit where tenant_id = $1 and entity_id = $2 order by seq",
            self.site.town.tenant,
            id,
        )
        return [row["status"] for row in rows]

    async def within(self, work: Callable[[Tx], Awaitable[Any]]) -> Any:
        """Something of a service, in a transaction of the business's own system."""

        async def body(tx: Tx, input: None) -> Any:
            return await work(tx)

        step = Command("test", frozenset({Role.SYSTEM}), body, type(None), object, secret=True)
        return await self.site.system(step, None)

    async def hears(self, kind: str, thing: Mapping[str, Any]) -> None:
        """A webhook's work: a thing of the provider's as it stands, and what follows from it."""
        await self.within(lambda tx: ABSORBERS[kind](tx, thing))
        await self.site.settle()
