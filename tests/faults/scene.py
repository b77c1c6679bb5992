"""An engine whose source and archive lie where a test wants them, and the checks that the promises hold."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import xxhash

from core.engine import engine
from core.models import Outcome, State
from core.snapshot import ImportView
from core.workers import messages
from core.workers.pool import Worker
from tests.core.importing import rig as importing
from tests.core.importing.rig import Rig, Still, StillWatch, digest, random_bytes, write


@asynccontextmanager
async def engine_at(root: Path, *, source: Path | None = None, archive: Path | None = None) -> AsyncIterator[Rig]:
    """A running engine with its state below `root`; it does no background jobs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "JobService", Still)
        patch.setattr(engine, "EndedImports", StillWatch)
        rig = Rig(root)
        rig.source, rig.archive = source or rig.source, archive or rig.archive
        rig.source.mkdir(parents=True, exist_ok=True)
        await rig.engine.start()
        try:
            yield rig
        finally:
            await rig.engine.stop()


def pictures(folder: Path, count: int = 12, size: int = 40_000, seed: int = 0) -> set[str]:
    """Small files of different contents; their SHA-256."""
    return {
        digest(write(folder / f"IMG_{number:04}.jpg", random_bytes(size, seed * 1000 + number)))
        for number in range(count)
    }


@contextmanager
def before(request: type[messages.Request], act: Callable[[], object], times: int = 1) -> Iterator[list[Worker]]:
    """Do something just before a worker is asked for `request`, so many times; the workers that were.

    Meanwhile no other worker is asked for it.
    """
    asked: list[Worker] = []
    ask = Worker.ask
    turn = asyncio.Lock()

    async def acting(self: Worker, sent: messages.Request, wanted: type[Any]) -> Any:
        if isinstance(sent, request):
            async with turn:
                if len(asked) < times:
                    asked.append(self)
                    # Beside the loop: what is done may wait for a worker.
                    await asyncio.to_thread(act)
        return await ask(self, sent, wanted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "ask", acting)
        yield asked


async def ended(rig: Rig, name: str) -> ImportView:
    """Wait for the end of an import, or until it is left paused; the archive may be away."""
    return await rig.ended_unchecked(name)


async def imported(rig: Rig, **options: Any) -> ImportView:
    """Import to the end, or until it is left paused."""
    return await ended(rig, await rig.begun(**options))


async def resumed(rig: Rig, name: str) -> ImportView:
    """Resume an import, and wait for its end."""
    await rig.engine.imports.resume_import(name)
    return await ended(rig, name)


def check_safe(view: ImportView) -> None:
    """Check that an import has ended and is SAFE, and that no file has failed."""
    assert (view.state, view.verdict, view.failed.files) == (State.DONE, "SAFE", 0), view


def check_paused(view: ImportView, *words: str) -> None:
    """Check that an import is paused, that no file has failed, and that its reason has these words."""
    assert (view.state, view.failed.files) == (State.PAUSED, 0), view
    for word in words:
        assert word in view.reason, view.reason


def check_final_names(archive: Path) -> int:
    """Check that every final name of the archive is that of its content, so that no file is incomplete. Returns
    the number of files."""
    count = 0
    for path in archive.glob("locations/*/data/*/*/*"):
        assert path.stem.split("-")[0] == xxhash.xxh3_128(path.read_bytes()).hexdigest(), f"{path} is not whole"
        count += 1
    return count


async def check_claims(rig: Rig, archive: Path | None = None) -> int:
    """Check that each item of the catalog is in the archive, byte for byte. Returns the number of items.

    `archive`: the path at which the archive is read, if not through the engine's mount.
    """
    items = await rig.engine.database.read("SELECT path, size, sha256 FROM item")
    for path, size, sha256 in items:
        real = (archive or rig.archive) / path
        assert real.is_file(), f"{path} is not there"
        assert (real.stat().st_size, digest(real)) == (size, sha256.hex()), f"{path} is not what was archived"
    return len(items)


async def reasons(rig: Rig, name: str) -> dict[bytes, str]:
    """Why files failed, by path."""
    rows = await rig.rows(name)
    return {path: row.reason for path, row in rows.items() if row.outcome is Outcome.FAILED}


async def levels(rig: Rig) -> set[str]:
    """The verification levels that the catalog gives items."""
    return {row[0] for row in await rig.engine.database.read("SELECT level FROM item")}


def below(folder: Path) -> list[str]:
    """The paths of everything below a folder, sorted."""
    return sorted(os.fsdecode(path) for path in folder.rglob("*"))


__all__ = ["Rig", "importing"]
