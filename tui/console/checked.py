"""Printing the result of a check for a person."""

from typing import TYPE_CHECKING

from core.words import counted
from tui.console.output import Output

if TYPE_CHECKING:
    from core.results import CheckResult

NAMED = 20
"""The most files that are named to a person."""


def tell(found: "CheckResult", out: Output) -> None:
    """Print the result for one source."""
    from core.importing.keep_reasons import said
    from core.models import Verdict
    from tui import format

    if found.verdict is Verdict.OPEN:
        junk = f" ({counted(found.junk, 'junk file')})" if found.junk else ""
        out.line(f"{out.styled(format.EMPTY, 'bad')}  {out.text(found.source)}: {out.text(found.note)}{junk}")
        return
    safe = found.verdict is Verdict.SAFE
    word = out.styled(str(found.verdict), "good" if safe else "bad")
    if safe and found.unopenable.files:
        word += out.styled(f", {format.number(found.unopenable.files)} cannot be opened", "warn")
    how = "by content" if found.read else "by the record"
    how += f", in a copy of the archive at {out.text(found.copy_of)}" if found.copy_of else ""
    how += f", in {found.copies} copies" if found.copies > 1 else ""
    amount = f"{counted(found.safe.files, 'file')} ({format.size(found.safe.bytes)})"
    out.line(f"{word}  {out.text(found.source)}: {amount} archived and there, {how}")
    if doubt := format.unopenable(found.unopenable):
        out.line("  " + out.styled(out.text(doubt), "warn"))
    for reason, count in found.reasons:
        out.line(f"  {said(count, reason)}")
    for path, why in found.files[:NAMED]:
        out.line(f"    {out.text(path)}: {out.text(why)}")
    if (more := found.files_count - NAMED) > 0:
        out.line(f"    and {format.number(more)} more")
    if found.advice:
        out.line(f"  {out.text(found.advice)}")
