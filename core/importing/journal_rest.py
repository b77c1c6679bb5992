"""The rest of an import's journal: folders, files that no batch has read, and checksum lists."""

from core import archive_layout
from core.files import times
from core.importing.import_run import Run
from core.journal import checksum_lines, journal_format
from core.media.left_out import Sort
from core.models import IN_ARCHIVE, Outcome
from core.paths import encode, relative
from core.workers import messages, text_messages

PAGE = 2000
"""Rows per query."""


async def _append(run: Run, data: bytes) -> None:
    request = text_messages.AppendJournal(run.archive.place, archive_layout.journal(run.row.name), data)
    async with run.journal_turn, run.workers.worker([]) as worker:
        await run.workers.ask(worker, request, messages.Done)


async def _far(run: Run, entries: list[tuple[bytes, int]]) -> dict[bytes, dict[str, object]]:
    """The member `mtime_exact` of a journal line, by path, for those entries (path, mtime_ns) whose exact time the
    catalog's column cannot hold."""
    paths = [path for path, mtime_ns in entries if times.is_far(mtime_ns)]
    found = await run.catalog.far_times(run.row.id, paths)
    return {path: {"mtime_exact": ns} for path, ns in found.items()}


async def journal_rest(run: Run) -> None:
    """Journal what no batch has journaled: folders, entries that were not read, and checksum lists. Raises what
    asking a worker raises."""
    last = b""
    while folders := await run.catalog.folders(run.row.id, last, PAGE):
        last = folders[-1][0]
        far = await _far(run, folders)
        lines = ({"folder": encode(path), "mtime_ns": mtime, **far.get(path, {})} for path, mtime in folders)
        await _append(run, b"".join(map(journal_format.sealed, lines)))
    after = 0
    while files := await run.catalog.unread(run.row.id, after, PAGE):
        after = files[-1].id
        failures = await run.catalog.failures([file.id for file in files if file.outcome == Outcome.FAILED])
        known = {file.item_id for file in files if file.sort == Sort.RECORD and file.item_id is not None}
        items = await run.catalog.items(known, run.archive.id)
        paths = [relative(run.row.root, file.path) for file in files]
        far = await _far(run, [(path, file.mtime_ns) for path, file in zip(paths, files, strict=True)])
        rows: list[bytes] = []
        for path, file in zip(paths, files, strict=True):
            row: dict[str, object] = {
                "entry": encode(path),
                "outcome": Outcome(file.outcome).name.lower(),
                "size": file.size,
                "mtime_ns": file.mtime_ns,
                "kind": file.kind,
                "reason": file.reason or "",
                **far.get(path, {}),
            }
            if file.sort:
                row["sort"] = file.sort
            if file.target:
                row["target"] = encode(file.target)
            if why := failures.get(file.id):
                row |= {"stage": why.stage, "side": why.side, "code": why.code, "detail": why.detail}
            if file.item_id in items:
                item = items[file.item_id]
                row |= {"xxh128": item.xxh128.hex(), "sha256": item.sha256.hex()}
            elif Outcome(file.outcome) in IN_ARCHIVE:
                continue
            rows.append(journal_format.sealed(row))
        if rows:
            await _append(run, b"".join(rows))
    async for data in checksum_lines.list_lines(run.catalog.database.read, run.row):
        await _append(run, data)
