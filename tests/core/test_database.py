"""The state database: whole units, one writer, upgrades after a copy."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import aiosqlite
import pytest

from core import database, schema
from core.config import Config
from core.database import Database
from core.engine.engine import Engine
from core.errors import DatabaseError, EngineHeldError
from core.schema import DATABASE_FILE
from core.server.offline import ReadOnlyDatabase
from core.sqlite import connect_to_read, sqlite3
from core.volumes.filesystems import StorageKind
from core.volumes.mounts import Mount
from tui.console import doctor_checks

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Each database is made here from the start."""


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Database]:
    found = await Database.open(str(tmp_path))
    await found.run(("CREATE TABLE t (n INTEGER PRIMARY KEY)", [()]))
    yield found
    await found.close()


async def numbers(one: Database) -> list[int]:
    return [n for (n,) in await one.read("SELECT n FROM t ORDER BY n")]


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


async def test_units_commit_together(opened: Database) -> None:
    units = [opened.run(("INSERT INTO t VALUES (?)", [(n,)])) for n in range(500)]
    commits = 0

    def count(_: str) -> None:
        nonlocal commits
        commits += "COMMIT" in _

    await opened.writing.set_trace_callback(count)
    await asyncio.gather(*units)
    await opened.writing.set_trace_callback(lambda _: None)
    assert await numbers(opened) == list(range(500))
    assert commits <= 500 // database.UNITS_PER_TRANSACTION + 2


async def test_a_unit_that_fails_is_rolled_back_alone(opened: Database) -> None:
    async def half(connection: aiosqlite.Connection) -> None:
        await connection.execute("INSERT INTO t VALUES (100)")
        raise ZeroDivisionError

    results = await asyncio.gather(
        opened.run(("INSERT INTO t VALUES (?)", [(1,)])),
        opened.write(half),
        opened.run(("INSERT INTO t VALUES (?)", [(2,), (1,)])),
        opened.run(("INSERT INTO t VALUES (?)", [(3,)])),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [
        type(None),
        ZeroDivisionError,
        sqlite3.IntegrityError,
        type(None),
    ]
    assert await numbers(opened) == [1, 3]


async def test_callers_that_are_cancelled_lose_nothing(opened: Database) -> None:
    tasks = [asyncio.create_task(opened.run(("INSERT INTO t VALUES (?)", [(n,)]))) for n in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 25
    await opened.run()
    assert await numbers(opened) == list(range(50))


async def test_a_unit_that_is_cancelled_in_itself_does_not_end_the_writer(opened: Database) -> None:
    async def cancelled(connection: aiosqlite.Connection) -> None:
        await connection.execute("INSERT INTO t VALUES (100)")
        raise asyncio.CancelledError

    results = await asyncio.gather(
        opened.run(("INSERT INTO t VALUES (1)", [()])), opened.write(cancelled), return_exceptions=True
    )
    assert isinstance(results[1], DatabaseError)
    await opened.run(("INSERT INTO t VALUES (2)", [()]))
    assert await numbers(opened) == [1, 2]


async def test_an_error_of_the_writer_reaches_all_and_passes(
    opened: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened.writing.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        units = [opened.run(("INSERT INTO t VALUES (?)", [(n,)])) for n in range(3)]
        results = await asyncio.gather(*units, return_exceptions=True)
        other.execute("ROLLBACK")
    assert all(isinstance(result, DatabaseError) for result in results)
    assert "locked" in str(results[0])
    await opened.run(("INSERT INTO t VALUES (7)", [()]))
    assert await numbers(opened) == [7]


async def test_an_error_at_the_commit_reaches_all(opened: Database) -> None:
    await opened.run(("CREATE TABLE child (n INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED)", [()]))
    results = await asyncio.gather(
        opened.run(("INSERT INTO t VALUES (1)", [()])),
        opened.run(("INSERT INTO child VALUES (99)", [()])),
        return_exceptions=True,
    )
    assert all(isinstance(result, DatabaseError) for result in results)
    await opened.run(("INSERT INTO t VALUES (2)", [()]))
    assert await numbers(opened) == [2]


async def test_reading_sees_what_was_written_and_cannot_write(opened: Database) -> None:
    await opened.run(("INSERT INTO t VALUES (1)", [()]))
    assert await numbers(opened) == [1]
    with pytest.raises(DatabaseError, match="readonly database"):
        await opened.read("INSERT INTO t VALUES (2)")


async def test_nothing_waits_for_a_long_query_of_the_background(opened: Database) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    long = asyncio.create_task(opened.read_aside(endless))
    async with asyncio.timeout(60):
        assert await opened.read("SELECT 1") == [(1,)]
        await opened.run(("CREATE TABLE beside (x)", [()]))
        assert await opened.read("SELECT count(*) FROM beside") == [(0,)]
        assert not long.done()
        while not long.done():
            await opened.aside.interrupt()
            await asyncio.sleep(0.01)
    with pytest.raises(sqlite3.OperationalError):
        await long
    with pytest.raises(DatabaseError, match="readonly database"):
        await opened.read_aside("DELETE FROM beside")


async def test_close_writes_what_was_given(tmp_path: Path) -> None:
    one = await Database.open(str(tmp_path))
    await one.run(("CREATE TABLE t (n INTEGER)", [()]))
    tasks = [asyncio.create_task(one.run(("INSERT INTO t VALUES (?)", [(n,)]))) for n in range(200)]
    await asyncio.sleep(0)
    await one.close()
    await asyncio.gather(*tasks)
    with pytest.raises(DatabaseError):
        await one.run(("INSERT INTO t VALUES (1)", [()]))
    one = await Database.open(str(tmp_path))
    assert await one.read("SELECT count(*) FROM t") == [(200,)]
    await one.close()


async def test_the_sqlite_in_use_has_no_known_race(opened: Database) -> None:
    """Also where the system's has: an engine's connections compete at checkpoints."""
    ((version,),) = await opened.read("SELECT sqlite_version()")
    assert version == sqlite3.sqlite_version
    assert not doctor_checks.sqlite(sqlite3.sqlite_version_info).warning


async def test_the_database_is_opened_with_durable_settings(opened: Database) -> None:
    for name, value in {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "fullfsync": 1}.items():
        rows = await opened.writing.execute_fetchall(f"PRAGMA {name}")
        assert next(iter(rows))[0] == value, name


async def test_one_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    await (await Database.open(str(tmp_path))).close()
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    before = (tmp_path / DATABASE_FILE).read_bytes()
    with pytest.raises(DatabaseError, match="newer Lading"):
        await Database.open(str(tmp_path))
    assert (tmp_path / DATABASE_FILE).read_bytes() == before
    with pytest.raises(DatabaseError, match="newer"):
        ReadOnlyDatabase(str(tmp_path))


async def test_one_that_is_damaged_is_told_with_what_to_do_wherever_it_is_opened(tmp_path: Path) -> None:
    await (await Database.open(str(tmp_path))).close()
    os.truncate(tmp_path / DATABASE_FILE, 8192)
    for opened in (Database.open, _only_read):
        with pytest.raises(DatabaseError) as found:
            await opened(str(tmp_path))
        assert "Move it away" in found.value.advice


PAGE = 4096


def overwrite(path: Path, first: int, last: int) -> None:
    """Damage pages of a database, counted from 1."""
    with open(path, "r+b") as file:
        file.seek((first - 1) * PAGE)
        file.write(b"\xa5" * PAGE * (last - first + 1))


async def test_one_whose_tables_are_not_known_any_more_is_told_wherever_it_is_opened(tmp_path: Path) -> None:
    """The first page, which has the version, is whole."""
    await (await Database.open(str(tmp_path))).close()
    path = tmp_path / DATABASE_FILE
    overwrite(path, 2, path.stat().st_size // PAGE)
    for opened in (Database.open, _only_read):
        with pytest.raises(DatabaseError) as found:
            await opened(str(tmp_path))
        assert "Move it away" in found.value.advice


async def test_one_that_is_damaged_below_is_told_by_every_read_and_change(tmp_path: Path) -> None:
    """It can be opened, because the pages with the tables' definitions are whole."""
    one = await Database.open(str(tmp_path))
    await one.run(("CREATE TABLE t (n INTEGER PRIMARY KEY)", [()]))
    ((page,),) = await one.read("SELECT rootpage FROM sqlite_schema WHERE name = 't'")
    await one.close()
    overwrite(tmp_path / DATABASE_FILE, page, page)
    one = await Database.open(str(tmp_path))
    told: list[DatabaseError] = []
    try:
        with closing(ReadOnlyDatabase(str(tmp_path))) as only_read:
            for reading in (one.read, one.read_aside, only_read.read):
                with pytest.raises(DatabaseError) as found:
                    await reading("SELECT * FROM t")
                told.append(found.value)
        with pytest.raises(DatabaseError) as found:
            await one.run(("INSERT INTO t VALUES (?)", [(1,)]))
        told.append(found.value)
    finally:
        await one.close()
    for error in told:
        assert "malformed" in error.cause
        assert error.cause.startswith(str(tmp_path / DATABASE_FILE)), "the advice is about that file"
        assert "Move it away" in error.advice


async def test_a_wrong_statement_is_no_damage(opened: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await opened.read("SELECT * FROM nowhere")
    with pytest.raises(sqlite3.IntegrityError):
        await opened.run(("INSERT INTO t VALUES (?)", [(1,), (1,)]))


@pytest.mark.parametrize("left", [None, b""], ids=["gone", "empty"])
async def test_who_only_reads_makes_no_database_and_removes_no_log(tmp_path: Path, left: bytes | None) -> None:
    one = await Database.open(str(tmp_path))
    lying = {name: (tmp_path / name).read_bytes() for name in (f"{DATABASE_FILE}-wal", f"{DATABASE_FILE}-shm")}
    await one.close()
    (tmp_path / DATABASE_FILE).unlink()
    if left is not None:
        lying[DATABASE_FILE] = left
    for name, data in lying.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(DatabaseError, match=f"{DATABASE_FILE} is gone") as found:
        ReadOnlyDatabase(str(tmp_path))
    assert "lading rebuild" in found.value.advice
    assert _files(tmp_path) == lying
    with pytest.raises(sqlite3.OperationalError):
        connect_to_read(str(tmp_path / "another.db"), 0.0)
    assert not (tmp_path / "another.db").exists()


async def test_a_path_with_signs_of_a_uri_is_a_path(tmp_path: Path) -> None:
    home = tmp_path / "a?mode=memory#b%41"
    await (await Database.open(str(home))).close()
    with closing(ReadOnlyDatabase(str(home))) as read:
        assert await read.read("SELECT count(*) FROM item") == [(0,)]
    assert os.listdir(tmp_path) == [home.name]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def _only_read(home: str) -> None:
    ReadOnlyDatabase(home)


async def test_an_older_one_is_upgraded_after_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await Database.open(str(tmp_path))
    await one.run(("INSERT INTO archive (uuid, path) VALUES ('a', x'2f')", [()]))
    await one.close()
    now = schema.SCHEMA_VERSION
    # What is in the log only must be in the copy as well.
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM archive").fetchall()
        with closing(sqlite3.connect(tmp_path / DATABASE_FILE, isolation_level=None)) as writer:
            writer.execute("INSERT INTO archive (uuid, path) VALUES ('b', x'2f')")
        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "ALTER TABLE archive ADD COLUMN more TEXT"))
        monkeypatch.setattr(schema, "SCHEMA_VERSION", now + 1)
        with pytest.raises(DatabaseError, match="An engine upgrades it"):
            ReadOnlyDatabase(str(tmp_path))
        one = await Database.open(str(tmp_path))
        reader.execute("ROLLBACK")
    assert await one.read("SELECT uuid, more FROM archive ORDER BY uuid") == [("a", None), ("b", None)]
    await one.close()
    assert version(tmp_path / DATABASE_FILE) == now + 1
    copy = tmp_path / f"{DATABASE_FILE}.version-{now}"
    assert version(copy) == now
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT uuid FROM archive ORDER BY uuid").fetchall() == [("a",), ("b",)]


async def test_statistics_that_older_programs_left_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (before,) = (at for at, step in enumerate(schema.MIGRATIONS) if "sqlite_stat1" in step)
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:before])
    monkeypatch.setattr(schema, "SCHEMA_VERSION", before)
    await (await Database.open(str(tmp_path))).close()
    monkeypatch.undo()
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE, isolation_level=None)) as older:
        older.execute("INSERT INTO archive (uuid, path) VALUES ('a', x'2f')")
        older.execute("ANALYZE")
        assert older.execute("SELECT count(*) FROM sqlite_stat1").fetchone()[0]
    one = await Database.open(str(tmp_path))
    assert await one.read("SELECT name FROM sqlite_master WHERE name GLOB 'sqlite_stat*'") == []
    await one.close()


async def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await Database.open(str(tmp_path))).close()
    now = schema.SCHEMA_VERSION
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE good (n); CREATE TABLE bad ("))
    monkeypatch.setattr(schema, "SCHEMA_VERSION", now + 1)
    with pytest.raises(DatabaseError):
        await Database.open(str(tmp_path))
    monkeypatch.undo()
    one = await Database.open(str(tmp_path))
    assert await one.read("SELECT name FROM sqlite_master WHERE name = 'good'") == []
    await one.close()


async def test_no_database_for_a_copy_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await Database.open(str(tmp_path))).close()
    now = schema.SCHEMA_VERSION
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "SELECT 1"))
    monkeypatch.setattr(schema, "SCHEMA_VERSION", now + 1)
    os.mkdir(tmp_path / f"{DATABASE_FILE}.version-{now}")
    with pytest.raises(DatabaseError, match="could not be copied"):
        await Database.open(str(tmp_path))
    assert version(tmp_path / DATABASE_FILE) == now


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).write_bytes(b"rubbish " * 1000)
    with pytest.raises(DatabaseError, match="Move it away"):
        await Database.open(str(tmp_path))


async def test_no_state_on_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = Mount(
        mount=str(tmp_path), device="//nas/home", filesystem="cifs", kind=StorageKind.NETWORK, read_only=False
    )
    monkeypatch.setattr(database, "volume_of", lambda path: share)
    with pytest.raises(DatabaseError, match=r"network file system \(cifs\)"):
        await Database.open(str(tmp_path / "home"))
    assert not (tmp_path / "home" / DATABASE_FILE).exists()


async def test_one_engine_for_each_home(tmp_path: Path) -> None:
    first, second = Engine(Config(home=str(tmp_path / "home"))), Engine(Config(home=str(tmp_path / "home")))
    await first.start()
    try:
        with pytest.raises(EngineHeldError, match=f"process {os.getpid()}"):
            await second.start()
    finally:
        await first.stop()
    await second.start()
    await second.stop()


async def test_an_engine_that_cannot_start_gives_its_home_back(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / DATABASE_FILE).write_bytes(b"rubbish " * 1000)
    for _ in range(2):
        with pytest.raises(DatabaseError):
            await Engine(Config(home=str(home))).start()
    (home / DATABASE_FILE).unlink()
    engine = Engine(Config(home=str(home)))
    await engine.start()
    await engine.stop()
