"""How many calls each queue may have at once: its slots, and what copies leave of the processor."""

import math
import time
from collections.abc import Callable, Mapping, Sequence

from core.queue.kinds import PATIENCE, Queue

REST = 4.0
"""Where copies leave no processor: how long nothing begins after a call, in times of what it took."""

LONGEST = 60.0
"""Seconds of such a rest at most: one slow call is not to hold up all others."""

ALONE = 2.0
"""Seconds that copies which leave no processor have for themselves at first: many imports are short, and what the
queues need has to be started."""

FEW = 16
"""Jobs of one call at most, where copies leave no processor."""


class Sharing:
    """Slots and pauses, which change live.

    While copies run, the queues share `cores` less one for each transfer, the most urgent first. Where nothing is
    left, short calls are made one after the other, with a rest in between.
    A queue that yields waits until they have ended, or for `patience` seconds; then it has one slot.
    """

    def __init__(
        self,
        queues: Sequence[Queue],
        slots: Mapping[str, int],
        cores: int,
        patience: float = PATIENCE,
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
        """So many transfers are at work."""
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
        """Whether nothing begins just now of what takes processor."""
        return self.crowded and self._clock() < self._rested

    def together(self, most: int) -> int:
        """How many jobs one call may have of a queue that can do `most` together."""
        return min(most, FEW) if self.crowded else most

    def ended(self, name: str, seconds: float) -> None:
        """A call of a queue has ended that took so long."""
        if self._queues[name].shared:
            self._rested = self._clock() + min(REST * seconds, LONGEST)

    def holds(self, name: str) -> bool:
        """Whether a queue waits for copies to end. Its patience runs from the first time this is asked."""
        if not self.transfers or not self._queues[name].yields:
            return False
        return self._clock() - self._held.setdefault(name, self._clock()) < self._patience

    def free(self, name: str, busy: Mapping[str, int]) -> int:
        """How many more calls of a queue may begin while `busy` are at work, by queue."""
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
