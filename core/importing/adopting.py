"""From the lines of a journal to items and files of the catalog."""

import os
import time
from collections.abc import Iterable, Sequence

import msgspec

from core.archives.archive import Archive
from core.catalog import Catalog, FileRow, ImportRow, Item, SeenRow, beside
from core.importing.gate import Claim, Content, Gate, Owner
from core.importing.journal import Line
from core.media.cards import stem_key
from core.models import Outcome
from core.paths import decode
from core.queue import plan
from core.workers import messages
from core.workers.pool import Pool

ABSENT = "it is no longer there"
"""Damage of an item whose payload the archive once held."""

FINAL = (Outcome.ARCHIVED, Outcome.DUPLICATE)

_LIMIT = 2**63
"""SQLite's integers have 64 bits."""


class FileLine(msgspec.Struct, frozen=True):
    """A line about one entry. `content` is None for one that was never read, `payload` "" where none was made."""

    path: bytes
    outcome: Outcome
    size: int
    mtime_ns: int
    kind: str
    content: Content | None
    payload: str
    reason: str


class Adopter:
    """Takes up the lines of one import's journal: first all for their items, then all for their files.

    `gate` and `owner`: of a run of it under way. `ended`: nothing that it journaled is still to arrive.
    """

    def __init__(
        self,
        archive: Archive,
        catalog: Catalog,
        pool: Pool,
        row: ImportRow,
        gate: Gate | None = None,
        owner: Owner | None = None,
    ) -> None:
        self.row = row
        self.ended = False
        self._archive = archive
        self._catalog = catalog
        self._pool = pool
        self._gate = gate
        self._owner = owner
        # One that this catalog's engine ran has been settled here as far as it went.
        self._ours = row.runs > 0

    def _parsed(self, lines: Iterable[Line]) -> list[FileLine]:
        parsed = (_file_line(line) for line in lines if "file" in line or "entry" in line)
        below = f"locations/{self.row.location_folder}/data/"
        return [
            line
            for line in parsed
            if line is not None
            and (not line.payload or (line.payload.startswith(below) and ".." not in line.payload.split("/")))
        ]

    # Items

    async def items(self, lines: Iterable[Line]) -> None:
        """Make or mend the items whose payload is there. Raises what asking a worker raises.

        Of several payloads of one content a later one counts when the one before it is damaged. What an
        interrupted run published is read back first.
        """
        wanted = {line.content: line for line in self._parsed(lines) if line.content and line.payload}
        known = await self._known(wanted)
        new: list[FileLine] = []
        other: list[tuple[Item, FileLine]] = []
        for content, line in wanted.items():
            item = self._own(known.get(content, []))
            if item is None:
                new.append(line)
            elif item.path != line.payload:
                other.append((item, line))
        claims = self._claimed([*new, *(line for _, line in other)])
        try:
            present = await self._present(list(claims))
            arrived = [line for line in new if line in present]
            levels = await self._read_back(arrived) if self._ours else {}
            items = [
                self._item(self._catalog.new_item_id(), line, levels.get(line.payload))
                for line in arrived
                if not self._ours or line.payload in levels
            ]
            for item, line in other:
                if line in present and (level := await self._better(item, line)) is not None:
                    items.append(self._item(item.id, line, level))
            await self._commit(items)
            made = {(item.size, item.xxh128, item.sha256): item for item in items}
            for line, claim in claims.items():
                if self._gate and claim and line.content:
                    self._gate.settle(claim, made.get(line.content))
        finally:
            for claim in claims.values():
                if self._gate and claim:
                    self._gate.settle(claim, None)

    def _own(self, items: Sequence[Item]) -> Item | None:
        """The item that stands for a content in the import's location: one there, or one that is damaged."""
        there = (item for item in items if item.location_id == self.row.location_id)
        return next(there, None) or next((item for item in items if item.damage is not None), None)

    def _claimed(self, lines: list[FileLine]) -> dict[FileLine, Claim | None]:
        """The lines to take up, with their claims; without those that another import brings in now."""
        if self._gate is None or self._owner is None:
            return dict.fromkeys(lines)
        claims: dict[FileLine, Claim | None] = {}
        for line in lines:
            if line.content and self._gate.holder(self._owner, line.content) is None:
                claims[line] = self._gate.take(self._owner, line.content)
        return claims

    async def _present(self, lines: list[FileLine]) -> set[FileLine]:
        """Those whose payload is there at its size; that it stays is made sure before it counts."""
        if not lines:
            return set()
        place = self._archive.place
        async with self._pool.worker("journals") as worker:
            request = messages.Presence(place, [(line.payload, line.size) for line in lines])
            there = (await worker.ask(request, messages.Present)).there
            present = [line for line, is_there in zip(lines, there, strict=True) if is_there]
            folders = sorted({os.path.dirname(line.payload) for line in present})
            await worker.ask(messages.SyncFolders(place, folders), messages.Done)
        return set(present)

    async def _better(self, item: Item, line: FileLine) -> str | None:
        """The level that the line's payload reached on reading it back, if it is well and the item's is not."""
        before = msgspec.structs.replace(line, payload=item.path)
        levels = await self._read_back([line, before])
        return None if item.damage is None and item.path in levels else levels.get(line.payload)

    async def _read_back(self, lines: list[FileLine]) -> dict[str, str]:
        """The level reached, by payload, for those whose content is what the journal says."""
        wanted = [(line.payload, *_digests(line)) for line in lines]
        async with self._pool.worker("journals") as worker:
            results = (await worker.ask(messages.Audit(self._archive.place, wanted), messages.Audited)).files
        return {one[0]: level for one, (level, fault) in zip(wanted, results, strict=True) if fault is None}

    def _item(self, id: int, line: FileLine, level: str | None, damage: str | None = None) -> Item:
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

    async def _commit(self, items: list[Item]) -> None:
        if items:
            new = [(self._archive.id, item) for item in items]
            there = [(archive, item) for archive, item in new if item.damage is None]
            await self._catalog.settle(new, [], plan.of_items(there, self.row.id))

    async def _known(self, contents: Iterable[Content]) -> dict[Content, list[Item]]:
        found: dict[Content, list[Item]] = {}
        for item in await self._catalog.known(self._archive.id, None, [xxh128 for _, xxh128, _ in contents]):
            found.setdefault((item.size, item.xxh128, item.sha256), []).append(item)
        return found

    # Files

    async def files(self, lines: list[Line]) -> None:
        """File and folder rows for the lines; those the catalog has settled already stay as they are."""
        newest = {line.path: line for line in self._parsed(lines)}
        paths = {path: beside(self.row.root, path) for path in newest}
        seen = await self._catalog.seen(self.row.volume_id, list(paths.values()), self.row.archive_id)
        mine = {row.path: row for rows in seen.values() for row in rows if row.import_id == self.row.id}
        wanted = [line for line in newest.values() if not self._settled(mine.get(paths[line.path]))]
        items = await self._items_of(wanted)
        if self._ours and not self.ended:
            # What else it journaled is done again: nothing says that it arrived.
            made = [one for one in wanted if one.content in items and items[one.content].path == one.payload]
            present = await self._present(made)
            wanted = [line for line in made if line in present]
        new: list[FileRow] = []
        changed: list[FileRow] = []
        for line in wanted:
            item = items.get(line.content) if line.content and line.outcome in FINAL else None
            if line.outcome in FINAL and item is None:
                continue  # journaled, but its payload never arrived: still to do
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
                line.reason or None,
            )
            (changed if row else new).append(made_row)
        await self._catalog.enter(new, changed, self._folders(lines))

    def _settled(self, row: SeenRow | None) -> bool:
        return self._ours and row is not None and row.outcome in FINAL

    async def _items_of(self, lines: list[FileLine]) -> dict[Content | None, Item]:
        """Items by content; for an ended import, new ones for payload that is gone by now."""
        contents = {line.content for line in lines if line.content}
        known = await self._known(contents)
        found: dict[Content | None, Item] = {
            content: self._own(items) or items[0] for content, items in known.items()
        }
        lost = {
            line.content: line
            for line in lines
            if self.ended and line.content and line.payload and line.content not in known
        }
        items = [self._item(self._catalog.new_item_id(), line, None, ABSENT) for line in lost.values()]
        await self._commit(items)
        return found | {(item.size, item.xxh128, item.sha256): item for item in items}

    def _folders(self, lines: list[Line]) -> list[tuple[int, bytes, int]]:
        found: list[tuple[int, bytes, int]] = []
        for line in lines:
            if "folder" in line:
                try:
                    found.append((self.row.id, decode(line["folder"]), _whole(line["mtime_ns"], -_LIMIT)))
                except (KeyError, TypeError, ValueError):
                    continue
        return found


def _digests(line: FileLine) -> Content:
    return line.content or (0, b"", b"")


def _file_line(line: Line) -> FileLine | None:
    """A `file` or `entry` line, or None when it makes no sense."""
    try:
        size, mtime_ns = _whole(line["size"], 0), _whole(line["mtime_ns"], -_LIMIT)
        content = None
        if "xxh128" in line:
            content = size, bytes.fromhex(line["xxh128"]), bytes.fromhex(line["sha256"])
            if (len(content[1]), len(content[2])) != (16, 32):
                return None
        return FileLine(
            decode(line["file"] if "file" in line else line["entry"]),
            Outcome[line["outcome"].upper()],
            size,
            mtime_ns,
            str(line.get("kind", "")),
            content,
            str(line.get("payload", "")),
            str(line.get("reason", "")),
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return None


def _whole(value: object, least: int) -> int:
    """A number that the catalog can hold. Raises TypeError, ValueError."""
    if not isinstance(value, int):
        raise TypeError
    if not least <= value < _LIMIT:
        raise ValueError
    return value
