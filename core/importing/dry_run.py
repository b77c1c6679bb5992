"""The dry run: finds out what an import would do, without reading a file or writing anything."""

from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing

from core.catalog import Catalog, location_views
from core.errors import WorkerDiedError
from core.importing.keep_reasons import NOTHING
from core.importing.scan import far_times
from core.importing.sources import Picked
from core.media import left_out
from core.media.camera import camera
from core.media.card_rules import take_key
from core.media.card_structures import belongs_to_card
from core.media.file_types import RAW
from core.media.left_out import Sort
from core.models import IN_ARCHIVE, Count, ImportRequest, Outcome
from core.paths import display, join
from core.results import Survey, junk_sentence
from core.words import counted
from core.workers import listing, source_messages
from core.workers.pool import Pool, TaskFailedError
from core.workers.source_messages import Entry

FOLDERS_REMEMBERED = 500
"""The most folder names, of each of the two uppermost levels, that are kept to recognise the camera."""


async def recognised(
    files: Sequence[tuple[bytes, int, int]], picked: Picked, archive_id: int, catalog: Catalog
) -> list[bool]:
    """Whether each file (path below the source, size, time in nanoseconds) was archived from there before."""
    volume = await catalog.volume_id(picked.volume.identity)
    paths = [join(picked.root, path) for path, _, _ in files]
    seen = await catalog.seen(volume, paths, archive_id) if volume is not None else {}
    return [
        any(
            (row.size, row.mtime_ns) == (size, mtime_ns) and Outcome(row.outcome) in IN_ARCHIVE
            for row in seen.get(path, [])
        )
        for path, (_, size, mtime_ns) in zip(paths, files, strict=True)
    ]


class DryRun:
    """Lists one source and compares it with the catalog's record of the archive `archive_id`."""

    def __init__(
        self, request: ImportRequest, picked: Picked, archive_id: int, pool: Pool, catalog: Catalog
    ) -> None:
        self._request = request
        self._archive_id = archive_id
        self._picked = picked
        self._pool = pool
        self._catalog = catalog
        self._counts: dict[str, list[int]] = {}
        self._kinds: dict[str, list[int]] = {}
        self._left_out: Counter[str] = Counter()
        self._stems: Counter[bytes] = Counter()
        self._raw: set[bytes] = set()
        self._takes: Counter[bytes] = Counter()
        self._indexes = 0
        self._accepted = 0
        """Entries that would not be archived, and do not prevent SAFE."""
        self._far = 0
        self._span: tuple[float, float] | None = None
        """The earliest and the latest time of a file."""
        self._folders: dict[str, set[str]] = {}

    async def run(self, avoid: tuple[tuple[int, int], ...], room: int | None) -> Survey:
        """Survey the source. avoid: as in ListTree. room: bytes free in the archive; None: not known."""
        volume = await self._catalog.volume_id(self._picked.volume.identity)
        broken_off = await self._list(avoid, volume)
        warnings = [f"The listing broke off: {broken_off}."] if broken_off else []
        needed = self._sum("new").bytes
        if room is not None and needed > room:
            warnings.append(f"The archive lacks room: {needed:,} bytes are needed, {room:,} are free.")
        if not warnings and not self._sum("new", "duplicate", "skipped", "failed").files:
            warnings.append(f"{NOTHING[:1].upper()}{NOTHING[1:]}.")
        if lacking := self._sum("skipped").files + self._sum("failed").files - self._accepted:
            entries = counted(lacking, "entry", "entries")
            warnings.append(f"{entries} would not be archived: the verdict cannot be SAFE.")
        read, location = self._catalog.database.read, self._request.location
        if junk := await location_views.junk_in(read, self._archive_id, location):
            warnings.append(f"The bag of {display(location.strip())}: {junk_sentence(junk)}.")
        if reused := self._sum("reused").files:
            warnings.append(
                counted(reused, "name was", "names were")
                + " imported before with other content: both are kept, nothing is replaced."
            )
        if self._far:
            warnings.append(far_times(self._far))
        return Survey(
            source=display(self._request.source),
            files=self._sum("new", "duplicate"),
            new=self._sum("new"),
            duplicate=self._sum("duplicate"),
            earliest=self._span[0] if self._span else None,
            latest=self._span[1] if self._span else None,
            reused=self._sum("reused"),
            junk=self._sum("litter"),
            skipped=self._sum("skipped"),
            failed=self._sum("failed"),
            by_kind={kind: Count(files=n, bytes=size) for kind, (n, size) in sorted(self._kinds.items())},
            pairs=sum(1 for stem in self._raw if self._stems[stem] > 0),
            takes=sum(1 for chapters in self._takes.values() if chapters > 1),
            indexes=self._indexes,
            cameras=display(camera(self._folders, lambda folder: self._folders[folder]) or ""),
            libraries=self._left_out[Sort.LIBRARY],
            icloud=self._left_out[Sort.ICLOUD],
            icloud_folders=self._left_out[Sort.ICLOUD_FOLDER],
            warnings=tuple(warnings),
            needed=needed,
            free=room,
            seconds=await self._seconds(volume),
            broken_off=broken_off,
        )

    async def _list(self, avoid: tuple[tuple[int, int], ...], volume: int | None) -> str:
        """Count all entries. Returns why the listing could not be completed; empty if it could."""
        request = source_messages.ListTree(
            self._picked.source,
            self._picked.only,
            avoid,
            self._request.exclude,
            self._request.libraries,
            self._request.icloud,
        )
        try:
            async with aclosing(listing.pages(self._pool, "survey", request)) as found:
                async for entries in found:
                    await self._count(entries, volume)
        except TaskFailedError as error:
            return error.fault.text
        except WorkerDiedError as error:
            return error.cause
        return ""

    async def _seconds(self, volume: int | None) -> float | None:
        """How long the import would take at the pace of earlier ones, in seconds; None when there were none."""
        pace = await self._catalog.pace(self._archive_id, volume)
        if pace is None:
            return None
        read = self._sum("new") if self._request.known == "record" else self._sum("new", "duplicate")
        by_bytes, by_files = pace
        return max(read.bytes / by_bytes, read.files / by_files if by_files else 0.0)

    def _sum(self, *names: str) -> Count:
        found = [self._counts.get(name, [0, 0]) for name in names]
        return Count(files=sum(one[0] for one in found), bytes=sum(one[1] for one in found))

    def _add(self, counts: dict[str, list[int]], name: str, size: int) -> None:
        counted = counts.setdefault(name, [0, 0])
        counted[0] += 1
        counted[1] += size

    async def _count(self, entries: list[Entry], volume: int | None) -> None:
        files = [entry for entry in entries if entry.what == "file"]
        for entry in entries:
            self._notice(entry.path)
            self._far += bool(entry.far)
            if entry.what not in ("file", "folder"):
                self._add(self._counts, entry.what, entry.size)
                self._left_out[entry.sort] += 1
                self._accepted += left_out.group(entry.sort, entry.target) in self._request.accept
        paths = [join(self._picked.root, entry.path) for entry in files]
        seen = await self._catalog.seen(volume, paths, self._archive_id) if volume is not None else {}
        for entry, path in zip(files, paths, strict=True):
            before = [row for row in seen.get(path, []) if Outcome(row.outcome) in IN_ARCHIVE]
            known = any((row.size, row.mtime_ns) == (entry.size, entry.mtime_ns) for row in before)
            self._add(self._counts, "duplicate" if known else "new", entry.size)
            if before and not known:
                self._add(self._counts, "reused", entry.size)
            self._sort(entry)
            at = entry.mtime_ns / 1e9
            first, last = self._span or (at, at)
            self._span = min(first, at), max(last, at)

    def _sort(self, entry: Entry) -> None:
        """Count a file by what its name says."""
        self._add(self._kinds, entry.kind or "other", entry.size)
        if entry.path.rpartition(b".")[2].lower() in RAW:
            self._raw.add(entry.stem)
        elif entry.kind == "images":
            self._stems[entry.stem] += 1
        if take := take_key(entry.path):
            self._takes[take] += 1
        self._indexes += belongs_to_card(entry.path)

    def _notice(self, path: bytes) -> None:
        """Remember the two uppermost levels of folders on the card, from which the camera is recognised."""
        whole = join(self._picked.root, path) if self._picked.volume.removable else path
        first, *rest = display(whole).split("/", 2)
        if first in self._folders or len(self._folders) < FOLDERS_REMEMBERED:
            below = self._folders.setdefault(first, set())
            if rest and len(below) < FOLDERS_REMEMBERED:
                below.add(rest[0])
