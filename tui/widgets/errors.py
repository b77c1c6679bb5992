"""The errors: files that failed for one reason are grouped, with advice."""

from core.snapshot import ErrorGroup, Snapshot
from tui import format
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Room, Rows, SnapshotPane, empty, wrapped


class Errors(SnapshotPane):
    """A row for each cause."""

    NUMBER = 5

    @property
    def chosen(self) -> ErrorGroup | None:
        """The group in the chosen row."""
        return self.snapshot.errors[self.cursor] if self.cursor < len(self.snapshot.errors) else None

    def names(self) -> list[tuple[str, str, str]]:
        """The cause of each row, and of what."""
        return [(one.import_id, one.queue, one.cause) for one in self.snapshot.errors]

    def rows(self, snapshot: Snapshot, room: Room) -> Rows:
        """The cause and the number of files, then the newest file and the advice."""
        if not snapshot.errors:
            return Rows(title="ERRORS", rows=empty("None.", room))
        labels = {view.id: view.label for view in snapshot.imports}
        files = sum(group.count for group in snapshot.errors)
        rows = tuple(
            tuple(group(one, labels.get(one.import_id, ""), room, chosen=number == room.cursor))
            for number, one in enumerate(snapshot.errors)
        )
        return Rows(title=f"ERRORS, {format.number(files)}", rows=rows)


def group(one: ErrorGroup, label: str, room: Room, *, chosen: bool) -> list[Line]:
    """One cause on two or three lines."""
    glyphs = room.glyphs
    mark = (">", "title") if chosen and room.focused else (" ", "")
    on = (
        f" on {glyphs.text(label)}"
        if label
        else f", {glyphs.text(one.queue)} in the background"
        if one.queue
        else ""
    )
    newest = glyphs.text(one.newest)
    # Some causes are sentences.
    cause = glyphs.text(one.cause).removesuffix(".") if on else glyphs.text(one.cause)
    told = f"{format.number(one.count)} x {cause}{on}"
    if room.enlarged:
        # Here is room for all of it.
        first, *rest = glyphs.wrap(told, room.width - 3)
        lines = [line(mark, (first, "bad")), *(line("   ", (part, "bad")) for part in rest)]
        lines += [line("   newest: ", newest), *wrapped("   ", one.advice, "warn", room)]
    else:
        name = newest.rpartition("/")[2]
        lines = [line(mark, (told, "bad")), line(f"   {name}: ", (glyphs.text(one.advice), "dim"))]
    return [crop(pieces, room.width, utf8=glyphs.utf8) for pieces in lines]
