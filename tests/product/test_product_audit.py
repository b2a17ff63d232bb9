"""The audit log: every change has its line, and a line that was altered shows (R127, R247); who reads it, and how."""

import hashlib
from datetime import datetime
from typing import Any

from domain.actors import Actor
from services.availability import SetAvailability, set_availability
from tests.product.furnished import furnish
from tests.product.world import Api, Town, World, gid

LOG = """query ($filter: AuditFilter, $order: AuditOrder, $first: Int, $after: Cursor) {
    auditLog(filter: $filter, orderBy: $order, first: $first, after: $after) { totalCount
    pageInfo { hasNextPage endCursor }
    nodes { id seq action entity entityId reason detail actorId actorRole requestId at } } }"""

LINES = """
select seq, actor_id, actor_role, request_id, at, hash, jsonb_build_object('action', action, 'entity', entity,
    'entity_id', entity_id::text, 'reason', reason, 'detail', detail)::text as line
from audit where tenant_id = $1 order by seq"""


async def test_the_audit_log_is_one_chain_in_which_an_altered_line_shows(world: World, town: Town, other: Town) -> None:
    """R127, R247: dense from the first line to the head's hash; each link is made from the one before and its line."""
    await town.offer(await town.cleaner())
    before = await links(world, other)
    lines, found = await world.root.fetch(LINES, town.tenant), await links(world, town)

    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert "offer_swap" in lines[-1]["line"]
    assert [line["hash"] for line in lines] == found
    assert (
        await world.root.fetchval("select audit_hash from tenant_head where tenant_id = $1", town.tenant) == found[-1]
    )

    await world.root.execute("update audit set reason = 'forged' where tenant_id = $1 and seq = 2", town.tenant)

    assert [line["hash"] == link for line, link in zip(lines, await links(world, town), strict=True)] == [
        True,
        *[False] * (len(lines) - 1),
    ]
    assert await links(world, other) == before


async def links(world: World, town: Town) -> list[bytes]:
    """The chain as anybody who holds the lines can reckon it."""
    made: list[bytes] = []
    for line in await world.root.fetch(LINES, town.tenant):
        said = (line["line"], line["actor_id"], line["actor_role"], line["request_id"], line["at"].isoformat())
        text = "|".join(str(part) for part in (town.tenant, line["seq"], *said))
        made.append(hashlib.sha256((made[-1] if made else b"") + text.encode()).digest())
    return made


async def read(api: Api, actor: Actor, **asked: Any) -> Any:
    """A page of the audit log."""
    return (await api.data(actor, LOG, **asked))["auditLog"]


async def test_administrators_read_every_line_as_it_was_written(
    api: Api, world: World, town: Town, other: Town
) -> None:
    """R6, R247: newest first unless told, in pages, each line an object of its own; none of another business."""
    for one in (town, other):
        await one.offer(await one.cleaner())
    rows = await world.root.fetch("select * from audit where tenant_id = $1 order by seq desc", town.tenant)

    whole = await read(api, town.owner, first=100)
    found: list[Any] = []
    after = None
    for _ in range(0, len(rows), 4):
        page = await read(api, town.owner, first=4, after=after)
        found, after = found + page["nodes"], page["pageInfo"]["endCursor"]
    oldest = await read(api, town.owner, first=100, order="SEQ_ASC")

    assert found == whole["nodes"] == oldest["nodes"][::-1]
    assert (whole["totalCount"], page["pageInfo"]["hasNextPage"]) == (len(rows), False)
    for line, row in zip(found, rows, strict=True):
        assert line["id"] == gid("AuditEntry", row["id"])
        assert line["entityId"] == gid(row["entity"], row["entity_id"])
        assert line["actorRole"] == row["actor_role"].upper()
        assert line["actorId"] in {None, gid("Person", row["actor_id"])}
        assert (line["actorId"] is None) is (row["actor_id"].int == 0)
        assert datetime.fromisoformat(line["at"]) == row["at"]
        for name in ("seq", "action", "entity", "reason"):
            assert line[name] == row[name]
    assert found[0]["action"] == "offer_swap"
    told = str(whole)
    assert not any(str(word) in told for word in (other.tenant, other.slug, other.owner.person))
    asked = "query ($id: ID!) { node(id: $id) { ... on AuditEntry { seq action } } }"
    node = (await api.data(town.owner, asked, id=found[0]["id"]))["node"]
    assert node == {"seq": len(rows), "action": "offer_swap"}
    assert (await api.data(other.owner, asked, id=found[0]["id"]))["node"] is None


async def test_the_audit_log_is_searched_by_what_who_and_when(api: Api, world: World) -> None:
    """R247: each filter alone and all together; a reason that was given stands beside its act."""
    ours, theirs = await furnish(world, "Curlew6"), await furnish(world, "Snipe8")
    owner, cleaner = ours.who["owner"], ours.who["cleaner"]
    moment = (await world.now(ours.town.tenant)).isoformat()
    why = SetAvailability(cleaner.cleaner_id, ours.market, ours.period_start, await ours.slots(11), "Called in sick")
    await world.run(owner, set_availability, why)

    async def every(filter: Any = None) -> list[Any]:
        page = await read(api, owner, first=100, filter=filter)
        found, total = page["nodes"], page["totalCount"]
        while page["pageInfo"]["hasNextPage"]:
            page = await read(api, owner, first=100, filter=filter, after=page["pageInfo"]["endCursor"])
            found = [*found, *page["nodes"]]
        assert total == len(found)
        return found

    async def matching(**filter: Any) -> list[str]:
        return [line["id"] for line in await every(filter)]

    lines = await every()

    def those(**like: Any) -> list[str]:
        return [line["id"] for line in lines if all(line[name] == value for name, value in like.items())]

    person = gid("Person", cleaner.person)
    assert await matching(entity="Swap") == those(entity="Swap") != []
    assert await matching(action="accept_swap") == those(action="accept_swap") != []
    for id in (person, gid("Cleaner", cleaner.person)):
        assert await matching(actorId=id) == those(actorId=person) != []
    assert await matching(actorId=gid("Staff", theirs.who["owner"].person)) == []
    assert await matching(atFrom=moment) == [lines[0]["id"]]
    assert await matching(atBefore=moment) == [line["id"] for line in lines[1:]]
    assert (lines[0]["action"], lines[0]["reason"]) == ("set_availability", "Called in sick")
    both = {"entity": "Swap", "action": "accept_swap", "actorId": person, "atBefore": moment}
    assert await matching(**both) == those(entity="Swap", action="accept_swap", actorId=person)
    assert await matching(entity="Swap", action="create_job") == []
