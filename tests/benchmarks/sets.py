"""The files that are imported: four sets, each of distinct contents."""

import operator
import os
from collections.abc import Callable

from tests.rigs.media import make_media
from tests.rigs.shared import MEDIA
from tests.rigs.trees import flat_set

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""Real media beside the project; without the folder, media are made."""

MIXED_FILES = 3000
MIXED_BYTES = 500_000_000
PER_FOLDER = 500
READ_SIZE = 1 << 20


def small(root: bytes, fraction: float) -> None:
    """10,000 files of 40 kB: the price of a file."""
    flat_set(root, max(1, round(10_000 * fraction)), 40_000)


def photos(root: bytes, fraction: float) -> None:
    """400 files of 5 MB: JPEGs of a camera."""
    flat_set(root, max(1, round(400 * fraction)), 5_000_000)


def video(root: bytes, fraction: float) -> None:
    """8 files of 256 MB: the price of a byte."""
    flat_set(root, max(1, round(8 * fraction)), 256 * 2**20)


def mixed(root: bytes, fraction: float) -> None:
    """About 3,000 real media files of 500 MB together, made distinct by a few bytes behind their end."""
    originals = _originals(root + b".media")
    sizes = [os.path.getsize(path) for path in originals]
    copies = _plan(sizes, round(MIXED_FILES * fraction), round(MIXED_BYTES * fraction))
    number = 0
    for turn in range(max(copies)):
        for path, times in zip(originals, copies, strict=True):
            if turn >= times:
                continue
            folder = os.path.join(root, b"%03dMIXED" % (100 + number // PER_FOLDER))
            os.makedirs(folder, exist_ok=True)
            extension = os.path.splitext(path)[1]
            with open(path, "rb") as file:
                data = file.read()
            with open(os.path.join(folder, b"IMG_%04d" % number + extension), "xb") as file:
                file.write(data + b"\n<!-- %06d -->" % number)
            number += 1


def _plan(sizes: list[int], files: int, total: int) -> list[int]:
    """How often to use each original for so many files and about so many bytes: large ones less often."""
    budget = total / len(sizes)
    while True:
        limits = [max(1, int(budget / max(1, size))) for size in sizes]
        most = 1
        while most < files and sum(min(most, limit) for limit in limits) < files:
            most += 1
        copies = [min(most, limit) for limit in limits]
        if sum(map(operator.mul, copies, sizes)) >= total or min(limits) >= most:
            return copies
        budget *= 1.1


def _originals(made: bytes) -> list[bytes]:
    if not os.path.isdir(MEDIA):
        return sorted(make_media(made))
    folders = os.walk(os.fsencode(MEDIA))
    return sorted(os.path.join(folder, name) for folder, _, names in folders for name in names)


SETS: dict[str, Callable[[bytes, float], None]] = {
    "small": small,
    "photos": photos,
    "video": video,
    "mixed": mixed,
}


def extent(root: str) -> tuple[int, int]:
    """How many files lie below a folder, and their bytes."""
    files = size = 0
    for folder, _, names in os.walk(root):
        for name in names:
            files += 1
            size += os.lstat(os.path.join(folder, name)).st_size
    return files, size


def warm(*roots: str) -> None:
    """Read every file once, so that it lies in the page cache."""
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                with open(os.path.join(folder, name), "rb", buffering=0) as file:
                    while file.read(READ_SIZE):
                        pass
