"""Junk files that operating systems leave on every volume: the only entries that are skipped without a person's
order.

In an archive, where Lading itself gives the names, a few more are known to be junk: what file managers and servers
leave in every folder, and the bins into which they move deleted files.
"""

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

# Windows compares names case-insensitively, and writes these in several spellings.
_WINDOWS_FILES = {b"thumbs.db": "Windows thumbnail cache", b"desktop.ini": "Windows folder view settings"}

_WINDOWS_FOLDERS = {
    b"system volume information": "Windows restore points and indexes",
    b"$recycle.bin": "Windows recycle bin",
}

_SERVER_FOLDERS = {b"@eaDir": "thumbnails and attributes of a Synology"}

LOST_AND_FOUND = b"lost+found"

_ARCHIVE_FILES = {b".metadata_never_index": "macOS search settings"}
_ARCHIVE_FOLDERS = {
    b"#recycle": "recycle bin of a Synology",
    b"@Recycle": "recycle bin of a QNAP",
    b".@__thumb": "thumbnails of a QNAP",
    LOST_AND_FOUND: "what a check of the disk found",
}
_TRASH = re.compile(rb"\.Trash-\d+")

_ANY, _NONE = re.compile(rb".*", re.DOTALL), re.compile(rb"(?!)")
_MADE_IN = {
    b".Spotlight-V100": _ANY,
    b".fseventsd": _ANY,
    b"system volume information": _ANY,
    b"@eaDir": re.compile(rb"SYNO.*|.*@Syno.*", re.DOTALL),
}

APPLEDOUBLE_HEADER = 26
"""Bytes of an AppleDouble header (RFC 1740), which `is_appledouble` needs."""

_APPLEDOUBLE = re.compile(rb"\x00\x05\x16\x07\x00[\x01\x02]\x00\x00")


def litter(name: bytes, is_folder: bool) -> str | None:
    """The kind of junk that an entry is by its name alone; None when it may be a person's data.

    Names of folders match folders only and names of files match regular files only: a regular file called
    `.Trashes` is data. Folders are skipped with everything in them.
    """
    if is_folder:
        return _MACOS_FOLDERS.get(name) or _WINDOWS_FOLDERS.get(name.lower()) or _SERVER_FOLDERS.get(name)
    return _MACOS_FILES.get(name) or _WINDOWS_FILES.get(name.lower())


def junk(name: bytes, is_folder: bool) -> str | None:
    """The kind of junk that an entry of an archive's bag is by its name alone; None when it is not junk.

    Junk is never payload. `made_in` says which files of a folder may be removed.
    """
    if found := litter(name, is_folder):
        return found
    if is_folder:
        return _ARCHIVE_FOLDERS.get(name) or ("trash of Linux" if _TRASH.fullmatch(name) else None)
    return _ARCHIVE_FILES.get(name)


def made_in(folder: bytes) -> re.Pattern[bytes]:
    """A pattern for the names of files that only the system makes in a junk folder of this name.

    It matches nothing for bins and for what a check of the disk recovered, because these can hold a person's
    files.
    """
    return _MADE_IN.get(folder) or _MADE_IN.get(folder.lower(), _NONE)


def within_junk(path: bytes) -> bool:
    """Whether a file of an archive's bag is junk by its name, or is in a folder that is."""
    *folders, name = path.split(b"/")
    return junk(name, is_folder=False) is not None or any(junk(one, is_folder=True) for one in folders)


def begins_appledouble(head: bytes) -> bool:
    """Whether a `._NAME` in an archive, where Lading writes none, begins like an AppleDouble file."""
    return head.startswith(b"\x00\x05\x16\x07")


def maybe_appledouble(name: bytes) -> bool:
    """Whether a regular file of this name may be an AppleDouble file; `is_appledouble` decides by its head."""
    return name.startswith(b"._") and len(name) > len(b"._")


def is_appledouble(head: bytes) -> bool:
    """Whether a file begins with an AppleDouble header, version 1 or 2 (RFC 1740, appendix A).

    macOS writes such a `._NAME` beside NAME on volumes without extended attributes. Any other `._NAME` is data.
    """
    return len(head) >= APPLEDOUBLE_HEADER and _APPLEDOUBLE.match(head) is not None
