"""The desk at which newcomers sign up: their steps, the tasks behind them, and proof that a refusal wrote nothing."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import asyncpg
import pytest

from db.ids import new_id
from domain.actors import Actor, CleanerId, Role
from domain.errors import Refused
from domain.onboarding import DocumentKind
from domain.scheduling import Skill
from services.identity import business, cleaners
from services.identity.qr import IssueQr, issue_qr
from services.inputs import JSON
from services.onboarding.documents import SignDocument, sign_document
from services.onboarding.payouts import StartPayoutOnboarding, start_payout_onboarding
from services.onboarding.profile import SubmitProfile, submit_profile
from services.onboarding.skills import CertifySkills, certify_skills
from tasks.context import TaskContext
from tasks.kinds import KINDS
from tasks.store import Task
from tests.onboarding.providers import Troubled
from tests.payments.site import Site
from tests.product.world import Town, World

NAME = "Ana María Núñez"
PROFILE = SubmitProfile(
    NAME, date(1990, 5, 17), "7 Bay Road", "Miami", "33139", "Her sister", "+13055550177", 4, "Cats."
)


@dataclass
class Desk:
    """One business's newcomers; `other` must never notice."""

    site: Site

    @property
    def town(self) -> Town:
        return self.site.town

    @property
    def other(self) -> Town:
        return self.site.other

    @property
    def world(self) -> World:
        return self.town.world

    async def pays(self, town: Town, mode: str) -> None:
        """The business pays its cleaners in this way from now on: TRANSFERS or PAYROLL."""
        form = business.UpdateTenant(settings=JSON({"payments": {"payoutsMode": mode}}))
        await self.run(town.owner, business.update_tenant, form)

    async def newcomer(self, town: Town | None = None, *, name: str = "Newcomer") -> Actor:
        """A cleaner who has just been invited, signed in."""
        place = town or self.town
        form = cleaners.CreateCleaner(name, email="new@cleaner.example", market_ids=[place.market])
        made: CleanerId = await self.world.run(place.owner, cleaners.create_cleaner, form)
        await self.world.run(place.owner, issue_qr, IssueQr(made))
        return await self.world.session_of(place.tenant, Role.CLEANER, made)

    async def run(self, actor: Actor, command: Any, input: Any, **more: Any) -> Any:
        return await self.world.run(actor, command, input, **more)

    async def profile(self, who: Actor, **different: Any) -> Any:
        return await self.run(who, submit_profile, replace(PROFILE, **different))

    async def payable(self, who: Actor) -> None:
        """The provider's account, opened and finished on its page."""
        await self.run(who, start_payout_onboarding, StartPayoutOnboarding())
        await self.done()
        await self.finish(who)
        await self.run(who, start_payout_onboarding, StartPayoutOnboarding())
        await self.done()

    async def finish(self, who: Actor, choice: str = "complete") -> None:
        """What the cleaner does on the provider's page: complete, documents (are still wanted), or reject."""
        account = (await self.account(who))["account_id"]
        await self.site.control("POST", f"accounts/{account}/onboarding", {"choice": choice})

    def accounts(self) -> list[str]:
        """The ids of the accounts that the provider has for the business's cleaners."""
        return [one["id"] for one in self.site.things("connected")]

    async def sign(self, who: Actor, kind: DocumentKind, edition: int = 0, name: str = NAME, **more: Any) -> Any:
        return await self.run(who, sign_document, SignDocument(kind, edition, name), **more)

    async def sign_all(self, who: Actor) -> None:
        for kind in DocumentKind:
            await self.sign(who, kind)

    async def certify(self, who: Actor, *skills: Skill) -> Any:
        return await self.run(who, certify_skills, CertifySkills(list(skills)))

    async def work(self, provider: Troubled | None = None) -> list[Exception]:
        """Do the payout tasks that are due, as a worker does: what fails stays to be done. What went wrong."""
        now, trouble = await self.world.now(self.town.tenant), []
        for row in await self.waiting(now):
            try:
                await self.attempt(row, now, provider)
            # What a worker does with whatever a task raises.
            except Exception as problem:  # noqa: BLE001
                trouble.append(problem)
            else:
                await self.world.root.execute("update task set state = 'DONE' where id = $1", row["id"])
        return trouble

    async def attempt(self, row: Any, now: datetime, provider: Troubled | None = None) -> None:
        """One attempt of one task."""
        tools = self.site.tools if provider is None else replace(self.site.tools, accounts_of=provider.over)
        payload = {"account": row["account"]}
        task = Task(self.town.tenant, row["id"], row["kind"], payload, 1, new_id(), now)
        await KINDS[row["kind"]](TaskContext(tools, task), self.town.tenant, payload)

    async def done(self) -> None:
        """The same, where nothing may go wrong."""
        for problem in await self.work():
            raise problem

    async def waiting(self, until: datetime) -> list[Any]:
        """The payout tasks that are to be done by then."""
        rows: list[Any] = await self.world.root.fetch(
            """select id, kind, payload ->> 'account' as account, run_at from task where tenant_id = $1
               and state = 'READY' and kind like '%payout_account' and run_at <= $2 order by run_at, id""",
            self.town.tenant,
            until,
        )
        return rows

    async def row(self, who: Actor) -> Any:
        return await self.world.root.fetchrow("select * from cleaner where id = $1", who.person)

    async def account(self, who: Actor) -> Any:
        return await self.world.root.fetchrow("select * from payout_account where cleaner_id = $1", who.person)

    async def stage(self, who: Actor) -> tuple[str, list[str]]:
        """Where somebody stands, and what they lack."""
        row = await self.row(who)
        return row["onboarding"], list(row["missing_stages"])

    @asynccontextmanager
    async def behind_the_walls(self, actor: Actor) -> AsyncIterator[asyncpg.Connection]:
        """The application's own connection under somebody's stamp, without any predicate; nothing of it stays."""
        connection = await asyncpg.connect(self.world.servers.database_url)
        try:
            transaction = connection.transaction()
            await transaction.start()
            for name, value in (("tenant_id", actor.tenant), ("actor_id", actor.person), ("role", actor.role)):
                await connection.execute("select set_config($1, $2, true)", f"app.{name}", str(value))
            yield connection
        finally:
            await connection.close()

    async def everything(self, *towns: Town) -> dict[str, tuple[int, int]]:
        """Every row of these businesses; of both unless told."""
        return await self.world.picture(*(town.tenant for town in towns or (self.town, self.other)))

    async def refused(self, kind: type[Refused], attempt: Awaitable[Any]) -> Refused:
        """Expect a refusal, and that neither business has a row that is different."""
        before = await self.everything()
        with pytest.raises(kind) as caught:
            await attempt
        assert await self.everything() == before
        return caught.value
