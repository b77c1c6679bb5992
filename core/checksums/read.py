"""Parses a checksum list of any format piece by piece, so that memory does not grow with the list's length."""

from collections.abc import Callable, Iterable, Iterator

from core.checksums.mhl import Mhl, MhlError
from core.checksums.names import Checksum, algorithm_of, base_of, is_bagit, is_mhl
from core.checksums.text import ListParser

LARGEST_LIST = 512 << 20
"""The most bytes of a list that are read; an MHL of a million files has about 400 MB."""

MOST_CHECKSUMS = 1_000_000
"""The most checksums of one list that are used."""


class ListError(Exception):
    """A list, or the rest of one, cannot be parsed; the text says why."""


class ListReader:
    """Parses one list of a source, at `path` below its root.

    not_understood: entries so far that cannot be parsed, or whose algorithm is unknown. outside: files so far that
    are not below the source's root.
    """

    def __init__(self, path: bytes) -> None:
        self._path = path
        self._parser: Mhl | ListParser | None = None
        self._fed = self._given = 0

    @property
    def not_understood(self) -> int:
        return self._parser.not_understood if self._parser else 0

    @property
    def outside(self) -> int:
        return self._parser.outside if self._parser else 0

    def entries(self, blocks: Iterable[bytes]) -> Iterator[list[Checksum]]:
        """Parse `blocks`, the list's bytes. Yields the checksums found in each block, then those of the end.
        Raises ListError."""
        parser = self._parser = self._made()
        for block in blocks:
            self._fed += len(block)
            if self._fed > LARGEST_LIST:
                raise ListError(f"it is larger than {LARGEST_LIST >> 20} MiB")
            yield self._counted(parser.feed, block)
        yield self._counted(parser.close)
        if not self._given:
            raise ListError("it names no checksum of a file")

    def _made(self) -> Mhl | ListParser:
        folder = base_of(self._path)
        if is_mhl(self._path):
            return Mhl(folder)
        return ListParser(folder, self._path, algorithm_of(self._path) or "", bagit=is_bagit(self._path))

    def _counted(self, parse: Callable[..., list[Checksum]], *block: bytes) -> list[Checksum]:
        """Raises ListError."""
        try:
            listed = parse(*block)
        except MhlError as error:
            raise ListError(str(error)) from error
        self._given += len(listed)
        if self._given > MOST_CHECKSUMS:
            raise ListError(f"it has more than {MOST_CHECKSUMS:,} checksums")
        return listed


__all__ = ["Checksum", "ListError", "ListReader"]
