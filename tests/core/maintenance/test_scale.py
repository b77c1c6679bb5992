"""What imports, moves, the bag after them and rebuilds cost, in steps of SQLite's machine, against how many files.

No catalog here has statistics.
"""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite
import pytest

from core.bagit.manifest_merge import Ledger
from core.database import Database
from core.engine import engine
from core.sqlite import connect
from tests.core.importing.rig import Rig, Still, StillWatch, at_work, write
from tests.rigs.catalogs import STRANGE_FILES, STRANGE_ITEMS

pytestmark = pytest.mark.process

STEP = 100
"""Instructions of SQLite's machine that are counted as one step (sqlite.org, "sqlite3_progress_handler")."""

LINEAR = 4 * 1.25
"""Times as many steps as four times as many files may take."""


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """An engine whose background does not take steps, too."""
    monkeypatch.setattr(engine, "JobService", Still)
    monkeypatch.setattr(engine, "EndedImports", StillWatch)
    async with at_work(tmp_path) as rig:
        yield rig


class Steps:
    """Counts the steps of connections."""

    def __init__(self) -> None:
        self.count = 0
        self._counted: list[aiosqlite.Connection] = []

    async def of(self, *connections: aiosqlite.Connection) -> None:
        """Count those of these, too."""
        for connection in connections:
            await connection.set_progress_handler(self._step, STEP)
            self._counted.append(connection)

    async def end(self) -> None:
        """Count no more."""
        for connection in self._counted:
            await connection.set_progress_handler(self._step, 0)

    def _step(self) -> int:
        self.count += 1
        return 0


def card(rig: Rig, name: str, files: int) -> Path:
    """A source of so many files."""
    for number in range(files):
        write(rig.root / name / f"{number}.txt", f"{name} {number}".encode())
    return rig.root / name


async def test_an_engine_that_ends_leaves_no_statistics_of_a_small_catalog(rig: Rig) -> None:
    await rig.imported(card(rig, "first", 1))
    await rig.restarted()
    database = rig.engine.catalog.database
    assert await database.read("SELECT name FROM sqlite_master WHERE name GLOB 'sqlite_stat*'") == []
    assert (await rig.imported(card(rig, "second", 20))).archived.files == 20


async def imported(rig: Rig, name: str, files: int, strangers: int = 0) -> int:
    """Steps of the import of so many files into an archive that holds so many items and has seen as many files."""
    before = await rig.imported(card(rig, f"before {name}", 1))
    database = rig.engine.catalog.database
    if strangers:
        await database.run((STRANGE_ITEMS, [(strangers, before.id)]), (STRANGE_FILES, [(strangers, before.id)]))
        rig.engine.catalog.last_item_id += strangers
        rig.engine.catalog.last_file_id += strangers
    assert not await database.read("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
    steps = Steps()
    await steps.of(database.writing, database.reading)
    view = await rig.imported(card(rig, name, files))
    await steps.end()
    assert view.archived.files == files
    return steps.count


async def test_an_import_costs_what_it_brings(rig: Rig) -> None:
    few = await imported(rig, "few", 150)
    many = await imported(rig, "many", 600)
    assert many < few * LINEAR
    assert await imported(rig, "beside", 150, 50_000) < few * 1.25


async def rebuilt(rig: Rig, name: str, files: int) -> int:
    """Steps of a new catalog of an archive of so many files."""
    rig.archive = rig.root / f"archive of {name}"
    await rig.imported(card(rig, name, files))
    await rig.restarted(f"home of {name}")
    database = rig.engine.catalog.database
    steps = Steps()
    await steps.of(database.writing, database.reading)
    assert (await rig.engine.maintenance.rebuild(str(rig.archive))).items == files
    return steps.count


async def test_a_rebuild_costs_what_it_finds(rig: Rig) -> None:
    few, many = await rebuilt(rig, "few", 150), await rebuilt(rig, "many", 600)
    assert many < few * LINEAR


async def moved(rig: Rig, name: str, files: int, strangers: int) -> int:
    """Steps of the move of an import of so many files, beside so many items in the same location."""
    view = await rig.imported(card(rig, name, files), location=name)
    database: Database = rig.engine.catalog.database
    await database.run((STRANGE_ITEMS, [(strangers, view.id)] if strangers else []))
    steps = Steps()
    await steps.of(database.writing, database.reading)
    result = await rig.engine.maintenance.move(view.id, f"{name} moved")
    assert (result.files, result.problems) == (files, ())
    return steps.count


async def test_a_move_costs_what_it_moves(rig: Rig) -> None:
    few = await moved(rig, "few", 150, 0)
    many = await moved(rig, "many", 600, 0)
    assert many < few * LINEAR
    beside = await moved(rig, "beside", 150, 50_000)
    assert beside < few * 1.25


async def merged(path: Path, files: int) -> int:
    """Steps of the merge after so many files have gone, and been found elsewhere."""
    names = [
        b"data/text/%s.txt" % hashlib.md5(b"%d" % n, usedforsecurity=False).hexdigest().encode()
        for n in range(files)
    ]
    steps = Steps()
    async with Ledger.open(str(path)) as ledger:
        await steps.of(ledger.connection)
        await ledger.add_noted((name, bytes(32)) for name in names)
        await ledger.merge()
        after, seen = b"", 0
        while page := await ledger.unclaimed(after, 500):
            after, seen = page[-1][0], seen + len(page)
            await ledger.drop_missing((path,) for path, _ in page)
        assert (seen, await ledger.missing(1)) == (files, [])
    return steps.count


async def test_the_bag_after_a_move_costs_what_was_moved(tmp_path: Path) -> None:
    few, many = [await merged(tmp_path / f"{files}.db", files) for files in (1500, 6000)]
    assert many < few * LINEAR


async def test_steps_of_what_grows_with_the_square_are_seen(tmp_path: Path) -> None:
    counts = []
    for files in (150, 600):
        steps = Steps()
        async with connect(str(tmp_path / f"{files}.db")) as connection:
            await connection.execute("CREATE TABLE t (path BLOB)")
            paths = [(b"%d" % number,) for number in range(files)]
            await connection.executemany("INSERT INTO t VALUES (?)", paths)
            await steps.of(connection)
            await connection.executemany(
                "UPDATE t SET path = path WHERE path = ?", [(b"%d" % n,) for n in range(files)]
            )
        counts.append(steps.count)
    assert counts[1] > counts[0] * LINEAR
