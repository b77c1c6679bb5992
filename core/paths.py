"""Names from cards made safe: for text files, for a terminal, for folder names; and the user's exclusions.

A path here is raw bytes relative to a source, separated by `/`. It may hold any byte but NUL.
"""

import re
import unicodedata
from collections.abc import Iterable
from fnmatch import translate

from core.errors import UsageError

_ENCODED = re.compile(rb"[^ -$&-~]")
_DECODABLE = re.compile(r"(?:[ -$&-~]|%[0-9A-Fa-f]{2})*")
_TRIPLET = re.compile(rb"%([0-9A-Fa-f]{2})")


def encode(path: bytes) -> str:
    """Write a path as one line of printable ASCII, for TSV and JSON; `decode` takes it back exactly.

    Every byte outside 0x20 to 0x7E, and `%`, becomes `%XX` (RFC 3986, section 2.1). The rest stays readable.
    """
    return _ENCODED.sub(lambda found: b"%%%02X" % found[0][0], path).decode("ascii")


def decode(text: str) -> bytes:
    """Take back what `encode` wrote.

    Raises ValueError when the text cannot come from `encode`: a stray `%`, or a character that is not
    printable ASCII.
    """
    if not _DECODABLE.fullmatch(text):
        raise ValueError(f"not a percent-encoded path: {text!r}")
    return _TRIPLET.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), text.encode("ascii"))


def _visible(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, as os.fsdecode keeps it
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(character)[0] != "C" and unicodedata.category(character) not in ("Zl", "Zp"):
        return character
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def display(path: bytes | str) -> str:
    """Show a name on a terminal or in a log, where it must do nothing but be read.

    Bytes that are not UTF-8, control characters (C0, DEL, C1), format characters (bidirectional controls
    among them), line and paragraph separators, surrogates, private and unassigned code points become visible
    escapes such as `\\x1b` or `\\u202e`. For reading only: a backslash stays as it is, so the result cannot
    be taken back.
    """
    text = path.decode("utf-8", "surrogateescape") if isinstance(path, bytes) else path
    return text if text.isprintable() else "".join(map(_visible, text))


SLUG_LENGTH = 40
"""Most characters of a slug."""

# Letters that no Unicode decomposition takes to ASCII.
_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i"}
)
_RESERVED = re.compile(r"con|prn|aux|nul|(?:com|lpt)[0-9]")


def slug(name: str) -> str:
    """Make a portable folder name for a location: 1 to 40 of a-z, 0-9 and inner hyphens.

    Never empty ("location" stands in) and never a device name that Windows reserves ("con", "nul", "com1", …;
    Microsoft, "Naming Files, Paths, and Namespaces").
    """
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS)).casefold()
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    short = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:SLUG_LENGTH].strip("-")
    if not short:
        return "location"
    return f"{short}-location" if _RESERVED.fullmatch(short) else short


class PatternSet:
    """The user's `--exclude` patterns, compiled once.

    Patterns are the shell's (`*`, `?`, `[…]`, by `fnmatch`) and mind case. One without `/` is compared with
    every single name in a path, one with `/` with the whole path from the source's root and that of each
    folder above; its `*` crosses `/`. A pattern that excludes a folder excludes all in it. Names that are not
    UTF-8 can be matched too: `?` then stands for one byte.

    Raises UsageError for a pattern that is empty.
    """

    def __init__(self, patterns: Iterable[str | bytes] = ()) -> None:
        self._names: list[tuple[str, re.Pattern[str]]] = []
        self._paths: list[tuple[str, re.Pattern[str]]] = []
        for given in patterns:
            pattern = given if isinstance(given, str) else self._text(given)
            bare = pattern.removeprefix("./").strip("/")
            if not bare:
                raise UsageError(
                    f"The exclusion {display(pattern)!r} names nothing.", "Give a pattern such as '*.tmp'."
                )
            whole = "/" in pattern.rstrip("/")
            (self._paths if whole else self._names).append((pattern, re.compile(translate(bare))))

    @staticmethod
    def _text(path: bytes) -> str:
        return path.decode("utf-8", "surrogateescape")

    def __bool__(self) -> bool:
        return bool(self._names or self._paths)

    def excluded(self, path: bytes) -> str | None:
        """Give the pattern that excludes a path, as the user wrote it (use `display` to show it), or None."""
        if not self:
            return None
        names = self._text(path).split("/")
        for pattern, expression in self._names:
            if any(expression.match(name) for name in names):
                return pattern
        if self._paths:
            wholes = ["/".join(names[: depth + 1]) for depth in range(len(names))]
            for pattern, expression in self._paths:
                if any(expression.match(whole) for whole in wholes):
                    return pattern
        return None
