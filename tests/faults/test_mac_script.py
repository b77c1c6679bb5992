"""The script for a Mac runs from its beginning to its end, with programs that stand for Apple's (Linux)."""

import base64
import getpass
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults import mac
from tests.rigs import disks
from tests.rigs.engines import swept

SCRIPT = Path(__file__).with_name("mac.sh")

PROGRAMS = {
    "uname": '[ "${1:-}" = -m ] && echo arm64 || echo Darwin',
    "sw_vers": "echo 15.4",
    "scutil": "echo Adas Mac",
    "plutil": "exit 0",
    "sudo": '[ "$1" = -n ] && shift; exec "$@"',
    # The engine flushes, too, and other programs do: what it must not be asked for, and what must not be counted.
    "fs_usage": """
        [[ "$*" =~ \\ -e\\ [1-9][0-9]*$ ]] || exit 1
        printf '10:00:00.0  fcntl  F=5  <FULLFSYNC>  0.1  mds.77\\n%.0s' 1 2 3
        printf '10:00:00.0  fcntl  F=5  <FULLFSYNC>  0.1  python3.11.%s\\n' 1 2
        printf '10:00:00.0  fcntl  F=5  <CACHING OFF>  0.1  python3.11.1\\n'; exec sleep 60""",
    # A share is a folder, which is moved away when it is unmounted.
    "mount_smbfs": """
        [ ! -d "$2.away" ] || { rmdir "$2" && mv "$2.away" "$2"; }""",
    "umount": """
        [ "${1:-}" = -f ] || exec $(PATH=/usr/bin:/bin command -v umount) "$@"
        mv "$2" "$2.away" && mkdir "$2" """,
    "pmset": 'echo "   PreventUserIdleSystemSleep     1"\n'
    'echo "   pid 815(caffeinate): [0x0000a] 00:00:01 PreventUserIdleSystemSleep named: \\"caffeinate\\""',
    # A job that says something where its output goes.
    "launchctl": """
        [ "$1" = bootstrap ] || exit 0
        out=$(sed -n 's|.*<string>\\(.*job.out\\)</string>.*|\\1|p' "$3" | head -1)
        echo "policy 1, XPC_SERVICE_NAME lading.probe" >"$out" """,
    # For root an image is one, with a file system of its own; LADINGAPFS, and every one for others, is a folder.
    "hdiutil": """
        for last; do :; done
        name=$(basename "$last" .sparseimage)
        [ "$(id -u)" = 0 ] && [ "$name" != LADINGAPFS ] && real=yes
        case "$*" in
        create*) [ -z "$real" ] || { truncate -s 1G "$last.sparseimage" &&
            mkfs.ext4 -q -F -O ^has_journal -L "$name" "$last.sparseimage"; } ;;
        attach*) mkdir -p "$MAC_VOLUMES/$name"
            [ -z "$real" ] || mount -o loop "$last" "$MAC_VOLUMES/$name" || exit
            case "$real $*" in yes*-readonly*) mount -o remount,bind,ro "$MAC_VOLUMES/$name" ;; esac ;;
        detach*-force*) [ -z "$real" ] || umount -l "$last" ;;
        detach*) [ -z "$real" ] || umount "$last" ;;
        esac""",
    "diskutil": """
        case $1 in
        unmount) mv "$3" "$3.away"; echo "$3" >"$MAC_VOLUMES/.away" ;;
        mount) gone=$(cat "$MAC_VOLUMES/.away"); mv "$gone.away" "$gone" ;;
        apfs) mkdir -p "$MAC_VOLUMES/$5" ;;
        info) echo '{"DeviceIdentifier": "disk5s1", "ParentWholeDisk": "disk5", "APFSPhysicalStores": ""}' ;;
        esac""",
}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in PROGRAMS.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    return folder


@contextmanager
def unmounted(volumes: Path) -> Iterator[None]:
    """Unmount at the end what a script that was stopped has left."""
    try:
        yield
    finally:
        for left in volumes.iterdir():
            if left.is_mount():
                disks.unmount(left, lazy=True)


@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform != "linux", reason="on a Mac it is run itself")
def test_it_runs_to_its_end_and_its_report_has_no_names(tmp_path: Path, programs: Path) -> None:
    volumes, report = tmp_path / "volumes", tmp_path / "report.txt"
    volumes.mkdir()
    environ = {
        **os.environ,
        "LC_ALL": "C.UTF-8",
        "PATH": f"{programs}:{os.environ['PATH']}",
        "MAC_VOLUMES": str(volumes),
        "MAC_LADING": str(Path(sys.executable).with_name("lading")),
        "MAC_PYTHON": sys.executable,
    }
    with swept(tmp_path / "home"), unmounted(volumes):
        done = subprocess.run(
            [SCRIPT, "--share", "//ada@attic/photos", "--report", report],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
        )
    told = report.read_text()
    lines = dict[str, list[str]]()
    for kind, row, what in re.findall(r"^(PASS|FAIL|FACT|LEFT) +(\S+) +(.*)$", told, re.MULTILINE):
        lines.setdefault(row, []).append(f"{kind} {what}")
    # A card is put in where root can mount one.
    for row in ("2", "3", "8", "10", "12", "15", "11", "13", *(["23"] if os.geteuid() == 0 else [])):
        assert lines[row], (row, told, done.stderr)
        assert not any(line.startswith("FAIL") for line in lines[row]), (lines[row], told, done.stderr)
    assert {"4", "5", "6", "7", "9", "14", "16", "17", "18", "19", "20", "21", "22"} <= set(lines), told
    assert [line.partition(":")[0] for line in lines["19"] if line.startswith("PASS")] == [
        "PASS unmounted by force",
        "PASS mounted again",
    ], told
    # Here is no version of macOS, no resource fork, and no advice for a share: checks of these must see that.
    assert any(line.startswith("FAIL doctor names macOS") for line in lines["22"])
    assert "FAIL its fork is kept whole" in lines["16"]
    assert "FAIL its advice is to mount the share in the Finder" in lines["19"]
    assert f"{told.count('PASS ')} passed, {told.count('FAIL ')} failed." in told
    for name in (socket.gethostname(), "Adas Mac", "attic"):
        assert not re.search(rf"\b{re.escape(name)}\b", told)
    assert done.returncode == (1 if "FAIL " in told else 0)


def test_it_is_written_for_the_shell_that_macos_has() -> None:
    bash = shutil.which("bash")
    assert bash
    subprocess.run([bash, "-n", SCRIPT], check=True)
    text = SCRIPT.read_text()
    # What bash has since 4.0.
    assert not re.search(r"\$\{\w+(,,|\^\^|@)|\bmapfile\b|\breadarray\b|declare -A|&>>|\|&", text)


@pytest.mark.parametrize("awake", [True, False])
def test_a_mac_that_may_sleep_is_told_from_one_that_may_not(programs: Path, awake: bool) -> None:
    if not awake:
        (programs / "pmset").write_text('#!/bin/bash\necho "   PreventUserIdleSystemSleep     0"\n')
    (asked,) = re.findall(r"^awake\(\) .*$", SCRIPT.read_text(), re.MULTILINE)
    done = subprocess.run(
        ["bash", "-c", f"{asked}\nawake"], env={"PATH": f"{programs}:{os.environ['PATH']}"}, check=False
    )
    assert (done.returncode == 0) is awake


@pytest.mark.parametrize(
    ("asked", "receipt", "passes"),
    [
        ("inside", "  folder     scans\n", True),
        ("inside", "  folder     ../../scans\n", False),
        ("inside", "", False),
        ("no_medium", "all flushed\n", True),
        ("no_medium", "all read back from the medium\n", False),
        ("no_medium", "", False),
    ],
)
def test_what_a_receipt_must_not_say_is_not_proven_without_one(
    tmp_path: Path, asked: str, receipt: str, passes: bool
) -> None:
    script = SCRIPT.read_text()
    lines = [re.findall(rf"^{name}\(\) .*$", script, re.MULTILINE) for name in ("has_receipt", asked)]
    (tmp_path / "told").write_text(receipt)
    functions = "\n".join(line for (line,) in lines)
    done = subprocess.run(
        ["bash", "-c", f'receipt() {{ cat "$work/told"; }}\n{functions}\n{asked}'],
        env={**os.environ, "work": str(tmp_path)},
        check=False,
    )
    assert (done.returncode == 0) is passes


def test_names_and_serials_stay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "Machine     adas-mac.local (f3c1), Lading 0.1.0\n"
        f"From        {os.path.expanduser('~')}/scans by {getpass.getuser()}\n"
        "uuid:5b0b5b0f-6e7c-3c1e-9e1f-2f6a2f4d1a10 at 10.0.0.12, EOS_DIGITAL\n"
        "/dev/disk4s1 on /Volumes/LADINGFAT (msdos)\n"
    )
    monkeypatch.setattr(sys, "stdin", SimpleInput(text))
    assert mac.blank("EOS_DIGITAL", "") == (
        "Machine     HOST, Lading 0.1.0\n"
        f"From        HOME/scans by {'USER'}\n"
        "uuid:UUID at ADDRESS, NAME\n"
        "/dev/disk4s1 on /Volumes/LADINGFAT (msdos)"
    )


def test_the_advice_of_the_newest_import(monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.dumps([{"started": 2, "advice": "mount it"}, {"started": 1, "advice": "plug it in"}])
    monkeypatch.setattr(sys, "stdin", SimpleInput(told))
    assert mac.advice("mount it") == "mount it"
    with pytest.raises(SystemExit):
        mac.advice("plug it in")


def test_an_attribute_is_kept_whole_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = b'{"xattrs":{"com.apple.ResourceFork":"%s"}}' % base64.b64encode(bytes(100))
    monkeypatch.setattr(sys, "stdin", SimpleInput(line.decode()))
    assert mac.attribute("com.apple.ResourceFork", "100") == "100 bytes"
    for name, size in (("com.apple.ResourceFork", "99"), ("comXapple.ResourceFork", "100")):
        with pytest.raises(SystemExit):
            mac.attribute(name, size)


class SimpleInput:
    def __init__(self, text: str) -> None:
        self._text = text

    def read(self) -> str:
        return self._text
