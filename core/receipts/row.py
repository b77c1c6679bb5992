"""One file of a receipt, and all of them by the page."""

from collections import Counter
from collections.abc import AsyncIterator, Collection
from typing import Any

from core.errors import DatabaseError
from core.models import Outcome, Value
from core.receipts.lookup import Read, find

PAGE = 2000
"""Rows read at a time."""

_OUTCOMES = {outcome.value: outcome for outcome in Outcome}

WORDS = {outcome: outcome.name.lower() for outcome in Outcome}
"""Outcomes as programs read them."""


class FileRow(Value, frozen=True, kw_only=True):
    """What became of one directory entry.

    `path` is below the source's root, `payload` below the archive's root: where an archived file or the one
    that a duplicate equals lies. `read_back` is when that was last read back and found well. Digests are hex;
    they, `payload` and `level` are empty where nothing was archived.
    """

    outcome: Outcome
    path: bytes
    size: int
    mtime_ns: int
    kind: str
    xxh128: str = ""
    sha256: str = ""
    payload: str = ""
    level: str = ""
    read_back: float | None = None
    reason: str = ""


def contradiction(cause: str) -> DatabaseError:
    """The error for a catalog from which no receipt can be made."""
    return DatabaseError(
        f"{cause}, so there is no receipt.", "Rebuild the catalog from the archive, or report this as a bug."
    )


async def pages(
    read: Read, import_id: int, root: bytes, last: int, outcomes: Collection[Outcome] = tuple(Outcome)
) -> AsyncIterator[list[FileRow]]:
    """An import's files of these outcomes with ids up to `last`, by id: each once, even while they change."""
    # One arm an outcome: each is a range of the index (import_id, outcome, id), and SQLite merges them. A plain
    # `WHERE import_id = ? ORDER BY id LIMIT ?` sorts the whole import again for every page.
    arms = " UNION ALL ".join(
        f"SELECT id FROM file WHERE import_id = ? AND outcome = {int(outcome)} AND id > ? AND id <= ?"  # noqa: S608
        for outcome in outcomes
    )
    sql = (
        "SELECT f.id, f.outcome, f.path, f.size, f.mtime_ns, f.kind, f.reason, i.xxh128, i.sha256, i.path, "  # noqa: S608
        f"i.level, i.read_back FROM ({arms} ORDER BY id LIMIT ?) AS page CROSS JOIN file f ON f.id = page.id "
        "LEFT JOIN item i ON i.id = f.item_id ORDER BY page.id"
    )
    after = 0
    while found := await read(sql, (*(import_id, after, last) * len(outcomes), PAGE)):
        after = found[-1][0]
        yield [_file(row, root) for row in found]
        if len(found) < PAGE:
            return


def _file(row: tuple[Any, ...], root: bytes) -> FileRow:
    _, outcome, path, size, mtime_ns, kind, reason, xxh128, sha256, payload, level, read_back = row
    about = {"path": below(root, path), "size": size, "mtime_ns": mtime_ns, "kind": kind, "reason": reason or ""}
    if payload is None or outcome not in (Outcome.ARCHIVED, Outcome.DUPLICATE):
        return FileRow(outcome=_OUTCOMES[outcome], **about)
    return FileRow(
        outcome=_OUTCOMES[outcome],
        xxh128=xxh128.hex(),
        sha256=sha256.hex(),
        payload=payload,
        level=level,
        read_back=read_back,
        **about,
    )


def below(root: bytes, path: bytes) -> bytes:
    """`path`, relative to a volume, as seen from the source's root on it; whole when it is not below that."""
    return path[len(root) + 1 :] if root and path.startswith(root + b"/") else path


class Tally:
    """Counts the rows that pass, to hold them against what the catalog counted before."""

    def __init__(self) -> None:
        self.outcomes: Counter[Outcome] = Counter()

    def add(self, page: list[FileRow]) -> None:
        """Count a page."""
        self.outcomes.update(row.outcome for row in page)

    def check(self, seen: int) -> None:
        """Raises DatabaseError unless the rows are as many as the entries seen."""
        if self.outcomes.total() != seen:
            raise contradiction(f"{seen} entries were seen, but {self.outcomes.total()} have an outcome")


async def rows(read: Read, name: str) -> AsyncIterator[list[FileRow]]:
    """Pages of all files of import `name`, in the order in which they were seen.

    Raises UsageError when there is no such import, and DatabaseError after the last page when the outcomes do
    not add up to the entries seen.
    """
    import_id = await find(read, name)
    ((root, last, seen),) = await read(
        "SELECT i.root, max(f.id), count(f.id) FROM import i LEFT JOIN file f ON f.import_id = i.id "
        "WHERE i.id = ?",
        (import_id,),
    )
    tally = Tally()
    async for page in pages(read, import_id, root, last or 0):
        tally.add(page)
        yield page
    tally.check(seen)
