"""What the catalog says of imports, page by page."""

import json
import os
from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import Any

import msgspec

from core import receipts
from core.models import Outcome, State, Verdict
from core.paths import display
from core.protocol import PAGE, Record, encodable
from core.receipts import Form, Read
from core.receipts.lookup import find as row_of

CHUNK = 256 << 10
"""Characters of a receipt handed out together."""

_SELECT = """
    SELECT i.id, i.name, i.started, i.ended, i.source, i.single, i.options, a.path, l.name, i.state, i.reason,
           i.advice, i.verdict, i.verdict_reason
    FROM import i JOIN archive a ON a.id = i.archive_id JOIN location l ON l.id = i.location_id
"""


async def page(read: Read, under_way: Collection[str], before: int, *, unfinished: bool) -> list[Record]:
    """Imports in rows before `before` (0: all), newest first; `under_way` are those an engine has in hand."""
    rows = await read(
        f"{_SELECT} WHERE (? = 0 OR i.id < ?) AND (? = 0 OR i.state IN (?, ?)) ORDER BY i.id DESC LIMIT ?",
        (before, before, unfinished, State.RUNNING, State.PAUSED, PAGE),
    )
    return await _records(read, under_way, rows)


async def find(read: Read, under_way: Collection[str], name: str) -> Record:
    """The import whose id is or begins with `name`. Raises UsageError."""
    rows = await read(f"{_SELECT} WHERE i.id = ?", (await row_of(read, name),))
    levels = await read(
        "SELECT t.level, count(*) FROM file f JOIN item t ON t.id = f.item_id "
        "WHERE f.import_id = ? AND f.outcome = ? GROUP BY t.level ORDER BY count(*) DESC",
        (rows[0][0], Outcome.ARCHIVED),
    )
    record = (await _records(read, under_way, rows))[0]
    return msgspec.structs.replace(record, proven=tuple((level, count) for level, count in levels))


async def receipt(read: Read, name: str, form: Form) -> AsyncGenerator[str, None]:
    """The receipt of an import, in pieces, once all of it is made. Raises UsageError, DatabaseError."""
    with Spool() as spool:
        await receipts.write(read, name, form, spool.add)
        for text in spool.pieces():
            yield text


class Spool:
    """Text that is kept, on the local disk when there is much of it, until all of it is made."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(CHUNK, "w+", encoding="utf-8", newline="")  # noqa: SIM115

    def add(self, text: str) -> None:
        """More of it."""
        self._file.write(text)

    def pieces(self) -> Iterator[str]:
        """All of it."""
        self._file.seek(0)
        while text := self._file.read(CHUNK):
            yield text

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


async def _records(read: Read, under_way: Collection[str], rows: Sequence[tuple[Any, ...]]) -> list[Record]:
    counts: dict[int, dict[Outcome, int]] = {}
    marks = ",".join("?" * len(rows))
    for row, outcome, count in await read(
        f"SELECT import_id, outcome, count(*) FROM file WHERE import_id IN ({marks}) GROUP BY 1, 2",  # noqa: S608
        [row[0] for row in rows],
    ):
        counts.setdefault(row, {})[Outcome(outcome)] = count
    return [_record(row, counts.get(row[0], {}), under_way) for row in rows]


def _record(row: tuple[Any, ...], counts: dict[Outcome, int], under_way: Collection[str]) -> Record:
    number, name, started, ended, source, single, options, archive, location, state, reason, advice, *verdict = row
    return Record(
        row=number,
        id=name,
        started=started,
        ended=ended if state in (State.DONE, State.CANCELLED) else None,
        source=display(os.path.join(source, single) if single else source),
        label=encodable(json.loads(options)["label"]),
        archive=display(archive),
        location=location,
        state="interrupted" if state == State.RUNNING and name not in under_way else state,
        reason=reason,
        advice=advice,
        seen=sum(counts.values()),
        archived=counts.get(Outcome.ARCHIVED, 0),
        duplicate=counts.get(Outcome.DUPLICATE, 0),
        skipped=counts.get(Outcome.SKIPPED, 0) + counts.get(Outcome.LITTER, 0),
        failed=counts.get(Outcome.FAILED, 0),
        todo=counts.get(Outcome.TODO, 0),
        verdict=Verdict(verdict[0]),
        verdict_reason=verdict[1],
    )
