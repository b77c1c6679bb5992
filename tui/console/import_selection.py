"""Finding imports and mirrors, for the commands that take an id."""

import os
from typing import TYPE_CHECKING

from core.errors import UsageError

if TYPE_CHECKING:
    from core.client.client import Client
    from core.listings import ImportRecord

UNFINISHED_STATES = ("running", "paused", "interrupted")


PAGE = 4096
"""Bytes of a page of the state database. One of a single page has no table: its first engine found no room."""


def any_yet(home: str) -> bool:
    """Whether there may be an import in the state folder `home`; if not, no engine is needed to say so."""
    from core.schema import DATABASE_FILE

    path = os.path.join(home, DATABASE_FILE)
    # What was written last may still be in the write-ahead log.
    return max(size(path), size(f"{path}-wal")) > PAGE


def size(path: str) -> int:
    """The size of a file; 0 where there is none."""
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def needed(home: str) -> None:
    """Raises UsageError when there is no import at all."""
    if not any_yet(home):
        raise UsageError("There is no import yet.", "Start one with: lading import SRC…")


async def unfinished(engine: "Client", name: str | None, *, everything: bool) -> list["ImportRecord"]:
    """The unfinished import that `name` identifies, or the only one there is, or all. Raises UsageError."""
    if name is not None:
        found = await engine.find(name)
        if found.state not in UNFINISHED_STATES:
            raise UsageError(f"Import {found.id} is {found.state}.", "There is nothing left to do in it.")
        return [found]
    records = await engine.imports(unfinished=True)
    if len(records) > 1 and not everything:
        names = ", ".join(f"{record.id} ({record.label or record.source})" for record in records)
        raise UsageError(f"Several imports are unfinished: {names}.", "Give one ID, or --all.")
    return records


async def mirror(engine: "Client", name: str | None) -> str:
    """The id of the running mirror that is `name` or begins with it; empty when there is none.

    After its time it has "mirror", which no import's id has.
    """
    if name is None or "-m" not in name:
        return ""
    views = (await engine.look()).mirrors
    return next((view.id for view in views if view.ended is None and view.id.startswith(name)), "")
