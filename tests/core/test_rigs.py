"""The rigs must be right before anything measured with them can be believed."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.rigs import cards, counting, media, trees
from tests.rigs.engines import until
from tests.tui.app.terminal import terminal

pytestmark = pytest.mark.process

needs_strace = pytest.mark.skipif(sys.platform != "linux", reason="strace is Linux only")

NAMES = ("plain.jpg", 'two\nlines "q" <5> \\x41.jpg', "latin-\udce9.jpg")

CHILD = """
import os, sys, mmap, subprocess
source, target = map(os.fsencode, sys.argv[1:3])
for name in sorted(os.listdir(source)):
    path = os.path.join(source, name)
    with open(path, "rb", buffering=0) as file:
        file.read(1000)
        os.pread(file.fileno(), 500, 0)
        out = os.open(os.path.join(target, name), os.O_CREAT | os.O_WRONLY)
        os.sendfile(out, file.fileno(), 0, 300)
        os.copy_file_range(file.fileno(), out, 200, 0)
        os.close(out)
    subprocess.run(["cat", path], stdout=subprocess.DEVNULL, check=True)
"""

SPOILER = """
import os, sys
source = os.fsencode(sys.argv[1])
folder = os.open(source, os.O_RDONLY)
os.close(os.open(b"plain.jpg", os.O_RDWR, dir_fd=folder))
os.utime(b"plain.jpg", ns=(1, 1), dir_fd=folder)
os.chmod(source + b"/plain.jpg", 0o600)
os.mkdir(b"new", dir_fd=folder)
os.rename(b"new", b"newer", src_dir_fd=folder, dst_dir_fd=folder)
os.setxattr(source + b"/plain.jpg", b"user.x", b"1")
os.link(source + b"/plain.jpg", sys.argv[2] + "/linked.jpg")
"""

STEADY = """
import os, signal, sys, time
def end(*_):
    print(time.time(), flush=True)
    sys.exit(3)
signal.signal(signal.SIGINT, end)
file = os.open(sys.argv[1] + "/plain.jpg", os.O_RDONLY)
print("ready", flush=True)
while True:
    os.pread(file, 10, 0)
    time.sleep(0.01)
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A source with three files of 4,000 bytes under awkward names, and an empty target."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    for name in NAMES:
        (source / name).write_bytes(os.urandom(4000))
    return source, target


@needs_strace
def test_counts_every_byte_read_and_nothing_else(folders: tuple[Path, Path]) -> None:
    source, target = folders
    trace = counting.run_traced([sys.executable, "-c", CHILD, str(source), str(target)])
    assert trace.exit_code == 0
    count = trace.bytes_read_by_file([os.fsencode(source)])
    per_file = 1000 + 500 + 300 + 200 + 4000
    assert count == {os.fsencode(source / name): per_file for name in NAMES}
    assert trace.bytes_read([os.fsencode(target)]) == 0
    assert trace.changes([os.fsencode(source)]) == []
    assert {call.name for call in trace.changes([os.fsencode(target)])} == {
        "openat",
        "sendfile",
        "copy_file_range",
    }


@needs_strace
def test_memory_maps_count_in_full(folders: tuple[Path, Path]) -> None:
    source, _ = folders
    program = "import mmap, os, sys; mmap.mmap(os.open(sys.argv[1], 0), 0, prot=mmap.PROT_READ)"
    argv = [sys.executable, "-c", program, str(source / "plain.jpg")]
    assert counting.bytes_read(argv, [os.fsencode(source)]) == 4000


@needs_strace
def test_sees_everything_that_changes_a_source(folders: tuple[Path, Path]) -> None:
    source, target = folders
    trace = counting.run_traced([sys.executable, "-c", SPOILER, str(source), str(target)])
    assert trace.exit_code == 0
    names = [call.name for call in trace.changes([os.fsencode(source)])]
    assert len(names) == 7
    assert names[0] == "openat"
    assert {"utimensat", "setxattr"} < set(names)
    assert len(trace.changes([os.fsencode(source / "plain.jpg")])) == 5


@needs_strace
def test_a_command_can_be_stopped_and_its_silence_shown(folders: tuple[Path, Path]) -> None:
    source, _ = folders
    roots = [os.fsencode(source)]
    with counting.Tracing([sys.executable, "-c", STEADY, str(source)]) as tracing:
        assert tracing.process.stdout is not None
        assert tracing.process.stdout.readline() == b"ready\n"
        ready = time.time()
        time.sleep(0.3)
        tracing.tracee().send_signal(signal.SIGINT)
        trace = tracing.finish()
    assert trace.exit_code == 3
    assert trace.activity(roots, ready)
    # By its own word: how long a signal takes to reach it is not known.
    assert not trace.activity(roots, float(tracing.stdout))


def test_what_a_program_writes_last_is_read_also_when_it_has_ended_before() -> None:
    with terminal(command=("/bin/sh", "-c", "echo ready; read line; echo last words")) as shown:
        shown.until(b"ready")
        shown.type(b"\n")
        until(lambda: psutil.Process(shown.pid).status() == psutil.STATUS_ZOMBIE)
        assert shown.ended() == 0
        assert b"last words" in shown.written


def test_a_call_cut_short_by_a_kill_is_kept() -> None:
    call = counting.parse(r'1700000000.5 openat(AT_FDCWD<\x2f\x74>, "\x61", O_RDWR|O_CREAT <unfinished ...>')
    assert call is not None
    assert (call.result, call.changed) == (-1, (b"/t/a",))


def test_the_hostile_tree_is_what_its_manifest_says(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path / "one")
    manifest = trees.hostile_tree(root)
    again = trees.hostile_tree(os.fsencode(tmp_path / "two"))
    assert {path: entry.sha256 for path, entry in manifest.items()} == {
        path: entry.sha256 for path, entry in again.items()
    }
    found = set()
    for folder, subfolders, files in os.walk(root):
        below = [os.path.relpath(os.path.join(folder, name), root) for name in [*files, *subfolders]]
        found |= {path for path in below if path in manifest or not os.path.isdir(os.path.join(root, path))}
    thrown_away = {path for path in found if path not in manifest}
    assert {os.path.basename(path) for path in thrown_away} == {b"thrown away.jpg"}
    assert found - thrown_away == set(manifest)
    for path, entry in manifest.items():
        if entry.outcome == "regular":
            assert trees.sha256_file(os.path.join(root, path)) == entry.sha256
            assert os.lstat(os.path.join(root, path)).st_mtime_ns == entry.mtime_ns
    assert max(path.count(b"/") for path in manifest) > 40
    assert sum(path.startswith(b"wide/") for path in manifest) == trees.WIDE_FILES
    if sys.platform == "linux":
        assert {os.path.basename(path) for path in manifest} >= set(trees.STRANGE_NAMES)


def test_sets_hold_distinct_content_of_one_size(tmp_path: Path) -> None:
    manifest = trees.flat_set(os.fsencode(tmp_path / "flat"), 50, 3000, per_folder=20)
    assert len(trees.contents(manifest)) == 50
    assert {entry.size for entry in manifest.values()} == {3000}
    assert len(os.listdir(tmp_path / "flat")) == 3
    assert len(trees.contents(trees.equal_size_tree(os.fsencode(tmp_path / "equal"), 5, 100))) == 5
    assert len(trees.contents(trees.flat_set(os.fsencode(tmp_path / "tiny"), 300, 16))) == 300


def test_every_card_has_its_files(tmp_path: Path) -> None:
    for maker, paths in cards.CARDS.items():
        manifest = cards.card_tree(os.fsencode(tmp_path / maker), maker)
        assert len(trees.contents(manifest)) == sum(not path.endswith("/") for path in paths)


def test_real_media_is_made(tmp_path: Path) -> None:
    made = media.make_media(os.fsencode(tmp_path))
    assert sorted(made) == sorted(os.fsencode(path) for path in tmp_path.iterdir())
    sizes = {os.path.basename(path): os.path.getsize(path) for path in made}
    assert [name for name, size in sizes.items() if size == 0] == [b"empty.jpg"]
    assert 0 < sizes[b"cut short.mp4"] < sizes[b"clip.mp4"]


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(media.MissingToolError, match="ffmpeg is not installed"):
        media.make_media(os.fsencode(tmp_path))
