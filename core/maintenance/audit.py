"""The audit: archived files are read again and compared with both digests in the catalog."""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable

from core.archives.archive import Archive
from core.archives.dead_disk import ArchiveDisk, AuditedItem
from core.archives.item_batches import Result, by_bytes, not_read
from core.archives.presence import present
from core.catalog import Catalog, Item
from core.concurrency import Limit
from core.database import Statement
from core.errors import ArchiveError, WorkerDiedError
from core.models import Count
from core.paths import display
from core.queue.enqueue import adding, bag_work
from core.results import AuditResult, AuditScope
from core.volumes import macos_permissions
from core.workers import archive_messages
from core.workers.pool import Pool, TaskFailedError, code_of

PAGE = 512
"""Items per page of the catalog."""


NAMED = 1000
"""The most damaged files that a result names."""


EVERYTHING = AuditScope()

AHEAD = 30 * 86_400.0
"""Seconds: no audit takes longer, so what seems to have been read later than that from now was not."""

Progress = Callable[[Count, Count], None]
"""Called with what has been checked so far, and with the total."""


class Audit:
    """One audit of one archive, or of one copy of it. An interrupted audit of everything resumes where it
    stopped."""

    def __init__(self, archive: Archive, catalog: Catalog, pool: Pool, verify: Limit) -> None:
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._verify = verify
        self._copy = archive.copy.number
        self._disk = ArchiveDisk(archive.place, archive.copy.number, catalog, pool)
        self._checked = [0, 0]
        self._well = [0, 0]
        self._levels: set[str] = set()
        self._not_read: list[tuple[str, str]] = []
        self._not_read_count = 0
        self._began = time.time(), time.monotonic()

    async def run(self, progress: Progress, scope: AuditScope = EVERYTHING) -> AuditResult:
        """Read the items that `scope` selects. Raises ArchiveError when the archive does not answer."""
        began = time.monotonic()
        if scope.everything:
            await self._everything(progress)
        elif scope.contents:
            await self._read_these(
                await self._catalog.of_contents(self._archive.id, scope.contents, self._copy), progress
            )
        elif scope.older_than is None and scope.sample is None:
            await self._read_these(await self._catalog.damaged_items(self._archive.id, self._copy), progress)
            if self._copy:
                # If the copy was not made by a mirror, nothing is known of its files yet.
                async for _ in self.unproven():
                    progress(Count(files=self._checked[0], bytes=self._checked[1]), Count())
        else:
            await self._least_read(progress, scope)
        return await self.result(began)

    async def result(self, began: float) -> AuditResult:
        """The result so far; `began` is on the monotonic clock."""
        count, named = await self._catalog.damaged(self._archive.id, NAMED, self._copy)
        oldest, when, never = await self._catalog.oldest(self._archive.id, self._copy)
        return AuditResult(
            checked=Count(files=self._checked[0], bytes=self._checked[1]),
            well=Count(files=self._well[0], bytes=self._well[1]),
            level=", ".join(sorted(self._levels)),
            damaged_count=count,
            damaged=tuple((display(path), display(why)) for path, why in named),
            not_read_count=self._not_read_count,
            not_read=tuple(self._not_read),
            seconds=time.monotonic() - began,
            oldest=display(oldest),
            oldest_read=when,
            unread=never,
            copy_of=display(self._archive.copy.in_use) if self._copy else "",
        )

    @property
    def looked_at(self) -> int:
        """How many files were read so far, or could not be."""
        return self._checked[0] + self._not_read_count

    async def unproven(self) -> AsyncIterator[tuple[str, str]]:
        """Read items that were never read back successfully or are damaged; yields (path, why) of those that are
        not intact. Raises ArchiveError."""
        after = 0
        while items := await self._catalog.unproven(self._archive.id, after, PAGE, self._copy):
            after = items[-1].id
            results = await self._page(items)
            await self._catalog.read_again(results, self._copy, [self._new_bags(items, results)])
            paths = {item.id: item.path for item in items}
            for id, _, when, damage in results:
                if when is None:
                    yield paths[id], damage or "it may not be read"

    async def check_presence(self) -> None:
        """Check that the payload of items that were read back well is still present at its size; items whose
        payload is not are read, which records them as damaged. Raises ArchiveError, and what asking a worker
        raises."""
        after = 0
        while items := await self._catalog.items_after(self._archive.id, after, PAGE, self._copy):
            after = items[-1].id
            well = [item for item in items if item.read_back is not None and item.damage is None]
            async with self._pool.worker("audit") as worker:
                there = await present(worker.ask, self._archive.place, well)
            if gone := [item for item in well if item.path not in there]:
                await self.read_again(gone)

    async def read_again(self, items: list[Item]) -> None:
        """Read these items, and record the results. Raises ArchiveError."""
        results = await self._page(items)
        await self._catalog.read_again(results, self._copy, [self._new_bags(items, results)])

    def _new_bags(self, items: list[Item], results: list[Result]) -> Statement:
        """The statement that adds jobs for the bags of items that were damaged and are intact again, because such
        a bag may have been made while the file was missing. A healing that was killed, or a person, has brought
        the file."""
        well = {id for id, *_, damage in results if damage is None}
        back = {item.location_id for item in items if item.damage is not None and item.id in well}
        made_here = self._archive.writable and not self._copy
        return adding([bag_work(self._archive.id, location) for location in back] if made_here else [])

    async def _read_these(self, items: list[Item], progress: Progress) -> None:
        total = Count(files=len(items), bytes=sum(item.size for item in items))
        for at in range(0, len(items), PAGE):
            await self.read_again(items[at : at + PAGE])
            progress(Count(files=self._checked[0], bytes=self._checked[1]), total)

    async def _least_read(self, progress: Progress, scope: AuditScope) -> None:
        """Read the items that were not read for the longest time. An intact item leaves the selection, since it
        was read just now; any other stays in it, and is skipped. Items that were read while the machine's clock
        was far ahead are selected, too."""
        wanted = (
            (self._now() - (scope.older_than or 0), self._now() + AHEAD),
            round(2**32 * (100 if scope.sample is None else scope.sample) / 100),
            secrets.randbelow(2**32),
        )
        files, size = await self._catalog.least_read_held(self._archive.id, *wanted, copy=self._copy)
        skip = 0
        while page := await self._catalog.least_read(self._archive.id, *wanted, skip, PAGE, self._copy):
            results = await self._page(page)
            await self._catalog.read_again(results, self._copy, [self._new_bags(page, results)])
            skip += sum(when is None for _, _, when, _ in results)
            progress(Count(files=self._checked[0], bytes=self._checked[1]), Count(files=files, bytes=size))

    async def _everything(self, progress: Progress) -> None:
        started, after = await self._catalog.audit_after(self._archive.id, time.time(), self._copy)
        first = after
        files, size = await self._catalog.count_after(self._archive.id, after)
        total = Count(files=files, bytes=size)
        while page := await self._catalog.items_after(self._archive.id, after, PAGE, self._copy):
            results = await self._page(page)
            after = page[-1].id
            anew = self._new_bags(page, results)
            await self._catalog.audited(self._archive.id, after, results, self._copy, [anew])
            progress(Count(files=self._checked[0], bytes=self._checked[1]), total)
        await self._not_read_before(started, first)
        await self._catalog.end_audit(self._archive.id, self._copy)

    async def _not_read_before(self, started: float, last: int) -> None:
        """Read the items up to the id `last` that this audit, which began at `started`, could not read before it
        was stopped: nothing else says that they were not read. What was read while the machine's clock was far
        ahead is no later than that."""
        after = 0
        while after < last and (
            page := await self._catalog.items_after(self._archive.id, after, PAGE, self._copy)
        ):
            after = page[-1].id
            passed = [item for item in page if item.id <= last and item.damage is None]
            now = self._now()
            if left := [
                item
                for item in passed
                if item.read_back is None or not started <= item.read_back <= max(started, now) + AHEAD
            ]:
                await self.read_again(left)

    async def _page(self, items: list[Item]) -> list[Result]:
        """Read items. One that was healed, or found damaged, by others meanwhile is read once more, so that no
        older reading replaces a newer finding. Raises ArchiveError."""
        read, left = dict[int, AuditedItem](), items
        while left:
            read |= {one[0].id: one for one in await self._all(left)}
            known = await self._catalog.items([item.id for item in left], self._archive.id, self._copy)
            left = [known[item.id] for item in left if known.get(item.id, item) != item]
        return self._results(list(read.values()))

    async def _all(self, items: list[Item]) -> list[AuditedItem]:
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = [tasks.create_task(self._read(part)) for part in by_bytes(items, lambda item: item.size)]
        except ExceptionGroup as group:
            failed = group.exceptions[0]
            if isinstance(failed, ArchiveError):
                raise failed from group
            if not isinstance(failed, TaskFailedError | WorkerDiedError):
                raise
            raise ArchiveError(
                f"{display(self._archive.place.root)} does not answer: {failed}.",
                macos_permissions.permission_advice(code_of(failed), os.environ)
                or "Mount it again and start the audit once more: it goes on where it was.",
            ) from group
        return [one for task in reading for one in task.result()]

    async def _read(self, items: list[Item]) -> list[AuditedItem]:
        wanted = [(item.path, item.size, item.xxh128, item.sha256) for item in items]
        async with self._verify, self._pool.worker("audit") as worker:
            request = archive_messages.Audit(self._archive.place, wanted)
            results = (await worker.ask(request, archive_messages.Audited)).files
        if lost := next((fault for _, fault in results if fault is not None and fault.lost), None):
            raise TaskFailedError(lost)
        read = [(item, *one) for item, one in zip(items, results, strict=True)]
        return await self._disk.confirm_faults(self._archive.id, read)

    def _now(self) -> float:
        """The time by the clock as it was set when the audit began. If the clock is set back during the audit,
        files that were just read must not become due again."""
        return self._began[0] + time.monotonic() - self._began[1]

    def _results(self, read: list[AuditedItem]) -> list[Result]:
        now = self._now()
        found: list[Result] = []
        for item, level, fault in read:
            if fault is not None and not_read(fault):
                # Its content was not seen, so what is recorded about it does not change.
                self._not_read_count += 1
                if len(self._not_read) < NAMED:
                    self._not_read.append((display(item.path), fault.text))
                found.append((item.id, item.level, None, item.damage))
                continue
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
