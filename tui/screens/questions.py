"""The questions before a card is ejected, or an import or mirror is cancelled. They are written again while they
are asked, because the import or mirror goes on."""

from collections.abc import Callable, Sequence

from core.snapshot import ImportView, MirrorView
from core.words import counted
from tui import format
from tui.console import ejecting
from tui.glyphs import Glyphs
from tui.screens.confirm import Confirm


def eject_question(newest: Callable[[], ImportView], glyphs: Glyphs) -> Confirm:
    """The question before a card is ejected whose archived files cannot all be opened. `newest`: the import as it
    is now."""

    def asked() -> tuple[str, Sequence[str]]:
        view = newest()
        return f"Eject {view.label}, which is {view.verdict}?", ejecting.asks(view.unopenable)

    return Confirm(asked, "eject it", glyphs)


def cancel_question(newest: Callable[[], ImportView], glyphs: Glyphs) -> Confirm:
    """The question before an import is cancelled. `newest`: the import as it is now."""

    def asked() -> tuple[str, Sequence[str]] | None:
        view = newest()
        stay = "stays" if view.archived.files == 1 else "stay"
        archived = f"{counted(view.archived.files, 'file')} ({format.size(view.archived.bytes)})"
        told = [
            f"{archived} {stay} in the archive, with a receipt.",
            f"{counted(view.todo.files, 'file')} would not be archived: the card is not safe.",
            "The card itself is never changed.",
        ]
        return (f"Cancel the import of {view.label}?", told) if view.ended is None else None

    return Confirm(asked, "cancel the import", glyphs)


def cancel_mirror_question(newest: Callable[[], MirrorView], glyphs: Glyphs) -> Confirm:
    """The question before a mirror is cancelled. `newest`: the mirror as it is now."""

    def asked() -> tuple[str, Sequence[str]] | None:
        view = newest()
        told = ["What was brought stays there.", f"Go on later with: lading mirror {view.source} {view.target}"]
        return (f"Cancel the mirror to {view.label}?", told) if view.ended is None else None

    return Confirm(asked, "cancel the mirror", glyphs)
