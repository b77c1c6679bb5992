"""Which file belongs to which, in the catalog, for the cards of each maker."""

import os

import pytest

from core.models import Verdict
from tests.core.importing.rig import Rig, write
from tests.rigs.cards import CARDS, Maker, card_tree
from tests.rigs.layouts import LAYOUTS, lines

pytestmark = pytest.mark.process

EXPECTED: dict[Maker, set[tuple[str, str, str]]] = {
    "canon": {
        ("100CANON/IMG_0001.JPG", "100CANON/IMG_0001.CR3", "raw_pair"),
        ("100CANON/IMG_0001.XMP", "100CANON/IMG_0001.CR3", "sidecar"),
        ("100CANON/IMG_0001.CR3.xmp", "100CANON/IMG_0001.CR3", "sidecar"),
        ("100CANON/IMG_0001.WAV", "100CANON/IMG_0001.CR3", "voice_memo"),
        ("100CANON/IMG_0002.JPG", "100CANON/IMG_0002.CR3", "raw_pair"),
        ("100CANON/MVI_0003.THM", "100CANON/MVI_0003.MP4", "thumbnail"),
        ("101CANON/IMG_0001.JPG", "101CANON/IMG_0001.CR3", "raw_pair"),
    },
    "sony": {
        ("CLIP/C0001M01.XML", "CLIP/C0001.MP4", "metadata"),
        ("CLIP/C0002M01.XML", "CLIP/C0002.MP4", "metadata"),
        ("SUB/C0001S03.MP4", "CLIP/C0001.MP4", "proxy"),
        ("SUB/C0002S03.MP4", "CLIP/C0002.MP4", "proxy"),
        ("THMBNL/C0001T01.JPG", "CLIP/C0001.MP4", "thumbnail"),
        ("THMBNL/C0002T01.JPG", "CLIP/C0002.MP4", "thumbnail"),
        ("100MSDCF/DSC00001.JPG", "100MSDCF/DSC00001.ARW", "raw_pair"),
    },
    "gopro": {
        ("100GOPRO/GX020001.MP4", "100GOPRO/GX010001.MP4", "chapter"),
        ("100GOPRO/GX030001.MP4", "100GOPRO/GX010001.MP4", "chapter"),
        ("100GOPRO/GL010001.LRV", "100GOPRO/GX010001.MP4", "proxy"),
        ("100GOPRO/GL020001.LRV", "100GOPRO/GX020001.MP4", "proxy"),
        ("100GOPRO/GL030001.LRV", "100GOPRO/GX030001.MP4", "proxy"),
        ("100GOPRO/GX010001.THM", "100GOPRO/GX010001.MP4", "thumbnail"),
        ("100GOPRO/GX020001.THM", "100GOPRO/GX020001.MP4", "thumbnail"),
        ("100GOPRO/GX030001.THM", "100GOPRO/GX030001.MP4", "thumbnail"),
        ("100GOPRO/GL010002.LRV", "100GOPRO/GH010002.MP4", "proxy"),
        ("100GOPRO/GH010002.THM", "100GOPRO/GH010002.MP4", "thumbnail"),
        ("100GOPRO/GOPR0003.JPG", "100GOPRO/GOPR0003.GPR", "raw_pair"),
    },
    "dji": {
        ("100MEDIA/DJI_0001.SRT", "100MEDIA/DJI_0001.MP4", "sidecar"),
        ("100MEDIA/DJI_0001.LRF", "100MEDIA/DJI_0001.MP4", "proxy"),
        ("100/DJI_0001.THM", "100MEDIA/DJI_0001.MP4", "thumbnail"),
        ("100/DJI_0001.SCR", "100MEDIA/DJI_0001.MP4", "thumbnail"),
        ("100MEDIA/DJI_0002.JPG", "100MEDIA/DJI_0002.DNG", "raw_pair"),
        ("DJI_001/DJI_20240501101010_0001_D.SRT", "DJI_001/DJI_20240501101010_0001_D.MP4", "sidecar"),
        ("DJI_001/DJI_20240501101010_0001_D.LRF", "DJI_001/DJI_20240501101010_0001_D.MP4", "proxy"),
    },
    "apple": {
        ("100APPLE/IMG_0001.AAE", "100APPLE/IMG_0001.HEIC", "sidecar"),
        ("100APPLE/IMG_E0001.JPG", "100APPLE/IMG_0001.HEIC", "edit"),
        ("100APPLE/IMG_O0001.AAE", "100APPLE/IMG_0001.HEIC", "sidecar"),
        ("101APPLE/IMG_E1001.HEIC", "101APPLE/IMG_1001.HEIC", "edit"),
    },
    "avchd": {
        ("CLIPINF/00000.CPI", "STREAM/00000.MTS", "metadata"),
        ("CLIPINF/00001.CPI", "STREAM/00001.MTS", "metadata"),
    },
}


async def links(rig: Rig) -> set[tuple[str, str, str]]:
    """(file, owner, role), the last two parts of each path."""
    rows = await rig.engine.database.read(
        "SELECT f.path, o.path, role FROM link JOIN file f ON f.id = file_id JOIN file o ON o.id = owner_id"
    )
    return {(_tail(file), _tail(owner), role) for file, owner, role in rows}


def _tail(path: bytes) -> str:
    return "/".join(os.fsdecode(path).split("/")[-2:])


@pytest.mark.parametrize("maker", list(CARDS))
async def test_owners_and_roles(rig: Rig, maker: Maker) -> None:
    manifest = card_tree(os.fsencode(rig.source), maker)
    view = await rig.imported()
    assert (view.archived.files, view.verdict) == (len(manifest), Verdict.SAFE)
    found = await links(rig)
    if maker == "apple":
        # What Photos calls an original's edit list may go by either name.
        found = {(file, owner, "sidecar" if file.endswith("O0001.AAE") else role) for file, owner, role in found}
    assert found == EXPECTED[maker]


async def test_links_are_of_one_import(rig: Rig) -> None:
    card_tree(os.fsencode(rig.source / "a"), "canon")
    card_tree(os.fsencode(rig.source / "b"), "canon", seed=9)
    first = await rig.imported(rig.source / "a")
    await rig.imported(rig.source / "b")
    rows = await rig.engine.database.read(
        "SELECT count(*) FROM link JOIN file f ON f.id = file_id JOIN file o ON o.id = owner_id "
        "WHERE f.import_id != o.import_id"
    )
    assert rows == [(0,)]
    assert len(await links(rig)) == len(EXPECTED["canon"])
    assert first.verdict is Verdict.SAFE


async def test_layouts_of_all_makers(rig: Rig) -> None:
    expected: set[tuple[str, str, str]] = set()
    count = 0
    for layout in LAYOUTS:
        for path, role, owner in {line for take in (1, 2) for line in lines(layout, take)}:
            write(rig.source / layout / path, f"{layout} {path}".encode())
            count += 1
            if role:
                expected.add((f"{layout}/{path}", f"{layout}/{owner}", role))
    view = await rig.imported()
    assert (view.archived.files, view.verdict) == (count, Verdict.SAFE)
    rows = await rig.engine.database.read(
        "SELECT f.path, o.path, role FROM link JOIN file f ON f.id = file_id JOIN file o ON o.id = owner_id"
    )
    root = os.fsencode(rig.source.name) + b"/"
    found = [
        (os.fsdecode(file.rpartition(root)[2]), os.fsdecode(owner.rpartition(root)[2]), role)
        for file, owner, role in rows
    ]
    assert len(found) == len(set(found))
    assert set(found) == expected
