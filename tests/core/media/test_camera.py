"""Cards recognised by the folders a camera makes."""

from collections.abc import Collection

import pytest

from core.media.camera import camera


@pytest.mark.parametrize(
    ("paths", "word"),
    [
        ("DCIM/100CANON DCIM/CANONMSC MISC", "Canon"),
        ("DCIM/100EOSR3 DCIM/CANONMSC MISC", "Canon"),
        ("DCIM/100ND300 NIKON001.DSC", "Nikon"),
        ("dcim/101nikon", "Nikon"),
        ("DCIM/100_PANA PRIVATE/AVCHD", "Panasonic"),
        ("DCIM/100MSDCF PRIVATE/M4ROOT PRIVATE/AVCHD", "Sony"),
        ("DCIM PRIVATE/M4ROOT PRIVATE/SONY", "Sony"),
        ("DCIM/100GOPRO MISC", "GoPro"),
        ("DCIM/100MEDIA MISC", "DJI"),
        ("DCIM/DJI_001", "DJI"),
        ("DCIM/100APPLE", "Apple"),
        ("DCIM/100_FUJI", "Fujifilm"),
        ("DCIM/100CANON DCIM/101MSDCF", "Canon + Sony"),
        ("PRIVATE/AVCHD", "AVCHD"),
        ("CONTENTS/CLIP CONTENTS/VIDEO CONTENTS/AUDIO LASTCLIP.TXT", "P2"),
        ("CONTENTS/CLIPS001 CONTENTS/JOURNAL DCIM", "Canon XF"),
        ("XDROOT/Clip XDROOT/Sub", "Sony XDCAM"),
        ("BPAV/CLPR", "Sony XDCAM"),
        ("A001_C001_0101AB.RDC", "RED"),
        ("A001.RDM/A001_C001_0101AB.RDC", "RED"),
        ("DCIM/100WEIRD", "camera"),
        ("DCIM", "camera"),
        ("CONTENTS/novel.txt PRIVATE/diary.txt", None),
        ("photos/DCIM", None),
        ("", None),
    ],
)
def test_cards_are_recognised(paths: str, word: str | None) -> None:
    tree: dict[str, list[str]] = {}
    for path in paths.split():
        folder, _, child = path.partition("/")
        tree.setdefault(folder, []).extend([child] if child else [])
    asked: list[str] = []

    def children(folder: str) -> Collection[str]:
        asked.append(folder)
        return tree[folder]

    assert camera(tree, children) == word
    assert len(asked) == len(set(asked))
