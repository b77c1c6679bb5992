"""A rate over the last seconds, computed from a growing total."""

from collections import deque


class Meter:
    """Computes a rate over the last seconds from a growing total."""

    SPAN = 5.0
    """Seconds over which the rate is averaged."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, now: float, total: int) -> None:
        """Record the total at the time `now`."""
        self._samples.append((now, total))
        while len(self._samples) > 2 and now - self._samples[1][0] >= self.SPAN:
            self._samples.popleft()

    @property
    def rate(self) -> float:
        """The growth per second over the last seconds."""
        if len(self._samples) < 2:
            return 0.0
        (then, before), (now, after) = self._samples[0], self._samples[-1]
        # Never negative: the total may fall for a moment, when a worker that has ended is not counted any more.
        return max(0.0, (after - before) / (now - then)) if now > then else 0.0
