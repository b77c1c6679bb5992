"""What the queues thumbnail and video_proxy share: a temporary folder, names in the archive, publishing files, and
the rows about them."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from core import archive_layout, tools
from core.derivatives import places
from core.derivatives.messages import Made, MadeFile
from core.tasks.task import Context, ItemFacts, Result

WRITE = """
    INSERT OR REPLACE INTO derivative (item_id, role, path, width, height, size, note) VALUES (?, ?, ?, ?, ?, ?, ?)
"""

NO_ITEM = Result(error="The item is no longer in the catalog.", final=True)


def missing(names: Sequence[tools.Name]) -> str:
    """Empty when the programs are installed; else the first that is not, and the command that installs it."""
    for name in names:
        if tools.find(name) is None:
            return f"{name} is not installed: {tools.tool(name).install}"
    return ""


@asynccontextmanager
async def temporary_folder(context: Context) -> AsyncIterator[str]:
    """A new temporary folder in the scratch folder, removed afterwards."""
    path = await asyncio.to_thread(tempfile.mkdtemp, prefix="made-", dir=context.scratch)
    try:
        yield path
    finally:
        await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)


def stem(item: ItemFacts) -> str:
    """The beginning of the names of an item's derivatives."""
    return places.stem(item.path, item.xxh128)


def target(item: ItemFacts, folder: str, name: str) -> str:
    """The path of a derivative below the archive's root; `folder` is thumbnails or proxies."""
    return archive_layout.derivative(folder, item.xxh128, name)


async def publish(
    context: Context, item: ItemFacts, made: Made, place: str, folder: str, roles: Sequence[str]
) -> Result:
    """Publish the files made in the folder `place`. Without any file, the rows for `roles` say why there is none.

    Raises LadingError.
    """
    for file in made.files:
        await context.publish(item.archive_id, os.path.join(place, file.name), target(item, folder, file.name))
    files = made.files or [MadeFile(role, "", 0, 0, 0) for role in roles]
    rows = [
        (item.id, f.role, target(item, folder, f.name) if f.name else "", f.width, f.height, f.size, made.note)
        for f in files
    ]
    return Result(statements=[(WRITE, rows)])
