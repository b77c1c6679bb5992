"""An engine whose archive lies on the share of a real SMB server, and what is asked of it afterwards."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.engine import engine
from core.models import ImportView, State
from core.workers import messages
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, Still, digest, random_bytes, write


@asynccontextmanager
async def engine_at(root: Path, archive: Path) -> AsyncIterator[Rig]:
    """A running engine with its source and its state below `root`; it does no background jobs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "Background", Still)
        rig = Rig(root)
        rig.archive = archive
        rig.source.mkdir(parents=True, exist_ok=True)
        await rig.engine.start()
        try:
            yield rig
        finally:
            await rig.engine.stop()


def card(folder: Path, small: int = 12, large: int = 1) -> set[str]:
    """Small files and some of 9 MiB, all different; their SHA-256."""
    for number in range(small):
        write(folder / f"IMG_{number:04}.JPG", random_bytes(40_000, number))
    for number in range(large):
        write(folder / f"C{number:04}.MP4", random_bytes(9 << 20, 1000 + number))
    return {digest(path) for path in folder.iterdir()}


async def imported(rig: Rig, **options: Any) -> ImportView:
    """Import to the end, or until it is left paused."""
    return await rig.ended_unchecked(await rig.begun(**options))


def safe(view: ImportView) -> None:
    """It has ended, and all is well."""
    assert (view.state, view.verdict, view.failed.files) == (State.DONE, "SAFE", 0), view


def payload(archive: Path) -> dict[str, Path]:
    """The files under final names by their SHA-256; each is complete: its name is what it holds."""
    import xxhash

    found: dict[str, Path] = {}
    for path in archive.glob("locations/*/data/**/*"):
        if path.is_file():
            data = path.read_bytes()
            assert path.name.startswith(xxhash.xxh3_128_hexdigest(data)), f"{path} is not what its name says"
            found[hashlib.sha256(data).hexdigest()] = path
    return found


def contents(archive: Path) -> set[str]:
    """The SHA-256 of what lies there, whatever its names."""
    return {digest(path) for path in archive.glob("locations/*/data/**/*") if path.is_file()}


async def claims_hold(rig: Rig, archive: Path) -> None:
    """Every item of the catalog is there, with the bytes that it claims."""
    for path, sha in await rig.engine.database.read("SELECT path, sha256 FROM item"):
        assert digest(archive / path) == sha.hex(), f"{path} is not what was archived"


@contextmanager
def before(request: type[messages.Request], act: Callable[[], object], times: int = 1) -> Iterator[list[Worker]]:
    """Do something just before a worker is asked for `request`, so many times; the workers that were."""
    asked: list[Worker] = []
    ask = Worker.ask

    async def acting(self: Worker, sent: messages.Request, wanted: type[Any]) -> Any:
        if isinstance(sent, request) and len(asked) < times:
            asked.append(self)
            await asyncio.to_thread(act)
        return await ask(self, sent, wanted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "ask", acting)
        yield asked
