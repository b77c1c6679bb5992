"""Formatting numbers, times and names for people."""

import time
import unicodedata

import humanize

from core.models import Unopenable
from core.words import counted

EMPTY = "EMPTY"
"""Shown for an import that has ended, and for a source, in place of SAFE or KEEP when nothing was found there."""


def size(count: float) -> str:
    """Bytes with three digits: `512 B`, `1.23 kB`, `124 GB`."""
    return f"{count:.0f} B" if count < 999.5 else humanize.metric(count, "B", precision=3)


def sizes(done: float, total: float) -> str:
    """Bytes done and in total: `124 of 172 GB`."""
    first, second = size(done), size(total)
    unit = second.partition(" ")[2]
    return f"{first.removesuffix(' ' + unit)} of {second}"


def rate(count: float) -> str:
    """Bytes per second."""
    return size(count) + "/s"


def number(count: int) -> str:
    """A number with separators: `1,204`."""
    return humanize.intcomma(count)


def kind_by_name(kind: str) -> str:
    """A kind of files as a dry run tells it, which reads no content: the receipt may well know what these are."""
    return "of unknown name" if kind == "other" else kind


def in_icloud(files: int, folders: int) -> str:
    """`12 files and 2 folders with all they hold`, for what is only in iCloud; empty when nothing is."""
    told = [counted(files, "file")] if files else []
    told += (
        [f"{counted(folders, 'folder')} with all {'it holds' if folders == 1 else 'they hold'}"] if folders else []
    )
    return " and ".join(told)


def unopenable(found: Unopenable) -> str:
    """`3 cannot be opened: A.JPG, B.JPG, C.MP4`; empty when every file can be opened."""
    if not found.files:
        return ""
    more = ", …" if found.files > len(found.names) else ""
    so_far = " so far" if found.looking else ""
    return f"{number(found.files)} cannot be opened{so_far}: {', '.join(found.names)}{more}"


def damaged_since(count: int, word: str = "", *, brief: bool = False) -> str:
    """`2 damaged since`, behind the verdict `word` that was given before; only that without. `brief`: without
    `since`, where there is no room for it."""
    told = f"{number(count)} damaged{'' if brief else ' since'}" if count else ""
    return ", ".join(filter(None, (word, told)))


def duration(seconds: float) -> str:
    """`0.4s`, `12s`, `3m14s`, `2h05m`, `1d04h`."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"


def moment(seconds: float) -> str:
    """A time in the local time zone: `2025-12-06 14:07`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def brought_by(import_id: str, imports: int) -> str:
    """The id of the import that is listed for a content, and how many more imports had the content: `21d1cd38
    +4`."""
    return f"{import_id} +{number(imports - 1)}" if imports > 1 else import_id


def capture_date(text: str) -> str:
    """A capture date for a list: `2025-12-06 14:07`, `2025-12-06 13:07 UTC`, `1931-08`."""
    return text[:16].removesuffix("Z").replace("T", " ") + (" UTC" if text.endswith("Z") else "")


def cells(text: str) -> int:
    """The columns that `text` takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def fit(text: str, width: int, *, utf8: bool = True) -> str:
    """`text` cut to at most `width` columns, with a mark where it was cut."""
    if cells(text) <= width:
        return text
    mark = "…" if utf8 else "~"
    kept, used = [], 0
    for character in text:
        used += _cells(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + mark if width > 0 else ""


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
