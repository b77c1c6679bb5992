"""An engine attended by a command: ends, signals, errors."""

import asyncio
import os
import signal
from collections.abc import Sequence

import pytest

from core.client.silence import SILENT, Silence
from core.errors import EngineHeldError, UsageError
from core.models import State
from core.snapshot import Snapshot
from tests.tui.console.streams import console
from tests.tui.views import done, snapshot, view
from tui.console.attached import Signals, attend, carry_out, perform, printer
from tui.console.exits import Exit, StoppedError
from tui.console.progress import ImportLines, JsonLines, Quiet


class Fake:
    """An engine whose one import ends when it is told to."""

    def __init__(self, held: bool = False) -> None:
        self.held = held
        self.told: list[str] = []
        self.ended = asyncio.Event()
        self.view = view(id="one")

    async def start(self) -> None:
        if self.held:
            raise EngineHeldError("process 7 uses it.")
        self.told.append("start")

    async def stop(self) -> None:
        self.told.append("stop")

    async def leave(self) -> None:
        self.told.append("leave")

    async def subscribe(self) -> None: ...

    async def begin(self) -> list[str]:
        self.told.append("begin")
        return ["one"]

    async def pause_import(self, id: str, reason: str = "") -> None:
        self.told.append(f"pause {id} {reason}")
        self.view = view(id="one", state=State.PAUSED, reason=reason)

    async def wait(self, ids: Sequence[str]) -> None:
        await self.ended.wait()

    def snapshot(self) -> Snapshot:
        return snapshot(self.view, view(id="another"))

    async def end(self) -> None:
        await asyncio.sleep(0.01)
        self.view = done(id="one")
        self.ended.set()


def later(number: int) -> None:
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), number)


def test_an_import_runs_to_its_end() -> None:
    engine = Fake()

    async def begin() -> list[str]:
        engine.ending = asyncio.create_task(engine.end())  # type: ignore[attr-defined]
        return await engine.begin()

    to, told, complained = console()
    assert carry_out(engine, begin, "text", False, to) is Exit.WELL
    assert engine.told == ["start", "begin", "stop"]
    assert told.getvalue().startswith("SAFE  B002: ")
    assert complained.getvalue() == ""


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_any_signal_after_ctrl_c_leaves_at_once(
    second: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    signals = Signals()
    with signals.caught():
        signal.raise_signal(signal.SIGINT)
        assert left == []
        signal.raise_signal(second)
    assert left == [Exit.PAUSED]


async def test_a_second_signal_that_only_detaches_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    signals = Signals()
    with signals.caught():
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)
    assert left == []
    assert signals.lost


async def test_an_engine_that_stands_still_is_told_between_the_figures() -> None:
    engine, (to, _, complained) = Fake(), console()

    async def begin() -> list[str]:
        quiet = Silence(0)
        for _ in range(SILENT):
            quiet.count_pulse()
        engine.ended.set()
        return await engine.begin()

    await attend(engine, begin, Quiet(to.err))
    assert complained.getvalue().startswith("The engine does not answer;")


@pytest.mark.promise(36)
def test_nothing_begun_is_a_failure() -> None:
    engine = Fake()

    async def begin() -> list[str]:
        engine.ended.set()
        return []

    to, _, complained = console()
    assert carry_out(engine, begin, "text", False, to) is Exit.FAILED
    assert complained.getvalue() == "Nothing was begun.\n"


def test_an_interrupt_pauses() -> None:
    engine = Fake()

    async def begin() -> list[str]:
        later(signal.SIGINT)
        return await engine.begin()

    to, told, complained = console()
    assert carry_out(engine, begin, "text", False, to) is Exit.PAUSED
    assert engine.told == ["start", "begin", "pause one by Ctrl-C", "stop"]
    assert told.getvalue().startswith("PAUSED  B002: by Ctrl-C.\n")
    assert told.getvalue().endswith("go on with: lading resume one\n")
    assert complained.getvalue() == "Pausing. Ctrl-C once more leaves at once.\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("early", [True, False])
async def test_what_takes_the_terminal_away_pauses_nothing(number: int, early: bool) -> None:
    engine = Fake()

    async def begin() -> list[str]:
        later(number)
        if early:
            await asyncio.sleep(30)
        return await engine.begin()

    with pytest.raises(StoppedError, match="Detached: "):
        await attend(engine, begin, Quiet(console()[0].err))
    assert engine.told == ["start", *([] if early else ["begin"]), "leave", "stop"]
    assert signal.getsignal(number) is signal.SIG_DFL


async def test_a_terminal_that_hangs_up_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        signals = Signals()
        signals.watch()
        assert not signals.stop.is_set()
        os.close(ours)
        signals.watch()
        assert signals.lost
        assert signals.stop.is_set()


async def test_a_signal_before_an_import_began_stops_the_command() -> None:
    engine = Fake()

    async def begin() -> list[str]:
        later(signal.SIGINT)
        await asyncio.sleep(30)
        raise AssertionError

    with pytest.raises(StoppedError, match="by Ctrl-C"):
        await attend(engine, begin, Quiet(console()[0].err))
    assert engine.told == ["start", "stop"]


async def test_the_second_interrupt_leaves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr("tui.console.attached.os._exit", left.append)
    signals = Signals()
    with signals.caught():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
        assert left == []
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
    assert left == [3]


async def test_an_ignored_hangup_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals().caught():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_errors_of_the_engine_come_through() -> None:
    engine = Fake()

    async def begin() -> list[str]:
        raise UsageError("no source was given.")

    with pytest.raises(UsageError):
        await attend(engine, begin, Quiet(console()[0].err))
    assert engine.told == ["start", "stop"]
    engine = Fake(held=True)
    with pytest.raises(EngineHeldError):
        await attend(engine, begin, Quiet(console()[0].err))
    assert engine.told == []


async def test_work_is_done_by_a_running_engine() -> None:
    engine = Fake()

    async def work() -> str:
        return "".join(engine.told)

    assert await perform(engine, work) == "start"
    assert engine.told == ["start", "stop"]


def test_the_printer_fits_what_is_written_to() -> None:
    piped, _, _ = console()
    assert isinstance(printer("text", False, piped), Quiet)
    assert isinstance(printer("json", False, piped), JsonLines)
    assert isinstance(printer("json", True, piped), Quiet)
    piped.out.terminal = True
    assert isinstance(printer("text", False, piped), ImportLines)
    assert isinstance(printer("text", True, piped), Quiet)
