"""The record of moves, in the archive: what is to be done, written before any of it is, and when it was done.

`.lading/moves/ID.jsonl`: one JSON object a line, sealed like those of a journal, and kept in parts like one on a
network. The kinds of line, by their first member:

- `move`: the import; `from` and `to` {folder, name}; `at`.
- `item`: a payload's path; `to`, its new one; `copy`, whether it stays; size, xxh128, sha256, kind.
- `go`: how many `item` lines there are. From here on it is carried out, whatever happens; without it, nothing is.
- `moved`: when it was done.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from core.archives.archive import Archive
from core.archives.told import FOLDER
from core.files.sealed import sealed
from core.importing import journal
from core.importing.journal import Line
from core.workers import messages
from core.workers.journals import MOVES
from core.workers.messages import Request
from core.workers.pool import Pool, TaskFailedError

R = TypeVar("R")

PIECE = 4 << 20
"""Bytes of a file of moves read together."""


class Found(msgspec.Struct):
    """What one file of moves says."""

    name: str
    head: Line | None = None
    go: bool = False
    done: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is to be carried out, and its `move` line makes sense."""
        try:
            return (
                self.go
                and self.head is not None
                and all(
                    FOLDER.fullmatch(self.head[place]["folder"]) and isinstance(self.head[place]["name"], str)
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
        """Their names and sizes, oldest first."""
        request = messages.JournalNames(self._archive.place, MOVES)
        try:
            return (await self._ask(request, messages.Names)).names
        except TaskFailedError as error:
            if error.detail != "FileNotFoundError":
                raise
            return []

    async def look(self, name: str) -> Found:
        """Read one through."""
        found = Found(name)
        async for lines in self.lines(name):
            for line in lines:
                found.head = line if "move" in line else found.head
                found.go = found.go or "go" in line
                found.done = found.done or "moved" in line
        return found

    async def lines(self, name: str) -> AsyncIterator[list[Line]]:
        """Its sound lines, some at a time."""
        at, rest = 0, b""
        while data := (
            await self._ask(messages.ReadText(self._archive.place, f"{MOVES}/{name}", at, PIECE), messages.Text)
        ).data:
            at += len(data)
            whole, newline, rest = (rest + data).rpartition(b"\n")
            yield list(journal.lines(whole + newline))

    async def append(self, name: str, *lines: dict[str, Any]) -> None:
        """Add lines, which are on the medium then."""
        data = b"".join(map(sealed, lines))
        request = messages.AppendJournal(self._archive.place, f"{MOVES}/{name}", data, flush=True)
        await self._ask(request, messages.Done)

    async def join(self, name: str) -> None:
        """Make one file of its parts, where that can be done: they say the same as the whole."""
        with suppress(TaskFailedError):
            await self._ask(messages.JoinJournal(self._archive.place, f"{MOVES}/{name}"), messages.Done)

    async def _ask(self, request: Request, wanted: type[R]) -> R:
        async with self._pool.worker("move") as worker:
            return await worker.ask(request, wanted)


def sound(line: Line, places: list[dict[str, str]]) -> bool:
    """Whether an `item` line stays within the two locations."""
    try:
        folders = [f"locations/{place['folder']}/data/" for place in places]
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
