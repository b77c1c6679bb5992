"""The receipt (bill of lading) of one import: what became of every entry seen, and what was proven.

It is made from the catalog as it stands, and streamed: memory does not grow with the number of files. The
outcomes add up to the entries seen, or there is no receipt.
"""

from collections.abc import Callable
from typing import Literal

from core.receipts.document import write_text
from core.receipts.heading import Head, Options, Proven, Totals, head
from core.receipts.lookup import Read
from core.receipts.machine import COLUMNS, write_csv, write_json, write_tsv
from core.receipts.row import FileRow, rows

Form = Literal["text", "json", "csv", "tsv"]

_WRITERS = {"text": write_text, "json": write_json, "csv": write_csv, "tsv": write_tsv}


async def write(read: Read, name: str, form: Form, out: Callable[[str], None]) -> None:
    """Give the receipt of import `name` to `out`, piece by piece.

    Raises UsageError when there is no such import, DatabaseError when the catalog contradicts itself: what
    was given to `out` before that is worth nothing.
    """
    await _WRITERS[form](read, name, out)


__all__ = [
    "COLUMNS",
    "FileRow",
    "Form",
    "Head",
    "Options",
    "Proven",
    "Read",
    "Totals",
    "head",
    "rows",
    "write",
    "write_text",
]
