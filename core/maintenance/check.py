"""The check: is every file of a source archived, verified and still present, by the catalog's record or by
content?"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from core.archives.copy_count import CopyCount
from core.archives.dead_disk import Disk
from core.archives.item_batches import not_read
from core.archives.readonly import Reading
from core.catalog import Catalog, Item, SeenRow, unopenable
from core.catalog.differing import Known
from core.concurrency import Controller
from core.errors import ArchiveError, LadingError, SourceError, WorkerDiedError
from core.importing.finish import KEEP_REASONS, NOTHING, differs, judge
from core.importing.run_workers import Limits
from core.importing.sources import Picked
from core.media import left_out
from core.media.file_types import Kind
from core.models import Count, Unopenable, Verdict
from core.paths import display, join
from core.results import CheckResult
from core.volumes import macos_permissions
from core.workers import archive_messages, batch_messages, messages, source_messages
from core.workers.messages import Fault, Place
from core.workers.pool import Pool, TaskFailedError
from core.workers.source_messages import Digest, Entry

BYTES_PER_REQUEST = 64 << 20
"""The most bytes in one request, unless a single file is larger."""

NAMED = 1000
"""The most files that a result names."""

SAMPLES, BLOCK = 8, 1 << 20
"""How many files have their first and last block compared, when all files are judged by the record alone."""

Progress = Callable[[Count, Count], None]


class Check:
    """One check of one source. Nothing is written, except the state of archived files into the catalog."""

    def __init__(
        self,
        catalog: Catalog,
        pool: Pool,
        archive: Reading,
        picked: Picked,
        reading: Controller,
        limits: Limits,
        copies: CopyCount | None = None,
    ) -> None:
        """`copies` counts how many copies each file has; None: one in this archive is enough."""
        self._copies = copies
        self._catalog = catalog
        self._pool = pool
        self._archive = archive
        self._disk = Disk(archive.place, archive.copy.number, catalog, pool)
        self._picked = picked
        self._reading = reading
        self._limits = limits
        self._wrong: Counter[str] = Counter()
        self._named: list[tuple[str, str]] = []
        self._safe = [0, 0]
        self._litter = 0
        self._done = [0, 0]
        self._well: set[int] = set()
        self._samples: list[tuple[Entry, Item]] = []
        self._candidates = 0
        self._unaccepted: dict[bytes, Known] = {}
        self._unkept: set[int] = set()
        self._accepting: dict[int, tuple[str, ...]] = {}
        self._total = Count()
        self._read = False
        self._told = 0
        self._broken = 0
        self._broken_names: list[str] = []
        self._progress: Progress = lambda done, total: None

    async def run(self, progress: Progress, *, read: bool) -> CheckResult:
        """Check the whole source. Raises SourceError, ArchiveError when source or archive do not answer."""
        began = time.monotonic()
        self._progress, self._read = progress, read
        try:
            if read:
                self._total = await self._counted()
            volume = await self._catalog.volume_id(self._picked.volume.identity)
            if volume is not None:
                self._unaccepted = await self._catalog.unaccepted(volume, self._archive.id)
                self._unkept = await self._catalog.unkept_files(volume)
                self._accepting = await self._catalog.accepting(volume, self._archive.id)
            async with aclosing(self._entries()) as pages:
                async for entries in pages:
                    await self._page(entries, volume, read)
            if not read:
                await self._compare()
                if self._safe[0] and not known_again(self._picked.volume.identity):
                    self._wrong["unsure"] = self._safe[0]
        except ExceptionGroup as group:
            first: Exception = group
            while isinstance(first, ExceptionGroup):
                first = first.exceptions[0]
            raise (first if isinstance(first, LadingError) else group) from None
        return CheckResult(
            source=display(self._picked.source.root + (b"/" + self._picked.only if self._picked.only else b"")),
            verdict=Verdict.KEEP if self._wrong else Verdict.SAFE if self._safe[0] else Verdict.OPEN,
            note="" if self._wrong or self._safe[0] else NOTHING,
            safe=Count(files=self._safe[0], bytes=self._safe[1]),
            litter=self._litter,
            reasons=tuple((self._reason(why), count) for why, count in self._wrong.most_common()),
            copies=self._copies.wanted if self._copies else 1,
            unopenable=Unopenable(files=self._broken, names=tuple(self._broken_names)),
            advice="" if read or not self._wrong.keys() & ASKS_TO_READ else READ_IT,
            files_count=self._told,
            files=tuple(self._named),
            read=read,
            copy_of=display(self._archive.copy.in_use) if self._archive.copy.number else "",
            seconds=time.monotonic() - began,
        )

    def _reason(self, why: str) -> str:
        count = why.removeprefix(COPIES)
        if self._copies is not None and count != why:
            return f"are in {self._copies.said(int(count))}"
        return why_of(why, read=self._read)

    async def _settled(self, safe: list[tuple[Entry, int]]) -> list[tuple[Entry, int]]:
        """Judge files that are archived, verified and present: they are safe, unless they lack copies. Returns the
        safe ones."""
        lacking = await self._copies.lacking({item for _, item in safe}) if self._copies else {}
        for entry, item in safe:
            if item in lacking:
                self._keep(entry, f"{COPIES}{lacking[item]}")
            else:
                self._is_safe(entry)
        kept = [(entry, item) for entry, item in safe if item not in lacking]
        await self._open(kept)
        return kept

    async def _open(self, safe: list[tuple[Entry, int]]) -> None:
        """Record which of these files, given with their items, cannot be opened."""
        media = [(entry, item) for entry, item in safe if entry.kind in (Kind.IMAGES, Kind.VIDEOS)]
        broken = await self._catalog.unopenable({item for _, item in media}) if media else set()
        names = [display(entry.path) for entry, item in media if item in broken]
        self._broken += len(names)
        self._broken_names += names[: unopenable.NAMED - len(self._broken_names)]

    async def _entries(self) -> AsyncGenerator[list[Entry], None]:
        place = self._archive.place
        avoid = ((place.device, place.inode),)
        # A file that is only in iCloud has its name, size and time here; reading it would download it.
        request = source_messages.ListTree(
            self._picked.source, self._picked.only, avoid, libraries=True, dataless=not self._read
        )
        try:
            async with self._pool.worker("check") as worker:
                reply = await worker.ask(request, source_messages.Listed)
                while reply.more:
                    yield reply.entries
                    reply = await worker.ask(source_messages.ListMore(), source_messages.Listed)
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
        paths = [join(self._picked.root, entry.path) for entry in files]
        seen = await self._catalog.seen(volume, paths, self._archive.id) if volume is not None else {}
        judged = [self._judged(entry, path, seen.get(path, [])) for entry, path in zip(files, paths, strict=True)]
        if read:
            for entry, why, _ in judged:
                if entry.what != "file" and why:
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

    def _judged(self, entry: Entry, path: bytes, rows: list[SeenRow]) -> tuple[Entry, str, int | None]:
        why, item = judge(entry, rows, self._unkept, self._accepting)
        if not why and differs(entry, self._unaccepted.get(path)) is not None:
            why = "differs"
        return entry, why, item

    async def _by_record(self, archived: list[tuple[Entry, int]]) -> None:
        items = await self._catalog.items(
            {item for _, item in archived}, self._archive.id, self._archive.copy.number
        )
        request = archive_messages.Presence(
            self._archive.place, [(item.path, item.size) for item in items.values()]
        )
        try:
            async with self._pool.worker("check") as worker:
                present = (await worker.ask(request, archive_messages.Present)).there
        except (TaskFailedError, WorkerDiedError) as error:
            raise self._silent(str(error)) from error
        there = {id for id, is_there in zip(items, present, strict=True) if is_there}
        safe: list[tuple[Entry, int]] = []
        for entry, id in archived:
            if id not in there:
                self._keep(entry, "missing")
            elif items[id].damage is not None:
                self._keep(entry, "missing", items[id].damage or "")
            elif items[id].read_back is None:
                self._keep(entry, "unverified")
            else:
                safe.append((entry, id))
        for entry, id in await self._settled(safe):
            self._perhaps_sample(entry, items[id])

    def _perhaps_sample(self, entry: Entry, item: Item) -> None:
        """Keep a random sample of the files that can be read without downloading them (reservoir sampling)."""
        if item.size and not entry.dataless:
            self._candidates += 1
            if len(self._samples) < SAMPLES:
                self._samples.append((entry, item))
            elif (place := random.randrange(self._candidates)) < SAMPLES:  # noqa: S311
                self._samples[place] = entry, item

    async def _compare(self) -> None:
        """Compare blocks of the sampled files with the archive: a card that was filled again may have equal names,
        sizes and times."""
        source, place = self._picked.source, self._archive.place
        ends = [sorted({0, max(0, item.size - BLOCK)}) for _, item in self._samples]
        theirs = await self._blocks(
            Place(source.root, source.device, source.inode, "", ""),
            [(entry.path, at, BLOCK) for (entry, _), some in zip(self._samples, ends, strict=True) for at in some],
        )
        ours = await self._blocks(
            place,
            [
                (os.fsencode(item.path), at, BLOCK)
                for (_, item), some in zip(self._samples, ends, strict=True)
                for at in some
            ],
        )
        of_items = [item for (_, item), some in zip(self._samples, ends, strict=True) for _ in some]
        await self._answers([(item, fault) for item, (_, fault) in zip(of_items, ours, strict=True)])
        pairs = iter(zip(theirs, ours, strict=True))
        for (entry, _), some in zip(self._samples, ends, strict=True):
            compared = [next(pairs) for _ in some]
            unread = next((fault for (_, fault), _ in compared if fault), None)
            missing = next((fault for _, (_, fault) in compared if fault), None)
            if unread or missing or any(one != other for (one, _), (other, _) in compared):
                self._safe = [self._safe[0] - 1, self._safe[1] - entry.size]
                if unread:
                    self._keep(entry, "unread", unread.text)
                elif missing:
                    self._keep(entry, *_lacking(missing))
                else:
                    self._keep(entry, "unlike")

    async def _blocks(self, place: Place, files: list[tuple[bytes, int, int]]) -> list[tuple[bytes, Fault | None]]:
        if not files:
            return []
        try:
            async with self._reading, self._pool.worker("check") as worker:
                return (await worker.ask(archive_messages.Blocks(place, files), archive_messages.BlocksRead)).files
        except (TaskFailedError, WorkerDiedError) as error:
            if place is self._archive.place:
                raise self._silent(str(error)) from error
            raise SourceError(f"the source does not answer: {error}.", "Plug it in again.") from error

    async def _by_content(self, entries: list[tuple[Entry, str]]) -> None:
        digests = await self._digests([entry for entry, _ in entries])
        contents = [digest.xxh128 for digest in digests if digest.fault is None]
        known: dict[tuple[int, bytes, bytes], list[Item]] = {}
        copy = self._archive.copy.number
        for item in await self._catalog.known(self._archive.id, None, contents, copy):
            known.setdefault(item.content, []).append(item)
        wanted = {
            item.id: item
            for digest in digests
            for item in known.get(digest.content, [])
            if item.id not in self._well
        }
        faults = await self._read_archived(list(wanted.values()))
        safe: list[tuple[Entry, int]] = []
        for (entry, why), digest in zip(entries, digests, strict=True):
            self._done = [self._done[0] + 1, self._done[1] + entry.size]
            items = known.get(digest.content, [])
            if digest.fault is not None:
                self._keep(entry, "unread", str(digest.fault))
            elif digest.unkept and items:
                self._keep(entry, "unkept", digest.unkept)
            elif any(item.id in self._well for item in items):
                if why == "differs":
                    self._keep(entry, why)
                else:
                    safe.append((entry, next(item.id for item in items if item.id in self._well)))
            elif items:
                self._keep(entry, *_lacking(faults[items[0].id]))
            else:
                self._keep(entry, why or "changed")
        await self._settled(safe)
        self._progress(Count(files=self._done[0], bytes=self._done[1]), self._total)

    async def _digests(self, entries: list[Entry]) -> list[Digest]:
        """Digests of files of the source; a read that failed with a temporary fault is retried once."""
        found = await self._read_source([(number, entry) for number, entry in enumerate(entries)])
        for number, digest in list(found.items()):
            if digest.fault is not None and digest.fault.again:
                found |= await self._read_source([(number, entries[number])])
        return [found[number] for number in range(len(entries))]

    async def _read_source(self, entries: list[tuple[int, Entry]]) -> dict[int, Digest]:
        files = [source_messages.ToRead(number, entry.path, entry.size, entry.kind) for number, entry in entries]
        try:
            async with self._reading, self._limits.hash, self._pool.worker("check") as worker:
                request = source_messages.ReadBatch(self._picked.source, files, False)
                reply = await worker.ask(request, source_messages.Digests)
                await worker.ask(batch_messages.Drop(), messages.Done)
        except (TaskFailedError, WorkerDiedError) as error:
            raise SourceError(f"the source does not answer: {error}.", "Plug it in again.") from error
        for digest in reply.files:
            if digest.fault is not None and digest.fault.lost:
                raise SourceError(
                    f"the source does not answer any more: {digest.fault.text}.",
                    macos_permissions.switch(digest.fault.code, os.environ)
                    or "Plug it in again, then check again.",
                )
        return {digest.number: digest for digest in reply.files}

    async def _read_archived(self, items: list[Item]) -> dict[int, Fault]:
        """Read archived files past the cache, and record the results in the catalog. Returns the faults, by item
        id."""
        faults: dict[int, Fault] = {}
        if not items:
            return faults
        request = archive_messages.Audit(
            self._archive.place, [(item.path, item.size, item.xxh128, item.sha256) for item in items]
        )
        try:
            async with self._limits.verify, self._pool.worker("check") as worker:
                reply = await worker.ask(request, archive_messages.Audited)
        except (TaskFailedError, WorkerDiedError) as error:
            raise self._silent(str(error)) from error
        await self._answers([(item, fault) for item, (_, fault) in zip(items, reply.files, strict=True)])
        now, learnt = time.time(), list[tuple[int, str, float | None, str | None]]()
        for item, (level, fault) in zip(items, reply.files, strict=True):
            if fault is not None and fault.lost:
                raise self._silent(fault.text, fault.code)
            if fault is None:
                self._well.add(item.id)
                learnt.append((item.id, level, now, None))
            else:
                faults[item.id] = fault
                if not not_read(fault):
                    learnt.append((item.id, item.level, None, fault.text))
        await self._catalog.read_again(learnt, self._archive.copy.number)
        return faults

    async def _answers(self, found: list[tuple[Item, Fault | None]]) -> None:
        """Raises ArchiveError when the archive's disk does not answer any more: its files are not damaged then."""
        try:
            await self._disk.answers(self._archive.id, found)
        except (TaskFailedError, WorkerDiedError) as error:
            raise self._silent(str(error)) from error

    def _silent(self, why: str, code: int = 0) -> ArchiveError:
        return ArchiveError(
            f"{display(self._archive.place.root)} does not answer: {why}.",
            macos_permissions.switch(code, os.environ) or "Mount it again, then check again.",
        )

    def _is_safe(self, entry: Entry) -> None:
        self._safe[0] += 1
        self._safe[1] += entry.size

    def _keep(self, entry: Entry, why: str, detail: str = "") -> None:
        self._wrong[why] += 1
        self._told += 1
        if len(self._named) < NAMED:
            told = (ONE if self._read else ONE | UNREAD_ONE).get(why) or self._reason(why).removeprefix("are ")
            more = detail or entry.reason
            if more:
                told = more if more.startswith(told) else f"{told}: {more}"
            self._named.append((display(entry.path), display(told)))


ONE = {
    "failed": "could not be archived",
    left_out.EXCLUDED: "excluded by your choice",
    left_out.LINKS: "left out",
    left_out.SPECIAL: "left out",
    left_out.LEFT_OUT: "left out",
    "new": "not in the archive",
    "changed": "changed since it was archived",
    "missing": "no longer in the archive, or damaged there",
    "refused": "may not be read in the archive",
    "unlisted": "cannot be listed",
    "unverified": "never read back from the archive",
    "unread": "cannot be read",
    "unkept": "has extended attributes that could not be kept",
    "unlike": "its content is not what is archived under its name and time",
    "differs": "differs from what was imported before, although size and time are the same",
}
"""The reasons of KEEP_REASONS, worded for one file."""

UNREAD = {"new": "are not known by name and time; try --read"}
UNREAD_ONE = {"new": "not known by name and time; try --read"}
"""Wording for what the record alone cannot decide: the content may be in the archive under another name."""

COPIES = "copies "
"""Prefix of the reason of files with too few copies; the number of copies follows."""

ASKS_TO_READ = {"new", "unlike", "unsure"}
READ_IT = "Whether their content is in the archive is found out by reading it: lading check --read"


def why_of(why: str, *, read: bool) -> str:
    """The wording of a key of KEEP_REASONS."""
    return KEEP_REASONS[why] if read else UNREAD.get(why, KEEP_REASONS[why])


def _lacking(fault: Fault) -> tuple[str, str]:
    """(why, detail) of a file whose payload could not be read: a key of KEEP_REASONS, and the system's words."""
    return ("refused" if not_read(fault) else "missing"), fault.text


def known_again(identity: str) -> bool:
    """Whether a volume's identity is its own, so that another card in its place would have another one."""
    return not identity.startswith("dev:")


def _parts(entries: list[tuple[Entry, str]]) -> list[list[tuple[Entry, str]]]:
    parts: list[list[tuple[Entry, str]]] = []
    filled = 0
    for entry, why in entries:
        if not parts or (filled and filled + entry.size > BYTES_PER_REQUEST):
            parts.append([])
            filled = 0
        parts[-1].append((entry, why))
        filled += entry.size
    return parts
