"""Phones, and what their services export: Apple, Google Pixel, Google Takeout."""

import re
from unicodedata import normalize

from core.media.file_types import CAMERA_JPEG, MEDIA, VIDEOS
from core.media.makers.rule import EDITED, NO_SOURCE, STILLS, Role, rule

_PHOTOS = "github.com/RhetTbull/osxphotos, issues 1113 and 2043: as Image Capture and Photos write them"
TAKEOUT = "github.com/simulot/immich-go, docs/misc/google-takeout.md"
_LANGUAGES = f"{TAKEOUT}; github.com/TheLastGimbus/GooglePhotosTakeoutHelper, lib/extras.dart"

# "edited" in the language of the account. A space is written as "_".
_EDITED = (
    "edited edytowane bearbeitet bewerkt 編集済み modificato modifié editado ha_editado editat "
    "отредактировано 已编辑 편집됨 düzenlendi تم_التعديل संपादित đã_chỉnh_sửa แก้ไขแล้ว diedit"
)
# macOS takes names apart into letters and accents (NFD).
_FORMS_OF = {normalize(form, word.replace("_", " ")) for word in _EDITED.split() for form in ("NFC", "NFD")}
_SUFFIX = b"|".join(sorted(re.escape(word.encode()) for word in _FORMS_OF))
_EDIT = rb"(.+)-(?:%b)(\(\d+\)|)" % _SUFFIX

RULES = (
    rule("Apple", Role.EDIT, EDITED, rb"(IMG_)E(\d{4,6})", rb"\1\2", STILLS, _PHOTOS),
    rule("Apple", Role.EDIT, VIDEOS, rb"(IMG_)E(\d{4,6})", rb"\1\2", (VIDEOS,), _PHOTOS),
    rule("Apple", Role.EDIT, b"aae", rb"(IMG_)[EO](\d{4,6})", rb"\1\2", (*STILLS, VIDEOS), _PHOTOS),
    rule(
        "Google Pixel",
        Role.RAW_PAIR,
        b"jpg",
        rb"(PXL_.+)\.RAW-01(?:\.MP)?\.COVER",
        rb"\1.RAW-02.ORIGINAL",
        b"dng",
        NO_SOURCE,
    ),
    rule(
        "Google Pixel",
        Role.EDIT,
        b"jpg",
        rb"(PXL_.+)\.(PORTRAIT|MOTION)-01\.COVER",
        rb"\1.\2-02.ORIGINAL",
        (CAMERA_JPEG,),
        NO_SOURCE,
    ),
    rule("Google Takeout", Role.EDIT, EDITED, _EDIT, rb"\1\2", STILLS, _LANGUAGES),
    rule("Google Takeout", Role.EDIT, VIDEOS, _EDIT, rb"\1\2", (VIDEOS,), _LANGUAGES),
)

LONGEST_STEM = 46
"""Characters to which Takeout cuts a JSON file's name, without ".json": 51 with it."""

_CUT = b"|".join(b".supplemental-metadata"[:length].replace(b".", rb"\.") for length in range(22, -1, -1))
_FORMS = re.compile(rb"(.+?)\.(\w{2,5})(?:%b)(\(\d+\)|)" % _CUT, re.IGNORECASE | re.DOTALL)
_CUT_ENDING = re.compile(rb"(.+)\.(\w{0,4})", re.DOTALL)


def takeout_owner(stem: bytes) -> tuple[bytes, frozenset[bytes]] | None:
    """The stem of the file that a JSON file of Google Takeout describes, and the extensions that it may have.

    For X.jpg: X.jpg.json, X.jpg.supplemental-metadata.json, or that word cut off anywhere. For X(1).jpg:
    X.jpg(1).json and X.jpg.supplemental-metadata(1).json. A long name may be cut within its extension: then all
    extensions with this beginning are possible. Where the stem itself was cut, the owner is not known (None).
    """
    if match := _FORMS.fullmatch(stem):
        extension = match[2].lower()
        if extension in MEDIA:
            return match[1] + match[3], frozenset((extension,))
    if len(stem.decode("utf-8", "replace")) == LONGEST_STEM and (match := _CUT_ENDING.fullmatch(stem)):
        begin = match[2].lower()
        possible = frozenset(extension for extension in MEDIA if extension.startswith(begin))
        return (match[1], possible) if possible else None
    return None
