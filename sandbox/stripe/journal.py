"""The append-only truth: one line a commit, complete enough to restore everything from.

A line: `{seq, at, n, account, cause, effects: [[event type, object id], ...], puts: [[account, collection, id, doc]]}`;
a doc of null takes the document away.
"""

import fcntl
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import orjson

from sandbox import SandboxError
from sandbox.stripe import Json


class Journal:
    """Lines in memory, or in `folder/journal.jsonl` where a folder is given (then the file is what is read back).

    A line reaches the operating system before its request is answered: `kill -9` loses nothing that was answered.
    """

    def __init__(self, folder: Path | None) -> None:
        self.seq = 0
        self._lines: list[Json] = []
        self._path = folder / "journal.jsonl" if folder else None
        self._descriptor: int | None = None

    def open(self) -> Iterator[Json]:
        """Every earlier line, in order; a torn last line (killed while writing) is cut off. Then ready to append."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise SandboxError(f"Another sandbox keeps its journal in {self._path}.") from None
        whole = 0
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                entry: Json = orjson.loads(line)
                self.seq = entry["seq"]
                yield entry
        os.ftruncate(self._descriptor, whole)

    def append(self, entry: Json) -> None:
        """Write one line, whole; numbered here."""
        self.seq += 1
        entry["seq"] = self.seq
        if self._descriptor is None:
            self._lines.append(entry)
            return
        line = memoryview(orjson.dumps(entry) + b"\n")
        while line:
            line = line[os.write(self._descriptor, line) :]

    def after(self, seq: int = 0) -> Iterator[Json]:
        """The lines with a greater number."""
        if self._path is None:
            yield from self._lines[seq:]
            return
        # The nth line has the number n.
        with self._path.open("rb") as lines:
            for line in itertools.islice(lines, seq, None):
                yield orjson.loads(line)

    def close(self) -> None:
        """Let the file go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
