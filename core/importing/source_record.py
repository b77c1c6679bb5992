"""Judges entries of a source by what the catalog has recorded about the files of its volume."""

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from core.catalog import Catalog, SeenRow
from core.catalog.differing import Known
from core.importing.keep_reasons import ATTRIBUTES, UNKEPT
from core.importing.scan import same
from core.media import left_out
from core.media.left_out import Sort
from core.models import IN_ARCHIVE, Outcome
from core.paths import join
from core.workers.source_messages import Entry


class Judged(NamedTuple):
    """An entry of a source, and the rows that imports have of its path.

    reason, a key of KEEP_REASONS, stands in the way of SAFE; else `item` is what the archive has for the entry.
    Both are empty for an entry that is not copied, but is accepted, and recorded as it is now. imported: when
    the import began that read other content under the same name, size and time, if nobody has accepted that.
    accepted: what a person accepted it by (`core.import_choices.Acceptable`); empty: it needs none, or has none.
    """

    entry: Entry
    rows: Sequence[SeenRow]
    reason: str
    item: int | None
    imported: float | None
    accepted: str


class SourceRecord:
    """What imports into one archive have seen on a volume.

    `root`: the source's root on its volume. `unaccepted`: files that differ from an earlier import and that nobody
    has accepted, each with when that import began. `unkept`: files some of whose extended attributes could not be
    archived. `accepting`: what imports accept, by their row ids.
    """

    def __init__(
        self,
        catalog: Catalog,
        archive_id: int,
        volume_id: int | None,
        root: bytes,
        *,
        unaccepted: Mapping[Known, float],
        unkept: Container[int],
        accepting: Mapping[int, Container[str]],
    ) -> None:
        self._catalog = catalog
        self._archive_id = archive_id
        self._volume_id = volume_id
        self._root = root
        self._unaccepted = unaccepted
        self._unkept = unkept
        self._accepting = accepting

    @classmethod
    async def of(cls, catalog: Catalog, archive_id: int, volume_id: int | None, root: bytes) -> "SourceRecord":
        """The record as it is now; an empty one for a volume that the catalog does not know (None)."""
        unaccepted, unkept, accepting = dict[Known, float](), set[int](), dict[int, tuple[str, ...]]()
        if volume_id is not None:
            unaccepted = await catalog.unaccepted(volume_id, archive_id)
            unkept = await catalog.unkept_files(volume_id)
            accepting = await catalog.accepting(volume_id, archive_id)
        return cls(
            catalog,
            archive_id,
            volume_id,
            root,
            unaccepted=unaccepted,
            unkept=unkept,
            accepting=accepting,
        )

    async def judge(self, entries: Sequence[Entry]) -> list[Judged]:
        """Judge these entries, in their order. They must not include folders and junk."""
        paths = [join(self._root, entry.path) for entry in entries]
        seen = dict[bytes, list[SeenRow]]()
        if self._volume_id is not None:
            seen = await self._catalog.seen(self._volume_id, paths, self._archive_id)
        judged: list[Judged] = []
        for entry, path in zip(entries, paths, strict=True):
            rows = seen.get(path, [])
            reason, item, accepted = _judge(entry, rows, self._unkept, self._accepting)
            differs = self._unaccepted.get((path, entry.size, entry.mtime_ns))
            judged.append(Judged(entry, rows, reason, item, differs, accepted))
        return judged


def _judge(
    entry: Entry, rows: list[SeenRow], unkept: Container[int], accepting: Mapping[int, Container[str]]
) -> tuple[str, int | None, str]:
    """(reason, item, accepted), as in `Judged`."""
    if entry.what == "failed":
        return "unlisted", None, ""
    if entry.what == "skipped":
        group = left_out.group(entry.sort, entry.target)
        recorded = [row for row in rows if row.outcome == Outcome.SKIPPED and _recorded(row, entry)]
        if entry.sort == Sort.EXCLUDED:
            recorded = recorded[-1:]  # each import excludes anew
        accepted = any(group in accepting.get(row.import_id, ()) for row in recorded)
        return ("", None, group) if accepted else (group, None, "")
    done = [row for row in rows if Outcome(row.outcome) in IN_ARCHIVE and row.item_id is not None]
    for row in reversed(done):
        if same(row, entry):
            if row.id not in unkept:
                return "", row.item_id, ""
            accepted = ATTRIBUTES in accepting.get(row.import_id, ())
            return ("", row.item_id, ATTRIBUTES) if accepted else (UNKEPT, row.item_id, "")
    if done:
        return "changed", None, ""
    # A check lists what an import excluded; what the newest import to see it chose holds.
    if rows and rows[-1].sort == Sort.EXCLUDED and same(rows[-1], entry):
        accepted = left_out.EXCLUDED in accepting.get(rows[-1].import_id, ())
        return ("", None, left_out.EXCLUDED) if accepted else (left_out.EXCLUDED, None, "")
    if any(row.outcome == Outcome.FAILED for row in rows):
        return "failed", None, ""
    skipped = [row.sort for row in rows if row.outcome == Outcome.SKIPPED]
    if not skipped:
        return "new", None, ""
    return left_out.EXCLUDED if skipped[-1] == Sort.EXCLUDED else left_out.LEFT_OUT, None, ""


def _recorded(row: SeenRow, entry: Entry) -> bool:
    """Whether a row is of this entry, which was not read, as it is now. What is excluded has only size and time to
    know it by."""
    now = entry.sort, entry.target or None
    return (row.sort, row.target) == now and (entry.sort != Sort.EXCLUDED or same(row, entry))
