"""Importing a card again is idempotent across a change of time zone, which moves every time on exFAT."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.archives.dedup import Dedup
from tests.core.importing.rig import random_bytes, write
from tests.faults import scene
from tests.rigs import disks, machines
from tests.rigs.disks import Disk

pytestmark = machines.root

HOME, AWAY = "UTC", "Asia/Tokyo"


@contextmanager
def zone(name: str) -> Iterator[None]:
    """The machine is in this time zone: programs that are started meanwhile, and this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", name)
        time.tzset()
        try:
            yield
        finally:
            patch.undo()
            time.tzset()


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Disk]:
    """An exFAT card with pictures from September."""
    with disks.disk(tmp_path, "exfat", mount=False) as disk:
        with zone(HOME):
            disk.mount()
            for number in range(6):
                path = write(disk.path / f"DCIM/100CANON/IMG_{number:04}.JPG", random_bytes(20_000, number))
                os.utime(path, (1_757_000_000 + number, 1_757_000_000 + number))
            disk.unmount()
        yield disk


def times(disk: Disk) -> list[int]:
    return sorted(path.stat().st_mtime_ns for path in disk.path.rglob("*.JPG"))


async def twice(card: Disk, tmp_path: Path) -> int:
    """Import the card at home and again away; how many files were archived then."""
    async with scene.engine_at(tmp_path, archive=tmp_path / "archive") as rig:
        with zone(HOME):
            card.mount()
            before = times(card)
            scene.check_safe(await scene.imported(rig, source=card.path))
            card.unmount()
        shift(card)
        with zone(AWAY):
            card.mount()
            assert times(card) != before, "the times did not move"
            view = await scene.imported(rig, source=card.path)
            scene.check_safe(view)
            card.unmount()
        assert len(rig.payload()) == 6
        return view.archived.files


def shift(card: Disk) -> None:
    """The clock of another zone, for a driver that knows of none: every time is nine hours off."""
    card.mount()
    for path in card.path.rglob("*.JPG"):
        facts = path.stat()
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + 9 * 3600 * 10**9))
    card.unmount()


@pytest.mark.promise(19)
async def test_nothing_is_archived_twice(card: Disk, tmp_path: Path) -> None:
    assert await twice(card, tmp_path) == 0


@pytest.mark.control(19)
async def test_control_names_and_times_alone_would_archive_all_again(
    card: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(self: Dedup, *_: object) -> dict[int, object]:
        return {}

    monkeypatch.setattr(Dedup, "known_items", nothing)
    assert await twice(card, tmp_path) == 6
