"""Noticing that an engine answers nothing while a command waits for it, and telling a person."""

from collections.abc import Callable
from contextlib import suppress

PULSE = 0.5
"""Seconds between two looks whether anything was heard."""

ASKED = 5
"""Pulses without a word after which the engine is asked for its state, which it gives however long the work takes
that is waited for."""

SILENT = 10
"""Pulses without a word, not even to that question, after which the engine is taken to stand still."""

AGAIN = "The engine answers again."

ADVICE = "See what it does: lading log; or end its process."

Tell = Callable[[str], None]

_hearers: list[Tell] = []


def tell_by(tell: Tell) -> None:
    """From now on `tell` is called with what is noticed, until `tell_no_more`."""
    _hearers.append(tell)


def tell_no_more(tell: Tell) -> None:
    """Whoever was called before is called again."""
    if tell in _hearers:
        _hearers.remove(tell)


class Silence:
    """Counts the pulses without a word of the engine that is process `pid`, 0 where that is not known.

    Counted, not timed: a command that was stopped itself has heard nothing either.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.pulses = 0

    def heard(self) -> None:
        """The engine has sent something."""
        if self.pulses >= SILENT:
            _tell(AGAIN)
        self.pulses = 0

    def wanted(self) -> bool:
        """Another pulse has passed in which an answer is waited for; whether the engine is to be asked now."""
        self.pulses += 1
        if self.pulses == SILENT:
            _tell(f"The engine{f', process {self.pid},' if self.pid else ''} does not answer; waiting. {ADVICE}")
        return self.pulses == ASKED


def _tell(text: str) -> None:
    if _hearers:
        # Where nobody hears it, the command goes on all the same.
        with suppress(OSError):
            _hearers[-1](text)
