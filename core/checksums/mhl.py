"""Parses Media Hash Lists: ASC MHL 2.0 manifests and chains (its specification), and MHL 1.1
(MediaHashList_v1_1.xsd).

In MHL 1.1 `xxhash` is XXH32 as a decimal number, `xxhash64` is XXH64 with its bytes in reverse order, and
`xxhash64be` is XXH64 in canonical form. The directory hashes of an ASC MHL are ignored, because they follow from
the files.
"""

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from core.checksums.algorithms import DIGEST_SIZES, of_c4
from core.checksums.names import LONGEST_PATH, Checksum, below

LONGEST_TOKEN = 1 << 20
"""The most bytes of one tag with its attributes, which the parser buffers until the tag ends."""

LONGEST_TEXT = 64 << 10
DEEPEST = 32

_CONTAINERS = {"hashlist": ("hash", "hashlistreference"), "ascmhldirectory": ("hashlist",)}
"""The elements that name a file, by the root element."""


def _turned(text: str) -> bytes:
    return bytes.fromhex(text)[::-1]


def _decimal(text: str) -> bytes:
    return int(text).to_bytes(DIGEST_SIZES["xxh32"], "big")


_HASHES: dict[str, tuple[str, Callable[[str], bytes]]] = {
    **{name: (name, bytes.fromhex) for name in DIGEST_SIZES},
    "c4": ("sha512", of_c4),
    "xxhash": ("xxh32", _decimal),
    "xxhash64": ("xxh64", _turned),
    "xxhash64be": ("xxh64", bytes.fromhex),
}


class MhlError(Exception):
    """The data is not a Media Hash List; the text says why."""


class _Target:
    """The parser's target: collects checksums from the elements."""

    def __init__(self, folder: bytes) -> None:
        self.ready: list[Checksum] = []
        self.not_understood = self.outside = 0
        self._folder = folder
        self._open: list[str] = []
        self._container = ""
        self._texts: list[str] = []
        self._length = 0
        self._failed = False
        self._names: dict[str, str] = {}
        self._digests: list[tuple[str, bytes]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        self._open.append(name)
        if len(self._open) == 1 and name not in _CONTAINERS:
            raise MhlError("it is no Media Hash List")
        if len(self._open) > DEEPEST:
            raise MhlError("its elements are nested too deep")
        if not self._container and len(self._open) > 1 and name in _CONTAINERS[self._open[0]]:
            self._container, self._names, self._digests = name, {}, []
        self._texts, self._length = [], 0
        self._failed = attributes.get("action") == "failed"

    def data(self, text: str) -> None:
        self._length += len(text)
        if self._length > LONGEST_TEXT:
            raise MhlError(f"one of its texts has more than {LONGEST_TEXT:,} characters")
        if self._container:
            self._texts.append(text)

    def end(self, tag: str) -> None:
        name = self._open.pop()
        text = "".join(self._texts)
        if name == self._container:
            self._take()
            self._container = ""
        elif self._container and name in ("path", "file", "previousPath"):
            self._names[name] = text
        elif self._container and name in _HASHES and not self._failed:
            # action="failed": another program found that the file differs, so this digest is not used.
            algorithm, of_text = _HASHES[name]
            try:
                digest = of_text(text.strip())
            except (ValueError, OverflowError):
                digest = b""
            if len(digest) == DIGEST_SIZES[algorithm]:
                self._digests.append((algorithm, digest))
            else:
                self.not_understood += 1
        self._texts, self._length, self._failed = [], 0, False

    def close(self) -> None:
        """Called by the parser at the end; there is no result."""

    def _take(self) -> None:
        name = self._names.get("path", self._names.get("file", ""))
        if not name or len(name) > LONGEST_PATH:
            self.not_understood += 1
            return
        path = below(self._folder, name.encode())
        if path is None:
            self.outside += 1
            return
        before = self._names.get("previousPath", "").encode()
        if before and (gone := below(self._folder, before)) and gone != path:
            self.ready.append(Checksum(gone, "", b""))
        self.ready += [Checksum(path, algorithm, digest) for algorithm, digest in self._digests]


class Mhl:
    """Parses one list, whose paths are relative to `folder`, piece by piece. Methods raise MhlError.

    not_understood: digests and files so far that cannot be used. outside: files so far that are not below the
    source's root.
    """

    def __init__(self, folder: bytes) -> None:
        self._target = _Target(folder)
        # Without a DTD no entities can be declared: neither ones that expand without bounds nor external ones.
        self._parser: Any = DefusedXMLParser(target=self._target, forbid_dtd=True)
        self._fed = 0

    @property
    def not_understood(self) -> int:
        return self._target.not_understood

    @property
    def outside(self) -> int:
        return self._target.outside

    def feed(self, block: bytes) -> list[Checksum]:
        """Parse the next bytes. Returns the checksums of the files whose elements end in them."""
        self._fed += len(block)
        self._checked(lambda: self._parser.feed(block))
        if self._fed - self._parser.parser.CurrentByteIndex > LONGEST_TOKEN + len(block):
            raise MhlError(f"one of its tags has more than {LONGEST_TOKEN:,} bytes")
        return self._taken()

    def close(self) -> list[Checksum]:
        """End the list. Returns the checksums that are left. Raises MhlError also if the list is truncated."""
        self._checked(self._parser.close)
        return self._taken()

    def _checked(self, parse: Callable[[], object]) -> None:
        try:
            parse()
        except ParseError as error:
            raise MhlError(f"it is no well-formed XML: {error}") from error
        except (DefusedXmlException, ValueError, LookupError) as error:
            raise MhlError("its XML has a DTD, or an encoding that is not known") from error

    def _taken(self) -> list[Checksum]:
        taken, self._target.ready = self._target.ready, []
        return taken
