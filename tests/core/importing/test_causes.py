"""Why files failed: causes that many share, what is true of one file only, and what older databases said."""

import errno
from pathlib import Path
from typing import Any

import pytest

from core.importing.counters import CAUSES_KEPT
from core.importing.halt_reasons import advice, closing_advice
from core.models import Side
from core.schema import MIGRATIONS
from core.sqlite import sqlite3
from core.workers import messages
from core.workers.faults import ReadError, fault_of
from core.workers.read_source import CHANGING, WRONG_SIZE
from tests.core.importing.rig import Rig, write
from tests.rigs.catalogs import migrate

pytestmark = pytest.mark.process

EIO = OSError(errno.EIO, "Input/output error")


def test_a_place_is_a_detail_of_the_cause() -> None:
    faults = [fault_of(ReadError(EIO, f"at byte {number * 4096:,}"), Side.SOURCE) for number in range(5_000)]
    assert {(fault.side, fault.text, fault.code) for fault in faults} == {("source", EIO.strerror, errno.EIO)}
    assert len({fault.detail for fault in faults}) == 5_000
    assert str(faults[3]) == "Input/output error at byte 12,288"


async def test_causes_are_counted_once_and_take_no_more_memory_than_is_shown(rig: Rig) -> None:
    write(rig.source / "a.jpg", b"a")
    name = await rig.begun()
    counters = rig.engine.imports.under_way[name].run.counters
    await rig.ended(name)
    for number in range(5_000):
        counters.failed("source: Input/output error", b"%d" % number, "source", errno.EIO)
    (cause,) = counters.causes.values()
    assert (cause.count, cause.newest, cause.side, cause.code) == (5_000, b"4999", "source", errno.EIO)
    for number in range(5_000):
        counters.failed(f"program: {number}", b"x", "program", 0)
    assert len(counters.causes) == CAUSES_KEPT
    for _ in range(5_000):
        counters.forget_cause("source: Input/output error")
    assert "source: Input/output error" not in counters.causes


@pytest.mark.parametrize(
    ("side", "code", "word"),
    [
        ("source", CHANGING, "Close what writes to it"),
        ("source", errno.EIO, "card reader"),
        ("source", WRONG_SIZE, "program of the camera"),
        ("source", errno.EDEADLK, "--icloud"),
        ("source", errno.EACCES, "right to read"),
        ("archive", errno.EACCES, "right to write"),
        ("archive", errno.EIO, "archive's disk"),
        ("program", 0, "Retry it."),
    ],
)
def test_advice_goes_by_side_and_code(side: str, code: int, word: str) -> None:
    assert word in advice(side, code)


OLD = {
    b"a": (5, "source: Input/output error at byte 4,096", ("read", 3, "source", errno.EIO)),
    b"b": (5, "archive: publishing: No space left", ("", 0, "archive", 0)),
    b"c": (5, "program: TypeError: x", ("", 0, "program", 0)),
    b"d": (5, "cannot be listed: Permission denied", ("list", 0, "source", errno.EACCES)),
    b"e": (1, None, None),
}


def test_an_older_database_keeps_its_reasons_and_learns_their_side(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old.db") as connection:
        run: Any = connection.execute
        at = next(number for number, sql in enumerate(MIGRATIONS) if "failure ADD COLUMN side" in sql)
        migrate(connection, 0, at)
        run("INSERT INTO archive (id, uuid, path) VALUES (1, 'u', x'2f61')")
        run("INSERT INTO location (id, archive_id, folder, name) VALUES (1, 1, 'f', 'L')")
        run("INSERT INTO volume VALUES (1, 'v', 'v', 'ext4', 1)")
        run(
            "INSERT INTO import (id, name, archive_id, location_id, volume_id, root, source, single, options, "
            "machine, version, state, started, zone) "
            "VALUES (1, '2025', 1, 1, 1, x'', x'2f63', x'', '{}', 'm', '1', 'done', 1, '+00:00')"
        )
        for path, (outcome, reason, _) in OLD.items():
            run(
                "INSERT INTO file (id, import_id, volume_id, path, stem, size, mtime_ns, kind, outcome, item_id, "
                "reason) VALUES (NULL, 1, 1, ?, x'', 10, 1, 'other', ?, NULL, ?)",
                (path, outcome, reason),
            )
        run("INSERT INTO failure VALUES (1, 'read', 3)")
        migrate(connection, at)
        found = {
            path: (outcome, reason, (stage, attempts, side, code) if stage is not None else None)
            for path, outcome, reason, stage, attempts, side, code in run(
                "SELECT path, outcome, reason, stage, attempts, side, code FROM file "
                "LEFT JOIN failure ON file_id = file.id"
            )
        }
    assert found == OLD


def test_an_import_that_may_not_be_closed_says_what_to_do() -> None:
    assert "right to write" in closing_advice(messages.Fault(Side.ARCHIVE, "Permission denied", errno.EACCES))
    assert closing_advice(messages.Fault(Side.ARCHIVE, "Input/output error", errno.EIO)) == "Resume it."
