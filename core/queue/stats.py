"""Counts of jobs for the snapshot, refreshed at intervals, and only when the table has changed."""

import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from core.database import Database
from core.models import JobState
from core.paths import display
from core.queue.enqueue import UNFINISHED
from core.rate_meter import Meter
from core.snapshot import AtWork, ErrorGroup, QueueView

REST_FACTOR = 50
"""After counting, it pauses for this many times the time that took, so that large tables are counted less
often."""

NEXT_TRY = "its next try"

JOBS = 50_000
"""Jobs that are grouped at a time, because SQLite sorts them in memory."""

_COUNT = f"""
    SELECT queue, state, CASE WHEN state != 'waiting' THEN ''
                              WHEN barrier AND EXISTS (
                                  SELECT 1 FROM barrier AS b WHERE b.import_id = job.barrier AND b.remaining > 0)
                              THEN 'metadata' WHEN barrier THEN 'an import to end'
                              WHEN due THEN '{NEXT_TRY}' ELSE follows END AS why, count(*), max(id)
    FROM (SELECT * FROM job WHERE id > ? ORDER BY id LIMIT ?) AS job GROUP BY queue, state, why
"""  # noqa: S608 - constants

_TOTALS = "SELECT name, done, failed FROM queue"

# The one job that makes a location's bag anew is counted for each import there, because another import may have
# added it first.
_OF_IMPORTS = f"""
    SELECT queue, archive_id, count(*) FROM job
    WHERE state IN {UNFINISHED} AND (origin IN (SELECT value FROM json_each(?1)) OR (
        barrier = 0 AND location_id IN (
            SELECT location_id FROM import WHERE id IN (SELECT value FROM json_each(?1)))))
    GROUP BY queue, archive_id
"""  # noqa: S608


# A file that cannot be opened is a finding about the file, not a failure of the job.
_DEAD = """
    SELECT queue, error, count(*), max(id) FROM job
    WHERE state = 'dead' AND ended IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM unopenable u WHERE u.item_id = job.item_id AND u.queue = job.queue)
    GROUP BY queue, error ORDER BY count(*) DESC, max(id) DESC LIMIT ?
"""
CAUSES_SHOWN = 20
"""The most causes of dead jobs that are shown."""

_NAMES = """
    SELECT j.id, coalesce((SELECT path FROM file WHERE item_id = j.item_id LIMIT 1), i.name, l.name, '')
    FROM job AS j LEFT JOIN import AS i ON i.id = j.import_id LEFT JOIN location AS l ON l.id = j.location_id
    WHERE j.id IN (SELECT value FROM json_each(?))
"""


class QueueStats:
    """Counts of jobs by queue, as of the last refresh."""

    def __init__(self, database: Database, queues: Sequence[str]) -> None:
        self._database = database
        self._queues = queues
        self._states: dict[tuple[str, str], int] = {}
        self._why: dict[str, tuple[int, str]] = {}
        self._due: dict[str, int] = {}
        self._totals: dict[str, tuple[int, int]] = {}
        self._meters = {name: Meter() for name in queues}
        self._names: dict[int, str] = {}
        self._dead: tuple[ErrorGroup, ...] = ()
        self._seen = -1
        self._next = 0.0

    async def refresh(self, changes: int) -> None:
        """Count again if `changes` differs from the last time; to be called about once a second."""
        now = time.monotonic()
        if changes != self._seen and now >= self._next:
            self._seen = changes
            self._totals = {name: (done, failed) for name, done, failed in await self._database.read(_TOTALS)}
            await self._count()
            await self._look_at_dead()
            ended = time.monotonic()
            self._next = ended + (ended - now) * REST_FACTOR
        for name in self._queues:
            self._meters[name].add(now, self._totals.get(name, (0, 0))[0])

    async def _count(self) -> None:
        found, last, full = Counter[tuple[str, str, str]](), 0, True
        while full:
            rows = await self._database.read_aside(_COUNT, (last, JOBS))
            for queue, state, why, count, newest in rows:
                found[queue, state, why] += count
                last = max(last, newest)
            full = sum(count for _, _, _, count, _ in rows) == JOBS
        self._states, self._why, self._due = {}, {}, {}
        for (queue, state, why), count in found.items():
            if state == JobState.DONE:
                continue
            self._states[queue, state] = self._states.get((queue, state), 0) + count
            if why == NEXT_TRY:
                self._due[queue] = count
            if state == JobState.WAITING:
                self._why[queue] = max(self._why.get(queue, (0, "")), (count, why))

    async def _look_at_dead(self) -> None:
        rows = await self._database.read_aside(_DEAD, (CAUSES_SHOWN,)) if self.dead else []
        newest = json.dumps([id for _, _, _, id in rows])
        names: dict[int, str | bytes] = dict(await self._database.read(_NAMES, (newest,))) if rows else {}
        self._dead = tuple(
            ErrorGroup(
                import_id="",
                queue=queue,
                cause=display(error),
                advice="Once what it needs is there: retry; or lading jobs --state dead",
                count=count,
                newest=display(names.get(id, "")),
            )
            for queue, error, count, id in rows
        )

    @property
    def dead(self) -> int:
        """How many jobs have failed for good."""
        return sum(count for (_, state), count in self._states.items() if state == "dead")

    def failures(self) -> tuple[ErrorGroup, ...]:
        """Causes of dead jobs, the most frequent first; without files that cannot be opened."""
        return self._dead

    async def name(self, jobs: Sequence[int]) -> None:
        """Look up the subjects of these jobs for `views`."""
        left = [job for job in jobs if job not in self._names]
        self._names = {job: name for job, name in self._names.items() if job in jobs}
        for job, name in await self._database.read(_NAMES, (json.dumps(left),)) if left else []:
            self._names[job] = display(os.path.basename(name) if isinstance(name, bytes) else name)

    def pressing(self, name: str) -> int:
        """How many jobs of a queue wait for nothing but a slot or their next attempt."""
        return self._states.get((name, JobState.READY), 0) + self._due.get(name, 0)

    async def of_imports(self, imports: Sequence[int]) -> list[tuple[str, int, int]]:
        """(queue, archive, count) of unfinished jobs that these imports added, and of jobs of their locations."""
        rows = await self._database.read(_OF_IMPORTS, (json.dumps(imports),))
        return [(queue, archive, count) for queue, archive, count in rows]

    def views(
        self,
        busy: Mapping[str, int],
        slots: Mapping[str, int],
        paused: set[str],
        reasons: Mapping[str, str],
        at_work: Sequence[tuple[str, int, float]] = (),
    ) -> tuple[QueueView, ...]:
        """A view of each queue. reasons: why a queue does not run, by its name. at_work: (queue, job, progress) of
        long calls."""
        views = (
            self._view(name, busy.get(name, 0), slots[name], name in paused, reasons) for name in self._queues
        )
        shown: dict[str, list[AtWork]] = {}
        for queue, job, progress in at_work:
            if job in self._names:
                shown.setdefault(queue, []).append(AtWork(subject=self._names[job], progress=progress))
        return tuple(msgspec.structs.replace(view, at_work=tuple(shown.get(view.name, ()))) for view in views)

    def views_without_engine(self, paused: set[str], reason: str) -> tuple[QueueView, ...]:
        """A view of each queue where no engine runs: jobs that the last one had claimed wait, too. `reason`: why
        jobs wait."""
        views = (self._view(name, 0, 0, name in paused, {name: reason}) for name in self._queues)
        found: list[QueueView] = []
        for view in views:
            waiting = view.waiting + self._states.get((view.name, JobState.CLAIMED), 0)
            found.append(msgspec.structs.replace(view, waiting=waiting, reason=reason if waiting else ""))
        return tuple(found)

    def _view(self, name: str, busy: int, slots: int, paused: bool, reasons: Mapping[str, str]) -> QueueView:
        waiting = self._states.get((name, JobState.WAITING), 0)
        ready = self._states.get((name, JobState.READY), 0)
        reason = ""
        if waiting + ready:
            reason = reasons.get(name, "") or (self._why.get(name, (0, ""))[1] if waiting and not ready else "")
        done, failed = self._totals.get(name, (0, 0))
        return QueueView(
            name=name,
            busy=busy,
            slots=slots,
            waiting=waiting + ready,
            reason=reason,
            done=done,
            failed=failed,
            dead=self._states.get((name, JobState.DEAD), 0),
            rate=self._meters[name].rate,
            paused=paused,
        )
