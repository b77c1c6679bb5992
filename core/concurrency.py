"""Limits on concurrency: semaphores that can be resized, and a controller for each volume."""

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
        """How many callers wait for a place."""
        return len(self._queue)

    def resize(self, ceiling: int) -> None:
        """Change the ceiling; places that are taken are kept."""
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
        """Release a place."""
        self.busy -= 1
        self._wake()

    def retake(self) -> None:
        """Take a place again that was released for a pause, even if that exceeds the ceiling for a moment."""
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

    It rises while throughput of successful batches rises, in large steps at first. On congestion it is halved for
    a moment, then set to just below the value at that time, which is tried again less and less often (as in RFC
    5681 and RFC 9438, for batches in flight). Congestion means transient errors, or a volume that takes longer and
    longer to answer.
    """

    PERIOD = 2.0
    """The fewest seconds over which throughput is compared; more where a batch takes longer."""

    WORTH = 1.05
    """The factor by which throughput must rise to justify a higher value."""

    PATIENCE = 16
    """Comparisons before a value that failed is tried again; doubled each time, up to LONGEST. A trial costs about
    as much as one comparison."""

    LONGEST = 64

    PAUSE = 1.0
    """Seconds at half the value, before the last good value is used again."""

    LATE, LATE_SECONDS = 4.0, 0.25
    """An answer is late when it takes so many times longer than the quickest one, and at least so many seconds."""

    PERSISTENT = 6
    """Consecutive errors with a single place, after which waiting does not help."""

    def __init__(self, name: str, start: int, most: int, label: str = "") -> None:
        super().__init__(name, start)
        self.most = most
        self.label = label
        self._moved = 0
        self._since: float | None = None
        self._batch = 0.0
        self._best = 0.0
        self._good = 0
        """The highest value that has worked well."""
        self._wall = most + 1
        """The value at the last congestion; above `most`: there was none."""
        self._patience, self._waited = self.PATIENCE, 0
        self._halved = float("-inf")
        self._changed = float("-inf")
        self._ends: deque[bool] = deque(maxlen=2 * most)
        """Whether the last batches that began at this value succeeded; those that began at another value do not
        count."""
        self._late = 0
        self._errors = 0
        self._quickest = float("inf")

    @property
    def persists(self) -> bool:
        """Whether errors continue even with one batch at a time."""
        return self.ceiling == 1 and self._errors >= self.PERSISTENT

    @property
    def backoff(self) -> float:
        """Seconds to wait before a retry after an error; they grow with the consecutive errors per place."""
        return 0.125 * 2.0 ** min(self._errors // self.ceiling, 5) if self._errors else 0.0

    @property
    def _period(self) -> float:
        return max(self.PERIOD, min(self._batch, 10 * self.PERIOD))

    def moved(self, size: int) -> None:
        """Count `size` bytes since the last call, and adjust the value from time to time; to be called about once
        a second."""
        now = asyncio.get_running_loop().time()
        if self._since is None:
            self._since = now
            return
        self._moved += size
        if self.ceiling < self._good:
            if now - self._halved >= self.PAUSE:
                self.rest()
                self.resize(self._good)
            return
        unproven = self.ceiling > self._good and len(self._ends) < self.ceiling
        if unproven or now - self._since < self._period:
            return
        well = self._ends.count(True) / len(self._ends) if self._ends else 1.0
        rate = well * self._moved / (now - self._since)
        self._moved, self._since = 0, now
        # A limit for which nobody waits is not what slows the transfer.
        if self._queue and rate:
            self._judge(rate)

    def rest(self) -> None:
        """Start measuring anew, after a time in which nothing was to be moved."""
        self._moved, self._since = 0, None

    def resize(self, ceiling: int) -> None:
        """Change the ceiling; places that are taken are kept."""
        if ceiling != self.ceiling:
            self._changed = asyncio.get_running_loop().time()
            self._errors = 0
            self._ends.clear()
        super().resize(ceiling)

    def _judge(self, rate: float) -> None:
        walled = self._wall <= self.most
        if self.ceiling > self._good:
            if rate <= self._best * (1 / self.WORTH if walled else self.WORTH):
                self._wait()
                self.resize(self._good)
                return
            self._good, self._best = self.ceiling, rate
            if self.ceiling >= self._wall:
                self._wall, self._patience = self.most + 1, self.PATIENCE
        else:
            self._best = (self._best + rate) / 2 if self._best else rate
        if self._waited:
            self._waited -= 1
        elif self.ceiling < self.most:
            room = self._wall - self.ceiling if walled else self.ceiling
            self.resize(min(self.most, self.ceiling + max(1, room // 2)))

    def _wait(self) -> None:
        self._waited = self._patience
        self._patience = min(2 * self._patience, self.LONGEST)

    def took(self, began: float) -> None:
        """Note that a batch which began at this time of the loop's clock has ended without an error."""
        seconds = asyncio.get_running_loop().time() - began
        self._batch = (self._batch + seconds) / 2 if self._batch else seconds
        self._errors = 0
        if began >= self._changed:
            self._ends.append(True)

    def answered(self, seconds: float) -> None:
        """Note that a small request was answered after `seconds`."""
        self._quickest = min(self._quickest, seconds)
        self._late = self._late + 1 if seconds > max(self.LATE * self._quickest, self.LATE_SECONDS) else 0
        if self._late > self.ceiling:
            self._late = 0
            self._congested()

    def failed(self, began: float) -> None:
        """Note that a batch which began at this time of the loop's clock met a transient error. A few are
        tolerated; if more than half of the batches meet one, that is congestion."""
        if began < self._changed:
            return
        self._errors += 1
        self._ends.append(False)
        if list(self._ends)[-2 * self.ceiling :].count(False) > self.ceiling:
            self._congested()

    def _congested(self) -> None:
        """Halve the value, at most once a period."""
        now = asyncio.get_running_loop().time()
        if self.ceiling == 1 or now - self._halved < self._period:
            return
        self._halved, self._wall = now, self.ceiling
        if self._good >= self._wall:
            # The volume has changed: what it can bear may be far less, and is searched for at once.
            self._good, self._best, self._waited = max(1, self._wall // 2), 0.0, 0
        if self._good + 1 >= self._wall:
            self._wait()
        self.rest()
        self.resize(max(1, self.ceiling // 2))
