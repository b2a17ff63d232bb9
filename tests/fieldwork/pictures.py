"""Pictures of all kinds, honest and hostile, made on the spot."""

import io
import struct
import zipfile
import zlib
from random import Random
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin

ORIENTATION, GPS, EXIF = ExifTags.Base.Orientation, ExifTags.IFD.GPSInfo, ExifTags.IFD.Exif
TAKEN, OFFSET = ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal


def scene(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A picture of its own for each seed: patches of light, like rooms have them."""
    random = Random(seed)  # noqa: S311 (a picture, no secret)
    patches = Image.new("RGB", (9, 8))
    patches.putdata([(random.randrange(256), random.randrange(256), random.randrange(256)) for _ in range(72)])
    return patches.resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG", **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def jpeg(seed: int = 1, **more: Any) -> bytes:
    return encoded(scene(seed), quality=more.pop("quality", 80), **more)


def claiming(
    seed: int = 1,
    *,
    taken: str | None = None,
    offset: str | None = None,
    place: tuple[float, float] | None = None,
    orientation: int | None = None,
) -> bytes:
    """A JPEG whose EXIF says these things."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Pear\x00Phone"
    exif[ExifTags.Base.Model] = "Nine"
    if orientation is not None:
        exif[ORIENTATION] = orientation
    if taken is not None:
        exif.get_ifd(EXIF)[TAKEN] = taken
    if offset is not None:
        exif.get_ifd(EXIF)[OFFSET] = offset
    if place is not None:
        exif.get_ifd(GPS).update(_gps(place))
    return jpeg(seed, exif=exif.tobytes(), comment=b"somebody's secret")


def _gps(place: tuple[float, float]) -> dict[int, Any]:
    north, east = place
    return {1: "N" if north >= 0 else "S", 2: _sixty(north), 3: "E" if east >= 0 else "W", 4: _sixty(east)}


def _sixty(degrees: float) -> tuple[float, float, float]:
    minutes = abs(degrees) * 60
    return float(int(minutes // 60)), float(int(minutes % 60)), round(minutes * 60 % 60, 4)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int, *, body: bytes = b"") -> bytes:
    """A PNG that says it is so large, whatever it holds."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", body or zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def png_with_text_bomb() -> bytes:
    """A small PNG with a comment that unpacks to 80 MB."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "a" * 80_000_000, zip=True)
    return encoded(scene(1, (64, 64)), "PNG", pnginfo=info)


def jpeg_and_zip() -> bytes:
    """A picture that is an archive as well."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("payload.html", "<script>alert(1)</script>")
    return jpeg() + out.getvalue()


def jpeg_and_pdf() -> bytes:
    """A picture whose first comment is a document's head."""
    whole = jpeg()
    note = b"%PDF-1.7\n"
    return whole[:2] + b"\xff\xfe" + struct.pack(">H", len(note) + 2) + note + whole[2:]


def with_film() -> bytes:
    """What phones do: a film behind the picture."""
    return jpeg() + b"\0\0\0\x18ftypmp42" + bytes(1000)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
HTML = b"<!doctype html><script>alert(1)</script>"
