"""Camera cards in their makers' layouts, with small generated content."""

import contextlib
import os
import random
import subprocess
from typing import Literal

from tests.rigs.trees import STRANGE_NAMES, TIMES_NS, Manifest, Planter

Maker = Literal["sony", "avchd", "gopro", "canon", "dji", "apple"]

MAGIC: dict[str, bytes] = {
    "JPG": b"\xff\xd8\xff\xe1",
    "THM": b"\xff\xd8\xff\xe1",
    "SCR": b"\xff\xd8\xff\xe1",
    "ARW": b"II*\x00",
    "DNG": b"II*\x00",
    "GPR": b"II*\x00",
    "CR3": b"\x00\x00\x00\x18ftypcrx ",
    "HEIC": b"\x00\x00\x00\x18ftypheic",
    "MP4": b"\x00\x00\x00\x18ftypmp42",
    "LRV": b"\x00\x00\x00\x18ftypmp42",
    "LRF": b"\x00\x00\x00\x18ftypmp42",
    "360": b"\x00\x00\x00\x18ftypmp42",
    "MOV": b"\x00\x00\x00\x14ftypqt  ",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "WAV": b"RIFF\x00\x02\x00\x00WAVEfmt ",
    "XMP": b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>',
    "XML": b'<?xml version="1.0" encoding="UTF-8"?>',
    "AAE": b'<?xml version="1.0" encoding="UTF-8"?><plist version="1.0">',
    "SRT": b"1\n00:00:00,000 --> 00:00:00,033\n",
}

CARDS: dict[Maker, tuple[str, ...]] = {
    "sony": (
        "PRIVATE/M4ROOT/CLIP/C0001.MP4",
        "PRIVATE/M4ROOT/CLIP/C0001M01.XML",
        "PRIVATE/M4ROOT/CLIP/C0002.MP4",
        "PRIVATE/M4ROOT/CLIP/C0002M01.XML",
        "PRIVATE/M4ROOT/SUB/C0001S03.MP4",
        "PRIVATE/M4ROOT/SUB/C0002S03.MP4",
        "PRIVATE/M4ROOT/THMBNL/C0001T01.JPG",
        "PRIVATE/M4ROOT/THMBNL/C0002T01.JPG",
        "PRIVATE/M4ROOT/GENERAL/",
        "PRIVATE/M4ROOT/MEDIAPRO.XML",
        "PRIVATE/M4ROOT/STATUS.BIN",
        "PRIVATE/SONY/SONYCARD.IND",
        "DCIM/100MSDCF/DSC00001.ARW",
        "DCIM/100MSDCF/DSC00001.JPG",
        "AVF_INFO/AVIN0001.BNP",
        "AVF_INFO/AVIN0001.INP",
        "AVF_INFO/AVIN0001.INT",
    ),
    "avchd": (
        "PRIVATE/AVCHD/BDMV/INDEX.BDM",
        "PRIVATE/AVCHD/BDMV/MOVIEOBJ.BDM",
        "PRIVATE/AVCHD/BDMV/PLAYLIST/00000.MPL",
        "PRIVATE/AVCHD/BDMV/CLIPINF/00000.CPI",
        "PRIVATE/AVCHD/BDMV/CLIPINF/00001.CPI",
        "PRIVATE/AVCHD/BDMV/STREAM/00000.MTS",
        "PRIVATE/AVCHD/BDMV/STREAM/00001.MTS",
        "PRIVATE/AVCHD/AVCHDTN/THUMB.TDT",
        "PRIVATE/AVCHD/AVCHDTN/THUMB.TID",
        "PRIVATE/AVCHD/CANONTHM/",
    ),
    "gopro": (
        "DCIM/100GOPRO/GX010001.MP4",
        "DCIM/100GOPRO/GX020001.MP4",
        "DCIM/100GOPRO/GX030001.MP4",
        "DCIM/100GOPRO/GL010001.LRV",
        "DCIM/100GOPRO/GL020001.LRV",
        "DCIM/100GOPRO/GL030001.LRV",
        "DCIM/100GOPRO/GX010001.THM",
        "DCIM/100GOPRO/GX020001.THM",
        "DCIM/100GOPRO/GX030001.THM",
        "DCIM/100GOPRO/GH010002.MP4",
        "DCIM/100GOPRO/GL010002.LRV",
        "DCIM/100GOPRO/GH010002.THM",
        "DCIM/100GOPRO/GOPR0003.JPG",
        "DCIM/100GOPRO/GOPR0003.GPR",
        "DCIM/100GOPRO/GS010004.360",
        "MISC/version.txt",
        "Get_started_with_GoPro.url",
    ),
    "canon": (
        "DCIM/100CANON/IMG_0001.CR3",
        "DCIM/100CANON/IMG_0001.JPG",
        "DCIM/100CANON/IMG_0001.XMP",
        "DCIM/100CANON/IMG_0001.CR3.xmp",
        "DCIM/100CANON/IMG_0001.WAV",
        "DCIM/100CANON/IMG_0002.CR3",
        "DCIM/100CANON/IMG_0002.JPG",
        "DCIM/100CANON/MVI_0003.MP4",
        "DCIM/100CANON/MVI_0003.THM",
        "DCIM/101CANON/IMG_0001.CR3",
        "DCIM/101CANON/IMG_0001.JPG",
        "DCIM/CANONMSC/M0100.CTG",
        "DCIM/EOSMISC/",
        "MISC/AUTPRINT.MRK",
    ),
    "dji": (
        "DCIM/100MEDIA/DJI_0001.MP4",
        "DCIM/100MEDIA/DJI_0001.SRT",
        "DCIM/100MEDIA/DJI_0001.LRF",
        "DCIM/100MEDIA/DJI_0002.JPG",
        "DCIM/100MEDIA/DJI_0002.DNG",
        "DCIM/DJI_001/DJI_20240501101010_0001_D.MP4",
        "DCIM/DJI_001/DJI_20240501101010_0001_D.SRT",
        "DCIM/DJI_001/DJI_20240501101010_0001_D.LRF",
        "DCIM/PANORAMA/100_0005/PANO0001.JPG",
        "DCIM/PANORAMA/100_0005/PANO0002.JPG",
        "MISC/THM/100/DJI_0001.THM",
        "MISC/THM/100/DJI_0001.SCR",
        "MISC/IDX/DJI_0001.IDX",
    ),
    "apple": (
        "DCIM/100APPLE/IMG_0001.HEIC",
        "DCIM/100APPLE/IMG_0001.MOV",
        "DCIM/100APPLE/IMG_0001.AAE",
        "DCIM/100APPLE/IMG_E0001.JPG",
        "DCIM/100APPLE/IMG_O0001.AAE",
        "DCIM/100APPLE/IMG_0002.JPG",
        "DCIM/100APPLE/IMG_0002.MOV",
        "DCIM/100APPLE/IMG_0003.PNG",
        "DCIM/100APPLE/IMG_0004.MOV",
        "DCIM/101APPLE/IMG_1001.HEIC",
        "DCIM/101APPLE/IMG_E1001.HEIC",
    ),
}
"""Every entry of each maker's card; a name that ends in a slash is an empty folder."""


def card_tree(root: bytes, maker: Maker, seed: int = 3) -> Manifest:
    """Make one maker's card under `root`; no two files have the same content."""
    numbers = random.Random(f"{maker} {seed}")
    plant = Planter(root)
    for path in CARDS[maker]:
        if path.endswith("/"):
            os.makedirs(os.path.join(root, path.encode()), exist_ok=True)
            continue
        magic = MAGIC.get(path.rpartition(".")[2].upper(), b"")
        plant.put(path.encode(), magic + path.encode() + numbers.randbytes(numbers.randrange(200, 4000)))
    return plant.manifest


def whole_card(root: bytes) -> None:
    """Make a card that every maker has written to, with hostile names, odd times, duplicates and empty folders,
    but without junk files and links."""
    for maker in CARDS:
        card_tree(root, maker)
    plant = Planter(root)
    for index, name in enumerate(STRANGE_NAMES):
        plant.try_put(b"DCIM/strange/" + name, b"strange %d" % index)
    for index, when in enumerate(TIMES_NS):
        plant.put(b"DCIM/times/%d.jpg" % index, b"time %d" % index, mtime_ns=when)
    for name in (b"DCIM/copies/a.jpg", b"DCIM/copies/b.jpg", b"copy of a.jpg"):
        plant.put(name, b"the same content everywhere")
    plant.put(b"PRIVATE/AVCHD/BDMV/STREAM/00002.MTS", random.Random(9).randbytes((9 << 20) + 17))
    plant.put(b"empty.jpg", b"")
    for name in (b"line\nbreak", b"caf\xe9", b"-dash", b"[x]", b"%41"):
        with contextlib.suppress(OSError):
            os.makedirs(os.path.join(root, b"folders", name, b"empty"))
            plant.try_put(b"folders/" + name + b"/inside.jpg", b"in " + name)
    for index, (folder, _, _) in enumerate(os.walk(root, topdown=False)):
        os.utime(folder, ns=(index, 1_600_000_000_000_000_000 + index * 1_000_000_007))


def differences(one: str, other: str) -> str:
    """The output of diff(1) for two trees; empty when they hold the same names and contents."""
    return subprocess.run(
        ["diff", "-r", "--no-dereference", one, other],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    ).stdout


def times(root: str) -> dict[bytes, int]:
    """The modification time of every file and folder below `root`, by path."""
    top, found = os.fsencode(root), dict[bytes, int]()
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            found[os.path.relpath(path, top)] = os.stat(path, follow_symlinks=False).st_mtime_ns
    return found
