"""Making names from cards safe, for text files, for a terminal, for folder names; and the user's exclusions.

A path here is raw bytes relative to a source, separated by `/`. It may hold any byte but NUL.
"""

import os
import re
import unicodedata
from collections.abc import Collection, Iterable
from fnmatch import translate

from core.errors import UsageError

REMOTE_PREFIX = "rclone:"
"""What the name of a copy on a remote begins with: rclone:NAME:PATH (core.offsite.rclone)."""


def is_remote(path: str | bytes) -> bool:
    """Whether a text names a remote of rclone (`rclone:NAME:PATH`), and is no path on this machine."""
    return os.fsencode(path).startswith(REMOTE_PREFIX.encode())


_ENCODED = re.compile(rb"[^ -$&-~]")
_DECODABLE = re.compile(r"(?:[ -$&-~]|%[0-9A-Fa-f]{2})*")
_TRIPLET = re.compile(rb"%([0-9A-Fa-f]{2})")


def encode(path: bytes) -> str:
    """Encode a path as one line of printable ASCII, for TSV and JSON; `decode` reverts it exactly.

    Every byte outside 0x20 to 0x7E, and `%`, becomes `%XX` (RFC 3986, section 2.1). The rest stays readable.
    """
    return _ENCODED.sub(lambda found: b"%%%02X" % found[0][0], path).decode("ascii")


def decode(text: str) -> bytes:
    """Decode what `encode` wrote.

    Raises ValueError when the text cannot come from `encode`: a stray `%`, or a character that is not printable
    ASCII.
    """
    if not _DECODABLE.fullmatch(text):
        raise ValueError(f"not a percent-encoded path: {text!r}")
    return _TRIPLET.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), text.encode("ascii"))


# What exFAT, NTFS or FAT cannot hold, and a `%` that `unportable` would decode.
_UNPORTABLE = re.compile(rb'[\x00-\x1f"*:<>?\\|]|%(?=[0-9A-Fa-f]{2})|[. ]\Z')
# Device names that Windows reserves, with any extension.
_DEVICE = re.compile(rb"\A(?=(?:con|prn|aux|nul|(?:com|lpt)[0-9])(?:\.|\Z)).", re.IGNORECASE)


def portable(path: bytes) -> bytes:
    """Encode the names of a path so that exFAT, NTFS and FAT can hold them; `unportable` reverts it exactly.

    What these cannot hold, including bytes that are not UTF-8, becomes `%XX`; most names stay unchanged.
    """
    return b"/".join(map(_portable, path.split(b"/")))


def _portable(name: bytes) -> bytes:
    name = _DEVICE.sub(_triplet, _UNPORTABLE.sub(_triplet, name))
    text = name.decode("utf-8", "surrogateescape")
    return "".join(f"%{ord(one) - 0xDC00:02X}" if "\udc80" <= one <= "\udcff" else one for one in text).encode()


def _triplet(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]


def unportable(path: bytes) -> bytes:
    """Decode what `portable` wrote."""
    return _TRIPLET.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), path)


def _visible(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, as os.fsdecode keeps it
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(character)[0] != "C" and unicodedata.category(character) not in ("Zl", "Zp"):
        return character
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def distinguishing_ends(paths: Collection[str]) -> dict[str, str]:
    """For each path the shortest end of it, in whole names, by which it can be told from all other of the
    paths."""
    parts = {path: path.strip("/").split("/") for path in paths}
    found: dict[str, str] = {}
    for path, names in parts.items():
        count = 1
        while count < len(names) and any(
            other != path and theirs[-count:] == names[-count:] for other, theirs in parts.items()
        ):
            count += 1
        found[path] = "/".join(names[-count:])
    return found


def display(path: bytes | str) -> str:
    """Escape a name for a terminal or a log, so that it cannot have any effect there.

    Bytes that are not UTF-8, control characters (C0, DEL, C1), format characters (including bidirectional
    controls), line and paragraph separators, surrogates, private and unassigned code points become visible escapes
    such as `\\x1b` or `\\u202e`. The result cannot be decoded, because a backslash stays as it is.
    """
    text = path.decode("utf-8", "surrogateescape") if isinstance(path, bytes) else path
    return text if text.isprintable() else "".join(map(_visible, text))


SLUG_LENGTH = 40
"""The most characters of a slug."""

# Letters that no Unicode decomposition turns into ASCII.
_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i"}
)
_RESERVED = re.compile(r"con|prn|aux|nul|(?:com|lpt)[0-9]")


def slug(name: str) -> str:
    """A portable folder name for a location: 1 to 40 of a-z, 0-9 and inner hyphens.

    It is never empty ("location" is the default) and never a device name that Windows reserves ("con", "nul",
    "com1", …; Microsoft, "Naming Files, Paths, and Namespaces").
    """
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS)).casefold()
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    short = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:SLUG_LENGTH].strip("-")
    if not short:
        return "location"
    return f"{short}-location" if _RESERVED.fullmatch(short) else short


def cut(name: bytes, most: int) -> bytes:
    """At most so many bytes of a name, not cut inside a character of UTF-8: APFS accepts only valid UTF-8 (Apple
    File System Guide, "Frequently Asked Questions")."""
    # A character has up to four bytes; all but its first are 0b10xxxxxx.
    ends = (end for end in range(most, max(most - 4, -1), -1) if end >= len(name) or name[end] & 0xC0 != 0x80)
    return name[: next(ends, most)]


class PatternSet:
    """The user's `--exclude` patterns, compiled once.

    Patterns are the shell's (`*`, `?`, `[…]`, by `fnmatch`) and case-sensitive. One without `/` is matched against
    every single name in a path, one with `/` against the whole path from the source's root and that of each folder
    above; its `*` matches `/`, too. A pattern that excludes a folder excludes everything in it. Names that are not
    UTF-8 can be matched, too: `?` then stands for one byte.

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
        """The pattern that excludes a path, as the user wrote it (use `display` to show it), or None."""
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


def join(root: bytes, path: bytes) -> bytes:
    """The reverse of `relative`."""
    return os.path.join(root, path) if root and path else root or path


def relative(root: bytes, path: bytes) -> bytes:
    """`path`, which is relative to a volume, relative to the source's `root` there; unchanged when it is not below
    that."""
    return path[len(root) + 1 :] if root and path.startswith(root + b"/") else path


def encodable(text: str) -> str:
    """`text` with everything escaped that UTF-8 cannot hold, such as escaped bytes of a path."""
    return text.encode("utf-8", "backslashreplace").decode()
