"""The audit: archived files are read again and compared with both digests of the catalog."""

import asyncio
import secrets
import time
from collections.abc import Callable

from core.archives.archive import Archive
from core.catalog import Catalog, Item
from core.errors import ArchiveError, WorkerDiedError
from core.limits import Limit
from core.models import Count
from core.paths import display
from core.results import AuditResult, AuditScope
from core.workers import messages
from core.workers.pool import Pool, TaskFailedError

PAGE = 512
"""Items fetched from the catalog together."""

TOGETHER = 64 << 20
"""Bytes in one request at most, unless one file is larger."""

NAMED = 1000
"""Damaged files that a result names."""

Result = tuple[int, str, float | None, str | None]
"""Item, level reached, when, and what is wrong with it."""

EVERYTHING = AuditScope()

Progress = Callable[[Count, Count], None]
"""Called with what has been checked so far, and with all there is."""


class Audit:
    """One audit of one archive. Interrupted, it goes on where it was."""

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool, verify: Limit) -> None:
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._verify = verify
        self._checked = [0, 0]
        self._well = [0, 0]
        self._levels: set[str] = set()

    async def run(self, progress: Progress, scope: AuditScope = EVERYTHING) -> AuditResult:
        """Read what `scope` says. Raises ArchiveError when the archive does not answer."""
        began = time.monotonic()
        if scope.everything:
            await self._everything(progress)
        elif scope.older_than is None and scope.sample is None:
            await self._damaged(progress)
        else:
            await self._least_read(progress, scope)
        return await self.result(began)

    async def result(self, began: float) -> AuditResult:
        """What is known now; `began` is on the monotonic clock."""
        count, named = await self._catalog.damaged(self._archive.id, NAMED)
        oldest, when, never = await self._catalog.oldest(self._archive.id)
        return AuditResult(
            checked=Count(files=self._checked[0], bytes=self._checked[1]),
            well=Count(files=self._well[0], bytes=self._well[1]),
            level=", ".join(sorted(self._levels)),
            damaged_count=count,
            damaged=tuple((display(path), display(why)) for path, why in named),
            seconds=time.monotonic() - began,
            oldest=display(oldest),
            oldest_read=when,
            unread=never,
        )

    async def _damaged(self, progress: Progress) -> None:
        items = await self._catalog.damaged_items(self._archive.id)
        total = Count(files=len(items), bytes=sum(item.size for item in items))
        for at in range(0, len(items), PAGE):
            await self._catalog.read_again(await self._page(items[at : at + PAGE]))
            progress(Count(files=self._checked[0], bytes=self._checked[1]), total)

    async def _least_read(self, progress: Progress, scope: AuditScope) -> None:
        """Each that is well moves to the end of the line; one that is not keeps its place, and is passed over."""
        wanted = (
            time.time() - (scope.older_than or 0),
            round(2**32 * (100 if scope.sample is None else scope.sample) / 100),
            secrets.randbelow(2**32),
        )
        files, size = await self._catalog.least_read_held(self._archive.id, *wanted)
        skip = 0
        while page := await self._catalog.least_read(self._archive.id, *wanted, skip, PAGE):
            results = await self._page(page)
            await self._catalog.read_again(results)
            skip += sum(when is None for _, _, when, _ in results)
            progress(Count(files=self._checked[0], bytes=self._checked[1]), Count(files=files, bytes=size))

    async def _everything(self, progress: Progress) -> None:
        _, after = await self._catalog.audit_after(self._archive.id, time.time())
        files, size = await self._catalog.held(self._archive.id, after)
        total = Count(files=files, bytes=size)
        while page := await self._catalog.items_after(self._archive.id, after, PAGE):
            results = await self._page(page)
            after = page[-1].id
            await self._catalog.audited(self._archive.id, after, results)
            progress(Count(files=self._checked[0], bytes=self._checked[1]), total)
        await self._catalog.end_audit(self._archive.id)

    async def _page(self, items: list[Item]) -> list[Result]:
        try:
            async with asyncio.TaskGroup() as tasks:
                parts = [tasks.create_task(self._read(part)) for part in _parts(items)]
        except ExceptionGroup as group:
            failed = group.exceptions[0]
            if not isinstance(failed, TaskFailedError | WorkerDiedError):
                raise
            raise ArchiveError(
                f"{display(self._archive.place.root)} does not answer: {failed}.",
                "Mount it again and start the audit once more: it goes on where it was.",
            ) from group
        return [result for part in parts for result in part.result()]

    async def _read(self, items: list[Item]) -> list[Result]:
        wanted = [(item.path, item.size, item.xxh128, item.sha256) for item in items]
        async with self._verify, self._pool.worker("audit") as worker:
            request = messages.Audit(self._archive.place, wanted)
            results = (await worker.ask(request, messages.Audited)).files
        now = time.time()
        found: list[Result] = []
        for item, (level, fault) in zip(items, results, strict=True):
            if fault is not None and fault.lost:
                raise TaskFailedError(fault)
            self._checked[0] += 1
            self._checked[1] += item.size
            if fault is None:
                self._well[0] += 1
                self._well[1] += item.size
                self._levels.add(level)
                found.append((item.id, level, now, None))
            else:
                found.append((item.id, item.level, None, fault.text))
        return found


def _parts(items: list[Item]) -> list[list[Item]]:
    parts: list[list[Item]] = [[]]
    filled = 0
    for item in items:
        if parts[-1] and filled + item.size > TOGETHER:
            parts.append([])
            filled = 0
        parts[-1].append(item)
        filled += item.size
    return parts
