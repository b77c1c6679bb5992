"""Checks that a source is still the one that an import began with, by the files that the import has seen there.

Two phones at one mount point, two cards in one reader, and two copies of a card can look like one volume.
"""

from collections.abc import Sequence
from contextlib import aclosing

from core.catalog import Catalog, SeenRow
from core.catalog.failures import LIST
from core.importing.halt_reasons import HaltError
from core.importing.import_run import Run
from core.importing.scan import listing, same
from core.models import IN_ARCHIVE, Outcome
from core.paths import display, join, relative
from core.workers.read_source import CHANGING

PAGE = 2000
"""Rows per page."""


class Roll:
    """Marks the files of one import as seen while its source is listed. It takes one bit for each file."""

    def __init__(self, catalog: Catalog, import_id: int, first: int, last: int) -> None:
        self._catalog = catalog
        self._import_id = import_id
        self._first, self._last = first, last
        self._ticked = bytearray((last - first) // 8 + 1)

    @classmethod
    async def of(cls, catalog: Catalog, import_id: int) -> "Roll":
        """A roll of all files that the import has seen so far."""
        return cls(catalog, import_id, *await catalog.span(import_id))

    def tick(self, id: int) -> None:
        """Mark the file with this id."""
        if id <= self._last:
            at = id - self._first
            self._ticked[at // 8] |= 1 << at % 8

    def _has(self, id: int) -> bool:
        """Whether a file is marked, or was first seen after this roll was made."""
        at = id - self._first
        return id > self._last or bool(self._ticked[at // 8] & 1 << at % 8)

    async def absent(self, outcomes: Sequence[Outcome]) -> tuple[int, bytes]:
        """How many files with these outcomes are not marked; and the path of one, below its volume's root."""
        count, example, after = 0, b"", 0
        while page := await self._catalog.paths(self._import_id, after, PAGE, outcomes):
            after = page[-1][0]
            for id, path in page:
                if not self._has(id):
                    count, example = count + 1, example or path
        return count, example


async def call(run: Run, *, paused: bool = False) -> None:
    """Check that the files which the import has settled are there, with the same size and time. If nothing is
    archived yet, nothing can be lost, and half of the files that are listed or have failed is enough. paused: the
    run is paused, and stays so meanwhile.

    Raises HaltError when they are not there or cannot be listed; WorkerDiedError.
    """
    archived = run.counters.counted(*IN_ARCHIVE).files
    judged = IN_ARCHIVE if archived else (Outcome.TODO, Outcome.FAILED)
    count = run.counters.counted(*judged).files
    if not count:
        return
    row = run.row
    roll = await Roll.of(run.catalog, row.id)
    differ, example = 0, b""
    async with aclosing(listing(run, run.source, row.single, paused=paused)) as pages:
        async for entries in pages:
            found = {join(row.root, entry.path): entry for entry in entries}
            seen = await run.catalog.seen(row.volume_id, list(found), row.archive_id)
            pairs = [
                (mine, entry)
                for path, entry in found.items()
                for mine in seen.get(path, [])
                if mine.import_id == row.id
            ]
            unsteady = await _unsteady(run, [mine for mine, _ in pairs])
            for mine, entry in pairs:
                roll.tick(mine.id)
                if mine.outcome not in judged or mine.id in unsteady:
                    continue
                if not (entry.what == "file" and same(mine, entry)):
                    differ, example = differ + 1, example or entry.path
    gone, path = await roll.absent(judged)
    if gone + differ > (0 if archived else count // 2):
        told = [f"{gone:,} gone (such as {display(relative(row.root, path))})"] if gone else []
        told += [f"{differ:,} with another size or time (such as {display(example)})"] if differ else []
        raise HaltError(
            f"{display(run.source.root)} is not what this import began with: of the "
            f"{count:,} {'archived' if archived else 'listed'} from it, {', '.join(told)}",
            "Put the right one in, then resume. If this is another one, or was changed on purpose, start a new "
            "import of it: what is archived is not copied again. To close this import: "
            f"lading cancel {row.name}",
        )


async def _unsteady(run: Run, rows: Sequence[SeenRow]) -> set[int]:
    """Ids of failed entries whose size and time say nothing: those that could not be listed have none, and those
    that something wrote to have others by now."""
    failed = [row.id for row in rows if row.outcome == Outcome.FAILED]
    failures = await run.catalog.failures(failed)
    return {id for id, failure in failures.items() if failure.stage == LIST or failure.code == CHANGING}
