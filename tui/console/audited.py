"""Printing the result of an audit for a person."""

from typing import TYPE_CHECKING

from core.words import counted
from tui.console.output import Output

if TYPE_CHECKING:
    from core.details import ItemView
    from core.results import AuditResult


def tell(found: "AuditResult", out: Output) -> None:
    """Print the result."""
    from core.receipts.text import LEVELS
    from core.results import junk_sentence
    from tui import format

    if found.damaged_count:
        word = out.styled("DAMAGED", "bad")
    elif found.not_read_count:
        word = out.styled("NOT ALL READ", "warn")
    elif not found.checked.files:
        word = out.styled("NOTHING READ", "warn")
    else:
        word = out.styled("WELL", "good")
    speed = format.rate(found.checked.bytes / found.seconds) if found.seconds else ""
    amount = f"{counted(found.checked.files, 'file')} ({format.size(found.checked.bytes)})"
    levels = [LEVELS.get(level, level) for level in found.level.split(", ")] if found.well.files else ["read"]
    copy = f"; a copy of the archive at {out.text(found.copy_of)}" if found.copy_of else ""
    level = levels[0] if len(levels) == 1 else ", ".join(f"partly {level}" for level in levels)
    out.line(f"{word}  {amount} {level} in {format.duration(found.seconds)}{', ' + speed if speed else ''}{copy}")
    _files(found.damaged, found.damaged_count, out)
    if found.not_read_count:
        files = counted(found.not_read_count, "file")
        out.line(f"Not read, so neither well nor damaged: {files}. Let yourself read them, then audit again.")
        _files(found.not_read, found.not_read_count, out)
    if found.junk:
        out.line(f"{junk_sentence(found.junk, 'its bags')}.")
    for path, source in found.healed:
        out.line(f"  {out.styled('healed', 'good')} {out.text(path)} from {out.text(source)}")
    if found.oldest:
        when = format.moment(found.oldest_read) if found.oldest_read is not None else "never"
        never = f" ({counted(found.unread, 'file')} never)" if found.unread else ""
        out.line(f"Longest unread: {out.text(found.oldest)}, read back {when}{never}.")
    if not found.complete:
        out.line("Not all was read; the next audit goes on from there.")


def _files(files: tuple[tuple[str, str], ...], count: int, out: Output) -> None:
    from tui import format

    for path, why in files:
        out.line(f"  {out.text(path)}: {out.text(why)}")
    if count > len(files):
        out.line(f"  and {format.number(count - len(files))} more")


def tell_known(known: list["ItemView"], out: Output, which: str) -> None:
    """Print everything known of damaged items; `which`: the option that names the archive (card_list)."""
    from tui.console import details

    for item in known:
        out.line()
        details.tell(item, out)
    if known:
        out.line()
        heal = out.text(f"lading audit{which} --heal")
        out.line(f"Heal them from a card that still has them: {heal} SRC; or import that card again.")
        out.line(f"Other copies of the archive are asked first: {heal}")
