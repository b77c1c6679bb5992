"""The queue exiftool: metadata of every item, many files to a call, or from what exiftool said once."""

import asyncio
import json
import os
import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice

import msgspec

from core import tools
from core.catalog import neighbours
from core.database import Statement
from core.media.file_types import Kind
from core.media.local_time import FRACTION_INDEX, local_clock, offset_by_name
from core.media.metadata import Metadata, parse, unpack
from core.tasks.exiftool_client import Daemon, DaemonLostError
from core.tasks.exiftool_process import Read
from core.tasks.task import Beat, Context, ItemFacts, Job, Result

FILES_PER_REQUEST = 16
"""Files per request to exiftool; more make it no faster."""

CHUNKS_AHEAD = 2
"""Chunks requested from a daemon at a time, so that it has the next one when it has read one."""

CHUNK_TIMEOUT = 60.0
"""Seconds that a chunk may take."""

LOSSES = 3
"""The number of daemons lost in one call at which it gives up: the files may be on a volume that does not
answer."""

STUCK = 4
"""The number of killed daemons still stuck in the kernel at which no new one is started."""

DAMAGE = ("File is empty", "Entire file is binary", "File format error")
"""Beginnings of exiftool's errors for a file whose content is not what its name says."""

IDLE_TIMEOUT = 60.0
"""Seconds after which an idle daemon is ended."""

_COLUMNS = Metadata.__struct_fields__
WRITE = (
    f"INSERT OR REPLACE INTO metadata (item_id, {', '.join(_COLUMNS)}, raw) "  # noqa: S608 - names of our own
    f"VALUES (?, {', '.join('?' * len(_COLUMNS))}, ?)"
)

_STORED_ANSWERS = "SELECT item_id, raw FROM metadata WHERE item_id IN (SELECT value FROM json_each(?))"


class Exiftool:
    """The task. A file that exiftool cannot read is done, with the reason in its row."""

    queue = "exiftool"
    together = 8 * FILES_PER_REQUEST

    def __init__(self, *, patience: float = CHUNK_TIMEOUT, search: str | None = None) -> None:
        self.chunk_timeout = patience
        self._search = search
        self._path: str | None = None
        self._known: tuple[str, int] | None = None
        self._idle: list[Daemon] = []
        self._busy: set[Daemon] = set()
        self._killed: list[Daemon] = []

    def missing(self) -> str:
        """Empty when exiftool is installed and new enough; else why not, and the command that installs it. Slow
        once per version."""
        self._path = path = tools.find("exiftool", self._search)
        try:
            state = (path, os.stat(path).st_mtime_ns) if path else None
        except OSError:
            state = None
        if state is not None and state == self._known:
            return ""
        tool = tools.tool("exiftool", search=self._search)
        if tool.new_enough:
            self._known = state
            return ""
        why = "is not installed" if tool.path is None else f"{tool.version or 'that does not answer'} is too old"
        return f"exiftool {why} ({tool.minimum} or later is needed): {tool.install}"

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        """Read the files of `jobs`: in chunks, and one by one after a daemon was lost."""
        facts = await context.items([job.item_id for job in jobs if job.item_id is not None])
        results: dict[int, Result] = {}
        files: list[tuple[Job, ItemFacts]] = []
        for job in jobs:
            item = facts.get(job.item_id) if job.item_id is not None else None
            if item is None:
                results[job.id] = Result(error="The item is no longer in the catalog.", final=True)
            else:
                files.append((job, item))
        said = await self._from_stored_answers(files, context)
        results |= {job.id: _result(item, said[item.id]) for job, item in files if item.id in said}
        await self._read([(job, item) for job, item in files if item.id not in said], results, beat)
        return results

    async def _from_stored_answers(
        self, files: list[tuple[Job, ItemFacts]], context: Context
    ) -> Mapping[int, Read]:
        """Metadata by the present rules, by the item's id, from the answers of exiftool that the catalog keeps.
        Items without a stored answer, which are most of them, are left out."""
        rows = await context.read(_STORED_ANSWERS, (json.dumps([item.id for _, item in files]),))
        if not rows:
            return {}
        read = await asyncio.to_thread(lambda: [(id, _from_stored_answer(raw)) for id, raw in rows])
        return {id: one for id, one in read if one is not None}

    async def _read(self, files: list[tuple[Job, ItemFacts]], results: dict[int, Result], beat: Beat) -> None:
        chunks = deque(
            files[start : start + FILES_PER_REQUEST] for start in range(0, len(files), FILES_PER_REQUEST)
        )
        losses = 0
        while chunks:
            try:
                # After a loss files are requested one at a time, so that the file that causes the next loss is
                # known.
                await self._talk(chunks, 1 if losses else CHUNKS_AHEAD, results, beat)
            except DaemonLostError as error:
                losses += 1
                if losses == LOSSES:
                    results.update((job.id, Result(error=str(error))) for some in chunks for job, _ in some)
                    return
                if len(chunks[0]) == 1:
                    results[chunks.popleft()[0][0].id] = Result(error=str(error))
                else:
                    suspects = [
                        chunks.popleft() for _ in range(min(len(chunks), CHUNKS_AHEAD if losses == 1 else 1))
                    ]
                    chunks.extendleft([one] for some in reversed(suspects) for one in reversed(some))

    async def _talk(
        self, chunks: deque[list[tuple[Job, ItemFacts]]], ahead: int, results: dict[int, Result], beat: Beat
    ) -> None:
        """Have one daemon read the chunks, with one requested while it reads another; chunks that were read are
        removed."""
        if not chunks:
            return
        daemon = await self._take()
        asked = 0
        try:
            while chunks:
                for chunk in islice(chunks, asked, ahead):
                    await daemon.ask([os.fsencode(item.path) for _, item in chunk])
                    asked += 1
                answers = await daemon.answer(len(chunks[0]), self.chunk_timeout)
                asked -= 1
                for (job, item), answer in zip(chunks.popleft(), answers, strict=True):
                    results[job.id] = _result(item, answer)
                    beat(job.id, 1.0)
                for job, _ in (file for some in chunks for file in some):
                    beat(job.id, 0.0)  # the job waits for its turn
        except BaseException:
            self._end(daemon)
            raise
        self._busy.discard(daemon)
        self._idle.append(daemon)
        daemon.expiry = asyncio.get_running_loop().call_later(IDLE_TIMEOUT, self._retire, daemon)

    async def _take(self) -> Daemon:
        while self._idle:
            daemon = self._idle.pop()
            if daemon.expiry:
                daemon.expiry.cancel()
            if daemon.alive:
                self._busy.add(daemon)
                return daemon
            self._end(daemon)
        self._killed = [daemon for daemon in self._killed if daemon.alive]
        if len(self._killed) >= STUCK:
            raise DaemonLostError(
                f"{len(self._killed)} of them hang in the kernel.", "Unmount the volume that does not answer."
            )
        path = self._path or await asyncio.to_thread(tools.find, "exiftool", self._search)
        if path is None:
            raise DaemonLostError(await asyncio.to_thread(self.missing))
        daemon = await Daemon.start(path)
        self._busy.add(daemon)
        return daemon

    def _retire(self, daemon: Daemon) -> None:
        self._idle.remove(daemon)
        self._end(daemon)

    def _end(self, daemon: Daemon) -> None:
        self._busy.discard(daemon)
        daemon.kill()
        self._killed.append(daemon)

    async def close(self) -> None:
        """End every daemon."""
        ending = [*self._idle, *self._busy]
        self._idle.clear()
        for daemon in ending:
            self._end(daemon)
        await asyncio.gather(*(daemon.child.gone() for daemon in self._killed))


def _from_stored_answer(raw: bytes) -> Read | None:
    """The metadata in an answer of exiftool that the catalog keeps, compressed; None when it cannot be parsed, so
    that the file has to be read."""
    try:
        return Read(metadata=parse(unpack(raw).encode()), raw=raw)
    except (zlib.error, ValueError):
        return None


def _result(item: ItemFacts, read: Read) -> Result:
    if read.metadata is None:
        return Result(error=f"{read.failure}.")
    metadata = _by_name(read.metadata, item.name)
    statements: list[Statement] = [(WRITE, [(item.id, *msgspec.structs.astuple(metadata), read.raw)])]
    statements += neighbours.statements(item.id, metadata)
    error = metadata.error or ""
    # Only these errors mean damage; an unknown format does not.
    broken = item.kind in (Kind.IMAGES, Kind.VIDEOS) and error.startswith(DAMAGE)
    return Result(statements=statements, unopenable=error if broken else "")


def _by_name(row: Metadata, name: bytes) -> Metadata:
    """Convert a UTC date to the local time in the file's name, if there is one."""
    if row.captured_zone != "utc" or row.captured is None or row.captured_local is None:
        return row
    offset = offset_by_name(os.fsdecode(name), row.captured, row.duration)
    if offset is None:
        return row
    local = local_clock(row.captured, offset, row.captured_local[FRACTION_INDEX:])
    return msgspec.structs.replace(row, captured_local=local, offset=offset, captured_zone="name")
