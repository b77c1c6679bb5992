"""One run of an import: the state that its stages share, and how it is paused and resumed."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec

from core import archive_layout
from core.archives.archive import Archive
from core.archives.dedup import Dedup
from core.catalog import Catalog, ImportRow, Item
from core.catalog.checksum_lists import FileChecksum
from core.catalog.failures import delete_failures, insert_failures
from core.importing.counters import Cause, Counters
from core.importing.halt_reasons import CONGESTION
from core.importing.import_files import Settled, Todo
from core.importing.run_workers import RunWorkers
from core.media.frames import frame
from core.models import Outcome, Side, State, Unopenable, Verdict
from core.paths import relative
from core.queue import enqueue
from core.volumes.filesystems import StorageKind
from core.workers import messages
from core.workers.messages import Source

if TYPE_CHECKING:
    from core.importing.leader import Leader

ChooseLeader = Callable[["Run", AsyncExitStack], Awaitable["Leader | None"]]
"""Returns the leader that a run follows now, whose archive stays open as long as the stack; None: the run reads
the source."""


class ListingState(msgspec.Struct):
    """The progress of the listing, and what it has found."""

    newest_before: int
    """File rows with ids up to this one are of earlier listings or other imports."""
    complete: bool = False
    linked: bool = False
    """Whether links between the listed files are recorded."""
    left_out: Counter[str] = msgspec.field(default_factory=Counter)
    """Entries listed in this run, by sort (core.media.left_out)."""
    far: int = 0
    """Entries listed in this run whose time the catalog's column cannot hold (core.files.times)."""
    lists: int = 0
    """Checksum lists found in this run."""
    unkept: set[int] = msgspec.field(default_factory=set)
    """Files of this volume that earlier runs archived without some of their extended attributes."""

    def begin_anew(self, newest: int) -> None:
        """Reset the progress, because the source is about to be listed once more. `newest`: the id of the newest
        file row so far."""
        self.newest_before = newest
        self.complete = self.linked = False
        self.left_out.clear()
        self.far = 0


class VerdictFacts(msgspec.Struct):
    """What a run finds out for its verdict.

    by_choice: it is KEEP, but only because of the user's choices. otherwise: the verdict, with its reason, that
    holds once a person accepts what differs from an earlier import; None: nothing differs. copies_only: it would
    be SAFE if there were enough copies, and what differs were accepted. note: what a person accepted beforehand,
    the reason that goes with SAFE. ruined: archived files that had been read back well and differed when they were
    read again in this run.
    """

    by_choice: bool = False
    otherwise: tuple[Verdict, str] | None = None
    copies_only: bool = False
    note: str = ""
    unopenable: Unopenable = Unopenable()
    ruined: int = 0


class Run:
    """The state of one run, which all its stages share."""

    def __init__(
        self,
        row: ImportRow,
        archive: Archive,
        dedup: Dedup,
        source: Source,
        catalog: Catalog,
        workers: RunWorkers,
    ) -> None:
        self.row = row
        self.request = row.request()
        self.archive = archive
        self.dedup = dedup
        self.source = source
        self.catalog = catalog
        self.workers = workers
        self.counters = Counters()
        self.listing = ListingState(catalog.last_file_id)
        self.verdict = VerdictFacts()
        self.began = time.monotonic()
        self.network = archive.filesystem.kind is StorageKind.NETWORK
        self.staging = archive_layout.staging(row.name, row.runs)
        self.scope = row.location_id if self.request.duplicates == "location" else None
        self.source_wanted = True
        """Whether the source is still to be read or listed."""
        self.source_here = True
        """Whether the source was present when the run began. An import that follows another one does not need
        it."""
        self.reads_source = False
        """Whether this is the import of its group that reads the source."""
        self.lost_leaders: set[str] = set()
        """The names of leaders whose archives did not answer while this import followed them."""
        self.choose_leader: ChooseLeader | None = None
        """Chooses the import of the group that this one follows now; None: this import is in no group."""
        self.leader: Leader | None = None
        """The import that this one follows now; None: none."""
        self.judged_by: ImportRow | None = None
        """The leader whose verdict this import uses, because it followed that leader to its end; else None."""
        self.followers: set[asyncio.Event] = set()
        """Events of the imports that follow this one, set whenever it has settled more files, or has ended."""
        self.ended: State | None = None
        """The state that the run has ended in; None while it runs."""
        self.readable_file = b""
        """A file of the source that could be read; empty: none yet."""
        self.only_selected = False
        """Whether only some of the failed files are tried again; the others stay failed."""
        self.warnings: dict[str, str] = {}
        """The warnings that are shown, by their subjects."""
        if archive.filesystem.warning:
            self.warn(f"The archive: {archive.filesystem.warning}")
        self.retried = False
        """Whether files that had failed are tried again: those are read from the source."""
        self.resumed = False
        """Whether an earlier run, or this one before a pause, has settled files."""
        self.pauses = 0
        """How often a pause was asked for, also while this run was paused."""
        self.resumes = 0
        """How often this run was resumed."""
        self.added: Callable[[], None] = lambda: None
        """Called after jobs were added."""
        self.journal_turn = asyncio.Lock()
        """Held by the stage that writes to the journal."""
        self.entering = asyncio.Lock()
        """Held while entries of the source are compared with the file rows and entered, and while a person's
        retry changes these."""
        self.following: set[int] = set()
        """Ids of files that wait for another file with the same content."""
        self.followed = asyncio.Event()
        """Set when a pending duplicate is decided, or failed files are set to be tried again."""
        self._recorded = 0

    # Counting

    def progress_marks(self) -> tuple[int, ...]:
        """Numbers for the watchdog: at least one of them changes with any progress."""
        counters, workers = self.counters, self.workers
        todo, seen = counters.counts[Outcome.TODO], counters.counted(*Outcome)
        return (*workers.bytes_moved(), *todo, seen.files, *workers.beats())

    def may_pass(self, fault: messages.Fault) -> bool:
        """Whether a fault may be due to congestion or a short absence of a server: clients report EIO for many
        causes."""
        return self.network and fault.side == Side.ARCHIVE and fault.code in CONGESTION

    def from_record(self, todo: Todo) -> bool:
        """Whether a known file is taken from the record without reading it. It is read if a checksum list has a
        checksum of it that the record lacks."""
        return self.request.known == "record" and not todo.also

    async def record_read(self) -> None:
        """Add to the catalog the bytes that were read from the source since the last call."""
        read = self.workers.bytes_moved()[0]
        since, self._recorded = read - self._recorded, read
        await self.catalog.add_read(self.row.id, since)

    async def recount(self) -> None:
        """Set the counters from the catalog."""
        totals = await self.catalog.totals(self.row.id)
        self.counters.counts = {outcome: list(totals.get(outcome, (0, 0))) for outcome in Outcome}
        if self.counters.counted(Outcome.ARCHIVED).files:
            self.counters.levels |= await self.catalog.levels(self.row.id)
        if self.only_selected:
            self.counters.causes = {
                cause: Cause(count, relative(self.row.root, path), side, code)
                for cause, count, path, side, code in await self.catalog.reasons(self.row.id)
            }

    async def settle(self, items: list[Item], files: list[Settled]) -> None:
        """Commit new items, their jobs and the results for files, then update the counters."""
        new = [(self.archive.id, item) for item in items]
        frames = {file.item_id for file in files if file.item_id is not None and frame(file.todo.path)}
        await self.catalog.settle(
            new,
            [(f.todo.id, f.outcome, f.item_id, f.reason, f.size, f.mtime_ns, f.kind, f.sort) for f in files],
            [
                *enqueue.of_items(new, self.row.id, frames),
                *insert_failures([file.failure for file in files if file.failure]),
                *delete_failures([file.todo.id for file in files if not file.failure]),
                *self.catalog.unkept_statement([file.todo.id for file in files if file.unkept]),
                *self.catalog.differing_statement(_differing(files)),
                *self.catalog.compared(self.row.id, _compared(files)),
                *(
                    self.catalog.hand_on(self.row.id, [(f.todo.id, f.facts) for f in files])
                    if self.row.together
                    else ()
                ),
            ],
        )
        self.added()
        self.tell_followers()
        self.counters.levels.update(item.level for item in items)
        for file in files:
            if file.reason and file.failure:
                self.counters.failed(file.reason, file.todo.path, file.failure.side, file.failure.code)
            self.counters.count(Outcome.TODO, file.todo.size, -1)
            self.counters.count(file.outcome, file.size)

    def warn(self, text: str, about: str = "") -> None:
        """Show a warning. It replaces an earlier one that is `about` the same subject, or, without `about`, one
        that has the same text."""
        self.warnings[about or text] = text

    def tell_followers(self) -> None:
        """Wake the imports that follow this one."""
        for news in self.followers:
            news.set()

    # Control

    @property
    def paused(self) -> bool:
        """Whether the run waits for `resume`."""
        return self.workers.paused

    def pause(self) -> None:
        """Stop reading and writing within one block, and release the places at limits."""
        self.pauses += 1
        if not self.paused:
            self.workers.pause()
            self.dedup.paused(self)

    def resume(self) -> None:
        """Continue where `pause` stopped."""
        if self.paused:
            self.resumed = True
            self.resumes += 1
            self.workers.resume()


def _compared(files: list[Settled]) -> list[FileChecksum]:
    return [
        FileChecksum(file.todo.id, file.todo.path, algorithm, found)
        for file in files
        for algorithm, found in file.checksums.items()
    ]


def _differing(files: list[Settled]) -> Iterable[tuple[int, int, float]]:
    return ((f.todo.id, before.item, before.imported) for f in files if f.item_id and (before := f.todo.before))
