"""Files of one import that could not be archived, by their cause; and how they become to do again."""

import os
from collections.abc import Callable, Sequence

import msgspec

from core.catalog.rows import below
from core.catalog.table import Table
from core.models import Failure, FailureGroup, Outcome, State, Waits
from core.paths import display
from core.receipts.lookup import Read, find

MOST = 200
"""Groups, or files of one, on a page at most."""

_TRIED = "(reason LIKE 'source: %' OR reason LIKE 'archive: %' OR reason LIKE 'program: %')"
"""Files that a transfer gave up; the rest could not even be listed, which only another listing can cure."""


class Selection(msgspec.Struct, frozen=True):
    """Failed files of an import: those with these ids, else those with this cause, else all."""

    cause: str = ""
    ids: tuple[int, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it is all of them."""
        return not (self.cause or self.ids)


class Failures(Table):
    """The table of failures, beside the files'."""

    def failures(self, failed: Sequence[tuple[int, str, int]]) -> list[tuple[str, Sequence[Sequence[object]]]]:
        """The statement that keeps (file, stage, attempts) of what failed, to be written with the files."""
        return [("INSERT OR REPLACE INTO failure VALUES (?, ?, ?)", failed)] if failed else []

    async def failed(self, import_id: int, selection: Selection) -> int:
        """How many files have failed, of a selection."""
        fits, values = _fits(selection)
        rows = await self.database.read(
            f"SELECT count(*) FROM file WHERE import_id = ? AND outcome = ? AND {fits}",  # noqa: S608
            (import_id, Outcome.FAILED, *values),
        )
        return int(rows[0][0])

    async def again(self, import_id: int, selection: Selection, **values: object) -> list[tuple[int, int, str]]:
        """(id, size, cause) of files that have failed and are to do from now on; in one unit with new values of
        the import's columns."""
        fits, given = _fits(selection)
        condition = f"import_id = ? AND outcome = ? AND {_TRIED} AND {fits}"
        of_these = (import_id, Outcome.FAILED, *given)
        found = await self.database.read(
            f"SELECT id, size, reason FROM file WHERE {condition}",  # noqa: S608
            of_these,
        )
        columns = "".join(f", {name} = ?" for name in values)
        await self.database.run(
            (f"DELETE FROM failure WHERE file_id IN (SELECT id FROM file WHERE {condition})", [of_these]),  # noqa: S608
            (f"UPDATE file SET outcome = ?, reason = NULL WHERE {condition}", [(Outcome.TODO, *of_these)]),  # noqa: S608
            (f"UPDATE import SET id = id{columns} WHERE id = ?", [(*values.values(), import_id)]),  # noqa: S608
        )
        return [(id, size, reason) for id, size, reason in found]


REOPENED: dict[str, object] = {
    "state": State.RUNNING,
    "waits": Waits.NOTHING,
    "reason": "",
    "advice": "",
    "verdict": "",
    "verdict_reason": "",
    "listed": 0,
}
"""What an import says that has ended and is taken up again. It keeps the time of its end, and the digest of the
receipt that it had, until it has others: receipts name the one before."""


async def groups(read: Read, name: str, advise: Callable[[str], str]) -> list[FailureGroup]:
    """The causes in an import, the most frequent first. Raises UsageError."""
    rows = await read(
        "SELECT f.reason, count(*), max(coalesce(e.stage, '')), max(coalesce(e.attempts, 0)), max(f.id), f.path, "
        "i.root FROM file f JOIN import i ON i.id = f.import_id LEFT JOIN failure e ON e.file_id = f.id "
        "WHERE f.import_id = ? AND f.outcome = ? GROUP BY f.reason ORDER BY count(*) DESC, f.reason LIMIT ?",
        (await find(read, name), Outcome.FAILED, MOST),
    )
    return [
        FailureGroup(
            cause=display(cause or ""),
            count=count,
            stage=_stage(stage, cause or ""),
            attempts=attempts,
            advice=advise(cause or ""),
            newest=display(below(root, path)),
        )
        for cause, count, stage, attempts, _, path, root in rows
    ]


async def page(read: Read, name: str, cause: str, offset: int) -> list[Failure]:
    """Files of an import that failed for one cause, from row `offset` on. Raises UsageError."""
    rows = await read(
        "SELECT f.id, i.source, i.root, f.path, f.size, coalesce(e.stage, ''), coalesce(e.attempts, 0), "
        "coalesce(f.reason, '') FROM file f JOIN import i ON i.id = f.import_id "
        "LEFT JOIN failure e ON e.file_id = f.id WHERE f.import_id = ? AND f.outcome = ? "
        "AND coalesce(f.reason, '') = ? ORDER BY f.id LIMIT ? OFFSET ?",
        (await find(read, name), Outcome.FAILED, cause, MOST, offset),
    )
    return [
        Failure(
            id=id,
            path=display(os.path.join(source, below(root, path))),
            size=size,
            stage=_stage(stage, reason),
            attempts=attempts,
            cause=display(reason),
        )
        for id, source, root, path, size, stage, attempts, reason in rows
    ]


def _stage(stage: str, cause: str) -> str:
    """What was never given to a transfer could not be listed; of journals read, the stage is not known."""
    return stage or ("" if cause.startswith(("source: ", "archive: ", "program: ")) else "list")


def _fits(selection: Selection) -> tuple[str, Sequence[object]]:
    if selection.ids:
        return f"id IN ({','.join('?' * len(selection.ids))})", selection.ids
    return ("reason = ?", (selection.cause,)) if selection.cause else ("1", ())
