"""The queue ffprobe: what films and recordings hold, without decoding them."""

import asyncio
import errno
import os
from collections.abc import Mapping, Sequence

import msgspec

from core import tools
from core.errors import LadingError
from core.paths import display
from core.tasks import probed
from core.tasks.children import Child, guarded
from core.tasks.metadata import pack
from core.tasks.probed import Probe
from core.tasks.task import Beat, Context, ItemFacts, Job, Result

FORMATS = (
    "aa,aac,aax,ac3,aiff,amr,amrnb,amrwb,ape,asf,asf_o,ast,au,av1,avi,bink,caf,cavsvideo,cine,daud,dhav,dirac,dnxhd,"
    "dsf,dts,dtshd,dv,eac3,flac,flv,g722,gsm,gxf,h261,h263,h264,hevc,iff,ivf,loas,lxf,m4v,matroska,webm,mjpeg,"
    "mjpeg_2000,mlp,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,mpegvideo,mtv,mxf,nsv,nut,nuv,obu,ogg,oma,qcp,"
    "r3d,rm,smjpeg,sox,tak,truehd,tta,vc1,voc,vvc,w64,wav,wtv,wv,y4m,yuv4mpegpipe"
)
"""Demuxers that open the one file they are given; not those of playlists, of numbered pictures, of a network."""

PATIENCE = 60.0
"""Seconds without any work done before a probe counts as hanging."""

LONGEST = 900.0
"""Seconds a probe may take, whatever it does."""

STUCK = 4
"""Killed probes that may still hang in the kernel; with more no new one is started."""

LARGEST = 64 << 20
"""Bytes of an answer."""

# The volume's trouble, not the file's. ffmpeg says others of broken files, too: EINVAL, and EPERM for a plain -1.
_VOLUME = frozenset(
    getattr(errno, name)
    for name in (
        *("EACCES", "EBADF", "EHOSTDOWN", "EHOSTUNREACH", "EIO", "EMFILE", "ENETDOWN", "ENFILE", "ENODEV"),
        *("ENOENT", "ENOMEM", "ENOTCONN", "ENOTDIR", "ENXIO", "ESTALE", "ETIMEDOUT"),
    )
)

_COLUMNS = Probe.__struct_fields__
WRITE = (
    f"INSERT OR REPLACE INTO probe (item_id, {', '.join(_COLUMNS)}, raw) "  # noqa: S608 - names of our own
    f"VALUES (?, {', '.join('?' * len(_COLUMNS))}, ?)"
)


def arguments(path: bytes) -> list[str | bytes]:
    """What ffprobe is told. `file:` keeps it from taking a name for an address, the lists from opening others."""
    return [
        *("-v", "error", "-hide_banner", "-print_format", "json", "-show_error", "-show_format", "-show_streams"),
        *("-protocol_whitelist", "file", "-format_whitelist", FORMATS),
        b"file:" + path,
    ]


class ProbeLostError(LadingError):
    """A probe hangs, or does not come to its end."""

    title = "ffprobe"


class Ffprobe:
    """The task. A file that ffprobe cannot read is done, with the reason in its row."""

    queue = "ffprobe"
    together = 1

    def __init__(self, *, patience: float = PATIENCE, longest: float = LONGEST, search: str | None = None) -> None:
        self._patience = patience
        self._longest = longest
        self._search = search
        self._running: set[Child] = set()
        self._killed: list[Child] = []

    def missing(self) -> str:
        """Empty when ffprobe is there; else why not, and the command."""
        if tools.find("ffprobe", self._search):
            return ""
        return f"ffprobe is not installed: {tools.tool('ffprobe', search=self._search).install}"

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        """Probe the files of `jobs`, one after the other."""
        facts = await context.items([job.item_id for job in jobs if job.item_id is not None])
        results = {}
        for job in jobs:
            item = facts.get(job.item_id) if job.item_id is not None else None
            if item is None:
                results[job.id] = Result(error="The item is no longer in the catalog.", final=True)
            else:
                results[job.id] = await self._probe(job, item, beat)
        return results

    async def _probe(self, job: Job, item: ItemFacts, beat: Beat) -> Result:
        executable = tools.find("ffprobe", self._search)
        if executable is None:
            return Result(error=self.missing())
        self._killed = [child for child in self._killed if child.alive]
        if len(self._killed) >= STUCK:
            return Result(error=f"{len(self._killed)} probes hang in the kernel: unmount what does not answer.")
        child = await Child.start(guarded([executable, *arguments(os.fsencode(item.path))]))
        self._running.add(child)
        try:
            answer = await self._answer(child, job, beat)
        except ProbeLostError as error:
            return Result(error=str(error))
        finally:
            self._end(child)
        return _result(item, answer, child.process.returncode)

    async def _answer(self, child: Child, job: Job, beat: Beat) -> bytes:
        """What the child prints until its end. Raises ProbeLostError, also when it does nothing for too long."""
        loop = asyncio.get_running_loop()
        reading = asyncio.create_task(_all(child))
        started = moved = loop.time()
        work = -1.0
        try:
            while not (await asyncio.wait([reading], timeout=min(1.0, self._patience / 4)))[0]:
                now, done = loop.time(), child.work()
                if done != work:
                    work, moved = done, now
                    beat(job.id, 0.0)
                if now - moved > self._patience:
                    raise ProbeLostError(f"nothing done for {self._patience:g} s.")
                if now - started > self._longest:
                    raise ProbeLostError(f"not ended after {self._longest:g} s.")
            return reading.result()
        finally:
            reading.cancel()

    def _end(self, child: Child) -> None:
        self._running.discard(child)
        if child.process.returncode is None:
            child.kill()
            self._killed.append(child)
        elif child.process.stdin:
            child.process.stdin.close()

    async def close(self) -> None:
        """End every probe."""
        for child in list(self._running):
            self._end(child)
        await asyncio.gather(*(child.gone() for child in self._killed))


async def _all(child: Child) -> bytes:
    output = b""
    if child.process.stdout:
        while block := await child.process.stdout.read(1 << 16):
            output += block
            if len(output) > LARGEST:
                raise ProbeLostError(f"more than {LARGEST:,} bytes of answer.")
    await child.process.wait()
    return output


def _result(item: ItemFacts, output: bytes, status: int | None) -> Result:
    try:
        answer = probed.read(output)
        raw = pack(probed.raw_of(output))
    except msgspec.DecodeError:
        return Result(error=f"ffprobe ended with status {status} and an answer that makes no sense.")
    if answer.error is None:
        probe = probed.typed(answer)
    elif -answer.error.code in _VOLUME:
        return Result(error=f"{display(answer.error.string)}.")
    else:
        probe = Probe(error=display(answer.error.string) or "not readable")
    return Result(statements=[(WRITE, [(item.id, *msgspec.structs.astuple(probe), raw)])])
