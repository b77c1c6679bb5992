"""Finding an import by its id, or by the beginning of it."""

import difflib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from core.errors import UsageError
from core.paths import display

Read = Callable[[str, Sequence[Any]], Awaitable[list[tuple[Any, ...]]]]
"""All rows of a query on committed data; `Database.read` is one."""

SHOWN = 5
"""Candidates that an error names at most."""

NEAREST_OF = 10_000
"""The newest imports, among which the nearest id is looked for."""


async def find(read: Read, name: str) -> int:
    """The row of the import whose id is `name`, or the only one whose id begins with it, in any case.

    Raises UsageError.
    """
    exact = await read("SELECT id FROM import WHERE name = ?", (name,))
    if exact:
        return int(exact[0][0])
    found = await read(
        "SELECT id, name FROM import WHERE lower(substr(name, 1, ?)) = lower(?) ORDER BY id DESC LIMIT ?",
        (len(name), name, SHOWN + 1),
    )
    if name and len(found) == 1:
        return int(found[0][0])
    if name and found:
        names = ", ".join(display(other) for _, other in found[:SHOWN])
        more = ", …" if len(found) > SHOWN else ""
        raise UsageError(f"Several imports begin with {display(name)}: {names}{more}.", "Give more of the id.")
    newest = await read("SELECT name FROM import ORDER BY id DESC LIMIT ?", (NEAREST_OF,))
    near = difflib.get_close_matches(name, [str(other) for (other,) in newest], n=1, cutoff=0.4)
    advice = f"Did you mean {display(near[0])}?" if near else "`lading imports` lists them."
    raise UsageError(f"There is no import {display(name) or 'without an id'}.", advice)
