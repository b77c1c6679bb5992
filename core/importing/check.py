"""A check: is every file of a source archived, verified and still there, by the record or by content?"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from core.archives.reading import Reading
from core.catalog import Catalog, Item, beside
from core.errors import ArchiveError, LadingError, SourceError, WorkerDiedError
from core.importing.run import Limits
from core.importing.sources import Picked
from core.importing.verdict import WHY, judge
from core.limits import Controller
from core.models import Count, Verdict
from core.paths import display
from core.results import CheckResult
from core.workers import messages
from core.workers.messages import Digest, Entry
from core.workers.pool import Pool, TaskFailedError

TOGETHER = 64 << 20
"""Bytes in one request at most, unless one file is larger."""

NAMED = 1000
"""Files that a result names."""

Progress = Callable[[Count, Count], None]


class Check:
    """One check of one source. Nothing is written, but for what the catalog learns of archived files."""

    def __init__(
        self,
        catalog: Catalog,
        pool: Pool,
        archive: Reading,
        picked: Picked,
        reading: Controller,
        limits: Limits,
    ) -> None:
        self._catalog = catalog
        self._pool = pool
        self._archive = archive
        self._picked = picked
        self._reading = reading
        self._limits = limits
        self._wrong: Counter[str] = Counter()
        self._named: list[tuple[str, str]] = []
        self._safe = [0, 0]
        self._litter = 0
        self._done = [0, 0]
        self._well: set[int] = set()
        self._total = Count()
        self._progress: Progress = lambda done, total: None

    async def run(self, progress: Progress, *, read: bool) -> CheckResult:
        """Check everything. Raises SourceError, ArchiveError when they do not answer."""
        began = time.monotonic()
        self._progress = progress
        try:
            if read:
                self._total = await self._counted()
            volume = await self._catalog.volume_id(self._picked.volume.identity)
            async with aclosing(self._entries()) as pages:
                async for entries in pages:
                    await self._page(entries, volume, read)
        except ExceptionGroup as group:
            first: Exception = group
            while isinstance(first, ExceptionGroup):
                first = first.exceptions[0]
            raise (first if isinstance(first, LadingError) else group) from None
        return CheckResult(
            source=display(self._picked.source.root + (b"/" + self._picked.only if self._picked.only else b"")),
            verdict=Verdict.KEEP if self._wrong else Verdict.SAFE,
            safe=Count(files=self._safe[0], bytes=self._safe[1]),
            litter=self._litter,
            reasons=tuple((WHY[why], count) for why, count in self._wrong.most_common()),
            files=tuple(self._named),
            read=read,
            seconds=time.monotonic() - began,
        )

    async def _entries(self) -> AsyncGenerator[list[Entry], None]:
        place = self._archive.place
        avoid = ((place.device, place.inode),)
        request = messages.ListTree(self._picked.source, self._picked.only, avoid, libraries=True, dataless=True)
        try:
            async with self._pool.worker("check") as worker:
                reply = await worker.ask(request, messages.Listed)
                while reply.more:
                    yield reply.entries
                    reply = await worker.ask(messages.ListMore(), messages.Listed)
        except (TaskFailedError, WorkerDiedError) as error:
            raise SourceError(f"the source cannot be listed: {error}.", "Check the card or disk.") from error

    async def _counted(self) -> Count:
        files = size = 0
        async with aclosing(self._entries()) as pages:
            async for entries in pages:
                files += sum(entry.what == "file" for entry in entries)
                size += sum(entry.size for entry in entries if entry.what == "file")
        return Count(files=files, bytes=size)

    async def _page(self, entries: list[Entry], volume: int | None, read: bool) -> None:
        self._litter += sum(entry.what == "litter" for entry in entries)
        files = [entry for entry in entries if entry.what not in ("folder", "litter")]
        paths = [beside(self._picked.root, entry.path) for entry in files]
        seen = await self._catalog.seen(volume, paths, self._archive.id) if volume is not None else {}
        judged = [(entry, *judge(entry, seen.get(path, []))) for entry, path in zip(files, paths, strict=True)]
        if read:
            for entry, why, _ in judged:
                if entry.what != "file":
                    self._keep(entry, why)
            whole = [(entry, why) for entry, why, _ in judged if entry.what == "file"]
            async with asyncio.TaskGroup() as tasks:
                for part in _parts(whole):
                    tasks.create_task(self._by_content(part))
            return
        for entry, why, _ in judged:
            if why:
                self._keep(entry, why)
        await self._by_record([(entry, item) for entry, why, item in judged if not why and item is not None])

    async def _by_record(self, archived: list[tuple[Entry, int]]) -> None:
        items = await self._catalog.items({item for _, item in archived}, self._archive.id)
        request = messages.Presence(self._archive.place, [(item.path, item.size) for item in items.values()])
        try:
            async with self._pool.worker("check") as worker:
                present = (await worker.ask(request, messages.Present)).there
        except (TaskFailedError, WorkerDiedError) as error:
            raise self._silent(str(error)) from error
        there = {id for id, is_there in zip(items, present, strict=True) if is_there}
        for entry, id in archived:
            if id not in there:
                self._keep(entry, "missing")
            elif items[id].damage is not None:
                self._keep(entry, "missing", items[id].damage or "")
            elif items[id].read_back is None:
                self._keep(entry, "unverified")
            else:
                self._is_safe(entry)

    async def _by_content(self, entries: list[tuple[Entry, str]]) -> None:
        digests = await self._digests([entry for entry, _ in entries])
        contents = [digest.xxh128 for digest in digests if digest.fault is None]
        known: dict[tuple[int, bytes, bytes], list[Item]] = {}
        for item in await self._catalog.known(self._archive.id, None, contents):
            known.setdefault((item.size, item.xxh128, item.sha256), []).append(item)
        wanted = {
            item.id: item
            for digest in digests
            for item in known.get((digest.size, digest.xxh128, digest.sha256), [])
            if item.id not in self._well
        }
        faults = await self._read_archived(list(wanted.values()))
        for (entry, why), digest in zip(entries, digests, strict=True):
            self._done = [self._done[0] + 1, self._done[1] + entry.size]
            items = known.get((digest.size, digest.xxh128, digest.sha256), [])
            if digest.fault is not None:
                self._keep(entry, "unread", digest.fault.text)
            elif any(item.id in self._well for item in items):
                self._is_safe(entry)
            elif items:
                self._keep(entry, "missing", faults[items[0].id])
            else:
                self._keep(entry, why or "changed")
        self._progress(Count(files=self._done[0], bytes=self._done[1]), self._total)

    async def _digests(self, entries: list[Entry]) -> list[Digest]:
        """What is read of files of the source; one that may be read at a second try is."""
        found = await self._read_source([(number, entry) for number, entry in enumerate(entries)])
        for number, digest in list(found.items()):
            if digest.fault is not None and digest.fault.again:
                found |= await self._read_source([(number, entries[number])])
        return [found[number] for number in range(len(entries))]

    async def _read_source(self, entries: list[tuple[int, Entry]]) -> dict[int, Digest]:
        files = [messages.ToRead(number, entry.path, entry.size, entry.kind) for number, entry in entries]
        try:
            async with self._reading, self._limits.hash, self._pool.worker("check") as worker:
                request = messages.ReadBatch(self._picked.source, files, False)
                reply = await worker.ask(request, messages.Digests)
                await worker.ask(messages.Drop(), messages.Done)
        except (TaskFailedError, WorkerDiedError) as error:
            raise SourceError(f"the source does not answer: {error}.", "Plug it in again.") from error
        if any(digest.fault is not None and digest.fault.lost for digest in reply.files):
            raise SourceError("the source does not answer any more.", "Plug it in again, then check again.")
        return {digest.number: digest for digest in reply.files}

    async def _read_archived(self, items: list[Item]) -> dict[int, str]:
        """Read archived files past the cache; why some are not well, by item. The catalog learns of it."""
        faults: dict[int, str] = {}
        if not items:
            return faults
        request = messages.Audit(
            self._archive.place, [(item.path, item.size, item.xxh128, item.sha256) for item in items]
        )
        try:
            async with self._limits.verify, self._pool.worker("check") as worker:
                reply = await worker.ask(request, messages.Audited)
        except (TaskFailedError, WorkerDiedError) as error:
            raise self._silent(str(error)) from error
        now, learnt = time.time(), list[tuple[int, str, float | None, str | None]]()
        for item, (level, fault) in zip(items, reply.files, strict=True):
            if fault is not None and fault.lost:
                raise self._silent(fault.text)
            if fault is None:
                self._well.add(item.id)
                learnt.append((item.id, level, now, None))
            else:
                faults[item.id] = fault.text
                learnt.append((item.id, item.level, None, fault.text))
        await self._catalog.read_again(learnt)
        return faults

    def _silent(self, why: str) -> ArchiveError:
        return ArchiveError(
            f"{display(self._archive.place.root)} does not answer: {why}.", "Mount it again, then check again."
        )

    def _is_safe(self, entry: Entry) -> None:
        self._safe[0] += 1
        self._safe[1] += entry.size

    def _keep(self, entry: Entry, why: str, detail: str = "") -> None:
        self._wrong[why] += 1
        if len(self._named) < NAMED:
            told = ONE[why] + (f": {detail or entry.reason}" if detail or entry.reason else "")
            self._named.append((display(entry.path), display(told)))


ONE = {
    "failed": "could not be archived",
    "left out": "left out",
    "new": "not in the archive",
    "changed": "changed since it was archived",
    "missing": "no longer in the archive, or damaged there",
    "unlisted": "cannot be listed",
    "unverified": "never read back from the archive",
    "unread": "cannot be read",
}
"""The keys of WHY, said of one file."""


def _parts(entries: list[tuple[Entry, str]]) -> list[list[tuple[Entry, str]]]:
    parts: list[list[tuple[Entry, str]]] = []
    filled = 0
    for entry, why in entries:
        if not parts or (filled and filled + entry.size > TOGETHER):
            parts.append([])
            filled = 0
        parts[-1].append((entry, why))
        filled += entry.size
    return parts
