"""Damage in the leader's archive that is found while it hands on files."""

from collections.abc import Iterable

from core.archives.dead_disk import ArchiveDisk
from core.archives.item_batches import not_read
from core.errors import ArchiveAwayError, WorkerDiedError
from core.importing.import_run import Run
from core.importing.leader import Leader
from core.workers import archive_messages
from core.workers.pool import TaskFailedError


async def record(run: Run, leader: Leader, items: Iterable[int]) -> None:
    """Read these items of the leader's archive once more, as an audit does. What is damaged is recorded there, and
    said by a warning of `run`. An archive that does not answer is left alone."""
    catalog, pool = run.catalog, run.workers.pool
    found = list((await catalog.items(items, leader.row.archive_id, leader.copy)).values())
    wanted = [(item.path, item.size, item.xxh128, item.sha256) for item in found]
    try:
        async with pool.worker("audit") as worker:
            results = (
                await worker.ask(archive_messages.Audit(leader.place, wanted), archive_messages.Audited)
            ).files
        read = [(item, *one) for item, one in zip(found, results, strict=True)]
        if any(fault is not None and fault.lost for *_, fault in read):
            return
        read = await ArchiveDisk(leader.place, leader.copy, catalog, pool).confirm_faults(
            leader.row.archive_id, read
        )
    except (TaskFailedError, WorkerDiedError, ArchiveAwayError):
        return
    damaged = [(item, fault) for item, _, fault in read if fault is not None and not not_read(fault)]
    if not damaged:
        return
    await catalog.read_again([(item.id, item.level, None, fault.text) for item, fault in damaged], leader.copy)
    leader.damaged += len(damaged)
    warning = LEADER_DAMAGED.format(leader.path)
    run.warn(f"{warning}: {leader.damaged:,} so far. Heal it: lading audit --heal", about=warning)


LEADER_DAMAGED = "Files in {} that were to be copied from there are damaged; they are read from the source"
