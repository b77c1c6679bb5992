"""Converts the lines of a journal to items and files of the catalog."""

import os
import time
from collections.abc import Iterable, Sequence

import msgspec

from core import archive_layout
from core.archives.archive import Archive
from core.archives.dedup import Claim, Dedup, Owner
from core.catalog import Catalog, FailureRow, FileRow, ImportRow, Item, SeenRow
from core.catalog.files import ATTRIBUTES_UNKEPT
from core.content import Content
from core.journal.file_lines import FileLine, file_line, folder_lines
from core.journal.journal_format import Line
from core.media.frames import frame
from core.media.stems import stem_key
from core.models import IN_ARCHIVE
from core.paths import join
from core.queue import enqueue
from core.workers import archive_messages, messages
from core.workers.pool import Pool

ABSENT = "it is no longer there"
"""Damage of an item whose payload the archive once held and no longer has."""


class LineReplay:
    """Replays the lines of one import's journal: first all lines for their items, then all for their files.

    `dedup` and `owner` are given for an import that is just running. `ended`: the import has ended, so no payload
    that it journaled is still to be published.
    """

    def __init__(
        self,
        archive: Archive,
        catalog: Catalog,
        pool: Pool,
        row: ImportRow,
        dedup: Dedup | None = None,
        owner: Owner | None = None,
    ) -> None:
        self.row = row
        self.ended = False
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._dedup = dedup
        self._owner = owner
        # Whether this catalog's own engine ran the import: then it has committed all but the last batches itself.
        self._ours = row.runs > 0

    def _parse(self, lines: Iterable[Line]) -> list[FileLine]:
        parsed = (file_line(line) for line in lines if "file" in line or "entry" in line)
        below = f"{archive_layout.payload_folder(self.row.location_folder)}/"
        return [
            line
            for line in parsed
            if line is not None
            and (not line.payload or (line.payload.startswith(below) and ".." not in line.payload.split("/")))
        ]

    # Items

    async def items(self, lines: Iterable[Line]) -> None:
        """Insert or update the items whose payload is present. Raises what asking a worker raises.

        Of several payloads of one content the later one is used when the earlier is damaged. What an interrupted
        run of our own published is read back first.
        """
        wanted = {line.content: line for line in self._parse(lines) if line.content and line.payload}
        known = await self._items_by_content(wanted)
        new: list[FileLine] = []
        other: list[tuple[Item, FileLine]] = []
        for content, line in wanted.items():
            item = self._own_item(known.get(content, []))
            if item is None:
                new.append(line)
            elif item.path != line.payload:
                other.append((item, line))
        claims = self._claim([*new, *(line for _, line in other)])
        try:
            present = await self._present_lines(list(claims))
            arrived = [line for line in new if line in present]
            levels = await self._read_back(arrived) if self._ours else {}
            items = [
                self._make_item(self._catalog.new_item_id(), line, levels.get(line.payload))
                for line in arrived
                if not self._ours or line.payload in levels
            ]
            for item, line in other:
                if line in present and (level := await self._better_level(item, line)) is not None:
                    items.append(self._make_item(item.id, line, level))
            paths = {line.content: line.path for line in claims}
            frames = {one.id for one in items if frame(paths[one.content])}
            await self._commit(items, frames)
            made = {item.content: item for item in items}
            for line, claim in claims.items():
                if self._dedup and claim and line.content:
                    self._dedup.settle(claim, made.get(line.content))
        finally:
            for claim in claims.values():
                if self._dedup and claim:
                    self._dedup.settle(claim, None)

    def _own_item(self, items: Sequence[Item]) -> Item | None:
        """The item that stands for a content in the import's location: one of that location, else a damaged one;
        else None."""
        there = (item for item in items if item.location_id == self.row.location_id)
        return next(there, None) or next((item for item in items if item.damage is not None), None)

    def _claim(self, lines: list[FileLine]) -> dict[FileLine, Claim | None]:
        """The lines to replay, with their claims; without contents that another import is bringing in now."""
        if self._dedup is None or self._owner is None:
            return dict.fromkeys(lines)
        claims: dict[FileLine, Claim | None] = {}
        for line in lines:
            if line.content and self._dedup.holder(self._owner, line.content) is None:
                claims[line] = self._dedup.take(self._owner, line.content)
        return claims

    async def _present_lines(self, lines: list[FileLine]) -> set[FileLine]:
        """The lines whose payload is present at its size. The folders of the payload are synced before this
        returns, so that it is still there after a crash."""
        if not lines:
            return set()
        place = self._archive.place
        async with self._pool.worker("journals") as worker:
            request = archive_messages.Presence(place, [(line.payload, line.size) for line in lines])
            there = (await worker.ask(request, archive_messages.Present)).there
            present = [line for line, is_there in zip(lines, there, strict=True) if is_there]
            folders = sorted({os.path.dirname(line.payload) for line in present})
            if self._archive.writable:
                await worker.ask(archive_messages.SyncFolders(place, folders), messages.Done)
        return set(present)

    async def _better_level(self, item: Item, line: FileLine) -> str | None:
        """The verification level of the line's payload, if it is intact and the item's own is not; else None."""
        before = msgspec.structs.replace(line, payload=item.path)
        levels = await self._read_back([line, before])
        return None if item.damage is None and item.path in levels else levels.get(line.payload)

    async def _read_back(self, lines: list[FileLine]) -> dict[str, str]:
        """The verification level by payload, for those payloads whose digests match the journal's."""
        wanted = [(line.payload, *_digests(line)) for line in lines]
        async with self._pool.worker("journals") as worker:
            results = (
                await worker.ask(archive_messages.Audit(self._archive.place, wanted), archive_messages.Audited)
            ).files
        return {one[0]: level for one, (level, fault) in zip(wanted, results, strict=True) if fault is None}

    def _make_item(self, id: int, line: FileLine, level: str | None, damage: str | None = None) -> Item:
        size, xxh128, sha256 = _digests(line)
        read_back = None if level is None else time.time()
        return Item(
            id,
            self.row.location_id,
            xxh128,
            sha256,
            size,
            line.kind,
            line.payload,
            level or "",
            read_back,
            damage,
        )

    async def _commit(self, items: list[Item], frames: set[int]) -> None:
        if items:
            new = [(self._archive.id, item) for item in items]
            there = [(archive, item) for archive, item in new if item.damage is None]
            await self._catalog.settle(new, [], enqueue.of_items(there, self.row.id, frames))

    async def _items_by_content(self, contents: Iterable[Content]) -> dict[Content, list[Item]]:
        found: dict[Content, list[Item]] = {}
        for item in await self._catalog.with_digests(
            self._archive.id, None, [xxh128 for _, xxh128, _ in contents]
        ):
            found.setdefault(item.content, []).append(item)
        return found

    # Files

    async def files(self, lines: list[Line]) -> None:
        """Write file and folder rows for the lines. Rows that the catalog has settled already are not changed."""
        newest = {line.path: line for line in self._parse(lines)}
        paths = {path: join(self.row.root, path) for path in newest}
        seen = await self._catalog.seen(self.row.volume_id, list(paths.values()), self.row.archive_id)
        mine = {row.path: row for rows in seen.values() for row in rows if row.import_id == self.row.id}
        wanted = [line for line in newest.values() if not self._is_settled(mine.get(paths[line.path]))]
        items = await self._items_for_files(wanted)
        if self._ours and not self.ended:
            # Everything else that the run journaled is done again, because it may not have been published.
            made = [one for one in wanted if one.content in items and items[one.content].path == one.payload]
            present = await self._present_lines(made)
            wanted = [line for line in made if line in present]
        new: list[FileRow] = []
        changed: list[FileRow] = []
        unkept: list[int] = []
        failed: list[FailureRow] = []
        for line in wanted:
            item = items.get(line.content) if line.content and line.outcome in IN_ARCHIVE else None
            if line.outcome in IN_ARCHIVE and item is None:
                continue  # journaled, but its payload was never published: still to do
            row = mine.get(paths[line.path])
            made_row = FileRow(
                row.id if row else self._catalog.new_file_id(),
                self.row.id,
                self.row.volume_id,
                paths[line.path],
                stem_key(line.path),
                line.size,
                line.mtime_ns,
                line.kind,
                line.outcome,
                item.id if item else None,
                line.reason or (f"{ATTRIBUTES_UNKEPT}: {line.unkept}" if line.unkept else None),
                line.sort,
                line.target,
            )
            if line.unkept:
                unkept.append(made_row.id)
            (changed if row else new).append(made_row)
            if line.failure:
                stage, side, code, detail = line.failure
                failed.append(FailureRow(made_row.id, stage, 0, side, code, detail))
        folders = folder_lines(lines)
        far = [(self.row.id, line.path, line.far) for line in wanted if line.far]
        far += [(self.row.id, path, ns) for path, _, ns in folders if ns]
        times_of = [(self.row.id, path, mtime_ns) for path, mtime_ns, _ in folders]
        await self._catalog.enter(new, changed, times_of, far=far, failed=failed)
        if unkept:
            await self._catalog.database.run(*self._catalog.unkept_statement(unkept))
        await self._record_differing(wanted, {row.path: row.id for row in (*new, *changed)})

    async def _record_differing(self, lines: list[FileLine], files: dict[bytes, int]) -> None:
        """Record which of these files differ from what an earlier import read."""
        paths = [(line.before, join(self.row.root, line.path)) for line in lines if line.before]
        told = [(before, files[path]) for before, path in paths if path in files]
        known = await self._items_by_content({before[0] for before, _ in told}) if told else {}
        rows = [
            (number, items[0].id, imported)
            for (content, imported), number in told
            if (items := known.get(content))
        ]
        await self._catalog.database.run(*self._catalog.differing_statement(rows))

    def _is_settled(self, row: SeenRow | None) -> bool:
        """Whether this catalog's own engine has already committed the file as archived or as a duplicate."""
        return self._ours and row is not None and row.outcome in IN_ARCHIVE

    async def _items_for_files(self, lines: list[FileLine]) -> dict[Content | None, Item]:
        """Items by content. For an ended import, items are also inserted, as damaged, for payload that is no
        longer present."""
        contents = {line.content for line in lines if line.content}
        known = await self._items_by_content(contents)
        found: dict[Content | None, Item] = {
            content: self._own_item(items) or items[0] for content, items in known.items()
        }
        lost = {
            line.content: line
            for line in lines
            if self.ended and line.content and line.payload and line.content not in known
        }
        items = [self._make_item(self._catalog.new_item_id(), line, None, ABSENT) for line in lost.values()]
        await self._commit(items, set())
        return found | {item.content: item for item in items}


def _digests(line: FileLine) -> Content:
    return line.content or Content(0, b"", b"")
