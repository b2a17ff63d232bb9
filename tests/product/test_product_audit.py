"""The audit log: every change has its line, and a line that was altered shows (R127, R247)."""

import hashlib

from tests.product.world import Town, World

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
