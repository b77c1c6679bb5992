"""Checksum lists on the source: they are read as soon as they are listed, and judged at the end of the import."""

from collections.abc import Iterable
from contextlib import suppress

from core.archives.item_batches import not_read
from core.catalog import Item
from core.catalog.checksum_lists import FileChecksum, Uncompared, differing, lists_of, missing, sums, trouble
from core.checksums.algorithms import ALWAYS
from core.checksums.names import is_list, spellings
from core.errors import WorkerDiedError
from core.importing import archive_reading
from core.importing.halt_reasons import halt_for
from core.importing.import_run import Run
from core.models import IN_ARCHIVE, Outcome
from core.paths import display, join
from core.words import count_clause, counted
from core.workers import archive_messages, source_messages
from core.workers.pool import TaskFailedError
from core.workers.source_messages import Entry

PAGE = 500
"""Rows per query."""

NAMED = 3
"""The most files that a sentence names as examples."""


async def take_up(run: Run, entries: Iterable[Entry]) -> None:
    """Read the checksum lists among entries that were just listed. Raises HaltError."""
    for entry in entries:
        if entry.what == "file" and is_list(entry.path) and not run.row.single:
            run.listing.lists += 1
            await _read(run, entry.path)


async def _read(run: Run, path: bytes) -> None:
    number = await run.catalog.checksum_list(run.row.id, path)
    try:
        async with run.workers.worker([]) as worker:
            request = source_messages.ReadList(run.source, path)
            part = await run.workers.ask(worker, request, source_messages.ListPart)
            while part.more:
                await run.catalog.list_checksums(run.row.id, number, path, part.listed)
                part = await run.workers.ask(worker, source_messages.ReadListMore(), source_messages.ListPart)
            await run.catalog.list_checksums(run.row.id, number, path, part.listed)
            await run.catalog.list_read(number, part.fault, part.not_understood, part.outside)
    except TaskFailedError as error:
        if halt := halt_for(error.fault, run):
            raise halt from error
        await run.catalog.list_read(number, f"it cannot be read: {error.fault}", 0, 0)
    except WorkerDiedError as error:
        await run.catalog.list_read(number, f"it cannot be read: {error.cause}", 0, 0)


async def judge(run: Run) -> None:
    """Compare the checksums that are left: those of files that were settled before their list was found. Raises
    HaltError, TaskFailedError."""
    after: Uncompared | None = None
    while rows := await run.catalog.uncompared(run.row.id, after, PAGE):
        after = rows[-1]
        ways = {path: join(run.row.root, path) for row in rows for path in spellings(row.path)}
        seen = await run.catalog.seen(run.row.volume_id, list(ways.values()), run.row.archive_id)
        attached: list[tuple[int, Uncompared]] = []
        wanted: list[tuple[int, int, bytes, str]] = []
        for row in rows:
            for path in spellings(row.path):
                found = [one for one in seen.get(ways[path], []) if one.import_id == run.row.id]
                if found:
                    attached.append((found[0].id, row))
                    if Outcome(found[0].outcome) in IN_ARCHIVE and found[0].item_id is not None:
                        wanted.append((found[0].item_id, found[0].id, path, row.algorithm))
                    break
        await run.catalog.attach(run.row.id, attached)
        await run.catalog.database.run(*run.catalog.compared(run.row.id, await _from_archive(run, wanted)))
    await run.catalog.judge_lists(run.row.id)


async def _from_archive(run: Run, wanted: list[tuple[int, int, bytes, str]]) -> list[FileChecksum]:
    """The checksums of `wanted` (item, file, path, algorithm): from the catalog if it has them, else computed from
    the archive's payload. Files whose payload is damaged are left out: the verdict reports them. Raises HaltError,
    TaskFailedError."""
    items = await run.catalog.items({item for item, _, _, _ in wanted}, run.archive.id)
    compared: list[FileChecksum] = []
    for number, file, path, algorithm in wanted:
        item = items.get(number)
        if item is None:
            continue
        known = {"xxh128": item.xxh128, "sha256": item.sha256}
        if algorithm not in ALWAYS:
            known = await _computed(run, item, algorithm)
        if algorithm in known:
            compared.append(FileChecksum(file, path, algorithm, known[algorithm]))
    return compared


async def _computed(run: Run, item: Item, algorithm: str) -> dict[str, bytes]:
    """The checksum of an item's payload, by its algorithm; empty if the payload is damaged, which is recorded.
    Raises HaltError when the archive is away; TaskFailedError when the payload may not be read."""
    request = archive_messages.Checksums(run.archive.place, item.path, *item.content, (algorithm,))
    with suppress(TaskFailedError):
        async with run.workers.worker([]) as worker:
            if found := (await run.workers.ask(worker, request, archive_messages.Computed)).digests:
                return found
    for _, fault in await archive_reading.read(run, [item]):
        if not_read(fault):
            raise TaskFailedError(fault)
    return {}


async def result(run: Run) -> tuple[str, str]:
    """(wrong, notes): why the lists forbid SAFE, and what else the verdict says of them; each may be empty."""
    read, number = run.catalog.database.read, run.row.id
    lists = await lists_of(read, number)
    if not lists:
        return "", ""
    found = await sums(read, number)
    wrong = ""
    if found.differ:
        named = {one.path: one.list for one in await differing(read, number, NAMED)}
        files = [f"{display(path)} ({display(of)})" for path, of in named.items()]
        clause = count_clause(found.differ, "differ from a checksum list on the source")
        wrong = f"{clause}: {_shown(files, found.differ)}"
    notes = []
    if found.confirmed:
        notes.append(f"checksum lists on the source confirm {counted(found.confirmed, 'file')}")
    if found.missing:
        gone = [display(path) for path in dict.fromkeys(path for path, _ in await missing(read, number, NAMED))]
        absent = counted(found.missing, "file of checksum lists is", "files of checksum lists are")
        notes.append(f"{absent} not on it: {_shown(gone, found.missing)}")
    if found.not_compared:
        notes.append(f"{counted(found.not_compared, 'file')} of checksum lists could not be compared")
    notes += [f"{display(one.path)}: {told}" for one in lists if (told := trouble(one))][:NAMED]
    return wrong, "; ".join(notes)


def _shown(names: list[str], count: int) -> str:
    return ", ".join(names) + (", …" if count > len(names) else "")
