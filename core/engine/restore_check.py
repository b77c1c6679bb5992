"""Restores from archives, and checks sources against archives."""

import os
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from core.archives.copy_count import CopyCount
from core.archives.item_batches import by_bytes
from core.archives.readonly import FoundArchive, reading
from core.archives.registry import Archives
from core.catalog import Catalog
from core.engine.import_factory import ImportFactory
from core.engine.offsite import Environ, Offsite
from core.errors import ArchiveAwayError, ArchiveError, SourceError, UsageError
from core.importing.sources import PickedSources
from core.maintenance.archive_reader import ArchiveReader
from core.maintenance.check import Check
from core.maintenance.missing import Tell, missing
from core.maintenance.source_reader import SourceReader
from core.models import RestoreOptions
from core.paths import display, is_remote
from core.restoring import selection
from core.restoring.naming import Naming
from core.restoring.restore import Progress, Restore
from core.results import CheckResult, RestoreResult
from core.workers.pool import Pool

PAGE = 500
"""Contents per query."""


class RestoreCheck:
    """Archives are only read here. One is locked only while journals of another engine are replayed."""

    def __init__(
        self, pool: Pool, catalog: Catalog, archives: Archives, factory: ImportFactory, offsite: Offsite
    ) -> None:
        self._offsite = offsite
        self._archives = archives
        self._pool = pool
        self._catalog = catalog
        self._factory = factory
        self._sources = PickedSources(pool)
        self._targets: set[bytes] = set()

    async def distinct(self, sources: Sequence[str]) -> list[str]:
        """The sources, without those that equal another one or lie within one. Raises SourceError."""
        picked = await self._sources.pick(sources)
        return [source for source, one in zip(sources, picked, strict=True) if one is not None]

    async def check(
        self, source: str, archive: str, progress: Progress, *, read: bool, copies: int = 1
    ) -> CheckResult:
        """Check whether every file of `source` is archived, verified and present, in `copies` copies on distinct
        devices.

        Raises SourceError, ArchiveError.
        """
        found = await self._with_news_replayed(archive)
        readers = await self._readers(source, found)
        others = await self._catalog.filled_together(found.id)
        counts = await CopyCount.of(
            found.id, copies, self._catalog, self._pool, self._archives.whereabouts, others
        )
        with self._archives.read(found.id):
            return await Check(self._catalog, *readers, counts).run(progress, read=read)

    async def missing(self, source: str, archive: str, progress: Progress, tell: Tell) -> CheckResult:
        """Find the files of `source` whose content the archive does not hold. Raises SourceError, ArchiveError."""
        found = await self._with_news_replayed(archive)
        readers = await self._readers(source, found)
        with self._archives.read(found.id):
            return await missing(self._catalog, *readers, progress, tell)

    async def _readers(self, source: str, found: FoundArchive) -> tuple[SourceReader, ArchiveReader]:
        (picked,) = await self._sources.pick([source])
        if picked is None:
            raise SourceError(f"{display(source)} cannot be used.")
        limits = self._factory.limits
        reading = self._factory.reading(picked)
        return (
            SourceReader(self._pool, picked, found.place, reading, limits.hash),
            ArchiveReader(self._catalog, self._pool, found, limits.verify),
        )

    async def _with_news_replayed(self, path: str) -> FoundArchive:
        """The archive at `path`; its journals are replayed first if it has new ones. Raises ArchiveError."""
        found = await self._reading(path)
        if found.news or not found.id:
            try:
                async with self._archives.used(path, reading=True):
                    return await self._reading(path)
            except ArchiveError:
                # Another engine has it, or it cannot be written to: the catalog is used as it is.
                if not found.id:
                    raise
        return found

    async def _reading(self, path: str) -> FoundArchive:
        """The archive at `path`, or where its volume is mounted now. Raises ArchiveError."""
        return await self._archives.whereabouts.find(path, None, self._read_expected)

    async def _read_expected(self, path: str, id: int | None) -> FoundArchive:
        found = await reading(path, self._pool, self._catalog)
        if id is not None and found.id != id:
            raise ArchiveError(f"at {display(path)} is another archive now.", "Mount the right one.")
        return found

    async def restore(
        self,
        name: str,
        target: str,
        progress: Progress,
        options: RestoreOptions = RestoreOptions(),  # noqa: B008 - frozen
        *,
        archive: str = "",
        find: bool = False,
        environ: Environ = None,
    ) -> RestoreResult:
        """Restore the original tree of an import, a card or a location below `target`; with `find`, the files that
        match `name` as a search. It reads from the copy of the archive at `archive`, which may be a remote; if
        that is empty, from the copy in use, and if that is away, from another copy.

        Raises UsageError, ArchiveError.
        """
        read = self._catalog.database.read
        names = Naming(options.naming) if options.naming else None
        given = (await self._reading(archive)).id if archive and not is_remote(archive) else 0
        trees = await (selection.trees_of_search if find else selection.trees)(read, name, given)
        path = os.path.abspath(os.fsencode(target))  # noqa: ASYNC240 - touches no disk
        if path in self._targets:
            raise UsageError(f"{display(path)} is being restored to already.", "Wait, or name another folder.")
        self._targets.add(path)
        first = trees[0].imports[0]
        try:
            remote, found = archive if is_remote(archive) else "", None
            if not archive:
                remote = await self._offsite.remote_in_use(first.archive_id)
            if remote:
                restore, copy = await self._offsite.restoring(first.archive_id, remote, environ), remote
            else:
                found = await self.copy(first.archive_id, archive)
                restore = Restore(read, self._pool, self._factory.limits.copy, found.place)
                copy = display(found.place.root) if found.copy.number else ""
            result = await restore.run(trees, path, progress, options, names)
            if found is not None and restore.doubtful:
                await self.read_doubtful(found, sorted(restore.doubtful))
            return msgspec.structs.replace(result, copy=copy)
        finally:
            self._targets.discard(path)

    async def read_doubtful(self, found: FoundArchive, contents: list[bytes]) -> None:
        """Read contents once more that a restore could not use, as an audit does, and record which are damaged. If
        the disk does not answer, nothing is recorded: the restore has reported the files."""
        reader = ArchiveReader(self._catalog, self._pool, found, self._factory.limits.verify)
        with suppress(ArchiveError):
            for at in range(0, len(contents), PAGE):
                for part in by_bytes(await reader.with_content(contents[at : at + PAGE]), lambda item: item.size):
                    await reader.verify(part)

    async def copy(self, id: int, path: str = "") -> FoundArchive:
        """The copy of an archive at `path`; if that is empty, the one in use, and if that is away, another one.
        Raises ArchiveError.
        """
        if path:
            found = await self._reading(path)
            if found.id != id:
                raise ArchiveError(f"at {display(path)} is another archive.", "Name a copy of the right one.")
            return found
        (main, *_) = await self._catalog.copies_of(id)
        whereabouts = self._archives.whereabouts
        try:
            return await whereabouts.find(os.fsdecode(main.path), id, self._in_use)
        except ArchiveError as error:
            others = (await self._catalog.copies_of(id))[1:]
            for other in others:
                for place in (other.path, *await whereabouts.places(other.volume, other.root)):
                    with suppress(ArchiveError):
                        return await self._read_expected(os.fsdecode(place), id)
            if remote := next((other.path for other in others if is_remote(other.path)), b""):
                there = f"A copy is off-site: lading restore WHAT DEST --archive {display(remote)}"
                raise ArchiveAwayError(error.cause, f"{error.advice} {there}".strip()) from error
            raise

    async def _in_use(self, path: str, id: int | None) -> FoundArchive:
        found = await self._read_expected(path, id)
        if found.copy.number:
            raise found.copy.refusal(path)
        return found
