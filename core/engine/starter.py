"""From what a person asks for to runs: sources looked at, archives opened, imports entered in both."""

import asyncio
import os
import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime

import msgspec

from core import VERSION, machine
from core.archives.archive import Archive
from core.archives.opened import Archives
from core.catalog import Catalog, ImportRow, Selection
from core.catalog.failures import REOPENED
from core.errors import ArchiveError, SourceError, UsageError
from core.files import noreplace
from core.hardware import Profile
from core.importing import journal
from core.importing.gate import Gate
from core.importing.ingest import ENDED
from core.importing.receipt import Receipt
from core.importing.run import Limits, Run
from core.importing.sources import LOOK, Picked, Sources
from core.limits import Controller, Limit
from core.models import ImportRequest, State
from core.paths import display
from core.unbroken import to_the_end
from core.workers import messages
from core.workers.messages import Place, Source
from core.workers.pool import Pool, TaskFailedError

NETWORK_START, NETWORK_MOST = 4, 12
CARD_START, CARD_MOST = 2, 4


class Begun(msgspec.Struct, frozen=True):
    """A run that can go on now, and what its verdict speaks of: a root, where that is on its volume, one file."""

    run: Run
    whole: Source
    whole_root: bytes
    whole_only: bytes


class Target(msgspec.Struct, frozen=True):
    """Where imports are to go. `avoid`: its root as a folder not to enter; `room`: its free bytes, if known.

    `archive_id` is 0 for an archive that the catalog does not know.
    """

    avoid: tuple[tuple[int, int], ...] = ()
    room: int | None = None
    archive_id: int = 0


class Starter:
    """Makes the runs of imports, new ones and those that are taken up."""

    def __init__(
        self, pool: Pool, catalog: Catalog, archives: Archives, profile: Profile, *, read_limit: int = 0
    ) -> None:
        self.limits = Limits(
            Limit("hash", profile.hash), Limit("copy", profile.copy), Limit("verify", profile.verify)
        )
        self.controllers: dict[str, Controller] = {}
        self._pool = pool
        self._catalog = catalog
        self._archives = archives
        self._profile = profile
        self._read_limit = read_limit
        self._sources = Sources(pool)

    async def begin(self, stack: AsyncExitStack, requests: Sequence[ImportRequest]) -> list[Begun]:
        """New imports; their archives stay open as long as `stack`.

        Raises SourceError, ArchiveError, UsageError; then there is none.
        """
        if not requests:
            raise UsageError("no source was given.", "Name a card, a folder or a file.")
        if any(not request.location.strip() for request in requests):
            raise UsageError("no location was given.", "Say where it belongs: --location NAME.")
        picked = await self.pick(requests)
        for request, source in picked:
            # Before a new archive is made there: a source is never written to.
            await self._apart(request, source)
        rows: list[ImportRow] = []
        begun: list[Begun] = []
        try:
            for request, source in picked:
                archive, gate = await stack.enter_async_context(self._archives.used(request.archive, create=True))
                rows.append(await self._new_import(request, source, archive))
                await self._journal_head(rows[-1], source, archive)
                begun.append(self._begun(rows[-1], source, archive, gate))
        except BaseException:
            for row in rows:
                await to_the_end(self._catalog.drop_import(row.id))
            raise
        return begun

    async def take_up(self, stack: AsyncExitStack, name: str, again: Selection | None = None) -> Begun:
        """An unfinished import again; it may prove to have ended when its archive is opened. With `again`, these
        files that had failed are to do once more, also in one that is done.

        Raises UsageError, SourceAwayError, ArchiveError.
        """
        row = await self._unfinished(name, done=again is not None)
        picked = await self._sources.again(row)
        archive, gate, row = await self._opened(stack, row)
        if row.state not in ENDED or again is not None:
            await self._reopen(row, picked, archive, again)
            row = await self._reloaded(row)
        begun = self._begun(row, picked, archive, gate)
        begun.run.some = again is not None and not again.whole
        return begun

    async def _reopen(self, row: ImportRow, picked: Picked, archive: Archive, again: Selection | None) -> None:
        """Another run of it begins, in the catalog and in the journal. Raises ArchiveError."""
        values: dict[str, object] = {**REOPENED, "source": picked.source.root, "runs": row.runs + 1}
        if archive.place.way == noreplace.LOOK:
            # The weakest of its runs is what all of it can claim.
            values["way"] = noreplace.LOOK
        if again is not None:
            # Before the journal: that says that it has ended as long as nothing was begun.
            await self._catalog.again(row.id, again, **values)
        try:
            await self._journal_head(row, picked, archive)
            if row.receipt:
                await Receipt(archive, self._catalog, self._pool).put_away(row)
        except (TaskFailedError, ArchiveError) as error:
            if again is not None:
                state = self._catalog.set_state(row.id, State.PAUSED, "it could not be taken up", "Resume it.")
                await to_the_end(state)
            if isinstance(error, ArchiveError):
                raise
            why = error.fault.text
            raise ArchiveError(f"it cannot be written to: {why}.", "Make it writable, then resume.") from error
        await self._catalog.set_import(row.id, **values)

    async def put_away(self, stack: AsyncExitStack, name: str) -> Begun:
        """An unfinished import that is to be closed as it is, without its source.

        Raises UsageError, ArchiveError.
        """
        archive, gate, row = await self._opened(stack, await self._unfinished(name))
        source = Source(row.source)
        label = os.fsdecode(os.path.basename(row.source.rstrip(b"/")))
        reading = self._controller(f"read {row.volume_identity}", label, "", False)
        return Begun(self._run(row, source, reading, archive, gate), source, row.root, row.single)

    async def _opened(self, stack: AsyncExitStack, row: ImportRow) -> tuple[Archive, Gate, ImportRow]:
        """The archive of an import, and what the catalog says of that once the archive's journals are read."""
        archive, gate = await stack.enter_async_context(
            self._archives.used(os.fsdecode(row.archive_path), row.archive_id)
        )
        return archive, gate, await self._reloaded(row)

    async def places(self, row: ImportRow, age: float) -> list[bytes]:
        """Where the source of an import may be now, or was `age` seconds ago."""
        return await self._sources.places(row, age)

    async def pick(self, requests: Sequence[ImportRequest]) -> list[tuple[ImportRequest, Picked]]:
        """The sources, without those that lie inside another one that goes to the same place."""
        groups: dict[tuple[str, str], list[ImportRequest]] = {}
        for request in requests:
            groups.setdefault((request.archive, request.location), []).append(request)
        found: list[tuple[ImportRequest, Picked]] = []
        for group in groups.values():
            picked = await self._sources.pick([request.source for request in group])
            found += [(request, one) for request, one in zip(group, picked, strict=True) if one is not None]
        return found

    async def sources(self, paths: Sequence[str]) -> list[Picked]:
        """What is at these paths, nothing twice. Raises SourceError."""
        return [one for one in await self._sources.pick(paths) if one is not None]

    async def _apart(self, request: ImportRequest, source: Picked) -> None:
        """Raises SourceError when a source is the archive, or lies in it."""
        if source.above.intersection((await self.target(request.archive)).avoid):
            raise SourceError(
                f"{display(request.source)} is the archive itself, or lies in it.",
                "Pick a card or another folder.",
            )

    async def _new_import(self, request: ImportRequest, source: Picked, archive: Archive) -> ImportRow:
        now = datetime.now().astimezone()
        location, _ = await archive.location(request.location)
        volume = source.volume
        name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        await self._catalog.new_import(
            {
                "name": name,
                "archive_id": archive.id,
                "location_id": location,
                "volume_id": await self._catalog.volume(
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
                "way": archive.place.way,
            }
        )
        return (await self._catalog.imports("i.name = ?", (name,)))[0]

    async def _journal_head(self, row: ImportRow, source: Picked, archive: Archive) -> None:
        """Each run begins its journal with what the import is. Raises ArchiveError."""
        head = journal.head(row, source.volume, source.capacity)
        request = messages.AppendJournal(archive.place, journal.path_of(row.name), head, flush=True)
        try:
            async with self._pool.worker("journal") as worker:
                await worker.ask(request, messages.Done)
        except TaskFailedError as error:
            raise ArchiveError(
                f"nothing can be written there: {error.fault.text}.", "Make room on its volume, or writable."
            ) from error

    async def _unfinished(self, name: str, *, done: bool = False) -> ImportRow:
        row = await self._catalog.import_named(name)
        if row is None:
            raise UsageError(f"there is no import {name}.", "See `lading imports`.")
        if row.state in ENDED and not (done and row.state == State.DONE):
            raise UsageError(f"import {name} has ended.", "Start a new one: what is archived is not copied again.")
        return row

    async def _reloaded(self, row: ImportRow) -> ImportRow:
        return (await self._catalog.imports("i.id = ?", (row.id,)))[0]

    async def target(self, path: str) -> Target:
        """What is at the archive's `path`, without writing anything. Raises ArchiveError."""
        try:
            async with asyncio.timeout(LOOK), self._pool.worker("look") as worker:
                request = messages.Look(os.path.abspath(os.fsencode(path)))  # noqa: ASYNC240 - touches no disk
                root = (await worker.ask(request, messages.Looked)).source
                place = Place(root.root, root.device, root.inode, "", "")
                room = await worker.ask(messages.Space(place), messages.Room)
        except TaskFailedError:
            return Target()
        except TimeoutError as error:
            raise ArchiveError(f"{display(path)} does not answer.", "Mount it again.") from error
        archive_id = await self._catalog.archive_at(root.root)
        return Target(((root.device, root.inode),), room.available, archive_id or 0)

    def _begun(self, row: ImportRow, picked: Picked, archive: Archive, gate: Gate) -> Begun:
        run = self._run(row, picked.source, self.reading(picked), archive, gate)
        return Begun(run, picked.whole, picked.whole_root, picked.whole_only)

    def _run(self, row: ImportRow, source: Source, reading: Controller, archive: Archive, gate: Gate) -> Run:
        place = os.fsdecode(os.path.basename(row.archive_path.rstrip(b"/")))
        writing = self._controller(f"write {archive.uuid}", place, str(archive.filesystem.kind), False)
        limit = self._read_limit
        return Run(row, archive, gate, source, self._pool, self._catalog, self.limits, reading, writing, limit)

    def reading(self, source: Picked) -> Controller:
        """The places at which a source's volume is read."""
        volume = source.volume
        return self._controller(f"read {volume.identity}", volume.name, str(volume.kind), volume.removable)

    def _controller(self, name: str, label: str, kind: str, removable: bool) -> Controller:
        if name not in self.controllers:
            most = self._profile.copy + self._profile.hash
            start = most
            if kind == "network":
                start, most = NETWORK_START, NETWORK_MOST
            elif removable:
                start, most = CARD_START, CARD_MOST
            self.controllers[name] = Controller(name, start, most, label)
        return self.controllers[name]
