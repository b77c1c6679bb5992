"""When a mirror to a store that has failed is tried again by itself: at longer and longer intervals, for about a
day."""

FIRST_DELAY = 60.0
"""Seconds until the first retry. Each later delay is twice as long, up to LONGEST_DELAY."""

LONGEST_DELAY = 3600.0
"""Seconds."""

RETRIES = 30
"""The most retries in a row in which nothing was brought. After these a person, or the next import, starts it."""

POLL_INTERVAL = 30.0
"""Seconds between two looks at the clock: the monotonic clock stands still while a Mac sleeps (xnu,
osfmk/kern/clock.c: mach_absolute_time), but the time of the retry is shown as a time of day."""


class StoreRetries:
    """The retries of one mirror."""

    def __init__(self) -> None:
        self._count = 0

    def reset(self) -> None:
        """Count from the beginning: something has changed, or a person acts."""
        self._count = 0

    def delay(self) -> float | None:
        """Seconds until the next retry; None if there is none any more."""
        if self._count >= RETRIES:
            return None
        self._count += 1
        return min(FIRST_DELAY * 2.0 ** (self._count - 1), LONGEST_DELAY)
