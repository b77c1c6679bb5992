"""The preview pictures in a RAW file, read by exiftool."""

import base64
import binascii
from typing import Any

import msgspec

from core.derivatives import run_program
from core.derivatives.messages import OrderRefusedError

_TAGS = (
    "PreviewImage",
    "JpgFromRaw",
    "JpgFromRaw2",
    "OtherImage",
    "PreviewJXL",
    "ThumbnailImage",
    "PhotoshopThumbnail",
)
_BINARY = "base64:"
_UNKNOWN = ("Unsupported RAW", "Unknown file type")


class Previews(msgspec.Struct, frozen=True):
    """The previews of a file.

    error: what is wrong with the file itself, else empty.
    images: encoded pictures, the one of most bytes first.
    orientation: EXIF orientation of the whole file, 0 when it has none.
    """

    error: str
    images: list[bytes]
    orientation: int

    @property
    def unknown(self) -> bool:
        """Whether exiftool does not know the format, so that the file may not be what its name says."""
        return self.error.startswith(_UNKNOWN)


def read(path: bytes) -> Previews:
    """Every preview of a file. Raises OrderRefusedError when exiftool is missing or does not answer, OSError."""
    # The configuration is empty, because the user's own may define anything. -a -G4: all of the tags that occur
    # twice.
    options = ("-config", "", "-j", "-b", "-n", "-q", "-q", "-a", "-G4", "-m")
    asked = ("-Error", "-MIMEType", "-Orientation", *(f"-{tag}" for tag in _TAGS))
    ended = run_program.run([run_program.program("exiftool"), *options, *asked, path])
    try:
        rows = msgspec.json.decode(ended.output.decode("utf-8", "replace"), type=list[dict[str, Any]])
        row = rows[0]
    except (ValueError, RecursionError, IndexError) as error:
        raise OrderRefusedError(
            f"exiftool gave no answer ({ended.status}): {ended.said[:200]}", final=False
        ) from error
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
    """The value of a tag; -G4 marks further ones of the same name as copies, which are skipped."""
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
