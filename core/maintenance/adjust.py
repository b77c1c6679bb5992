"""Corrects capture dates as a person asks: in the journals of an archive and in the catalog, never in a file."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from core import archive_layout
from core.archives.archive import Archive
from core.catalog import Catalog, adjustments
from core.catalog.adjustments import Adjustment, DatedItem
from core.database import Statement
from core.journal import adjustment_lines
from core.media.adjusting import Dated, correcting, unset_clock_date
from core.media.capture_time import unset_clock
from core.media.metadata import unpack
from core.media.tags import Tags
from core.paths import display, relative
from core.queue.enqueue import counting
from core.results import Adjusted, Correction
from core.workers import messages, text_messages
from core.workers.pool import Pool, TaskFailedError

PAGE = 1000
"""Items per page."""

SHOWN = 200
"""The most files that a result shows."""

NO_DATE = "no date of capture is known"
NO_TIME_OF_DAY = "no time of day is known"
IMPORT_NOT_ENDED = "its import has not ended"

Import = tuple[int, str]
"""(row id, id) of an import."""


class Adjuster:
    """Corrects the dates of items of one or more archives, in the name of `by`; `now` is the correction's number.

    `count`: contents so far.
    """

    def __init__(self, catalog: Catalog, pool: Pool, by: str, now: float) -> None:
        self.count = 0
        self._catalog = catalog
        self._pool = pool
        self._by = by
        self._now = now
        self._left: Counter[str] = Counter()
        self._shown: list[tuple[str, str, str]] = []
        self._journals: set[str] = set()

    def result(self, what: str, *, undone: bool, dry: bool) -> Adjusted:
        """The result over all archives."""
        return Adjusted(
            what=display(what),
            undone=undone,
            dry=dry,
            count=self.count,
            left=tuple(self._left.most_common()),
            shown=tuple(self._shown),
        )

    async def adjust(
        self, archive_id: int, archive: Archive | None, items: Sequence[int], how: Correction
    ) -> None:
        """Correct the dates of these items of an archive; without `archive`, only find out what would change.

        Raises UsageError, and what asking a worker raises: then some of the items are corrected.
        """
        corrected = correcting(how)
        for at in range(0, len(items), PAGE):
            found = await adjustments.dates(self._catalog.database.read, items[at : at + PAGE])
            anew = await self._counting(archive_id, items[at : at + PAGE])
            changed: dict[Import, list[tuple[bytes, Dated]]] = {}
            for item, before in zip(found, await asyncio.to_thread(_dates, found, how), strict=True):
                now = corrected(before) if before is not None else None
                if now is None:
                    self._left[NO_DATE if before is None else NO_TIME_OF_DAY] += 1
                elif item.import_id is None or item.import_name is None:
                    self._left[IMPORT_NOT_ENDED] += 1
                else:
                    changed.setdefault((item.import_id, item.import_name), []).append((item.xxh128, now))
                    self._show(
                        item.path,
                        item.root,
                        _as_captured(item.local, item.offset, item.zone),
                        _as_captured(*now[1:]),
                    )
            for (number, name), dated in changed.items():
                one = Adjustment(self._now, number, how.what, self._by)
                if archive is not None:
                    await self._write(archive, name, adjustment_lines.correction_lines(one, dated))
                    await self._catalog.database.run(*adjustments.make(archive_id, one, dated), anew)
                self.count += len(dated)

    async def undo(self, archive_id: int, archive: Archive | None, items: Sequence[int], number: float) -> str:
        """Undo a correction of these items, and return what it was. Without `archive`, only find out what would
        change.

        Raises what asking a worker raises: then it is undone for some of the items.
        """
        what = ""
        for at in range(0, len(items), PAGE):
            changed: dict[Import, list[bytes]] = {}
            anew = await self._counting(archive_id, items[at : at + PAGE])
            for item in await adjustments.corrected_items(
                self._catalog.database.read, items[at : at + PAGE], number
            ):
                what = item.what
                changed.setdefault((item.import_id, item.import_name), []).append(item.xxh128)
                self._show(item.path, item.root, item.local or "", item.before or "")
            for (_, name), contents in changed.items():
                if archive is not None:
                    line = adjustment_lines.undo_lines(number, self._now, self._by, contents)
                    await self._write(archive, name, line)
                    await self._catalog.database.run(*adjustments.undo(archive_id, number, contents), anew)
                self.count += len(contents)
        return what

    async def _counting(self, archive_id: int, items: Sequence[int]) -> Statement:
        """The statement that adds the jobs which compute the figures of the items' locations anew."""
        return counting(archive_id, await adjustments.locations(self._catalog.database.read, items))

    def _show(self, path: bytes | None, root: bytes | None, before: str, now: str) -> None:
        if len(self._shown) < SHOWN:
            self._shown.append((display(relative(root or b"", path or b"")), display(before), display(now)))

    async def _write(self, archive: Archive, name: str, lines: bytes) -> None:
        """Append lines to an import's journal. This happens before the catalog changes, since the journal has the
        authority."""
        path = archive_layout.journal(name)
        async with self._pool.worker("adjust") as worker:
            await worker.ask(text_messages.AppendJournal(archive.place, path, lines, flush=True), messages.Done)
        self._journals.add(path)

    async def end(self, archive: Archive) -> None:
        """Join the journals that were written in parts. A failure is harmless: the parts hold the same as the
        joined file."""
        for path in sorted(self._journals):
            with suppress(TaskFailedError):
                async with self._pool.worker("adjust") as worker:
                    await worker.ask(text_messages.JoinJournal(archive.place, path), messages.Done)
        self._journals.clear()


def _dates(items: Sequence[DatedItem], how: Correction) -> list[Dated | None]:
    return [_date(item, how) for item in items]


def _date(item: DatedItem, how: Correction) -> Dated | None:
    """The date to be corrected; None when it is not known. The date of a camera whose clock was not set is used
    only for a correction that says what the clock showed."""
    if item.captured is not None and item.local is not None:
        return Dated(item.captured, item.local, item.offset, item.zone or "")
    if how.kind != "clock" or not item.raw:
        return None
    clock = unset_clock(Tags.read(unpack(item.raw).encode()))
    return unset_clock_date(clock) if clock is not None else None


def _as_captured(local: str | None, offset: int | None, zone: str | None) -> str:
    """A date in the form of core.listings.FileView."""
    if local is None:
        return "clock not set" if zone == "unset" else ""
    return f"{local}Z" if zone == "utc" and offset is None else local
