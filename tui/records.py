"""What the state database says of imports, read without an engine."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from core.database import Database
from core.engine import LOCK
from core.errors import UsageError
from core.machine import started
from core.models import ImportRequest, Outcome, State, Verdict
from core.paths import display
from core.receipts.lookup import Read, find

UNFINISHED = (State.RUNNING, State.PAUSED, "interrupted")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One import as the catalog has it; the counts are files.

    state: a `core.models.State`, or "interrupted" for one that no engine runs any more.
    """

    id: str
    started: float
    ended: float | None
    source: str
    label: str
    archive: str
    location: str
    state: str
    reason: str
    seen: int
    archived: int
    duplicate: int
    skipped: int
    failed: int
    todo: int
    verdict: Verdict
    verdict_reason: str


@asynccontextmanager
async def reading(home: str) -> AsyncIterator[Read | None]:
    """Reads of the database in the folder `home` inside this block; None when there is none yet.

    Raises DatabaseError.
    """
    connection = await Database.open_to_read(home)
    if connection is None:
        yield None
        return

    async def read(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await connection.execute_fetchall(sql, parameters)]

    try:
        yield read
    finally:
        await connection.close()


async def records(read: Read | None, home: str) -> list[Record]:
    """All imports in the database of `home`, oldest first."""
    if read is None:
        return []
    counts: dict[int, dict[Outcome, int]] = {}
    for row, outcome, count in await read(
        "SELECT import_id, outcome, count(*) FROM file GROUP BY import_id, outcome", ()
    ):
        counts.setdefault(row, {})[Outcome(outcome)] = count
    rows = await read(
        "SELECT i.id, i.name, i.started, i.ended, i.source, i.single, i.options, a.path, l.name, i.state, "
        "i.reason, i.verdict, i.verdict_reason FROM import i JOIN archive a ON a.id = i.archive_id "
        "JOIN location l ON l.id = i.location_id ORDER BY i.id",
        (),
    )
    alive = engine_runs(home)
    return [_record(row, counts.get(row[0], {}), alive) for row in rows]


async def chosen(read: Read | None, home: str, name: str) -> Record:
    """The import whose id is or begins with `name`. Raises UsageError."""
    if read is None:
        raise UsageError("There is no import yet.", "Start one with: lading import SRC…")
    row = await find(read, name)
    (found,) = await read("SELECT name FROM import WHERE id = ?", (row,))
    return next(record for record in await records(read, home) if record.id == found[0])


def engine_runs(home: str) -> bool:
    """Whether the process that last locked the state folder is still there. Taking the lock to see would be in
    the way of an engine that starts."""
    path = os.path.join(home, LOCK)
    try:
        with open(path, encoding="utf-8") as file:
            since = started(int(file.read()))
        return since is not None and since <= os.stat(path).st_mtime + 1
    except (OSError, ValueError):
        return False


def _record(row: tuple[Any, ...], counts: dict[Outcome, int], alive: bool) -> Record:
    _, name, started, ended, source, single, options, archive, location, state, reason, verdict, why = row
    asked = msgspec.json.decode(options, type=ImportRequest)
    return Record(
        id=name,
        started=started,
        ended=ended,
        source=display(os.path.join(source, single) if single else source),
        label=asked.label,
        archive=display(archive),
        location=location,
        state="interrupted" if state == State.RUNNING and not alive else state,
        reason=reason,
        seen=sum(counts.values()),
        archived=counts.get(Outcome.ARCHIVED, 0),
        duplicate=counts.get(Outcome.DUPLICATE, 0),
        skipped=counts.get(Outcome.SKIPPED, 0) + counts.get(Outcome.LITTER, 0),
        failed=counts.get(Outcome.FAILED, 0),
        todo=counts.get(Outcome.TODO, 0),
        verdict=Verdict(verdict),
        verdict_reason=why,
    )
