"""What a person is told, and by which status, where something is too much, in the way or to be kept."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.protocol.import_requests import SOURCES
from tests.rigs import machines
from tests.rigs.engines import COMMAND, environ, lading, swept

pytestmark = pytest.mark.process

LINES = (
    ("receipt", "IMPORT"),
    ("receipt", "IMPORT", "--format", "json"),
    ("imports",),
    ("imports", "--json"),
    ("status",),
    ("find", "jpg"),
    ("location", "--archive", "ARCHIVE"),
    ("queues",),
    ("jobs",),
    ("show", "a.jpg"),
    ("check", "CARD", "--archive", "ARCHIVE"),
    ("import", "CARD", "--archive", "ARCHIVE", "--location", "L"),
    ("import", "CARD", "--archive", "ARCHIVE", "--location", "L", "--format", "json"),
    ("import", "CARD", "--archive", "ARCHIVE", "--location", "L", "--dry-run"),
    ("engine", "status"),
    ("log",),
    ("doctor",),
    ("mhl", "IMPORT"),
    ("--version",),
    ("--help",),
)


class Here:
    """A card, of which one file is left out, imported by a real engine."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home, self.card, self.archive = root, home, root / "card", root / "archive"
        self.card.mkdir()
        for name in ("a.jpg", "left out.tmp"):
            (self.card / name).write_bytes(name.encode())
        self.into = ("--archive", str(self.archive), "--location", "L")
        self.first = lading(home, "import", str(self.card), *self.into, "--exclude", "*.tmp", "--quiet")
        self.name = lading(home, "imports").stdout.splitlines()[1].split()[0]

    def filled_in(self, line: tuple[str, ...]) -> list[str]:
        known = {"IMPORT": self.name, "CARD": str(self.card), "ARCHIVE": str(self.archive)}
        return [known.get(word, word) for word in line]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    root = tmp_path_factory.mktemp("words")
    with swept(root / "home") as home:
        yield Here(root, home)


@pytest.mark.promise(44)
def test_keep_is_1_whatever_the_reason(here: Here, tmp_path: Path) -> None:
    assert "KEEP" in here.first.stdout
    assert "left out" in here.first.stdout
    assert here.first.returncode == 1
    (tmp_path / "other.jpg").write_bytes(b"not read back")
    unread = lading(here.home, "import", str(tmp_path), *here.into, "--verify", "none")
    assert ("KEEP" in unread.stdout, unread.returncode) == (True, 1)
    safe = lading(here.home, "import", str(tmp_path), *here.into)
    assert ("SAFE" in safe.stdout, safe.returncode) == (True, 0)


@pytest.mark.promise(44)
@pytest.mark.parametrize("words", [["x" * 1001], ["x" * 5000], [f"w{n}" for n in range(300)], ["é" * 1001]])
def test_a_search_that_is_too_long_is_wrong_use(here: Here, words: list[str]) -> None:
    before = lading(here.home, "engine", "status").stdout.split(",")[:2]
    found = lading(here.home, "find", *words)
    assert found.returncode == 2
    assert f"{len(' '.join(words)):,} characters are given, 1,000" in found.stderr
    assert lading(here.home, "engine", "status").stdout.split(",")[:2] == before
    assert "dropped" not in lading(here.home, "log").stdout


def test_the_longest_search_is_made(here: Here) -> None:
    for words in (["x" * 1000], ["w"] * 500):
        assert (found := lading(here.home, "find", *words)).returncode == 0, found.stderr


@pytest.mark.promise(44)
@pytest.mark.parametrize(
    "line", [("pause", "9" * 201), ("receipt", "x" * 300), ("queues", "slots", "exiftool", "9" * 20)]
)
def test_so_is_everything_else_that_the_engine_would_not_take(here: Here, line: tuple[str, ...]) -> None:
    found = lading(here.home, *line)
    assert (found.returncode, "engine ended" in found.stderr.lower()) == (2, False), found.stderr
    assert "dropped" not in lading(here.home, "log").stdout


@pytest.mark.promise(44)
@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--detach",)])
def test_too_many_sources_are_refused_before_anything_starts(tmp_path: Path, more: tuple[str, ...]) -> None:
    (tmp_path / "card").mkdir()
    into = ("--archive", str(tmp_path / "archive"), "--location", "L")
    with swept(tmp_path / "home") as home:
        found = lading(home, "import", *[str(tmp_path / "card")] * 6000, *into, *more)
        assert (found.returncode, found.stdout) == (2, "")
        assert f"6,000 sources are given, {SOURCES} can be" in found.stderr
        assert os.listdir(tmp_path) == ["card"]


@pytest.mark.promise(44)
@machines.linux
@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_an_output_that_takes_no_more_is_no_crash(here: Here, line: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, *here.filled_in(line)],
            env=environ(here.home),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 4, done.stderr
    assert "The output cannot be written: No space left on device." in done.stderr
    assert "raceback" not in done.stderr
    assert not list((here.home / "log").glob("crash-*"))
