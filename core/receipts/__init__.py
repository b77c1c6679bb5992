"""The receipt (bill of lading) of one import: what became of every entry seen, and what was proven.

It is made from the catalog as it stands, and streamed: memory does not grow with the number of files. The
outcomes add up to the entries seen, or there is no receipt.
"""

from collections.abc import Callable
from typing import Literal

from core.database import Read
from core.receipts.files import ReceiptRow, rows
from core.receipts.formats import COLUMNS, write_csv, write_data, write_json, write_tsv
from core.receipts.summary import Head, Options, Proven, Totals, head
from core.receipts.text import write_text

Form = Literal["text", "json", "csv", "tsv"]

_WRITERS = {"text": write_text, "json": write_json, "csv": write_csv, "tsv": write_tsv}


async def write(read: Read, name: str, form: Form, out: Callable[[str], None]) -> None:
    """Pass the receipt of import `name` to `out`, piece by piece.

    Raises UsageError when there is no such import, DatabaseError when the catalog contradicts itself: then what
    was passed to `out` before is not valid.
    """
    await _WRITERS[form](read, name, out)


__all__ = [
    "COLUMNS",
    "Form",
    "Head",
    "Options",
    "Proven",
    "Read",
    "ReceiptRow",
    "Totals",
    "head",
    "rows",
    "write",
    "write_data",
    "write_text",
]
