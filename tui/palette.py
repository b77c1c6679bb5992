"""The command palette: what it finds for the words that a person types."""

from collections.abc import Iterator
from typing import Any

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tui.screens.base import Base
from tui.screens.tasks import TASK_ENTRIES, begin

ABOUT_SCORE = 0.01
"""The score of a command of which only the description fits: it comes after those whose names do."""

KEYS_LEFT_OUT = ("pane", "back")
"""Actions that are no commands: `pane` needs a number, and `back` leads to where Esc in the palette leads."""


def commands_of(screen: Base[Any]) -> Iterator[SystemCommand]:
    """The actions of a screen's keys, the tasks on the archive, and the choice of a theme where there are
    colours."""
    for key in screen.own_keys():
        if key.does not in KEYS_LEFT_OUT:
            does = key.does
            yield SystemCommand(
                f"{key.label} ({key.drawn})",
                key.about,
                lambda does=does: screen.call_later(screen.action_do, does),
            )
    for entry in TASK_ENTRIES:
        yield SystemCommand(entry.name, entry.about, lambda entry=entry: screen.call_later(begin, screen, entry))
    if not screen.lading.ansi_color:
        about = "other colours, until the app is left; theme = NAME in config.toml keeps them"
        yield SystemCommand("theme", about, screen.lading.action_change_theme)


class Commands(Provider):
    """The app's commands for the screen below, by their name or by a word of their description."""

    async def discover(self) -> Hits:
        """All commands, while nothing is typed."""
        for name, about, run, _ in sorted(self.app.get_system_commands(self.screen), key=lambda one: one.title):
            yield DiscoveryHit(name, run, help=about)

    async def search(self, query: str) -> Hits:
        """The commands that fit; a single row that says so if there are none."""
        matcher, found = self.matcher(query), False
        for name, about, run, _ in self.app.get_system_commands(self.screen):
            score = matcher.match(name)
            if score > 0 or query.casefold() in about.casefold():
                found = True
                yield Hit(max(score, ABOUT_SCORE), matcher.highlight(name), run, help=about)
        if not found:
            # Content, because what was typed is no markup.
            yield Hit(1.0, Content(f"Nothing fits {query}."), lambda: None)
