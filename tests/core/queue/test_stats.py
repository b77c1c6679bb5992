"""Counts of jobs for the snapshot."""

from pathlib import Path

import pytest

from core.queue import stats
from core.queue.queue_defs import QUEUES
from tests.core.queue.fakes import FakeTask, bench, exif


async def test_jobs_are_counted_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench(str(tmp_path), FakeTask(), queues=QUEUES[:1], start=False) as b:
        await b.add(exif(*range(1, 6)))
        await b.database.run(("UPDATE job SET state = 'dead', ended = 1 WHERE id = 2", [()]))
        await b.database.run(("UPDATE job SET state = 'done' WHERE id = 3", [()]))
        for together in (stats.JOBS, 2, 5):
            monkeypatch.setattr(stats, "JOBS", together)
            counted = stats.QueueStats(b.database, [QUEUES[0].name])
            await counted.refresh(1)
            (view,) = counted.views({}, {QUEUES[0].name: 1}, set(), {})
            assert (view.waiting, view.dead, counted.pressing(QUEUES[0].name)) == (3, 1, 3)
