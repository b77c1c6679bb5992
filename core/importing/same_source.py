"""Checks that a source is still the one that an import began with, by the files that the import has seen there.

Two phones at one mount point, two cards in one reader, and two copies of a card can look like one volume. Names,
sizes and times are compared of all files, and parts of the content of some that are in the archive.
"""

from collections.abc import Mapping, Sequence
from contextlib import aclosing

from core.catalog import Catalog, ImportRow, SeenRow
from core.catalog.failures import LIST
from core.importing.halt_reasons import HaltError, away
from core.importing.import_run import Run
from core.importing.leader import OTHERS_SQL
from core.importing.same_content import Compared, Sample
from core.importing.scan import listing, same
from core.models import IN_ARCHIVE, Outcome, State, Waits
from core.paths import display, join, relative
from core.words import counted
from core.workers.read_source import CHANGING
from core.workers.source_messages import Entry

PAGE = 2000
"""Rows per page."""


class SeenFiles:
    """Marks the files of one import as seen while its source is listed. It takes one bit for each file."""

    def __init__(self, catalog: Catalog, import_id: int, first: int, last: int) -> None:
        self._catalog = catalog
        self._import_id = import_id
        self._first, self._last = first, last
        self._marked = bytearray((last - first) // 8 + 1)

    @classmethod
    async def of(cls, catalog: Catalog, import_id: int) -> "SeenFiles":
        """All files that the import has seen so far, none of them marked."""
        return cls(catalog, import_id, *await catalog.span(import_id))

    def mark(self, id: int) -> None:
        """Mark the file with this id."""
        if id <= self._last:
            at = id - self._first
            self._marked[at // 8] |= 1 << at % 8

    def _has(self, id: int) -> bool:
        """Whether a file is marked, or was entered after this was made."""
        at = id - self._first
        return id > self._last or bool(self._marked[at // 8] & 1 << at % 8)

    async def absent(self, outcomes: Sequence[Outcome]) -> tuple[int, bytes]:
        """How many files with these outcomes are not marked; and the path of one, below its volume's root."""
        count, example, after = 0, b"", 0
        while page := await self._catalog.paths(self._import_id, after, PAGE, outcomes):
            after = page[-1][0]
            for id, path in page:
                if not self._has(id):
                    count, example = count + 1, example or path
        return count, example


class _Expected:
    """What one import expects to find on its source: the files that it has archived. If there are none yet,
    nothing can be lost, and half of the files that it has listed, or that have failed, is enough."""

    def __init__(self, id: int, totals: Mapping[Outcome, tuple[int, int]], seen: SeenFiles) -> None:
        self.id = id
        self.archived = any(outcome in totals for outcome in IN_ARCHIVE)
        self.outcomes = IN_ARCHIVE if self.archived else (Outcome.TODO, Outcome.FAILED)
        self.count = sum(totals[outcome][0] for outcome in self.outcomes if outcome in totals)
        self._seen = seen
        self._differ, self._example = 0, b""

    def compare(self, row: SeenRow, entry: Entry, *, unsteady: bool) -> None:
        """Compare an entry of the source with the row that the import has of its path. `unsteady`: size and time
        of the row say nothing."""
        self._seen.mark(row.id)
        if row.outcome in self.outcomes and not unsteady and not (entry.what == "file" and same(row, entry)):
            self._differ, self._example = self._differ + 1, self._example or entry.path

    async def lacking(self, root: bytes) -> str:
        """What is not as it was, for a person; empty: this may be the same source."""
        gone, path = await self._seen.absent(self.outcomes)
        if gone + self._differ <= (0 if self.archived else self.count // 2):
            return ""
        told = [f"{gone:,} gone (such as {display(relative(root, path))})"] if gone else []
        if self._differ:
            told.append(f"{self._differ:,} with another size or time (such as {display(self._example)})")
        return f"of the {self.count:,} {'archived' if self.archived else 'listed'} from it, {', '.join(told)}"


async def check(run: Run, *, paused: bool = False) -> None:
    """Check that the files which the import has settled are on the source, with the same size and time. Of some of
    them, parts of the content are compared with the archive.

    All imports of a group have one source. So the files of the group's imports that have not ended are checked,
    too, and, where this import has seen nothing yet, those of the imports that are done. If this import has no
    file in its archive, some files that the others have archived are read whole, and compared with the checksums
    that those imports computed.

    paused: the run is paused, and stays so meanwhile. Raises HaltError when files are missing or differ, the
    source cannot be listed, or none of the files to be compared can be read; WorkerDiedError.
    """
    row = run.row
    where = f"{OTHERS_SQL} AND i.state != ?"
    others = await run.catalog.imports(where, (row.together, row.id, State.CANCELLED)) if row.together else []
    expected = await _expectations(run, others)
    if not expected:
        return
    sample, of_others = await _compare_listing(run, expected, others, paused=paused)
    for one in expected.values():
        if lacking := await one.lacking(row.root):
            raise _another(run, lacking, "")
    try:
        if row.id in expected and expected[row.id].archived:
            compared = await sample.compare(run, run.source, paused=paused)
        else:
            archives = [other.archive_id for other in others]
            compared = await of_others.compare_whole(run, run.source, archives, paused=paused)
    except TimeoutError as error:
        raise away(run, Waits.SOURCE) from error
    _judge_content(run, compared)


async def _expectations(run: Run, others: Sequence[ImportRow]) -> dict[int, _Expected]:
    """What this import and the `others` of its group expect to find on the source, by import; those that expect
    nothing are left out."""
    expected: dict[int, _Expected] = {}

    async def expect(id: int) -> None:
        one = _Expected(id, await run.catalog.totals(id), await SeenFiles.of(run.catalog, id))
        if one.count:
            expected[id] = one

    await expect(run.row.id)
    seen_nothing = not expected
    for other in others:
        if other.state != State.DONE or seen_nothing:
            await expect(other.id)
    return expected


async def _compare_listing(
    run: Run, expected: Mapping[int, _Expected], others: Sequence[ImportRow], *, paused: bool
) -> tuple[Sample, Sample]:
    """List the source, and compare its entries with what is expected. Returns random samples of archived files
    that have the same size and time: of this import, and of the `others`. Raises HaltError, WorkerDiedError."""
    row, catalog = run.row, run.catalog
    group = {row.id, *(other.id for other in others)}
    sample, of_others = Sample(), Sample()
    async with aclosing(listing(run, run.source, row.single, paused=paused)) as pages:
        async for entries in pages:
            by_path = {join(row.root, entry.path): entry for entry in entries}
            seen = await catalog.seen(row.volume_id, list(by_path))
            pairs = [(old, by_path[path]) for path, rows in seen.items() for old in rows if old.import_id in group]
            unsteady = await _unsteady(run, [old for old, _ in pairs])
            for old, entry in pairs:
                if old.import_id in expected:
                    expected[old.import_id].compare(old, entry, unsteady=old.id in unsteady)
            for candidates, of_this_import in (sample, True), (of_others, False):
                candidates.add(
                    (entry, old.item_id)
                    for old, entry in pairs
                    if (old.import_id == row.id) is of_this_import
                    and old.outcome in IN_ARCHIVE
                    and old.item_id
                    and same(old, entry)
                )
    return sample, of_others


def _judge_content(run: Run, compared: Compared) -> None:
    """Raises HaltError when a compared file has other content, or when none could be read."""
    if unlike := compared.unlike:
        raise _another(
            run,
            f"of the {compared.files:,} archived ones that were read, {len(unlike):,} with other content, "
            f"although size and time are the same (such as {display(unlike[0])})",
            "If it is the right one, that file was damaged here or in the archive: lading audit tells which. ",
        )
    if not compared.files and (unknown := compared.unread or compared.refused):
        where = "there" if compared.unread else "in the archive"
        raise HaltError(
            f"whether {display(run.source.root)} is what this import began with is not known: of "
            f"{counted(len(unknown), 'archived file')} to be compared, none could be read {where} "
            f"(such as {display(unknown[0])})",
            f"See to it that they can be read, then resume. To close this import: lading cancel {run.row.name}",
        )


def _another(run: Run, why: str, more: str) -> HaltError:
    """The error for a source that is not the one of this import; `more` is said in the advice, too."""
    return HaltError(
        f"{display(run.source.root)} is not what this import began with: {why}",
        "Put the right one in, then resume. If this is another one, or was changed on purpose, start a "
        "new import of it: what is archived is not copied again. "
        f"{more}To close this import: lading cancel {run.row.name}",
    )


async def _unsteady(run: Run, rows: Sequence[SeenRow]) -> set[int]:
    """Ids of failed entries whose size and time say nothing: those that could not be listed have none, and those
    that something wrote to have others by now."""
    failed = [row.id for row in rows if row.outcome == Outcome.FAILED]
    failures = await run.catalog.failures(failed)
    return {id for id, failure in failures.items() if failure.stage == LIST or failure.code == CHANGING}
