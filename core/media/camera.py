"""Cameras: the name of one, and which one formatted a card, by the folders on it."""

import re
from collections.abc import Callable, Collection

# A DCF folder is three digits and five free characters (JEITA CP-3461, "Design rule for Camera File system").
_FOLDER = re.compile(r"[1-9][0-9]{2}(?P<free>[0-9A-Z_]{5})")

NIKON = r"NIKON|ND[0-9]{3}|NC[DZ]..|NZ...|D[0-9]{4}"
"""The free characters of a DCF folder that Nikon writes, as a pattern."""

# Manual of the ALEXA, page 106: camera index, reel, R or L, serial number in three characters.
_ARRI_REEL = re.compile(r"[A-Z][0-9]{3}[RL][0-9A-Z]{3}")

# A reel of an ALEXA 35 (arri.com, "Editorial Workflow": new file naming); the names of its clips begin in the same
# way.
_ARRI_35_REEL = re.compile(r"([A-Z][A-Z_]_?[0-9]{4})_[0-9A-Z]{4}")

# Manual of the Tascam Portacapture X6, page 38.
_TASCAM_FILE = re.compile(r".+_[0-9]{4}(?:_MIX|_[1-8](?:-[2-8])?)\.WAV")

_XF_FOLDER = re.compile(r"CLIPS[0-9]{3}")

_MAKERS = tuple(
    (re.compile(pattern), maker)
    for pattern, maker in (
        (r"CANON|EOS..", "Canon"),
        (NIKON, "Nikon"),
        (r"MSDCF", "Sony"),
        (r"_PANA", "Panasonic"),
        (r"_FUJI", "Fujifilm"),
        (r"OLYMP|OMSYS", "Olympus"),
        (r"PENTX", "Pentax"),
        (r"RICOH", "Ricoh"),
        (r"LEICA", "Leica"),
        (r"SIGMA", "Sigma"),
        (r"HASBL", "Hasselblad"),
        (r"GOPRO", "GoPro"),
        (r"APPLE", "Apple"),
    )
)


def camera_name(make: str | None, model: str | None) -> str | None:
    """Join maker and model: `Sony ILCE-7SM3`; without the maker where the model begins with its first word. None
    when neither is known.

    It is applied when metadata is stored, so that lists, statistics and search agree.
    """
    make, model = (make or "").strip(), (model or "").strip()
    begins = make and model.lower().startswith(make.lower().split()[0])
    return (model if begins else f"{make} {model}".strip()) or None


def camera(names: Collection[str], children: Callable[[str], Collection[str]]) -> str | None:
    """A short name of the camera that formatted a card; None when it was no camera.

    `names` are the entries at the top of the card; `children(folder)` lists one of these folders, by the name it
    has in `names`. It is called at most once per folder, and its errors are passed on. Letter case does not
    matter. A card used in two cameras is "Canon + Sony". A photo card of an unknown maker is "camera".
    """
    top = {name.upper(): name for name in names}

    def inside(folder: str) -> set[str]:
        return {child.upper() for child in children(top[folder])} if folder in top else set()

    if any(name.endswith((".RDM", ".RDC")) for name in top):
        return "RED"
    if ".BLAMOS-PRIVATE-ITEMS" in top or any(name.endswith(".BRAW") for name in top):
        return "Blackmagic"
    if "SOUNDDEV" in top:
        return "Sound Devices"
    if any(re.fullmatch(r"ZOOM[0-9]{4}", name) for name in top):
        return "Zoom"
    if any(map(_TASCAM_FILE.fullmatch, inside("SOUND"))):
        return "Tascam"
    reels = list(filter(None, map(_ARRI_35_REEL.fullmatch, top)))
    if any(map(_ARRI_REEL.fullmatch, top)) or any(
        clip.startswith(f"{reel[1]}C") for reel in reels for clip in inside(reel[0])
    ):
        return "ARRI"
    contents = inside("CONTENTS")
    if "XFVC" in top or any(map(_XF_FOLDER.fullmatch, {*top, *contents, *inside("XF-AVC")})):
        return "Canon XF"
    if {"CLIP", "VIDEO"} <= contents:
        return "P2"
    private = inside("PRIVATE")
    disc = {"CLIP", "INDEX.XML", "DISCMETA.XML"} <= top.keys()
    if disc or "CLIP" in inside("XDROOT") or "XDROOT" in private or "BPAV" in top or "CLPR" in inside("PROAV"):
        return "Sony XDCAM"
    makers = {"Sony"} if "M4ROOT" in private or "M4ROOT" in top else set()
    if "PANA_GRP" in private:
        makers.add("Panasonic")
    photos = inside("DCIM")
    makers.update(filter(None, map(_maker, photos)))
    if "FILEINFO_LIST.LIST" in photos:
        makers.add("Insta360")
    if makers:
        return " + ".join(sorted(makers))
    if "AVCHD" in private or "AVCHD" in top:
        return "AVCHD"
    return "camera" if "DCIM" in top else None


def _maker(folder: str) -> str | None:
    # The names of these folders do not follow DCF: DJI_001, DJI_202508011230_001; CLIPS001.
    if re.fullmatch(r"DJI_(?:[0-9]{12}_)?[0-9]{3}", folder):
        return "DJI"
    if _XF_FOLDER.fullmatch(folder):
        return "Canon"
    found = _FOLDER.fullmatch(folder)
    if not found:
        return None
    return next((maker for pattern, maker in _MAKERS if pattern.fullmatch(found["free"])), None)
