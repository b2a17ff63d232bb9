"""Pictures of rooms for the demo's evidence: drawn, and each different enough to be nobody else's."""

import io
from random import Random

from PIL import Image, ImageDraw, ImageFilter

SIZE = (640, 480)
WALLS = {
    "kitchen": (226, 214, 190),
    "bathroom": (188, 214, 222),
    "bedroom": (214, 200, 220),
    "living": (208, 218, 196),
    "hot_tub": (170, 200, 214),
}


def room(zone: str, seed: int, *, tidy: bool) -> bytes:
    """A JPEG of such a room; a number draws the same picture each time, and clutter stands for before."""
    random = Random(f"{zone} {seed}")  # noqa: S311 (a picture, no secret)
    image = _light(random, WALLS.get(zone, (210, 210, 205)))
    draw = ImageDraw.Draw(image)
    horizon = random.randint(270, 340)
    draw.polygon([(0, horizon), (640, horizon), (640, 480), (0, 480)], fill=_near((142, 118, 96), random, 30))
    left = random.randint(30, 420)
    draw.rectangle(
        (left, 50, left + 150, 190), fill=_near((230, 242, 250), random, 12), outline=(250, 250, 250), width=8
    )
    for _ in range(random.randint(2, 4)):
        x, wide, high = random.randint(0, 520), random.randint(80, 220), random.randint(50, 140)
        draw.rounded_rectangle(
            (x, horizon - high + 50, x + wide, horizon + 50), 10, fill=_near((150, 130, 120), random, 70)
        )
    if not tidy:
        for _ in range(random.randint(14, 22)):
            x, y, wide = random.randint(0, 600), random.randint(horizon + 10, 460), random.randint(12, 60)
            draw.ellipse((x, y, x + wide, y + wide // 2), fill=_near((120, 110, 90), random, 90))
    out = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(0.8)).save(out, "JPEG", quality=78)
    return out.getvalue()


def _light(random: Random, wall: tuple[int, int, int]) -> Image.Image:
    """A wall in uneven light."""
    patches = Image.new("RGB", (5, 4))
    patches.putdata([_near(wall, random, 55) for _ in range(20)])
    return patches.resize(SIZE, Image.Resampling.BICUBIC)


def _near(colour: tuple[int, int, int], random: Random, by: int) -> tuple[int, int, int]:
    shift = random.randint(-by, by)
    red, green, blue = (max(0, min(255, part + shift + random.randint(-12, 12))) for part in colour)
    return red, green, blue
