"""The signed routes: one object, one use, a short time, and nothing kept of what was not announced (R125, A18)."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from app.http import BODY_BYTES
from app.logs import _shown
from app.server import Application
from app.settings import ConfigurationError, Settings
from app.storage import object_store
from app.uploads import Transfers
from db.secrets import Secrets
from gateways.links import FilePermit, LinkRefused, Links, UploadPermit
from gateways.objects import BucketStore, FolderStore, ObjectExists

BYTES = bytes(range(256)) * 4096
"""A megabyte."""


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Desk:
    """The routes over a folder, and a client."""

    folder: Path
    links: Links
    clock: Clock
    http: httpx2.AsyncClient

    def permit(self, raw: bytes = BYTES, name: str = "photo", **more: Any) -> UploadPermit:
        sha256 = hashlib.sha256(raw).hexdigest()
        return replace(UploadPermit(f"incoming/{name}", f"{name}/original", "image/jpeg", len(raw), sha256), **more)

    async def put(self, url: str, content: Any = BYTES, kind: str = "image/jpeg", **headers: str) -> Any:
        return await self.http.put(url, content=content, headers={"content-type": kind, **headers})

    def files(self) -> list[str]:
        """Everything that lies in the folder, half-written files too."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = Clock()
    links = Links(Secrets(b"k" * 32, b"s" * 32), FolderStore.at(tmp_path / "objects"), clock)
    served = Starlette(routes=Transfers(lambda: links).routes(), max_body_size=BODY_BYTES)
    transport = httpx2.ASGITransport(served)
    async with httpx2.AsyncClient(transport=transport, base_url="http://cleanshift.test") as http:
        yield Desk(tmp_path / "objects", links, clock, http)


async def pieces(raw: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for at in range(0, len(raw), size):
        yield raw[at : at + size]


async def test_exactly_the_announced_bytes_are_taken_and_given_back_to_who_holds_an_address(desk: Desk) -> None:
    answer = await desk.put(desk.links.upload(desk.permit()))
    assert (answer.status_code, answer.json()) == (201, {"received": len(BYTES)})

    url = desk.links.file(FilePermit("incoming/photo", "image/jpeg", "a.jpg"))
    got = await desk.http.get(url)

    assert (got.status_code, got.content) == (200, BYTES)
    told = got.headers
    assert (told["content-type"], told["content-length"]) == ("image/jpeg", str(len(BYTES)))
    assert told["content-disposition"] == 'inline; filename="a.jpg"'
    assert told["cache-control"].startswith("private")
    assert told["x-content-type-options"] == "nosniff"
    assert told["content-security-policy"] == "default-src 'none'; sandbox"


async def test_ten_megabytes_pass_where_the_rest_of_the_api_takes_one(desk: Desk) -> None:
    """The route's bound is its own; what is announced beyond it is refused before it is read."""
    whole = BYTES * 10
    assert (await desk.put(desk.links.upload(desk.permit(whole)), pieces(whole))).status_code == 201

    more = whole + b"!"
    assert (await desk.put(desk.links.upload(desk.permit(more, "two")), more)).status_code == 413
    assert (await desk.put(desk.links.upload(desk.permit(more, "two")), pieces(more))).status_code == 413
    assert desk.files() == ["incoming/photo"]


WRONG: dict[str, tuple[Any, dict[str, str], int]] = {
    "a byte more": (BYTES + b"!", {}, 413),
    "a byte less": (BYTES[:-1], {}, 400),
    "nothing": (b"", {}, 400),
    "other bytes": (BYTES[:-1] + b"!", {}, 422),
    "another type": (BYTES, {"kind": "image/png"}, 415),
    "no type": (BYTES, {"kind": ""}, 415),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", WRONG)
async def test_what_was_not_announced_is_refused_and_nothing_of_it_is_kept(
    desk: Desk, name: str, *, streamed: bool
) -> None:
    """A18: by its headers where they say so, and by its bytes where they do not."""
    raw, more, status = WRONG[name]

    answer = await desk.put(desk.links.upload(desk.permit()), pieces(raw) if streamed else raw, **more)

    assert answer.status_code == status
    assert "error" in answer.json()
    assert desk.files() == []
    assert (await desk.put(desk.links.upload(desk.permit()))).status_code == 201  # the place is still free


async def test_a_body_that_breaks_off_leaves_nothing(desk: Desk) -> None:
    """The device is gone in the middle."""
    messages = [
        {"type": "http.request", "body": BYTES[:500_000], "more_body": True},
        {"type": "http.disconnect"},
    ]
    path = desk.links.upload(desk.permit())
    scope = {
        "type": "http",
        "method": "PUT",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-type", b"image/jpeg"), (b"content-length", str(len(BYTES)).encode())],
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await Starlette(routes=Transfers(lambda: desk.links).routes())(scope, receive, send)

    assert sent[0]["status"] == 400
    assert desk.files() == []


async def test_a_second_upload_is_refused_and_the_first_stands(desk: Desk) -> None:
    """A18: written once; the same bytes again are refused too."""
    url = desk.links.upload(desk.permit())
    assert (await desk.put(url)).status_code == 201

    assert (await desk.put(url)).status_code == 409

    assert desk.files() == ["incoming/photo"]


async def test_of_many_uploads_at_once_one_is_taken(desk: Desk) -> None:
    url = desk.links.upload(desk.permit())

    answers = await asyncio.gather(*(desk.put(url, pieces(BYTES)) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert desk.files() == ["incoming/photo"]


async def test_what_is_evidence_already_is_not_uploaded_again(desk: Desk) -> None:
    """After the check the upload has moved; its address is still good for a while."""
    await desk.links.store.put("photo/original", pieces(BYTES), "image/jpeg")

    assert (await desk.put(desk.links.upload(desk.permit()))).status_code == 409

    assert desk.files() == ["photo/original"]


async def test_an_address_is_good_for_ten_minutes_at_most(desk: Desk) -> None:
    """A18; time injected."""
    long = desk.links.upload(desk.permit(), timedelta(days=1))
    short = desk.links.upload(desk.permit(), timedelta(minutes=3))
    file = desk.links.file(FilePermit("incoming/photo", "image/jpeg", "a.jpg"))
    desk.clock.now += timedelta(minutes=3, seconds=1)
    assert (await desk.put(short)).status_code == 403
    assert (await desk.put(long)).status_code == 201
    assert (await desk.http.get(file)).status_code == 200

    desk.clock.now += timedelta(minutes=7)

    assert (await desk.put(long)).status_code == 403
    assert (await desk.http.get(file)).status_code == 403


def forged(links: Links, permit: UploadPermit) -> Iterator[str]:
    """Tokens that nobody was given: of another use, another key, changed in any part, and no tokens at all."""
    good = links.upload(permit).rpartition("/")[2]
    text, _, mac = good.partition(".")
    yield links.file(FilePermit(permit.key, "image/jpeg", "a.jpg")).rpartition("/")[2]
    yield Links(Secrets(b"x" * 32, b"s" * 32), links.store, links.clock).upload(permit).rpartition("/")[2]
    said = json.loads(base64.urlsafe_b64decode(text + "=="))
    for name, value in (("key", "incoming/other"), ("size_bytes", 1), ("sha256", "0" * 64), ("until", 9_999_999_999)):
        changed = base64.urlsafe_b64encode(json.dumps({**said, name: value}).encode()).decode().rstrip("=")
        yield f"{changed}.{mac}"
    yield from (text, f"{text}.", f".{mac}", good[:-1], good + "A", "é" * 10, "a" * 5000, "%00", "..%2f..%2fsecret.key")


async def test_an_address_that_was_not_given_opens_nothing(desk: Desk) -> None:
    """R2, R247: nobody reaches another tenant's place, or another size, by changing an address."""
    for token in forged(desk.links, desk.permit()):
        answer = await desk.put(f"/uploads/{token}")
        assert answer.status_code in {403, 404}, token
    assert desk.files() == []
    upload = desk.links.upload(desk.permit()).rpartition("/")[2]
    for token in (upload, "x.y", "a" * 5000):
        assert (await desk.http.get(f"/files/{token}")).status_code == 403


async def test_a_file_that_is_gone_is_not_found_and_other_methods_are_not_allowed(desk: Desk) -> None:
    assert (await desk.http.get(desk.links.file(FilePermit("gone", "image/jpeg", "a.jpg")))).status_code == 404
    url = desk.links.upload(desk.permit())
    for method in ("GET", "POST", "DELETE"):
        assert (await desk.http.request(method, url)).status_code == 405


def test_no_log_holds_a_token() -> None:
    """Whoever reads logs must not be able to fetch what an address opens."""
    assert [_shown(path) for path in ("/uploads/abc.def", "/files/abc.def", "/graphql")] == [
        "/uploads/…",
        "/files/…",
        "/graphql",
    ]


def test_every_route_that_ends_in_a_token_is_known_to_the_log(tmp_path: Path) -> None:
    """R4: invoices, payroll files and bundles as well, and whatever comes to be."""
    routes = (getattr(route, "path", "") for route in Application(Settings(data=tmp_path))._routes())
    ending = [path for path in routes if path.endswith(("/{token}", "/{path}"))]

    assert len(ending) >= 7
    assert [path for path in ending if not _shown(path).endswith("…")] == []


async def test_pages_of_allowed_origins_may_upload(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, allowed_origins=("https://app.example",))
    asked = {"access-control-request-method": "PUT", "access-control-request-headers": "content-type"}
    transport = httpx2.ASGITransport(Application(settings))
    async with httpx2.AsyncClient(transport=transport, base_url="http://cleanshift.test") as http:
        fine = await http.options("/uploads/x", headers={"origin": "https://app.example", **asked})
        foreign = await http.options("/uploads/x", headers={"origin": "https://evil.example", **asked})

    assert (fine.status_code, fine.headers["access-control-allow-origin"]) == (200, "https://app.example")
    assert foreign.status_code == 400


def test_a_bucket_signs_addresses_itself_and_nothing_in_it_is_public() -> None:
    """R125: with S3 the bytes pass us by; the signature ends after ten minutes."""
    store = BucketStore.at(
        "s3://photos/inner", endpoint="http://127.0.0.1:9", region="us-east-1", access_key_id="a", secret_access_key="b"
    )
    links = Links(Secrets(b"k" * 32, b"s" * 32), store)
    permit = UploadPermit("incoming/one", "one/original", "image/jpeg", 1, "0" * 64)

    for url, key in ((links.upload(permit), "incoming/one"), (links.file(FilePermit("a/b", "image/jpeg", "x")), "a/b")):
        at = httpx2.URL(url)
        assert (at.host, at.path) == ("127.0.0.1", f"/photos/inner/{key}")
        assert int(at.params["X-Amz-Expires"]) <= 600
        assert at.params["X-Amz-Signature"]


@pytest.mark.parametrize("url", ["nonsense", "http://somewhere", "s3:"])
def test_an_address_of_a_store_that_is_none_is_refused_in_one_line(tmp_path: Path, url: str) -> None:
    """R243."""
    with pytest.raises(ConfigurationError, match="OBJECT_STORE_URL"):
        object_store(Settings(data=tmp_path, object_store_url=url))


async def test_the_folder_is_for_nobody_elses_eyes(tmp_path: Path) -> None:
    store = object_store(Settings(data=tmp_path))
    assert (tmp_path / "objects").stat().st_mode & 0o077 == 0
    await store.put("a/b", pieces(b"x"), "image/jpeg")
    with pytest.raises(ObjectExists):
        await store.put("a/b", pieces(b"y"), "image/jpeg")
    await store.delete("a/b")
    await store.delete("a/b")
    assert await store.size("a/b") is None


def test_a_token_is_read_only_by_its_use() -> None:
    links = Links(Secrets(b"k" * 32, b"s" * 32), BucketStore.at("s3://b", region="us-east-1"))
    with pytest.raises(LinkRefused):
        links.read_upload("")
