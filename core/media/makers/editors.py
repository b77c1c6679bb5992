"""Editors' sidecars, named after a whole file name, beside it or in folders of their own; subtitles."""

from core.media.file_types import SIDECARS
from core.media.makers.rule import ANYTHING, FILM_EXTENSIONS, Role, rule

_ADOBE = "Adobe XMP Specification, part 3; docs.darktable.org, sidecar files: NAME.EXT.xmp"
_DARKTABLE = "docs.darktable.org, sidecar files: duplicates are NAME_NN.EXT.xmp"
_NX = "manual of Nikon NX Studio: NKSC_PARAM"
_SUBTITLES = "jellyfin.org/docs/general/server/media/external-files: Film.de.srt, flags behind further dots"
_CAPTURE_ONE = "support.captureone.com: CaptureOne/Settings beside the images"

RULES = (
    rule("any", Role.SIDECAR, SIDECARS, rb".+", rb"\g<0>", ANYTHING, _ADOBE, whole_name=True),
    rule(
        "Nikon NX Studio",
        Role.SIDECAR,
        b"nksc nka nxd",
        rb".+",
        rb"./\g<0>",
        ANYTHING,
        _NX,
        within=b"NKSC_PARAM",
        whole_name=True,
    ),
    rule(
        "Capture One",
        Role.SIDECAR,
        b"cos cot cop",
        rb".+",
        rb"./\g<0>",
        ANYTHING,
        _CAPTURE_ONE,
        within=rb"CaptureOne/Settings\d*",
        whole_name=True,
    ),
    rule("darktable", Role.SIDECAR, b"xmp", rb"(.+)_\d\d", rb"\1", ANYTHING, _DARKTABLE, whole_name=True),
    rule(
        "subtitles",
        Role.SIDECAR,
        b"srt vtt ass ssa sub idx",
        rb"(.+)\.[a-z]{2,3}(?:-[a-z]{2,4})?(?:\.(?:default|forced|sdh|hi|cc))*",
        rb"\1",
        FILM_EXTENSIONS,
        _SUBTITLES,
    ),
)
