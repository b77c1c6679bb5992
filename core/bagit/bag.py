"""Making one bag: list its payload, merge what is known of it, publish its tag files in the right order.

The manifest is made of the catalog's digests, of the lines on disk for files that only another engine or program
knew, and of digests of files that nobody knew, which are read for this. Tag files are published in an order in
which no reader takes a half-written state for a valid bag: the manifest, whose digest the old tag manifest
contradicts; bag-info.txt; bagit.txt, if it has to be; the tag manifest. A file that is the same on disk is not
written again, so that the next run finishes an interrupted one.
"""

import errno
import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from core import archive_layout
from core.archives import bag_info
from core.bagit import manifest
from core.bagit.folder import BagFolder
from core.bagit.manifest_merge import PAGE, Ledger
from core.catalog.items import BY_DIGEST
from core.catalog.locations import Location
from core.config import Config
from core.database import Statement
from core.errors import ArchiveError
from core.media.system_junk import maybe_appledouble, within_junk
from core.models import State
from core.paths import display
from core.workers.source_messages import Digest

MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
BAG_INFO, BAGIT = bag_info.FILE, "bagit.txt"
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

BATCH = 64
"""The most files measured or hashed per request."""

MOVED = 500
"""The most missing files per query for other locations."""

LISTED = 1000
"""The most missing files that are kept by name; all are counted."""

SAID = 5
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


class Context(Protocol):
    """What making a bag needs: the catalog, and the archive that holds the bag (as core.tasks.task.Context)."""

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns the rows of a query on committed data."""

    async def publish(self, archive_id: int, local: str, target: str) -> None:
        """Copy a local file to `target` in the archive, replacing a file there; the local file is removed."""

    async def text(self, archive_id: int, path: str) -> bytes | None:
        """Returns the content of one of Lading's own small files in the archive; None when it does not exist."""


async def open_import(context: Context, location_id: int) -> str:
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
        self, settings: Config, context: Context, location: Location, folder: BagFolder, scratch: str
    ) -> None:
        self.done = 0.0
        self._settings = settings
        self._context = context
        self._location = location
        self._folder = folder
        self._scratch = scratch
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
            draft = await self._manifest(ledger)
        digests = {MANIFEST: draft.sha256()}
        tags = await self._folder.tag_files()
        self._foreign(tags)
        if draft.sha256().hex() != before or MANIFEST.encode() not in tags:
            await self._publish(draft.path, MANIFEST)
        self.done = 0.9
        old = bag_info.parse(await self._text(BAG_INFO) or b"")
        location = bag_info.believed(self._location, old, await self._access_note())
        info = bag_info.compose(self._settings, location, old, self._files, self._bytes, date.today())
        for name, data in ((BAG_INFO, info), (BAGIT, DECLARATION)):
            digests[name] = await self._small(name, data)
        await self._tag_manifest(tags, digests)
        await self._folder.sync()
        await self._keep(location.access_note)
        return await self._statements(location, digests[MANIFEST].hex())

    # The payload

    async def _gather(self, ledger: Ledger) -> str:
        """Enter everything that is known of the payload into the ledger, and merge it. Returns the SHA-256 of the
        manifest on disk."""
        async for found in self._folder.files(b"data"):
            await ledger.junk((path,) for path, what in found if what == "junk")
            await ledger.on_disk((path,) for path, what in found if self._can_be_listed(path, what))
        self._junk = self._folder.junk
        self.done = 0.4
        lines = manifest.Lines()
        async for data in self._folder.pieces(MANIFEST):
            await ledger.note(_payload(lines.feed(data)))
        await ledger.note(_payload(lines.end()))
        self.done = 0.5
        await self._held(ledger)
        self.done = 0.6
        await ledger.miss(
            await self._context.read("SELECT path FROM bag_missing WHERE location_id = ?", (self._location.id,))
        )
        there, missing = await ledger.merge()
        self._missing = missing - await self._moved_away(ledger)
        if self._missing and not there:
            raise ArchiveError(
                f"none of the {self._missing:,} files of {self._folder.path} is there.",
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
        if len(self._problems) <= SAID:
            self._problems.append(text)

    async def _held(self, ledger: Ledger) -> None:
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
            await ledger.hold((path, sha256, size) for _, path, sha256, size in held)
            if named := {id: path for id, path, _, _ in held if named_like_junk(path)}:
                counted = await self._context.read(COUNTED_ON, (json.dumps(list(named)),))
                self._junk -= await ledger.no_junk((named[id],) for (id,) in counted)

    async def _moved_away(self, ledger: Ledger) -> int:
        """Take files that were moved to another location of the archive off the missing ones. Returns how many."""
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
            found += [path for path, _ in page if within_junk(path) or await self._of_appledouble(ledger, path)]
            await ledger.not_missing((path,) for path in found)
            count += len(found)
        return count

    @staticmethod
    async def _of_appledouble(ledger: Ledger, path: bytes) -> bool:
        """Whether `path` was an AppleDouble file beside a file that is present: dot_clean(1) removes these."""
        folder, slash, name = path.rpartition(b"/")
        return maybe_appledouble(name) and await ledger.has_line(folder + slash + name.removeprefix(b"._"))

    async def _complete(self, ledger: Ledger) -> None:
        """Hash the files without a known digest, measure those without a known size."""
        after = b""
        while paths := await ledger.unknown(after, BATCH):
            after = paths[-1]
            digests = await self._folder.digests(paths)
            there = [(one, path) for one, path in zip(digests, paths, strict=True) if _is_there(one, path)]
            await ledger.hashed((one.sha256, one.size, path) for one, path in there)
            self._added += len(there)
            kept = {path for _, path in there}
            await ledger.left((path,) for path in paths if path not in kept)
        after = b""
        while paths := await ledger.unmeasured(after, BATCH):
            after = paths[-1]
            sizes = await self._folder.sizes(paths)
            await ledger.measured((size, path) for size, path in zip(sizes, paths, strict=True) if size >= 0)
            await ledger.left((path,) for size, path in zip(sizes, paths, strict=True) if size < 0)
        self.done = 0.8

    async def _manifest(self, ledger: Ledger) -> manifest.Draft:
        draft = manifest.Draft(os.path.join(self._scratch, MANIFEST))
        try:
            async for rows in ledger.lines():
                draft.add(b"".join(manifest.line(path, sha256) for path, sha256, _ in rows))
                self._files += len(rows)
                self._bytes += sum(size for _, _, size in rows)
        finally:
            draft.close()
        return draft

    # The tag files

    def _foreign(self, tags: list[bytes]) -> None:
        """Report manifests of other programs: they cannot be made anew without reading all payload."""
        for path in tags:
            name = path.decode(errors="replace")
            of_payload = name.startswith("manifest-") and name.endswith(".txt") and name != MANIFEST
            of_tags = name.startswith("tagmanifest-") and name.endswith(".txt") and name != TAG_MANIFEST
            if of_payload or of_tags or name == "fetch.txt":
                self._problem(
                    f"{display(name)} was written by another program and may be out of date: move it away"
                )

    async def _tag_manifest(self, tags: list[bytes], ours: Mapping[str, bytes]) -> None:
        digests = {name.encode(): sha256 for name, sha256 in ours.items()}
        others = [path for path in tags if path not in digests and not path.startswith(b"tagmanifest-")]
        others = [path for path in others if manifest.agreed(path)]
        for at in range(0, len(others), BATCH):
            part = others[at : at + BATCH]
            found = zip(await self._folder.digests(part), part, strict=True)
            digests |= {path: one.sha256 for one, path in found if _is_there(one, path)}
        await self._small(TAG_MANIFEST, b"".join(manifest.line(*entry) for entry in sorted(digests.items())))

    async def _small(self, name: str, data: bytes) -> bytes:
        """Publish a small file unless the same is there already. Returns its SHA-256."""
        draft = manifest.Draft(os.path.join(self._scratch, name))
        draft.add(data)
        draft.close()
        if await self._text(name) != data:
            await self._publish(draft.path, name)
        return draft.sha256()

    async def _text(self, name: str) -> bytes | None:
        return await self._context.text(self._location.archive_id, f"{self._folder.path}/{name}")

    async def _publish(self, local: str, name: str) -> None:
        await self._context.publish(self._location.archive_id, local, f"{self._folder.path}/{name}")

    # Beside the bag

    @property
    def _beside(self) -> str:
        return archive_layout.access_notes(self._location.folder)

    async def _access_note(self) -> str:
        said = await self._context.text(self._location.archive_id, self._beside)
        return (said or b"").decode(errors="replace").strip()

    async def _keep(self, note: str) -> None:
        """Keep the access note in the archive, so that a rebuilt database has it."""
        if note != await self._access_note():
            draft = manifest.Draft(os.path.join(self._scratch, "access-note.txt"))
            draft.add(f"{note}\n".encode() if note else b"")
            draft.close()
            await self._context.publish(self._location.archive_id, draft.path, self._beside)

    # The catalog

    async def _statements(self, location: Location, digest: str) -> list[Statement]:
        number = location.id
        said = self._problems[:SAID] + ["…"] * (len(self._problems) > SAID)
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


def _is_there(digest: Digest, path: bytes) -> bool:
    """Whether a file could be read; False when it has disappeared since. Raises ArchiveError."""
    if digest.fault is None:
        return True
    if digest.fault.code == errno.ENOENT and not digest.fault.lost:
        return False
    raise ArchiveError(f"{display(path)}: {digest.fault.text}.", "Retry the job.")
