"""A new import: what to bring in, what would happen, where it goes; one key starts it."""

import os
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui import folders
from tui.aside import aside
from tui.choice import KNOWN, VERIFY
from tui.remembered import Remembered, remember
from tui.screens.ask import Ask
from tui.screens.base import BACK, HELP, LEAVE, bindings
from tui.screens.choosing import ANSWER, Choosing
from tui.widgets.form import CHOICES, OF_A_CARD, QUESTIONS, Form
from tui.widgets.inside import Inside
from tui.widgets.keys import Key
from tui.widgets.pane import Pane
from tui.widgets.prospect import Prospect
from tui.widgets.sources import Sources

ENTER = Key(key="enter", label="start", does="enter", about="start; a folder: open it; a question: answer it")


class NewImport(Choosing):
    """Asks; the engine is told once everything is chosen."""

    NAME = "new import"
    ABOUT = "Pick sources, see what would happen, start."
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key(key="space", label="pick", does="pick", about="pick a source, folder or file, or leave it out"),
        Key(key="a", label="all cards", does="cards", about="pick all cards"),
        Key(key="t", label="type a path", does="type", about="type or paste the path of a folder or file"),
        Key(key="right,l", label="inside", does="inside", about="see what is in a source", face="right"),
        ENTER,
        Key(key="s", label="start", does="start", about="start the import", shown=False),
        BACK,
        HELP,
        LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(KEYS),
        *(Binding(str(number), f"pane({number})", show=False) for number in range(1, 5)),
        Binding("left,h", "do('outside')", show=False),
    ]

    # Keys

    def face(self, key: Key) -> Key:
        """Enter does what is sensible in each pane."""
        if key is not ENTER:
            return key
        label = {"inside": "open", "form": "answer"}.get(self.pane.id or "", "start")
        return Key(key=key.key, label=label, does=key.does, about=key.about)

    def on_pane_chosen(self) -> None:
        """Other keys make sense in another row."""
        self.about_source()

    def why_not(self, does: str) -> str:
        """Why a key makes no sense now."""
        pane = self.pane
        if does == "cards" and not self.choice.cards:
            return "No card of a camera is plugged in."
        if does == "pick" and isinstance(pane, Sources) and self.source is None:
            return "There is nothing to pick."
        if does == "inside" and (self.source is None or not isinstance(pane, Sources | Inside)):
            return "Go to a source first: 1."
        if does == "start" or (does == "enter" and isinstance(pane, Sources | Prospect)):
            return self.choice.missing() or ("There is no engine just now." if self.lading.trouble else "")
        return ""

    def action_pane(self, number: int) -> None:
        """Go to a pane."""
        self.set_focus(next(pane for pane in self.query(Pane) if number == pane.NUMBER))

    def do_back(self) -> None:
        """First to the sources, then to the dashboard."""
        if isinstance(self.pane, Sources):
            super().do_back()
        else:
            self.set_focus(self.query_one(Sources))

    def do_outside(self) -> None:
        """Close the folder, or go back to the sources."""
        inside = self.query_one(Inside)
        node = inside.chosen
        if self.pane is inside and node is not None and node.path in inside.open:
            inside.open.discard(node.path)
            inside.draw()
        else:
            self.set_focus(self.query_one(Sources))

    def do_pick(self) -> None:
        """Pick a source, folder or file, or leave it out; in the form: the next answer."""
        pane = self.pane
        self.touched = True
        if isinstance(pane, Sources) and self.source is not None:
            self.source.toggle()
        elif isinstance(pane, Inside) and pane.chosen is not None and pane.source is not None:
            if why := pane.source.toggle_below(pane.chosen.path):
                self.say(why)
        elif isinstance(pane, Form):
            self._next_answer(pane)
        self.changed()

    def do_cards(self) -> None:
        """Pick all cards."""
        self.touched = True
        for source in self.choice.cards:
            if not source.chosen:
                source.toggle()
        self.changed()

    async def do_inside(self) -> None:
        """See what is in a source, or in the chosen folder."""
        inside, source = self.query_one(Inside), self.source
        if self.pane is inside:
            await self._open_folder()
        elif source is not None:
            if inside.source is not source:
                inside.enter(source)
                self.begin(self.list_folder(b""))
            self.set_focus(inside)

    async def _open_folder(self) -> None:
        inside = self.query_one(Inside)
        node = inside.chosen
        if node is None or not node.entry.folder:
            return
        if node.path in inside.open:
            inside.open.discard(node.path)
        else:
            inside.open.add(node.path)
            if node.path not in inside.listed:
                self.begin(self.list_folder(node.path))
        inside.draw()

    def do_type(self) -> None:
        """A path, typed or pasted."""

        def answered(path: str | None) -> None:
            if not path:
                return
            self.begin(self._add(path))

        about = "tab completes"
        self.app.push_screen(Ask("Path", "", self.glyphs, about=about, offer=folders.completions), answered)

    async def _add(self, typed: str) -> None:
        path = typed
        try:
            path = await aside(lambda: os.path.abspath(os.path.expanduser(folders.pasted(typed))), ANSWER)
            kind = await aside(lambda: folders.kind_of(path), ANSWER)
        except TimeoutError:
            kind = "It does not answer"
        if kind not in ("folder", "file"):
            self.say(f"{path}: {kind}.", "bad")
            return
        self.touched = True
        self.query_one(Sources).follow(self.choice.add(path))
        self.changed()

    async def do_enter(self) -> None:
        """Start, open, or answer."""
        pane = self.pane
        if isinstance(pane, Inside):
            await self._open_folder()
        elif isinstance(pane, Form):
            self._ask(pane)
        else:
            await self.do_start()

    async def do_start(self) -> None:
        """Tell the engine."""
        choice = self.choice
        requests = choice.requests()
        self.say("Starting.", "good")
        await self.lading.connection.start_imports(requests)
        self.lading.draw_at_once()
        answers = Remembered(archive=choice.archive, location=choice.location.strip(), operator=choice.operator)
        remember(self.lading.settings.home, answers)
        self.dismiss(None)

    # The form

    def _next_answer(self, form: Form) -> None:
        if form.chosen == "verify":
            ways = list(VERIFY)
            self.choice.verify = ways[(ways.index(self.choice.verify) + 1) % len(ways)]
        elif form.chosen == "known":
            others = list(KNOWN)
            self.choice.known = others[(others.index(self.choice.known) + 1) % len(others)]
        elif form.chosen == "libraries":
            self.choice.libraries = not self.choice.libraries
        elif form.chosen == "icloud":
            self.choice.icloud = not self.choice.icloud
        else:
            self._ask(form)

    def _ask(self, form: Form) -> None:
        question = form.chosen
        if question in CHOICES:
            self._next_answer(form)
            self.changed()
            return
        if question in OF_A_CARD and self.source is None:
            self.say("Choose the card first: 1.")
            return

        def answered(answer: str | None) -> None:
            if answer is not None:
                self._answer(question, answer)

        offer = {"archive": lambda typed: folders.completions(typed, folders=True), "location": self._places}
        asked = Ask(
            question.capitalize(),
            form.answer(question),
            self.glyphs,
            about=QUESTIONS[question],
            offer=offer.get(question),
        )
        self.app.push_screen(asked, answered)

    def _answer(self, question: str, answer: str) -> None:
        if question == "archive":
            self.choice.archive = os.path.abspath(os.path.expanduser(answer)) if answer else ""
        elif question not in OF_A_CARD:
            setattr(self.choice, question, answer)
        elif self.source is not None:
            setattr(self.source, question, answer)
        self.changed()
        self._glance()

    def _places(self, typed: str) -> list[str]:
        wanted = typed.casefold()
        return [name for name in self.locations if wanted in name.casefold()][: folders.OFFERED]
