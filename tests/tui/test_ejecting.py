"""`lading eject`: on real disks, what stands in the way is named; what a person calls a volume; what is asked."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from core.errors import EjectError, UsageError
from core.models import Unopenable, Verdict
from core.results import CardView
from core.snapshot import Snapshot
from core.volumes import eject as ejecting
from core.volumes.mounts import mounts
from core.volumes.volume import Volume, is_reliable_identity
from tests.rigs import disks
from tests.rigs.engines import SLOWLY, clip, engine_of, environ, freeze, lading, swept
from tests.tui.app.volumes import card, volume
from tests.tui.console.streams import Terminal, terminal
from tests.tui.test_json import fits
from tui import cli
from tui.commands import eject
from tui.console import known_cards, named_volume
from tui.console.ejecting import NO_IDENTITY
from tui.console.exits import Exit
from tui.console.known_cards import KnownCards
from tui.console.named_volume import NamedVolume, named
from tui.console.output import Console

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root on Linux")

LABEL = "A001 of the test"

REMOVABLE = """
import sys, msgspec
from core.volumes import disks, eject
before, card = disks.linux_disk, sys.argv.pop(1)
def linux_disk(device, *more):
    known = before(device, *more)
    return msgspec.structs.replace(known, removable=True, label=%r) if device == card else known
disks.linux_disk = linux_disk
from tui.cli import main
sys.argv[0] = "lading"
main()
"""
"""A command for which one device is a removable disk with a label: a loop device is none."""


def command(home: Path, device: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", REMOVABLE % LABEL, device, *arguments],
        env=environ(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def ejected(home: Path, device: str, *names: str, status: int = 0) -> list[dict[str, Any]]:
    done = command(home, device, "eject", *names, "--json")
    assert done.returncode == status, (done.stdout, done.stderr)
    found: list[dict[str, Any]] = fits("eject", done.stdout)
    return found


@root
def test_a_card_is_ejected_unless_an_import_needs_it(tmp_path: Path) -> None:
    with swept(tmp_path / "home") as home, disks.disk(tmp_path, "ext4", 256 * disks.MIB) as disk:
        (disk.path / "IMG_1.jpg").write_bytes(b"picture")
        assert (
            ejected(home, disk.device, LABEL)[0]["keep"] == "Keep what is on it: no import of all of it is known."
        )
        assert not disks.mounted(disk.path)
        disk.mount()
        into = ["--archive", str(tmp_path / "archive"), "--location", "Here", "--label", "B002"]
        assert lading(home, "import", str(disk.path), *into).returncode == 0
        listed = json.loads(command(home, disk.device, "volumes", "--json").stdout)
        (one,) = (one for one in listed if one["path"] == str(disk.path))
        assert (one["label"], one["removable"], one["archives"]) == (LABEL, True, [])
        assert [(seen["verdict"], seen["below"]) for seen in one["cards"]] == [("SAFE", "")]
        done = command(home, disk.device, "eject", "b002")
        # Without udev, as in a container, its number is not known.
        since = (
            r"SAFE as of \d{4}-\d\d-\d\d \d\d:\d\d\."
            if is_reliable_identity(one["identity"])
            else re.escape(NO_IDENTITY)
        )
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(f"{LABEL} can be taken out\\. {since}\n", done.stdout)
        assert not disks.mounted(disk.path)
        done = command(home, disk.device, "eject", "B002")
        assert (done.returncode, "Not ejected: B002 is not plugged in." in done.stderr) == (4, True)
        disk.mount()
        clip(disk.path / "film", 128 << 20)
        name = json.loads(lading(home, "import", str(disk.path), *into, "--detach", "--json", more=SLOWLY).stdout)[
            "id"
        ]
        frozen = freeze(home)
        assert lading(home, "pause", name).returncode == 0
        for worker in frozen:
            worker.resume()
        why = f"an import still reads {disk.path}."
        before: tuple[list[str], ...] = (
            [],
            ["engine", "stop"],
            ["derive", "--archive", str(tmp_path / "archive")],
        )
        for first in before:
            if first:
                assert lading(home, *first).returncode == 0
            (told,) = ejected(home, disk.device, str(disk.path / "film"), status=4)
            assert (told["ejected"], told["title"], told["error"]) == (False, "Not ejected", why)
            assert told["advice"] == "Wait for its end, or cancel it."
            assert disks.mounted(disk.path)
            # Without an engine none is started, and one that has not resumed the import knows of it, too.
            assert (engine_of(home) is None) == (first[:1] == ["engine"])
        assert lading(home, "cancel", name).returncode == 0
        assert ejected(home, disk.device, LABEL)[0]["keep"] == "Keep what is on it: not all is archived."


@root
def test_what_lies_on_the_same_disk_is_looked_at(tmp_path: Path) -> None:
    with swept(tmp_path / "home") as home, disks.partitions(tmp_path / "disk") as (one, two):
        (one / "IMG_1.jpg").write_bytes(b"picture")
        device = next(mount.device for mount in mounts() if mount.mount == str(one))
        archive = two / "archive"
        assert lading(home, "import", str(one), "--archive", str(archive), "--location", "Here").returncode == 0
        assert lading(home, "engine", "stop").returncode == 0
        (home / "config.toml").write_text(f'archive = "{archive}"')
        (told,) = ejected(home, device, str(one), status=4)
        assert told["error"] == f"the archive {archive} lies on the same disk."
        assert disks.mounted(one)
        listed = fits("volumes", command(home, device, "volumes", "--json").stdout)
        held = {entry["path"]: entry["archives"] for entry in listed}
        assert (held[str(one)], held[str(two)]) == ([], [{"path": str(archive), "role": "in use"}])
        assert engine_of(home) is None
        (home / "config.toml").unlink()
        with open(archive / "in use", "w"):
            (told,) = ejected(home, device, str(one), status=4)
            assert (told["ejected"], str(two) in told["error"]) == (False, True)
        assert disks.mounted(two)
        assert disks.mounted(one), "the same command can be given again"
        assert ejected(home, device, str(one))[0]["verdict"] == "SAFE"
        assert not disks.mounted(one)
        assert not disks.mounted(two), "all volumes of the disk can be taken out"


HERE = [volume("Macintosh HD", mount="/"), card("A001"), card("EOS", mount="/Volumes/EOS 1", identity="uuid:2")]


def seen(label: str, identity: str) -> CardView:
    return CardView(
        identity=identity,
        label=label,
        source="/Volumes/X",
        archive="/a",
        location="L",
        import_id="i",
        state="done",
        verdict=Verdict.SAFE,
        reason="",
        started=0.0,
        ended=1.0,
        imports=1,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A001", "/Volumes/A001"),
        ("a001", "/Volumes/A001"),
        ("uuid:2", "/Volumes/EOS 1"),
        ("B002", "/Volumes/EOS 1"),
        ("/Volumes/A001", "/Volumes/A001"),
    ],
)
def test_a_volume_by_what_a_person_calls_it(text: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named_volume, "mount_shown_at", lambda path, here: here[1])
    assert named(text, HERE, [seen("B002", "uuid:2"), seen("C003", "uuid:gone")]).path == expected


def test_a_name_that_means_none_or_several() -> None:
    twins: Sequence[Volume] = [*HERE, card("EOS", mount="/Volumes/EOS 2", identity="uuid:3")]
    with pytest.raises(UsageError, match="several: /Volumes/EOS 1, /Volumes/EOS 2"):
        named("EOS", twins, [])
    with pytest.raises(UsageError, match="called no such name"):
        named("no such name", HERE, [])
    with pytest.raises(EjectError, match="C003 is not plugged in"):
        named("C003", HERE, [seen("C003", "uuid:gone")])


@pytest.mark.parametrize(("typed", "status"), [("n\n", Exit.FAILED), ("", Exit.FAILED), ("y\n", Exit.WELL)])
def test_a_card_of_which_not_all_can_be_opened_is_asked_about(
    typed: str, status: Exit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    monkeypatch.setenv("LADING_HOME", str(tmp_path))
    monkeypatch.setattr(named_volume, "plugged_in", lambda: HERE)
    one = NamedVolume(label="x", path="x", source="x", identity="x")
    monkeypatch.setattr(named_volume, "named", lambda text, here, cards: one)
    told_of = KnownCards(cards=(seen("x", "x"),), snapshot=Snapshot(time=0.0, version="1"))
    monkeypatch.setattr(known_cards, "known_cards", lambda settings: told_of)
    monkeypatch.setattr(eject, "_unopenable", lambda settings, card: Unopenable(files=2, names=("A.JPG", "B.NEF")))
    monkeypatch.setattr(ejecting, "eject", lambda source, reading, archives: taken.append(source))
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    (out, told), (err, asked) = terminal(), terminal()
    assert cli.run(["eject", "x"], Console(out, err)) == status
    assert "2 cannot be opened: A.JPG, B.NEF." in asked.getvalue()
    assert "Eject x, which is SAFE? [y/N]" in asked.getvalue()
    assert (taken == ["x"], "x can be taken out." in told.getvalue()) == (status is Exit.WELL,) * 2
    # Where nobody can answer it is said, and done.
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert cli.run(["eject", "x"], Console(out, err)) == Exit.WELL
    assert "x: 2 cannot be opened: A.JPG, B.NEF." in asked.getvalue()


@pytest.mark.parametrize(("identity", "keep"), [("uuid:2", ""), ("dev:/dev/sdb1:vfat:32000000000", NO_IDENTITY)])
def test_a_card_without_a_number_of_its_own_may_be_another_one(identity: str, keep: str) -> None:
    one = NamedVolume(label="EOS", path="/Volumes/EOS", source="/Volumes/EOS", identity=identity)
    assert eject._ejected(one, seen("EOS", identity)).keep == keep


def test_one_that_cannot_be_ejected_keeps_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LADING_HOME", str(tmp_path))
    monkeypatch.setattr(named_volume, "plugged_in", lambda: HERE)

    def refuse(source: str, reading: Sequence[str], archives: Sequence[str]) -> None:
        if source == "/Volumes/A001":
            raise EjectError("target is busy.", "Close what uses it, then try again.")

    monkeypatch.setattr(ejecting, "eject", refuse)
    (out, told), (err, complained) = terminal(), terminal()
    assert cli.run(["eject", "A001", "EOS", "eos"], Console(out, err)) == Exit.UNUSABLE
    assert complained.getvalue().startswith("Not ejected: target is busy.\n  Close what uses it, then try again.")
    assert told.getvalue() == "EOS can be taken out. Keep what is on it: no import of all of it is known.\n"
