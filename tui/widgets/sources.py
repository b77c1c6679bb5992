"""The possible sources: cards first, then other volumes, and the paths that a person has entered."""

from collections.abc import Sequence

from core.paths import distinguishing_ends
from tui import format
from tui.glyphs import Glyphs
from tui.import_form import Choice, SourceRow, is_card, kind
from tui.widgets.dry_run_pane import new_and_duplicate
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Pane, Room, Rows, empty


class Sources(Pane):
    """The volumes that are mounted now, and paths."""

    NUMBER = 1

    def __init__(self, glyphs: Glyphs, choice: Choice, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.choice = choice
        self.looked = False
        self.trouble = ""

    @property
    def chosen(self) -> SourceRow | None:
        """The source in the chosen row."""
        sources = self.choice.sources
        return sources[self.cursor] if self.cursor < len(sources) else None

    def follow(self, source: SourceRow | None) -> None:
        """Keep the cursor on a source when its row has changed."""
        paths = [one.path for one in self.choice.sources]
        if source is not None and source.path in paths:
            self.cursor = paths.index(source.path)

    @property
    def reading(self) -> bool:
        """Whether nothing is known yet."""
        return not (self.choice.sources or self.looked or self.trouble)

    def content(self, room: Room) -> Rows:
        """A row for each source."""
        sources = self.choice.sources
        if not sources:
            told = self.trouble or ("Nothing is plugged in." if self.looked else "Looking for volumes.")
            return Rows(title="SOURCES", rows=empty(told, room))
        names = [room.glyphs.text(name) for name in _names(sources)]
        widest = min(max(map(format.cells, names)), 28)
        rows = tuple(
            (row(source, name, room, widest, chosen=number == room.cursor),)
            for number, (source, name) in enumerate(zip(sources, names, strict=True))
        )
        picked = len(self.choice.picked)
        return Rows(title="SOURCES", aside=f"{picked} of {len(sources)} picked", rows=rows)


def _names(sources: Sequence[SourceRow]) -> list[str]:
    """What each source is called. Those with one name, as cards of one camera, are told apart by their paths."""
    names = [source.label or source.name for source in sources]
    found = list(names)
    for name in {name for name in names if names.count(name) > 1}:
        twins = [number for number, other in enumerate(names) if other == name]
        ends = distinguishing_ends([sources[number].path for number in twins])
        for number in twins:
            end = ends[sources[number].path]
            found[number] = f"{name} {end}" if sources[number].label else end
    return found


def row(source: SourceRow, name: str, room: Room, widest: int, *, chosen: bool) -> Line:
    """One source on one line; `name`: what it is called, which is safe to show."""
    glyphs = room.glyphs
    mark = (">", "title") if chosen and room.focused else (" ", "")
    box = "[x]" if source.picked else "[-]" if source.only else "[ ]"
    if source.out:
        box = "[-]"
    called = (glyphs.fit(name, widest), "bold" if source.chosen else "")
    pieces = line(mark, (box, "good" if source.chosen else "dim"), " ", called, "  ")
    told = tuple((glyphs.text(text), style) for text, style in says(source, room.width >= 100))
    return crop((*pieces, *told), room.width, utf8=glyphs.utf8)


def says(source: SourceRow, wide: bool) -> Line:
    """What a source is and, once it was counted, what is new on it."""
    volume = source.volume
    if volume is None:
        return line((source.path, "dim"))
    if not volume.answers:
        return line(("does not answer", "bad"))
    camera = (f"{volume.camera or kind(volume):<12}", "on" if is_card(volume) else "")
    space = volume.space
    room = f"{format.sizes(space.total - space.free, space.total):>18}" if space else " " * 18
    error = ((f"  {volume.error}", "warn"),) if volume.error else ()
    locked = ((" read-only", "dim"),) if volume.read_only else ()
    counted = (*new_and_duplicate(source.glance), ("  ", "")) if source.glance else ()
    if source.out or source.only:
        # The counts are those of the whole source.
        counted = line(("a part of it  ", "good"))
    more = line((volume.filesystem, "dim"), *locked, (f"  {source.path}", "dim")) if wide or not counted else ()
    return (*line(camera, room, "  "), *counted, *more, *error)
