"""How much happens at once: semaphores that can be resized, and a controller for each volume."""

import asyncio
from collections import deque
from types import TracebackType


class Limit:
    """A semaphore whose ceiling can change while it is used.

    `busy` of `ceiling` places are taken, `waiting` callers queue for one, first come, first served.
    """

    def __init__(self, name: str, ceiling: int) -> None:
        self.name = name
        self.ceiling = ceiling
        self.busy = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Callers without a place."""
        return len(self._queue)

    def resize(self, ceiling: int) -> None:
        """Change the ceiling; who has a place keeps it."""
        self.ceiling = ceiling
        self._wake()

    async def acquire(self) -> None:
        """Wait for a place."""
        if self.busy < self.ceiling and not self._queue:
            self.busy += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.release()
            elif place in self._queue:
                self._queue.remove(place)
            raise

    def release(self) -> None:
        """Give a place back."""
        self.busy -= 1
        self._wake()

    def retake(self) -> None:
        """Take a place back that was given away for a pause, even above the ceiling for a moment."""
        self.busy += 1

    def _wake(self) -> None:
        while self._queue and self.busy < self.ceiling:
            place = self._queue.popleft()
            if not place.done():
                self.busy += 1
                place.set_result(None)

    async def __aenter__(self) -> "Limit":
        await self.acquire()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Controller(Limit):
    """The limit of one volume, which finds its own best value between 1 and `most`.

    Additive increase while more bytes arrive, halving on congestion (RFC 5681's way, on files in flight).
    """

    PERIOD = 2.0
    """Seconds over which throughput is compared."""

    WORTH = 1.05
    """A rise of throughput by this factor makes one more place worth it."""

    def __init__(self, name: str, start: int, most: int, label: str = "") -> None:
        super().__init__(name, start)
        self.most = most
        self.label = label
        self._bytes = 0
        self._since: float | None = None
        self._best = 0.0
        self._halved = float("-inf")

    def arrived(self, size: int) -> None:
        """`size` bytes were flushed; grows the limit while that pays."""
        now = asyncio.get_running_loop().time()
        if self._since is None:
            self._since = now
        self._bytes += size
        if now - self._since < self.PERIOD:
            return
        rate = self._bytes / (now - self._since)
        self._bytes, self._since = 0, now
        if rate > self._best * self.WORTH:
            self._best = rate
            if self._queue and self.ceiling < self.most:
                self.resize(self.ceiling + 1)

    def congested(self) -> None:
        """An error that trying again may cure: half as many at once, at most once a period."""
        now = asyncio.get_running_loop().time()
        if now - self._halved >= self.PERIOD:
            self._halved = now
            self._best = 0.0
            self.resize(max(1, self.ceiling // 2))
