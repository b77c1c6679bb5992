"""The files of a receipt, read from the catalog page by page."""

from collections import Counter
from collections.abc import AsyncIterator, Collection
from typing import Any

from core.catalog.find_import import find
from core.database import Read
from core.errors import DatabaseError
from core.models import Outcome, Value
from core.paths import relative
from core.receipts.checksum_lists import results_text

PAGE = 2000
"""Rows per page."""

_OUTCOMES = {outcome.value: outcome for outcome in Outcome}

DAMAGED = "damaged"
LEVEL_SQL = f"CASE WHEN i.damage IS NULL THEN i.level ELSE '{DAMAGED}' END"
"""SQL of the verification level of an item `i`; `damaged` where damage was found later, because the level is void
then."""

DATA_WORDS = {outcome: outcome.name.lower() for outcome in Outcome}
"""Outcomes as they are written in data formats."""


class ReceiptRow(Value, frozen=True, kw_only=True):
    """What became of one directory entry.

    `path` is below the source's root, `payload` below the archive's root: the path of the archived file, or of the
    one that a duplicate equals. `read_back` is when that file was last read back and found intact (Unix time;
    None: never). Digests are hex; they, `payload` and `level` are empty where nothing was archived. Of a file that
    failed, `reason` is the cause, and `stage`, `side`, `code` and `detail` are as in `core.catalog.FailureRow`.
    `sort` and `target` say why an entry was not read (`core.media.left_out`). `unkept`: some of the file's
    extended attributes could not be archived. `lists` says how the file compares with checksum lists on the
    source; empty where no list names it.
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
    stage: str = ""
    side: str = ""
    code: int = 0
    detail: str = ""
    sort: str = ""
    target: bytes = b""
    unkept: bool = False
    lists: str = ""


_COMPARED = (
    "(SELECT group_concat(l.algorithm || ':' || (l.found = l.digest), ' ') FROM listed l "
    "WHERE l.file_id = f.id AND l.found IS NOT NULL)"
)


def contradiction(cause: str) -> DatabaseError:
    """The error for a catalog that contradicts itself, so that no receipt can be made."""
    return DatabaseError(
        f"{cause}, so there is no receipt.", "Rebuild the catalog from the archive, or report this as a bug."
    )


async def pages(
    read: Read, import_id: int, root: bytes, last: int, outcomes: Collection[Outcome] = tuple(Outcome)
) -> AsyncIterator[list[ReceiptRow]]:
    """Pages of an import's files with these outcomes and ids up to `last`, by id. Each file comes once, even if
    files change meanwhile."""
    # One SELECT for each outcome: each is a range of the index (import_id, outcome, id), and SQLite merges them. A
    # plain `WHERE import_id = ? ORDER BY id LIMIT ?` would sort the whole import again for every page.
    arms = " UNION ALL ".join(
        f"SELECT id FROM file WHERE import_id = ? AND outcome = {int(outcome)} AND id > ? AND id <= ?"  # noqa: S608
        for outcome in outcomes
    )
    sql = (
        "SELECT f.id, f.outcome, f.path, f.size, f.mtime_ns, f.kind, f.reason, i.xxh128, i.sha256, i.path, "  # noqa: S608
        f"{LEVEL_SQL}, i.read_back, f.sort, f.target, {_COMPARED}, "
        "u.file_id IS NOT NULL, e.stage, e.side, e.code, e.detail "
        f"FROM ({arms} ORDER BY id LIMIT ?) AS page CROSS JOIN file f ON f.id = page.id "
        "LEFT JOIN item i ON i.id = f.item_id LEFT JOIN failure e ON e.file_id = f.id "
        "LEFT JOIN unkept u ON u.file_id = f.id ORDER BY page.id"
    )
    after = 0
    while found := await read(sql, (*(import_id, after, last) * len(outcomes), PAGE)):
        after = found[-1][0]
        yield [_file(row, root) for row in found]
        if len(found) < PAGE:
            return


def _file(row: tuple[Any, ...], root: bytes) -> ReceiptRow:
    _, outcome, path, size, mtime_ns, kind, reason, xxh128, sha256, payload, level, read_back, *more = row
    sort, target, lists, unkept, stage, side, code, detail = more
    held = payload is not None and outcome in (Outcome.ARCHIVED, Outcome.DUPLICATE)
    failed = outcome == Outcome.FAILED and stage is not None
    return ReceiptRow(
        outcome=_OUTCOMES[outcome],
        path=relative(root, path),
        size=size,
        mtime_ns=mtime_ns,
        kind=kind,
        xxh128=xxh128.hex() if held else "",
        sha256=sha256.hex() if held else "",
        payload=payload if held else "",
        level=level if held else "",
        read_back=read_back if held else None,
        reason=reason or "",
        stage=stage if failed else "",
        side=side if failed else "",
        code=code if failed else 0,
        detail=detail if failed else "",
        sort=sort,
        target=target or b"",
        unkept=bool(unkept),
        lists=results_text(lists) if lists else "",
    )


class Tally:
    """Counts the rows of a receipt, to compare them with what the catalog counted before."""

    def __init__(self) -> None:
        self.outcomes: Counter[Outcome] = Counter()

    def add(self, page: list[ReceiptRow]) -> None:
        """Count the rows of a page."""
        self.outcomes.update(row.outcome for row in page)

    def check(self, seen: int) -> None:
        """Raises DatabaseError unless there are as many rows as entries seen."""
        if self.outcomes.total() != seen:
            raise contradiction(f"{seen} entries were seen, but {self.outcomes.total()} have an outcome")


async def rows(read: Read, name: str) -> AsyncIterator[list[ReceiptRow]]:
    """Pages of all files of import `name`, in the order in which they were seen.

    Raises UsageError when there is no such import, and DatabaseError after the last page when the outcomes do not
    add up to the entries seen.
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
