"""Brings Lading's own files from one copy of an archive to another one: journals, receipts, tag files of bags.

Journals only grow, so what the target's journal lacks is appended to it, and flushed. Other files are written as a
whole, and read back past the cache.
"""

import hashlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import NoReturn

import xxhash

from core import archive_layout
from core.archives.archive import Archive
from core.errors import ArchiveError
from core.files.checksummed_lines import intact
from core.maintenance.mirror_run import MirrorRun
from core.paths import display
from core.receipts.upload import uploaded_file
from core.workers import archive_messages, messages, text_messages
from core.workers.messages import Fault
from core.workers.pool import TaskFailedError

PIECE = 1 << 20
"""Bytes per read."""

_GONE = ("FileNotFoundError", "NotADirectoryError")


class _RepeatedLines:
    """Recognises lines that a copy of a journal contains twice. An interrupted join of its parts leaves such lines
    (`workers.journal_files`), and so did two mirrors into one copy at the same time, before they took turns."""

    def __init__(self, journal: Callable[[], AsyncGenerator[bytes, None]]) -> None:
        """`journal` gives the journal's lines, from the first one on."""
        self._journal = journal
        self._lines: AsyncGenerator[bytes, None] | None = None
        self._at = 0

    async def contains(self, line: bytes, held: int) -> bool:
        """Whether `line` is among the first `held` lines of the journal. Consecutive lines are found in a single
        pass over it."""
        if self._lines is not None and self._at < held:
            self._at += 1
            if await anext(self._lines, None) == line:
                return True
        await self.aclose()
        self._lines, self._at = self._journal(), 0
        while self._at < held:
            self._at += 1
            if await anext(self._lines, None) == line:
                return True
        return False

    async def aclose(self) -> None:
        """Stop reading."""
        if self._lines is not None:
            await self._lines.aclose()


class RecordCopier:
    """Brings the files. Those that the target has are replaced only in a copy that is not in use, because in one
    in use they may be newer than the source's."""

    def __init__(self, run: MirrorRun) -> None:
        self._run = run
        self._replace = run.target.copy.number > 0

    # Journals

    async def journals(self, folder: str) -> None:
        """Bring the journals in a folder, up to their present ends."""
        run = self._run
        theirs = await self._journal_sizes(run.target, folder)
        for name, size in (await self._journal_sizes(run.source, folder)).items():
            if theirs.get(name) != size:
                await self._journal(f"{folder}/{name}", new=name not in theirs)

    async def _journal_sizes(self, archive: Archive, folder: str) -> dict[str, int]:
        async with self._run.worker(folder) as worker:
            request = text_messages.JournalNames(archive.place, folder)
            return dict((await worker.ask(request, archive_messages.NamesCounted)).names)

    async def _journal(self, path: str, *, new: bool) -> None:
        """Append what the target's journal lacks. A journal of the target that has other lines than the source's,
        before its end, is reported as lacking."""
        run = self._run
        if not new:
            async with run.worker(path) as worker:
                await worker.ask(text_messages.JoinJournal(run.target.place, path), messages.Done)
        async with aclosing(self._lacking_lines(path, new=new)) as wanted:
            await self._append(path, wanted)

    async def _lacking_lines(self, path: str, *, new: bool) -> AsyncGenerator[bytes, None]:
        """The lines that the target's journal lacks. Lines that are torn in either journal, and lines that the
        target's contains twice, are ignored, as a replay does."""
        run, held = self._run, 0
        async with (
            aclosing(self._lines(run.source, path)) as wanted,
            aclosing(_RepeatedLines(lambda: self._lines(run.source, path))) as repeated,
        ):
            ours = await anext(wanted, None)
            if not new:
                async with aclosing(self._lines(run.target, path)) as there:
                    async for line in there:
                        if ours is None:
                            return  # the target's journal has all lines of the source's, and more
                        while ours is not None and ours != line and not intact(ours):
                            ours, held = await anext(wanted, None), held + 1
                        if ours == line:
                            ours, held = await anext(wanted, None), held + 1
                        elif intact(line) and not await repeated.contains(line, held):
                            run.lack(path, "it is another journal there: an import went on in both copies")
                            return
            while ours is not None:
                yield ours
                ours = await anext(wanted, None)

    async def _append(self, path: str, lines: AsyncIterator[bytes]) -> None:
        run, data, more = self._run, b"", False
        place = run.target.place
        async for line in lines:
            data += line
            if len(data) >= PIECE:
                async with run.worker(path) as worker:
                    await worker.ask(text_messages.AppendJournal(place, path, data), messages.Done)
                data, more = b"", True
        if data or more:
            async with run.worker(path) as worker:
                await worker.ask(text_messages.AppendJournal(place, path, data, flush=True), messages.Done)
            run.others += 1

    async def _lines(self, archive: Archive, path: str) -> AsyncGenerator[bytes, None]:
        """The complete lines of a journal, without the empty ones that separate its parts."""
        rest = b""
        with suppress(_GoneError):
            async with aclosing(self._pieces(archive, path)) as pieces:
                async for piece in pieces:
                    *lines, rest = (rest + piece).split(b"\n")
                    for line in lines:
                        if line:
                            yield line + b"\n"

    # Other files

    async def text(self, archive: Archive, path: str) -> bytes:
        """The content of a small file; empty when there is none."""
        data = b""
        with suppress(_GoneError):
            async with aclosing(self._pieces(archive, path)) as pieces:
                async for piece in pieces:
                    data += piece
                    if len(piece) < PIECE:
                        break  # the end, which need not be asked for
        return data

    async def _pieces(self, archive: Archive, path: str) -> AsyncGenerator[bytes, None]:
        """The content of a file, piece by piece. Raises _GoneError: when it is not there."""
        at = 0
        while True:
            try:
                async with self._run.worker(path) as worker:
                    request = text_messages.ReadText(archive.place, path, at, PIECE)
                    data = (await worker.ask(request, text_messages.TextRead)).data
            except TaskFailedError as error:
                if error.detail in _GONE and not at:
                    raise _GoneError from error
                raise
            if not data:
                return
            yield data
            at += len(data)

    async def bring(self, path: str, sha256: bytes | None = None, *, there: bool = False) -> bool:
        """Bring one file, whose SHA-256 should be `sha256`, if given. `there`: the target has another file at this
        path.

        False when it was not brought: the source's content differs from that digest, or it is gone there, or the
        target's file is to be kept.
        """
        run = self._run
        if there and not self._replace:
            return False
        sha, xxh, size = hashlib.sha256(), xxhash.xxh3_128(), 0
        staged = archive_layout.staging(run.name, secrets.token_hex(8))
        asked, done = run.source, "read"
        try:
            async with uploaded_file(run.pool, run.target.place, staged, path) as file:
                async with aclosing(self._pieces(run.source, path)) as pieces:
                    async for piece in pieces:
                        sha.update(piece)
                        xxh.update(piece)
                        size += len(piece)
                        file.write(piece)
                if sha256 is not None and sha.digest() != sha256:
                    raise _OtherError
                asked, done = run.target, "written"
        except (_OtherError, _GoneError):
            return False
        except TaskFailedError as error:
            await self._failed(asked, path, error.fault, done)
        await self._read_back(path, size, xxh.digest(), sha.digest())
        run.others += 1
        return True

    async def _read_back(self, path: str, size: int, xxh128: bytes, sha256: bytes) -> None:
        run = self._run
        async with run.worker(path) as worker:
            request = archive_messages.Audit(run.target.place, [(path, size, xxh128, sha256)])
            ((_, fault),) = (await worker.ask(request, archive_messages.Audited)).files
        if fault is not None and fault.code:
            await self._failed(run.target, path, fault, "read back")
        elif fault is not None:
            raise ArchiveError(
                f"{display(run.target.path)}/{display(path)}: what was read back is not what was written: "
                f"{fault}.",
                "Have its disk checked.",
            )

    async def _failed(self, archive: Archive, path: str, fault: Fault, done: str) -> NoReturn:
        """Raise ArchiveError: a file of one of the two could not be read, written or read back (`done`)."""
        await self._run.give_up(fault)
        await self._run.who_is_away()
        raise ArchiveError(
            f"{display(archive.path)}/{display(path)} cannot be {done}: {fault.text}.",
            "See to its disk, or its server and the network; the same command goes on where it stopped.",
        )


class _GoneError(Exception):
    """A file that was to be read is not there."""


class _OtherError(Exception):
    """The source's file does not have the digest that its bag states."""
