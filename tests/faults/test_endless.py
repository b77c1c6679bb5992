"""What never ends: files that grow while they are read, folders of a million names and more, films of a few
kilobytes that last for weeks."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client.client import Client
from core.derivatives import proxy
from core.derivatives.messages import MakeProxy, OrderRefusedError
from core.models import State, Verdict
from tests.faults import scene
from tests.rigs import disks, endless, machines, making, sabotage
from tests.rigs.engines import attached, request, soon, swept, the_engine, view

pytestmark = [machines.root, pytest.mark.timeout(300)]

MOST = 300
"""MiB that the engine and its workers may take together to list a million entries."""

MILLION = 1_000_000

ROOM = 128 << 20
"""Bytes of the volume that endless files could fill."""


# Files


async def streamed(folder: Path) -> None:
    """Files that never end are read for what they said they have, then once more, and fail; nothing fills up."""
    with endless.mounted(folder / "card") as card, disks.memory(folder / "small", f"size={ROOM}") as small:
        async with scene.engine_at(folder, source=card / endless.STREAMS, archive=small / "archive") as rig:
            done = await scene.imported(rig)
            assert done.state is State.DONE, done.reason
            assert done.verdict is Verdict.KEEP
            reasons = await scene.reasons(rig, done.id)
            assert set(reasons) == {os.fsencode(name) for name in (*endless.GROWS, *endless.RUNS_ON)}
            said = ("changed", "more of it can be read")
            assert all(any(words in reason for words in said) for reason in reasons.values()), reasons
            assert rig.staged() == []


@pytest.mark.promise(24)
async def test_a_file_that_never_ends_fills_nothing(tmp_path: Path) -> None:
    await streamed(tmp_path)


@pytest.mark.control(24)
async def test_control_a_reader_that_waits_for_the_end_fills_the_volume(tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "reads on"), pytest.raises(AssertionError, match="archive is full"):
        await streamed(tmp_path)


# Folders


def memory(home: Path) -> int:
    """MiB that the engine of `home` and all its processes have taken at most, each (proc(5): VmHWM)."""
    found = 0
    engine = the_engine(home)
    for one in (engine, *engine.children(recursive=True)):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{one.pid}/status").read_text().splitlines()
            found += sum(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM:"))
    return found


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a million names of one file."""
    path = tmp_path_factory.mktemp("million")
    with disks.memory(path, f"size=64m,nr_inodes={MILLION + 1000}"):
        (path / "0.JPG").write_bytes(b"one")
        folder = os.open(path, os.O_RDONLY)
        for number in range(1, MILLION):
            os.link("0.JPG", f"IMG_{number:07}.JPG", src_dir_fd=folder, dst_dir_fd=folder)
        os.close(folder)
        yield path


async def listed(folder: Path, million: Path) -> int:
    """How many entries are found in a folder of a million, in memory that is bounded."""
    with swept(folder / "home") as home:
        async with attached(home) as client:
            asked = asyncio.create_task(client.survey([request(million, folder / "archive")]))
            while not (await asyncio.wait([asked], timeout=0.5))[0]:
                assert memory(home) < MOST, "it takes ever more memory"
            assert memory(home) < MOST, "it takes ever more memory"
            (found,) = asked.result()
    return found.new.files


@pytest.mark.promise(24)
async def test_a_million_entries_in_one_folder_take_little_memory(tmp_path: Path, million: Path) -> None:
    assert await listed(tmp_path, million) == MILLION


@pytest.mark.control(24)
async def test_control_a_folder_that_is_listed_at_once_takes_more(tmp_path: Path, million: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "lists at once"), pytest.raises(AssertionError, match="memory"):
        await listed(tmp_path, million)


async def cancelled(folder: Path, patience: float) -> None:
    """A folder that lists for ever is brought in as it is listed, and the import can be cancelled.

    Raises TimeoutError when nothing of it has come after `patience` seconds.
    """
    with endless.mounted(folder / "card") as card, swept(folder / "home") as home:
        async with attached(home) as client:
            (name,) = await client.start_imports([request(card / endless.FOLDER, folder / "archive")])
            async with asyncio.timeout(patience):
                await soon(lambda: some(client, name))
            assert memory(home) < MOST
            await client.cancel_import(name)
            await client.wait([name])
            found = await client.find(name)
    assert (found.state, found.verdict) == (State.CANCELLED, Verdict.KEEP)
    assert 0 < found.archived < found.seen


async def some(client: Client, name: str) -> bool:
    """Whether some files of an import have arrived, of more than are sorted together."""
    now = await view(client, name)
    assert not now.listed
    return now.archived.files > 0 and now.seen.files > 8192


@pytest.mark.promise(24)
async def test_an_endless_folder_is_brought_in_until_that_is_cancelled(tmp_path: Path) -> None:
    await cancelled(tmp_path, 60)


@pytest.mark.control(24)
async def test_control_a_folder_that_is_listed_at_once_never_comes(tmp_path: Path) -> None:
    with sabotage.broken(tmp_path / "broken", "lists at once"), pytest.raises(TimeoutError):
        await cancelled(tmp_path, 15)


# Films

GAP = 60 * 60 * 24 * 7
"""Seconds between the last two frames of a film of a few kilobytes."""


def gapped(folder: Path, gap: int) -> Path:
    """A film of 120 frames, 240 in a second, the last of which comes so many seconds later."""
    plain = making.film(
        folder, "plain.mkv", *making.shown("testsrc=size=64x64:rate=240:duration=0.5"), *making.X264
    )
    late = f"setts=pts=PTS+eq(N\\,119)*{gap * 1000}:dts=DTS+eq(N\\,119)*{gap * 1000}"
    return Path(making.film(folder, "gap.mkv", "-i", plain, "-c", "copy", "-bsf:v", late))


def frames(folder: Path, gap: int) -> int:
    """How many are in the proxy of such a film."""
    path, made = gapped(folder, gap), folder / "made.mp4"
    assert path.stat().st_size < 20_000
    with contextlib.suppress(OrderRefusedError):
        proxy.make(MakeProxy(path=os.fsencode(path), folder=os.fsencode(folder), stem="made"), lambda _: None)
    asked = ("-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0")
    return int(disks.run("ffprobe", *asked, str(made)))


@pytest.mark.promise(24)
def test_a_film_is_given_no_frames_that_it_does_not_have(tmp_path: Path) -> None:
    assert frames(tmp_path, GAP) <= 120


@pytest.mark.control(24)
def test_control_a_gap_that_is_filled_has_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "FEWER", f"fps={proxy.RATE}")
    # A minute only, so that it comes to an end.
    assert frames(tmp_path, 60) > 60 * proxy.RATE
