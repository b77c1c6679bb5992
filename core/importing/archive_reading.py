"""Reads archived files in the course of an import, and records which are whole and which are damaged."""

import time
from collections.abc import Sequence

from core.archives.item_batches import Result, by_bytes, not_read
from core.catalog import Item
from core.importing.halt_reasons import FAILS, away, halt_for
from core.importing.import_run import Run
from core.models import Waits
from core.workers import archive_messages, messages
from core.workers.messages import Fault
from core.workers.pool import TaskFailedError

Faults = list[tuple[Item, Fault]]
"""Items that are damaged or may not be read, each with the reason."""


async def read(run: Run, items: Sequence[Item], *, limited: bool = True) -> Faults:
    """Read items past the cache and compare both digests, and record the results. `limited`: take a place at the
    limit of verification that all imports share; a short reading that an import's end waits for goes without.

    Raises HaltError when the archive is away or its disk has failed, and what asking a worker raises.
    """
    request = archive_messages.Audit(run.archive.place, [(i.path, i.size, i.xxh128, i.sha256) for i in items])
    places = [run.workers.limits.verify] if limited else []
    async with run.workers.places(*places), run.workers.worker([]) as worker:
        found = (await run.workers.ask(worker, request, archive_messages.Audited)).files
    now = time.time()
    results, faults = list[Result](), Faults()
    for item, (level, fault) in zip(items, found, strict=True):
        if fault is None:
            results.append((item.id, level, now, None))
            continue
        if halt := halt_for(fault, run):
            raise halt
        faults.append((item, fault))
        if not not_read(fault):
            if fault.code:
                # An I/O error, not other content: if the archive can be written to, one file is damaged; else
                # the disk has failed.
                await _check_writable(run)
            results.append((item.id, item.level, None, fault.text))
    await run.catalog.read_again(results)
    return faults


async def read_unread(run: Run, items: Sequence[Item]) -> dict[int, Fault]:
    """Read those of these items that were never read back: their import had `verify` none, or the record of the
    reading is lost. Returns the faults by item id. If this import has `verify` none, nothing is read.

    Raises what `read` raises.
    """
    unread = [item for item in items if item.read_back is None]
    if run.request.verify == "none" or not unread:
        return {}
    faults = Faults()
    for part in by_bytes(unread, lambda item: item.size):
        faults += await read(run, part)
    run.counters.levels = await run.catalog.levels(run.row.id)
    return {item.id: fault for item, fault in faults}


async def _check_writable(run: Run) -> None:
    """Return if the archive can still be written to. Raises HaltError."""
    try:
        async with run.workers.worker([]) as worker:
            await run.workers.ask(
                worker, archive_messages.TryWriting(run.archive.place, run.staging), messages.Done
            )
    except TaskFailedError as error:
        why = f"cannot be written any more ({error.fault.text})"
        raise halt_for(error.fault, run) or away(run, Waits.ARCHIVE, why, advice=FAILS) from error
