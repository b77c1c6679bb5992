"""lading watch: reports cards as they are put in, and the imports that rules of the configuration begin."""

import argparse
import os
from typing import TYPE_CHECKING

from tui.console.exits import Exit
from tui.console.output import Console, Output

if TYPE_CHECKING:
    from core.client.client import Client
    from core.snapshot import Arrival, ImportView, Snapshot

NAME = "watch"
HELP = "tell of cards that are put in; rules of the configuration import them by themselves"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Names each card that is put in, and what is new on it. [[auto]] rules in config.toml import cards by "
        "themselves. Ctrl-C ends the watch, not the imports. With nobody logged in the engine does the same: "
        "see `lading engine plist` and `lading engine systemd`."
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Watch until Ctrl-C."""
    import asyncio

    from core import config
    from core.client.client import Client
    from tui.console.attached import perform
    from tui.console.exits import StoppedError

    settings = config.load({}, os.environ)
    if not options.json:
        names = {rule.preset for rule in settings.auto}
        told = f"Rules: {', '.join(sorted(names))}." if names else "There are no [[auto]] rules: nothing begins."
        console.out.line(console.out.text(f"Watching for cards. {told}"))
    engine = Client(settings)
    try:
        asyncio.run(perform(engine, lambda: _watch(engine, options.json, console.out)))
    except StoppedError:
        # A watch always ends by Ctrl-C or another signal.
        return Exit.WELL
    return Exit.WELL


async def _watch(engine: "Client", json: bool, out: Output) -> None:
    import asyncio

    watching = asyncio.create_task(engine.watch_cards())
    told = ChangePrinter(json, out)
    following = asyncio.create_task(_follow(engine, told))
    try:
        done, _ = await asyncio.wait([watching, following], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        watching.cancel()
        following.cancel()
        await asyncio.gather(watching, following, return_exceptions=True)


async def _follow(engine: "Client", told: "ChangePrinter") -> None:
    from core.errors import EngineLostError

    async for snapshot in engine.snapshots():
        told.tell(snapshot)
    raise EngineLostError("the engine ended.", "Watch again: lading watch")


class ChangePrinter:
    """Prints what has changed since the previous snapshot."""

    def __init__(self, json: bool, out: Output) -> None:
        self._json = json
        self._out = out
        self._cards: dict[str, str] = {}
        self._imports: dict[str, str] | None = None

    def tell(self, snapshot: "Snapshot") -> None:
        """Print one line for each card or import that has changed."""
        cards = {card.identity: card for card in snapshot.arrivals}
        for card in cards.values():
            state = f"{card.counted} {card.starts} {card.note}"
            if self._cards.get(card.identity) != state and (card.counted or card.note):
                self._cards[card.identity] = state
                self._card(card, snapshot.time)
        for gone in self._cards.keys() - cards.keys():
            del self._cards[gone]
        now = {view.id: str(view.state) for view in snapshot.imports}
        before = now if self._imports is None else self._imports
        self._imports = now
        for view in snapshot.imports:
            if before.get(view.id) != view.state:
                self._import(view)

    def _card(self, card: "Arrival", now: float) -> None:
        from tui.console import arrivals

        if self._json:
            from tui.console.json_answers import Arrived

            self._out.json(Arrived(**{name: getattr(card, name) for name in card.__struct_fields__}))
        else:
            told = arrivals.says(card, now, "import it: lading import " + card.source)
            camera = f" ({card.camera})" if card.camera else ""
            self._out.line(self._out.text(f"{card.label}{camera}: {told}"))

    def _import(self, view: "ImportView") -> None:
        if self._json:
            from tui.console.json_answers import Turned

            self._out.json(Turned(**{name: getattr(view, name) for name in view.__struct_fields__}))
            return
        told = f"{view.verdict}: {view.verdict_reason}" if view.verdict_reason else str(view.verdict or view.state)
        told = f"{view.state}: {view.reason}" if view.reason and not view.verdict else told
        self._out.line(self._out.text(f"{view.label}: {told}  {view.id}"))
