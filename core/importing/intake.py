"""Intake: everything below the source becomes a row, known files told from new ones by name, size and time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from core.catalog import FileRow, SeenRow, beside
from core.errors import WorkerDiedError
from core.importing.halting import HaltError, halt_for
from core.importing.run import Run
from core.models import Outcome
from core.workers import messages
from core.workers.listing import ICLOUD, LIBRARY
from core.workers.messages import Entry
from core.workers.pool import TaskFailedError

OUTCOMES = {
    "file": Outcome.TODO,
    "skipped": Outcome.SKIPPED,
    "litter": Outcome.LITTER,
    "failed": Outcome.FAILED,
}
FINAL = (Outcome.ARCHIVED, Outcome.DUPLICATE)
TOO_LARGE = "archive: larger than its file system can hold (FAT32: 4 GiB)"

ATTEMPTS = 3
"""How often a listing is begun whose worker died."""


async def listing(run: Run, source: messages.Source, only: bytes) -> AsyncGenerator[list[Entry], None]:
    """The entries of a source, some at a time; to be closed by the caller. Raises HaltError, WorkerDiedError."""
    place = run.archive.place
    request = messages.ListTree(
        source,
        only,
        ((place.device, place.inode),),
        run.request.exclude,
        run.request.libraries,
        run.request.icloud,
    )
    async with run.worker([]) as worker:
        try:
            reply = await run.ask(worker, request, messages.Listed)
            while reply.more:
                # The worker lists on while these are dealt with.
                following = asyncio.create_task(run.ask(worker, messages.ListMore(), messages.Listed))
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


async def intake(run: Run, more: asyncio.Event) -> None:
    """List the source into the catalog; `more` is set whenever there is more to do. Raises HaltError."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with aclosing(listing(run, run.source, run.row.single)) as pages:
                async for entries in pages:
                    await _enter(run, entries)
                    more.set()
            break
        except WorkerDiedError as error:
            if attempt == ATTEMPTS:
                raise HaltError(f"the source cannot be listed: {error.cause}", "Resume it.") from error
    run.listed = True
    _warn_left_out(run)
    await _check_room(run)
    await run.catalog.set_import(run.row.id, listed=1)
    more.set()


def _warn_left_out(run: Run) -> None:
    """Say what is left out because nobody has asked for it: the verdict will be KEEP."""
    run.warnings += [f"{count:,} {reason}." for reason in (LIBRARY, ICLOUD) if (count := run.left_out[reason])]


async def _check_room(run: Run) -> None:
    """Warn as soon as it is known that the archive will be too small, unless enough proves to be duplicates."""
    needed = run.counted(Outcome.TODO).bytes
    try:
        async with run.worker([]) as worker:
            room = await run.ask(worker, messages.Space(run.archive.place), messages.Room)
    except (TaskFailedError, WorkerDiedError):
        return  # what is wrong with the archive shows when files go there
    if room.available is not None and needed > room.available:
        run.warnings.append(
            f"The archive has {room.available:,} bytes free, and {needed:,} are still to come: unless many are "
            "duplicates, the import will pause when it is full."
        )


async def _enter(run: Run, entries: list[Entry]) -> None:
    row = run.row
    # A folder that is renamed or refilled meanwhile may give one name twice.
    by_path = {(entry.path, entry.what == "folder"): entry for entry in entries}
    files = [entry for entry in by_path.values() if entry.what != "folder"]
    folders = [entry for entry in by_path.values() if entry.what == "folder"]
    paths = [beside(row.root, path) for path, _ in by_path]
    seen = await run.catalog.seen(row.volume_id, paths, row.archive_id)
    new: list[FileRow] = []
    changed: list[FileRow] = []
    for entry in files:
        path = beside(row.root, entry.path)
        before = seen.get(path, [])
        mine = next((found for found in before if found.import_id == row.id), None)
        outcome, reason = OUTCOMES[entry.what], entry.reason
        run.left_out[reason] += outcome is Outcome.SKIPPED
        largest = run.archive.filesystem.largest_file
        if outcome is Outcome.TODO and largest is not None and entry.size > largest:
            outcome, reason = Outcome.FAILED, TOO_LARGE
        if mine is not None and mine.id > run.newest_before:
            continue  # entered by a listing that broke off; it may be settled by now
        if mine is not None and Outcome(mine.outcome) in FINAL and outcome is Outcome.TODO and _same(mine, entry):
            continue  # an earlier run of this import brought it in
        if run.some and mine is not None and mine.outcome == Outcome.FAILED and outcome is Outcome.TODO:
            continue  # only others are tried again
        item = _known(before, entry, row.id) if outcome is Outcome.TODO else None
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
        )
        if mine is None:
            new.append(made)
        else:
            changed.append(made)
            run.count(Outcome(mine.outcome), mine.size, -1)
        run.count(outcome, entry.size)
        if outcome is Outcome.FAILED:
            run.failed(reason, entry.path)
    gone = _listed_after_all(run, folders, seen)
    await run.catalog.enter(new, changed, [(row.id, entry.path, entry.mtime_ns) for entry in folders], gone)


def _listed_after_all(run: Run, folders: list[Entry], seen: dict[bytes, list[SeenRow]]) -> list[int]:
    """Rows that an earlier run made of folders that it could not list."""
    gone: list[int] = []
    for entry in folders:
        for row in seen.get(beside(run.row.root, entry.path), []):
            failed = row.import_id == run.row.id and row.outcome == Outcome.FAILED
            if failed and row.id <= run.newest_before:
                run.count(Outcome.FAILED, row.size, -1)
                gone.append(row.id)
    return gone


def _same(row: SeenRow, entry: Entry) -> bool:
    return (row.size, row.mtime_ns) == (entry.size, entry.mtime_ns)


def _known(rows: list[SeenRow], entry: Entry, import_id: int) -> int | None:
    """The item that an earlier import made of the same path, size and time; the newest counts."""
    for row in reversed(rows):
        if row.import_id != import_id and row.item_id is not None and Outcome(row.outcome) in FINAL:
            return row.item_id if _same(row, entry) else None
    return None
