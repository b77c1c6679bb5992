"""Photo cameras: what all makers share, Nikon, Canon."""

from core.media.camera import NIKON
from core.media.file_types import CAMERA_JPEG, RAW, SIDECARS, VIDEOS
from core.media.makers.rule import ANYTHING, FILM_EXTENSIONS, FIRST_FILMS, STILLS, Role, Rule, rule, words

_DCF = "JEITA CP-3461, Design rule for Camera File system: files of one name are one object"
_NIKON_PROXY = "onlinemanual.nikonimglib.com/z9, 15_menu_guide_02_04"
_CANON_START = "cam.start.canon C023, UG-08_Set-up_0030"
_NIKON_RED = "github.com/blue-compressor/redn3, 0.2.5 and 0.2.6: Nikon ZR"

_R3D = (words(b"r3d"),)


def _same(
    extensions: bytes | frozenset[bytes], role: Role, owners: tuple[frozenset[bytes], ...], source: str
) -> Rule:
    return rule("any", role, extensions, rb".+", rb"\g<0>", owners, source)


_EVERY = (
    _same(SIDECARS, Role.SIDECAR, ANYTHING, _DCF),
    _same(CAMERA_JPEG, Role.RAW_PAIR, (RAW,), _DCF),
    _same(b"wav", Role.VOICE_MEMO, STILLS, _DCF),
    _same(b"thm", Role.THUMBNAIL, FIRST_FILMS, _DCF),
    _same(b"lrv lrf", Role.PROXY, FILM_EXTENSIONS, "names as GoPro and DJI write them; no published source"),
    _same(b"srt xml", Role.SIDECAR, FIRST_FILMS, _DCF),
    _same(b"aae", Role.SIDECAR, (*STILLS, VIDEOS), "github.com/RhetTbull/osxphotos, issue 1113"),
    _same(b"insp", Role.RAW_PAIR, (RAW,), "insta.pk360.de"),
    _same(b"rmd rtn", Role.SIDECAR, _R3D, _NIKON_RED),
    _same(b"braw2", Role.CHAPTER, (words(b"braw"),), "easymanua.ls: Blackmagic URSA Cine, page 110"),
)

SAME_STEM: dict[bytes, Rule] = {extension: one for one in _EVERY for extension in one.extensions}
"""By extension, the rule for a file whose owner has its stem and folder. The later of two rules counts."""

RULES = (
    rule(
        "Nikon",
        Role.PROXY,
        b"mp4",
        rb".+",
        rb"\g<0>",
        b"mov",
        _NIKON_PROXY,
        within=rb"\d{3}(?:%b)" % NIKON.encode(),
    ),
    rule(
        "Nikon, Canon",
        Role.PROXY,
        b"mp4",
        rb"(?!DJI_|GOPR)\w{3}[A-Z_]\d{4}|[A-Z]\d{3}[CD]\d{3}_\d{6}\w{2}(?:_CANON)?",
        rb"\g<0>",
        b"nev r3d crm",
        f"{_NIKON_PROXY}; {_CANON_START}",
    ),
)
