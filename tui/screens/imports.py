"""All imports."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from core.errors import LadingError
from core.models import Snapshot
from core.protocol import Record
from tui.screens.base import BACK, HELP, LEAVE, Base, bindings
from tui.screens.steering import CANCEL, ERRORS, PAUSE, RETRY, Steering
from tui.widgets.keys import Key, Keys
from tui.widgets.lines import Lines, line
from tui.widgets.records import Records

OPEN = Key(key="enter", label="open", does="open", about="the import with its files")
RECEIPT = Key(key="v", label="receipt", does="receipt", about="read the receipt")


class Imports(Steering, Base[None]):
    """The list; what is under way is kept up to date."""

    NAME = "imports"
    ABOUT = "All imports, the newest first."
    KEYS: ClassVar[tuple[Key, ...]] = (
        OPEN,
        RECEIPT,
        PAUSE,
        CANCEL,
        RETRY,
        ERRORS,
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
        yield Records(self.glyphs, id="records")
        yield Keys(self.glyphs)

    def on_mount(self) -> None:
        """Read the list."""
        self.query_one("#top", Lines).put([line((" Lading", "title"), "  imports")])
        self.query_one(Records).focus()

    def draw_snapshot(self, snapshot: Snapshot | None) -> None:
        """Show what is under way; read the list again when an import begins or ends."""
        records = self.query_one(Records)
        records.snapshot = snapshot
        records.draw()
        states = [(view.id, view.state) for view in snapshot.imports] if snapshot else []
        if states != self._states:
            self._states = states
            self.run_worker(self._read(), exclusive=True, exit_on_error=False)

    async def _read(self) -> None:
        records = self.query_one(Records)
        chosen = records.chosen
        try:
            records.records = (await self.lading.connection.imports())[::-1]
            records.known = True
        except LadingError as error:
            records.trouble = str(error)
        if chosen is not None:
            ids = [record.id for record in records.records]
            records.cursor = ids.index(chosen.id) if chosen.id in ids else records.cursor
        records.draw()
        self.draw_keys()

    @property
    def record(self) -> Record | None:
        """The import in the chosen row."""
        return self.query_one(Records).chosen

    def on_pane_chosen(self) -> None:
        """Other keys make sense for another row."""
        self.draw_keys()

    def on_pane_opened(self) -> None:
        """A double click is Enter."""
        self.call_later(self.action_do, "open")

    def why_not(self, does: str) -> str:
        """Why a key makes no sense now."""
        if does in ("open", "receipt") and self.record is None:
            return "There is no import."
        return super().why_not(does)

    def do_open(self) -> None:
        """The chosen import with its files."""
        if self.record is not None:
            self.lading.open_import(self.record.id)

    def do_receipt(self) -> None:
        """The chosen import's receipt."""
        if self.record is not None:
            self.lading.open_receipt(self.record.id)

    def do_new(self) -> None:
        """To the new import."""
        self.lading.open("new")

    def do_find(self) -> None:
        """To the search."""
        self.lading.open("find")
