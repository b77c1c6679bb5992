"""Verdicts that wait for copies: imports are judged again after a mirror, or another import of their group, has
brought some."""

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING

from core.archives.archive import Archive
from core.archives.copy_count import CopyCount
from core.catalog import ImportRow
from core.errors import WorkerDiedError
from core.journal import journal_format
from core.journal.end_import import Receipt
from core.receipts import additions
from core.workers.pool import TaskFailedError

if TYPE_CHECKING:
    from core.engine.engine import Engine

log = logging.getLogger("lading.mirrors")

PAGE = 1000
"""Items per page."""


async def judge(engine: "Engine", archive: Archive) -> None:
    """Judge the imports into `archive` that wait for copies. Results are written to the archive in use, so nothing
    is done for another copy."""
    if archive.copy.number or not archive.writable:
        return
    receipt = Receipt(archive, engine.catalog, engine.pool)
    for number, copies_wanted in await engine.catalog.awaiting_copies(archive.id):
        whereabouts = engine.archives.whereabouts
        (row,) = await engine.catalog.imports("i.id = ?", (number,))
        counts = await CopyCount.of(
            archive.id,
            copies_wanted,
            engine.catalog,
            engine.pool,
            whereabouts,
            await engine.catalog.archives_together(row.together),
        )
        if fewer := await _fewer(engine, row, counts):
            if row.together:
                # Since the import's end, copies may have been completed, or archives unmounted.
                why = "; ".join(f"{files:,} are in {counts.said(count)}" for count, files in sorted(fewer.items()))
                if why != row.verdict_reason:
                    await engine.catalog.set_import(row.id, verdict_reason=why)
                    await _show(engine, row)
            continue
        now = time.time()
        line = journal_format.sealed({"copied": now})
        try:
            async with archive.closing:
                await receipt.add(row, [line], additions.copied(row, now, copies_wanted))
                await engine.catalog.copied(number)
        except (TaskFailedError, WorkerDiedError, OSError) as error:
            # It is judged again after the next mirror.
            log.warning("a verdict cannot be told yet", extra={"import": row.name, "reason": str(error)})
            continue
        await engine.jobs.bag_anew(row.archive_id, row.location_id)
        await _show(engine, row)


async def _show(engine: "Engine", row: ImportRow) -> None:
    if (judged := await engine.catalog.import_named(row.name)) is not None:
        engine.views.judged(judged)
        engine.hooks.ended(judged)


async def _fewer(engine: "Engine", row: ImportRow, counts: CopyCount) -> Counter[int]:
    """How many items of an import's card have too few copies, by the number of copies that they have."""
    fewer, after = Counter[int](), 0
    # The items that an import of a group saw on its card are recorded, unless the catalog was rebuilt since.
    of_card = engine.catalog.seen_items if row.together and row.runs else engine.catalog.of_card
    while items := await of_card(row.id, after, PAGE):
        after = items[-1]
        fewer.update((await counts.lacking(items)).values())
        if fewer and not row.together:
            break
    return fewer
