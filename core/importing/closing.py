"""The end of an import: links, the rest of the journal, the verdict, the receipt."""

import hashlib
import time
from tempfile import SpooledTemporaryFile

from core import receipts
from core.catalog import below
from core.importing import journal
from core.importing.intake import FINAL
from core.importing.links import link
from core.importing.run import Run
from core.importing.verdict import verdict
from core.models import Outcome, State, Verdict
from core.paths import encode
from core.workers import messages
from core.workers.messages import Source

PAGE = 2000
"""Rows handled together."""

CHUNK = 1 << 20
"""Bytes of a receipt sent together."""

FROM_RECORD = "taken from the record, not read"
"""Reason of a known file that was not read again, as the user chose."""


async def close(run: Run, state: State, whole: Source, root: bytes, only: bytes) -> None:
    """Bring an import to its end in `state`. Raises HaltError when source or archive are gone."""
    await link(run)
    await _journal_rest(run)
    if state is State.CANCELLED:
        word, why = Verdict.KEEP, "the import was cancelled"
    else:
        word, why = await verdict(run, whole, root, only)
        if word is Verdict.SAFE and run.request.verify == "none":
            word, why, run.by_choice = Verdict.KEEP, "the copies were not read back, as you chose", True
    ended = time.time()
    end: dict[str, object] = {"end": str(state), "verdict": str(word), "reason": why, "ended": ended}
    await _append(run, journal.sealed(end), flush=True)
    await run.catalog.set_import(
        run.row.id,
        state=state,
        reason="",
        advice="",
        ended=ended,
        verdict=word,
        verdict_reason=why,
        bytes_read=run.bytes_moved()[0],
        previous=await run.catalog.last_receipt(run.archive.id),
    )
    await write_receipt(run)


async def _append(run: Run, data: bytes, *, flush: bool = False) -> None:
    request = messages.AppendText(run.archive.place, journal.path_of(run.row.name), data, flush=flush)
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
    while files := await run.catalog.files(run.row.id, after, PAGE):
        after = files[-1].id
        from_record = [file for file in files if file.reason == FROM_RECORD and file.item_id is not None]
        items = await run.catalog.items({file.item_id for file in from_record if file.item_id}, run.archive.id)
        rows: list[bytes] = []
        for file in files:
            path = encode(below(run.row.root, file.path))
            row: dict[str, object] = {
                "entry": path,
                "outcome": Outcome(file.outcome).name.lower(),
                "size": file.size,
                "mtime_ns": file.mtime_ns,
                "reason": file.reason or "",
            }
            if file.item_id in items:
                item = items[file.item_id]
                row |= {"xxh128": item.xxh128.hex(), "sha256": item.sha256.hex(), "kind": item.kind}
            elif Outcome(file.outcome) in FINAL:
                continue
            rows.append(journal.sealed(row))
        if rows:
            await _append(run, b"".join(rows))


async def write_receipt(run: Run) -> None:
    """The receipt, as a table and as a text, into the location's folder, and its digest into the catalog."""
    base = f"locations/{run.row.location_folder}/lading/{run.row.name}"
    table = _Upload(run, f"{base}.tsv")
    await receipts.write(run.catalog.database.read, run.row.name, "tsv", table.add)
    digest = await table.finish()
    text = _Upload(run, f"{base}.txt")
    await receipts.write_text(run.catalog.database.read, run.row.name, text.add, digest)
    await run.catalog.set_import(run.row.id, receipt=await text.finish())


class _Upload:
    """Text on its way into a file of the archive: gathered on the local disk, staged, flushed, then named."""

    def __init__(self, run: Run, path: str) -> None:
        self._run = run
        self._path = path
        self._staged = f".lading/staging/{run.row.name}/{path.rpartition('/')[2]}"
        self._file = SpooledTemporaryFile(max_size=4 * CHUNK)  # noqa: SIM115 - closed by finish

    def add(self, text: str) -> None:
        """More of the text."""
        self._file.write(text.encode())

    async def finish(self) -> str:
        """Send it all and give the file its name; its SHA-256 in hexadecimal."""
        place, sha, fresh = self._run.archive.place, hashlib.sha256(), True
        with self._file as file:
            file.seek(0)
            while (data := file.read(CHUNK)) or fresh:
                sha.update(data)
                async with self._run.worker([]) as worker:
                    request = messages.AppendText(place, self._staged, data, fresh=fresh)
                    await self._run.ask(worker, request, messages.Done)
                fresh = False
        async with self._run.worker([]) as worker:
            await self._run.ask(worker, messages.MoveText(place, self._staged, self._path), messages.Done)
        return sha.hexdigest()
