"""The list of tasks on the archive."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from core.models import Value
from tui.screens import archive_tasks, list_tasks
from tui.screens.base import BACK, HELP, LEAVE, Base, bindings
from tui.widgets.keys import Key, Keys
from tui.widgets.lines import Line, Lines, crop, line
from tui.widgets.pane import Pane, Room, Rows

Begin = Callable[[Base[None]], Awaitable[None] | None]


class TaskEntry(Value, frozen=True, kw_only=True):
    """One row: the task's name, what it does, and the function that begins it."""

    name: str
    about: str
    begin: Begin


TASK_ENTRIES = (
    TaskEntry(
        name="check",
        about="is all of a card archived and still there? By the record",
        begin=archive_tasks.check,
    ),
    TaskEntry(
        name="check by content",
        about="the same, by reading the card",
        begin=lambda screen: archive_tasks.check(screen, read=True),
    ),
    TaskEntry(name="cards", about="all cards, and the newest verdict on each", begin=list_tasks.cards),
    TaskEntry(
        name="restore",
        about="an import, a card or a location under its original names",
        begin=archive_tasks.restore_any,
    ),
    TaskEntry(name="audit", about="read the archive again and compare", begin=archive_tasks.audit),
    TaskEntry(name="heal", about="bring again what is damaged, from copies or a card", begin=archive_tasks.heal),
    TaskEntry(name="mirror", about="bring a copy of the archive up to it", begin=archive_tasks.mirror),
    TaskEntry(name="locations", about="all locations, and what is said of them", begin=list_tasks.locations),
    TaskEntry(name="failed jobs", about="background work that failed for good, and why", begin=list_tasks.jobs),
    TaskEntry(name="settings", about="every setting, and where it comes from", begin=list_tasks.settings),
    TaskEntry(name="log", about="what the engine has noted", begin=list_tasks.log),
    TaskEntry(name="doctor", about="the machine, the tools, the volumes and the archive", begin=list_tasks.doctor),
)


async def begin(screen: Base[None], entry: TaskEntry) -> None:
    """Begin a task from any screen, or say there why it cannot be begun."""
    await screen.act(lambda: entry.begin(screen))


class Choices(Pane):
    """A row for each entry."""

    NUMBER = 1

    @property
    def chosen(self) -> TaskEntry:
        """The entry in the chosen row."""
        return TASK_ENTRIES[self.cursor]

    def content(self, room: Room) -> Rows:
        """The tasks' names and descriptions."""
        widest = max(len(entry.name) for entry in TASK_ENTRIES)

        def row(number: int, entry: TaskEntry) -> Line:
            mark = (">", "title") if number == room.cursor else (" ", "")
            pieces = line(mark, (f"{entry.name:<{widest}}", "bold"), "  ", (entry.about, "dim"))
            return crop(pieces, room.width, utf8=room.glyphs.utf8)

        return Rows(title="TASKS", rows=tuple((row(number, one),) for number, one in enumerate(TASK_ENTRIES)))


class Tasks(Base[None]):
    """Lists the tasks; Enter begins the chosen one."""

    NAME = "tasks"
    ABOUT = "What can be done with the archive."
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key(key="enter", label="begin", does="begin", about="ask what it needs, then begin"),
        BACK,
        HELP,
        LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def compose(self) -> ComposeResult:
        """The tasks and the keys."""
        yield Lines(id="top")
        yield Choices(self.glyphs, id="choices")
        yield Keys(self.glyphs)

    def on_mount(self) -> None:
        """Show the title, and focus the list."""
        self.query_one("#top", Lines).put([line((" Lading", "title"), "  tasks")])
        self.query_one(Choices).focus()

    def on_pane_opened(self) -> None:
        """A double click acts as Enter."""
        self.call_later(self.action_do, "begin")

    def do_begin(self) -> object:
        """Begin the chosen task."""
        return self.query_one(Choices).chosen.begin(self)
