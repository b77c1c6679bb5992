"""Phones, and what their services export: Apple, Google Pixel, Google Takeout."""

import re
from collections.abc import Sequence
from unicodedata import normalize

import msgspec

from core.media.file_types import CAMERA_JPEG, MEDIA, VIDEOS
from core.media.makers.rule import EDITED, NO_SOURCE, STILLS, Groups, Role, rule

_PHOTOS = "github.com/RhetTbull/osxphotos, issues 1113 and 2043: as Image Capture and Photos write them"
TAKEOUT_SOURCE = "github.com/simulot/immich-go, docs/misc/google-takeout.md"
_LANGUAGES = f"{TAKEOUT_SOURCE}; github.com/TheLastGimbus/GooglePhotosTakeoutHelper, lib/extras.dart"
_CUT_LANGUAGES = "github.com/Xentraxx/GooglePhotosTakeoutHelper_Neo, issue 29: names are cut, -edited with them"

# "edited" in the language of the account. A space is written as "_".
_EDITED = (
    "edited edytowane bearbeitet bewerkt 編集済み modificato modifié editado ha_editado editat "
    "отредактировано 已编辑 편집됨 düzenlendi تم_التعديل संपादित đã_chỉnh_sửa แก้ไขแล้ว diedit"
)
# macOS takes names apart into letters and accents (NFD).
_FORMS_OF = {normalize(form, word.replace("_", " ")) for word in _EDITED.split() for form in ("NFC", "NFD")}
_SUFFIX = b"|".join(sorted(re.escape(word.encode()) for word in _FORMS_OF))
_NUMBER = rb"(\(\d+\)|)"
_EDIT = rb"(.+)-(?:%b)%b" % (_SUFFIX, _NUMBER)

# Takeout cuts the stems of pictures to 47 characters, "-edited" with them: X-edi.jpg. No word is recognized by a
# single letter, which photographers write, too.
_CUT_WORDS = {word[:length].encode() for word in _FORMS_OF for length in range(1, len(word))}
_CUT_SUFFIX = b"|".join(sorted(re.escape(word) for word in _CUT_WORDS if len(word) > 1))
_CUT_EDIT = rb"(?=.{47})(?=(?:[^\x80-\xbf][\x80-\xbf]*){47}(?:\(\d+\))?\Z)(.+)-(?:%b)%b" % (_CUT_SUFFIX, _NUMBER)

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
        rb"(PXL_.+)\.((?!RAW)[A-Z_]+)-01(?:\.MP)?\.COVER",
        # Takeout cuts the longer names off.
        rb"\1.\2-02.ORIGINAL \1.\2-02.ORIGINA",
        (CAMERA_JPEG,),
        "github.com/simulot/immich-go, adapters/googlePhotos/matcher_test.go: LONG_EXPOSURE-02.ORIGINA",
    ),
    rule("Google Takeout", Role.EDIT, EDITED, _EDIT, rb"\1\2", STILLS, _LANGUAGES),
    rule("Google Takeout", Role.EDIT, VIDEOS, _EDIT, rb"\1\2", (VIDEOS,), _LANGUAGES),
    rule("Google Takeout", Role.EDIT, EDITED, _CUT_EDIT, rb"\1\2", STILLS, _CUT_LANGUAGES),
    rule("Google Takeout", Role.EDIT, VIDEOS, _CUT_EDIT, rb"\1\2", (VIDEOS,), _CUT_LANGUAGES),
)

LONGEST_STEM = 46
"""UTF-16 units to which Takeout cuts a JSON file's name, without ".json" and a number: 51 with ".json". The stem
of the picture is cut to one more."""

_CUT = b"|".join(b".supplemental-metadata"[:length].replace(b".", rb"\.") for length in range(22, -1, -1))
_FORMS = re.compile(rb"(.+?)\.(\w{2,5})(?:%b)(\(\d+\)|)" % _CUT, re.IGNORECASE | re.DOTALL)
_NUMBERED = re.compile(rb"(.+?)(\(\d+\)|)", re.DOTALL)
_CUT_ENDING = re.compile(rb"(.+)\.(\w{0,4})", re.DOTALL)
_PICTURES = (*STILLS, VIDEOS)


class TakeoutOwner(msgspec.Struct, frozen=True):
    """What the name of a JSON file of Takeout says of its owner."""

    stem: bytes
    """The owner's stem. If `rest` is not None, the stem consists of this beginning, one unknown character, and
    `rest`."""
    owners: Groups
    rest: bytes | None = None


def takeout_owners(stem: bytes) -> Sequence[TakeoutOwner]:
    """The files that a JSON file of Google Takeout with this stem may describe, the likeliest first.

    For X.jpg: X.jpg.json, X.jpg.supplemental-metadata.json, or that word cut off anywhere. For X(1).jpg:
    X.jpg(1).json and X.jpg.supplemental-metadata(1).json. A long name may be cut within its extension: then all
    extensions with this beginning are possible. One that is longer yet is cut within its stem, one character
    before the picture's: X_.json for X_P.jpg, X_(4).json for X_P(4).jpg.
    """
    if match := _FORMS.fullmatch(stem):
        extension = match[2].lower()
        if extension in MEDIA:
            return (TakeoutOwner(match[1] + match[3], (frozenset((extension,)),)),)
    numbered = _NUMBERED.fullmatch(stem)
    if numbered is None or _units(numbered[1]) != LONGEST_STEM:
        return ()
    body, number = numbered.groups()
    found = []
    if match := _CUT_ENDING.fullmatch(body):
        begin = match[2].lower()
        if possible := frozenset(extension for extension in MEDIA if extension.startswith(begin)):
            found.append(TakeoutOwner(match[1] + number, (possible,)))
    return *found, TakeoutOwner(body, _PICTURES, number)


def _units(name: bytes) -> int:
    """The length of a name as Takeout counts it, in UTF-16, also where macOS took letters and accents apart."""
    return len(normalize("NFC", name.decode("utf-8", "replace")).encode("utf-16-le")) // 2
