"""The dry run: the survey of every picked source, and what to know before the import starts."""

import os
from collections.abc import Iterator, Sequence

from core.models import Count
from core.results import Survey
from core.words import counted
from tui import format
from tui.console.dry_run import short
from tui.glyphs import Glyphs
from tui.widgets.keys import drawn
from tui.widgets.lines import Line, crop, line, width_of
from tui.widgets.pane import Pane, Room, Rows, empty, wrapped


class Prospect(Pane):
    """Shows surveys, which are made in the background; `counting` while they are not complete."""

    NUMBER = 3

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.surveys: Sequence[Survey] = ()
        self.names: dict[str, str] = {}
        """The names of sources, by their path."""
        self.warnings: Sequence[str] = ()
        self.counting = False
        self.trouble = ""
        self.archive = ""
        self.now = 0.0
        """When the surveys were made (seconds since 1970 UTC)."""

    def content(self, room: Room) -> Rows:
        """What each source holds, the sums, and warnings."""
        title = "WHAT WILL HAPPEN"
        aside = "counting" if self.counting else ""
        warned = tuple(_warning(one, room) for one in self.warnings)
        if self.trouble:
            told = wrapped(" ", self.trouble, "bad", room)
            return Rows(title=title, rows=tuple((one,) for row in (told, *warned) for one in row))
        if not self.surveys:
            pick, cards = drawn(self.screen, "pick"), drawn(self.screen, "cards")
            text = "Counting." if self.counting else f"Pick a source: {pick}. All cards: {cards}."
            return Rows(title=title, aside=aside, rows=(*empty(text, room), *warned))
        # The sum comes first, so that many sources do not push it out of sight.
        rows = [tuple(self._sum(room)), *(tuple(self._source(one, room)) for one in self.surveys)]
        rows += [_warning(text, room) for one in self.surveys for text in one.warnings]
        rows += [_warning(text, room) for text in self._further()]
        # A row for each line: what is long is scrolled through, and its beginning is seen.
        return Rows(title=title, aside=aside, rows=tuple((one,) for row in (*rows, *warned) for one in row))

    def _source(self, one: Survey, room: Room) -> list[Line]:
        glyphs = room.glyphs
        name = glyphs.text(self.names.get(one.source, one.source))
        size = format.size(one.files.bytes)
        told = line((f" {name}: ", "bold"), *new_and_duplicate(one), (f", {size}", "dim"))
        parts = [*_kinds(one, glyphs), *_more(one, glyphs), *_times(one)]
        if width_of(told) > room.width:
            # The size goes on the next line, rather than being cut off.
            told, parts = told[:-1], [f"{size} in all", *parts]
        inside = _flowing(parts, room.width - 4)
        lines = [told, *(line((f"   {part}", "dim")) for part in inside)]
        return [crop(pieces, room.width, utf8=glyphs.utf8) for pieces in lines]

    @property
    def _needed(self) -> int:
        return sum(one.needed for one in self.surveys)

    @property
    def _free(self) -> int | None:
        return next((one.free for one in self.surveys if one.free is not None), None)

    def _sum(self, room: Room) -> list[Line]:
        needed, free, glyphs = self._needed, self._free, room.glyphs
        archive = os.path.basename(self.archive.rstrip("/")) or self.archive
        tight = any(short(one) for one in self.surveys) or (free is not None and needed > free)
        told = f" needs {format.size(needed)}"
        space = "" if free is None else f", {format.size(free)} free in {glyphs.text(archive)}"
        if not self.archive:
            space = "; no archive is chosen yet"
        lines = [line((told + space, "bad" if tight else ""))]
        seconds = [one.seconds for one in self.surveys]
        if (longest := max((one for one in seconds if one is not None), default=None)) is not None:
            # Sources on different devices are read in parallel.
            end = format.moment(self.now + longest)[11:]
            lines.append(line((f" about {format.duration(longest)} as before, done {end}", "")))
        return [crop(pieces, room.width, utf8=room.glyphs.utf8) for pieces in lines]

    def _further(self) -> Iterator[str]:
        """Warnings that follow from all sources together."""
        free = self._free
        if free is not None and self._needed > free and not any(short(one) for one in self.surveys):
            yield "The archive has room for each of these, not for all of them."
        if libraries := sum(one.libraries for one in self.surveys):
            noun = "photo library" if libraries == 1 else "photo libraries"
            yield f"{format.number(libraries)} {noun} would stay out: to take them in, go to 4, photos."
        folders = sum(one.icloud_folders for one in self.surveys)
        if told := format.in_icloud(sum(one.icloud for one in self.surveys), folders):
            yield f"{told} only in iCloud would stay out: to fetch them, go to 4, icloud."


def new_and_duplicate(one: Survey) -> Line:
    """`412 new, 866 duplicates`."""
    return line(
        (f"{format.number(one.new.files)} new", "good" if one.new.files else "dim"),
        f", {counted(one.duplicate.files, 'duplicate')}",
    )


def _safe(one: Survey, glyphs: Glyphs) -> list[tuple[str, Count]]:
    return [(glyphs.text(format.kind_by_name(kind)), count) for kind, count in one.by_kind.items()]


def _kinds(one: Survey, glyphs: Glyphs) -> list[str]:
    return [
        f"{counted(count.files, name.removesuffix('s'), name)} {format.size(count.bytes)}"
        for name, count in sorted(_safe(one, glyphs), key=lambda kind: -kind[1].bytes)
    ]


def _times(one: Survey) -> list[str]:
    """The span of the files' times: `2026-06-20 10:12 to 12:16`."""
    if one.earliest is None or one.latest is None:
        return []
    first, last = format.moment(one.earliest), format.moment(one.latest)
    return [f"{first} to {last[11:] if last[:10] == first[:10] else last}"]


def _more(one: Survey, glyphs: Glyphs) -> list[str]:
    told = [
        counted(number, what)
        for number, what in (
            (one.pairs, "RAW+JPEG pair"),
            (one.takes, "long take"),
            (one.indexes, "index file"),
        )
        if number
    ]
    return [*told, *([glyphs.text(one.cameras)] if one.cameras else [])]


def _flowing(parts: Sequence[str], width: int) -> list[str]:
    """The parts on as few lines as possible, with no part broken."""
    lines: list[str] = []
    for part in parts:
        if lines and format.cells(lines[-1]) + format.cells(part) + 3 <= width:
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return [text + "," for text in lines[:-1]] + lines[-1:]


def _warning(text: str, room: Room) -> tuple[Line, ...]:
    lines = room.glyphs.wrap(room.glyphs.text(text), room.width - 4)
    marks = (" ! ", *("   " for _ in lines[1:]))
    return tuple(
        crop(line((mark + one, "warn")), room.width, utf8=room.glyphs.utf8)
        for mark, one in zip(marks, lines, strict=True)
    )
