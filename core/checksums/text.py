"""Parses checksum lists in plain text, one file a line, as md5sum, sha256sum, xxhsum and BSD's md5 write them.

- `DIGEST  NAME` or `DIGEST *NAME` (GNU coreutils); `XXH3_DIGEST  NAME` (xxhsum); a line that begins with a
  backslash has `\\\\`, `\\n` and `\\r` for these characters in the name.
- `ALGORITHM (NAME) = DIGEST` (BSD; md5sum --tag; xxhsum --tag, where `XXH64_LE` has the bytes in reverse order).
- A digest alone; its file is named like the list without the last extension.

Empty lines, and lines that begin with `#` or `;`, are ignored.
"""

import os
import re

from core.checksums.algorithms import DIGEST_SIZES
from core.checksums.names import LONGEST_PATH, Checksum, below

LONGEST_LINE = 64 << 10

_PLAIN = re.compile(rb"(XXH3_)?([0-9A-Fa-f]{8,128})(?: [ *]|[ \t]+)(.+)", re.DOTALL)
_TAGGED = re.compile(rb"([A-Za-z0-9_-]+) ?\((.+)\) ?= ?([0-9A-Fa-f]{8,128})", re.DOTALL)
_ALONE = re.compile(rb"(XXH3_)?([0-9A-Fa-f]{8,128})")
_ESCAPED = re.compile(rb"\\([\\nr])")
_ENCODED = re.compile(rb"%(0[AaDd]|25)")
_MEANT = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}
_BY_SIZE = {4: "xxh32", 8: "xxh64", 16: "xxh128"}


class ListParser:
    """Parses the list at `path`, whose names are relative to `folder`, piece by piece. `algorithm`: as from
    `names.algorithm_of`. `bagit`: names are percent-encoded.

    not_understood: lines so far that cannot be parsed, or whose algorithm is unknown. outside: files so far that
    are not below the source's root.
    """

    def __init__(self, folder: bytes, path: bytes, algorithm: str, *, bagit: bool) -> None:
        self.not_understood = self.outside = 0
        self._folder = folder
        self._path = path
        self._algorithm = algorithm
        self._bagit = bagit
        self._rest = b""
        self._skipping = False
        self._first = True

    def feed(self, block: bytes) -> list[Checksum]:
        """Parse the next bytes. Returns the checksums of the lines that end in them."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        found = [listed for line in lines if (listed := self._line(line)) is not None]
        if len(self._rest) > LONGEST_LINE:
            self._skipping, self._rest = True, b""
        return found

    def close(self) -> list[Checksum]:
        """End the list. Returns the checksum of a last line without a line break, if it has one."""
        last = self._line(self._rest) if self._rest else None
        return [last] if last else []

    def _line(self, line: bytes) -> Checksum | None:
        if self._skipping:
            # This is the end of a line that is longer than LONGEST_LINE.
            self._skipping = False
            self.not_understood += 1
            return None
        if self._first:
            line = line.removeprefix(b"\xef\xbb\xbf")
            self._first = False
        line = line.removesuffix(b"\r")
        if not line.strip() or line.startswith((b"#", b";")):
            return None
        if (said := self._said(line)) is None:
            self.not_understood += 1
            return None
        name, algorithm, digest = said
        path = below(self._folder, name)
        if path is None:
            self.outside += 1
            return None
        return Checksum(path, algorithm, digest)

    def _said(self, line: bytes) -> tuple[bytes, str, bytes] | None:
        """(name, algorithm, raw digest) of a line; None if it is not understood."""
        escaped = line.startswith(b"\\")
        bare = line[1:] if escaped else line
        if found := _PLAIN.fullmatch(bare):
            algorithm, digest, name = self._sized(found[1], found[2]), found[2], found[3]
        elif found := _TAGGED.fullmatch(bare):
            tag = found[1].decode().lower().replace("-", "")
            algorithm, digest, name = tag.removesuffix("_le"), found[3], found[2]
            if tag.endswith("_le") and len(digest) % 2 == 0:
                digest = bytes.fromhex(digest.decode())[::-1].hex().encode()
        elif found := _ALONE.fullmatch(bare.strip()):
            algorithm, digest = self._sized(found[1], found[2]), found[2]
            name = os.path.splitext(os.path.basename(self._path))[0]
        else:
            return None
        if escaped:
            name = _ESCAPED.sub(lambda one: _MEANT[one[1]], name)
        elif b"/" not in name:
            # GNU would have escaped a backslash in a name, so this one separates folders: it is from Windows.
            name = name.replace(b"\\", b"/")
        if self._bagit:
            name = _ENCODED.sub(lambda one: bytes([int(one[1], 16)]), name)
        if len(digest) != 2 * DIGEST_SIZES.get(algorithm, 0) or len(name) > LONGEST_PATH or b"\0" in name:
            return None
        return name, algorithm, bytes.fromhex(digest.decode())

    def _sized(self, mark: bytes | None, digest: bytes) -> str:
        """The algorithm of a digest without a tag: XXH3 with `mark`, the prefix `XXH3_`; else that of the list's
        name, and for xxHash by the digest's size."""
        if mark:
            return "xxh3"
        return _BY_SIZE.get(len(digest) // 2, "") if self._algorithm == "xxh" else self._algorithm
