"""Two archives at once: the source is read once, as strace sees it; after kill -9 at random moments, both imports
resume and complete."""

import hashlib
import os
import random
import time
from contextlib import closing
from pathlib import Path

import pytest

from core.models import Outcome, State
from core.sqlite import sqlite3
from tests.faults import killed
from tests.rigs import counting, importing, machines, sabotage, trees

STATES = "SELECT state, verdict FROM import ORDER BY id DESC LIMIT 2"
OUTCOMES = """
    SELECT import_id, outcome, count(*) FROM file
    WHERE import_id IN (SELECT id FROM import ORDER BY id DESC LIMIT 2) GROUP BY 1, 2
"""
"""The newest two imports, because two more were begun if the first two had ended before the kill."""

Source = tuple[Path, set[str], float]


def archives(root: Path) -> tuple[Path, Path]:
    """The paths of the two archives."""
    return root / "archive", root / "second"


def given(root: Path, source: Path) -> tuple[str, str, str, str]:
    """The arguments of the importing process."""
    first, second = archives(root)
    return str(root / "home"), str(first), str(source), str(second)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A card, its contents, and the seconds that importing it into both archives takes on this machine."""
    root = tmp_path_factory.mktemp("together")
    card = root / "card"
    trees.flat_set(os.fsencode(card / "small"), 150, 30_000, 100)
    trees.flat_set(os.fsencode(card / "photos"), 6, 3_000_000, 100)
    trees.flat_set(os.fsencode(card / "video"), 2, 12_000_000, 100)
    files = sorted(path for path in card.rglob("*") if path.is_file())
    (card / "again.jpg").write_bytes(files[-1].read_bytes())
    contents = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    before = time.monotonic()
    importing.finish(*given(root, card))
    took = time.monotonic() - before
    hold(root, card, contents)
    return card, contents, took


def hold(root: Path, source: Path, contents: set[str]) -> None:
    """Assert that both archives hold each content once and nothing else, and that catalog, receipts and staging
    agree."""
    for archive in archives(root):
        found = [
            hashlib.sha256(Path(real).read_bytes()).hexdigest() for _, real in importing.payload(str(archive))
        ]
        assert (len(found), set(found)) == (len(contents), contents)
        assert list((archive / ".lading/staging").iterdir()) == []
        assert not (archive / ".lading/lock").exists()
        assert any("SAFE" in path.read_text() for path in archive.glob("locations/*/lading/*.txt"))
    with closing(sqlite3.connect(root / "home/lading.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        states = database.execute(STATES).fetchall()
        outcomes = database.execute(OUTCOMES).fetchall()
        assert database.execute("SELECT count(*) FROM handed_on").fetchall() == [(0,)]
    assert states == [(State.DONE, "SAFE")] * 2
    count = sum(path.is_file() for path in source.rglob("*"))
    for number in {number for number, _, _ in outcomes}:
        of_one = {outcome: files for other, outcome, files in outcomes if other == number}
        assert sum(of_one.values()) == count
        assert set(of_one) <= {Outcome.ARCHIVED, Outcome.DUPLICATE}
    killed.claims_hold(root / "claims", str(root / "home"))


@pytest.mark.promise(54)
@pytest.mark.parametrize("moment", range(30))
def test_killed_at_any_moment_both_are_taken_up(tmp_path: Path, source: Source, moment: int) -> None:
    card, contents, longest = source
    child = importing.child(*given(tmp_path, card))
    killed.killed_at(child, random.Random(moment).uniform(0.0, longest), everything=moment % 2 == 1)
    killed.claims_hold(tmp_path / "claims", str(tmp_path / "home"))
    importing.finish(*given(tmp_path, card))
    hold(tmp_path, card, contents)


@pytest.mark.control(54)
def test_control_an_archive_that_lacks_something_is_seen(tmp_path: Path, source: Source) -> None:
    card, contents, _ = source
    with sabotage.broken(tmp_path / "broken", "publishes nothing"):
        importing.finish(*given(tmp_path, card))
    with pytest.raises((AssertionError, FileNotFoundError)):
        hold(tmp_path, card, contents)


def read_of(root: Path, source: Path) -> int:
    """The bytes that importing into both archives reads below the source, as counted by strace."""
    trace = counting.run_traced(importing.command(*given(root, source)), cwd=importing.ROOT)
    assert trace.exit_code == 0
    return trace.bytes_read([os.fsencode(source)])


@machines.linux
@pytest.mark.promise(53)
def test_the_source_is_read_once(tmp_path: Path, source: Source) -> None:
    card, contents, _ = source
    size = sum(path.stat().st_size for path in card.rglob("*") if path.is_file())
    assert size <= read_of(tmp_path, card) <= 1.01 * size
    hold(tmp_path, card, contents)
