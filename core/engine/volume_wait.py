"""Imports that wait for a volume: it is polled, and the import resumed when the volume is back."""

import asyncio
import errno
import logging
import os
from collections.abc import Awaitable, Callable

from core import archive_layout
from core.archives.registry import Archives
from core.catalog import Catalog, ImportRow
from core.engine.import_factory import ImportFactory
from core.errors import ArchiveAwayError, LadingError, SourceAwayError
from core.models import Outcome, State, Waits
from core.volumes.probe import probe

POLL_INTERVAL = 1.0
"""Seconds between two polls of what is mounted."""

AGE = 10.0
"""Seconds for which the identity of a disk is cached."""

PROBE_TIMEOUT = 5.0
"""Seconds until a volume counts as not answering."""

LONGEST_INTERVAL = 30.0
"""The longest interval, in seconds, between attempts with a volume that is mounted but cannot be used."""

FRUITLESS = 4
"""How often an import resumes by itself without progress; then it waits for a person."""

log = logging.getLogger("lading.waiting")


class VolumeWait:
    """The waiting imports of one engine, each in a task of its own, so that a dead volume delays no other
    import."""

    def __init__(
        self,
        catalog: Catalog,
        archives: Archives,
        factory: ImportFactory,
        go_on: Callable[[str], Awaitable[None]],
        instead: Callable[[ImportRow], Awaitable[list[bytes]]],
    ) -> None:
        """`instead`: folders of which one is enough for an import to go on without its source."""
        self._instead = instead
        self._catalog = catalog
        self._archives = archives
        self._factory = factory
        self._go_on = go_on
        self._stopped = False
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._tries: dict[str, tuple[int, int]] = {}
        """(how often the import resumed without progress, files that were left to do the last time)."""

    def __contains__(self, name: object) -> bool:
        return name in self._tasks

    def __len__(self) -> int:
        return len(self._tasks)

    async def add(self, row: ImportRow, check: bytes = b"") -> None:
        """Resume an import when the volume it waits for is back, and its file `check` can be read."""
        if self._stopped:
            return
        totals = await self._catalog.totals(row.id)
        left = totals.get(Outcome.TODO, (0, 0))[0]
        tries, before = self._tries.get(row.name, (0, -1))
        tries = tries + 1 if left == before else 1
        self._tries[row.name] = tries, left
        if tries > FRUITLESS:
            self.forget(row.name)
            why = f"{row.reason}, {tries} times without getting any further"
            advice = "Try another cable, reader or network, then resume."
            await self._catalog.set_state(row.id, State.PAUSED, why, advice)
            log.warning("an import does not go on by itself any more", extra={"import": row.name})
            return
        self.drop(row.name)
        log.info("an import waits", extra={"import": row.name, "for": str(row.waits), "reason": row.reason})
        self._tasks[row.name] = asyncio.create_task(
            self._wait(row, check, POLL_INTERVAL * 2 ** (tries - 1)), name=f"waits {row.name}"
        )

    def drop(self, name: str) -> None:
        """Stop waiting for the volume of this import."""
        task = self._tasks.pop(name, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def forget(self, name: str) -> None:
        """Stop waiting, because a person acts: earlier attempts do not count any more."""
        self.drop(name)
        self._tries.pop(name, None)

    async def stop(self) -> None:
        """Stop waiting for all volumes."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        self._stopped = True

    async def _wait(self, row: ImportRow, check: bytes, pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_INTERVAL)
            try:
                if not await self._there(row, check):
                    pause = POLL_INTERVAL
                elif await self._goes_on(row):
                    self.drop(row.name)
                    return
            except Exception:
                # This task must not end: nothing else polls the volume.
                log.exception("an import cannot go on", extra={"import": row.name})

    async def _goes_on(self, row: ImportRow) -> bool:
        try:
            await self._go_on(row.name)
        except LadingError as error:
            log.warning("an import cannot go on yet", extra={"import": row.name, "reason": str(error)})
            row.waits = waits_for(error) or row.waits
            await self._catalog.set_state(
                row.id, State.PAUSED, error.cause, error.advice, waits=Waits(row.waits), before=State.PAUSED
            )
            return False
        log.info("an import goes on by itself", extra={"import": row.name})
        return True

    async def _there(self, row: ImportRow, check: bytes) -> bool:
        """Whether the volume is mounted and answers."""
        try:
            if row.waits == Waits.ARCHIVE:
                elsewhere = await self._archives.whereabouts.elsewhere(row.archive_id, row.archive_path, AGE)
                places, check = (
                    [
                        os.path.join(root, os.fsencode(archive_layout.OWN))
                        for root in (row.archive_path, *elsewhere)
                    ],
                    b"",
                )
            else:
                places = await self._factory.places(row, AGE)
        except OSError:
            return False
        instead = await self._instead(row) if row.waits == Waits.SOURCE else []
        wanted = [*((place, check) for place in places), *((place, b"") for place in instead)]
        return any(await asyncio.gather(*(answers(*one) for one in wanted)))


def waits_for(error: LadingError) -> Waits:
    """The volume that has to be back before an import that ended with this error can resume."""
    if isinstance(error, SourceAwayError):
        return Waits.SOURCE
    return Waits.ARCHIVE if isinstance(error, ArchiveAwayError) else Waits.NOTHING


async def answers(path: bytes, check: bytes = b"") -> bool:
    """Whether the volume of the folder `path` answers, and the folder is there; with `check`, whether that file
    below it can be read, or is gone."""
    looked = await asyncio.to_thread(probe, path, PROBE_TIMEOUT)
    if looked.answers and not looked.error and check:
        looked = await asyncio.to_thread(probe, os.path.join(path, check), PROBE_TIMEOUT)
        if looked.error == os.strerror(errno.ENOENT):
            return True
    return looked.answers and not looked.error
