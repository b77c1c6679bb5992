"""Making one bag: list its payload, merge what is known of it, publish its tag files in the right order.

The manifest is made of the catalog's digests, of the lines on disk for files that only another engine or program
knew, and of digests of files that nobody knew, which are read for this. Tag files are published in an order in
which no reader takes a half-written state for a valid bag: the manifest, whose digest the old tag manifest
contradicts; bag-info.txt; bagit.txt, if it has to be; the tag manifest. A file that is the same on disk is not
written again, so that the next run finishes an interrupted one.
"""

import json
import os
import time
from datetime import date

from core.archives import bag_info
from core.bagit import manifest
from core.bagit.folder import BagFolder
from core.bagit.manifest_merge import PAGE, Ledger
from core.bagit.tag_files import BAG_INFO, BAGIT, DECLARATION, MANIFEST, BagContext, TagFiles, foreign, is_there
from core.catalog.items import BY_DIGEST
from core.catalog.locations import Location
from core.config import Config
from core.database import Statement
from core.errors import ArchiveError
from core.media.system_junk import maybe_appledouble, within_junk
from core.models import State
from core.paths import display
from core.words import counted

BATCH = 64
"""The most files measured or hashed per request."""

MOVED = 500
"""The most missing files per query for other locations."""

LISTED = 1000
"""The most missing files that are kept by name; all are counted."""

PROBLEMS_NAMED = 5
"""The most problems that a note names."""

COUNTED_ON = """
    SELECT DISTINCT item_id FROM file WHERE item_id IN (SELECT value FROM json_each(?))
"""
"""Those of the items given as JSON that a file of an import refers to."""

_SEAL = """
    INSERT INTO bag (location_id, sealed, note, files, bytes, added, missing, manifest, junk)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (location_id) DO UPDATE SET sealed = excluded.sealed, note = excluded.note,
        files = excluded.files, bytes = excluded.bytes, added = excluded.added, missing = excluded.missing,
        manifest = excluded.manifest, junk = excluded.junk
"""


async def open_import(context: BagContext, location_id: int) -> str:
    """Why a location's bag is open now; empty when it can be sealed.

    An import that this database only knows from another engine's journal (it never ran here) does not count,
    because it may never be resumed.
    """
    rows = await context.read(
        "SELECT name, state FROM import WHERE location_id = ? AND (state = ? OR (state = ? AND runs > 0)) "
        "ORDER BY id LIMIT 1",
        (location_id, State.RUNNING, State.PAUSED),
    )
    return f"import {rows[0][0]} is {rows[0][1]}" if rows else ""


class Bag:
    """One bag that is being made. `done` is the progress, 0 to 1."""

    def __init__(
        self, settings: Config, context: BagContext, location: Location, folder: BagFolder, scratch: str
    ) -> None:
        self.done = 0.0
        self._settings = settings
        self._context = context
        self._location = location
        self._folder = folder
        self._scratch = scratch
        self._tags = TagFiles(context, location, folder, scratch)
        self._problems: list[str] = []
        self._files = self._bytes = self._added = self._missing = 0
        self._gone: list[bytes] = []
        self._junk = 0

    async def make(self) -> list[Statement]:
        """Bring the bag up to date. Returns what is to be written to the catalog. Raises LadingError,
        TaskFailedError."""
        await self._folder.make_data()
        async with Ledger.open(os.path.join(self._scratch, "ledger.db")) as ledger:
            before = await self._gather(ledger)
            await self._complete(ledger)
            draft = await self._write_manifest(ledger)
        digests = {MANIFEST: draft.sha256()}
        tags = await self._folder.tag_files()
        for name in foreign(tags):
            self._problem(f"{display(name)} was written by another program and may be out of date: move it away")
        if draft.sha256().hex() != before or MANIFEST.encode() not in tags:
            await self._tags.publish(draft.path, MANIFEST)
        self.done = 0.9
        old = bag_info.parse(await self._tags.text(BAG_INFO) or b"")
        location = bag_info.believed(self._location, old, await self._tags.access_note())
        info = bag_info.compose(self._settings, location, old, self._files, self._bytes, date.today())
        for name, data in ((BAG_INFO, info), (BAGIT, DECLARATION)):
            digests[name] = await self._tags.write(name, data)
        await self._tags.write_manifest(tags, digests)
        await self._folder.sync()
        await self._tags.keep_access_note(location.access_note)
        return await self._statements(location, digests[MANIFEST].hex())

    # The payload

    async def _gather(self, ledger: Ledger) -> str:
        """Enter into the ledger the payload on disk, the manifest on disk, the catalog's items and the files that
        were missing before, and merge them. Returns the SHA-256 of the manifest on disk. Raises ArchiveError when
        all payload is gone."""
        async for found in self._folder.files(b"data"):
            await ledger.add_junk((path,) for path, what in found if what == "junk")
            await ledger.add_on_disk((path,) for path, what in found if self._can_be_listed(path, what))
        self._junk = self._folder.junk
        self.done = 0.4
        lines = manifest.ManifestLines()
        async for data in self._folder.pieces(MANIFEST):
            await ledger.add_noted(_payload(lines.feed(data)))
        await ledger.add_noted(_payload(lines.end()))
        self.done = 0.5
        await self._add_items(ledger)
        self.done = 0.6
        await ledger.add_missing(
            await self._context.read("SELECT path FROM bag_missing WHERE location_id = ?", (self._location.id,))
        )
        there, missing = await ledger.merge()
        self._missing = missing - await self._drop_moved(ledger)
        if self._missing and not there:
            raise ArchiveError(
                f"nothing of {counted(self._missing, 'file')} of {self._folder.path} is there.",
                "Check the archive; its manifest was left as it is.",
            )
        self._gone = await ledger.missing(LISTED)
        self.done = 0.7
        return lines.sha256()

    def _can_be_listed(self, path: bytes, what: str) -> bool:
        if what == "junk":
            return False
        if what != "file":
            self._problem(f"{display(path)} is neither file nor folder")
        elif not manifest.utf8(path):
            self._problem(f"the name {display(path)} is not UTF-8")
        else:
            return True
        return False

    def _problem(self, text: str) -> None:
        if len(self._problems) <= PROBLEMS_NAMED:
            self._problems.append(text)

    async def _add_items(self, ledger: Ledger) -> None:
        """Enter the location's items in the catalog into the ledger. A payload file that looks like junk by its
        name is none if an import has it."""
        root, after = f"{self._folder.path}/", 0
        while True:
            rows = await self._context.read(
                "SELECT id, path, sha256, size FROM item WHERE location_id = ? AND id > ? ORDER BY id LIMIT ?",
                (self._location.id, after, PAGE),
            )
            if not rows:
                return
            after = rows[-1][0]
            held = [
                (id, path.removeprefix(root).encode(), sha256, size)
                for id, path, sha256, size in rows
                if path.startswith(root)
            ]
            await ledger.add_held((path, sha256, size) for _, path, sha256, size in held)
            if named := {id: path for id, path, _, _ in held if named_like_junk(path)}:
                counted = await self._context.read(COUNTED_ON, (json.dumps(list(named)),))
                self._junk -= await ledger.unmark_junk((named[id],) for (id,) in counted)

    async def _drop_moved(self, ledger: Ledger) -> int:
        """Remove from the missing files those that were moved to another location of the archive, and those that
        were junk. Returns how many."""
        after, count = b"", 0
        while page := await ledger.unclaimed(after, MOVED):
            after = page[-1][0]
            digests = {path: digest for path, _ in page if (digest := manifest.digest_of_name(path))}
            marks = ",".join("?" * len(digests))
            rows = await self._context.read(
                f"SELECT xxh128, sha256 FROM item {BY_DIGEST} WHERE archive_id = ? AND xxh128 IN ({marks}) "  # noqa: S608
                "AND location_id != ? AND damage IS NULL",
                (self._location.archive_id, *digests.values(), self._location.id),
            )
            known = {(xxh128, sha256) for xxh128, sha256 in rows} | {(xxh128, None) for xxh128, _ in rows}
            found = [path for path, sha256 in page if (digests.get(path), sha256) in known]
            found += [path for path, _ in page if within_junk(path) or await self._was_appledouble(ledger, path)]
            await ledger.drop_missing((path,) for path in found)
            count += len(found)
        return count

    @staticmethod
    async def _was_appledouble(ledger: Ledger, path: bytes) -> bool:
        """Whether the missing file `path` was an AppleDouble file beside a file that is present: dot_clean(1)
        removes such files."""
        folder, slash, name = path.rpartition(b"/")
        return maybe_appledouble(name) and await ledger.has_line(folder + slash + name.removeprefix(b"._"))

    async def _complete(self, ledger: Ledger) -> None:
        """Hash the files without a known digest, measure those without a known size."""
        after = b""
        while paths := await ledger.without_digest(after, BATCH):
            after = paths[-1]
            digests = await self._folder.digests(paths)
            there = [(one, path) for one, path in zip(digests, paths, strict=True) if is_there(one, path)]
            await ledger.set_digests((one.sha256, one.size, path) for one, path in there)
            self._added += len(there)
            kept = {path for _, path in there}
            await ledger.drop_lines((path,) for path in paths if path not in kept)
        after = b""
        while paths := await ledger.without_size(after, BATCH):
            after = paths[-1]
            sizes = await self._folder.sizes(paths)
            await ledger.set_sizes((size, path) for size, path in zip(sizes, paths, strict=True) if size >= 0)
            await ledger.drop_lines((path,) for size, path in zip(sizes, paths, strict=True) if size < 0)
        self.done = 0.8

    async def _write_manifest(self, ledger: Ledger) -> manifest.Draft:
        draft = manifest.Draft(os.path.join(self._scratch, MANIFEST))
        try:
            async for rows in ledger.lines():
                draft.add(b"".join(manifest.line(path, sha256) for path, sha256, _ in rows))
                self._files += len(rows)
                self._bytes += sum(size for _, _, size in rows)
        finally:
            draft.close()
        return draft

    # The catalog

    async def _statements(self, location: Location, digest: str) -> list[Statement]:
        number = location.id
        said = self._problems[:PROBLEMS_NAMED] + ["…"] * (len(self._problems) > PROBLEMS_NAMED)
        note = "; ".join(said) or await open_import(self._context, number)
        # Junk outside the payload does not make a bag invalid.
        sealed = None if note or self._junk else time.time()
        row = (
            *(number, sealed, note, self._files, self._bytes, self._added, self._missing, digest),
            self._folder.junk,
        )
        return [
            (_SEAL, [row]),
            ("DELETE FROM bag_missing WHERE location_id = ?", [(number,)]),
            ("INSERT INTO bag_missing (location_id, path) VALUES (?, ?)", [(number, path) for path in self._gone]),
            bag_info.learned(location, self._location),
        ]


def _payload(entries: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [entry for entry in entries if entry[0].startswith(b"data/")]


def named_like_junk(path: bytes) -> bool:
    """Whether a file of this path may be junk: for some kinds only the head of the file tells."""
    return within_junk(path) or maybe_appledouble(path.rpartition(b"/")[2])
