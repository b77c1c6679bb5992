"""Cards recognised by the folders a camera makes."""

from collections.abc import Collection

import pytest

from core.media.camera import camera, camera_name


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
        ("DCIM/100MEDIA MISC", "camera"),  # no-name action and dash cameras write it, too
        ("DCIM/DJI_001", "DJI"),
        ("DCIM/DJI_202508011230_001", "DJI"),
        ("DCIM/100APPLE", "Apple"),
        ("DCIM/100_FUJI", "Fujifilm"),
        ("DCIM/100CANON DCIM/101MSDCF", "Canon + Sony"),
        ("PRIVATE/AVCHD", "AVCHD"),
        ("CONTENTS/CLIP CONTENTS/VIDEO CONTENTS/AUDIO LASTCLIP.TXT", "P2"),
        ("CONTENTS/CLIPS001 CONTENTS/JOURNAL DCIM", "Canon XF"),
        ("XDROOT/Clip XDROOT/Sub", "Sony XDCAM"),
        ("BPAV/CLPR", "Sony XDCAM"),
        ("PRIVATE/XDROOT DCIM", "Sony XDCAM"),
        ("PROAV/CLPR", "Sony XDCAM"),
        ("INDEX.XML DISCMETA.XML Clip/C0001.MXF Sub", "Sony XDCAM"),
        ("Clip/C0001.MXF", None),
        ("XFVC/REEL_0001", "Canon XF"),
        ("CLIPS001/x.MXF", "Canon XF"),
        ("XF-AVC/CLIPS001", "Canon XF"),
        ("DCIM/CLIPS001", "Canon"),
        ("PRIVATE/PANA_GRP", "Panasonic"),
        ("DCIM/Camera01 DCIM/fileinfo_list.list", "Insta360"),
        (".BlamOS-Private-Items A001_01010101_C001.braw", "Blackmagic"),
        ("ZOOM0001/ZOOM0001_LR.WAV", "Zoom"),
        ("SOUNDDEV FALSETAKES", "Sound Devices"),
        ("SOUND/TASCAM_0001_1.wav SOUND/TASCAM_0001_MIX.wav", "Tascam"),
        ("SOUND/song.wav", None),
        ("A001R1AB/A001R1AB.ale", "ARRI"),
        ("A_0003_1AB2/A_0003C001_250801_101010_a1AB2.mxf", "ARRI"),
        ("A_0003_1AB2/holiday.mxf", None),
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


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        ("SONY", "ILCE-7SM3", "SONY ILCE-7SM3"),
        ("Canon", "Canon EOS R5", "Canon EOS R5"),
        ("NIKON CORPORATION", "NIKON Z 8", "NIKON Z 8"),
        (None, "HERO11", "HERO11"),
        ("LEICA CAMERA AG", "LEICA Q2", "LEICA Q2"),
        ("", " ", ""),
        (" Nikon ", None, "Nikon"),
        (None, None, ""),
    ],
)
def test_the_maker_is_named_once(make: str | None, model: str | None, expected: str) -> None:
    assert (camera_name(make, model) or "") == expected
