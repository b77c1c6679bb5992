"""The list of imports, page by page."""

import json
import os
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from core.catalog import held_copies, unopenable
from core.catalog.find_import import find as row_of
from core.database import Read
from core.listings import PAGE, ImportRecord
from core.models import Outcome, State, Unopenable, Verdict
from core.paths import display, encodable

_SELECT = """
    SELECT i.id, i.name, i.started, i.ended, i.source, i.single, i.options, a.path, l.name, l.folder, i.state,
           i.reason, i.advice, i.verdict, i.verdict_reason
    FROM import i JOIN archive a ON a.id = i.archive_id JOIN location l ON l.id = i.location_id
"""

# Damaged items are rare and have an index of their own, so the query starts from them.
_DAMAGED = """
    SELECT f.import_id, count(*) FROM item INDEXED BY item_damaged CROSS JOIN file f ON f.item_id = item.id
    WHERE item.damage > '' GROUP BY f.import_id
"""


async def damaged_counts(read: Read) -> dict[int, int]:
    """By row id of imports that have any: files that are known to be damaged or gone in the archive."""
    return dict(await read(_DAMAGED, ()))


async def page(read: Read, under_way: Collection[str], before: int, *, unfinished: bool) -> list[ImportRecord]:
    """Imports whose row id is below `before` (0: all), newest first, at most PAGE. under_way: ids of imports that
    the engine is running; others that are marked as running were interrupted."""
    rows = await read(
        f"{_SELECT} WHERE (? = 0 OR i.id < ?) AND (? = 0 OR i.state IN (?, ?)) ORDER BY i.id DESC LIMIT ?",
        (before, before, unfinished, State.RUNNING, State.PAUSED, PAGE),
    )
    return await _records(read, under_way, rows)


async def find(read: Read, under_way: Collection[str], name: str) -> ImportRecord:
    """The import whose id is `name` or begins with it. Raises UsageError."""
    rows = await read(f"{_SELECT} WHERE i.id = ?", (await row_of(read, name),))
    levels = await read(
        "SELECT t.level, count(*) FROM file f JOIN item t ON t.id = f.item_id "
        "WHERE f.import_id = ? AND f.outcome = ? GROUP BY t.level ORDER BY count(*) DESC",
        (rows[0][0], Outcome.ARCHIVED),
    )
    record = (await _records(read, under_way, rows))[0]
    return msgspec.structs.replace(record, proven=tuple((level, count) for level, count in levels))


async def _records(read: Read, under_way: Collection[str], rows: Sequence[tuple[Any, ...]]) -> list[ImportRecord]:
    counts: dict[int, dict[Outcome, int]] = {}
    marks = ",".join("?" * len(rows))
    for row, outcome, count in await read(
        f"SELECT import_id, outcome, count(*) FROM file WHERE import_id IN ({marks}) GROUP BY 1, 2",  # noqa: S608
        [row[0] for row in rows],
    ):
        counts.setdefault(row, {})[Outcome(outcome)] = count
    broken = await unopenable.of_imports(read, [row[0] for row in rows])
    copies = await held_copies.of_imports(read, [row[0] for row in rows])
    ruined = await damaged_counts(read)
    return [
        msgspec.structs.replace(
            _record(row, counts.get(row[0], {}), under_way),
            unopenable=broken.get(row[0], Unopenable()),
            copies=copies.get(row[0], ()),
            damaged=ruined.get(row[0], 0),
        )
        for row in rows
    ]


def _record(row: tuple[Any, ...], counts: dict[Outcome, int], under_way: Collection[str]) -> ImportRecord:
    number, name, started, ended, source, single, options, archive, location, folder, *more = row
    state, reason, advice, *verdict = more
    asked = json.loads(options)
    return ImportRecord(
        row=number,
        id=name,
        started=started,
        ended=ended if state in (State.DONE, State.CANCELLED) else None,
        source=display(os.path.join(source, single) if single else source),
        label=encodable(asked["label"]),
        archive=display(archive),
        location=location,
        location_folder=folder,
        state="interrupted" if state == State.RUNNING and name not in under_way else state,
        reason=reason,
        advice=advice,
        seen=sum(counts.values()),
        archived=counts.get(Outcome.ARCHIVED, 0),
        duplicate=counts.get(Outcome.DUPLICATE, 0),
        skipped=counts.get(Outcome.SKIPPED, 0),
        junk=counts.get(Outcome.LITTER, 0),
        failed=counts.get(Outcome.FAILED, 0),
        todo=counts.get(Outcome.TODO, 0),
        verdict=Verdict(verdict[0]),
        verdict_reason=verdict[1],
        together=asked.get("together", ""),
    )
