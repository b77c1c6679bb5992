"""Corrections of capture dates in the journals of imports: writing the lines, and replaying them."""

from collections.abc import Sequence
from typing import Any

from core.catalog import adjustments
from core.catalog.adjustments import Adjustment
from core.database import Statement
from core.journal.journal_format import Line, sealed
from core.media.adjusting import Dated

PART = 500
"""The most contents in one line."""


def correction_lines(one: Adjustment, dated: Sequence[tuple[bytes, Dated]]) -> bytes:
    """The journal lines that record the correction `one` of capture dates. dated: (XXH3-128, new date) of the
    contents that it applies to."""
    head = {"adjusted": one.made, "what": one.what, "by": one.by}
    rows = [[xxh128.hex(), *date] for xxh128, date in dated]
    return b"".join(sealed({**head, "dates": rows[at : at + PART]}) for at in range(0, len(rows), PART))


def undo_lines(number: float, when: float, by: str, contents: Sequence[bytes]) -> bytes:
    """The journal lines that record that a correction was undone. number: when the correction was made (Unix
    time), which identifies it; when: when it was undone; contents: their XXH3-128."""
    head = {"unadjusted": number, "when": when, "by": by}
    rows = [xxh128.hex() for xxh128 in contents]
    return b"".join(sealed({**head, "contents": rows[at : at + PART]}) for at in range(0, len(rows), PART))


def statements(archive_id: int, import_id: int, line: Line) -> list[Statement]:
    """The statements that replay a line of an import's journal; none for lines of other kinds."""
    try:
        if "adjusted" in line:
            one = Adjustment(float(line["adjusted"]), import_id, str(line["what"]), str(line["by"]))
            return adjustments.make(archive_id, one, [_dated(*row) for row in line["dates"]])
        if "unadjusted" in line:
            contents = [bytes.fromhex(xxh128) for xxh128 in line["contents"]]
            return adjustments.undo(archive_id, float(line["unadjusted"]), contents)
    except (KeyError, TypeError, ValueError, OverflowError):
        pass  # written by a newer version, or not by Lading at all
    return []


def _dated(xxh128: Any, captured: Any, local: Any, offset: Any, zone: Any) -> tuple[bytes, Dated]:
    """Raises TypeError, ValueError."""
    ahead = None if offset is None else int(offset)
    return bytes.fromhex(xxh128), Dated(float(captured), str(local), ahead, str(zone))
