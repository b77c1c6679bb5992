"""Which files are checksum lists, by their names alone, and which file a name in a list refers to."""

import os
import re
import unicodedata
from typing import NamedTuple

HISTORY = b"ascmhl"
"""The folder of an ASC MHL history (ASC MHL specification); names in its manifests are relative to the folder
above."""
CHAIN = b"ascmhl_chain.xml"

_TEXT = re.compile(rb"(?:.*[._-])?(md5|sha1|sha256|sha512|xxh(?:32|64|128|3|ash|sum)?)(?:sums?)?(?:\.txt)?")
_BAGIT = re.compile(rb"(?:tag)?manifest-\w+\.txt")

LONGEST_PATH = 4096
"""The most bytes of a path: PATH_MAX on Linux; macOS has less."""


class Checksum(NamedTuple):
    """One checksum of a list: of the file at `path` below the source's root; `digest` is raw.

    `algorithm` empty: entries of earlier lists for that path are void, because the file was renamed.
    """

    path: bytes
    algorithm: str
    digest: bytes


def is_mhl(path: bytes) -> bool:
    """Whether a path is a Media Hash List (ASC MHL or MHL 1.1), or the chain of an ASC MHL history."""
    folder, name = os.path.split(path)
    if name.startswith(b"._"):
        return False
    return name.lower().endswith(b".mhl") or (name == CHAIN and os.path.basename(folder) == HISTORY)


def algorithm_of(path: bytes) -> str | None:
    """The algorithm in the name of a plain-text list: `xxh` if the name tells only that it is xxHash. None: the
    name is not that of such a list."""
    name = os.path.basename(path).lower()
    found = _TEXT.fullmatch(name)
    if found is None or name.startswith(b"._"):
        return None
    algorithm = found[1].decode()
    return "xxh" if algorithm in ("xxhash", "xxhsum") else algorithm


def is_list(path: bytes) -> bool:
    """Whether the file at `path` is treated as a checksum list."""
    return is_mhl(path) or algorithm_of(path) is not None


def is_bagit(path: bytes) -> bool:
    """Whether a path is that of a BagIt manifest, in which line breaks and `%` in names are percent-encoded (RFC
    8493)."""
    return _BAGIT.fullmatch(os.path.basename(path)) is not None


def base_of(path: bytes) -> bytes:
    """The folder that the names in the list at `path` are relative to."""
    folder, name = os.path.split(path)
    return os.path.dirname(folder) if os.path.basename(folder) == HISTORY and name != CHAIN else folder


def below(folder: bytes, name: bytes) -> bytes | None:
    """The path below the source's root of `name`, relative to `folder`; None if it is absolute, the root itself,
    or outside of the root."""
    if name.startswith(b"/"):
        return None
    parts = [part for part in folder.split(b"/") if part]
    for part in name.split(b"/"):
        if part == b"..":
            if not parts:
                return None
            parts.pop()
        elif part not in (b"", b"."):
            parts.append(part)
    return b"/".join(parts) or None


def composed(path: bytes) -> bytes:
    """A path normalized to NFC, because macOS and other programs write the same name in different Unicode
    normalization forms. A path that is not UTF-8 stays as it is."""
    try:
        return unicodedata.normalize("NFC", path.decode()).encode()
    except UnicodeDecodeError:
        return path


def spellings(path: bytes) -> list[bytes]:
    """A path as it is, then in the other Unicode normalization forms (NFC, NFD) that a disk may have it in."""
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return [path]
    return list(dict.fromkeys([path, *(unicodedata.normalize(form, text).encode() for form in ("NFC", "NFD"))]))
