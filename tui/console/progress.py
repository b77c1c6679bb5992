"""Printers of one stream of snapshots: lines redrawn in place, a JSON object a line, or nothing."""

import msgspec

from core.models import Count, ImportView, InFlight, Rates, Snapshot, State, Verdict
from tui import format
from tui.console.output import Output, Style

LABEL, BAR = 20, 40
"""Columns of a label and a bar at most."""

NARROW_LABEL, NARROW_BAR = 10, 8
"""Columns that they keep before a figure is left out."""

AROUND = len("  ") + len(" 100%") + len("  ")

_READING = ("hash", "copy")
_READ = ("flush", "verify", "publish")
_EIGHTHS = " ▏▎▍▌▋▊▉"


class Quiet:
    """Shows nothing until the end."""

    def __init__(self, err: Output) -> None:
        self._err = err

    def show(self, newest: object, /) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """One line on standard error."""
        self._err.line(text)

    def close(self) -> None:
        """Nothing."""


class Audited:
    """How far an audit is, in one line redrawn in place. Shown are what was checked and all there is."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def show(self, newest: tuple[Count, Count], /) -> None:
        """Draw over the line."""
        done, total = newest
        files = f"{format.number(done.files)} of {format.counted(total.files, 'file')}"
        self._draw(f"{files}  {format.sizes(done.bytes, total.bytes)}  (Ctrl-C stops)")

    def _draw(self, told: str) -> None:
        self._out.write(f"\r{format.fit(told, self._out.size()[0] - 1, utf8=self._out.utf8)}\x1b[K")

    def note(self, text: str) -> None:
        """A line in its place."""
        self._out.write(f"\r\x1b[K{text}\n")

    def close(self) -> None:
        """Take the line away."""
        self._out.write("\r\x1b[K")


class TakenIn(Audited):
    """How many files a rebuild has found that the catalog did not have."""

    def show(self, newest: tuple[Count, Count], /) -> None:
        """Draw over the line."""
        self._draw(f"{format.counted(newest[0].files, 'file')} new in the catalog  (Ctrl-C stops)")


class JsonLines:
    """One object for each running import, at most once a second."""

    PERIOD = 1.0

    def __init__(self, out: Output, err: Output) -> None:
        self._out = out
        self._err = err
        self._last = float("-inf")

    def show(self, snapshot: Snapshot) -> None:
        """Write the imports' progress when it is time again."""
        if snapshot.time - self._last < self.PERIOD:
            return
        self._last = snapshot.time
        for view in snapshot.imports:
            if view.state is not State.RUNNING:
                continue
            self._out.json({"event": "progress", "time": snapshot.time, **msgspec.to_builtins(view)})

    def note(self, text: str) -> None:
        """One line on standard error."""
        self._err.line(text)

    def close(self) -> None:
        """Nothing."""


class Snapshots(Quiet):
    """One object for each snapshot."""

    def __init__(self, out: Output, err: Output) -> None:
        super().__init__(err)
        self._out = out

    def show(self, newest: object, /) -> None:
        """Write it."""
        self._out.json(newest)


class Lines:
    """One line for each import, and one for the rates, redrawn in place."""

    def __init__(self, out: Output, hint: str = "Ctrl-C pauses") -> None:
        self._out = out
        self._hint = hint
        self._drawn = 0

    def show(self, snapshot: Snapshot) -> None:
        """Draw over what was drawn before, in one write; what is too long is cut, never wrapped."""
        lines = render(snapshot, self._out, self._hint)
        body = "".join(f"{line}\x1b[K\n" for line in lines)
        self._out.write(f"\x1b[?7l{self._home()}{body}\x1b[J\x1b[?7h")
        self._drawn = len(lines)

    def note(self, text: str) -> None:
        """A line above those that are redrawn."""
        self._out.write(f"{self._home()}\x1b[J{text}\n")
        self._drawn = 0

    def close(self) -> None:
        """Take the lines away."""
        self._out.write(f"{self._home()}\x1b[J")
        self._drawn = 0

    def _home(self) -> str:
        return f"\r\x1b[{self._drawn}A" if self._drawn else "\r"


def render(snapshot: Snapshot, out: Output, hint: str = "") -> list[str]:
    """The lines for a snapshot: none wider than the terminal, and fewer than it has rows."""
    columns, rows = out.size()
    views, room = snapshot.imports, max(1, rows - 3)
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
    """What a person calls the source."""
    return out.text(view.label or view.source.rstrip("/").rpartition("/")[2] or view.source)


def state(view: ImportView) -> tuple[str, Style]:
    """The state in a word, which is never left to the colour alone."""
    if view.state is State.DONE:
        return (str(view.verdict) or "done", "good" if view.verdict is Verdict.SAFE else "bad")
    if view.state is not State.RUNNING:
        return (str(view.state), "warn")
    return (f"{format.number(view.failed.files)} FAILED", "bad") if view.failed.files else ("", "busy")


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
    """A line for each import, their bars below each other, with as many figures as there is room for."""
    done = [_done(view, in_flight) for view in views]
    labels = [name(view, out) for view in views]
    widest = min(LABEL, max(map(format.cells, labels), default=0))
    room = 0
    figures: list[str] = []
    # What matters least goes first.
    for kept in ("files bytes rate left", "files bytes left", "bytes left", "left", ""):
        figures = [_figures(view, settled, kept) for view, settled in zip(views, done, strict=True)]
        taken = [
            format.cells("  ".join(filter(None, [text, state(view)[0]])))
            for view, text in zip(views, figures, strict=True)
        ]
        room = columns - AROUND - max(taken, default=0)
        if room >= min(widest, NARROW_LABEL) + NARROW_BAR:
            break
    widest = max(1, min(widest, room - NARROW_BAR))
    # By fours, so that it does not change with every digit.
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
        space = columns - AROUND - widest - width
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
    """Files that are settled, and bytes that are settled or read."""
    settled = view.seen.bytes - view.todo.bytes
    for one in in_flight:
        if one.import_id == view.id:
            settled += min(one.position, one.size) if one.stage in _READING else 0
            settled += one.size if one.stage in _READ else 0
    return Count(files=view.seen.files - view.todo.files, bytes=min(settled, view.seen.bytes))


def _rates(rates: Rates) -> str:
    now = {"read": rates.read, "written": rates.written, "verified": rates.verified}
    return "  ".join(f"{what} {format.rate(rate)}" for what, rate in now.items())
