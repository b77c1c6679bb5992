"""The key that files which belong together share: a folder and a stem.

It is separate from the rules (`core.media.card_rules`), so that a worker which only lists a source does not
compile them.
"""

import msgspec

from core.media.file_types import MEDIA, SIDECARS, split


class NameParts(msgspec.Struct, frozen=True, gc=False):
    """A file by the parts of its name, which are split only once because a card may have a million names."""

    id: int
    """The number that the caller gave the file."""
    folder: bytes
    """With a slash at the end."""
    name: bytes
    stem: bytes
    extension: bytes
    """In lower case, without a dot."""
    inner: bytes
    """For a sidecar named after a whole file name (X.CR3.xmp) the extension of that file, else b""."""


def folder_and_name(path: bytes) -> tuple[bytes, bytes]:
    """A path's folder, with the slash at its end, and its file name."""
    folder, slash, name = path.rpartition(b"/")
    return folder + slash, name


def parts(name: bytes) -> tuple[bytes, bytes, bytes]:
    """Stem, extension, and for a sidecar named after a whole file name (X.CR3.xmp) the extension of that file,
    else b""."""
    stem, extension = split(name)
    if extension in SIDECARS:
        inner_stem, inner = split(stem)
        if inner in MEDIA:
            return inner_stem, extension, inner
    return stem, extension, b""


def name_parts(path: bytes, id: int = 0) -> NameParts:
    """Split a path into the parts of its name. `id`: any number by which the caller knows the file."""
    folder, slash, name = path.rpartition(b"/")
    return NameParts(id, folder + slash, name, *parts(name))


def stem_key(path: bytes) -> bytes:
    """The key that files of one stem in one folder share.

    It is the folder unchanged and the stem with ASCII letters in lower case: the same for IMG_1.CR3, img_1.JPG,
    IMG_1.xmp and IMG_1.CR3.xmp.
    """
    folder, name = folder_and_name(path)
    return folder + parts(name)[0].lower()
