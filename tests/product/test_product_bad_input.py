"""Whatever is sent, the answer is typed, names its field, and nothing was written (R19, R230)."""

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, get_named_type, is_list_type, is_non_null_type

from domain.actors import Actor, Role
from domain.errors import Code
from domain.ids import SwapId
from resolvers.expose import EXPOSED
from services import swaps
from tests.product.contract import NEVER, Path, arguments, document, is_connection
from tests.product.furnished import House, kept, signed_in
from tests.product.walking import MUTATIONS, QUERIES, SIGNING, a_working_wish, values
from tests.product.world import Api, Town, World, gid, ops

MEDIA = "application/graphql-response+json"
TYPED = {str(code) for code in Code}
NUL, LONG = "a\0b", "x" * 60_000
IDS = ["", "junk", "MTIz", "\0", "a" * 3000, "✓", "==", "VHlwZTpub3QtYS11dWlk"]
BAD: dict[str, list[Any]] = {
    "String": [NUL, LONG],
    "Int": [-1, 2_147_483_647],
    "Float": [1e308, -1e308],
    "Decimal": ["-1", "0", "NaN", "Infinity", "1e999999999", "2.555", "25"],
    "DateTime": [
        "2001-01-01T00:00:00Z",
        "2090-01-01T00:00:00Z",
        "2030-01-01T00:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
    "Date": ["0001-01-01", "9999-12-31", "2026-01-05"],
    "JSON": [
        [],
        "text",
        7,
        {"swaps": 7},
        {"swaps": {"restHours": -1}},
        {"no": {}},
        {"swaps": {"restHours": "9" * 400}},
    ],
    "ID": IDS,
}
"""By scalar: values that are right as GraphQL and wrong for every field of the contract."""
UNCOERCED: dict[str, list[Any]] = {
    "Int": ["3", 2.5, 2**40, True],
    "Float": ["25", True],
    "Decimal": ["words", ""],
    "DateTime": ["yesterday", 5, "2026-13-01T00:00:00Z", ""],
    "Date": ["2026-02-30", 5, "tomorrow"],
    "Boolean": ["true", 1],
    "String": [5, ["a"]],
    "ID": [{}, 2.5],
}
"""By scalar: values that GraphQL itself refuses."""
HARMLESS = {
    ("setAvailability", "periodStart", "2026-01-05"),
    ("changeStaffRole", "expectedVersion", "-1"),
    ("placeStandingBid", "fromDay", "0001-01-01"),
    ("placeStandingBid", "fromDay", "2026-01-05"),
    ("placeStandingBid", "untilDay", "9999-12-31"),
    ("sendTrack", "at", "2001-01-01T00:00:00Z"),
    ("sendTrack", "at", "2090-01-01T00:00:00Z"),
    ("openBooking", "tenant", NUL),
    ("openBooking", "tenant", LONG),
    ("exportPayroll", "periodStart", "2026-01-05"),
}
"""A Monday of this year is a right answer to which two weeks are meant; who has the role already is left alone; what
one always takes may have begun long ago, and last; who has signed in is asked for no business; a payroll's period may
be most of a year."""
ELSEWHERE = {
    ("coverSickCall", "day"): ("CONFLICT", ["cleanerId"]),
    ("placeStandingBid", "fromDay"): ("INVALID", ["untilDay"]),
    ("exportPayroll", "periodStart"): ("INVALID", ["periodEnd"]),
}
"""Values that are wrong beside another: a day on which this cleaner has no shift, a first day after the last."""
CLAIMED = {"capturedAt", "sentAt"}
"""What a device says of its clock: kept and flagged, or not understood and left out, and never a reason to lose what it
tells (A40)."""
OF_THE_OWNER = {"issueQr", "revealAccessCode", "reauthenticate"}
KEYS = ["", "\0", "a" * 129]
"""Whatever else is an id is also a key of idempotency."""


@pytest.fixture(scope="module")
async def house(world: World) -> House:
    return await kept(world, "Egret4")


def refusals(answer: Any) -> list[tuple[str, list[str]]]:
    """Code and field of every error, of the request's and of the payload's."""
    found = [(one["extensions"]["code"], one["extensions"].get("field", [])) for one in answer.get("errors", ())]
    for payload in (answer.get("data") or {}).values():
        if isinstance(payload, dict):
            found += [(one["code"], one["field"]) for one in payload.get("errors", ())]
    return found


def leaves(type_: Any, path: Path = ()) -> Iterator[tuple[Path, Any, bool]]:
    """Each place of an input that takes a scalar or enum, whether as a list."""
    bare = get_named_type(type_)
    if isinstance(bare, GraphQLInputObjectType):
        for name, field in bare.fields.items():
            yield from leaves(field.type, (*path, name))
    else:
        plain = type_.of_type if is_non_null_type(type_) else type_
        yield path, bare, is_list_type(plain)


def put(value: Any, path: Path, bad: Any) -> Any:
    if path and isinstance(value, list):
        return [put(one, path, bad) for one in value]
    return {**value, path[0]: put(value.get(path[0]), path[1:], bad)} if path else bad


async def sent(api: Api, actor: Actor | None, query: str, **variables: Any) -> Any:
    """The answer, once it is seen to be fit for a client."""
    answer = await api.post(query, variables, api.world.token(actor) if actor else None)
    assert answer.status_code in {200, 400, 401}, answer.text
    assert "Traceback" not in answer.text
    assert "INTERNAL" not in answer.text, (query, str(variables)[:300], answer.text)
    decoded = answer.json()
    assert (answer.status_code == 200) is ("data" in decoded)
    return decoded


def wrong(bare: Any, name: str = "") -> list[Any]:
    if name == "clientMutationId":
        return KEYS
    return ["NOPE", 5] if isinstance(bare, GraphQLEnumType) else BAD.get(bare.name, [])


def uncoerced(bare: Any) -> list[Any]:
    return [] if isinstance(bare, GraphQLEnumType) else UNCOERCED.get(bare.name, [])


@pytest.mark.parametrize("name", sorted(EXPOSED))
async def test_each_bad_value_in_each_field_of_a_mutation_is_refused_at_its_field(
    api: Api, house: House, name: str
) -> None:
    """R19, R230: generated, everything else in the input being right (which the control has seen)."""
    field, before = MUTATIONS[name], await house.fingerprint()
    actor, given = plain = await a_working_wish(house, name)
    query = document("mutation", name, field, given, "{ __typename errors { code message field } }")
    for path, bare, listed in leaves(field.args["input"].type):
        is_beside = path[0] not in plain[1]["input"] and path[0] not in NEVER
        actor, given = await a_working_wish(house, name, path[:1]) if is_beside else plain
        for bad in wrong(bare, path[-1]):
            if (name, path[-1], str(bad)) in HARMLESS or path[-1] in CLAIMED:
                continue
            value = put(given["input"], path, [bad] if listed else bad)
            found = refusals(await sent(api, actor, query, input=value))
            assert len(found) == 1, (path, str(bad)[:50], found)
            ((code, at),) = found
            if isinstance(bare, GraphQLEnumType):
                assert code == "BAD_REQUEST"
            elif (name, path[-1]) in ELSEWHERE:
                assert (code, at) == ELSEWHERE[name, path[-1]], (bad, found)
            elif bare.name == "ID" and path[-1] != "clientMutationId":
                assert (code, at) == ("INVALID_ID", spelled(path, listed)), (path, bad[:50], found)
            elif path[-1] == "expectedVersion":
                assert (code, at) == ("CONFLICT", ["expectedVersion"]), found
            else:
                assert code == "INVALID", (path, str(bad)[:50], found)
                assert at[: len(spelled(path, False))] == spelled(path, False), (path, str(bad)[:50], found)
        for bad in uncoerced(bare):
            value = put(given["input"], path, [bad] if listed else bad)
            found = refusals(await sent(api, actor, query, input=value))
            assert {code for code, _ in found} == {"BAD_REQUEST"}, (path, bad, found)
        assert await house.fingerprint() == before, (path, "something was written")


def spelled(path: Path, listed: bool) -> list[str]:
    """The path as a refusal names it: places in lists by their number."""
    inside = [part for one in path for part in ((one, "0") if one in {"slots", "points", "items", "lines"} else (one,))]
    return [*inside, "0"] if listed else inside


@pytest.mark.parametrize(
    "name",
    sorted(SIGNING | {"createTenant", "issueQr", "revealAccessCode", "retryTask", "runDutyNow", "reauthenticate"}),
)
async def test_each_bad_value_beside_the_commands_is_refused_too(
    api: Api, world: World, house: House, name: str
) -> None:
    """R19, R230: signing in and the control room, by who may."""
    field = MUTATIONS[name]
    await ops(world)
    actor = None if name in SIGNING else house.who["owner"] if name in OF_THE_OWNER else await ops(world)
    given, before = arguments(await values(house), field), await house.fingerprint()
    if name == "createTenant":
        # Another walk over the same servers may have founded the business of this slug.
        given = put(given, ("input", "slug"), f"new-{house.town.slug}")
    head = document("mutation", name, field, given, "{ __typename errors { code message field } }")
    for argument, one in field.args.items():
        for path, bare, listed in leaves(one.type, (argument,)):
            for bad in (*wrong(bare), *uncoerced(bare)):
                found = refusals(await sent(api, actor, head, **put(given, path, [bad] if listed else bad)))
                # Who asks for a link learns nothing, not even that there is no such business.
                is_silent = name in {"requestPasswordReset", "requestSignInLink"} and path[-1] == "tenant"
                assert found or is_silent, (path, bad)
                assert {code for code, _ in found} <= TYPED | {"BAD_REQUEST"}, (path, bad, found)
                if name == "createTenant" and bad == NUL:
                    assert found == [("INVALID", [path[-1]])], (path, found)
    assert await house.fingerprint() == before


@pytest.mark.parametrize("name", sorted(name for name, field in QUERIES.items() if is_connection(field)))
async def test_bad_pages_filters_and_cursors_are_refused_at_their_field(api: Api, house: House, name: str) -> None:
    """R19: negative, zero and too large pages, both directions at once, cursors of nothing, ids of another type."""
    owner, arguments_ = house.who["owner"], QUERIES[name].args
    cases: list[tuple[str, list[str]]] = [
        *((f"first: {count}", ["first"]) for count in (-1, 0, 101, 2_147_483_647)),
        *((f"last: {count}", ["last"]) for count in (-1, 0, 101)),
        *(
            (f'{which}: "{cursor}"', [which])
            for which in ("after", "before")
            for cursor in ("", "junk", "e30=", "\\u0000", "W10=")
        ),
    ]
    for pages, at in cases:
        answer = await sent(api, owner, f"{{ {name}({pages}) {{ totalCount }} }}")
        assert refusals(answer) == [("INVALID", at)], (pages, answer)
        assert answer["data"] is None
    both = refusals(await sent(api, owner, f"{{ {name}(first: 1, last: 1) {{ totalCount }} }}"))
    assert [code for code, _ in both] == ["INVALID"]
    filters = leaves(arguments_["filter"].type) if "filter" in arguments_ else ()
    query = (
        f"query ($filter: {arguments_['filter'].type}) {{ {name}(filter: $filter) {{ totalCount }} }}"
        if filters
        else ""
    )
    for path, bare, listed in filters:
        bads: list[Any] = [NUL] if bare.name == "String" else IDS if bare.name == "ID" else []
        bads += ["0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00"] if bare.name == "DateTime" else []
        for bad in bads:
            found = refusals(await sent(api, owner, query, filter=put({}, path, [bad] if listed else bad)))
            assert [code for code, _ in found] == ["INVALID_ID" if bare.name == "ID" else "INVALID"], (path, bad, found)
            assert found[0][1][-1] == path[-1], found
        for bad in ["NOPE"] if isinstance(bare, GraphQLEnumType) else uncoerced(bare):
            found = refusals(await sent(api, owner, query, filter=put({}, path, bad)))
            assert {code for code, _ in found} == {"BAD_REQUEST"}, (path, bad)


async def test_ids_of_another_type_and_of_none_are_refused_and_unknown_ones_are_null(api: Api, house: House) -> None:
    """R3, R19: also for node and nodes, of which a hundred are enough."""
    owner = house.who["owner"]
    for name in ("cleaner", "customer", "property", "job", "swap"):
        for bad in (*IDS, gid("Market", house.market)):
            answer = await sent(api, owner, f"query ($id: ID!) {{ {name}(id: $id) {{ id }} }}", id=bad)
            assert refusals(answer) == [("INVALID_ID", ["id"])], (name, bad)
    for bad in (*IDS, gid("Tenant", house.town.tenant), gid("Nothing", house.town.tenant)):
        assert refusals(await sent(api, owner, "query ($id: ID!) { node(id: $id) { id } }", id=bad)) == [
            ("INVALID_ID", ["id"])
        ]
        found = refusals(await sent(api, owner, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[bad]))
        assert [code for code, _ in found] == ["INVALID_ID"]
    unknown = gid("Swap", house.town.tenant)
    assert await api.data(owner, "query ($id: ID!) { node(id: $id) { id } }", id=unknown) == {"node": None}
    many = await sent(api, owner, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[unknown] * 101)
    assert refusals(many) == [("INVALID", ["ids"])]


async def test_times_are_asked_with_their_offset_and_inside_the_horizon(api: Api, town: Town, other: Town) -> None:
    """R70: past, absurd and offset-less starts; a zone that is none; each at its field, nothing planned."""
    home, before = await town.home(), await town.world.trace(town.tenant)
    for start in BAD["DateTime"]:
        form = {"propertyId": gid("Property", home), "startsAt": start, "expectedHours": "3"}
        answer = await api.do(town.owner, "createJob", form, "job { id }")
        assert [(one["code"], one["field"]) for one in answer["errors"]] == [("INVALID", ["startsAt"])], start
    for zone in ("Mars/Olympus", "UTC+3", "", "EST5EDT5", "../etc/passwd", "Etc/GMT+5", NUL):
        answer = await api.do(town.owner, "createMarket", {"name": "M", "zone": zone}, "market { id }")
        assert [(one["code"], one["field"]) for one in answer["errors"]] == [("INVALID", ["zone"])], zone
    assert await town.world.trace(town.tenant) == before


async def test_a_replayed_key_answers_with_the_same_entity_and_another_input_is_refused(
    api: Api, town: Town, other: Town
) -> None:
    """One customer, one event; the key is the actor's and the command's own, and none of another business."""
    form = {"name": "Twice", "clientMutationId": "key-1"}
    first = await api.do(town.owner, "createCustomer", form, "customer { id name }")
    again = await api.do(town.owner, "createCustomer", form, "customer { id name }")
    changed = await api.do(town.owner, "createCustomer", {**form, "name": "Thrice"}, "customer { id }")
    elsewhere = await api.do(other.owner, "createCustomer", form, "customer { id name }")

    assert first == again
    assert [(one["code"], one["field"]) for one in changed["errors"]] == [
        ("IDEMPOTENCY_MISMATCH", ["clientMutationId"])
    ]
    assert elsewhere["errors"] == []
    assert elsewhere["customer"]["id"] != first["customer"]["id"]
    for one in (town, other):
        assert await town.world.count("customer", one.tenant) == 1
        assert await town.world.count("event", one.tenant, "type = 'CustomerChanged'") == 1


async def test_one_key_sent_many_times_at_once_makes_one_entity(api: Api, town: Town, other: Town) -> None:
    """Twenty requests at once with one key: one customer, and twenty times its id."""
    form = {"name": "At once", "clientMutationId": "key-2"}
    answers = await asyncio.gather(*(api.do(town.owner, "createCustomer", form, "customer { id }") for _ in range(20)))

    assert [one["errors"] for one in answers] == [[]] * 20
    assert len({one["customer"]["id"] for one in answers}) == 1
    assert await town.world.count("customer", town.tenant) == 1
    assert await town.world.count("mutation_receipt", town.tenant) == 1
    assert await town.world.count("customer", other.tenant) == 0


async def test_a_replayed_accept_is_still_the_winners(api: Api, town: Town, other: Town) -> None:
    """R98: the winner's retry gets the swap again, the loser's retry is refused again."""
    owner, winner, loser = [await town.cleaner() for _ in range(3)]
    swap: SwapId = await town.offer(owner)
    form = {"swapId": gid("Swap", swap), "clientMutationId": "tap"}
    for _ in range(2):
        answer = await api.do(winner, "acceptSwap", form, "swap { id status }")
        assert answer == {"swap": {"id": gid("Swap", swap), "status": "ACCEPTED"}, "errors": []}
        lost = await api.do(loser, "acceptSwap", form, "swap { id }")
        assert [one["code"] for one in lost["errors"]] == ["SWAP_ALREADY_TAKEN"]
    assert await town.world.count("event", town.tenant, "type = 'SwapAccepted'") == 1
    assert swaps.accept_swap.secret is False


BOMB = (
    "query { ...f0 } "
    + " ".join(f"fragment f{level} on Query {{ ...f{level + 1} ...f{level + 1} }}" for level in range(60))
    + " fragment f60 on Query { viewer { role } }"
)
MUTATE = 'mutation { createCustomer(input: {name: "By the way"}) { customer { id } } }'
SIGN = 'signIn(input: {tenant: "t", email: "a@b.example", password: "p"}) { errors { code } }'
DOCUMENTS = {
    "a document over 64 KiB": "{ viewer { role } } #" + "x" * 65_536,
    "more tokens than allowed": "{ viewer { " + "role " * 6_000 + "} }",
    "eleven levels": "{ swaps { nodes { job { property { jobs { nodes { swaps { nodes { job { property { city }"
    + " }" * 10,
    "sixteen aliases": "{ viewer { " + " ".join(f"a{one}: role" for one in range(16)) + " } }",
    "sixteen aliases of a mutation": "mutation { " + " ".join(
        f'a{one}: createCustomer(input: {{name: "n"}}) {{ errors {{ code }} }}' for one in range(16)
    ) + " }",
    "eleven root fields": "{ " + "viewer { role } " * 11 + "}",
    "two ways to sign in": f"mutation {{ a: {SIGN} b: {SIGN} }}",
    "a sign-in twice through a fragment": f"mutation {{ a: {SIGN} ...f }} fragment f on Mutation {{ b: {SIGN} }}",
    "fragments in a circle": "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    "fragments doubling sixty times": BOMB,
    "a syntax error": "{ viewer { role }",
    "an unknown field": "{ viewer { nothing } }",
    "a list nested very deep": "{ nodes(ids: " + "[" * 2_400 + "]" * 2_400 + ") { id } }",
    "a selection nested very deep": "{ viewer " * 1_200 + "{ role }" + " }" * 1_200,
    "nothing to run": "fragment a on Query { viewer { role } }",
    "a subscription over HTTP": "subscription { swapMarket { __typename } }",
}  # fmt: skip


@pytest.mark.parametrize("name", list(DOCUMENTS))
async def test_a_document_beyond_the_limits_is_refused_whole(api: Api, town: Town, name: str) -> None:
    """400 by the media type of GraphQL over HTTP, no data, nothing run, and soon."""
    before = await town.world.trace(town.tenant)
    answer = await api.post(DOCUMENTS[name], {}, town.world.token(town.owner))

    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"].startswith(MEDIA)
    assert "data" not in answer.json()
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"BAD_REQUEST"}
    assert await town.world.trace(town.tenant) == before


async def test_what_is_just_inside_the_limits_is_answered(api: Api, town: Town) -> None:
    """The limits are where they are said to be."""
    ten = "{ swaps { nodes { job { property { jobs { nodes { swaps { nodes { job { id } } } } } } } } } }"
    assert ten.count("{") == 10
    aliases = "{ viewer { " + " ".join(f"a{one}: role" for one in range(15)) + " } }"
    roots = "{ " + " ".join(f"{'a' * (one + 1)}: viewer {{ role }}" for one in range(10)) + " }"
    for query in (ten, aliases, roots, "{ viewer { role } } #" + "x" * 65_000):
        assert "errors" not in await api.ask(town.owner, query), query[:80]


BODIES: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"{query", "application/json"),
    "half a character": (b'{"query": "\xff"}', "application/json"),
    "no object": (b"[]", "application/json"),
    "nothing": (b"", "application/json"),
    "a number": (b"7", "application/json"),
    "no query": (b"{}", "application/json"),
    "an empty query": (b'{"query": ""}', "application/json"),
    "a query that is no text": (b'{"query": 7}', "application/json"),
    "a name that is no text": (b'{"query": "{ viewer { role } }", "operationName": 7}', "application/json"),
    "variables that are no object": (b'{"query": "{ viewer { role } }", "variables": []}', "application/json"),
    "a lone surrogate": (b'{"query": "{ viewer { role } } #\\ud800"}', "application/json"),
    "arrays without end": (
        b'{"query": "{ viewer { role } }", "variables": ' + b"[" * 100_000 + b"}",
        "application/json",
    ),
    "a form": (b"query=1", "application/x-www-form-urlencoded"),
    "plain text": (b'{"query": "{ viewer { role } }"}', "text/plain"),
}


@pytest.mark.parametrize("name", list(BODIES))
async def test_a_body_that_is_no_request_is_refused(api: Api, name: str) -> None:
    body, media = BODIES[name]
    answer = await api.http.post("/graphql", content=body, headers={"content-type": media, "accept": MEDIA})

    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "Traceback" not in answer.text


async def test_a_body_over_a_mebibyte_is_refused_unread(api: Api, town: Town) -> None:
    query = orjson.dumps({"query": "{ viewer { role } }", "variables": {"x": "y" * 1024 * 1024}})
    headers = {"content-type": "application/json", "authorization": f"Bearer {town.world.token(town.owner)}"}
    answer = await api.http.post("/graphql", content=query, headers=headers)
    assert answer.status_code == 413

    async def parts() -> Any:
        for start in range(0, len(query), 65_536):
            yield query[start : start + 65_536]

    assert (await api.http.post("/graphql", content=parts(), headers=headers)).status_code == 413


async def test_names_of_operations_must_be_in_the_document(api: Api, town: Town) -> None:
    headers = {"accept": MEDIA, "authorization": f"Bearer {town.world.token(town.owner)}"}
    two = "query A { viewer { role } } query B { viewer { role } }"
    for name, status in (("A", 200), ("C", 400), (None, 400), ("", 400)):
        body = {"query": two, "operationName": name}
        answer = await api.http.post("/graphql", json=body, headers=headers)
        assert answer.status_code == status, (name, answer.text)
        assert "INTERNAL" not in answer.text
        assert ("data" in answer.json()) is (status == 200)


async def test_get_runs_queries_and_never_a_mutation(api: Api, town: Town, other: Town) -> None:
    headers = {"accept": MEDIA, "authorization": f"Bearer {town.world.token(town.owner)}"}
    before = await town.world.trace(town.tenant)

    read = await api.http.get("/graphql", params={"query": "{ viewer { role } }"}, headers=headers)
    written = await api.http.get("/graphql", params={"query": MUTATE}, headers=headers)
    chosen = {"query": MUTATE.replace("mutation", "mutation M") + " query Q { viewer { role } }", "operationName": "M"}
    mixed = await api.http.get("/graphql", params=chosen, headers=headers)
    junk = await api.http.get("/graphql", params={"query": "{ viewer { role } }", "variables": "{"}, headers=headers)

    assert read.json() == {"data": {"viewer": {"role": "OWNER"}}}
    for refused in (written, mixed, junk):
        assert refused.status_code == 400, refused.text
        assert refused.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert await town.world.trace(town.tenant) == before
    assert await town.world.count("customer", town.tenant) == 0


async def test_the_older_media_type_tells_of_faults_in_the_body_alone(api: Api, town: Town) -> None:
    """GraphQL over HTTP: application/json answers 200 for a faulty document; an ended session is 401 in both."""
    for accept, status in ((MEDIA, 400), ("application/json", 200), ("*/*", 200)):
        answer = await api.http.post("/graphql", json={"query": "{ nothing }"}, headers={"accept": accept})
        assert answer.status_code == status
    ended = await signed_in(await _house_of(town), Role.OWNER, town.owner.person)
    await town.world.root.execute("update session set revoked_at = now() where id = $1", ended.session)
    for accept in (MEDIA, "application/json"):
        headers = {"accept": accept, "authorization": f"Bearer {town.world.token(ended)}"}
        answer = await api.http.post("/graphql", json={"query": "{ viewer { role } }"}, headers=headers)
        assert (answer.status_code, refusals(answer.json())) == (401, [("UNAUTHENTICATED", [])])


async def test_an_ended_session_is_answered_the_same_by_every_mutation_that_needs_one(api: Api, town: Town) -> None:
    """R12: an error of the request, never a refusal in the payload; nothing is written."""
    owner = await town.world.session_of(town.tenant, Role.OWNER)
    platform = await ops(town.world)
    cleaner = await town.cleaner()
    await town.world.root.execute(
        "update session set revoked_at = now() where id = any($1)", [owner.session, platform.session]
    )
    before = await town.world.trace(town.tenant)
    form = {"slug": "never", "name": "Never", "ownerName": "O", "ownerEmail": "o@never.example", "marketName": "M"}
    payload = "{ errors { code } }"
    plain = f"mutation ($i: UnlockCleanerInput!) {{ unlockCleaner(input: $i) {payload} }}"
    asked = (
        (owner, plain, {"i": {"cleanerId": gid("Cleaner", cleaner.person)}}),
        (
            owner,
            f"mutation ($i: IssueQrInput!) {{ issueQr(input: $i) {payload} }}",
            {"i": {"cleanerId": gid("Cleaner", cleaner.person)}},
        ),
        (platform, f"mutation ($i: FoundBusinessInput!) {{ createTenant(input: $i) {payload} }}", {"i": form}),
        (platform, f"mutation ($i: ID!) {{ retryTask(taskId: $i) {payload} }}", {"i": gid("Task", town.tenant)}),
        (
            platform,
            f'mutation ($i: ID!) {{ runDutyNow(marketId: $i, duty: "prune_log") {payload} }}',
            {"i": gid("Market", town.market)},
        ),
    )
    for actor, query, variables in asked:
        answer = await api.post(query, variables, town.world.token(actor))
        assert (answer.status_code, refusals(answer.json())) == (401, [("UNAUTHENTICATED", [])]), (query, answer.text)
        anonymous = await api.post(query, variables)
        assert (anonymous.status_code, refusals(anonymous.json())) == (401, [("UNAUTHENTICATED", [])]), anonymous.text
    refresh = f'mutation {{ refreshSession(input: {{refreshToken: "junk"}}) {payload} }}'
    kept_as_value = await api.post(refresh, {})
    assert kept_as_value.status_code == 200
    assert await town.world.trace(town.tenant) == before


async def _house_of(town: Town) -> House:
    return House(town, town.slug)
