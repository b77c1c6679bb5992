"""The queue ffprobe: codecs, duration and other facts of films and recordings, without decoding them."""

import asyncio
import errno
import os
import sys
from collections.abc import Mapping, Sequence

import msgspec

from core import tools
from core.derivatives.messages import OrderRefusedError, ProbeFilm
from core.derivatives.pool import Makers
from core.errors import LadingError, WorkerDiedError
from core.media import demuxers, ffprobe_parse, mediainfo_parse, redcode
from core.media.ffprobe_parse import Probe
from core.media.file_types import Kind, extension
from core.media.metadata import pack
from core.paths import display
from core.tasks import derivative
from core.tasks.child_processes import Argument, Child, guarded
from core.tasks.task import Beat, Context, ItemFacts, Job, Result

_ALWAYS_READ = """
    .3g2 .3gp .3gpp .avi .dv .f4v .flv .insv .m2p .m2t .m2ts .m2v .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .qt
    .tod .vob .vro .webm .wmv
"""
ALWAYS_READ = frozenset(_ALWAYS_READ.split())
"""Extensions of films in formats that ffprobe fully supports: a file that it cannot parse is damaged."""

PARTLY_READ = frozenset((".braw", ".braw2", ".crm", ".krw", ".mxf", ".nev", ".r3d", ".zraw"))
"""Extensions of films of which ffprobe knows at most the container: RAW, and Sony's X-OCN in MXF."""

REDCODE = ".r3d"
"""The extension of films that are read by exiftool, because MediaInfo does not know them."""

MEDIAINFO = (sys.executable, "-P", "-m", "core.tasks.mediainfo_process")
"""The command for films that ffprobe does not know. MediaInfo's library comes with pymediainfo's wheels."""

INVALID = -0x41444E49
"""AVERROR_INVALIDDATA (libavutil/error.h): minus the number made of the letters INDA, the first one in the lowest
byte."""

STALL_TIMEOUT = 60.0
"""Seconds without any work done after which a probe counts as stuck."""

PULSE = 1.0
"""The most seconds between two looks whether a probe works."""

TIME_LIMIT = 900.0
"""Seconds that a probe may take at most, whatever it does."""

INSIDE_TIMEOUT = 20.0
"""Seconds that a maker gets for a film that it opens in milliseconds. Then it is killed, and ffprobe is asked."""

STUCK = 4
"""The number of killed probes still stuck in the kernel at which no new one is started."""

LARGEST_OUTPUT = 64 << 20
"""The most bytes of an answer."""

# Errors of the volume, not of the file. ffmpeg reports others for broken files, too: EINVAL, and EPERM for a plain
# -1.
_VOLUME = frozenset(
    getattr(errno, name)
    for name in (
        *("EACCES", "EBADF", "EHOSTDOWN", "EHOSTUNREACH", "EIO", "EMFILE", "ENETDOWN", "ENFILE", "ENODEV"),
        *("ENOENT", "ENOMEM", "ENOTCONN", "ENOTDIR", "ENXIO", "ESTALE", "ETIMEDOUT"),
    )
)

_BROKEN_OFF = b"{"
"""What ffprobe prints when the decoder of one track cannot be opened: then the tracks are probed one by one."""

_COLUMNS = Probe.__struct_fields__
WRITE = (
    f"INSERT OR REPLACE INTO probe (item_id, {', '.join(_COLUMNS)}, raw) "  # noqa: S608 - names of our own
    f"VALUES (?, {', '.join('?' * len(_COLUMNS))}, ?)"
)


def arguments(path: bytes) -> list[str | bytes]:
    """The arguments for ffprobe. `file:` keeps it from taking a name for a URL, the lists from opening other
    files."""
    return [
        *("-v", "error", "-hide_banner", "-print_format", "json", "-show_error", "-show_format", "-show_streams"),
        *demuxers.guards(demuxers.FILMS + demuxers.SOUNDS, path),
        b"file:" + path,
    ]


class ProbeLostError(LadingError):
    """A probe hangs, or does not end in time."""

    title = "ffprobe"


class Ffprobe:
    """The task. A file that ffprobe cannot read is done, with the reason in its row."""

    queue = "ffprobe"
    together = 1

    def __init__(
        self, *, patience: float = STALL_TIMEOUT, longest: float = TIME_LIMIT, search: str | None = None
    ) -> None:
        self._patience = patience
        self._longest = longest
        self._search = search
        self._path: str | None = None
        # Inside a maker a film is probed without starting ffprobe; not where a folder of tools is given.
        self.makers = Makers(patience=INSIDE_TIMEOUT) if search is None else None
        self._closed = False
        self._running: set[Child] = set()
        self._killed: list[Child] = []

    def missing(self) -> str:
        """Empty when ffprobe is installed; else that it is not, and the command that installs it."""
        self._path = tools.find("ffprobe", self._search)
        if self._path:
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
                results[job.id] = await self._probe(job, item, context, beat)
        return results

    async def _probe(self, job: Job, item: ItemFacts, context: Context, beat: Beat) -> Result:
        if self._path is None and (why := await asyncio.to_thread(self.missing)):
            return Result(error=why)
        executable = self._path or "ffprobe"
        self._killed = [child for child in self._killed if child.alive]
        if len(self._killed) >= STUCK:
            return Result(error=f"{len(self._killed)} probes hang in the kernel: unmount what does not answer.")
        try:
            if (inside := await self._probe_in_maker(item, job, beat)) is not None:
                return inside
            answer, status = await self._run([executable, *arguments(os.fsencode(item.path))], job, beat)
            if status and answer.strip() == _BROKEN_OFF:
                async with derivative.temporary_folder(context) as place:
                    tracks = [sys.executable, "-P", "-m", "core.derivatives.tracks", item.path, place]
                    answer, status = await self._run(tracks, job, beat)
            result = result_of(item, answer, status)
            if partly_read(item, result):
                result = await self._complete(item, result, job, beat)
        except ProbeLostError as error:
            return Result(error=str(error))
        return result

    async def _probe_in_maker(self, item: ItemFacts, job: Job, beat: Beat) -> Result | None:
        """The result by a maker, which does not start ffprobe; None where ffprobe has to be started. Raises
        ProbeLostError after `close`."""
        if self.makers is None or job.attempt > 1:
            return None
        beat(job.id, 0.0)
        try:
            told = await self.makers.probe(ProbeFilm(os.fsencode(item.path)))
        except (OrderRefusedError, WorkerDiedError) as error:
            if self._closed:
                raise ProbeLostError("it was ended.") from error
            return None
        result = result_of(item, told.answer, 0) if told.answer else None
        return None if result is None or result.error or partly_read(item, result) else result

    async def _complete(self, item: ItemFacts, result: Result, job: Job, beat: Beat) -> Result:
        """Add to a film's row the values that MediaInfo finds, or for REDCODE exiftool; unchanged if they find
        none.

        Raises ProbeLostError.
        """
        argv: tuple[Argument, ...] = MEDIAINFO
        merge = mediainfo_parse.merge
        if _ending(item) == REDCODE:
            exiftool = await asyncio.to_thread(tools.find, "exiftool", self._search)
            if exiftool is None:
                return result
            argv, merge = (exiftool, "-config", "", "-json", *redcode.REDCODE_TAGS), redcode.merge
        told, status = await self._run([*argv, os.fsencode(item.path)], job, beat)
        ((_, *values, raw),) = result.statements[0][1]
        try:
            probe = merge(Probe(**dict(zip(_COLUMNS, values, strict=True))), told)
        except ValueError:
            return result
        if status:
            return result
        return Result(statements=[(WRITE, [(item.id, *msgspec.structs.astuple(probe), raw)])])

    async def _run(self, argv: Sequence[Argument], job: Job, beat: Beat) -> tuple[bytes, int | None]:
        """Run a program. Returns its output and exit status. Raises ProbeLostError."""
        child = await Child.start(guarded(argv))
        self._running.add(child)
        try:
            if self._closed:
                raise ProbeLostError("it was ended.")
            return await self._answer(child, job, beat), child.process.returncode
        finally:
            self._end(child)

    async def _answer(self, child: Child, job: Job, beat: Beat) -> bytes:
        """The child's output until it ends. Raises ProbeLostError, also when it does no work for too long."""
        reading = asyncio.create_task(_read_output(child))
        # Pulses are counted instead of seconds, because the child is stopped, too, while the machine is.
        pulse = min(PULSE, self._patience / 4)
        all_pulses = still = 0
        work = -1.0
        try:
            while not (await asyncio.wait([reading], timeout=pulse))[0]:
                all_pulses, still = all_pulses + 1, still + 1
                if (done := await child.work()) != work:
                    work, still = done, 0
                    beat(job.id, 0.0)
                if still * pulse > self._patience:
                    raise ProbeLostError(f"nothing done for {self._patience:g} s.")
                if all_pulses * pulse > self._longest:
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
        """Kill every probe; one that is just being started is killed as soon as it is there."""
        self._closed = True
        if self.makers:
            await self.makers.close()
        for child in list(self._running):
            self._end(child)
        await asyncio.gather(*(child.gone() for child in self._killed))


async def _read_output(child: Child) -> bytes:
    output = b""
    if child.process.stdout:
        while block := await child.process.stdout.read(1 << 16):
            output += block
            if len(output) > LARGEST_OUTPUT:
                raise ProbeLostError(f"more than {LARGEST_OUTPUT:,} bytes of answer.")
    await child.process.wait()
    return output


def partly_read(item: ItemFacts, result: Result) -> bool:
    """Whether ffprobe found no known video stream in a film of one of the formats `PARTLY_READ`."""
    if item.kind == Kind.AUDIO or _ending(item) not in PARTLY_READ or result.error or result.unopenable:
        return False
    ((_, *values, _),) = result.statements[0][1]
    probe = Probe(**dict(zip(_COLUMNS, values, strict=True)))
    return probe.codec is None


def _ending(item: ItemFacts) -> str:
    return extension(os.fsencode(os.path.basename(item.path)))


def result_of(item: ItemFacts, output: bytes, status: int | None) -> Result:
    said = output.decode("utf-8", "replace").encode()
    try:
        answer = ffprobe_parse.read(said)
        raw = pack(ffprobe_parse.raw_of(said))
    except (ValueError, RecursionError):
        return Result(error=f"ffprobe ended with status {status} and an answer that makes no sense.")
    if answer.error is None:
        probe = ffprobe_parse.typed(answer)
    elif -answer.error.code in _VOLUME:
        return Result(error=f"{display(answer.error.string)}.")
    else:
        probe = Probe(error=display(answer.error.string) or "not readable")
    statements = [(WRITE, [(item.id, *msgspec.structs.astuple(probe), raw)])]
    invalid = answer.error is not None and answer.error.code == INVALID
    broken = invalid and extension(os.fsencode(os.path.basename(item.path))) in ALWAYS_READ
    return Result(statements=statements, unopenable=probe.error or "" if broken else "")
