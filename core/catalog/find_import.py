"""Finding an import by its id, by a part of its id, or by its label."""

import difflib
from collections.abc import Iterable

from core.database import Read
from core.errors import UsageError
from core.paths import display

SHOWN = 5
"""The most candidates that an error names."""

NEAREST_OF = 10_000
"""How many of the newest imports are searched for the most similar id."""

LEAST_CHARACTERS = 4
"""The fewest characters of a part of an id that is not its beginning."""

CALLED = "are called"
_LABEL = "lower(coalesce(nullif(options ->> 'label', ''), ''))"
_WAYS = (
    # Ids begin with a time, and end with a random part that tells imports of the same moment apart.
    ("begin with", "lower(substr(name, 1, length(?1))) = lower(?1)", 1),
    ("have ids with", "instr(lower(name), lower(?1)) > 0", LEAST_CHARACTERS),
    (CALLED, f"{_LABEL} = lower(?1)", 1),
)


class NoImportError(UsageError):
    """No import fits."""


async def find(read: Read, name: str) -> int:
    """The row id of the import whose id is `name`; else of the only one whose id begins with `name` or contains
    it, or whose label is `name`. Case is ignored.

    Of several with that label, the only one that is neither done nor cancelled. Raises UsageError when several
    fit, NoImportError when none does.
    """
    exact = await read("SELECT id FROM import WHERE name = ?", (name,))
    if exact:
        return int(exact[0][0])
    for way, fits, least in _WAYS:
        if len(name) < least:
            continue
        found = await read(
            f"SELECT id, name, state FROM import WHERE {fits} ORDER BY id DESC LIMIT ?2",  # noqa: S608 - see above
            (name, SHOWN + 1),
        )
        unfinished = [row for row in found if row[2] in ("running", "paused")]
        if len(found) == 1 or (way == CALLED and len(unfinished) == 1):
            return int((found if len(found) == 1 else unfinished)[0][0])
        if found:
            names = ", ".join(display(other) for _, other, _ in found[:SHOWN])
            more = ", …" if len(found) > SHOWN else ""
            raise UsageError(f"Several imports {way} {display(name)}: {names}{more}.", "Give more of the id.")
    newest = await read("SELECT name FROM import ORDER BY id DESC LIMIT ?", (NEAREST_OF,))
    advice = nearest(name, [str(other) for (other,) in newest]) or "`lading imports` lists them."
    raise NoImportError(f"There is no import {display(name) or 'without an id'}.", advice)


def nearest(name: str, known: Iterable[str]) -> str:
    """The question whether the most similar of the known names was meant; empty if none is similar."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"Did you mean {display(near[0])}?" if near else ""
