"""A thread that shows the newest snapshot, so that a terminal which stops reading blocks nothing else."""

import threading
from typing import Generic, Protocol, TypeVar

from core.client import silence

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Printer(Protocol[T_contra]):
    """Draws for a Window; its methods raise OSError when the terminal is gone."""

    def show(self, newest: T_contra, /) -> None:
        """Show the newest state."""

    def note(self, text: str) -> None:
        """Show a message between states."""

    def close(self) -> None:
        """Erase what was drawn, for the final lines."""


class Window(Generic[T]):
    """Shows the newest state when the terminal accepts it; states that were replaced before that are skipped."""

    def __init__(self, printer: Printer[T]) -> None:
        self._printer = printer
        self._change = threading.Condition()
        self._newest: T | None = None
        self._notes: list[str] = []
        self._ended = False
        self.fault: OSError | None = None
        """Why nothing is shown any more; None while it is."""
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._thread.start()
        # Only this thread may write while lines are redrawn in place, so it shows the message of a silent engine,
        # too.
        silence.tell_by(self.note)

    def show(self, newest: T) -> None:
        """Replace the state to be shown."""
        with self._change:
            self._newest = newest
            self._change.notify()

    def note(self, text: str) -> None:
        """Show a message between states."""
        with self._change:
            self._notes.append(text)
            self._change.notify()

    def close(self) -> None:
        """Show the last state and stop; waits for the terminal."""
        silence.tell_no_more(self.note)
        with self._change:
            self._ended = True
            self._change.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._step():
                pass
            self._printer.close()
        except OSError as error:
            # The terminal is gone, but the import continues.
            self.fault = error

    def _step(self) -> bool:
        with self._change:
            while not (self._newest is not None or self._notes or self._ended):
                self._change.wait()
            newest, self._newest = self._newest, None
            notes, self._notes = self._notes, []
            more = not self._ended
        for text in notes:
            self._printer.note(text)
        if newest is not None:
            self._printer.show(newest)
        return more or newest is not None or bool(notes)
