"""What an import does to its source, counted from outside: one reading, no writing, stillness on pause."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.core.importing.rig import open_files
from tests.rigs import counting, importing, trees

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="strace counts system calls on Linux only"),
]

ALLOWED = 1.01
"""Bytes read for each byte of the source."""


def traced(tmp_path: Path, source: Path) -> counting.Trace:
    """Import `source` under strace."""
    argv = importing.command(str(tmp_path / "home"), str(tmp_path / "archive"), str(source))
    trace = counting.run_traced(argv, cwd=importing.ROOT)
    assert trace.exit_code == 0
    return trace


def size_of(source: Path) -> int:
    return sum(path.stat().st_size for path in source.rglob("*") if path.is_file())


@pytest.mark.parametrize("sizes", ["distinct", "equal", "large"])
def test_every_byte_of_the_source_is_read_once(tmp_path: Path, sizes: str) -> None:
    source = tmp_path / "card"
    if sizes == "equal":
        trees.equal_size_tree(os.fsencode(source), 400, 100_000)
    elif sizes == "large":
        trees.equal_size_tree(os.fsencode(source), 4, 20_000_000)
    else:
        source.mkdir()
        for number in range(300):
            (source / f"IMG_{number:04}.JPG").write_bytes(os.urandom(20_000 + 331 * number))
    trace = traced(tmp_path, source)
    read = trace.bytes_read([os.fsencode(source)])
    assert size_of(source) <= read <= ALLOWED * size_of(source)
    assert trace.changes([os.fsencode(source)]) == []
    assert len(list(importing.payload(str(tmp_path / "archive")))) == len(
        [path for path in source.rglob("*") if path.is_file()]
    )


def test_the_second_import_reads_once_and_writes_no_payload(tmp_path: Path) -> None:
    source = tmp_path / "card"
    trees.equal_size_tree(os.fsencode(source), 50, 100_000)
    trees.equal_size_tree(os.fsencode(source / "video"), 2, 20_000_000)
    importing.finish(str(tmp_path / "home"), str(tmp_path / "archive"), str(source))
    trace = traced(tmp_path, source)
    assert trace.bytes_read([os.fsencode(source)]) <= ALLOWED * size_of(source)
    data = [os.fsencode(path) for path in (tmp_path / "archive" / "locations").glob("*/data")]
    assert data
    assert trace.changes(data) == []


def test_paused_nothing_is_read_or_written(tmp_path: Path) -> None:
    source, archive = tmp_path / "card", tmp_path / "archive"
    trees.equal_size_tree(os.fsencode(source), 4, 256 << 20)
    argv = importing.command(str(tmp_path / "home"), str(archive), str(source))
    with counting.Tracing(argv, cwd=importing.ROOT) as tracing:
        moments: dict[str, float] = {}
        assert tracing.process.stdout is not None
        moments.update([_moment(tracing.process.stdout.readline())])
        while not any(_begun(path) for path in (archive / ".lading" / "staging").glob("*/*/*/*")):
            time.sleep(0.01)
        child = tracing.tracee()
        child.send_signal(signal.SIGUSR1)
        moments.update(_moment(tracing.process.stdout.readline()) for _ in range(2))
        held = [fd for one in child.children() for fd in open_files(one.pid)]
        time.sleep(1)
        child.send_signal(signal.SIGUSR2)
        moments.update([_moment(tracing.process.stdout.readline())])
        trace = tracing.finish()
    assert trace.exit_code == 0
    assert not [path for path in held if path.startswith(str(source))], "the card could not be ejected"
    places = [os.fsencode(source), os.fsencode(archive / ".lading" / "staging")]
    calls = trace.activity(places, moments["paused"])
    assert calls, "it went on afterwards"
    assert [call for call in calls if call.time < moments["resumed"]] == []
    assert len(list(importing.payload(str(archive)))) == 4


def _begun(path: Path) -> bool:
    """Whether there is something in a file; one that was only a trial is gone by now."""
    with suppress(FileNotFoundError):
        return path.stat().st_size > 0
    return False


def _moment(line: bytes) -> tuple[str, float]:
    word, when = line.split()
    return word.decode(), float(when)
