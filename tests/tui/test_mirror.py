"""lading mirror on the command line, and what other commands say of the copy that it makes."""

import json
import plistlib
import time
from pathlib import Path

import pytest

from core.models import Count, State
from core.results import MirrorResult
from core.snapshot import MirrorView
from tests.rigs.engines import card, lading, swept
from tests.tui.console.streams import pipe
from tui.console import mirrors

pytestmark = pytest.mark.process


def test_a_mirror_and_what_is_said_of_it(tmp_path: Path) -> None:
    source, archive, backup = card(tmp_path / "card"), tmp_path / "archive", tmp_path / "backup"
    with swept(tmp_path / "home") as home:
        into = ("--archive", str(archive), "--location", "Mill Creek")
        assert lading(home, "import", str(source), *into).returncode == 0
        done = lading(home, "mirror", str(archive), str(backup))
        assert (done.returncode, done.stderr) == (0, "")
        assert f"COMPLETE  {backup} holds" in done.stdout
        again = json.loads(lading(home, "mirror", str(archive), str(backup), "--json").stdout)
        assert (again[0]["brought"]["files"], again[0]["lacking_count"]) == (0, 0)
        assert "mirror to backup" in lading(home, "status").stdout
        # The copy is named wherever somebody looks.
        (found,) = {
            tuple(one["copies"]) for one in json.loads(lading(home, "find", "kind:images", "--json").stdout)
        }
        assert found == (str(backup),)
        assert "ALSO IN" in lading(home, "find", "kind:images").stdout
        (record,) = json.loads(lading(home, "imports", "--json").stdout)
        (copy,) = record["copies"]
        assert (copy["copy"], copy["files"], copy["as_of"][-1]) == (str(backup), again[0]["total"]["files"], "Z")
        assert f"also in {backup}" in lading(home, "imports").stdout
        shown = json.loads(lading(home, "find", "kind:images", "--json").stdout)[0]["xxh128"]
        assert f"copies          {backup}: read back" in lading(home, "show", shown).stdout
        place = lading(home, "location", "Mill Creek", "--archive", str(archive))
        assert f"in {backup}, " in place.stdout
        # Of two copies, both lie on one disk, or on ones that nobody knows here.
        kept = lading(home, "check", str(source), "--archive", str(archive), "--copies", "2", "--read")
        assert (kept.returncode, "are in 1 of 2 copies" in kept.stdout) == (1, True)
        # Rotten in the archive: that is KEEP.
        (victim, *_) = sorted(archive.glob("locations/*/data/*/*/*"))
        whole = victim.read_bytes()
        victim.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        rotten = lading(home, "mirror", str(archive), str(tmp_path / "second"))
        assert (rotten.returncode, rotten.stdout[:4]) == (1, "KEEP")
        assert (
            f"{victim.relative_to(archive)}: what the other copy holds is not what was archived" in rotten.stdout
        )
        assert lading(home, "mirror", str(archive), str(archive)).returncode == 2
        assert lading(home, "mirror", str(tmp_path / "nothing"), str(backup)).returncode == 4


def test_a_file_for_launchd(tmp_path: Path) -> None:
    with swept(tmp_path / "home") as home:
        printed = lading(home, "mirror", "A", "B", "--both", "--plist", more={"PWD": str(tmp_path)}).stdout
    wanted = plistlib.loads(printed.encode())
    assert wanted["ProgramArguments"][1:] == [
        "mirror",
        str(Path("A").resolve()),
        str(Path("B").resolve()),
        "--both",
    ]
    assert (wanted["StartOnMount"], wanted["StartCalendarInterval"]["Hour"]) == (True, 4)
    # What it starts would be held back as it is; launchd(8) may not make the folder.
    assert (wanted["ProcessType"], wanted["MaterializeDatalessFiles"]) == ("Interactive", True)
    assert Path(wanted["StandardErrorPath"]).parent.is_dir()


def view(**changed: object) -> MirrorView:
    """A mirror half-way."""
    given: dict[str, object] = {
        "id": "20261129-040000-mirror-abc123",
        "label": "backup",
        "source": "/archive",
        "target": "/mnt/backup",
        "state": State.RUNNING,
        "total": Count(files=200, bytes=10**9),
        "held": Count(files=100, bytes=5 * 10**8),
        "rate": 1e8,
        "seconds_left": 5.0,
    }
    return MirrorView(**(given | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "100 of 200 files  100 MB/s  5.0s left"),
        ({"reason": "connection refused", "rate": 0.0}, "100 of 200 files, connection refused"),
        ({"state": State.PAUSED, "reason": "/mnt/backup is away"}, "PAUSED: /mnt/backup is away"),
        (
            {"state": State.PAUSED, "reason": "connection refused", "again": 1_764_943_500.0},
            f"PAUSED, again at {time.strftime('%H:%M', time.localtime(1_764_943_500))}: connection refused",
        ),
        ({"state": State.CANCELLED}, "CANCELLED, 100 of 200 files there"),
        ({"state": State.DONE, "lacking": 1}, "KEEP: 1 file not there, 100 of 200 files"),
        ({"state": State.DONE, "held": Count(files=200, bytes=10**9)}, "COMPLETE: 200 of 200 files, read back"),
    ],
)
def test_a_mirror_in_words(changed: dict[str, object], said: str) -> None:
    assert mirrors.says(view(**changed)) == said


def test_the_bar_of_a_mirror_shows_what_is_on_its_way() -> None:
    """An upload of a day is compared when much of it is there: until then it has to be seen to move."""
    assert [view(on_the_way=size).share for size in (0, 10**8, 10**10)] == [0.5, 0.6, 1.0]
    assert view(total=Count()).share == 1.0
    out, _ = pipe()
    assert " 60%  100 of 200 files" in mirrors.line(view(on_the_way=10**8), out)


def test_what_is_lacking_is_named() -> None:
    lacking = tuple((f"locations/a/data/{number}", "gone") for number in range(30))
    result = MirrorResult(
        source="/a",
        target="/b",
        total=Count(files=40, bytes=40),
        held=Count(files=10, bytes=10),
        lacking_count=30,
        lacking=lacking,
        open_bags=("a: it is being imported into",),
    )
    out, stream = pipe()
    mirrors.tell([result], out)
    said = stream.getvalue()
    assert said.startswith("KEEP  /b holds 10 of 40 files")
    assert "and 10 more" in said
    assert "its bag is not up to date yet: a" in said
