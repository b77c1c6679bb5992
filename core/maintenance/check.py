"""The check: is every file of a source archived, verified and still present, by the catalog's record or by
content?"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from core.aio import first_error
from core.archives.copy_count import CopyCount
from core.archives.item_batches import by_bytes, not_read
from core.catalog import Catalog, Item
from core.errors import LadingError
from core.importing.keep_reasons import ATTRIBUTES, UNKEPT
from core.importing.source_record import Judged, SourceRecord
from core.importing.sources import Picked
from core.maintenance.archive_reader import ArchiveReader
from core.maintenance.check_findings import COPIES_PREFIX, Findings
from core.maintenance.source_reader import SourceReader
from core.media import left_out
from core.media.file_types import Kind
from core.models import Count
from core.paths import display
from core.results import CheckResult
from core.volumes.volume import is_reliable_identity
from core.workers.messages import Fault
from core.workers.source_messages import Entry

SAMPLES, BLOCK = 8, 1 << 20
"""How many files have their first and last block compared, when all files are judged by the record alone."""

Progress = Callable[[Count, Count], None]
"""Called with what has been read so far, and with the total."""

Compare = Callable[[list[Judged]], Awaitable[None]]
"""Reads some files of the source and compares their content with the archive's."""

Unlisted = Callable[[list[Entry]], Awaitable[None]]
"""Called with folders and files that could not be listed."""


async def _nobody(entries: list[Entry]) -> None:
    """Ignore the entries: the default of `unlisted`."""


async def read_all(
    source: SourceReader,
    record: SourceRecord,
    findings: Findings,
    compare: Compare,
    progress: Progress,
    unlisted: Unlisted = _nobody,
) -> None:
    """Call `compare` with all files of a source, a part at a time and several parts at once. Entries that are no
    files are judged by the record. Raises SourceError, ArchiveError."""
    total, done = await source.count(), Count()

    async def compared(part: list[Judged]) -> None:
        nonlocal done
        await compare(part)
        size = sum(one.entry.size for one in part)
        done = Count(files=done.files + len(part), bytes=done.bytes + size)
        progress(done, total)

    try:
        async with aclosing(source.entries()) as pages:
            async for entries in pages:
                judged = await _judged(entries, record, findings)
                for one in judged:
                    if one.entry.what != "file" and (reason := _reason(one)):
                        findings.keep(one.entry, reason)
                if failed := [one.entry for one in judged if one.entry.what == "failed"]:
                    await unlisted(failed)
                files = [one for one in judged if one.entry.what == "file"]
                async with asyncio.TaskGroup() as tasks:
                    for part in by_bytes(files, lambda one: one.entry.size):
                        tasks.create_task(compared(part))
    except ExceptionGroup as group:
        error = first_error(group)
        raise (error if isinstance(error, LadingError) else group) from None


async def record_of(catalog: Catalog, picked: Picked, archive_id: int) -> SourceRecord:
    """What the catalog has about a source's volume."""
    volume = await catalog.volume_id(picked.volume.identity)
    return await SourceRecord.of(catalog, archive_id, volume, picked.root)


def _reason(one: Judged) -> str:
    """Why an entry is not safe by the record; empty: nothing speaks against it."""
    return one.reason or ("differs" if one.imported is not None else "")


async def _judged(entries: list[Entry], record: SourceRecord, findings: Findings) -> list[Judged]:
    """What the record says of these entries, without folders and junk."""
    findings.junk(sum(entry.what == "litter" for entry in entries))
    judged = await record.judge([entry for entry in entries if entry.what not in ("folder", "litter")])
    findings.excluded(sum(one.accepted == left_out.EXCLUDED for one in judged))
    return judged


class Check:
    """One check of one source. Nothing is written, except the state of archived files into the catalog."""

    def __init__(
        self, catalog: Catalog, source: SourceReader, archive: ArchiveReader, copies: CopyCount | None = None
    ) -> None:
        """`copies` counts how many copies each file has; None: one in this archive is enough."""
        self._catalog = catalog
        self._source = source
        self._archive = archive
        self._copies = copies
        self._samples: list[tuple[Entry, Item]] = []
        self._candidates = 0

    async def run(self, progress: Progress, *, read: bool) -> CheckResult:
        """Check the whole source. Raises SourceError, ArchiveError when source or archive do not answer."""
        reading = self._archive.archive
        self._findings = Findings(self._source.picked, reading, self._copies, read=read)
        record = await record_of(self._catalog, self._source.picked, reading.id)
        if read:
            await read_all(self._source, record, self._findings, self._by_content, progress)
        else:
            await self._by_record(record)
        return self._findings.result()

    # By the record

    async def _by_record(self, record: SourceRecord) -> None:
        # A file that is only in iCloud has its name, size and time here; reading it would download it.
        async with aclosing(self._source.entries(dataless=True)) as pages:
            async for entries in pages:
                archived: list[tuple[Entry, int]] = []
                for one in await _judged(entries, record, self._findings):
                    if reason := _reason(one):
                        self._findings.keep(one.entry, reason)
                    elif one.item is not None:
                        archived.append((one.entry, one.item))
                await self._present(archived)
        await self._compare_samples()
        if not is_reliable_identity(self._source.picked.volume.identity):
            self._findings.unsure()

    async def _present(self, archived: list[tuple[Entry, int]]) -> None:
        """Judge entries by the presence and the state of their items."""
        reading = self._archive.archive
        items = await self._catalog.items({item for _, item in archived}, reading.id, reading.copy.number)
        there = await self._archive.present(items.values())
        safe: list[tuple[Entry, int]] = []
        for entry, id in archived:
            if id not in there:
                self._findings.keep(entry, "missing")
            elif items[id].damage is not None:
                self._findings.keep(entry, "missing", items[id].damage or "")
            elif items[id].read_back is None:
                self._findings.keep(entry, "unverified")
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

    async def _compare_samples(self) -> None:
        """Compare blocks of the sampled files with the archive: a card that was filled again may have equal names,
        sizes and times."""
        wanted = [
            (entry, item, at) for entry, item in self._samples for at in sorted({0, max(0, item.size - BLOCK)})
        ]
        if not wanted:
            return
        theirs = await self._source.blocks([(entry.path, at, BLOCK) for entry, _, at in wanted])
        ours = await self._archive.blocks([(item, at, BLOCK) for _, item, at in wanted])
        compared = list(zip((entry for entry, _, _ in wanted), theirs, ours, strict=True))
        for entry, _ in self._samples:
            blocks = [(one, other) for sampled, one, other in compared if sampled is entry]
            unread = next((fault for (_, fault), _ in blocks if fault), None)
            missing = next((fault for _, (_, fault) in blocks if fault), None)
            if unread:
                self._findings.keep_after_all(entry, "unread", unread.text)
            elif missing:
                self._findings.keep_after_all(entry, *_lacking(missing))
            elif any(one != other for (one, _), (other, _) in blocks):
                self._findings.keep_after_all(entry, "unlike")

    # By content

    async def _by_content(self, files: list[Judged]) -> None:
        digests = await self._source.digests([one.entry for one in files])
        known: dict[tuple[int, bytes, bytes], list[Item]] = {}
        for item in await self._archive.with_content([one.xxh128 for one in digests if one.fault is None]):
            known.setdefault(item.content, []).append(item)
        intact = self._archive.intact
        wanted = {
            item.id: item for digest in digests for item in known.get(digest.content, []) if item.id not in intact
        }
        faults = await self._archive.verify(list(wanted.values()))
        safe: list[tuple[Entry, int]] = []
        for file, digest in zip(files, digests, strict=True):
            entry, reason = file.entry, _reason(file)
            items = known.get(digest.content, [])
            if file.accepted == left_out.EXCLUDED and not items:
                continue  # it need not be archived, nor readable
            if digest.fault is not None:
                self._findings.keep(entry, "unread", str(digest.fault))
            elif digest.unkept and items and file.accepted != ATTRIBUTES:
                self._findings.keep(entry, UNKEPT, digest.unkept)
            elif any(item.id in intact for item in items):
                if reason == "differs":
                    self._findings.keep(entry, reason)
                else:
                    safe.append((entry, next(item.id for item in items if item.id in intact)))
            elif items:
                self._findings.keep(entry, *_lacking(faults[items[0].id]))
            else:
                self._findings.keep(entry, reason or "changed")
        await self._settled(safe)

    # By both

    async def _settled(self, safe: list[tuple[Entry, int]]) -> list[tuple[Entry, int]]:
        """Judge files that are archived, verified and present: they are safe, unless they lack copies. Returns the
        safe ones."""
        lacking = await self._copies.lacking({item for _, item in safe}) if self._copies else {}
        for entry, item in safe:
            if item in lacking:
                self._findings.keep(entry, f"{COPIES_PREFIX}{lacking[item]}")
            else:
                self._findings.safe(entry)
        kept = [(entry, item) for entry, item in safe if item not in lacking]
        await self._open(kept)
        return kept

    async def _open(self, safe: list[tuple[Entry, int]]) -> None:
        """Record which of these files, given with their items, cannot be opened."""
        media = [(entry, item) for entry, item in safe if entry.kind in (Kind.IMAGES, Kind.VIDEOS)]
        broken = await self._catalog.unopenable({item for _, item in media}) if media else set()
        self._findings.broken([display(entry.path) for entry, item in media if item in broken])


def _lacking(fault: Fault) -> tuple[str, str]:
    """(reason, detail) of a file whose payload cannot be read: a key of KEEP_REASONS, and the system's words."""
    return ("refused" if not_read(fault) else "missing"), fault.text
