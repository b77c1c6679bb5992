"""Kill -9 at a random moment, then take up: what must hold afterwards. Shared by the short and the long test."""

import hashlib
import os
import random
import shutil
import subprocess
import time
from contextlib import closing
from pathlib import Path

import psutil

from core.models import Outcome, State
from core.paths import relative
from core.sqlite import sqlite3
from tests.rigs import importing, trees

CLAIMED = "SELECT a.path, i.path, i.size, i.sha256 FROM item i JOIN archive a ON a.id = i.archive_id"

LONGEST = 60.0
"""Seconds a worker gets to notice that its engine is gone before the test fails."""


def make_source(root: Path) -> tuple[Path, set[str]]:
    """A source of small, middle and large files, some of them twice; and the SHA-256 of its contents."""
    source = root / "card"
    trees.flat_set(os.fsencode(source / "small"), 500, 30_000, 100)
    trees.flat_set(os.fsencode(source / "photos"), 12, 3_000_000, 100)
    trees.flat_set(os.fsencode(source / "video"), 3, 20_000_000, 100)
    first = next(path for path in sorted((source / "small").rglob("*")) if path.is_file())
    for number in range(5):
        (source / f"again-{number}.jpg").write_bytes(first.read_bytes())
    files = [path for path in source.rglob("*") if path.is_file()]
    return source, {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def killed_and_taken_up(
    tmp_path: Path, source: Path, contents: set[str], longest: float, *, everything: bool, seed: int
) -> None:
    """One kill at a random moment within `longest` seconds, one resumption, all checks."""
    home, archive = str(tmp_path / "home"), str(tmp_path / "archive")
    chance = random.Random(seed)
    killed_at(importing.child(home, archive, str(source)), chance.uniform(0.0, longest), everything=everything)
    claims_hold(tmp_path, home)
    importing.finish(home, archive, str(source))
    check(home, archive, source, contents)


def killed_at(process: "subprocess.Popen[bytes]", after: float, *, everything: bool) -> None:
    """Kill an importing process `after` seconds, alone or with its workers; none of these outlives it."""
    family = importing.kill_at(process, after, everything=everything)
    deadline = time.monotonic() + LONGEST
    while any(_runs(one) for one in family):
        assert time.monotonic() < deadline, "a worker outlived its engine"
        time.sleep(0.02)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def claims_hold(tmp_path: Path, home: str) -> int:
    """What the catalog of a killed engine claims is in its archives, byte for byte; how many items that is."""
    copy = tmp_path / "copy"
    # A kill may come before anything was made.
    copy.mkdir(parents=True, exist_ok=True)
    # The one that is left lying there is taken up as it is.
    for path in Path(home).glob("lading.db*"):
        shutil.copy(path, copy)
    if not (copy / "lading.db").exists():
        return 0
    with closing(sqlite3.connect(copy / "lading.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        has = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'item'").fetchall()
        items = database.execute(CLAIMED).fetchall() if has else []
    shutil.rmtree(copy)
    for archive, path, size, sha256 in items:
        data = Path(os.fsdecode(archive), path).read_bytes()
        assert (len(data), hashlib.sha256(data).digest()) == (size, sha256), f"{path} is not what is claimed"
    return len(items)


def check(home: str, archive: str, source: Path, contents: set[str]) -> None:
    """The archive holds every content once and nothing else; catalog, receipt and staging agree with it."""
    found: dict[str, str] = {}
    for path, real in importing.payload(archive):
        data = Path(real).read_bytes()
        assert hashlib.sha256(data).hexdigest() not in found, f"{path} is archived twice"
        found[hashlib.sha256(data).hexdigest()] = path
    assert set(found) == contents
    assert os.listdir(os.path.join(archive, ".lading", "staging")) == []
    assert not os.path.exists(os.path.join(archive, ".lading", "lock"))
    files = [path for path in source.rglob("*") if path.is_file()]
    with sqlite3.connect(os.path.join(home, "lading.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = database.execute("SELECT state, verdict, receipt FROM import ORDER BY id DESC LIMIT 1").fetchone()
        assert rows[:2] == (State.DONE, "SAFE")
        outcomes = dict(
            database.execute(
                "SELECT outcome, count(*) FROM file WHERE import_id = (SELECT max(id) FROM import) "
                "GROUP BY outcome"
            )
        )
        assert sum(outcomes.values()) == len(files)
        assert set(outcomes) <= {Outcome.ARCHIVED, Outcome.DUPLICATE}
        items = database.execute("SELECT path, size, sha256 FROM item").fetchall()
        known = database.execute(
            "SELECT i.source, i.root, f.path, m.sha256, m.size FROM file f JOIN import i ON i.id = f.import_id "
            "JOIN item m ON m.id = f.item_id WHERE f.import_id = (SELECT max(id) FROM import)"
        ).fetchall()
    database.close()
    for root, above, path, sha256, size in known:
        data = Path(os.fsdecode(os.path.join(root, relative(above, path)))).read_bytes()
        assert (hashlib.sha256(data).digest(), len(data)) == (sha256, size)
    assert len(known) == len(files)
    assert {sha256.hex() for _, _, sha256 in items} == set(found)
    for path, size, sha256 in items:
        real = os.path.join(archive, path)
        assert os.stat(real).st_size == size
        assert found[sha256.hex()].endswith(os.path.basename(path))
    text = next(Path(archive).glob("locations/*/lading/*.txt")).read_bytes()
    assert rows[2] in {
        hashlib.sha256(one.read_bytes()).hexdigest() for one in Path(archive).glob("locations/*/lading/*.txt")
    }
    assert b"SAFE" in text


def uninterrupted(tmp_path: Path, source: Path, contents: set[str]) -> float:
    """Import once without a fault, and check that; the seconds it took."""
    home, archive = str(tmp_path / "home"), str(tmp_path / "archive")
    before = time.monotonic()
    importing.finish(home, archive, str(source))
    took = time.monotonic() - before
    check(home, archive, source, contents)
    return took


__all__ = ["check", "claims_hold", "killed_and_taken_up", "make_source", "subprocess", "uninterrupted"]
