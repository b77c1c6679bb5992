"""Makes runs of imports: examines the sources, opens the archive, enters the import in catalog and journal."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import datetime

import msgspec

from core import VERSION, archive_layout, host
from core.aio import to_the_end
from core.archives import refusal_advice
from core.archives.archive import Archive
from core.archives.dedup import Dedup
from core.archives.registry import Archives
from core.catalog import Catalog, ImportRow, SeenVolume, Selection
from core.catalog.failures import REOPENED
from core.concurrency import Controller, Limit
from core.engine.import_target import apart, look_at
from core.errors import ArchiveError, SourceAwayError, UsageError
from core.files import noreplace
from core.hardware import Profile
from core.importing.import_run import Run
from core.importing.leader import able_to_lead
from core.importing.run_workers import Limits, RunWorkers
from core.importing.sources import Picked, PickedSources
from core.journal import journal_format
from core.journal.end_import import ReceiptWriter
from core.models import ENDED, ImportRequest, State
from core.paths import display
from core.workers import messages, text_messages
from core.workers.messages import Source
from core.workers.pool import Pool, TaskFailedError

NETWORK_START, NETWORK_MOST = 4, 12
CARD_START, CARD_MOST = 2, 4


class Begun(msgspec.Struct, frozen=True):
    """A run that can begin. The other fields say what its verdict covers: the root to list, that root's path on
    its volume, and a single file's name (empty: everything below the root)."""

    run: Run
    whole: Source
    whole_root: bytes
    whole_only: bytes


class ImportFactory:
    """Makes the runs of new imports and of resumed ones."""

    def __init__(
        self, pool: Pool, catalog: Catalog, archives: Archives, profile: Profile, *, read_limit: int = 0
    ) -> None:
        self.limits = self._stages(profile)
        self._own_limits: dict[str, Limits] = {}
        """Limits of the further archives of groups, so that a slow archive takes no place from the first one."""
        self.controllers: dict[str, Controller] = {}
        self._pool = pool
        self._catalog = catalog
        self._archives = archives
        self._profile = profile
        self.read_limit = read_limit
        self._sources = PickedSources(pool)

    async def begin(self, stack: AsyncExitStack, requests: Sequence[ImportRequest]) -> list[Begun]:
        """Make the runs of new imports; their archives stay open as long as `stack`.

        Raises SourceError, ArchiveError, UsageError; then no import was made.
        """
        if not requests:
            raise UsageError("no source was given.", "Name a card, a folder or a file.")
        if any(not request.location.strip() for request in requests):
            raise UsageError("no location was given.", "Say where it belongs: --location NAME.")
        if any(not path.strip() for request in requests for path in (request.archive, *request.also)):
            raise UsageError("no archive was given.", "Say where it goes: --archive DIR.")
        picked = await self.pick(list(_for_each_archive(requests)))
        for request, source in picked:
            # This is checked before a new archive is made, because a source is never written to.
            apart(request, source, await look_at(request.archive, self._pool, self._catalog))
        new = [
            (source, *await stack.enter_async_context(self._archives.used(request.archive, create=True)))
            for request, source in picked
        ]
        values: list[dict[str, object]] = []
        firsts: dict[str, str] = {}
        targets: set[tuple[str, int]] = set()
        """(group, archive) of the imports of groups."""
        for (request, source), (_, archive, _) in zip(picked, new, strict=True):
            name = f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
            first = firsts.setdefault(request.together, name) if request.together else ""
            asked = msgspec.structs.replace(request, together=first)
            if first and (first, archive.id) in targets:
                raise UsageError(f"{display(request.archive)} is named twice.", "Name each archive once.")
            targets.add((first, archive.id))
            values.append(await self._values(name, asked, source, archive))
        # All in one unit: an engine that is killed now leaves a whole group behind, or none.
        rows = await self._catalog.new_imports(values)
        try:
            for row, (source, archive, _) in zip(rows, new, strict=True):
                await self.journal_head(row, source.seen_volume, archive)
        except BaseException:
            for row in rows:
                await to_the_end(self._catalog.drop_import(row.id))
            raise
        return [self._begun(row, *one) for row, one in zip(rows, new, strict=True)]

    async def take_up(self, stack: AsyncExitStack, name: str, again: Selection | None = None) -> Begun:
        """Make a run that resumes an unfinished import. When its archive is opened, the journal may show that it
        has ended: then its row says so. With `again`, the failed files of that selection are tried again, also in
        an import that is done.

        Raises UsageError, SourceAwayError, ArchiveError.
        """
        row = await self._unfinished(name, done=again is not None)
        picked: Picked | None = None
        try:
            picked = await self._sources.pick_again(row)
        except SourceAwayError:
            if again is not None or not await able_to_lead(self._catalog, row):
                raise
        archive, dedup, row = await self._opened(stack, row)
        if row.state not in ENDED or again is not None:
            volume = picked.seen_volume if picked else await self._catalog.seen_volume(row.volume_id)
            await self._reopen(row, volume, archive, again)
            row = await self._reloaded(row)
        if picked is None:
            return self._without_source(row, archive, dedup)
        begun = self._begun(row, picked, archive, dedup)
        begun.run.retried = again is not None
        begun.run.only_selected = again is not None and not again.selects_all
        return begun

    async def _reopen(self, row: ImportRow, volume: SeenVolume, archive: Archive, again: Selection | None) -> None:
        """Record in the catalog and in the journal that another run begins. Raises ArchiveError."""
        values: dict[str, object] = {**REOPENED, "runs": row.runs + 1, "announced": 0}
        if archive.place.way == noreplace.LOOK:
            # The import as a whole can only claim the weakest publish method of its runs.
            values["way"] = noreplace.LOOK
        if again is not None:
            # The catalog comes first: an engine that dies in between finds a journal that says that the import has
            # ended, and leaves the failed files as they were.
            await self._catalog.reset_failed(row.id, again, **values)
        try:
            await self.journal_head(row, volume, archive)
            if row.receipt:
                await ReceiptWriter(archive, self._catalog, self._pool).keep_old_receipt(row)
        except (TaskFailedError, ArchiveError) as error:
            if again is not None:
                state = self._catalog.set_state(row.id, State.PAUSED, "it could not be taken up", "Resume it.")
                await to_the_end(state)
            if isinstance(error, ArchiveError):
                raise
            why = error.fault.text
            raise ArchiveError(f"it cannot be written to: {why}.", "Make it writable, then resume.") from error
        await self._catalog.set_import(row.id, **values)

    async def begin_closing(self, stack: AsyncExitStack, name: str) -> Begun:
        """Make a run that only closes an unfinished import, without its source.

        Raises UsageError, ArchiveError.
        """
        archive, dedup, row = await self._opened(stack, await self._unfinished(name))
        return self._without_source(row, archive, dedup)

    def _without_source(self, row: ImportRow, archive: Archive, dedup: Dedup) -> Begun:
        source = Source(row.source)
        label = os.fsdecode(os.path.basename(row.source.rstrip(b"/")))
        reading = self._controller(f"read {row.volume_identity}", label, "", False)
        run = self._run(row, source, reading, archive, dedup)
        run.source_here = False
        return Begun(run, source, row.root, row.single)

    async def _opened(self, stack: AsyncExitStack, row: ImportRow) -> tuple[Archive, Dedup, ImportRow]:
        """The opened archive of an import, and the import's row as it is once the archive's journals are
        replayed."""
        archive, dedup = await stack.enter_async_context(
            self._archives.used(os.fsdecode(row.archive_path), row.archive_id)
        )
        return archive, dedup, await self._reloaded(row)

    async def places(self, row: ImportRow, age: float) -> list[bytes]:
        """Paths where the source of an import may be now; the list of mounts may be up to `age` seconds old."""
        return await self._sources.places(row, age)

    async def pick(self, requests: Sequence[ImportRequest]) -> list[tuple[ImportRequest, Picked]]:
        """The picked sources of the requests, without those that lie within another one that goes to the same
        place."""
        groups: dict[tuple[str, str], list[ImportRequest]] = {}
        for request in requests:
            groups.setdefault((request.archive, request.location), []).append(request)
        found: list[tuple[ImportRequest, Picked]] = []
        for group in groups.values():
            picked = await self._sources.pick([request.source for request in group])
            found += [(request, one) for request, one in zip(group, picked, strict=True) if one is not None]
        return found

    async def sources(self, paths: Sequence[str]) -> list[Picked]:
        """The sources at these paths, without those that lie within another one. Raises SourceError."""
        return [one for one in await self._sources.pick(paths) if one is not None]

    async def _values(
        self, name: str, request: ImportRequest, source: Picked, archive: Archive
    ) -> dict[str, object]:
        """The columns of a new import."""
        now = datetime.now().astimezone()
        location, _ = await archive.location(request.location)
        volume = source.volume
        return {
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
            "machine": f"{host.host()} ({host.machine()})",
            "version": VERSION,
            "state": State.RUNNING,
            "started": now.timestamp(),
            "zone": f"{now:%z}"[:3] + ":" + f"{now:%z}"[3:],
            "runs": 1,
            "way": archive.place.way,
            "announced": 0,
        }

    async def journal_head(self, row: ImportRow, volume: SeenVolume, archive: Archive) -> None:
        """Write the journal line that describes the import; each run begins with one. Raises ArchiveError."""
        head = journal_format.head(row, volume, await self._catalog.begun_before(row))
        request = text_messages.AppendJournal(archive.place, archive_layout.journal(row.name), head, flush=True)
        try:
            async with self._pool.worker("journal") as worker:
                await worker.ask(request, messages.Done)
        except TaskFailedError as error:
            raise ArchiveError(
                f"nothing can be written there: {error.fault.text}.", refusal_advice.advice(error.fault.code)
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

    def _begun(self, row: ImportRow, picked: Picked, archive: Archive, dedup: Dedup) -> Begun:
        icloud = row.request().icloud
        source = msgspec.structs.replace(picked.source, fetch=icloud)
        whole = msgspec.structs.replace(picked.whole, fetch=icloud)
        run = self._run(row, source, self.reading(picked), archive, dedup)
        return Begun(run, whole, picked.whole_root, picked.whole_only)

    def _run(self, row: ImportRow, source: Source, reading: Controller, archive: Archive, dedup: Dedup) -> Run:
        place = os.fsdecode(os.path.basename(row.archive_path.rstrip(b"/")))
        writing = self._controller(f"write {archive.uuid}", place, str(archive.filesystem.kind), False)
        limits = self.limits
        if not row.first:
            limits = self._own_limits.setdefault(archive.uuid, self._stages(self._profile))
        workers = RunWorkers(row.name, self._pool, limits, reading, writing, lambda: self.read_limit)
        return Run(row, archive, dedup, source, self._catalog, workers)

    @staticmethod
    def _stages(profile: Profile) -> Limits:
        return Limits(Limit("hash", profile.hash), Limit("copy", profile.copy), Limit("verify", profile.verify))

    def reading_archive(self, archive: Archive) -> Controller:
        """The controller of how many workers read an archive from which another one is filled."""
        place = os.fsdecode(os.path.basename(archive.place.root.rstrip(b"/")))
        return self._controller(f"read {archive.uuid}", place, str(archive.filesystem.kind), False)

    def reading(self, source: Picked) -> Controller:
        """The controller of how many workers read the source's volume at once."""
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


def _for_each_archive(requests: Sequence[ImportRequest]) -> Iterator[ImportRequest]:
    """A request for each archive; those of one source have a number in common."""
    for number, request in enumerate(requests):
        together = str(number) if request.also else ""
        for archive in (request.archive, *request.also):
            yield msgspec.structs.replace(request, archive=archive, also=(), together=together)
