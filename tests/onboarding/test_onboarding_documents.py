"""Stage 3: legal texts and signatures: what is kept, and who never sees it (R132, R7, R234, A48)."""

import asyncio
import hashlib
import zlib
from datetime import UTC, datetime, timedelta
from re import DOTALL, findall
from typing import Any

import asyncpg
import orjson
import pytest
from obstore.store import LocalStore

from db.runner import Call
from domain.actors import Actor, Origin, Role
from domain.errors import AlreadyExists, Conflict, Forbidden, IdempotencyMismatch, Invalid, OnboardingIncomplete
from domain.legal import TEXTS
from domain.onboarding import DocumentKind, text_digest
from gateways.links import DocumentPermit, Links
from gateways.objects import FolderStore
from services.onboarding.documents import (
    PublishLegalDocument,
    SignDocument,
    publish_legal_document,
    sign_document,
)
from tests.onboarding.desk import NAME, Desk
from tests.product.furnished import signed_in
from tests.product.world import Api, gid
from tests.subscriptions.client import Client

WAIVER = DocumentKind.LIABILITY_WAIVER
PAPER = "kind edition title digest typedName signedAt address device pdfUrl pdfDigest"
OWN = f"query ($id: ID!) {{ cleaner(id: $id) {{ signedDocuments {{ id {PAPER} }} documentsToSign }} }}"


async def _ready(desk: Desk, name: str = NAME) -> Actor:
    who = await desk.newcomer()
    await desk.profile(who, legal_name=name)
    return who


async def _publish(desk: Desk, title: str = "Waiver", body: str = "Nothing is waived.") -> Any:
    return await desk.run(desk.town.owner, publish_legal_document, PublishLegalDocument(WAIVER, title, body))


async def _signed(desk: Desk, id: Any) -> Any:
    return await desk.world.root.fetchrow("select * from signed_document where id = $1", id)


async def test_a_signature_keeps_name_time_address_device_text_and_paper(desk: Desk, api: Api) -> None:
    """R132: as the edge saw them; the paper's and the text's digests can be checked by anybody."""
    who = await _ready(desk)
    token, form = desk.world.token(who), {"kind": "LIABILITY_WAIVER", "edition": 0, "typedName": "ana  maría NÚÑEZ"}
    query = (
        f"mutation ($input: SignDocumentInput!) {{ signDocument(input: $input) {{ signedDocument {{ id {PAPER} }} }} }}"
    )
    headers = {"authorization": f"Bearer {token}", "user-agent": "Phone 7 (test)"}
    body = {"query": query, "variables": {"input": form}}
    answer = (await api.http.post("/graphql", json=body, headers=headers)).json()

    shown = answer["data"]["signDocument"]["signedDocument"]
    text = TEXTS[WAIVER]
    assert (shown["typedName"], shown["address"], shown["device"]) == (
        "ana  maría NÚÑEZ",
        "127.0.0.1",
        "Phone 7 (test)",
    )
    assert (shown["title"], shown["digest"]) == (text.title, text_digest(text.title, text.body).hex())
    file = await api.http.get(shown["pdfUrl"])
    assert (file.status_code, file.headers["content-type"]) == (200, "application/pdf")
    assert file.headers["cache-control"] == "private, no-store"
    assert file.content.startswith(b"%PDF-")
    assert hashlib.sha256(file.content).hexdigest() == shown["pdfDigest"]
    words = _words(file.content)
    for told in ("Ana María Núñez", "ana  maría NÚÑEZ", "127.0.0.1", "Phone 7", shown["digest"][:20], "edition 0"):
        assert told.replace(" ", "") in words, told


def _words(pdf: bytes) -> str:
    """The letters of a paper that Helvetica could write, without its line breaks."""
    streams = [
        zlib.decompress(found) for found in findall(rb"stream\n(.*?)\nendstream", pdf, DOTALL) if found[:1] == b"x"
    ]
    shown = [part for stream in streams for part in findall(rb"\(((?:\\.|[^()\\])*)\)", stream, DOTALL)]
    plain = b"".join(shown).replace(b"\\(", b"(").replace(b"\\)", b")").decode("latin-1")
    return plain.replace(" ", "").replace("\n", "")


async def test_over_a_socket_the_address_is_the_sockets(desk: Desk, api: Api) -> None:
    """R132: whichever way the mutation comes."""
    who = await _ready(desk)
    socket = await Client.open(api.port, desk.world.token(who))
    sign = "signDocument(input: {kind: W9, edition: 0, typedName: $n}) { __typename errors { code } }"
    await socket.begun(f"mutation {{ {sign.replace('$n', orjson.dumps(NAME).decode())} }}")
    row = await desk.world.root.fetchrow("select * from signed_document where cleaner_id = $1", who.person)
    assert row["address"] == "127.0.0.1"
    assert "websockets" in row["device"]
    await socket.close()


async def test_only_the_edition_in_force_can_be_signed(desk: Desk) -> None:
    """R132: whoever read another one is told which it is, and nothing is kept; the other business has its own."""
    who = await _ready(desk)
    for none in (-1, 2**31 - 1):
        assert (await desk.refused(Invalid, desk.sign(who, WAIVER, none))).field == ("edition",)
    for wrong in (1, 2):
        refusal = await desk.refused(Conflict, desk.sign(who, WAIVER, wrong))
        assert (refusal.field, refusal.details) == (("edition",), {"edition": 0})
    await _publish(desk)
    refusal = await desk.refused(Conflict, desk.sign(who, WAIVER, 0))
    assert refusal.details == {"edition": 1}
    row = await _signed(desk, await desk.sign(who, WAIVER, 1))
    assert (row["edition"], row["title"]) == (1, "Waiver")
    assert row["digest"] == text_digest("Waiver", "Nothing is waived.")

    theirs = await desk.newcomer(desk.other)
    await desk.profile(theirs)
    assert (await _signed(desk, await desk.sign(theirs, WAIVER, 0)))["tenant_id"] == desk.other.tenant


@pytest.mark.parametrize("typed", ["", " ", "Ana", "Ana Maria Nunez", "x" * 201, "Ana María Núñez\0"])
async def test_another_name_than_the_profiles_is_no_signature(desk: Desk, typed: str) -> None:
    """R132, R19."""
    who = await _ready(desk)
    refusal = await desk.refused(Invalid, desk.sign(who, WAIVER, name=typed))
    assert refusal.field == ("typedName",)


async def test_who_has_no_profile_yet_has_no_name_to_sign_with(desk: Desk) -> None:
    """R130, R132."""
    who = await desk.newcomer()
    refusal = await desk.refused(OnboardingIncomplete, desk.sign(who, WAIVER))
    assert refusal.details == {"missingStages": ["PROFILE"]}


async def test_an_edition_is_signed_once_however_often_it_is_sent(desk: Desk) -> None:
    """R132: again, at once, and under one key."""
    who = await _ready(desk)
    wish = SignDocument(WAIVER, 0, NAME)
    same = await asyncio.gather(*(desk.run(who, sign_document, wish, key="k") for _ in range(4)))
    assert len(set(same)) == 1
    await desk.refused(AlreadyExists, desk.sign(who, WAIVER))
    other = SignDocument(WAIVER, 0, NAME.upper())
    await desk.refused(IdempotencyMismatch, desk.run(who, sign_document, other, key="k"))

    racing = [desk.sign(who, DocumentKind.W9) for _ in range(4)]
    outcomes = await asyncio.gather(*racing, return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes if isinstance(one, Exception)) == ["AlreadyExists"] * 3
    assert await desk.world.count("signed_document", desk.town.tenant) == 2


async def test_a_later_edition_is_asked_for_and_closes_no_gate(desk: Desk, api: Api) -> None:
    """R132, R134: the cleaner stays in, and is shown that there is something to sign."""
    who = await desk.newcomer()
    for step in (desk.profile, desk.payable, desk.sign_all, desk.certify):
        await step(who)
    asked = {"id": gid("Cleaner", who.person)}
    assert (await api.data(who, OWN, **asked))["cleaner"]["documentsToSign"] == []

    await _publish(desk)
    assert (await api.data(who, OWN, **asked))["cleaner"]["documentsToSign"] == ["LIABILITY_WAIVER"]
    texts = await api.data(who, "{ legalDocuments { kind edition title viewerHasSigned publishedAt } }")
    waiver = next(one for one in texts["legalDocuments"] if one["kind"] == "LIABILITY_WAIVER")
    assert (waiver["edition"], waiver["title"], waiver["viewerHasSigned"]) == (1, "Waiver", False)
    assert waiver["publishedAt"]
    assert await desk.stage(who) == ("COMPLETE", [])

    await desk.sign(who, WAIVER, 1)
    shown = (await api.data(who, OWN, **asked))["cleaner"]
    assert shown["documentsToSign"] == []
    assert [(one["kind"], one["edition"]) for one in shown["signedDocuments"]][-1] == ("LIABILITY_WAIVER", 1)


async def test_texts_in_force_are_read_by_who_works_there(desk: Desk, api: Api) -> None:
    """R20, R132: three texts, the product's own unless the business has published one; another business's never."""
    query = "{ legalDocuments { kind edition title body digest } }"
    await _publish(desk, "Our waiver", "Ours.\n\nAll ours.")
    for actor in (desk.town.owner, await desk.town.dispatcher(), await desk.newcomer()):
        texts = (await api.data(actor, query))["legalDocuments"]
        assert [(one["kind"], one["edition"]) for one in texts] == [
            ("CONTRACTOR_AGREEMENT", 0),
            ("W9", 0),
            ("LIABILITY_WAIVER", 1),
        ]
        assert texts[2]["digest"] == text_digest("Our waiver", "Ours.\n\nAll ours.").hex()
    assert {one["edition"] for one in (await api.data(desk.other.owner, query))["legalDocuments"]} == {0}


async def test_editions_count_up_and_are_published_by_administrators_alone(desk: Desk) -> None:
    """R20, R132: also when two publish at once; nothing of a refused one is kept."""
    await asyncio.gather(*(_publish(desk, f"Title {number}") for number in range(5)))
    rows = await desk.world.root.fetch(
        "select edition from legal_document where tenant_id = $1 order by edition", desk.town.tenant
    )
    assert [row["edition"] for row in rows] == [1, 2, 3, 4, 5]
    wish = PublishLegalDocument(WAIVER, "Mine", "Mine.")
    for actor in (await desk.town.dispatcher(), await desk.newcomer()):
        await desk.refused(Forbidden, desk.run(actor, publish_legal_document, wish))
    for field, bad in (
        ("title", PublishLegalDocument(WAIVER, " ", "B")),
        ("body", PublishLegalDocument(WAIVER, "T", "")),
    ):
        refusal = await desk.refused(Invalid, desk.run(desk.town.owner, publish_legal_document, bad))
        assert refusal.field == (field,)


async def test_whoever_signs_while_a_text_is_published_signs_one_that_is_in_force(desk: Desk) -> None:
    """R132: or is refused; the signature's time is never after the next edition's."""
    for _ in range(4):
        who = await _ready(desk)
        last = "select coalesce(max(edition), 0) from legal_document where tenant_id = $1"
        edition = await desk.world.root.fetchval(last, desk.town.tenant)
        outcome: Any = (await asyncio.gather(desk.sign(who, WAIVER, edition), _publish(desk), return_exceptions=True))[
            0
        ]
        if isinstance(outcome, Exception):
            assert isinstance(outcome, Conflict)
        else:
            assert (await _signed(desk, outcome))["edition"] == edition


async def test_neither_row_nor_file_is_for_dispatchers_colleagues_customers_or_strangers(desk: Desk, api: Api) -> None:
    """R7, R234: each role by node, by the cleaner, and at the database itself; the signer and admins have both."""
    who, colleague, dispatcher = await _ready(desk), await desk.town.cleaner(), await desk.town.dispatcher()
    made = await desk.sign(who, WAIVER)
    node = f"query ($id: ID!) {{ node(id: $id) {{ ... on SignedDocument {{ {PAPER} }} }} }}"
    id, asked = gid("SignedDocument", made), {"id": gid("Cleaner", who.person)}
    house: Any = type("House", (), {"town": desk.town, "world": desk.world})()
    strangers = [await signed_in(house, role) for role in (Role.CUSTOMER, Role.INTEGRATOR, Role.OPS)]

    for actor in (who, desk.town.owner):
        shown = (await api.data(actor, node, id=id))["node"]
        assert (await api.http.get(shown["pdfUrl"])).status_code == 200
        assert len((await api.data(actor, OWN, **asked))["cleaner"]["signedDocuments"]) == 1
    theirs = await desk.newcomer(desk.other)
    for actor in (dispatcher, colleague, *strangers, desk.other.owner, theirs):
        assert (await api.ask(actor, node, id=id))["data"]["node"] is None
        found = (await api.ask(actor, OWN, **asked))["data"]["cleaner"]
        assert found is None or found["signedDocuments"] is None
        assert await _rows_for(desk, actor) == 0
    assert await _rows_for(desk, who) == await _rows_for(desk, desk.town.owner) == 1


async def _rows_for(desk: Desk, actor: Actor) -> int:
    """How many signed documents the policies show somebody, with no predicate in the way."""
    async with desk.behind_the_walls(actor) as connection:
        found: int = await connection.fetchval("select count(*) from signed_document")
    return found


async def test_an_address_of_a_paper_ends_and_cannot_be_made_up(desk: Desk, api: Api) -> None:
    """R7, R234: after ten minutes, with any letter changed, for another document, and made with another key: 404."""
    who = await _ready(desk)
    made = await desk.sign(who, WAIVER)
    store = FolderStore(LocalStore())
    links = Links(desk.world.runner.secrets, store)
    permit = DocumentPermit(str(desk.town.tenant), str(made))
    path = links.document(permit)
    assert (await api.http.get(path)).status_code == 200

    token = path.rpartition("/")[2]
    forged = [
        token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in range(len(token) - 1)
    ]
    other_key = Links(type(desk.world.runner.secrets)(b"x" * 32, b"y" * 32), store)
    elsewhere = links.document(DocumentPermit(str(desk.other.tenant), str(made)))
    over = Links(desk.world.runner.secrets, store, lambda: datetime.now(UTC) - timedelta(minutes=10, seconds=1))
    tokens = [*forged[::7], "", "x", "A" * 5000, f"{token}/x"]
    for bad in [*(f"/documents/{one}" for one in tokens), other_key.document(permit), elsewhere, over.document(permit)]:
        answer = await api.http.get(bad)
        assert answer.status_code == 404, bad
        assert b"PDF" not in answer.content


NAMES = ["Анна Петрова", "李明", "שלום כהן", "محمد علي", "Nguyễn Thị Ánh", "Ολγα", "🧹 Sweep", "A\u0301\u0327b", "𝕬𝖓𝖓𝖆"]


@pytest.mark.parametrize("name", NAMES)
async def test_every_name_in_the_world_can_sign(desk: Desk, name: str) -> None:
    """R132: letters that a font lacks are printed by their numbers; the row has the name as it is."""
    who = await _ready(desk, name)
    row = await _signed(desk, await desk.sign(who, WAIVER, name=name))
    assert row["typed_name"] == name
    assert row["pdf"].startswith(b"%PDF-")
    assert hashlib.sha256(row["pdf"]).digest() == row["pdf_digest"]


async def test_what_was_signed_cannot_be_changed_or_deleted_by_the_application(desk: Desk) -> None:
    """R132, R234: the database itself says no, to the signer, to admins and to the system."""
    who = await _ready(desk)
    await desk.sign(who, WAIVER)
    await _publish(desk)
    before = await desk.everything()
    for actor in (who, desk.town.owner, Actor.system(desk.town.tenant)):
        for words in (
            "update signed_document set typed_name = 'x'",
            "delete from signed_document",
            "update legal_document set body = 'x'",
            "delete from legal_document",
        ):
            async with desk.behind_the_walls(actor) as connection:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                    await connection.execute(words)
    assert await desk.everything() == before


async def test_nobody_signs_for_another_not_even_by_the_database(desk: Desk) -> None:
    """R7, R20: the policy takes a signature from its signer alone."""
    who, colleague = await _ready(desk), await desk.town.cleaner()
    await desk.sign(who, WAIVER)
    forged = """insert into signed_document (tenant_id, id, cleaner_id, kind, edition, title, digest, typed_name,
        signed_at, address, device, pdf, pdf_digest)
        values ($1, uuidv7(), $2, 'W9', 0, 't', 'd', 'n', now(), 'a', '', 'p', 'p')"""
    for actor, whose in (
        (colleague, who),
        (who, colleague),
        (desk.town.owner, who),
        (await desk.town.dispatcher(), who),
    ):
        async with desk.behind_the_walls(actor) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await connection.execute(forged, desk.town.tenant, whose.person)
    # The control: with one's own name it is only a row.
    async with desk.behind_the_walls(who) as connection:
        await connection.execute(forged, desk.town.tenant, who.person)


async def test_what_a_client_calls_itself_is_kept_short_and_printable(desk: Desk) -> None:
    """R132: as the edge makes it; without one it is the device that the session was opened on."""
    who = await _ready(desk)
    call = Call(who, sign_document, SignDocument(WAIVER, 0, NAME), origin=Origin("2001:db8::1", "x" * 300))
    row = await _signed(desk, await desk.world.runner.run(call))
    assert (row["address"], row["device"]) == ("2001:db8::1", "x" * 300)
    await desk.world.root.execute("update session set device = 'Her phone' where id = $1", who.session)
    row = await _signed(desk, await desk.sign(who, DocumentKind.W9))
    assert (row["address"], row["device"]) == ("unknown", "Her phone")
