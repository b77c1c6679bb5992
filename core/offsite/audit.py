"""The audit of a remote: reads all its files again, and compares them with the manifests of their bags."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from core import archive_layout
from core.bagit.tag_files import MANIFEST, TAG_MANIFEST
from core.offsite.rclone import OffsiteError, Rclone, RcloneResult, Remote
from core.offsite.upload_progress import NAMED
from core.paths import display
from core.results import OffsiteAudit

TAG_ATTEMPTS = 3
"""How often the tag files of a bag are compared: an upload may just be replacing them, one after the other."""

RETRY_PAUSE = 3.0
"""Seconds until they are compared again."""

EMPTY, UNVOUCHED = "0", "1"
"""The signs of a tag manifest that names no file, and of one that does not name the manifest of the payload. Only
the tag manifest shows whether that manifest is complete."""

WHY = {
    "*": "its content is not what was archived",
    "+": "it is not there",
    "!": "it cannot be read",
    EMPTY: "it names no file, so nothing was compared",
    UNVOUCHED: f"it does not name {MANIFEST}, which may be cut off",
}


async def audit(rclone: Rclone, remote: Remote) -> OffsiteAudit:
    """Read all files of all bags at a remote, and compare them. Raises OffsiteError."""
    began = time.monotonic()
    folders = await rclone.names(remote.at(archive_layout.LOCATIONS), "--dirs-only")
    if not folders:
        raise OffsiteError(f"{remote} holds no location.", "Name the remote as `lading mirror` was given it.")
    checked = well = count = 0
    damaged: list[tuple[str, str]] = []
    for folder in folders:
        path = archive_layout.location(folder.rstrip("/"))
        async with aclosing(_compare_bag(rclone, remote.at(path))) as files:
            async for sign, name in files:
                checked += 1
                well += sign == "="
                count += sign != "="
                if sign != "=" and len(damaged) < NAMED:
                    damaged.append((display(f"{path}/{name}"), WHY.get(sign, WHY["!"])))
    return OffsiteAudit(
        remote=str(remote),
        locations=len(folders),
        checked=checked,
        well=well,
        damaged_count=count,
        damaged=tuple(damaged),
        seconds=time.monotonic() - began,
    )


async def _compare_bag(rclone: Rclone, bag: str) -> AsyncGenerator[tuple[str, str], None]:
    """(sign, path) of each file of a bag. Raises OffsiteError."""
    # The tag manifest has the checksum of the manifest, which has those of all payload.
    tags: list[tuple[str, str]] = []
    for attempt in range(TAG_ATTEMPTS):
        await asyncio.sleep(RETRY_PAUSE if attempt else 0)
        tags = [one async for one in compare_with_manifest(rclone, bag, TAG_MANIFEST)]
        if all(sign == "=" for sign, _ in tags):
            break
    for one in tags:
        yield one
    async with aclosing(compare_with_manifest(rclone, bag, MANIFEST)) as files:
        async for one in files:
            yield one


async def compare_with_manifest(rclone: Rclone, bag: str, manifest: str) -> AsyncGenerator[tuple[str, str], None]:
    """(sign, path) of each file that a bag's manifest names, after reading it in full; signs as of
    `Rclone.compare`. A missing manifest is `+` itself, a tag manifest that vouches for nothing is EMPTY or
    UNVOUCHED. Raises OffsiteError."""
    with tempfile.TemporaryDirectory(prefix="lading-offsite-") as folder:
        sums = os.path.join(folder, manifest)
        ended, _ = await rclone.run("copyto", f"{bag}/{manifest}", sums)
        if ended.status or not await asyncio.to_thread(os.path.exists, sums):
            yield "+", manifest
            return
        named = vouched = False
        options = ("checksum", "sha256", sums, bag, "--download", "--one-way")
        async with aclosing(rclone.compare(RcloneResult(), *options)) as files:
            async for sign, name in files:
                named, vouched = True, vouched or name == MANIFEST
                yield sign, name
    if manifest == TAG_MANIFEST and not vouched:
        yield UNVOUCHED if named else EMPTY, manifest
