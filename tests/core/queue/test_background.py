"""The queues in a real engine: an import's jobs, archives that come and go, files brought into an archive."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from core.archives.archive import Archive
from core.config import Config, Workers
from core.engine import job_service
from core.engine.engine import Engine
from core.errors import ArchiveError, UsageError
from core.media.metadata import RULES
from core.models import ImportRequest, State
from core.queue import archive_leases
from core.queue.archive_leases import NAME
from core.queue.task_context import EngineContext
from core.tasks.task import Beat, Context, ItemFacts, Job, Result
from core.workers.messages import Place
from tests.core.queue.fakes import FakeTask

pytestmark = pytest.mark.process

CLASSES = ("Exiftool", "Ffprobe", "Thumbnail", "VideoProxy", "LivePhoto", "LocationStats")
NAMES = ("exiftool", "ffprobe", "thumbnail", "video_proxy", "live_photo", "location_stats")


class Looks(FakeTask):
    """A task that looks at what it is given, and leaves a note in the archive."""

    def __init__(self, queue: str) -> None:
        super().__init__(queue, together=16)
        self.seen: dict[int, bytes] = {}

    async def run(self, jobs: Sequence[Job], context: Context, beat: Beat) -> Mapping[int, Result]:
        facts = await context.items([job.item_id or 0 for job in jobs])
        for one in facts.values():
            local = os.path.join(context.scratch, f"{self.queue}-{one.id}")
            self.seen[one.id] = await asyncio.to_thread(_noted, one, local)
            await context.publish(
                one.archive_id, local, f".lading/thumbnails/{one.xxh128[:2]}/{self.queue}-{one.id}"
            )
        return await super().run(jobs, context, beat)


def _noted(item: ItemFacts, local: str) -> bytes:
    Path(local).write_bytes(item.name)
    return Path(item.path).read_bytes()


class OneArchive:
    """Holds an archive that is open."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def place(self, archive_id: int) -> Place:
        return self._archive.place


class Rig:
    """An engine with fake tasks, and a card."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.card = root / "card"
        self.archive = root / "archive"
        self.card.mkdir()
        for number in range(5):
            (self.card / f"IMG_{number}.JPG").write_bytes(b"\xff\xd8\xff" + bytes([number]) * 1000)
        (self.card / "MVI_1.MP4").write_bytes(b"movie" * 1000)
        self.engine = Engine(Config(home=str(root / "home"), workers=Workers(hash=2, copy=2, poll_idle_ms=20)))

    async def imported(self) -> list[str]:
        """Import the card."""
        request = ImportRequest(source=str(self.card), archive=str(self.archive), location="Basel")
        return await self.engine.imports.start_imports([request])

    async def again(self) -> None:
        """End the engine, and start another one on its state folder."""
        await self.engine.stop()
        self.engine = Engine(self.engine.config)
        await self.engine.start()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until it holds."""
        async with asyncio.timeout(120):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """The engine runs."""
    for class_name, name in zip(CLASSES, NAMES, strict=True):
        task = Looks(name) if name == "exiftool" else FakeTask(name)
        monkeypatch.setattr(job_service, class_name, lambda task=task: task)
    monkeypatch.setattr(archive_leases, "AWAY_POLL_INTERVAL", 0.05)
    monkeypatch.setattr(archive_leases, "LINGER", 0.05)
    made = Rig(tmp_path)
    await made.engine.start()
    yield made
    await made.engine.stop()


async def test_all_that_an_import_leaves_is_done(rig: Rig) -> None:
    names = await rig.imported()
    await rig.engine.imports.finish(names)
    assert rig.engine.snapshot().imports[0].state is State.DONE
    assert await rig.engine.jobs.page("dead") == []
    done = {job.queue: 0 for job in await rig.engine.jobs.page()}
    for job in await rig.engine.jobs.page("done"):
        done[job.queue] += 1
    assert done == {
        "exiftool": 6,
        "ffprobe": 1,
        "thumbnail": 6,
        "video_proxy": 1,
        "live_photo": 1,
        "location_stats": 1,
        "bagit": 1,
    }
    # The bag is written again once all is opened.
    # Twice, where the report comes after that.
    ways = [{**done, "bagit": 2}, {**done, "bagit": 3}]
    await rig.until(lambda: {v.name: v.done for v in rig.engine.snapshot().queues} in ways)
    bag = next((rig.archive / "locations").iterdir())
    assert (bag / "manifest-sha256.txt").exists()
    notes = [path.read_bytes() for path in (rig.archive / ".lading/thumbnails").rglob("exiftool-*")]
    assert sorted(notes) == [*(f"IMG_{number}.JPG".encode() for number in range(5)), b"MVI_1.MP4"]
    # When nothing is at work any more, the archive is given back and nothing of ours is left in it.
    # It is also given back between a bag and the next one.
    await rig.until(lambda: not (rig.engine.busy or (rig.archive / ".lading/lock").exists()))
    assert os.listdir(rig.archive / ".lading/staging") == []
    assert os.listdir(rig.root / "home/scratch") == []
    assert await rig.engine.maintenance.derive(str(rig.archive)) > 0


async def test_jobs_wait_for_an_archive_that_is_away(rig: Rig) -> None:
    await rig.engine.jobs.worker.pause("exiftool")
    names = await rig.imported()
    await rig.engine.imports.wait(names)
    await rig.until(lambda: not (rig.archive / ".lading/lock").exists())
    rig.archive.rename(rig.root / "elsewhere")
    await rig.engine.jobs.worker.resume("exiftool")
    await rig.until(lambda: "the archive is away" in rig.engine.snapshot().queues[0].reason)
    assert {job.attempts for job in await rig.engine.jobs.page("", "exiftool")} == {0}
    # Nobody waits for it; the engine itself does.
    await rig.engine.imports.finish(names)
    assert rig.engine.busy
    (rig.root / "elsewhere").rename(rig.archive)
    await rig.until(lambda: rig.engine.snapshot().queues[0].done == 6)
    await rig.engine.imports.finish(names)
    assert {job.state for job in await rig.engine.jobs.page()} == {"done"}


async def test_a_queue_that_does_not_exist_is_refused(rig: Rig) -> None:
    with pytest.raises(UsageError):
        await rig.engine.jobs.worker.resize("nothing", 3)
    await rig.engine.jobs.worker.resize("exiftool", 3)
    assert rig.engine.snapshot().queues[0].slots == 3
    assert await rig.engine.jobs.retry() == 0


async def test_files_are_brought_into_the_archive(rig: Rig) -> None:
    async with rig.engine.archives.used(str(rig.archive), create=True) as (archive, _):
        held = OneArchive(archive)
        context = EngineContext(str(rig.root), rig.engine.database, rig.engine.pool, held)  # type: ignore[arg-type]
        local = rig.root / "local.jpg"
        for content in (b"first", b"second" * 1_000_000):
            local.write_bytes(content)
            await context.publish(archive.id, str(local), ".lading/thumbnails/ab/x.jpg")
            assert (rig.archive / ".lading/thumbnails/ab/x.jpg").read_bytes() == content
            assert not local.exists()
        assert await context.text(archive.id, ".lading/thumbnails/ab/x.jpg") == content
        assert await context.text(archive.id, ".lading/thumbnails/cd/x.jpg") is None
        with pytest.raises(ArchiveError):
            await context.publish(archive.id, str(local), ".lading/thumbnails/ab/y.jpg")
        assert os.listdir(rig.archive / ".lading/staging" / NAME) == []
        # After an unmount, another folder may lie under the same path.
        rig.archive.rename(rig.root / "gone")
        (rig.archive / ".lading").mkdir(parents=True)
        local.write_bytes(b"third")
        with pytest.raises(ArchiveError):
            await context.publish(archive.id, str(local), "stray.jpg")
        with pytest.raises(ArchiveError):
            await context.text(archive.id, ".lading/archive.toml")
        assert os.listdir(rig.archive) == [".lading"]
        assert local.exists()


async def test_metadata_by_older_rules_is_read_again_where_the_archive_is_at_hand(rig: Rig) -> None:
    await rig.engine.imports.finish(await rig.imported())
    await rig.until(lambda: not (rig.archive / ".lading/lock").exists())
    assert await rig.engine.database.read("SELECT rules FROM archive") == [(RULES,)]
    await rig.engine.database.run(
        ("INSERT INTO metadata (item_id, raw) SELECT id, x'' FROM item", [()]),
        ("UPDATE archive SET rules = 0", [()]),
        ("DELETE FROM job", [()]),
    )
    rig.archive.rename(rig.root / "elsewhere")
    await rig.again()
    # It may be gone for good.
    await asyncio.wait((rig.engine.jobs.metadata_renewal,))
    assert await rig.engine.jobs.page() == []
    await rig.until(lambda: not rig.engine.busy)
    (rig.root / "elsewhere").rename(rig.archive)
    await rig.again()
    await asyncio.wait((rig.engine.jobs.metadata_renewal,))
    await rig.until(lambda: rig.engine.snapshot().queues[0].done == 12)
    assert await rig.engine.database.read("SELECT rules FROM archive") == [(RULES,)]
