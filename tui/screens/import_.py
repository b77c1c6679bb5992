"""One import: its totals, and every file with its outcome."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from core.errors import LadingError
from core.listings import ImportRecord
from core.models import Outcome, State
from core.protocol.import_requests import FilePosition
from core.receipts.text import LEVELS
from core.snapshot import ImportView, Snapshot
from tui import format
from tui.glyphs import Glyphs
from tui.screens.base import BACK, HELP, LEAVE, bindings
from tui.screens.file_browser import COPY, GRID, MARK, OPEN, RESTORE, Browsing
from tui.screens.import_controls import CANCEL, ERRORS, PAUSE, RETRY, Steering
from tui.screens.imports import RECEIPT
from tui.screens.pictured import VIEW
from tui.screens.prompt import Ask
from tui.widgets.facts import Facts
from tui.widgets.files import Files
from tui.widgets.header import sum_line
from tui.widgets.keys import Key, Keys
from tui.widgets.lines import Line, Lines, crop, line, width_of
from tui.widgets.paged import PAGE
from tui.widgets.picture import Picture
from tui.widgets.records import verdict

FILTERS: dict[str, Sequence[Outcome]] = {
    "all": (),
    "failed": (Outcome.FAILED,),
    "to do": (Outcome.TODO,),
    "skipped": (Outcome.SKIPPED,),
    "junk": (Outcome.LITTER,),
    "duplicate": (Outcome.DUPLICATE,),
    "archived": (Outcome.ARCHIVED,),
}

REFRESH_INTERVAL = 5.0
"""Seconds after which the files of a running import are fetched again."""


class Import(Steering, Browsing):
    """The totals above, the files below."""

    NAME = "import"
    ABOUT = "One import, and every file it has seen. A date with * is when the file was changed."
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key(
            key="f",
            label="filter",
            does="filter",
            about="the next of: failed, to do, skipped, junk, duplicate, archived",
        ),
        Key(key="F", label="filter back", does="before", about="the filter before", shown=False),
        Key(key="slash", label="search", does="search", about="only files with these words in their path"),
        OPEN,
        VIEW,
        GRID,
        MARK,
        RESTORE,
        RECEIPT,
        ERRORS,
        RETRY,
        PAUSE,
        CANCEL,
        COPY,
        BACK,
        HELP,
        LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, import_id: str, *, failed: bool = False, file: int = 0) -> None:
        super().__init__()
        self.import_id = import_id
        self._filter = self._first = "failed" if failed else "all"
        self._record: ImportRecord | None = None
        self._file = file
        self._read_at: object = None
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """The totals, the files and the keys."""
        yield Lines(id="totals")
        with Horizontal(id="list"):
            yield Files(self.glyphs, id="files")
            with Vertical(id="beside"):
                yield Picture(id="picture")
                yield Facts(self.glyphs, id="facts")
        yield Keys(self.glyphs)

    def on_mount(self) -> None:
        """Read the import."""
        self.files.focus()
        self._apply()
        self.run_worker(self._read(), exit_on_error=False)
        if self._file:
            self.run_worker(self._go_to(self._file), exit_on_error=False)
        self.set_interval(REFRESH_INTERVAL, self._read_again)

    async def _go_to(self, file: int) -> None:
        """Choose the file of this number."""
        try:
            row = await self.lading.connection.call(FilePosition(file=file))
        except LadingError as error:
            self.say(str(error), "bad")
        else:
            # The page first: a pane without rows has no row to choose.
            await self._fetch(row // PAGE, self._asked)
            self.files.cursor = row
            self.files.draw()
            self.draw_keys()

    async def _read(self) -> None:
        try:
            self._record = await self.lading.connection.find(self.import_id)
        except LadingError as error:
            self.say(str(error), "bad")
        self._draw()
        self._tell_filters()

    def _read_again(self) -> None:
        """Fetch again what may have changed."""
        if self.is_current and (self.state == "running" or self._mark != self._read_at):
            # This includes files that failed and imports that ended between two checks.
            self._read_at = self._mark
            self.files.forget()
            self.run_worker(self._read(), exclusive=True, group="record", exit_on_error=False)

    def connected(self) -> None:
        """Read the import again, too."""
        super().connected()
        self.run_worker(self._read(), exclusive=True, group="record", exit_on_error=False)

    @property
    def _mark(self) -> object:
        """A value that changes when the engine knows more of the import than was read."""
        snapshot = self.lading.snapshot
        views = snapshot.imports if snapshot else ()
        return next(((one.state, one.failed, one.ended) for one in views if one.id == self.import_id), None)

    @property
    def record(self) -> ImportRecord | None:
        """The import's record in the catalog."""
        return self._record

    def draw_snapshot(self, snapshot: Snapshot | None) -> None:
        """Show what has changed; read again at once what has ended, because its outcomes are what is looked at."""
        self._draw()
        drawn, self._drawn = self._drawn, self._mark
        if drawn not in (None, self._drawn) and self.state != "running":
            self._read_again()

    def on_resize(self) -> None:
        """Redraw for the new width."""
        super().on_resize()
        self._draw()

    def _draw(self) -> None:
        snapshot, record = self.lading.snapshot, self._record
        view = next((view for view in snapshot.imports if view.id == self.import_id), None) if snapshot else None
        if record is not None:
            width, utf8 = self.size.width, self.glyphs.utf8
            totals = _totals(record, view, width, self.glyphs)
            safe = [tuple((self.glyphs.text(text), style) for text, style in one) for one in totals]
            self.query_one("#totals", Lines).put([crop(one, width, utf8=utf8) for one in safe])
        self.draw_keys()

    # Keys

    def _apply(self) -> None:
        self.outcomes = FILTERS[self._filter]
        self.files.what = "FILES" if self._filter == "all" else self._filter.upper()
        self._tell_filters()
        self.look()

    def _tell_filters(self) -> None:
        """Say which filters there are, and how many files each lets through."""
        told = [f"with {self.glyphs.text(self.words)}"] if self.words else []
        if self._record is not None and not self.words:
            counts = {name: self._count(outcomes) for name, outcomes in FILTERS.items() if outcomes}
            told += [f"{name} {format.number(count)}" for name, count in counts.items() if count]
        aside = ", ".join(told)
        if aside != self.files.aside:
            self.files.aside = aside
            self.files.draw()

    def do_filter(self) -> None:
        """Choose the next filter."""
        self._step(1)

    def do_before(self) -> None:
        """Choose the filter before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        """Choose another filter, of those that let something through."""
        names = [name for name, outcomes in FILTERS.items() if not outcomes or self._count(outcomes)]
        at = names.index(self._filter) if self._filter in names else 0
        self._filter = names[(at + by) % len(names)]
        self._apply()

    def _count(self, outcomes: Sequence[Outcome]) -> int:
        """How many files of the import have one of these outcomes, as far as that was read."""
        record = self._record
        if record is None:
            return 1
        counts = {
            Outcome.FAILED: record.failed,
            Outcome.TODO: record.todo,
            Outcome.SKIPPED: record.skipped,
            Outcome.LITTER: record.junk,
            Outcome.DUPLICATE: record.duplicate,
            Outcome.ARCHIVED: record.archived,
        }
        return sum(counts.get(outcome, 0) for outcome in outcomes)

    def do_search(self) -> None:
        """Ask for words to search for."""

        def answered(words: str | None) -> None:
            if words is not None:
                self.words = words
                self._apply()

        self.app.push_screen(
            Ask("Search", self.words, self.glyphs, about="words in the path; empty: all"), answered
        )

    def do_back(self) -> None:
        """First without the words of a search, then without a filter, then back."""
        if self.words:
            self.words = ""
            self._apply()
        elif self._filter != self._first:
            self._filter = self._first
            self._apply()
        else:
            super().do_back()

    def do_receipt(self) -> None:
        """Show the receipt."""
        self.lading.open_receipt(self.import_id)


REASON_LINES = 3
"""The most lines of a reason or an advice."""

LEAST_COLUMNS = 8
"""The fewest columns of a source's path."""


def _keeps_open(state: str) -> str:
    return "Its bag stays open until this goes on or is cancelled." if state == State.PAUSED else ""


def _where(record: ImportRecord, width: int, glyphs: Glyphs) -> str:
    """From where to where; of paths for which `width` columns are too few, the end is kept."""
    source, archive = glyphs.text(record.source), glyphs.text(record.archive)
    between = f" to {glyphs.text(record.location)} in "
    room = width - 1 - format.cells(between)
    archive = glyphs.tail(archive, max(room // 2, room - format.cells(source)))
    source = glyphs.tail(source, max(LEAST_COLUMNS, room - format.cells(archive)))
    return f" {source}{between}{archive}"


def _totals(record: ImportRecord, view: ImportView | None, width: int, glyphs: Glyphs) -> list[Line]:
    state = str(view.state) if view else record.state
    word, style = verdict(
        state, view.verdict if view else record.verdict, view.failed.files if view else record.failed
    )
    why = (view.verdict_reason or view.reason) if view else (record.verdict_reason or record.reason)
    doubt = format.unopenable(view.unopenable if view else record.unopenable)
    ruined = format.damaged_since(record.damaged)
    advice = view.advice if view else record.advice
    took = f", in {format.duration(record.ended - record.started)}" if record.ended else ""

    def count(name: str) -> int:
        files: int = getattr(view, name).files if view else getattr(record, name)
        return files

    names = ("archived", "duplicate", "skipped", "failed", "todo", "junk")
    parts = [(count(name), "to do" if name == "todo" else name, "") for name in names]

    def below(told: str, style: str = "") -> list[Line]:
        # What it says is needed to its end, such as the reason of a KEEP.
        parts = glyphs.wrap(glyphs.text(told), width - 1)
        return [line((f" {one}", style)) for one in glyphs.shorten(parts, REASON_LINES, width - 1)]

    head = line((f" {glyphs.text(record.label or record.source)}", "title"), "  ", (word, style))
    fits = width_of(head) + 1 + format.cells(glyphs.text(why)) <= width
    lines = [
        line(*head, f" {glyphs.text(why)}") if why and fits else head,
        *(below(why) if why and not fits else []),
        line((_where(record, width, glyphs), "dim")),
        line((f" {record.id}, begun {format.moment(record.started)}{took}", "dim")),
        sum_line(count("seen"), parts, width),
    ]
    if record.proven:
        told = ", ".join(f"{format.number(count)} {LEVELS.get(level, level)}" for level, count in record.proven)
        lines.append(line(f" proven {told}"))
    warnings = (_keeps_open(state), ruined, doubt, advice)
    return [*lines, *(part for one in warnings if one for part in below(one, "warn"))]
