"""The end of an import: links, the rest of the journal, the verdict, the receipt."""

from core.catalog import below
from core.importing import journal
from core.importing.ingest import Ingest
from core.importing.intake import FINAL
from core.importing.links import link
from core.importing.receipt import Receipt
from core.importing.run import Run
from core.importing.verdict import verdict
from core.models import Outcome, State, Verdict
from core.paths import encode
from core.workers import messages
from core.workers.messages import Source

PAGE = 2000
"""Rows handled together."""

FROM_RECORD = "taken from the record, not read"
"""Reason of a known file that was not read again, as the user chose."""


CANCELLED = "the import was cancelled"


async def close(run: Run, state: State, whole: Source, root: bytes, only: bytes) -> None:
    """Bring an import to its end in `state`. Raises HaltError when source or archive are gone."""
    if state is State.CANCELLED:
        # What was published when its workers were ended, but not recorded any more.
        await Ingest(run.archive, run.catalog, run.pool).adopt(run.row, run.gate, run)
        await run.recount()
    if not run.linked:
        await link(run)
    await _journal_rest(run)
    if state is State.CANCELLED:
        word, why = Verdict.KEEP, CANCELLED
    else:
        word, why = await verdict(run, whole, root, only)
        if word is Verdict.SAFE and run.request.verify == "none":
            word, why, run.by_choice = Verdict.KEEP, "the copies were not read back, as you chose", True
    await run.record_read()
    receipt = Receipt(run.archive, run.catalog, run.pool)
    # From here on a pause holds nothing up: the next import's receipt waits for this one.
    async with run.archive.closing:
        await receipt.end(run.row, state, word, why)


async def _append(run: Run, data: bytes) -> None:
    request = messages.AppendJournal(run.archive.place, journal.path_of(run.row.name), data)
    async with run.turn, run.worker([]) as worker:
        await run.ask(worker, request, messages.Done)


async def _journal_rest(run: Run) -> None:
    """Journal what no batch did: folders, and entries that were never read."""
    last = b""
    while folders := await run.catalog.folders(run.row.id, last, PAGE):
        last = folders[-1][0]
        await _append(
            run,
            b"".join(journal.sealed({"folder": encode(path), "mtime_ns": mtime}) for path, mtime in folders),
        )
    after = 0
    while files := await run.catalog.unread(run.row.id, FROM_RECORD, after, PAGE):
        after = files[-1].id
        known = {file.item_id for file in files if file.reason == FROM_RECORD and file.item_id is not None}
        items = await run.catalog.items(known, run.archive.id)
        rows: list[bytes] = []
        for file in files:
            path = encode(below(run.row.root, file.path))
            row: dict[str, object] = {
                "entry": path,
                "outcome": Outcome(file.outcome).name.lower(),
                "size": file.size,
                "mtime_ns": file.mtime_ns,
                "kind": file.kind,
                "reason": file.reason or "",
            }
            if file.item_id in items:
                item = items[file.item_id]
                row |= {"xxh128": item.xxh128.hex(), "sha256": item.sha256.hex()}
            elif Outcome(file.outcome) in FINAL:
                continue
            rows.append(journal.sealed(row))
        if rows:
            await _append(run, b"".join(rows))
