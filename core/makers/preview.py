"""The pictures that a RAW file carries beside what the sensor saw, read out by exiftool."""

import base64
import binascii
from typing import Any

import msgspec

from core.makers import child
from core.makers.messages import RefusedError

_TAGS = ("PreviewImage", "JpgFromRaw", "JpgFromRaw2", "OtherImage", "ThumbnailImage", "PhotoshopThumbnail")
_BINARY = "base64:"


class Previews(msgspec.Struct, frozen=True):
    """What a file carries.

    error: what is wrong with the file itself, else empty.
    images: encoded pictures, the one of most bytes first.
    orientation: EXIF orientation of the whole file, 0 when it tells none.
    """

    error: str
    images: list[bytes]
    orientation: int


def read(path: bytes) -> Previews:
    """Every preview of a file. Raises RefusedError when exiftool is missing or gives no answer, OSError."""
    # An empty configuration: the user's own could define anything. -a -G4: of tags that occur twice, all.
    options = ("-config", "", "-j", "-b", "-n", "-q", "-q", "-a", "-G4", "-m")
    asked = ("-Error", "-MIMEType", "-Orientation", *(f"-{tag}" for tag in _TAGS))
    ended = child.run([child.program("exiftool"), *options, *asked, path])
    try:
        rows = msgspec.json.decode(ended.output.decode("utf-8", "replace"), type=list[dict[str, Any]])
        row = rows[0]
    except (msgspec.DecodeError, IndexError) as error:
        raise RefusedError(f"exiftool gave no answer ({ended.status}): {ended.said[:200]}", final=False) from error
    orientation = _main(row, "Orientation")
    return Previews(
        error=_error(row),
        images=sorted(_images(row), key=len, reverse=True),
        orientation=orientation if isinstance(orientation, int) else 0,
    )


def _error(row: dict[str, Any]) -> str:
    if error := _main(row, "Error"):
        return str(error)
    kind = str(_main(row, "MIMEType") or "image/unknown")
    return "" if kind.startswith("image/") else f"it is no picture but {kind}"


def _main(row: dict[str, Any], tag: str) -> object:
    """The value of a tag; -G4 marks further ones of the same name as copies."""
    for name, value in row.items():
        group, _, rest = name.rpartition(":")
        if rest == tag and not group.startswith("Copy"):
            return value
    return None


def _images(row: dict[str, Any]) -> list[bytes]:
    found = []
    for name, value in row.items():
        if name.rpartition(":")[2] in _TAGS and isinstance(value, str) and value.startswith(_BINARY):
            try:
                found.append(base64.b64decode(value.removeprefix(_BINARY)))
            except binascii.Error:
                continue
    return found
