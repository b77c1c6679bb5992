"""Mirrors on the command line: a line while they run, and their results."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from core.models import Count, State
from core.paths import is_remote
from core.snapshot import MirrorView, Snapshot
from core.words import counted
from tui import format
from tui.console.output import Output
from tui.console.progress import ImportLines, JsonLines, bar, render

if TYPE_CHECKING:
    from core.results import MirrorResult

BAR, SHORT_BAR = 24, 8
"""Columns of a bar, in a terminal of WIDE columns and in a narrower one: there what is said needs the room."""

WIDE = 100

ENDED_SHOWN = 5
"""The newest ended imports that have a line each: an engine that runs for days has brought in many."""

NAMED = 20
"""The most lacking files that are named."""


def lines(views: Sequence[MirrorView], out: Output) -> list[str]:
    """One line for each mirror, none wider than the terminal."""
    return [line(view, out) for view in views]


def line(view: MirrorView, out: Output) -> str:
    """The line about one mirror."""
    columns = out.size()[0] - 1
    share = view.share
    width = BAR if columns >= WIDE - 1 else SHORT_BAR
    drawn = bar(share, width, utf8=out.utf8) if view.total.files else "listing".ljust(width)
    told = (
        f"mirror to {out.text(view.label)}  {drawn} {int(share * 100) if view.total.files else 0:3}%  {says(view)}"
    )
    return format.fit(told, columns, utf8=out.utf8)


def says(view: MirrorView) -> str:
    """A mirror's state in words, the most important first."""
    held = f"{format.number(view.held.files)} of {counted(view.total.files, 'file')}"
    if view.state is State.PAUSED:
        again = (
            f", again at {time.strftime('%H:%M', time.localtime(view.again))}" if view.again is not None else ""
        )
        return f"PAUSED{again}" + (f": {view.reason}" if view.reason else "")
    if view.lacking:
        return f"KEEP: {counted(view.lacking, 'file')} not there, {held}"
    if view.state is State.CANCELLED:
        return f"CANCELLED, {held} there"
    if view.state is State.DONE:
        return f"COMPLETE: {held}, {'compared' if is_remote(view.target) else 'read back'}"
    if view.reason:
        return f"{held}, {view.reason}"
    rate = f"  {format.rate(view.rate)}" if view.rate else ""
    left = f"  {format.duration(view.seconds_left)} left" if view.seconds_left is not None else ""
    return f"{held}{rate}{left}"


class MirrorLines(ImportLines):
    """A line for each mirror, redrawn in place."""

    def render(self, snapshot: Snapshot) -> list[str]:
        """The lines about mirrors only."""
        return [*lines(snapshot.mirrors, self.out), self.out.styled(f"({self.hint})", "dim")]


class Everything(ImportLines):
    """Imports and mirrors, redrawn in place."""

    def render(self, snapshot: Snapshot) -> list[str]:
        """The lines about imports and mirrors."""
        return everything(snapshot, self.out, self.hint)


class InTurn(JsonLines):
    """Imports and mirrors for a file, a pipe or a terminal that redraws nothing: what has changed, once a second
    at most."""

    def __init__(self, out: Output, err: Output) -> None:
        super().__init__(out, err)
        self._told: list[str] = []

    def show(self, snapshot: Snapshot) -> None:
        """Write the lines that differ from those before."""
        if self.due(snapshot.time):
            told, self._told = self._told, everything(snapshot, self.out)
            self.out.write("".join(f"{line}\n" for line in self._told if line not in told))


def everything(snapshot: Snapshot, out: Output, hint: str = "") -> list[str]:
    """The lines about imports and mirrors, at most as many as the terminal has rows. Of the ended imports only the
    newest have a line each."""
    shown = lines(snapshot.mirrors, out)[-max(1, out.size()[1] // 3) :]
    ended = sorted((view for view in snapshot.imports if view.ended is not None), key=lambda view: view.ended or 0)
    earlier = {view.id for view in ended[:-ENDED_SHOWN]}
    views = tuple(view for view in snapshot.imports if view.id not in earlier)
    told: list[str] = []
    if earlier:
        text = f"and {format.number(len(earlier))} earlier: lading imports"
        told.append(format.fit(text, out.size()[0] - 1, utf8=out.utf8))
    *imports, rates = render(
        msgspec.structs.replace(snapshot, imports=views), out, hint, others=len(shown) + len(told)
    )
    return [*shown, *imports, *told, rates]


def tell(results: "Sequence[MirrorResult]", out: Output) -> None:
    """Print the results of a mirror for a person."""
    for result in results:
        word = out.styled("KEEP", "bad") if wanting(result) else out.styled("COMPLETE", "good")
        moved = result.brought.bytes and result.seconds
        speed = f", {format.rate(result.brought.bytes / result.seconds)}" if moved else ""
        held = f"{format.number(result.held.files)} of {counted(result.total.files, 'file')}"
        sizes = format.sizes(result.held.bytes, result.total.bytes)
        out.line(f"{word}  {out.text(result.target)} holds {held} ({sizes}), read back there")
        others = counted(result.others, "record or thumbnail", "records and thumbnails")
        out.line(
            f"  brought from {out.text(result.source)}: {_counted(result.brought)}, "
            f"{others}, in {format.duration(result.seconds)}{speed}"
        )
        for path, why in result.lacking[:NAMED]:
            out.line(f"  {out.text(path)}: {out.text(why)}")
        if result.lacking_count > len(result.lacking[:NAMED]):
            out.line(f"  and {format.number(result.lacking_count - NAMED)} more")
        for bag in result.open_bags:
            out.line(f"  its bag is not up to date yet: {out.text(bag)}")


def wanting(result: "MirrorResult") -> bool:
    """Whether the copy lacks anything."""
    return bool(result.lacking_count) or result.held.files < result.total.files


def _counted(count: Count) -> str:
    return f"{counted(count.files, 'file')} ({format.size(count.bytes)})"
