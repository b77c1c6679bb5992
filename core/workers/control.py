"""Shared memory between the engine and its workers: commands one way, counters the other."""

import mmap
import os
import time
from collections.abc import Callable

# One slot per worker, sixteen 64-bit words each. Each word has one writer.
WORDS = 16
SLOT_BYTES = WORDS * 8
SLOTS = 1024

COMMAND, STATE, BEAT, READ, WRITTEN, VERIFIED, SIZE, POSITION, STAGE, PACE = range(10)

RUN, PAUSE, CANCEL = 0, 1, 2
IDLE, BUSY, PAUSED = 0, 1, 2

STAGES = ("", "scan", "hash", "copy", "flush", "verify", "publish", "list", "audit")

BLOCK = 1 << 20
"""Bytes between two looks at the command word."""

PAUSE_POLL = 0.02
"""Seconds between two looks while waiting."""


class StoppedError(Exception):
    """The engine cancelled this worker's task."""


class Slot:
    """One worker's words. The engine writes COMMAND and PACE, the worker all others.

    PACE is the bytes a second that may be read of a source; 0: as many as it gives.
    """

    def __init__(self, words: memoryview) -> None:
        self._words = words
        self.on_pause: list[Callable[[], None]] = []
        """What closes descriptors on a source; must not raise."""
        self._due = 0.0
        """When the pace allows the next byte, by the monotonic clock."""

    def get(self, word: int) -> int:
        """The value of `word`."""
        return int(self._words[word])

    def set(self, word: int, value: int) -> None:
        """Store `value` in `word`."""
        self._words[word] = value

    def add(self, word: int, amount: int) -> None:
        """Count `amount` more in `word`, and show that the worker lives."""
        self._words[word] += amount
        self._words[BEAT] += 1

    def begin(self, stage: str, size: int = 0) -> None:
        """Say what the worker does now, and how many bytes that will be."""
        self._words[STAGE] = STAGES.index(stage)
        self._words[SIZE] = size
        self._words[POSITION] = 0
        self._words[BEAT] += 1

    def advance(self, word: int, amount: int) -> None:
        """Count `amount` bytes in `word` and in the position of the file under way."""
        self._words[POSITION] += amount
        self.add(word, amount)
        if word == READ and (pace := self._words[PACE]):
            self._due = max(self._due, time.monotonic()) + amount / pace

    def let_go(self) -> None:
        """Close what is closed for a pause."""
        for close in self.on_pause:
            close()

    def checkpoint(self) -> None:
        """Wait here while paused, and while ahead of the pace. Raises StoppedError when cancelled.

        Descriptors on the source are closed before a pause (`on_pause`), so that a card can be ejected.
        """
        while self._due and self._words[COMMAND] == RUN:
            left = self._due - time.monotonic()
            if left <= 0:
                self._due = 0.0
            else:
                self._words[BEAT] += 1
                time.sleep(min(left, PAUSE_POLL))
        if self._words[COMMAND] == RUN:
            return
        if self._words[COMMAND] == PAUSE:
            self.let_go()
            before = self._words[STATE]
            self._words[STATE] = PAUSED
            while self._words[COMMAND] == PAUSE:
                time.sleep(PAUSE_POLL)
            self._words[STATE] = before
        if self._words[COMMAND] == CANCEL:
            raise StoppedError


class Control:
    """The whole shared area: memory, or an unlinked file, mapped by the engine and by every worker."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._map = mmap.mmap(fd, SLOTS * SLOT_BYTES)
        self._words = memoryview(self._map).cast("Q")

    @classmethod
    def create(cls) -> "Control":
        """A new, zeroed area."""
        if hasattr(os, "memfd_create"):
            fd = os.memfd_create("lading")
            os.ftruncate(fd, SLOTS * SLOT_BYTES)
            return cls(fd)
        import tempfile

        with tempfile.TemporaryFile() as file:
            # Written, not only sized: touching a hole on a full disk would end the process (SIGBUS).
            file.write(bytes(SLOTS * SLOT_BYTES))
            file.flush()
            return cls(os.dup(file.fileno()))

    def slot(self, number: int) -> Slot:
        """The slot of worker `number`."""
        return Slot(self._words[number * WORDS : (number + 1) * WORDS])

    def clear(self, number: int) -> None:
        """Set all words of a slot to zero, for a new worker."""
        for word in range(WORDS):
            self._words[number * WORDS + word] = 0

    def close(self) -> None:
        """Give back the descriptor; the mapping goes with the last slot."""
        os.close(self.fd)
