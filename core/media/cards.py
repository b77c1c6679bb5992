"""Which files of a card belong together, by their names: the card rules as data.

The catalog keeps `stem_key` of every file. For a file that may belong to another, `owner_keys` gives the keys
to look up, and `choose` picks the owner among the files found under a key. Stills and movies of a Live Photo
are not paired here: their ContentIdentifier does that.

Sources: GoPro's naming convention (vafudr.blogspot.com/2022/10/gopro-camera-file-naming.html), with LRV and
THM as in github.com/damonlynch/rapid-photo-downloader, pull request 115; Sony's tree as in
github.com/YosoraLife/Videoclip-import; Panasonic, "How to handle data recorded on P2 cards"; RED, "R3D File
Structure" (docs.red.com); `IMG_E` and `IMG_O` as Image Capture and Photos write them
(github.com/RhetTbull/osxphotos, issues 1113 and 2043).
"""

import re
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from core.media.kinds import AUDIO, CAMERA_JPEG, DOCUMENTS, OTHER_IMAGES, RAW, SIDECARS, VIDEOS, split


class Role(StrEnum):
    """What a file is to the file it belongs to."""

    SIDECAR = "sidecar"
    RAW_PAIR = "raw_pair"
    PROXY = "proxy"
    THUMBNAIL = "thumbnail"
    VOICE_MEMO = "voice_memo"
    METADATA = "metadata"
    EDIT = "edit"
    CHAPTER = "chapter"


Groups = tuple[frozenset[bytes], ...]

_STILLS: Groups = (RAW, CAMERA_JPEG, OTHER_IMAGES)
_FILMS: Groups = (VIDEOS,)
_ANYTHING: Groups = (*_STILLS, VIDEOS, AUDIO, DOCUMENTS)
_FIRST_FILMS: Groups = (VIDEOS, *_STILLS)
_CLIPS: Groups = (frozenset((b"mp4", b"mxf", b"mov")),)
_GOPRO_FILMS: Groups = (frozenset((b"mp4", b"360")),)
_MEDIA = RAW | CAMERA_JPEG | OTHER_IMAGES | VIDEOS | AUDIO | DOCUMENTS

_SAME_STEM: dict[bytes, tuple[Role, Groups]] = {
    **dict.fromkeys(SIDECARS, (Role.SIDECAR, _ANYTHING)),
    **dict.fromkeys(CAMERA_JPEG, (Role.RAW_PAIR, (RAW,))),
    b"wav": (Role.VOICE_MEMO, _STILLS),
    b"thm": (Role.THUMBNAIL, _FIRST_FILMS),
    b"lrv": (Role.PROXY, _FILMS),
    b"lrf": (Role.PROXY, _FILMS),
    b"srt": (Role.SIDECAR, _FIRST_FILMS),
    b"xml": (Role.SIDECAR, _FIRST_FILMS),
    b"aae": (Role.SIDECAR, (*_STILLS, VIDEOS)),
}
"""By extension: what a file is to one of its stem in its folder, and what that owner may be, best first."""


class Candidate(msgspec.Struct, frozen=True):
    """A file that another may belong to: look for `key` among the stem keys, then ask `choose`."""

    key: bytes
    role: Role
    owners: Groups
    """Extensions that the owner may have, in groups, the preferred group first."""
    stem: bytes
    """The owner's stem as it is expected to be spelled: decides between names that differ only by case."""
    name: bytes
    """The name of the file that may belong, which is never its own owner."""


class _Rule(msgspec.Struct, frozen=True):
    """Files of these extensions whose stem fits belong to `owners` of the stems that `stems` writes."""

    role: Role
    extensions: frozenset[bytes]
    stem: re.Pattern[bytes]
    stems: tuple[bytes, ...]
    owners: Groups
    folder: bytes = b""
    """When given: the rule holds in a folder of this name, and the owner lies in the `CLIP` folder beside."""


def _stem(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def _set(words: bytes) -> frozenset[bytes]:
    return frozenset(words.split())


_EDITED = CAMERA_JPEG | OTHER_IMAGES
_GOPRO = _GOPRO_FILMS[0]
_GOPRO_OWNERS = (rb"GX\1", rb"GH\1", rb"GS\1")

_RULES: tuple[_Rule, ...] = (
    _Rule(Role.EDIT, _EDITED, _stem(rb"(IMG_)E(\d{4,6})"), (rb"\1\2",), _STILLS),
    _Rule(Role.EDIT, VIDEOS, _stem(rb"(IMG_)E(\d{4,6})"), (rb"\1\2",), _FILMS),
    _Rule(Role.EDIT, _set(b"aae"), _stem(rb"(IMG_)[EO](\d{4,6})"), (rb"\1\2",), (*_STILLS, VIDEOS)),
    _Rule(Role.PROXY, _set(b"lrv"), _stem(rb"GL(\w{2}\d{4})"), _GOPRO_OWNERS, _GOPRO_FILMS),
    _Rule(Role.THUMBNAIL, _set(b"thm"), _stem(rb"GL(\w{2}\d{4})"), _GOPRO_OWNERS, _GOPRO_FILMS),
    _Rule(Role.CHAPTER, _GOPRO, _stem(rb"(G[XHS])(?!0[01])\d\d(\d{4})"), (rb"\g<1>01\2",), _GOPRO_FILMS),
    _Rule(Role.CHAPTER, _GOPRO, _stem(rb"GP\d\d(\d{4})"), (rb"GOPR\1",), _GOPRO_FILMS),
    _Rule(Role.METADATA, _set(b"xml"), _stem(rb"(.+)M\d\d"), (rb"\1",), _CLIPS),
    _Rule(Role.THUMBNAIL, _set(b"jpg"), _stem(rb"(.+)T\d\d"), (rb"\1",), _CLIPS, b"THMBNL"),
    _Rule(Role.PROXY, _CLIPS[0], _stem(rb"(.+)S\d\d"), (rb"\1",), _CLIPS, b"SUB"),
)
"""The rules beyond "same stem, same folder". A match here comes before the file's rule in `_SAME_STEM`."""

_OF_THE_CARD = _set(
    b"""
    mediapro.xml status.bin cueup.xml discmeta.xml index.bdm index.bdmv movieobj.bdm movieobject.bdmv
    index.mif lastclip.txt tracks.dat autprint.mrk leinfo.sav nc_fllst.dat digital_magazine.bin
    digital_magdynamic.bin
    """
)
_FOLDERS_OF_THE_CARD = _set(b"avf_info canonmsc")

_STRUCTURES = {
    b"avchd": "AVCHD",
    b"bdmv": "AVCHD",
    b"m4root": "XAVC",
    b"xdroot": "XDCAM",
    b"bpav": "XDCAM EX",
}
_P2_FOLDERS = _set(b"audio avclip clip icon proxy video voice")
_XF_FOLDER = re.compile(rb"clips\d{3}", re.IGNORECASE)


def _folder_and_name(path: bytes) -> tuple[bytes, bytes]:
    folder, slash, name = path.rpartition(b"/")
    return folder + slash, name


def _parts(name: bytes) -> tuple[bytes, bytes, bytes]:
    """Stem, extension, and for a sidecar named after a whole file name (X.CR3.xmp) that file's extension."""
    stem, extension = split(name)
    if extension in SIDECARS:
        inner_stem, inner = split(stem)
        if inner in _MEDIA:
            return inner_stem, extension, inner
    return stem, extension, b""


def stem_key(path: bytes) -> bytes:
    """Give what files of one stem in one folder share.

    That is the folder as it is, and the stem in lower-case ASCII: the same for IMG_1.CR3, img_1.JPG,
    IMG_1.xmp and IMG_1.CR3.xmp.
    """
    folder, name = _folder_and_name(path)
    return folder + _parts(name)[0].lower()


def owner_keys(path: bytes) -> tuple[Candidate, ...]:
    """List what a file may belong to, the likeliest first; empty for a file that stands alone.

    To be asked for every file: a JPEG may belong to a RAW, a WAV to a photo, a film to the first chapter of
    its take.
    """
    if belongs_to_card(path):
        return ()
    folder, name = _folder_and_name(path)
    stem, extension, inner = _parts(name)
    if inner:
        exact = (frozenset((inner,)),)
        role = _SAME_STEM[extension][0]
        return (Candidate(folder + stem.lower(), role, exact, stem, name),)
    found: list[Candidate] = []
    for rule in _RULES:
        if extension not in rule.extensions or not (match := rule.stem.fullmatch(stem)):
            continue
        place = _clip_folder(folder, rule.folder) if rule.folder else folder
        if place is None:
            continue
        for template in rule.stems:
            owner = match.expand(template)
            found.append(Candidate(place + owner.lower(), rule.role, rule.owners, owner, name))
        if rule.folder:
            return tuple(found)
    if extension in _SAME_STEM:
        role, owners = _SAME_STEM[extension]
        found.append(Candidate(folder + stem.lower(), role, owners, stem, name))
    return tuple(found)


def _clip_folder(folder: bytes, wanted: bytes) -> bytes | None:
    """The `CLIP` folder beside a folder of the wanted name, in the same case; None in any other folder."""
    above, name = _folder_and_name(folder.rstrip(b"/"))
    if name.upper() != wanted:
        return None
    spelled = b"CLIP" if name.isupper() else b"clip" if name.islower() else b"Clip"
    return above + spelled + b"/"


def choose(candidate: Candidate, names: Sequence[bytes]) -> bytes | None:
    """Pick the owner among the files found under a candidate's key, or None when none of them can be it.

    `names` are names or whole paths; the choice is given back as it came. The order of extensions decides
    (RAW before JPEG before others), then the exact spelling of the stem, then the name.
    """
    best: tuple[int, bool, bytes] | None = None
    for path in names:
        name = _folder_and_name(path)[1]
        stem, extension, _ = _parts(name)
        if name == candidate.name:
            continue
        for rank, group in enumerate(candidate.owners):
            if extension in group:
                score = (rank, stem != candidate.stem, path)
                best = score if best is None else min(best, score)
                break
    return best[2] if best else None


_CHAPTER = _stem(rb"(G[XHS])\d\d(\d{4})")
_LOOP = _stem(rb"(G[XHS][A-Z]{2})\d{4}")
_OLD_CHAPTER = _stem(rb"(?:GOPR|GP\d\d)(\d{4})")


def take_key(path: bytes) -> bytes | None:
    """Give what the chapters of one GoPro take share, or None for anything else.

    GX010012.MP4 and GX020012.MP4; GOPR0012.MP4 and GP010012.MP4; and the pieces of a loop, GHAA0001.MP4 and
    GHAA0002.MP4.
    """
    folder, name = _folder_and_name(path)
    stem, extension = split(name)
    if extension not in _GOPRO_FILMS[0]:
        return None
    if match := _CHAPTER.fullmatch(stem):
        return folder + (match[1] + match[2]).lower()
    if match := _LOOP.fullmatch(stem):
        return folder + match[1].lower()
    if match := _OLD_CHAPTER.fullmatch(stem):
        return folder + b"gopr" + match[1]
    return None


def belongs_to_card(path: bytes) -> bool:
    """Whether a file describes the card as a whole, as an index does, and so belongs to no single file."""
    *folders, name = path.lower().split(b"/")
    return name in _OF_THE_CARD or not _FOLDERS_OF_THE_CARD.isdisjoint(folders)


def structure(path: bytes) -> str | None:
    """Name the card structure that a file lies in, whose whole tree matters, or None.

    One of AVCHD, XAVC, XDCAM, XDCAM EX, P2, XF, R3D, HDV. The source may begin at any folder above the
    telling one.
    """
    *folders, name = path.lower().split(b"/")
    if name == b"lastclip.txt":
        return "P2"
    for folder, below in zip(folders, [*folders[1:], b""], strict=False):
        if folder in _STRUCTURES:
            return _STRUCTURES[folder]
        if folder == b"contents" and below in _P2_FOLDERS:
            return "P2"
        if folder == b"contents" and _XF_FOLDER.fullmatch(below):
            return "XF"
        if folder == b"video" and below == b"hvr":
            return "HDV"
        if split(folder)[1] in (b"rdm", b"rdc"):
            return "R3D"
    return None
