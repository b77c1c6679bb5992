"""The watchdog of an import: when there is no progress, it probes whether the volumes still answer.

A worker that hangs in a dead mount can report nothing, so other workers probe the volume; if they hang, they are
abandoned.
"""

import asyncio

from core.archives.liveness import STILL, answer, of_archive
from core.files.open_beneath import REFUSED
from core.importing.halt_reasons import HaltError, away, gone
from core.importing.import_run import Run
from core.models import Waits

POLL_INTERVAL = 0.5
"""Seconds between two looks at the counters."""


async def watch_volumes(run: Run) -> HaltError:
    """Returns the reason to halt when a volume of the import does not answer."""
    clock = asyncio.get_running_loop().time
    seen, since = run.progress_marks(), clock()
    while True:
        await asyncio.sleep(POLL_INTERVAL)
        if run.paused or run.progress_marks() != seen:
            seen, since = run.progress_marks(), clock()
        elif clock() - since >= STILL:
            silent = await _silent(run)
            if silent is not None and not run.paused and run.progress_marks() == seen:
                return silent
            since = clock()


async def _silent(run: Run) -> HaltError | None:
    source, archive = await asyncio.gather(
        answer(run.workers.pool, run.source, run.readable_file),
        answer(run.workers.pool, *of_archive(run.archive.place)),
    )
    if archive is not None:
        return gone(archive, run, Waits.ARCHIVE)
    if source is not None and run.source_wanted:
        if source.code in REFUSED:
            return gone(source, run, Waits.SOURCE)
        return away(run, Waits.SOURCE, check=b"" if source.lost else run.readable_file)
    return None
