"""Listings from a hand-made database, by an engine that touches nothing in it."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from core import schema
from core.models import ImportRequest, Outcome
from core.schema import DATABASE_FILE
from core.sqlite import sqlite3
from tests.rigs.catalogs import migrate
from tests.rigs.engines import swept
from tests.tui.console.streams import console
from tests.tui.views import HOSTILE
from tui import cli
from tui.console.exits import Exit
from tui.console.import_selection import PAGE

pytestmark = pytest.mark.process


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LADING_HOME", str(tmp_path))
    monkeypatch.setenv("LADING_RESUME_AT_START", "false")
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as database:
        migrate(database)
        database.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")
        database.execute("INSERT INTO archive (id, uuid, path) VALUES (1, 'u', ?)", (b"/archive",))
        database.execute("INSERT INTO volume (id, identity, name, filesystem) VALUES (1, 'i', 'n', 'f')")
        database.execute("INSERT INTO location (id, archive_id, folder, name) VALUES (1, 1, 'f', 'Mill')")
        _add(database, 1, "20251206-a1", "done", b"/Volumes/A001", b"", "A001")
        _add(database, 2, "20251206-b2", "running", b"/Volumes/B\x1b[2J\xff", b"", "")
        _add(database, 3, "20251207-c3", "paused", b"/Volumes/C003", b"one.jpg", HOSTILE)
        rows = [(1, Outcome.ARCHIVED)] * 3 + [(1, Outcome.LITTER), (1, Outcome.SKIPPED), (2, Outcome.TODO)]
        database.executemany(
            "INSERT INTO file (import_id, volume_id, path, stem, size, mtime_ns, kind, outcome) "
            "VALUES (?, 1, ?, x'', 1, 1, 'images', ?)",
            [(row, b"%d" % number, outcome) for number, (row, outcome) in enumerate(rows)],
        )
        database.commit()
    with swept(tmp_path):
        yield tmp_path


def _add(
    database: sqlite3.Connection, row: int, name: str, state: str, source: bytes, single: bytes, label: str
) -> None:
    asked = ImportRequest(source="/s", archive="/archive", location="Mill", label=label)
    database.execute(
        "INSERT INTO import (id, name, archive_id, location_id, volume_id, root, source, single, options, "
        "machine, version, state, started, zone) "
        "VALUES (?, ?, 1, 1, 1, x'', ?, ?, ?, 'm', '1', ?, 1000, '+00:00')",
        (row, name, source, single, msgspec.json.encode(asked).decode(), state),
    )


def run(*arguments: str) -> tuple[int, str, str]:
    to, told, complained = console()
    return cli.run(arguments, to), told.getvalue(), complained.getvalue()


def test_all_imports_are_listed(home: Path) -> None:
    status, told, _ = run("imports")
    assert status == Exit.WELL
    heads, third, second, first = told.splitlines()
    assert re.split("  +", heads) == [
        *("ID", "STARTED", "STATE", "VERDICT", "ARCHIVED", "DUPLICATE", "SKIPPED", "JUNK", "FAILED", "TO DO"),
        *("LOCATION", "SOURCE"),
    ]
    assert first.split()[0] == "20251206-a1"
    assert first.split()[3:11] == ["done", "-", "3", "0", "1", "1", "0", "0"]
    assert first.endswith("Mill      A001 (/Volumes/A001)")
    assert "interrupted" in second
    assert second.endswith(r"/Volumes/B\x1b[2J\xff")
    assert third.isprintable()
    assert third.endswith("(/Volumes/C003/one.jpg)")


def test_all_imports_for_a_program(home: Path) -> None:
    _, told, _ = run("imports", "--json")
    third, second, first = json.loads(told)
    assert (first["id"], first["state"]) == ("20251206-a1", "done")
    assert (first["seen"], first["archived"], first["skipped"], first["junk"]) == (5, 3, 1, 1)
    assert (second["state"], second["todo"], second["seen"]) == ("interrupted", 1, 1)
    assert (third["label"], third["location"], third["archive"]) == (HOSTILE, "Mill", "/archive")


def test_an_empty_home_has_no_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_HOME", str(tmp_path / "none"))
    assert run("imports", "--json") == (Exit.WELL, "[]\n", "")
    status, told, complained = run("imports")
    assert (status, told) == (Exit.WELL, "")
    assert "no import yet" in complained
    assert not (tmp_path / "none").exists()


def test_a_database_without_a_table_holds_no_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that found no room for its tables left it behind."""
    monkeypatch.setenv("LADING_HOME", str(tmp_path))
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    assert (tmp_path / DATABASE_FILE).stat().st_size == PAGE
    for command in ("imports", "status"):
        assert run(command)[0] == Exit.WELL


def test_a_newer_database_is_refused(home: Path) -> None:
    with closing(sqlite3.connect(home / DATABASE_FILE)) as database:
        database.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    status, _, complained = run("imports")
    assert status == Exit.UNUSABLE
    assert complained.startswith("Database not usable: ")


def test_a_receipt_is_found_by_the_beginning_of_its_id(home: Path) -> None:
    status, told, _ = run("receipt", "20251207", "--format", "json")
    assert status == Exit.WELL
    assert "20251207-c3" in told
    json.loads(told)
    status, _, complained = run("receipt", "20251206")
    assert status == Exit.WRONG
    assert "20251206-a1" in complained
    assert "20251206-b2" in complained


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("resume", "Several imports are unfinished: 20251206-b2"),
        ("resume 20251206-a1", "Import 20251206-a1 is done."),
        ("resume 20251206", "Several imports begin with 20251206"),
        ("resume x", "There is no import x."),
    ],
)
def test_what_cannot_be_resumed_is_explained(home: Path, arguments: str, complaint: str) -> None:
    status, _, complained = run(*arguments.split())
    assert status == Exit.WRONG
    assert complaint in complained
    assert all(line.isprintable() for line in complained.splitlines())
