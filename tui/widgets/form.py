"""Where an import goes and how: one row for each question, with its answer."""

import os

from tui.glyphs import Glyphs
from tui.import_form import DUPLICATE_CHOICES, ICLOUD_CHOICES, KNOWN_CHOICES, LIBRARIES, VERIFY, Choice, SourceRow
from tui.widgets.keys import drawn
from tui.widgets.lines import Line, crop, line
from tui.widgets.pane import Pane, Room, Rows

QUESTIONS = {
    "archive": "the folder everything goes to; made if there is none",
    "also": f"further archives, each gets all; several with {os.pathsep} between them",
    "location": "the place, subject or shoot: type to find, or a new name",
    "libraries": "photo libraries of this Mac",
    "icloud": "files that are not on this disk",
    "verify": "what is proven",
    "known": "files that were imported before",
    "label": "what this card is called",
    "operator": "who imports",
    "note": "for this card's receipt",
    "duplicates": "what is a duplicate",
    "exclude": "names to leave out, such as *.tmp, *.THM",
    "limit": "read_limit: none, as fast as it goes; set it in config.toml",
}

CHOICES: dict[str, dict[str, str]] = {
    "verify": {str(way): told for way, told in VERIFY.items()},
    "known": {str(way): told for way, told in KNOWN_CHOICES.items()},
    "duplicates": {str(way): told for way, told in DUPLICATE_CHOICES.items()},
    "libraries": {str(way): told for way, told in LIBRARIES.items()},
    "icloud": {str(way): told for way, told in ICLOUD_CHOICES.items()},
}

SHOWN_ONLY = ("limit",)
"""What is no question: it holds for all imports, and is changed in the configuration."""

LABELS = {"also": "and to", "verify": "proof", "known": "previous", "libraries": "photos"}

REQUIRED = ("archive", "location")
"""Questions without whose answers no import starts."""

OF_A_CARD = ("label", "note")
"""Questions about the chosen source only."""


class Form(Pane):
    """A form: Enter answers the chosen row; space chooses the next of several answers."""

    NUMBER = 4

    def __init__(self, glyphs: Glyphs, choice: Choice, *, id: str) -> None:
        super().__init__(glyphs, id=id)
        self.choice = choice
        self.source: SourceRow | None = None
        """The chosen source."""
        self.limit = ""
        """The configured limit of reading, and where it comes from; empty: there is none."""
        self.found: set[str] = set()
        """Which of `libraries` and `icloud` were found, so that they are asked about."""

    @property
    def questions(self) -> list[str]:
        """The questions to ask now."""
        asked = {name for name in ("libraries", "icloud") if name in self.found or getattr(self.choice, name)}
        return [name for name in QUESTIONS if name not in ("libraries", "icloud") or name in asked]

    @property
    def chosen(self) -> str:
        """The question in the chosen row."""
        questions = self.questions
        return questions[min(self.cursor, len(questions) - 1)]

    def answer(self, question: str) -> str:
        """The current answer to a question."""
        if question in SHOWN_ONLY:
            return self.limit
        if question in OF_A_CARD:
            return str(getattr(self.source, question, ""))
        if question == "also":
            return os.pathsep.join(self.choice.also)
        if question == "exclude":
            return ", ".join(self.choice.exclude)
        if question == "location":
            return self.choice.location_of(self.source)
        return str(getattr(self.choice, question))

    def content(self, room: Room) -> Rows:
        """A row for each question."""
        rows = tuple((self._row(name, room, number == room.cursor),) for number, name in enumerate(self.questions))
        whose = f"; label and note: {room.glyphs.text(self.source.name)}" if self.source else ""
        preset = f"preset {room.glyphs.text(self.choice.preset)}; " if self.choice.preset else ""
        return Rows(
            title="WHERE AND HOW", aside=f"{preset}{drawn(self.screen, 'enter')} changes{whose}", rows=rows
        )

    def _row(self, question: str, room: Room, chosen: bool) -> Line:
        glyphs = room.glyphs
        mark = (">", "title") if chosen and room.focused else (" ", "")
        answer = self.answer(question)
        needed = question in REQUIRED and not answer
        told = CHOICES[question].get(answer, answer) if question in CHOICES else answer
        text = (glyphs.text(told), "") if told else (QUESTIONS[question], "warn" if needed else "dim")
        name = (f"{LABELS.get(question, question):<11}", "bold" if needed else "dim")
        return crop(line(mark, name, text), room.width, utf8=glyphs.utf8)
