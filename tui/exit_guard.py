"""Exiting at once, whatever the app is doing: on SIGTERM, SIGHUP, and when the terminal is gone."""

import os
import signal
import sys
import termios
import threading
from collections.abc import Callable
from types import FrameType

from tui.console.exits import Exit

EXIT_TIMEOUT = 1.0
"""Seconds that the app gets to exit by itself."""

POLL_INTERVAL = 0.5
"""Seconds between two checks whether the terminal is still there."""

# Modes that the app may have switched on: bracketed paste, focus and mouse reports, the alternate screen.
_MODES = (2004, 1004, 1000, 1003, 1015, 1006, 2048, 1049)
_RESTORE = b"\x1b[<u" + b"".join(b"\x1b[?%dl" % mode for mode in _MODES) + b"\x1b[?7h\x1b[?25h"


class Leaving:
    """Watches while the app runs. `leave` asks the app to end; if it cannot, the process exits all the same.

    The engine sees the end of its connection; imports continue.
    """

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave
        self._terminal = sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
        self._before = _attributes(self._terminal)
        self._done = threading.Event()

    def watch(self) -> None:
        """Start watching; to be called in the main thread."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGHUP, self._on_signal)
        threading.Thread(target=self._watch_terminal, name="terminal", daemon=True).start()

    def done(self) -> None:
        """Stop watching, because the app has ended by itself."""
        self._done.set()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            # The terminal is gone: nobody would see what is written now, and writing could block.
            os._exit(Exit.WELL)
        threading.Thread(target=self._backstop, name="backstop", daemon=True).start()
        self._leave()

    def _backstop(self) -> None:
        """Exit the process if the app has not ended in time; it may be blocked in a write to a terminal that does
        not read."""
        if not self._done.wait(EXIT_TIMEOUT):
            restore(self._terminal, self._before)
            os._exit(Exit.WELL)

    def _watch_terminal(self) -> None:
        while not self._done.wait(POLL_INTERVAL):
            if self._before is not None and _attributes(self._terminal) is None:
                os._exit(Exit.WELL)


def restore(terminal: int, before: "list[object] | None") -> None:
    """Restore the terminal's state, without waiting for it."""
    try:
        os.set_blocking(terminal, False)
        os.write(terminal, _RESTORE)
        os.set_blocking(terminal, True)
        if before is not None:
            termios.tcsetattr(terminal, termios.TCSANOW, before)  # type: ignore[arg-type]
    except (OSError, termios.error):
        # The terminal is gone, or accepts nothing.
        return


def _attributes(terminal: int) -> "list[object] | None":
    """The terminal's settings; None when it is not a terminal (any more)."""
    try:
        return list(termios.tcgetattr(terminal))
    except (OSError, termios.error):
        return None
