"""The tags with capture dates: the order in which they are tried, and the rule for the time zone of each.

`DATE_TAGS` is the only place that says so: `core.media.capture_time` follows it, and tests check it row by row.
"""

from collections.abc import Collection
from typing import Literal

from core.models import Value

Meaning = Literal["taken", "recorded", "digitised", "position", "changed"]
"""taken: the moment of the picture. recorded: the moment of a film or recording, by its container. digitised: when
a camera or scanner digitised it. position: when the GPS receiver had a fix. changed: when the file was written."""

Rule = Literal["clock", "utc"]
"""clock: local time, with its zone in the value or in another tag. utc: UTC by the format's rule. A value that
ends in Z is UTC by either rule."""


class DateTag(Value, frozen=True):
    """One tag of exiftool's.

    groups: the groups in which the tag has this meaning; empty: all groups that no earlier row has. offsets: tags
    with its time zone, of which the first valid one counts. source: who documents its meaning.
    time: the tag of the same group with the time of day, where the date lacks it. year: the tag of the same group
    with the year of a date that is only day and month, DDMM, and whose time is HHMM.
    """

    name: str
    meaning: Meaning
    rule: Rule
    source: str
    groups: Collection[str] = ()
    offsets: tuple[str, ...] = ()
    time: str = ""
    year: str = ""


QUICKTIME = frozenset(("QuickTime", *(f"Track{number}" for number in range(1, 100))))
"""The groups whose headers count seconds from 1904."""

CLOCKED = ("RIFF", "H264", "M2TS", "DV", "XML")
"""The groups of films and recordings whose DateTimeOriginal a device's clock has told, never a person."""

_TAKEN = ("OffsetTimeOriginal", "OffsetTime", "OffsetTimeDigitized")
_DIGITISED = ("OffsetTimeDigitized", "OffsetTime", "OffsetTimeOriginal")
_OGG = ("Vorbis", "Theora")
_ID3 = ("ID3v2_3", "ID3v2_2")
_IXML = "BwfxmlBextBwfOrigination"
_EXIF = "CIPA DC-008 (Exif 2.32), 4.6.5"
_HEADER = "QuickTime File Format, Movie Header Atoms: seconds since 1904 in UTC"
# exiftool has the tag DATE_RECORDED under the same name, which says nothing of a zone, and ends only DateUTC in Z.
_MATROSKA = "RFC 9559, 5.1.2.11, DateUTC: ns since 2001 in UTC; exiftool's group is Info since 13.44"
_MWG = "Metadata Working Group, Guidelines 2.0, 5.4: the date of the picture, not of the scan"
_APPLE = "QuickTime File Format, com.apple.quicktime.creationdate: local time with its zone"

DATE_TAGS: tuple[DateTag, ...] = (
    DateTag("DateTimeOriginal", "recorded", "clock", _MATROSKA, ("Matroska", "Info")),
    DateTag("DateTimeOriginal", "recorded", "clock", "the clock of a camcorder or recorder", CLOCKED),
    # exiftool's Composite:DateTimeOriginal takes these for MMDD.
    DateTag("Date", "recorded", "clock", "ID3v2.3.0, 4.2.1: TYER, TDAT, TIME", _ID3, time="Time", year="Year"),
    DateTag("ObservationDate", "taken", "utc", "FITS Standard 4.0, 9.2: UTC", ("FITS",), time="ObservationTime"),
    DateTag("SubSecDateTimeOriginal", "taken", "clock", _EXIF, (), _TAKEN),
    DateTag("DateTimeOriginal", "taken", "clock", _EXIF, (), _TAKEN),
    DateTag("CreationDate", "recorded", "clock", _APPLE, ("Keys", "ItemList")),
    DateTag("CreationDateValue", "recorded", "clock", "Sony XDCAM, NonRealTimeMeta: local time with its zone"),
    DateTag("ContentCreateDate", "recorded", "clock", "iTunes metadata, (c)day"),
    DateTag("CreateDate", "recorded", "utc", _HEADER, QUICKTIME),
    DateTag("MediaCreateDate", "recorded", "utc", _HEADER, QUICKTIME),
    DateTag("TrackCreateDate", "recorded", "utc", _HEADER, QUICKTIME),
    DateTag("DateTimeCreated", "taken", "clock", _MWG),
    DateTag("DateCreated", "taken", "clock", _MWG, ("XMP-photoshop", "IPTC", "IPTC2", "IPTC3")),
    DateTag("CreateDate", "changed", "utc", "FITS Standard 4.0, 4.4.2.1, DATE: UTC", ("FITS",)),
    DateTag("SubSecCreateDate", "digitised", "clock", _EXIF, (), _DIGITISED),
    DateTag("CreateDate", "digitised", "clock", _EXIF, (), _DIGITISED),
    DateTag("DateTimeDigitized", "digitised", "clock", _EXIF, (), _DIGITISED),
    DateTag("DigitalCreationDateTime", "digitised", "clock", "IPTC IIM 4.2, 2:62 and 2:63", ("Composite",)),
    DateTag("DigitalCreationDate", "digitised", "clock", "IPTC IIM 4.2, 2:62", ("IPTC", "IPTC2", "IPTC3")),
    DateTag("MediaCreateDate", "recorded", "clock", "other films than QuickTime's"),
    DateTag("TrackCreateDate", "recorded", "clock", "other films than QuickTime's"),
    DateTag("CreationDate", "recorded", "utc", "ASF specification, 3.2: 100 ns since 1601 in UTC", ("ASF",)),
    DateTag("EncodeTime", "recorded", "utc", "WTV: 100 ns since the year 1 in UTC", ("WTV",)),
    DateTag(f"{_IXML}Date", "recorded", "clock", "iXML 2.0, BEXT", ("XML",), time=f"{_IXML}Time"),
    DateTag("DateCreated", "recorded", "clock", "RIFF, INFO list, ICRD", ("RIFF",)),
    DateTag("Creation_time", "recorded", "clock", "FLV's onMetaData, WTV, as FFmpeg writes it", ("Flash", "WTV")),
    DateTag("StartTime", "recorded", "clock", "DSS of Olympus, the dictation machine's clock", ("Olympus",)),
    DateTag("CreationTime", "recorded", "clock", "Ogg's comments as FFmpeg writes them", _OGG),
    DateTag("Date", "recorded", "clock", "xiph.org, Ogg Vorbis I, v-comment: DATE is when it was recorded", _OGG),
    DateTag("CreationTime", "recorded", "clock", "PNG specification, 11.3.4.3, Creation Time", ("PNG",)),
    DateTag("GPSDateTime", "position", "utc", "CIPA DC-008 (Exif 2.32), 4.6.6: GPS time stamps are UTC"),
    DateTag("SubSecModifyDate", "changed", "clock", _EXIF, ("Composite",), ("OffsetTime",)),
    DateTag("ModifyDate", "changed", "clock", f"{_EXIF}: DateTime", ("IFD0",), ("OffsetTime",)),
)
"""In the order in which they are tried."""
