"""A new import: what to import, what would happen, where it goes; one key starts it."""

import os
from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.binding import Binding, BindingType

from core.config import VARIABLES
from core.snapshot import Arrival
from core.threads import aside
from core.words import counted
from tui import path_completion
from tui.last_answers import Remembered, places, recall, remember
from tui.screens.base import BACK, HELP, LEAVE, bindings
from tui.screens.prompt import Ask
from tui.screens.source_contents import LIST_TIMEOUT
from tui.screens.source_picker import Choosing
from tui.widgets.dry_run_pane import Prospect
from tui.widgets.form import CHOICES, OF_A_CARD, QUESTIONS, REQUIRED, SHOWN_ONLY, Form
from tui.widgets.keys import Key
from tui.widgets.pane import Pane
from tui.widgets.source_tree import Inside
from tui.widgets.sources import Sources

START = Key(key="s", label="start", does="start", about="start the import", shown=False)

ENTER = Key(key="enter", label="start", does="enter", about="start; a folder: open it; a question: answer it")

PRESET = Key(
    key="p", label="preset", does="preset", about="the next preset of the configuration, or none", shown=False
)


SEARCH = Key(
    key="slash", label="search", does="search", about="inside: go to the next name with some words", shown=False
)
NEXT = Key(key="n", label="next", does="next", about="inside: the next name with those words", shown=False)
ORDER = Key(
    key="o", label="order", does="order", about="inside: by name, the largest first, the newest first", shown=False
)


class NewImport(Choosing):
    """Collects the choices; the engine gets its requests when everything is chosen."""

    NAME = "new import"
    ABOUT = "Pick sources, see what would happen, start."
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key(key="space", label="pick", does="pick", about="pick a source, folder or file, or leave it out"),
        ENTER,
        START,
        PRESET,
        Key(key="right,l", label="inside", does="inside", about="see what is in a source", face="right"),
        SEARCH,
        NEXT,
        ORDER,
        Key(key="a", label="all cards", does="cards", about="pick all cards"),
        Key(key="t", label="type a path", does="type", about="type or paste the path of a folder or file"),
        BACK,
        HELP,
        LEAVE,
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(KEYS),
        *(Binding(str(number), f"pane({number})", show=False) for number in range(1, 5)),
        Binding("left,h", "do('outside')", show=False),
    ]

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (56, "-wide"), (110, "-roomy")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-middle"), (30, "-tall"), (36, "-high")]  # noqa: RUF012 - Textual's

    def __init__(self, card: Arrival | None = None) -> None:
        super().__init__(card)
        self._starting = False

    # Keys

    def face(self, key: Key) -> Key:
        """The label of Enter depends on the pane."""
        if key.does in ("search", "order") and isinstance(self.pane, Inside):
            return msgspec.structs.replace(key, shown=True)
        if key.does == "preset" and self.lading.settings.presets:
            return msgspec.structs.replace(key, shown=True)
        if key.does == "start" and isinstance(self.pane, Inside | Form):
            # In these panes Enter opens a folder or answers a question, so the key that starts is shown.
            return msgspec.structs.replace(key, shown=True)
        if key.does != "enter":
            return key
        label = {"inside": "open", "form": "answer"}.get(self.pane.id or "", "start")
        return msgspec.structs.replace(key, label=label)

    def on_pane_chosen(self) -> None:
        """Update the panes and keys for another row."""
        if isinstance(self.pane, Sources):
            self.contents.forget_search()
            self.contents.show_soon(self.source)
        self.draw_about_source()

    def why_not(self, does: str) -> str:
        """Why a key cannot be used now."""
        pane = self.pane
        if does == "back" and self._starting:
            return f"It is being started, the engine has not answered yet; {self.key('leave')} leaves."
        if does == "cards" and not self.choice.cards:
            return "No card of a camera is plugged in."
        if does == "pick" and isinstance(pane, Sources) and self.source is None:
            return "There is nothing to pick."
        if does == "pick" and isinstance(pane, Prospect):
            return "Go to a source first: 1."
        if does == "pick" and isinstance(pane, Inside) and pane.chosen is None:
            return "There is nothing to pick."
        if does in ("search", "next", "order") and not self.query_one(Inside).listed:
            return "There is nothing inside."
        if does == "next" and not self.contents.words:
            return f"Search first: {self.key('search')}."
        if does == "preset" and not self.lading.settings.presets:
            return "There is no preset: write [presets.NAME] with lading config edit."
        if does in ("inside", "enter") and isinstance(pane, Inside):
            node = pane.chosen
            if node is None:
                return "There is nothing in it."
            return "" if node.entry.folder else f"It is a file: {self.key('pick')} picks it, or leaves it out."
        if does == "inside" and (self.source is None or not isinstance(pane, Sources | Inside)):
            return "Go to a source first: 1."
        if does == "start" or (does == "enter" and isinstance(pane, Sources | Prospect)):
            return self.choice.missing(self.key("pick")) or self.lading.away
        return ""

    def action_pane(self, number: int) -> None:
        """Focus a pane."""
        self.go_to(next(pane for pane in self.query(Pane) if number == pane.NUMBER))

    def do_back(self) -> None:
        """Return first to the sources, then to the dashboard."""
        if isinstance(self.pane, Sources):
            super().do_back()
        else:
            self.go_to(self.query_one(Sources))

    def do_outside(self) -> None:
        """Close the folder, or return to the sources."""
        inside = self.query_one(Inside)
        node = inside.chosen
        if self.pane is inside and node is not None and node.path in inside.open:
            inside.open.discard(node.path)
            inside.draw()
        else:
            self.go_to(self.query_one(Sources))

    def do_pick(self) -> None:
        """Pick a source, folder or file, or leave it out; in the form: choose the next answer."""
        pane = self.pane
        self.touched = True
        if isinstance(pane, Sources) and self.source is not None:
            self.source.toggle()
        elif isinstance(pane, Inside) and pane.chosen is not None and pane.source is not None:
            if why := pane.source.toggle_below(pane.chosen.path):
                self.say(why)
            else:
                pane.fold(pane.chosen.path)
        elif isinstance(pane, Form):
            self._next_answer(pane)
        self.changed()

    def do_cards(self) -> None:
        """Pick all cards."""
        self.touched = True
        others = [source for source in self.choice.cards if not source.chosen]
        for source in others:
            source.toggle()
        if not others:
            self.say("All cards are picked already.")
        elif not self.query_one(Sources).display:
            # A small screen shows one pane.
            self.say(f"{counted(len(others), 'card')} picked.", "good")
        self.changed()

    def do_inside(self) -> None:
        """Show the content of a source, or of the chosen folder."""
        if isinstance(self.pane, Inside):
            self.contents.open_or_close()
        elif self.source is not None:
            self.contents.show(self.source)
            self.go_to(self.contents.pane)

    def do_search(self) -> None:
        """Ask for words, and go to the next name inside that has them."""

        def answered(words: str | None) -> None:
            if words:
                self.begin(self.contents.search(words))

        about = "words in the name of a file or folder in this source"
        self.app.push_screen(Ask("Search", self.contents.words, self.glyphs, about=about), answered)

    async def do_next(self) -> None:
        """Go to the next name with the same words; folders above it are opened."""
        await self.contents.go_to_next()

    def do_order(self) -> None:
        """Show what is inside in the next order."""
        self.contents.order_next()

    def do_preset(self) -> None:
        """Take the answers of the next preset; after the last preset, those without a preset."""
        settings = self.lading.settings
        names = ["", *settings.presets]
        name = names[(names.index(self.choice.preset) + 1) % len(names)]
        if not name:
            last = recall(settings.home)
            self.choice.archive, self.choice.also = last.archive, last.also
            self.choice.location = last.location
        self.choice.take(settings, name)
        self.say(f"Preset {name}." if name else "No preset.", "good")
        self.changed()
        self.surveys.glance()

    def do_type(self) -> None:
        """Enter paths, typed or pasted; if one of them cannot be used, none is added, and the question stays."""
        offered = places(self.lading.settings)
        found: list[str] = []

        async def check(typed: str) -> str:
            try:
                paths = await aside(lambda: path_completion.paths_in(typed) if typed else [], LIST_TIMEOUT)
                kinds = await aside(lambda: {path: path_completion.kind_of(path) for path in paths}, LIST_TIMEOUT)
            except TimeoutError:
                kinds = {"": "It does not answer"}
            for path, kind in kinds.items():
                if kind not in ("folder", "file"):
                    which = f"{os.path.basename(path)}: " if len(kinds) > 1 else ""
                    return f"{which}{kind}: correct it, or esc"
            found[:] = kinds
            return ""

        def answered(typed: str | None) -> None:
            if typed:
                self._add(found)

        def offer(text: str) -> Sequence[str]:
            return path_completion.offers(text, offered)

        about = "tab completes; several, and patterns such as *.MP4"
        self.app.push_screen(Ask("Path", "", self.glyphs, about=about, offer=offer, check=check), answered)

    def _add(self, paths: Sequence[str]) -> None:
        """Add paths that were typed."""
        home = self.lading.settings.home
        self.touched = True
        for path in paths:
            remember(home, recall(home).with_place(path))
            self.query_one(Sources).follow(self.choice.add(path))
        self.contents.show_soon(self.source)
        self.changed()

    async def do_enter(self) -> None:
        """Start the import, open the folder, or answer the question."""
        pane = self.pane
        if isinstance(pane, Inside):
            self.contents.open_or_close()
        elif isinstance(pane, Form):
            self._ask(pane)
        else:
            await self.do_start()

    async def do_start(self) -> None:
        """Start the imports."""
        choice = self.choice
        requests = choice.requests()
        self.say("Starting.", "good")
        self._starting = True
        try:
            await self.lading.connection.start_imports(requests)
        finally:
            self._starting = False
        self.lading.draw_at_once()
        last = recall(self.lading.settings.home).with_archive(choice.archive)
        answers = Remembered(
            archive=choice.archive,
            also=choice.also,
            location=choice.location.strip(),
            operator=choice.operator,
            preset=choice.preset,
            archives=last.archives,
            places=last.places,
        )
        remember(self.lading.settings.home, answers)
        self.started = True
        self._leave_started()

    def on_screen_resume(self) -> None:
        """Draw; what was started while another screen was on top is not shown any more."""
        super().on_screen_resume()
        self._leave_started()

    def _leave_started(self) -> None:
        if self.started and self.app.screen is self:
            self.dismiss(None)

    # The form

    def _next_answer(self, form: Form) -> None:
        if form.chosen in CHOICES:
            self.choice.choose_next(form.chosen)
        else:
            self._ask(form)

    def _ask(self, form: Form) -> None:
        question = form.chosen
        if question in SHOWN_ONLY:
            by = origin if (origin := self.limit_from()) in VARIABLES else "read_limit with lading config edit"
            self.say(f"It holds for all imports: change {by}.")
            return
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

        before = form.answer(question)
        offer = {
            "archive": lambda typed: self._archives(typed, before),
            "also": _last_of_several,
            "location": self._places,
        }
        asked = Ask(
            question.capitalize(),
            before,
            self.glyphs,
            about=QUESTIONS[question],
            offer=offer.get(question),
        )
        self.app.push_screen(asked, answered)

    def _answer(self, question: str, answer: str) -> None:
        if question not in OF_A_CARD:
            self.choice.answer(question, answer)
        elif self.source is not None:
            setattr(self.source, question, answer)
        self.changed()
        self.surveys.glance()
        form = self.query_one(Form)
        if missing := [name for name in REQUIRED if not form.answer(name)]:
            # Go to the next question that needs an answer.
            form.choose(form.questions.index(missing[0]))
        elif answer and not self.why_not("start"):
            self.say(f"All is answered: {self.key('start')} starts.", "good")

    def _archives(self, typed: str, before: str) -> Sequence[str]:
        """Recent archives as long as the text is empty or unchanged; else completions of it."""
        recent = recall(self.lading.settings.home).archives
        return recent if typed == before else path_completion.offers(typed, recent, folders=True)

    def _places(self, typed: str) -> list[str]:
        wanted = typed.casefold()
        if typed == self.choice.location:
            # The text is unchanged, so all locations are offered.
            wanted = ""
        return [name for name in self.locations if wanted in name.casefold()]


def _last_of_several(typed: str) -> list[str]:
    """Completions of the last of several folders, which os.pathsep separates."""
    before, sep, last = typed.rpartition(os.pathsep)
    return [before + sep + path for path in path_completion.completions(last, folders=True)]
