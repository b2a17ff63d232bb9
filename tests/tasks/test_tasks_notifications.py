"""Messages: whom a move concerns, each once, whatever the provider does (R184 to R187, A38)."""

import json
from datetime import timedelta

import pytest

from db.ids import new_id
from domain.errors import Unavailable
from domain.notifications import Channel
from gateways.messages import DeliveryRefused, Message, Outbox
from tasks.context import Tools
from tasks.kinds import KINDS
from tests.tasks.business import a_cleaner, a_swap, a_task
from tests.tasks.waiting import Dead, until, working

SENT = "select channel, person_id, address, status from notification order by channel, address"


async def test_an_offer_is_pushed_to_those_who_can_take_it_and_to_nobody_else(db, tools, outbox, ours, theirs):
    """R82, R186: not to its owner, nor who lacks onboarding, nor another market or business."""
    swap = await a_swap(db, ours)
    newcomer = await a_cleaner(db, ours)
    await db.execute("update cleaner set onboarding = 'PROFILE' where id = $1", newcomer)
    elsewhere = await a_cleaner(db, ours)
    await db.execute("delete from cleaner_market where cleaner_id = $1", elsewhere)

    await _run(db, tools, ours, "notify_swap", {"event": "SwapOffered", "swap_id": str(swap)})

    assert {message.to for message in outbox.sent} == {str(person) for person in ours.cleaners[1:3]}
    assert {message.channel for message in outbox.sent} == {"PUSH"}
    assert "Miami" in outbox.sent[0].body


async def test_both_parties_of_an_accepted_swap_hear_of_it_by_push_and_email(db, tools, outbox, ours, theirs):
    swap = await a_swap(db, ours)
    await db.execute("update swap set status = 'ACCEPTED', taker_id = $2 where id = $1", swap, ours.cleaners[1])

    await _run(db, tools, ours, "notify_swap", {"event": "SwapAccepted", "swap_id": str(swap)})

    by_address = {message.to: message.subject for message in outbox.sent}
    assert by_address == {
        "cleaner0@ours.test": "Your shift has been taken",
        str(ours.cleaners[0]): "Your shift has been taken",
        "cleaner1@ours.test": "The shift is yours",
        str(ours.cleaners[1]): "The shift is yours",
    }


@pytest.mark.parametrize(("event", "status"), [("SwapWithdrawn", "WITHDRAWN"), ("SwapExpired", "EXPIRED")])
async def test_the_owner_hears_that_the_shift_is_off_the_market(db, tools, outbox, ours, theirs, event, status):
    swap = await a_swap(db, ours)
    await db.execute("update swap set status = $2 where id = $1", swap, status)
    await _run(db, tools, ours, "notify_swap", {"event": event, "swap_id": str(swap)})
    assert [message.to for message in outbox.sent] == [str(ours.cleaners[0])]


async def test_a_task_that_runs_twice_notifies_once_by_event_person_and_channel(db, tools, outbox, ours, theirs):
    """A38: unique by (event, person, channel)."""
    swap = await a_swap(db, ours)
    payload = {"event": "SwapOffered", "swap_id": str(swap)}
    await _run(db, tools, ours, "notify_swap", payload)
    await _run(db, tools, ours, "notify_swap", payload)
    await db.execute("update task set state = 'READY'")
    async with working(tools, KINDS):
        await until(lambda: db.fetchval("select bool_and(state = 'DONE') from task"))

    assert len(outbox.sent) == 2
    assert await db.fetchval("select count(*) from notification") == 2


async def test_a_provider_that_fails_is_asked_again_with_the_same_message(db, tools, outbox, ours, theirs):
    swap = await a_swap(db, ours)
    outbox.fail(Unavailable("away"), Unavailable("away"))
    await _run(db, tools, ours, "notify_swap", {"event": "SwapExpired", "swap_id": str(swap)})

    assert outbox.asked == 3
    assert [row["status"] for row in await db.fetch(SENT)] == ["SENT"]
    assert await db.fetchval("select failure from notification") is None


async def test_a_provider_that_never_answers_ends_in_failed_and_a_dead_task_that_can_be_replayed(
    db, runner, ops, outbox, objects, ours, theirs
):
    swap, provider = await a_swap(db, ours), Dead()
    await a_task(db, ours, "notify_swap", {"event": "SwapExpired", "swap_id": str(swap)})
    async with working(Tools(runner, provider, ops, "", objects), KINDS):
        await until(lambda: db.fetchval("select count(*) = 1 from task where state = 'DEAD'"))
    assert provider.asked == 8
    assert tuple(await db.fetchrow("select status, failure from notification")) == (
        "FAILED",
        "The provider does not answer.",
    )
    assert await db.fetchval("select status from swap") == "PENDING"  # R185: the business is not touched

    await db.execute("update task set state = 'READY', attempts = 0 where state = 'DEAD'")
    async with working(Tools(runner, outbox, ops, "", objects), KINDS):
        await until(lambda: db.fetchval("select status = 'SENT' from notification"))
    assert len(outbox.sent) == 1


async def test_a_definite_refusal_is_final_at_once(db, tools, outbox, ours, theirs):
    swap = await a_swap(db, ours)
    outbox.fail(DeliveryRefused("no such device"))
    await _run(db, tools, ours, "notify_swap", {"event": "SwapExpired", "swap_id": str(swap)})
    assert outbox.asked == 1
    assert tuple(await db.fetchrow("select status, failure from notification")) == ("FAILED", "no such device")


async def test_a_first_pin_is_told_to_the_phone_on_file_and_who_has_none_is_skipped(db, tools, outbox, ours, theirs):
    """A8."""
    with_phone = await a_cleaner(db, ours, phone="+13055550100")
    for person in (with_phone, ours.cleaners[0]):
        await _run(db, tools, ours, "notify_pin_set", {"cleaner_id": str(person), "at": "2026-11-22T00:00:00+00:00"})
    assert [(message.channel, message.to) for message in outbox.sent] == [("SMS", "+13055550100")]


async def test_a_mailed_link_is_sent_once_and_kept_nowhere(db, tools, outbox, ours, theirs):
    link = await _a_link(db, ours)
    await _run(db, tools, ours, "send_mailed_link", {"link_id": str(link)})
    await _run(db, tools, ours, "send_mailed_link", {"link_id": str(link)})

    [message] = outbox.sent
    assert (message.channel, message.to) == ("EMAIL", "owner@ours.test")
    token = message.body.split("#token=")[1]
    assert message.body.endswith(f"http://cleanshift.test/invite#token={token}")
    for table in ("notification", "task", "event", "audit", "mailed_link"):
        assert await db.fetchval(f"select count(*) from {table} x where x::text like '%' || $1 || '%'", token) == 0


async def test_a_used_or_expired_or_foreign_link_is_not_mailed(db, tools, outbox, ours, theirs):
    used, old = await _a_link(db, ours), await _a_link(db, ours)
    await db.execute("update mailed_link set used_at = now() where id = $1", used)
    await db.execute("update mailed_link set expires_at = now() where id = $1", old)
    foreign = await _a_link(db, theirs)
    for link in (used, old, foreign):
        await _run(db, tools, ours, "send_mailed_link", {"link_id": str(link)})
    assert outbox.sent == []
    assert await db.fetchval("select count(*) from notification") == 0


async def test_the_sandboxs_outbox_writes_each_message_once_even_by_two_processes(tmp_path):
    path = tmp_path / "data" / "outbox.jsonl"
    first, second = Outbox(path), Outbox(path)
    message = Message(new_id(), Channel.EMAIL, "a@b.test", "Hello", "Line 1\nLine 2 \N{SNOWMAN}")
    other = Message(new_id(), Channel.SMS, "+13055550100", "", "x" * 10_000)

    for sender, one in ((first, message), (second, message), (second, other), (first, other), (first, message)):
        assert (await sender.send(one)).reference == str(one.id)

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["to"], line["body"]) for line in lines] == [(message.to, message.body), (other.to, other.body)]
    assert path.stat().st_mode & 0o077 == 0
    path.unlink()
    await first.send(message)
    assert len(path.read_text().splitlines()) == 1


async def test_a_swap_expires_at_its_instant_and_its_owner_hears_of_it(db, tools, outbox, ours, theirs):
    """R100, A27: by the task that the offer leaves, without waiting for the sweep; the foreign swap is not touched."""
    swap = await a_swap(db, ours, expires_in=timedelta(seconds=1))
    other = await a_swap(db, theirs, expires_in=timedelta(seconds=1))
    await a_task(db, ours, "expire_swap", {"swap_id": str(swap)}, due_in=timedelta(seconds=1))
    await a_task(db, ours, "expire_swap", {"swap_id": str(other)}, due_in=timedelta(seconds=1))

    async with working(tools, KINDS):
        await until(lambda: db.fetchval("select count(*) = 1 from notification where status = 'SENT'"))

    assert await db.fetchval("select status from swap where id = $1", swap) == "EXPIRED"
    assert await db.fetchval("select status from swap where id = $1", other) == "PENDING"
    assert [message.to for message in outbox.sent] == [str(ours.cleaners[0])]


async def test_the_sweep_expires_what_a_lost_task_left(db, tools, ours, theirs):
    overdue = await a_swap(db, ours, expires_in=timedelta(seconds=-1))
    live = await a_swap(db, ours, owner=1)
    await _run(db, tools, ours, "sweep_swaps", {})
    rows = {row["id"]: row["status"] for row in await db.fetch("select id, status from swap")}
    assert rows == {overdue: "EXPIRED", live: "PENDING"}


async def _a_link(db, business):
    link = new_id()
    await db.execute(
        """insert into mailed_link (tenant_id, id, person_id, purpose, token_hash, created_at, expires_at)
           values ($1, $2, $3, 'invite', $4, now(), now() + interval '1 day')""",
        business.tenant,
        link,
        business.owner,
        link.bytes,
    )
    return link


async def _run(db, tools, business, kind: str, payload) -> None:
    """The task, and everything that it stages, done."""
    await a_task(db, business, kind, payload)
    async with working(tools, KINDS):
        await until(lambda: db.fetchval("select bool_and(state = 'DONE') from task"))


BACK = "Your shift is back with you"


@pytest.mark.parametrize(
    ("event", "moves", "told"),
    [
        ("SwapRequested", ["AWAITING_APPROVAL"], {"owner@ours.test": "A swap awaits you"}),
        ("SwapDeclined", ["AWAITING_APPROVAL", "DECLINED"], dict.fromkeys([0, 1], "The swap was declined")),
        ("SwapReturned", ["ACCEPTED", "RETURNED", "PENDING"], dict.fromkeys([0, "cleaner0@ours.test"], BACK)),
    ],
)
async def test_those_whom_a_move_concerns_hear_of_it(db, tools, outbox, ours, theirs, event, moves, told):
    """A27b, A29: the office of what it must decide, the parties of what was decided; nobody of the other business."""
    swap = await a_swap(db, ours)
    for move in moves:
        taker = None if move == "PENDING" else ours.cleaners[1]
        await db.execute("update swap set status = $2, taker_id = $3 where id = $1", swap, move, taker)

    payload = {"event": event, "swap_id": str(swap), "version": 2}
    await _run(db, tools, ours, "notify_swap", payload)

    by_address = {message.to: message.subject for message in outbox.sent}
    assert by_address == {str(ours.cleaners[to]) if isinstance(to, int) else to: what for to, what in told.items()}


async def test_who_lost_a_draw_hears_that_it_is_over(db, tools, outbox, ours, theirs):
    """A29: and the winner hears that they won, not that they lost."""
    swap = await a_swap(db, ours)
    await db.execute("update swap set status = 'ACCEPTED', taker_id = $2 where id = $1", swap, ours.cleaners[1])
    drawn = [str(person) for person in ours.cleaners[1:3]]

    payload = {"event": "SwapAccepted", "swap_id": str(swap), "version": 2, "people": drawn}
    await _run(db, tools, ours, "notify_swap", payload)

    by_address = {message.to: message.subject for message in outbox.sent if message.channel is Channel.PUSH}
    assert by_address == {
        str(ours.cleaners[0]): "Your shift has been taken",
        str(ours.cleaners[1]): "The shift is yours",
        str(ours.cleaners[2]): "The draw went to somebody else",
    }


async def test_the_same_move_of_one_swap_is_told_each_time_it_happens_and_each_time_once(
    db, tools, outbox, ours, theirs
):
    """A38: taken, given back and taken again is news twice."""
    swap = await a_swap(db, ours)
    await db.execute("update swap set status = 'ACCEPTED', taker_id = $2 where id = $1", swap, ours.cleaners[1])
    for version in (2, 2, 5):
        await _run(db, tools, ours, "notify_swap", {"event": "SwapAccepted", "swap_id": str(swap), "version": version})

    assert len([one for one in outbox.sent if one.to == "cleaner1@ours.test"]) == 2
