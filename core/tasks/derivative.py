"""What the queues of small copies share: the folder they are made in, their names in the archive, their rows."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from core import tools
from core.makers.messages import File, Made
from core.tasks.task import Context, ItemFacts, Result

WRITE = """
    INSERT OR REPLACE INTO derivative (item_id, role, path, width, height, size, note) VALUES (?, ?, ?, ?, ?, ?, ?)
"""

NO_ITEM = Result(error="The item is no longer in the catalog.", final=True)


def missing(names: Sequence[tools.Name], search: str | None) -> str:
    """Empty when the programs are there; else the first that is not, and the command that installs it."""
    for name in names:
        if tools.find(name, search) is None:
            return f"{name} is not installed: {tools.tool(name, search=search).install}"
    return ""


@contextmanager
def folder(context: Context) -> Iterator[str]:
    """A new folder in the scratch folder, which is gone in the end."""
    path = tempfile.mkdtemp(prefix="made-", dir=context.scratch)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def stem(item: ItemFacts) -> str:
    """What the names of an item's small copies begin with: its digest, as in the name of its payload.

    Contents that share a digest have different payload names.
    """
    name = os.path.splitext(os.path.basename(item.path))[0]
    return name if name.startswith(item.xxh128) else item.xxh128


def target(item: ItemFacts, shelf: str, name: str) -> str:
    """Where a small copy stands below the archive's root; `shelf` is thumbnails or proxies."""
    return f".lading/{shelf}/{item.xxh128[:2]}/{name}"


async def published(
    context: Context, item: ItemFacts, made: Made, place: str, shelf: str, roles: Sequence[str]
) -> Result:
    """Publish what was made in the folder `place`; without any file, rows for `roles` that say why.

    Raises LadingError.
    """
    for file in made.files:
        await context.publish(item.archive_id, os.path.join(place, file.name), target(item, shelf, file.name))
    files = made.files or [File(role, "", 0, 0, 0) for role in roles]
    rows = [
        (item.id, f.role, target(item, shelf, f.name) if f.name else "", f.width, f.height, f.size, made.note)
        for f in files
    ]
    return Result(statements=[(WRITE, rows)])
