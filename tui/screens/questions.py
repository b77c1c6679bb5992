"""The questions before what cannot be undone."""

from core.snapshot import ImportView, MirrorView
from core.words import counted
from tui import format
from tui.console import ejecting
from tui.glyphs import Glyphs
from tui.screens.confirm import Confirm


def eject(view: ImportView, glyphs: Glyphs) -> Confirm:
    """The question before a card is ejected whose archived files cannot all be opened."""
    return Confirm(
        f"Eject {view.label}, which is {view.verdict}?",
        ejecting.asks(view.unopenable),
        "eject it",
        glyphs,
    )


def cancel(view: ImportView, glyphs: Glyphs) -> Confirm:
    """The question before an import is cancelled."""
    stays = counted(view.archived.files, "file")
    return Confirm(
        f"Cancel the import of {view.label}?",
        [
            f"{stays} ({format.size(view.archived.bytes)}) stay in the archive, with their receipt.",
            f"{counted(view.todo.files, 'file')} would not be archived: the card is not safe.",
            "The card itself is never changed.",
        ],
        "cancel the import",
        glyphs,
    )


def cancel_mirror(view: MirrorView, glyphs: Glyphs) -> Confirm:
    """The question before a mirror is cancelled."""
    return Confirm(
        f"Cancel the mirror to {view.label}?",
        ["What was brought stays there.", f"Go on later with: lading mirror {view.source} {view.target}"],
        "cancel the mirror",
        glyphs,
    )
