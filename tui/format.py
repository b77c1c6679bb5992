"""Numbers, times and names as a person reads them."""

import time
import unicodedata

import humanize


def size(count: float) -> str:
    """Bytes in three digits: `512 B`, `1.23 kB`, `124 GB`."""
    return f"{count:.0f} B" if count < 999.5 else humanize.metric(count, "B", precision=3)


def sizes(done: float, total: float) -> str:
    """Bytes of bytes: `124 of 172 GB`."""
    first, second = size(done), size(total)
    unit = second.partition(" ")[2]
    return f"{first.removesuffix(' ' + unit)} of {second}"


def rate(count: float) -> str:
    """Bytes a second."""
    return size(count) + "/s"


def number(count: int) -> str:
    """`1,204`."""
    return humanize.intcomma(count)


def counted(count: int, noun: str, many: str = "") -> str:
    """`1 file`, `1,204 files`; `many` where the plural takes more than an s."""
    return f"{number(count)} {noun if count == 1 else many or noun + 's'}"


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
    """A time in the local zone: `2025-12-06 14:07`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def cells(text: str) -> int:
    """Columns that `text` takes on a terminal."""
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
