"""The swap market over HTTP (R94 to R103, A26 to A29)."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import httpx2

from tests.product.world import Api, Town, gid

TAKEN = {"code": "SWAP_ALREADY_TAKEN", "message": "Swap was already taken or expired.", "field": ["swapId"]}


async def test_a_shift_is_offered_and_taken_with_everything_in_one_transaction(
    api: Api, town: Town, other: Town
) -> None:
    """R94, R96, R99, R127, A26: the assignment moves, one event, one audit line, one notification task."""
    owner, taker = await town.cleaner(), await town.cleaner()
    shift = await town.shift(owner)
    offered = await api.do(
        owner, "offerSwap", {"assignmentId": gid("Assignment", shift), "note": "dentist"}, "swap { id status }"
    )
    assert offered == {"swap": {"id": offered["swap"]["id"], "status": "PENDING"}, "errors": []}

    accepted = await api.do(
        taker,
        "acceptSwap",
        {"swapId": offered["swap"]["id"]},
        "swap { status taker { id } assignment { cleaner { id } } }",
    )

    me = {"id": gid("Cleaner", taker.person)}
    assert accepted == {"swap": {"status": "ACCEPTED", "taker": me, "assignment": {"cleaner": me}}, "errors": []}
    world = town.world
    assert await world.root.fetchval("select cleaner_id from assignment where id = $1", shift) == taker.person
    assert await world.count("event", town.tenant, "type = 'SwapAccepted'") == 1
    assert await world.count("audit", town.tenant, "action = 'accept_swap'") == 1
    assert await world.count("task", town.tenant, "payload ->> 'event' = 'SwapAccepted'") == 1
    assert await world.count("event", other.tenant, "type like 'Swap%'") == 0


async def test_of_a_thousand_accepts_at_once_one_wins(api: Api, town: Town, other: Town) -> None:
    """R97, R98, R101: one winner, 999 refusals, one assignment moved, one event."""
    owner = await town.cleaner()
    takers = await asyncio.gather(*(town.cleaner() for _ in range(50)))
    swap = await town.offer(owner)
    foreign = await other.offer(await other.cleaner())
    query = """mutation ($id: ID!, $key: ID!) { acceptSwap(input: {swapId: $id, clientMutationId: $key}) {
        swap { id } errors { code message field } } }"""
    tokens = [town.world.token(taker) for taker in takers]

    async def race(number: int) -> Any:
        """One accept; asked again, with its key, where a busy machine answers that it took too long."""
        wish = {"id": gid("Swap", swap), "key": f"racer {number}"}
        while "data" not in (answer := await asked(wish, tokens[number % 50])):
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAVAILABLE"]
        return answer["data"]["acceptSwap"]

    async def asked(wish: Any, token: str) -> Any:
        """The answer; asked again where the server was just hanging up on a connection that it took for idle."""
        while True:
            with contextlib.suppress(httpx2.ReadError, httpx2.RemoteProtocolError):
                return (await api.post(query, wish, token)).json()

    answers = await asyncio.gather(*(race(number) for number in range(1000)))

    won = [answer for answer in answers if answer["swap"]]
    lost = [answer["errors"] for answer in answers if not answer["swap"]]
    assert (len(won), len(lost)) == (1, 999)
    assert all(errors == [TAKEN] for errors in lost)
    world = town.world
    assert await world.count("event", town.tenant, "type = 'SwapAccepted'") == 1
    assert await world.count("assignment", town.tenant, "version > 1") == 1
    assert await world.count("audit", town.tenant, "action = 'accept_swap'") == 1
    assert await world.root.fetchval("select status from swap where id = $1", foreign) == "PENDING"


async def test_taken_expired_foreign_and_unknown_swaps_get_the_same_sentence(api: Api, town: Town, other: Town) -> None:
    """R98: one answer, and nothing is written."""
    owner, taker, late = await town.cleaner(), await town.cleaner(), await town.cleaner()
    taken = await town.offer(owner)
    await api.do(taker, "acceptSwap", {"swapId": gid("Swap", taken)}, "swap { id }")
    expired = await town.offer(owner, await town.day(5))
    await town.world.root.execute("update swap set expires_at = now() - interval '1 second' where id = $1", expired)
    foreign = await other.offer(await other.cleaner())
    before, elsewhere = await town.world.trace(town.tenant), await town.world.trace(other.tenant)

    for id in (taken, expired, foreign, town.tenant):
        answer = await api.do(late, "acceptSwap", {"swapId": gid("Swap", id)}, "swap { id }")
        assert answer == {"swap": None, "errors": [TAKEN]}

    assert await town.world.trace(town.tenant) == before
    assert await town.world.trace(other.tenant) == elsewhere


async def test_a_swap_expires_by_predicate_even_if_no_task_ever_ran(api: Api, town: Town, other: Town) -> None:
    """R100, A27: two hours before the start nobody can take it any more, whatever the sweep does."""
    owner, taker = await town.cleaner(), await town.cleaner()
    swap = await town.offer(owner)
    start = await town.world.root.fetchval(
        "select starts_at from job j join swap s on s.job_id = j.id where s.id = $1", swap
    )
    assert await town.world.root.fetchval("select expires_at from swap where id = $1", swap) == start - timedelta(
        hours=2
    )
    await town.world.move_clock(town.tenant, start - timedelta(hours=2) - await town.world.now(town.tenant))

    answer = await api.do(
        await town.world.session_of(town.tenant, taker.role, taker.person),
        "acceptSwap",
        {"swapId": gid("Swap", swap)},
        "swap { id }",
    )

    assert answer["errors"] == [TAKEN]
    assert await town.world.count("swap", town.tenant, "status = 'PENDING'") == 1


async def test_every_reason_is_listed_for_what_one_cannot_take(api: Api, town: Town, other: Town) -> None:
    """R82, A27b: overlap and missing skill at once, as the query shows and as the accept says."""
    owner, taker = await town.cleaner(), await town.cleaner()
    from domain.scheduling import Skill

    expert = await town.cleaner(Skill.HOT_TUB)
    start = await town.day(3)
    swap = await town.offer(expert, start, home=await town.home(hot_tub=True))
    await town.shift(taker, start + timedelta(hours=1))
    shows = "viewerCanTake { ok reasons { code message } } viewerPreview { earningsCents weekHours }"
    query = f"query ($id: ID!) {{ swap(id: $id) {{ {shows} }} }}"

    shown = (await api.data(taker, query, id=gid("Swap", swap)))["swap"]
    refused = await api.do(taker, "acceptSwap", {"swapId": gid("Swap", swap)}, "swap { id }")

    assert shown["viewerCanTake"]["ok"] is False
    assert [reason["code"] for reason in shown["viewerCanTake"]["reasons"]] == ["SKILL_MISSING", "OVERLAP"]
    assert shown["viewerPreview"] == {"earningsCents": 5100, "weekHours": "6.00"}
    assert [error["code"] for error in refused["errors"]] == ["NOT_ELIGIBLE"]
    assert (await api.data(owner, query, id=gid("Swap", swap)))["swap"]["viewerCanTake"]["ok"] is False


async def test_the_owner_withdraws_and_nobody_else_can(api: Api, town: Town, other: Town) -> None:
    """A29: withdrawn while pending; a colleague and another business get NOT_FOUND and write nothing."""
    owner, colleague = await town.cleaner(), await town.cleaner()
    swap = gid("Swap", await town.offer(owner))
    stranger = await other.cleaner()
    before = await town.world.trace(town.tenant)
    for who in (colleague, stranger, other.owner):
        answer = await api.do(who, "withdrawSwap", {"swapId": swap}, "swap { id }")
        assert [error["code"] for error in answer["errors"]] == ["NOT_FOUND"]
    assert await town.world.trace(town.tenant) == before

    done = await api.do(owner, "withdrawSwap", {"swapId": swap}, "swap { status closedAt }")
    again = await api.do(owner, "withdrawSwap", {"swapId": swap}, "swap { id }")

    assert done["swap"]["status"] == "WITHDRAWN"
    assert [error["code"] for error in again["errors"]] == ["CONFLICT"]
    assert await town.world.count("event", town.tenant, "type = 'SwapWithdrawn'") == 1


async def test_a_shift_that_starts_too_soon_is_not_offered(api: Api, town: Town, other: Town) -> None:
    """A27: the refusal names the field that the cleaner filled in, and nothing is written."""
    owner = await town.cleaner()
    shift = await town.shift(owner, await town.world.now(town.tenant) + timedelta(minutes=90))
    before, elsewhere = await town.world.trace(town.tenant), await town.world.trace(other.tenant)

    answer = await api.do(owner, "offerSwap", {"assignmentId": gid("Assignment", shift)}, "swap { id }")

    assert [(error["code"], error["field"]) for error in answer["errors"]] == [("INVALID", ["assignmentId"])]
    assert await town.world.trace(town.tenant) == before
    assert await town.world.trace(other.tenant) == elsewhere
