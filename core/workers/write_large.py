"""Writes a large file to staging while it is read."""

from core.files import fsync
from core.workers.batch import Batch, BatchEntry
from core.workers.dir_fds import write_all
from core.workers.shared_memory import WRITTEN, Slot

WRITE_BACK_STEP = 32 << 20
"""Bytes between two requests to the kernel to start writing a large file's pages back."""


class WriteError(Exception):
    """Writing to the archive failed during a copy."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class LargeWriter:
    """Writes a large file, and starts write-back in steps, so that the flush at the end is short. Called with each
    block of the file; raises WriteError."""

    def __init__(self, batch: Batch, held: BatchEntry, slot: Slot) -> None:
        self.batch = batch
        self._held = held
        self._slot = slot
        self._since = 0
        self._begun = False

    def restart(self) -> None:
        """Start from the first byte again. Raises WriteError."""
        if self._begun:
            try:
                self.batch.recreate(self._held)
            except OSError as error:
                raise WriteError(error) from error
        self._begun = False
        self._since = 0

    def __call__(self, data: memoryview) -> None:
        self._begun = True
        try:
            write_all(self._held.fd, data)
        except OSError as error:
            raise WriteError(error) from error
        self._slot.add(WRITTEN, len(data))
        self._since += len(data)
        if self._since >= WRITE_BACK_STEP:
            fsync.start_write_back(self._held.fd)
            self._since = 0
