"""One restore: archived files are copied to a folder of the user's, verified while copied; nothing is replaced."""

import asyncio
import errno
import json
import os
import secrets
import time
import unicodedata
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

from core import paths
from core.aio import first_error, to_the_end
from core.concurrency import Limit
from core.database import Read
from core.errors import LadingError, UsageError, WorkerDiedError
from core.files import noreplace
from core.models import IN_ARCHIVE, Count, RestoreOptions, Side
from core.paths import display
from core.restoring import selection
from core.restoring.naming import Naming
from core.restoring.placing import Placing, placing
from core.restoring.selection import Found, SourceTree
from core.results import RestoreResult
from core.workers import messages, restore_messages, shared_memory
from core.workers.messages import Fault, Place
from core.workers.pool import Pool, TaskFailedError, Worker
from core.workers.restore_messages import Restored, Target, ToRestore

TOGETHER, BYTES = 256, 64 << 20
"""The most files and bytes in one request, unless a single file is larger."""

NAMED = 1000
"""The most files of each sort that a result names."""

TICK = 0.25
"""Seconds between two reports of the progress."""

Progress = Callable[[Count, Count], None]
"""Called with what has been done so far, and with the total."""

Result = tuple[bytes, bool, Fault | None]
"""A file's path at the destination, whether it was there already, and the fault, as in `Restored`."""

# Errors for a name that the file system cannot hold: exFAT through FUSE answers ENOENT.
_NAMES = frozenset({errno.EINVAL, errno.EILSEQ, errno.ENOENT})

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


Fetch = Callable[[Collection[str], bytes, Callable[[int], None]], Awaitable[LadingError | None]]
"""Brings payload, by its paths below the archive's root, from a remote into a folder, below which it has the same
paths. The last argument is called with the bytes brought so far. What could not be brought is left out; the error
says why."""


class RestoreError(LadingError):
    """The restore cannot continue: archive or destination does not answer, or the destination is full."""

    title = "Not restored"


class Restore:
    """One restore of some trees into one folder. After an interruption, the next restore skips what is there
    already.

    archive: where to read from; a remote if `fetch` is given, of which only files that the destination lacks are
    brought into the destination's staging, a request's at a time.
    """

    def __init__(self, read: Read, pool: Pool, copy: Limit, archive: Place, fetch: Fetch | None = None) -> None:
        self.doubtful: set[bytes] = set()
        """XXH3-128 of files that the archive could not give as they were archived; not of a remote's."""
        self._read = read
        self._pool = pool
        self._copy = copy
        self._archive = archive
        self._fetch = fetch
        self._brought: dict[str, int] = {}
        """Bytes brought from a remote for the requests that are under way, by the names of their folders."""
        self._done = [0, 0]
        self._copied = [0, 0]
        self._there = [0, 0]
        self._at_work: dict[Worker, int] = {}
        self._renamed: list[tuple[str, str]] = []
        self._encoded: list[tuple[str, str]] = []
        self._portable = self._links = False
        self._linked = self._failed_links = self._failed_folders = 0
        self._placing: Placing | None = None
        self._folders_of_cards: set[bytes] = set()
        """The folders of trees that hold something, also where files are placed by date."""
        self._planned: list[tuple[str, str]] = []
        self._failed: list[tuple[str, str]] = []
        self._absent: list[tuple[str, str]] = []
        self._counts = {"renamed": 0, "encoded": 0, "planned": 0, "failed": 0, "absent": 0}

    async def run(
        self,
        trees: list[SourceTree],
        path: bytes,
        progress: Progress,
        options: RestoreOptions,
        naming: Naming | None = None,
    ) -> RestoreResult:
        """Restore all trees below `path`. naming: the names that `options.naming` asks for.

        Raises UsageError; RestoreError when archive or destination do not answer.
        """
        self._portable, self._links = options.portable, options.links
        began = time.monotonic()
        total = await self._total(trees)
        try:
            async with AsyncExitStack() as stack:
                if options.by_date or naming is not None:
                    self._placing = await stack.enter_async_context(
                        placing(self._read, naming, by_date=options.by_date)
                    )
                if options.dry:
                    await self._plan(trees)
                else:
                    await self._restore_all(trees, path, progress, total, options.by_date)
        except (TaskFailedError, WorkerDiedError, ExceptionGroup) as error:
            first = first_error(error)
            if isinstance(first, TaskFailedError | WorkerDiedError):
                raise RestoreError(
                    f"{first}.", "See to the disks, then restore again: what is there is left."
                ) from error
            raise first from None
        progress(Count(files=self._done[0], bytes=self._done[1]), total)
        return RestoreResult(
            restored=Count(files=self._copied[0], bytes=self._copied[1]),
            there=Count(files=self._there[0], bytes=self._there[1]),
            renamed_count=self._counts["renamed"],
            renamed=tuple(self._renamed),
            encoded_count=self._counts["encoded"],
            encoded=tuple(self._encoded),
            failed_count=self._counts["failed"],
            failed=tuple(self._failed),
            failed_folders=self._failed_folders,
            failed_links=self._failed_links,
            links=self._linked,
            absent_count=self._counts["absent"],
            absent=tuple(self._absent),
            folders=tuple(
                display(tree.folder)
                for tree in trees
                if tree.folder and (not options.by_date or tree.folder in self._folders_of_cards)
            ),
            unread=self._placing.unread if self._placing is not None else 0,
            dry=options.dry,
            planned_count=self._counts["planned"],
            planned=tuple(self._planned),
            seconds=time.monotonic() - began,
        )

    async def _plan(self, trees: list[SourceTree]) -> None:
        """Record where each file would go, if no name is taken at the destination."""
        for tree in trees:
            async for page in selection.files(self._read, tree):
                before = [found.path for found in page]
                await self._place(page, tree)
                for original, found in zip(before, page, strict=True):
                    if found.file is not None:
                        self._copied = [self._copied[0] + 1, self._copied[1] + found.file.size]
                        self._note("planned", self._planned, original, display(found.file.path))

    async def _place(self, page: list[Found], tree: SourceTree) -> None:
        """Set the paths of the files of a page, and report files that the archive does not have."""
        if self._placing is not None:
            await self._placing.place(page, tree.folder)
        for found in page:
            if found.file is None and not (found.link is not None and self._linking):
                self._note("absent", self._absent, found.path, found.reason)
            elif found.file is not None:
                if tree.folder and found.file.path.startswith(os.path.join(tree.folder, b"")):
                    self._folders_of_cards.add(tree.folder)
                if self._portable:
                    found.file.path = paths.portable(found.file.path)

    @property
    def _linking(self) -> bool:
        """Whether symbolic links are made: only if asked for, and only where files keep their original paths."""
        return self._links and self._placing is None

    async def _restore_all(
        self, trees: list[SourceTree], path: bytes, progress: Progress, total: Count, by_date: bool
    ) -> None:
        target = await self._open(path)
        ticking = asyncio.create_task(self._tick(progress, total))
        try:
            for tree in trees:
                await self._restore_tree(target, tree)
                if not by_date:
                    await self._set_folder_times(target, tree)
        finally:
            ticking.cancel()
            # The caller can be cancelled twice: by the command, and by closing the connection.
            await to_the_end(self._close(target))
            await asyncio.gather(ticking, return_exceptions=True)

    async def _total(self, trees: list[SourceTree]) -> Count:
        files = size = 0
        for tree in trees:
            # A file that several imports of one source saw with the same content is restored once.
            ((count, held),) = await self._read(
                "SELECT count(*), coalesce(sum(t.size), 0) FROM (SELECT DISTINCT f.path, f.item_id FROM file f "
                "WHERE f.import_id IN (SELECT value FROM json_each(?1)) AND f.outcome IN (?3, ?4) "
                "AND (?2 IS NULL OR f.id IN (SELECT value FROM json_each(?2)))) d JOIN item t ON t.id = d.item_id",
                (
                    json.dumps([one.id for one in tree.imports]),
                    None if tree.only is None else json.dumps(sorted(tree.only)),
                    *IN_ARCHIVE,
                ),
            )
            files, size = files + count, size + held
        return Count(files=files, bytes=size)

    async def _open(self, path: bytes) -> Target:
        request = restore_messages.OpenTarget(path, self._archive)
        try:
            async with self._pool.worker("restore") as worker:
                opened = await worker.ask(request, restore_messages.TargetOpened)
        except TaskFailedError as error:
            raise UsageError(
                f"{display(path)} cannot be used: {error.fault.text}.", "Name a folder that you may write to."
            ) from error
        if opened.refused:
            raise UsageError(f"{display(path)} cannot be restored to: {opened.refused}.", "Name another folder.")
        return opened.target

    async def _close(self, target: Target) -> None:
        with suppress(TaskFailedError, WorkerDiedError, OSError):
            async with self._pool.worker("restore") as worker:
                await worker.ask(restore_messages.CloseTarget(target), messages.Done)

    async def _restore_tree(self, target: Target, tree: SourceTree) -> None:
        # Links are made last, so that no file is written through one.
        pending: list[tuple[bytes, bytes]] = []
        async for page in selection.files(self._read, tree):
            await self._place(page, tree)
            pending += [(found.path, found.link) for found in page if found.link is not None and self._linking]
            if target.way == noreplace.LOOK and _may_collide([found.file.path for found in page if found.file]):
                for part in _split(page):
                    await self._restore_part(target, part)
                continue
            async with asyncio.TaskGroup() as tasks:
                for part in _split(page):
                    tasks.create_task(self._restore_part(target, part))
        for at in range(0, len(pending), TOGETHER):
            await self._make_links(target, pending[at : at + TOGETHER])

    async def _make_links(self, target: Target, links: list[tuple[bytes, bytes]]) -> None:
        if self._portable:
            links = [(paths.portable(path), to) for path, to in links]
        async with self._pool.worker("restore") as worker:
            reply = await worker.ask(restore_messages.Link(target, links), restore_messages.Linked)
        for (wanted, _), (path, _, fault) in zip(links, reply.links, strict=True):
            if fault is not None:
                self._failed_links += 1
                self._note("failed", self._failed, wanted, _why(fault, wanted))
                continue
            self._linked += 1
            if path != wanted:
                self._note("renamed", self._renamed, wanted, display(path))

    async def _restore_part(self, target: Target, files: list[ToRestore]) -> None:
        async with self._copy:
            results = await (
                self._copy_from(self._archive, target, files)
                if self._fetch is None
                else self._fetch_and_copy(self._fetch, target, files)
            )
        for file, (path, there, fault) in zip(files, results, strict=True):
            if fault is not None and (fault.lost or (fault.side == Side.TARGET and fault.code in _FULL)):
                raise RestoreError(
                    f"{fault.side}: {fault.text}.", "Make room, then restore again: what is there is left."
                )
            self._done = [self._done[0] + 1, self._done[1] + file.size]
            if fault is not None:
                if fault.side == Side.ARCHIVE and self._fetch is None:
                    self.doubtful.add(file.xxh128)
                self._note("failed", self._failed, file.path, _why(fault, file.path))
                continue
            counted = self._there if there else self._copied
            counted[0] += 1
            counted[1] += file.size
            if self._portable and (original := paths.unportable(file.path)) != file.path:
                self._note("encoded", self._encoded, original, display(path))
            if path != file.path:
                self._note("renamed", self._renamed, file.path, display(path))

    async def _copy_from(self, place: Place, target: Target, files: list[ToRestore]) -> list[Result]:
        async with self._pool.worker("restore") as worker:
            self._at_work[worker] = worker.slot.get(shared_memory.WRITTEN)
            try:
                return (await worker.ask(restore_messages.Restore(place, target, files), Restored)).files
            finally:
                del self._at_work[worker]

    async def _fetch_and_copy(self, fetch: Fetch, target: Target, files: list[ToRestore]) -> list[Result]:
        """Restore files from a remote: download those that the destination lacks into its staging, then copy them
        from there. Raises what asking a worker raises, and the error of `fetch` when nothing of them arrived."""
        name = secrets.token_hex(6)
        async with self._pool.worker("restore") as worker:
            made = await worker.ask(restore_messages.MakeDownloads(target, name), restore_messages.Downloads)
        try:
            # The folder of downloads is still empty, so this only finds the files that the destination has
            # already.
            results = await self._copy_from(made.place, target, files)
            lacking = [
                number
                for number, (_, _, fault) in enumerate(results)
                if fault is not None and fault.side == Side.ARCHIVE and not fault.lost
            ]
            if lacking:
                payload = {files[number].payload for number in lacking}
                error = await fetch(payload, made.place.root, partial(self._brought.__setitem__, name))
                self._brought.pop(name, None)
                again = await self._copy_from(made.place, target, [files[number] for number in lacking])
                if error is not None and all(fault is not None for _, _, fault in again):
                    raise error
                for number, result in zip(lacking, again, strict=True):
                    results[number] = result
            return results
        finally:
            self._brought.pop(name, None)
            await to_the_end(self._remove(target, name))

    async def _remove(self, target: Target, name: str) -> None:
        with suppress(TaskFailedError, WorkerDiedError, OSError):
            async with self._pool.worker("restore") as worker:
                await worker.ask(restore_messages.RemoveDownloads(target, name), messages.Done)

    async def _set_folder_times(self, target: Target, tree: SourceTree) -> None:
        found = await selection.folders(self._read, tree)
        if self._portable:
            found = [(paths.portable(path), mtime_ns, far) for path, mtime_ns, far in found]
        for at in range(0, len(found), TOGETHER):
            request = restore_messages.SetFolderTimes(target, found[at : at + TOGETHER])
            async with self._pool.worker("restore") as worker:
                reply = await worker.ask(request, restore_messages.FolderFaults)
            for path, fault in reply.faults:
                self._failed_folders += 1
                self._note("failed", self._failed, os.path.join(path, b""), _why(fault, path))

    def _note(self, sort: str, notes: list[tuple[str, str]], path: bytes, why: str) -> None:
        self._counts[sort] += 1
        if len(notes) < NAMED:
            notes.append((display(path), display(why)))

    async def _tick(self, progress: Progress, total: Count) -> None:
        while True:
            await asyncio.sleep(TICK)
            flying = sum(worker.slot.get(shared_memory.WRITTEN) - since for worker, since in self._at_work.items())
            flying += sum(self._brought.values())
            progress(Count(files=self._done[0], bytes=min(total.bytes, self._done[1] + flying)), total)


def _why(fault: Fault, path: bytes) -> str:
    name = ""
    if fault.side == Side.TARGET and fault.code in _NAMES and paths.portable(path) != path:
        name = "; if that is for its name, --portable writes it so that this file system can hold it"
    return f"{fault.side}: {fault.text}{name}"


def _may_collide(names: Sequence[bytes]) -> bool:
    """Whether two of these paths differ at most in case or in their Unicode form, so that they may be the same
    name at the destination. Where the file system has no rename that never replaces (`noreplace.LOOK`), two
    requests at once could both find such a name free, and one file would replace the other."""
    return len({unicodedata.normalize("NFC", display(name)).casefold() for name in names}) < len(names)


def _split(page: list[Found]) -> list[list[ToRestore]]:
    parts: list[list[ToRestore]] = []
    filled = 0
    for found in page:
        if found.file is None:
            continue
        if not parts or len(parts[-1]) >= TOGETHER or (filled and filled + found.file.size > BYTES):
            parts.append([])
            filled = 0
        parts[-1].append(found.file)
        filled += found.file.size
    return parts
