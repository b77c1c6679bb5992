"""The sort and the link target of entries that were left out, parsed from their reasons.

Old journals, lists of files and catalogs have no member or column for them. The sentences are those that old
releases wrote for people; they are not written any more, so this code does not change.
"""

import ast
import os

from core.media.left_out import Sort

_SORTS = {
    "named pipe": Sort.PIPE,
    "socket": Sort.SOCKET,
    "device": Sort.DEVICE,
    "neither file nor folder": Sort.OTHER,
    "photo library not entered: import it with --libraries": Sort.LIBRARY,
    "in iCloud only, not on this disk: fetch it with --icloud": Sort.ICLOUD,
    "a folder in iCloud only, with all that it holds, not on this disk: fetch it with --icloud": (
        Sort.ICLOUD_FOLDER
    ),
    "the archive itself": Sort.ARCHIVE,
    "taken from the record, not read": Sort.RECORD,
}
_LINK, _TO, _EXCLUDED = "symbolic link", "symbolic link to ", "excluded by "
_UNKEPT = "extended attributes not kept: "


def sort(reason: str) -> str:
    """The Sort that follows from an entry's reason; empty if none does."""
    if reason == _LINK or reason.startswith(_TO):
        return Sort.LINK
    return Sort.EXCLUDED if reason.startswith(_EXCLUDED) else _SORTS.get(reason, "")


def target(reason: str) -> bytes | None:
    """The link target in an entry's reason; None for other reasons, and if the reason has no target."""
    if not reason.startswith(_TO):
        return None
    try:
        found = ast.literal_eval(reason.removeprefix(_TO))
        return os.fsencode(found) if isinstance(found, str) and "\0" not in found else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def unkept(reason: str) -> str:
    """The names, in an archived file's reason, of extended attributes that were not kept; empty if all were."""
    return reason.removeprefix(_UNKEPT) if reason.startswith(_UNKEPT) else ""
