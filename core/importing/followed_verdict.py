"""The verdict of an import that has followed its leader to the end.

The leader listed the whole card at its own end, while the card was still present. What it found holds for this
import, too, provided that all contents that it saw are in this archive.
"""

from collections import Counter
from functools import partial

from core import words
from core.archives.copy_count import CopyCount
from core.archives.locate import Locate
from core.archives.presence import present
from core.catalog import ImportRow
from core.catalog.differing import sentence
from core.importing import archive_reading
from core.importing.import_run import Run
from core.models import Outcome, Verdict
from core.paths import display, relative

PAGE = 1000
"""Items per query and request."""

NOT_IN_ARCHIVE = "are not in this archive, or damaged there"

UNNAMED = "are in this archive, but not from this card: import all of it into this archive"
"""The reason for files outside of what was imported, which were never imported from the card into this archive."""


async def verdict(run: Run, leader: ImportRow) -> tuple[Verdict, str]:
    """SAFE or KEEP, with the reason; OPEN if the leader has no verdict. `run.verdict` is set as by
    `verdict.verdict`.

    Raises what asking a worker raises.
    """
    found = await run.catalog.found_verdict(leader.id)
    missing, unnamed, fewer, said = await _compare_contents(run, leader)
    differing = await _differing(run)
    failed = run.counters.counted(Outcome.FAILED).files
    parts = [f"{failed:,} could not be archived"] if failed else []
    parts += [words.count_clause(missing, NOT_IN_ARCHIVE)] if missing else []
    parts += [words.count_clause(unnamed, UNNAMED)] if unnamed else []
    lacking = [words.count_clause(files, f"are in {said[count]}") for count, files in sorted(fewer.items())]
    # A leader that waits for copies lacks nothing else, and `_compare_contents` has just counted the copies for
    # this import.
    accepted_safe = found.verdict is Verdict.SAFE or found.copies > 0 or found.otherwise == Verdict.SAFE
    run.verdict.copies_only = bool(lacking) and not parts and accepted_safe
    if found.otherwise:
        reasons = [*parts, *lacking, *([] if accepted_safe else [found.otherwise_reason])]
        run.verdict.otherwise = Verdict.KEEP if reasons else Verdict.SAFE, "; ".join(reasons)
    if found.otherwise or not accepted_safe:
        if found.verdict is Verdict.OPEN and not parts:
            return Verdict.OPEN, found.reason
        parts.append(f"the import of the same card into {display(leader.archive_path)} found: {found.reason}")
    parts += lacking
    if differing:
        if not found.otherwise:
            run.verdict.otherwise = Verdict.KEEP if parts else Verdict.SAFE, "; ".join(parts)
        parts.insert(0, sentence(differing))
    if parts:
        return Verdict.KEEP, "; ".join(parts)
    return Verdict.SAFE, found.reason if found.verdict is Verdict.SAFE else ""


async def _differing(run: Run) -> list[tuple[bytes, float]]:
    """(path, when the earlier import began) of this import's files that differ from an earlier import into this
    archive, and that nobody has accepted. The leader's archive need not know that import."""
    row = run.row
    unaccepted = await run.catalog.unaccepted(row.volume_id, row.archive_id)
    paths = list({path for path, _, _ in unaccepted})
    seen = await run.catalog.seen(row.volume_id, paths, row.archive_id) if paths else {}
    return [
        (relative(row.root, path), imported)
        for (path, size, mtime_ns), imported in unaccepted.items()
        if (row.id, size, mtime_ns) in {(one.import_id, one.size, one.mtime_ns) for one in seen.get(path, [])}
    ]


async def _compare_contents(run: Run, leader: ImportRow) -> tuple[int, int, Counter[int], dict[int, str]]:
    """(missing, unnamed, fewer, said): how many contents that the leader saw are missing in this archive, or
    damaged; how many others it has, but not from this card; how many lack copies, by the number of copies that
    they have; and the words for each such number."""
    catalog, archive = run.catalog, run.archive
    others = await catalog.archives_together(run.row.together)
    counts = await CopyCount.of(archive.id, run.request.copies, catalog, run.workers.pool, Locate(catalog), others)
    await catalog.forget_elsewhere(run.row.id)
    missing, unnamed, fewer, after = 0, 0, Counter[int](), 0
    while items := await catalog.seen_items(leader.id, after, PAGE):
        after = items[-1]
        here = await catalog.same_content(items, archive.id)
        sound = [(id, item) for id, item in here if item.damage is None]
        async with run.workers.worker([]) as worker:
            paths = await present(partial(run.workers.ask, worker), archive.place, [item for _, item in sound])
        there = [(id, item) for id, item in sound if item.path in paths]
        faults = await archive_reading.read_unread(run, [item for _, item in there])
        well = {id: item.id for id, item in there if item.id not in faults}
        missing += len(items) - len(well)
        unnamed += len(well.keys() & await catalog.unnamed_elsewhere(leader.id, items[0], after, archive.id))
        await catalog.saw_elsewhere(run.row.id, well.values())
        fewer.update((await counts.lacking(set(well.values()))).values())
    return missing, unnamed, fewer, {count: counts.said(count) for count in fewer}
