"""What the server makes of a file that claims to be a photo: honest, damaged and hostile ones (A18, R125)."""

import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from domain.errors import Invalid
from domain.fieldwork.photos import Announcement, PhotoRefusal, Seen, is_plain, looks_alike
from gateways.images import Copies, Images
from tests.fieldwork import pictures


@dataclass
class Bench:
    """A place to put files, and what looks at them."""

    folder: Path
    images: Images

    @property
    def copies(self) -> Copies:
        return Copies(self.folder / "served", self.folder / "thumb")

    async def look(self, raw: bytes, kind: str = "image/jpeg") -> Seen | PhotoRefusal:
        file = self.folder / "original"
        file.write_bytes(raw)
        return await self.images.look(file, kind, self.copies)

    async def see(self, raw: bytes, kind: str = "image/jpeg") -> Seen:
        found = await self.look(raw, kind)
        assert isinstance(found, Seen), found
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Images())


@pytest.mark.parametrize(("kind", "form"), [("image/jpeg", "JPEG"), ("image/png", "PNG"), ("image/webp", "WEBP")])
async def test_a_photo_of_each_type_is_read_and_shown_as_a_smaller_jpeg(bench: Bench, kind: str, form: str) -> None:
    seen = await bench.see(pictures.encoded(pictures.scene(1, (3000, 2000)), form), kind)

    assert (seen.width, seen.height, seen.claims) == (3000, 2000, {})
    with Image.open(bench.copies.served) as served, Image.open(bench.copies.thumb) as thumb:
        assert (served.format, served.size) == ("JPEG", (2560, 1707))
        assert (thumb.format, thumb.size) == ("JPEG", (400, 267))


@pytest.mark.parametrize("mode", ["P", "L", "LA", "RGBA", "1", "I;16", "CMYK"])
async def test_a_photo_of_every_colour_model_is_shown_as_plain_rgb(bench: Bench, mode: str) -> None:
    grey = pictures.scene(1, (64, 48)).convert("L")
    image = (
        Image.frombytes("I;16", grey.size, bytes(64 * 48 * 2)) if mode == "I;16" else pictures.scene(1).convert(mode)
    )
    form, kind = ("JPEG", "image/jpeg") if mode == "CMYK" else ("PNG", "image/png")

    await bench.see(pictures.encoded(image, form), kind)

    with Image.open(bench.copies.served) as served:
        assert served.mode == "RGB"


async def test_what_the_exif_says_is_a_claim_and_no_copy_carries_it(bench: Bench) -> None:
    """A18: kept beside the photo, gone from what people are shown, the comment too."""
    raw = pictures.claiming(taken="2026:11:22 10:00:00", offset="-05:00", place=(25.7617, -80.1918))

    seen = await bench.see(raw)

    assert seen.claims == {
        "make": "PearPhone",
        "model": "Nine",
        "takenAt": "2026-11-22T10:00:00",
        "offset": "-05:00",
        "latitude": pytest.approx(25.7617, abs=1e-4),
        "longitude": pytest.approx(-80.1918, abs=1e-4),
    }
    for copy in (bench.copies.served, bench.copies.thumb):
        with Image.open(copy) as shown:
            assert not shown.getexif()
            assert "comment" not in shown.info
        assert b"secret" not in copy.read_bytes()


async def test_a_photo_taken_on_its_side_is_shown_upright(bench: Bench) -> None:
    seen = await bench.see(pictures.claiming(orientation=6))

    assert (seen.width, seen.height) == (480, 640)
    with Image.open(bench.copies.served) as served:
        assert served.size == (480, 640)
    upright = await bench.see(pictures.encoded(pictures.scene(1).transpose(Image.Transpose.ROTATE_270)))
    assert looks_alike(seen.look, upright.look)


HOSTILE = {
    "svg": (pictures.SVG, "image/jpeg", PhotoRefusal.NOT_AN_IMAGE),
    "html": (pictures.HTML, "image/png", PhotoRefusal.NOT_AN_IMAGE),
    "nothing": (b"\0" * 1000, "image/jpeg", PhotoRefusal.NOT_AN_IMAGE),
    "a gif": (b"GIF89a" + bytes(100), "image/png", PhotoRefusal.NOT_AN_IMAGE),
    "png as jpeg": (pictures.encoded(pictures.scene(1), "PNG"), "image/jpeg", PhotoRefusal.TYPE_MISMATCH),
    "jpeg as webp": (pictures.jpeg(), "image/webp", PhotoRefusal.TYPE_MISMATCH),
    "magic alone": (b"\xff\xd8\xff\xe0", "image/jpeg", PhotoRefusal.TRUNCATED),
    "half a jpeg": (pictures.jpeg()[:3000], "image/jpeg", PhotoRefusal.TRUNCATED),
    "half a png": (pictures.encoded(pictures.scene(1), "PNG")[:3000], "image/png", PhotoRefusal.TRUNCATED),
    "half a webp": (pictures.encoded(pictures.scene(1), "WEBP")[:3000], "image/webp", PhotoRefusal.TRUNCATED),
    "an empty png": (pictures.png_of(100, 100, body=b"no zlib"), "image/png", PhotoRefusal.TRUNCATED),
    "41 megapixels": (pictures.png_of(8200, 5000), "image/png", PhotoRefusal.TOO_MANY_PIXELS),
    "4 exapixels": (pictures.png_of(2**31 - 1, 2**31 - 1), "image/png", PhotoRefusal.TOO_MANY_PIXELS),
    "a comment of 80 MB": (pictures.png_with_text_bomb(), "image/png", PhotoRefusal.TRUNCATED),
    "a zip too": (pictures.jpeg_and_zip(), "image/jpeg", PhotoRefusal.POLYGLOT),
    "a pdf too": (pictures.jpeg_and_pdf(), "image/jpeg", PhotoRefusal.POLYGLOT),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_file_is_refused_by_a_code_of_its_own_and_leaves_no_copy(bench: Bench, name: str) -> None:
    raw, kind, refusal = HOSTILE[name]

    assert await bench.look(raw, kind) is refusal

    assert not bench.copies.served.exists()
    assert not bench.copies.thumb.exists()


async def test_a_picture_that_unpacks_to_a_thousandfold_is_read_within_bounds(bench: Bench) -> None:
    """A bomb below the limit of pixels: 39 megapixels of one colour in 120 kB."""
    rows = zlib.compress(b"\0" * ((1 + 3 * 7800) * 5000), 9)

    seen = await bench.see(pictures.png_of(7800, 5000, body=rows), "image/png")

    assert (seen.width, seen.height) == (7800, 5000)
    assert is_plain(seen.look)


async def test_a_film_behind_the_picture_and_a_broken_exif_take_nothing_from_it(bench: Bench) -> None:
    """Phones write such files."""
    await bench.see(pictures.with_film())
    seen = await bench.see(pictures.jpeg(exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))

    assert seen.claims == {}


async def test_who_looks_at_a_file_knows_nothing_of_the_installation(bench: Bench, monkeypatch) -> None:
    """What decodes a stranger's bytes is started with an empty environment."""
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    monkeypatch.setenv("SECRET_KEY", "secret")

    await bench.see(pictures.jpeg())


async def test_the_same_scene_looks_alike_however_it_is_encoded_and_another_does_not(bench: Bench) -> None:
    one = await bench.see(pictures.jpeg(1))
    again = await bench.see(pictures.encoded(pictures.scene(1, (500, 375)), quality=40))
    other = await bench.see(pictures.jpeg(2))

    assert looks_alike(one.look, again.look)
    assert not looks_alike(one.look, other.look)
    assert -(2**63) <= one.look < 2**63


async def test_bare_walls_are_never_taken_for_each_other(bench: Bench) -> None:
    wall = await bench.see(pictures.encoded(Image.new("RGB", (640, 480), "white")))

    assert is_plain(wall.look)
    assert not looks_alike(wall.look, wall.look)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        (("image/heic", 100, "a" * 64), "contentType"),
        (("image/gif", 100, "a" * 64), "contentType"),
        (("", 100, "a" * 64), "contentType"),
        (("image/jpeg", 0, "a" * 64), "sizeBytes"),
        (("image/jpeg", -1, "a" * 64), "sizeBytes"),
        (("image/jpeg", 10 * 2**20 + 1, "a" * 64), "sizeBytes"),
        (("image/jpeg", 100, "a" * 63), "sha256"),
        (("image/jpeg", 100, "g" * 64), "sha256"),
        (("image/jpeg", 100, "aa " * 32), "sha256"),
        (("image/jpeg", 100, "٣" * 64), "sha256"),
    ],
)
def test_an_announcement_of_what_is_never_taken_is_refused_by_its_field(told, field) -> None:
    """R19: no bytes need to come for that."""
    with pytest.raises(Invalid) as refusal:
        Announcement.told(*told)
    assert refusal.value.field == (field,)


def test_an_announcement_reads_type_and_hash_in_either_case() -> None:
    assert Announcement.told(" IMAGE/JPEG", 1, "AB" * 32) == Announcement("image/jpeg", 1, b"\xab" * 32)
