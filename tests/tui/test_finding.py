"""lading find, restore and check through a real engine."""

import asyncio
import json
import os
import plistlib
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.listings import FileView
from core.models import Outcome
from core.volumes.mounts import volume_of
from core.volumes.volume import describe, is_reliable_identity
from tests.rigs import bags
from tests.rigs.cards import card_tree, differences, times, whole_card
from tests.rigs.engines import COMMAND, environ, lading, swept, until
from tests.tui.console.streams import console, pipe, terminal
from tui import cli
from tui.commands import find
from tui.console import import_selection, one_shot
from tui.console.exits import Exit
from tui.format import cells

pytestmark = pytest.mark.process


def test_a_card_is_found_by_name_card_location_and_kind(tmp_path: Path) -> None:
    with swept(tmp_path / "home") as home:
        nothing = lading(home, "find", "C0001", "--json")
        assert (nothing.returncode, json.loads(nothing.stdout)) == (0, [])
        card = tmp_path / "card"
        card_tree(str(card).encode(), "sony")
        into = ["--archive", str(tmp_path / "archive"), "--location", "Mill Creek"]
        assert lading(home, "import", str(card), *into, "--label", "B002").returncode == 0
        for words, names in (
            (["C0001.MP4"], ["PRIVATE/M4ROOT/CLIP/C0001.MP4"]),
            (["*.arw"], ["DCIM/100MSDCF/DSC00001.ARW"]),
            (
                ["location:Mill Creek", "card:b002", "kind:images", "THMBNL/C0002"],
                ["PRIVATE/M4ROOT/THMBNL/C0002T01.JPG"],
            ),
        ):
            found = lading(home, "find", *words, "--json")
            assert found.returncode == 0
            assert [file["path"] for file in json.loads(found.stdout)] == names
        (file,) = json.loads(lading(home, "find", "C0001.MP4", "--json").stdout)
        dated = lading(home, "find", "C0001.MP4")
        # Only a date that is not one of capture has the mark, which is explained then.
        assert ("*" in dated.stdout, "* when the file was changed" in dated.stderr) == (True, True)
        by_hash = lading(home, "find", f"hash:{file['sha256'][:12]}")
        assert "PRIVATE/M4ROOT/CLIP/C0001.MP4" in by_hash.stdout
        assert str(tmp_path / "archive" / file["payload"]) in by_hash.stdout
        # Twice imported it is one content still; what was not archived is found by its outcome.
        (card / "pipe.mp4").symlink_to("nowhere")
        assert lading(home, "import", str(card), *into, "--label", "B002").returncode == 1
        (twice,) = json.loads(lading(home, "find", "C0001.MP4", "--json").stdout)
        assert (twice["imports"], file["imports"]) == (2, 1)
        assert json.loads(lading(home, "find", "pipe.mp4", "--json").stdout) == []
        (left,) = json.loads(lading(home, "find", "pipe.mp4", "outcome:skipped", "--json").stdout)
        assert left["path"] == "pipe.mp4"
        wrong = lading(home, "find", "kind:paintings")
        assert wrong.returncode == 2
        assert "videos" in wrong.stderr


def test_a_file_that_is_shown_is_opened_as_a_copy(tmp_path: Path) -> None:
    card, archive, told = tmp_path / "card", tmp_path / "archive", tmp_path / "told"
    for name in ("a.jpg", "b.jpg", "c.txt"):
        (card / name[0]).mkdir(parents=True)
        (card / name[0] / name).write_bytes(name.encode())
    (card / "b/a.jpg").write_bytes(b"another")
    for name in ("xdg-open", "open"):
        (tmp_path / name).write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >>{told}\n')
        (tmp_path / name).chmod(0o755)
    viewing = {"DISPLAY": ":0", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    away = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "SSH_CONNECTION": "1 2 3 4"}
    with swept(tmp_path / "home") as home:
        lading(home, "import", str(card), "--archive", str(archive), "--location", "L", "--quiet")
        nowhere = lading(home, "show", "b.jpg", "--open", more=away)
        assert (nowhere.returncode, nowhere.stderr.splitlines()[0]) == (2, "No viewer: no display here.")
        assert "lading serve" in nowhere.stderr
        assert not (home / "views").exists()
        shown = lading(home, "show", "b.jpg", "--open", more={**viewing, "SSH_CONNECTION": ""})
        assert (shown.returncode, shown.stderr) == (0, told.read_text())
        copy = Path(told.read_text().rstrip("\n"))
        assert (copy.name, copy.read_bytes()) == ("b.jpg", b"b.jpg")
        assert copy.is_relative_to(home / "views")
        for name, why in (("a.jpg", "it means 2 files"), ("c.txt", "only photos, films and sound")):
            refused = lading(home, "show", name, "--open", more={**viewing, "SSH_CONNECTION": ""})
            assert refused.returncode == 2
            assert why in refused.stderr
        assert len(told.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("word", "expected"),
    [("C0007", "C0007"), ("a b", '"a b"'), ("location:Mill Creek", 'location:"Mill Creek"'), ('x"y z', '"xy z"')],
)
def test_an_argument_is_one_word(word: str, expected: str) -> None:
    assert find.quoted(word) == expected


def test_a_card_goes_in_is_checked_healed_and_comes_out_again(tmp_path: Path) -> None:
    card, archive, out = tmp_path / "card", tmp_path / "archive", tmp_path / "out"
    whole_card(os.fsencode(card))
    with swept(tmp_path / "home") as home:
        into = ["--archive", str(archive)]
        assert lading(home, "restore", "A001", str(out)).returncode == 2, "there is no import yet"
        assert lading(home, "import", str(card), *into, "--location", "Here", "--label", "A001").returncode == 0
        safe = lading(home, "check", str(card), *into)
        mount = volume_of(os.fsencode(card))
        assert mount is not None
        # Where no udev tells the numbers of volumes, the record alone is not enough.
        known = is_reliable_identity(describe(mount).identity)
        assert (safe.returncode, safe.stdout.split()[0]) == ((0, "SAFE") if known else (1, "KEEP"))
        assert known or "lading check --read" in safe.stdout
        assert lading(home, "check", "--read", str(card), *into).returncode == 0

        none = lading(home, "missing", str(card), *into)
        assert (none.returncode, none.stdout) == (0, ""), none.stderr
        strange = tmp_path / os.fsdecode(b"drive/caf\xe9.jpg")
        strange.parent.mkdir()
        empty = lading(home, "missing", str(strange.parent), *into)
        assert (empty.returncode, empty.stdout) == (1, "")
        assert "nothing was found there" in empty.stderr
        strange.write_bytes(b"new")
        assert lading(home, "missing", str(strange.parent), *into).stdout == f"{strange.parent}/caf\\xe9.jpg\n"
        command = [*COMMAND, "missing", str(strange.parent), str(card), *into, "--null"]
        raw = subprocess.run(command, env=environ(home), capture_output=True, check=False)
        assert (raw.returncode, raw.stdout) == (1, os.fsencode(strange) + b"\0")
        told = lading(home, "missing", str(strange.parent), *into, "--json")
        assert os.fsencode(json.loads(told.stdout)["path"]) == os.fsencode(strange)

        plan = lading(home, "restore", "A001", str(out), "--by-date", "--name", "{date} {stem}", "--dry-run")
        assert (plan.returncode, plan.stdout.split()[:2], out.exists()) == (0, ["NOTHING", "DONE"], False)
        done = lading(home, "restore", "A001", str(out))
        assert (done.returncode, done.stdout.split()[0]) == (0, "RESTORED")
        assert differences(str(card), str(out)) == ""
        assert times(str(out)) == times(str(card))
        assert lading(home, "restore", "A001", str(archive / "locations")).returncode == 2

        found = json.loads(lading(home, "find", "00002.MTS", "--json").stdout)
        payload = archive / found[0]["payload"]
        payload.write_bytes(b"rotten")
        kept = lading(home, "check", "--read", "--json", str(card), *into)
        assert kept.returncode == 1
        assert [verdict["verdict"] for verdict in json.loads(kept.stdout)] == ["KEEP"]
        failed = lading(home, "restore", "A001", str(tmp_path / "again"))
        assert (failed.returncode, "00002.MTS: archive: it has 6 bytes" in failed.stdout) == (1, True)

        audit = lading(home, "audit", *into)
        assert audit.returncode == 1
        assert "PRIVATE/AVCHD/BDMV/STREAM/00002.MTS" in audit.stdout, "with all that is known of it"
        assert "A001" in audit.stdout
        healed = lading(home, "audit", *into, "--heal", str(card))
        assert healed.returncode == 0, healed.stdout + healed.stderr
        assert f"from {card}/PRIVATE/AVCHD/BDMV/STREAM/00002.MTS" in healed.stdout
        limited = lading(home, "audit", *into, "--older-than", "30d", "--sample", "5%", "--json")
        assert json.loads(limited.stdout)["checked"]["files"] == 0
        assert re.search(r"Longest unread: locations/.*, read back 20", lading(home, "audit", *into).stdout)
        # The bag is made anew behind it.
        until(lambda: all(queue["waiting"] + queue["busy"] == 0 for queue in queues(home)))
        (bag,) = (archive / "locations").iterdir()
        assert bags.invalid(bag) == []


@pytest.mark.promise(37)
def test_damage_of_what_another_program_put_there_is_named(tmp_path: Path) -> None:
    card, archive = tmp_path / "card", tmp_path / "archive"
    card_tree(str(card).encode(), "sony")
    with swept(tmp_path / "home") as home:
        into = ["--archive", str(archive)]
        assert lading(home, "import", str(card), *into, "--location", "Here").returncode == 0
        (data,) = archive.glob("locations/*/data")
        for name in ("holiday.jpg", "also here.jpg"):
            (data / name).write_bytes(b"foreign")
        assert lading(home, "rebuild", str(archive)).returncode == 0
        assert lading(home, "audit", *into).returncode == 0
        (data / "holiday.jpg").write_bytes(b"changed")
        (data / "also here.jpg").unlink()
        own = next(path for path in data.glob("*/??/*") if path.stat().st_size > 10)
        own.write_bytes(b"rotten")
        audit = lading(home, "audit", *into)
        assert audit.returncode == 1, audit.stderr
        for path in ("data/holiday.jpg", "data/also here.jpg", str(own.relative_to(archive))):
            assert re.search(rf"^  locations/.*{re.escape(path)[-20:]}: ", audit.stdout, re.MULTILINE), path
        assert re.search(r"archived +.*data/holiday\.jpg$", audit.stdout, re.MULTILINE), "with all that is known"
        told = json.loads(lading(home, "audit", *into, "--json").stdout)
        assert (told["damaged_count"], len(told["items"])) == (3, 3)


def queues(home: Path) -> list[dict[str, Any]]:
    found = json.loads(lading(home, "queues", "--json").stdout)
    return [one for one in found if one["name"] == "bagit"]


def test_ctrl_c_ends_a_restore_cleanly_and_the_same_command_goes_on(tmp_path: Path) -> None:
    card, out = tmp_path / "card", tmp_path / "out"
    card.mkdir()
    for number in range(12):
        (card / f"{number}.bin").write_bytes(os.urandom(1 << 20) * 24)
    with swept(tmp_path / "home") as home:
        options = ["--archive", str(tmp_path / "archive"), "--location", "Here", "--label", "A001"]
        assert lading(home, "import", str(card), *options).returncode == 0
        restore = subprocess.Popen(
            [*COMMAND, "restore", "A001", str(out)],
            env=environ(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        until(lambda: out.exists() and any(path.is_file() for path in out.iterdir()))
        restore.send_signal(signal.SIGINT)
        _, told = restore.communicate()
        if restore.returncode != 0:  # else it was quicker
            assert restore.returncode == 3
            assert b"goes on from there" in told
        until(lambda: not (out / ".lading-restore").exists())
        assert lading(home, "restore", "A001", str(out)).returncode == 0
        assert differences(str(card), str(out)) == ""


def test_an_audit_for_launchd(tmp_path: Path) -> None:
    printed = lading(
        tmp_path / "home", "audit", "--archive", "/a", "--plist", "--older-than", "2w", "--sample", "5%"
    )
    told = plistlib.loads(printed.stdout.encode())
    assert told["ProgramArguments"][1:] == ["audit", "--archive", "/a", "--older-than", "20160m", "--sample", "5%"]
    assert told["EnvironmentVariables"]["LADING_HOME"] == str(tmp_path / "home")
    assert "StartCalendarInterval" in told
    # What it starts would be held back as it is.
    assert told["ProcessType"] == "Interactive"
    _ready_for_launchd(told, printed.stderr)


def test_an_audit_for_systemd(tmp_path: Path) -> None:
    printed = lading(
        tmp_path / "home", "audit", "--archive", "/a $b%", "--systemd", "--older-than", "2w", "--sample", "5%"
    )
    assert printed.returncode == 0, printed.stderr
    service, timer = re.split(r"(?m)^(?=# ~/)", printed.stdout)[1:]
    assert service.startswith("# ~/.config/systemd/user/lading-audit.service\n[Unit]\n")
    command = r'"audit" "--archive" "/a $$b%%" "--older-than" "20160m" "--sample" "5%%"'
    assert re.search(rf"^ExecStart=.*{re.escape(command)}$", service, re.MULTILINE)
    assert f'Environment="LADING_HOME={tmp_path}/home"' in service.splitlines()
    # The engine that it starts is not ended with it.
    assert {"Type=oneshot", "KillMode=process"} <= set(service.splitlines())
    assert timer.startswith("# ~/.config/systemd/user/lading-audit.timer\n[Unit]\n")
    assert {"OnCalendar=Sun *-*-* 03:00:00", "Persistent=true", "WantedBy=timers.target"} <= set(
        timer.splitlines()
    )
    assert "systemctl --user enable --now lading-audit.timer" in printed.stderr


def test_an_engine_for_launchd(tmp_path: Path) -> None:
    printed = lading(tmp_path / "home", "engine", "plist")
    told = plistlib.loads(printed.stdout.encode())
    assert told["ProgramArguments"][1:] == ["engine", "run"]
    _ready_for_launchd(told, printed.stderr)


def _ready_for_launchd(told: dict[str, Any], said: str) -> None:
    assert told["MaterializeDatalessFiles"] is True
    assert Path(told["StandardErrorPath"]).parent.is_dir()
    assert f"Full Disk Access for the program {sys.executable}" in said


@pytest.mark.parametrize(
    "wrong", [["--older-than", "soon"], ["--older-than", "d"], ["--sample", "0"], ["--sample", "x%"]]
)
def test_an_audit_s_limits_must_make_sense(tmp_path: Path, wrong: list[str]) -> None:
    assert lading(tmp_path / "home", "audit", "--archive", "/a", *wrong).returncode == 2


def test_at_80_columns_files_of_several_imports_are_told_apart() -> None:
    files = [
        FileView(
            id=number,
            import_id=f"20251206-140100-{number}bbbbbbb",
            path=f"DCIM/100CANON_WITH_A_LONG_NAME/IMG_{number:04}.CR3",
            size=45_000_000,
            mtime=0.0,
            kind="images",
            outcome=Outcome.DUPLICATE,
            captured="2025-12-05T09:10:11",
            camera="Canon EOS R5",
            location="Mill Creek Asylum, the east wing",
            damage="it is gone" if number == 2 else "",
            imports=5 if number == 2 else 1,
        )
        for number in (1, 2)
    ]
    out, told = pipe()
    find._list(files, out)
    assert [" 20251206-140100-2bbbbbbb +4 " in row for row in told.getvalue().splitlines()] == [False, False, True]
    out, told = terminal(80)
    find._list(files, out)
    head, *rows = told.getvalue().splitlines()
    assert head.split()[:4] == ["NAME", "DATE", "SIZE", "IMPORT"]
    for number, row in enumerate(rows, 1):
        assert f"IMG_{number:04}.CR3" in row
        assert f"{number}bbbbbbb" in row
        assert "2025-12-05 09:10" in row
        assert cells(row) <= 80
    assert "DAMAGED" in rows[1]
    assert "DAMAGED" not in rows[0]
    assert "2bbbbbbb +4 " in rows[1]
    assert "+" not in rows[0]


def one_of(number: int, path: str) -> FileView:
    return FileView(
        id=number,
        import_id=f"20251206-140100-{number}bbbbbbb",
        path=path,
        size=45_000_000,
        mtime=0.0,
        kind="images",
        outcome=Outcome.ARCHIVED,
        captured="2025-12-05T09:10:11",
        camera="Canon EOS R5",
        location="Mill Creek",
        archive="/nas",
        payload=f"locations/mill-creek/data/2025/2025-12-05/{os.path.basename(path)[-20:]}",
    )


LONG = f"{'a folder/' * 32}IMG_0002.CR3"


def test_in_a_wide_terminal_one_long_path_pushes_nothing_off() -> None:
    out, told = terminal(160)
    find._list([one_of(1, "DCIM/IMG_0001.CR3"), one_of(2, LONG)], out)
    head, *rows = told.getvalue().splitlines()
    assert head.split()[-3:] == ["NAME", "ARCHIVED", "AS"]
    for number, row in enumerate(rows, 1):
        assert f"IMG_000{number}.CR3  /nas/locations/" in re.sub(" {2,}", "  ", row)
        assert f"20251206-140100-{number}bbbbbbb" in row
        assert cells(row) <= 160


def test_files_are_listed_in_the_order_that_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [
        msgspec.structs.replace(one_of(1, "x/B.CR3"), size=3, captured="2024-05-06T07:08:09.25"),
        msgspec.structs.replace(one_of(2, "y/a.CR3"), size=1, captured="", mtime=1_800_000_000.0),
        msgspec.structs.replace(one_of(3, "a/C.CR3"), size=2, captured="1931-08"),
    ]

    async def found(*_: object) -> tuple[list[FileView], bool]:
        return list(made), False

    monkeypatch.setenv("LADING_HOME", str(tmp_path))
    monkeypatch.setattr(find, "_all", found)
    monkeypatch.setattr(import_selection, "any_yet", lambda home: True)
    monkeypatch.setattr(one_shot, "once", lambda settings, work, **_: asyncio.run(work(None)))
    for order, ids in (([], [1, 2, 3]), (["date"], [2, 1, 3]), (["size"], [1, 3, 2]), (["name"], [2, 1, 3])):
        to, told, _ = console()
        options = ["--sort", *order] if order else []
        assert cli.run(["find", "CR3", "--json", *options], to) == Exit.WELL
        assert [file["id"] for file in json.loads(told.getvalue())] == ids, order


def test_in_a_pipe_paths_are_whole_and_one_long_path_widens_no_other_row() -> None:
    out, told = pipe()
    find._list([one_of(1, "DCIM/IMG_0001.CR3"), one_of(2, LONG), one_of(3, "DCIM/IMG_0003.CR3")], out)
    head, first, long, third = told.getvalue().splitlines()
    assert LONG in long
    assert max(map(cells, (head, first, third))) < 160
    assert first.endswith("/nas/locations/mill-creek/data/2025/2025-12-05/IMG_0001.CR3")
    out, told = pipe(COLUMNS="80")
    find._list([one_of(2, LONG)], out)
    assert max(map(cells, told.getvalue().splitlines())) <= 80
