"""The tags of one file from exiftool's `-json -a -G1 -n`, some of them as text (exiftool_process.AS_PRINTED)."""

import math
import re
from collections.abc import Collection, Iterator, Mapping

import msgspec

# Numbers stay as they are written, because a serial number may look like one: "123e4".
_decoder = msgspec.json.Decoder(dict[str, object], float_hook=str)

COPY_GROUP = "System"
"""The group of exiftool's facts about the archive's copy: its path, its times. Leaving it out here is faster than
there."""

# Groups that are skipped: those of embedded thumbnails and previews, and that of the copy.
_PASSED = frozenset(("IFD1", "IFD2", "PreviewIFD", "InteropIFD", "GlobParamIFD", COPY_GROUP))
_FIRST = {"ExifIFD": 0, "IFD0": 1, "Composite": 2}
_NOTHING = frozenset(("", "-", "--", "---", "----", "n/a", "none", "unknown", "(none)", "undef"))
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

LONGEST_TEXT = 300
"""The most characters of a typed text; a longer one is not a name."""


class Tags:
    """Finds values by the name of their tag, in EXIF first, then in the order of the file."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._named: dict[str, list[tuple[str, object]]] = {}
        several: dict[str, list[tuple[str, object]]] = {}
        for key, value in values.items():
            group, colon, name = key.partition(":")
            if not colon or group in _PASSED:
                continue
            found = self._named.get(name)
            if found is None:
                self._named[name] = [(group, value)]
            else:
                found.append((group, value))
                several[name] = found
        for found in several.values():
            found.sort(key=lambda one: _FIRST.get(one[0], 3))

    @classmethod
    def read(cls, json: bytes | msgspec.Raw) -> "Tags":
        """The tags of one JSON object. Raises msgspec.DecodeError."""
        return cls(_decoder.decode(json))

    @property
    def groups(self) -> set[str]:
        """The groups that the file has tags of."""
        return {group for found in self._named.values() for group, _ in found}

    def all(self, name: str, groups: Collection[str] = ()) -> Iterator[tuple[str, str]]:
        """(group, value as cleaned text) for each group that has the tag; `groups` limits the search."""
        for group, value in self._named.get(name, ()):
            if not groups or group in groups:
                text = clean(value)
                if text is not None:
                    yield group, text

    def values(self, name: str, groups: Collection[str] = ()) -> Iterator[str]:
        """Each value of the tag as cleaned text."""
        return (text for _, text in self.all(name, groups))

    def text(self, *names: str) -> str | None:
        """The first non-empty value of these tags, in their order; None when there is none."""
        for name in names:
            for _, value in self._named.get(name, ()):
                if (text := clean(value)) is not None:
                    return text
        return None

    def number(self, *names: str) -> float | None:
        """The first value of these tags that is a finite number; None when there is none."""
        numbers = (number(text) for name in names for text in self.values(name))
        return next((one for one in numbers if one is not None), None)


def clean(value: object) -> str | None:
    """A value as one line of text; None when it is empty, a placeholder or not a scalar."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = _UNSEEN.sub(" ", str(value)).strip()[:LONGEST_TEXT].rstrip()
    return None if text.lower() in _NOTHING else text


def number(text: str) -> float | None:
    """Parse a finite number; None when it is not one."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
