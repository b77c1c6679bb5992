"""The bag of a location is valid whenever no import into it is open, whatever became of the imports."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from core.client.client import Client
from core.models import State
from core.protocol.archive_requests import ListLocations
from core.protocol.import_requests import WaitForJobs
from tests.rigs import bags
from tests.rigs.engines import (
    CLIP,
    attached,
    card,
    clip,
    engine_of,
    freeze,
    gone,
    request,
    swept,
    the_engine,
    view,
)

pytestmark = pytest.mark.process


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Path]:
    with swept(tmp_path / "home") as home:
        yield home


async def brought_in(client: Client, archive: Path, *sources: Path) -> None:
    """Imported side by side, and all done that this leaves to be done."""
    await client.call(
        WaitForJobs(ids=tuple(await client.start_imports([request(source, archive) for source in sources])))
    )


async def check(archive: Path, files: int) -> None:
    """One bag with so many files, which the Library of Congress's program calls valid."""
    (bag,) = (archive / "locations").iterdir()
    assert sum(path.is_file() for path in (bag / "data").rglob("*")) == files
    assert await asyncio.to_thread(bags.invalid, bag) == []
    listed = {line.split("  ", 1)[1] for line in (bag / "tagmanifest-sha256.txt").read_text().splitlines()}
    written = {f"lading/{path.name}" for path in (bag / "lading").iterdir()}
    assert {path.rpartition(".")[2] for path in written} == {"txt", "tsv", "json", "html"}
    assert written <= listed


async def test_after_one_import_and_after_more(home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    first = card(tmp_path / "first", 3, 5000)
    async with attached(home) as client:
        await brought_in(client, archive, first)
        await check(archive, 3)
        (first / "more.jpg").write_bytes(b"more")
        await brought_in(client, archive, first, card(tmp_path / "second", 4, 5000))
        await check(archive, 8)
        (location,) = await client.call(ListLocations(archive=bytes(archive)))
        assert location.sealed
        assert (location.files, location.kinds) == (8, (("images", 8),))


async def test_after_one_that_was_interrupted(home: Path, tmp_path: Path, full_speed: Callable[[], None]) -> None:
    archive, source = tmp_path / "archive", clip(tmp_path / "card", 64 << 20)
    card(source / "DCIM", 3, 5000)
    async with attached(home) as client:
        await client.start_imports([request(source, archive)])
        frozen = await asyncio.to_thread(freeze, home)
        engine = the_engine(home)
        engine.kill()
        for worker in frozen:
            worker.send_signal(signal.SIGKILL)
        await asyncio.to_thread(gone, [engine, *frozen])
    assert engine_of(home) is None
    full_speed()
    async with attached(home) as client:
        (record,) = await client.imports()
        await client.call(WaitForJobs(ids=(record.id,)))
        assert [one.state for one in await client.imports()] == [State.DONE]
    await check(archive, 4)


@pytest.mark.usefixtures("full_speed")
async def test_after_one_that_was_cancelled(home: Path, tmp_path: Path) -> None:
    archive, source = tmp_path / "archive", clip(tmp_path / "card", 64 << 20)
    card(source / "DCIM", 3, 5000)
    async with attached(home) as client:
        await brought_in(client, archive, card(tmp_path / "before", 2, 5000))
        (name,) = await client.start_imports([request(source, archive)])
        frozen = await asyncio.to_thread(freeze, home)
        await client.cancel_import(name)
        for worker in frozen:
            # Those that held something of it have been killed.
            with suppress(psutil.NoSuchProcess):
                worker.resume()
        await client.call(WaitForJobs(ids=(name,)))
        shown = await view(client, name)
        assert shown.state is State.CANCELLED
        assert [file.path for file in (await client.files(text=CLIP)).files if file.payload] == []
    await check(archive, 2 + shown.archived.files)
