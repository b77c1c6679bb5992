"""Rates and their history, from counters that workers keep."""

import time
from collections import deque

from core.models import Rates
from core.workers import control
from core.workers.pool import Pool

PERIOD = 1.0
"""Seconds between two samples."""

KEPT = 120
"""Samples of history."""

WORDS = (control.READ, control.WRITTEN, control.VERIFIED)


class Meter:
    """A rate over the last seconds, from a total that grows."""

    SPAN = 5.0
    """Seconds that a rate is averaged over."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, now: float, total: int) -> None:
        """The total at a moment."""
        self._samples.append((now, total))
        while len(self._samples) > 2 and now - self._samples[1][0] >= self.SPAN:
            self._samples.popleft()

    @property
    def rate(self) -> float:
        """The growth a second over the last seconds."""
        if len(self._samples) < 2:
            return 0.0
        (then, before), (now, after) = self._samples[0], self._samples[-1]
        # A worker that just ended is missing from the total for a moment.
        return max(0.0, (after - before) / (now - then)) if now > then else 0.0


class Metrics:
    """What all workers together read, write and verify a second."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._meters = [Meter() for _ in WORDS]
        self._history: list[deque[float]] = [deque(maxlen=KEPT) for _ in WORDS]
        self._last = [0, 0, 0]
        self._sampled = time.monotonic()

    def sample(self) -> None:
        """Take one sample; to be called every PERIOD."""
        now = time.monotonic()
        for index, word in enumerate(WORDS):
            total = self._pool.total(word)
            self._meters[index].add(now, total)
            passed = max(now - self._sampled, 1e-6)
            self._history[index].append(max(0.0, (total - self._last[index]) / passed))
            self._last[index] = total
        self._sampled = now

    def rates(self) -> Rates:
        """The rates now."""
        read, written, verified = (meter.rate for meter in self._meters)
        histories = [tuple(history) for history in self._history]
        return Rates(
            read=read,
            written=written,
            verified=verified,
            period=PERIOD,
            read_history=histories[0],
            written_history=histories[1],
            verified_history=histories[2],
        )
