"""What would happen: the survey of every picked source, and what to know before it starts."""

from collections.abc import Sequence

from core.models import Survey
from tui import format
from tui.console.preview import short
from tui.glyphs import Glyphs
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Pane, Room, Rows, empty


class Prospect(Pane):
    """Counted in the background; `counting` while it is not known yet."""

    NUMBER = 3

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.surveys: Sequence[Survey] = ()
        self.names: dict[str, str] = {}
        """What sources are called, by their path."""
        self.warnings: Sequence[str] = ()
        self.counting = False
        self.trouble = ""

    def content(self, room: Room) -> Rows:
        """Two lines for each source, the sums, and warnings."""
        title, glyphs = "WHAT WILL HAPPEN", room.glyphs
        aside = "counting" if self.counting else ""
        warned = tuple(_warning(one, room) for one in self.warnings)
        if self.trouble:
            told = crop(line((f" {glyphs.text(self.trouble)}", "bad")), room.width, utf8=glyphs.utf8)
            return Rows(title=title, rows=((told,), *warned))
        if not self.surveys:
            text = "Counting." if self.counting else "Pick a source: space. All cards: a."
            return Rows(title=title, aside=aside, rows=(*empty(text, glyphs), *warned))
        rows = [tuple(self._source(one, room)) for one in self.surveys]
        rows.append(tuple(self._sum(room)))
        rows += [_warning(text, room) for one in self.surveys for text in one.warnings]
        return Rows(title=title, aside=aside, rows=(*rows, *warned))

    def _source(self, one: Survey, room: Room) -> list[Line]:
        glyphs = room.glyphs
        name = glyphs.text(self.names.get(one.source, one.source))
        told = line(
            (f" {name}: ", "bold"),
            (f"{format.number(one.new.files)} new", "good" if one.new.files else "dim"),
            f", {format.number(one.known.files)} known",
            (f", {format.size(one.files.bytes)}", "dim"),
        )
        kinds = [
            format.counted(count.files, glyphs.text(kind).removesuffix("s"))
            for kind, count in sorted(one.by_kind.items(), key=lambda kind: -kind[1].bytes)
        ]
        if one.pairs:
            kinds.append(format.counted(one.pairs, "RAW+JPEG pair"))
        lines = [told, line(("   " + ", ".join(kinds), "dim"))] if kinds else [told]
        return [crop(pieces, room.width, utf8=glyphs.utf8) for pieces in lines]

    def _sum(self, room: Room) -> list[Line]:
        needed = sum(one.needed for one in self.surveys)
        free = next((one.free for one in self.surveys if one.free is not None), None)
        tight = any(short(one) for one in self.surveys) or (free is not None and needed > free)
        told = f" needs {format.size(needed)}"
        space = "" if free is None else f", {format.size(free)} free"
        return [crop(line((told + space, "bad" if tight else "")), room.width, utf8=room.glyphs.utf8)]


def _warning(text: str, room: Room) -> tuple[Line, ...]:
    lines = room.glyphs.wrap(room.glyphs.text(text), room.width - 4)
    marks = (" ! ", *("   " for _ in lines[1:]))
    return tuple(
        crop(line((mark + one, "warn")), room.width, utf8=room.glyphs.utf8)
        for mark, one in zip(marks, lines, strict=True)
    )
