"""Tasks that do what a test tells them to, archives that are always there, and a running worker."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from core.database import Database
from core.hardware import Profile, profile_for
from core.queue.enqueue import Work
from core.queue.jobs import Jobs
from core.queue.queue_defs import QUEUES, Queue
from core.queue.worker import QueueWorker
from core.tasks.task import Beat, Context, ItemFacts, Job, Result

GIB = 1024**3


class FakeContext:
    """A context without an archive."""

    scratch = ""

    async def items(self, ids: Sequence[int]) -> Mapping[int, ItemFacts]:
        return {}

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return []

    async def publish(self, archive_id: int, local: str, target: str) -> None: ...

    async def text(self, archive_id: int, path: str) -> bytes | None:
        return None

    async def heads(self, archive_id: int, paths: Sequence[str], length: int) -> list[tuple[int, bytes]]:
        return [(-1, b"")] * len(paths)


class FakeArchives:
    """Archives that are there but for those in `away`."""

    def __init__(self) -> None:
        self.away: dict[int, str] = {}
        self.asked: set[int] = set()
        self.rests = 0

    def usable(self, archive_id: int, queue: str) -> bool:
        self.asked.add(archive_id)
        return archive_id not in self.away

    async def present(self, archive_id: int) -> bool:
        return archive_id not in self.away

    def rest(self) -> None:
        self.rests += 1

    async def close(self) -> None: ...


class FakeTask:
    """Each job does what `does` holds for its item, else succeeds at once."""

    def __init__(self, queue: str = "exiftool", together: int = 1) -> None:
        self.queue = queue
        self.together = together
        self.limit = 600.0
        self.does: dict[int, Callable[[Job, Beat], Any]] = {}
        self.calls: list[list[int]] = []
        self.at_work: set[int] = set()
        self.most = 0
        self.lacks = ""
        self.asked = 0
        """How often it was asked what it lacks."""
        self.closed = False

    @property
    def taken(self) -> list[int]:
        """The items of all calls, one after the other."""
        return [item for items in self.calls for item in items]

    def tried(self, item: int) -> bool:
        """Whether a call had this item."""
        return item in self.taken

    def missing(self) -> str:
        self.asked += 1
        return self.lacks

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        ids = [job.item_id or job.location_id or 0 for job in jobs]
        assert not self.at_work & set(ids)
        self.calls.append(ids)
        self.at_work |= set(ids)
        self.most = max(self.most, len(self.at_work))
        try:
            results: dict[int, Result] = {}
            for job, id in zip(jobs, ids, strict=True):
                result = self.does.get(id, well)(job, beat)
                if asyncio.iscoroutine(result):
                    result = await result
                if result is not None:
                    results[job.id] = result
            return results
        finally:
            self.at_work -= set(ids)

    async def close(self) -> None:
        self.closed = True


def well(job: Job, beat: Beat) -> Result:
    """It succeeds."""
    return Result()


def badly(job: Job, beat: Beat) -> Result:
    """It fails, for good."""
    return Result(error="no good", final=True)


def raising(job: Job, beat: Beat) -> Result:
    """It breaks the whole call."""
    raise ValueError("broken")


async def hanging(job: Job, beat: Beat) -> Result:
    """It never ends."""
    await asyncio.Event().wait()
    return Result()


def exif(*items: int, archive: int = 1, **changed: Any) -> list[Work]:
    """Jobs of the first queue."""
    values: dict[str, Any] = {"queue": "exiftool", "priority": 50, **changed}
    return [Work(archive_id=archive, item_id=item, **values) for item in items]


def profile(**changed: Any) -> Profile:
    """A machine that polls fast."""
    found = profile_for(8, 16 * GIB)
    values = {name: getattr(found, name) for name in found.__struct_fields__}
    return Profile(**(values | {"poll_busy_ms": 5, "poll_idle_ms": 5} | changed))


class Bench:
    """A database with one archive, its jobs, and a worker on them."""

    def __init__(self, database: Database, tasks: Sequence[Any], queues: Sequence[Queue], changed: Any) -> None:
        self.database = database
        self.archives = FakeArchives()
        self.jobs = Jobs(database)
        self.worker = QueueWorker(self.jobs, tasks, FakeContext(), self.archives, profile(**changed), queues)

    async def add(self, works: Sequence[Work]) -> None:
        """Add jobs and tell the worker."""
        await self.jobs.add(works)
        self.worker.wake()

    async def states(self, queue: str = "exiftool") -> dict[int, str]:
        """The state of each job by its item or location."""
        rows = await self.database.read(
            "SELECT item_id + location_id, state FROM job WHERE queue = ? ORDER BY id", (queue,)
        )
        return dict(rows)

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until `condition` (or what it promises) holds."""
        async with asyncio.timeout(120):
            while True:
                held = condition()
                if asyncio.iscoroutine(held):
                    held = await held
                if held:
                    return
                await asyncio.sleep(0.005)

    async def settled(self, queue: str = "exiftool", *states: str) -> None:
        """Wait until all jobs of a queue are in one of these states; done, dead or cancelled by default."""
        wanted = set(states or ("done", "dead", "cancelled"))

        async def ended() -> bool:
            return set((await self.states(queue)).values()) <= wanted

        await self.until(ended)


@asynccontextmanager
async def bench(
    home: "str | os.PathLike[str]",
    *tasks: Any,
    queues: Sequence[Queue] = QUEUES,
    start: bool = True,
    **changed: Any,
) -> AsyncIterator[Bench]:
    """A worker that runs in this block; `changed` numbers of its profile."""
    database = await Database.open(os.fspath(home))
    made = Bench(database, tasks, queues, changed)
    try:
        await database.run(
            ("INSERT OR IGNORE INTO archive (id, uuid, path) VALUES (?, ?, x'')", [(1, "a"), (2, "b")])
        )
        if start:
            await made.worker.start()
        yield made
    finally:
        if start:
            await made.worker.stop()
        await database.close()
