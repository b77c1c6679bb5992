"""The queue exiftool: metadata of every item, many files to a call."""

import asyncio
import os
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice

import msgspec

from core import tools
from core.tasks.daemon import Daemon, DaemonLostError
from core.tasks.metadata import Metadata
from core.tasks.reader import Read
from core.tasks.task import Beat, Context, ItemFacts, Job, Result

CHUNK = 16
"""Files that exiftool is asked for at once; more make it no faster."""

AHEAD = 2
"""Chunks that a daemon is asked for at once: the next one is there when it has read one."""

PATIENCE = 60.0
"""Seconds a chunk may take."""

LOSSES = 3
"""Daemons that one call loses before it gives up: the files may lie on a volume that no longer answers."""

STUCK = 4
"""Killed daemons that may still hang in the kernel; with more no new one is started."""

IDLE = 60.0
"""Seconds after which a daemon that nobody needs ends."""

_COLUMNS = Metadata.__struct_fields__
WRITE = (
    f"INSERT OR REPLACE INTO metadata (item_id, {', '.join(_COLUMNS)}, raw) "  # noqa: S608 - names of our own
    f"VALUES (?, {', '.join('?' * len(_COLUMNS))}, ?)"
)


class Exiftool:
    """The task. A file that exiftool cannot read is done, with the reason in its row."""

    queue = "exiftool"
    together = 8 * CHUNK

    def __init__(self, *, patience: float = PATIENCE, search: str | None = None) -> None:
        self._patience = patience
        self._search = search
        self._known: tuple[str, int] | None = None
        self._idle: list[Daemon] = []
        self._busy: set[Daemon] = set()
        self._killed: list[Daemon] = []

    def missing(self) -> str:
        """Empty when exiftool is there and new enough; else why not, and the command. Slow once per version."""
        path = tools.find("exiftool", self._search)
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
        """Read the files of `jobs`: together, and one by one after a daemon was lost."""
        facts = await context.items([job.item_id for job in jobs if job.item_id is not None])
        results: dict[int, Result] = {}
        files: list[tuple[Job, ItemFacts]] = []
        for job in jobs:
            item = facts.get(job.item_id) if job.item_id is not None else None
            if item is None:
                results[job.id] = Result(error="The item is no longer in the catalog.", final=True)
            else:
                files.append((job, item))
        await self._read(files, results, beat)
        return results

    async def _read(self, files: list[tuple[Job, ItemFacts]], results: dict[int, Result], beat: Beat) -> None:
        chunks = deque(files[start : start + CHUNK] for start in range(0, len(files), CHUNK))
        losses = 0
        while chunks:
            try:
                # After a loss one at a time: then it is known which one it was.
                await self._talk(chunks, 1 if losses else AHEAD, results, beat)
            except DaemonLostError as error:
                losses += 1
                if losses == LOSSES:
                    results.update((job.id, Result(error=str(error))) for some in chunks for job, _ in some)
                    return
                if len(chunks[0]) == 1:
                    results[chunks.popleft()[0][0].id] = Result(error=str(error))
                else:
                    suspects = [chunks.popleft() for _ in range(min(len(chunks), AHEAD if losses == 1 else 1))]
                    chunks.extendleft([one] for some in reversed(suspects) for one in reversed(some))

    async def _talk(
        self, chunks: deque[list[tuple[Job, ItemFacts]]], ahead: int, results: dict[int, Result], beat: Beat
    ) -> None:
        """Have one daemon read chunks, asked for one while it reads another; what is read is taken off them."""
        if not chunks:
            return
        daemon = await self._take()
        asked = 0
        try:
            while chunks:
                for chunk in islice(chunks, asked, ahead):
                    await daemon.ask([os.fsencode(item.path) for _, item in chunk])
                    asked += 1
                answers = await daemon.answer(len(chunks[0]), self._patience)
                asked -= 1
                for (job, item), answer in zip(chunks.popleft(), answers, strict=True):
                    results[job.id] = _result(item, answer)
                    beat(job.id, 1.0)
                for job, _ in (file for some in chunks for file in some):
                    beat(job.id, 0.0)  # waits for its turn
        except BaseException:
            self._end(daemon)
            raise
        self._busy.discard(daemon)
        self._idle.append(daemon)
        daemon.expiry = asyncio.get_running_loop().call_later(IDLE, self._retire, daemon)

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
        path = tools.find("exiftool", self._search)
        if path is None:
            raise DaemonLostError(self.missing())
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


def _result(item: ItemFacts, read: Read) -> Result:
    if read.metadata is None:
        return Result(error=f"{read.failure}.")
    return Result(statements=[(WRITE, [(item.id, *msgspec.structs.astuple(read.metadata), read.raw)])])
