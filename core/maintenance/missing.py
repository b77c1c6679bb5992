"""Finds the files of a source whose content is not in the archive yet."""

from collections.abc import Awaitable, Callable, Sequence

from core.errors import WorkerDiedError
from core.maintenance.check import Check, Progress
from core.paths import join
from core.results import CheckResult
from core.workers import archive_messages
from core.workers.pool import TaskFailedError
from core.workers.source_messages import Entry

Tell = Callable[[list[tuple[bytes, str]]], Awaitable[None]]
"""Called with some missing files at a time: (absolute path, why it could not be read; empty when it could)."""


class Missing(Check):
    """A check that reads the source, trusts the catalog about the archive, and reports every file that the archive
    lacks."""

    async def listed(self, progress: Progress, tell: Tell) -> CheckResult:
        """Check the whole source. Raises SourceError, ArchiveError."""
        self._tell = tell
        return await self.run(progress, read=True)

    async def _by_content(self, entries: list[tuple[Entry, str]]) -> None:
        digests = await self._digests([entry for entry, _ in entries])
        there = await self._there([digest.xxh128 for digest in digests if digest.fault is None])
        lacking: list[tuple[bytes, str]] = []
        for (entry, _), digest in zip(entries, digests, strict=True):
            self._done = [self._done[0] + 1, self._done[1] + entry.size]
            path = join(self._picked.source.root, entry.path)
            if digest.fault is not None:
                self._keep(entry, "unread", str(digest.fault))
                lacking.append((path, f"{digest.fault}"))
            elif (digest.size, digest.xxh128, digest.sha256) in there:
                self._is_safe(entry)
            else:
                self._keep(entry, "new")
                lacking.append((path, ""))
        await self._tell(lacking)

    async def _there(self, contents: Sequence[bytes]) -> set[tuple[int, bytes, bytes]]:
        """Those contents that the archive holds: not known to be damaged, and with their payload present now."""
        copy = self._archive.copy.number
        items = [
            item for item in await self._catalog.known(self._archive.id, None, contents, copy) if not item.damage
        ]
        if not items:
            return set()
        request = archive_messages.Presence(self._archive.place, [(item.path, item.size) for item in items])
        try:
            async with self._pool.worker("check") as worker:
                present = (await worker.ask(request, archive_messages.Present)).there
        except (TaskFailedError, WorkerDiedError) as error:
            raise self._silent(str(error)) from error
        return {
            (item.size, item.xxh128, item.sha256)
            for item, is_there in zip(items, present, strict=True)
            if is_there
        }
