"""An engine that dies in the middle of a move to another location: the next finishes it, both bags are valid."""

import hashlib
import random
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.models import State
from core.sqlite import sqlite3
from tests.core.importing.rig import Rig, at_work
from tests.faults import dying
from tests.rigs import bags, importing, moving

Made = tuple[Path, str, set[str], float]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A state folder and its archive, an import there, what it holds, and the seconds that moving takes here."""
    root = tmp_path_factory.mktemp("moving")
    for name, first, count in (("one", 0, 300), ("two", 250, 150)):
        for number in range(first, first + count):
            folder = root / name / f"{number // 100}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}.txt").write_bytes(hashlib.shake_128(str(number).encode()).digest(2_000))
        importing.finish(str(root / "home"), str(root / "archive"), str(root / name))
    moving.finish(str(root / "home"), str(root / "archive"))
    with sqlite3.connect(root / "home" / "lading.db") as database:
        ((name,),) = database.execute("SELECT name FROM import ORDER BY id LIMIT 1").fetchall()
    database.close()
    contents = {
        hashlib.sha256(Path(real).read_bytes()).hexdigest() for _, real in importing.payload(str(root / "archive"))
    }
    assert len(contents) == 400
    before = time.monotonic()
    copy = tmp_path_factory.mktemp("whole")
    _copied(root, copy)
    moving.finish(str(copy / "home"), str(copy / "archive"), name, "Elsewhere")
    took = time.monotonic() - before
    assert check(copy, contents) == "Elsewhere"
    return root, name, contents, took


def _copied(root: Path, copy: Path) -> None:
    """State folder and archive once more; the copied catalog is told where its archive is now."""
    for name in ("home", "archive"):
        shutil.copytree(root / name, copy / name)
    with sqlite3.connect(copy / "home" / "lading.db") as database:
        # By what else it knows of its archive it would go to that one, of which this is a copy.
        database.execute(
            "UPDATE archive SET path = ?, volume = '', root = x'', fsid = '', mark = ''",
            (bytes(copy / "archive"),),
        )
    database.close()


def check(root: Path, contents: set[str]) -> str:
    """Everything is there once, both bags are valid, catalog and archive agree; where the import is."""
    archive = root / "archive"
    found = {
        real: hashlib.sha256(Path(real).read_bytes()).hexdigest() for _, real in importing.payload(str(archive))
    }
    assert len(found) == len(contents)
    assert set(found.values()) == contents
    assert bags.invalid(*(archive / "locations").iterdir()) == []
    with sqlite3.connect(root / "home" / "lading.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        items = database.execute("SELECT path, sha256 FROM item WHERE damage IS NULL").fetchall()
        ((name, state, location, folder, receipt),) = database.execute(
            "SELECT i.name, i.state, l.name, l.folder, i.receipt FROM import i JOIN location l "
            "ON l.id = i.location_id ORDER BY i.id LIMIT 1"
        ).fetchall()
        assert database.execute("SELECT count(*) FROM bag WHERE sealed IS NULL OR missing > 0").fetchall() == [
            (0,)
        ]
    database.close()
    assert {str(archive / path): sha256.hex() for path, sha256 in items} == found
    text = (archive / "locations" / folder / "lading" / f"{name}.txt").read_bytes()
    assert (state, receipt) == (State.DONE, hashlib.sha256(text).hexdigest())
    assert f"in locations/{folder}".encode() in text
    return str(location)


@pytest.mark.parametrize("moment", range(20))
def test_killed_at_any_moment_it_is_finished(tmp_path: Path, made: Made, moment: int) -> None:
    root, name, contents, longest = made
    _copied(root, tmp_path)
    home, archive = str(tmp_path / "home"), str(tmp_path / "archive")
    process = moving.child(home, archive, name, "Elsewhere")
    importing.kill_at(process, random.Random(moment).uniform(0.3, 1.0) * longest, everything=moment % 2 == 0)
    moving.finish(home, archive)
    if check(tmp_path, contents) != "Elsewhere":
        moving.finish(home, archive, name, "Elsewhere")
        assert check(tmp_path, contents) == "Elsewhere"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """An engine with all its background."""
    async with at_work(tmp_path) as rig:
        yield rig


@pytest.mark.parametrize("step", dying.STEPS)
async def test_it_dies_at_a_step(rig: Rig, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    await dying.finished(rig, monkeypatch, step)
