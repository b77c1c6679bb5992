"""Copies for the system's viewer: never the payload itself, compared, bounded, removed."""

import hashlib
import os
import stat
from pathlib import Path

import pytest

from core.engine import view_copies
from core.errors import ArchiveError, UsageError
from tests.core.importing.conftest import rig
from tests.core.importing.rig import Rig, random_bytes, state, write

__all__ = ["rig"]

pytestmark = pytest.mark.process

DATA = random_bytes(100_000, 1)
SHA = hashlib.sha256(DATA).digest()


async def copied(rig: Rig, data: bytes = DATA, name: str = "DCIM/IMG 0001.JPG") -> Path:
    return Path(await rig.engine.view_copies.of(hashlib.sha256(data).digest(), name))


async def test_it_is_a_read_only_copy_under_the_original_name(rig: Rig) -> None:
    write(rig.source / "DCIM/IMG 0001.JPG", DATA)
    await rig.imported()
    (data,) = rig.archive.glob("locations/*/data")
    before = state(data)
    path = await copied(rig)
    assert (path.name, path.read_bytes()) == ("IMG 0001.JPG", DATA)
    assert path.is_relative_to(rig.root / "home/views")
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert os.listdir(path.parent) == ["IMG 0001.JPG"]
    assert await copied(rig) == path, "it is not copied twice"
    path.chmod(0o600)
    path.write_bytes(b"saved by a viewer")
    again = await copied(rig)
    assert (again.read_bytes(), path.read_bytes()) == (DATA, b"saved by a viewer")
    assert state(data) == before


async def test_damage_is_told_and_recorded_and_not_shown(rig: Rig) -> None:
    write(rig.source / "a.jpg", DATA)
    await rig.imported()
    (payload,) = rig.payload()
    (rig.archive / payload).write_bytes(DATA[:-1] + b"x")
    with pytest.raises(ArchiveError, match="its content is not what was archived"):
        await copied(rig, name="a.jpg")
    assert list((rig.root / "home/views").rglob("*.*")) == []
    ((damage,),) = await rig.engine.database.read("SELECT damage FROM item")
    assert damage


@pytest.mark.parametrize("name", ["run.command", "a.desktop", "page.html", "no ending", "x.jpg/", "../../x.sh"])
async def test_what_the_system_might_run_is_not_opened(rig: Rig, name: str) -> None:
    write(rig.source / "a.jpg", DATA)
    await rig.imported()
    with pytest.raises(UsageError, match="only photos, films and sound"):
        await copied(rig, name=name)
    assert await copied(rig, name="../../-x\n.jpg") == rig.root / f"home/views/{SHA.hex()[:32]}/-x%0A.jpg"


async def test_of_a_large_film_the_proxy_is_copied(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    film = random_bytes(view_copies.PIECE + 7, 3)
    write(rig.source / "a.mov", film)
    write(rig.source / "b.jpg", DATA)
    await rig.imported()
    monkeypatch.setattr(view_copies, "LARGEST_COPY", 5000)
    with pytest.raises(UsageError, match="it has 100,000 bytes"):
        await copied(rig, name="b.jpg")
    proxy = random_bytes(view_copies.PIECE * 2, 4)
    write(rig.archive / ".lading/proxies/ab/x.mp4", proxy)
    await rig.engine.database.run(
        (
            "INSERT OR REPLACE INTO derivative (item_id, role, path, width, height, size, note) "
            "SELECT id, 'proxy', '.lading/proxies/ab/x.mp4', 1, 1, 1, '' FROM item WHERE kind = 'videos'",
            [()],
        )
    )
    for _ in range(2):
        path = await copied(rig, film, "a.mov")
        assert (path.name, path.read_bytes()) == ("a.mov proxy.mp4", proxy)
        assert stat.S_IMODE(path.stat().st_mode) == 0o400


async def test_old_copies_go_with_the_next_one_and_when_an_engine_starts(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = [random_bytes(3000, number) for number in range(3)]
    for number, data in enumerate(contents):
        write(rig.source / f"{number}.jpg", data)
    await rig.imported()
    first, second = [await copied(rig, data, "x.jpg") for data in contents[:2]]
    os.utime(first.parent, (1000, 1000))
    third = await copied(rig, contents[2], "x.jpg")
    assert [path.exists() for path in (first, second, third)] == [False, True, True]
    os.utime(third.parent, (1000, 1000))
    await rig.restarted()
    assert [path.exists() for path in (first, second, third)] == [False, True, False]
    monkeypatch.setattr(view_copies, "KEPT", view_copies.LARGEST_COPY)
    await copied(rig, contents[0], "x.jpg")
    assert [path.exists() for path in (first, second, third)] == [True, False, False]


async def test_an_unknown_content_and_an_archive_that_is_away_are_told(rig: Rig) -> None:
    write(rig.source / "a.jpg", DATA)
    await rig.imported()
    with pytest.raises(UsageError, match="not in an archive"):
        await copied(rig, b"unknown")
    rig.archive.rename(rig.root / "elsewhere")
    with pytest.raises(ArchiveError):
        await copied(rig)
