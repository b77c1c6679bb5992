"""State that all steps of one mirror share: its two archives, its workers, what was brought, what is lacking."""

import errno
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core import archive_layout
from core.archives.archive import Archive
from core.archives.liveness import answer, of_archive
from core.catalog import Catalog, Item
from core.concurrency import Limit
from core.errors import ArchiveAwayError, ArchiveError
from core.models import Count
from core.paths import display
from core.workers import shared_memory
from core.workers.messages import Fault
from core.workers.pool import Pool, TaskFailedError, Worker

NAMED = 1000
"""The most files that a result names."""

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class MirrorRun:
    """A mirror in one direction: `target` gets what it lacks and `source`, another copy of the archive, has."""

    def __init__(
        self, source: Archive, target: Archive, catalog: Catalog, pool: Pool, copy: Limit, verify: Limit
    ) -> None:
        self.source = source
        self.target = target
        self.catalog = catalog
        self.pool = pool
        self.copy = copy
        self.verify = verify
        self.name = f"mirror-{secrets.token_hex(6)}"
        self.staging = archive_layout.staging(self.name, 1)
        self.total = Count()
        """(files, bytes) of all items of the archive."""
        self.held = [0, 0]
        """[items, bytes] known to be intact in the target."""
        self.brought = [0, 0]
        """[payload files, bytes] that this run has brought."""
        self.others = 0
        """Files other than payload that this run has brought."""
        self.lacking: list[tuple[str, str]] = []
        """(path, why) of files that the target still lacks, at most NAMED."""
        self.lacking_count = 0
        self.open_bags: list[str] = []
        """Folders of locations whose bag could not be brought up to date, with the reason."""
        self.locations: set[str] = set()
        """Folders of locations that received files."""
        self.on_the_way = 0
        self.trouble = ""
        self.in_flight: dict[Worker, str] = {}
        self._begun: dict[Worker, tuple[int, int, int]] = {}
        self._moved = [0, 0, 0]

    @asynccontextmanager
    async def worker(self, path: str = "") -> AsyncIterator[Worker]:
        """Borrow a worker; `path` is the file it works on. Raises WorkerDiedError, OSError."""
        async with self.pool.worker(self.name) as worker:
            self.in_flight[worker] = path
            self._begun[worker] = _counters(worker)
            try:
                yield worker
            except TaskFailedError:
                raise  # the worker has released everything itself
            except BaseException:
                worker.kill()  # a batch that it still holds would keep the volumes busy
                raise
            finally:
                del self.in_flight[worker]
                self._moved = self._with(worker, self._begun.pop(worker))

    def _with(self, worker: Worker, before: tuple[int, int, int]) -> list[int]:
        return [sum_ + now - then for sum_, now, then in zip(self._moved, _counters(worker), before, strict=True)]

    def bytes_moved(self) -> tuple[int, int, int]:
        """(read, written, verified) bytes so far."""
        moved = list(self._moved)
        for worker, before in self._begun.items():
            now = _counters(worker)
            moved = [sum_ + a - b for sum_, a, b in zip(moved, now, before, strict=True)]
        return moved[0], moved[1], moved[2]

    def progress_marks(self) -> tuple[int, ...]:
        """Numbers of which at least one changes with any progress."""
        beats = (worker.slot.get(shared_memory.BEAT) for worker in self.in_flight)
        return (*self.bytes_moved(), *self.held, self.others, self.lacking_count, *beats)

    def lack(self, path: str, why: str) -> None:
        """Report a file that the target does not get."""
        self.lacking_count += 1
        if len(self.lacking) < NAMED:
            self.lacking.append((display(path), why))

    async def proven(self, found: list[tuple[Item, str]]) -> None:
        """Record that these items were read back well in the target, each at the given level."""
        now = time.time()
        results = [(item.id, level, now, None) for item, level in found]
        await self.catalog.read_again(results, self.target.copy.number)
        self.held[0] += len(found)
        self.held[1] += sum(item.size for item, _ in found)

    async def give_up(self, fault: Fault) -> None:
        """Raise ArchiveError if a fault means that the mirror cannot continue; else return."""
        if fault.code in NO_SPACE:
            raise ArchiveError(
                f"{display(self.target.place.root)} is full ({fault.text}).",
                "Make room there; the same command goes on where it stopped.",
            )
        if fault.code == errno.EROFS:
            raise ArchiveError(
                f"{display(self.target.place.root)} is read-only.", "Make it writable; then mirror again."
            )
        if fault.lost:
            await self.who_is_away()
            raise ArchiveAwayError(f"an archive does not answer: {fault.text}.", GOES_ON)

    async def who_is_away(self) -> None:
        """Raise ArchiveAwayError when one of the two archives does not answer."""
        for archive in (self.target, self.source):
            if await answer(self.pool, *of_archive(archive.place)) is not None:
                raise ArchiveAwayError(f"{display(archive.place.root)} does not answer any more.", GOES_ON)


GOES_ON = "Plug it in or mount it again; the same command goes on where it stopped."


def _counters(worker: Worker) -> tuple[int, int, int]:
    slot = worker.slot
    return slot.get(shared_memory.READ), slot.get(shared_memory.WRITTEN), slot.get(shared_memory.VERIFIED)
