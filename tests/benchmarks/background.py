"""The rates of background work, each as a ratio to something bare in the same run.

exiftool: the queue against as many batched `exiftool -json` processes as it has slots, on the same photos; and
against such with the queue's options.
jobs: empty jobs a second, also with 5 ms added to every commit. thumbnails: the queue against two processes that
make the same three sizes with bare Pillow calls. arrival: time until an import's files are archived with all
background work on, against without. Processor seconds are given beside: they stand on a busy machine, too.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import psutil
from PIL import Image

from core.config import Config
from core.database import Database
from core.engine.engine import Engine
from core.models import ImportRequest
from core.queue.queue_defs import QUEUES
from core.tasks.exiftool_process import COMMON, CONFIG
from tests.benchmarks.runner import fresh, say
from tests.benchmarks.sets import SETS, warm
from tests.core.queue.fakes import FakeTask, bench, exif

SLOTS = 16
COMMIT = 0.005
STILLS = (".jpg", ".jpeg", ".heic", ".png", ".webp", ".tif", ".avif", ".dng", ".cr2")

BARE_PILLOW = """
import os, sys
from PIL import Image, ImageOps
for path in sys.argv[2:]:
    with Image.open(path) as image:
        image.draft("RGB", (1920, 1920))
        image = ImageOps.exif_transpose(image).convert("RGB")
        for short, quality in ((1920, 90), (800, 85), (400, 85)):
            scale = short / min(image.size)
            size = round(image.width * scale), round(image.height * scale)
            image = image.resize(size, Image.Resampling.LANCZOS)
            image.save(os.path.join(sys.argv[1], f"{os.path.basename(path)}_{short}.jpg"), quality=quality)
"""


@dataclass(frozen=True)
class Line:
    """One figure, and what it is to be at least or at most."""

    what: str
    value: float
    target: float
    at_most: bool = False
    note: str = ""


@dataclass(frozen=True)
class Took:
    """Wall and processor seconds."""

    wall: float
    cpu: float


def background(folder: str, pairs: int, fraction: float) -> list[Line]:
    """All figures."""
    lines = asyncio.run(_jobs(folder, fraction))
    lines += asyncio.run(_exiftool(folder, pairs, fraction))
    lines += asyncio.run(_thumbnails(folder, pairs, fraction))
    return lines + asyncio.run(_arrival(folder, pairs, fraction))


def text(lines: list[Line]) -> str:
    """As a table of lines."""
    return "\n".join(
        f"{line.what:52} {line.value:10,.2f}  {'<=' if line.at_most else '>='} {line.target:,g}  "
        f"{'met' if (line.value <= line.target if line.at_most else line.value >= line.target) else 'MISSED'}"
        f"{'  ' + line.note if line.note else ''}"
        for line in lines
    )


async def _jobs(folder: str, fraction: float) -> list[Line]:
    count = max(100, round(20_000 * fraction))
    lines = []
    for delay, target in ((0.0, 3000.0), (COMMIT, 1000.0)):
        home = fresh(os.path.join(folder, "home"))
        async with bench(home, FakeTask(together=1), queues=QUEUES[:1], start=False, exiftool=SLOTS) as b:
            await b.add(exif(*range(1, count + 1)))
            if delay:
                _slow_commits(b.database, delay)
            began = time.perf_counter()
            await b.worker.start()
            while not await b.database.read("SELECT 1 FROM queue WHERE done >= ?", (count,)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            seconds = time.perf_counter() - began
            await b.worker.stop()
        what = f"empty jobs/s, {SLOTS} slots" + (f", {delay * 1000:.0f} ms more a commit" if delay else "")
        lines.append(Line(what, count / seconds, target))
    return lines


def _slow_commits(database: Database, delay: float) -> None:
    connection = database.writing
    execute = connection.execute

    async def slow(sql: str, *rest: object) -> object:
        if sql == "COMMIT":
            await asyncio.sleep(delay)
        return await execute(sql, *rest)

    connection.execute = slow  # type: ignore[assignment]


class Archived:
    """An engine with photos in its archive and nothing done in the background yet."""

    def __init__(self, engine: Engine, archive: str) -> None:
        self.engine, self.archive = engine, archive

    @classmethod
    async def of(cls, folder: str, source: str) -> "Archived":
        engine = Engine(Config(home=fresh(os.path.join(folder, "home"))))
        await engine.start()
        for queue in QUEUES:
            await engine.jobs.worker.pause(queue.name)
        made = cls(engine, fresh(os.path.join(folder, "archive")))
        request = ImportRequest(source=source, archive=made.archive, location="Bench")
        await engine.imports.wait(await engine.imports.start_imports([request]))
        warm(made.archive)
        return made

    async def payload(self) -> list[str]:
        rows = await self.engine.database.read("SELECT path FROM item ORDER BY id")
        return [os.path.join(self.archive, path) for (path,) in rows]

    def forget(self, folder: str) -> None:
        """Remove what was made, so that it is not found again."""
        for place, folders, _ in os.walk(self.archive):
            if folder in folders:
                shutil.rmtree(os.path.join(place, folder))

    async def all_of(self, queue: str) -> None:
        """Have the queue do its jobs, again where they are done."""
        sql = "UPDATE job SET state = 'ready', ended = NULL, attempts = 0, remaining = 0 WHERE queue = ?"
        # What exiftool has answered once is kept, and no file would be read again.
        await self.engine.database.run(("DELETE FROM metadata", [()]), (sql, [(queue,)]))
        await self.engine.jobs.worker.resume(queue)
        left = "SELECT 1 FROM job WHERE queue = ? AND state IN ('ready', 'claimed', 'waiting') LIMIT 1"
        while await self.engine.database.read(left, (queue,)):  # noqa: ASYNC110 - a query
            await asyncio.sleep(0.1)
        await self.engine.jobs.worker.pause(queue)


async def _took(work: Callable[[], Awaitable[None]]) -> Took:
    before, began = _cpu(), time.perf_counter()
    await work()
    return Took(time.perf_counter() - began, _cpu() - before)


def _cpu() -> float:
    """Processor seconds of this process, its children that run, and those that have ended."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


async def _processes(commands: list[list[str]], said: Sequence[bytes | None] | None = None) -> None:
    async def one(command: list[str], text: bytes | None) -> None:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await process.communicate(text)

    await asyncio.gather(*map(one, commands, said or [None] * len(commands)))


def _ratio(what: str, bare: list[Took], ours: list[Took], target: float, note: str) -> list[Line]:
    walls = [theirs.wall / mine.wall for theirs, mine in zip(bare, ours, strict=True)]
    cpus = [theirs.cpu / mine.cpu for theirs, mine in zip(bare, ours, strict=True) if mine.cpu]
    note = f"{min(walls):.2f}-{max(walls):.2f}; by processor seconds {statistics.median(cpus or [0]):.2f}; {note}"
    return [Line(what, statistics.median(walls), target, note=note)]


async def _exiftool(folder: str, pairs: int, fraction: float) -> list[Line]:
    source = fresh(os.path.join(folder, "source"))
    SETS["mixed"](os.fsencode(source), fraction)
    for place, _, names in os.walk(source):
        for name in names:
            if not name.lower().endswith(STILLS):
                os.unlink(os.path.join(place, name))
    archived = await Archived.of(folder, source)
    try:
        paths = await archived.payload()
        slots = archived.engine.profile.exiftool
        lists = ["\n".join(paths[at::slots]).encode() for at in range(slots)]
        plain, alike = ["exiftool", "-json", "-@", "-"], ["exiftool", "-config", CONFIG, *COMMON, "-@", "-"]
        bare, same, ours = [], [], []
        await archived.all_of("exiftool")
        for turn in range(pairs):
            bare.append(await _took(lambda: _processes([plain] * slots, lists)))
            same.append(await _took(lambda: _processes([alike] * slots, lists)))
            ours.append(await _took(lambda: archived.all_of("exiftool")))
            walls = (
                f"bare {bare[-1].wall:.2f} s, asked the same {same[-1].wall:.2f} s, queue {ours[-1].wall:.2f} s"
            )
            say(f"exiftool {turn + 1}/{pairs}: {walls}")
    finally:
        await archived.engine.stop()
    rate = len(paths) / statistics.median(took.wall for took in ours)
    lines = _ratio("exiftool, of bare batched processes", bare, ours, 0.9, f"{len(paths)} photos")
    lines += _ratio("exiftool, of such that are asked the same", same, ours, 0.9, f"{len(paths)} photos")
    return [*lines, Line("exiftool, files/s", rate, 96)]


async def _thumbnails(folder: str, pairs: int, fraction: float) -> list[Line]:
    source = fresh(os.path.join(folder, "source"))
    for number in range(max(2, round(24 * fraction))):
        picture = Image.effect_noise((1500, 1000), 40 + number).resize((6000, 4000)).convert("RGB")
        picture.save(os.path.join(source, f"{number}.jpg"), quality=90)
    archived = await Archived.of(folder, source)
    try:
        await archived.engine.jobs.worker.resize("thumbnail", 2)
        paths = await archived.payload()
        out = fresh(os.path.join(folder, "bare"))
        commands = [[sys.executable, "-c", BARE_PILLOW, out, *paths[at::2]] for at in range(2)]
        bare, ours = [], []
        await archived.all_of("thumbnail")
        for turn in range(pairs):
            bare.append(await _took(lambda: _processes(commands)))
            archived.forget("thumbnails")
            ours.append(await _took(lambda: archived.all_of("thumbnail")))
            say(f"thumbnails {turn + 1}/{pairs}: bare {bare[-1].wall:.2f} s, queue {ours[-1].wall:.2f} s")
    finally:
        await archived.engine.stop()
    return _ratio("thumbnails, of two bare Pillow processes", bare, ours, 0.9, f"{len(paths)} x 24 megapixels")


async def _arrival(folder: str, pairs: int, fraction: float) -> list[Line]:
    source = fresh(os.path.join(folder, "source"))
    SETS["mixed"](os.fsencode(source), fraction)
    took: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(pairs):
        for on in (False, True) if turn % 2 else (True, False):
            home, archive = fresh(os.path.join(folder, "home")), fresh(os.path.join(folder, "archive"))
            warm(source)
            engine = Engine(Config(home=home))
            await engine.start()
            try:
                for queue in QUEUES if not on else ():
                    await engine.jobs.worker.pause(queue.name)
                began = time.perf_counter()
                request = ImportRequest(source=source, archive=archive, location="Bench")
                await engine.imports.wait(await engine.imports.start_imports([request]))
                took[on].append(time.perf_counter() - began)
            finally:
                await engine.stop()
        say(f"arrival {turn + 1}/{pairs}: without {took[False][-1]:.2f} s, with {took[True][-1]:.2f} s")
    ratios = [on / off for on, off in zip(took[True], took[False], strict=True)]
    note = f"{min(ratios):.2f}-{max(ratios):.2f}"
    return [
        Line("arrival with background work, of without", statistics.median(ratios), 1.15, at_most=True, note=note)
    ]
