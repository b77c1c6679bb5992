"""The list of all imports."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from core.errors import LadingError
from core.listings import ImportRecord
from core.receipts.text import LEVELS
from core.snapshot import Snapshot
from tui import format
from tui.screens import archive_tasks
from tui.screens.base import BACK, HELP, LEAVE, Base, bindings
from tui.screens.import_controls import CANCEL, ERRORS, PAUSE, RETRY, Steering
from tui.screens.key_reasons import ENDED
from tui.widgets.facts import WIDE, Fact, Facts
from tui.widgets.keys import Key, Keys
from tui.widgets.lines import Lines, line
from tui.widgets.records import Records

OPEN = Key(key="enter", label="open", does="open", about="the import with its files")
RECEIPT = Key(key="v", label="receipt", does="receipt", about="read the receipt")
RESTORE = Key(key="t", label="restore", does="restore", about="its tree under the original names, to a folder")
MOVE = Key(key="m", label="move", does="move", about="to another location of the archive", shown=False)
LOCATION = Key(
    key="l", label="location", does="location", about="change what is said of its location", shown=False
)
MHL = Key(key="h", label="MHL", does="mhl", about="an ASC MHL history in its restored tree", shown=False)


class Imports(Steering, Base[None]):
    """The list; running imports are kept up to date."""

    NAME = "imports"
    ABOUT = "All imports, the newest first."
    KEYS: ClassVar[tuple[Key, ...]] = (
        OPEN,
        RECEIPT,
        PAUSE,
        CANCEL,
        RETRY,
        ERRORS,
        RESTORE,
        MOVE,
        LOCATION,
        MHL,
        Key(key="n", label="new", does="new", about="a new import"),
        Key(key="slash", label="find", does="find", about="find files in the archive"),
        BACK,
        HELP,
        LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self) -> None:
        super().__init__()
        self._states: object = None

    def compose(self) -> ComposeResult:
        """The list and the keys."""
        yield Lines(id="top")
        with Horizontal(id="list"):
            yield Records(self.glyphs, id="records")
            yield Facts(self.glyphs, id="facts")
        yield Keys(self.glyphs)

    def on_mount(self) -> None:
        """Read the list."""
        self.query_one("#top", Lines).put([line((" Lading", "title"), "  imports")])
        self.query_one(Records).focus()

    def draw_snapshot(self, snapshot: Snapshot | None) -> None:
        """Show running imports; read the list again when an import starts or ends."""
        records = self.query_one(Records)
        records.snapshot = snapshot
        states = [(view.id, view.state) for view in snapshot.imports] if snapshot else None
        if states is None:
            records.trouble = self.lading.trouble
        elif states != self._states:
            self.run_worker(self._read(), exclusive=True, exit_on_error=False)
        # Without an engine there is nothing to compare with, so that the list is read as soon as there is one.
        self._states = states
        records.draw()
        self._tell()

    def on_screen_resume(self) -> None:
        """Read the list again, because a task may have changed what is said of an import."""
        self._states = None
        super().on_screen_resume()

    def connected(self) -> None:
        """Read the list again."""
        self.run_worker(self._read(), exclusive=True, exit_on_error=False)

    async def _read(self) -> None:
        records = self.query_one(Records)
        found = records.records
        try:
            found = (await self.lading.connection.imports())[::-1]
            records.known, records.trouble = True, ""
        except LadingError as error:
            records.trouble = str(error)
        # Another row may have been chosen meanwhile.
        chosen, records.records = records.chosen, found
        if chosen is not None:
            ids = [record.id for record in records.records]
            records.cursor = ids.index(chosen.id) if chosen.id in ids else records.cursor
        records.draw()
        self.draw_keys()
        self._tell()

    @property
    def record(self) -> ImportRecord | None:
        """The import in the chosen row."""
        return self.query_one(Records).chosen

    def on_pane_chosen(self) -> None:
        """Update the keys and the facts for another row."""
        self.draw_keys()
        self._tell()

    def on_resize(self) -> None:
        """Show facts beside the list where there is room for them."""
        self._tell()

    def _tell(self) -> None:
        facts, record = self.query_one(Facts), self.record
        facts.display = self.size.width >= WIDE
        if record is not None:
            facts.tell(record.label or record.source, _facts(record, self.state))

    def on_pane_opened(self) -> None:
        """A double click acts as Enter."""
        self.call_later(self.action_do, "open")

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now."""
        if does in ("open", "receipt", "restore", "move", "location", "mhl") and self.record is None:
            return "There is no import."
        if does == "move" and self.state not in ENDED:
            return f"It is {self.state}: an import can be moved once it has ended."
        return super().why_not(does)

    def do_open(self) -> None:
        """Open the chosen import with its files."""
        if self.record is not None:
            self.lading.open_import(self.record.id)

    def do_receipt(self) -> None:
        """Show the chosen import's receipt."""
        if self.record is not None:
            self.lading.open_receipt(self.record.id)

    def do_restore(self) -> None:
        """Restore the chosen import's tree to a folder."""
        if self.record is not None:
            archive_tasks.restore(self, self.record.id, self.record.label or self.record.id)

    def do_move(self) -> None:
        """Move the chosen import to another location."""
        if self.record is not None:
            known = [one.location for one in self.query_one(Records).records]
            archive_tasks.move(self, self.record, known)

    async def do_location(self) -> None:
        """Change the description of the chosen import's location."""
        if self.record is not None:
            await archive_tasks.edit_location(self, self.record)

    def do_mhl(self) -> None:
        """Write an ASC MHL history into the chosen import's restored tree."""
        if self.record is not None:
            archive_tasks.mhl(self, self.record)

    def do_new(self) -> None:
        """Open a new import."""
        self.lading.open_new()

    def do_find(self) -> None:
        """Open the search."""
        self.lading.open("find")


def _facts(record: ImportRecord, state: str) -> list[Fact]:
    """What is known of an import."""
    why = record.verdict_reason or record.reason
    counts = {
        "seen": record.seen,
        "archived": record.archived,
        "duplicate": record.duplicate,
        "skipped": record.skipped,
        "failed": record.failed,
        "to do": record.todo,
    }
    if record.junk:
        counts["junk"] = record.junk
    proven = ", ".join(f"{format.number(count)} {LEVELS.get(level, level)}" for level, count in record.proven)
    told = [
        ("state", state),
        ("verdict", f"{record.verdict}: {why}" if why else str(record.verdict)),
        ("since then", format.damaged_since(record.damaged)),
        ("advice", record.advice),
        ("from", record.source),
        ("location", record.location),
        ("archive", record.archive),
        ("begun", format.moment(record.started)),
        ("took", format.duration(record.ended - record.started) if record.ended else ""),
        *((name, format.number(count)) for name, count in counts.items()),
        ("proven", proven),
        ("note", format.unopenable(record.unopenable)),
        ("id", record.id),
    ]
    return [(name, value) for name, value in told if value]
