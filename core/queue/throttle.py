"""How many calls each queue may run at once: its slots, limited by the processor that copies leave."""

import math
import time
from collections.abc import Callable, Mapping, Sequence

from core.queue.queue_defs import LONGEST_YIELD, Queue

REST = 4.0
"""Where copies leave no processor, the pause after a call, as a multiple of its duration."""

LONGEST_REST = 60.0
"""The longest such pause in seconds, because one slow call must not hold up all others."""

ALONE = 10.0
"""Seconds before queues start calls beside copies that leave no processor: the start of the processes that calls
need would hold up a short import by more than a tenth."""

JOBS_WHEN_CROWDED = 16
"""The most jobs in one call, where copies leave no processor."""


class Throttle:
    """Slots and pauses of queues, which can change at any time.

    While copies run, the queues share `cores` minus one for each transfer, by priority. Where nothing is left,
    short calls are made one at a time, with a pause after each.
    A queue that yields waits until the copies have ended, or for `patience` seconds; then it has one slot.
    """

    def __init__(
        self,
        queues: Sequence[Queue],
        slots: Mapping[str, int],
        cores: int,
        patience: float = LONGEST_YIELD,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.slots = {queue.name: slots[queue.name] for queue in queues}
        self.paused: set[str] = set()
        self.transfers = 0
        self._queues = {queue.name: queue for queue in queues}
        self._cores = cores
        self._patience = patience
        self._clock = clock
        self._held: dict[str, float] = {}
        self._rested = -math.inf

    def copying(self, transfers: int) -> None:
        """Set the number of transfers that are running."""
        if not self.transfers:
            self._rested = max(self._rested, self._clock() + ALONE)
        self.transfers = transfers
        if not transfers:
            self._held.clear()

    @property
    def crowded(self) -> bool:
        """Whether copies leave no processor."""
        return self.transfers >= self._cores

    @property
    def resting(self) -> bool:
        """Whether no call that uses the processor may begin just now."""
        return self.crowded and self._clock() < self._rested

    def together(self, most: int) -> int:
        """How many jobs one call may have, of a queue whose task takes up to `most`."""
        return min(most, JOBS_WHEN_CROWDED) if self.crowded else most

    def ended(self, name: str, seconds: float) -> None:
        """Note that a call of a queue has ended, which took `seconds`: the pause after it is REST times as
        long."""
        if self._queues[name].shared:
            self._rested = self._clock() + min(REST * seconds, LONGEST_REST)

    def holds(self, name: str) -> bool:
        """Whether a queue waits for copies to end. Its patience is counted from the first time that this is
        asked."""
        if not self.transfers or not self._queues[name].yields:
            return False
        return self._clock() - self._held.setdefault(name, self._clock()) < self._patience

    def free(self, name: str, busy: Mapping[str, int]) -> int:
        """How many more calls of a queue may begin. busy: the running calls of each queue."""
        if name in self.paused or self.holds(name):
            return 0
        free = self.slots[name] - busy.get(name, 0)
        queue = self._queues[name]
        if self.transfers and queue.yields:
            free = min(free, 1 - busy.get(name, 0))
        elif self.transfers and queue.shared:
            if self.resting:
                return 0
            at_work = sum(busy.get(one.name, 0) for one in self._queues.values() if one.shared and not one.yields)
            free = min(free, max(1, self._cores - self.transfers) - at_work)
        return max(0, free)
