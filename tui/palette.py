"""The command palette: what it finds for the words that a person types."""

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

ABOUT_SCORE = 0.01
"""The score of a command of which only the description fits: it comes after those whose names do."""


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
