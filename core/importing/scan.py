"""Lists a source into the catalog: one row for each entry; earlier imports are looked up by path, size and
time."""

import asyncio
import errno
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager
from typing import Protocol, TypeVar

from core.aio import time_limit
from core.catalog import FailureRow, FileRow, SeenRow
from core.catalog.failures import LIST
from core.errors import WorkerDiedError
from core.importing import checksum_lists
from core.importing.halt_reasons import HaltError, away, halt_for
from core.importing.import_run import Run
from core.media import left_out
from core.models import IN_ARCHIVE, Outcome, Waits
from core.paths import join
from core.workers import archive_messages, messages, source_messages
from core.workers.pool import TaskFailedError
from core.workers.source_messages import Entry

OUTCOMES = {
    "file": Outcome.TODO,
    "skipped": Outcome.SKIPPED,
    "litter": Outcome.LITTER,
    "failed": Outcome.FAILED,
}
TOO_LARGE = "archive: larger than its file system can hold (FAT32: 4 GiB)"
"""Cause for a file that is not tried, until the source is listed again or a person retries it."""

SCAN_ATTEMPTS = 3
"""How often a listing is tried when its worker dies."""


ANSWER = 20.0
"""Seconds until a page of a listing times out while the import is paused, since the watchdog rests then."""

R = TypeVar("R")


class AskWorker(Protocol):
    """Asks a worker, and returns its reply."""

    async def __call__(self, request: messages.Request, wanted: type[R], /) -> R:
        """Raises what `Worker.ask` raises, and TimeoutError."""


@asynccontextmanager
async def asking(run: Run, *, paused: bool) -> AsyncIterator[AskWorker]:
    """Borrow a worker of a run; with `paused`, one that also works while the run is paused, for ANSWER seconds at
    most a request. Raises HaltError, WorkerDiedError."""
    async with run.workers.pool.worker(run.row.name) if paused else run.workers.worker([]) as worker:

        async def ask(request: messages.Request, wanted: type[R]) -> R:
            if not paused:
                return await run.workers.ask(worker, request, wanted)
            async with time_limit(ANSWER):
                return await worker.ask(request, wanted)

        yield ask


async def listing(
    run: Run, source: messages.Source, only: bytes, *, paused: bool = False
) -> AsyncGenerator[list[Entry], None]:
    """Pages of the entries of a source; to be closed by the caller. The worker is free again before the last one.
    With `paused` it also works while the run is paused. Raises HaltError, WorkerDiedError.
    """
    place = run.archive.place
    request = source_messages.ListTree(
        source,
        only,
        ((place.device, place.inode),),
        run.request.exclude,
        run.request.libraries,
        run.request.icloud,
    )
    async with asking(run, paused=paused) as ask:
        try:
            reply = await ask(request, source_messages.Listed)
            while reply.more:
                # The worker lists the next page while this one is processed.
                following = asyncio.create_task(ask(source_messages.ListMore(), source_messages.Listed))
                try:
                    yield reply.entries
                    reply = await following
                finally:
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)
        except TaskFailedError as error:
            raise halt_for(error.fault, run) or HaltError(
                f"the source cannot be listed: {error.fault.text}", "Check the card or disk, then resume."
            ) from error
        except TimeoutError as error:
            raise away(run, Waits.SOURCE) from error
    yield reply.entries


async def intake(run: Run, more: asyncio.Event) -> None:
    """List the source into the catalog; `more` is set whenever more files are to do. Raises HaltError."""
    run.listing.unkept = await run.catalog.unkept_files(run.row.volume_id)
    for attempt in range(1, SCAN_ATTEMPTS + 1):
        run.listing.left_out.clear()
        run.listing.far = 0
        try:
            async with aclosing(listing(run, run.source, run.row.single)) as pages:
                async for entries in pages:
                    await checksum_lists.take_up(run, entries)
                    await enter(run, entries)
                    more.set()
            break
        except WorkerDiedError as error:
            if attempt == SCAN_ATTEMPTS:
                raise HaltError(f"the source cannot be listed: {error.cause}", "Resume it.") from error
    await all_listed(run)
    more.set()


async def all_listed(run: Run) -> None:
    """All entries of the source are entered: mark the listing as complete, and add the warnings about it."""
    run.listing.complete = True
    _warn(run)
    await _check_room(run)
    await run.catalog.set_import(run.row.id, listed=1)


def _warn(run: Run) -> None:
    """Add warnings about entries that are archived only on request, so that the verdict will be KEEP, and about
    far times."""
    counts = run.listing.left_out
    for why in left_out.ON_REQUEST:
        if count := counts[why.sort]:
            run.warn(f"{count:,} {why.reason}.", about=why.reason)
    if run.listing.far:
        run.warn(far_times(run.listing.far), about="far times")


def far_times(count: int) -> str:
    """The warning about files and folders whose time the catalog's column cannot hold."""
    return (
        f"{count:,} with a time outside the years 1677 to 2262: archived as all others, and shown with the "
        "nearest time; the journal has the exact one."
    )


async def _check_room(run: Run) -> None:
    """Warn early that the archive will be too small, unless enough files are duplicates."""
    needed = run.counters.counted(Outcome.TODO).bytes
    try:
        async with run.workers.worker([]) as worker:
            room = await run.workers.ask(
                worker, archive_messages.Space(run.archive.place), archive_messages.SpaceFound
            )
    except (TaskFailedError, WorkerDiedError):
        return  # an archive that fails is reported by the transfers
    # An import that followed another one may have listed the source before.
    run.warnings.pop("room", None)
    if room.available is not None and needed > room.available:
        run.warn(
            f"The archive has {room.available:,} bytes free, and {needed:,} are still to come: unless many are "
            "duplicates, the import will pause when it is full.",
            about="room",
        )


async def enter(run: Run, entries: list[Entry], unlisted: Collection[bytes] = ()) -> None:
    """Enter entries of the source into the catalog. `unlisted`: those of the folders that could not be listed, if
    that was entered before."""
    async with run.entering:
        await _enter(run, entries, unlisted)


async def _enter(run: Run, entries: list[Entry], unlisted: Collection[bytes]) -> None:
    row = run.row
    # A folder that is renamed or refilled during the listing may give one name twice.
    by_path = {(entry.path, entry.what == "folder"): entry for entry in entries}
    files = [entry for entry in by_path.values() if entry.what != "folder"]
    folders = [entry for entry in by_path.values() if entry.what == "folder"]
    paths = [join(row.root, path) for path, _ in by_path]
    undecided = set(run.following)
    seen = await run.catalog.seen(row.volume_id, paths, row.archive_id)
    new: list[FileRow] = []
    changed: list[FileRow] = []
    failed: list[FailureRow] = []
    for entry in files:
        path = join(row.root, entry.path)
        before = seen.get(path, [])
        mine = next((found for found in before if found.import_id == row.id), None)
        outcome, reason, why = OUTCOMES[entry.what], entry.reason, (LIST, 0, "source", entry.code)
        run.listing.left_out[entry.sort] += 1
        largest = run.archive.filesystem.largest_file
        if outcome is Outcome.TODO and largest is not None and entry.size > largest:
            outcome, reason, why = Outcome.FAILED, TOO_LARGE, ("copy", 0, "archive", errno.EFBIG)
        if mine is not None and (mine.id > run.listing.newest_before or mine.id in undecided):
            continue  # entered by a listing that broke off, or a pending duplicate; it may be settled by now
        if mine is not None and Outcome(mine.outcome) in IN_ARCHIVE:
            continue  # an earlier run of this import archived it; if it differs now, the verdict reports that
        if run.only_selected and mine is not None and mine.outcome == Outcome.FAILED and outcome is Outcome.TODO:
            continue  # only selected files are tried again
        item = _known_item(before, entry, run) if outcome is Outcome.TODO else None
        made = FileRow(
            mine.id if mine else run.catalog.new_file_id(),
            row.id,
            row.volume_id,
            path,
            entry.stem,
            entry.size,
            entry.mtime_ns,
            entry.kind,
            outcome,
            item,
            reason or None,
            entry.sort,
            entry.target or None,
        )
        if mine is None:
            new.append(made)
        else:
            changed.append(made)
            run.counters.count(Outcome(mine.outcome), mine.size, -1)
        run.counters.count(outcome, entry.size)
        if outcome is Outcome.FAILED:
            failed.append(FailureRow(made.id, *why))
            run.counters.failed(reason, entry.path, *why[2:])
    # A folder that cannot be listed is an entry of the folder above, too.
    listed_now = [one for one in folders if one.path not in unlisted and (one.path, False) not in by_path]
    gone = _listed_after_all(run, listed_now, seen)
    far = [(row.id, entry.path, entry.far) for entry in by_path.values() if entry.far]
    run.listing.far += len(far)
    listed = [(row.id, entry.path, entry.mtime_ns) for entry in folders]
    await run.catalog.enter(new, changed, listed, gone, far, failed)


def _listed_after_all(run: Run, folders: list[Entry], seen: dict[bytes, list[SeenRow]]) -> list[int]:
    """Ids of rows that an earlier run made for folders that it could not list, and that are listed now."""
    gone: list[int] = []
    for entry in folders:
        for row in seen.get(join(run.row.root, entry.path), []):
            failed = row.import_id == run.row.id and row.outcome == Outcome.FAILED
            if failed and row.id <= run.listing.newest_before:
                run.counters.count(Outcome.FAILED, row.size, -1)
                gone.append(row.id)
    return gone


def same(row: SeenRow, entry: Entry) -> bool:
    """Whether an entry has the same size and time as a row."""
    return (row.size, row.mtime_ns) == (entry.size, entry.mtime_ns)


def _known_item(rows: list[SeenRow], entry: Entry, run: Run) -> int | None:
    """The item of the newest earlier import with the same path, if size and time are the same, too; else None.

    Also None when that import could not keep all extended attributes: this one may be able to.
    """
    for row in reversed(rows):
        if row.import_id != run.row.id and row.item_id is not None and Outcome(row.outcome) in IN_ARCHIVE:
            return row.item_id if same(row, entry) and row.id not in run.listing.unkept else None
    return None
