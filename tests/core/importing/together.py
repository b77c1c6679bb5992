"""Helpers for tests that import one source into two archives."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.archives import copy_count
from core.importing.import_files import Todo
from core.importing.transfer import Transfer
from core.snapshot import ImportView
from core.workers import batch_messages, source_messages
from core.workers.pool import Worker
from tests.core.importing.rig import Rig, digest, photos, random_bytes, write


def second(rig: Rig) -> Path:
    """The path of the second archive."""
    return rig.root / "second"


async def both(rig: Rig, **options: Any) -> tuple[str, str]:
    """Begin an import into each of the two archives. Returns their ids."""
    options.setdefault("also", (str(second(rig)),))
    names = await rig.engine.imports.start_imports([rig.request(**options)])
    assert len(names) == 2
    return names[0], names[1]


async def ended(rig: Rig, *names: str) -> list[ImportView]:
    """The imports after all of them have ended, or were left paused: the end of one can change the verdict of
    another."""
    for name in names:
        await rig.ended_unchecked(name)
    return [rig.view(name) for name in names]


def held(archive: Path) -> set[str]:
    """The SHA-256 of each content of an archive. Asserts that it holds no content twice."""
    found = [digest(path) for path in archive.glob("locations/*/data/**/*") if path.is_file()]
    assert len(found) == len(set(found))
    return set(found)


def placed(monkeypatch: pytest.MonkeyPatch, **disks: str) -> None:
    """Pretend that archives, by the last part of their paths, are on these disks."""
    real = copy_count.standing

    async def standing(*given: Any) -> copy_count.Standing:
        found = await real(*given)
        name = disks.get(Path(found.path.decode()).name)
        return msgspec.structs.replace(found, devices=frozenset({name} if name else ()))

    monkeypatch.setattr(copy_count, "standing", standing)


@contextmanager
def holding(archive: Path, after: int = 0) -> Iterator[asyncio.Event]:
    """Block batches for an archive, except for the first `after` ones, until the event is set."""
    gate, bring, root = asyncio.Event(), Transfer.bring, os.fsencode(archive)
    left = after

    async def waiting(self: Transfer, batch: list[Todo]) -> None:
        nonlocal left
        if self.run.archive.place.root == root:
            left -= 1
            if left < 0:
                await gate.wait()
        await bring(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transfer, "bring", waiting)
        yield gate


@contextmanager
def counted() -> Iterator[Counter[bytes]]:
    """Count the bytes that workers read of files, by the root of the source."""
    read: Counter[bytes] = Counter()
    ask = Worker.ask

    async def counting(self: Worker, request: Any, wanted: type[Any]) -> Any:
        reply = await ask(self, request, wanted)
        if isinstance(request, source_messages.ReadBatch | batch_messages.CopyLarge):
            read[request.source.root] += sum(one.size for one in reply.files if one.fault is None)
        return reply

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "ask", counting)
        yield read


def whole(rig: Rig, contents: set[str]) -> None:
    """Assert that both archives hold these contents, the whole card, and that nothing is staged."""
    assert rig.contents() == held(second(rig)) == contents
    assert not rig.staged()
    assert not list((second(rig) / ".lading/staging").iterdir())


def prepared(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """The rig with two archives on two disks, and a card of several batches."""
    placed(monkeypatch, archive="sda", second="sdb")
    photos(rig.source, 60)
    for number in range(3):
        write(rig.source / f"{number}.mov", random_bytes(9 << 20, 1000 + number))
    return rig
