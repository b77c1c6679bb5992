"""Generated source trees: the same bytes for the same seed, with the expected outcome of every entry."""

import contextlib
import errno
import hashlib
import os
import random
import socket
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["regular", "litter", "special"]

APPLE_DOUBLE = (
    bytes.fromhex("00051607 00020000".replace(" ", ""))
    + b"Mac OS X        "
    + bytes.fromhex("0002 00000009 00000032 00000020 00000002 00000052 00000000".replace(" ", ""))
    + bytes(32)
)
"""A whole AppleDouble file: Finder information of 32 bytes and an empty resource fork."""

BLOCK = 1 << 20
LONGEST_NAME = 255
DEEP_LEVELS = 45
WIDE_FILES = 2000
REFUSED = {errno.EILSEQ, errno.EINVAL, errno.ENAMETOOLONG, errno.EEXIST}

STRANGE_NAMES: tuple[bytes, ...] = (
    "Caf\u00e9.jpg".encode(),  # NFC
    "Cafe\u0301.jpg".encode(),  # NFD: looks like the same name
    b"IMG_0001.JPG",
    b"img_0001.jpg",
    b" leading and trailing ",
    b'it\'s "quoted" `now` $(echo) .jpg',
    b"-rf",
    b"--help.jpg",
    b"-",
    b"line\nbreak.jpg",
    b"carriage\rreturn.jpg",
    b"tab\there.jpg",
    b"bell\x07.jpg",
    b"esc\x1b[31mred\x1b]0;title\x07.jpg",
    b"del\x7f.jpg",
    "c1\u009b31m.jpg".encode(),
    "right\u202egpj.exe".encode(),
    b"latin1-caf\xe9.jpg",
    b"\xff\xfe\x80",
    b"cut-short-\xe2\x82.jpg",
    b"back\\slash\\x41.jpg",
    b"100%.jpg",
    b"%41%2F%zz.jpg",
    b"img%03d.png",
    b"[bold red]markup[x.jpg",
    b"#hash?query&a=b;c.jpg",
    b"star*question?.jpg",
    b"{brace,comma}.jpg",
    b"12:30:00.jpg",
    b"CON.jpg",
    b"trailing dot.",
    b"...",
    b".hidden.jpg",
    b"no extension",
    b"two.dots.tar.gz",
    b".jpg",
    b"\xf0\x9f\x93\xb7.jpg",
    b"x" * (LONGEST_NAME - 4) + b".jpg",
    "\u5199".encode() * 85,  # 255 bytes of three-byte letters
)

TIMES_NS = (0, 1, -86_400 * 10**9 * 365, 2**31 * 10**9, 4_000_000_000 * 10**9, 1_700_000_000_123_456_789)


@dataclass(frozen=True, slots=True)
class Entry:
    """The expected outcome of one directory entry; size, digest and time are of regular files only."""

    outcome: Outcome
    size: int = 0
    sha256: str = ""
    mtime_ns: int = 0


Manifest = dict[bytes, Entry]
"""Entries by path below the root. Folders are not included, except for a folder that is junk as a whole."""


def contents(manifest: Manifest) -> set[str]:
    """The distinct SHA-256 digests that an archive of this tree must hold."""
    return {entry.sha256 for entry in manifest.values() if entry.outcome == "regular"}


def sha256_file(path: bytes) -> str:
    """The SHA-256 digest of one file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_random(path: bytes, size: int, seed: int) -> str:
    """Write a file of incompressible bytes that are different for every seed. Returns its SHA-256."""
    base = random.Random(seed).randbytes(min(size, BLOCK))
    digest = hashlib.sha256()
    with open(path, "xb") as file:
        for start in range(0, size, BLOCK):
            mark = seed.to_bytes(8, "big") + start.to_bytes(8, "big")
            block = (mark + base[16:])[: size - start]
            file.write(block)
            digest.update(block)
    return digest.hexdigest()


def sparse_file(path: bytes, size: int) -> None:
    """Write a sparse file of the given size, with some bytes at its start, middle and end."""
    with open(path, "xb") as file:
        file.truncate(size)
        for offset in {0, size // 2, max(0, size - 8)}:
            file.seek(offset)
            file.write(b"SPARSE##"[: size - offset])


def flat_set(root: bytes, count: int, size: int, per_folder: int = 1000, seed: int = 1) -> Manifest:
    """Make `count` distinct files of `size` bytes, `per_folder` in each folder; `size` must be at least 8."""
    manifest: Manifest = {}
    for number in range(count):
        folder = b"%03dLADNG" % (100 + number // per_folder)
        if number % per_folder == 0:
            os.makedirs(os.path.join(root, folder))
        relative = os.path.join(folder, b"DSC%07d.JPG" % number)
        path = os.path.join(root, relative)
        digest = write_random(path, size, seed * 10**9 + number)
        manifest[relative] = Entry("regular", size, digest, os.lstat(path).st_mtime_ns)
    return manifest


def equal_size_tree(root: bytes, count: int, size: int, seed: int = 2) -> Manifest:
    """Make distinct files of equal size, like a camera's uncompressed RAW files."""
    return flat_set(root, count, size, per_folder=max(1, count), seed=seed)


class Planter:
    """Makes entries under a root and records the expected outcome of each."""

    def __init__(self, root: bytes) -> None:
        self.root = root
        self.manifest: Manifest = {}

    def put(self, relative: bytes, data: bytes, outcome: Outcome = "regular", mtime_ns: int | None = None) -> None:
        """Write a new file and its folders."""
        path = os.path.join(self.root, relative)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "xb") as file:
            file.write(data)
        when = 1_600_000_000_000_000_000 + len(self.manifest) * 1_234_567_891 if mtime_ns is None else mtime_ns
        os.utime(path, ns=(when, when))
        self.note(relative, outcome)

    def note(self, relative: bytes, outcome: Outcome = "regular") -> None:
        """Record the entry at a path in the manifest."""
        path = os.path.join(self.root, relative)
        info = os.lstat(path)
        if outcome == "regular" and stat.S_ISREG(info.st_mode):
            self.manifest[relative] = Entry("regular", info.st_size, sha256_file(path), info.st_mtime_ns)
        else:
            self.manifest[relative] = Entry(outcome)

    def try_put(self, relative: bytes, data: bytes, outcome: Outcome = "regular") -> bool:
        """Write a file whose name the file system may refuse or change. Returns False, without a file, when it
        does."""
        folder, name = os.path.split(os.path.join(self.root, relative))
        try:
            self.put(relative, data, outcome)
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            return False
        if name in os.listdir(folder):
            return True
        os.unlink(os.path.join(folder, name))
        del self.manifest[relative]
        return False

    def special(self, relative: bytes, make: Callable[[bytes], None]) -> None:
        """Make an entry that is not a regular file."""
        path = os.path.join(self.root, relative)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        make(path)
        self.note(relative, "special")


def make_socket(path: bytes) -> None:
    """Make a Unix socket at a path of any length."""
    if sys.platform == "linux":
        os.mknod(path, stat.S_IFSOCK | 0o600)
        return
    with contextlib.chdir(os.path.dirname(path)), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.basename(path))


def hostile_tree(root: bytes, seed: int = 7) -> Manifest:
    """Fill `root` with everything that a real card can hold and that a careless importer fails on.

    Names that the file system refuses (that are not UTF-8, or differ only by case or normal form) are left out of
    the tree and of the manifest.
    """
    numbers = random.Random(seed)
    plant = Planter(root)
    os.makedirs(root, exist_ok=True)
    plant.put(b"-at-the-root.jpg", b"-" + numbers.randbytes(40))
    for index, name in enumerate(STRANGE_NAMES):
        plant.try_put(b"names/" + name, b"name %d " % index + numbers.randbytes(40))
    for name in (b"line\nbreak", b"caf\xe9", b"-dash", b"[/x]", b"%03d", b"y" * LONGEST_NAME, b"\x1b[2J"):
        with contextlib.suppress(OSError):
            os.makedirs(os.path.join(root, b"folders", name))
            plant.try_put(b"folders/" + name + b"/inside.jpg", b"in " + name)
    plant.put(b"names/[/x] closes nothing.jpg", b"a folder named [")
    _sizes_and_times(plant, numbers)
    _deep_and_wide(plant, numbers)
    _duplicates(plant, numbers)
    _specials(plant)
    _litter(plant)
    return plant.manifest


def _sizes_and_times(plant: Planter, numbers: random.Random) -> None:
    for name in (b"empty.jpg", b"empty too.mov"):
        plant.put(b"sizes/" + name, b"")
    for value in (0, 10, 255):
        plant.put(b"sizes/one-byte-%d.bin" % value, bytes([value]))
    for size in (4095, 4096, 4097, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17):
        plant.put(b"sizes/%d.dat" % size, numbers.randbytes(size))
    sparse_file(os.path.join(plant.root, b"sizes/sparse.mov"), 24 * BLOCK + 5)
    plant.note(b"sizes/sparse.mov")
    for index, when in enumerate(TIMES_NS):
        plant.put(b"times/%d.jpg" % index, b"time %d" % index, mtime_ns=when)


def _deep_and_wide(plant: Planter, numbers: random.Random) -> None:
    folder = b"deep"
    for level in range(1, DEEP_LEVELS + 1):
        folder += b"/level %02d" % level
        if level % 15 == 0:
            plant.put(folder + b"/file.jpg", b"level %d" % level + numbers.randbytes(16))
    for number in range(WIDE_FILES):
        plant.put(b"wide/IMG_%05d.JPG" % number, b"wide %d" % number + numbers.randbytes(number % 97))


def _duplicates(plant: Planter, numbers: random.Random) -> None:
    small, large = numbers.randbytes(5000), numbers.randbytes(9 * BLOCK)
    for name in (b"a.jpg", b"b.jpg", b"A copy.jpeg", b"other/a.jpg", b"other/a.png", b"other/unnamed"):
        plant.put(b"duplicates/" + name, small)
    for name in (b"clip.mov", b"clip (1).mov", b"other/clip.mov"):
        plant.put(b"duplicates/" + name, large)
    plant.put(b"duplicates/almost a.jpg", small[:-1] + bytes([small[-1] ^ 1]))
    with contextlib.suppress(OSError):
        os.link(os.path.join(plant.root, b"duplicates/a.jpg"), os.path.join(plant.root, b"duplicates/hard.jpg"))
        plant.note(b"duplicates/hard.jpg")


def _specials(plant: Planter) -> None:
    links = {
        b"to-file.jpg": b"../sizes/4096.dat",
        b"to-folder": b"../sizes",
        b"dangling.jpg": b"nowhere",
        b"loop": b"loop",
        b"up": b"..",
        b"out": b"/etc",
    }
    for name, target in links.items():
        plant.special(b"special/" + name, lambda path, target=target: os.symlink(target, path))  # type: ignore[misc]
    plant.special(b"special/fifo.jpg", os.mkfifo)
    plant.special(b"special/socket", make_socket)
    os.makedirs(os.path.join(plant.root, b"special/empty folder/empty too"))


def _litter(plant: Planter) -> None:
    plant.put(b"litter/photo.jpg", b"the photo beside its AppleDouble")
    plant.put(b"litter/._photo.jpg", APPLE_DOUBLE, "litter")
    plant.put(b"litter/._not apple.jpg", b"\xff\xd8 a photo with an unlucky name")
    plant.put(b"litter/._empty.jpg", b"")
    for path in (b".DS_Store", b"litter/.DS_Store", b"litter/Thumbs.db", b"litter/desktop.ini"):
        plant.put(path, b"litter", "litter")
    for folder in (b".Trashes", b".Spotlight-V100", b"litter/__MACOSX"):
        os.makedirs(os.path.join(plant.root, folder))
        with open(os.path.join(plant.root, folder, b"thrown away.jpg"), "wb") as file:
            file.write(b"thrown away")
        plant.note(folder, "litter")
