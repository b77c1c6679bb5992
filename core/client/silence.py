"""Notices that an engine sends nothing while a command waits for it, and tells a person."""

from collections.abc import Callable
from contextlib import suppress

PULSE = 0.5
"""Seconds between two checks whether the engine has sent anything."""

ASKED = 5
"""Pulses without a message after which the engine is asked for its state. It answers that at once, however long
the work takes for which the command waits."""

SILENT = 10
"""Pulses without a message, not even an answer to that question, after which the engine counts as not
answering."""

AGAIN = "The engine answers again."

ADVICE = "See what it does: lading log; or end its process."

Tell = Callable[[str], None]

_hearers: list[Tell] = []
"""The functions given to `tell_by`, of which the last one is called."""


def tell_by(tell: Tell) -> None:
    """Have `tell` called with each message for the person, until `tell_no_more(tell)`. Of several such functions
    only the last one is called."""
    _hearers.append(tell)


def tell_no_more(tell: Tell) -> None:
    """End `tell_by(tell)`: the function that was called before it is called again."""
    if tell in _hearers:
        _hearers.remove(tell)


class Silence:
    """Counts the pulses in which the engine, process `pid` (0: not known), sent nothing.

    Pulses are counted instead of seconds, because a command that was stopped itself has received nothing either.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.pulses = 0

    def heard(self) -> None:
        """Note that the engine has sent something."""
        if self.pulses >= SILENT:
            _tell(AGAIN)
        self.pulses = 0

    def count_pulse(self) -> bool:
        """Count a pulse in which an answer was waited for. Returns whether to ask the engine for its state now."""
        self.pulses += 1
        if self.pulses == SILENT:
            _tell(f"The engine{f', process {self.pid},' if self.pid else ''} does not answer; waiting. {ADVICE}")
        return self.pulses == ASKED


def _tell(text: str) -> None:
    if _hearers:
        # If the message cannot be written, the command continues all the same.
        with suppress(OSError):
            _hearers[-1](text)
