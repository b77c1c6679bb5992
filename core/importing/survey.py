"""The survey: what an import would do, found out without reading a file or writing anything."""

from collections import Counter

from core.catalog import Catalog, beside
from core.errors import WorkerDiedError
from core.importing.intake import FINAL
from core.importing.sources import Picked
from core.media.kinds import RAW
from core.models import Count, ImportRequest, Outcome, Survey
from core.paths import display
from core.workers import messages
from core.workers.pool import Pool, TaskFailedError


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
        self._stems: Counter[bytes] = Counter()
        self._raw: set[bytes] = set()

    async def run(self, avoid: tuple[tuple[int, int], ...], room: int | None) -> Survey:
        """Survey the source; `avoid` as in ListTree, `room` is free in the archive."""
        request = messages.ListTree(
            self._picked.source,
            self._picked.only,
            avoid,
            self._request.exclude,
            self._request.libraries,
            self._request.icloud,
        )
        warnings: list[str] = []
        try:
            async with self._pool.worker("survey") as worker:
                reply = await worker.ask(request, messages.Listed)
                while reply.more:
                    await self._count(reply.entries)
                    reply = await worker.ask(messages.ListMore(), messages.Listed)
        except TaskFailedError as error:
            warnings.append(f"The listing broke off: {error.fault.text}.")
        except WorkerDiedError as error:
            warnings.append(f"The listing broke off: {error.cause}.")
        needed = self._sum("new").bytes
        if room is not None and needed > room:
            warnings.append(f"The archive lacks room: {needed:,} bytes are needed, {room:,} are free.")
        if left_out := self._sum("skipped").files + self._sum("failed").files:
            warnings.append(f"{left_out:,} entries would not be archived: the verdict cannot be SAFE.")
        return Survey(
            source=display(self._request.source),
            files=self._sum("new", "known"),
            new=self._sum("new"),
            known=self._sum("known"),
            litter=self._sum("litter"),
            skipped=self._sum("skipped"),
            failed=self._sum("failed"),
            by_kind={kind: Count(files=n, bytes=size) for kind, (n, size) in sorted(self._kinds.items())},
            pairs=sum(1 for stem in self._raw if self._stems[stem] > 0),
            warnings=tuple(warnings),
            needed=needed,
            free=room,
        )

    def _sum(self, *names: str) -> Count:
        found = [self._counts.get(name, [0, 0]) for name in names]
        return Count(files=sum(one[0] for one in found), bytes=sum(one[1] for one in found))

    def _add(self, counts: dict[str, list[int]], name: str, size: int) -> None:
        counted = counts.setdefault(name, [0, 0])
        counted[0] += 1
        counted[1] += size

    async def _count(self, entries: list[messages.Entry]) -> None:
        files = [entry for entry in entries if entry.what == "file"]
        for entry in entries:
            if entry.what not in ("file", "folder"):
                self._add(self._counts, entry.what, entry.size)
        paths = [beside(self._picked.root, entry.path) for entry in files]
        volume = await self._catalog.volume_id(self._picked.volume.identity)
        seen = await self._catalog.seen(volume, paths, self._archive_id) if volume is not None else {}
        for entry, path in zip(files, paths, strict=True):
            known = any(
                Outcome(row.outcome) in FINAL and (row.size, row.mtime_ns) == (entry.size, entry.mtime_ns)
                for row in seen.get(path, [])
            )
            self._add(self._counts, "known" if known else "new", entry.size)
            self._add(self._kinds, entry.kind or "other", entry.size)
            ending = entry.path.rpartition(b".")[2].lower()
            if ending in RAW:
                self._raw.add(entry.stem)
            elif entry.kind == "images":
                self._stems[entry.stem] += 1
