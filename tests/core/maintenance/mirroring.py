"""Helpers for tests of mirrors."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.engine.engine import Engine
from core.models import Count
from core.results import MirrorResult
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, digest, random_bytes, write


def silent(done: Count, total: Count) -> None:
    """Ignore the progress."""


async def mirrored(engine: Engine, source: Path, target: Path, *, both: bool = False) -> MirrorResult:
    """Mirror to the end; the result of the last direction."""
    name = await engine.mirrors.start(str(source), str(target), both=both)
    await engine.mirrors.wait(name)
    return (await engine.mirrors.results(name))[-1]


async def filled(rig: Rig, first: int = 0, count: int = 4) -> None:
    """Import `count` more pictures, numbered from `first` on."""
    for number in range(first, first + count):
        write(rig.source / f"{number:03}.jpg", random_bytes(3000, number))
    await rig.imported()


def payload(archive: Path) -> dict[str, str]:
    """SHA-256 of all payload, by its path."""
    return {
        str(path.relative_to(archive)): digest(path)
        for path in archive.glob("locations/*/data/**/*")
        if path.is_file()
    }


def tree(archive: Path) -> dict[str, bytes]:
    """All files of an archive but those of a running engine."""
    return {
        str(path.relative_to(archive)): path.read_bytes()
        for path in archive.rglob("*")
        if path.is_file() and not str(path.relative_to(archive)).startswith((".lading/lock", ".lading/staging"))
    }


@contextmanager
def asked_of_workers() -> Iterator[Counter[type]]:
    """How many requests of each type workers get inside the block."""
    asked, ask = Counter[type](), Worker.ask

    async def noted(self: Worker, request: object, wanted: type) -> object:
        asked[type(request)] += 1
        return await ask(self, request, wanted)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "ask", noted)
        yield asked


async def mirrored_both(engine: Engine, source: Path, target: Path) -> tuple[MirrorResult, ...]:
    """Mirror in both directions to the end; the result of each."""
    name = await engine.mirrors.start(str(source), str(target), both=True)
    await engine.mirrors.wait(name)
    return await engine.mirrors.results(name)
