"""Files as items, for the tasks that read one file each; what they want written goes to a real table."""

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from core.sqlite import sqlite3
from core.tasks.task import ItemFacts, Job, QueueTask, Result
from tests.rigs.catalogs import migrate

"""Real pictures, beside the project where there are any."""


class Files:
    """The engine as a task sees it: item n is the n-th path."""

    def __init__(self, paths: Iterable[bytes | str | Path], scratch: str = "/nowhere") -> None:
        self.paths = [os.fsencode(path) for path in paths]
        self.scratch = scratch
        self.beats: list[tuple[int, float]] = []
        self.said: dict[int, bytes] = {}
        """What exiftool said of items before, packed."""

    async def items(self, ids: Sequence[int]) -> Mapping[int, ItemFacts]:
        return {
            number: ItemFacts(
                id=number,
                archive_id=1,
                location_id=1,
                path=os.fsdecode(self.paths[number]),
                name=os.path.basename(self.paths[number]),
                size=0,
                kind="images",
                xxh128="",
                sha256="",
            )
            for number in ids
            if number < len(self.paths)
        }

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        assert "FROM metadata" in sql
        return [(number, self.said[number]) for number in json.loads(parameters[0]) if number in self.said]

    async def publish(self, archive_id: int, local: str, target: str) -> None:
        raise NotImplementedError

    async def text(self, archive_id: int, path: str) -> bytes | None:
        raise NotImplementedError

    async def heads(self, archive_id: int, paths: Sequence[str], length: int) -> list[tuple[int, bytes]]:
        raise NotImplementedError

    def jobs(self, queue: str) -> list[Job]:
        return [Job(id=100 + number, queue=queue, item_id=number) for number in range(len(self.paths))]

    async def run(self, task: QueueTask) -> list[Result]:
        """The results of all items, in one call."""
        results = await task.run(self.jobs(task.queue), self, lambda job, part: self.beats.append((job, part)))
        return [results[100 + number] for number in range(len(self.paths))]


def rows(table: str, results: Iterable[Result]) -> list[dict[str, Any]]:
    """Write what the results ask for, and read it back."""
    database = sqlite3.connect(":memory:")
    try:
        database.row_factory = sqlite3.Row
        migrate(database)
        for result in results:
            assert not result.error, result.error
            for sql, values in result.statements:
                database.executemany(sql, values)
        found = database.execute(f"SELECT * FROM {table} ORDER BY item_id")  # noqa: S608
        return [dict(row) for row in found]
    finally:
        database.close()


def runs(process: psutil.Process) -> bool:
    """Whether a process has not ended; also where it does so just now."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def behind() -> int:
    """How nice a process is that is 15 behind this one, which may stand back itself."""
    return min(19, psutil.Process().nice() + 15)


def children(name: str = "", *, said: str = "") -> list[psutil.Process]:
    """The processes that this one, or a child of it, has started and that still run.

    name: only those that have it. said: only those that were told this.
    """
    found = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if (
                runs(one)
                and name in ("", one.name())
                and (not said or any(said in part for part in one.cmdline()))
            ):
                found.append(one)
    return found


def wait_until_gone(processes: Iterable[psutil.Process], seconds: float = 60.0) -> bool:
    """Whether all have ended before the time is over."""
    end = time.monotonic() + seconds
    left = list(processes)
    while left and time.monotonic() < end:
        left = [one for one in left if runs(one)]
        time.sleep(0.02)
    return not left
