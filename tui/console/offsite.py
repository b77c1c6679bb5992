"""Copies on remotes of rclone, for commands: upload, fetch and audit. This process does the work, no engine."""

import argparse
import hashlib
import os
from typing import TYPE_CHECKING

from core.errors import UsageError
from tui import format
from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.results import OffsiteAudit, OffsiteResult

PREFIX = "rclone:"
"""The prefix that distinguishes a remote from a folder."""

NAMED = 20
"""The most files that are named to a person."""


def mirror(options: argparse.Namespace, console: Console, home: str) -> Exit:
    """Run `lading mirror` from or to a remote. `home`: the state folder. Raises UsageError, OffsiteError."""
    import asyncio

    from core.offsite.fetch import Fetch
    from core.offsite.rclone import Rclone, Remote
    from core.offsite.upload import Upload

    up = options.target.startswith(PREFIX)
    if up and options.source.startswith(PREFIX):
        raise UsageError("FROM and TO are both remotes.", "Name an archive here as one of them.")
    if options.both or options.detach or options.plist:
        raise UsageError(
            "a remote is mirrored in one direction, while you wait.", "Leave --both, --detach, --plist."
        )
    remote = Remote.of(options.target if up else options.source)
    folder = os.path.abspath(options.source if up else options.target)
    rclone = Rclone()

    def tell(line: str) -> None:
        if not options.json and console.out.terminal:
            console.err.line(console.err.text(line))

    mark = hashlib.sha256(os.fsencode(f"{folder}\0{remote.spec}")).hexdigest()[:16]
    state = os.path.join(home, "offsite", mark)
    work = Upload(rclone, folder, remote, state, tell) if up else Fetch(rclone, remote, folder, tell)
    result: OffsiteResult = asyncio.run(work.go())
    if options.json:
        console.out.json(result, indent=2)
    else:
        _tell(result, console, up=up)
    return Exit.FAILED if result.lacking_count else Exit.WELL


def _tell(result: "OffsiteResult", console: Console, *, up: bool) -> None:
    out = console.out
    word = out.styled("KEEP", "bad") if result.lacking_count else out.styled("COMPLETE", "good")
    place = result.remote if up else result.archive
    held = f"{format.number(result.total - min(result.total, result.lacking_count))} of "
    out.line(f"{word}  {out.text(place)} holds {held}{format.counted(result.total, 'file')}")
    brought = f"{format.counted(result.brought, 'file')} ({format.size(result.brought_bytes)})"
    out.line(f"  brought: {brought}, compared {result.compared}, in {format.duration(result.seconds)}")
    if result.receipt:
        out.line(f"  what was compared is listed there: {out.text(result.receipt)}")
    _named(result.lacking, result.lacking_count, console)
    if not up and not result.lacking_count:
        out.line(f"  Go on with it: lading rebuild {out.text(place)}")


def audit(text: str, console: Console, *, json: bool) -> Exit:
    """Run `lading audit` of the remote `text`. Raises UsageError, OffsiteError."""
    import asyncio

    from core.offsite.audit import audit as audited
    from core.offsite.rclone import Rclone, Remote

    found: OffsiteAudit = asyncio.run(audited(Rclone(), Remote.of(text)))
    if json:
        console.out.json(found, indent=2)
    else:
        out = console.out
        word = out.styled("DAMAGED", "bad") if found.damaged_count else out.styled("WELL", "good")
        read = f"{format.number(found.well)} of {format.counted(found.checked, 'file')}"
        out.line(
            f"{word}  {out.text(found.remote)}: {read} as their bags say, in {format.duration(found.seconds)}"
        )
        _named(found.damaged, found.damaged_count, console)
    return Exit.FAILED if found.damaged_count else Exit.WELL


def _named(files: tuple[tuple[str, str], ...], count: int, console: Console) -> None:
    for path, why in files[:NAMED]:
        console.out.line(f"  {console.out.text(path)}: {console.out.text(why)}")
    if count > len(files[:NAMED]):
        console.out.line(f"  and {format.number(count - NAMED)} more")


def refuse(text: str) -> None:
    """Raise UsageError if an argument that must be a folder names a remote."""
    if text.startswith(PREFIX):
        raise UsageError("this needs the archive's files here.", f"Bring them first: lading mirror {text} DIR")
