"""Looks at one file that claims to be an image: a process of its own, which may die of it and holds no secrets.

Run as a script by `gateways.images`; it knows nothing of the product. Arguments: file, its announced type, where to
write the copy to show, where the small one. Prints one line of JSON.
"""

import json
import resource
import sys
import zipfile
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
MOST_PIXELS = 40_000_000
MEMORY_BYTES = 2 * 1024**3
CPU_SECONDS = 30
FILE_BYTES = 64 * 1024**2
SHOWN_PIXELS = 2_560
"""The longer side of the copy that is shown."""
SMALL_PIXELS = 400
# Browsers and PDF readers look this far into a file to guess what it is.
SNIFFED_BYTES = 1024
DOCUMENTS = (b"%pdf-", b"<html", b"<script", b"<svg", b"<?php", b"<!doctype", b"<iframe", b"<body")
TEXT_CHARACTERS = 100
LYING = {5, 6, 7, 8}
"""EXIF orientations that swap width and height."""


class No(Exception):
    """The file is refused; the argument is the code."""


def main(source: Path, content_type: str, shown: Path, small: Path) -> dict[str, Any]:
    """What the file is, or why it is refused."""
    try:
        _ensure_kind(source, content_type)
        with _opened(source, content_type) as image:
            _ensure_small(image)
            # First: reading a PNG's EXIF decodes it too, and what fails there is forgiven.
            _decode(image)
            found = {"claims": _claims(image), **_size(image)}
            upright = _upright(image)
        return found | {"look": _copies(upright, shown, small)}
    except No as refusal:
        return {"refusal": refusal.args[0]}
    except MemoryError:
        return {"refusal": "UNREADABLE"}


def kind_of(head: bytes) -> str | None:
    """The type that the first bytes belong to."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def _ensure_kind(source: Path, content_type: str) -> None:
    with source.open("rb") as file:
        head = file.read(SNIFFED_BYTES)
    kind = kind_of(head)
    if kind is None:
        raise No("NOT_AN_IMAGE")
    if kind != content_type:
        raise No("TYPE_MISMATCH")
    # Phones append films and second pictures to a photo; what can be opened as something else is no photo.
    lower = head.lower()
    if any(mark in lower for mark in DOCUMENTS) or zipfile.is_zipfile(source):
        raise No("POLYGLOT")


def _ensure_small(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise No("TOO_MANY_PIXELS")


def _opened(source: Path, content_type: str) -> Image.Image:
    # The bound is ours, and is asked before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    try:
        return Image.open(source, formats=[FORMATS[content_type]])
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, IndexError, KeyError):
        raise No("TRUNCATED") from None


def _decode(image: Image.Image) -> None:
    try:
        image.load()
    # What decoders raise for bytes that make no sense has no common name.
    except (OSError, ValueError, SyntaxError, IndexError, KeyError, TypeError, ArithmeticError, EOFError):
        raise No("TRUNCATED") from None


def _upright(image: Image.Image) -> Image.Image:
    if image.mode in {"P", "1"}:
        image = _flat(image)
    # Only as much as the copies need is carried on.
    image.thumbnail((SHOWN_PIXELS, SHOWN_PIXELS), Image.Resampling.LANCZOS)
    turned = None
    # A broken EXIF turns nothing.
    with suppress(Exception):
        turned = ImageOps.exif_transpose(image)
    return _flat(turned or image)


def _flat(image: Image.Image) -> Image.Image:
    """As plain RGB on white, without anything that came with the file."""
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        with_alpha = image.convert("RGBA")
        plain = Image.new("RGB", image.size, "white")
        plain.paste(with_alpha, mask=with_alpha.getchannel("A"))
    else:
        plain = image.convert("RGB")
    plain.info.clear()
    return plain


def _copies(upright: Image.Image, shown: Path, small: Path) -> int:
    """Write both copies; what the picture looks like."""
    upright.save(shown, "JPEG", quality=85, optimize=True)
    look = look_of(upright)
    upright.thumbnail((SMALL_PIXELS, SMALL_PIXELS), Image.Resampling.LANCZOS)
    upright.save(small, "JPEG", quality=80, optimize=True)
    return look


def look_of(image: Image.Image) -> int:
    """The difference hash: 64 bits, each whether a point is brighter than its right neighbour; as a signed number."""
    points = list(image.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes())
    bits = 0
    for place in range(64):
        left = place // 8 * 9 + place % 8
        bits = bits << 1 | (points[left] > points[left + 1])
    return bits - 2**64 if bits >= 2**63 else bits


def _size(image: Image.Image) -> dict[str, int]:
    """Width and height as the picture is looked at."""
    turned = False
    # A broken EXIF turns nothing.
    with suppress(Exception):
        turned = image.getexif().get(ExifTags.Base.Orientation) in LYING
    width, height = reversed(image.size) if turned else image.size
    return {"width": width, "height": height}


def _claims(image: Image.Image) -> dict[str, Any]:
    """What the EXIF says, as far as it can be read; a broken one says nothing."""
    found: dict[str, Any] = {}
    # EXIF is the sender's own: whatever is wrong with it takes nothing from the picture.
    with suppress(Exception):
        exif = image.getexif()
        more = exif.get_ifd(ExifTags.IFD.Exif)
        found |= _words(exif, {"make": 0x010F, "model": 0x0110, "software": 0x0131})
        found |= _taken(more.get(0x9003) or exif.get(0x0132), more.get(0x9011))
        found |= _place(exif.get_ifd(ExifTags.IFD.GPSInfo))
    return found


def _words(exif: Any, tags: dict[str, int]) -> dict[str, str]:
    said = {name: _clean(exif.get(tag)) for name, tag in tags.items()}
    return {name: word for name, word in said.items() if word}


def _clean(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    readable = "".join(character for character in value if character.isprintable())
    return readable.encode("utf-8", "ignore").decode().strip()[:TEXT_CHARACTERS]


def _taken(at: Any, offset: Any) -> dict[str, str]:
    text = _clean(at)
    if len(text) != 19:
        return {}
    said = {"takenAt": f"{text[:10].replace(':', '-')}T{text[11:]}"}
    zone = _clean(offset)
    return {**said, "offset": zone} if len(zone) == 6 and zone[0] in "+-" else said


def _place(gps: Any) -> dict[str, float]:
    latitude, longitude = _degrees(gps.get(2), gps.get(1), "S"), _degrees(gps.get(4), gps.get(3), "W")
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return {}
    return {"latitude": latitude, "longitude": longitude}


def _degrees(parts: Any, side: Any, negative: str) -> float | None:
    if not isinstance(parts, tuple) or len(parts) != 3:
        return None
    degrees = float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600
    if not isfinite(degrees):
        return None
    return round(-degrees if side == negative else degrees, 6)


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _bounded()
    file, kind, to_show, as_small = sys.argv[1:]
    sys.stdout.write(json.dumps(main(Path(file), kind, Path(to_show), Path(as_small))))
