"""The log of moves in the archive: what is to be done, written before anything is done, and when it was finished.

`.lading/moves/ID.jsonl`: one JSON object a line, with checksums as in a journal, and in parts like a journal where
the archive is on a network. The kinds of line, by their first member:

- `move`: the import; `from` and `to` {folder, name}; `at`.
- `item`: a payload's path; `to`, its new path; `copy`, whether the old one stays; size, xxh128, sha256, kind.
- `go`: the number of `item` lines. With this line the move will be carried out, whatever happens; without it, it
is ignored.
- `moved`: when it was finished.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from core import archive_layout
from core.archives.archive import Archive
from core.archives.location_sync import FOLDER_NAME
from core.files.checksummed_lines import sealed
from core.journal import journal_format
from core.journal.journal_format import Line
from core.workers import archive_messages, messages, text_messages
from core.workers.messages import Request
from core.workers.pool import Pool, TaskFailedError

R = TypeVar("R")

PIECE = 4 << 20
"""Bytes per read of a file of moves."""


class MoveRecord(msgspec.Struct):
    """The content of one file of moves."""

    name: str
    head: Line | None = None
    go: bool = False
    done: bool = False

    @property
    def whole(self) -> bool:
        """Whether the move is to be carried out, and its `move` line is valid."""
        try:
            return (
                self.go
                and self.head is not None
                and all(
                    FOLDER_NAME.fullmatch(self.head[place]["folder"]) and isinstance(self.head[place]["name"], str)
                    for place in ("from", "to")
                )
            )
        except (KeyError, TypeError):
            return False


class Moves:
    """The files of moves of one archive. Each method raises what asking a worker raises."""

    def __init__(self, archive: Archive, pool: Pool) -> None:
        self._archive = archive
        self._pool = pool

    async def files(self) -> list[tuple[str, int]]:
        """Names and sizes of the files, oldest first."""
        request = text_messages.JournalNames(self._archive.place, archive_layout.MOVES)
        return (await self._ask(request, archive_messages.NamesCounted)).names

    async def look(self, name: str) -> MoveRecord:
        """Read a whole file."""
        found = MoveRecord(name)
        async for lines in self.lines(name):
            for line in lines:
                found.head = line if "move" in line else found.head
                found.go = found.go or "go" in line
                found.done = found.done or "moved" in line
        return found

    async def lines(self, name: str) -> AsyncIterator[list[Line]]:
        """The valid lines of a file, some at a time."""
        path = f"{archive_layout.MOVES}/{name}"
        at, rest = 0, b""
        while data := (
            await self._ask(text_messages.ReadText(self._archive.place, path, at, PIECE), text_messages.TextRead)
        ).data:
            at += len(data)
            whole, newline, rest = (rest + data).rpartition(b"\n")
            yield list(journal_format.lines(whole + newline))

    async def append(self, name: str, *lines: dict[str, Any]) -> None:
        """Append lines; they are flushed to the medium when this returns."""
        data = b"".join(map(sealed, lines))
        request = text_messages.AppendJournal(
            self._archive.place, f"{archive_layout.MOVES}/{name}", data, flush=True
        )
        await self._ask(request, messages.Done)

    async def join(self, name: str) -> None:
        """Join the parts of a file. A failure is harmless: the parts hold the same as the joined file."""
        with suppress(TaskFailedError):
            await self._ask(
                text_messages.JoinJournal(self._archive.place, f"{archive_layout.MOVES}/{name}"), messages.Done
            )

    async def _ask(self, request: Request, wanted: type[R]) -> R:
        async with self._pool.worker("move") as worker:
            return await worker.ask(request, wanted)


def sound(line: Line, places: list[dict[str, str]]) -> bool:
    """Whether an `item` line is valid and its paths lie within the two locations."""
    try:
        folders = [f"{archive_layout.payload_folder(place['folder'])}/" for place in places]
        paths = [str(line["item"]), str(line["to"])]
        whole = len(bytes.fromhex(line["xxh128"])) == 16 and len(bytes.fromhex(line["sha256"])) == 32
        return (
            whole
            and isinstance(line["size"], int)
            and isinstance(line["copy"], bool)
            and all(path.startswith(folder) for path, folder in zip(paths, folders, strict=True))
            and not any(".." in path.split("/") for path in paths)
        )
    except (KeyError, TypeError, ValueError):
        return False
