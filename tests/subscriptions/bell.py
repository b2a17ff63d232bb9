"""A Redis of a test's own, to be killed and brought back on the same port."""

import subprocess
from pathlib import Path

import redis

from sandbox.binaries import redis_program
from sandbox.ownership import myself
from sandbox.processes import wait_until
from tests.ports import free_port


class Bell:
    """One Redis server without persistence."""

    def __init__(self, folder: Path) -> None:
        program = redis_program(myself())
        assert program is not None
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._argv = [str(program), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._argv, stdout=subprocess.DEVNULL)
        assert wait_until(self._answers, 20)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with redis.Redis(port=self.port, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False
