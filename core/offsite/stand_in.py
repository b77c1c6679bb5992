"""A folder that stands for a remote while the catalog is rebuilt: it holds the remote's records of the archive,
and for each payload a file of the same size without content."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing

from core import archive_layout
from core.bagit.tag_files import TAG_MANIFEST
from core.checksums.names import below
from core.offsite.audit import WHY, compare_with_manifest
from core.offsite.rclone import OffsiteError, Rclone, RcloneResult, Remote
from core.paths import display

RECORDS = (
    f"- /{archive_layout.LOCATIONS}/*/data/**",
    f"+ /{archive_layout.LOCATIONS}/**",
    f"+ /{archive_layout.ARCHIVE_TOML}",
    *(f"+ /{path}/**" for path in (archive_layout.JOURNALS, archive_layout.MOVES, archive_layout.ACCESS_NOTES)),
    "- *",
)
"""Filters of rclone: what is brought from the remote."""

PAGE = 1000
"""Files made at a time."""


async def make(rclone: Rclone, remote: Remote, folder: str) -> list[str]:
    """Fill an empty folder on a local disk. Returns what is wrong with the bags' tag files. Raises
    OffsiteError."""
    filters = [f"--filter={rule}" for rule in RECORDS]
    await rclone.must("copy", remote.spec, folder, *filters)
    problems: list[str] = []
    for name in await rclone.names(remote.at(archive_layout.LOCATIONS), "--dirs-only"):
        path = archive_layout.location(name.rstrip("/"))
        async with aclosing(compare_with_manifest(rclone, os.path.join(folder, path), TAG_MANIFEST)) as files:
            async for sign, tag in files:
                if sign != "=":
                    problems.append(display(f"{path}/{tag}: {WHY.get(sign, WHY['!'])}"))
        payload = f"{path}/data"
        async with aclosing(_listed(rclone, remote.at(payload))) as pages:
            async for page in pages:
                await asyncio.to_thread(_make, os.path.join(folder, payload), page)
    return problems


async def _listed(rclone: Rclone, place: str) -> AsyncGenerator[list[tuple[int, str]], None]:
    """Pages of (size, path) of all files below a folder of a remote. Raises OffsiteError."""
    ended, page = RcloneResult(), list[tuple[int, str]]()
    options = ("--recursive", "--files-only", "--format", "sp", "--separator", "\t")
    async with aclosing(rclone.lines(ended, "lsf", place, *options)) as lines:
        async for line in lines:
            size, _, path = line.partition("\t")
            page.append((int(size), path))
            if len(page) >= PAGE:
                yield page
                page = []
    if ended.status and not ended.not_found:
        raise OffsiteError(f"{ended.why}.", "Try once more.")
    yield page


def _make(folder: str, files: list[tuple[int, str]]) -> None:
    for size, path in files:
        name = os.fsencode(path)
        if size < 0 or below(b"", name) != name:
            continue
        there = os.path.join(os.fsencode(folder), name)
        os.makedirs(os.path.dirname(there), exist_ok=True)
        with open(there, "wb") as file:
            file.truncate(size)
