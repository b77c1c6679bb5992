"""What the doctor finds and tells."""

import json
import os
import platform
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from core import hardware, subprocesses
from core.config import Config, Workers
from core.database import Database
from core.schema import DATABASE_FILE, SCHEMA_VERSION
from core.sqlite import sqlite3
from core.subprocesses import Completed
from core.volumes import macos_permissions
from core.volumes.filesystems import UNFLUSHED, Level, StorageKind, filesystem
from core.volumes.space import Space
from core.volumes.volume import Volume
from core.workers.archive_messages import ArchiveFacts
from tests.tui.console.streams import console, pipe
from tests.tui.views import HOSTILE
from tui import cli
from tui.console import checkup as doctor
from tui.console import doctor_checks
from tui.console.doctor_checks import (
    Checkup,
    FolderCheck,
    catalog,
    examine,
    flush,
    folder,
    hints,
    macos_version,
    sqlite,
    system,
)
from tui.console.exits import Exit

pytestmark = pytest.mark.process


@pytest.mark.parametrize(
    ("version", "warned"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_sqlite_with_the_race_is_warned_of(version: Sequence[int], warned: bool) -> None:
    assert bool(sqlite(version).warning) is warned
    # What to do about it.
    assert sqlite(version).warning.endswith("then: make setup." if warned else "")


def test_a_folder_not_made_yet_is_judged_by_what_is_above(tmp_path: Path) -> None:
    found = folder(str(tmp_path / "a" / "b"))
    assert (found.exists, found.problem) == (False, "")
    assert found.available
    assert folder(str(tmp_path)).exists


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert folder(str(tmp_path / "file")).problem == "it is not a folder"
    assert folder(str(tmp_path / "file" / "below")).problem == "it is not a folder"


def test_the_flush_is_that_of_the_system() -> None:
    assert flush(filesystem("ext4"), "linux") == "fsync"
    assert flush(filesystem("apfs"), "darwin") == "F_FULLFSYNC"
    assert "server" in flush(filesystem("smbfs"), "darwin")
    assert flush(filesystem("exfat", platform="darwin"), "darwin") == "fsync"


def test_macos_is_told_by_its_own_version() -> None:
    assert system("15.4").startswith("macOS 15.4 ")
    assert system("").startswith(f"{platform.system()} {platform.release()} ")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Completed(0, b"26.0.1\n"), "26.0.1"),  # Python of an older SDK takes that for 16.0
        (Completed(1, b"26.0.1\n"), "16.0"),
        (Completed(0, b"\n"), "16.0"),
        (None, "16.0"),
    ],
)
def test_macos_says_its_version_itself(
    monkeypatch: pytest.MonkeyPatch, answer: Completed | None, told: str
) -> None:
    asked = list[object]()

    def ask(argv: Sequence[str], timeout: float) -> Completed | None:
        asked.append(argv)
        return answer

    monkeypatch.setattr(subprocesses, "ask", ask)
    assert macos_version("darwin", "16.0") == told
    assert asked == [["/usr/bin/sw_vers", "-productVersion"]]
    assert macos_version("linux", "") == ""
    assert len(asked) == 1


def volume(**changed: object) -> Volume:
    found = Volume(
        mount="/Volumes/A001",
        device="/dev/disk4s1",
        filesystem="exfat",
        kind=StorageKind.LOCAL,
        read_only=False,
        removable=True,
        name="A001",
        identity="uuid:1234-ABCD",
        camera="Canon",
        space=Space(128_000_000_000, 64_000_000_000, 64_000_000_000),
    )
    return msgspec.structs.replace(found, **changed)


def test_a_mac_that_refuses_its_volumes_is_told_the_switch() -> None:
    refused = volume(error="Operation not permitted")
    ssh = {"SSH_CONNECTION": "1 2 3 4"}
    assert hints([refused], None, ssh, "linux") == []
    assert hints([volume()], None, ssh, "darwin") == []
    (hint,) = hints([refused], None, ssh, "darwin")
    assert refused.mount in hint
    assert "full disk access for remote users" in hint


@pytest.mark.parametrize(
    ("system", "kind", "answer", "hinted"),
    [
        ("darwin", StorageKind.NETWORK, Completed(1, b""), True),  # nobody has set it
        ("darwin", StorageKind.NETWORK, Completed(0, b"0\n"), True),
        ("darwin", StorageKind.NETWORK, Completed(0, b"1\n"), False),
        ("darwin", StorageKind.NETWORK, None, True),
        ("darwin", StorageKind.LOCAL, Completed(1, b""), False),
        ("linux", StorageKind.NETWORK, Completed(1, b""), False),
    ],
)
def test_finder_can_be_kept_from_writing_into_an_archive_on_a_share(
    monkeypatch: pytest.MonkeyPatch, system: str, kind: StorageKind, answer: Completed | None, hinted: bool
) -> None:
    monkeypatch.setattr(subprocesses, "ask", lambda *_: answer)
    monkeypatch.setattr(macos_permissions, "refusals", lambda _: {})
    archive = msgspec.structs.replace(report().state, path="/Volumes/NAS", kind=kind)
    found = hints([], archive, {}, system)
    wanted = "defaults write com.apple.desktopservices DSDontWriteNetworkStores -bool true"
    assert [wanted in hint for hint in found] == [True] * hinted
    assert hints([], None, {}, system) == []


def report(**changed: object) -> Checkup:
    state = FolderCheck(
        path="/home/ann/.lading",
        exists=True,
        filesystem="ext4",
        kind=StorageKind.LOCAL,
        level=Level.MEDIUM,
        flush="fsync",
        largest_file=None,
        available=10**9,
    )
    found = Checkup(
        version="1",
        python="3.13.1",
        system="Linux",
        profile=hardware.profile_for(12, 32 * hardware.GIB),
        overridden=("copy",),
        tools=[],
        sqlite=sqlite((3, 51, 3)),
        state=state,
        volumes=[volume(), volume(name="B002", answers=False, space=None, camera=None)],
        archive=msgspec.structs.replace(state, path="/archive", filesystem="vfat", largest_file=2**32 - 1),
        hints=[],
    )
    return msgspec.structs.replace(found, **changed)


def told(found: Checkup) -> str:
    out, stream = pipe()
    doctor.tell(found, out)
    return stream.getvalue()


def test_the_report_for_a_person() -> None:
    text = told(report())
    for part in (
        "Machine    tier high: 12 cores, 32.0 GiB\n",
        "hash 10, copy 16*, verify 10, exiftool 4, ffprobe 2, thumbnail 4\n",
        "* by your configuration\n",
        "SQLite     3.51.3\n",
        "Volumes    A001: local, exfat, removable, Canon card, 64.0 GB of 128 GB free\n",
        "             at /Volumes/A001, uuid:1234-ABCD\n",
        "             does not answer\n",
        "Archive    /archive (vfat, local, 1.00 GB free)\n",
        "           published tried when the archive is made; flushed by fsync\n",
        "           verification level: medium\n",
        "           no file above 4.29 GB\n",
    ):
        assert part in text


def test_an_archive_whose_drive_cannot_be_flushed_is_warned_of() -> None:
    card = msgspec.structs.replace(report().state, filesystem="exfat", warning=UNFLUSHED)
    assert f"           Warning: {UNFLUSHED}\n" in told(report(archive=card))
    assert "Warning" not in told(report())


async def test_what_refuses_a_full_flush_is_no_medium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".lading").mkdir()
    facts = ArchiveFacts(os.fsencode(tmp_path), 1, 1, "rename", "", b"/", b"", False, "", "")

    async def examined(*_: object, **__: object) -> ArchiveFacts:
        return facts

    monkeypatch.setattr("core.archives.copies.examine", examined)
    monkeypatch.setattr(doctor_checks, "filesystem", lambda *_: filesystem("apfs"))
    found = await doctor_checks.archive_folder(str(tmp_path))
    assert (found.level, found.flush, found.warning) == (Level.UNPROVEN, "fsync", UNFLUSHED)
    facts = msgspec.structs.replace(facts, flushes=True)
    assert (await doctor_checks.archive_folder(str(tmp_path))).level is Level.MEDIUM


def test_hostile_names_do_nothing() -> None:
    archive = msgspec.structs.replace(report().state, path=HOSTILE, problem=HOSTILE)
    text = told(report(archive=archive, volumes=[volume(name=HOSTILE, mount=HOSTILE, error=HOSTILE)]))
    assert all(line.isprintable() for line in text.splitlines())


def test_the_status_says_whether_it_can_be_used() -> None:
    broken = msgspec.structs.replace(report().state, problem="x")
    assert report().usable
    assert report(archive=None).usable
    assert not report(archive=broken).usable
    assert not report(state=broken).usable


async def test_this_machine_is_examined(tmp_path: Path) -> None:
    config = Config(home=str(tmp_path / "home"), workers=Workers(copy=3))
    found = await doctor_checks.examine(config, str(tmp_path / "archive"), {})
    assert found.usable
    assert found.overridden == ("copy",)
    assert found.profile.copy == 3
    assert [tool.name for tool in found.tools] == ["exiftool", "ffmpeg", "ffprobe"]
    assert found.archive
    assert not found.archive.exists
    assert os.listdir(tmp_path) == []


def test_the_report_for_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_HOME", str(tmp_path / "home"))
    (tmp_path / "file").touch()
    to, out, _ = console()
    assert cli.run(["doctor", "--json", str(tmp_path / "file")], to) == Exit.UNUSABLE
    found = json.loads(out.getvalue())
    assert found["archive"]["problem"] == "it is not a folder"
    assert found["profile"]["tier"] in ("beast", "high", "medium", "low")


async def test_a_catalog_that_cannot_be_used_is_found(tmp_path: Path) -> None:
    assert catalog(str(tmp_path)) == ""
    await (await Database.open(str(tmp_path))).close()
    assert catalog(str(tmp_path)) == ""
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    assert "newer Lading" in catalog(str(tmp_path))
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    assert catalog(str(tmp_path)) == "", "an engine upgrades it"
    os.truncate(tmp_path / DATABASE_FILE, 8192)
    assert "Move it away" in catalog(str(tmp_path))
    found = await examine(Config(home=str(tmp_path)), None, {})
    assert (found.state.problem, found.usable) == (catalog(str(tmp_path)), False)
    (tmp_path / f"{DATABASE_FILE}-wal").write_bytes(bytes(8192))
    (tmp_path / DATABASE_FILE).unlink()
    assert "is gone" in catalog(str(tmp_path))
    assert not (tmp_path / DATABASE_FILE).exists()
