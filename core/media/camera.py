"""Cards of cameras, recognised by the folders the camera makes."""

import re
from collections.abc import Callable, Collection

# A DCF folder is three digits and five free characters (JEITA CP-3461, "Design rule for Camera File system").
_FOLDER = re.compile(r"[1-9][0-9]{2}(?P<free>[0-9A-Z_]{5})")

_MAKERS = tuple(
    (re.compile(pattern), maker)
    for pattern, maker in (
        (r"CANON|EOS..", "Canon"),
        (r"NIKON|ND[0-9]{3}|NC[DZ]..|NZ...|D[0-9]{4}", "Nikon"),
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
        (r"MEDIA", "DJI"),
        (r"APPLE", "Apple"),
    )
)


def camera(names: Collection[str], children: Callable[[str], Collection[str]]) -> str | None:
    """A short word for the camera that formatted a card, or None when the card is no camera's.

    `names` are the entries at the top of the card, `children(folder)` those of one top folder, by the name it
    has in `names`; it is called at most once a folder, and raises what it likes. Letter case does not matter.
    A card used in two cameras is "Canon + Sony". A photo card of a maker that is not known is "camera".
    """
    top = {name.upper(): name for name in names}

    def inside(folder: str) -> set[str]:
        return {child.upper() for child in children(top[folder])} if folder in top else set()

    if any(name.endswith((".RDM", ".RDC")) for name in top):
        return "RED"
    contents = inside("CONTENTS")
    if any(re.fullmatch(r"CLIPS[0-9]{3}", name) for name in contents):
        return "Canon XF"
    if {"CLIP", "VIDEO"} <= contents:
        return "P2"
    if "CLIP" in inside("XDROOT") or "BPAV" in top:
        return "Sony XDCAM"
    private = inside("PRIVATE")
    makers = {"Sony"} if "M4ROOT" in private or "M4ROOT" in top else set()
    makers.update(filter(None, map(_maker, inside("DCIM"))))
    if makers:
        return " + ".join(sorted(makers))
    if "AVCHD" in private or "AVCHD" in top:
        return "AVCHD"
    return "camera" if "DCIM" in top else None


def _maker(folder: str) -> str | None:
    # DJI's newer folders (DJI_001) do not follow DCF.
    if re.fullmatch(r"DJI_[0-9]{3}", folder):
        return "DJI"
    found = _FOLDER.fullmatch(folder)
    if not found:
        return None
    return next((maker for pattern, maker in _MAKERS if pattern.fullmatch(found["free"])), None)
