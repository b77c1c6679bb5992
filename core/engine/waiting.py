"""Imports that wait for a volume: looked for now and then, and taken up when it is back."""

import asyncio
import errno
import logging
import os
from typing import TYPE_CHECKING

from core.catalog import ImportRow
from core.errors import ArchiveAwayError, LadingError, SourceAwayError
from core.models import Outcome, State, Waits
from core.volumes.probe import probe

if TYPE_CHECKING:
    from core.engine.engine import Engine

LOOK = 1.0
"""Seconds between two looks at what is mounted."""

AGE = 10.0
"""Seconds for which a disk is not asked again who it is."""

ANSWER = 5.0
"""Seconds that a volume gets to show that it is there."""

LONGEST = 30.0
"""Seconds at most between two looks at one that is mounted, but cannot be used."""

FRUITLESS = 4
"""How often an import goes on by itself without getting any further; then it waits for a person."""

log = logging.getLogger("lading.waiting")


class Waiting:
    """The imports of one engine that wait, each in a task of its own: a dead volume holds up no other."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._stopped = False
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._tries: dict[str, tuple[int, int]] = {}
        """How often it went on in vain, and how much was left to do the last time."""

    def __contains__(self, name: str) -> bool:
        return name in self._tasks

    def __len__(self) -> int:
        return len(self._tasks)

    async def add(self, row: ImportRow, check: bytes = b"") -> None:
        """Have an import go on when the volume it waits for is back, and its file `check` can be read."""
        if self._stopped:
            return
        totals = await self._engine.catalog.totals(row.id)
        left = totals.get(Outcome.TODO, (0, 0))[0]
        tries, before = self._tries.get(row.name, (0, -1))
        tries = tries + 1 if left == before else 1
        self._tries[row.name] = tries, left
        if tries > FRUITLESS:
            self.forget(row.name)
            why = f"{row.reason}, {tries} times without getting any further"
            advice = "Try another cable, reader or network, then resume."
            await self._engine.catalog.set_state(row.id, State.PAUSED, why, advice)
            log.warning("an import does not go on by itself any more", extra={"import": row.name})
            return
        self.drop(row.name)
        log.info("an import waits", extra={"import": row.name, "for": str(row.waits), "reason": row.reason})
        self._tasks[row.name] = asyncio.create_task(
            self._wait(row, check, LOOK * 2 ** (tries - 1)), name=f"waits {row.name}"
        )

    def drop(self, name: str) -> None:
        """It does not wait any more."""
        task = self._tasks.pop(name, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def forget(self, name: str) -> None:
        """A person has taken it in hand: what it did by itself does not count any more."""
        self.drop(name)
        self._tries.pop(name, None)

    async def stop(self) -> None:
        """Wait for nothing any more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        self._stopped = True

    async def _wait(self, row: ImportRow, check: bytes, pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            if not await self._there(row, check):
                pause = LOOK
                continue
            pause = min(pause * 2, LONGEST)
            try:
                await self._engine.go_on(row.name)
            except LadingError as error:
                log.warning("an import cannot go on yet", extra={"import": row.name, "reason": str(error)})
                row.waits = waits_for(error) or row.waits
                await self._engine.catalog.set_state(
                    row.id, State.PAUSED, error.cause, error.advice, waits=Waits(row.waits), before=State.PAUSED
                )
            except Exception:
                log.exception("an import cannot go on", extra={"import": row.name})
            else:
                log.info("an import goes on by itself", extra={"import": row.name})
                self.drop(row.name)
                return

    async def _there(self, row: ImportRow, check: bytes) -> bool:
        """Whether the volume is mounted and answers."""
        try:
            if row.waits == Waits.ARCHIVE:
                elsewhere = await self._engine.archives.whereabouts.elsewhere(
                    row.archive_id, row.archive_path, AGE
                )
                places, check = [os.path.join(root, b".lading") for root in (row.archive_path, *elsewhere)], b""
            else:
                places = await self._engine.starter.places(row, AGE)
        except OSError:
            return False
        return any(await asyncio.gather(*(_answers(place, check) for place in places)))


def waits_for(error: LadingError) -> Waits:
    """The volume that has to come back before what ended with this error can go on."""
    if isinstance(error, SourceAwayError):
        return Waits.SOURCE
    return Waits.ARCHIVE if isinstance(error, ArchiveAwayError) else Waits.NOTHING


async def _answers(path: bytes, check: bytes) -> bool:
    looked = await asyncio.to_thread(probe, path, ANSWER)
    if looked.answers and not looked.error and check:
        looked = await asyncio.to_thread(probe, os.path.join(path, check), ANSWER)
        if looked.error == os.strerror(errno.ENOENT):
            return True
    return looked.answers and not looked.error
