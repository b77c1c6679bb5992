"""What the catalog has recorded about the files of a source's volume."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from core.catalog import Catalog
from core.catalog.differing import Known
from core.importing.finish import differs, judge
from core.importing.sources import Picked
from core.paths import join
from core.workers.source_messages import Entry


class Judged(NamedTuple):
    """An entry of a source. `reason`, a key of KEEP_REASONS, stands in the way of SAFE; else `item` is what the
    archive has for it. Both are empty for an entry that cannot be copied, but is accepted."""

    entry: Entry
    reason: str
    item: int | None


class SourceRecord:
    """Judges entries of a source by what imports into one archive have seen under their paths.

    `unaccepted`: files that differ from an earlier import and were not accepted, by path. `unkept`: files without
    some of their extended attributes. `accepting`: what imports accept, by their row ids.
    """

    def __init__(
        self,
        catalog: Catalog,
        archive_id: int,
        root: bytes,
        volume: int | None,
        unaccepted: Mapping[bytes, Known],
        unkept: Collection[int],
        accepting: Mapping[int, Collection[str]],
    ) -> None:
        self._catalog = catalog
        self._archive_id = archive_id
        self._root = root
        self._volume = volume
        self._unaccepted = unaccepted
        self._unkept = unkept
        self._accepting = accepting

    @classmethod
    async def of(cls, catalog: Catalog, picked: Picked, archive_id: int) -> "SourceRecord":
        """The record of a source's volume. One that no import has seen has an empty record."""
        volume = await catalog.volume_id(picked.volume.identity)
        if volume is None:
            return cls(catalog, archive_id, picked.root, None, {}, (), {})
        return cls(
            catalog,
            archive_id,
            picked.root,
            volume,
            await catalog.unaccepted(volume, archive_id),
            await catalog.unkept_files(volume),
            await catalog.accepting(volume, archive_id),
        )

    async def judge(self, entries: list[Entry]) -> list[Judged]:
        """Judge these entries, in their order."""
        paths = [join(self._root, entry.path) for entry in entries]
        seen = {}
        if self._volume is not None:
            seen = await self._catalog.seen(self._volume, paths, self._archive_id)
        judged: list[Judged] = []
        for entry, path in zip(entries, paths, strict=True):
            reason, item = judge(entry, seen.get(path, []), self._unkept, self._accepting)
            if not reason and differs(entry, self._unaccepted.get(path)) is not None:
                reason = "differs"
            judged.append(Judged(entry, reason, item))
        return judged
