"""Printers for a stream of snapshots: lines redrawn in place, a JSON object per line, or nothing."""

from collections.abc import Sequence

import msgspec

from core.models import Count, State, Verdict
from core.snapshot import ImportView, InFlight, Rates, Snapshot
from core.words import counted
from tui import format
from tui.console.output import Output, Style

LABEL, BAR = 20, 40
"""The most columns of a label and a bar."""

NARROW_LABEL, NARROW_BAR = 10, 8
"""A label and a bar keep so many columns; if they do not fit, a figure is left out."""

BAR_MARGIN = len("  ") + len(" 100%") + len("  ")

_READING = ("hash", "copy")
_READ = ("flush", "verify", "publish")
_EIGHTHS = " ▏▎▍▌▋▊▉"


def amounts(done: Count, total: Count) -> str:
    """The progress in words: files and bytes, done and in total."""
    files = f"{format.number(done.files)} of {counted(total.files, 'file')}"
    return f"{files}  {format.sizes(done.bytes, total.bytes)}"


class Quiet:
    """Shows no progress."""

    def __init__(self, err: Output) -> None:
        self._err = err

    def show(self, newest: object, /) -> None:
        """Does nothing."""

    def note(self, text: str) -> None:
        """One line on standard error."""
        self._err.line(text)

    def close(self) -> None:
        """Does nothing."""


class AuditLine:
    """An audit's progress, in one line redrawn in place. `show` takes what was checked, and the total."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def show(self, newest: tuple[Count, Count], /) -> None:
        """Redraw the line."""
        done, total = newest
        self._draw(f"{amounts(done, total)}  (Ctrl-C stops)")

    def _draw(self, told: str) -> None:
        self._out.write(f"\r{format.fit(told, self._out.size()[0] - 1, utf8=self._out.utf8)}\x1b[K")

    def note(self, text: str) -> None:
        """Replace the line with `text`."""
        self._out.write(f"\r\x1b[K{text}\n")

    def close(self) -> None:
        """Erase the line."""
        self._out.write("\r\x1b[K")


class TakenIn(AuditLine):
    """A rebuild's progress: how many files it has added to the catalog."""

    def show(self, newest: tuple[Count, Count], /) -> None:
        """Redraw the line."""
        self._draw(f"{counted(newest[0].files, 'file')} new in the catalog  (Ctrl-C stops)")


class MoveLine(AuditLine):
    """A move's progress: what was moved, and the total. A move that was begun is finished in any case."""

    def show(self, newest: tuple[Count, Count], /) -> None:
        """Redraw the line."""
        self._draw(amounts(*newest))


class JsonLines:
    """Writes one object for each running import, at most once a second."""

    PERIOD = 1.0

    def __init__(self, out: Output, err: Output) -> None:
        self.out = out
        self._err = err
        self._last = float("-inf")

    def show(self, snapshot: Snapshot) -> None:
        """Write the imports' progress when it is due."""
        if not self.due(snapshot.time):
            return
        for view in snapshot.imports:
            if view.state is not State.RUNNING:
                continue
            from tui.console.json_answers import Progressed

            self.out.json(Progressed(time=snapshot.time, **msgspec.structs.asdict(view)))

    def due(self, now: float) -> bool:
        """Whether a period has passed since this was last so. A clock that was put back does not hold it up."""
        if abs(now - self._last) < self.PERIOD:
            return False
        self._last = now
        return True

    def note(self, text: str) -> None:
        """One line on standard error."""
        self._err.line(text)

    def close(self) -> None:
        """Does nothing."""


class Snapshots(Quiet):
    """Writes one object for each snapshot."""

    def __init__(self, out: Output, err: Output) -> None:
        super().__init__(err)
        self._out = out

    def show(self, newest: object, /) -> None:
        """Write the snapshot."""
        self._out.json(newest)


class ImportLines:
    """One line for each import, and one for the rates, redrawn in place."""

    def __init__(self, out: Output, hint: str = "Ctrl-C pauses") -> None:
        self.out = out
        self.hint = hint
        self._drawn = 0

    def render(self, snapshot: Snapshot) -> list[str]:
        """The lines to draw."""
        return render(snapshot, self.out, self.hint)

    def show(self, snapshot: Snapshot) -> None:
        """Redraw the lines, in one write; long lines are cut, never wrapped."""
        lines = self.render(snapshot)
        body = "".join(f"{line}\x1b[K\n" for line in lines)
        self.out.write(f"\x1b[?7l{self._home()}{body}\x1b[J\x1b[?7h")
        self._drawn = len(lines)

    def note(self, text: str) -> None:
        """Print a line above those that are redrawn."""
        self.out.write(f"{self._home()}\x1b[J{text}\n")
        self._drawn = 0

    def close(self) -> None:
        """Erase the lines."""
        self.out.write(f"{self._home()}\x1b[J")
        self._drawn = 0

    def _home(self) -> str:
        return f"\r\x1b[{self._drawn}A" if self._drawn else "\r"


def render(snapshot: Snapshot, out: Output, hint: str = "", others: int = 0) -> list[str]:
    """The lines for a snapshot: none wider than the terminal, and with `others` fewer than it has rows."""
    columns, rows = out.size()
    views, room = snapshot.imports, max(1, rows - 3 - others)
    if len(views) > room:
        views = tuple(sorted(views, key=lambda view: view.state is not State.RUNNING)[:room])
    lines = _table(views, snapshot.in_flight, out, columns - 1)
    if len(views) < len(snapshot.imports):
        lines.append(f"and {len(snapshot.imports) - len(views)} more")
    for warning in [warning for view in views for warning in view.warnings][: max(0, room - len(lines))]:
        lines.append(out.styled(format.fit(out.text(warning), columns - 1, utf8=out.utf8), "warn"))
    rates = format.fit(_rates(snapshot.rates) + (f"  ({hint})" if hint else ""), columns - 1, utf8=out.utf8)
    return [*lines, out.styled(rates, "dim")]


def name(view: ImportView, out: Output) -> str:
    """The name that a person gave the source, or its folder's."""
    return out.text(view.label or view.source.rstrip("/").rpartition("/")[2] or view.source)


ID_TAIL = 8
"""Characters at the end of an id that identify it; every command accepts them."""


def told_apart(views: Sequence[ImportView], out: Output) -> list[str]:
    """The names of the imports; if several have the same name, the end of the id is put before it."""
    names = [name(view, out) for view in views]
    return [
        f"{view.id[-ID_TAIL:]} {one}" if names.count(one) > 1 else one
        for view, one in zip(views, names, strict=True)
    ]


def state(view: ImportView) -> tuple[str, Style]:
    """The state in a word, which never depends on the colour alone."""
    if view.state is State.DONE:
        doubt = f", {format.number(view.unopenable.files)} cannot be opened" if view.unopenable.files else ""
        well: Style = "warn" if doubt else "good"
        return ((str(view.verdict) or format.EMPTY) + doubt, well if view.verdict is Verdict.SAFE else "bad")
    if view.state is not State.RUNNING:
        return (str(view.state), "warn")
    if view.failed.files:
        return (f"{format.number(view.failed.files)} FAILED", "bad")
    return ("card free" if view.source_free else "", "busy")


def bar(share: float, width: int, *, utf8: bool) -> str:
    """A bar of `width` columns."""
    share = min(max(share, 0.0), 1.0)
    if not utf8:
        full = int(share * width)
        return "#" * full + "." * (width - full)
    full, eighth = divmod(int(share * width * 8), 8)
    drawn = "█" * full + (_EIGHTHS[eighth] if eighth else "")
    return drawn + "░" * (width - len(drawn))


def _table(views: tuple[ImportView, ...], in_flight: tuple[InFlight, ...], out: Output, columns: int) -> list[str]:
    """A line for each import, with the bars aligned, and as many figures as there is room for."""
    done = [_done(view, in_flight) for view in views]
    labels = told_apart(views, out)
    widest = min(LABEL, max(map(format.cells, labels), default=0))
    room = 0
    figures: list[str] = []
    # The least important figure is left out first.
    for kept in ("files bytes rate left", "files bytes left", "bytes left", "left", ""):
        figures = [_figures(view, settled, kept) for view, settled in zip(views, done, strict=True)]
        taken = [
            format.cells("  ".join(filter(None, [text, state(view)[0]])))
            for view, text in zip(views, figures, strict=True)
        ]
        room = columns - BAR_MARGIN - max(taken, default=0)
        if room >= min(widest, NARROW_LABEL) + NARROW_BAR:
            break
    widest = max(1, min(widest, room - NARROW_BAR))
    # The width is a multiple of four, so that it does not change with every digit.
    width = max(1, min(BAR, (room - widest) // 4 * 4))
    lines = []
    for view, label, settled, text in zip(views, labels, done, figures, strict=True):
        label = format.fit(label, widest, utf8=out.utf8)
        share = settled.bytes / view.seen.bytes if view.seen.bytes else 1.0
        drawn, percent = bar(share, width, utf8=out.utf8), f"{int(share * 100):3}%"
        if not view.listed:
            drawn, percent = format.fit("listing", width, utf8=out.utf8).ljust(width), "    "
        word, style = state(view)
        if view.state is State.PAUSED and view.reason:
            text, word = "", f"{word}: {out.text(view.reason)}"
        space = columns - BAR_MARGIN - widest - width
        text = format.fit(text, space, utf8=out.utf8)
        word = format.fit(word, space - format.cells(text + "  " if text else ""), utf8=out.utf8)
        shown = [part for part in (text, out.styled(word, style) if word else "") if part]
        pad = " " * (widest - format.cells(label))
        lines.append(f"{label}{pad}  {out.styled(drawn, style)} {percent}  {'  '.join(shown)}".rstrip())
    return lines


def _figures(view: ImportView, done: Count, kept: str) -> str:
    more = "" if view.listed else "+"
    figures = {
        "files": f"{format.number(done.files)} of {format.number(view.seen.files)}{more} files",
        "bytes": format.sizes(done.bytes, view.seen.bytes) + more,
    }
    if view.state is State.RUNNING:
        if view.rate:
            figures["rate"] = format.rate(view.rate)
        if view.listed and view.seconds_left is not None:
            figures["left"] = f"{format.duration(view.seconds_left)} left"
    return "  ".join(text for figure, text in figures.items() if figure in kept.split())


def _done(view: ImportView, in_flight: tuple[InFlight, ...]) -> Count:
    """Files that have their outcome, and bytes of these or read so far."""
    settled = view.seen.bytes - view.todo.bytes
    for one in in_flight:
        if one.import_id == view.id:
            settled += min(one.position, one.size) if one.stage in _READING else 0
            settled += one.size if one.stage in _READ else 0
    return Count(files=view.seen.files - view.todo.files, bytes=min(settled, view.seen.bytes))


def _rates(rates: Rates) -> str:
    now = {"read": rates.read, "written": rates.written, "verified": rates.verified}
    return "  ".join(f"{what} {format.rate(rate)}" for what, rate in now.items())
