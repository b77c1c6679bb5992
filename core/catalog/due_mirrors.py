"""Mirrors that imports have asked for and that are not made yet: what one engine did not bring, the next one
does."""

import os

from core.catalog.base import Table


class DueMirrors(Table):
    """The table `due_mirror`. A mirror is known by the path of its archive and by its target."""

    async def mirror_due(self, source: str, target: str, name: str) -> None:
        """Record that the import `name`, which has ended, asks for a mirror."""
        sql = (
            "INSERT INTO due_mirror (source, target, import) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET import = excluded.import, held = 0"
        )
        await self.database.run((sql, [(*_key(source, target), name)]))

    async def hold_mirror(self, source: str, target: str, *, held: bool) -> None:
        """Record whether a person has paused a mirror. Nothing is recorded of a mirror that no import has asked
        for."""
        sql = "UPDATE due_mirror SET held = ? WHERE source = ? AND target = ?"
        await self.database.run((sql, [(held, *_key(source, target))]))

    async def mirror_made(self, source: str, target: str) -> None:
        """Record that a mirror is made, or that a person has given it up."""
        await self.database.run(("DELETE FROM due_mirror WHERE source = ? AND target = ?", [_key(source, target)]))

    async def due_mirrors(self) -> list[tuple[str, str, str]]:
        """(source, target, import) of all that are due and not paused."""
        rows = await self.database.read("SELECT source, target, import FROM due_mirror WHERE held = 0")
        return [(os.fsdecode(source), os.fsdecode(target), name) for source, target, name in rows]


def _key(source: str, target: str) -> tuple[bytes, bytes]:
    return os.fsencode(source), os.fsencode(target)
