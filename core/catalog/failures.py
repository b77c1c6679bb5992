"""Files of one import that could not be archived, grouped by cause, and how they are set to be tried again."""

import json
import os
from collections.abc import Callable, Sequence

import msgspec

from core.catalog.base import Table
from core.catalog.find_import import find
from core.catalog.rows import FailureRow
from core.database import Read
from core.listings import Failure, FailureGroup
from core.models import Outcome, State, Waits
from core.paths import display, relative

PAGE = 200
"""The most groups, or files of one group, on a page."""

LIST = "list"
"""The stage of an entry that could not be listed. Only listing the source again can settle it, not a retry of the
file."""

_TRIED = f"EXISTS (SELECT 1 FROM failure WHERE file_id = file.id AND stage != '{LIST}')"  # noqa: S608
"""Files that a transfer has given up."""

REASON_SQL = "rtrim(f.reason || ' ' || coalesce(e.detail, ''))"
"""SQL of the reason with the detail that is true of this file only. Aliases: `f` is `file`, `e` is `failure`,
whose row may be missing."""

Advise = Callable[[str, int], str]
"""Returns what a person can do, for a side and a code (see FailureRow)."""


class Selection(msgspec.Struct, frozen=True):
    """Selects failed files of an import: those with the `ids`; without ids those with the `cause`; without both,
    all."""

    cause: str = ""
    ids: tuple[int, ...] = ()

    @property
    def selects_all(self) -> bool:
        """Whether it selects all of them."""
        return not (self.cause or self.ids)


def insert_failures(failed: Sequence[FailureRow]) -> list[tuple[str, list[tuple[object, ...]]]]:
    """The statement that inserts why files failed, to be executed in the transaction that writes the files."""
    sql = "INSERT OR REPLACE INTO failure (file_id, stage, attempts, side, code, detail) VALUES (?, ?, ?, ?, ?, ?)"
    return [(sql, [msgspec.structs.astuple(row) for row in failed])] if failed else []


def forget_causes(files: Sequence[int]) -> list[tuple[str, list[tuple[object, ...]]]]:
    """The statement that deletes the causes of failed files that are to do again. Their numbers of attempts are
    kept, because they count on if a file fails once more."""
    sql = "UPDATE failure SET stage = '', side = '', code = 0, detail = '' WHERE file_id = ?"
    return [(sql, [(id,) for id in files])] if files else []


def delete_failures(files: Sequence[int]) -> list[tuple[str, list[tuple[object, ...]]]]:
    """The statement that deletes the failures of files that have another outcome now."""
    sql = "DELETE FROM failure WHERE file_id IN (SELECT value FROM json_each(?))"
    return [(sql, [(json.dumps(files),)])] if files else []


class Failures(Table):
    """The table of failures."""

    async def failures(self, files: Sequence[int]) -> dict[int, FailureRow]:
        """Why these files failed, by file id."""
        if not files:
            return {}
        rows = await self.database.read(
            "SELECT file_id, stage, attempts, side, code, detail FROM failure "
            "WHERE file_id IN (SELECT value FROM json_each(?))",
            (json.dumps(files),),
        )
        return {row[0]: FailureRow(*row) for row in rows}

    async def count_failed(self, import_id: int, selection: Selection) -> int:
        """How many files of a selection have failed."""
        fits, values = _fits(selection)
        rows = await self.database.read(
            f"SELECT count(*) FROM file WHERE import_id = ? AND outcome = ? AND {fits}",  # noqa: S608
            (import_id, Outcome.FAILED, *values),
        )
        return int(rows[0][0])

    async def reset_failed(
        self, import_id: int, selection: Selection, **values: object
    ) -> list[tuple[int, int, str]]:
        """Set failed files back to TODO, and the import's columns to `values`, in one transaction. Returns (id,
        size, cause) of the files."""
        fits, given = _fits(selection)
        condition = f"import_id = ? AND outcome = ? AND {_TRIED} AND {fits}"
        of_these = (import_id, Outcome.FAILED, *given)
        found = await self.database.read(
            f"SELECT id, size, reason FROM file WHERE {condition}",  # noqa: S608
            of_these,
        )
        columns = "".join(f", {name} = ?" for name in values)
        await self.database.run(
            (f"UPDATE file SET outcome = ?, reason = NULL WHERE {condition}", [(Outcome.TODO, *of_these)]),  # noqa: S608
            *forget_causes([id for id, _, _ in found]),
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
    "otherwise": "",
    "copies": 0,
    "copied_reason": "",
    "listed": 0,
}
"""New column values of an import that has ended and is resumed. The time of its end and the digest of its receipt
are kept until there are new ones, because a receipt names the one before it."""


async def groups(read: Read, name: str, advise: Advise) -> list[FailureGroup]:
    """The causes of failure in an import, most frequent first, at most PAGE. Raises UsageError."""
    rows = await read(
        "SELECT f.reason, count(*), max(coalesce(e.stage, '')), max(coalesce(e.attempts, 0)), "
        "max(coalesce(e.side, '')), max(coalesce(e.code, 0)), max(f.id), f.path, i.root FROM file f "
        "JOIN import i ON i.id = f.import_id LEFT JOIN failure e ON e.file_id = f.id "
        "WHERE f.import_id = ? AND f.outcome = ? GROUP BY f.reason ORDER BY count(*) DESC, f.reason LIMIT ?",
        (await find(read, name), Outcome.FAILED, PAGE),
    )
    return [
        FailureGroup(
            cause=display(cause or ""),
            count=count,
            stage=stage,
            attempts=attempts,
            advice=advise(side, code),
            newest=display(relative(root, path)),
        )
        for cause, count, stage, attempts, side, code, _, path, root in rows
    ]


async def page(read: Read, name: str, cause: str, offset: int) -> list[Failure]:
    """Files of an import that failed for one cause, from row `offset` on, at most PAGE. Raises UsageError."""
    rows = await read(
        "SELECT f.id, i.source, i.root, f.path, f.size, coalesce(e.stage, ''), coalesce(e.attempts, 0), "
        "coalesce(f.reason, ''), coalesce(e.detail, '') FROM file f JOIN import i ON i.id = f.import_id "
        "LEFT JOIN failure e ON e.file_id = f.id WHERE f.import_id = ? AND f.outcome = ? "
        "AND coalesce(f.reason, '') = ? ORDER BY f.id LIMIT ? OFFSET ?",
        (await find(read, name), Outcome.FAILED, cause, PAGE, offset),
    )
    return [
        Failure(
            id=id,
            path=display(os.path.join(source, relative(root, path))),
            size=size,
            stage=stage,
            attempts=attempts,
            cause=display(reason),
            detail=display(detail),
        )
        for id, source, root, path, size, stage, attempts, reason, detail in rows
    ]


def _fits(selection: Selection) -> tuple[str, Sequence[object]]:
    if selection.ids:
        return f"id IN ({','.join('?' * len(selection.ids))})", selection.ids
    return ("reason = ?", (selection.cause,)) if selection.cause else ("1", ())
