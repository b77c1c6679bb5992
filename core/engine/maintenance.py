"""Maintenance of archives on request: audit, repair, tidy, rebuild, move, accept."""

import asyncio
import os
import time
from collections.abc import Callable, Container
from contextlib import AsyncExitStack, ExitStack

import msgspec

from core.archives.archive import Archive
from core.archives.copy_count import Standing, standing
from core.archives.readonly import reading
from core.archives.recover_id import give_id, id_of
from core.archives.registry import Archives
from core.catalog import Catalog, ImportRow, adjustments, find_import
from core.engine.copied_verdicts import CopiedVerdicts
from core.engine.ended_imports import EndedImports
from core.engine.import_factory import ImportFactory
from core.engine.job_service import JobService
from core.errors import ArchiveAwayError, ArchiveError, ArchiveIdLostError, UsageError, WorkerDiedError
from core.journal import journal_format
from core.journal.end_import import ReceiptWriter
from core.maintenance.adjust import Adjuster
from core.maintenance.audit import EVERYTHING, Audit, Progress
from core.maintenance.lacking_now import read_unread, refuse_if_lacking
from core.maintenance.move_import import Mover
from core.maintenance.rebuild import Rebuild
from core.maintenance.repair import Repair
from core.maintenance.tidy import Tidy
from core.models import ENDED, Count, Verdict
from core.paths import display, is_remote
from core.receipts import additions
from core.results import Adjusted, AuditResult, AuditScope, Correction, Moved, Rebuilt, Tidied
from core.words import counted
from core.workers.pool import Pool, TaskFailedError

TOLD = 0.5
"""Seconds between two reports of a rebuild's progress."""


class Maintenance:
    """Each operation opens the archive that it works on. `under_way`: ids of the imports that the engine is
    running; `judged` is called with imports whose verdict has changed; `copied` judges those that wait for
    copies; `ended` writes reports."""

    def __init__(
        self,
        pool: Pool,
        catalog: Catalog,
        archives: Archives,
        factory: ImportFactory,
        jobs: JobService,
        under_way: Container[str],
        judged: Callable[[ImportRow], None],
        copied: CopiedVerdicts,
        ended: EndedImports,
    ) -> None:
        self._pool = pool
        self._catalog = catalog
        self._archives = archives
        self._factory = factory
        self._jobs = jobs
        self._under_way = under_way
        self._judged = judged
        self._copied = copied
        self._ended = ended
        self._rebuilding = asyncio.Lock()

    async def audit(self, path: str, progress: Progress, scope: AuditScope = EVERYTHING) -> AuditResult:
        """Read the archive at `path`, or the copy of it there, again as `scope` says, count its junk files, and
        heal damage if `scope` says so.

        Raises ArchiveError, SourceError.
        """
        async with self._archives.used(path, reading=not scope.heals, mirror=scope.heals) as (archive, _):
            began = time.monotonic()
            audit = Audit(archive, self._catalog, self._pool, self._factory.limits.verify)
            result = await audit.run(progress, scope)
            if scope.contents:
                return result
            tidy = Tidy(archive, self._catalog, self._pool)
            junk = await tidy.count()
            for location in tidy.locations:
                await self._jobs.bag_anew(archive.id, location)
            result = msgspec.structs.replace(result, junk=junk)
            if not scope.heals:
                return result
            heal = Repair(archive, self._catalog, self._pool, self._factory.limits.copy)
            try:
                await heal.run(await self._factory.sources(scope.heal), await self._others(archive, scope))
            finally:
                for location in () if archive.copy.number else heal.locations:
                    await self._jobs.bag_anew(archive.id, location)
            result = await audit.result(began)
            return msgspec.structs.replace(result, healed=tuple(heal.healed), junk=junk)

    async def _others(self, archive: Archive, scope: AuditScope) -> list[Standing]:
        """The other copies of an archive, each looked for now, if `scope` says to heal from them; else none."""
        rows = await self._catalog.copies_of(archive.id) if scope.copies else []
        others = [row for row in rows if row.number != archive.copy.number and not is_remote(row.path)]
        whereabouts = self._archives.whereabouts
        return [await standing(row, self._pool, self._catalog, whereabouts) for row in others]

    async def tidy(self, path: str, *, remove: bool) -> Tidied:
        """Remove junk files from the bags of the archive at `path`, or without `remove` find out which they are.
        Bags that change are made anew. Raises ArchiveError."""
        async with self._archives.used(path) as (archive, _):
            tidy = Tidy(archive, self._catalog, self._pool)
            try:
                return await tidy.run(remove=remove)
            finally:
                for location in tidy.locations:
                    await self._jobs.bag_anew(archive.id, location)

    async def rebuild(self, path: str, progress: Progress = lambda new, total: None) -> Rebuilt:
        """Update the catalog from everything that the archive at `path` holds. That copy is the one in use from
        then on, and a lost archive.toml is written again. Raises ArchiveError, UsageError.

        `progress` is called at intervals with the number of files new in the catalog; the total is not known.
        """
        telling = asyncio.create_task(self._tell(progress), name="rebuild's progress")
        try:
            async with self._rebuilding:
                return await self._rebuild(path)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, progress: Progress) -> None:
        before = self._catalog.last_item_id
        while True:
            await asyncio.sleep(TOLD)
            progress(Count(files=self._catalog.last_item_id - before), Count())

    async def _rebuild(self, path: str) -> Rebuilt:
        id, before = await self._identified(path)
        async with self._archives.used(path, reading=True) as (archive, _):
            for name in archive.active:
                if name in self._under_way:
                    raise UsageError(f"import {name} runs into it.", "Wait for its end, or cancel it.")
            found = await Rebuild(archive, self._catalog, self._pool, whole=bool(before)).run()
            jobs = await self._jobs.derive(archive.id) if archive.writable else 0
            return msgspec.structs.replace(found, jobs=jobs, instead_of=display(before), id=id)

    async def _identified(self, path: str) -> tuple[str, bytes]:
        """Make the copy of an archive at `path` the one in use. Returns the id if archive.toml was written again,
        and the path of the copy that was in use before; both empty where nothing was changed."""
        id = ""
        try:
            try:
                found = await reading(path, self._pool, self._catalog)
                named = [] if found.id else (await id_of(path, self._pool))[1]
                lost = bool(named) and found.uuid not in named
            except ArchiveIdLostError:
                lost = True
            if lost:
                id = await give_id(path, self._pool, self._catalog)
                found = await reading(path, self._pool, self._catalog)
        except ArchiveAwayError:
            return "", b""  # it may be found where its volume is mounted now
        except (TaskFailedError, WorkerDiedError, OSError) as error:
            raise ArchiveError(f"{display(path)} cannot be read: {error}.", "Try once more.") from error
        if not found.copy.number:
            return id, b""
        with ExitStack() as stack:
            async with self._ended.no_reports():
                stack.enter_context(self._archives.changing(found.id))
            await self._catalog.use_copy(found.id, found.copy.number)
            await self._jobs.dismiss(found.id)
        return id, found.copy.in_use

    async def move(self, name: str, location: str, progress: Progress = lambda done, total: None) -> Moved:
        """Move an import that has ended to another location of its archive. Raises UsageError, ArchiveError."""
        row = (
            await self._catalog.imports("i.id = ?", (await find_import.find(self._catalog.database.read, name),))
        )[0]
        if row.state not in ENDED:
            raise UsageError(f"import {row.name} has not ended.", "Wait for its end, or cancel it.")
        async with self._archives.used(os.fsdecode(row.archive_path), row.archive_id) as (archive, _):
            try:
                with ExitStack() as stack:
                    async with self._ended.no_reports():
                        stack.enter_context(archive.to_itself(f"import {row.name} is moved to another location"))
                    return await self._move(archive, row.name, location, progress)
            finally:
                self._jobs.free_again(archive.id)

    async def accept(self, name: str, by: str) -> list[str]:
        """Record that a person accepts what differs from an earlier import: the verdict of import `name`, and of
        earlier imports of its volume, becomes what it would have been. Returns their ids. An earlier one that
        would be SAFE, but of which the archive, or a copy that it needs, lacks a file by now, stays as it is.
        Raises UsageError; ArchiveError, also where the import `name` is such a one."""
        read = self._catalog.database.read
        row = (await self._catalog.imports("i.id = ?", (await find_import.find(read, name),)))[0]
        async with self._archives.used(os.fsdecode(row.archive_path), row.archive_id) as (archive, _):
            receipt = ReceiptWriter(archive, self._catalog, self._pool)
            async with archive.closing:
                done: list[str] = []
                acceptable = [
                    (await self._catalog.imports("i.id = ?", (number,)))[0]
                    for number in await self._catalog.acceptable(row.id)
                ]
                holding: list[ImportRow] = []
                for one in reversed(acceptable):
                    try:
                        await self._refuse_if_not_safe(archive, one)
                    except ArchiveError:
                        if one.id == row.id:
                            raise
                        # A card that lost the file, too, could never be accepted again.
                    else:
                        holding.insert(0, one)
                for one in holding:
                    await self._accept(receipt, one, by)
                    done.append(one.name)
            # An import that lacked nothing else but copies may have enough of them by now.
            await self._copied.judge(archive)
        for accepted in done:
            if (judged := await self._catalog.import_named(accepted)) is not None:
                self._judged(judged)
        if not done:
            raise UsageError(
                f"nothing of import {row.name} waits to be accepted.",
                "Accept one of which a file differs from an earlier import although size and time are the same.",
            )
        return done

    async def _refuse_if_not_safe(self, archive: Archive, row: ImportRow) -> None:
        """Return unless the verdict would be SAFE, and files or copies are lacking by now: what was found at the
        import's end may hold no longer. Files that were never read back are read. Raises ArchiveError."""
        if (await self._catalog.found_verdict(row.id)).otherwise == Verdict.SAFE:
            await read_unread(archive, row, self._catalog, self._pool, self._factory.limits.verify)
            await refuse_if_lacking(archive, row, self._catalog, self._pool)
            await self._copied.refuse_if_fewer(row)

    async def _accept(self, receipt: ReceiptWriter, row: ImportRow, by: str) -> None:
        now = time.time()
        found = await self._catalog.found_verdict(row.id)
        word, why = found.otherwise, found.otherwise_reason
        line = journal_format.sealed({"accepted": now, "by": by})
        try:
            await receipt.add(row, [line], additions.acceptance(row, now, by, Verdict(word), why))
        except (TaskFailedError, WorkerDiedError, OSError) as error:
            raise ArchiveError(
                f"it cannot be written to: {error}.", "Make it writable, then try again."
            ) from error
        await self._catalog.accept(row.id, now, by)
        await self._jobs.bag_anew(row.archive_id, row.location_id)

    async def adjust(self, text: str, how: Correction | None, by: str, *, dry: bool) -> Adjusted:
        """Correct the capture dates of the items that `text` selects (`core.catalog.adjustments.chosen`); with
        `how` None, undo the last correction of them. With `dry` nothing is written. Raises UsageError,
        ArchiveError."""
        read = self._catalog.database.read
        items = await adjustments.select_items(read, text)
        number = await adjustments.latest(read, items) if how is None else None
        if not items or (how is None and number is None):
            why = "has a corrected date" if items else "fits"
            raise UsageError(
                f"no archived file {why}: {display(text)}.", "`lading find` shows what a search finds."
            )
        adjuster = Adjuster(self._catalog, self._pool, by, await adjustments.next_number(read))
        what = how.what if how is not None else ""
        for archive_id, path, ids in await adjustments.by_archive(read, items):
            async with AsyncExitStack() as stack:
                archive = None
                if not dry:
                    archive, _ = await stack.enter_async_context(
                        self._archives.used(os.fsdecode(path), archive_id)
                    )
                    await stack.enter_async_context(archive.closing)
                try:
                    if how is not None:
                        await adjuster.adjust(archive_id, archive, ids, how)
                    elif number is not None:
                        what = await adjuster.undo(archive_id, archive, ids, number) or what
                    if archive is not None:
                        await adjuster.end(archive)
                except (TaskFailedError, WorkerDiedError, OSError) as error:
                    done = (
                        f" The dates of {counted(adjuster.count, 'file')} had been changed by then."
                        if adjuster.count
                        else ""
                    )
                    raise ArchiveError(
                        f"it cannot be written to: {error}.{done}",
                        "Make it writable; `lading adjust … --undo` takes back what was changed.",
                    ) from error
                finally:
                    self._jobs.wake()
        return adjuster.result(what, undone=how is None, dry=dry)

    async def _move(self, archive: Archive, name: str, location: str, progress: Progress) -> Moved:
        if not location.strip():
            raise UsageError("no location was given.", "Say where it belongs.")
        mover = Mover(archive, self._catalog, self._pool, progress)
        try:
            # One may have failed in the middle, and the archive stayed open since.
            await mover.take_up()
            row = (await self._catalog.imports("i.name = ?", (name,)))[0]
            number, folder = await archive.location(location)
            if number == row.location_id:
                raise UsageError(f"import {name} is there already.", "See `lading location`.")
            return await mover.move(row, number, folder, location.strip())
        except (TaskFailedError, WorkerDiedError, OSError) as error:
            raise ArchiveError(
                f"the move could not be finished: {error}.", "It is finished when the archive is opened next."
            ) from error

    async def derive(self, path: str) -> int:
        """Add jobs for all results that are missing in the archive at `path`. Returns how many were added. Raises
        ArchiveError."""
        async with self._archives.used(path) as (archive, _):
            return await self._jobs.derive(archive.id)
