"""Rates and their history, from the counters of workers."""

import time
from collections import deque

from core.rate_meter import Meter
from core.snapshot import Rates
from core.workers import shared_memory
from core.workers.pool import Pool

SAMPLE_INTERVAL = 1.0
"""Seconds between two samples."""

HISTORY_SAMPLES = 120
"""Samples in the history."""

COUNTER_WORDS = (shared_memory.READ, shared_memory.WRITTEN, shared_memory.VERIFIED)


class Metrics:
    """Bytes that all workers together read, write and verify per second, and the processor they use."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._meters = [Meter() for _ in COUNTER_WORDS]
        self._history: list[deque[float]] = [deque(maxlen=HISTORY_SAMPLES) for _ in COUNTER_WORDS]
        self._last = [0, 0, 0]
        self._cpu = Meter()
        self._sampled = time.monotonic()

    def sample(self) -> None:
        """Take one sample; to be called every SAMPLE_INTERVAL."""
        now = time.monotonic()
        for index, word in enumerate(COUNTER_WORDS):
            total = self._pool.total(word)
            self._meters[index].add(now, total)
            passed = max(now - self._sampled, 1e-6)
            self._history[index].append(max(0.0, (total - self._last[index]) / passed))
            self._last[index] = total
        self._cpu.add(now, self._pool.total(shared_memory.CPU))
        self._sampled = now

    def rates(self) -> Rates:
        """The current rates and their history."""
        read, written, verified = (meter.rate for meter in self._meters)
        histories = [tuple(history) for history in self._history]
        return Rates(
            read=read,
            written=written,
            verified=verified,
            period=SAMPLE_INTERVAL,
            read_history=histories[0],
            written_history=histories[1],
            verified_history=histories[2],
            cores=self._cpu.rate / 1e9,
        )
