"""Films that an import has as numbered pictures: detection, and their frames listed as one."""

from collections.abc import AsyncIterator

from core.catalog.base import Table
from core.catalog.rows import Item
from core.media.frames import FRAME_ENDINGS, FilmFrames, Numbers, frame
from core.media.makers.rule import Role
from core.models import Outcome
from core.paths import relative

PAGE = 2000
"""Files per page."""

WHOLE = f"f.outcome IN ({int(Outcome.ARCHIVED)}, {int(Outcome.DUPLICATE)})"
_FRAME = f"o.role = '{Role.FRAME}'"
SHOWN = f"NOT ({WHOLE} AND EXISTS (SELECT 1 FROM link o WHERE o.file_id = f.id AND {_FRAME}))"  # noqa: S608
"""SQL condition for lists: the file is not a further frame, which the first frame stands for. A frame that failed
is shown."""

_LIKELY = f"lower(CAST(substr(f.path, -3) AS TEXT)) IN ({', '.join(repr(ending) for ending in FRAME_ENDINGS)})"
_CANDIDATES = f"""
    SELECT f.id, f.path FROM file f WHERE f.import_id = ? AND f.id > ? AND {_LIKELY} ORDER BY f.id LIMIT ?
"""  # noqa: S608 - constants
_SINGLE = f"""
    SELECT f.id, f.path, t.id, t.location_id, t.xxh128, t.sha256, t.size, t.kind, t.path, t.level,
           t.read_back, t.damage
    FROM file f CROSS JOIN item t ON t.id = f.item_id
    WHERE f.import_id = ? AND f.id > ? AND f.outcome = {int(Outcome.ARCHIVED)} AND {_LIKELY}
        AND NOT EXISTS (SELECT 1 FROM link o WHERE o.file_id = f.id AND {_FRAME})
        AND NOT EXISTS (SELECT 1 FROM job j WHERE j.item_id = t.id AND j.location_id = 0 AND j.import_id = 0)
    ORDER BY f.id LIMIT ?
"""  # noqa: S608 - constants


class Sequences(Table):
    """The table of films in numbered pictures. Their further frames are linked to the first frame."""

    async def keep_sequences(self, import_id: int, root: bytes, films: dict[bytes, FilmFrames]) -> None:
        """Record the films of an import whose listing is complete, with the further frames of each. Earlier ones
        of it are replaced.

        films: by the key that their frames share, of all its files.
        """
        await self.database.run(("DELETE FROM sequence WHERE import_id = ?", [(import_id,)]))
        if not films:
            return
        numbers = {shared: Numbers(film.first, film.last) for shared, film in films.items()}
        links: list[tuple[int, int, str]] = []
        async for id, shared, number in self._frames(import_id, root):
            if shared not in films:
                continue
            numbers[shared].add(number)
            if id != films[shared].file_id:
                links.append((id, films[shared].file_id, str(Role.FRAME)))
            if len(links) >= PAGE:
                await self._link_frames(links)
                links = []
        await self._link_frames(links)
        rows = [(film.file_id, import_id, film.count, numbers[shared].text()) for shared, film in films.items()]
        await self.database.run(("INSERT OR REPLACE INTO sequence VALUES (?, ?, ?, ?)", rows))

    async def _frames(self, import_id: int, root: bytes) -> AsyncIterator[tuple[int, bytes, int]]:
        after = 0
        while rows := await self.database.read(_CANDIDATES, (import_id, after, PAGE)):
            after = rows[-1][0]
            for id, path in rows:
                if found := frame(relative(root, path)):
                    yield id, *found

    async def _link_frames(self, links: list[tuple[int, int, str]]) -> None:
        await self.database.run(
            ("DELETE FROM link WHERE file_id = ?", [(file,) for file, _, _ in links]),
            ("INSERT INTO link (file_id, owner_id, role) VALUES (?, ?, ?)", links),
        )

    async def single_frames(self, import_id: int, root: bytes) -> AsyncIterator[list[Item]]:
        """Pages of newly archived items without any jobs whose files looked like frames but are shown by
        themselves: single pictures, and first frames of films."""
        after = 0
        while rows := await self.database.read(_SINGLE, (import_id, after, PAGE)):
            after = rows[-1][0]
            yield [Item(*row[2:]) for row in rows if frame(relative(root, row[1]))]
