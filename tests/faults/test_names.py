"""Names that are one name to another file system are all kept."""

import os
import unicodedata
from pathlib import Path

import pytest

from core.models import RestoreOptions
from core.paths import display, portable
from tests.core.importing.rig import random_bytes, write
from tests.faults import scene
from tests.faults.scene import Rig
from tests.rigs import disks, machines, sabotage

pytestmark = machines.root

ACUTE = "Zo\u00eb"
NAMES = (
    "IMG_0001.JPG",
    "img_0001.jpg",
    "Img_0001.Jpg",
    unicodedata.normalize("NFC", f"{ACUTE}.jpg"),
    unicodedata.normalize("NFD", f"{ACUTE}.jpg"),
    "stra\u00dfe.jpg",
    "STRASSE.jpg",
    "a/B.jpg",
    "A/b.jpg",
    "trailing.jpg ",
    "trailing.jpg.",
    "con.jpg",
)
"""Pairs that exFAT, SMB or APFS take for one, and names that they do not take at all."""


async def _check_kept(rig: Rig) -> None:
    """Every name is archived with its own content, and stands in the receipt."""
    name = await rig.begun()
    scene.check_safe(await scene.ended(rig, name))
    rows = await rig.rows(name)
    assert {os.fsdecode(path) for path in rows} == set(NAMES)
    text = rig.receipts()[0].read_text()
    for path, row in rows.items():
        source = rig.source / os.fsdecode(path)
        assert (rig.archive / row.payload).read_bytes() == source.read_bytes()
        assert f"  {display(path)}  -> {row.payload}" in text
    assert len(rig.payload()) == len(NAMES)


@pytest.mark.promise(20)
@pytest.mark.parametrize("kind", ["ext4", "exfat"])
async def test_names_that_collide_are_all_kept(tmp_path: Path, kind: str) -> None:
    with disks.disk(tmp_path, kind) as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            for number, name in enumerate(NAMES):
                write(rig.source / name, random_bytes(5_000, number))
            await _check_kept(rig)


@pytest.mark.promise(20)
async def test_locations_whose_names_collide_stay_one_or_apart(tmp_path: Path) -> None:
    """By case they are one location; what only looks alike in ASCII gets folders of its own."""
    with disks.disk(tmp_path, "exfat") as disk:
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            for number, name in enumerate(("Basel", "BASEL", "B\u00e4sel", "Ba sel")):
                write(rig.source / "a.jpg", random_bytes(5_000, number))
                scene.check_safe(await scene.imported(rig, location=name))
            assert len(list(rig.archive.glob("locations/*"))) == 3
            assert await scene.check_claims(rig) == 4


@pytest.mark.control(20)
async def test_control_a_listing_that_folds_names_loses_some(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "exfat") as disk, sabotage.broken(tmp_path / "broken", "folds names"):
        async with scene.engine_at(tmp_path, archive=disk.path / "archive") as rig:
            for number, name in enumerate(NAMES):
                write(rig.source / name, random_bytes(5_000, number))
            with pytest.raises(AssertionError):
                await _check_kept(rig)


UNHELD = ("a:b.jpg", "what?/x*.jpg", 'say "x".jpg', "pipe|.jpg", "back\\slash.jpg", "tab\there.jpg")


@pytest.mark.promise(42)
async def test_names_that_a_disk_cannot_hold_are_restored_encoded(tmp_path: Path) -> None:
    with disks.disk(tmp_path, "exfat") as disk:
        async with scene.engine_at(tmp_path) as rig:
            for number, name in enumerate((*UNHELD, "plain.jpg", "PLAIN.JPG")):
                write(rig.source / name, random_bytes(5_000, number))
            view = await scene.imported(rig)
            target = disk.path / "out"
            found = await rig.engine.restore_check.restore(view.id, str(target), lambda *_: None)
            assert (found.restored.files, found.renamed_count) == (2, 1)
            # The folder, too, cannot be made.
            assert found.failed_count == len(UNHELD) + 1
            assert all("--portable" in why for _, why in found.failed)
            found = await rig.engine.restore_check.restore(
                view.id, str(target), lambda *_: None, RestoreOptions(portable=True)
            )
            assert (found.restored.files, found.there.files) == (len(UNHELD), 2)
            assert (found.encoded_count, found.failed) == (len(UNHELD), ())
            for name in UNHELD:
                held = target / os.fsdecode(portable(os.fsencode(name)))
                assert held.read_bytes() == (rig.source / name).read_bytes()
