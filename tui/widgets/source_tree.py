"""The folders and files of one source, any of which can be picked or left out."""

from core.models import Count, Value
from tui import format
from tui.glyphs import Glyphs
from tui.import_form import Source
from tui.path_completion import Entry
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Pane, Room, Rows, empty

DATED = 56
"""The fewest columns that have room for the dates of files."""


class Node(Value, frozen=True, kw_only=True):
    """One row of the tree; `path` is below the source."""

    path: bytes
    entry: Entry
    depth: int


class Inside(Pane):
    """The tree of `source`; `listed`: folders that were opened, `counts`: folders that were walked."""

    NUMBER = 2

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.source: Source | None = None
        self.listed: dict[bytes, tuple[list[Entry], int]] = {}
        self.open: set[bytes] = set()
        self.counts: dict[bytes, Count] = {}
        self.new: dict[bytes, bool] = {}
        """Of files whether they are new, once that was asked."""
        self.trouble = ""

    def enter(self, source: Source | None) -> None:
        """Show another source; None: none."""
        self.source = source
        self.listed, self.open, self.counts, self.new = {}, set(), {}, {}
        self.trouble = ""
        self.cursor = 0
        self.draw()

    @property
    def nodes(self) -> list[Node]:
        """The tree's rows, from top to bottom."""
        found: list[Node] = []
        self._collect(b"", 0, found)
        return found

    def _collect(self, folder: bytes, depth: int, found: list[Node]) -> None:
        for entry in self.listed.get(folder, ([], 0))[0]:
            path = folder + b"/" + entry.name if folder else entry.name
            found.append(Node(path=path, entry=entry, depth=depth))
            if path in self.open:
                self._collect(path, depth + 1, found)

    @property
    def chosen(self) -> Node | None:
        """The node in the chosen row."""
        nodes = self.nodes
        return nodes[self.cursor] if self.cursor < len(nodes) else None

    def content(self, room: Room) -> Rows:
        """The tree with the folders that were opened."""
        if self.source is None:
            return Rows(title="INSIDE", rows=empty("Right arrow shows what is in a source.", room.glyphs))
        title = f"INSIDE {room.glyphs.text(self.source.name)}"
        if self.trouble:
            return Rows(title=title, rows=(((line((f" {room.glyphs.text(self.trouble)}", "bad"))),),))
        if b"" not in self.listed:
            return Rows(title=title, rows=empty("Listing.", room.glyphs))
        nodes = self.nodes
        if not nodes:
            return Rows(title=title, rows=empty("It is empty.", room.glyphs))
        more = self.listed[b""][1]
        rows = tuple((self._row(node, room, number == room.cursor),) for number, node in enumerate(nodes))
        return Rows(title=title, aside=f"and {format.number(more)} more" if more else "", rows=rows)

    def _row(self, node: Node, room: Room, chosen: bool) -> Line:
        glyphs = room.glyphs
        has = self.source is not None and self.source.has(node.path)
        mark = (">", "title") if chosen and room.focused else (" ", "")
        fold = (glyphs.open if node.path in self.open else glyphs.closed) if node.entry.folder else " "
        count = node.entry.count or self.counts.get(node.path)
        size = format.size(count.bytes) if count else ""
        dated = node.entry.mtime_ns and room.width >= DATED
        when = f"{format.moment(node.entry.mtime_ns / 1e9)} " if dated else ""
        files = f"{format.number(count.files)} files " if count and node.entry.folder and room.width >= 44 else ""
        new = "new " if self.new.get(node.path) else "    " if self.new else ""
        tail = f" {when}{files}{size:>8} {new}"
        name = glyphs.text(node.entry.name) + ("/" if node.entry.folder else "")
        head = f" {'  ' * node.depth}{fold} "
        width = room.width - 4 - len(head) - len(tail)
        box = ("[x]" if has else "[ ]", "good" if has else "dim")
        if self.source is not None and self.source.partly(node.path):
            box = ("[-]", "good")
        return crop(line(mark, box, head, glyphs.fit(name, width), (tail, "dim")), room.width, utf8=glyphs.utf8)
