"""The source is never written: not even asked to be."""

import hashlib
from pathlib import Path

import pytest

from tests.core.importing.rig import state
from tests.faults import scene
from tests.rigs import counting, disks, importing, machines, sabotage

pytestmark = machines.root


def _traced(root: Path, source: Path) -> counting.Trace:
    argv = importing.command(str(root / "home"), str(root / "archive"), str(source))
    trace = counting.run_traced(argv, cwd=importing.ROOT)
    assert trace.exit_code == 0
    return trace


def _untouched(trace: counting.Trace, source: Path) -> None:
    changes = trace.changes([bytes(source)])
    assert changes == [], f"{changes[0].name}({changes[0].arguments})"


@pytest.mark.promise(1)
@pytest.mark.parametrize("kind", ["ext4", "exfat"])
def test_a_card_is_the_same_bit_for_bit_afterwards(tmp_path: Path, kind: str) -> None:
    with disks.disk(tmp_path, kind) as disk:
        contents = scene.pictures(disk.path / "DCIM", 50)
        disk.remount(read_only=True)
        before = hashlib.sha256(disk.image.read_bytes()).digest()
        _untouched(_traced(tmp_path, disk.path), disk.path)
        assert scene.check_final_names(tmp_path / "archive") == len(contents)
        disk.unmount()
        assert hashlib.sha256(disk.image.read_bytes()).digest() == before


@pytest.mark.promise(1)
def test_a_source_that_could_be_written_is_not(tmp_path: Path) -> None:
    source = tmp_path / "card"
    scene.pictures(source, 20)
    scene.pictures(source / "large", 1, 9 << 20)
    before = state(source)
    _untouched(_traced(tmp_path, source), source)
    assert state(source) == before


@pytest.mark.control(1)
def test_control_a_write_mode_open_is_seen(tmp_path: Path) -> None:
    source = tmp_path / "card"
    scene.pictures(source, 3)
    with sabotage.broken(tmp_path / "broken", "writes the source"):
        trace = _traced(tmp_path, source)
    with pytest.raises(AssertionError, match="O_RDWR"):
        _untouched(trace, source)
