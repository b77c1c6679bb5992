"""A final name is absent or complete, at whichever system call the worker is killed."""

import shutil
from pathlib import Path

import pytest

from core.files import noreplace
from tests.core.importing.rig import random_bytes, write
from tests.faults import scene
from tests.rigs import conversation, injection, machines, sabotage

pytestmark = machines.linux

READING = ("read", "pread64", "preadv2", "lseek", "newfstatat", "getdents64", "fcntl", "flistxattr", "fadvise64")
"""Calls that change nothing, of which the first ones and the last one are enough."""
FEW = 3


def _source(folder: Path) -> int:
    for number in range(3):
        write(folder / f"{number}.jpg", random_bytes(20_000, number))
    write(folder / "3.mov", random_bytes((8 << 20) + 4096, 9))
    return 4


def _killed_everywhere(tmp_path: Path, way: str) -> tuple[int, int]:
    """Kill at each call in turn, and look at every final name; how many kills, and how many names were seen."""
    source, archive, log = tmp_path / "card", tmp_path / "archive", tmp_path / "log"
    files = _source(source)
    kills = names = 0
    with injection.victim(conversation.command(source, archive, way), log) as victim:
        counts = victim.calls()
        assert scene.check_final_names(archive) == files
        for call, count in sorted(counts.items()):
            few = call in READING or (way != noreplace.RENAME and call in ("openat", "close"))
            for number in {*range(1, FEW), count} if few and count > FEW else range(1, count + 1):
                shutil.rmtree(archive)
                kills += victim.killed(call, number)
                names += _whole(archive)
    return kills, names


def _whole(archive: Path) -> int:
    """Every final name is complete, and the journal knows it."""
    count = scene.check_final_names(archive)
    journal = archive / ".lading/imports/import.jsonl"
    known = journal.read_text() if journal.exists() else ""
    for path in archive.glob("locations/*/data/*/*/*"):
        assert path.name in known, f"{path} stands in no journal"
    return count


@pytest.mark.promise(2)
@pytest.mark.parametrize("way", [noreplace.RENAME, noreplace.LINK, noreplace.LOOK])
def test_killed_at_every_call_no_final_name_is_half(tmp_path: Path, way: str) -> None:
    kills, names = _killed_everywhere(tmp_path, way)
    assert kills > 50
    assert names > 10


@pytest.mark.control(2)
def test_control_a_file_that_is_written_under_its_final_name_is_seen_half(tmp_path: Path) -> None:
    with (
        sabotage.broken(tmp_path / "broken", "writes in place"),
        pytest.raises(AssertionError, match="is not whole"),
    ):
        _killed_everywhere(tmp_path, noreplace.RENAME)
