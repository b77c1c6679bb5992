"""The identity of file contents."""

from typing import NamedTuple


class Content(NamedTuple):
    """The identity of a file's content: its size in bytes, and both digests of all bytes."""

    size: int
    xxh128: bytes
    sha256: bytes
