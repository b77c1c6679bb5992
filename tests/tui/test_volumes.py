"""`lading volumes`: the list, at 80 columns and without a terminal; which archives lie on a volume."""

import os
from pathlib import Path
from typing import Any

import pytest

from core.models import Count, Verdict
from core.results import ArchivePlace
from core.snapshot import Arrival
from core.volumes.space import Space
from tests.tui.app.volumes import GB, card, several, volume
from tests.tui.console.streams import pipe, terminal
from tests.tui.test_ejecting import seen
from tui.console import mounted, volume_list
from tui.console.json_answers import HeldArchive, MountedVolume
from tui.format import cells

NOW = 1_800_000_000.0


def listed(name: str, **changed: Any) -> MountedVolume:
    values: dict[str, Any] = {
        "label": name,
        "path": f"/media/ada/{name}",
        "kind": "card",
        "filesystem": "exfat",
        "device": "/dev/sdb1",
        "size": 64 * GB,
        "free": 22 * GB,
        "removable": True,
        "read_only": False,
        "camera": "EOS R5",
        "identity": f"uuid:{name}",
        "answers": True,
        "error": "",
    }
    return MountedVolume(**(values | changed))


def known(**changed: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(seen("A001", "uuid:A001"), **changed)


LONG = "A001 of the long day in the east wing, second reader"
FOUND = [
    listed(LONG, cards=(known(damaged=2), known(below="DCIM/100", verdict=Verdict.KEEP, reason="1 failed"))),
    listed(
        "B002", read_only=True, arrival=Arrival(identity="", label="", source="", counted=True, new=Count(files=3))
    ),
    listed(
        "RAID",
        kind="disk",
        camera="",
        removable=False,
        archives=(HeldArchive(path="/media/ada/RAID/x/nas", role="copy"),),
    ),
    listed("Dead", answers=False, size=None, free=None, error="does not answer"),
]


def test_at_80_columns_what_tells_volumes_apart_is_kept() -> None:
    out, told = terminal(80)
    volume_list.tell(FOUND, out, NOW, None)
    head, *rows = told.getvalue().splitlines()[:5]
    assert head.split() == ["VOLUME", "KIND", "FREE", "KNOWN", "PATH"]
    assert max(map(cells, [head, *rows])) <= 80
    assert rows[0].startswith("A001 of the lon…  EOS R5 ")
    assert "SAFE, 2 damaged since" in rows[0]
    assert rows[0].endswith("  …t wing, second reader")
    assert rows[2].split()[-2:] == ["archive", "/media/ada/RAID"]
    assert rows[3].split() == ["Dead", "EOS", "R5", "-", "-", "/media/ada/Dead"]


def test_in_a_pipe_rows_are_whole() -> None:
    out, told = pipe()
    volume_list.tell(FOUND, out, NOW, None)
    head, *rows = told.getvalue().splitlines()
    assert head.split() == ["VOLUME", "KIND", "SIZE", "FREE", "FILE", "SYSTEM", "VERDICT", "OF", "ARCHIVE", "PATH"]
    assert rows[0].startswith(LONG)
    assert "64.0 GB" in rows[0]
    assert rows[0].endswith(f"/media/ada/{LONG}")
    assert "exfat, read-only" in rows[1]
    assert "x/nas (copy)" in rows[2]
    assert rows[4].startswith(f"{LONG}: DCIM/100: KEEP of 1970-01-01 ")
    assert rows[4].endswith("in /a: 1 failed")
    assert rows[5] == "B002: 3 new, 0 duplicates; lading import /media/ada/B002"
    assert rows[6] == "Dead: does not answer"
    assert [row.split(": ")[0] for row in rows[7:]] == [
        "What is damaged since",
        "SAFE is said of what was on the card then. Is it still so? lading check SRC --archive /a",
    ]


@pytest.mark.parametrize("identity", ["uuid:A001", "dev:/dev/sdb1:vfat:64000000000"])
def test_a_card_without_a_number_of_its_own_may_be_another_one(identity: str) -> None:
    out, told = pipe()
    volume_list.tell([listed("A001", identity=identity, cards=(known(),))], out, NOW, None)
    assert ("another card in its place" in told.getvalue()) == identity.startswith("dev:")


def test_of_many_folders_of_a_disk_only_the_newest_are_told() -> None:
    out, told = pipe()
    many = tuple(known(below=f"folder {number}") for number in range(9))
    volume_list.tell([listed("Disk", cards=many)], out, NOW, None)
    rows = told.getvalue().splitlines()[2:-1]
    assert [row.split(": ")[1] for row in rows[:3]] == ["folder 0", "folder 1", "folder 2"]
    assert rows[3:] == ["Disk: and 6 more imports of it or of its folders: lading cards"]


def test_volumes_are_those_of_the_picker_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounted, "volumes", several)
    monkeypatch.setattr(mounted, "_archives_by_mount", lambda listed, places: {})
    found = mounted.mounted([known(), known(identity="uuid:other")], [], [])
    assert [(one.label, one.kind) for one in found] == [
        ("A001", "card"),
        ("B002", "card"),
        ("Old drive", "removable"),
        ("Macintosh HD", "disk"),
        ("archive", "network"),
    ]
    assert [len(one.cards) for one in found] == [1, 0, 0, 0, 0]


@pytest.mark.process
def test_the_archives_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By volume wherever that is mounted now, by path where no volume is known, and at the top of a volume."""
    for path in ("disk/nas", "disk/copy", "top"):
        (tmp_path / path / ".lading").mkdir(parents=True)
    space = Space(GB, GB, GB)
    disk = volume("disk", mount=str(tmp_path / "disk"), space=space)
    top = card("top", mount=str(tmp_path / "top"), space=space)
    dead = volume("dead", mount=str(tmp_path / "dead"), answers=False, space=None)
    monkeypatch.setattr(mounted, "volumes", lambda: [disk, top, dead])
    places = [
        ArchivePlace(path=b"/elsewhere/nas", volume="uuid:disk", root=b"nas", in_use=True),
        ArchivePlace(path=os.fsencode(tmp_path / "disk/copy"), volume="", root=b"", in_use=False),
        ArchivePlace(path=os.fsencode(tmp_path / "disk/gone"), volume="uuid:disk", root=b"gone", in_use=False),
    ]
    found = {
        one.label: [(held.path, held.role) for held in one.archives] for one in mounted.mounted([], places, [])
    }
    assert found == {
        "disk": [(str(tmp_path / "disk/nas"), "in use"), (str(tmp_path / "disk/copy"), "copy")],
        "top": [(str(tmp_path / "top"), "unknown")],
        "dead": [],
    }
