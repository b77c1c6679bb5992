"""The engine: commands in, snapshots out. It owns the database, the workers and every import that runs."""

import asyncio
import fcntl
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import IO

from core import VERSION, config, hardware, machine
from core.archive import Archive
from core.catalog import Catalog, ImportRow
from core.config import Config
from core.database import Database
from core.errors import DatabaseError, EngineHeldError, SourceError, UsageError
from core.importing import journal
from core.importing.audit import Audit, Progress
from core.importing.gate import Gate
from core.importing.importer import Importer
from core.importing.ingest import Ingest
from core.importing.run import Limits, Run
from core.importing.sources import Picked, Sources
from core.importing.survey import Surveyor
from core.importing.views import Views
from core.limits import Controller, Limit
from core.metrics import PERIOD, Metrics
from core.models import AuditResult, ImportRequest, Snapshot, State, Survey
from core.workers import messages
from core.workers.messages import Place
from core.workers.pool import Pool, TaskFailedError

LOCK = "lading.lock"

NETWORK_START, NETWORK_MOST = 4, 12
CARD_START, CARD_MOST = 2, 4


class Engine:
    """One engine for each state folder. No terminal in it: it can run in any process."""

    def __init__(self, settings: Config) -> None:
        self.config = settings
        self.profile = config.profile(settings, hardware.detect())
        self._lock: IO[str] | None = None
        self._importers: dict[str, Importer] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._archives: dict[bytes, tuple[Archive, Gate]] = {}
        self._controllers: dict[str, Controller] = {}
        self._opening = asyncio.Lock()

    # Life

    async def start(self) -> None:
        """Take the state folder. Raises EngineHeldError, DatabaseError."""
        self._lock = _hold(self.config.home)
        try:
            self.database = await Database.open(self.config.home)
        except BaseException:
            self._lock.close()
            raise
        self.catalog = await Catalog.open(self.database)
        self.pool = Pool()
        self.limits = Limits(
            Limit("hash", self.profile.hash),
            Limit("copy", self.profile.copy),
            Limit("verify", self.profile.verify),
        )
        self.metrics = Metrics(self.pool)
        self.views = Views()
        self.sources = Sources(self.pool)
        self._ticker = asyncio.create_task(self._tick(), name="ticker")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            self.metrics.sample()
            for importer in self._importers.values():
                self.views.sample(importer.run)
                if importer.run.archive.lock.lost.is_set():
                    importer.halt("another engine took the archive over", "Stop one of the two, then resume.")

    async def stop(self) -> None:
        """Leave running imports paused, and end everything."""
        for importer in self._importers.values():
            importer.halt("Lading was stopped", "Resume it whenever you like.")
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._ticker.cancel()
        with suppress(asyncio.CancelledError):
            await self._ticker
        await self.pool.stop()
        await self.database.close()
        if self._lock is not None:
            self._lock.close()

    # Imports

    async def start_imports(self, requests: Sequence[ImportRequest]) -> list[str]:
        """Begin an import for each source; a source that lies inside another one is brought in with that.

        Raises SourceError, ArchiveError, UsageError; then none has begun.
        """
        if not requests:
            raise UsageError("no source was given.", "Name a card, a folder or a file.")
        if any(not request.location.strip() for request in requests):
            raise UsageError("no location was given.", "Say where it belongs: --location NAME.")
        picked = await self.sources.pick([request.source for request in requests])
        names: list[str] = []
        for request, source in zip(requests, picked, strict=True):
            if source is None:
                continue
            archive, gate = await self._archive(request.archive, create=True)
            if (archive.place.device, archive.place.inode) in source.above:
                raise SourceError(
                    f"{request.source} is the archive itself, or lies in it.", "Pick a card or another folder."
                )
            row = await self._new_import(request, source, archive)
            await self._journal_head(row, source, archive)
            self._run(row, source, archive, gate)
            names.append(row.name)
        return names

    async def _new_import(self, request: ImportRequest, source: Picked, archive: Archive) -> ImportRow:
        now = datetime.now().astimezone()
        location, _ = await archive.location(request.location)
        volume = source.volume
        name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        await self.catalog.new_import(
            {
                "name": name,
                "archive_id": archive.id,
                "location_id": location,
                "volume_id": await self.catalog.volume(
                    volume.identity, volume.name, volume.filesystem, source.capacity
                ),
                "root": source.root,
                "source": source.source.root,
                "single": source.only,
                "options": ImportRow.options_of(request),
                "machine": f"{machine.host()} ({machine.machine()})",
                "version": VERSION,
                "state": State.RUNNING,
                "started": now.timestamp(),
                "zone": f"{now:%z}"[:3] + ":" + f"{now:%z}"[3:],
                "runs": 1,
            }
        )
        archive.active.add(name)
        return (await self.catalog.imports("i.name = ?", (name,)))[0]

    async def _journal_head(self, row: ImportRow, source: Picked, archive: Archive) -> None:
        head = journal.head(row, source.volume, source.capacity)
        request = messages.AppendText(archive.place, journal.path_of(row.name), head, flush=True)
        async with self.pool.worker("journal") as worker:
            await worker.ask(request, messages.Done)

    def _run(self, row: ImportRow, source: Picked, archive: Archive, gate: Gate) -> None:
        kind = source.volume.kind
        reading = self._controller(f"read {source.volume.identity}", str(kind), source.volume.removable)
        writing = self._controller(f"write {archive.uuid}", str(archive.filesystem.kind), False)
        run = Run(row, archive, gate, source.source, self.pool, self.catalog, self.limits, reading, writing)
        importer = Importer(run, source.whole, source.whole_root)
        self._importers[row.name] = importer
        self.views.add(run)
        self._tasks[row.name] = asyncio.create_task(self._follow(row.name, importer), name=row.name)

    async def _follow(self, name: str, importer: Importer) -> None:
        run = importer.run
        try:
            state = await importer.go()
        except Exception as error:
            await self.catalog.set_state(
                run.row.id, State.PAUSED, f"a fault of the program: {error}", "Resume it."
            )
            raise
        finally:
            del self._importers[name]
            await self._leave(run.archive, name)
        self.views.end(run, (await self.catalog.imports("i.name = ?", (name,)))[0], state)

    async def _leave(self, archive: Archive, name: str) -> None:
        """`name` is done with the archive; the last one gives its lock back."""
        archive.active.discard(name)
        if not archive.active and archive.place.root in self._archives:
            del self._archives[archive.place.root]
            await archive.lock.release()

    def _controller(self, name: str, kind: str, removable: bool) -> Controller:
        if name not in self._controllers:
            most = self.profile.copy + self.profile.hash
            start = most
            if kind == "network":
                start, most = NETWORK_START, NETWORK_MOST
            elif removable:
                start, most = CARD_START, CARD_MOST
            self._controllers[name] = Controller(name, start, most)
        return self._controllers[name]

    async def _archive(self, path: str, *, create: bool) -> tuple[Archive, Gate]:
        """The archive at `path`, locked, its journals read. Raises ArchiveError."""
        async with self._opening:
            archive = await Archive.open(path, self.pool, self.catalog, create=create)
            if archive.place.root in self._archives:
                return self._archives[archive.place.root]
            await archive.lock.take()
            try:
                await Ingest(archive, self.catalog, self.pool).run()
                async with self.pool.worker("clean") as worker:
                    await worker.ask(messages.CleanStaging(archive.place, []), messages.Names)
            except BaseException:
                await archive.lock.release()
                raise
            self._archives[archive.place.root] = (archive, Gate(archive, self.catalog))
            return self._archives[archive.place.root]

    async def survey(self, requests: Sequence[ImportRequest]) -> list[Survey]:
        """What importing these would do; nothing is written. Raises SourceError."""
        picked = await self.sources.pick([request.source for request in requests])
        surveys: list[Survey] = []
        for request, source in zip(requests, picked, strict=True):
            if source is None:
                continue
            avoid, room = await self._archive_room(request.archive)
            surveyor = Surveyor(request, source, self.pool, self.catalog)
            surveys.append(await surveyor.run(avoid, room))
        return surveys

    async def _archive_room(self, path: str) -> tuple[tuple[tuple[int, int], ...], int | None]:
        """The archive's root as a folder not to enter, and its free bytes; nothing when there is none yet."""
        try:
            async with self.pool.worker("look") as worker:
                request = messages.Look(os.path.abspath(os.fsencode(path)))  # noqa: ASYNC240 - touches no disk
                root = (await worker.ask(request, messages.Looked)).source
                place = Place(root.root, root.device, root.inode, "", "")
                room = await worker.ask(messages.Space(place), messages.Room)
        except TaskFailedError:
            return (), None
        return ((root.device, root.inode),), room.available

    async def audit(self, path: str, progress: Progress) -> AuditResult:
        """Read the archive at `path` again, all of it. Raises ArchiveError."""
        archive, _ = await self._archive(path, create=False)
        archive.active.add("audit")
        try:
            return await Audit(archive, self.catalog, self.pool, self.limits.verify).run(progress)
        finally:
            await self._leave(archive, "audit")

    # Control

    async def resume_import(self, name: str) -> None:
        """Go on with a paused or interrupted import. Raises UsageError, SourceError, ArchiveError."""
        if name in self._importers:
            self._importers[name].run.resume()
            await self.catalog.set_state(self._importers[name].run.row.id, State.RUNNING)
            return
        rows = await self.catalog.imports("i.name = ?", (name,))
        if not rows:
            raise UsageError(f"there is no import {name}.", "See `lading imports`.")
        row = rows[0]
        if row.state in (State.DONE, State.CANCELLED):
            raise UsageError(f"import {name} has ended.", "Start a new one: what is archived is not copied again.")
        request = row.request()
        picked = (await self.sources.pick([request.source]))[0]
        if picked is None:
            raise SourceError(f"{request.source} cannot be used.")
        if picked.volume.identity != row.volume_identity:
            raise SourceError(
                f"what is at {request.source} is not the volume that this import began with.",
                "Put the right card in, then resume.",
            )
        archive, gate = await self._archive(os.fsdecode(row.archive_path), create=False)
        archive.active.add(name)
        await self.catalog.set_import(
            row.id, state=State.RUNNING, reason="", advice="", listed=0, runs=row.runs + 1
        )
        row = (await self.catalog.imports("i.name = ?", (name,)))[0]
        self._run(row, picked, archive, gate)

    async def pause_import(self, name: str, reason: str = "by the user") -> None:
        """Stop reading and writing now; the engine keeps its place. Raises UsageError."""
        importer = self._running(name)
        importer.run.pause()
        await self.catalog.set_state(importer.run.row.id, State.PAUSED, reason)

    async def cancel_import(self, name: str) -> None:
        """End an import here. Raises UsageError."""
        importer = self._running(name)
        importer.run.resume()
        importer.cancel()

    def _running(self, name: str) -> Importer:
        if name not in self._importers:
            raise UsageError(f"import {name} does not run.", "See `lading imports`.")
        return self._importers[name]

    async def wait(self, names: Sequence[str]) -> None:
        """Until each of these imports has ended or was left paused. Raises the program's own faults."""
        await asyncio.gather(*(asyncio.shield(self._tasks[name]) for name in names if name in self._tasks))

    def snapshot(self) -> Snapshot:
        """What is happening now."""
        return self.views.snapshot(
            list(self._importers.values()), self.limits, list(self._controllers.values()), self.metrics.rates()
        )


def _hold(home: str) -> IO[str]:
    """Lock the state folder for this process; a crash gives it back by itself. Raises EngineHeldError."""
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)
        file = open(os.path.join(home, LOCK), "a+", encoding="utf-8")  # noqa: SIM115 - held until the end
    except OSError as error:
        raise DatabaseError(
            f"the state folder {home} cannot be used: {error.strerror}.", "Set LADING_HOME to a folder of yours."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise EngineHeldError(
            f"process {holder or '?'} uses {home}.", "Wait for it, or set another LADING_HOME."
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
