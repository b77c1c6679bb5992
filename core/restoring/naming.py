"""File names by a pattern that a person gives: `{date} {camera} {stem}`."""

import re
from string import Formatter

from core.errors import UsageError
from core.paths import cut

PATTERN_FIELDS = ("date", "time", "camera", "stem")
"""The fields of a pattern, such as 2024-05-06, 07-08-09, the camera's name, the original name without its
extension."""

_HELP = "Write text and {date}, {time}, {camera} and {stem}, such as '{date} {camera} {stem}'."

LONGEST_NAME = 200
"""The most bytes of a name without its extension; most file systems allow 255 in all."""

_UNSAFE = re.compile(r"[/\0-\x1f\x7f]")


class Naming:
    """One parsed pattern."""

    def __init__(self, pattern: str) -> None:
        """Raises UsageError when `pattern` is not valid."""
        try:
            self._parts = [(text, field) for text, field, _, _ in Formatter().parse(pattern)]
        except ValueError as error:
            raise UsageError(f"{pattern} is no pattern: {error}.", _HELP) from error
        fields = {field for _, field in self._parts if field is not None}
        if not fields or not fields <= set(PATTERN_FIELDS) or "/" in pattern:
            raise UsageError(f"{pattern} is no pattern of names.", _HELP)
        self.stem = "stem" in fields
        """Whether the pattern contains the original name."""

    def name(self, stem: bytes, captured: str, day: str, camera: str) -> bytes:
        """The new name, without extension, of a file that was called `stem`.

        captured: as in `metadata.captured_local`, empty where it is not known. day: used for {date} in that case.
        """
        values = {
            "date": (captured or day)[:10].encode(),
            "time": captured[11:19].replace(":", "-").encode(),
            "camera": _UNSAFE.sub("_", camera).encode(),
            "stem": stem,
        }
        made = b"".join(text.encode() + (values[field] if field else b"") for text, field in self._parts)
        # An empty field would leave two spaces in a row, so they are collapsed.
        return cut(b" ".join(filter(None, made.split(b" "))), LONGEST_NAME).rstrip(b" .") or stem
