"""What exiftool found in one file: the typed facts, and everything else as it said it."""

import re
import zlib

import msgspec

from core.models import Value
from core.tasks.capture import capture
from core.tasks.tags import COPY, Tags, number

LARGEST_RAW = 4 << 20
"""Bytes of JSON; of a file with more, only the values that are short are kept."""

_OF_THE_COPY = ("SourceFile", f"{COPY}:")
_values = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SIZE = re.compile(r"(\d{1,9})[ x](\d{1,9})")
_NUMBERS = re.compile(r"(?:[\d.]+|inf|undef)(?: (?:[\d.]+|inf|undef)){3}")
_SERIALS = ("SerialNumber", "BodySerialNumber", "CameraSerialNumber", "InternalSerialNumber")
_TURNED = {0: 1, 90: 6, 180: 3, 270: 8}


class Metadata(Value, frozen=True, kw_only=True):
    """One row of the table `metadata` but its item and raw JSON; the columns have these names.

    captured, captured_local, offset, captured_tag, captured_zone: see `core.tasks.capture.Capture`.
    orientation: as in EXIF, 1 to 8; of a film from its rotation. width and height are those before it.
    lat, lon: degrees, north and east positive; both or neither. altitude: metres, negative below the sea.
    duration: seconds. content_identifier: Apple's, which a still shares with its movie.
    warning: exiftool's first. error: why exiftool could not read the file.
    """

    captured: float | None = None
    captured_local: str | None = None
    offset: int | None = None
    captured_tag: str | None = None
    captured_zone: str | None = None
    make: str | None = None
    model: str | None = None
    serial: str | None = None
    lens: str | None = None
    width: int | None = None
    height: int | None = None
    orientation: int | None = None
    lat: float | None = None
    lon: float | None = None
    altitude: float | None = None
    duration: float | None = None
    content_identifier: str | None = None
    format: str | None = None
    mime: str | None = None
    warning: str | None = None
    error: str | None = None


def pack(json: bytes) -> bytes:
    """Raw JSON as the database keeps it: zlib makes it a third."""
    return zlib.compress(json, 6)


def unpack(raw: bytes) -> str:
    """Take back what `pack` made."""
    return zlib.decompress(raw).decode()


def raw_of(json: bytes) -> bytes:
    """One object of exiftool's as it is kept: without where the copy is and when it was made."""
    values = _values.decode(json)
    told = {name: value for name, value in values.items() if not name.startswith(_OF_THE_COPY)}
    bare = msgspec.json.encode(told)
    if len(bare) <= LARGEST_RAW:
        return bare
    return msgspec.json.encode({name: value for name, value in told.items() if len(bytes(value)) < 1000})


def parse(json: bytes) -> Metadata:
    """The typed facts of one object of exiftool's. Raises msgspec.DecodeError."""
    tags = Tags.read(json)
    taken = capture(tags)
    width, height = _size(tags)
    lat, lon = _place(tags)
    return Metadata(
        captured=taken.seconds if taken else None,
        captured_local=taken.local if taken else None,
        offset=taken.offset if taken else None,
        captured_tag=taken.tag if taken else None,
        captured_zone=taken.zone if taken else None,
        make=_device(tags, ("Make", "AndroidMake"), "DeviceManufacturer")
        or ("GoPro" if "GoPro" in tags.groups else None),
        model=_device(tags, ("Model", "AndroidModel"), "DeviceModelName"),
        serial=_device(tags, _SERIALS, "DeviceSerialNo"),
        lens=_lens(tags),
        width=width,
        height=height,
        orientation=_orientation(tags),
        lat=lat,
        lon=lon,
        altitude=tags.number("GPSAltitude") if lat is not None else None,
        duration=_duration(tags),
        content_identifier=tags.text("ContentIdentifier", "MediaGroupUUID"),
        format=tags.text("FileType"),
        mime=tags.text("MIMEType"),
        warning=tags.text("Warning"),
        error=tags.text("Error"),
    )


def _device(tags: Tags, names: tuple[str, ...], sony: str) -> str | None:
    """Sony's films say it in a part that is XML; a colour profile has a DeviceManufacturer, too."""
    return tags.text(*names) or next(tags.values(sony, ("XML",)), None)


def _size(tags: Tags) -> tuple[int | None, int | None]:
    found = _SIZE.fullmatch(tags.text("ImageSize") or "")
    return (int(found[1]), int(found[2])) if found and found[0] not in ("0 0", "0x0") else (None, None)


def _place(tags: Tags) -> tuple[float | None, float | None]:
    """Where the numbers have their sign: EXIF's own lack it. 0, 0 is what a receiver without a fix says."""
    for group in (("Composite",), ("XMP-exif",)):
        lat, lon = (next(map(number, tags.values(name, group)), None) for name in ("GPSLatitude", "GPSLongitude"))
        if lat is not None and lon is not None and abs(lat) <= 90 and abs(lon) <= 180 and (lat or lon):
            return lat, lon
    return None, None


def _orientation(tags: Tags) -> int | None:
    for text in tags.values("Orientation"):
        if re.fullmatch("[1-8]", text):
            return int(text)
    for group, text in tags.all("Rotation", ("Composite", "QuickTime")):
        # Of a film clockwise; HEIF's own (ISO/IEC 23008-12, irot), in the group QuickTime, is anticlockwise.
        turned = number(text)
        if turned is not None:
            return _TURNED.get(round(turned if group == "Composite" else -turned) % 360)
    return None


def _duration(tags: Tags) -> float | None:
    """That of the whole, not of one track."""
    for group, text in tags.all("Duration"):
        seconds = number(text)
        if seconds is not None and seconds > 0 and not group.startswith("Track"):
            return seconds
    return None


def _lens(tags: Tags) -> str | None:
    """A name, else what can be told from focal lengths and apertures; the makers' numbers say nothing."""
    for name in ("LensModel", "Lens", "LensID", "LensInfo"):
        for text in tags.values(name):
            if _NUMBERS.fullmatch(text):
                return _lens_of(text)
            if not re.fullmatch(r"[\d. ]*|(?:[0-9A-F]{2} ){2,}[0-9A-F]{2}", text):
                return text
    return None


def _lens_of(numbers: str) -> str | None:
    shortest, longest, wide, tele = (number(part) or 0 for part in numbers.split())
    if shortest <= 0:
        return None
    focal = f"{shortest:g}mm" if longest in (0, shortest) else f"{shortest:g}-{longest:g}mm"
    if wide <= 0:
        return focal
    return f"{focal} f/{wide:g}" + ("" if tele in (0, wide) else f"-{tele:g}")
