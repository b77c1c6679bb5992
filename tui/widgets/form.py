"""Where an import goes and how: one row for each question, with its answer."""

from tui.choice import KNOWN, VERIFY, Choice
from tui.glyphs import Glyphs
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Pane, Room, Rows

QUESTIONS = {
    "archive": "the folder everything goes to; made if there is none",
    "location": "the place, subject or shoot: type to find, or a new name",
    "verify": "what is proven",
    "known": "files that were imported before",
    "label": "what this card is called",
    "operator": "who imports",
    "note": "for the receipt",
}

CHOICES: dict[str, dict[str, str]] = {
    "verify": {str(way): told for way, told in VERIFY.items()},
    "known": {str(way): told for way, told in KNOWN.items()},
}

NAMES = {"verify": "proof"}


class Form(Pane):
    """Enter answers a row; space goes to the next of several answers."""

    NUMBER = 4

    def __init__(self, glyphs: Glyphs, choice: Choice, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.choice = choice
        self.label = ""
        """The label of the source that is chosen."""

    @property
    def chosen(self) -> str:
        """The question in the chosen row."""
        return list(QUESTIONS)[self.cursor]

    def answer(self, question: str) -> str:
        """What is answered now."""
        if question == "label":
            return self.label
        return str(getattr(self.choice, question))

    def content(self, room: Room) -> Rows:
        """A row for each question."""
        rows = tuple((self._row(name, room, number == room.cursor),) for number, name in enumerate(QUESTIONS))
        return Rows(title="WHERE AND HOW", aside="enter changes", rows=rows)

    def _row(self, question: str, room: Room, chosen: bool) -> Line:
        glyphs = room.glyphs
        mark = (">", "title") if chosen and room.focused else (" ", "")
        answer = self.answer(question)
        needed = question in ("archive", "location") and not answer
        told = CHOICES[question].get(answer, answer) if question in CHOICES else answer
        text = (glyphs.text(told), "") if told else (QUESTIONS[question], "warn" if needed else "dim")
        name = (f"{NAMES.get(question, question):<10}", "bold" if needed else "dim")
        return crop(line(mark, name, text), room.width, utf8=glyphs.utf8)
