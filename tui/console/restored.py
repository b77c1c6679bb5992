"""Printing the result of a restore for a person."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.words import counted
from tui.console.output import Output

if TYPE_CHECKING:
    from core.results import RestoreResult

NAMED = 20
"""The most files per list (failed, renamed, …) that are named to a person."""


def tell(found: "RestoreResult", target: str, out: Output) -> None:
    """Print the result. `target`: the destination."""
    from tui import format

    if found.dry:
        amount = f"{counted(found.restored.files, 'file')} ({format.size(found.restored.bytes)})"
        out.line(f"{out.styled('NOTHING DONE', 'bold')}  {amount} would go to {out.text(target)}")
        for path, where in found.planned:
            out.line(f"  {out.text(path)} → {out.text(where)}")
        if (more := found.planned_count - len(found.planned)) > 0:
            out.line(f"  and {format.number(more)} more")
        _unread(found, out)
        return
    word = out.styled("FAILED", "bad") if found.failed_count else out.styled("RESTORED", "good")
    amount = f"{counted(found.restored.files, 'file')} ({format.size(found.restored.bytes)})"
    there = f", {format.number(found.there.files)} lay there already" if found.there.files else ""
    out.line(f"{word}  {amount} to {out.text(target)} in {format.duration(found.seconds)}{there}")
    if found.links:
        out.line(f"  {counted(found.links, 'symbolic link')} to what they pointed to")
    if found.copy:
        out.line(f"  from a copy of the archive, at {out.text(found.copy)}")
    if found.folders:
        out.line(f"  a folder for each card: {', '.join(map(out.text, found.folders))}")
    _unread(found, out)
    if found.failed_count:
        out.line(f"  {_lacking(found)} not restored:")
        _name(found.failed_count, found.failed, out)
    for count, files, what in (
        (found.renamed_count, found.renamed, "kept beside what had the name"),
        (found.encoded_count, found.encoded, "under names that any file system can hold, with %XX"),
        (found.absent_count, found.absent, "never archived"),
    ):
        if count:
            out.line(f"  {format.number(count)} {what}:")
        _name(count, files, out)


def _lacking(found: "RestoreResult") -> str:
    """What was not restored, as `3 files, 1 folder`: a person who looks for files must not count folders."""
    files = found.failed_count - found.failed_folders - found.failed_links
    sorts = ((files, "file"), (found.failed_links, "symbolic link"), (found.failed_folders, "folder"))
    return ", ".join(counted(count, noun) for count, noun in sorts if count)


def _name(count: int, files: Sequence[tuple[str, str]], out: Output) -> None:
    """Name the first of so many files, and what is to be said of each."""
    from tui import format

    for path, why in files[:NAMED]:
        out.line(f"    {out.text(path)}: {out.text(why)}")
    if count > NAMED:
        out.line(f"    and {format.number(count - NAMED)} more")


def _unread(found: "RestoreResult", out: Output) -> None:
    from tui import format

    if found.unread:
        out.line(f"  {format.number(found.unread)} without their date of capture, which is not read yet")
        out.line("    When it is (lading queues: exiftool), restore once more, into another folder.")
