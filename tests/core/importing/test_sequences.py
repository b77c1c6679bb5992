"""Films that are kept as numbered pictures: one thumbnail, one row, however many frames."""

import os
import shutil
from pathlib import Path

import pytest

from core.catalog import file_list, item_details
from core.listings import FileView
from core.models import RestoreOptions
from tests.core.importing.rig import Rig, write

pytestmark = pytest.mark.process

COUNT, PHOTOS = 300, 60
GONE = (7, 8, 20)


def film(folder: Path, pattern: str, count: int = COUNT) -> None:
    for number in range(count):
        if number not in GONE:
            write(folder / (pattern % number), f"{folder} {pattern} {number}".encode())


async def listed(rig: Rig, name: str = "", text: str = "") -> list[FileView]:
    total, more, files = await file_list.page(rig.engine.database.read, name, (), text, 0)
    assert (total, more) == (len(files), False)
    return files


async def jobs(rig: Rig) -> dict[str, int]:
    return dict(await rig.engine.database.read("SELECT queue, count(*) FROM job GROUP BY queue"))


async def test_a_film_in_pictures_is_one(rig: Rig, tmp_path: Path) -> None:
    film(rig.source / "A001R1AB/A001C001_250801_R1AB/2880x1620", "A001C001_250801_R1AB.%07d.ari")
    film(rig.source / "A001_C002", "A001_C002_%06d.dng")
    film(rig.source / "few", "shot.%04d.exr", 24)
    for number in range(PHOTOS):
        write(rig.source / f"DCIM/100LEICA/L1{number:06d}.DNG", b"photo %d" % number)
    view = await rig.imported()
    assert view.archived.files == 2 * (COUNT - 3) + 21 + PHOTOS
    alone = 21 + PHOTOS
    assert await jobs(rig) == {
        "exiftool": 2 + alone,
        "thumbnail": 2 + alone,
        "live_photo": 1,
        "location_stats": 1,
        "bagit": 1,
    }
    files = await listed(rig, view.id)
    assert len(files) == 2 + alone
    told = {file.path: file.sequence for file in files if file.sequence}
    assert told == {
        "A001R1AB/A001C001_250801_R1AB/2880x1620/A001C001_250801_R1AB.0000000.ari": (
            "frames 0–299, 3 missing: 7–8, 20"
        ),
        "A001_C002/A001_C002_000000.dng": "frames 0–299, 3 missing: 7–8, 20",
    }
    assert len(await listed(rig, text="A001_C002")) == 1
    first = next(file for file in files if file.path.endswith(".ari"))
    known = dict(await file_list.details(rig.engine.database.read, first.id))
    assert known["film"] == "frames 0–299, 3 missing: 7–8, 20"
    read = rig.engine.database.read
    for name, links in (
        ("A001_C002_000000.dng", (("film", "frames 0–299, 3 missing: 7–8, 20"),)),
        ("A001_C002_000001.dng", (("frame of", "A001_C002/A001_C002_000000.dng"),)),
    ):
        (id,) = await item_details.find(read, name, os.fsencode(rig.root / name))
        assert (await item_details.item(read, id, raw=False)).originals[0].links == links
    # A later import of more frames: the film is that of its own import.
    for number in GONE:
        write(rig.source / f"A001_C002/A001_C002_{number:06d}.dng", b"late %d" % number)
    await rig.imported()
    assert (await jobs(rig))["thumbnail"] == 2 + alone
    # Rebuilt from the archive alone, it is the same.
    await rig.restarted("another home")
    shutil.rmtree(rig.root / "home")
    await rig.engine.maintenance.rebuild(str(rig.archive), lambda done, total: None)
    assert {file.path: file.sequence for file in await listed(rig, view.id) if file.sequence} == told
    assert (await jobs(rig))["thumbnail"] == 2 + alone
    await rig.engine.maintenance.derive(str(rig.archive))
    assert (await jobs(rig))["thumbnail"] == 2 + alone
    # By date, a film's frames stay in a folder of their own.
    out = tmp_path / "out"
    await rig.engine.restore_check.restore(
        view.id, str(out), lambda done, total: None, RestoreOptions(by_date=True)
    )
    assert len(list((out / "A001_C002").iterdir())) == COUNT - 3
    assert len(list(out.glob("2*/*/few/*.exr"))) == 21
