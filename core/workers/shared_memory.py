"""Shared memory between the engine and its workers: commands in one direction, counters in the other."""

import mmap
import os
import time
from collections.abc import Callable

# One slot per worker, with sixteen words of 64 bits. Each word has one writer.
SLOT_WORDS = 16
SLOT_BYTES = SLOT_WORDS * 8
SLOTS = 1024

COMMAND, STATE, BEAT, READ, WRITTEN, VERIFIED, SIZE, POSITION, STAGE, PACE, CPU = range(11)

RUN, PAUSE, CANCEL = 0, 1, 2
IDLE, BUSY, PAUSED = 0, 1, 2

STAGES = ("", "scan", "hash", "copy", "flush", "verify", "publish", "list", "audit")

BLOCK = 1 << 20
"""Bytes between two checks of the command word."""

PAUSE_POLL = 0.02
"""Seconds between two checks while waiting."""


class CancelledByEngineError(Exception):
    """The engine cancelled this worker's task."""


class Slot:
    """One worker's words. The engine writes COMMAND and PACE, the worker all others.

    PACE is the most bytes per second to read from a source; 0: no limit. CPU is the processor time of all threads
    of the worker, in nanoseconds.
    """

    def __init__(self, words: memoryview) -> None:
        self._words = words
        self.on_pause: list[Callable[[], None]] = []
        """Functions that close descriptors on a source; they must not raise."""
        self._ahead = 0.0
        """Bytes that were read faster than PACE allows."""
        self._counted = 0.0
        """Until when (monotonic clock) PACE was deducted from `_ahead`."""

    def get(self, word: int) -> int:
        """The value of `word`."""
        return int(self._words[word])

    def set(self, word: int, value: int) -> None:
        """Store `value` in `word`."""
        self._words[word] = value

    def add(self, word: int, amount: int) -> None:
        """Add `amount` to `word`, and show that the worker is alive."""
        self._words[word] += amount
        self._words[CPU] = time.process_time_ns()
        self._words[BEAT] += 1

    def begin(self, stage: str, size: int = 0) -> None:
        """Record the stage that the worker begins, and how many bytes it has."""
        self._words[STAGE] = STAGES.index(stage)
        self._words[SIZE] = size
        self._words[POSITION] = 0
        self._words[BEAT] += 1

    def advance(self, word: int, amount: int) -> None:
        """Add `amount` bytes to `word` and to the position in the current file."""
        self._words[POSITION] += amount
        self.add(word, amount)
        if word == READ and self._words[PACE]:
            if not self._ahead:
                self._counted = time.monotonic()
            self._ahead += amount

    def let_go(self) -> None:
        """Close the descriptors that are closed for a pause."""
        for close in self.on_pause:
            close()

    def checkpoint(self) -> None:
        """Wait here while paused, and while reading is ahead of PACE. Raises StoppedError when cancelled.

        Descriptors on the source are closed before a pause (`on_pause`), so that a card can be ejected.
        """
        while self._ahead and self._words[COMMAND] == RUN:
            # PACE is read each time, so that a worker does not sleep for a limit that was raised.
            now, pace = time.monotonic(), self._words[PACE]
            self._ahead = max(0.0, self._ahead - (now - self._counted) * pace) if pace else 0.0
            self._counted = now
            if self._ahead:
                self._words[BEAT] += 1
                time.sleep(min(self._ahead / pace, PAUSE_POLL))
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
            raise CancelledByEngineError


class Control:
    """The whole shared memory: anonymous, or an unlinked file, mapped by the engine and by every worker."""

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
            # The bytes are written, because touching a hole on a full disk would end the process (SIGBUS).
            file.write(bytes(SLOTS * SLOT_BYTES))
            file.flush()
            return cls(os.dup(file.fileno()))

    def slot(self, number: int) -> Slot:
        """The slot of worker `number`."""
        return Slot(self._words[number * SLOT_WORDS : (number + 1) * SLOT_WORDS])

    def clear(self, number: int) -> None:
        """Set all words of a slot to zero, for a new worker."""
        for word in range(SLOT_WORDS):
            self._words[number * SLOT_WORDS + word] = 0

    def close(self) -> None:
        """Close the descriptor; the mapping is freed with the last slot."""
        os.close(self.fd)
