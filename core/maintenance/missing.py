"""Finds the files of a source whose content is not in the archive yet."""

from collections.abc import Awaitable, Callable

from core.catalog import Catalog
from core.importing.source_record import Judged
from core.maintenance.archive_reader import ArchiveReader
from core.maintenance.check import Progress, read_all, record_of
from core.maintenance.check_findings import Findings
from core.maintenance.source_reader import SourceReader
from core.paths import join
from core.results import CheckResult
from core.workers.source_messages import Entry

Tell = Callable[[list[tuple[bytes, str]]], Awaitable[None]]
"""Called with some missing files at a time: (absolute path, why it could not be read or listed; empty when it
could)."""


async def missing(
    catalog: Catalog, source: SourceReader, archive: ArchiveReader, progress: Progress, tell: Tell
) -> CheckResult:
    """Read the whole source, trust the catalog about the archive, and tell every file that the archive lacks: its
    content is not there, or is known to be damaged, or its payload is gone. What cannot be listed is told, too.
    Raises SourceError, ArchiveError."""
    findings = Findings(source.picked, archive.archive, read=True)

    async def compare(files: list[Judged]) -> None:
        digests = await source.digests([one.entry for one in files])
        held = await archive.with_content([digest.xxh128 for digest in digests if digest.fault is None])
        present = await archive.present([item for item in held if not item.damage])
        there = {item.content for item in held if item.id in present}
        lacking: list[tuple[bytes, str]] = []
        for (entry, *_), digest in zip(files, digests, strict=True):
            path = join(source.picked.source.root, entry.path)
            if digest.fault is not None:
                findings.keep(entry, "unread", str(digest.fault))
                lacking.append((path, str(digest.fault)))
            elif digest.content in there:
                findings.safe(entry)
            else:
                findings.keep(entry, "new")
                lacking.append((path, ""))
        await tell(lacking)

    async def unlisted(entries: list[Entry]) -> None:
        await tell([(join(source.picked.source.root, entry.path), entry.reason) for entry in entries])

    record = await record_of(catalog, source.picked, archive.archive.id)
    await read_all(source, record, findings, compare, progress, unlisted)
    return findings.result()
