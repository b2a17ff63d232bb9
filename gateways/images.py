"""Has a file looked at that claims to be an image: in a process of its own, bounded in time and memory (A18)."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import orjson

from domain.errors import Unavailable
from domain.fieldwork.photos import PhotoRefusal, Seen

SCRIPT = Path(__file__).with_name("image_check.py")
SECONDS = 45
AT_ONCE = 2
COPY_TYPE = "image/jpeg"
"""What the copies are, whatever the original is."""


class Unreadable(Unavailable):
    """The process that looked at the file died or took too long: the file's fault or the machine's."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Where the copy to show and the small one are to be written."""

    served: Path
    thumb: Path


class Images:
    """Looks at files, a few at once: a picture of 40 megapixels takes some 300 MB while it is decoded."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._places = asyncio.Semaphore(at_once)

    async def look(self, file: Path, content_type: str, copies: Copies) -> Seen | PhotoRefusal:
        """What the image is, its copies written, or why it is refused. Raises `Unreadable`."""
        async with self._places:
            answer = await _asked([str(file), content_type, str(copies.served), str(copies.thumb)])
        said = orjson.loads(answer)
        if "refusal" in said:
            return PhotoRefusal(said["refusal"])
        return Seen(said["width"], said["height"], said["look"], said["claims"])


async def _asked(arguments: list[str]) -> bytes:
    # Isolated and with an empty environment: what decodes a stranger's bytes knows no key and no address.
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(SCRIPT), *arguments, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, env={},
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            answer, _ = await child.communicate()
    except TimeoutError:
        raise Unreadable("The image could not be read in time.") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise Unreadable("The image could not be read.")
    return answer
