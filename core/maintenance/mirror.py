"""The mirror: brings one copy of an archive everything that it lacks and another copy has.

Journals come first, so that the copy has a record of what it is to hold; then each location with its bag; then
thumbnails and proxies. A file whose name the target has already is not read, unless it was never read back
successfully in that copy: then it is read, and reported if its content is not what was archived. Nothing is
deleted, and no payload is replaced. An interrupted mirror needs no state to continue: the next one finds what is
lacking by listing both copies.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import suppress

from core import archive_layout
from core.aio import to_the_end
from core.archives import location_sync
from core.archives.archive import Archive
from core.archives.liveness import STILL
from core.archives.staging import remove_staged
from core.config import Config
from core.errors import ArchiveError, LadingError, WorkerDiedError
from core.maintenance.audit import Audit
from core.maintenance.mirror_bag import BagMirror, Differences
from core.maintenance.mirror_payload import PayloadCopier
from core.maintenance.mirror_records import RecordCopier
from core.maintenance.mirror_run import MirrorRun
from core.models import Count
from core.paths import display
from core.results import MirrorResult
from core.workers import archive_messages
from core.workers.pool import TaskFailedError, TaskStoppedError

POLL_INTERVAL = 0.5
"""Seconds between two looks for progress."""

Learn = Callable[[Archive, set[str]], Awaitable[None]]
"""Called with an archive in use that received files, and the folders of their locations."""


class Mirror:
    """One mirror in one direction. `learn` updates the catalog and the bags, if the target is the archive in
    use."""

    def __init__(self, run: MirrorRun, settings: Config, learn: Learn, anew: Collection[str] = ()) -> None:
        """`anew`: locations whose bags are out of date in the source, because it has just received files there."""
        self.run = run
        self._records = RecordCopier(run)
        self._payload = PayloadCopier(run)
        self._bags = BagMirror(run, self._records, self._payload, settings, anew)
        self._learn = learn

    async def go(self) -> MirrorResult:
        """Run the mirror. Raises LadingError: when an archive does not answer or is full, or the target's lock is
        lost."""
        run, began = self.run, time.monotonic()
        run.target.active.add(run.name)
        try:
            await self._while_well()
        finally:
            run.target.active.discard(run.name)
            await to_the_end(self._clean())
        return MirrorResult(
            source=display(run.source.path),
            target=display(run.target.path),
            brought=Count(files=run.brought[0], bytes=run.brought[1]),
            others=run.others,
            held=Count(files=run.held[0], bytes=run.held[1]),
            total=run.total,
            lacking_count=run.lacking_count,
            lacking=tuple(run.lacking),
            open_bags=tuple(run.open_bags),
            seconds=time.monotonic() - began,
        )

    async def _while_well(self) -> None:
        """Run all steps. They are cancelled when a volume does not answer any more, or the target's lock is
        lost."""
        run = self.run
        work = asyncio.create_task(self._all(), name=run.name)
        watch = asyncio.create_task(self._watch(), name=f"watch of {run.name}")
        try:
            await asyncio.wait([work, watch], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                watch.result()
            work.result()
        except BaseExceptionGroup as group:
            raise _first(group) from group
        except (TaskFailedError, TaskStoppedError, WorkerDiedError, OSError) as error:
            await self._explain(error)
        finally:
            for task in (work, watch):
                task.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)

    async def _explain(self, error: Exception) -> None:
        if isinstance(error, TaskFailedError):
            await self.run.give_up(error.fault)
        raise ArchiveError(
            f"{display(self.run.target.path)} could not be mirrored to: {error}.",
            "See to the archives; the same command goes on where it stopped.",
        ) from error

    async def _watch(self) -> None:
        """Raises ArchiveError when a volume does not answer, or the target's lock is lost; else it runs until
        cancelled."""
        run, clock = self.run, asyncio.get_running_loop().time
        seen, since = run.progress_marks(), clock()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(run.target.lock.lost.wait(), POLL_INTERVAL)
                raise ArchiveError(f"{run.target.lock.why}.", "See to the archive, then mirror again.")
            if run.progress_marks() != seen:
                seen, since = run.progress_marks(), clock()
            elif clock() - since >= STILL:
                await run.who_is_away()
                since = clock()

    async def _clean(self) -> None:
        run = self.run
        if run.target.lock.lost.is_set():
            return
        await remove_staged(run.pool, run.target.place, run.name)

    async def _all(self) -> None:
        run = self.run
        await self._count(anew=True)
        for folder in (archive_layout.JOURNALS, archive_layout.MOVES):
            await self._records.journals(folder)
        locations = await self._locations()
        for folder in locations:
            await self._bags.bring(folder)
        await self._notes(locations)
        for folder in archive_layout.DERIVATIVES:
            await self._payload.bring(self._lacking(folder))
        if not run.target.copy.number:
            await self._learn(run.target, run.locations)
        await self._count(anew=bool(await self._unproven() or run.brought[0]))

    async def _count(self, *, anew: bool) -> None:
        """Count the items of the archive, and those that are proven in the target. The latter takes long, so
        without `anew` it is done only if the number of items has changed."""
        run, before = self.run, self.run.total
        files, size = await run.catalog.count_after(run.target.id, 0)
        run.total = Count(files=files, bytes=size)
        if not anew and run.total == before:
            return
        run.held = list(await run.catalog.proven(run.target.id, run.target.copy.number))

    async def _locations(self) -> list[str]:
        """The folders of all locations of the source."""
        folders: list[str] = []
        while True:
            async with self.run.worker("locations") as worker:
                request = archive_messages.ListFolder(self.run.source.place, b"locations", len(folders))
                listed = await worker.ask(request, archive_messages.FolderListed)
            folders += [name.decode(errors="replace") for name, what in listed.names if what == "folder"]
            if not listed.more:
                return sorted(folder for folder in folders if location_sync.FOLDER_NAME.fullmatch(folder))

    async def _notes(self, locations: list[str]) -> None:
        """Bring the access notes of locations, which are kept outside the bags."""
        run, records = self.run, self._records
        for folder in locations:
            path = archive_layout.access_notes(folder)
            said, there = await records.text(run.source, path), await records.text(run.target, path)
            if said and said != there:
                await records.bring(path, there=bool(there))

    async def _lacking(self, folder: str) -> AsyncIterator[list[str]]:
        lacking = Differences(self.run, folder)
        async for page in lacking.payload():
            yield page  # always empty: there is no payload outside bags
        yield lacking.records

    async def _unproven(self) -> int:
        """Read the items of the target that were never read back successfully there, or whose payload is missing
        or has another size by now. Returns how many."""
        run = self.run
        audit = Audit(run.target, run.catalog, run.pool, run.verify)
        named = {path for path, _ in run.lacking}
        await audit.check_presence()
        async for path, why in audit.unproven():
            if display(path) not in named:
                run.lack(path, why)
        return audit.looked_at


def _first(group: BaseException) -> BaseException:
    """The error to report to a person: a LadingError, if there is one in the group."""
    if not isinstance(group, BaseExceptionGroup):
        return group
    errors = [_first(one) for one in group.exceptions]
    return next((one for one in errors if isinstance(one, LadingError)), errors[0])
