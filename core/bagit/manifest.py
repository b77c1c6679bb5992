"""The manifests of a bag (RFC 8493, section 2.1.3): one line a file, its SHA-256 and its path."""

import hashlib
import re
from typing import IO

_LINE = re.compile(rb"([0-9A-Fa-f]{64})[ \t]+\*?(.+)", re.DOTALL)
_END = re.compile(rb"\r\n|\n|\r")
_SPECIAL = re.compile(rb"[%\r\n]")
_TRIPLET = re.compile(rb"%(25|0[AaDd])")
_NAMED_BY_DIGEST = re.compile(rb"([0-9a-f]{32})(?:-\d+)?(?:\..*)?", re.DOTALL)
_BOM = b"\xef\xbb\xbf"

# Where readers that take more than CR and LF for a line's end split text (str.splitlines).
_MORE_ENDS = re.compile(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def encode(path: bytes) -> bytes:
    """Encode a path for a manifest: CR, LF and % are percent-encoded, "and only those"."""
    return _SPECIAL.sub(lambda found: b"%%%02X" % found[0][0], path)


def decode(text: bytes) -> bytes:
    """Decode what `encode` wrote. Any other % stands for itself, because many programs write it unencoded."""
    return _TRIPLET.sub(lambda found: bytes.fromhex(found[1].decode()), text)


def line(path: bytes, sha256: bytes) -> bytes:
    """One line of a manifest."""
    return b"%s  %s\n" % (sha256.hex().encode(), encode(path))


def utf8(path: bytes) -> bool:
    """Whether a manifest, which is UTF-8 text, can hold the path."""
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True


def agreed(path: bytes) -> bool:
    """Whether programs agree on how this path is written in a manifest.

    bagit-python leaves % as it is, decodes at most two CR and two LF per path, strips white space from the end of
    a line, ends lines at more characters than CR and LF, and calls `~` unsafe. Tag files with such names are not
    Lading's and need not be in a tag manifest; payload must be in the manifest, as the RFC says it.
    """
    if not utf8(path) or b"%" in path or path.startswith(b"~"):
        return False
    text = path.decode()
    return text == text.rstrip() and not _MORE_ENDS.search(text) and max(map(text.count, "\r\n")) <= 2


def digest_of_name(path: bytes) -> bytes:
    """The XXH3-128 in the name of a payload file; empty when the name holds none."""
    found = _NAMED_BY_DIGEST.fullmatch(path.rpartition(b"/")[2])
    return bytes.fromhex(found[1].decode()) if found else b""


class ManifestLines:
    """Parses a manifest piece by piece; lines that are no entries are skipped."""

    def __init__(self) -> None:
        self._rest = b""
        self._sha = hashlib.sha256()
        self._begun = False

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """(path, SHA-256) of the lines that end in this piece."""
        self._sha.update(data)
        if not self._begun and data:
            data = data.removeprefix(_BOM)
            self._begun = True
        *whole, self._rest = _END.split(self._rest + data)
        return [entry for text in whole if (entry := _entry(text))]

    def end(self) -> list[tuple[bytes, bytes]]:
        """The entry of the last line, if no line end followed it."""
        entry = _entry(self._rest)
        return [entry] if entry else []

    def sha256(self) -> str:
        """The SHA-256 of all that was fed, in hexadecimal."""
        return self._sha.hexdigest()


def _entry(text: bytes) -> tuple[bytes, bytes] | None:
    found = _LINE.fullmatch(text)
    if not found:
        return None
    return decode(found[2]).removeprefix(b"./"), bytes.fromhex(found[1].decode())


class Draft:
    """A file of a bag that is written on the local disk, to be copied into the archive."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._sha = hashlib.sha256()
        self._file: IO[bytes] = open(path, "wb")  # noqa: SIM115 - closed by `close`

    def add(self, data: bytes) -> None:
        """Append `data`."""
        self._sha.update(data)
        self._file.write(data)

    def close(self) -> None:
        """Close the file, which is complete."""
        self._file.close()

    def sha256(self) -> bytes:
        """The SHA-256 of what was added so far."""
        return self._sha.digest()
