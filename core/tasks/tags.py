"""The tags of one file as exiftool gives them with `-json -a -G1 -n`."""

import math
import re
from collections.abc import Collection, Iterator, Mapping

import msgspec

# Numbers stay as they are written: a serial number "123e4" looks like one.
_decoder = msgspec.json.Decoder(dict[str, object], float_hook=str)

COPY = "System"
"""The group of what exiftool says of the copy: its path, its times. Leaving it out here is faster than there."""

# What belongs to an embedded thumbnail or preview, not to the picture; and what to the copy.
_PASSED = frozenset(("IFD1", "IFD2", "PreviewIFD", "InteropIFD", "GlobParamIFD", COPY))
_FIRST = {"ExifIFD": 0, "IFD0": 1, "Composite": 2}
_NOTHING = frozenset(("", "-", "--", "---", "----", "n/a", "none", "unknown", "(none)", "undef"))
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

LONGEST = 300
"""Characters of a typed text; more is not a name of anything."""


class Tags:
    """Finds values by the name of their tag, EXIF first, then in the order of the file."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.groups: set[str] = set()
        self._named: dict[str, list[tuple[str, object]]] = {}
        for key, value in values.items():
            group, colon, name = key.partition(":")
            if colon and group not in _PASSED:
                self.groups.add(group)
                self._named.setdefault(name, []).append((group, value))
        for found in self._named.values():
            if len(found) > 1:
                found.sort(key=lambda one: _FIRST.get(one[0], 3))

    @classmethod
    def read(cls, json: bytes | msgspec.Raw) -> "Tags":
        """Those of one JSON object. Raises msgspec.DecodeError."""
        return cls(_decoder.decode(json))

    def all(self, name: str, groups: Collection[str] = ()) -> Iterator[tuple[str, str]]:
        """Each group that has the tag with its value as text, cleaned; `groups` bounds the search."""
        for group, value in self._named.get(name, ()):
            if not groups or group in groups:
                text = clean(value)
                if text is not None:
                    yield group, text

    def values(self, name: str, groups: Collection[str] = ()) -> Iterator[str]:
        """Each value of the tag, cleaned."""
        return (text for _, text in self.all(name, groups))

    def text(self, *names: str) -> str | None:
        """The first value that says something."""
        return next((text for name in names for text in self.values(name)), None)

    def number(self, *names: str) -> float | None:
        """The first value that is a finite number."""
        numbers = (number(text) for name in names for text in self.values(name))
        return next((one for one in numbers if one is not None), None)


def clean(value: object) -> str | None:
    """A value as one line of text; None when it says nothing or is no scalar."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = _UNSEEN.sub(" ", str(value)).strip()[:LONGEST].rstrip()
    return None if text.lower() in _NOTHING else text


def number(text: str) -> float | None:
    """A text as a finite number, else None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
