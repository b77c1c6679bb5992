"""What operating systems leave on every volume: the only entries that are skipped without being asked for."""

import re

_MACOS_FILES = {b".DS_Store": "macOS folder view settings"}

_MACOS_FOLDERS = {
    b".Spotlight-V100": "macOS search index",
    b".Trashes": "macOS trash",
    b".fseventsd": "macOS log of file changes",
    b".TemporaryItems": "macOS temporary files",
    b".DocumentRevisions-V100": "macOS document versions",
    b"__MACOSX": "macOS attributes from a ZIP file",
}

# Windows compares names without regard to case, and writes these in several spellings.
_WINDOWS_FILES = {b"thumbs.db": "Windows thumbnail cache", b"desktop.ini": "Windows folder view settings"}

_WINDOWS_FOLDERS = {
    b"system volume information": "Windows restore points and indexes",
    b"$recycle.bin": "Windows recycle bin",
}

APPLEDOUBLE_HEADER = 26
"""Bytes of an AppleDouble header (RFC 1740): what `is_appledouble` needs to see."""

_APPLEDOUBLE = re.compile(rb"\x00\x05\x16\x07\x00[\x01\x02]\x00\x00")


def litter(name: bytes, is_folder: bool) -> str | None:
    """Say what litter an entry is by its name alone, or None when it is somebody's data.

    Names of folders match folders only and names of files match regular files only: a regular file called
    `.Trashes` is data. Folders are skipped with all they hold.
    """
    if is_folder:
        return _MACOS_FOLDERS.get(name) or _WINDOWS_FOLDERS.get(name.lower())
    return _MACOS_FILES.get(name) or _WINDOWS_FILES.get(name.lower())


def maybe_appledouble(name: bytes) -> bool:
    """Whether a regular file's name calls for a look at its head with `is_appledouble`."""
    return name.startswith(b"._") and len(name) > len(b"._")


def is_appledouble(head: bytes) -> bool:
    """Whether a file begins with an AppleDouble header, version 1 or 2 (RFC 1740, appendix A).

    macOS writes such a `._NAME` beside NAME on volumes without extended attributes. Any other `._NAME` is
    data.
    """
    return len(head) >= APPLEDOUBLE_HEADER and _APPLEDOUBLE.match(head) is not None
