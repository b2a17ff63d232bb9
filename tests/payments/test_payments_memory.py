"""What a transaction remembers of the rows that it has locked: never another row than the database's own (R1, R144)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from db.tx import Tx
from domain.errors import NotFound
from domain.ids import JobId
from models import job, payment
from services.payments.holds import hold_now
from services.payments.state import hold_payment
from tests.fieldwork.site import command_of
from tests.payments.site import Site
from tests.payments.test_payments_holds import Counted

MOST_STATEMENTS = 18
"""Of a hold: two steps, each begun and recorded, without the transactions' own beginning and end."""


async def test_a_locked_clean_is_read_once_and_is_what_the_transaction_makes_of_it(site: Site) -> None:
    """Its own changes are seen at once, by whichever way they are made."""
    made = await site.job(await site.home())
    seen: list[int] = []

    async def look(tx: Tx, _input: Any) -> None:
        first = (await tx.get(job, made, lock=True)).version
        with Counted(site) as statements:
            await tx.get(job, made)
            await tx.get(job, made, lock=True)
        assert statements == []
        await tx.change(job, made)
        seen.append((await tx.get(job, made)).version - first)
        await tx.write(update(job).where(tx.own(job)).values(version=job.c.version + 1))
        seen.append((await tx.get(job, made)).version - first)
        await tx.write(text(f"update job set version = version + 1 where id = '{made}'"))
        seen.append((await tx.get(job, made)).version - first)

    await site.system(command_of(look), None)
    assert seen == [1, 2, 3]


async def test_what_a_savepoint_takes_back_is_not_remembered(site: Site) -> None:
    made = await site.job(await site.home())

    async def look(tx: Tx, _input: Any) -> None:
        before = (await tx.get(job, made, lock=True)).version
        await tx.connection.execute(text("savepoint part"))
        await tx.change(job, made)
        await tx.connection.execute(text("rollback to savepoint part"))
        tx.forget()
        assert (await tx.get(job, made)).version == before

    await site.system(command_of(look), None)


async def test_what_the_system_has_locked_is_not_shown_to_whoever_may_not_see_it(site: Site) -> None:
    """R1: a cleaner, and the other business, reach no payment through what a rule of ours has looked at."""
    paid = (await site.payment(await site.held_job()))["id"]
    refusals: list[Callable[[Tx], Awaitable[Any]]] = []

    async def look(tx: Tx, _input: Any) -> None:
        async with tx.as_system(wholly=True):
            for reach in refusals:
                await reach(tx)
        with pytest.raises(NotFound):
            await tx.get(payment, paid)

    refusals.append(lambda tx: tx.get(payment, paid, lock=True))
    await site.do(await site.town.cleaner(), command_of(look), None)
    refusals.clear()
    await site.do(site.other.owner, command_of(look), None)


async def test_a_payment_of_a_locked_clean_is_locked_with_one_statement_and_of_another_after_its_own(
    site: Site,
) -> None:
    """Everybody locks the clean first, then what is paid for it."""
    jobs: list[JobId] = [await site.held_job() for _ in range(2)]
    paid = [(await site.payment(one))["id"] for one in jobs]
    counts: list[int] = []

    async def look(tx: Tx, _input: Any) -> None:
        await tx.get(job, jobs[0], lock=True)
        for one in (*paid, *paid):
            with Counted(site) as statements:
                assert (await hold_payment(tx, one)).id == one
            counts.append(len(statements))
        assert set(tx.held_ids(job)) == set(jobs)

    await site.system(command_of(look), None)
    assert counts == [1, 4, 0, 0]


async def test_a_hold_reads_no_row_twice(site: Site) -> None:
    """R144: a night of thousands is as fast as its single hold."""
    made = await site.job(await site.home())
    # Priced and planned before: what is counted are the steps alone.
    tomorrow = await site.now() + timedelta(days=1)
    await site.world.root.execute(
        "update job set starts_at = $2, ends_at = $2::timestamptz + interval '3 hours' where id = $1", made, tomorrow
    )
    await site.system(command_of(hold_now), made)
    with Counted(site) as statements:
        await site.settle("send_money")

    assert await site.status(made) == "AUTHORIZED"
    assert len(statements) <= MOST_STATEMENTS, "\n\n".join(statements)
    assert sum("FROM job" in one for one in statements) == 2, "once for each step that is recorded"
