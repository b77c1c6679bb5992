"""Copies on remotes of rclone, for commands: the results of mirrors, and the audit, which this process does."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from core.words import counted
from tui import format
from tui.console.exits import Exit
from tui.console.output import Console

if TYPE_CHECKING:
    from core.results import OffsiteAudit, OffsiteResult

NAMED = 20
"""The most files that are named to a person."""


def environ() -> dict[str, str]:
    """This command's environment, in which the engine runs rclone for it: what a person has exported in the
    terminal, such as RCLONE_CONFIG or a password, is in force. Values that are not UTF-8 are left out."""
    found: dict[str, str] = {}
    for name, value in os.environ.items():
        with suppress(UnicodeEncodeError):
            f"{name}{value}".encode()
            found[name] = value
    return found


def tell(result: "OffsiteResult", console: Console, *, up: bool) -> None:
    """Print the result of a mirror to (`up`) or from a remote for a person."""
    out = console.out
    word = out.styled("KEEP", "bad") if result.lacking_count else out.styled("COMPLETE", "good")
    place = result.remote if up else result.archive
    held = f"{format.number(result.total - min(result.total, result.lacking_count))} of "
    out.line(f"{word}  {out.text(place)} holds {held}{counted(result.total, 'file')}")
    brought = f"{counted(result.brought, 'file')} ({format.size(result.brought_bytes)})"
    out.line(f"  brought: {brought}, compared {result.compared}, in {format.duration(result.seconds)}")
    if result.receipt:
        out.line(f"  what was compared is listed there: {out.text(result.receipt)}")
    _print_files(result.lacking, result.lacking_count, console)
    if not up and not result.lacking_count:
        out.line(f"  Go on with it: lading rebuild {out.text(place)}")


def audit(text: str, console: Console, *, json: bool) -> Exit:
    """Run `lading audit` of the remote `text`. Raises UsageError, OffsiteError, StoppedError."""
    import asyncio

    from core.offsite.audit import audit as audited
    from core.offsite.rclone import Rclone, Remote
    from tui.console.attached import alone

    rclone, remote = Rclone(), Remote.of(text)
    found: OffsiteAudit = asyncio.run(alone(lambda: audited(rclone, remote)))
    if json:
        console.out.json(found, indent=2)
    else:
        out = console.out
        word = out.styled("DAMAGED", "bad") if found.damaged_count else out.styled("WELL", "good")
        read = f"{format.number(found.well)} of {counted(found.checked, 'file')}"
        out.line(
            f"{word}  {out.text(found.remote)}: {read} as their bags say, in {format.duration(found.seconds)}"
        )
        _print_files(found.damaged, found.damaged_count, console)
    return Exit.FAILED if found.damaged_count else Exit.WELL


def _print_files(files: tuple[tuple[str, str], ...], count: int, console: Console) -> None:
    for path, why in files[:NAMED]:
        console.out.line(f"  {console.out.text(path)}: {console.out.text(why)}")
    if count > len(files[:NAMED]):
        console.out.line(f"  and {format.number(count - NAMED)} more")
