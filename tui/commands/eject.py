"""lading eject: ejects cards and external disks, after a look at what else lies on them."""

import argparse
import os
from typing import TYPE_CHECKING

from core.errors import LadingError
from tui.console.exits import Exit, exit_for
from tui.console.output import Console, complain

if TYPE_CHECKING:
    from core.config import Config
    from core.models import Unopenable
    from core.results import CardView
    from tui.console.json_answers import Ejected
    from tui.console.named_volume import NamedVolume

NAME = "eject"
HELP = "eject cards and external disks, unless something on them is in use"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Ejects the disk of each CARD, with all volumes on it: what was written is flushed, nothing is forced. It "
        "is left while an import reads anything on that disk, or will read it again, and while an archive that is "
        "in use, or configured, lies there. On a terminal it asks first when not all archived files of a card can "
        "be opened."
    )
    parser.add_argument(
        "cards",
        nargs="+",
        metavar="CARD",
        help="the name of a card or disk, as volumes and cards list it, or a path",
    )
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Eject one after the other. What cannot be ejected keeps none of the others."""
    from core import config
    from core.errors import EjectError
    from core.volumes import eject
    from tui.console import card_list, ejecting, prompts
    from tui.console.known_cards import known_cards
    from tui.console.named_volume import named, plugged_in, went_along

    console.keep_on()
    settings = config.load({}, os.environ)
    told = known_cards(settings)
    here = plugged_in()
    wanted = {one.path: one for one in (named(text, here, told.cards) for text in options.cards)}
    archives = ejecting.held_archives(settings, told.in_use, (view.archive for view in told.snapshot.imports))
    status = Exit.WELL
    answers: list[Ejected] = []
    for one in wanted.values():
        card = card_list.of_all(card_list.of_volume(told.cards, one.identity))
        asks = ejecting.asks(_unopenable(settings, card)) if card else []
        if asks and prompts.possible(console):
            title = f"Eject {console.err.text(one.label)}, which is {card.verdict if card else ''}?"
            if not prompts.agreed(title, asks, console):
                answers.append(_not_ejected(one, EjectError("it was answered with no.")))
                status = max(status, Exit.FAILED)
                continue
        else:
            for line in asks:
                console.err.line(console.err.text(f"{one.label}: {line}"))
        try:
            if not (any(answer.ejected for answer in answers) and went_along(one)):
                eject.eject(one.source, told.in_use.sources, archives)
            answers.append(_ejected(one, card))
            if not options.json:
                console.out.line(console.out.text(ejecting.gone(one.label, answers[-1].keep, card)))
        except EjectError as error:
            complain(error, console)
            status = max(status, exit_for(error))
            answers.append(_not_ejected(one, error))
    if options.json:
        console.out.json(answers, indent=2)
    return status


def _ejected(one: "NamedVolume", card: "CardView | None") -> "Ejected":
    from core.models import Verdict
    from tui.console import ejecting
    from tui.console.json_answers import Ejected

    keep = ejecting.keep_of(card, one.identity)
    verdict = card.verdict if card else Verdict.OPEN
    return Ejected(label=one.label, path=one.path, ejected=True, verdict=verdict, keep=keep)


def _not_ejected(one: "NamedVolume", error: LadingError) -> "Ejected":
    from core.paths import display
    from tui.console.json_answers import Ejected

    title, cause, advice = map(display, (error.title, error.cause, error.advice))
    return Ejected(label=one.label, path=one.path, ejected=False, title=title, error=cause, advice=advice)


def _unopenable(settings: "Config", card: "CardView") -> "Unopenable":
    """The files of a card's newest import that cannot be opened."""
    from tui.console.one_shot import once

    return once(settings, lambda engine: engine.find(card.import_id), looking=True).unopenable
