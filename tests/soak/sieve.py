"""Loses whole websocket messages of a connection: no TCP does that, but a bug in anybody's buffers would."""

from enum import Enum

UPGRADED = b"HTTP/1.1 101"
END_OF_HEAD = b"\r\n\r\n"
SHOWS_HOLES = b'"previous":'
HEARTBEAT = b'"__typename":"Heartbeat"'


class _State(Enum):
    """Passing everything on; waiting for a delta to lose; having lost one that nothing has shown to be missing."""

    PASSING = 1
    WAITING = 2
    LOST = 3


class Sieve:
    """The bytes of one connection to its client. Only a websocket's messages can be lost."""

    def __init__(self) -> None:
        self.lost = 0
        """How many deltas were lost."""
        self._state = _State.PASSING
        self._head: bytes | None = b""
        self._rest = bytearray()
        self._is_websocket = False

    @property
    def has_hole(self) -> bool:
        """Whether something is lost and nothing that would show it has been passed on since."""
        return self._state is _State.LOST

    def lose_one(self) -> None:
        """Lose the next delta; whatever comes next, a change or a heartbeat, shows that it is missing."""
        if self._state is _State.PASSING:
            self._state = _State.WAITING

    def calm(self) -> None:
        """Lose nothing more."""
        if self._state is _State.WAITING:
            self._state = _State.PASSING

    def passed(self, chunk: bytes) -> bytes:
        """What of these bytes the client is to get."""
        if self._head is not None:
            return self._begun(chunk)
        if not self._is_websocket:
            return chunk
        self._rest += chunk
        return b"".join(frame for frame in _frames(self._rest) if self._is_passed(frame))

    def _begun(self, chunk: bytes) -> bytes:
        """The head decides whether messages follow it."""
        head = (self._head or b"") + chunk
        if not head.startswith(UPGRADED[: len(head)]):
            self._head = None
            return chunk
        if END_OF_HEAD not in head:
            self._head = head
            return chunk
        self._head, self._is_websocket = None, True
        end = len(chunk) - (len(head) - head.index(END_OF_HEAD) - len(END_OF_HEAD))
        return chunk[:end] + self.passed(chunk[end:])

    def _is_passed(self, frame: bytes) -> bool:
        shows_holes = SHOWS_HOLES in frame
        if self._state is _State.WAITING and shows_holes and HEARTBEAT not in frame:
            self._state = _State.LOST
            self.lost += 1
            return False
        if shows_holes:
            self._state = _State.WAITING if self._state is _State.WAITING else _State.PASSING
        return True


def _frames(rest: bytearray) -> list[bytes]:
    """The complete frames, taken out of the buffer."""
    found = []
    while len(rest) >= 2:
        # A server's frames are not masked.
        short = rest[1] & 0x7F
        start = {126: 4, 127: 10}.get(short, 2)
        length = short if start == 2 else int.from_bytes(rest[2:start], "big")
        if len(rest) < start or len(rest) < start + length:
            break
        found.append(bytes(rest[: start + length]))
        del rest[: start + length]
    return found
