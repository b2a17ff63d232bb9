"""Not more calls a second than a provider takes from one account: in order, each at its turn."""

import asyncio


class Pacer:
    """Turns, so many a second; who comes while none is waiting goes at once. Belongs to one event loop."""

    def __init__(self, a_second: float) -> None:
        self._apart = 1 / a_second
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for one's turn. A turn that is not taken, because its task was cancelled, is lost."""
        now = asyncio.get_running_loop().time()
        mine = max(self._next, now)
        self._next = mine + self._apart
        if mine > now:
            await asyncio.sleep(mine - now)
