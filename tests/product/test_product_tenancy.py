"""Nobody finds anything of another business: every query, mutation and feed, generated (R1 to R6, R8)."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import get_named_type, is_required_argument

from domain.actors import Actor
from domain.ids import JobId
from resolvers.expose import EXPOSED
from schema.types.relay import decode_id
from services import scheduling, swaps
from services.availability import SubmitAvailability, submit_availability
from tests.product.contract import EITHER, Path, arguments, document, is_connection, only, operations, put, selection
from tests.product.furnished import TABLES, House, furnish, signed_in
from tests.product.walking import (
    FEEDS,
    MUTATIONS,
    NODES,
    QUERIES,
    SCHEMA,
    SIGNING,
    UNKNOWN,
    a_working_wish,
    fields_of,
    fitting,
    places,
    values,
)
from tests.product.world import Api, World, gid
from tests.subscriptions.client import Client, Feed

BESIDE = SIGNING | {
    "issueQr",
    "revealAccessCode",
    "createTenant",
    "reauthenticate",
    "retryTask",
    "runDutyNow",
    "importCustomers",
}
"""Mutations that are not derived from one command in the acting business."""
ACTORS = ("owner", "dispatcher", "cleaner")
CALM = {"liveLocation", "payments", "payouts", "automation"}
"""Feeds that say nothing while nobody is at work, and no money moves."""
WITHHELD = {
    "liveLocation": {"cleaner"},
    "payments": {"dispatcher", "cleaner"},
    "payouts": {"dispatcher"},
    "automation": {"dispatcher", "cleaner"},
}
"""Which of the actors a feed refuses."""


@pytest.fixture(scope="module")
async def theirs(world: World) -> House:
    """The business whose things must not show."""
    return await furnish(world, "Quokka7")


@pytest.fixture(scope="module")
async def ours(world: World) -> House:
    """The business that asks."""
    return await furnish(world, "Heron5")


async def spoken(api: Api, actor: Actor | None, query: str, **variables: Any) -> bytes:
    """The answer's bytes."""
    answer = await api.post(query, variables, api.world.token(actor) if actor else None)
    assert b"INTERNAL" not in answer.content, answer.text
    content: bytes = answer.content
    return content


def leaks(text: bytes, canaries: set[str]) -> list[str]:
    """Which of the other business's words show in an answer."""
    heard = text.decode().lower()
    return [word for word in canaries if word in heard]


def test_every_mutation_is_a_command_or_known_to_be_beside_them() -> None:
    """R5: what is added later is walked, or this says that it is not."""
    assert set(MUTATIONS) == set(EXPOSED) | BESIDE
    assert set(NODES) == set(TABLES)


@pytest.mark.parametrize("name", sorted(set(QUERIES)))
async def test_no_query_shows_anything_of_another_business(api: Api, ours: House, theirs: House, name: str) -> None:
    """R1, R5, R6, R249: every field at depth, and the other's id wherever one is taken; its rows stand."""
    canaries, before = await theirs.canaries(), await theirs.fingerprint()
    for who in ACTORS:
        for answer in await _plain_answers(api, ours, ours.who[who], name, 3 if who == "owner" else 1):
            assert leaks(answer, canaries) == []
        for argument, path, kind in places(QUERIES[name]):
            for selected in fitting(name, kind):
                asked = [
                    await _asked(api, ours, who, name, (argument, path), id, selected)
                    for id in (gid(kind, UNKNOWN), *(await theirs.ids(kind))[:2])
                ]
                assert leaks(b"".join(asked), canaries) == []
                # R3: one answer for what is another's and for what is not, to the byte.
                assert set(asked) == {asked[0]}, (name, argument, kind)
    assert await theirs.fingerprint() == before


async def _plain_answers(api: Api, ours: House, actor: Actor, name: str, deep: int) -> list[bytes]:
    """The field without an id, or with one's own where one must be given."""
    field, answers = QUERIES[name], []
    for selected in operations(SCHEMA, name, field, min(deep, 2) if "Node" in str(field.type) else deep):
        kind = selected.split()[4] if "Node" in str(field.type) else "Swap"
        given = arguments(await values(ours, {"Node": (await ours.ids(kind))[0]}), field)
        given |= {"first": 100} if "first" in field.args else {}
        answers.append(await spoken(api, actor, document("query", name, field, given, selected), **given))
    return answers


async def _asked(api: Api, ours: House, who: str, name: str, place: tuple[str, Path], id: str, selected: str) -> bytes:
    actor, (argument, path) = ours.who[who], place
    field = QUERIES[name]
    own, kind = await values(ours), get_named_type(field.type).name
    others = {other: one for other, one in field.args.items() if is_required_argument(one) and other != argument}
    given = {other: own.of(one.type, other, kind) for other, one in others.items()}
    given |= {argument: only(path, field.args[argument].type, id)}
    return await spoken(api, actor, document("query", name, field, given, selected), **given)


async def test_the_same_generated_queries_do_show_what_is_ones_own(api: Api, ours: House) -> None:
    """The control of the test above: each place that takes an id finds something of one's own."""

    async def finds(name: str, argument: str, path: Path, kind: str) -> bool:
        for id, selected in itertools.product(await ours.ids(kind), fitting(name, kind)):
            answer = json.loads(await _asked(api, ours, "owner", name, (argument, path), id, selected))
            if answer.get("data") and _found(answer["data"][name]):
                return True
        return False

    every = [(name, *place) for name, field in QUERIES.items() for place in places(field)]
    assert [place for place in every if not await finds(*place)] == []


def _found(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("totalCount", 1) > 0
    return any(value) if isinstance(value, list) else value is not None


@pytest.mark.parametrize("kind", NODES)
async def test_filters_inside_objects_know_no_foreign_ids_either(
    api: Api, ours: House, theirs: House, kind: str
) -> None:
    """R6: the arguments of nested fields, asked on one's own objects."""
    canaries = await theirs.canaries()
    for name, field in fields_of(kind).items():
        for argument, path, of in places(field):
            selected = selection(SCHEMA, field.type, 1)
            head = f"($ids: [ID!]!, ${argument}: {field.args[argument].type})"
            inner = f"... on {kind} {{ {name}({argument}: ${argument}) {selected} }}"
            query = f"query {head} {{ nodes(ids: $ids) {{ __typename {inner} }} }}"
            ids = await ours.ids(kind)
            answers = [
                await spoken(
                    api, ours.who["owner"], query, ids=ids, **{argument: only(path, field.args[argument].type, id)}
                )
                for id in (gid(of, UNKNOWN), (await theirs.ids(of))[0])
            ]
            assert answers[0] == answers[1]
            assert leaks(answers[1], canaries) == []
            assert b'"errors"' not in answers[0], answers[0]


async def test_cursors_of_another_business_show_nothing_of_it(api: Api, ours: House, theirs: House) -> None:
    """R1: a cursor is a place and no key."""
    canaries = await theirs.canaries()
    for name, field in QUERIES.items():
        if is_connection(field):
            shown = "{ totalCount edges { cursor node { id } } }"
            query = f"query ($c: Cursor) {{ {name}(first: 100, after: $c) {shown} }}"
            edges = (await api.data(theirs.who["owner"], query, c=None))[name]["edges"]
            assert edges, name
            for edge in edges[:3]:
                for who in ACTORS:
                    assert leaks(await spoken(api, ours.who[who], query, c=edge["cursor"]), canaries) == []


@pytest.mark.parametrize("name", sorted(set(MUTATIONS)))
async def test_no_mutation_touches_or_tells_of_another_business(
    api: Api, ours: House, theirs: House, name: str
) -> None:
    """R1, R3, R5: each id of the other business in each place answers as an unknown one does, and nothing moves."""
    field, canaries, before = MUTATIONS[name], await theirs.canaries(), await theirs.fingerprint()
    # All but the one place is right, so that the answer is about that.
    own = (await a_working_wish(ours, name))[1] if name in EXPOSED else arguments(await values(ours), field)
    query = document("mutation", name, field, own, selection(SCHEMA, field.type, 1))
    for who in (*ACTORS, None):
        actor = None if who is None else await signed_in(ours, ours.who[who].role, ours.who[who].person)
        mine = await ours.fingerprint()
        for argument, path, kind in places(field):
            owner = get_named_type(field.args[argument].type).name
            answers = [
                await spoken(api, actor, query, **{**own, argument: put(own[argument], path, id, owner)})
                for id in (gid(kind, UNKNOWN), *(await theirs.ids(kind))[:2])
            ]
            assert set(answers) == {answers[0]}, (argument, path)
            assert leaks(b"".join(answers), canaries) == []
            assert await ours.fingerprint() == mine, "a refusal wrote something"
        if not places(field) and (actor is None or name in SIGNING):
            assert leaks(await spoken(api, actor, query, **own), canaries) == []
    assert await theirs.fingerprint() == before


async def test_the_same_generated_mutations_do_work_with_ones_own_ids(ours: House) -> None:
    """The control of the test above: for each, and each way to put it, own ids with which it is done (and undone)."""
    before = await ours.fingerprint()
    for name in EXPOSED:
        groups = EITHER.get(get_named_type(MUTATIONS[name].args["input"].type).name, ())
        ways: list[tuple[str, ...]] = [(min(group),) for group in groups]
        for naming in ways or [()]:
            assert await a_working_wish(ours, name, naming), naming
    assert await ours.fingerprint() == before


async def test_signing_in_knows_businesses_only_by_secrets(api: Api, theirs: House) -> None:
    """R3: a known business with an unknown person, and an unknown business, get one answer."""
    query = """mutation ($tenant: String!) { signIn(input: {tenant: $tenant, email: "no@body.example",
        password: "not the password"}) { credentials { accessToken } errors { code message field } } }"""
    wish = """mutation ($tenant: String!) { requestPasswordReset(input: {tenant: $tenant, email: "no@body.example"}) {
        ok errors { code message field } } }"""
    for document_ in (query, wish):
        known = await spoken(api, None, document_, tenant=theirs.town.slug)
        assert known == await spoken(api, None, document_, tenant="no-such-business")


async def test_feeds_bring_nothing_of_another_business(api: Api, ours: House, theirs: House) -> None:
    """R6, R102: while the other business trades, its feeds tell of it and ours are silent; its cursors open nothing."""
    watchers = {who: await Client.open(api.port, api.world.token(ours.who[who])) for who in ACTORS}
    witness = await Client.open(api.port, api.world.token(theirs.who["owner"]))
    try:
        own_job, their_job = await shown_job(ours), await shown_job(theirs)
        feeds = {who: await all_begun(one, who, own_job) for who, one in watchers.items()}
        foreign = {who: await all_begun(one, who, their_job) for who, one in watchers.items()}
        seen = await all_begun(witness, "owner", their_job)

        await _trade(theirs)
        await witness.until(lambda: is_told(seen))
        for who, one in watchers.items():
            for name, query, given in feed_documents(who, own_job):
                refused = await one.subscribe(query, seen[name].last, **given)
                await one.until(lambda refused=refused: refused.errors is not None)  # type: ignore[misc]
                assert [one["extensions"] for one in refused.errors or ()] == [{"code": "INVALID", "field": ["after"]}]
                assert refused.frames == []
        await _trade(ours)
        for who, own in watchers.items():
            await own.until(lambda who=who: is_told(feeds[who]))  # type: ignore[misc]

        canaries = await theirs.canaries()
        for feed in itertools.chain(*(each.values() for each in (*feeds.values(), *foreign.values()))):
            assert feed.errors is None
            assert leaks(json.dumps(feed.frames).encode(), canaries) == []
        assert leaks(json.dumps([feed.frames for feed in seen.values()]).encode(), canaries) != []
    finally:
        for one in (*watchers.values(), witness):
            await one.close()


async def all_begun(client: Client, who: str, job: str) -> dict[str, Feed]:
    """Every feed, each of which has sent its first frame."""
    feeds = {name: await client.subscribe(query, **given) for name, query, given in feed_documents(who, job)}
    await client.until(lambda: all(feed.frames or feed.errors is not None for feed in feeds.values()))
    assert {name: feed.errors for name, feed in feeds.items() if feed.errors is not None} == {}
    return feeds


def is_told(feeds: dict[str, Feed]) -> bool:
    """Whether each feed has said something beside its snapshot."""
    return all(len(feed.frames) > 1 for name, feed in feeds.items() if name not in CALM)


async def shown_job(house: House) -> str:
    """A job that the business's cleaner is on."""
    query = "select job_id from assignment where id = $1"
    return gid("Job", await house.world.root.fetchval(query, house.has["shift of own swap"]))


def feed_documents(who: str, job: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """A subscription to each feed that this role may have, everything selected that all roles share."""
    for name, field in FEEDS.items():
        if who in WITHHELD.get(name, set()):
            continue
        given = {arg: job for arg in ("id", "jobId") if arg in field.args}
        selected = selection(SCHEMA, field.type, 3)
        yield name, document("subscription", name, field, {"after": None, **given}, selected), given


async def _trade(house: House) -> None:
    """A withdrawal, an offer, a changed job, and a submission."""
    world, who = house.world, house.who["cleaner"]
    swap = swaps.WithdrawSwap(house.has["own swap"])
    await world.run(house.who["owner"], swaps.withdraw_swap, swap)
    shift = swaps.OfferSwap(house.has["shift of own swap"], f"{house.mark} again")
    house.has["own swap"] = await world.run(who, swaps.offer_swap, shift)
    job = decode_id(await shown_job(house), "Job")
    await world.run(house.who["owner"], scheduling.update_job, scheduling.UpdateJob(JobId(job), instructions="Again"))
    await world.run(who, submit_availability, SubmitAvailability(house.market, await house.slots(10)))
