"""Groups of imports: one source that is imported into several archives.

One import of a group reads the source; the others follow it (core.importing.following). When the reading import
halts, another one reads the source instead, and the halted one follows once it is resumed.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Container, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

from core import archive_layout
from core.archives.registry import Archives
from core.catalog import Catalog, ImportRow
from core.engine.copied_verdicts import CopiedVerdicts
from core.engine.import_factory import ImportFactory
from core.engine.volume_wait import LONGEST_INTERVAL, POLL_INTERVAL, answers
from core.errors import LadingError, WorkerDiedError
from core.importing.import_run import Run
from core.importing.importer import Importer
from core.importing.leader import OTHERS_SQL, Leader, able_to_lead
from core.models import ENDED, State
from core.workers.pool import TaskFailedError

log = logging.getLogger("lading.groups")


class ImportGroups:
    """The groups of imports of one engine. `under_way`: the importers of all imports in progress, by id."""

    def __init__(
        self,
        catalog: Catalog,
        archives: Archives,
        factory: ImportFactory,
        verdicts: CopiedVerdicts,
        under_way: Mapping[str, Importer],
    ) -> None:
        self._catalog = catalog
        self._archives = archives
        self._factory = factory
        self._verdicts = verdicts
        self._under_way = under_way
        self._watches: set[asyncio.Task[None]] = set()

    def others_under_way(self, name: str, together: str) -> Iterator[tuple[str, Importer]]:
        """(name, importer) of the group's other imports that are under way and not about to end."""
        for other, importer in list(self._under_way.items()):
            if together and other != name and importer.run.row.together == together and not importer.ending:
                yield other, importer

    async def resume_others(
        self, name: str, go_on: Callable[[str], Awaitable[None]], waiting: Container[str]
    ) -> None:
        """Call `go_on` with the name of each other import of the group that has not ended, is not running, and
        is not among those `waiting` for a volume. A LadingError is logged."""
        row = await self._catalog.import_named(name)
        if row is None or not row.together:
            return
        where = f"{OTHERS_SQL} AND i.state NOT IN (?, ?)"
        for other in await self._catalog.imports(where, (row.together, row.id, *ENDED)):
            importer = self._under_way.get(other.name)
            if other.name in waiting or (importer is not None and not importer.run.paused):
                continue
            try:
                await go_on(other.name)
            except LadingError as error:
                facts = {"import": other.name, "reason": str(error)}
                log.warning("an import of the same group cannot go on", extra=facts)

    async def places(self, row: ImportRow) -> list[bytes]:
        """Folders, one for each archive that can lead: if one of them is present, the import can continue without
        its source."""
        own = os.fsencode(archive_layout.OWN)
        return [os.path.join(other.archive_path, own) for other in await able_to_lead(self._catalog, row)]

    async def choose(self, run: Run, stack: AsyncExitStack) -> Leader | None:
        """The leader that `run` follows now, whose archive stays open as long as `stack`; None: `run` reads the
        source itself from now on, as the first one of a group does that begins."""
        if run.reads_source:
            # This must not await: meanwhile another import could become the one that reads the source.
            return None
        while True:
            for row in await able_to_lead(self._catalog, run.row):
                if row.name in run.lost_leaders:
                    continue
                try:
                    used = self._archives.used(os.fsdecode(row.archive_path), row.archive_id, reading=True)
                    archive, _ = await stack.enter_async_context(used)
                except LadingError as error:
                    facts = {"import": run.row.name, "reason": str(error)}
                    log.info("an archive cannot be read for another import", extra=facts)
                    continue
                return Leader(
                    row, archive.place, archive.copy.number, self._factory.reading_archive(archive), None
                )
            # There is no await from here to the assignment, so that no second import starts to read the source.
            found = self._reading(run)
            if found is None:
                run.reads_source = True
                return None
            if found.ended is None:
                user = f"{run.row.name} follows"
                found.archive.active.add(user)
                stack.push_async_callback(self._archives.leave, found.archive, user)
                reading = self._factory.reading_archive(found.archive)
                return Leader(found.row, found.archive.place, found.archive.copy.number, reading, found)
            # It has ended since, so the next round finds it among those that are able to lead.

    def _reading(self, run: Run) -> Run | None:
        """The import of the group that reads the source now."""
        together = run.row.together
        for importer in self._under_way.values():
            other = importer.run
            if other is run or other.row.together != together or other.row.name in run.lost_leaders:
                continue
            if other.reads_source and not importer.stopped and other.ended in (None, State.DONE):
                return other
        return None

    # Verdicts

    def start(self) -> None:
        """Watch the groups with verdicts that wait for copies since an earlier run of the engine."""
        self._watch(self._resumed(), "verdicts of groups")

    async def stop(self) -> None:
        """Stop watching all groups."""
        for task in self._watches:
            task.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    async def ended(self, row: ImportRow) -> None:
        """Judge the group of an import that has ended, because each import's archive may be the copy that another
        one waits for."""
        if not row.together or row.state not in ENDED:
            return
        away = await self._judge(row.together)
        await self._catalog.forget_handed_on()
        if away:
            self._watch(self._wait(row.together, away), f"verdicts of {row.together}")

    def _watch(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._watches.add(task)

        def over(task: asyncio.Task[None]) -> None:
            self._watches.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("the verdicts of a group are watched no more", exc_info=error)

        task.add_done_callback(over)

    async def _resumed(self) -> None:
        for together in await self._catalog.awaiting_groups():
            if away := await self._judge(together):
                self._watch(self._wait(together, away), f"verdicts of {together}")

    async def _judge(self, together: str) -> list[bytes]:
        """Judge the imports of a group that are done. Returns the paths of archives that could not be used, if a
        verdict still waits for copies; else nothing."""
        where = "i.together = ? AND i.together != '' AND i.state = ?"
        done = await self._catalog.imports(where, (together, State.DONE))
        away: list[bytes] = []
        for other in done:
            try:
                path = os.fsdecode(other.archive_path)
                async with self._archives.used(path, other.archive_id) as (archive, _):
                    await self._verdicts.judge(archive)
            except (LadingError, TaskFailedError, WorkerDiedError, OSError) as error:
                away.append(other.archive_path)
                facts = {"import": other.name, "reason": str(error)}
                log.info("a verdict cannot be told yet", extra=facts)
        return away if together in await self._catalog.awaiting_groups() else []

    async def _wait(self, together: str, away: list[bytes]) -> None:
        """Judge again whenever one of these archives answers again, until none is away or no verdict waits."""
        pause = POLL_INTERVAL
        while away:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_INTERVAL)
            own = os.fsencode(archive_layout.OWN)
            if any([await answers(os.path.join(path, own)) for path in away]):
                away = await self._judge(together)
