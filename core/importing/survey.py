"""The survey: what an import would do, found out without reading a file or writing anything."""

from collections import Counter

from core.catalog import Catalog, beside
from core.errors import WorkerDiedError
from core.importing.intake import FINAL
from core.importing.sources import Picked
from core.media.camera import camera
from core.media.cards import belongs_to_card, take_key
from core.media.kinds import RAW
from core.models import Count, ImportRequest, Outcome
from core.paths import display
from core.results import Survey
from core.workers import messages
from core.workers.listing import ICLOUD, LIBRARY
from core.workers.messages import Entry
from core.workers.pool import Pool, TaskFailedError

FOLDERS = 500
"""Names of the two uppermost levels that are looked at for the camera's."""


class Surveyor:
    """Lists one source and compares it with what the catalog knows of the archive `archive_id`."""

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
        self._reasons: Counter[str] = Counter()
        self._stems: Counter[bytes] = Counter()
        self._raw: set[bytes] = set()
        self._takes: Counter[bytes] = Counter()
        self._indexes = 0
        self._folders: dict[str, set[str]] = {}

    async def run(self, avoid: tuple[tuple[int, int], ...], room: int | None) -> Survey:
        """Survey the source; `avoid` as in ListTree, `room` is free in the archive."""
        volume = await self._catalog.volume_id(self._picked.volume.identity)
        warnings = await self._list(avoid, volume)
        needed = self._sum("new").bytes
        if room is not None and needed > room:
            warnings.append(f"The archive lacks room: {needed:,} bytes are needed, {room:,} are free.")
        if left_out := self._sum("skipped").files + self._sum("failed").files:
            warnings.append(f"{left_out:,} entries would not be archived: the verdict cannot be SAFE.")
        if reused := self._sum("reused").files:
            warnings.append(
                f"{reused:,} names were imported before with other content: both are kept, nothing is replaced."
            )
        return Survey(
            source=display(self._request.source),
            files=self._sum("new", "known"),
            new=self._sum("new"),
            known=self._sum("known"),
            reused=self._sum("reused"),
            litter=self._sum("litter"),
            skipped=self._sum("skipped"),
            failed=self._sum("failed"),
            by_kind={kind: Count(files=n, bytes=size) for kind, (n, size) in sorted(self._kinds.items())},
            pairs=sum(1 for stem in self._raw if self._stems[stem] > 0),
            takes=sum(1 for chapters in self._takes.values() if chapters > 1),
            indexes=self._indexes,
            cameras=display(camera(self._folders, lambda folder: self._folders[folder]) or ""),
            libraries=self._reasons[LIBRARY],
            icloud=self._reasons[ICLOUD],
            warnings=tuple(warnings),
            needed=needed,
            free=room,
            seconds=await self._seconds(volume),
        )

    async def _list(self, avoid: tuple[tuple[int, int], ...], volume: int | None) -> list[str]:
        """Count all entries; what went wrong meanwhile."""
        request = messages.ListTree(
            self._picked.source,
            self._picked.only,
            avoid,
            self._request.exclude,
            self._request.libraries,
            self._request.icloud,
        )
        try:
            async with self._pool.worker("survey") as worker:
                reply = await worker.ask(request, messages.Listed)
                while reply.more:
                    await self._count(reply.entries, volume)
                    reply = await worker.ask(messages.ListMore(), messages.Listed)
        except TaskFailedError as error:
            return [f"The listing broke off: {error.fault.text}."]
        except WorkerDiedError as error:
            return [f"The listing broke off: {error.cause}."]
        return []

    async def _seconds(self, volume: int | None) -> float | None:
        """How long the import would take at the pace of earlier ones."""
        pace = await self._catalog.pace(self._archive_id, volume)
        if pace is None:
            return None
        read = self._sum("new") if self._request.known == "record" else self._sum("new", "known")
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
            if entry.what not in ("file", "folder"):
                self._add(self._counts, entry.what, entry.size)
                self._reasons.update((entry.reason,) if entry.reason in (LIBRARY, ICLOUD) else ())
        paths = [beside(self._picked.root, entry.path) for entry in files]
        seen = await self._catalog.seen(volume, paths, self._archive_id) if volume is not None else {}
        for entry, path in zip(files, paths, strict=True):
            before = [row for row in seen.get(path, []) if Outcome(row.outcome) in FINAL]
            known = any((row.size, row.mtime_ns) == (entry.size, entry.mtime_ns) for row in before)
            self._add(self._counts, "known" if known else "new", entry.size)
            if before and not known:
                self._add(self._counts, "reused", entry.size)
            self._sort(entry)

    def _sort(self, entry: Entry) -> None:
        """By what the file's name says."""
        self._add(self._kinds, entry.kind or "other", entry.size)
        if entry.path.rpartition(b".")[2].lower() in RAW:
            self._raw.add(entry.stem)
        elif entry.kind == "images":
            self._stems[entry.stem] += 1
        if take := take_key(entry.path):
            self._takes[take] += 1
        self._indexes += belongs_to_card(entry.path)

    def _notice(self, path: bytes) -> None:
        """Keep the uppermost folders, as they lie on a card, for the camera they tell."""
        whole = beside(self._picked.root, path) if self._picked.volume.removable else path
        first, *rest = display(whole).split("/", 2)
        if first in self._folders or len(self._folders) < FOLDERS:
            below = self._folders.setdefault(first, set())
            if rest and len(below) < FOLDERS:
                below.add(rest[0])
