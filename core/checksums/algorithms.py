"""Checksums by the names of their algorithms: md5, sha1, sha256, sha512, xxh32, xxh64, xxh3, xxh128.

xxh3 and xxh128 are XXH3 with 64 and 128 bits. Digests of xxHash are in canonical form: the most
significant byte comes first.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Protocol

import xxhash

Data = bytes | memoryview


class Hasher(Protocol):
    """A checksum that is being computed."""

    def update(self, data: Data, /) -> object: ...
    def digest(self) -> bytes: ...


_MADE: dict[str, Callable[[], Hasher]] = {
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "xxh32": xxhash.xxh32,
    "xxh64": xxhash.xxh64,
    "xxh3": xxhash.xxh3_64,
    "xxh128": xxhash.xxh3_128,
}

DIGEST_SIZES = {name: len(make().digest()) for name, make in _MADE.items()}
"""Bytes of each algorithm's digest."""

ALWAYS = ("xxh128", "sha256")
"""The algorithms that are computed for every file."""

_WORDS = {"sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512", "xxh3": "XXH3-64", "xxh128": "XXH3-128"}

_C4 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_C4_LENGTH = 88


def word(algorithm: str) -> str:
    """The name of an algorithm for a person: SHA-256, XXH3-64, MD5."""
    return _WORDS.get(algorithm, algorithm.upper())


class Hashers:
    """Computes several checksums of one file at once. Raises KeyError for an unknown algorithm."""

    def __init__(self, algorithms: Iterable[str]) -> None:
        self._hashers = {algorithm: _MADE[algorithm]() for algorithm in algorithms}

    def update(self, data: Data) -> None:
        """Hash the next bytes of the file."""
        for hasher in self._hashers.values():
            hasher.update(data)

    def digests(self) -> dict[str, bytes]:
        """The raw digests, by algorithm."""
        return {algorithm: hasher.digest() for algorithm, hasher in self._hashers.items()}


def digest(algorithm: str, data: Data) -> bytes:
    """The raw digest of `data`."""
    hashers = Hashers((algorithm,))
    hashers.update(data)
    return hashers.digests()[algorithm]


def c4(sha512: bytes) -> str:
    """The C4 ID (SMPTE ST 2114) of a raw SHA-512: "c4", then the number as 88 digits in base 58."""
    number, text = int.from_bytes(sha512, "big"), ""
    while number:
        number, at = divmod(number, 58)
        text = _C4[at] + text
    return "c4" + text.rjust(_C4_LENGTH, _C4[0])


def of_c4(text: str) -> bytes:
    """The raw SHA-512 of a C4 ID. Raises ValueError if `text` is not a C4 ID."""
    if not text.startswith("c4") or len(text) != _C4_LENGTH + 2:
        raise ValueError("no C4 ID")
    number = 0
    for letter in text[2:]:
        number = number * 58 + _C4.index(letter)
    try:
        return number.to_bytes(DIGEST_SIZES["sha512"], "big")
    except OverflowError:
        raise ValueError("no C4 ID") from None
