"""Archives mounted at another place than before, or one at another's: real disks and a real engine process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.models import State, Verdict, Waits
from tests.faults.away import FILES, SIZE, OtherPath, arrived, contents, is_given_back, until_midway, until_state
from tests.rigs import disks, machines, passthrough
from tests.rigs.engines import attached, card, lading, request, soon, swept, the_engine, view
from tests.rigs.passthrough import Switch

pytestmark = [machines.root, pytest.mark.timeout(300)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with swept(tmp_path / "home") as made:
        yield made


@contextmanager
def two_disks(root: Path) -> Iterator[tuple[passthrough.Passthrough, disks.Disk, disks.Disk, Path]]:
    """A card reader, a disk, another one, and another mount point."""
    with (
        passthrough.mounted(root / "reader") as reader,
        disks.disk(root, "ext4", 256 << 20) as disk,
        disks.disk(root / "other", "ext4", 256 << 20) as other,
        OtherPath(root, disk) as path,
    ):
        yield reader, disk, other, path


async def test_an_archive_is_found_at_another_path(tmp_path: Path, home: Path) -> None:
    """Its own volume, and not a copy of the archive on another volume."""
    with two_disks(tmp_path) as (reader, disk, other, path):
        source = card(reader.below / "card", FILES, SIZE)
        reader.set(Switch("read", delay=0.05))
        async with attached(home) as client:
            (name,) = await client.start_imports([request(reader.path / "card", disk.path / "kept/archive")])
            await until_midway(client, name)
            disk.unmount(lazy=True)
            left = await until_state(client, name, State.PAUSED, Waits.ARCHIVE)
            assert str(disk.path) in left.reason
            # Nobody writes to it while it is copied.
            the_engine(home).suspend()
            disks.run("mount", disk.device, str(path))
            disks.run("cp", "-a", str(path / "kept"), str(other.path))
            the_engine(home).resume()
            before = arrived(other.path / "kept/archive")
            assert (await until_state(client, name, State.DONE)).verdict is Verdict.SAFE
            found = await view(client, name)
            assert found.archive == str(path / "kept/archive")
            reader.set()
            await soon(lambda: is_given_back(path / "kept/archive"))
        assert arrived(path / "kept/archive") == contents(source)
        # Where it was before nothing is made.
        assert list(disk.path.iterdir()) == []
        disks.unmount(path)
        # What only reads finds it again, too.
        disk.mount()
        restored = lading(home, "restore", name, str(tmp_path / "restored"))
        assert restored.returncode == 0, restored.stderr
        assert contents(tmp_path / "restored") == contents(source)
        disk.unmount()
        # With the volume away its copy is not written to.
        done = lading(home, "import", str(source), "--archive", str(path / "kept/archive"), "--location", "L")
        assert done.returncode != 0
        assert arrived(other.path / "kept/archive") == before


async def test_what_was_found_elsewhere_once_is_not_forgotten_where_it_was(tmp_path: Path, home: Path) -> None:
    """As the configuration goes on naming that place: no new archive is made below the mount point."""
    with two_disks(tmp_path) as (_, disk, _, path):
        place, first, second, third = disk.path / "archive", *(card(tmp_path / name, 2) for name in "abc")

        def imported(source: Path) -> int:
            given = "--archive", str(place), "--location", "L"
            would = lading(home, "import", str(source), *given, "--dry-run").returncode
            assert lading(home, "import", str(source), *given).returncode == would
            return would

        assert imported(first) == 0
        assert lading(home, "engine", "stop").returncode == 0
        disk.unmount()
        disks.run("mount", disk.device, str(path))
        assert imported(second) == 0
        # It is known by its other path now.
        assert imported(third) == 0
        assert lading(home, "engine", "stop").returncode == 0
        assert arrived(path / "archive") == contents(first) | contents(second) | contents(third)
        disks.unmount(path)
        assert imported(card(tmp_path / "d", 2)) == 4
        assert list(disk.path.iterdir()) == []


async def test_two_archives_at_one_place_in_turn(tmp_path: Path, home: Path) -> None:
    """What belongs to one of them never goes to the other, nor comes from there."""
    with two_disks(tmp_path) as (reader, disk, other, path):
        source, second, third = (
            card(folder, files, SIZE)
            for folder, files in (
                (reader.below / "card", FILES),
                (tmp_path / "second", 4),
                (tmp_path / "third", 4),
            )
        )
        reader.set(Switch("read", delay=0.05))
        async with attached(home) as client:
            await client.wait(await client.start_imports([request(second, other.path / "archive")]))
            await soon(lambda: is_given_back(other.path / "archive"))
            other.unmount()
            (name,) = await client.start_imports([request(reader.path / "card", disk.path / "archive")])
            await until_midway(client, name)
            disk.unmount(lazy=True)
            await until_state(client, name, State.PAUSED, Waits.ARCHIVE)
            disks.run("mount", other.device, str(disk.path))
            await client.wait(await client.start_imports([request(third, disk.path / "archive")]))
            assert (await view(client, name)).state is State.PAUSED
            disks.run("mount", disk.device, str(path))
            assert (await until_state(client, name, State.DONE)).verdict is Verdict.SAFE
            reader.set()
            await soon(lambda: is_given_back(path / "archive"))
        assert arrived(path / "archive") == contents(source)
        assert arrived(disk.path / "archive") == contents(second) | contents(third)
        for place in (path, disk.path):
            disks.unmount(place)
        disks.run("mount", other.device, str(path))
        refused = lading(home, "restore", name, str(tmp_path / "restored"))
        assert refused.returncode != 0
        assert "another archive" in refused.stderr
        disk.mount()
        restored = lading(home, "restore", name, str(tmp_path / "restored"))
        assert restored.returncode == 0, restored.stderr
        assert contents(tmp_path / "restored") == contents(source)
