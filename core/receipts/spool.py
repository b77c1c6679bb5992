"""Makes the text of a receipt completely before any of it is passed on."""

from collections.abc import AsyncGenerator, Iterator
from tempfile import SpooledTemporaryFile

from core import receipts
from core.database import Read
from core.receipts import Form

PIECE_LENGTH = 256 << 10
"""Characters per piece."""


async def receipt(read: Read, name: str, form: Form) -> AsyncGenerator[str, None]:
    """The receipt of an import in pieces, once all of it could be made. Raises UsageError, DatabaseError."""
    with Spool() as spool:
        await receipts.write(read, name, form, spool.add)
        for text in spool.pieces():
            yield text


class Spool:
    """Collects text until it is complete: in memory, or in a file on the local disk when it is long."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(PIECE_LENGTH, "w+", encoding="utf-8", newline="")  # noqa: SIM115

    def add(self, text: str) -> None:
        """Append text."""
        self._file.write(text)

    def pieces(self) -> Iterator[str]:
        """The whole text in pieces."""
        self._file.seek(0)
        while text := self._file.read(PIECE_LENGTH):
            yield text

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
