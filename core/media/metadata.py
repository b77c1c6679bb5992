"""Parsing exiftool's answer about one file: the typed facts, and everything else as raw JSON."""

import re
import zlib
from collections.abc import Iterator, Mapping

import msgspec

from core.media.camera import camera_name
from core.media.capture_time import capture, clock_not_set
from core.media.local_time import at_place
from core.media.tags import COPY_GROUP, Tags, number
from core.models import Value

RULES = 2
"""Version of the rules by which `parse` and those it calls take facts out of what exiftool said, and of those for
zones (core.media.local_time, core.catalog.neighbours). Raised with each change of them: the stored answers of
catalogs that were made by older ones are then read again."""

LARGEST_RAW = 4 << 20
"""The most bytes of JSON; of a file with more, only the short values are kept."""

_OF_THE_COPY = ("SourceFile", f"{COPY_GROUP}:")
_SIZE = re.compile(r"(\d{1,9})[ x](\d{1,9})")
_CLOCKED = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d(?:\.\d+)?)", re.ASCII)
_NUMBERS = re.compile(r"(?:[\d.]+|inf|undef)(?: (?:[\d.]+|inf|undef)){3}")
_NO_LENS = re.compile(
    # Words of exiftool and of makers for a lens without electronics, and numbers that nobody has a name for.
    r"unknown\b|uncoded lens|manual lens|no lens|.*\bor (?:no|manual) lens$|(?:[a-z]+ )?0(?:\.0+)? ?mm\b"
    r"|(?:[\d. ]*|(?:[0-9a-f]{2} ){2,}[0-9a-f]{2})$",
    re.IGNORECASE,
)
_SERIALS = ("SerialNumber", "BodySerialNumber", "CameraSerialNumber", "InternalSerialNumber")
_BYTES = re.compile(r"\d{1,3}(?: \d{1,3}){2,}")
_AVCHD = {str(0x0103): "Panasonic", str(0x0108): "Sony", str(0x1011): "Canon", str(0x1104): "JVC"}
"""Makers in the MDPM pack 0xE0 of an H.264 stream, as in exiftool's H264.pm."""

_TURNED = {0: 1, 90: 6, 180: 3, 270: 8}
"""EXIF orientation by degrees clockwise."""

_MIRRORED = {"0": (4, 5, 2, 7), "1": (2, 7, 4, 5)}
"""EXIF orientation by a mirror (0 top to bottom, 1 left to right) and the quarter turns anticlockwise before
it."""

_ORIENTATIONS: dict[tuple[float, ...], int] = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}
"""EXIF orientation by a, b, c and d of a film's matrix, whose y axis points down."""


class Metadata(Value, frozen=True, kw_only=True):
    """One row of the table `metadata` without item and raw JSON; the columns have these names.

    captured, captured_local, offset, captured_tag, captured_zone: see `core.media.capture_time.Capture`. Where
    every date is from an unset clock, captured_tag is the tag of one, captured_zone "unset" and the rest None. A
    zone that is known from elsewhere than the file is named in captured_zone, too:
    `core.media.local_time.FOUND_BY`.
    camera: maker and model as they are shown and searched, see `core.media.camera.camera_name`.
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
    camera: str | None = None
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
    """Compress raw JSON for the database: zlib makes it a third."""
    return zlib.compress(json, 6)


def unpack(raw: bytes) -> str:
    """Decompress what `pack` made."""
    return zlib.decompress(raw).decode()


def raw_of(values: Mapping[str, msgspec.Raw]) -> bytes:
    """One object of exiftool's as it is stored: without the path and the file times of the archive's copy."""
    told = {name: value for name, value in values.items() if not name.startswith(_OF_THE_COPY)}
    bare = msgspec.json.encode(told)
    if len(bare) <= LARGEST_RAW:
        return bare
    return msgspec.json.encode({name: value for name, value in told.items() if len(bytes(value)) < 1000})


def parse(json: bytes) -> Metadata:
    """Parse one object of exiftool's. Raises msgspec.DecodeError."""
    tags = Tags.read(json)
    taken = capture(tags)
    unset = clock_not_set(tags) if taken is None else None
    width, height = _size(tags)
    lat, lon = _place(tags)
    if taken is not None and taken.zone == "utc" and lat is not None and lon is not None:
        taken = at_place(taken, lat, lon)
    make = _make(tags) or next(tags.values("DeviceManufacturer", ("XML",)), None)
    make = make or ("GoPro" if "GoPro" in tags.groups else None)
    model = _device(tags, ("Model", "AndroidModel", "UniqueCameraModel"), "DeviceModelName")
    return Metadata(
        captured=taken.seconds if taken else None,
        captured_local=taken.local if taken else None,
        offset=taken.offset if taken else None,
        captured_tag=taken.tag if taken else unset,
        captured_zone=taken.zone if taken else "unset" if unset else None,
        make=make,
        model=model,
        camera=camera_name(make, model),
        serial=_serial(tags, model or "") or next(tags.values("DeviceSerialNo", ("XML",)), None),
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
    """A device's name. Sony's films have it in an XML part; the same name in another group may be a colour
    profile's."""
    return tags.text(*names) or next(tags.values(sony, ("XML",)), None)


def _make(tags: Tags) -> str | None:
    """The maker's name. AVCHD has a number instead, which is looked up; any other number is not a name."""
    for name in ("Make", "AndroidMake", "AndroidManufacturer"):  # the last of exiftool before 13
        for group, text in tags.all(name):
            if not text.isdecimal() and not text.startswith("Unknown ("):
                return text
            if group == "H264" and text in _AVCHD:
                return _AVCHD[text]
    return None


def _serial(tags: Tags, model: str) -> str | None:
    """The serial number as it is engraved. As a number, Canon's lacks leading zeros and Sony's is in single
    bytes."""
    for name in _SERIALS:
        for group, text in tags.all(name):
            if group in ("Canon", "CanonRaw") and name == "SerialNumber" and text.isdecimal():
                text = _of_canon(int(text), model)
            elif group.startswith("Sony") and _BYTES.fullmatch(text):
                text = "".join(f"{int(byte) % 256:02x}" for byte in text.split())
            if re.search(r"[^0. ]", text):
                return text
    return None


def _of_canon(number: int, model: str) -> str:
    # The formats are those of exiftool's Canon.pm.
    if re.search(r"EOS D30\b", model):
        return f"{number >> 16:04x}{number & 0xFFFF:05d}"
    return f"{number:06d}" if re.search("EOS-1D", model) else f"{number:010d}"


def _size(tags: Tags) -> tuple[int | None, int | None]:
    found = _SIZE.fullmatch(tags.text("ImageSize") or "")
    return (int(found[1]), int(found[2])) if found and found[0] not in ("0 0", "0x0") else (None, None)


def _place(tags: Tags) -> tuple[float | None, float | None]:
    """(lat, lon) from groups where they have a sign, which EXIF's own lack. 0, 0 is what a receiver without a fix
    writes."""
    for group in (("Composite",), ("XMP-exif",)):
        lat, lon = (next(map(number, tags.values(name, group)), None) for name in ("GPSLatitude", "GPSLongitude"))
        if lat is not None and lon is not None and abs(lat) <= 90 and abs(lon) <= 180 and (lat or lon):
            return lat, lon
    return None, None


def _orientation(tags: Tags) -> int | None:
    """The EXIF orientation; for HEIF and AVIF the file's own rotation where it has one, because viewers use
    that."""
    turn, mirror = (next(tags.values(name, ("QuickTime",)), None) for name in ("Rotation", "Mirroring"))
    if turn is not None or mirror is not None:
        quarters = number(turn or "0") or 0
        # Anticlockwise (ISO/IEC 23008-12, irot and imir); exiftool 12 reports degrees, and no mirror.
        quarters = round(quarters / 90 if quarters >= 4 else quarters) % 4
        return _MIRRORED[mirror][quarters] if mirror in _MIRRORED else _TURNED[-90 * quarters % 360]
    for text in tags.values("Orientation"):
        if re.fullmatch("[1-8]", text):
            return int(text)
    shown = _of_matrices(tags)
    if shown is not None:
        return shown
    for text in tags.values("Rotation", ("Composite",)):
        turned = number(text)
        if turned is not None:
            return _TURNED.get(round(turned) % 360)  # of a film, clockwise
    return None


def _of_matrices(tags: Tags) -> int | None:
    """The orientation of a film by the matrix of its video track and that of the whole film, which may mirror, too
    (ISO/IEC 14496-12, 6.2.2); None where they do not bring edges onto edges. exiftool's Rotation knows neither
    mirrors nor the second one."""
    track = next((group for group, kind in tags.all("HandlerType") if kind == "vide" and group != "QuickTime"), "")
    found = [next(map(_matrix, tags.values("MatrixStructure", (group,))), None) for group in (track, "QuickTime")]
    if not track or found[0] is None:
        return None
    (a, b, c, d), (e, f, g, h) = found[0], found[1] or (1.0, 0.0, 0.0, 1.0)
    product = (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)
    largest = max(map(abs, product)) or 1.0
    return _ORIENTATIONS.get(tuple(round(one / largest, 2) for one in product))


def _matrix(text: str) -> tuple[float, float, float, float] | None:
    """The four of a matrix's nine numbers that turn and mirror."""
    numbers = [number(one) for one in text.split()]
    if len(numbers) != 9 or None in numbers:
        return None
    a, b, _, c, d = (one or 0.0 for one in numbers[:5])
    return a, b, c, d


def _duration(tags: Tags) -> float | None:
    """Seconds of the whole file, not of one track."""
    for group, text in tags.all("Duration"):
        seconds = number(text)
        if clocked := _CLOCKED.fullmatch(text):  # Matroska's, of exiftool before 13.44
            seconds = int(clocked[1]) * 3600 + int(clocked[2]) * 60 + float(clocked[3])
        if group == "ASF":
            # This includes the time before anything is shown (ASF specification, 3.2, Preroll: milliseconds).
            seconds = (seconds or 0) - (tags.number("Preroll") or 0) / 1000
        if seconds is not None and seconds > 0 and not group.startswith("Track"):
            return seconds
    return None


def _lens(tags: Tags) -> str | None:
    """The lens's name, else one made of focal lengths and apertures; the makers' lens numbers are not useful."""
    for name in ("LensModel", "CameraLensModel", "Lens", "LensID", "LensInfo"):
        for text in tags.values(name):
            if _NUMBERS.fullmatch(text):
                return next(_lens_names(tags, "LensID"), None) or _lens_of(text)
        for text in _lens_names(tags, name):
            return text
    shortest, longest = (tags.number(f"{end}FocalLength") for end in ("Min", "Max"))
    return _lens_of(f"{shortest} {longest} 0 0") if shortest and longest else None


def _lens_names(tags: Tags, name: str) -> Iterator[str]:
    return (text for text in tags.values(name) if not _NO_LENS.match(text) and not _NUMBERS.fullmatch(text))


def _lens_of(numbers: str) -> str | None:
    shortest, longest, wide, tele = (number(part) or 0 for part in numbers.split())
    if shortest <= 0:
        return None
    focal = f"{shortest:g}mm" if longest in (0, shortest) else f"{shortest:g}-{longest:g}mm"
    if wide <= 0:
        return focal
    return f"{focal} f/{wide:g}" + ("" if tele in (0, wide) else f"-{tele:g}")
