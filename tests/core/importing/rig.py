"""An engine on real files, and what is asked of an archive afterwards."""

import asyncio
import hashlib
import os
import stat
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from core.archives.dedup import Dedup
from core.config import Config, Workers
from core.engine.ended_imports import EndedImports
from core.engine.engine import Engine
from core.engine.job_service import JobService
from core.models import ImportRequest, Outcome
from core.paths import relative
from core.snapshot import ImportView
from core.workers import shared_memory
from tests.rigs import bags
from tests.rigs.trees import write_random

PATIENCE = 120.0
"""Seconds after which a test no longer waits."""

BUSY = "SELECT count(*) FROM job WHERE state IN ('waiting', 'ready', 'claimed')"


class Row(msgspec.Struct, frozen=True):
    """One file of an import as the catalog has it."""

    outcome: Outcome
    size: int
    kind: str
    reason: str
    payload: str


class Still(JobService):
    """Jobs are entered, but nobody does them: these tests are about importing alone."""

    async def start(self) -> None:
        """Nothing begins."""

    async def stop(self) -> None:
        """Nothing ends."""

    def wake(self) -> None:
        """Nobody sleeps."""


class StillWatch(EndedImports):
    """Looks only when it is asked to: nothing is staged for reports while a test looks at an archive."""

    def start(self) -> None:
        """Nothing begins."""


class Rig:
    """One source, one archive and one engine below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = root / "card"
        self.archive = root / "archive"
        self.engine = Engine(self.config())

    def config(self, home: str = "home") -> Config:
        """Two workers of each kind, whatever the machine."""
        return Config(home=str(self.root / home), workers=Workers(hash=2, copy=2, verify=2))

    def request(self, source: Path | None = None, **options: Any) -> ImportRequest:
        """An import of `source`, else of the card."""
        given = {"archive": str(self.archive), "location": "Basel", **options}
        return ImportRequest(source=str(source or self.source), **given)

    async def begun(self, source: Path | None = None, **options: Any) -> str:
        """Start an import; its id."""
        return (await self.engine.imports.start_imports([self.request(source, **options)]))[0]

    async def imported(self, source: Path | None = None, **options: Any) -> ImportView:
        """Import to the end, and check that the books are right."""
        return await self.ended(await self.begun(source, **options))

    async def ended(self, name: str) -> ImportView:
        """Wait until an import has ended or is left paused, and check that the books are right."""
        view = await self.ended_unchecked(name)
        await self.check(view)
        return view

    async def ended_unchecked(self, name: str) -> ImportView:
        """Wait until an import has ended or is left paused."""
        async with asyncio.timeout(PATIENCE):
            await self.engine.imports.wait([name])
        return self.view(name)

    async def restarted(self, home: str = "home") -> None:
        """Stop the engine and start another one."""
        await self.engine.stop()
        self.engine = Engine(self.config(home))
        await self.engine.start()

    async def resumed(self, name: str) -> ImportView:
        """Take an import up and bring it to its end."""
        await self.engine.imports.resume_import(name)
        return await self.ended(name)

    def view(self, name: str) -> ImportView:
        """What a person sees of an import."""
        return next(view for view in self.engine.snapshot().imports if view.id == name)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - counters in shared memory tell nobody
                await asyncio.sleep(0.002)

    async def rows(self, name: str) -> dict[bytes, Row]:
        """The files of an import, by path below the source's root."""
        found = await self.engine.database.read(
            "SELECT f.path, i.root, f.outcome, f.size, f.kind, coalesce(f.reason, ''), coalesce(m.path, '') "
            "FROM file f JOIN import i ON i.id = f.import_id LEFT JOIN item m ON m.id = f.item_id "
            "WHERE i.name = ?",
            (name,),
        )
        return {relative(root, path): Row(Outcome(out), *rest) for path, root, out, *rest in found}

    async def check(self, view: ImportView) -> None:
        """What the view counts is what the rows say; nothing negative, nothing left over."""
        rows = await self.rows(view.id)
        counted = Counter(row.outcome for row in rows.values())
        sizes: Counter[Outcome] = Counter()
        for row in rows.values():
            sizes[row.outcome] += row.size
        assert view.seen.files == len(rows)
        assert (view.archived.files, view.archived.bytes) == (counted[Outcome.ARCHIVED], sizes[Outcome.ARCHIVED])
        assert (view.duplicate.files, view.duplicate.bytes) == (
            counted[Outcome.DUPLICATE],
            sizes[Outcome.DUPLICATE],
        )
        assert (view.failed.files, view.todo.files) == (counted[Outcome.FAILED], counted[Outcome.TODO])
        assert (view.skipped.files, view.junk.files) == (counted[Outcome.SKIPPED], counted[Outcome.LITTER])
        assert view.seen.bytes == sum(sizes.values())
        if view.id in self.staged():
            # A report of it is just being written.
            await self.engine.ended_imports.look()
        assert view.id not in self.staged()
        assert all(worker.task != view.id for worker in self.engine.pool.busy())

    async def still(self) -> None:
        """Wait until all background work is done."""
        await self._idle()
        # Reports are made anew with what it has found, and bags with them.
        await self.engine.ended_imports.look()
        await self._idle()

    async def _idle(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while (await self.engine.database.read(BUSY))[0][0]:  # noqa: ASYNC110 - jobs end by themselves
                await asyncio.sleep(0.05)

    def invalid(self, archive: Path | None = None) -> list[str]:
        """What the Library of Congress's validator says against the bags of an archive, if not this one's."""
        found = sorted(((archive or self.archive) / "locations").iterdir())
        assert found
        return bags.invalid(*found)

    def dedups(self) -> list[Dedup]:
        """Dedup of each archive that is open."""
        return [dedup for _, dedup in self.engine.archives.opened.values()]

    def staged(self) -> list[str]:
        """What lies in staging."""
        return sorted(path.name for path in (self.archive / ".lading/staging").rglob("*"))

    def payload(self) -> dict[str, str]:
        """SHA-256 of every file below data/, by its path below the archive."""
        return {
            str(path.relative_to(self.archive)): digest(path)
            for path in self.archive.glob("locations/*/data/**/*")
            if path.is_file()
        }

    def contents(self) -> set[str]:
        """The SHA-256 of what the archive holds; no content twice."""
        found = list(self.payload().values())
        assert len(found) == len(set(found))
        return set(found)

    def receipts(self) -> list[Path]:
        """The receipts to read, oldest first."""
        return sorted(self.archive.glob("locations/*/lading/*.txt"), key=_written)

    def journals(self) -> list[Path]:
        """The journals, oldest first."""
        return sorted(self.archive.glob(".lading/imports/*.jsonl"), key=_written)


@asynccontextmanager
async def at_work(root: Path) -> AsyncIterator[Rig]:
    """A running engine with all its background."""
    rig = Rig(root)
    await rig.engine.start()
    try:
        yield rig
    finally:
        await rig.engine.stop()


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(path: Path, data: bytes) -> Path:
    """Write a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def random_bytes(size: int, seed: int) -> bytes:
    """Incompressible bytes that no other seed repeats."""
    return hashlib.shake_128(seed.to_bytes(8, "big")).digest(size)


def state(root: Path) -> dict[bytes, tuple[int, int, int, str]]:
    """Mode, size, time and content of everything below a folder, which this does not change."""
    return dict(_state(os.fsencode(root)))


def _state(root: bytes) -> Iterator[tuple[bytes, tuple[int, int, int, str]]]:
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names, b"."):
            path = os.path.join(folder, name)
            facts = os.lstat(path)
            content = ""
            if stat.S_ISREG(facts.st_mode):
                content = digest(Path(os.fsdecode(path)))
            elif stat.S_ISLNK(facts.st_mode):
                content = os.fsdecode(os.readlink(path))
            size = facts.st_size if stat.S_ISREG(facts.st_mode) else 0
            yield path, (facts.st_mode, size, facts.st_mtime_ns, content)


VIDEO = 64 << 20

PACE = 200_000_000
"""Bytes of videos that are read in a second: at full speed an engine may be through before a test has looked."""


def videos(rig: Rig, count: int = 4, size: int = VIDEO) -> int:
    """Files large enough to be met in the middle by this engine, which reads slowly; their bytes."""
    rig.engine.factory.read_limit = PACE
    for number in range(count):
        write_random(os.fsencode(rig.source / f"{number}.mov"), size, number)
    return count * size


def photos(folder: Path, count: int = 400) -> None:
    """Many small files."""
    for number in range(count):
        write(folder / f"{number:04}.jpg", random_bytes(20_000, number))


def read(rig: Rig) -> int:
    """Bytes read from sources by all workers so far."""
    return rig.engine.pool.total(shared_memory.READ)


async def middle(rig: Rig, size: int) -> None:
    """Wait until a good part was read."""
    await rig.until(lambda: read(rig) > size // 4)


def expected(folder: Path) -> set[str]:
    """The contents of a source."""
    return {digest(path) for path in folder.rglob("*") if path.is_file()}


def open_files(pid: int) -> list[str]:
    """What a process has open, whether it still has a name or not (Linux)."""
    folder = f"/proc/{pid}/fd"
    try:
        return [os.readlink(os.path.join(folder, fd)) for fd in os.listdir(folder)]
    except (FileNotFoundError, ProcessLookupError):
        return []
