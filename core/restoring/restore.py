"""One restore: archived files copied to a folder of the user's, compared on the way, nothing replaced."""

import asyncio
import errno
import time
from collections.abc import Callable
from contextlib import suppress

from core.archives.reading import Reading
from core.errors import LadingError, UsageError, WorkerDiedError
from core.limits import Limit
from core.models import Count
from core.paths import display
from core.receipts.lookup import Read
from core.restoring import selection
from core.restoring.selection import Found, Tree
from core.results import RestoreResult
from core.unbroken import to_the_end
from core.workers import control, messages
from core.workers.messages import Restored, Target, ToRestore
from core.workers.pool import Pool, TaskFailedError, Worker

TOGETHER, BYTES = 256, 64 << 20
"""Files and bytes in one request at most, unless one file is larger."""

NAMED = 1000
"""Files that a result names of each sort."""

TICK = 0.25

Progress = Callable[[Count, Count], None]
"""Called with what is done so far, and with all there is."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class RestoreError(LadingError):
    """The destination cannot be used."""

    title = "Not restored"


class Restore:
    """One restore of some trees into one folder. Interrupted, the next one leaves what is there already."""

    def __init__(self, read: Read, pool: Pool, copy: Limit, archive: Reading) -> None:
        self._read = read
        self._pool = pool
        self._copy = copy
        self._archive = archive
        self._done = [0, 0]
        self._copied = [0, 0]
        self._there = [0, 0]
        self._at_work: dict[Worker, int] = {}
        self._renamed: list[tuple[str, str]] = []
        self._failed: list[tuple[str, str]] = []
        self._absent: list[tuple[str, str]] = []
        self._counts = {"renamed": 0, "failed": 0, "absent": 0}

    async def run(self, trees: list[Tree], path: bytes, progress: Progress, *, by_date: bool) -> RestoreResult:
        """Restore everything. Raises UsageError, RestoreError when archive or destination do not answer."""
        began = time.monotonic()
        total = await self._total(trees)
        try:
            await self._all(trees, path, progress, total, by_date)
        except (TaskFailedError, WorkerDiedError, ExceptionGroup) as error:
            first = _first(error)
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
            failed_count=self._counts["failed"],
            failed=tuple(self._failed),
            absent_count=self._counts["absent"],
            absent=tuple(self._absent),
            folders=tuple(display(tree.folder) for tree in trees if tree.folder),
            seconds=time.monotonic() - began,
        )

    async def _all(self, trees: list[Tree], path: bytes, progress: Progress, total: Count, by_date: bool) -> None:
        target = await self._open(path)
        ticking = asyncio.create_task(self._tick(progress, total))
        try:
            for tree in trees:
                await self._files(target, tree, by_date)
                if not by_date:
                    await self._folders(target, tree)
        finally:
            ticking.cancel()
            # Whoever asked may leave twice: by a word, and by closing the line.
            await to_the_end(self._close(target))
            await asyncio.gather(ticking, return_exceptions=True)

    async def _total(self, trees: list[Tree]) -> Count:
        files = size = 0
        for one in (one for tree in trees for one in tree.imports):
            ((count, held),) = await self._read(
                "SELECT count(*), coalesce(sum(t.size), 0) FROM file f JOIN item t ON t.id = f.item_id "
                "WHERE f.import_id = ? AND f.outcome IN (1, 2)",
                (one.id,),
            )
            files, size = files + count, size + held
        return Count(files=files, bytes=size)

    async def _open(self, path: bytes) -> Target:
        request = messages.OpenTarget(path, self._archive.place)
        try:
            async with self._pool.worker("restore") as worker:
                opened = await worker.ask(request, messages.TargetOpened)
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
                await worker.ask(messages.CloseTarget(target), messages.Done)

    async def _files(self, target: Target, tree: Tree, by_date: bool) -> None:
        async for page in selection.files(self._read, tree, by_date=by_date):
            for found in page:
                if found.file is None:
                    self._note("absent", self._absent, found.path, found.reason)
            async with asyncio.TaskGroup() as tasks:
                for part in _parts(page):
                    tasks.create_task(self._part(target, part))

    async def _part(self, target: Target, files: list[ToRestore]) -> None:
        async with self._copy, self._pool.worker("restore") as worker:
            self._at_work[worker] = worker.slot.get(control.WRITTEN)
            try:
                reply = await worker.ask(messages.Restore(self._archive.place, target, files), Restored)
            finally:
                del self._at_work[worker]
        for file, (path, there, fault) in zip(files, reply.files, strict=True):
            if fault is not None and (fault.lost or (fault.side == "target" and fault.code in _FULL)):
                raise RestoreError(
                    f"{fault.side}: {fault.text}.", "Make room, then restore again: what is there is left."
                )
            self._done = [self._done[0] + 1, self._done[1] + file.size]
            if fault is not None:
                self._note("failed", self._failed, file.path, f"{fault.side}: {fault.text}")
                continue
            counted = self._there if there else self._copied
            counted[0] += 1
            counted[1] += file.size
            if path != file.path:
                self._note("renamed", self._renamed, file.path, display(path))

    async def _folders(self, target: Target, tree: Tree) -> None:
        found = await selection.folders(self._read, tree)
        for at in range(0, len(found), TOGETHER):
            request = messages.DressFolders(target, found[at : at + TOGETHER])
            async with self._pool.worker("restore") as worker:
                reply = await worker.ask(request, messages.Dressed)
            for path, fault in reply.faults:
                self._note("failed", self._failed, path, f"{fault.side}: {fault.text}")

    def _note(self, sort: str, notes: list[tuple[str, str]], path: bytes, why: str) -> None:
        self._counts[sort] += 1
        if len(notes) < NAMED:
            notes.append((display(path), display(why)))

    async def _tick(self, progress: Progress, total: Count) -> None:
        while True:
            await asyncio.sleep(TICK)
            flying = sum(worker.slot.get(control.WRITTEN) - since for worker, since in self._at_work.items())
            progress(Count(files=self._done[0], bytes=min(total.bytes, self._done[1] + flying)), total)


def _parts(page: list[Found]) -> list[list[ToRestore]]:
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


def _first(error: Exception) -> Exception:
    """The error that ended it."""
    chosen = error
    while isinstance(chosen, ExceptionGroup):
        chosen = chosen.exceptions[0]
    return chosen
