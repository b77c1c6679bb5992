"""A location in a plain folder with a real database and real workers, for the tasks that work on locations."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xxhash

from core.archives import bag_info
from core.bagit.task import BagIt
from core.catalog import Catalog, FileRow, Item
from core.config import Config
from core.database import Database
from core.media.camera import camera_name
from core.media.stems import stem_key
from core.models import Outcome, State
from core.tasks.task import ItemFacts, Job, QueueTask, Result
from core.workers.messages import Place
from core.workers.pool import Pool
from tests.rigs import bags

FOLDER = "dolomites-0a1b2c"


class InterruptedRunError(Exception):
    """The engine was killed here."""


@dataclass
class PlainContext:
    """The engine as a task sees it, over a plain folder. `stop` may raise before and after each publish."""

    database: Database
    root: Path
    scratch: str
    published: list[str] = field(default_factory=list)
    stop: Callable[[str, str], None] = lambda when, target: None

    async def items(self, ids: Sequence[int]) -> Mapping[int, ItemFacts]:
        raise NotImplementedError

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return await self.database.read(sql, parameters)

    async def publish(self, archive_id: int, local: str, target: str) -> None:
        name = target.rpartition("/")[2]
        self.stop("before", name)
        path = self.root / target
        await asyncio.to_thread(os.makedirs, path.parent, exist_ok=True)
        staged = path.with_name(path.name + ".staged")
        await asyncio.to_thread(shutil.copyfile, local, staged)
        os.replace(staged, path)
        os.unlink(local)
        self.published.append(name)
        self.stop("after", name)

    async def text(self, archive_id: int, path: str) -> bytes | None:
        file = self.root / path
        return file.read_bytes() if file.exists() else None

    async def heads(self, archive_id: int, paths: Sequence[str], length: int) -> list[tuple[int, bytes]]:
        raise NotImplementedError


@dataclass
class Rig:
    """One engine with one archive and one location."""

    database: Database
    catalog: Catalog
    context: PlainContext
    pool: Pool
    archive_id: int
    volume_id: int
    location_id: int
    settings: Config

    @property
    def bag(self) -> Path:
        return self.context.root / "locations" / FOLDER

    async def location(self, folder: str, name: str) -> int:
        return await self.catalog.location(self.archive_id, folder, name)

    async def begin(self, name: str, location_id: int | None = None, **values: object) -> int:
        """An import, done unless `values` say otherwise."""
        return await self.catalog.new_import(
            {
                "name": name,
                "archive_id": self.archive_id,
                "location_id": location_id or self.location_id,
                "volume_id": self.volume_id,
                "root": b"",
                "source": b"/card",
                "single": b"",
                "options": "{}",
                "machine": "here",
                "version": "1",
                "state": State.DONE,
                "started": 1.0,
                "zone": "+00:00",
                "runs": 1,
            }
            | values
        )

    def payload(self, data: bytes, ending: str = ".jpg", kind: str = "images", folder: str = FOLDER) -> str:
        """A file under its final name, as a copy leaves it; its path below the archive."""
        digest = xxhash.xxh3_128_hexdigest(data)
        path = f"locations/{folder}/data/{kind}/{digest[:2]}/{digest}{ending}"
        file = self.context.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return path

    async def archive(self, *contents: bytes, ending: str = ".jpg", kind: str = "images") -> list[str]:
        """Payload that the catalog knows."""
        paths = [self.payload(data, ending, kind) for data in contents]
        items = [
            Item(
                self.catalog.new_item_id(),
                self.location_id,
                xxhash.xxh3_128_digest(data),
                hashlib.sha256(data).digest(),
                len(data),
                kind,
                path,
                "medium",
                1.0,
            )
            for data, path in zip(contents, paths, strict=True)
        ]
        await self.catalog.settle([(self.archive_id, item) for item in items], [])
        return paths

    async def item(
        self,
        import_id: int,
        path: bytes,
        kind: str = "images",
        size: int = 10,
        outcome: Outcome = Outcome.ARCHIVED,
        item_id: int | None = None,
        **metadata: object,
    ) -> int:
        """An item without payload, its file in an import, and what exiftool said."""
        if item_id is None:
            item_id = self.catalog.new_item_id()
            digest = item_id.to_bytes(16, "big")
            item = Item(item_id, self.location_id, digest, digest * 2, size, kind, f"x/{item_id}", "", None)
            await self.catalog.settle([(self.archive_id, item)], [])
        row = FileRow(
            self.catalog.new_file_id(),
            import_id,
            self.volume_id,
            path,
            stem_key(path),
            size,
            0,
            kind,
            outcome,
            item_id,
            None,
        )
        await self.catalog.enter([row], [], [])
        if metadata:
            await self.metadata(item_id, **metadata)
        return item_id

    async def metadata(self, item_id: int, **values: object) -> None:
        """What exiftool said of an item; nothing else stays of what it said before."""
        values["raw"] = b""
        values["camera"] = camera_name(*(str(values.get(name) or "") for name in ("make", "model")))
        columns = ", ".join(["item_id", *values])
        marks = ", ".join("?" * (len(values) + 1))
        sql = f"INSERT OR REPLACE INTO metadata ({columns}) VALUES ({marks})"  # noqa: S608
        await self.database.run((sql, [(item_id, *values.values())]))

    def receipt(self, name: bytes, data: bytes = b"path\tsize\n") -> None:
        """A tag file of an import."""
        folder = os.fsencode(self.bag / "lading")
        os.makedirs(folder, exist_ok=True)
        with open(folder + b"/" + name, "wb") as file:
            file.write(data)

    async def run(self, task: QueueTask, **ids: int) -> Result:
        """Do one job, and write what it hands back, as the queue does."""
        job = Job(id=1, queue=task.queue, **ids)
        result = (await task.run([job], self.context, lambda number, done: None))[1]
        await self.database.run(*result.statements)
        return result

    async def seal(self, location_id: int | None = None) -> Result:
        """Run the task `bagit`."""
        facts = os.stat(self.context.root)

        async def place(archive_id: int) -> Place:
            assert archive_id == self.archive_id
            return Place(os.fsencode(self.context.root), facts.st_dev, facts.st_ino, "rename", "medium")

        task = BagIt(self.settings, self.pool, place)
        return await self.run(task, location_id=location_id or self.location_id)

    async def row(self) -> dict[str, Any]:
        """What the catalog says of the bag."""
        columns = ("sealed", "note", "files", "bytes", "added", "missing", "manifest", "junk")
        sql = f"SELECT {', '.join(columns)} FROM bag WHERE location_id = ?"  # noqa: S608
        rows = await self.database.read(sql, (self.location_id,))
        return dict(zip(columns, rows[0], strict=True))

    def manifest(self) -> dict[str, str]:
        """The payload manifest: digest by path, as it is written."""
        lines = (self.bag / "manifest-sha256.txt").read_text(encoding="utf-8").split("\n")
        return {path: digest for digest, path in (line.split("  ", 1) for line in lines if line)}

    def invalid(self) -> str:
        """What the Library of Congress's validator says against the bag; empty when it is valid."""
        return "\n".join(bags.invalid(self.bag))


@asynccontextmanager
async def rig(base: Path, home: str = "home", settings: Config | None = None) -> AsyncIterator[Rig]:
    """An engine with the state folder `home` and the archive `base`/archive."""
    (base / "archive" / ".lading").mkdir(parents=True, exist_ok=True)
    scratch = base / f"{home}-scratch"
    scratch.mkdir(exist_ok=True)
    database = await Database.open(str(base / home))
    pool = Pool()
    try:
        catalog = await Catalog.open(database)
        archive_id = await catalog.archive("uuid", os.fsencode(base / "archive"))
        yield Rig(
            database,
            catalog,
            PlainContext(database, base / "archive", str(scratch)),
            pool,
            archive_id,
            await catalog.volume("card", "CARD", "exfat", None),
            await catalog.location(archive_id, FOLDER, "Dolomites"),
            settings or Config(home=str(base / home)),
        )
    finally:
        await pool.stop()
        await database.close()
    assert not os.listdir(scratch)


def info(here: Rig) -> dict[str, str]:
    """bag-info.txt."""
    return dict(bag_info.parse((here.bag / "bag-info.txt").read_bytes()))


def sha256(data: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(data).hexdigest()
