"""A terminal that stops reading or goes away."""

import threading

from tui.console.render_thread import Window


class Slow:
    """A printer that waits before it shows anything."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.shown: list[int] = []
        self.notes: list[str] = []
        self.closed = False

    def show(self, newest: int, /) -> None:
        self.go.wait(10)
        self.shown.append(newest)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def close(self) -> None:
        self.closed = True


class Gone(Slow):
    """A printer whose terminal is gone."""

    def show(self, newest: int, /) -> None:
        raise OSError(5, "Input/output error")


def test_the_newest_wins_and_nobody_waits() -> None:
    printer = Slow()
    window = Window[int](printer)
    for number in range(1000):
        window.show(number)
    printer.go.set()
    window.note("bye")
    window.close()
    assert printer.shown[-1] == 999
    assert len(printer.shown) < 20
    assert printer.notes == ["bye"]
    assert printer.closed


def test_a_lost_terminal_is_no_error() -> None:
    printer = Gone()
    window = Window[int](printer)
    window.show(1)
    window.show(2)
    window.close()
    assert not printer.closed


def test_a_window_that_showed_nothing_closes() -> None:
    printer = Slow()
    Window[int](printer).close()
    assert printer.closed
