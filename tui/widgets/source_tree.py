"""The folders and files of one source, any of which can be picked or left out."""

import os

from core.models import Count, Value
from core.words import counted
from tui import format
from tui.glyphs import Glyphs
from tui.import_form import SourceRow
from tui.path_completion import Order, PathEntry, ordered
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Lazy, Pane, Room, Rows, empty

DATED = 56
"""The fewest columns that have room for the dates of files."""


LEAST_COLUMNS = 14
"""The fewest columns of a name beside what else is known of it."""


class Node(Value, frozen=True, kw_only=True):
    """One row of the tree; `path` is below the source."""

    path: bytes
    entry: PathEntry
    depth: int


class Inside(Pane):
    """The tree of `source`; `listed`: folders that were opened, `counts`: folders that were walked."""

    NUMBER = 2

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.source: SourceRow | None = None
        self.listed: dict[bytes, tuple[list[PathEntry], int]] = {}
        self.open: set[bytes] = set()
        self.counts: dict[bytes, Count] = {}
        self.new: dict[bytes, bool] = {}
        """Of files whether they are new, once that was asked."""
        self.order: Order = "name"
        self.trouble = ""

    def enter(self, source: SourceRow | None) -> None:
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
        listed = self.listed.get(folder, ([], 0))[0]
        if self.order == "size":
            # Sizes of folders become known one after the other.
            counts = {one.name: self.counts.get(os.path.join(folder, one.name), Count()) for one in listed}
            listed = ordered(listed, self.order, {name: count.bytes for name, count in counts.items()})
        for entry in listed:
            path = folder + b"/" + entry.name if folder else entry.name
            found.append(Node(path=path, entry=entry, depth=depth))
            if path in self.open:
                self._collect(path, depth + 1, found)

    @property
    def chosen(self) -> Node | None:
        """The node in the chosen row."""
        nodes = self.nodes
        return nodes[self.cursor] if self.cursor < len(nodes) else None

    def take(self, below: bytes, listed: tuple[list[PathEntry], int]) -> None:
        """Show what a folder holds."""
        chosen = self.chosen
        self.listed[below] = listed
        self._keep(chosen)

    def count(self, path: bytes, count: Count) -> None:
        """Show what was counted in a folder."""
        chosen = self.chosen
        self.counts[path] = count
        self._keep(chosen)

    def _keep(self, chosen: Node | None) -> None:
        """Draw, with the cursor on the same node: its row may be another one."""
        paths = [node.path for node in self.nodes] if chosen is not None else []
        if chosen is not None and chosen.path in paths:
            self.cursor = paths.index(chosen.path)
        self.draw()

    def fold(self, path: bytes) -> None:
        """After a path was picked or left out: if all that its folder holds is now the same, say so of the folder,
        and of the source if that is all of it."""
        source = self.source
        while source is not None:
            wanted, above = source.has(path), os.path.dirname(path)
            listed, more = self.listed.get(above, ([], 0))
            paths = [os.path.join(above, one.name) for one in listed]
            if more or not all(source.has(one) == wanted and not source.partly(one) for one in paths):
                return
            if not above:
                source.pick(whole=wanted)
                return
            if not source.partly(above):
                return
            source.toggle_below(above)
            path = above

    def go_to(self, path: bytes) -> bool:
        """Choose the row of a path whose folders are open. Returns whether it has one."""
        paths = [node.path for node in self.nodes]
        if path in paths:
            self.draw()
            self.choose(paths.index(path))
        return path in paths

    def content(self, room: Room) -> Rows:
        """The tree with the folders that were opened."""
        if self.source is None:
            return Rows(title="INSIDE", rows=empty("There is no source.", room))
        title = f"INSIDE {room.glyphs.text(self.source.name)}"
        if self.trouble:
            return Rows(title=title, rows=(((line((f" {room.glyphs.text(self.trouble)}", "bad"))),),))
        if b"" not in self.listed:
            return Rows(title=title, rows=empty("Listing.", room))
        nodes = self.nodes
        if not nodes:
            return Rows(title=title, rows=empty("It is empty.", room))
        more = self.listed[b""][1]
        told = f"and {format.number(more)} more" if more else ""
        by = {"name": "", "size": "largest first", "date": "newest first"}[self.order]
        rows = Lazy(len(nodes), lambda number: self._row(nodes[number], room, number == room.cursor))
        return Rows(title=title, aside=", ".join(filter(None, (by, told))), rows=rows)

    def _row(self, node: Node, room: Room, chosen: bool) -> Line:
        glyphs = room.glyphs
        has = self.source is not None and self.source.has(node.path)
        mark = (">", "title") if chosen and room.focused else (" ", "")
        fold = (glyphs.open if node.path in self.open else glyphs.closed) if node.entry.folder else " "
        count = node.entry.count or self.counts.get(node.path)
        size = format.size(count.bytes) if count else ""
        dated = node.entry.mtime_ns and room.width >= DATED
        when = f"{format.moment(node.entry.mtime_ns / 1e9)} " if dated else ""
        below = count if node.entry.folder and room.width >= 44 else None
        files = f"{counted(below.files, 'file')} " if below else ""
        new = "new " if self.new.get(node.path) else "    " if self.new else ""
        name = glyphs.text(node.entry.name) + ("/" if node.entry.folder else "")
        head = f" {'  ' * node.depth}{fold} "
        # The name is what a row is about: what leaves too little room for it is left out.
        end = f"{size:>8} {new}"
        tails = (f" {when}{files}{end}", f" {when}{end}", f" {end}", f" {size:>8}", "")
        room_left = room.width - 4 - len(head)
        least = max(LEAST_COLUMNS, min(format.cells(name), room_left - len(end) - 1))
        tail = next((one for one in tails if room_left - len(one) >= least), "")
        width = room_left - len(tail)
        box = ("[x]" if has else "[ ]", "good" if has else "dim")
        if self.source is not None and self.source.partly(node.path):
            box = ("[-]", "good")
        return crop(
            line(mark, box, head, glyphs.fit(glyphs.tail(name, width), width), (tail, "dim")),
            room.width,
            utf8=glyphs.utf8,
        )
