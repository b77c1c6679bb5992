"""Mirrors a location's folder: brings the target its payload, then the files of its bag."""

import asyncio
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from core import archive_layout
from core.bagit import manifest
from core.bagit.bag import Bag
from core.bagit.folder import BagFolder
from core.bagit.tag_files import BAG_INFO, BAGIT, MANIFEST, TAG_MANIFEST
from core.catalog import locations
from core.catalog.locations import Location
from core.config import Config
from core.errors import ArchiveError
from core.maintenance.mirror_payload import PayloadCopier
from core.maintenance.mirror_records import RecordCopier
from core.maintenance.mirror_run import MirrorRun
from core.queue.enqueue import UNFINISHED
from core.workers import archive_messages, messages, text_messages
from core.workers.pool import TaskFailedError

BAG_FILES = (MANIFEST, BAG_INFO, BAGIT, TAG_MANIFEST)
"""In the order of writing in which no reader mistakes a bag that is half written for a valid one
(core.bagit.bag)."""

ATTEMPTS = 3
"""How often a location is compared when its bag is made anew meanwhile."""

RETRY_PAUSE = 1.0
"""Seconds until the next comparison."""

_DUE = (
    "SELECT 1 FROM location l JOIN job j ON j.item_id = 0 AND j.location_id = l.id AND j.import_id = 0 "  # noqa: S608
    f"AND j.queue = 'bagit' WHERE l.archive_id = ? AND l.folder = ? AND j.state IN {UNFINISHED} LIMIT 1"
)

OTHERWISE = "what the other copy holds is not what its bag says"


class Differences:
    """What the target lacks of one folder; `extra` counts files that only the target has."""

    def __init__(self, run: MirrorRun, folder: str) -> None:
        self.extra = 0
        self.records: list[str] = []
        self._run = run
        self._folder = folder

    async def payload(self) -> AsyncIterator[list[str]]:
        """Pages of paths of payload that the target lacks. Once all were read, `records` has the paths of other
        files."""
        after = b""
        data = f"{self._folder}/data/"
        while True:
            async with self._run.worker(self._folder) as worker:
                request = archive_messages.CompareTrees(
                    self._run.source.place, self._run.target.place, self._folder, after
                )
                found = await worker.ask(request, archive_messages.TreesCompared)
            paths = [os.fsdecode(path) for path in found.lacking]
            self.extra += found.extra
            self.records += [path for path in paths if not path.startswith(data)]
            if here := [path for path in paths if path.startswith(data)]:
                yield here
            if not found.after:
                return
            after = found.after


class BagMirror:
    """Brings the folders of locations. `settings`: what a bag that is made here states about its organization.

    anew: locations whose bags are out of date in the source: in the target they are made anew, not copied.
    """

    def __init__(
        self,
        run: MirrorRun,
        records: RecordCopier,
        payload: PayloadCopier,
        settings: Config,
        anew: Collection[str] = (),
    ) -> None:
        self._anew = anew
        self._run = run
        self._records = records
        self._payload = payload
        self._settings = settings

    async def bring(self, folder: str) -> None:
        """Bring what the target lacks of a location. Its bag is valid afterwards if it is valid in the source."""
        path, run = archive_layout.location(folder), self._run
        tags = f"{path}/{TAG_MANIFEST}"
        for attempt in range(ATTEMPTS):
            await asyncio.sleep(RETRY_PAUSE if attempt else 0)
            before = await self._records.text(run.source, tags)
            lacking = Differences(run, path)
            await self._payload.bring(lacking.payload())
            had = await self._records.text(run.target, tags)
            differs = lacking.records or lacking.extra or folder in run.locations or folder in self._anew
            if had == before and not differs:
                break
            if await self._records.text(run.source, tags) != before:
                continue  # an import into it has ended just now
            wrong = await self._tags(folder, before, had, lacking)
            if wrong and (await self._records.text(run.source, tags) != before or await self._due(folder)):
                continue
            self._report_wrong(folder, wrong)
            if wrong or lacking.extra or folder in self._anew:
                return
            break
        else:
            run.open_bags.append(f"{folder}: it is being imported into, or made anew")
            return
        if run.target.copy.number and await self._due(folder):
            run.open_bags.append(f"{folder}: that of the other copy is not made yet")

    async def _due(self, folder: str) -> bool:
        """Whether the source's bag is to be made anew: the engine has changed something in it."""
        run = self._run
        read = run.catalog.database.read_aside
        return not run.source.copy.number and bool(await read(_DUE, (run.source.id, folder)))

    def _report_wrong(self, folder: str, wrong: list[str]) -> None:
        """Report the tag files `wrong`, whose content in the source is not the one that its tag manifest
        states."""
        run = self._run
        for name in wrong:
            if name in BAG_FILES:
                run.open_bags.append(f"{folder}: {name} of the other copy is not what its bag says")
            else:
                run.lack(f"{archive_layout.location(folder)}/{name}", OTHERWISE)

    async def _tags(self, folder: str, manifest: bytes, targets: bytes, lacking: Differences) -> list[str]:
        """Bring the files of a bag. `manifest` and `targets` are the tag manifests of the source and of the
        target. Returns the names of files whose content in the source is not the one that `manifest` states."""
        path, run = archive_layout.location(folder), self._run
        wanted, had = _digests(manifest), _digests(targets)
        names = {one.removeprefix(f"{path}/") for one in lacking.records}
        changed = {name for name, sha256 in wanted.items() if had.get(name) != sha256} - names
        own = set(BAG_FILES)
        wrong: list[str] = []
        for name in sorted((names | changed) - own):
            there = name in changed
            brought = await self._records.bring(f"{path}/{name}", wanted.get(name), there=there)
            if not brought and (not there or run.target.copy.number):
                wrong.append(name)
        if not run.target.copy.number:
            # The engine makes this bag anew later, like that of any other location of the archive in use.
            if names | changed:
                run.locations.add(folder)
        elif lacking.extra or folder in self._anew:
            await self._make_anew(folder)
        elif manifest and (had != wanted or names & own):
            async with run.worker(path) as worker:
                # A bag needs a payload folder, even an empty one (RFC 8493, 2.1.2).
                await worker.ask(archive_messages.MakeFolder(run.target.place, f"{path}/data"), messages.Done)
            # The tag manifest must be the one that the other files were compared with: it may have changed since.
            wanted[TAG_MANIFEST] = hashlib.sha256(manifest).digest()
            for name in BAG_FILES:
                if not await self._records.bring(f"{path}/{name}", wanted.get(name), there=name not in names):
                    return [*wrong, name]
        return wrong

    async def _make_anew(self, folder: str) -> None:
        """Make the bag anew: the target has files of this location that the source lacks, so its manifest lists
        more."""
        run = self._run
        read = run.catalog.database.read_aside
        known = {one.folder: one for one in await locations.of_archive(read, run.target.id)}
        location = known.get(folder) or Location(id=0, archive_id=run.target.id, folder=folder, name=folder)
        scratch = await asyncio.to_thread(tempfile.mkdtemp, prefix="lading-mirror-")
        try:
            bag_folder = BagFolder(run.pool, run.target.place, folder, lambda: None)
            await Bag(self._settings, _CopyContext(run), location, bag_folder, scratch).make()
        except TaskFailedError as error:
            await run.give_up(error.fault)
            raise ArchiveError(
                f"{archive_layout.location(folder)}: {error.fault.text}.", "Mirror again."
            ) from error
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)


def _digests(text: bytes) -> dict[str, bytes]:
    """The digests in a tag manifest, by path below the location's folder."""
    lines = manifest.ManifestLines()
    return {os.fsdecode(path): sha256 for path, sha256 in [*lines.feed(text), *lines.end()]}


class _CopyContext:
    """The context that making a bag needs, for a copy that is not in use."""

    def __init__(self, run: MirrorRun) -> None:
        self._run = run
        self._records = RecordCopier(run)

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns the rows of a query on committed data."""
        return await self._run.catalog.database.read_aside(sql, parameters)

    async def text(self, archive_id: int, path: str) -> bytes | None:
        """One of Lading's own small files in the copy; None when there is none."""
        return await self._records.text(self._run.target, path) or None

    async def publish(self, archive_id: int, local: str, target: str) -> None:
        """Copy a local file to its path in the copy, replacing a file there; the local file is removed."""
        staged = archive_layout.staging(self._run.name, secrets.token_hex(8))
        async with self._run.worker(target) as worker:
            request = text_messages.Put(self._run.target.place, os.fsencode(local), staged, target)
            await worker.ask(request, messages.Done)
        self._run.others += 1
