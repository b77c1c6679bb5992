"""Which files describe a card as a whole, and which are in a structure that is only complete as a tree."""

import re
from functools import lru_cache

from core.media.file_types import split
from core.media.frames import frame
from core.media.makers.recorders import H8_PROJECT


def _words(text: bytes) -> frozenset[bytes]:
    return frozenset(text.split())


_OF_THE_CARD = _words(
    b"""
    mediapro.xml mediapro.bup status.bin cueup.xml discmeta.xml alias.xml syspro.xml index.xml
    index.bdm index.bdmv movieobj.bdm movieobject.bdmv
    index.mif lastclip.txt tracks.dat autprint.mrk leinfo.sav nc_fllst.dat digital_magazine.bin
    digital_magdynamic.bin fileinfo_list.list get_started_with_gopro.url
    """
)
OF_THE_CARD_EXTENSIONS = frozenset(split(name)[1] for name in _OF_THE_CARD) | _words(b"ale xml")
"""The extensions of files that describe a card."""
_FOLDERS_OF_THE_CARD = _words(b"avf_info canonmsc eosmisc takr sounddev ascmhl .blamos-private-items")
_STRUCTURES = {
    b"avchd": "AVCHD",
    b"bdmv": "AVCHD",
    b"m4root": "XAVC",
    b"xdroot": "XDCAM",
    b"bpav": "XDCAM EX",
    b"proav": "XDCAM",
    b"xfvc": "XF",
    b"pana_grp": "PANA_GRP",
}
_TELLING = {
    b"lastclip.txt": "P2",
    b"digital_magazine.bin": "R3D",
    b"digital_magdynamic.bin": "R3D",
    b"discmeta.xml": "XDCAM",
    b"alias.xml": "XDCAM",
    b"syspro.xml": "XDCAM",
}
_ARRI = _words(b"ari arx ale")
_DISC_FOLDERS = _words(b"clip edit sub")
_DISC_FILES = _words(b"bim klv mxf ppn smi xml xmp")
_P2_FOLDERS = _words(b"audio avclip clip icon proxy video voice")
_DISC_NAME = re.compile(rb"[ce]\d{4}(?:[a-z]\d\d)?\.\w+", re.ASCII)
_ARRI_REEL = re.compile(rb"([a-z]\d{3})[rl][0-9a-z]{3}|([a-z][a-z_]_?\d{4})_[0-9a-z]{4}", re.ASCII)
"""A reel of an ALEXA (manual, page 106), and of an ALEXA 35 (arri.com, "Editorial Workflow": new file naming); the
names of its clips begin in the same way."""
_ARRI_ASIDE = _words(b"wav xml")
"""Folders of a reel for the sound and the description of its clips (codex.online)."""
_H8 = re.compile(H8_PROJECT, re.IGNORECASE)
_H8_FILES = _words(b"wav h8prj")
_XF_FOLDER = re.compile(rb"clips\d{3}", re.IGNORECASE)


@lru_cache(maxsize=256)
def in_folder_of_the_card(folder: bytes) -> bool:
    """Whether all files below a folder describe the card."""
    return not _FOLDERS_OF_THE_CARD.isdisjoint(folder.lower().split(b"/"))


def of_the_card(name: bytes) -> bool:
    """Whether a file of this name, in any folder, describes the card.

    The lists of a reel are ARRI's: manual of the ALEXA, page 105; ALEXA Plus, page 145.
    """
    name = name.lower()
    return name in _OF_THE_CARD or name.endswith((b".ale", b"_fcp.xml"))


def belongs_to_card(path: bytes) -> bool:
    """Whether a file describes the card as a whole, as an index does, so that it belongs to no single file."""
    folder, _, name = path.rpartition(b"/")
    if name.lower() == b"version.txt" and folder.lower().rpartition(b"/")[2] == b"misc":
        return True  # GoPro
    return of_the_card(name) or in_folder_of_the_card(folder)


def structure(path: bytes) -> str | None:
    """The name of the card structure that a file is in, of which only the whole tree is usable; None when there is
    none.

    One of AVCHD, XAVC, XDCAM, XDCAM EX, P2, PANA_GRP, XF, R3D, ARRI, CinemaDNG, HDV, H8. The source may begin at
    any folder above the telling one.
    """
    *folders, name = path.lower().split(b"/")
    if name in _TELLING:
        return _TELLING[name]
    if (extension := split(name)[1]) in _ARRI:
        return "ARRI"
    if extension == b"dng" and frame(path):
        return "CinemaDNG"
    for folder, below in zip(folders, [*folders[1:], b""], strict=False):
        if folder in _STRUCTURES:
            return _STRUCTURES[folder]
        if folder == b"contents" and below in _P2_FOLDERS:
            return "P2"
        if _XF_FOLDER.fullmatch(folder):
            return "XF"
        if reel := _ARRI_REEL.fullmatch(folder):
            inside = name if below in _ARRI_ASIDE else below or name
            if inside.startswith(reel[1] or reel[2]):
                return "ARRI"
        if extension in _H8_FILES and _H8.fullmatch(folder):
            return "H8"
        if folder == b"video" and below == b"hvr":
            return "HDV"
        if split(folder)[1] in (b"rdm", b"rdc"):
            return "R3D"
    if folders and folders[-1] in _DISC_FOLDERS and extension in _DISC_FILES:
        # A disc, whose folders are at its top; in a copy of it the names tell, unless somebody gave other ones.
        return "XDCAM" if len(folders) == 1 or _DISC_NAME.fullmatch(name) else None
    return None
