"""The app of the demo: two imports start by themselves, and nothing continues after it ends."""

from collections.abc import Callable

from core.client.client import Client
from core.config import Config
from core.models import ImportRequest
from tui.app import LadingApp
from tui.connection import Connection
from tui.demo.stage import DEMO_LOCATION, DemoStage
from tui.screens.base import Base

HINT = "Two cards are on their way. To add B002: n, choose it with space, then s."


class Beginning(Client):
    """A client that starts an import of each of `cards` when it is attached to the engine."""

    def __init__(self, settings: Config, cards: list[str]) -> None:
        super().__init__(settings)
        self._cards = cards

    async def start(self) -> None:
        """Attach and start the imports. Raises what either of them raises."""
        await super().start()
        archive = self._settings.archive or ""
        requests = [ImportRequest(source=card, archive=archive, location=DEMO_LOCATION) for card in self._cards]
        # Each import is started once, although the engine may be lost and found again.
        self._cards.clear()
        if requests:
            await self.start_imports(requests)


class DemoApp(LadingApp):
    """The app with the demo's engine and cards."""

    def __init__(self, stage: DemoStage, *, utf8: bool = True) -> None:
        super().__init__(stage.settings, beginning(stage), utf8=utf8, volumes=stage.volumes)

    def on_mount(self) -> None:
        """Show a hint. Textual calls the base class's handler, too."""
        self.set_timer(1.5, self._hint)

    def _hint(self) -> None:
        if isinstance(self.screen, Base):
            self.screen.say(HINT, "good")

    def leave(self) -> None:
        """Exit; nothing continues in the background."""
        self.exit("The demo is over, and its folder is removed.")


def beginning(stage: DemoStage) -> Callable[[], Connection]:
    """A factory of connections to the engine, the first of which starts the imports."""
    cards = [card for number, card in enumerate(stage.cards) if number != 1]
    return lambda: Beginning(stage.settings, cards)
