"""The rigs must really fail as they are told before anything seen with them can be believed."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.files import noreplace
from tests.rigs import disks, machines, passthrough
from tests.rigs.passthrough import Switch
from tests.rigs.seen_cards import seen_below

pytestmark = machines.root

DATA = bytes(range(256)) * 1024


def _error(path: Path) -> int:
    """The errno that writing a file ends with; 0 none."""
    try:
        path.write_bytes(DATA)
    except OSError as error:
        return error.errno or -1
    return 0


def test_what_passes_through_fails_as_it_is_told(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through:
        file = through.path / "a"
        assert _error(file) == 0
        assert (through.below / "a").read_bytes() == DATA
        for spoil in ("corrupt", "lose", "short"):
            through.set(Switch("write", spoil=spoil))
            assert _error(file) == 0
            assert (through.below / "a").read_bytes() != DATA
        for operation in ("write", "flush", "open"):
            through.set(Switch(operation, error=errno.ENOSPC, match="/a"))
            assert _error(file) == errno.ENOSPC
            assert _error(through.path / "b") == 0
        through.set(Switch("fsync", error=errno.EIO, after=1, times=1))
        with open(file, "rb") as opened:
            os.fsync(opened.fileno())
            with pytest.raises(OSError, match="Input/output"):
                os.fsync(opened.fileno())
            os.fsync(opened.fileno())
        through.kill()
        assert _error(file) == errno.ENOTCONN


def test_what_passes_through_is_never_replaced_where_that_is_forbidden(tmp_path: Path) -> None:
    with passthrough.mounted(tmp_path) as through:
        folder = os.open(through.path, os.O_RDONLY)
        try:
            assert noreplace.probe(folder) == noreplace.LINK
            through.set(Switch("link", error=errno.EPERM))
            assert noreplace.probe(folder) == noreplace.LOOK
        finally:
            os.close(folder)


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_a_disk_loses_what_was_not_flushed(tmp_path: Path, kind: str) -> None:
    with disks.disk(tmp_path, kind) as disk:
        for name in ("flushed", "not"):
            (disk.path / name).write_bytes(DATA)
            if name == "flushed":
                disk.flush()
        disk.cut_power()
        disk.remount()
        assert (disk.path / "flushed").read_bytes() == DATA
        assert not (disk.path / "not").exists()


def test_a_bit_that_flips_is_seen_only_past_the_cache(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "ext4") as disk:
        data = os.urandom(1 << 16)
        (disk.path / "a").write_bytes(data)
        disk.flush()
        disk.flip(data[4096:4160])
        assert (disk.path / "a").read_bytes() == data
        disk.remount()
        assert (disk.path / "a").read_bytes() != data


@pytest.mark.parametrize("kind", ["ext4", "exfat"])
def test_a_card_reads_up_to_its_bad_sector(tmp_path: Path, kind: str) -> None:
    with disks.disk(tmp_path, kind) as disk:
        data = os.urandom(1 << 20)
        (disk.path / "a").write_bytes(data)
        disk.remount(read_only=True)
        before = disk.lose_from(disk.place(data[1 << 19 : (1 << 19) + 64]))
        fd = os.open(disk.path / "a", os.O_RDONLY)
        assert os.pread(fd, 4096, 0) == data[:4096]
        with pytest.raises(OSError, match="Input/output"):
            os.pread(fd, 4096, 1 << 19)
        os.close(fd)
        os.truncate(disk.image, before)


def test_memory_is_full_when_it_is(tmp_path: Path) -> None:
    with disks.memory(tmp_path / "memory", "size=128k,nr_inodes=10") as path:
        assert _error(path / "a") == errno.ENOSPC


def test_a_command_sees_nothing_that_other_tests_have_mounted(tmp_path: Path) -> None:
    """No disk image only: a rule for all cards would import from any of them."""
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (mine, theirs):
        folder.mkdir()
    with passthrough.mounted(mine) as own, passthrough.mounted(theirs) as other:
        code = "from core.volumes.mounts import mounts; print(*(one.mount for one in mounts()), sep='\\n')"
        listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert {str(own.path), str(other.path)} <= set(listed.stdout.splitlines())
        environ = {**os.environ, **seen_below(mine)}
        seen = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ
        ).stdout.splitlines()
        assert str(own.path) in seen
        assert str(other.path) not in seen
        assert "/" in seen
